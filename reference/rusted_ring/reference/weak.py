"""Weak pointers [WEAK-1 to WEAK-7]."""

from rusted_ring.reference import allocator as allocators
from rusted_ring.reference import pointer
from rusted_ring.reference.arguments import as_number
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.sizes import PoolId
from rusted_ring.reference.token import token_of
from rusted_ring.reference.triple import as_allocator, as_triple, triple_of_token
from rusted_ring.reference.unpicklable import Unpicklable


class WeakRingPtr(Unpicklable):
    """A triple of pool, slot and generation, which keeps nothing alive [WEAK-1]."""

    __slots__ = ("__weakref__", "_allocator", "_triple")

    def __init__(
        self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "allocators.EventAllocator"
    ) -> None:
        """Name a slot and a generation that exist, whatever is there [WEAK-1].

        Args:
            pool_id: the pool or its number.
            slot_index: the slot.
            generation: the generation.
            allocator: the allocator of the slot.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot.
        """
        self._triple = as_triple(pool_id, slot_index, generation, allocator)
        self._allocator = allocator

    @classmethod
    def from_token(cls, token: int, allocator: "allocators.EventAllocator") -> "WeakRingPtr":
        """Return the weak pointer of a token; the loose reference, if there is one, stays [WEAK-6].

        Args:
            token: a token of the allocator.
            allocator: the allocator that the token is of.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: the allocator has no such pool, slot or generation [PTR-16].
        """
        number = as_number("token", token)
        triple = triple_of_token("token", number, as_allocator(allocator).pools)
        return cls(triple.pool.pool_id, triple.slot_index, triple.generation, allocator)

    def upgrade(self) -> "pointer.RingPtr":
        """Return a pointer to the slot and count it, if the slot is LIVE with this generation [WEAK-2].

        Raises:
            StaleHandle: it is not [WEAK-3].
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        pool, slot_index, generation = self._triple
        step = self._allocator.pools._step
        with step:
            pool.check_live(slot_index, generation)
            pool.clone(slot_index)
            return pointer.RingPtr._holding(Pin(step, pool, slot_index), self._allocator)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [WEAK-1]."""
        return self._triple.pool.pool_id

    @property
    def slot_index(self) -> int:
        """The number of the slot in its pool [WEAK-1]."""
        return self._triple.slot_index

    @property
    def generation(self) -> int:
        """The generation [WEAK-1]."""
        return self._triple.generation

    @property
    def token(self) -> int:
        """The token of the triple [WEAK-6, PTR-10]."""
        return token_of(self.pool_id, self.slot_index, self.generation)

    @property
    def allocator(self) -> "allocators.EventAllocator":
        """The allocator of the slot [WEAK-7, ALLOC-24]."""
        return self._allocator

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WeakRingPtr):
            return NotImplemented
        return self._allocator is other._allocator and self._triple == other._triple

    def __hash__(self) -> int:
        return hash((id(self._allocator), self.token))

    def __repr__(self) -> str:
        return f"WeakRingPtr(pool_id={self.pool_id.name}, slot_index={self.slot_index}, generation={self.generation})"
