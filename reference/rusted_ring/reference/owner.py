"""What a handle knows of its allocator: the pools [PTR-8, ALLOC-24]."""

from typing import cast

from rusted_ring.reference.pools import EventPools
from rusted_ring.vocabulary.arguments import is_of, wrong_type
from rusted_ring.vocabulary.unpicklable import Unpicklable


class Owner(Unpicklable):
    """The base of `EventAllocator` below its handles: it makes them, and they ask for its pools."""

    __slots__ = ("__weakref__", "_pools")

    _pools: EventPools

    @property
    def pools(self) -> EventPools:
        """The allocator's pools [ALLOC-1]."""
        return self._pools


def as_allocator(allocator: object) -> Owner:
    """Return an argument that is an allocator [ERR-4].

    Raises:
        TypeError: it is not.
    """
    if not is_of(allocator, Owner):
        raise wrong_type("allocator", allocator, "an EventAllocator")
    return cast("Owner", allocator)
