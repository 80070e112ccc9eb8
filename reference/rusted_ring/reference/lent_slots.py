"""The memory of slots that are lent to the program, and its views [RING-62, RING-66, RING-67, RING-72, RING-76]."""

from collections.abc import Callable
from typing import Final

from rusted_ring.reference.monitor import Change, Monitor
from rusted_ring.vocabulary.errors import ViewsOutstanding
from rusted_ring.vocabulary.layout import round64


class LentSlots(bytearray):
    """The slots of a reservation or a peek, side by side [RING-62, RING-72].

    A view keeps this object alive, and the reservation or peek ends after the last of them [RING-67, RING-76]. Python
    refuses to shorten a `bytearray` that has views. So a guard byte follows the slots once there may be a view, and a
    call that needs to know that no view is left removes it.

    Attributes:
        number: how many slots there are.
        size: the longest payload of an event in bytes.
        ended: whether the reservation or peek has ended.
        arm: the change after which the destruction of this object ends the reservation or peek. A step makes it
            together with the change that lends the slots [ERR-10].
    """

    __slots__ = ("__weakref__", "_keeps", "_monitor", "_sentinel", "arm", "ended", "number", "size")

    def __init__(
        self, monitor: Monitor, number: int, size: int, ending: Callable[[], tuple[Change, ...]], keeps: object
    ) -> None:
        """Make slots of zeros.

        Args:
            monitor: the ring's.
            number: how many slots.
            size: the longest payload of an event in bytes.
            ending: returns the changes that end the reservation or peek after this object was destroyed.
            keeps: what keeps the writer or reader registered until then.
        """
        super().__init__(number * round64(size))
        self.number: Final = number
        self.size: Final = size
        self.ended = False
        self._keeps: Final = keeps
        self._monitor: Final = monitor
        self._sentinel, self.arm = monitor.deferred_finalizer(ending)

    @property
    def stride(self) -> int:
        """How many bytes lie between the beginnings of two slots [LAYOUT-6]."""
        return round64(self.size)

    def view(self) -> memoryview:
        """Return a writable view of all slots, one after the other [RING-62]."""
        if len(self) == self.number * self.stride:
            self.append(0)
        return memoryview(self)[:-1]

    def payload(self, index: int, length: int) -> bytes:
        """Return the first bytes of a slot [RING-63]."""
        return bytes(self[index * self.stride :][:length])

    def end_views(self, call: str) -> None:
        """Make sure that there are no views [RING-66, RING-75].

        Args:
            call: the call that needs this, for the message.

        Raises:
            ViewsOutstanding: a view is alive.
        """
        if len(self) == self.number * self.stride:
            return
        try:
            self.pop()
        except BufferError:
            remedy = f"release or delete every view, slice and array of it, then call {call} again"
            raise ViewsOutstanding(f"data of {self.number} slots has views that are alive: {remedy}") from None

    def disarming(self) -> tuple[Change, ...]:
        """Return the changes after which the destruction of this object ends nothing [RING-63, RING-73]."""
        return self._monitor.disarming(self._sentinel)
