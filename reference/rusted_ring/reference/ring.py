"""Rings: events from one writer to many readers, in storage of their own [RING-1 to RING-55]."""

import operator
import threading
import time
import weakref
from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import Final, TypeAlias

from rusted_ring.reference.arguments import as_text
from rusted_ring.reference.bell import Bell
from rusted_ring.reference.cursor import (
    ReaderPosition,
    accepted,
    oldest_overwriting,
    oldest_unread,
    slot_of_sequence,
)
from rusted_ring.reference.layout import ring_bytes
from rusted_ring.reference.once import become
from rusted_ring.reference.step import Change, Found, Step
from rusted_ring.vocabulary.arguments import U31_LIMIT, U32_LIMIT, as_number
from rusted_ring.vocabulary.errors import EndOfStream, LayoutError, ReadersFull, WriterTaken
from rusted_ring.vocabulary.event import PooledEvent
from rusted_ring.vocabulary.keywords import by_keyword
from rusted_ring.vocabulary.modes import GATED, OVERWRITE
from rusted_ring.vocabulary.profile import MAX_RING_BYTES
from rusted_ring.vocabulary.sizes import EventSize
from rusted_ring.vocabulary.unpicklable import Unpicklable

MAX_READERS: Final = 1_024
LONGEST_SLEEP: Final = 0.5
"""Seconds: a signal that another thread receives, or that comes just before a sleep, ends none [RING-33]."""

Waiter: TypeAlias = "threading.Lock"
_LOCK: Final = type(threading.Lock())
"""What a thread sleeps on until something is put there, which is one call to C."""


class WriterPlace:
    """What a writer holds of its ring: the ring's one place for writers [RING-4].

    Attributes:
        bell: what its descriptor is of, None until it was asked for [RING-49].
    """

    __slots__ = ("bell",)

    def __init__(self) -> None:
        self.bell: Bell | None = None


class ReaderPlace:
    """What a reader holds of its ring: its position [RING-6, RING-12].

    Attributes:
        position: how far the reader is.
        closed: whether it left.
        evicted: whether it was taken out.
        bell: what its descriptor is of, None until it was asked for [RING-35, RING-53].
    """

    __slots__ = ("bell", "closed", "evicted", "position")

    def __init__(self, position: ReaderPosition) -> None:
        self.position = position
        self.closed = False
        self.evicted = False
        self.bell: Bell | None = None


def new_waiter() -> Waiter:
    """Return what a thread waits on until another one releases it [RING-31, RING-46].

    A lock, since `get` of a `SimpleQueue` waits for ever if a signal comes as its time is up (CPython 3.11).
    """
    waiter = threading.Lock()
    waiter.acquire()
    return waiter


class RingBuffer(Unpicklable):
    """A ring of events, each of which lies in slot `sequence mod capacity` [RING-1, RING-2, RING-3].

    In `"overwrite"` mode the writer never waits, and a reader that is too slow is told how many events it missed; in
    `"gated"` mode the writer is refused, or waits, while the slowest reader is `capacity` events behind.
    """

    __slots__ = (
        "__weakref__",
        "_awaited",
        "_bells",
        "_capacity",
        "_ended",
        "_events",
        "_floor",
        "_max_readers",
        "_mode",
        "_published",
        "_registered",
        "_size",
        "_step",
        "_waiters",
        "_writer",
    )

    _awaited: int
    _bells: set[weakref.ref[Bell]]
    _capacity: int
    _ended: bool
    _events: dict[int, PooledEvent]
    _floor: int
    _max_readers: int
    _mode: str
    _published: int
    _registered: set[ReaderPlace]
    _size: int
    _step: Step
    _waiters: set[Waiter]
    _writer: WriterPlace | None

    @by_keyword
    def __init__(
        self,
        size: int | EventSize,
        capacity: int,
        *,
        mode: str = OVERWRITE,
        max_readers: int = 16,
        max_ring_bytes: int = MAX_RING_BYTES,
        wait_for_readers: int = 0,
    ) -> None:
        """Make an empty ring [RING-29].

        Args:
            size: the longest payload in bytes, 1 to 2,147,483,647.
            capacity: slots, 1 to 4,294,967,295.
            mode: `"overwrite"` or `"gated"`.
            max_readers: places for readers of a gated ring, 1 to 1,024; an overwriting ring needs none.
            max_ring_bytes: the most bytes that the ring may take [LAYOUT-7].
            wait_for_readers: how many readers of a gated ring have to join before an event is overwritten [RING-45].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such mode, or an overwriting ring is to wait for readers.
            LayoutError: a number is out of its bounds, or the ring takes more than `max_ring_bytes`.
        """
        size, capacity = as_number("size", size), as_number("capacity", capacity)
        as_text("mode", mode)
        places = as_number("max_readers", max_readers)
        limit = as_number("max_ring_bytes", max_ring_bytes)
        awaited = as_number("wait_for_readers", wait_for_readers)
        _check_shape("size", size, U31_LIMIT)
        _check_shape("capacity", capacity, U32_LIMIT)
        if mode not in (OVERWRITE, GATED):
            raise ValueError(f"mode is {mode!r}: no such mode; give {OVERWRITE!r} or {GATED!r}")
        _check_shape("max_readers", places, MAX_READERS)
        if awaited and mode == OVERWRITE:
            raise ValueError(
                f"wait_for_readers is {awaited}: an overwriting ring waits for nobody; "
                f"give mode={GATED!r}, or leave it out"
            )
        if not 0 <= awaited <= places:
            raise LayoutError(f"wait_for_readers is {awaited}: not from 0 to max_readers {places}; raise max_readers")
        places = places if mode == GATED else 0
        storage = ring_bytes(capacity, size, places)
        if storage > limit:
            raise LayoutError(
                f"max_ring_bytes is {limit}: {capacity} slots of size {size} would take {storage} bytes; give the ring "
                f"fewer or smaller slots, or a higher max_ring_bytes"
            )
        become(
            self,
            _size=size,
            _capacity=capacity,
            _mode=mode,
            _max_readers=places,
            _awaited=awaited,
            _bells=set(),
            _ended=False,
            _events={},
            _published=0,
            _writer=None,
            _registered=set(),
            _floor=0,
            _step=Step(),
            _waiters=set(),
        )

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
        return self._step.see(lambda: self._published)

    @property
    def retained(self) -> int:
        """How many events a reader joining at the oldest would find [RING-30]."""
        return self._step.see(lambda: self._published - self._oldest())

    @property
    def readers(self) -> int:
        """How many readers are registered, 0 in an overwriting ring [RING-21]."""
        return self._step.see(lambda: len(self._registered))

    @property
    def readers_awaited(self) -> int:
        """How many readers have yet to join before an event is overwritten, 0 in an overwriting ring [RING-45]."""
        return self._step.see(lambda: self._awaited)

    @property
    def has_writer(self) -> bool:
        """Whether the ring has a writer now [RING-4]."""
        return self._step.see(lambda: self._writer is not None)

    @property
    def ended(self) -> bool:
        """Whether a writer has ended the stream: no event will follow [RING-39]."""
        return self._step.see(lambda: self._ended)

    def memory_usage(self) -> int:
        """Return the bytes of the ring's storage [LAYOUT-6]."""
        return ring_bytes(self._capacity, self._size, self._max_readers)

    # What is retained; called within a step

    def _slowest(self, place: ReaderPlace | None = None, cursor: int | None = None, *, more: int = 0) -> int | None:
        """Return the cursor of the slowest registered reader, None where there is none [RING-14].

        Readers that have yet to join count as one that stands at the first event [RING-45].

        Args:
            place: a reader that is to be elsewhere, or out.
            cursor: where it is to be.
            more: how many more readers are to have joined.
        """
        if self._awaited > more:
            return 0
        cursors = [other.position.cursor for other in tuple(self._registered) if other is not place]
        return min(cursors if cursor is None else [*cursors, cursor], default=None)

    def _oldest(self) -> int:
        """Return the sequence number of the oldest event retained [RING-10, RING-17]."""
        if self._mode == OVERWRITE:
            return oldest_overwriting(self._published, self._capacity)
        slowest = self._slowest()
        if slowest is None:
            return oldest_unread(self._published, self._capacity, self._floor)
        return slowest

    # The writer; called within a step

    def _taking_writer_place(self, place: WriterPlace) -> Change:
        """Return what takes the place of the ring's one writer [RING-4].

        Raises:
            WriterTaken: it is taken.
            EndOfStream: a writer has ended the stream [RING-40].
        """
        if self._ended:
            raise EndOfStream(f"ringbuffer is {self!r}: a writer has ended its stream; make another ring")
        if self._writer is not None:
            raise WriterTaken(
                f"ringbuffer is {self!r}: it has a writer already; close that writer first, or write through it"
            )
        return partial(setattr, self, "_writer", place)

    def _leaving_writer_place(self, place: WriterPlace) -> tuple[Change, ...]:
        """Return what gives the writer's place back, unless it is another's by now [RING-4, RING-27]."""
        if self._writer is not place:
            return ()
        return partial(setattr, self, "_writer", None), *self._waking_writer(place)

    def _ending(self) -> tuple[Change, ...]:
        """Return what ends the stream, and has everybody look who waits for an event [RING-39]."""
        return partial(setattr, self, "_ended", True), *self._waking()

    def _publishing(self, events: Sequence[PooledEvent], place: WriterPlace, waiter: Waiter) -> Found[int]:
        """Find how many of the events there is room for, and publish these in order [RING-14, RING-25]."""
        count, first, slowest = self._step.count, self._published, self._slowest()
        room = len(events) if slowest is None else accepted(first, slowest, self._capacity, len(events))
        changes: list[Change] = []
        if room > 0:
            slots = [slot_of_sequence(first + number, self._capacity) for number in range(room)]
            changes += map(partial, repeat(operator.setitem), repeat(self._events), slots, events)
            changes += partial(setattr, self, "_published", first + room), *self._waking()
        if room < len(events):
            changes += self._waiting(place, waiter, count)
        return room, changes

    # Readers; called within a step

    def _joining(self, place: ReaderPlace) -> tuple[Change, ...]:
        """Return what registers a reader's place in a gated ring [RING-16, RING-21].

        Raises:
            ReadersFull: a gated ring's places are all taken.
        """
        if self._mode != GATED:
            return ()
        if len(self._registered) == self._max_readers:
            raise ReadersFull(
                f"ringbuffer is {self!r}: its {self._max_readers} places for readers are taken; close or evict a "
                f"reader, or make a ring of more max_readers"
            )
        return (
            partial(self._registered.add, place),
            partial(setattr, self, "_awaited", max(0, self._awaited - 1)),
            *self._making_room(self._slowest(place, place.position.cursor, more=1)),
        )

    def _moving(self, place: ReaderPlace, position: ReaderPosition) -> tuple[Change, ...]:
        """Return what moves a reader on [RING-12, RING-14]."""
        moving = partial(setattr, place, "position", position)
        if place not in self._registered:
            return (moving,)
        return moving, *self._making_room(self._slowest(place, position.cursor))

    def _leaving(self, place: ReaderPlace) -> tuple[Change, ...]:
        """Return what takes a reader's place out of the ring, if it is still in [RING-19, RING-20]."""
        if place not in self._registered:
            return self._waking()
        return (
            # What every reader has read is not retained any more, even when there is no reader left to tell.
            partial(setattr, self, "_floor", self._oldest()),
            partial(self._registered.discard, place),
            *self._making_room(self._slowest(place)),
            *self._waking(),
        )

    # Who waits; called within a step. Bells are rung first: whoever hears one waits for the end of the step.

    def _waiting(self, place: ReaderPlace | WriterPlace, waiter: Waiter, count: int) -> tuple[Change, ...]:
        """Return what has a waiter be woken once something has changed; nothing was found for it [RING-31, RING-46].

        Args:
            place: whose it is; its bell is silent from now on [RING-35, RING-49].
            waiter: what is to be woken.
            count: how many steps had changed something before the ring was looked at.
        """
        if place.bell is not None:
            place.bell.silence()
            if self._step.count != count:
                place.bell.ring()  # it may have been rung in between
        return (partial(self._waiters.add, waiter),)

    def _waking(self) -> tuple[Change, ...]:
        """Return what has everybody look who waits for an event, or whose reader may have ended [RING-32, RING-35]."""
        for reference in tuple(self._bells):
            bell = reference()
            if bell is not None:
                bell.ring()
        return self._waking_threads()

    def _waking_threads(self) -> tuple[Change, ...]:
        asleep = filter(_LOCK.locked, tuple(self._waiters))  # none twice, should the step have woken it already
        return partial(any, map(_LOCK.release, asleep)), self._waiters.clear

    def _making_room(self, slowest: int | None) -> tuple[Change, ...]:
        """Return what has the writer look who waits for room, if there is any then [RING-48, RING-49]."""
        writer = self._writer
        if writer is None or (slowest is not None and not accepted(self._published, slowest, self._capacity, 1)):
            return ()
        return self._waking_writer(writer)

    def _waking_writer(self, place: WriterPlace) -> tuple[Change, ...]:
        """Return what has a writer look who waits for room, or whose end has come."""
        if place.bell is not None:
            place.bell.ring()
        return self._waking_threads()

    def _bell_of(self, place: ReaderPlace | WriterPlace) -> Found[int]:
        """Find the descriptor of a reader or writer, in a forked process a new one [RING-35, RING-49].

        Raises:
            OSError: the system gave no descriptors.
        """
        bell = place.bell
        if bell is not None and bell.is_mine():
            return bell.fileno(), []
        bell = Bell()
        making = partial(setattr, place, "bell", bell)
        if isinstance(place, WriterPlace):
            return bell.fileno(), [making]
        return bell.fileno(), [making, partial(self._bells.add, weakref.ref(bell, self._bells.discard))]

    def _wait(self, waiter: Waiter, until: float) -> bool:
        """Wait, in no step, until something has changed; return whether there was time left [RING-31].

        Args:
            waiter: what was to be woken.
            until: when the time is up, by the monotonic clock.
        """
        try:
            seconds = until - time.monotonic()
            if seconds <= 0:
                return False
            waiter.acquire(timeout=min(seconds, LONGEST_SLEEP))
            return True
        finally:
            self._waiters.discard(waiter)

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
