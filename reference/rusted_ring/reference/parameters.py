"""The predefined profiles [PARAM-1]."""

from typing import Final

from rusted_ring.vocabulary.profile import Profile

SEED: Final = Profile(
    name="seed",
    ref_bits=8,
    generation_bits=16,
    tag_bits=32,
    capacities=(2_000, 1_000, 300, 60, 15),
    heap_slots=64,
    heap_bytes=67_108_864,
)
"""The widths and capacities of the original design, the default [PARAM-1]."""

WIDE: Final = Profile(
    name="wide",
    ref_bits=22,
    generation_bits=40,
    tag_bits=32,
    capacities=(2_000, 1_000, 300, 60, 15),
    heap_slots=64,
    heap_bytes=67_108_864,
)
"""The capacities of `SEED` with the widest reference counts and generations [PARAM-1]."""

TINY: Final = Profile(
    name="tiny",
    ref_bits=2,
    generation_bits=2,
    tag_bits=2,
    capacities=(3, 2, 2, 1, 1),
    heap_slots=2,
    heap_bytes=65_536,
)
"""Widths and capacities so small that a few calls lead to overflow, wrap-around and ABA [PARAM-1]."""
