"""Strong and weak pointers to events, and loans of slots to write events in place [PTR-1, WEAK-1, LOAN-1]."""

import builtins
from typing import TYPE_CHECKING, NoReturn

from rusted_ring.native import _core
from rusted_ring.native._arguments import between, in_name_of, integer, views_outstanding
from rusted_ring.native._base import token_argument, triple, triple_argument
from rusted_ring.native.pools import POOLS
from rusted_ring.vocabulary.errors import ForkedCopy, ReleasedHandle
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    from rusted_ring.native.allocator import EventAllocator


class _Pinned(_core.Pinned, Unpicklable):
    """The base class of `RingPtr` and `Loan`: it holds a slot through a pin, until it drops the pin [VIEW-2].

    The pin releases its reference or loan after the pointer or loan has ended and its last view is gone. It releases
    nothing if the reference was detached or the loan committed.
    """

    __slots__ = ("__weakref__",)

    def _ended(self, use: str) -> ReleasedHandle:
        kind = type(self).__name__
        pointer = kind == "RingPtr"
        remedy = "clone a pointer before you drop it" if pointer else "make another loan by EventAllocator.loan()"
        return ReleasedHandle(f"self is a {kind} that was released: {use} was used after its end; {remedy}")

    def _refuse_viewed(self, use: str) -> NoReturn:
        raise views_outstanding(f"the {type(self).__name__}", use)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [PTR-7, LOAN-1]."""
        return POOLS[triple(self._token("pool_id"))[0]]

    @property
    def slot_index(self) -> int:
        """The index of the slot in its pool [PTR-7, LOAN-1]."""
        return triple(self._token("slot_index"))[1]

    @property
    def generation(self) -> int:
        """The generation of the slot; a commit keeps it [PTR-7, SLOT-7]."""
        return triple(self._token("generation"))[2]


class RingPtr(_core.Pointer, _Pinned):
    """A counted reference to a LIVE slot; the slot stays LIVE until the pointer and its views are gone [PTR-1, VIEW-2].

    `EventAllocator.allocate`, `clone`, `upgrade` and `commit` make pointers. The constructor and `from_token` turn a
    detached reference into one [PTR-11].
    """

    __slots__ = ()

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
        self._become(*triple_argument(pool_id, slot_index, generation, allocator))

    @classmethod
    @in_name_of("RingPtr.from_token")
    def _token_arguments(cls, token: object, allocator: object) -> "tuple[int, EventAllocator]":
        """Check the arguments of `from_token`, and return them for its fast path [PTR-13, PTR-16, ERR-4]."""
        return token_argument(token, allocator)

    @property
    def allocator(self) -> "EventAllocator":
        """The allocator of the event [PTR-8, ALLOC-24]."""
        self._token("allocator")
        return self._allocator

    def _refuse_clone(self, status: int) -> NoReturn:
        self._allocator.pools._refuse(status, *triple(self._token("clone")))

    def __len__(self) -> int:
        return self.len

    def __bytes__(self) -> builtins.bytes:
        return self.bytes

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        shown = self._shown()
        if shown is None:
            return "<RingPtr released>"
        token, length = shown
        pool, slot, generation = triple(token)
        return f"<RingPtr {POOLS[pool].name} slot {slot} generation {generation}, {length} bytes>"


class WeakRingPtr(_core.Weak, Unpicklable):
    """A triple of pool, slot and generation, which names an event without a reference to it [WEAK-1]."""

    __slots__ = ("__weakref__",)

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
        self._become(*triple_argument(pool_id, slot_index, generation, allocator))

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
        return WeakRingPtr.__new__(WeakRingPtr)._become(*token_argument(token, allocator))

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [WEAK-1]."""
        return POOLS[triple(self.token)[0]]

    @property
    def slot_index(self) -> int:
        """The index of the slot in its pool [WEAK-1]."""
        return triple(self.token)[1]

    @property
    def generation(self) -> int:
        """The generation of the triple [WEAK-1]."""
        return triple(self.token)[2]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WeakRingPtr):
            return NotImplemented
        return self.allocator is other.allocator and self.token == other.token

    def __hash__(self) -> int:
        return hash((id(self.allocator), self.token))

    def __repr__(self) -> str:
        pool, slot, generation = triple(self.token)
        return f"<WeakRingPtr {POOLS[pool].name} slot {slot} generation {generation}>"


class Loan(_core.Lender, _Pinned):
    """A LOANED slot whose bytes the caller writes; `EventAllocator.loan` makes one [LOAN-1, LOAN-2]."""

    __slots__ = ()

    def __init__(self, *_: object, **__: object) -> None:
        """Raise a TypeError: only an allocator can make a loan [LOAN-1].

        Raises:
            TypeError: always.
        """
        raise TypeError("Loan cannot be called: only an allocator makes loans; call EventAllocator.loan(length)")

    @in_name_of("Loan.commit")
    def _commit_arguments(self, length: object = None) -> int:
        """Check the argument of `commit`, and return it for its fast path [LOAN-4, ERR-4]."""
        kept = None if length is None else integer("length", length)
        limit = self.len
        return limit if kept is None else between("length", kept, 0, limit, "pass a length within the loan")

    def __repr__(self) -> str:
        shown = self._shown()
        if shown is None:
            return "<Loan released>"
        token, length = shown
        pool, slot, _ = triple(token)
        return f"<Loan {POOLS[pool].name} slot {slot}, {length} bytes>"


_core.own_methods(RingPtr)
_core.own_methods(Loan)
_core.register_type("RingPtr", RingPtr)
_core.register_type("WeakRingPtr", WeakRingPtr)
_core.register_type("Loan", Loan)
_core.register_type("ForkedCopy", ForkedCopy)

__all__ = ["Loan", "RingPtr", "WeakRingPtr"]
