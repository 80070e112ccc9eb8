"""Rings of events, their one writer and their readers [RING-1 to RING-38]."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Literal, NoReturn, Self

from rusted_ring.native._arguments import (
    U31_LIMIT,
    U32_LIMIT,
    U64_LIMIT,
    batch,
    between,
    event,
    integer,
    says,
    seconds,
    wrong_type,
    wrong_value,
)
from rusted_ring.native._core import CData, ffi, hold, join_reader, lib, made_once, open_writer, owned, quick
from rusted_ring.native._waiting import Tasks, deadline, left_until
from rusted_ring.native.pointers import RingPtr, Unpicklable
from rusted_ring.reference.errors import (
    Lagged,
    LayoutError,
    PayloadTooLarge,
    ReadersFull,
    RingClosed,
    WriterTaken,
)
from rusted_ring.reference.event import EventBatch, PooledEvent
from rusted_ring.reference.parameters import MAX_RING_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rusted_ring.native._arguments import Batch

_BUSY = lib.RRB_BUSY
_MODES = ("overwrite", "gated")
_STARTS = ("oldest", "latest")
_AT_CURSOR = 2
_MOST_READERS = 1_024


def _asked(question: Callable[[CData], int], handle: CData) -> int:
    """Ask a writer or reader, and again while a call of another thread that gave up the GIL is using it."""
    while (answer := question(handle)) == -_BUSY:
        time.sleep(0)
    return answer


class RingBuffer:
    """A ring of events from one writer to many readers [RING-1, RING-3]."""

    __slots__ = ("__weakref__", "_capacity", "_cdata", "_mode", "_owner", "_size")

    def __init__(
        self,
        size: int,
        capacity: int,
        *,
        mode: Literal["overwrite", "gated"] = "overwrite",
        max_readers: int = 16,
        max_ring_bytes: int = MAX_RING_BYTES,
    ) -> None:
        """Make an empty ring [RING-29].

        Args:
            size: most bytes of a payload, an integer or an `EventSize`.
            capacity: slots.
            mode: "overwrite", or "gated" by its slowest reader [RING-10, RING-14].
            max_readers: places for readers of a gated ring.
            max_ring_bytes: most bytes of the ring's storage [LAYOUT-7].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such mode.
            LayoutError: a number is out of its bounds [RING-29], or the storage above `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system gave no memory.
        """
        made_once(self)
        numbers = integer("size", size), integer("capacity", capacity)
        if not isinstance(mode, str):
            raise wrong_type("mode", mode, f"a {type(mode).__name__}, not a str", 'pass "overwrite" or "gated"')
        places, limit = integer("max_readers", max_readers), integer("max_ring_bytes", max_ring_bytes)
        self._size = _shape("size", numbers[0], U31_LIMIT)
        self._capacity = _shape("capacity", numbers[1], U32_LIMIT)
        if mode not in _MODES:
            raise wrong_value("mode", mode, "no mode of a ring", 'pass "overwrite" or "gated"')
        self._mode = mode
        _shape("max_readers", places, _MOST_READERS)
        if mode == "overwrite":
            places = 0
        wanted = quick.rrb_ring_bytes(self._size, self._capacity, places)
        if wanted > limit:
            raise LayoutError(
                f"max_ring_bytes is {limit}: the ring's storage would be {wanted} bytes; "
                f"lower size or capacity, or pass max_ring_bytes={wanted}"
            )
        limit = min(limit, U64_LIMIT)
        status = ffi.new("int *")
        made = lib.rrb_ring_create(self._size, self._capacity, mode == "gated", places, limit, status)
        if not made:
            raise MemoryError
        self._cdata: CData = made
        self._owner = owned("ring", made)

    def __repr__(self) -> str:
        return f"RingBuffer({self._size}, {self._capacity}, mode={self._mode!r})"

    @property
    def size(self) -> int:
        """Most bytes of a payload [RING-9]."""
        return self._size

    @property
    def capacity(self) -> int:
        """Slots of the ring [RING-2]."""
        return self._capacity

    @property
    def mode(self) -> str:
        """What happens to slow readers: "overwrite" or "gated" [RING-10, RING-14]."""
        return self._mode

    @property
    def max_readers(self) -> int:
        """Places for readers; 0 in an overwriting ring [RING-21]."""
        return quick.rrb_ring_max_readers(self._cdata)

    @property
    def write_cursor(self) -> int:
        """Number of events published [RING-1]."""
        return quick.rrb_ring_write_cursor(self._cdata)

    @property
    def retained(self) -> int:
        """Number of events that a reader joining at "oldest" would find [RING-30]."""
        return quick.rrb_ring_retained(self._cdata)

    @property
    def readers(self) -> int:
        """Readers registered now; 0 in an overwriting ring [RING-21]."""
        return quick.rrb_ring_readers(self._cdata)

    def memory_usage(self) -> int:
        """Return the bytes of the ring's storage [LAYOUT-6]."""
        return quick.rrb_ring_memory_usage(self._cdata)


def _shape(name: str, value: int, limit: int) -> int:
    if not 1 <= value <= limit:
        raise LayoutError(f"{name} is {value}: not from 1 to {limit}; pass a number in that range")
    return value


def _ring_argument(value: object) -> RingBuffer:
    if isinstance(value, RingBuffer):
        return value
    raise wrong_type("ringbuffer", value, f"a {type(value).__name__}, not a RingBuffer", "pass a native RingBuffer")


class Writer(hold.Writer, Unpicklable):
    """The one writer of a ring [RING-4]."""

    __slots__ = ("__weakref__", "_closed", "_handle", "_ringbuffer")

    def __init__(self, ringbuffer: RingBuffer) -> None:
        """Take the writer's place of a ring [RING-4].

        Raises:
            TypeError: `ringbuffer` is not a ring.
            WriterTaken: the ring has a writer.
        """
        made_once(self)
        ring = self._ringbuffer = _ring_argument(ringbuffer)
        self._closed = False
        made = open_writer(ring._owner)
        if isinstance(made, int):
            if made == lib.RR_WRITER_TAKEN:
                raise WriterTaken(f"ringbuffer is {ring!r}: it has a writer; close that one first")
            raise MemoryError
        self._handle: CData = ffi.cast("rrb_writer *", made.address())
        self._owner = made

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring that is written [RING-4]."""
        self._check("ringbuffer")
        return self._ringbuffer

    @property
    def closed(self) -> bool:
        """Whether the writer was closed [RING-27]."""
        return self._closed

    @says("Writer.add")
    def _event_arguments(self, data: object, event_type: object = 0) -> tuple[memoryview, int]:
        """Return the arguments of `add` as it takes them, or raise what it raises [RING-27, ALLOC-5, ERR-4]."""
        self._check("add")
        view, kind, _ = event(data, event_type)
        return view, kind

    @says("Writer.add_many")
    def _batch_arguments(self, data: object, *, lengths: object = None, event_types: object = 0) -> Batch:
        """Return the arguments of `add_many` as it takes them, or raise what it raises [RING-25, RING-27, ERR-4]."""
        self._check("add_many")
        return batch(data, lengths, event_types)

    def close(self) -> None:
        """Give the writer's place back; what was published stays readable; again: nothing [RING-4, RING-27]."""
        self._closed = True
        _asked(quick.rrb_writer_close, self._handle)

    def _check(self, use: str) -> None:
        if self._closed:
            raise RingClosed(f"Writer is closed: {use} came after its end; make another Writer of the ring")

    def _refuse_batch(self, status: int, at: int, count: int, length: int) -> NoReturn:
        self._refuse(status, "add_many", "data" if count == 1 else f"event {at} of data", length)

    def _refuse(self, status: int, use: str, name: str, length: int) -> NoReturn:
        if status == lib.RR_PAYLOAD_TOO_LARGE:
            size = self._ringbuffer.size
            remedy = "split the payload or make a ring of larger events"
            raise PayloadTooLarge(f"{name} is {length} bytes: more than the ring's size of {size}; {remedy}")
        if status == lib.RR_RING_CLOSED:
            self._closed = True
            self._check(use)
        raise AssertionError(f"status {status} for {name} of {length} bytes")

    def __enter__(self) -> Self:
        self._check("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Writer of {self._ringbuffer!r}{', closed' if self._closed else ''}>"


class Reader(hold.Reader, Unpicklable):
    """A reader of a ring, with a cursor of its own [RING-6]."""

    __slots__ = ("__weakref__", "_closed", "_handle", "_ringbuffer", "_tasks")

    def __init__(
        self,
        ringbuffer: RingBuffer,
        *,
        start: Literal["oldest", "latest"] = "oldest",
        cursor: int | None = None,
    ) -> None:
        """Begin to read a ring [RING-16].

        Args:
            ringbuffer: the ring.
            start: "oldest", the oldest event retained, or "latest", the next event to be published.
            cursor: the sequence number to begin with, in an overwriting ring [RING-18].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such start, or the cursor is not from 0 to `write_cursor`, or the ring is gated.
            ReadersFull: every place of the gated ring is taken [RING-21].
        """
        made_once(self)
        ring = _ring_argument(ringbuffer)
        if not isinstance(start, str):
            raise wrong_type("start", start, f"a {type(start).__name__}, not a str", 'pass "oldest" or "latest"')
        at = None if cursor is None else integer("cursor", cursor)
        if start not in _STARTS:
            raise wrong_value("start", start, "no place to start", 'pass "oldest" or "latest"')
        if at is None:
            made = join_reader(ring._owner, _STARTS.index(start), 0)
        else:
            if ring.mode == "gated":
                why = "a reader of a gated ring cannot begin at a cursor"
                raise wrong_value("cursor", at, why, 'leave it out and pass start="oldest" or "latest"')
            between("cursor", at, 0, ring.write_cursor, "pass a cursor that was published")
            made = join_reader(ring._owner, _AT_CURSOR, at)
        if isinstance(made, int):
            if made == lib.RR_READERS_FULL:
                why = f"its {ring.max_readers} places for readers are taken"
                raise ReadersFull(f"ringbuffer is {ring!r}: {why}; close or evict a reader, or raise max_readers")
            raise MemoryError
        self._ringbuffer = ring
        self._closed = False
        self._tasks = Tasks()
        self._handle: CData = ffi.cast("rrb_reader *", made.address())
        self._owner = made

    @says("Reader.next")
    def _next_waiting(self, timeout: object = 0) -> PooledEvent | None:
        """Take what `next` was called with, if it was with anything; wait or raise what it raises [RING-31, ERR-4]."""
        self._check("next")
        until = deadline("timeout", seconds("timeout", timeout))
        event = super().next()
        while event is None and self._wait(until):
            event = super().next()
        return event

    @says("Reader.next_many")
    def _next_many_waiting(self, limit: object, timeout: object = 0) -> EventBatch:
        """As `_next_waiting`, for `next_many` with anything but a limit of its usual type [RING-26, RING-31, ERR-4]."""
        self._check("next_many")
        wanted, longest = integer("limit", limit), seconds("timeout", timeout)
        if wanted < 0:
            raise wrong_value("limit", wanted, "below 0", "pass how many events to return at the most")
        until = deadline("timeout", longest)
        batch = super().next_many(wanted)
        while not batch and wanted and self._wait(until):
            batch = super().next_many(wanted)
        return batch

    def _wait(self, until: int) -> bool:
        """Wait for an event or the reader's end, without the GIL; False where the time is up [RING-32, RING-34].

        Nothing is kept from other threads meanwhile, so that who comes back has to look. A signal ends it early: its
        handler runs before the next look [RING-33].
        """
        return lib.rrb_wait(self._handle, self.cursor, left_until(until)) != lib.RR_EMPTY

    def fileno(self) -> int:
        """Return a descriptor that is readable where there may be an event, to be waited on and nothing else [RING-35].

        Raises:
            RingClosed: the reader was closed or evicted.
            OSError: the system gave no descriptor.
            MemoryError: the system gave no memory.
        """
        self._check("fileno")
        while (found := quick.rrb_descriptor(self._handle)) == -_BUSY:
            time.sleep(0)
        if found >= 0:
            return found
        if found == -lib.RR_SYSTEM:
            raise OSError(ffi.errno, f"no descriptor for {self!r}: {os.strerror(ffi.errno)}; close some")
        if found == -lib.RR_RING_CLOSED:
            self._check("fileno")
        raise MemoryError

    def __aiter__(self) -> Self:
        self._check("aiter")
        return self

    async def __anext__(self) -> PooledEvent:
        while (event := self.next()) is None:
            await self._tasks.readable(self.fileno())
        return event

    def __iter__(self) -> Self:
        self._check("iter")
        return self

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring that is read [RING-6]."""
        self._check("ringbuffer")
        return self._ringbuffer

    @property
    def start(self) -> int:
        """The cursor that the reader began with [RING-12]."""
        return _asked(quick.rrb_start, self._handle)

    @property
    def cursor(self) -> int:
        """Sequence number of the next event [RING-7]."""
        return _asked(quick.rrb_cursor, self._handle)

    @property
    def delivered(self) -> int:
        """Events delivered [RING-12]."""
        return _asked(quick.rrb_delivered, self._handle)

    @property
    def skipped(self) -> int:
        """Events missed [RING-12]."""
        return _asked(quick.rrb_skipped, self._handle)

    @property
    def lag(self) -> int:
        """Events published and not yet read or skipped [RING-22]."""
        self._check("lag")
        return _asked(quick.rrb_lag, self._handle)

    @property
    def backlog(self) -> int:
        """Events retained and not yet read [RING-23]."""
        self._check("backlog")
        return _asked(quick.rrb_backlog, self._handle)

    @property
    def backpressure_ratio(self) -> float:
        """The backlog as a part of the capacity, 0.0 to 1.0 [RING-24]."""
        self._check("backpressure_ratio")
        return _asked(quick.rrb_backlog, self._handle) / self._ringbuffer.capacity

    @property
    def closed(self) -> bool:
        """Whether the reader was closed [RING-19]."""
        return self._closed

    @property
    def evicted(self) -> bool:
        """Whether the reader was evicted [RING-20]."""
        return bool(quick.rrb_reader_evicted(self._handle))

    def evict(self) -> None:
        """Take the reader out of its gated ring, from any thread; once it is out, do nothing [RING-20].

        Raises:
            ValueError: the ring is not gated.
        """
        if self._ringbuffer.mode != "gated":
            raise wrong_value("ringbuffer", self._ringbuffer, "nothing waits for its readers", "close() the reader")
        quick.rrb_reader_evict(self._handle)

    def close(self) -> None:
        """End reading; the reader no longer holds the writer back; again: nothing [RING-19]."""
        self._closed = True
        _asked(quick.rrb_reader_close, self._handle)

    def _check(self, use: str) -> None:
        if self._closed:
            raise RingClosed(f"Reader is closed: {use} came after its end; make another Reader of the ring")
        if self.evicted:
            raise RingClosed(f"Reader is evicted: {use} came after its end; make another Reader of the ring")

    def _refuse(self, status: int, use: str, skipped: int, next_sequence: int) -> NoReturn:
        if status == lib.RR_LAGGED:
            raise Lagged(skipped, next_sequence)
        if status == lib.RR_RING_CLOSED:
            self._check(use)
        raise AssertionError(f"status {status} of {use}")

    def __enter__(self) -> Self:
        self._check("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        ended = ", evicted" if self.evicted else ", closed" if self._closed else ""
        return f"<Reader of {self._ringbuffer!r} at {self.cursor}{ended}>"


hold.meet(RingPtr, Reader, PooledEvent, EventBatch)
