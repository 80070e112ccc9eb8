"""The readers of a ring, how they read and how they wait.

[RING-6 to RING-8, RING-11, RING-12, RING-16, RING-18 to RING-24, RING-26, RING-28, RING-31 to RING-39, RING-43,
RING-44, RING-52 to RING-55]
"""

import math
import time
from array import array
from collections.abc import Iterator
from functools import partial
from typing import Self

from rusted_ring.reference.arguments import as_seconds, as_text, check_not_negative, check_seconds
from rusted_ring.reference.cursor import ReaderPosition, backlog_of, caught_up, delivered, is_lapped, joined, lag_of
from rusted_ring.reference.once import becoming, check_unmade
from rusted_ring.reference.ring import ReaderPlace, RingBuffer, Waiter, new_waiter
from rusted_ring.reference.step import Found
from rusted_ring.reference.waiting import until
from rusted_ring.reference.writer import as_ring
from rusted_ring.vocabulary.arguments import as_number, check_between
from rusted_ring.vocabulary.errors import EndOfStream, Lagged, RingClosed
from rusted_ring.vocabulary.event import EventBatch, PooledEvent
from rusted_ring.vocabulary.keywords import by_keyword
from rusted_ring.vocabulary.modes import GATED, LATEST, OLDEST
from rusted_ring.vocabulary.unpicklable import Unpicklable


class Reader(Unpicklable):
    """A reader of a ring, which gets copies of events in order [RING-6, RING-28].

    In a gated ring it holds the writer back until it is closed, evicted or collected [RING-14].
    """

    __slots__ = ("__weakref__", "_place", "_ring", "_token")

    _place: ReaderPlace
    _ring: RingBuffer

    @by_keyword
    def __init__(self, ringbuffer: RingBuffer, *, start: str = OLDEST, cursor: int | None = None) -> None:
        """Join a ring [RING-16].

        Args:
            ringbuffer: the ring.
            start: `"oldest"`, the oldest event retained, or `"latest"`, the next event to be published.
            cursor: in an overwriting ring, the sequence number to begin at instead, 0 to `write_cursor` [RING-18].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such start, or no reader can begin at `cursor`.
            ReadersFull: every place of the gated ring is taken [RING-21].
        """
        ring = as_ring(ringbuffer)
        as_text("start", start)
        wanted = None if cursor is None else as_number("cursor", cursor)
        if start not in (OLDEST, LATEST):
            raise ValueError(f"start is {start!r}: no such place; give {OLDEST!r} or {LATEST!r}")
        if wanted is not None and ring.mode == GATED:
            raise ValueError(
                f"cursor is {wanted}: a gated ring's readers begin at {OLDEST!r} or {LATEST!r}; give start alone"
            )

        def look() -> Found[None]:
            check_unmade(self, "_place")
            published = ring._published
            if wanted is None:
                begin = published if start == LATEST else ring._oldest()
            else:
                check_between(
                    "cursor",
                    wanted,
                    0,
                    published,
                    "give the sequence number of an event that was published, or of the next one",
                )
                begin = wanted
            place = ReaderPlace(joined(begin))
            token, arm = ring._step.token(partial(ring._leaving, place))
            joining = ring._joining(place)
            return None, [*becoming(self, _ring=ring, _token=token, _place=place), *joining, arm]

        ring._step.take(look)

    def _check_open(self) -> None:
        """Make sure that the reader is in its ring.

        Raises:
            ForkedCopy: the process was forked since [ERR-8].
            RingClosed: it was closed or evicted [RING-56, RING-20].
        """
        self._ring._step.check()
        if self._place.closed or self._place.evicted:
            end = "evicted" if self._place.evicted else "closed"
            raise RingClosed(f"reader is {self!r}: it was {end}; make a new Reader of the ring")

    def _look(self, limit: int, waiter: Waiter) -> Found[tuple[int, list[PooledEvent]]]:
        """Find the cursor and the events from there on, and move on behind them [RING-7, RING-26].

        Where the first event is no longer retained, the cursor moves to one that is [RING-11].

        Args:
            limit: the most events.
            waiter: what is to be woken where there are none.

        Raises:
            RingClosed: the reader was closed or evicted.
        """
        self._check_open()
        ring, place, count = self._ring, self._place, self._ring._step.count
        position, oldest = place.position, ring._oldest()
        if limit == 0:
            return (position.cursor, []), []
        if is_lapped(position, oldest):
            return Lagged(oldest - position.cursor, oldest), [*ring._moving(place, caught_up(position, oldest))]
        events = [
            ring._event(position.cursor + number)
            for number in range(min(limit, lag_of(ring._published, position.cursor)))
        ]
        if events:
            return (position.cursor, events), [*ring._moving(place, delivered(position, len(events)))]
        if ring._ended:
            reason = "as a writer was closed with end=True; stop reading"
            return EndOfStream(f"reader is {self!r}, at the end of the stream: no event will follow, {reason}"), []
        return (position.cursor, []), [*ring._waiting(place, waiter, count)]

    def _in_time(self, limit: int, timeout: float | None) -> tuple[int, list[PooledEvent]]:
        """Return the cursor and the events from there on, none where none comes in time [RING-26, RING-31, RING-35].

        Raises:
            RingClosed: the reader was closed or evicted, or is while it waits.
            EndOfStream: the stream has ended, or does while it waits.
            Lagged: events were overwritten.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        waiter = new_waiter()
        while True:
            first, events = self._ring._step.take(partial(self._look, limit, waiter))
            if events or limit == 0 or not self._ring._wait(waiter, until):
                return first, events

    def next(self, timeout: float | None = 0) -> PooledEvent | None:
        """Return the next event, or None where there is none in time [RING-7, RING-31].

        Args:
            timeout: seconds to wait where there is none; 0 does not wait, None waits for ever.

        Raises:
            RingClosed: the reader was closed or evicted, or is while it waits [RING-56, RING-20, RING-32].
            EndOfStream: the stream has ended, and all of it was read [RING-39].
            TypeError: `timeout` is neither None nor a real number.
            ValueError: `timeout` is below 0 or not a number [RING-38].
            Lagged: events were overwritten; the next call goes on at the oldest one retained [RING-11].
        """
        self._check_open()
        seconds = check_seconds("timeout", as_seconds("timeout", timeout))
        _, events = self._in_time(1, seconds)
        return events[0] if events else None

    def next_many(self, limit: int, timeout: float | None = 0) -> EventBatch:
        """Return what as many calls of `next()` would, up to the first None [RING-26].

        Args:
            limit: the most events to return.
            timeout: seconds to wait for the first of them; 0 does not wait, None waits for ever [RING-31].

        Raises:
            RingClosed: the reader was closed or evicted, or is while it waits [RING-56, RING-20, RING-32].
            EndOfStream: the stream has ended, and all of it was read [RING-39].
            TypeError: `limit` is not an integer, or `timeout` neither None nor a real number.
            ValueError: `limit` is below 0, or `timeout` is or is not a number [RING-38].
            Lagged: events were overwritten; the next call goes on at the oldest one retained [RING-11].
        """
        self._check_open()
        number, wanted = as_number("limit", limit), as_seconds("timeout", timeout)
        check_not_negative("limit", number)
        seconds = check_seconds("timeout", wanted)
        return _batch(*self._in_time(number, seconds))

    def skip_to_latest(self, keep: int = 1) -> int:
        """Skip all events published but the newest ones, and return how many were skipped [RING-43, RING-44].

        Args:
            keep: how many of the newest events are left to read.

        Raises:
            RingClosed: the reader was closed or evicted [RING-56, RING-20].
            TypeError: `keep` is not an integer.
            ValueError: `keep` is below 0.
        """
        self._check_open()
        number = as_number("keep", keep)
        check_not_negative("keep", number)

        def look() -> Found[int]:
            self._check_open()
            position = self._place.position
            newest = self._ring._published - number
            if newest <= position.cursor:
                return 0, []
            return newest - position.cursor, [*self._ring._moving(self._place, caught_up(position, newest))]

        return self._ring._step.take(look)

    def fileno(self) -> int:
        """Return a descriptor that is readable if there may be an event, only to be waited on [RING-35, RING-53].

        Raises:
            RingClosed: the reader was closed or evicted.
            OSError: the system gave no descriptors.
        """

        def look() -> Found[int]:
            self._check_open()
            return self._ring._bell_of(self._place)

        return self._ring._step.take(look)

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
        self._ring._step.check()
        return self._place.position

    @property
    def start(self) -> int:
        """The cursor that the reader began with [RING-12, RING-16]."""
        return self._position.start

    @property
    def cursor(self) -> int:
        """The sequence number of the reader's next event [RING-7]."""
        return self._position.cursor

    @property
    def delivered(self) -> int:
        """How many events the reader returned [RING-12]."""
        return self._position.delivered

    @property
    def skipped(self) -> int:
        """How many events the reader missed or skipped [RING-11, RING-12, RING-43]."""
        return self._position.skipped

    @property
    def lag(self) -> int:
        """How many events the reader is behind, those it can no longer get included [RING-22]."""
        self._check_open()
        return self._ring._step.see(lambda: lag_of(self._ring._published, self.cursor))

    @property
    def backlog(self) -> int:
        """How many events are retained that the reader has not read [RING-23]."""
        self._check_open()
        return self._ring._step.see(lambda: backlog_of(self._ring._published, self.cursor, self._ring.capacity))

    @property
    def backpressure_ratio(self) -> float:
        """The part of the ring that the reader has yet to read, 0.0 to 1.0 [RING-24]."""
        return self.backlog / self._ring.capacity

    @property
    def at_eof(self) -> bool:
        """Whether the stream has ended, and nothing of it is left to read [RING-39]."""
        self._check_open()
        return self._ring._step.see(lambda: self._ring._ended and self.cursor == self._ring._published)

    def evict(self) -> None:
        """Take the reader out of its gated ring, from any thread; once it is out, do nothing [RING-20].

        Raises:
            ValueError: the ring is an overwriting one, which no reader holds back.
        """
        if self._ring.mode != GATED:
            raise ValueError(f"ringbuffer is {self._ring!r}: no reader holds it back; close() the reader instead")

        def look() -> Found[None]:
            if self._place.closed:
                return None, []
            return None, [partial(setattr, self._place, "evicted", True), *self._ring._leaving(self._place)]

        self._ring._step.take(look)

    def close(self) -> None:
        """Leave the ring; a second time, do nothing [RING-19]."""
        if self._ring._step.is_forked:
            self._place.closed = True
            return

        def look() -> Found[None]:
            return None, [partial(setattr, self._place, "closed", True), *self._ring._leaving(self._place)]

        self._ring._step.take(look)

    @property
    def closed(self) -> bool:
        """Whether the reader was closed [RING-19]."""
        return self._place.closed

    @property
    def evicted(self) -> bool:
        """Whether the reader was evicted [RING-20]."""
        return self._place.evicted

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
        cursor = self._place.position.cursor
        return f"Reader({self._ring!r}, cursor={cursor}, closed={self.closed}, evicted={self.evicted})"


def _batch(first_sequence: int, events: list[PooledEvent]) -> EventBatch:
    """Return events as columns [RING-26]."""
    return EventBatch(
        first_sequence,
        memoryview(b"".join(event.data for event in events)),
        memoryview(array("I", [len(event.data) for event in events])),
        memoryview(array("I", [event.event_type for event in events])),
    )
