"""Every operation and every error of the two halves of the API, a module for each part of it [ALLOC-1, RING-1]."""

from collections.abc import Iterable
from typing import Final

from rusted_ring.verify.lockstep.operations import (
    allocation,
    batches,
    loans,
    peeks,
    pointers,
    readers,
    refused_by_pools,
    refused_by_rings,
    reservations,
    rings,
    tokens,
    views,
    weak_pointers,
    writers,
)
from rusted_ring.verify.lockstep.registry import Registry


def _joined(registries: Iterable[Registry]) -> Registry:
    """Return all operations. A seed draws by their order, so it must not change."""
    joined: Registry = {}
    for registry in registries:
        for name, operation in registry.items():
            if name in joined:
                raise ValueError(f"two operations are named {name}")
            joined[name] = operation
    return joined


POOL_OPERATIONS: Final = _joined(
    module.OPERATIONS
    for module in (allocation, pointers, weak_pointers, tokens, loans, views, batches, refused_by_pools)
)
RING_OPERATIONS: Final = _joined(
    module.OPERATIONS for module in (rings, writers, readers, refused_by_rings, reservations, peeks)
)
