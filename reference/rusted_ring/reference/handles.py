"""Strong and weak pointers, each of which makes the other [PTR-1 to PTR-17, WEAK-1 to WEAK-7]."""

import builtins
from typing import TYPE_CHECKING, cast

from rusted_ring.reference.once import become, becoming, check_unmade
from rusted_ring.reference.owner import Owner, as_allocator
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pinned import _Pinned
from rusted_ring.reference.step import NOTHING, Change, Found
from rusted_ring.reference.token import token_of
from rusted_ring.reference.triple import Triple, as_triple, triple_of_token
from rusted_ring.vocabulary.arguments import as_number
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    from rusted_ring.reference.allocator import EventAllocator


class RingPtr(_Pinned):
    """A counted reference to a LIVE slot, which it keeps LIVE [PTR-1].

    The constructor turns a loose reference into a pointer, as `from_token` does [PTR-11]; most pointers come from
    `EventAllocator.allocate`.
    """

    __slots__ = ()

    _remedy = "clone a pointer before you drop it"

    def __init__(self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "EventAllocator") -> None:
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

        def look() -> Found[None]:
            check_unmade(self, "_pin")
            pin, taking = _pin_for_loose_reference(triple, allocator)
            return None, [*becoming(self, _allocator=allocator, _pin=pin), *taking]

        allocator.pools._step.take(look)

    @classmethod
    def from_token(cls, token: int, allocator: "EventAllocator") -> "RingPtr":
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

        def look() -> Found[RingPtr]:
            pin, taking = _pin_for_loose_reference(triple, owner)
            return cls._holding(pin, owner), taking

        return owner.pools._step.take(look)

    def clone(self) -> "RingPtr":
        """Return a new pointer to the same slot, and count it [PTR-2].

        Raises:
            ReleasedHandle: the pointer was dropped.
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """

        def look() -> Found[RingPtr]:
            pin = self._held()
            another = Pin(self._step, pin.pool, pin.slot_index)
            return RingPtr._holding(another, self._allocator), [pin.pool.cloning(pin.slot_index), another.arm]

        return self._step.take(look)

    __copy__ = clone

    def drop(self) -> None:
        """Let go of the reference, which is given back when the last view is gone too [PTR-3, VIEW-2]."""
        self._pin = None

    def downgrade(self) -> "WeakRingPtr":
        """Return a weak pointer to the slot and generation [WEAK-1].

        Raises:
            ReleasedHandle: the pointer was dropped.
        """
        pin = self._step.see(self._held)
        return WeakRingPtr(pin.pool.pool_id, pin.slot_index, pin.generation, self.allocator)

    def into_token(self) -> int:
        """Turn the pointer's reference into a loose one and return its token; the count stays as it is [PTR-12].

        Raises:
            ReleasedHandle: the pointer was dropped.
            ViewsOutstanding: the pointer has live views [PTR-17].
        """

        def look() -> Found[int]:
            pin = self._held()
            pin.end_views("into_token()")
            token = token_of(pin.pool.pool_id, pin.slot_index, pin.generation)
            return token, [pin.pool.leaving_loose(pin.slot_index), *pin.disarming(), self._ending()]

        return self._step.take(look)

    @property
    def allocator(self) -> "EventAllocator":
        """The allocator that the pointer was made by [PTR-8, ALLOC-24]."""
        self._step.see(self._held)
        return cast("EventAllocator", self._allocator)

    @property
    def bytes(self) -> builtins.bytes:
        """The payload [PTR-7]."""
        return self._event().data

    @property
    def data(self) -> memoryview:
        """A read-only view of the payload, which holds on to the slot [VIEW-1, VIEW-2, VIEW-5]."""
        return self._step.take(lambda: (self._held().view().toreadonly(), [NOTHING]))

    @property
    def ref_count(self) -> int:
        """How many references the slot has now [SLOT-14]."""

        def look() -> int:
            pin = self._held()
            return pin.pool.slot(pin.slot_index).ref_count

        return self._step.see(look)

    def __buffer__(self, flags: int, /) -> memoryview:
        # Python asks from 3.12 on [VIEW-8].
        return self.data

    def __len__(self) -> int:
        return self.len

    def __bytes__(self) -> builtins.bytes:
        return self.bytes

    def __bool__(self) -> bool:
        # A pointer to an empty event is a pointer.
        return True


class WeakRingPtr(Unpicklable):
    """A triple of pool, slot and generation, which keeps nothing alive [WEAK-1]."""

    __slots__ = ("__weakref__", "_allocator", "_triple")

    _allocator: Owner
    _triple: Triple

    def __init__(self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "EventAllocator") -> None:
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
        triple = as_triple(pool_id, slot_index, generation, allocator)
        become(self, _triple=triple, _allocator=allocator)

    @classmethod
    def from_token(cls, token: int, allocator: "EventAllocator") -> "WeakRingPtr":
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

    def upgrade(self) -> RingPtr:
        """Return a pointer to the slot and count it, if the slot is LIVE with this generation [WEAK-2].

        Raises:
            StaleHandle: it is not [WEAK-3].
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        pool, slot_index, generation = self._triple
        step = self._allocator.pools._step

        def look() -> Found[RingPtr]:
            pool.check_live(slot_index, generation)
            pin = Pin(step, pool, slot_index)
            return RingPtr._holding(pin, self._allocator), [pool.cloning(slot_index), pin.arm]

        return step.take(look)

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
    def allocator(self) -> "EventAllocator":
        """The allocator of the slot [WEAK-7, ALLOC-24]."""
        return cast("EventAllocator", self._allocator)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WeakRingPtr):
            return NotImplemented
        return self._allocator is other._allocator and self._triple == other._triple

    def __hash__(self) -> int:
        return hash((id(self._allocator), self.token))

    def __repr__(self) -> str:
        return f"WeakRingPtr(pool_id={self.pool_id.name}, slot_index={self.slot_index}, generation={self.generation})"


def _pin_for_loose_reference(triple: Triple, allocator: Owner) -> tuple[Pin, tuple[Change, ...]]:
    """Return a pin for a loose reference, which is there, and what has the pin take it [PTR-13, PTR-14, PTR-15]."""
    pool, slot_index, generation = triple
    pool.check_live(slot_index, generation, loose=1)
    pin = Pin(allocator.pools._step, pool, slot_index)
    return pin, (pool.taking_loose(slot_index), pin.arm)
