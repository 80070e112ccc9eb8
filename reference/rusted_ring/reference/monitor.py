"""The monitor: every operation is one atomic step, and a finalizer is deferred to the next one [SLOT-1, ALLOC-13].

A method whose name is a gerund (`Pool.cloning`, `RingBuffer._joining`) returns the changes that a step is to make. It
makes none itself.
"""

import operator
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from types import CodeType
from typing import Final, TypeAlias, TypeVar

from rusted_ring.vocabulary.errors import ForkedCopy, RingError

T = TypeVar("T")

_SENTINEL: Final = compile("", "sentinel", "exec")

Change: TypeAlias = Callable[[], object]
"""A call of a C function that cannot fail, such as a `partial` of `setitem`, `setattr` or `set.add`.

A change returns something false. A test is a change that may return something true: if one does, the changes after it
are not made. Tests therefore come first.
"""

Found: TypeAlias = tuple[T | RingError, Sequence[Change]]
"""What a step returns or raises, and the changes that it makes."""

NOTHING: Final[Change] = bool
"""A change that changes nothing, but counts as one: the steps around it look again."""


def at_once(*changes: Change) -> bool:
    """Make all changes in one call to C, during which no signal handler runs, or make none [ERR-10].

    Returns:
        True if the changes were made, False if a test among them returned something true.
    """
    return not any(map(operator.call, changes))


_forks = 0
"""How many forks lie between the process that loaded this module and this process."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class _Finalizer(weakref.ref[CodeType]):
    """A weak reference to a sentinel, which is queued when the sentinel is destroyed."""

    __slots__ = ("look",)

    look: Callable[[], tuple[Change, ...]]


class Monitor:
    """Makes every operation on an `EventPools` or a `RingBuffer` one atomic step, in whichever thread it runs [SLOT-1].

    A step first looks, and then makes all its changes in one call to C. A reentrant lock keeps other threads out. In
    the same thread, a signal handler or a finalizer may run between the look and the changes, and run steps of its own.
    If one of these changed something, `version` differs: the outer step then makes no change and looks again.

    A signal handler may raise an exception anywhere in Python code. So changes are made by `at_once`, and the lock is
    acquired and released by `with`, which calls C. No `while` loop stands directly in that `with` block: CPython checks
    for signals at a loop's backward jump, and from 3.13 on it treats that jump as outside the block.

    An object may be destroyed in the middle of a step, when its finalizer must not wait for the lock. The finalizer is
    deferred: it is queued, and the next step runs it first. No caller can tell the difference, because every call that
    looks at the state is a step.

    A forked child cannot run steps on its parent's objects: another thread of the parent may have been in the middle of
    one, and only the child would see the result [ERR-8].
    """

    __slots__ = ("_armed", "_due", "_forks", "_lock", "_version")

    def __init__(self) -> None:
        self._forks: Final = _forks
        self._lock: Final = threading.RLock()
        self._version: Final = [0]
        self._due: Final[deque[_Finalizer]] = deque()
        self._armed: Final[dict[int, _Finalizer]] = {}

    def run(self, look: Callable[[], Found[T]]) -> T:
        """Run the deferred finalizers, and then one step [ERR-10].

        Args:
            look: returns what the step returns (or an error to raise) and its changes. It may be called several times,
                and changes nothing itself. An error that `look` raises, instead of returning it, is raised at once,
                without a check of `version`; so `look` must have read everything that the error depends on at one
                moment.

        Raises:
            ForkedCopy: a parent process made the object [ERR-8].
        """
        self.check_process()
        while self._due:
            self._run(self._finalize_first)
        return self._run(look)

    @property
    def version(self) -> int:
        """How many steps have made changes."""
        return self._version[0]

    def read(self, look: Callable[[], T]) -> T:
        """Run a step that makes no changes, and return what `look` returns; raise as `run`."""
        return self.run(lambda: (look(), []))

    def _run(self, look: Callable[[], Found[T]]) -> T:
        while True:
            with self._lock:
                version = self.version
                found, changes = look()
                counting = [partial(operator.setitem, self._version, 0, version + 1)] if changes else []
                if at_once(partial(operator.ne, self._version, [version]), *changes, *counting):
                    try:
                        if isinstance(found, RingError):
                            raise found
                        return found
                    finally:
                        del found, changes  # the error refers to this frame, which must not refer to the error

    def _finalize_first(self) -> Found[None]:
        if not self._due:
            return None, []
        finalizer, removing = self._due[0], partial(operator.delitem, self._due, 0)
        if id(finalizer) not in self._armed:
            return None, [removing]
        return None, [*finalizer.look(), partial(operator.delitem, self._armed, id(finalizer)), removing]

    def deferred_finalizer(self, look: Callable[[], tuple[Change, ...]]) -> tuple[CodeType, Change]:
        """Return a sentinel and the change that arms it [PTR-5, RING-4, ERR-10].

        Once the sentinel is armed and destroyed, the next step first makes the changes that `look` returns.

        The cyclic garbage collector calls the finalizers and the weak references of all objects of a cycle, in any
        order, before it clears one of them. A pointer's slot would thus be freed before the finalizer of an object that
        still uses the pointer [PTR-1]. A code object is not tracked by the collector, and can be referred to weakly. So
        it is destroyed last, and without running Python code, where a signal handler's exception would be lost.

        Args:
            look: returns the changes, as that of `run`.
        """
        sentinel = _SENTINEL.replace()
        finalizer = _Finalizer(sentinel, self._due.append)
        finalizer.look = look
        return sentinel, partial(operator.setitem, self._armed, id(finalizer), finalizer)

    def disarming(self, sentinel: CodeType) -> tuple[Change, ...]:
        """Return the changes after which the destruction of a sentinel has no effect [PTR-12, LOAN-3]."""
        return tuple(partial(operator.delitem, self._armed, id(end)) for end in weakref.getweakrefs(sentinel))

    @property
    def is_forked(self) -> bool:
        """Whether a parent process made the monitor [ERR-8]."""
        return self._forks != _forks

    def check_process(self) -> None:
        """Make sure that this process made the monitor.

        Raises:
            ForkedCopy: a parent process made it [ERR-8].
        """
        if self._forks != _forks:
            raise ForkedCopy(
                "the process was forked after this object was made: the child has a copy, which shares nothing with "
                "the parent's; make another one after the fork"
            )
