"""All transition systems."""

from typing import Final

from rusted_ring.verify.proofs.event_count import EVENT_COUNT
from rusted_ring.verify.proofs.gated_ring import GATED
from rusted_ring.verify.proofs.overwriting_ring import OVERWRITING
from rusted_ring.verify.proofs.pool_systems import SCAN, SLOT
from rusted_ring.verify.proofs.systems import System
from rusted_ring.verify.proofs.view_systems import LAP_CHECK, PUBLICATION, STORE_BUFFERING

SYSTEMS: Final[tuple[System, ...]] = (
    SLOT,
    SCAN,
    OVERWRITING,
    GATED,
    EVENT_COUNT,
    PUBLICATION,
    LAP_CHECK,
    STORE_BUFFERING,
)
