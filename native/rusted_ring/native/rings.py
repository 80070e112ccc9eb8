"""Rings, their writers and their readers [RING-1 to RING-80]."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NoReturn, Self

from rusted_ring.native import _core
from rusted_ring.native._arguments import (
    batch,
    between,
    event,
    flag,
    in_name_of,
    instance,
    integer,
    not_negative,
    seconds,
    views_outstanding,
    wrong_type,
    wrong_value,
)
from rusted_ring.native._cffi import lib
from rusted_ring.native._waiting import until
from rusted_ring.vocabulary.arguments import U31_LIMIT, U32_LIMIT, U64_LIMIT
from rusted_ring.vocabulary.errors import (
    EndOfStream,
    ForkedCopy,
    Lagged,
    LayoutError,
    PayloadTooLarge,
    PeekOpen,
    ReadersFull,
    ReservationOpen,
    RingClosed,
    WriterTaken,
)
from rusted_ring.vocabulary.event import EventBatch, Payload, PooledEvent
from rusted_ring.vocabulary.keywords import by_keyword
from rusted_ring.vocabulary.modes import GATED, LATEST, OLDEST, OVERWRITE
from rusted_ring.vocabulary.profile import MAX_RING_BYTES
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    from types import TracebackType

_MODES = (OVERWRITE, GATED)
"""The modes in the order of their numbers in the core."""
_STARTS = (OLDEST, LATEST)
"""The starts of a reader in the order of their numbers in the core."""
_AT_CURSOR = 2
"""The number of a start at a cursor."""
_MAX_READERS = 1_024


class RingBuffer(_core.Ring, Unpicklable):
    """A ring of events; the event with a sequence number lies in slot `sequence mod capacity` [RING-1, RING-2, RING-3].

    In `"overwrite"` mode the writer never waits, and a slow reader loses events and learns how many. In `"gated"` mode
    the writer has no room, and may wait, while the slowest reader is `capacity` events behind.
    """

    __slots__ = ("__weakref__",)

    @by_keyword
    def __init__(
        self,
        size: int,
        capacity: int,
        *,
        mode: Literal["overwrite", "gated"] = "overwrite",
        max_readers: int = 16,
        max_ring_bytes: int = MAX_RING_BYTES,
        wait_for_readers: int = 0,
    ) -> None:
        """Make an empty ring [RING-29].

        Args:
            size: the longest payload in bytes, 1 to 2,147,483,647.
            capacity: slots, 1 to 4,294,967,295.
            mode: `"overwrite"` or `"gated"`.
            max_readers: the most readers of a gated ring at once, 1 to 1,024; an overwriting ring has no limit.
            max_ring_bytes: the limit of the ring's storage in bytes [LAYOUT-7].
            wait_for_readers: how many readers must join a gated ring before it overwrites an event [RING-45].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such mode, or `wait_for_readers` is above 0 for an overwriting ring.
            LayoutError: a number is out of its bounds, or the ring's storage is larger than `max_ring_bytes`.
            MemoryError: the system has not enough memory.
        """
        numbers = integer("size", size), integer("capacity", capacity)
        if not isinstance(mode, str):
            raise wrong_type("mode", mode, f"a {type(mode).__name__}, not a str", 'pass "overwrite" or "gated"')
        readers, limit = integer("max_readers", max_readers), integer("max_ring_bytes", max_ring_bytes)
        awaited = integer("wait_for_readers", wait_for_readers)
        _shape("size", numbers[0], U31_LIMIT)
        _shape("capacity", numbers[1], U32_LIMIT)
        if mode not in _MODES:
            raise wrong_value("mode", mode, "not a mode of a ring", 'pass "overwrite" or "gated"')
        _shape("max_readers", readers, _MAX_READERS)
        gated = _MODES.index(mode)
        if awaited and not gated:
            remedy = 'pass mode="gated", or leave wait_for_readers out'
            raise wrong_value("wait_for_readers", awaited, "an overwriting ring does not wait for readers", remedy)
        if not 0 <= awaited <= readers:
            raise LayoutError(f"wait_for_readers is {awaited}: not from 0 to max_readers {readers}; raise max_readers")
        if not gated:
            readers = 0
        wanted = lib.rr_ring_bytes(*numbers, readers)
        if wanted > limit:
            raise LayoutError(
                f"max_ring_bytes is {limit}: {numbers[1]} slots of size {numbers[0]} would take {wanted} bytes; "
                f"lower size or capacity, or pass max_ring_bytes={wanted}"
            )
        if self._make(*numbers, gated, readers, min(limit, U64_LIMIT), awaited):
            raise MemoryError

    def __repr__(self) -> str:
        return f"RingBuffer({self.size}, {self.capacity}, mode={self.mode!r})"


def _shape(name: str, value: int, limit: int) -> int:
    if not 1 <= value <= limit:
        raise LayoutError(f"{name} is {value}: not from 1 to {limit}; pass a number in that range")
    return value


def _ring_argument(value: object) -> RingBuffer:
    return instance("ringbuffer", value, RingBuffer, "a RingBuffer", "pass a native RingBuffer")


def _no_descriptor(of: Writer | Reader, status: int, error: int) -> NoReturn:
    if status == lib.RR_SYSTEM:
        why = os.strerror(error)
        raise OSError(error, f"self is {of!r}: the system has no descriptor for it ({why}); close some descriptors")
    of._check("fileno")
    raise MemoryError


class Writer(_core.Writer, Unpicklable):
    """The one writer of a ring, until it is closed or garbage-collected [RING-4]."""

    __slots__ = ("__weakref__",)

    def __init__(self, ringbuffer: RingBuffer) -> None:
        """Become the ring's writer [RING-4].

        Args:
            ringbuffer: the ring.

        Raises:
            TypeError: `ringbuffer` is not a `RingBuffer`.
            WriterTaken: the ring has a writer.
            EndOfStream: the ring's stream has ended [RING-40].
        """
        ring = _ring_argument(ringbuffer)
        status = self._open(ring)
        if status == lib.RR_WRITER_TAKEN:
            raise WriterTaken(f"ringbuffer is {ring!r}: it has a writer; close that writer first, or write through it")
        if status == lib.RR_END_OF_STREAM:
            raise EndOfStream(f"ringbuffer is {ring!r}: a writer has ended its stream; make another ring")
        if status:
            raise MemoryError

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring [RING-4]."""
        self._check("ringbuffer")
        return self._ringbuffer

    @in_name_of("Writer.add")
    def _event_arguments(
        self, data: object, event_type: object = 0, *, timeout: object = 0
    ) -> tuple[memoryview, int, float | None]:
        """Check the arguments of `add`, and return them for its fast path [RING-27, ALLOC-5, ERR-4]."""
        self._check("add")
        view, kind, _, longest = event(data, event_type, timeout=timeout)
        return view, kind, longest

    @in_name_of("Writer.add_many")
    def _batch_arguments(
        self, data: object, *, lengths: object = None, event_types: object = 0, timeout: object = 0
    ) -> tuple[object, ...]:
        """Check the arguments of `add_many`, and return them for its fast path [RING-25, RING-27, ERR-4]."""
        self._check("add_many")
        longest = seconds("timeout", timeout)
        events = batch(data, lengths, event_types)
        try:
            return (*events, not_negative("timeout", longest))
        except ValueError:
            if isinstance(events[0], memoryview):
                events[0].release()  # the error's traceback refers to it
            raise

    async def add_async(self, data: Payload, event_type: int = 0) -> None:
        """Publish an event; if there is no room, wait in the running event loop until there is [RING-50, RING-51].

        Args:
            data: as in `add`.
            event_type: as in `add`.

        Raises:
            RingClosed: the writer was closed, before the call or while it waited [RING-27, RING-48].
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
            PayloadTooLarge: the payload is longer than the ring's size [RING-9].
            ReservationOpen: a reservation of the writer is open [RING-65].
            OSError: the system has no descriptors left.
        """
        await until(lambda: self.add(data, event_type), self)

    def fileno(self) -> int:
        """Return a descriptor that is readable if there may be room; wait on it, but do not read or close it [RING-49].

        Raises:
            RingClosed: the writer was closed.
            OSError: the system has no descriptors left.
            MemoryError: the system has not enough memory.
        """
        self._check("fileno")
        return self._descriptor()

    def _refuse_descriptor(self, status: int, error: int) -> NoReturn:
        _no_descriptor(self, status, error)

    @in_name_of("Writer.reserve")
    def _reserve_arguments(self, count: object = 1, *, timeout: object = 0) -> tuple[int, float | None]:
        """Check the arguments of `reserve`, and return them for its fast path [RING-61, RING-38, ERR-4]."""
        self._check("reserve")
        wanted, longest = integer("count", count), seconds("timeout", timeout)
        if wanted < 1:
            raise wrong_value("count", wanted, "below 1", "pass the number of slots to reserve")
        return min(wanted, U64_LIMIT), not_negative("timeout", longest)

    @in_name_of("Writer.close")
    def _close_arguments(self, *, end: object = False) -> bool:
        """Check the argument of `close`, and return it [ERR-4]."""
        return flag("end", end)

    def _check(self, use: str) -> None:
        self._use(use)
        if self.closed:
            raise RingClosed(f"writer is {self!r}: {use} was used after its end; make a new Writer of the ring")

    def _refuse_batch(self, status: int, at: int, count: int, length: int) -> NoReturn:
        self._refuse(status, "add_many", "data" if count == 1 else f"event {at} of data", length)

    def _refuse(self, status: int, use: str, name: str, length: int) -> NoReturn:
        if status == lib.RR_PAYLOAD_TOO_LARGE:
            size = self._ringbuffer.size
            remedy = "split the payload, or make a ring with a larger size"
            raise PayloadTooLarge(f"{name} is {length} bytes long: more than the ring's size {size}; {remedy}")
        self._check(use)
        if status == lib.RR_BUSY:
            why, remedy = "a reservation of it is open", "commit or cancel it first, and release its views"
            raise ReservationOpen(f"writer is {self!r}: {use} was used while {why}; {remedy}")
        if status == lib.RR_BAD_ARGUMENT:
            why, remedy = (
                "a reader that was lapped may be reading its slots",
                'call add(), or make a ring with mode="gated"',
            )
            raise wrong_value("ringbuffer", self._ringbuffer, why, remedy)
        raise AssertionError(f"status {status} for {name} of {length} bytes")

    def _refuse_viewed(self) -> NoReturn:
        raise views_outstanding(f"the reservation of {self!r}", "close")

    def __enter__(self) -> Self:
        self._check("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        ring = self._ringbuffer
        return f"<Writer of {ring!r}{', closed' if ring is not None and self.closed else ''}>"


class Reader(_core.Reader, Unpicklable):
    """A reader of a ring: it returns copies of the events in order [RING-6, RING-28].

    In a gated ring no event is overwritten that a reader has not read, until the reader is closed, evicted or
    garbage-collected [RING-14].
    """

    __slots__ = ("__weakref__",)

    @by_keyword
    def __init__(
        self,
        ringbuffer: RingBuffer,
        *,
        start: Literal["oldest", "latest"] = "oldest",
        cursor: int | None = None,
    ) -> None:
        """Join a ring [RING-16].

        Args:
            ringbuffer: the ring.
            start: `"oldest"`, the oldest event retained, or `"latest"`, the next event to be published.
            cursor: in an overwriting ring, the sequence number to begin at instead, 0 to `write_cursor` [RING-18].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such start, `cursor` is not from 0 to `write_cursor`, or the ring is gated.
            ReadersFull: the gated ring has `max_readers` readers [RING-21].
        """
        ring = _ring_argument(ringbuffer)
        if not isinstance(start, str):
            raise wrong_type("start", start, f"a {type(start).__name__}, not a str", 'pass "oldest" or "latest"')
        at = None if cursor is None else integer("cursor", cursor)
        if start not in _STARTS:
            raise wrong_value("start", start, "not a start of a reader", 'pass "oldest" or "latest"')
        if at is None:
            status = self._join(ring, _STARTS.index(start), 0)
        else:
            if ring.mode == GATED:
                why = "a reader of a gated ring cannot begin at a cursor"
                raise wrong_value("cursor", at, why, 'leave it out and pass start="oldest" or "latest"')
            remedy = "pass the sequence number of a published event, or of the next one"
            between("cursor", at, 0, ring.write_cursor, remedy)
            status = self._join(ring, _AT_CURSOR, at)
        if status == lib.RR_READERS_FULL:
            why = f"{ring.max_readers} readers are registered, its max_readers"
            remedy = "close or evict a reader, or make a ring with a higher max_readers"
            raise ReadersFull(f"ringbuffer is {ring!r}: {why}; {remedy}")
        if status:
            raise MemoryError

    @in_name_of("Reader.next")
    def _next_arguments(self, timeout: object = 0) -> float | None:
        """Check the argument of `next`, and return it for its fast path [RING-31, RING-38, ERR-4]."""
        self._check("next")
        return not_negative("timeout", seconds("timeout", timeout))

    @in_name_of("Reader.next_many")
    def _next_many_arguments(self, limit: object, timeout: object = 0) -> tuple[int, float | None]:
        """Check the arguments of `next_many`, and return them for its fast path [RING-26, RING-38, ERR-4]."""
        self._check("next_many")
        wanted, longest = integer("limit", limit), seconds("timeout", timeout)
        if wanted < 0:
            raise wrong_value("limit", wanted, "below 0", "pass a number of at least 0")
        return wanted, not_negative("timeout", longest)

    @in_name_of("Reader.peek")
    def _peek_arguments(self, limit: object = 1, timeout: object = 0) -> tuple[int, float | None]:
        """Check the arguments of `peek`, and return them for its fast path [RING-71, RING-38, ERR-4]."""
        self._check("peek")
        wanted, longest = integer("limit", limit), seconds("timeout", timeout)
        if wanted < 1:
            raise wrong_value("limit", wanted, "below 1", "pass the most events to peek at")
        return wanted, not_negative("timeout", longest)

    @in_name_of("Reader.skip_to_latest")
    def _skip_arguments(self, keep: object = 1) -> int:
        """Check the argument of `skip_to_latest`, and return it for its fast path [RING-43, ERR-4]."""
        self._check("skip_to_latest")
        wanted = integer("keep", keep)
        if wanted < 0:
            raise wrong_value("keep", wanted, "below 0", "pass a number of at least 0")
        return min(wanted, U64_LIMIT)

    def fileno(self) -> int:
        """Return a descriptor that is readable if there may be an event; wait on it, but do not read or close it.

        [RING-35, RING-53]

        Raises:
            RingClosed: the reader was closed or evicted.
            OSError: the system has no descriptors left.
            MemoryError: the system has not enough memory.
        """
        self._check("fileno")
        return self._descriptor()

    def _refuse_descriptor(self, status: int, error: int) -> NoReturn:
        _no_descriptor(self, status, error)

    def __aiter__(self) -> Self:
        self._check("aiter")
        return self

    async def __anext__(self) -> PooledEvent:
        try:
            if (event := self._next_at_once()) is None:
                event = await until(self.next, self)
            return event
        except EndOfStream:
            raise StopAsyncIteration from None

    def __iter__(self) -> Self:
        self._check("iter")
        return self

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring [RING-16]."""
        self._check("ringbuffer")
        return self._ringbuffer

    def evict(self) -> None:
        """Unregister the reader from its gated ring, from any thread; a second call does nothing [RING-20].

        Raises:
            ValueError: the ring is an overwriting one, whose writer does not wait for readers.
        """
        if self._ringbuffer.mode != GATED:
            why, remedy = "its writer does not wait for readers", "close() the reader instead"
            raise wrong_value("ringbuffer", self._ringbuffer, why, remedy)
        self._evict()

    def _check(self, use: str) -> None:
        self._use(use)
        if self.closed:
            raise RingClosed(f"reader is {self!r}: {use} was used after it was closed; make a new Reader of the ring")
        if self.evicted:
            raise RingClosed(f"reader is {self!r}: {use} was used after it was evicted; make a new Reader of the ring")

    def _refuse(self, status: int, use: str, skipped: int, next_sequence: int) -> NoReturn:
        if status == lib.RR_LAGGED:
            raise Lagged(skipped, next_sequence)
        self._check(use)
        if status == lib.RR_END_OF_STREAM:
            raise EndOfStream(
                f"reader is {self!r}, at the end of the stream: a writer was closed with end=True, and no event will "
                "follow; stop reading"
            )
        if status == lib.RR_BUSY:
            why, remedy = "a peek of it is open", "release it first, and its views"
            raise PeekOpen(f"reader is {self!r}: {use} was used while {why}; {remedy}")
        if status == lib.RR_BAD_ARGUMENT:
            why, remedy = (
                "its writer may overwrite an event that is being read",
                'call next(), or make a ring with mode="gated"',
            )
            raise wrong_value("ringbuffer", self._ringbuffer, why, remedy)
        raise AssertionError(f"status {status} of {use}")

    def _refuse_viewed(self) -> NoReturn:
        raise views_outstanding(f"the peek of {self!r}", "close")

    def __enter__(self) -> Self:
        self._check("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        ring = self._ringbuffer
        if ring is None:
            return "<Reader of None>"
        ended = ", evicted" if self.evicted else ", closed" if self.closed else ""
        try:
            return f"<Reader of {ring!r} at {self.cursor}{ended}>"
        except ForkedCopy:
            return f"<Reader of {ring!r}, of the parent process{ended}>"


_core.own_methods(Writer)
_core.own_methods(Reader)
_core.register_type("Reader", Reader)
_core.register_type("EndOfStream", EndOfStream)
_core.register_type("PooledEvent", PooledEvent)
_core.register_type("EventBatch", EventBatch)
