"""Slots of a ring that are lent to the program: reservations and peeks [RING-61 to RING-80]."""

import weakref
from array import array
from collections.abc import Sequence
from functools import partial
from typing import Self

from rusted_ring.reference.arguments import lengths_of_slots
from rusted_ring.reference.cursor import delivered
from rusted_ring.reference.lent_slots import LentSlots
from rusted_ring.reference.monitor import NOTHING, Change, Found
from rusted_ring.reference.ring import ReaderRegistration, RingBuffer, WriterRegistration, new_waiter
from rusted_ring.vocabulary.arguments import as_number, check_between
from rusted_ring.vocabulary.errors import ReleasedHandle, RingClosed
from rusted_ring.vocabulary.event import PooledEvent
from rusted_ring.vocabulary.unpicklable import Unpicklable


class _InPlace(Unpicklable):
    """The base class of `Reservation` and `Peek`: it holds slots until its end [RING-68, RING-77]."""

    __slots__ = ("__weakref__", "_ring", "_slots")

    _ring: RingBuffer
    _slots: LentSlots | None
    _remedy = ""

    def _held(self) -> LentSlots:
        """Return the slots; called within a step.

        Raises:
            ReleasedHandle: the reservation or peek has ended [RING-68, RING-77].
        """
        slots = self._slots
        if slots is None or slots.ended:
            raise ReleasedHandle(f"self is {self!r}: it was used after its end; {self._remedy}")
        return slots

    def _held_now(self) -> LentSlots:
        """Return the slots, in a step of its own; raise as `_held`."""
        return self._ring._monitor.read(self._held)

    def _ending(self, registration: WriterRegistration | ReaderRegistration, slots: LentSlots) -> tuple[Change, ...]:
        """Return the changes that end the reservation or peek [RING-64, RING-73]."""
        return *ending_loan_of_slots(registration, slots), partial(setattr, self, "_slots", None)

    def _view(self) -> memoryview:
        return self._ring._monitor.run(lambda: (self._held().view(), [NOTHING]))

    def _slot(self, index: object, lengths: Sequence[int] | None) -> memoryview:
        """Return a writable view of a slot, as long as its event, or as the ring's size if `lengths` is None.

        Raises:
            ReleasedHandle: the reservation or peek has ended.
            TypeError: `index` is not an integer.
            IndexError: there is no such slot.
        """
        held = self._held_now()
        number = as_number("index", index)
        if not 0 <= number < held.number:
            raise IndexError(f"index is {number}: there are {held.number} slots; pass an index below that")
        start = number * held.stride
        return self._view()[start : start + (held.size if lengths is None else lengths[number])]

    def _rows(self) -> memoryview:
        """Return a writable view of all slots, with a row for each."""
        held = self._held_now()
        return self._view().cast("B", (held.number, held.stride))

    @property
    def count(self) -> int:
        """The number of slots [RING-61, RING-71]."""
        return self._held_now().number

    @property
    def released(self) -> bool:
        """Whether the reservation or peek has ended [RING-68, RING-77]."""
        return self._slots is None or self._slots.ended

    def __enter__(self) -> Self:
        self._held_now()
        return self

    def __repr__(self) -> str:
        kind, slots = type(self).__name__, self._slots
        return f"{kind}(released)" if slots is None or slots.ended else f"{kind}(count={slots.number})"


class Reservation(_InPlace):
    """Slots of the next events of a gated ring, which the caller writes; `Writer.reserve` makes one [RING-61]."""

    __slots__ = ("_registration",)

    _registration: WriterRegistration
    _remedy = "make another one by Writer.reserve()"

    def __init__(self, *_: object, **__: object) -> None:
        """Raise a TypeError: only a writer can reserve slots [RING-61].

        Raises:
            TypeError: always.
        """
        raise TypeError("Reservation cannot be called: only a writer reserves slots; call Writer.reserve(count)")

    @classmethod
    def _holding(cls, ring: RingBuffer, registration: WriterRegistration, slots: LentSlots) -> Self:
        """Return a reservation that holds slots [RING-61]."""
        reservation = cls.__new__(cls)
        reservation._ring = ring
        reservation._registration = registration
        reservation._slots = slots
        return reservation

    def commit(
        self,
        count: int | None = None,
        *,
        lengths: int | Sequence[int] | object | None = None,
        event_types: int | Sequence[int] | object = 0,
    ) -> None:
        """Publish the first slots as events, in order, and end the reservation [RING-63].

        Args:
            count: how many events; None for as many as `lengths` has numbers or, if it is None or one number, for all.
            lengths: one integer for all events, or a sequence or buffer with an integer for each; None for the ring's
                size.
            event_types: one integer for all events, or a sequence or buffer with an integer for each.

        Raises:
            ReleasedHandle: the reservation has ended [RING-68].
            TypeError: an argument, or an item of one, has a wrong type.
            ValueError: a number is out of its bounds, or there are not as many as events.
            PayloadTooLarge: a length is above the ring's size [RING-9].
            ViewsOutstanding: a view of the slots is alive [RING-66].
        """
        held = self._held_now()
        sizes, kinds = lengths_of_slots(count, lengths, event_types, held.number, held.size)

        def look() -> Found[None]:
            slots = self._held()
            slots.end_views("commit()")
            events = [PooledEvent(slots.payload(at, sizes[at]), kinds[at]) for at in range(len(sizes))]
            _, changes = self._ring._publishing(events, self._registration, new_waiter())
            return None, [*changes, *self._ending(self._registration, slots)]

        self._ring._monitor.run(look)

    def cancel(self) -> None:
        """End the reservation and publish nothing; after its end, do nothing [RING-64, RING-68].

        Raises:
            ViewsOutstanding: a view of the slots is alive [RING-66].
        """
        if self._slots is None or self._ring._monitor.is_forked:
            self._slots = None
            return

        def look() -> Found[None]:
            slots = self._slots
            if slots is None or slots.ended:
                return None, []
            slots.end_views("cancel()")
            return None, [*self._ending(self._registration, slots)]

        self._ring._monitor.run(look)

    def slot(self, index: int, /) -> memoryview:
        """Return a writable view of the payload of one slot, `size` bytes long, format `B` [RING-62].

        Args:
            index: 0 for the slot of the next event, up to `count - 1`.

        Raises:
            ReleasedHandle: the reservation has ended [RING-68].
            TypeError: `index` is not an integer.
            IndexError: there is no such slot.
        """
        return self._slot(index, None)

    @property
    def data(self) -> memoryview:
        """A writable view of all slots, format `B`, with a row for each of `size` rounded up to 64 [RING-62]."""
        return self._rows()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        # If views are alive, the slots are destroyed, and the reservation ends, after the last of them [RING-67].
        self._slots = None


class Peek(_InPlace):
    """The next events of a gated ring's reader, in the ring's own memory; `Reader.peek` makes one [RING-71]."""

    __slots__ = ("_events", "_first", "_registration")

    _events: Sequence[PooledEvent]
    _first: int
    _registration: ReaderRegistration
    _remedy = "make another one by Reader.peek()"

    def __init__(self, *_: object, **__: object) -> None:
        """Raise a TypeError: only a reader can peek [RING-71].

        Raises:
            TypeError: always.
        """
        raise TypeError("Peek cannot be called: only a reader makes one; call Reader.peek(limit)")

    @classmethod
    def _holding(
        cls, ring: RingBuffer, registration: ReaderRegistration, slots: LentSlots, events: Sequence[PooledEvent]
    ) -> Self:
        """Return a peek that holds slots with events in them [RING-71]."""
        peek = cls.__new__(cls)
        for index, event in enumerate(events):
            slots[index * slots.stride : index * slots.stride + event.len] = event.data
        peek._ring = ring
        peek._registration = registration
        peek._slots = slots
        peek._events = events
        peek._first = registration.position.cursor
        return peek

    def release(self, count: int | None = None) -> None:
        """End the peek, and move the reader on past the first events [RING-73].

        Args:
            count: how many events were read; None for all.

        Raises:
            ReleasedHandle: the peek has ended [RING-77].
            TypeError: `count` is not an integer.
            ValueError: `count` is not from 0 to the number of events.
            RingClosed: the reader was evicted: the memory may have changed while it was read [RING-78].
            ViewsOutstanding: a view of the events is alive [RING-75].
        """
        held = self._held_now()
        passed = held.number if count is None else as_number("count", count)
        check_between("count", passed, 0, held.number, "pass at most the number of events of the peek")

        def look() -> Found[None]:
            slots, registration = self._held(), self._registration
            if registration.evicted:
                why = "the reader was evicted, and the events may have changed while they were read"
                raise RingClosed(f"self is {self!r}: {why}; discard them, and make a new Reader of the ring")
            slots.end_views("release()")
            moving = self._ring._moving(registration, delivered(registration.position, passed)) if passed else ()
            return None, [*moving, *self._ending(registration, slots)]

        self._ring._monitor.run(look)

    def slot(self, index: int, /) -> memoryview:
        """Return a read-only view of the payload of one event, format `B` [RING-72].

        Args:
            index: 0 for the next event, up to `count - 1`.

        Raises:
            ReleasedHandle: the peek has ended [RING-77].
            TypeError: `index` is not an integer.
            IndexError: there is no such event.
        """
        self._held_now()
        return self._slot(index, [event.len for event in self._events]).toreadonly()

    @property
    def data(self) -> memoryview:
        """A read-only view of all slots, format `B`, with a row for each of `size` rounded up to 64 [RING-72]."""
        return self._rows().toreadonly()

    @property
    def lengths(self) -> memoryview:
        """A copy of the length of each event, format `I` [RING-72]."""
        self._held_now()
        return memoryview(array("I", [event.len for event in self._events])).toreadonly()

    @property
    def event_types(self) -> memoryview:
        """A copy of the type of each event, format `I` [RING-72]."""
        self._held_now()
        return memoryview(array("I", [event.event_type for event in self._events])).toreadonly()

    @property
    def first_sequence(self) -> int:
        """The sequence number of the first event [RING-71]."""
        self._held_now()
        return self._first

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None and not self.released and not self._ring._monitor.is_forked:
            self.release()
        # If views are alive, the slots are destroyed, and the peek ends, after the last of them [RING-76].
        self._slots = None


def lend_slots(
    ring: RingBuffer, registration: WriterRegistration | ReaderRegistration, number: int, keeps: object
) -> tuple[LentSlots, list[Change]]:
    """Return slots for a reservation or a peek, and the changes that lend them [RING-61, RING-71].

    Args:
        ring: the ring.
        registration: the registration of its writer or reader.
        number: how many slots.
        keeps: what keeps the writer or reader registered until the last view is gone.
    """
    ending = partial(_ending_destroyed_slots, registration)
    slots = LentSlots(ring._monitor, number, ring.size, ending, keeps)
    return slots, [partial(setattr, registration, "lent", weakref.ref(slots)), slots.arm]


def ending_loan_of_slots(registration: WriterRegistration | ReaderRegistration, slots: LentSlots) -> tuple[Change, ...]:
    """Return the changes after which a writer has no reservation, or a reader no peek [RING-64, RING-73]."""
    return (
        *slots.disarming(),
        partial(setattr, slots, "ended", True),
        partial(setattr, registration, "lent", None),
    )


def ending_at_close(
    registration: WriterRegistration | ReaderRegistration, *, evicted: bool = False
) -> tuple[Change, ...]:
    """Return the changes that end the reservation or peek of a writer or reader that is closed [RING-64, RING-77].

    Raises:
        ViewsOutstanding: a view of it is alive, and its reader was not evicted [RING-66, RING-75].
    """
    slots = None if registration.lent is None else registration.lent()
    if slots is None:
        return ()
    if not evicted:
        slots.end_views("close()")
    return ending_loan_of_slots(registration, slots)


def _ending_destroyed_slots(registration: WriterRegistration | ReaderRegistration) -> tuple[Change, ...]:
    """Return the changes that end a reservation or peek after its slots were destroyed [RING-67, RING-76]."""
    if registration.lent is None or registration.lent() is not None:
        return ()
    return (partial(setattr, registration, "lent", None),)
