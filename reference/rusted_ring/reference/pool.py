"""One pool: its slots, their events and loose references, and its figures [SLOT-1, ALLOC-1 to ALLOC-9]."""

from array import array
from collections.abc import Callable

from rusted_ring.reference.errors import PoolExhausted, RefCountOverflow, RefCountUnderflow, StaleHandle
from rusted_ring.reference.event import PooledEvent, PoolStats, SlotMetadata, SlotState
from rusted_ring.reference.following import Choices, FollowError
from rusted_ring.reference.parameters import Profile
from rusted_ring.reference.sizes import PoolId
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

Arrow = Callable[[SlotMetadata, int, int], SlotMetadata]


class Pool:
    """The slots of one size class; every method is called within a step [SLOT-1].

    Attributes:
        words: the slot words, in the order of the slots.
        loose: the loose references of each slot.
        events: the event in each slot; None where the slot is FREE.
        free: how many slots are FREE.
        allocations: how many slots were taken since the start.
        failures: how many calls found the pool full.
    """

    __slots__ = (
        "_choices",
        "_counts",
        "_generations",
        "_next",
        "allocations",
        "capacity",
        "events",
        "failures",
        "free",
        "loose",
        "pool_id",
        "words",
    )

    def __init__(self, pool_id: PoolId, capacity: int, profile: Profile, choices: Choices) -> None:
        self.pool_id = pool_id
        self.capacity = capacity
        self.words = array("Q", bytes(8 * capacity))
        self.loose = array("Q", bytes(8 * capacity))
        self.events: list[PooledEvent | None] = [None] * capacity
        self.free = capacity
        self.allocations = 0
        self.failures = 0
        self._counts: int = 2**profile.ref_bits
        self._generations: int = 2**profile.generation_bits
        self._choices = choices
        self._next = 0

    def stats(self) -> PoolStats:
        """Return the pool's figures [ALLOC-9]."""
        return PoolStats(self.capacity, self.capacity - self.free, self.free, self.allocations, self.failures)

    def slot(self, slot_index: int) -> SlotMetadata:
        """Return what a slot is now [SLOT-14]."""
        return unpack_word(self.words[slot_index], self._counts)

    def event(self, slot_index: int) -> PooledEvent:
        """Return the event in a slot that is not FREE [PTR-7]."""
        event = self.events[slot_index]
        assert event is not None
        return event

    def _become(self, slot_index: int, arrow: Arrow) -> SlotMetadata:
        """Take a slot along an arrow of the diagram, and return what it is then [SLOT-1]."""
        slot = arrow(self.slot(slot_index), self._counts, self._generations)
        self.words[slot_index] = pack_word(slot, self._counts)
        return slot

    # Taking a slot

    def check_room(self, count: int, payload_bytes: int) -> None:
        """Make sure that `count` slots are free for payloads of `payload_bytes` together [ALLOC-3, ALLOC-7].

        Raises:
            PoolExhausted: they cannot.
        """
        del payload_bytes  # the heap alone is bounded in bytes
        if self.free < count:
            self.failures += 1
            raise PoolExhausted(
                f"pool {self.pool_id.name} is full: {self.capacity - self.free} of {self.capacity} slots are taken and "
                f"{count} wanted; drop pointers and views, allocate with spill=True, or give the pool more slots"
            )

    def choose(self) -> int:
        """Return a FREE slot: the one queued by `follow`, or the next after the last one taken [ALLOC-2].

        Raises:
            FollowError: the slot queued is not FREE.
        """
        chosen = self._choices.take(self.pool_id)
        if chosen is not None:
            if not 0 <= chosen < self.capacity or self.slot(chosen).state != SlotState.FREE:
                raise FollowError(f"slot {chosen} of pool {self.pool_id.name} was taken while it was not FREE")
            return chosen
        slot_index = self._next
        while self.words[slot_index] % 4 != SlotState.FREE:
            slot_index = (slot_index + 1) % self.capacity
        self._next = (slot_index + 1) % self.capacity
        return slot_index

    def allocate(self, event: PooledEvent) -> int:
        """Put an event into a FREE slot, with one reference, and return its index [ALLOC-1, SLOT-5]."""
        slot_index = self.choose()
        self._become(slot_index, allocated)
        self._taken(slot_index, event)
        return slot_index

    def loan(self, event: PooledEvent) -> int:
        """Set a FREE slot apart for an event that is yet to be written, and return its index [LOAN-1, SLOT-6]."""
        slot_index = self.choose()
        self._become(slot_index, loaned)
        self._taken(slot_index, event)
        return slot_index

    def _taken(self, slot_index: int, event: PooledEvent) -> None:
        self.events[slot_index] = event
        self.free -= 1
        self.allocations += 1
        self.payload_came(len(event.data))

    # Ending a loan

    def commit(self, slot_index: int, event: PooledEvent) -> None:
        """Make a LOANED slot LIVE with the event that was written there [LOAN-3, SLOT-7]."""
        self.payload_went(len(self.event(slot_index).data))
        self.events[slot_index] = event
        self.payload_came(len(event.data))
        self._become(slot_index, committed)

    def abort(self, slot_index: int) -> None:
        """Make a LOANED slot FREE [LOAN-5, SLOT-8]."""
        self._become(slot_index, aborted)
        self._freed(slot_index)

    # References

    def clone(self, slot_index: int) -> None:
        """Count one reference more to a LIVE slot [SLOT-9].

        Raises:
            RefCountOverflow: the counter is full [SLOT-10].
        """
        slot = self.slot(slot_index)
        if is_saturated(slot, self._counts):
            raise RefCountOverflow(
                f"slot_index {slot_index} of pool {self.pool_id.name} has {slot.ref_count} references: its counter "
                f"holds no more; drop one first, or make pools of more ref_bits"
            )
        self._become(slot_index, cloned)

    def drop(self, slot_index: int) -> None:
        """Count one reference less to a LIVE slot; the last one frees it [SLOT-11, SLOT-12]."""
        slot = self._become(slot_index, dropped)
        if slot.state == SlotState.FREE:
            self._freed(slot_index)

    def end(self, slot_index: int) -> None:
        """End what a pin holds: drop a reference to a LIVE slot, abort the loan of a LOANED one [PTR-5, LOAN-5]."""
        if self.slot(slot_index).state == SlotState.LOANED:
            self.abort(slot_index)
        else:
            self.drop(slot_index)

    def _freed(self, slot_index: int) -> None:
        self.payload_went(len(self.event(slot_index).data))
        self.events[slot_index] = None
        self.free += 1

    # Triples and loose references

    def check_live(self, slot_index: int, generation: int | None) -> None:
        """Make sure that a slot is LIVE, with this generation if one is given [ALLOC-16, WEAK-3, PTR-15].

        Raises:
            StaleHandle: it is not.
        """
        slot = self.slot(slot_index)
        if not is_event_of(slot, slot.generation if generation is None else generation):
            wanted = "" if generation is None else f" with generation {generation}"
            raise StaleHandle(
                f"slot_index {slot_index} of pool {self.pool_id.name} is {slot.state.name} with generation "
                f"{slot.generation}, not LIVE{wanted}: its event is gone; keep a pointer as long as you need the event"
            )

    def check_loose(self, slot_index: int, count: int) -> None:
        """Make sure that a LIVE slot has `count` loose references [PTR-14].

        Raises:
            RefCountUnderflow: it has less.
        """
        loose = self.loose[slot_index]
        if loose < count:
            raise RefCountUnderflow(
                f"slot_index {slot_index} of pool {self.pool_id.name} has {loose} loose references and {count} should "
                f"end: the others belong to pointers and views; end what was left loose once, and drop pointers"
            )

    def leave_loose(self, slot_index: int) -> None:
        """Make a counted reference a loose one [PTR-11]."""
        self.loose[slot_index] += 1

    def take_loose(self, slot_index: int) -> None:
        """Make a loose reference one that somebody holds [PTR-13]."""
        self.loose[slot_index] -= 1

    # What the heap counts

    def payload_came(self, length: int) -> None:
        """Note that a payload of `length` bytes lies in the pool [ALLOC-7]; only the heap counts them."""

    def payload_went(self, length: int) -> None:
        """Note that a payload of `length` bytes is gone [ALLOC-7]; only the heap counts them."""
