"""Strong pointers [PTR-1 to PTR-17]."""

import builtins

from rusted_ring.reference import allocator as allocators
from rusted_ring.reference import weak
from rusted_ring.reference.arguments import as_number
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pinned import _Pinned
from rusted_ring.reference.sizes import PoolId
from rusted_ring.reference.token import token_of
from rusted_ring.reference.triple import Triple, as_allocator, as_triple, triple_of_token


class RingPtr(_Pinned):
    """A counted reference to a LIVE slot, which it keeps LIVE [PTR-1].

    The constructor turns a loose reference into a pointer, as `from_token` does [PTR-11]; most pointers come from
    `EventAllocator.allocate`.
    """

    __slots__ = ()

    _remedy = "clone a pointer before you drop it"

    def __init__(
        self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "allocators.EventAllocator"
    ) -> None:
        """Turn a loose reference of a slot into a pointer; the count stays as it is [PTR-11, PTR-14].

        Args:
            pool_id: the pool or its number.
            slot_index: the slot.
            generation: the generation that the slot must have.
            allocator: the allocator of the slot.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot.
            StaleHandle: the slot is not LIVE with that generation [PTR-15].
            RefCountUnderflow: the slot has no loose reference [PTR-14].
        """
        triple = as_triple(pool_id, slot_index, generation, allocator)
        self._allocator = allocator
        self._pin = _pin_of_loose_reference(triple, allocator)

    @classmethod
    def from_token(cls, token: int, allocator: "allocators.EventAllocator") -> "RingPtr":
        """Turn a loose reference into a pointer; the count stays as it is [PTR-13].

        Args:
            token: what `into_token`, `allocate_many` or `handle_ffi_event` returned.
            allocator: the allocator that the token is of.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: the allocator has no such pool, slot or generation [PTR-16].
            StaleHandle: the slot is not LIVE with that generation [PTR-15].
            RefCountUnderflow: the slot has no loose reference [PTR-14].
        """
        number = as_number("token", token)
        owner = as_allocator(allocator)
        triple = triple_of_token("token", number, owner.pools)
        return cls._holding(_pin_of_loose_reference(triple, owner), owner)

    def clone(self) -> "RingPtr":
        """Return a new pointer to the same slot, and count it [PTR-2].

        Raises:
            ReleasedHandle: the pointer was dropped.
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        with self._step:
            pin = self._held()
            pin.pool.clone(pin.slot_index)
            return RingPtr._holding(Pin(self._step, pin.pool, pin.slot_index), self._allocator)

    __copy__ = clone

    def drop(self) -> None:
        """Let go of the reference, which is given back when the last view is gone too [PTR-3, VIEW-2]."""
        self._pin = None

    def downgrade(self) -> "weak.WeakRingPtr":
        """Return a weak pointer to the slot and generation [WEAK-1].

        Raises:
            ReleasedHandle: the pointer was dropped.
        """
        with self._step:
            pin = self._held()
            return weak.WeakRingPtr(pin.pool.pool_id, pin.slot_index, pin.generation, self._allocator)

    def into_token(self) -> int:
        """Turn the pointer's reference into a loose one and return its token; the count stays as it is [PTR-12].

        Raises:
            ReleasedHandle: the pointer was dropped.
            ViewsOutstanding: the pointer has live views [PTR-17].
        """
        with self._step:
            pin = self._held()
            pin.end_views("into_token()")
            pin.pool.leave_loose(pin.slot_index)
            pin.disarm()
            self._pin = None
            return token_of(pin.pool.pool_id, pin.slot_index, pin.generation)

    @property
    def allocator(self) -> "allocators.EventAllocator":
        """The allocator that the pointer was made by [PTR-8, ALLOC-24]."""
        with self._step:
            self._held()
            return self._allocator

    @property
    def bytes(self) -> builtins.bytes:
        """The payload [PTR-7]."""
        return self._event().data

    @property
    def data(self) -> memoryview:
        """A read-only view of the payload, which holds on to the slot [VIEW-1, VIEW-2, VIEW-5]."""
        with self._step:
            return self._held().view().toreadonly()

    @property
    def ref_count(self) -> int:
        """How many references the slot has now [SLOT-14]."""
        with self._step:
            pin = self._held()
            return pin.pool.slot(pin.slot_index).ref_count

    def __len__(self) -> int:
        return self.len

    def __bytes__(self) -> builtins.bytes:
        return self.bytes

    def __bool__(self) -> bool:
        # A pointer to an empty event is a pointer.
        return True


def _pin_of_loose_reference(triple: Triple, allocator: "allocators.EventAllocator") -> Pin:
    """Turn a loose reference into a pin [PTR-13, PTR-14, PTR-15]."""
    step = allocator.pools._step
    with step:
        triple.pool.check_live(triple.slot_index, triple.generation)
        triple.pool.check_loose(triple.slot_index, 1)
        triple.pool.take_loose(triple.slot_index)
        return Pin(step, triple.pool, triple.slot_index)
