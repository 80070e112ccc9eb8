"""Strong pointers [PTR-1 to PTR-17]."""

import builtins
from typing import NoReturn

from rusted_ring.reference import allocator as allocators
from rusted_ring.reference import weak
from rusted_ring.reference.arguments import as_number
from rusted_ring.reference.errors import ReleasedHandle
from rusted_ring.reference.event import PooledEvent
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.sizes import PoolId
from rusted_ring.reference.token import token_of
from rusted_ring.reference.triple import Triple, as_allocator, as_triple, triple_of_token


class RingPtr:
    """A counted reference to a LIVE slot, which it keeps LIVE [PTR-1].

    The constructor turns a loose reference into a pointer, as `from_token` does [PTR-11]; most pointers come from
    `EventAllocator.allocate`.
    """

    __slots__ = ("__weakref__", "_allocator", "_pin")

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
        self._pin: Pin | None = _pin_of_loose_reference(triple, allocator)

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
        return pointer_of_pin(_pin_of_loose_reference(triple_of_token("token", number, owner.pools), owner), owner)

    def _held(self) -> Pin:
        """Return the pin, within a step.

        Raises:
            ReleasedHandle: the pointer was dropped [PTR-6].
        """
        pin = self._pin
        if pin is None:
            raise ReleasedHandle(f"pointer is {self!r}: it was dropped; clone a pointer before you drop it")
        return pin

    def _event(self) -> PooledEvent:
        with self._allocator.pools._step:
            pin = self._held()
            return pin.pool.event(pin.slot_index)

    def clone(self) -> "RingPtr":
        """Return a new pointer to the same slot, and count it [PTR-2].

        Raises:
            ReleasedHandle: the pointer was dropped.
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        step = self._allocator.pools._step
        with step:
            pin = self._held()
            pin.pool.clone(pin.slot_index)
            return pointer_of_pin(Pin(step, pin.pool, pin.slot_index), self._allocator)

    __copy__ = clone

    def drop(self) -> None:
        """Let go of the reference, which is given back when the last view is gone too [PTR-3, VIEW-2]."""
        # No step: to forget the pin is one step of its own, so that even a finalizer may drop a pointer.
        self._pin = None

    def downgrade(self) -> "weak.WeakRingPtr":
        """Return a weak pointer to the slot and generation [WEAK-1].

        Raises:
            ReleasedHandle: the pointer was dropped.
        """
        with self._allocator.pools._step:
            pin = self._held()
            return weak.WeakRingPtr(pin.pool.pool_id, pin.slot_index, pin.generation, self._allocator)

    def into_token(self) -> int:
        """Turn the pointer's reference into a loose one and return its token; the count stays as it is [PTR-12].

        Raises:
            ReleasedHandle: the pointer was dropped.
            ViewsOutstanding: the pointer has live views [PTR-17].
        """
        with self._allocator.pools._step:
            pin = self._held()
            pin.end_views("into_token()")
            pin.pool.leave_loose(pin.slot_index)
            pin.disarm()
            self._pin = None
            return token_of(pin.pool.pool_id, pin.slot_index, pin.generation)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [PTR-7]."""
        with self._allocator.pools._step:
            return self._held().pool.pool_id

    @property
    def slot_index(self) -> int:
        """The number of the slot in its pool [PTR-7]."""
        with self._allocator.pools._step:
            return self._held().slot_index

    @property
    def generation(self) -> int:
        """The generation of the slot [PTR-7]."""
        with self._allocator.pools._step:
            return self._held().generation

    @property
    def allocator(self) -> "allocators.EventAllocator":
        """The allocator that the pointer was made by [PTR-8, ALLOC-24]."""
        with self._allocator.pools._step:
            self._held()
            return self._allocator

    @property
    def len(self) -> int:
        """Payload length in bytes [PTR-7]."""
        return len(self._event().data)

    @property
    def bytes(self) -> builtins.bytes:
        """The payload [PTR-7]."""
        return self._event().data

    @property
    def event_type(self) -> int:
        """The event's type [PTR-7, ALLOC-23]."""
        return self._event().event_type

    @property
    def data(self) -> memoryview:
        """A read-only view of the payload, which holds on to the slot [VIEW-1, VIEW-2, VIEW-5]."""
        with self._allocator.pools._step:
            return self._held().view().toreadonly()

    @property
    def ref_count(self) -> int:
        """How many references the slot has now [SLOT-14]."""
        with self._allocator.pools._step:
            pin = self._held()
            return pin.pool.slot(pin.slot_index).ref_count

    @property
    def released(self) -> bool:
        """Whether the pointer was dropped or made a token [PTR-6, PTR-12]."""
        return self._pin is None

    def __enter__(self) -> "RingPtr":
        with self._allocator.pools._step:
            self._held()
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()

    def __len__(self) -> int:
        return self.len

    def __bytes__(self) -> builtins.bytes:
        return self.bytes

    def __bool__(self) -> bool:
        # A pointer to an empty event is a pointer.
        return True

    def __repr__(self) -> str:
        pin = self._pin
        if pin is None:
            return "RingPtr(released)"
        return f"RingPtr(pool_id={pin.pool.pool_id.name}, slot_index={pin.slot_index}, generation={pin.generation})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"a RingPtr cannot be pickled: it is of this process alone; pickle its bytes (protocol {protocol})"
        )

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a RingPtr cannot be deep-copied: its event is shared; clone() it, or copy its bytes")


def pointer_of_pin(pin: Pin, allocator: "allocators.EventAllocator") -> RingPtr:
    """Return a pointer that holds a pin of its own [PTR-1]."""
    pointer = RingPtr.__new__(RingPtr)
    pointer._allocator = allocator
    pointer._pin = pin
    return pointer


def _pin_of_loose_reference(triple: Triple, allocator: "allocators.EventAllocator") -> Pin:
    """Turn a loose reference into a pin [PTR-13, PTR-14, PTR-15]."""
    step = allocator.pools._step
    with step:
        triple.pool.check_live(triple.slot_index, triple.generation)
        triple.pool.check_loose(triple.slot_index, 1)
        triple.pool.take_loose(triple.slot_index)
        return Pin(step, triple.pool, triple.slot_index)
