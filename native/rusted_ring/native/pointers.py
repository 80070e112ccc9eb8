"""Strong and weak pointers to events, and loans of slots to write events in [PTR-1, WEAK-1, LOAN-1]."""

import builtins
from typing import TYPE_CHECKING, NoReturn

from rusted_ring.native import _core
from rusted_ring.native._arguments import between, integer, says
from rusted_ring.native._base import token_argument, triple, triple_argument
from rusted_ring.native.pools import POOLS
from rusted_ring.vocabulary.errors import ForkedCopy, ReleasedHandle, ViewsOutstanding
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    from rusted_ring.native.allocator import EventAllocator


class _Pinned(_core.Pinned, Unpicklable):
    """What holds a slot through a pin [VIEW-2].

    The pin gives the slot back when the last of the handle and its views is gone. A handle ends by letting go of the
    pin, or by having it give its reference away.
    """

    __slots__ = ("__weakref__",)

    def _ended(self, use: str) -> ReleasedHandle:
        kind = type(self).__name__
        remedy = "clone() a pointer before it is dropped" if kind == "RingPtr" else "take another loan"
        return ReleasedHandle(f"{kind} is released: {use} came after its end; {remedy}")

    def _refuse_viewed(self, use: str) -> NoReturn:
        raise ViewsOutstanding(
            f"{type(self).__name__} is viewed: {use} would take the event from a view of its data that is alive; "
            "release or delete every view, slice and array over it first"
        )

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [PTR-7, LOAN-1]."""
        return POOLS[triple(self._token("pool_id"))[0]]

    @property
    def slot_index(self) -> int:
        """The slot's number in its pool [PTR-7, LOAN-1]."""
        return triple(self._token("slot_index"))[1]

    @property
    def generation(self) -> int:
        """The slot's generation [PTR-7, LOAN-1]."""
        return triple(self._token("generation"))[2]


class RingPtr(_core.Pointer, _Pinned):
    """A strong reference to an event: its slot stays LIVE until the pointer and its views are gone [PTR-1, VIEW-2].

    Made by `allocate`, `clone`, `upgrade`, `commit` and `from_token`; the constructor turns a loose reference of the
    triple into a pointer [PTR-11].
    """

    __slots__ = ()

    def __init__(self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "EventAllocator") -> None:
        """Turn a loose reference into a pointer; the count stays as it is [PTR-11, PTR-13].

        Args:
            pool_id: the pool.
            slot_index: the slot.
            generation: its generation.
            allocator: the allocator that they are of.

        Raises:
            TypeError: a number is not an integer, or the allocator is not one.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot.
            StaleHandle: the slot is not LIVE with that generation [PTR-15].
            RefCountUnderflow: it has no loose reference [PTR-14].
        """
        self._become(*triple_argument(pool_id, slot_index, generation, allocator))

    @classmethod
    @says("RingPtr.from_token")
    def _token_arguments(cls, token: object, allocator: object) -> "tuple[int, EventAllocator]":
        """Return the arguments of `from_token` as it takes them, or raise what it raises [PTR-13, PTR-16, ERR-4]."""
        return token_argument(token, allocator)

    @property
    def allocator(self) -> "EventAllocator":
        """The allocator that the event is in [PTR-8, ALLOC-24]."""
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
    """The name of an event: pool, slot and generation, without a reference [WEAK-1]."""

    __slots__ = ("__weakref__",)

    def __init__(self, pool_id: PoolId | int, slot_index: int, generation: int, allocator: "EventAllocator") -> None:
        """Name an event by its triple [WEAK-1, ALLOC-20].

        Args:
            pool_id: the pool.
            slot_index: the slot.
            generation: its generation.
            allocator: the allocator that they are of.

        Raises:
            TypeError: a number is not an integer, or the allocator is not one.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot.
        """
        self._become(*triple_argument(pool_id, slot_index, generation, allocator))

    @classmethod
    def from_token(cls, token: int, allocator: "EventAllocator") -> "WeakRingPtr":
        """Return the weak pointer of a token [WEAK-6].

        Args:
            token: a token.
            allocator: the allocator that it is of.

        Raises:
            TypeError: `token` is not an integer, or the allocator is not one.
            ValueError: the token names no pool, slot and generation of the allocator [PTR-16].
        """
        return WeakRingPtr.__new__(WeakRingPtr)._become(*token_argument(token, allocator))

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [WEAK-1]."""
        return POOLS[triple(self.token)[0]]

    @property
    def slot_index(self) -> int:
        """The slot's number in its pool [WEAK-1]."""
        return triple(self.token)[1]

    @property
    def generation(self) -> int:
        """The generation that is meant [WEAK-1]."""
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
    """A slot to write an event in, zeroed and seen by nobody else until it is committed [LOAN-1, LOAN-2]."""

    __slots__ = ()

    def __init__(self, *_: object, **__: object) -> None:
        """Refuse: a loan is made by `EventAllocator.loan` [LOAN-1].

        Raises:
            TypeError: always.
        """
        raise TypeError("Loan is called: a loan cannot be made by itself; call EventAllocator.loan(length)")

    @says("Loan.commit")
    def _commit_arguments(self, length: object = None) -> int:
        """Return the argument of `commit` as it takes it, or raise what it raises [LOAN-4, ERR-4]."""
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


_core.tell("RingPtr", RingPtr)
_core.tell("WeakRingPtr", WeakRingPtr)
_core.tell("Loan", Loan)
_core.tell("ForkedCopy", ForkedCopy)

__all__ = ["Loan", "RingPtr", "WeakRingPtr"]
