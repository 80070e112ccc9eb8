"""The readers of a ring: reading, and waiting for events.

[RING-6 to RING-8, RING-11, RING-12, RING-16, RING-18 to RING-24, RING-26, RING-28, RING-31 to RING-39, RING-43,
RING-44, RING-52 to RING-55, RING-71, RING-74, RING-79]
"""

import math
import time
from array import array
from collections.abc import Iterator
from functools import partial
from typing import Self

from rusted_ring.reference.arguments import as_seconds, as_text, check_not_negative, check_seconds
from rusted_ring.reference.cursor import (
    ReaderPosition,
    backlog_of,
    caught_up,
    contiguous,
    delivered,
    is_lapped,
    joined,
    lag_of,
)
from rusted_ring.reference.in_place import Peek, ending_at_close, lend_slots
from rusted_ring.reference.monitor import Found
from rusted_ring.reference.once import check_uninitialized, initializing
from rusted_ring.reference.ring import ReaderRegistration, RingBuffer, Waiter, new_waiter
from rusted_ring.reference.waiting import until
from rusted_ring.vocabulary.arguments import as_instance, as_number, check_between
from rusted_ring.vocabulary.errors import EndOfStream, Lagged, PeekOpen, RingClosed, RingError
from rusted_ring.vocabulary.event import EventBatch, PooledEvent
from rusted_ring.vocabulary.keywords import by_keyword
from rusted_ring.vocabulary.modes import GATED, LATEST, OLDEST
from rusted_ring.vocabulary.unpicklable import Unpicklable


class Reader(Unpicklable):
    """A reader of a ring: it returns copies of the events in order [RING-6, RING-28].

    In a gated ring no event is overwritten that a reader has not read, until the reader is closed, evicted or
    garbage-collected [RING-14].
    """

    __slots__ = ("__weakref__", "_registration", "_ring", "_sentinel")

    _registration: ReaderRegistration
    _ring: RingBuffer
    _sentinel: object

    @by_keyword
    def __init__(self, ringbuffer: RingBuffer, *, start: str = OLDEST, cursor: int | None = None) -> None:
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
        ring = as_instance("ringbuffer", ringbuffer, RingBuffer, "a RingBuffer")
        as_text("start", start)
        wanted = None if cursor is None else as_number("cursor", cursor)
        if start not in (OLDEST, LATEST):
            raise ValueError(f"start is {start!r}: not a start of a reader; pass {OLDEST!r} or {LATEST!r}")
        if wanted is not None and ring.mode == GATED:
            raise ValueError(
                f"cursor is {wanted}: a reader of a gated ring cannot begin at a cursor; leave it out, and pass "
                f"start={OLDEST!r} or {LATEST!r}"
            )

        def look() -> Found[None]:
            check_uninitialized(self, "_registration")
            published = ring._published
            if wanted is None:
                begin = published if start == LATEST else ring._oldest()
            else:
                check_between(
                    "cursor",
                    wanted,
                    0,
                    published,
                    "pass the sequence number of a published event, or of the next one",
                )
                begin = wanted
            registration = ReaderRegistration(joined(begin))
            sentinel, arm = ring._monitor.deferred_finalizer(partial(ring._leaving, registration))
            changes = initializing(self, _ring=ring, _sentinel=sentinel, _registration=registration)
            return None, [*changes, *ring._joining(registration), arm]

        ring._monitor.run(look)

    def _check_open(self) -> None:
        """Make sure that the reader can read.

        Raises:
            ForkedCopy: a parent process made the reader [ERR-8].
            RingClosed: the reader was closed or evicted [RING-56, RING-20].
        """
        self._ring._monitor.check_process()
        if self._registration.closed or self._registration.evicted:
            end = "evicted" if self._registration.evicted else "closed"
            raise RingClosed(f"reader is {self!r}: it was {end}; make a new Reader of the ring")

    def _check_free(self) -> None:
        """Make sure that the reader can read or skip events; called within a step.

        Raises:
            RingClosed: the reader was closed or evicted.
            PeekOpen: a peek of the reader is open [RING-74].
        """
        self._check_open()
        if self._registration.lent is not None:
            remedy = "release it first, and its views"
            raise PeekOpen(f"reader is {self!r}: a peek of it is open; {remedy}")

    def _look(self, limit: int, waiter: Waiter, *, stays: bool = False) -> Found[tuple[int, list[PooledEvent]]]:
        """Return the cursor and the next events, and the changes that move the cursor past them [RING-7, RING-26].

        If the first event is no longer retained, return `Lagged` and move the cursor to the oldest event that is
        [RING-11]. If there is no event, the changes prepare to wait.

        Args:
            limit: the most events.
            waiter: the lock that the thread will sleep on if there is no event.
            stays: whether the cursor is to stay where it is, before the events.

        Raises:
            RingClosed: the reader was closed or evicted.
            PeekOpen: a peek of the reader is open.
        """
        self._check_free()
        ring, registration, version = self._ring, self._registration, self._ring._monitor.version
        position, oldest = registration.position, ring._oldest()
        if limit == 0:
            return (position.cursor, []), []
        if is_lapped(position, oldest):
            return Lagged(oldest - position.cursor, oldest), [*ring._moving(registration, caught_up(position, oldest))]
        events = [
            ring._event(position.cursor + number)
            for number in range(min(limit, lag_of(ring._published, position.cursor)))
        ]
        if events:
            moving = () if stays else ring._moving(registration, delivered(position, len(events)))
            return (position.cursor, events), [*moving]
        if ring._ended:
            reason = "a writer was closed with end=True, and no event will follow; stop reading"
            return EndOfStream(f"reader is {self!r}, at the end of the stream: {reason}"), []
        return (position.cursor, []), [*ring._preparing_wait(registration, waiter, version)]

    def _in_time(self, limit: int, timeout: float | None) -> tuple[int, list[PooledEvent]]:
        """Return the cursor and the next events, none if none comes before the timeout [RING-26, RING-31, RING-35].

        Raises:
            RingClosed: the reader was closed or evicted, before the call or while it waited.
            EndOfStream: the stream ended, before the call or while it waited.
            Lagged: events were overwritten.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        waiter = new_waiter()
        while True:
            first, events = self._ring._monitor.run(partial(self._look, limit, waiter))
            if events or limit == 0 or not self._ring._wait(waiter, until):
                return first, events

    def next(self, timeout: float | None = 0) -> PooledEvent | None:
        """Return the next event, or None if there is none before the timeout [RING-7, RING-31].

        Args:
            timeout: the most seconds to wait for an event; 0 does not wait, None waits for ever.

        Raises:
            RingClosed: the reader was closed or evicted, before the call or while it waited [RING-56, RING-20,
                RING-32].
            EndOfStream: the stream has ended, and all of it was read [RING-39].
            TypeError: `timeout` is neither None nor a real number.
            ValueError: `timeout` is below 0 or NaN [RING-38].
            Lagged: events were overwritten; the next call returns the oldest event retained [RING-11].
            PeekOpen: a peek of the reader is open [RING-74].
        """
        self._check_open()
        seconds = check_seconds("timeout", as_seconds("timeout", timeout))
        _, events = self._in_time(1, seconds)
        return events[0] if events else None

    def next_many(self, limit: int, timeout: float | None = 0) -> EventBatch:
        """Return the events that `limit` calls of `next()` would return, up to the first None or `Lagged` [RING-26].

        Args:
            limit: the most events to return.
            timeout: the most seconds to wait for the first event; 0 does not wait, None waits for ever [RING-31].

        Raises:
            RingClosed: the reader was closed or evicted, before the call or while it waited [RING-56, RING-20,
                RING-32].
            EndOfStream: the stream has ended, and all of it was read [RING-39].
            TypeError: `limit` is not an integer, or `timeout` is neither None nor a real number.
            ValueError: `limit` is below 0, or `timeout` is below 0 or NaN [RING-38].
            Lagged: events were overwritten; the next call returns the oldest events retained [RING-11].
            PeekOpen: a peek of the reader is open [RING-74].
        """
        self._check_open()
        number, wanted = as_number("limit", limit), as_seconds("timeout", timeout)
        check_not_negative("limit", number)
        seconds = check_seconds("timeout", wanted)
        return _batch(*self._in_time(number, seconds))

    def peek(self, limit: int = 1, timeout: float | None = 0) -> Peek | None:
        """Return the next events of a gated ring where they lie, without a copy [RING-71].

        The reader stays where it is, and the writer cannot overwrite the events, until the peek is released.

        Args:
            limit: the most events; the peek also ends with the event in the ring's last slot.
            timeout: the most seconds to wait for an event; 0 does not wait, None waits for ever [RING-31].

        Returns:
            A peek of one event or more; None if there was no event before the timeout.

        Raises:
            RingClosed: the reader was closed or evicted, before the call or while it waited [RING-56, RING-20,
                RING-32].
            EndOfStream: the stream has ended, and all of it was read [RING-39].
            TypeError: `limit` is not an integer, or `timeout` is neither None nor a real number.
            ValueError: the ring is an overwriting one [RING-79], `limit` is below 1, or `timeout` is below 0 or NaN.
            PeekOpen: a peek of the reader is open [RING-74].
        """
        self._check_open()
        number, wanted = as_number("limit", limit), as_seconds("timeout", timeout)
        if number < 1:
            raise ValueError(f"limit is {number}: below 1; pass the most events to peek at")
        seconds = check_seconds("timeout", wanted)
        ring, registration = self._ring, self._registration
        if ring.mode != GATED:
            why = "its writer may overwrite an event that is being read"
            raise ValueError(f"ringbuffer is {ring!r}: {why}; call next(), or make a ring with mode={GATED!r}")
        until = math.inf if seconds is None else time.monotonic() + seconds
        waiter = new_waiter()

        def look() -> Found[Peek | None]:
            most = contiguous(registration.position.cursor, ring.capacity, number)
            found, changes = self._look(most, waiter, stays=True)
            if isinstance(found, RingError):
                return found, changes
            _, events = found
            if not events:
                return None, changes
            slots, lending = lend_slots(ring, registration, len(events), self._sentinel)
            return Peek._holding(ring, registration, slots, events), lending

        while True:
            peek = ring._monitor.run(look)
            if peek is not None or not ring._wait(waiter, until):
                return peek

    def skip_to_latest(self, keep: int = 1) -> int:
        """Skip all published events except the newest, and return how many were skipped [RING-43, RING-44].

        Args:
            keep: how many of the newest events not to skip.

        Raises:
            RingClosed: the reader was closed or evicted [RING-56, RING-20].
            TypeError: `keep` is not an integer.
            ValueError: `keep` is below 0.
            PeekOpen: a peek of the reader is open [RING-74].
        """
        self._check_open()
        number = as_number("keep", keep)
        check_not_negative("keep", number)

        def look() -> Found[int]:
            self._check_free()
            position = self._registration.position
            newest = self._ring._published - number
            if newest <= position.cursor:
                return 0, []
            return newest - position.cursor, [*self._ring._moving(self._registration, caught_up(position, newest))]

        return self._ring._monitor.run(look)

    def fileno(self) -> int:
        """Return a descriptor that is readable if there may be an event; wait on it, but do not read or close it.

        [RING-35, RING-53]

        Raises:
            RingClosed: the reader was closed or evicted.
            OSError: the system has no descriptors left.
        """

        def look() -> Found[int]:
            self._check_open()
            return self._ring._descriptor_of(self._registration)

        return self._ring._monitor.run(look)

    def __aiter__(self) -> Self:
        self._check_open()
        return self

    async def __anext__(self) -> PooledEvent:
        try:
            return await until(self.next, self)
        except EndOfStream:
            raise StopAsyncIteration from None

    def __iter__(self) -> Iterator[PooledEvent]:
        self._check_open()
        return self

    def __next__(self) -> PooledEvent:
        try:
            event = self.next()
        except EndOfStream:
            raise StopIteration from None
        if event is None:
            raise StopIteration
        return event

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring [RING-16]."""
        self._check_open()
        return self._ring

    @property
    def _position(self) -> ReaderPosition:
        self._ring._monitor.check_process()
        return self._registration.position

    @property
    def start(self) -> int:
        """The reader's first cursor [RING-12, RING-16]."""
        return self._position.start

    @property
    def cursor(self) -> int:
        """The sequence number of the reader's next event [RING-7]."""
        return self._position.cursor

    @property
    def delivered(self) -> int:
        """The number of events that the reader returned [RING-12]."""
        return self._position.delivered

    @property
    def skipped(self) -> int:
        """The number of events that the reader missed or skipped [RING-11, RING-12, RING-43]."""
        return self._position.skipped

    @property
    def lag(self) -> int:
        """The number of published events that the reader has not read or skipped, overwritten ones too [RING-22]."""
        self._check_open()
        return self._ring._monitor.read(lambda: lag_of(self._ring._published, self.cursor))

    @property
    def backlog(self) -> int:
        """The number of retained events that the reader has not read [RING-23]."""
        self._check_open()
        return self._ring._monitor.read(lambda: backlog_of(self._ring._published, self.cursor, self._ring.capacity))

    @property
    def backpressure_ratio(self) -> float:
        """The backlog divided by the capacity, 0.0 to 1.0 [RING-24]."""
        return self.backlog / self._ring.capacity

    @property
    def at_eof(self) -> bool:
        """Whether the stream has ended, and all of it was read [RING-39]."""
        self._check_open()
        return self._ring._monitor.read(lambda: self._ring._ended and self.cursor == self._ring._published)

    def evict(self) -> None:
        """Unregister the reader from its gated ring, from any thread; a second call does nothing [RING-20].

        Raises:
            ValueError: the ring is an overwriting one, whose writer does not wait for readers.
        """
        if self._ring.mode != GATED:
            raise ValueError(
                f"ringbuffer is {self._ring!r}: its writer does not wait for readers; close() the reader instead"
            )

        def look() -> Found[None]:
            if self._registration.closed:
                return None, []
            registration = self._registration
            return None, [partial(setattr, registration, "evicted", True), *self._ring._leaving(registration)]

        self._ring._monitor.run(look)

    def close(self) -> None:
        """Leave the ring, and end the reader's peek; a second call does nothing [RING-19, RING-77].

        Raises:
            ViewsOutstanding: a view of the reader's peek is alive [RING-75].
        """
        if self._ring._monitor.is_forked:
            self._registration.closed = True
            return

        def look() -> Found[None]:
            registration = self._registration
            ending = ending_at_close(registration, evicted=registration.evicted)
            closing = partial(setattr, registration, "closed", True)
            return None, [*ending, closing, *self._ring._leaving(registration)]

        self._ring._monitor.run(look)

    @property
    def closed(self) -> bool:
        """Whether the reader was closed [RING-19]."""
        return self._registration.closed

    @property
    def evicted(self) -> bool:
        """Whether the reader was evicted [RING-20]."""
        return self._registration.evicted

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: object, error: object, traceback: object) -> None:
        self.close()

    def __repr__(self) -> str:
        cursor = self._registration.position.cursor
        return f"Reader({self._ring!r}, cursor={cursor}, closed={self.closed}, evicted={self.evicted})"


def _batch(first_sequence: int, events: list[PooledEvent]) -> EventBatch:
    """Return events as a batch of columns [RING-26]."""
    return EventBatch(
        first_sequence,
        memoryview(b"".join(event.data for event in events)),
        memoryview(array("I", [len(event.data) for event in events])),
        memoryview(array("I", [event.event_type for event in events])),
    )
