"""Strong and weak pointers; they are in one module because each makes the other [PTR-1 to PTR-17, WEAK-1 to WEAK-7]."""

import builtins
from typing import TYPE_CHECKING, cast

from rusted_ring.reference.monitor import NOTHING, Change, Found
from rusted_ring.reference.once import check_uninitialized, initialize, initializing
from rusted_ring.reference.owner import Owner
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pinned import _Pinned
from rusted_ring.reference.token import token_of
from rusted_ring.reference.triple import Triple, as_triple, triple_of_token
from rusted_ring.vocabulary.arguments import as_instance, as_number
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    from rusted_ring.reference.allocator import EventAllocator


class RingPtr(_Pinned):
    """A counted reference to a LIVE slot; the slot stays LIVE until the pointer and its views are gone [PTR-1, VIEW-2].

    `EventAllocator.allocate`, `clone`, `upgrade` and `commit` make pointers. The constructor and `from_token` turn a
    detached reference into one [PTR-11].
    """

    __slots__ = ()

    _remedy = "clone a pointer before you drop it"

    def __init__(self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "EventAllocator") -> None:
        """Turn a detached reference of a slot into a pointer; the reference count does not change [PTR-11, PTR-14].

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
            RefCountUnderflow: the slot has no detached reference [PTR-14].
        """
        triple = as_triple(pool_id, slot_index, generation, allocator)

        def look() -> Found[None]:
            check_uninitialized(self, "_pin")
            pin, attaching = _pin_for_detached_reference(triple, allocator)
            return None, [*initializing(self, _allocator=allocator, _pin=pin), *attaching]

        allocator.pools._monitor.run(look)

    @classmethod
    def from_token(cls, token: int, allocator: "EventAllocator") -> "RingPtr":
        """Turn a detached reference into a pointer; the reference count does not change [PTR-13].

        Args:
            token: a token that `into_token`, `allocate_many` or `handle_ffi_event` returned.
            allocator: the allocator of the token.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: the allocator has no such pool, slot or generation [PTR-16].
            StaleHandle: the slot is not LIVE with that generation [PTR-15].
            RefCountUnderflow: the slot has no detached reference [PTR-14].
        """
        number = as_number("token", token)
        owner = as_instance("allocator", allocator, Owner, "an EventAllocator")
        triple = triple_of_token("token", number, owner.pools)

        def look() -> Found[RingPtr]:
            pin, attaching = _pin_for_detached_reference(triple, owner)
            return cls._holding(pin, owner), attaching

        return owner.pools._monitor.run(look)

    def clone(self) -> "RingPtr":
        """Return another pointer to the same slot, and increment the reference count [PTR-2].

        Raises:
            ReleasedHandle: the pointer was dropped.
            RefCountOverflow: the slot's counter is at its maximum [SLOT-10].
        """

        def look() -> Found[RingPtr]:
            pin = self._held()
            another = Pin(self._monitor, pin.pool, pin.slot_index)
            return RingPtr._holding(another, self._allocator), [pin.pool.cloning(pin.slot_index), another.arm]

        return self._monitor.run(look)

    __copy__ = clone

    def drop(self) -> None:
        """Release the reference, after the last view if there are views; a second call does nothing [PTR-3, VIEW-2]."""
        self._pin = None

    def downgrade(self) -> "WeakRingPtr":
        """Return a weak pointer to the event; the reference count does not change [WEAK-1].

        Raises:
            ReleasedHandle: the pointer was dropped.
        """
        pin = self._monitor.read(self._held)
        return WeakRingPtr(pin.pool.pool_id, pin.slot_index, pin.generation, self.allocator)

    def into_token(self) -> int:
        """Detach the pointer's reference and return its token; the reference count does not change [PTR-12].

        Raises:
            ReleasedHandle: the pointer was dropped.
            ViewsOutstanding: a view of the pointer's data is alive [PTR-17].
        """

        def look() -> Found[int]:
            pin = self._held()
            pin.end_views("into_token()")
            token = token_of(pin.pool.pool_id, pin.slot_index, pin.generation)
            return token, [pin.pool.detaching(pin.slot_index), *pin.disarming(), self._ending()]

        return self._monitor.run(look)

    @property
    def allocator(self) -> "EventAllocator":
        """The allocator of the event [PTR-8, ALLOC-24]."""
        self._monitor.read(self._held)
        return cast("EventAllocator", self._allocator)

    @property
    def bytes(self) -> builtins.bytes:
        """A copy of the payload [PTR-7]."""
        return self._event().data

    @property
    def data(self) -> memoryview:
        """A read-only view of the payload, format `B`, which keeps the slot LIVE [VIEW-1, VIEW-2, VIEW-5]."""
        return self._monitor.run(lambda: (self._held().view().toreadonly(), [NOTHING]))

    @property
    def ref_count(self) -> int:
        """The number of references to the slot now [SLOT-14]."""

        def look() -> int:
            pin = self._held()
            return pin.pool.slot(pin.slot_index).ref_count

        return self._monitor.read(look)

    def __buffer__(self, flags: int, /) -> memoryview:
        # Called by Python 3.12 and later [VIEW-8].
        return self.data

    def __len__(self) -> int:
        return self.len

    def __bytes__(self) -> builtins.bytes:
        return self.bytes

    def __bool__(self) -> bool:
        # Without this, `__len__` would make a pointer to an empty event false.
        return True


class WeakRingPtr(Unpicklable):
    """A triple of pool, slot and generation, which names an event without a reference to it [WEAK-1]."""

    __slots__ = ("__weakref__", "_allocator", "_triple")

    _allocator: Owner
    _triple: Triple

    def __init__(self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "EventAllocator") -> None:
        """Name an event by its triple; the event need not exist [WEAK-1, ALLOC-20].

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
        initialize(self, _triple=triple, _allocator=allocator)

    @classmethod
    def from_token(cls, token: int, allocator: "EventAllocator") -> "WeakRingPtr":
        """Return the weak pointer of a token; a detached reference, if there is one, stays detached [WEAK-6].

        Args:
            token: a token of the allocator.
            allocator: the allocator of the token.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: the allocator has no such pool, slot or generation [PTR-16].
        """
        number = as_number("token", token)
        triple = triple_of_token("token", number, as_instance("allocator", allocator, Owner, "an EventAllocator").pools)
        return cls(triple.pool.pool_id, triple.slot_index, triple.generation, allocator)

    def upgrade(self) -> RingPtr:
        """Return a pointer to the event and increment the reference count, in one atomic step [WEAK-2].

        Raises:
            StaleHandle: the slot is not LIVE with this generation [WEAK-3].
            RefCountOverflow: the slot's counter is at its maximum [SLOT-10].
        """
        pool, slot_index, generation = self._triple
        monitor = self._allocator.pools._monitor

        def look() -> Found[RingPtr]:
            pool.check_live(slot_index, generation)
            pin = Pin(monitor, pool, slot_index)
            return RingPtr._holding(pin, self._allocator), [pool.cloning(slot_index), pin.arm]

        return monitor.run(look)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [WEAK-1]."""
        return self._triple.pool.pool_id

    @property
    def slot_index(self) -> int:
        """The index of the slot in its pool [WEAK-1]."""
        return self._triple.slot_index

    @property
    def generation(self) -> int:
        """The generation of the triple [WEAK-1]."""
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


def _pin_for_detached_reference(triple: Triple, allocator: Owner) -> tuple[Pin, tuple[Change, ...]]:
    """Return a pin, and the changes that attach a detached reference to it [PTR-13, PTR-14, PTR-15].

    Raises:
        StaleHandle: the slot is not LIVE with that generation.
        RefCountUnderflow: the slot has no detached reference.
    """
    pool, slot_index, generation = triple
    pool.check_live(slot_index, generation, detached=1)
    pin = Pin(allocator.pools._monitor, pool, slot_index)
    return pin, (pool.attaching(slot_index), pin.arm)
