"""Pins: a pointer and its views share one; its destruction releases the reference [PTR-5, VIEW-2, LOAN-8]."""

import functools
from typing import Final

from rusted_ring.reference.monitor import Change, Monitor
from rusted_ring.reference.pool import Pool
from rusted_ring.vocabulary.errors import ViewsOutstanding
from rusted_ring.vocabulary.event import PooledEvent

_GUARD_BYTE: Final = b"\0"


class Pin(bytearray):
    """One counted reference to a LIVE slot, or the loan of a LOANED one [PTR-1, LOAN-1].

    The first view copies the payload into the pin. A view of the pin's bytes keeps the pin alive, and so do slices,
    casts and arrays of a view: the pin is destroyed after the last of them [VIEW-3]. Python refuses to shorten a
    `bytearray` that has views. So a guard byte follows the payload, and a call that needs to know that no view is left
    removes it.

    Attributes:
        pool: the slot's pool.
        slot_index: the slot.
        generation: the slot's generation, which stays the same while the pin exists.
        arm: the change after which the pin's destruction releases the reference or loan. A step makes it together with
            the change of the slot [ERR-10].
    """

    __slots__ = ("_monitor", "_sentinel", "arm", "generation", "pool", "slot_index")

    def __init__(self, monitor: Monitor, pool: Pool, slot_index: int) -> None:
        super().__init__()
        self.pool = pool
        self.slot_index = slot_index
        self.generation = pool.slot(slot_index).generation
        self._monitor = monitor
        self._sentinel, self.arm = monitor.deferred_finalizer(functools.partial(pool.ending, slot_index))

    @property
    def event(self) -> PooledEvent:
        """The event in the slot; the payload of a loan's event is all 0 [PTR-7]."""
        return self.pool.event(self.slot_index)

    def view(self) -> memoryview:
        """Return a writable view of the slot's payload [LOAN-1, VIEW-2]."""
        if not self._may_have_views():
            self[len(self) :] = (self.event.data + _GUARD_BYTE)[len(self) :]
        return memoryview(self)[:-1]

    def _may_have_views(self) -> bool:
        """Whether the guard byte is there; without it the pin has no views."""
        return len(self) > len(self.event.data)

    def end_views(self, call: str) -> None:
        """Make sure that the pin has no views [LOAN-6, PTR-17].

        Args:
            call: the call that needs this, for the message.

        Raises:
            ViewsOutstanding: a view is alive.
        """
        if not self._may_have_views():
            return
        try:
            self.pop()
        except BufferError:
            where = f"slot_index {self.slot_index} of pool {self.pool.pool_id.name}"
            remedy = f"release or delete every view, slice and array of it, then call {call} again"
            raise ViewsOutstanding(f"data of {where} has views that are alive: {remedy}") from None

    def written(self, length: int) -> bytes:
        """Return the first `length` bytes written into a loan, after `end_views` [LOAN-3]."""
        if not self:
            return self.event.data[:length]
        return bytes(self[:length])

    def disarming(self) -> tuple[Change, ...]:
        """Return the changes after which the pin's destruction releases nothing [PTR-12, LOAN-3]."""
        return self._monitor.disarming(self._sentinel)
