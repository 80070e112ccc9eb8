"""Which slot an allocation takes is left open [ALLOC-2]: the reference takes those it is told to, if they are free.

This is how the reference follows an implementation that made its own choice. It is no part of the public API.
"""

import itertools
from collections.abc import Container, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rusted_ring.reference.pool import Pool
from rusted_ring.reference.step import Change
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.slots import SlotState

if TYPE_CHECKING:
    pass


class FollowError(AssertionError):
    """The slot that the reference was told to take is not free, or is not where the allocation goes [ALLOC-1, ALLOC-2].

    Nothing has changed; the queue stays as it was.
    """


class Choices:
    """A queue of the slots that the next allocations and loans take [ALLOC-2]."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: tuple[tuple[PoolId, int], ...] = ()

    def replacing(self, choices: Iterable[tuple[PoolId, int]]) -> Change:
        """Return what forgets what is queued, and queues these instead [ALLOC-2]."""
        return partial(setattr, self, "_queue", tuple(choices))

    def choose(self, pools: Sequence[Pool]) -> tuple[list[int], Change]:
        """Return a FREE slot in each of the pools, which have room, and what notes that it was chosen [ALLOC-2].

        Such are the slots queued, then the next in each pool after the last one taken there.

        Raises:
            FollowError: a slot queued is not FREE, or of another pool.
        """
        chosen: dict[tuple[PoolId, int], None] = {}
        free = {pool.pool_id: pool.free_slots() for pool in pools}
        queued, left = self._queue[: len(pools)], self._queue[len(pools) :]
        for pool, choice in itertools.zip_longest(pools, queued):
            if choice is not None:
                _check_choice(pool, choice, chosen)
            else:
                # There is one, but for what came between: then another look is due.
                slots = (slot_index for slot_index in free[pool.pool_id] if (pool.pool_id, slot_index) not in chosen)
                choice = pool.pool_id, next(slots, 0)
            chosen[choice] = None
        return [slot_index for _, slot_index in chosen], self.replacing(left)


def _check_choice(pool: Pool, choice: tuple[PoolId, int], chosen: Container[tuple[PoolId, int]]) -> None:
    """Make sure that a slot that was queued can be taken from a pool [ALLOC-1, ALLOC-2].

    Raises:
        FollowError: it cannot.
    """
    pool_id, slot_index = choice
    if pool_id != pool.pool_id:
        raise FollowError(f"pool {pool_id} was taken from where the allocation belongs in pool {pool.pool_id:d}")
    if not 0 <= slot_index < pool.capacity or pool.slot(slot_index).state != SlotState.FREE or choice in chosen:
        raise FollowError(f"slot {slot_index} of pool {pool.pool_id.name} was taken while it was not FREE")
