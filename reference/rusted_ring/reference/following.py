"""Which slot an allocation takes is left open [ALLOC-2]: the reference takes those it is told to, if they are free.

This is how the reference follows an implementation that made its own choice. It is no part of the public API.
"""

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rusted_ring.reference.sizes import PoolId

if TYPE_CHECKING:
    from rusted_ring.reference.pools import EventPools


class FollowError(AssertionError):
    """The slot that the reference was told to take is not free, or is not where the allocation goes [ALLOC-1, ALLOC-2].

    What was left of the queue stays; the batch in whose middle this happened is left half done.
    """


class Choices:
    """A queue of the slots that the next allocations and loans take [ALLOC-2]."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: deque[tuple[PoolId, int]] = deque()

    def replace(self, choices: Iterable[tuple[PoolId, int]]) -> None:
        """Forget what is queued and queue these instead [ALLOC-2]."""
        self._queue = deque(choices)

    def take(self, pool_id: PoolId) -> int | None:
        """Return the slot that an allocation in this pool is to take; None where nothing is queued [ALLOC-2].

        Raises:
            FollowError: the next choice is of another pool.
        """
        if not self._queue:
            return None
        chosen_pool, slot_index = self._queue[0]
        if chosen_pool != pool_id:
            raise FollowError(f"pool {chosen_pool} was taken from where the allocation belongs in pool {pool_id:d}")
        self._queue.popleft()
        return slot_index


def follow(pools: "EventPools", choices: Iterable[tuple[PoolId, int]]) -> None:
    """Queue the slots that the next allocations and loans take, in place of what was queued [ALLOC-2].

    An allocation that finds its choice not FREE raises `FollowError`. Without a queue the reference goes round.

    Args:
        pools: the pools that follow.
        choices: a pool and a slot index for each slot to be taken, in order.
    """
    queued = list(choices)
    with pools._step:
        pools._choices.replace(queued)
