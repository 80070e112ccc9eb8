"""The predefined profiles, read from the core [PARAM-1]."""

from typing import TYPE_CHECKING

from rusted_ring.native._cffi import lib
from rusted_ring.vocabulary.profile import MAX_RING_BYTES, Profile

if TYPE_CHECKING:
    from rusted_ring.native._cffi import CData

__all__ = ["MAX_RING_BYTES", "SEED", "TINY", "WIDE", "Profile"]


def _profile(name: str, values: "CData") -> Profile:
    xs, s, m, large, xl = values.capacities
    return Profile(
        name,
        values.ref_bits,
        values.generation_bits,
        values.tag_bits,
        (xs, s, m, large, xl),
        values.heap_slots,
        values.heap_bytes,
        values.max_ring_bytes,
    )


SEED: Profile = _profile("seed", lib.rr_profile_seed())
WIDE: Profile = _profile("wide", lib.rr_profile_wide())
TINY: Profile = _profile("tiny", lib.rr_profile_tiny())
