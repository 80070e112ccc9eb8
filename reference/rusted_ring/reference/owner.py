"""What pointers and loans know of their allocator: its pools [PTR-8, ALLOC-24]."""

from rusted_ring.reference.pools import EventPools
from rusted_ring.vocabulary.unpicklable import Unpicklable


class Owner(Unpicklable):
    """The base class of `EventAllocator`, for the modules below it, which need no more than the pools."""

    __slots__ = ("__weakref__", "_pools")

    _pools: EventPools

    @property
    def pools(self) -> EventPools:
        """The allocator's pools [ALLOC-1]."""
        return self._pools
