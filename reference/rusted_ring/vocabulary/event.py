"""Events and batches of events: rings and pools hold them, and calls return them [LAYOUT-1, RING-26, RING-28]."""

import itertools
import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeAlias, overload

from rusted_ring.vocabulary.arguments import U32_LIMIT, U64_LIMIT, buffer_view, contiguous_bytes, number_between
from rusted_ring.vocabulary.errors import PayloadTooLarge
from rusted_ring.vocabulary.layout import event_bytes
from rusted_ring.vocabulary.shown import short
from rusted_ring.vocabulary.sizes import EventSize

if TYPE_CHECKING:
    from typing_extensions import Buffer

    class _Array(Protocol):
        """An array of numpy; numpy's stubs declare it a buffer only from Python 3.12 on."""

        @property
        def __array_interface__(self) -> dict[str, Any]: ...

    Payload: TypeAlias = Buffer | _Array
else:
    Payload = object
    """The type of a payload to a type checker: any buffer, but not a string [ERR-4]."""

DESCRIPTOR = struct.Struct("=II")
"""The event descriptor: `len` and `event_type`, which follow the payload, in the machine's byte order [LAYOUT-1]."""

_NUMBER = struct.Struct("=I")
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
        return cls(bytes(number_between("size", size, 0, U32_LIMIT, "pass a payload length in bytes")))

    def pack(self, size: int | EventSize) -> bytes:
        """Return the bytes of the event in a slot of payload size `size` [LAYOUT-1].

        Args:
            size: payload size of the slot in bytes.

        Returns:
            `round64(size + 8)` bytes.

        Raises:
            TypeError: `size` is not an integer.
            ValueError: `size` is not from 1 to 4,294,967,295.
            PayloadTooLarge: the payload is longer than `size`.
        """
        room = number_between("size", size, 1, U32_LIMIT, "pass the payload size of a slot in bytes")
        if len(self.data) > room:
            raise PayloadTooLarge(
                f"data is {len(self.data)} bytes long: more than the slot's size {room}; pass a larger size"
            )
        block = bytearray(event_bytes(room))
        block[: len(self.data)] = self.data
        DESCRIPTOR.pack_into(block, room, len(self.data), self.event_type)
        return bytes(block)

    @classmethod
    def unpack(cls, block: object, size: int | EventSize) -> "PooledEvent":
        """Return the event that the bytes of a slot of payload size `size` hold [LAYOUT-1].

        Args:
            block: a buffer of `round64(size + 8)` bytes.
            size: payload size of the slot in bytes.

        Raises:
            TypeError: `block` is not a buffer, or `size` is not an integer.
            ValueError: `size` is not from 1 to 4,294,967,295, `block` has another length, or its `len` is above `size`.
        """
        with buffer_view("block", block) as view:
            room = number_between("size", size, 1, U32_LIMIT, "pass the payload size of a slot in bytes")
            found = contiguous_bytes("block", view)
        if len(found) != event_bytes(room):
            remedy = f"pass the {event_bytes(room)} bytes of a slot of payload size {room}"
            raise ValueError(f"block is {len(found)} bytes long: not the length of an event; {remedy}")
        length, event_type = DESCRIPTOR.unpack_from(found, room)
        if length > room:
            raise ValueError(
                f"block is an event of {length} bytes: more than the slot's size {room}; pass the size of its slot"
            )
        return cls(found[:length], event_type)


class EventBatch(Sequence[PooledEvent]):
    """A sequence of the events that one call returned, stored as columns [RING-26, RING-28].

    Attributes:
        first_sequence: sequence number of the first event; if the batch is empty, of the reader's next event.
    """

    __slots__ = ("_block", "_count", "_ends", "first_sequence")

    first_sequence: int
    _count: int
    # All lengths, then all event types, 4 bytes each in the machine's byte order, then the payloads. Each property
    # returns a new view, which the caller may release. The native reader reads events into such a block, and sets these
    # four attributes without a call of Python code.
    _block: bytes
    _ends: list[int] | None  # the offset of the first payload, then the end of each; None before the first index

    def __new__(cls, first_sequence: int, data: "Buffer", lengths: "Buffer", event_types: "Buffer") -> Self:
        """Copy the columns [RING-28].

        Args:
            first_sequence: sequence number of the first event.
            data: the payloads back to back.
            lengths: the length of each payload in bytes, format `I`.
            event_types: the type of each event, format `I`.

        Raises:
            TypeError: `first_sequence` is not an integer, or a column is not a buffer.
            ValueError: `first_sequence` is not from 0 to 2**64 - 1, a column is not C-contiguous, `lengths` or
                `event_types` is not of format `I`, or the three do not fit each other.
        """
        first = number_between("first_sequence", first_sequence, 0, U64_LIMIT, "pass the sequence number of an event")
        columns = []
        for name, column in (("lengths", lengths), ("event_types", event_types), ("data", data)):
            with buffer_view(name, column) as view:
                if name != "data" and view.format != "I":
                    raise ValueError(f"{name} is {view!r} of format {view.format!r}: pass an array of format 'I'")
                columns.append(contiguous_bytes(name, view))
        count, total = len(columns[0]) // 4, sum(memoryview(columns[0]).cast("I"))
        if len(columns[1]) != len(columns[0]):
            raise ValueError(
                f"event_types is {len(columns[1]) // 4} numbers for {count} events: pass one for each length"
            )
        if len(columns[2]) != total:
            raise ValueError(f"data is {len(columns[2])} bytes long: the lengths add up to {total}; pass as many bytes")
        # In __new__ and not in __init__, so that no later call changes a batch.
        self = super().__new__(cls)
        self.first_sequence, self._count, self._block, self._ends = first, count, b"".join(columns), None
        return self

    def __reduce__(self) -> tuple[type["EventBatch"], tuple[int, bytes, "array[int]", "array[int]"]]:
        return type(self), (
            *(self.first_sequence, self.data.tobytes()),
            *(array("I", self.lengths.tobytes()), array("I", self.event_types.tobytes())),
        )

    def _column(self, number: int) -> memoryview:
        """Return a column of the block: 0 for the lengths, 1 for the event types."""
        size = 4 * self._count
        return memoryview(self._block)[size * number : size * (number + 1)].cast("I")

    @property
    def data(self) -> memoryview:
        """The payloads back to back: read-only, format `B` [RING-28]."""
        return memoryview(self._block)[8 * self._count :]

    @property
    def lengths(self) -> memoryview:
        """The length of each payload in bytes: read-only, format `I` [RING-28]."""
        return self._column(0)

    @property
    def event_types(self) -> memoryview:
        """The type of each event: read-only, format `I` [RING-28]."""
        return self._column(1)

    def records(self, itemsize: int) -> memoryview:
        """Return `data` if each event is one record of a fixed size, for example for `numpy.frombuffer` [LAYOUT-9].

        Args:
            itemsize: length of a record in bytes.

        Raises:
            TypeError: `itemsize` is not an integer.
            ValueError: `itemsize` is not from 1 to 4,294,967,295, or the payload of an event has another length.
        """
        size = number_between("itemsize", itemsize, 1, U32_LIMIT, "pass the length of a record in bytes")
        lengths = self.lengths
        if lengths.tobytes() != size.to_bytes(4, sys.byteorder) * self._count:
            index = next(index for index, length in enumerate(lengths) if length != size)
            remedy = "read these events one by one, or through data and lengths"
            raise ValueError(f"itemsize is {size}: event {index} of the batch has {lengths[index]} bytes; {remedy}")
        return self.data

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> PooledEvent: ...

    @overload
    def __getitem__(self, index: slice) -> list[PooledEvent]: ...

    def __getitem__(self, index: int | slice) -> PooledEvent | list[PooledEvent]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._count))]
        number = range(self._count)[index]
        if self._ends is None:
            self._ends = list(itertools.accumulate(self.lengths, initial=8 * self._count))
        start, end = self._ends[number : number + 2]
        (event_type,) = _NUMBER.unpack_from(self._block, 4 * (self._count + number))
        return PooledEvent(self._block[start:end], event_type)

    def __iter__(self) -> Iterator[PooledEvent]:
        block = self._block
        bounds = itertools.pairwise(itertools.accumulate(self.lengths, initial=8 * self._count))
        payloads = (block[start:end] for start, end in bounds)
        # The same events as PooledEvent(...) makes, without a call of Python code for each.
        return map(_new_tuple, itertools.repeat(PooledEvent), zip(payloads, self.event_types, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EventBatch):
            return NotImplemented
        mine = self.first_sequence, self._count, self._block
        return mine == (other.first_sequence, other._count, other._block)

    __hash__ = None  # type: ignore[assignment]  # equality is by content, of up to megabytes

    def __repr__(self) -> str:
        payloads = len(self._block) - 8 * self._count
        return f"EventBatch(first_sequence={short(self.first_sequence)}, events={len(self)}, bytes={payloads})"
