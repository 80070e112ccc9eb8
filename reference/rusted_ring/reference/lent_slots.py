"""The memory of slots that are lent to the program, and its views [RING-62, RING-66, RING-67, RING-72, RING-76]."""

from collections.abc import Callable
from typing import Final

from rusted_ring.reference.monitor import Change, Monitor
from rusted_ring.reference.viewed_memory import ViewedMemory
from rusted_ring.vocabulary.layout import round64


class LentSlots(ViewedMemory):
    """The slots of a reservation or a peek, side by side [RING-62, RING-72].

    The reservation or peek ends after the last view of them [RING-67, RING-76].

    Attributes:
        number: how many slots there are.
        size: the longest payload of an event in bytes.
        ended: whether the reservation or peek has ended.
    """

    __slots__ = ("__weakref__", "_keeps", "ended", "number", "size")

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
        super().__init__(monitor, ending, number * round64(size))
        self.number: Final = number
        self.size: Final = size
        self.ended = False
        self._keeps: Final = keeps

    @property
    def stride(self) -> int:
        """How many bytes lie between the beginnings of two slots [LAYOUT-6]."""
        return round64(self.size)

    def view(self) -> memoryview:
        """Return a writable view of all slots, one after the other [RING-62]."""
        if not self._may_have_views():
            self.append(0)
        return memoryview(self)[:-1]

    def _may_have_views(self) -> bool:
        return len(self) > self.number * self.stride

    def _shown(self) -> str:
        return f"{self.number} slots"

    def payload(self, index: int, length: int) -> bytes:
        """Return the first bytes of a slot [RING-63]."""
        return bytes(self[index * self.stride :][:length])
