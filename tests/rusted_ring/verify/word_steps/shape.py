"""What the words of a client's core depend on."""

import dataclasses
from typing import Self

from rusted_ring.verify.clients.language import GATED, HEAP_BYTES, Client
from rusted_ring.verify.proofs.words import Parameters


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """The widths and sizes of a client's pools and ring.

    Attributes:
        widths: those that the actions depend on.
        slots: by pool, its slots; empty without pools.
        awaited: how many readers have to join.
        fenced: whether publications execute fences.
    """

    widths: Parameters
    slots: tuple[int, ...] = ()
    awaited: int = 0
    fenced: bool = False

    @classmethod
    def of(cls, client: Client) -> Self:
        """Return that of a client."""
        pool, ring = client.pool, client.ring
        return cls(
            Parameters(
                ref_bits=pool.ref_bits if pool is not None else 0,
                generation_bits=pool.generation_bits if pool is not None else 0,
                heap_bytes=HEAP_BYTES * pool.heap_slots if pool is not None else 0,
                capacity=ring.capacity if ring is not None else 0,
                size=ring.size if ring is not None else 0,
                gated=ring is not None and ring.mode == GATED,
            ),
            slots=(*pool.profile().capacities, pool.heap_slots) if pool is not None else (),
            awaited=ring.awaited if ring is not None else 0,
            fenced=ring is not None and bool(ring.fenced),
        )
