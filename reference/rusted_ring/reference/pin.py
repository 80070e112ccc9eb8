"""Pins: a pointer and its views share one; its destruction releases the reference [PTR-5, VIEW-2, LOAN-8]."""

import functools
from typing import Final

from rusted_ring.reference.monitor import Monitor
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.viewed_memory import ViewedMemory
from rusted_ring.vocabulary.event import PooledEvent

_GUARD_BYTE: Final = b"\0"


class Pin(ViewedMemory):
    """One counted reference to a LIVE slot, or the loan of a LOANED one [PTR-1, LOAN-1].

    The first view copies the payload into the pin.

    Attributes:
        pool: the slot's pool.
        slot_index: the slot.
        generation: the slot's generation, which stays the same while the pin exists.
    """

    __slots__ = ("generation", "pool", "slot_index")

    def __init__(self, monitor: Monitor, pool: Pool, slot_index: int) -> None:
        self.pool = pool
        self.slot_index = slot_index
        self.generation = pool.slot(slot_index).generation
        super().__init__(monitor, functools.partial(pool.ending, slot_index))

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
        return len(self) > len(self.event.data)

    def _shown(self) -> str:
        return f"slot_index {self.slot_index} of pool {self.pool.pool_id.name}"

    def written(self, length: int) -> bytes:
        """Return the first `length` bytes written into a loan, after `end_views` [LOAN-3]."""
        if not self:
            return self.event.data[:length]
        return bytes(self[:length])
