"""Tasks of event loops that wait for what a call that does not wait has not found [RING-36, RING-37, RING-54]."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rusted_ring.native._core import turn_begins, turn_over
from rusted_ring.vocabulary.waiting import until_readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rusted_ring.vocabulary.waiting import Watched

T = TypeVar("T")


async def until(attempt: Callable[[], T | None], watched: Watched) -> T:
    """Return what an attempt returns, once that is true; wait in the loop between attempts [RING-36, RING-37, RING-54].

    The task gives way before its attempt, and not after: one that is cancelled meanwhile has taken nothing.

    Args:
        attempt: does not wait; what it returns is false, as None is, if there is nothing to be had now.
        watched: what the attempt is made on.

    Raises:
        OSError: the system gave no descriptor.
    """
    if turn_over():
        import asyncio

        await asyncio.sleep(0)
        turn_begins()
    while not (found := attempt()):
        await until_readable(watched)
        turn_begins()
    return found
