"""Rings: events from one writer to many readers, in storage of their own [RING-1 to RING-38]."""

import threading
import time
import weakref
from collections.abc import Sequence
from typing import Final

from rusted_ring.reference.arguments import U31_LIMIT, U32_LIMIT, as_number, as_text
from rusted_ring.reference.bell import Bell
from rusted_ring.reference.cursor import (
    ReaderPosition,
    accepted,
    joined,
    oldest_overwriting,
    oldest_unread,
    slot_of_sequence,
)
from rusted_ring.reference.errors import LayoutError, ReadersFull, WriterTaken
from rusted_ring.reference.event import PooledEvent
from rusted_ring.reference.layout import ring_bytes
from rusted_ring.reference.parameters import MAX_RING_BYTES
from rusted_ring.reference.sizes import EventSize
from rusted_ring.reference.step import Step

OVERWRITE: Final = "overwrite"
GATED: Final = "gated"
MAX_READERS: Final = 1_024


class WriterPlace:
    """What a writer holds of its ring: the ring's one place for writers [RING-4]."""

    __slots__ = ()


class ReaderPlace:
    """What a reader holds of its ring: its position [RING-6, RING-12].

    Attributes:
        position: how far the reader is.
        closed: whether it left.
        evicted: whether it was taken out.
        bell: what its descriptor is of, None until it was asked for [RING-35].
    """

    __slots__ = ("bell", "closed", "evicted", "position")

    def __init__(self, position: ReaderPosition) -> None:
        self.position = position
        self.closed = False
        self.evicted = False
        self.bell: Bell | None = None


class RingBuffer:
    """A ring of events, each of which lies in slot `sequence mod capacity` [RING-1, RING-2, RING-3].

    In `"overwrite"` mode the writer never waits, and a reader that is too slow is told how many events it missed; in
    `"gated"` mode the writer is refused while the slowest reader is `capacity` events behind.
    """

    __slots__ = (
        "__weakref__",
        "_bells",
        "_capacity",
        "_changed",
        "_events",
        "_floor",
        "_max_readers",
        "_mode",
        "_published",
        "_registered",
        "_size",
        "_step",
        "_writer",
    )

    def __init__(
        self,
        size: int | EventSize,
        capacity: int,
        *,
        mode: str = OVERWRITE,
        max_readers: int = 16,
        max_ring_bytes: int = MAX_RING_BYTES,
    ) -> None:
        """Make an empty ring [RING-29].

        Args:
            size: the longest payload in bytes, 1 to 2,147,483,647.
            capacity: slots, 1 to 4,294,967,295.
            mode: `"overwrite"` or `"gated"`.
            max_readers: places for readers of a gated ring, 1 to 1,024; an overwriting ring needs none.
            max_ring_bytes: the most bytes that the ring may take [LAYOUT-7].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such mode.
            LayoutError: a number is out of its bounds, or the ring takes more than `max_ring_bytes`.
        """
        self._size = as_number("size", size)
        self._capacity = as_number("capacity", capacity)
        self._mode = as_text("mode", mode)
        places = as_number("max_readers", max_readers)
        limit = as_number("max_ring_bytes", max_ring_bytes)
        _check_shape("size", self._size, U31_LIMIT)
        _check_shape("capacity", self._capacity, U32_LIMIT)
        if mode not in (OVERWRITE, GATED):
            raise ValueError(f"mode is {mode!r}: no such mode; give {OVERWRITE!r} or {GATED!r}")
        _check_shape("max_readers", places, MAX_READERS)
        self._max_readers = places if mode == GATED else 0
        if self.memory_usage() > limit:
            raise LayoutError(
                f"max_ring_bytes is {limit}: {self._capacity} slots of size {self._size} would take "
                f"{self.memory_usage()} bytes; give the ring fewer or smaller slots, or a higher max_ring_bytes"
            )
        self._step = Step()
        self._changed = self._step.condition()
        self._bells: weakref.WeakSet[Bell] = weakref.WeakSet()
        self._events: dict[int, PooledEvent] = {}
        self._published = 0
        self._writer: WriterPlace | None = None
        self._registered: set[ReaderPlace] = set()
        self._floor = 0

    def __repr__(self) -> str:
        return f"RingBuffer(size={self._size}, capacity={self._capacity}, mode={self._mode!r})"

    @property
    def size(self) -> int:
        """The longest payload in bytes [RING-9]."""
        return self._size

    @property
    def capacity(self) -> int:
        """How many slots the ring has [RING-2]."""
        return self._capacity

    @property
    def mode(self) -> str:
        """`"overwrite"` or `"gated"` [RING-29]."""
        return self._mode

    @property
    def max_readers(self) -> int:
        """How many places for readers the ring has, 0 in an overwriting one [RING-21]."""
        return self._max_readers

    @property
    def write_cursor(self) -> int:
        """How many events were published [RING-1]."""
        with self._step:
            return self._published

    @property
    def retained(self) -> int:
        """How many events a reader joining at the oldest would find [RING-30]."""
        with self._step:
            return self._published - self._oldest()

    @property
    def readers(self) -> int:
        """How many readers are registered, 0 in an overwriting ring [RING-21]."""
        with self._step:
            return len(self._registered)

    def memory_usage(self) -> int:
        """Return the bytes of the ring's storage [LAYOUT-6]."""
        return ring_bytes(self._capacity, self._size, self._max_readers)

    # What is retained; called within a step

    def _slowest(self) -> int | None:
        """Return the cursor of the slowest registered reader, None where there is none [RING-14]."""
        return min((place.position.cursor for place in self._registered), default=None)

    def _oldest(self) -> int:
        """Return the sequence number of the oldest event retained [RING-10, RING-17]."""
        if self._mode == OVERWRITE:
            return oldest_overwriting(self._published, self._capacity)
        slowest = self._slowest()
        if slowest is None:
            return oldest_unread(self._published, self._capacity, self._floor)
        return slowest

    # The writer; called within a step

    def _take_writer_place(self) -> WriterPlace:
        """Take the place of the ring's one writer [RING-4].

        Raises:
            WriterTaken: it is taken.
        """
        if self._writer is not None:
            raise WriterTaken(
                f"ringbuffer is {self!r}: it has a writer already; close that writer first, or write through it"
            )
        self._writer = WriterPlace()
        return self._writer

    def _leave_writer_place(self, place: WriterPlace) -> None:
        """Give the writer's place back, unless it is another's by now [RING-4, RING-27]."""
        if self._writer is place:
            self._writer = None

    def _publish_prefix(self, events: Sequence[PooledEvent]) -> int:
        """Publish as many of the events as there is room for, in order, and return how many [RING-14, RING-25]."""
        slowest = self._slowest()
        count = len(events) if slowest is None else accepted(self._published, slowest, self._capacity, len(events))
        for event in events[:count]:
            self._events[slot_of_sequence(self._published, self._capacity)] = event
            self._published += 1
        if count > 0:
            self._wake()
        return count

    # Readers; called within a step

    def _join(self, cursor: int) -> ReaderPlace:
        """Make a reader's place; in a gated ring, register it [RING-16, RING-21].

        Raises:
            ReadersFull: a gated ring's places are all taken.
        """
        place = ReaderPlace(joined(cursor))
        if self._mode == GATED:
            if len(self._registered) == self._max_readers:
                raise ReadersFull(
                    f"ringbuffer is {self!r}: its {self._max_readers} places for readers are taken; close or evict a "
                    f"reader, or make a ring of more max_readers"
                )
            self._registered.add(place)
        return place

    def _leave(self, place: ReaderPlace) -> None:
        """Take a reader's place out of the ring, if it is still in: nobody waits for it now [RING-19, RING-20]."""
        if place in self._registered:
            # What every reader has read is not retained any more, even when there is no reader left to tell.
            self._floor = self._oldest()
            self._registered.remove(place)
        self._wake()

    # Who waits; called within a step

    def _wait(self, until: float) -> bool:
        """Wait until something has changed, out of the step meanwhile; return whether there was time left [RING-31].

        Args:
            until: when the time is up, by the monotonic clock.
        """
        seconds = until - time.monotonic()
        if seconds <= 0:
            return False
        self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
        return True

    def _wake(self) -> None:
        """Have everybody look who waits for an event, or whose reader may have ended [RING-32, RING-35]."""
        self._changed.notify_all()
        for bell in list(self._bells):
            bell.ring()

    def _bell_of(self, place: ReaderPlace) -> Bell:
        """Return the bell of a reader, in a forked process a new one [RING-35].

        Raises:
            OSError: the system gave no descriptors.
        """
        if place.bell is None or not place.bell.is_mine():
            place.bell = Bell()
            self._bells.add(place.bell)
        return place.bell

    def _event(self, sequence: int) -> PooledEvent:
        """Return the event with a sequence number that is retained [RING-2]."""
        return self._events[slot_of_sequence(sequence, self._capacity)]


def _check_shape(name: str, number: int, limit: int) -> None:
    """Make sure that a number of a ring's shape is from 1 to its limit [RING-29].

    Raises:
        LayoutError: it is not.
    """
    if not 1 <= number <= limit:
        raise LayoutError(f"{name} is {number}: not from 1 to {limit}; choose a number within these bounds")
