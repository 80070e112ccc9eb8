"""Strong and weak pointers to events, and loans of slots to write events in [PTR-1, WEAK-1, LOAN-1]."""

import builtins
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from rusted_ring.native._arguments import between, integer
from rusted_ring.native._base import token_argument, triple_argument
from rusted_ring.native._core import ENDED, FAILED, Pin, hold, make, quick
from rusted_ring.native.pools import POOLS
from rusted_ring.reference.errors import ReleasedHandle, ViewsOutstanding
from rusted_ring.reference.sizes import PoolId

if TYPE_CHECKING:
    from rusted_ring.native.allocator import EventAllocator

_new = object.__new__

_GENERATIONS = 2**40
_SLOTS = 2**21


def _triple(token: int) -> tuple[int, int, int]:
    """Return the pool, the slot and the generation of a token [PTR-10]."""
    place, generation = divmod(token, _GENERATIONS)
    pool, slot = divmod(place, _SLOTS)
    return pool - 1, slot, generation


class Unpicklable:
    """What cannot leave its process [PTR-9]."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        kind = type(self).__name__
        remedy = "pass a token to another owner in the same process, or the payload's bytes to another process"
        raise TypeError(f"{kind} is pickled or deep-copied: it refers to memory of this process; {remedy}")

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce_ex__(4)


class _Pinned(hold.Pinned, Unpicklable):
    """What holds a slot through a pin [VIEW-2].

    The pin gives the slot back when the last of the handle and its views is gone. A handle ends by letting go of the
    pin, or by having it give its reference away; then the methods of the pin answer None.
    """

    __slots__ = ("__weakref__",)

    _allocator: "EventAllocator"

    @property
    def released(self) -> bool:
        """Whether the handle has ended [PTR-6, LOAN-7]."""
        return self._pin.length() is None

    def _ended(self, use: str) -> ReleasedHandle:
        kind = type(self).__name__
        remedy = "clone() a pointer before it is dropped" if kind == "RingPtr" else "take another loan"
        return ReleasedHandle(f"{kind} is released: {use} came after its end; {remedy}")

    def _viewed(self, use: str) -> ViewsOutstanding:
        return ViewsOutstanding(
            f"{type(self).__name__} is viewed: {use} would take the event from a view of its data that is alive; "
            "release or delete every view, slice and array over it first"
        )

    def _check(self, use: str) -> None:
        if self._pin.length() is None:
            raise self._ended(use)

    def _triple(self, use: str) -> tuple[int, int, int]:
        """Return the pool, the slot and the generation."""
        if (token := self._pin.token()) is None:
            raise self._ended(use)
        return _triple(token)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [PTR-7, LOAN-1]."""
        return POOLS[self._triple("pool_id")[0]]

    @property
    def slot_index(self) -> int:
        """The slot's number in its pool [PTR-7, LOAN-1]."""
        return self._triple("slot_index")[1]

    @property
    def generation(self) -> int:
        """The slot's generation [PTR-7, LOAN-1]."""
        return self._triple("generation")[2]

    def __enter__(self) -> Self:
        self._check("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A view that is alive keeps the slot until it is gone [VIEW-2, LOAN-8].
        self._pin = ENDED


class RingPtr(hold.Pointer, _Pinned):
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
        token, owner = triple_argument(pool_id, slot_index, generation, allocator)
        payload = quick.rrb_from_token(owner._cdata, token)
        if payload < FAILED:
            owner._pools._refuse(payload, *_triple(token))
        self._pin = make(owner._owner, payload, 0)
        self._allocator = owner

    @classmethod
    def from_token(cls, token: int, allocator: "EventAllocator") -> "RingPtr":
        """Turn a loose reference into a pointer; the count stays as it is [PTR-13].

        Args:
            token: what `into_token`, `allocate_many` or `handle_ffi_event` returned.
            allocator: the allocator that it is of.

        Raises:
            TypeError: `token` is not an integer, or the allocator is not one.
            ValueError: the token names no pool, slot and generation of the allocator [PTR-16].
            StaleHandle: the slot is not LIVE with that generation [PTR-15].
            RefCountUnderflow: it has no loose reference [PTR-14].
        """
        number, owner = token_argument(token, allocator)
        payload = quick.rrb_from_token(owner._cdata, number)
        if payload < FAILED:
            owner._pools._refuse(payload, *_triple(number))
        return pointer_to(make(owner._owner, payload, 0), owner)

    def downgrade(self) -> "WeakRingPtr":
        """Return a weak pointer to the event; no count changes [WEAK-1].

        Raises:
            ReleasedHandle: the pointer was dropped.
        """
        if (token := self._pin.token()) is None:
            raise self._ended("downgrade")
        return weak_pointer(token, self._allocator)

    def into_token(self) -> int:
        """Turn the reference into a loose one and return its token; the pointer is released [PTR-12].

        Raises:
            ReleasedHandle: the pointer was dropped.
            ViewsOutstanding: a view of the pointer is alive [PTR-17].
        """
        token = self._pin.into_token()
        if not token:
            raise self._ended("into_token") if token is None else self._viewed("into_token")
        return token

    @property
    def allocator(self) -> "EventAllocator":
        """The allocator that the event is in [PTR-8, ALLOC-24]."""
        self._check("allocator")
        return self._allocator

    def _refuse_clone(self, status: int) -> NoReturn:
        self._allocator._pools._refuse(status, *self._triple("clone"))

    def __len__(self) -> int:
        return self.len

    def __bytes__(self) -> builtins.bytes:
        return self.bytes

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        token, length = self._pin.token(), self._pin.length()
        if token is None:
            return "<RingPtr released>"
        pool, slot, generation = _triple(token)
        return f"<RingPtr {POOLS[pool].name} slot {slot} generation {generation}, {length} bytes>"


def pointer_to(pin: Pin, allocator: "EventAllocator") -> RingPtr:
    """Make the pointer of a pin; the inside of `clone` and the like [PTR-1]."""
    pointer = _new(RingPtr)
    pointer._pin = pin
    pointer._allocator = allocator
    return pointer


class WeakRingPtr(Unpicklable):
    """The name of an event: pool, slot and generation, without a reference [WEAK-1]."""

    __slots__ = ("__weakref__", "_allocator", "_token")

    _allocator: "EventAllocator"
    _token: int

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
        self._token, self._allocator = triple_argument(pool_id, slot_index, generation, allocator)

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
        return weak_pointer(*token_argument(token, allocator))

    def upgrade(self) -> RingPtr:
        """Return a pointer to the event, one reference more, in one atomic step [WEAK-2].

        Raises:
            StaleHandle: the slot is not LIVE with this generation [WEAK-3].
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        allocator = self._allocator
        payload = quick.rrb_upgrade(allocator._cdata, self._token)
        if payload < FAILED:
            allocator._pools._refuse(payload, *_triple(self._token))
        return pointer_to(make(allocator._owner, payload, 0), allocator)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [WEAK-1]."""
        return POOLS[_triple(self._token)[0]]

    @property
    def slot_index(self) -> int:
        """The slot's number in its pool [WEAK-1]."""
        return _triple(self._token)[1]

    @property
    def generation(self) -> int:
        """The generation that is meant [WEAK-1]."""
        return _triple(self._token)[2]

    @property
    def token(self) -> int:
        """The token of the triple [WEAK-6, PTR-10]."""
        return self._token

    @property
    def allocator(self) -> "EventAllocator":
        """The allocator that the event is in [WEAK-7]."""
        return self._allocator

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WeakRingPtr):
            return NotImplemented
        return self._allocator is other._allocator and self._token == other._token

    def __hash__(self) -> int:
        return hash((id(self._allocator), self._token))

    def __repr__(self) -> str:
        pool, slot, generation = _triple(self._token)
        return f"<WeakRingPtr {POOLS[pool].name} slot {slot} generation {generation}>"


def weak_pointer(token: int, allocator: "EventAllocator") -> WeakRingPtr:
    """Make the weak pointer of a token that is known [WEAK-6]."""
    weak = _new(WeakRingPtr)
    weak._token = token
    weak._allocator = allocator
    return weak


class Loan(_Pinned):
    """A slot to write an event in, zeroed and seen by nobody else until it is committed [LOAN-1, LOAN-2]."""

    __slots__ = ()

    def __init__(self, *_: object, **__: object) -> None:
        """Refuse: a loan is made by `EventAllocator.loan` [LOAN-1].

        Raises:
            TypeError: always.
        """
        raise TypeError("Loan is called: a loan cannot be made by itself; call EventAllocator.loan(length)")

    def commit(self, length: int | None = None) -> RingPtr:
        """Make what was written an event and return the pointer to it [LOAN-3].

        Args:
            length: bytes to keep from the start; None for all.

        Raises:
            ReleasedHandle: the loan has ended.
            TypeError: `length` is not an integer.
            ValueError: it is below 0 or above the loan's [LOAN-4].
            ViewsOutstanding: a view of the loan is alive [LOAN-6].
        """
        limit = self._pin.length()
        if limit is None:
            raise self._ended("commit")
        kept = limit if length is None else integer("length", length)
        between("length", kept, 0, limit, "pass a length within the loan")
        pin = self._pin.commit(kept)
        if not isinstance(pin, Pin):
            raise self._ended("commit") if pin is None else self._viewed("commit")
        return pointer_to(pin, self._allocator)

    def abort(self) -> None:
        """Give the slot back; after the loan's end, do nothing [LOAN-5, LOAN-7].

        Raises:
            ViewsOutstanding: a view of the loan is alive [LOAN-6].
        """
        if self._pin.abort() is False:
            raise self._viewed("abort")

    def __repr__(self) -> str:
        token, length = self._pin.token(), self._pin.length()
        if token is None:
            return "<Loan released>"
        pool, slot, _ = _triple(token)
        return f"<Loan {POOLS[pool].name} slot {slot}, {length} bytes>"


def loan_of(pin: Pin, allocator: "EventAllocator") -> Loan:
    """Make the loan of a slot that was taken for it [LOAN-1]."""
    loan = _new(Loan)
    loan._pin = pin
    loan._allocator = allocator
    return loan


__all__ = ["Loan", "RingPtr", "WeakRingPtr"]
