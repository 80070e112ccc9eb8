"""One operation is one atomic step [SLOT-1, ALLOC-13]."""

import queue
import threading
from collections.abc import Callable
from typing import Final


class Step:
    """What makes every operation of a pools object or a ring one step, whichever thread it comes from [SLOT-1].

    A finalizer may run in the middle of a step, so that it must not wait for one: it leaves in `left` what is to be
    done, and the next step does that first. Nobody can tell the difference, since whoever looks does so in a step.

    Ctrl-C may strike between taking the lock and being in the step, which leaves the lock taken. So it is one that the
    thread that was struck can take again: it can still drop what it holds, rather than wait for itself.
    """

    __slots__ = ("_lock", "left")

    def __init__(self) -> None:
        self._lock: Final = threading.RLock()
        self.left: Final[queue.SimpleQueue[Callable[[], None]]] = queue.SimpleQueue()

    def condition(self) -> threading.Condition:
        """Return what a step can wait on: others take their steps meanwhile [RING-31]."""
        return threading.Condition(self._lock)

    def __enter__(self) -> None:
        self._lock.acquire()
        while not self.left.empty():
            self.left.get_nowait()()

    def __exit__(self, *error: object) -> None:
        self._lock.release()
