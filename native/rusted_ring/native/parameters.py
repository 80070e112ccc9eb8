"""The profiles, as the core has them [PARAM-1]."""

from rusted_ring.native._core import CData, quick
from rusted_ring.reference.parameters import MAX_RING_BYTES, Profile

__all__ = ["MAX_RING_BYTES", "SEED", "TINY", "WIDE", "Profile"]


def _profile(name: str, values: CData) -> Profile:
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


SEED: Profile = _profile("seed", quick.rr_profile_seed())
WIDE: Profile = _profile("wide", quick.rr_profile_wide())
TINY: Profile = _profile("tiny", quick.rr_profile_tiny())
