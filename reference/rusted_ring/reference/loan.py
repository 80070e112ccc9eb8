"""Loans: slots that one owner writes before anybody else can see them [LOAN-1 to LOAN-9]."""

from rusted_ring.reference import pointer
from rusted_ring.reference.arguments import as_number, check_between
from rusted_ring.reference.event import PooledEvent
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pinned import _Pinned


class Loan(_Pinned):
    """A LOANED slot and the bytes that its owner writes there [LOAN-1]; `EventAllocator.loan` makes one."""

    __slots__ = ()

    _remedy = "ask the allocator for a new loan"

    def __init__(self, *_: object, **__: object) -> None:
        """Refuse: only an allocator has slots to lend [LOAN-1].

        Raises:
            TypeError: always.
        """
        raise TypeError("a Loan cannot be made directly: call EventAllocator.loan(length, event_type)")

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
        with self._step:
            pin = self._held()
            pin.end_views("commit()")
            event = PooledEvent(pin.written(kept), pin.pool.event(pin.slot_index).event_type)
            pin.pool.commit(pin.slot_index, event)
            pin.disarm()
            self._pin = None
            return pointer.RingPtr._holding(Pin(self._step, pin.pool, pin.slot_index), self._allocator)

    def abort(self) -> None:
        """Give the slot back; after the loan's end, do nothing [LOAN-5, LOAN-7].

        Raises:
            ViewsOutstanding: a view of the loan's data is alive [LOAN-6].
        """
        with self._step:
            pin = self._pin
            if pin is not None:
                pin.end_views("abort()")
                self._pin = None

    @property
    def data(self) -> memoryview:
        """A writable view of the loan's bytes, all 0 at first [LOAN-1, LOAN-2]."""
        with self._step:
            return self._held().view()
