"""What a slot is, and the figures of a pool [SLOT-2, SLOT-14, ALLOC-9]."""

import enum
from typing import NamedTuple


class SlotState(enum.IntEnum):
    """What a slot is [SLOT-2]."""

    FREE = 0
    LIVE = 1
    LOANED = 2


class SlotMetadata(NamedTuple):
    """What a slot word says [SLOT-14]."""

    ref_count: int
    generation: int
    state: SlotState

    @property
    def is_allocated(self) -> bool:
        """True exactly if the slot is not FREE [SLOT-14]."""
        return self.state != SlotState.FREE


class PoolStats(NamedTuple):
    """The figures of a pool [ALLOC-9].

    Attributes:
        capacity: slots of the pool.
        live: slots that are LIVE or LOANED.
        free: slots that are FREE; `live + free = capacity`.
        allocations: slots taken since the start, loans included.
        failures: calls that found the pool full.
    """

    capacity: int
    live: int
    free: int
    allocations: int
    failures: int
