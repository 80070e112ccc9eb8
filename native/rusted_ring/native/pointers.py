"""Strong and weak pointers to events, and loans of slots to write events in [PTR-1 to PTR-17, WEAK-1 to WEAK-7, LOAN-1 to LOAN-9]."""

from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from rusted_ring.native._arguments import between, integer
from rusted_ring.native._core import CData, Pinned, ffi, lib, quick
from rusted_ring.native._owner import token_argument, triple_argument
from rusted_ring.native.pools import POOLS
from rusted_ring.reference.sizes import PoolId

if TYPE_CHECKING:
    from rusted_ring.native.allocator import EventAllocator

_new = object.__new__
_gc = ffi.gc
_buffer = ffi.buffer
_unpack = ffi.unpack
_clone = quick.rrb_clone
_length = quick.rrb_length
_token = quick.rrb_token

_GENERATIONS = 2**40
_SLOTS = 2**21


def _triple(token: int) -> tuple[int, int, int]:
    """Return the pool, the slot and the generation of a token [PTR-10]."""
    place, generation = divmod(token, _GENERATIONS)
    pool, slot = divmod(place, _SLOTS)
    return pool - 1, slot, generation


class Unpicklable:
    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        kind = type(self).__name__
        remedy = "pass a token to another owner in the same process, or the payload's bytes to another process"
        raise TypeError(f"{kind} is pickled or deep-copied: it refers to memory of this process; {remedy}")

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce_ex__(4)


class RingPtr(Pinned, Unpicklable):
    """A strong reference to an event: its slot stays LIVE until the pointer and its views are gone [PTR-1, VIEW-2].

    Made by `allocate`, `clone`, `upgrade`, `commit` and `from_token`; the constructor turns a loose reference of the
    triple into a pointer [PTR-11].
    """

    __slots__ = ("_allocator", "_length")

    _allocator: "EventAllocator"
    _length: int

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
        if not payload:
            owner._pools._refuse(quick.rrb_status(), *_triple(token))
        # A second call of the constructor gives the first reference back.
        self._pin = _gc(payload, owner._release)
        self._length = _length(payload)
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
        if not payload:
            owner._pools._refuse(quick.rrb_status(), *_triple(number))
        return pointer_to(payload, _length(payload), owner)

    def clone(self) -> "RingPtr":
        """Return another pointer to the event, one reference more [PTR-2].

        Raises:
            ReleasedHandle: the pointer was dropped.
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("clone")
        allocator = self._allocator
        payload = _clone(allocator._cdata, pin)
        if not payload:
            status = quick.rrb_status()
            token = _token(allocator._cdata, pin)
            del pin
            allocator._pools._refuse(status, *_triple(token))
        return pointer_to(payload, self._length, allocator)

    __copy__ = clone

    def drop(self) -> None:
        """Give the reference back, once no view is left; a second call does nothing [PTR-3, VIEW-2]."""
        try:
            del self._pin
        except AttributeError:
            self._end()

    def downgrade(self) -> "WeakRingPtr":
        """Return a weak pointer to the event; no count changes [WEAK-1].

        Raises:
            ReleasedHandle: the pointer was dropped.
        """
        allocator = self._allocator
        return weak_pointer(self._name("downgrade"), allocator)

    def into_token(self) -> int:
        """Turn the reference into a loose one and return its token; the pointer is released [PTR-12].

        Raises:
            ReleasedHandle: the pointer was dropped.
            ViewsOutstanding: a view of the pointer is alive [PTR-17].
        """
        pin = self._take("into_token")[0]
        _gc(pin, None)
        return quick.rrb_into_token(self._allocator._cdata, pin)

    @property
    def len(self) -> int:
        """Length of the payload in bytes [PTR-7]."""
        try:
            _ = self._pin
        except AttributeError:
            self._held("len")
        return self._length

    @property
    def bytes(self) -> bytes:
        """A copy of the payload [PTR-7]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("bytes")
        return _unpack(pin, self._length)

    @property
    def data(self) -> memoryview:
        """A read-only view of the payload, format `B`, which pins the slot [VIEW-1, VIEW-2]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("data")
        return memoryview(_buffer(pin, self._length)).toreadonly()

    @property
    def event_type(self) -> int:
        """The event's type [PTR-7]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("event_type")
        return quick.rrb_event_type(pin)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [PTR-7]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("pool_id")
        return POOLS[quick.rrb_pool_id(pin)]

    @property
    def slot_index(self) -> int:
        """The slot's number in its pool [PTR-7]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("slot_index")
        return quick.rrb_slot_index(pin)

    @property
    def generation(self) -> int:
        """The slot's generation [PTR-7]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("generation")
        return quick.rrb_generation(self._allocator._cdata, pin)

    @property
    def ref_count(self) -> int:
        """References to the slot at this moment [SLOT-1]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("ref_count")
        return quick.rrb_ref_count(self._allocator._cdata, pin)

    @property
    def allocator(self) -> "EventAllocator":
        """The allocator that the event is in [PTR-8, ALLOC-24]."""
        try:
            _ = self._pin
        except AttributeError:
            self._held("allocator")
        return self._allocator

    def _name(self, use: str) -> int:
        """Return the token of the slot."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held(use)
        return _token(self._allocator._cdata, pin)

    def __enter__(self) -> Self:
        self._held("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def __len__(self) -> int:
        return self.len

    def __bytes__(self) -> "bytes":
        return self.bytes

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        if self.released:
            return "<RingPtr released>"
        pool, slot, generation = _triple(self._name("repr"))
        return f"<RingPtr {POOLS[pool].name} slot {slot} generation {generation}, {self._length} bytes>"


def pointer_to(payload: CData, length: int, allocator: "EventAllocator") -> RingPtr:
    """Make the pointer of a counted reference; the inside of `clone` and the like [PTR-1]."""
    pointer = _new(RingPtr)
    pointer._pin = _gc(payload, allocator._release)
    pointer._length = length
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
        if not payload:
            allocator._pools._refuse(quick.rrb_status(), *_triple(self._token))
        return pointer_to(payload, _length(payload), allocator)

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


class Loan(Pinned, Unpicklable):
    """A slot to write an event in, zeroed and seen by nobody else until it is committed [LOAN-1, LOAN-2]."""

    __slots__ = ("_allocator", "_committed", "_length")

    _allocator: "EventAllocator"
    _committed: bool
    _length: int

    def __init__(self, *arguments: object, **options: object) -> None:
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
        self._held("commit")
        kept = self._length if length is None else integer("length", length)
        between("length", kept, 0, self._length, "pass a length within the loan")
        allocator = self._allocator
        pin = self._take("commit")[0]
        # From here on it is the commit that ends the loan, not the pin.
        _gc(pin, None)
        # A long copy (of an XXL loan that is cut short) gives up the GIL.
        calls = lib if kept > lib.RRB_LONG_BYTES else quick
        payload = calls.rrb_commit(allocator._cdata, pin, kept)
        if not payload:
            self._pin = _gc(pin, allocator._pools._abort)
            raise MemoryError
        self._committed = True
        return pointer_to(payload, kept, allocator)

    def abort(self) -> None:
        """Give the slot back; a second call does nothing [LOAN-5].

        Raises:
            ReleasedHandle: the loan was committed [LOAN-7].
            ViewsOutstanding: a view of the loan is alive [LOAN-6].
        """
        if self.released and not self._committed:
            return
        self._take("abort")

    @property
    def data(self) -> memoryview:
        """A writable view of the payload, format `B` [LOAN-1]."""
        try:
            pin = self._pin
        except AttributeError:
            pin = self._held("data")
        return memoryview(_buffer(pin, self._length))

    @property
    def len(self) -> int:
        """Length of the loan in bytes [LOAN-1]."""
        self._held("len")
        return self._length

    @property
    def event_type(self) -> int:
        """The event's type [LOAN-1]."""
        return quick.rrb_event_type(self._held("event_type"))

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [LOAN-1]."""
        return POOLS[quick.rrb_pool_id(self._held("pool_id"))]

    @property
    def slot_index(self) -> int:
        """The slot's number in its pool [LOAN-1]."""
        return quick.rrb_slot_index(self._held("slot_index"))

    @property
    def generation(self) -> int:
        """The slot's generation [LOAN-1]."""
        return quick.rrb_generation(self._allocator._cdata, self._held("generation"))

    def __enter__(self) -> Self:
        self._held("with")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A view that is alive keeps the slot until it is gone [LOAN-8].
        self._end()

    def __repr__(self) -> str:
        if self.released:
            return "<Loan released>"
        return f"<Loan {self.pool_id.name} slot {self.slot_index}, {self._length} bytes>"


def loan_of(payload: CData, length: int, allocator: "EventAllocator") -> Loan:
    """Make the loan of a slot that was taken for it [LOAN-1]."""
    loan = _new(Loan)
    loan._pin = _gc(payload, allocator._pools._abort)
    loan._length = length
    loan._committed = False
    loan._allocator = allocator
    return loan


__all__ = ["Loan", "RingPtr", "WeakRingPtr"]
