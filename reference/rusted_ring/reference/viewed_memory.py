"""Memory that views keep alive: its destruction releases what it stands for [VIEW-3, PTR-5, RING-67, RING-76]."""

from collections.abc import Callable

from rusted_ring.reference.monitor import Change, Monitor
from rusted_ring.vocabulary.errors import ViewsOutstanding


class ViewedMemory(bytearray):
    """The base class of `Pin` and `LentSlots`.

    A view keeps this object alive, and so do slices, casts and arrays of a view: it is destroyed after the last of
    them [VIEW-3]. Python refuses to shorten a `bytearray` that has views. So a guard byte follows the content once
    there may be a view, and a call that needs to know that no view is left removes it.

    Attributes:
        arm: the change after which the destruction of this object makes the changes of its release. A step makes it
            together with the change that takes what is to be released [ERR-10].
    """

    __slots__ = ("_monitor", "_sentinel", "arm")

    def __init__(self, monitor: Monitor, ending: Callable[[], tuple[Change, ...]], length: int = 0) -> None:
        """Make bytes of 0, without a guard byte.

        Args:
            monitor: the monitor of the pools or of the ring.
            ending: returns the changes of the release.
            length: how many bytes.
        """
        super().__init__(length)
        self._monitor = monitor
        self._sentinel, self.arm = monitor.deferred_finalizer(ending)

    def _may_have_views(self) -> bool:
        """Whether the guard byte is there; without it there are no views."""
        raise NotImplementedError

    def _shown(self) -> str:
        """What the views show, for a message."""
        raise NotImplementedError

    def end_views(self, call: str) -> None:
        """Make sure that there are no views [LOAN-6, PTR-17, RING-66, RING-75].

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
            remedy = f"release or delete every view, slice and array of it, then call {call} again"
            raise ViewsOutstanding(f"data of {self._shown()} has views that are alive: {remedy}") from None

    def disarming(self) -> tuple[Change, ...]:
        """Return the changes after which the destruction releases nothing [PTR-12, LOAN-3, RING-63, RING-73]."""
        return self._monitor.disarming(self._sentinel)
