"""What a pointer and a loan have in common: each holds a pin until its end [PTR-6, LOAN-7]."""

from functools import partial
from typing import Self

from rusted_ring.reference.monitor import Change, Monitor
from rusted_ring.reference.owner import Owner
from rusted_ring.reference.pin import Pin
from rusted_ring.vocabulary.errors import ReleasedHandle
from rusted_ring.vocabulary.event import PooledEvent
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.unpicklable import Unpicklable


class _Pinned(Unpicklable):
    """The base class of `RingPtr` and `Loan`: it holds a slot through a pin, until it drops the pin [VIEW-2]."""

    __slots__ = ("__weakref__", "_allocator", "_pin")

    _allocator: Owner
    _pin: Pin | None
    _remedy = ""

    @classmethod
    def _holding(cls, pin: Pin, allocator: Owner) -> Self:
        """Return a pointer or loan that holds a pin [PTR-1, LOAN-1]."""
        pinned = cls.__new__(cls)
        pinned._allocator = allocator
        pinned._pin = pin
        return pinned

    @property
    def _monitor(self) -> Monitor:
        """The monitor that makes each call one atomic step [SLOT-1]."""
        return self._allocator.pools._monitor

    def _held(self) -> Pin:
        """Return the pin; called within a step.

        Raises:
            ReleasedHandle: the pointer or loan has ended [PTR-6, LOAN-7].
        """
        pin = self._pin
        if pin is None:
            raise ReleasedHandle(f"self is {self!r}: it was used after its end; {self._remedy}")
        return pin

    def _ending(self) -> Change:
        """Return the change that ends the pointer or loan [PTR-6, LOAN-7]."""
        return partial(setattr, self, "_pin", None)

    def _event(self) -> PooledEvent:
        """Return the event in the slot; the payload of a loan's event is all 0."""
        return self._monitor.read(lambda: self._held().event)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [PTR-7, LOAN-1]."""
        return self._monitor.read(lambda: self._held().pool.pool_id)

    @property
    def slot_index(self) -> int:
        """The index of the slot in its pool [PTR-7, LOAN-1]."""
        return self._monitor.read(lambda: self._held().slot_index)

    @property
    def generation(self) -> int:
        """The generation of the slot; a commit keeps it [PTR-7, SLOT-7]."""
        return self._monitor.read(lambda: self._held().generation)

    @property
    def len(self) -> int:
        """Payload length in bytes [PTR-7, LOAN-1]."""
        return len(self._event().data)

    @property
    def event_type(self) -> int:
        """The event's type [PTR-7, ALLOC-23]."""
        return self._event().event_type

    @property
    def released(self) -> bool:
        """Whether the pointer or loan has ended [PTR-6, LOAN-7]."""
        return self._pin is None

    def __enter__(self) -> Self:
        self._monitor.read(self._held)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        # If views are alive, the pin is destroyed after the last of them [VIEW-2, LOAN-8]. The assignment needs no
        # step: it is atomic itself, so that a finalizer may also do it.
        self._pin = None

    def __repr__(self) -> str:
        kind, pin = type(self).__name__, self._pin
        if pin is None:
            return f"{kind}(released)"
        return f"{kind}(pool_id={pin.pool.pool_id.name}, slot_index={pin.slot_index}, generation={pin.generation})"
