"""The words for what is in a slot, a pool and a ring: events, batches of events, states and figures."""

import enum
import itertools
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from rusted_ring.reference.arguments import buffer_view, contiguous_bytes, number_between
from rusted_ring.reference.errors import PayloadTooLarge
from rusted_ring.reference.layout import event_bytes
from rusted_ring.reference.sizes import EventSize

TRAILER = struct.Struct("=II")
"""The fields `len` and `event_type` behind the payload, in the machine's byte order [LAYOUT-1]."""

_U32_LIMIT = 4_294_967_295
_new_tuple = tuple.__new__


class PooledEvent(NamedTuple):
    """An event: its payload and its type [LAYOUT-1]."""

    data: bytes
    event_type: int = 0

    @property
    def len(self) -> int:
        """The payload's length in bytes [LAYOUT-1]."""
        return len(self.data)

    @classmethod
    def zeroed(cls, size: int | EventSize) -> "PooledEvent":
        """Return an event of type 0 whose payload is `size` bytes of 0 [LAYOUT-1].

        Args:
            size: payload length in bytes.

        Raises:
            TypeError: `size` is not an integer.
            ValueError: `size` is not from 0 to 4,294,967,295.
        """
        return cls(bytes(number_between("size", size, 0, _U32_LIMIT, "give a payload length in bytes")))

    def pack(self, size: int | EventSize) -> bytes:
        """Return the event as it lies in a slot of payload size `size` [LAYOUT-1].

        Args:
            size: payload size of the slot in bytes.

        Returns:
            `round64(size + 8)` bytes.

        Raises:
            TypeError: `size` is not an integer.
            ValueError: `size` is not from 1 to 4,294,967,295.
            PayloadTooLarge: the payload is longer than `size`.
        """
        room = number_between("size", size, 1, _U32_LIMIT, "give the payload size of a slot in bytes")
        if len(self.data) > room:
            raise PayloadTooLarge(f"data is {len(self.data)} bytes: more than the slot's {room}; give a larger size")
        block = bytearray(event_bytes(room))
        block[: len(self.data)] = self.data
        TRAILER.pack_into(block, room, len(self.data), self.event_type)
        return bytes(block)

    @classmethod
    def unpack(cls, block: object, size: int | EventSize) -> "PooledEvent":
        """Return the event in the bytes of a slot of payload size `size` [LAYOUT-1].

        Args:
            block: a buffer of `round64(size + 8)` bytes.
            size: payload size of the slot in bytes.

        Raises:
            TypeError: `block` is not a buffer, or `size` not an integer.
            ValueError: `size` is not from 1 to 4,294,967,295, `block` has another length, or its `len` is above `size`.
        """
        view = buffer_view("block", block)
        room = number_between("size", size, 1, _U32_LIMIT, "give the payload size of a slot in bytes")
        found = contiguous_bytes("block", view)
        if len(found) != event_bytes(room):
            remedy = f"give the {event_bytes(room)} bytes of a slot of payload size {room}"
            raise ValueError(f"block is {len(found)} bytes: not an event's; {remedy}")
        length, event_type = TRAILER.unpack_from(found, room)
        if length > room:
            raise ValueError(f"block is of an event of {length} bytes: more than its size {room}; give the right size")
        return cls(found[:length], event_type)


class EventBatch(Sequence[PooledEvent]):
    """Events that one call read, as columns [RING-26, RING-28].

    Attributes:
        first_sequence: sequence number of the first event; of the next one to be read where the batch is empty.
    """

    __slots__ = ("_block", "_count", "_data", "_ends", "_event_types", "_lengths", "first_sequence")

    first_sequence: int
    _count: int
    # The columns are given, or are made of a block when they are first asked for: all lengths, then all event types, 4
    # bytes each in the machine's byte order, then the payloads.
    _block: bytes
    _data: memoryview | None
    _lengths: memoryview | None
    _event_types: memoryview | None
    _ends: list[int] | None  # where each payload ends; None until one is asked for

    def __init__(self, first_sequence: int, data: memoryview, lengths: memoryview, event_types: memoryview) -> None:
        """Keep the columns; the batch owns them from now on [RING-28].

        Args:
            first_sequence: sequence number of the first event.
            data: the payloads back to back.
            lengths: the length of each payload, format `I`.
            event_types: the type of each event, format `I`.
        """
        self.first_sequence = first_sequence
        self._count = len(lengths)
        self._block = b""
        self._data = data.toreadonly()
        self._lengths = lengths.toreadonly()
        self._event_types = event_types.toreadonly()
        self._ends = None

    def _column(self, place: int) -> memoryview:
        """Return a column of numbers of the block: 0 for the lengths, 1 for the event types."""
        size = 4 * self._count
        return memoryview(self._block)[size * place : size * (place + 1)].cast("I")

    @property
    def data(self) -> memoryview:
        """The payloads back to back: read-only, format `B` [RING-28]."""
        if self._data is None:
            self._data = memoryview(self._block)[8 * self._count :]
        return self._data

    @property
    def lengths(self) -> memoryview:
        """The length of each payload in bytes: read-only, format `I` [RING-28]."""
        if self._lengths is None:
            self._lengths = self._column(0)
        return self._lengths

    @property
    def event_types(self) -> memoryview:
        """The type of each event: read-only, format `I` [RING-28]."""
        if self._event_types is None:
            self._event_types = self._column(1)
        return self._event_types

    def records(self, itemsize: int) -> memoryview:
        """Return `data` for a reader of fixed-size records, such as `numpy.frombuffer`: one record an event [LAYOUT-9].

        Args:
            itemsize: bytes of a record.

        Raises:
            TypeError: `itemsize` is not an integer.
            ValueError: it is not from 1 to 4,294,967,295, or the payload of an event has another length.
        """
        size = number_between("itemsize", itemsize, 1, _U32_LIMIT, "give the bytes of a record")
        lengths = self.lengths
        if lengths.tobytes() != size.to_bytes(4, sys.byteorder) * self._count:
            place = next(place for place, length in enumerate(lengths) if length != size)
            remedy = "read such events one by one, or by data and lengths"
            raise ValueError(f"itemsize is {size}: event {place} of the batch has {lengths[place]} bytes; {remedy}")
        return self.data

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> PooledEvent: ...

    @overload
    def __getitem__(self, index: slice) -> list[PooledEvent]: ...

    def __getitem__(self, index: int | slice) -> PooledEvent | list[PooledEvent]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        place = range(self._count)[index]
        if self._ends is None:
            self._ends = list(itertools.accumulate(self.lengths))
        end = self._ends[place]
        return PooledEvent(bytes(self.data[end - self.lengths[place] : end]), self.event_types[place])

    def __iter__(self) -> Iterator[PooledEvent]:
        whole = self.data.tobytes()
        places = itertools.pairwise(itertools.accumulate(self.lengths, initial=0))
        payloads = (whole[start:end] for start, end in places)
        # Events as PooledEvent(...) makes them, without a call of Python code for each.
        return map(_new_tuple, itertools.repeat(PooledEvent), zip(payloads, self.event_types, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EventBatch):
            return NotImplemented
        return (
            self.first_sequence == other.first_sequence
            and self.lengths == other.lengths
            and self.event_types == other.event_types
            and self.data == other.data
        )

    __hash__ = None  # type: ignore[assignment]  # equality is by content, of up to megabytes

    def __repr__(self) -> str:
        return f"EventBatch(first_sequence={self.first_sequence}, events={len(self)}, bytes={len(self.data)})"


class SlotState(enum.IntEnum):
    """What a slot is [SLOT-2]."""

    FREE = 0
    LIVE = 1
    LOANED = 2


class SlotMetadata(NamedTuple):
    """What a slot word says [SLOT-14]."""

    ref_count: int
    generation: int
    state: SlotState

    @property
    def is_allocated(self) -> bool:
        """True exactly if the slot is not FREE [SLOT-14]."""
        return self.state != SlotState.FREE


class PoolStats(NamedTuple):
    """The figures of a pool [ALLOC-9].

    Attributes:
        capacity: slots of the pool.
        live: slots that are LIVE or LOANED.
        free: slots that are FREE; `live + free = capacity`.
        allocations: slots taken since the start, loans included.
        failures: calls that found the pool full.
    """

    capacity: int
    live: int
    free: int
    allocations: int
    failures: int
