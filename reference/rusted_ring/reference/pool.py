"""One pool: its slots, their events and loose references, and its figures [SLOT-1, ALLOC-1 to ALLOC-9]."""

import itertools
import operator
from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from rusted_ring.reference.slot import (
    aborted,
    allocated,
    cloned,
    committed,
    dropped,
    is_event_of,
    is_saturated,
    loaned,
    pack_word,
    unpack_word,
)
from rusted_ring.reference.step import Change
from rusted_ring.vocabulary.errors import PoolExhausted, RefCountOverflow, RefCountUnderflow, StaleHandle
from rusted_ring.vocabulary.event import PooledEvent
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.slots import PoolStats, SlotMetadata, SlotState

Arrow = Callable[[SlotMetadata, int, int], SlotMetadata]

_NO_EVENT: Final = PooledEvent(b"")


class Pool:
    """The slots of one size class; every method is called within a step, and returns what that is to change [SLOT-1].

    Attributes:
        words: the slot words, in the order of the slots.
        loose: the loose references of each slot.
        events: the event in each slot that is not FREE.
        allocations: how many slots were taken since the start.
        failures: how many calls found the pool full.
    """

    __slots__ = (
        "_counts",
        "_generations",
        "_next",
        "allocations",
        "capacity",
        "events",
        "failures",
        "loose",
        "pool_id",
        "words",
    )

    def __init__(self, pool_id: PoolId, capacity: int, profile: Profile) -> None:
        self.pool_id = pool_id
        self.capacity = capacity
        self.words = array("Q", bytes(8 * capacity))
        self.loose = array("Q", bytes(8 * capacity))
        self.events: dict[int, PooledEvent] = {}
        self.allocations = 0
        self.failures = 0
        self._counts: int = 2**profile.ref_bits
        self._generations: int = 2**profile.generation_bits
        self._next = 0

    def stats(self) -> PoolStats:
        """Return the pool's figures [ALLOC-9]."""
        return PoolStats(self.capacity, self.capacity - self.free, self.free, self.allocations, self.failures)

    def slot(self, slot_index: int) -> SlotMetadata:
        """Return what a slot is now [SLOT-14]."""
        return unpack_word(self.words[slot_index], self._counts)

    def event(self, slot_index: int) -> PooledEvent:
        """Return the event in a slot, an empty one where it has become FREE since the step looked [PTR-7]."""
        return self.events.get(slot_index, _NO_EVENT)

    @property
    def free(self) -> int:
        """How many slots are FREE."""
        return self.capacity - len(self.events)

    def _becoming(self, slot_index: int, arrow: Arrow, times: int = 1) -> tuple[SlotMetadata, Change]:
        """Return what a slot is once it went along an arrow of the diagram, and what makes it so [SLOT-1]."""
        slot = self.slot(slot_index)
        for _ in range(times):
            slot = arrow(slot, self._counts, self._generations)
        return slot, partial(operator.setitem, self.words, slot_index, pack_word(slot, self._counts))

    def _setting(self, name: str, value: object) -> Change:
        return partial(setattr, self, name, value)

    # Taking slots

    def has_room(self, count: int, payload_bytes: int) -> bool:
        """Return whether `count` slots are free for payloads of `payload_bytes` together [ALLOC-3, ALLOC-7]."""
        del payload_bytes  # the heap alone is bounded in bytes
        return self.free >= count

    def exhausted(self, count: int, payload_bytes: int) -> PoolExhausted:
        """Return the error for want of that room [ALLOC-3, ALLOC-7]."""
        del payload_bytes
        return PoolExhausted(
            f"pool {self.pool_id.name} is full: {self.capacity - self.free} of {self.capacity} slots are taken and "
            f"{count} wanted; drop pointers and views, allocate with spill=True, or give the pool more slots"
        )

    def failing(self) -> Change:
        """Return what counts a call that found the pool full [ALLOC-9]."""
        return self._setting("failures", self.failures + 1)

    def free_slots(self) -> Iterator[int]:
        """Yield the FREE slots, from the next after the last one taken on [ALLOC-2]."""
        around = itertools.chain(range(self._next, self.capacity), range(self._next))
        return (slot_index for slot_index in around if self.words[slot_index] % 4 == SlotState.FREE)

    def allocating(self, taken: Mapping[int, PooledEvent]) -> tuple[Change, ...]:
        """Return what puts events into FREE slots, with one reference each [ALLOC-1, SLOT-5]."""
        return self._taking(taken, allocated)

    def lending(self, slot_index: int, event: PooledEvent) -> tuple[Change, ...]:
        """Return what sets a FREE slot apart for an event that is yet to be written [LOAN-1, SLOT-6]."""
        return self._taking({slot_index: event}, loaned)

    def _taking(self, taken: Mapping[int, PooledEvent], arrow: Arrow) -> tuple[Change, ...]:
        return (
            *(self._becoming(slot_index, arrow)[1] for slot_index in taken),
            partial(self.events.update, taken),
            self._setting("allocations", self.allocations + len(taken)),
            self._setting("_next", ([*taken][-1] + 1) % self.capacity),
        )

    # Ending a loan

    def committing(self, slot_index: int, event: PooledEvent) -> tuple[Change, ...]:
        """Return what makes a LOANED slot LIVE with the event that was written there [LOAN-3, SLOT-7]."""
        return partial(operator.setitem, self.events, slot_index, event), self._becoming(slot_index, committed)[1]

    def aborting(self, slot_index: int) -> tuple[Change, ...]:
        """Return what makes a LOANED slot FREE [LOAN-5, SLOT-8]."""
        return self._becoming(slot_index, aborted)[1], partial(operator.delitem, self.events, slot_index)

    # References

    def cloning(self, slot_index: int) -> Change:
        """Return what counts one reference more to a LIVE slot [SLOT-9].

        Raises:
            RefCountOverflow: the counter is full [SLOT-10].
        """
        slot = self.slot(slot_index)
        if is_saturated(slot, self._counts):
            raise RefCountOverflow(
                f"slot_index {slot_index} of pool {self.pool_id.name} has {slot.ref_count} references: its counter "
                f"holds no more; drop one first, or make pools of more ref_bits"
            )
        return self._becoming(slot_index, cloned)[1]

    def dropping(self, slot_index: int, count: int = 1) -> tuple[Change, ...]:
        """Return what counts references less to a LIVE slot; the last one frees it [SLOT-11, SLOT-12]."""
        slot, change = self._becoming(slot_index, dropped, count)
        if slot.state == SlotState.FREE:
            return change, partial(operator.delitem, self.events, slot_index)
        return (change,)

    def ending(self, slot_index: int) -> tuple[Change, ...]:
        """Return what ends a pin's hold: a reference to a LIVE slot, or the loan of a LOANED one [PTR-5, LOAN-5]."""
        if self.slot(slot_index).state == SlotState.LOANED:
            return self.aborting(slot_index)
        return self.dropping(slot_index)

    # Triples and loose references

    def check_live(self, slot_index: int, generation: int | None, loose: int = 0) -> None:
        """Make sure that a slot is LIVE, with this generation if one is given, and has so many loose references.

        Raises:
            StaleHandle: it is not LIVE, or not with that generation [ALLOC-16, WEAK-3, PTR-15].
            RefCountUnderflow: it has fewer loose references [PTR-14].
        """
        # Without a call between, so that both are of one moment.
        has, word = self.loose[slot_index], self.words[slot_index]
        slot = unpack_word(word, self._counts)
        if not is_event_of(slot, slot.generation if generation is None else generation):
            wanted = "" if generation is None else f" with generation {generation}"
            raise StaleHandle(
                f"slot_index {slot_index} of pool {self.pool_id.name} is {slot.state.name} with generation "
                f"{slot.generation}, not LIVE{wanted}: its event is gone; keep a pointer as long as you need the event"
            )
        self.check_loose(slot_index, has, loose)

    def check_loose(self, slot_index: int, has: int, count: int) -> None:
        """Make sure that a slot that has so many loose references has `count` [PTR-14].

        Raises:
            RefCountUnderflow: it has less.
        """
        if has < count:
            raise RefCountUnderflow(
                f"slot_index {slot_index} of pool {self.pool_id.name} has {has} loose references and {count} should "
                f"end: the others belong to pointers and views; end what was left loose once, and drop pointers"
            )

    def leaving_loose(self, slot_index: int) -> Change:
        """Return what makes a counted reference a loose one [PTR-11]."""
        return partial(operator.setitem, self.loose, slot_index, self.loose[slot_index] + 1)

    def taking_loose(self, slot_index: int, count: int = 1) -> Change:
        """Return what makes loose references such as somebody holds, or such as end [PTR-13]."""
        return partial(operator.setitem, self.loose, slot_index, self.loose[slot_index] - count)
