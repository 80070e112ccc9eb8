"""Waiting in an event loop: a task repeats a call that does not wait until it succeeds [RING-36, RING-37, RING-54]."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rusted_ring.native._core import time_slice_begins, time_slice_over
from rusted_ring.vocabulary.waiting import until_readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rusted_ring.vocabulary.waiting import Watched

T = TypeVar("T")


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
    if time_slice_over():
        import asyncio

        await asyncio.sleep(0)
        time_slice_begins()
    while not (found := attempt()):
        await until_readable(watched)
        time_slice_begins()
    return found
