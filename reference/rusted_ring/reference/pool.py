"""One pool: its slots, their events and detached references, and its counters [SLOT-1, ALLOC-1 to ALLOC-9]."""

import itertools
import operator
from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from rusted_ring.reference.monitor import Change
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
from rusted_ring.vocabulary.errors import PoolExhausted, RefCountOverflow, RefCountUnderflow, StaleHandle
from rusted_ring.vocabulary.event import PooledEvent
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.slots import PoolStats, SlotMetadata, SlotState

Arrow = Callable[[SlotMetadata, int, int], SlotMetadata]

_NO_EVENT: Final = PooledEvent(b"")


class Pool:
    """The slots of one size class [SLOT-1].

    Every method is called within a step. A method whose name is a gerund returns the changes that the step is to make.

    Attributes:
        words: the slot words, in the order of the slots.
        detached: the number of detached references of each slot.
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
        "detached",
        "events",
        "failures",
        "pool_id",
        "words",
    )

    def __init__(self, pool_id: PoolId, capacity: int, profile: Profile) -> None:
        self.pool_id = pool_id
        self.capacity = capacity
        self.words = array("Q", bytes(8 * capacity))
        self.detached = array("Q", bytes(8 * capacity))
        self.events: dict[int, PooledEvent] = {}
        self.allocations = 0
        self.failures = 0
        self._counts: int = 2**profile.ref_bits
        self._generations: int = 2**profile.generation_bits
        self._next = 0

    def stats(self) -> PoolStats:
        """Return the pool's counters [ALLOC-9]."""
        return PoolStats(self.capacity, self.capacity - self.free, self.free, self.allocations, self.failures)

    def slot(self, slot_index: int) -> SlotMetadata:
        """Return the count, generation and state of a slot now [SLOT-14]."""
        return unpack_word(self.words[slot_index], self._counts)

    def event(self, slot_index: int) -> PooledEvent:
        """Return the event in a slot, an empty one if a nested step has freed it since this step began [PTR-7]."""
        return self.events.get(slot_index, _NO_EVENT)

    @property
    def free(self) -> int:
        """How many slots are FREE."""
        return self.capacity - len(self.events)

    def _becoming(self, slot_index: int, arrow: Arrow, times: int = 1) -> tuple[SlotMetadata, Change]:
        """Return a slot after one or more transitions of a kind, and the change that stores it [SLOT-1]."""
        slot = self.slot(slot_index)
        for _ in range(times):
            slot = arrow(slot, self._counts, self._generations)
        return slot, partial(operator.setitem, self.words, slot_index, pack_word(slot, self._counts))

    def _setting(self, name: str, value: object) -> Change:
        return partial(setattr, self, name, value)

    # Taking slots

    def has_room(self, count: int, payload_bytes: int) -> bool:
        """Return whether `count` slots are FREE for payloads of `payload_bytes` in total [ALLOC-3, ALLOC-7]."""
        del payload_bytes  # only the heap has a limit in bytes
        return self.free >= count

    def exhausted(self, count: int, payload_bytes: int) -> PoolExhausted:
        """Return the error to raise if there is no such room [ALLOC-3, ALLOC-7]."""
        del payload_bytes
        return PoolExhausted(
            f"pool {self.pool_id.name} is full: {self.capacity - self.free} of {self.capacity} slots are taken and "
            f"{count} needed; drop pointers and views, allocate with spill=True, or make the pool with more slots"
        )

    def failing(self) -> Change:
        """Return the change that counts a failed call [ALLOC-9]."""
        return self._setting("failures", self.failures + 1)

    def free_slots(self) -> Iterator[int]:
        """Yield the FREE slots in order, from the one after the last slot taken [ALLOC-2]."""
        slots = itertools.chain(range(self._next, self.capacity), range(self._next))
        return (slot_index for slot_index in slots if self.words[slot_index] % 4 == SlotState.FREE)

    def allocating(self, taken: Mapping[int, PooledEvent]) -> tuple[Change, ...]:
        """Return the changes that put events into FREE slots, with one reference each [ALLOC-1, SLOT-5]."""
        return self._taking(taken, allocated)

    def lending(self, slot_index: int, event: PooledEvent) -> tuple[Change, ...]:
        """Return the changes that lend a FREE slot for an event to be written in place [LOAN-1, SLOT-6]."""
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
        """Return the changes that make a LOANED slot LIVE with the event written there [LOAN-3, SLOT-7]."""
        return partial(operator.setitem, self.events, slot_index, event), self._becoming(slot_index, committed)[1]

    def aborting(self, slot_index: int) -> tuple[Change, ...]:
        """Return the changes that make a LOANED slot FREE [LOAN-5, SLOT-8]."""
        return self._becoming(slot_index, aborted)[1], partial(operator.delitem, self.events, slot_index)

    # References

    def cloning(self, slot_index: int) -> Change:
        """Return the change that increments the reference count of a LIVE slot [SLOT-9].

        Raises:
            RefCountOverflow: the counter is at its maximum [SLOT-10].
        """
        slot = self.slot(slot_index)
        if is_saturated(slot, self._counts):
            raise RefCountOverflow(
                f"slot_index {slot_index} of pool {self.pool_id.name} has {slot.ref_count} references: the most that "
                f"its counter holds; drop one first, or make pools with more ref_bits"
            )
        return self._becoming(slot_index, cloned)[1]

    def dropping(self, slot_index: int, count: int = 1) -> tuple[Change, ...]:
        """Return the changes that decrement the reference count of a LIVE slot; 0 frees it [SLOT-11, SLOT-12]."""
        slot, change = self._becoming(slot_index, dropped, count)
        if slot.state == SlotState.FREE:
            return change, partial(operator.delitem, self.events, slot_index)
        return (change,)

    def ending(self, slot_index: int) -> tuple[Change, ...]:
        """Return the changes that release a pin: drop its reference, or abort its loan [PTR-5, LOAN-5]."""
        if self.slot(slot_index).state == SlotState.LOANED:
            return self.aborting(slot_index)
        return self.dropping(slot_index)

    # Triples and detached references

    def check_live(self, slot_index: int, generation: int | None, detached: int = 0) -> None:
        """Make sure that a slot is LIVE, and has a generation and detached references.

        Args:
            slot_index: the slot.
            generation: the generation that it must have, None for any.
            detached: the least number of detached references that it must have.

        Raises:
            StaleHandle: it is not LIVE, or not with that generation [ALLOC-16, WEAK-3, PTR-15].
            RefCountUnderflow: it has fewer detached references [PTR-14].
        """
        # No call between the two reads: no nested step can run there, so both are of one moment.
        has, word = self.detached[slot_index], self.words[slot_index]
        slot = unpack_word(word, self._counts)
        if not is_event_of(slot, slot.generation if generation is None else generation):
            wanted = "" if generation is None else f" with generation {generation}"
            raise StaleHandle(
                f"slot_index {slot_index} of pool {self.pool_id.name} is {slot.state.name} with generation "
                f"{slot.generation}, not LIVE{wanted}: its event is gone; keep a pointer as long as you need the event"
            )
        self.check_detached(slot_index, has, detached)

    def check_detached(self, slot_index: int, has: int, count: int) -> None:
        """Make sure that a slot with `has` detached references has at least `count` [PTR-14].

        Raises:
            RefCountUnderflow: it has fewer.
        """
        if has < count:
            raise RefCountUnderflow(
                f"slot_index {slot_index} of pool {self.pool_id.name} has {has} detached references, not {count}: its "
                f"other references belong to pointers and views; release each detached reference once, and drop() "
                f"pointers"
            )

    def detaching(self, slot_index: int) -> Change:
        """Return the change that makes a counted reference a detached one [PTR-11]."""
        return partial(operator.setitem, self.detached, slot_index, self.detached[slot_index] + 1)

    def attaching(self, slot_index: int, count: int = 1) -> Change:
        """Return the change that makes detached references belong to a pointer, or to the caller to drop [PTR-13]."""
        return partial(operator.setitem, self.detached, slot_index, self.detached[slot_index] - count)
