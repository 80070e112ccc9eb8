"""Recorded choices: the slots that another implementation took, which the reference takes in its replay [ALLOC-2].

The specification does not say which FREE slot an allocation takes. This module is no part of the public API.
"""

import itertools
from collections.abc import Container, Iterable, Sequence
from functools import partial

from rusted_ring.reference.monitor import Change
from rusted_ring.reference.pool import Pool
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.slots import SlotState


class ReplayMismatch(AssertionError):
    """A recorded slot is not FREE, or is not in the pool that the allocation uses [ALLOC-1, ALLOC-2].

    Nothing has changed; the queue of recorded choices is as it was.
    """


class RecordedChoices:
    """A queue of the slots that the next allocations and loans take [ALLOC-2]."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: tuple[tuple[PoolId, int], ...] = ()

    def replacing(self, choices: Iterable[tuple[PoolId, int]]) -> Change:
        """Return the change that replaces the queue [ALLOC-2]."""
        return partial(setattr, self, "_queue", tuple(choices))

    def choose(self, pools: Sequence[Pool]) -> tuple[list[int], Change]:
        """Return a FREE slot for each pool in turn, and the change that removes the choices used [ALLOC-2].

        The queue is used first. After its end, each pool takes the next FREE slot after the last one that it took.

        Args:
            pools: a pool for each event; all of them have room.

        Raises:
            ReplayMismatch: a recorded slot is not FREE, or is in another pool.
        """
        chosen: dict[tuple[PoolId, int], None] = {}
        free = {pool.pool_id: pool.free_slots() for pool in pools}
        recorded, remaining = self._queue[: len(pools)], self._queue[len(pools) :]
        for pool, choice in itertools.zip_longest(pools, recorded):
            if choice is not None:
                _check_choice(pool, choice, chosen)
            else:
                # There is a FREE slot, unless a nested step took it; then 0 does no harm, as this step looks again.
                slots = (slot_index for slot_index in free[pool.pool_id] if (pool.pool_id, slot_index) not in chosen)
                choice = pool.pool_id, next(slots, 0)
            chosen[choice] = None
        return [slot_index for _, slot_index in chosen], self.replacing(remaining)


def _check_choice(pool: Pool, choice: tuple[PoolId, int], chosen: Container[tuple[PoolId, int]]) -> None:
    """Make sure that a recorded slot can be taken from a pool [ALLOC-1, ALLOC-2].

    Raises:
        ReplayMismatch: it cannot.
    """
    pool_id, slot_index = choice
    if pool_id != pool.pool_id:
        raise ReplayMismatch(f"pool {pool_id} was used where the allocation belongs in pool {pool.pool_id:d}")
    if not 0 <= slot_index < pool.capacity or pool.slot(slot_index).state != SlotState.FREE or choice in chosen:
        raise ReplayMismatch(f"slot {slot_index} of pool {pool.pool_id.name} was taken while it was not FREE")
