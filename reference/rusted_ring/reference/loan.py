"""Loans: slots that one owner writes before anybody else can see them [LOAN-1 to LOAN-9]."""

from rusted_ring.reference.handles import RingPtr
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pinned import _Pinned
from rusted_ring.reference.step import NOTHING, Found
from rusted_ring.vocabulary.arguments import as_number, check_between
from rusted_ring.vocabulary.event import PooledEvent


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

    def commit(self, length: int | None = None) -> RingPtr:
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

        def look() -> Found[RingPtr]:
            pin = self._held()
            pin.end_views("commit()")
            event = PooledEvent(pin.written(kept), pin.event.event_type)
            another = Pin(self._step, pin.pool, pin.slot_index)
            made = RingPtr._holding(another, self._allocator)
            return made, [*pin.pool.committing(pin.slot_index, event), *pin.disarming(), another.arm, self._ending()]

        return self._step.take(look)

    def abort(self) -> None:
        """Give the slot back; after the loan's end, do nothing [LOAN-5, LOAN-7].

        Raises:
            ViewsOutstanding: a view of the loan's data is alive [LOAN-6].
        """
        if self._step.is_forked:
            self._pin = None
            return

        def look() -> Found[None]:
            pin = self._pin
            if pin is None:
                return None, []
            pin.end_views("abort()")
            return None, [self._ending()]

        self._step.take(look)

    @property
    def data(self) -> memoryview:
        """A writable view of the loan's bytes, all 0 at first [LOAN-1, LOAN-2]."""
        return self._step.take(lambda: (self._held().view(), [NOTHING]))

    def __buffer__(self, flags: int, /) -> memoryview:
        # Python asks from 3.12 on [VIEW-8].
        return self.data
