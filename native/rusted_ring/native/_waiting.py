"""Waiting for events: until when, and tasks of event loops [RING-31, RING-36]."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from rusted_ring.native._arguments import wrong_value

if TYPE_CHECKING:
    import asyncio

FOREVER = -1
_I64_LIMIT = 9_223_372_036_854_775_807


def deadline(name: str, timeout: float | None) -> int:
    """Return when a wait of so many seconds from now is over, in nanoseconds of the monotonic clock [RING-31, RING-38].

    Raises:
        ValueError: the timeout is below 0 or not a number.
    """
    if timeout is None:
        return FOREVER
    if not timeout >= 0:
        raise wrong_value(name, timeout, "not a number of at least 0", "pass seconds to wait, or None to wait for ever")
    if timeout > _I64_LIMIT / 2e9:
        return FOREVER  # centuries
    return time.monotonic_ns() + math.ceil(timeout * 1e9)


def left_until(until: int) -> int:
    """Return how many nanoseconds are left until then; below 0: for ever."""
    return FOREVER if until == FOREVER else max(0, until - time.monotonic_ns())


class Tasks:
    """The tasks that wait for one reader, in whatever event loops [RING-34, RING-36, RING-37].

    A loop knows one callback for a descriptor. So the first task of a loop that waits registers it, the last one takes
    it out, and it wakes all of them; who finds no event then waits again.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}

    async def readable(self, descriptor: int) -> None:
        """Wait until the descriptor is readable [RING-35]."""
        import asyncio

        loop = asyncio.get_running_loop()
        mine = self._waiting.get(loop)
        if mine is None:
            mine = []
            loop.add_reader(descriptor, _wake, mine)
            self._waiting[loop] = mine
        woken = loop.create_future()
        mine.append(woken)
        try:
            await woken
        finally:
            mine.remove(woken)
            if not mine:
                del self._waiting[loop]
                loop.remove_reader(descriptor)


def _wake(waiting: list[asyncio.Future[None]]) -> None:
    for woken in waiting:
        if not woken.done():
            woken.set_result(None)
