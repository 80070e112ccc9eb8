"""One operation is one atomic step [SLOT-1, ALLOC-13]."""

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

_TOKEN: Final = compile("", "token", "exec")

Change: TypeAlias = Callable[[], object]
"""A call of a function written in C that cannot fail, such as a `partial` of `setitem`, `setattr` or `set.add`.

It returns something false. A test that returns something true, before all changes, has nothing changed.
"""

Found: TypeAlias = tuple[T | RingError, Sequence[Change]]
"""What a step has found: what it returns, or the error that it raises, and the changes that it makes."""

NOTHING: Final[Change] = bool
"""The change of nothing: that of a step after which the others have to look again all the same."""


def at_once(*changes: Change) -> bool:
    """Make changes in one call to C, in which no handler of a signal runs: all of them or none [ERR-10].

    Returns:
        Whether they were made: no test among them returned something true.
    """
    return not any(map(operator.call, changes))


_forks = 0
"""How often this process is a fork of another since the module was loaded."""


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class _End(weakref.ref[CodeType]):
    """Tells that a token is gone."""

    __slots__ = ("look",)

    look: Callable[[], tuple[Change, ...]]


class Step:
    """What makes every operation of a pools object or a ring one step, whichever thread it comes from [SLOT-1].

    A step looks, and then makes its changes at once. A lock keeps the other threads out meanwhile. In the same thread a
    signal's handler or a finalizer may run in the middle of a step and take steps of its own. If one of these has
    changed something, the step around it has changed nothing yet, and looks again.

    The exception of a signal's handler may strike anywhere in Python code. So what a step changes, it changes by
    `at_once`, and the lock is taken and given back by calls to C that `with` makes. No `while` stands directly in that
    `with`: where it jumps back CPython looks for signals, and from 3.13 on takes that to be outside of the `with`.

    An object may end in the middle of a step, so that its end must not wait for one: it is put in a queue, and the next
    step does it first. Nobody can tell the difference, since whoever looks does so in a step.

    In a forked child there are no steps of what the parent made: another thread of the parent may have been in one, and
    nobody but the child would see what it did [ERR-8].
    """

    __slots__ = ("_changes", "_ended", "_ends", "_forks", "_lock")

    def __init__(self) -> None:
        self._forks: Final = _forks
        self._lock: Final = threading.RLock()
        self._changes: Final = [0]
        self._ended: Final[deque[_End]] = deque()
        self._ends: Final[dict[int, _End]] = {}

    def take(self, look: Callable[[], Found[T]]) -> T:
        """Take a step, once what has ended is done [ERR-10].

        Args:
            look: finds what there is to return and to change, and may be called again. It changes nothing itself; what
                it raises, rather than returns, is raised at once, and so has to be true of one moment.

        Raises:
            ForkedCopy: this process is a fork of the one that made what is used [ERR-8].
        """
        self.check()
        while self._ended:
            self._take(self._first_end)
        return self._take(look)

    @property
    def count(self) -> int:
        """How many steps have changed something."""
        return self._changes[0]

    def see(self, look: Callable[[], T]) -> T:
        """Take a step that changes nothing; raise as `take`."""
        return self.take(lambda: (look(), []))

    def _take(self, look: Callable[[], Found[T]]) -> T:
        while True:
            with self._lock:
                count = self.count
                found, changes = look()
                counting = [partial(operator.setitem, self._changes, 0, count + 1)] if changes else []
                if at_once(partial(operator.ne, self._changes, [count]), *changes, *counting):
                    try:
                        if isinstance(found, RingError):
                            raise found
                        return found
                    finally:
                        del found, changes  # this frame would be kept by the error, and keep it

    def _first_end(self) -> Found[None]:
        if not self._ended:
            return None, []
        end, gone = self._ended[0], partial(operator.delitem, self._ended, 0)
        if id(end) not in self._ends:
            return None, [gone]
        return None, [*end.look(), partial(operator.delitem, self._ends, id(end)), gone]

    def token(self, look: Callable[[], tuple[Change, ...]]) -> tuple[CodeType, Change]:
        """Return a token, and what arms it: its end has the next step make changes then [PTR-5, RING-4, ERR-10].

        The collector of cycles calls the finalizers and the weak references of all objects of a cycle, in any order,
        before it takes one of them apart: a pointer's slot would be given back under the finalizer of an object that
        still uses the pointer [PTR-1]. Code objects it does not know, and they can be referred to weakly. So they go
        last, and without running Python code, in which an exception of a signal's handler would be lost.

        Args:
            look: finds the changes, as that of a step.
        """
        token = _TOKEN.replace()
        end = _End(token, self._ended.append)
        end.look = look
        return token, partial(operator.setitem, self._ends, id(end), end)

    def disarming(self, token: CodeType) -> tuple[Change, ...]:
        """Return what lets a token's end be nothing [PTR-12, LOAN-3]."""
        return tuple(partial(operator.delitem, self._ends, id(end)) for end in weakref.getweakrefs(token))

    @property
    def is_forked(self) -> bool:
        """Whether this process is a fork of the one that made it [ERR-8]."""
        return self._forks != _forks

    def check(self) -> None:
        """Make sure that there can be steps here.

        Raises:
            ForkedCopy: this process is a fork of the one that made what is used [ERR-8].
        """
        if self._forks != _forks:
            raise ForkedCopy(
                "the process was forked after this was made: the child has a copy, which shares nothing with its "
                "parent; make another one after the fork"
            )
