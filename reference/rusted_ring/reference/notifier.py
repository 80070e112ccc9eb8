"""The notifier: a file descriptor that wakes event loops [RING-35, RING-49]."""

import contextlib
import os
from typing import Final


class Notifier:
    """A pipe whose read end is readable from `notify` until `clear` [RING-35].

    A forked process inherits the pipe, but only the process that made the notifier can notify and clear it.
    """

    __slots__ = ("__weakref__", "_ends", "_process")

    def __init__(self) -> None:
        """Make a notifier that is readable: its owner has not looked at the ring yet [RING-35].

        Raises:
            OSError: the system has no descriptors left.
        """
        self._process: Final = os.getpid()
        self._ends: Final = os.pipe()
        for end in self._ends:
            os.set_blocking(end, False)
        self.notify()

    def __del__(self) -> None:
        if self.is_of_this_process():
            for end in getattr(self, "_ends", ()):
                os.close(end)

    def is_of_this_process(self) -> bool:
        """Whether this process made the notifier."""
        return self._process == os.getpid()

    def fileno(self) -> int:
        """Return the descriptor to wait on [RING-35]."""
        return self._ends[0]

    def notify(self) -> None:
        """Make the descriptor readable."""
        if self.is_of_this_process():
            with contextlib.suppress(BlockingIOError):  # the pipe is full, and so is readable
                os.write(self._ends[1], b"!")

    def clear(self) -> None:
        """Make the descriptor not readable."""
        if self.is_of_this_process():
            with contextlib.suppress(BlockingIOError):
                while os.read(self._ends[0], 4_096):
                    pass
