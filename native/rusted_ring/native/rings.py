"""Rings of events, their one writer and their readers [RING-1 to RING-55]."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NoReturn, Self, cast

from rusted_ring.native import _core
from rusted_ring.native._arguments import (
    batch,
    between,
    event,
    flag,
    integer,
    not_negative,
    says,
    seconds,
    wrong_type,
    wrong_value,
)
from rusted_ring.native._cffi import lib
from rusted_ring.native._waiting import until
from rusted_ring.vocabulary.arguments import U31_LIMIT, U32_LIMIT, U64_LIMIT, is_of
from rusted_ring.vocabulary.errors import (
    EndOfStream,
    ForkedCopy,
    Lagged,
    LayoutError,
    PayloadTooLarge,
    ReadersFull,
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
"""The modes, at the numbers that the core has for them."""
_STARTS = (OLDEST, LATEST)
"""Where a reader begins, at the numbers that the core has for it."""
_AT_CURSOR = 2
_MOST_READERS = 1_024


class RingBuffer(_core.Ring, Unpicklable):
    """A ring of events from one writer to many readers [RING-1, RING-3]."""

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
            size: most bytes of a payload, an integer or an `EventSize`.
            capacity: slots.
            mode: "overwrite", or "gated" by its slowest reader [RING-10, RING-14].
            max_readers: places for readers of a gated ring.
            max_ring_bytes: most bytes of the ring's storage [LAYOUT-7].
            wait_for_readers: how many readers of a gated ring have to join before an event is overwritten [RING-45].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such mode, or an overwriting ring is to wait for readers.
            LayoutError: a number is out of its bounds [RING-29], or the storage above `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system gave no memory.
        """
        numbers = integer("size", size), integer("capacity", capacity)
        if not isinstance(mode, str):
            raise wrong_type("mode", mode, f"a {type(mode).__name__}, not a str", 'pass "overwrite" or "gated"')
        places, limit = integer("max_readers", max_readers), integer("max_ring_bytes", max_ring_bytes)
        awaited = integer("wait_for_readers", wait_for_readers)
        _shape("size", numbers[0], U31_LIMIT)
        _shape("capacity", numbers[1], U32_LIMIT)
        if mode not in _MODES:
            raise wrong_value("mode", mode, "no mode of a ring", 'pass "overwrite" or "gated"')
        _shape("max_readers", places, _MOST_READERS)
        gated = _MODES.index(mode)
        if awaited and not gated:
            remedy = 'pass mode="gated", or leave it out'
            raise wrong_value("wait_for_readers", awaited, "an overwriting ring waits for nobody", remedy)
        if not 0 <= awaited <= places:
            raise LayoutError(f"wait_for_readers is {awaited}: not from 0 to max_readers {places}; raise max_readers")
        if not gated:
            places = 0
        wanted = lib.rr_ring_bytes(*numbers, places)
        if wanted > limit:
            raise LayoutError(
                f"max_ring_bytes is {limit}: the ring's storage would be {wanted} bytes; "
                f"lower size or capacity, or pass max_ring_bytes={wanted}"
            )
        if self._make(*numbers, gated, places, min(limit, U64_LIMIT), awaited):
            raise MemoryError

    def __repr__(self) -> str:
        return f"RingBuffer({self.size}, {self.capacity}, mode={self.mode!r})"


def _shape(name: str, value: int, limit: int) -> int:
    if not 1 <= value <= limit:
        raise LayoutError(f"{name} is {value}: not from 1 to {limit}; pass a number in that range")
    return value


def _ring_argument(value: object) -> RingBuffer:
    if is_of(value, RingBuffer):
        return cast("RingBuffer", value)
    raise wrong_type("ringbuffer", value, f"a {type(value).__name__}, not a RingBuffer", "pass a native RingBuffer")


def _no_descriptor(of: Writer | Reader, status: int, error: int) -> NoReturn:
    if status == lib.RR_SYSTEM:
        raise OSError(error, f"no descriptor for {of!r}: {os.strerror(error)}; close some")
    of._check("fileno")
    raise MemoryError


class Writer(_core.Writer, Unpicklable):
    """The one writer of a ring [RING-4]."""

    __slots__ = ("__weakref__",)

    def __init__(self, ringbuffer: RingBuffer) -> None:
        """Take the writer's place of a ring [RING-4].

        Raises:
            TypeError: `ringbuffer` is not a ring.
            WriterTaken: the ring has a writer.
            EndOfStream: the ring's stream has ended [RING-40].
        """
        ring = _ring_argument(ringbuffer)
        status = self._open(ring)
        if status == lib.RR_WRITER_TAKEN:
            raise WriterTaken(f"ringbuffer is {ring!r}: it has a writer; close that one first")
        if status == lib.RR_END_OF_STREAM:
            raise EndOfStream(f"ringbuffer is {ring!r}: a writer has ended its stream; make another ring")
        if status:
            raise MemoryError

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring that is written [RING-4]."""
        self._check("ringbuffer")
        return self._ringbuffer

    @says("Writer.add")
    def _event_arguments(
        self, data: object, event_type: object = 0, *, timeout: object = 0
    ) -> tuple[memoryview, int, float | None]:
        """Return the arguments of `add` as it takes them, or raise what it raises [RING-27, ALLOC-5, ERR-4]."""
        self._check("add")
        view, kind, _, longest = event(data, event_type, timeout=timeout)
        return view, kind, longest

    @says("Writer.add_many")
    def _batch_arguments(
        self, data: object, *, lengths: object = None, event_types: object = 0, timeout: object = 0
    ) -> tuple[object, ...]:
        """Return the arguments of `add_many` as it takes them, or raise what it raises [RING-25, RING-27, ERR-4]."""
        self._check("add_many")
        longest = seconds("timeout", timeout)
        events = batch(data, lengths, event_types)
        try:
            return (*events, not_negative("timeout", longest))
        except ValueError:
            if isinstance(events[0], memoryview):
                events[0].release()  # now, since a traceback may keep it
            raise

    async def add_async(self, data: Payload, event_type: int = 0) -> None:
        """Publish an event, and wait in the event loop where there is no room for it [RING-50, RING-51].

        Args:
            data: as in `add`.
            event_type: as in `add`.

        Raises:
            RingClosed: the writer was closed, or is while it waits [RING-27, RING-48].
            TypeError: an argument has a wrong type.
            ValueError: `data` is not contiguous, or `event_type` out of bounds.
            PayloadTooLarge: the payload is longer than the ring's `size` [RING-9].
            OSError: the system gave no descriptor.
        """
        await until(lambda: self.add(data, event_type), self)

    def fileno(self) -> int:
        """Return a descriptor that is readable where there may be room, to be waited on and nothing else [RING-49].

        Raises:
            RingClosed: the writer was closed.
            OSError: the system gave no descriptor.
            MemoryError: the system gave no memory.
        """
        self._check("fileno")
        return self._descriptor()

    def _refuse_descriptor(self, status: int, error: int) -> NoReturn:
        _no_descriptor(self, status, error)

    @says("Writer.close")
    def _close_arguments(self, *, end: object = False) -> bool:
        """Return the argument of `close`, or raise what it raises [ERR-4]."""
        return flag("end", end)

    def _check(self, use: str) -> None:
        self._use(use)
        if self.closed:
            raise RingClosed(f"Writer is closed: {use} came after its end; make another Writer of the ring")

    def _refuse_batch(self, status: int, at: int, count: int, length: int) -> NoReturn:
        self._refuse(status, "add_many", "data" if count == 1 else f"event {at} of data", length)

    def _refuse(self, status: int, use: str, name: str, length: int) -> NoReturn:
        if status == lib.RR_PAYLOAD_TOO_LARGE:
            size = self._ringbuffer.size
            remedy = "split the payload or make a ring of larger events"
            raise PayloadTooLarge(f"{name} is {length} bytes: more than the ring's size of {size}; {remedy}")
        self._check(use)
        raise AssertionError(f"status {status} for {name} of {length} bytes")

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
    """A reader of a ring, with a cursor of its own [RING-6]."""

    __slots__ = ("__weakref__",)

    @by_keyword
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
        ring = _ring_argument(ringbuffer)
        if not isinstance(start, str):
            raise wrong_type("start", start, f"a {type(start).__name__}, not a str", 'pass "oldest" or "latest"')
        at = None if cursor is None else integer("cursor", cursor)
        if start not in _STARTS:
            raise wrong_value("start", start, "no place to start", 'pass "oldest" or "latest"')
        if at is None:
            status = self._join(ring, _STARTS.index(start), 0)
        else:
            if ring.mode == GATED:
                why = "a reader of a gated ring cannot begin at a cursor"
                raise wrong_value("cursor", at, why, 'leave it out and pass start="oldest" or "latest"')
            between("cursor", at, 0, ring.write_cursor, "pass a cursor that was published")
            status = self._join(ring, _AT_CURSOR, at)
        if status == lib.RR_READERS_FULL:
            why = f"its {ring.max_readers} places for readers are taken"
            raise ReadersFull(f"ringbuffer is {ring!r}: {why}; close or evict a reader, or raise max_readers")
        if status:
            raise MemoryError

    @says("Reader.next")
    def _next_arguments(self, timeout: object = 0) -> float | None:
        """Return the argument of `next` as it takes it, or raise what it raises [RING-31, RING-38, ERR-4]."""
        self._check("next")
        return not_negative("timeout", seconds("timeout", timeout))

    @says("Reader.next_many")
    def _next_many_arguments(self, limit: object, timeout: object = 0) -> tuple[int, float | None]:
        """Return the arguments of `next_many` as it takes them, or raise what it raises [RING-26, RING-38, ERR-4]."""
        self._check("next_many")
        wanted, longest = integer("limit", limit), seconds("timeout", timeout)
        if wanted < 0:
            raise wrong_value("limit", wanted, "below 0", "pass how many events to return at the most")
        return wanted, not_negative("timeout", longest)

    @says("Reader.skip_to_latest")
    def _skip_arguments(self, keep: object = 1) -> int:
        """Return the argument of `skip_to_latest` as it takes it, or raise what it raises [RING-43, ERR-4]."""
        self._check("skip_to_latest")
        wanted = integer("keep", keep)
        if wanted < 0:
            raise wrong_value("keep", wanted, "below 0", "pass how many of the newest events to leave to read")
        return min(wanted, U64_LIMIT)

    def fileno(self) -> int:
        """Return a descriptor that is readable if there may be an event, only to be waited on [RING-35, RING-53].

        Raises:
            RingClosed: the reader was closed or evicted.
            OSError: the system gave no descriptor.
            MemoryError: the system gave no memory.
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
        """The ring that is read [RING-6]."""
        self._check("ringbuffer")
        return self._ringbuffer

    def evict(self) -> None:
        """Take the reader out of its gated ring, from any thread; once it is out, do nothing [RING-20].

        Raises:
            ValueError: the ring is not gated.
        """
        if self._ringbuffer.mode != GATED:
            raise wrong_value("ringbuffer", self._ringbuffer, "nothing waits for its readers", "close() the reader")
        self._evict()

    def _check(self, use: str) -> None:
        self._use(use)
        if self.closed:
            raise RingClosed(f"Reader is closed: {use} came after its end; make another Reader of the ring")
        if self.evicted:
            raise RingClosed(f"Reader is evicted: {use} came after its end; make another Reader of the ring")

    def _refuse(self, status: int, use: str, skipped: int, next_sequence: int) -> NoReturn:
        if status == lib.RR_LAGGED:
            raise Lagged(skipped, next_sequence)
        self._check(use)
        if status == lib.RR_END_OF_STREAM:
            raise EndOfStream(
                f"Reader is at {next_sequence}, the end of the stream: no event will follow, as a writer was closed "
                "with end=True; stop reading"
            )
        raise AssertionError(f"status {status} of {use}")

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


_core.tell("Reader", Reader)
_core.tell("EndOfStream", EndOfStream)
_core.tell("PooledEvent", PooledEvent)
_core.tell("EventBatch", EventBatch)
