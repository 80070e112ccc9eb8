"""Pins: what a pointer and its views share, and whose end gives a reference back [PTR-5, VIEW-2, LOAN-8]."""

import functools
from typing import Final

from rusted_ring.reference.pool import Pool
from rusted_ring.reference.step import Change, Step
from rusted_ring.vocabulary.errors import ViewsOutstanding
from rusted_ring.vocabulary.event import PooledEvent

_SENTINEL: Final = b"\0"


class Pin(bytearray):
    """One counted reference to a LIVE slot, or the loan of a LOANED one [PTR-1, LOAN-1].

    The payload is copied into the pin when it is first looked at. A view of the pin's bytes keeps the pin alive, and
    slices, casts and arrays of a view do too, so that the pin ends after the last of them [VIEW-3]. Python also
    refuses to take a byte off a `bytearray` that has views: the byte behind the payload is there to be taken off by
    whoever must know that no view is left.

    Attributes:
        pool: the slot's pool.
        slot_index: the slot.
        generation: the slot's generation as long as the pin lasts.
        arm: the change that gives the pin its reference or loan, to be made at once with the slot's [ERR-10].
    """

    __slots__ = ("_step", "_token", "arm", "generation", "pool", "slot_index")

    def __init__(self, step: Step, pool: Pool, slot_index: int) -> None:
        super().__init__()
        self.pool = pool
        self.slot_index = slot_index
        self.generation = pool.slot(slot_index).generation
        self._step = step
        self._token, self.arm = step.token(functools.partial(pool.ending, slot_index))

    @property
    def event(self) -> PooledEvent:
        """The event in the slot; that of a loan is all 0 [PTR-7]."""
        return self.pool.event(self.slot_index)

    def view(self) -> memoryview:
        """Return a writable view of the slot's payload [LOAN-1, VIEW-2]."""
        if not self._may_have_views():
            self[len(self) :] = (self.event.data + _SENTINEL)[len(self) :]
        return memoryview(self)[:-1]

    def _may_have_views(self) -> bool:
        """Whether the byte behind the payload is there: without it there are no views."""
        return len(self) > len(self.event.data)

    def end_views(self, call: str) -> None:
        """Make sure that the pin has no views, and can have none any more that shows the payload [LOAN-6, PTR-17].

        Args:
            call: what is to be called again, for the message.

        Raises:
            ViewsOutstanding: a view is alive.
        """
        if not self._may_have_views():
            return
        try:
            self.pop()
        except BufferError:
            where = f"slot_index {self.slot_index} of pool {self.pool.pool_id.name}"
            remedy = f"release every view, slice and array made of it, then call {call} again"
            raise ViewsOutstanding(f"data of {where} has views that would outlive it: {remedy}") from None

    def written(self, length: int) -> bytes:
        """Return the first bytes that were written into a loan, once its views are ended [LOAN-3]."""
        if not self:
            return self.event.data[:length]
        return bytes(self[:length])

    def disarming(self) -> tuple[Change, ...]:
        """Return what lets the pin's reference go over to somebody else [PTR-12, LOAN-3]."""
        return self._step.disarming(self._token)
