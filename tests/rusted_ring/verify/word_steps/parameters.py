"""The numbers that the words of a client's core depend on."""

import dataclasses
from typing import Self

from rusted_ring.verify.clients.language import GATED, HEAP_BYTES, Client


@dataclasses.dataclass(frozen=True, slots=True)
class Parameters:
    """The widths and sizes of a client's pools and ring; 0 for what it has not.

    Attributes:
        ref_bits: the bits of a reference count.
        generation_bits: the bits of a generation.
        slots: by pool, its slots.
        heap_bytes: the most payload bytes on the heap.
        capacity: the slots of the ring.
        size: the payload bytes of a slot of the ring.
        gated: whether the ring is gated.
        awaited: how many readers have to join.
        fenced: whether publications execute fences.
    """

    ref_bits: int = 0
    generation_bits: int = 0
    slots: tuple[int, ...] = ()
    heap_bytes: int = 0
    capacity: int = 0
    size: int = 0
    gated: bool = False
    awaited: int = 0
    fenced: bool = False

    @classmethod
    def of(cls, client: Client) -> Self:
        """Return those of a client."""
        pool, ring = client.pool, client.ring
        found = cls()
        if pool is not None:
            found = dataclasses.replace(
                found,
                ref_bits=pool.ref_bits,
                generation_bits=pool.generation_bits,
                slots=(pool.slots, 1, 1, 1, 1, pool.heap_slots),
                heap_bytes=HEAP_BYTES * pool.heap_slots,
            )
        if ring is not None:
            found = dataclasses.replace(
                found,
                capacity=ring.capacity,
                size=ring.size,
                gated=ring.mode == GATED,
                awaited=ring.awaited,
                fenced=bool(ring.fenced),
            )
        return found

    @property
    def count_mask(self) -> int:
        """The greatest reference count."""
        return (1 << self.ref_bits) - 1

    @property
    def generation_mask(self) -> int:
        """The greatest generation."""
        return (1 << self.generation_bits) - 1
