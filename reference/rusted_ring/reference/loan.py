"""Loans: slots to write an event in before any other call can see it [LOAN-1 to LOAN-9]."""

from rusted_ring.reference.monitor import NOTHING, Found
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pinned import _Pinned
from rusted_ring.reference.pointers import RingPtr
from rusted_ring.vocabulary.arguments import as_number, check_between
from rusted_ring.vocabulary.event import PooledEvent


class Loan(_Pinned):
    """A LOANED slot whose bytes the caller writes; `EventAllocator.loan` makes one [LOAN-1, LOAN-2]."""

    __slots__ = ()

    _remedy = "make another loan by EventAllocator.loan()"

    def __init__(self, *_: object, **__: object) -> None:
        """Raise a TypeError: only an allocator can make a loan [LOAN-1].

        Raises:
            TypeError: always.
        """
        raise TypeError("Loan cannot be called: only an allocator makes loans; call EventAllocator.loan(length)")

    def commit(self, length: int | None = None) -> RingPtr:
        """Make the bytes written an event, and return a pointer to it [LOAN-3].

        Args:
            length: how many bytes to keep from the start; None for all.

        Raises:
            ReleasedHandle: the loan has ended.
            TypeError: `length` is not an integer.
            ValueError: `length` is below 0 or above the loan's length [LOAN-4].
            ViewsOutstanding: a view of the loan's data is alive [LOAN-6].
        """
        room = self.len
        kept = room if length is None else as_number("length", length)
        check_between("length", kept, 0, room, "pass a length within the loan")

        def look() -> Found[RingPtr]:
            pin = self._held()
            pin.end_views("commit()")
            event = PooledEvent(pin.written(kept), pin.event.event_type)
            another = Pin(self._monitor, pin.pool, pin.slot_index)
            pointer = RingPtr._holding(another, self._allocator)
            committing = pin.pool.committing(pin.slot_index, event)
            return pointer, [*committing, *pin.disarming(), another.arm, self._ending()]

        return self._monitor.run(look)

    def abort(self) -> None:
        """Free the slot; after the loan's end, do nothing [LOAN-5, LOAN-7].

        Raises:
            ViewsOutstanding: a view of the loan's data is alive [LOAN-6].
        """
        if self._monitor.is_forked:
            self._pin = None
            return

        def look() -> Found[None]:
            pin = self._pin
            if pin is None:
                return None, []
            pin.end_views("abort()")
            return None, [self._ending()]

        self._monitor.run(look)

    @property
    def data(self) -> memoryview:
        """A writable view of the loan's bytes, which are 0 at first, format `B` [LOAN-1, LOAN-2]."""
        return self._monitor.run(lambda: (self._held().view(), [NOTHING]))

    def __buffer__(self, flags: int, /) -> memoryview:
        # Called by Python 3.12 and later [VIEW-8].
        return self.data
