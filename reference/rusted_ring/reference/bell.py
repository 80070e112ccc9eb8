"""A descriptor that says when to look: what a reader shows to event loops [RING-35]."""

import contextlib
import os
from typing import Final


class Bell:
    """A pipe, one end of which is readable from when the bell is rung until it is silenced [RING-35].

    A bell that was inherited by a forked process is the parent's: nothing that the child does rings it.
    """

    __slots__ = ("__weakref__", "_ends", "_process")

    def __init__(self) -> None:
        """Make a bell that has been rung: nobody has looked yet [RING-35].

        Raises:
            OSError: the system gave no descriptors.
        """
        self._process: Final = os.getpid()
        self._ends: Final = os.pipe()
        for end in self._ends:
            os.set_blocking(end, False)
        self.ring()

    def __del__(self) -> None:
        if self.is_mine():
            for end in getattr(self, "_ends", ()):
                os.close(end)

    def is_mine(self) -> bool:
        """Whether this process made the bell."""
        return self._process == os.getpid()

    def fileno(self) -> int:
        """Return the descriptor to wait on [RING-35]."""
        return self._ends[0]

    def ring(self) -> None:
        """Make the descriptor readable."""
        if self.is_mine():
            with contextlib.suppress(BlockingIOError):  # full: it is readable
                os.write(self._ends[1], b"!")

    def silence(self) -> None:
        """Make the descriptor not readable."""
        if self.is_mine():
            with contextlib.suppress(BlockingIOError):
                while os.read(self._ends[0], 4_096):
                    pass
