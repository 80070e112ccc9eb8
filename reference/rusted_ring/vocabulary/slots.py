"""The states and metadata of a slot, and the counters of a pool [SLOT-2, SLOT-14, ALLOC-9]."""

import enum
from typing import NamedTuple


class SlotState(enum.IntEnum):
    """The state of a slot [SLOT-2]."""

    FREE = 0
    LIVE = 1
    LOANED = 2


class SlotMetadata(NamedTuple):
    """The fields of a slot word [SLOT-14].

    Attributes:
        ref_count: the number of references to the slot.
        generation: how often the slot was freed, modulo 2^G.
        state: whether the slot is FREE, LIVE or LOANED.
    """

    ref_count: int
    generation: int
    state: SlotState

    @property
    def is_allocated(self) -> bool:
        """Whether the slot is LIVE or LOANED [SLOT-14]."""
        return self.state != SlotState.FREE


class PoolStats(NamedTuple):
    """The counters of a pool [ALLOC-9].

    Attributes:
        capacity: number of slots.
        live: number of slots that are LIVE or LOANED.
        free: number of slots that are FREE; `live + free = capacity`.
        allocations: number of slots taken since the pool was made, loans included.
        failures: number of calls that found the pool full.
    """

    capacity: int
    live: int
    free: int
    allocations: int
    failures: int
