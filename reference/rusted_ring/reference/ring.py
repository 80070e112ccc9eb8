"""Rings: events from one writer to many readers, in storage of their own [RING-1 to RING-55].

`writer.py` and `reader.py` hold what a writer and a reader do; this module holds the state that they share. Waiting
follows the event count: a thread that finds nothing registers a waiter in the same step (it prepares to wait), then
sleeps outside of any step. A step that publishes, makes room or ends something notifies all registered waiters. A
notification between the two is not lost: it releases the waiter's lock, and the sleep ends at once.
"""

import operator
import threading
import time
import weakref
from collections.abc import Sequence
from functools import partial
from itertools import repeat
from typing import Final, TypeAlias

from rusted_ring.reference.arguments import as_text
from rusted_ring.reference.cursor import (
    ReaderPosition,
    accepted,
    contiguous,
    oldest_overwriting,
    oldest_unread,
    slot_of_sequence,
)
from rusted_ring.reference.layout import ring_bytes
from rusted_ring.reference.lent_slots import LentSlots
from rusted_ring.reference.monitor import Change, Found, Monitor
from rusted_ring.reference.notifier import Notifier
from rusted_ring.reference.once import initialize
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
"""Seconds. A signal does not end a sleep if another thread receives it or if it comes just before the sleep; so no
sleep is longer than this [RING-33]."""

_LOCK: Final = type(threading.Lock())

Waiter: TypeAlias = "threading.Lock"
"""A lock that is held while its thread has nothing to look at: the thread sleeps on it until another thread releases
it, which is one call to C."""


class WriterRegistration:
    """The registration of a ring's one writer [RING-4].

    Attributes:
        notifier: the notifier whose descriptor `fileno` returned, None before the first `fileno` [RING-49].
        lent: the slots of the open reservation, None if none is open [RING-65].
    """

    __slots__ = ("lent", "notifier")

    def __init__(self) -> None:
        self.notifier: Notifier | None = None
        self.lent: weakref.ref[LentSlots] | None = None


class ReaderRegistration:
    """The registration of a reader in its ring [RING-6, RING-12].

    Attributes:
        position: how far the reader has read.
        closed: whether the reader was closed.
        evicted: whether the reader was evicted.
        notifier: the notifier whose descriptor `fileno` returned, None before the first `fileno` [RING-35, RING-53].
        lent: the slots of the open peek, None if none is open [RING-74].
    """

    __slots__ = ("closed", "evicted", "lent", "notifier", "position")

    def __init__(self, position: ReaderPosition) -> None:
        self.position = position
        self.closed = False
        self.evicted = False
        self.notifier: Notifier | None = None
        self.lent: weakref.ref[LentSlots] | None = None


def new_waiter() -> Waiter:
    """Return a lock that is held, for a thread to sleep on until another thread releases it [RING-31, RING-46].

    A `SimpleQueue` would not do: its `get` waits for ever if a signal arrives as the timeout expires (CPython 3.11).
    """
    waiter = threading.Lock()
    waiter.acquire()
    return waiter


class RingBuffer(Unpicklable):
    """A ring of events; the event with a sequence number lies in slot `sequence mod capacity` [RING-1, RING-2, RING-3].

    In `"overwrite"` mode the writer never waits, and a slow reader loses events and learns how many. In `"gated"` mode
    the writer has no room, and may wait, while the slowest reader is `capacity` events behind.
    """

    __slots__ = (
        "__weakref__",
        "_awaited",
        "_capacity",
        "_ended",
        "_events",
        "_low_water_mark",
        "_max_readers",
        "_mode",
        "_monitor",
        "_notifiers",
        "_published",
        "_registered",
        "_size",
        "_waiters",
        "_writer",
    )

    _awaited: int
    _capacity: int
    _ended: bool
    _events: dict[int, PooledEvent]
    _low_water_mark: int
    _max_readers: int
    _mode: str
    _monitor: Monitor
    _notifiers: set[weakref.ref[Notifier]]
    _published: int
    _registered: set[ReaderRegistration]
    _size: int
    _waiters: set[Waiter]
    _writer: WriterRegistration | None

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
            max_readers: the most readers of a gated ring at once, 1 to 1,024; an overwriting ring has no limit.
            max_ring_bytes: the limit of the ring's storage in bytes [LAYOUT-7].
            wait_for_readers: how many readers must join a gated ring before it overwrites an event [RING-45].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such mode, or `wait_for_readers` is above 0 for an overwriting ring.
            LayoutError: a number is out of its bounds, or the ring's storage is larger than `max_ring_bytes`.
        """
        size, capacity = as_number("size", size), as_number("capacity", capacity)
        as_text("mode", mode)
        readers = as_number("max_readers", max_readers)
        limit = as_number("max_ring_bytes", max_ring_bytes)
        awaited = as_number("wait_for_readers", wait_for_readers)
        _check_shape("size", size, U31_LIMIT)
        _check_shape("capacity", capacity, U32_LIMIT)
        if mode not in (OVERWRITE, GATED):
            raise ValueError(f"mode is {mode!r}: not a mode of a ring; pass {OVERWRITE!r} or {GATED!r}")
        _check_shape("max_readers", readers, MAX_READERS)
        if awaited and mode == OVERWRITE:
            raise ValueError(
                f"wait_for_readers is {awaited}: an overwriting ring does not wait for readers; "
                f"pass mode={GATED!r}, or leave wait_for_readers out"
            )
        if not 0 <= awaited <= readers:
            raise LayoutError(f"wait_for_readers is {awaited}: not from 0 to max_readers {readers}; raise max_readers")
        readers = readers if mode == GATED else 0
        storage = ring_bytes(capacity, size, readers)
        if storage > limit:
            raise LayoutError(
                f"max_ring_bytes is {limit}: {capacity} slots of size {size} would take {storage} bytes; lower size or "
                f"capacity, or pass max_ring_bytes={storage}"
            )
        initialize(
            self,
            _size=size,
            _capacity=capacity,
            _mode=mode,
            _max_readers=readers,
            _awaited=awaited,
            _ended=False,
            _events={},
            _published=0,
            _writer=None,
            _registered=set(),
            _low_water_mark=0,
            _monitor=Monitor(),
            _notifiers=set(),
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
        """The number of slots [RING-2]."""
        return self._capacity

    @property
    def mode(self) -> str:
        """`"overwrite"` or `"gated"` [RING-29]."""
        return self._mode

    @property
    def max_readers(self) -> int:
        """The most readers that can be registered at once, 0 in an overwriting ring [RING-21]."""
        return self._max_readers

    @property
    def write_cursor(self) -> int:
        """The number of events published [RING-1]."""
        return self._monitor.read(lambda: self._published)

    @property
    def retained(self) -> int:
        """The number of events that a reader joining at the oldest would find [RING-30]."""
        return self._monitor.read(lambda: self._published - self._oldest())

    @property
    def readers(self) -> int:
        """The number of readers registered now, 0 in an overwriting ring [RING-21]."""
        return self._monitor.read(lambda: len(self._registered))

    @property
    def readers_awaited(self) -> int:
        """The number of readers that must join before an event is overwritten, 0 in an overwriting ring [RING-45]."""
        return self._monitor.read(lambda: self._awaited)

    @property
    def has_writer(self) -> bool:
        """Whether the ring has a writer now [RING-4]."""
        return self._monitor.read(lambda: self._writer is not None)

    @property
    def ended(self) -> bool:
        """Whether a writer has ended the stream: no event will follow [RING-39]."""
        return self._monitor.read(lambda: self._ended)

    def memory_usage(self) -> int:
        """Return the bytes of the ring's storage [LAYOUT-6]."""
        return ring_bytes(self._capacity, self._size, self._max_readers)

    # What is retained; called within a step

    def _gating_sequence(
        self, registration: ReaderRegistration | None = None, cursor: int | None = None, *, more: int = 0
    ) -> int | None:
        """Return the cursor of the slowest registered reader, None if no reader is registered [RING-14].

        While the ring waits for readers to join, the gating sequence is that of the first event, 0 [RING-45].

        Args:
            registration: a reader that the step will move, register or remove; None for no such reader.
            cursor: the cursor that it will have, None if it is removed.
            more: how many readers the step will register.
        """
        if self._awaited > more:
            return 0
        cursors = [other.position.cursor for other in tuple(self._registered) if other is not registration]
        return min(cursors if cursor is None else [*cursors, cursor], default=None)

    def _oldest(self) -> int:
        """Return the sequence number of the oldest event retained [RING-10, RING-17]."""
        if self._mode == OVERWRITE:
            return oldest_overwriting(self._published, self._capacity)
        slowest = self._gating_sequence()
        if slowest is None:
            return oldest_unread(self._published, self._capacity, self._low_water_mark)
        return slowest

    # The writer; called within a step

    def _registering_writer(self, registration: WriterRegistration) -> Change:
        """Return the change that registers the ring's one writer [RING-4].

        Raises:
            WriterTaken: the ring has a writer.
            EndOfStream: a writer has ended the stream [RING-40].
        """
        if self._ended:
            raise EndOfStream(f"ringbuffer is {self!r}: a writer has ended its stream; make another ring")
        if self._writer is not None:
            raise WriterTaken(f"ringbuffer is {self!r}: it has a writer; close that writer first, or write through it")
        return partial(setattr, self, "_writer", registration)

    def _unregistering_writer(self, registration: WriterRegistration) -> tuple[Change, ...]:
        """Return the changes that unregister a writer, none if another writer is registered [RING-4, RING-27]."""
        if self._writer is not registration:
            return ()
        return partial(setattr, self, "_writer", None), *self._notifying_writer(registration)

    def _ending(self) -> tuple[Change, ...]:
        """Return the changes that end the stream and notify all that wait for an event [RING-39]."""
        return partial(setattr, self, "_ended", True), *self._notifying()

    def _publishing(
        self, events: Sequence[PooledEvent], registration: WriterRegistration, waiter: Waiter
    ) -> Found[int]:
        """Return how many of the events fit, and the changes that publish them in order [RING-14, RING-25].

        If not all of them fit, the changes also prepare to wait for room.
        """
        version, first, slowest = self._monitor.version, self._published, self._gating_sequence()
        room = len(events) if slowest is None else accepted(first, slowest, self._capacity, len(events))
        changes: list[Change] = []
        if room > 0:
            slots = [slot_of_sequence(first + number, self._capacity) for number in range(room)]
            changes += map(partial, repeat(operator.setitem), repeat(self._events), slots, events)
            changes += partial(setattr, self, "_published", first + room), *self._notifying()
        if room < len(events):
            changes += self._preparing_wait(registration, waiter, version)
        return room, changes

    def _reserving(self, count: int, registration: WriterRegistration, waiter: Waiter) -> tuple[int, list[Change]]:
        """Return how many slots can be reserved, and the changes [RING-61, RING-70].

        If there is no room, the changes prepare to wait for it.
        """
        version, first, slowest = self._monitor.version, self._published, self._gating_sequence()
        wanted = contiguous(first, self._capacity, count)
        room = wanted if slowest is None else accepted(first, slowest, self._capacity, wanted)
        if room == 0:
            return 0, [*self._preparing_wait(registration, waiter, version)]
        overwritten = oldest_overwriting(first + room, self._capacity)
        return room, [partial(setattr, self, "_low_water_mark", max(self._low_water_mark, overwritten))]

    # Readers; called within a step

    def _joining(self, registration: ReaderRegistration) -> tuple[Change, ...]:
        """Return the changes that register a reader, none in an overwriting ring [RING-16, RING-21].

        Raises:
            ReadersFull: the gated ring has `max_readers` readers.
        """
        if self._mode != GATED:
            return ()
        if len(self._registered) == self._max_readers:
            raise ReadersFull(
                f"ringbuffer is {self!r}: {self._max_readers} readers are registered, its max_readers; close or evict "
                f"a reader, or make a ring with a higher max_readers"
            )
        return (
            partial(self._registered.add, registration),
            partial(setattr, self, "_awaited", max(0, self._awaited - 1)),
            *self._notifying_of_room(self._gating_sequence(registration, registration.position.cursor, more=1)),
        )

    def _moving(self, registration: ReaderRegistration, position: ReaderPosition) -> tuple[Change, ...]:
        """Return the changes that move a reader to a position [RING-12, RING-14]."""
        moving = partial(setattr, registration, "position", position)
        if registration not in self._registered:
            return (moving,)
        return moving, *self._notifying_of_room(self._gating_sequence(registration, position.cursor))

    def _leaving(self, registration: ReaderRegistration) -> tuple[Change, ...]:
        """Return the changes that unregister a reader, if it is registered, and notify [RING-19, RING-20]."""
        if registration not in self._registered:
            return self._notifying()
        return (
            # Without a reader nothing else says which events all readers have read; those are no longer retained.
            partial(setattr, self, "_low_water_mark", self._oldest()),
            partial(self._registered.discard, registration),
            *self._notifying_of_room(self._gating_sequence(registration)),
            *self._notifying(),
        )

    # The event count; called within a step. A descriptor becomes readable before the step's changes are made. That is
    # no error: a thread that it wakes cannot look before the step releases the monitor's lock.

    def _preparing_wait(
        self, registration: ReaderRegistration | WriterRegistration, waiter: Waiter, version: int
    ) -> tuple[Change, ...]:
        """Return the changes that register a waiter, for which the step found nothing; clear its notifier.

        [RING-31, RING-35, RING-46, RING-49]

        Args:
            registration: the reader or writer that waits.
            waiter: the lock that its thread sleeps on.
            version: the monitor's version before the step looked at the ring.
        """
        if registration.notifier is not None:
            registration.notifier.clear()
            if self._monitor.version != version:
                registration.notifier.notify()  # a nested step may have notified it before it was cleared
        return (partial(self._waiters.add, waiter),)

    def _notifying(self) -> tuple[Change, ...]:
        """Notify all readers' descriptors, and return the changes that wake all sleeping threads [RING-32, RING-35]."""
        for reference in tuple(self._notifiers):
            notifier = reference()
            if notifier is not None:
                notifier.notify()
        return self._waking_threads()

    def _waking_threads(self) -> tuple[Change, ...]:
        asleep = filter(_LOCK.locked, tuple(self._waiters))  # a waiter that the same step has woken is not locked
        return partial(any, map(_LOCK.release, asleep)), self._waiters.clear

    def _notifying_of_room(self, slowest: int | None) -> tuple[Change, ...]:
        """Return the changes that wake the writer if there will be room [RING-48, RING-49].

        Args:
            slowest: the gating sequence after the step.
        """
        writer = self._writer
        if writer is None or (slowest is not None and not accepted(self._published, slowest, self._capacity, 1)):
            return ()
        return self._notifying_writer(writer)

    def _notifying_writer(self, registration: WriterRegistration) -> tuple[Change, ...]:
        """Notify a writer's descriptor, and return the changes that wake the threads that wait for room or its end."""
        if registration.notifier is not None:
            registration.notifier.notify()
        return self._waking_threads()

    def _descriptor_of(self, registration: ReaderRegistration | WriterRegistration) -> Found[int]:
        """Return the descriptor of a reader or writer, and the changes that make it if this process has none yet.

        [RING-35, RING-49]

        Raises:
            OSError: the system has no descriptors left.
        """
        notifier = registration.notifier
        if notifier is not None and notifier.is_of_this_process():
            return notifier.fileno(), []
        notifier = Notifier()
        making = partial(setattr, registration, "notifier", notifier)
        if isinstance(registration, WriterRegistration):
            return notifier.fileno(), [making]
        return notifier.fileno(), [making, partial(self._notifiers.add, weakref.ref(notifier, self._notifiers.discard))]

    def _wait(self, waiter: Waiter, until: float) -> bool:
        """Sleep until a notification, outside of any step; return False if the time was up before [RING-31].

        Args:
            waiter: the lock that `_preparing_wait` registered.
            until: the deadline on the monotonic clock, in seconds.
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
        """Return the retained event with a sequence number [RING-2]."""
        return self._events[slot_of_sequence(sequence, self._capacity)]


def _check_shape(name: str, number: int, limit: int) -> None:
    """Make sure that a number that a ring is made with is from 1 to its limit [RING-29].

    Raises:
        LayoutError: it is not.
    """
    if not 1 <= number <= limit:
        raise LayoutError(f"{name} is {number}: not from 1 to {limit}; pass a number in that range")
