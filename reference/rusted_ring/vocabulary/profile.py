"""Profiles: the widths and capacities that pools are made with [PARAM-1 to PARAM-4]."""

import dataclasses
from typing import Final

from rusted_ring.vocabulary.arguments import U64_LIMIT, as_number
from rusted_ring.vocabulary.errors import LayoutError
from rusted_ring.vocabulary.shown import shown

MAX_RING_BYTES: Final = 1_048_576
"""The default limit of a pool's or ring's storage in bytes [LAYOUT-7]."""

MAX_SLOTS: Final = 2_097_152
MAX_HEAP_BYTES: Final = 2**48


@dataclasses.dataclass(frozen=True)
class Profile:
    """The widths and capacities of pools [PARAM-1, PARAM-2, PARAM-3].

    Attributes:
        name: the profile's name.
        ref_bits: width R of a slot's reference count, 1 to 22 bits.
        generation_bits: width G of a slot's generation, 1 to 40 bits.
        tag_bits: width T of the free list's ABA tag, 0 to 32 bits.
        capacities: slots of the pools XS, S, M, L and XL, 1 to 2,097,152 each.
        heap_slots: slots of the pool XXL, 1 to 2,097,152.
        heap_bytes: limit of the payload bytes in XXL at once, 1 to 2^48.
        max_ring_bytes: limit of one pool's storage in bytes.

    Raises:
        TypeError: a field has a wrong type.
        LayoutError: a width or capacity is out of its bounds.
    """

    name: str
    ref_bits: int
    generation_bits: int
    tag_bits: int
    capacities: tuple[int, int, int, int, int]
    heap_slots: int
    heap_bytes: int
    max_ring_bytes: int = MAX_RING_BYTES

    def __post_init__(self) -> None:
        """Check the types of all fields, then their values [PARAM-2, PARAM-3, ERR-4]."""
        if not isinstance(self.name, str):
            raise TypeError(f"name is {shown(self.name)}: a {type(self.name).__name__}, not a str; pass a str")
        numbers = {name: as_number(name, getattr(self, name)) for name in ("ref_bits", "generation_bits", "tag_bits")}
        if not isinstance(self.capacities, (tuple, list)):
            remedy = "pass a tuple of five integers"
            raise TypeError(
                f"capacities is {shown(self.capacities)}: a {type(self.capacities).__name__}, not a tuple; {remedy}"
            )
        capacities = tuple(as_number(f"capacities[{index}]", count) for index, count in enumerate(self.capacities))
        numbers |= {
            name: as_number(name, getattr(self, name)) for name in ("heap_slots", "heap_bytes", "max_ring_bytes")
        }
        _check("ref_bits", numbers["ref_bits"], 1, 22)
        _check("generation_bits", numbers["generation_bits"], 1, 40)
        _check("tag_bits", numbers["tag_bits"], 0, 32)
        if len(capacities) != 5:
            raise LayoutError(
                f"capacities is {shown(capacities)}: {len(capacities)} numbers; pass five, for XS, S, M, L and XL"
            )
        for index, count in enumerate(capacities):
            _check(f"capacities[{index}]", count, 1, MAX_SLOTS)
        _check("heap_slots", numbers["heap_slots"], 1, MAX_SLOTS)
        _check("heap_bytes", numbers["heap_bytes"], 1, MAX_HEAP_BYTES)
        _check("max_ring_bytes", numbers["max_ring_bytes"], 0, U64_LIMIT)
        for name, value in (numbers | {"capacities": capacities}).items():
            object.__setattr__(self, name, value)


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise LayoutError(f"{name} is {value}: not from {low} to {high}; pass a number in that range")
