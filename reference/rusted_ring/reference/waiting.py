"""Waiting in an event loop: a task repeats a call that does not wait until it succeeds [RING-36, RING-37, RING-54]."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

from rusted_ring.vocabulary.waiting import until_readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rusted_ring.vocabulary.waiting import Watched

T = TypeVar("T")

_TIME_SLICE = 0.001
"""Seconds after which a task that never has to wait yields to the other tasks of its event loop."""


class _TimeSlice(threading.local):
    """When this thread's event loop last ran its other tasks, in seconds of the monotonic clock."""

    begun = 0.0


_time_slice = _TimeSlice()


async def until(attempt: Callable[[], T | None], watched: Watched) -> T:
    """Repeat an attempt until it returns something true, and return that; wait in the event loop between attempts.

    The task yields before an attempt and not after it: if it is cancelled while it yields, it has taken nothing
    [RING-36, RING-37, RING-54].

    Args:
        attempt: a call that does not wait; it returns something false, such as None, if it found nothing.
        watched: the reader or writer that `attempt` uses.

    Raises:
        OSError: the system has no descriptors left.
    """
    if time.monotonic() - _time_slice.begun >= _TIME_SLICE:
        import asyncio

        await asyncio.sleep(0)
        _time_slice.begun = time.monotonic()
    while not (found := attempt()):
        await until_readable(watched)
        _time_slice.begun = time.monotonic()
    return found
