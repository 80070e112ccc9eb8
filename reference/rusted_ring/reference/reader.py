"""The readers of a ring, how they read and how they wait.

[RING-6 to RING-8, RING-11, RING-12, RING-16, RING-18 to RING-24, RING-26, RING-28, RING-31 to RING-38]
"""

import functools
import math
import time
from array import array
from collections.abc import Iterator
from typing import Self

from rusted_ring.reference.arguments import as_number, as_seconds, as_text, check_not_negative, check_seconds
from rusted_ring.reference.cursor import backlog_of, caught_up, delivered, is_lapped, lag_of
from rusted_ring.reference.errors import Lagged, RingClosed
from rusted_ring.reference.event import EventBatch, PooledEvent
from rusted_ring.reference.ring import GATED, ReaderPlace, RingBuffer
from rusted_ring.reference.unpicklable import Unpicklable
from rusted_ring.reference.writer import as_ring

OLDEST = "oldest"
LATEST = "latest"


class Reader(Unpicklable):
    """A reader of a ring, which gets copies of events in order [RING-6, RING-28].

    In a gated ring it holds the writer back until it is closed, evicted or collected [RING-14].
    """

    __slots__ = ("__weakref__", "_place", "_ring")

    _place: ReaderPlace

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
        self._ring = ring
        with ring._step:
            if wanted is None:
                wanted = ring._published if start == LATEST else ring._oldest()
            elif not 0 <= wanted <= ring._published:
                remedy = "give the sequence number of an event that was published, or of the next one"
                raise ValueError(f"cursor is {wanted}: not from 0 to write_cursor {ring._published}; {remedy}")
            self._place = ring._join(wanted)

    def __del__(self) -> None:
        place = getattr(self, "_place", None)
        if place is not None:
            self._ring._step.left.put(functools.partial(self._ring._leave, place))

    def _check_open(self) -> None:
        """Make sure that the reader is in its ring.

        Raises:
            RingClosed: it was closed or evicted [RING-19, RING-20].
        """
        if self._place.closed or self._place.evicted:
            end = "evicted" if self._place.evicted else "closed"
            raise RingClosed(f"reader is {self!r}: it was {end}; make a new Reader of the ring")

    def _next_event(self) -> PooledEvent | None:
        """Return the event at the cursor and move on, or None; within a step [RING-7].

        Raises:
            Lagged: the event is no longer retained; the cursor has moved to one that is [RING-11].
        """
        position = self._place.position
        oldest = self._ring._oldest()
        if is_lapped(position, oldest):
            self._place.position = caught_up(position, oldest)
            raise Lagged(oldest - position.cursor, oldest)
        if position.cursor == self._ring._published:
            return None
        self._place.position = delivered(position, 1)
        return self._ring._event(position.cursor)

    def _next_in_time(self, timeout: float | None) -> PooledEvent | None:
        """Return the next event, or None where none comes in time; in a step but for the wait [RING-31, RING-35].

        Raises:
            RingClosed: the reader was closed or evicted, or is while it waits.
            Lagged: events were overwritten.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            self._check_open()
            event = self._next_event()
            if event is None and self._place.bell is not None:
                self._place.bell.silence()
            if event is not None or not self._ring._wait(until):
                return event

    def next(self, timeout: float | None = 0) -> PooledEvent | None:
        """Return the next event, or None where there is none in time [RING-7, RING-31].

        Args:
            timeout: seconds to wait where there is none; 0 does not wait, None waits for ever.

        Raises:
            RingClosed: the reader was closed or evicted, or is while it waits [RING-19, RING-20, RING-32].
            TypeError: `timeout` is neither None nor a real number.
            ValueError: `timeout` is below 0 or not a number [RING-38].
            Lagged: events were overwritten; the next call goes on at the oldest one retained [RING-11].
        """
        with self._ring._step:
            self._check_open()
        seconds = check_seconds("timeout", as_seconds("timeout", timeout))
        with self._ring._step:
            return self._next_in_time(seconds)

    def next_many(self, limit: int, timeout: float | None = 0) -> EventBatch:
        """Return what as many calls of `next()` would, up to the first None [RING-26].

        Args:
            limit: the most events to return.
            timeout: seconds to wait for the first of them; 0 does not wait, None waits for ever [RING-31].

        Raises:
            RingClosed: the reader was closed or evicted, or is while it waits [RING-19, RING-20, RING-32].
            TypeError: `limit` is not an integer, or `timeout` neither None nor a real number.
            ValueError: `limit` is below 0, or `timeout` is or is not a number [RING-38].
            Lagged: events were overwritten; the next call goes on at the oldest one retained [RING-11].
        """
        with self._ring._step:
            self._check_open()
        number, wanted = as_number("limit", limit), as_seconds("timeout", timeout)
        check_not_negative("limit", number)
        seconds = check_seconds("timeout", wanted)
        events: list[PooledEvent] = []
        with self._ring._step:
            self._check_open()
            event = self._next_in_time(seconds) if number > 0 else None
            first_sequence = self._place.position.cursor - (event is not None)
            while event is not None:
                events.append(event)
                event = self._next_event() if len(events) < number else None
        return _batch(first_sequence, events)

    def fileno(self) -> int:
        """Return a descriptor that is readable where there may be an event; only to be waited on [RING-35].

        Raises:
            RingClosed: the reader was closed or evicted.
            OSError: the system gave no descriptors.
        """
        with self._ring._step:
            self._check_open()
            return self._ring._bell_of(self._place).fileno()

    def __aiter__(self) -> Self:
        with self._ring._step:
            self._check_open()
        return self

    async def __anext__(self) -> PooledEvent:
        while True:
            event = self.next()
            if event is not None:
                return event
            with self._ring._step:
                self._check_open()
                bell = self._ring._bell_of(self._place)
            await bell.rung()

    def __iter__(self) -> Iterator[PooledEvent]:
        with self._ring._step:
            self._check_open()
        return self

    def __next__(self) -> PooledEvent:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    @property
    def ringbuffer(self) -> RingBuffer:
        """The ring [RING-16]."""
        with self._ring._step:
            self._check_open()
            return self._ring

    @property
    def start(self) -> int:
        """The cursor that the reader began with [RING-12, RING-16]."""
        return self._place.position.start

    @property
    def cursor(self) -> int:
        """The sequence number of the reader's next event [RING-7]."""
        return self._place.position.cursor

    @property
    def delivered(self) -> int:
        """How many events the reader returned [RING-12]."""
        return self._place.position.delivered

    @property
    def skipped(self) -> int:
        """How many events the reader missed [RING-11, RING-12]."""
        return self._place.position.skipped

    @property
    def lag(self) -> int:
        """How many events the reader is behind, those it can no longer get included [RING-22]."""
        with self._ring._step:
            self._check_open()
            return lag_of(self._ring._published, self.cursor)

    @property
    def backlog(self) -> int:
        """How many events are retained that the reader has not read [RING-23]."""
        with self._ring._step:
            self._check_open()
            return backlog_of(self._ring._published, self.cursor, self._ring.capacity)

    @property
    def backpressure_ratio(self) -> float:
        """The part of the ring that the reader has yet to read, 0.0 to 1.0 [RING-24]."""
        return self.backlog / self._ring.capacity

    def evict(self) -> None:
        """Take the reader out of its gated ring, from any thread; once it is out, do nothing [RING-20].

        Raises:
            ValueError: the ring is an overwriting one, which no reader holds back.
        """
        if self._ring.mode != GATED:
            raise ValueError(f"ringbuffer is {self._ring!r}: no reader holds it back; close() the reader instead")
        with self._ring._step:
            if not self._place.closed:
                self._place.evicted = True
                self._ring._leave(self._place)

    def close(self) -> None:
        """Leave the ring; a second time, do nothing [RING-19]."""
        with self._ring._step:
            self._place.closed = True
            self._ring._leave(self._place)

    @property
    def closed(self) -> bool:
        """Whether the reader was closed [RING-19]."""
        return self._place.closed

    @property
    def evicted(self) -> bool:
        """Whether the reader was evicted [RING-20]."""
        return self._place.evicted

    def __enter__(self) -> Self:
        with self._ring._step:
            self._check_open()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Reader({self._ring!r}, cursor={self.cursor}, closed={self.closed}, evicted={self.evicted})"


def _batch(first_sequence: int, events: list[PooledEvent]) -> EventBatch:
    """Return events as columns [RING-26]."""
    return EventBatch(
        first_sequence,
        memoryview(b"".join(event.data for event in events)),
        memoryview(array("I", [len(event.data) for event in events])),
        memoryview(array("I", [event.event_type for event in events])),
    )
