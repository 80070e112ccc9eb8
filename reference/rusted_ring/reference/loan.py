"""Loans: slots that one owner writes before anybody else can see them [LOAN-1 to LOAN-9]."""

from typing import NoReturn

from rusted_ring.reference import allocator as allocators
from rusted_ring.reference import pointer
from rusted_ring.reference.arguments import as_number, check_between
from rusted_ring.reference.errors import ReleasedHandle
from rusted_ring.reference.event import PooledEvent
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.sizes import PoolId


class Loan:
    """A LOANED slot and the bytes that its owner writes there [LOAN-1]; `EventAllocator.loan` makes one."""

    __slots__ = ("__weakref__", "_allocator", "_pin")

    _allocator: "allocators.EventAllocator"
    _pin: Pin | None

    def __init__(self, *arguments: object, **keywords: object) -> None:
        """Refuse: only an allocator has slots to lend [LOAN-1].

        Raises:
            TypeError: always.
        """
        raise TypeError("a Loan cannot be made directly: call EventAllocator.loan(length, event_type)")

    def _held(self) -> Pin:
        """Return the pin, within a step.

        Raises:
            ReleasedHandle: the loan has ended [LOAN-7].
        """
        pin = self._pin
        if pin is None:
            raise ReleasedHandle(f"loan is {self!r}: it was committed or aborted; ask the allocator for a new loan")
        return pin

    def _event(self) -> PooledEvent:
        with self._allocator.pools._step:
            pin = self._held()
            return pin.pool.event(pin.slot_index)

    def commit(self, length: int | None = None) -> "pointer.RingPtr":
        """Make what was written an event, and return a pointer to it [LOAN-3].

        Args:
            length: how many of the first bytes to keep; None for all.

        Raises:
            ReleasedHandle: the loan has ended.
            TypeError: `length` is not an integer.
            ValueError: `length` is below 0 or above the loan's length [LOAN-4].
            ViewsOutstanding: a view of the loan's data is alive [LOAN-6].
        """
        room = self.len
        kept = room if length is None else as_number("length", length)
        check_between("length", kept, 0, room, "keep no more bytes than the loan has")
        step = self._allocator.pools._step
        with step:
            pin = self._held()
            pin.end_views("commit()")
            loaned = pin.pool.event(pin.slot_index)
            written = bytes(pin[:kept]) if pin else loaned.data[:kept]
            pin.pool.commit(pin.slot_index, PooledEvent(written, loaned.event_type))
            pin.disarm()
            self._pin = None
            return pointer.pointer_of_pin(Pin(step, pin.pool, pin.slot_index), self._allocator)

    def abort(self) -> None:
        """Give the slot back; after the loan's end, do nothing [LOAN-5, LOAN-7].

        Raises:
            ViewsOutstanding: a view of the loan's data is alive [LOAN-6].
        """
        with self._allocator.pools._step:
            pin = self._pin
            if pin is not None:
                pin.end_views("abort()")
                self._pin = None

    @property
    def data(self) -> memoryview:
        """A writable view of the loan's bytes, all 0 at first [LOAN-1, LOAN-2]."""
        with self._allocator.pools._step:
            return self._held().view()

    @property
    def len(self) -> int:
        """The loan's length in bytes [LOAN-1]."""
        return len(self._event().data)

    @property
    def event_type(self) -> int:
        """The type that the event will have [LOAN-1]."""
        return self._event().event_type

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [LOAN-1]."""
        with self._allocator.pools._step:
            return self._held().pool.pool_id

    @property
    def slot_index(self) -> int:
        """The number of the slot in its pool [LOAN-1]."""
        with self._allocator.pools._step:
            return self._held().slot_index

    @property
    def generation(self) -> int:
        """The generation that the event will have [SLOT-7]."""
        with self._allocator.pools._step:
            return self._held().generation

    @property
    def released(self) -> bool:
        """Whether the loan was committed or aborted [LOAN-7]."""
        return self._pin is None

    def __enter__(self) -> "Loan":
        with self._allocator.pools._step:
            self._held()
        return self

    def __exit__(self, *error: object) -> None:
        # Views may be alive: the slot comes back after the last of them [LOAN-8].
        self._pin = None

    def __repr__(self) -> str:
        pin = self._pin
        if pin is None:
            return "Loan(released)"
        return f"Loan(pool_id={pin.pool.pool_id.name}, slot_index={pin.slot_index}, generation={pin.generation})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"a Loan cannot be pickled: commit it and pickle the bytes (protocol {protocol})")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a Loan cannot be deep-copied: its slot has one owner; commit it and clone the pointer")


def loan_of_pin(pin: Pin, allocator: "allocators.EventAllocator") -> Loan:
    """Return the loan of a LOANED slot [LOAN-1]."""
    loan = Loan.__new__(Loan)
    loan._allocator = allocator
    loan._pin = pin
    return loan
