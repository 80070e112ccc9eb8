"""What a pointer and a loan have in common: a pin, until their end [PTR-6, LOAN-7]."""

from functools import partial
from typing import TYPE_CHECKING, Self

from rusted_ring.reference.owner import Owner
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.step import Change, Step
from rusted_ring.vocabulary.errors import ReleasedHandle
from rusted_ring.vocabulary.event import PooledEvent
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    pass


class _Pinned(Unpicklable):
    """A handle that holds a slot by a pin; to end it is to forget the pin [VIEW-2]."""

    __slots__ = ("__weakref__", "_allocator", "_pin")

    _allocator: Owner
    _pin: Pin | None
    _remedy = ""

    @classmethod
    def _holding(cls, pin: Pin, allocator: Owner) -> Self:
        """Return a handle that holds a pin of its own [PTR-1, LOAN-1]."""
        handle = cls.__new__(cls)
        handle._allocator = allocator
        handle._pin = pin
        return handle

    @property
    def _step(self) -> Step:
        """What makes a method one atomic step [SLOT-1]."""
        return self._allocator.pools._step

    def _held(self) -> Pin:
        """Return the pin, within a step.

        Raises:
            ReleasedHandle: the handle has ended [PTR-6, LOAN-7].
        """
        pin = self._pin
        if pin is None:
            raise ReleasedHandle(f"self is {self!r}: it is used after its end; {self._remedy}")
        return pin

    def _ending(self) -> Change:
        """Return what ends the handle [PTR-6, LOAN-7]."""
        return partial(setattr, self, "_pin", None)

    def _event(self) -> PooledEvent:
        """Return the event in the slot; that of a loan is all 0."""
        return self._step.see(lambda: self._held().event)

    @property
    def pool_id(self) -> PoolId:
        """The pool of the slot [PTR-7, LOAN-1]."""
        return self._step.see(lambda: self._held().pool.pool_id)

    @property
    def slot_index(self) -> int:
        """The number of the slot in its pool [PTR-7, LOAN-1]."""
        return self._step.see(lambda: self._held().slot_index)

    @property
    def generation(self) -> int:
        """The generation of the slot; a commit keeps it [PTR-7, SLOT-7]."""
        return self._step.see(lambda: self._held().generation)

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
        """Whether the handle has ended [PTR-6, LOAN-7]."""
        return self._pin is None

    def __enter__(self) -> Self:
        self._step.see(self._held)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        # Views may be alive: what the pin holds is given back after the last of them [VIEW-2, LOAN-8]. No step is
        # needed, since to forget the pin is one step of its own, so that a finalizer may do it too.
        self._pin = None

    def __repr__(self) -> str:
        kind, pin = type(self).__name__, self._pin
        if pin is None:
            return f"{kind}(released)"
        return f"{kind}(pool_id={pin.pool.pool_id.name}, slot_index={pin.slot_index}, generation={pin.generation})"
