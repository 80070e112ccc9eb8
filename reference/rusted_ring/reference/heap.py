"""The pool XXL: its slots are in a table, its payloads on the heap [ALLOC-6, ALLOC-7, LAYOUT-5]."""

from rusted_ring.reference.layout import heap_block_bytes, heap_table_bytes
from rusted_ring.reference.pool import Pool
from rusted_ring.vocabulary.errors import PoolExhausted
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import PoolId


class HeapPool(Pool):
    """The pool XXL, which has a limit of slots and a limit of payload bytes [ALLOC-6, ALLOC-7]."""

    __slots__ = ("_heap_bytes",)

    def __init__(self, profile: Profile) -> None:
        super().__init__(PoolId.XXL, profile.heap_slots, profile)
        self._heap_bytes = profile.heap_bytes

    def _lengths(self) -> list[int]:
        """Return the payload length of each slot taken, in bytes [ALLOC-7]."""
        return [len(event.data) for event in list(self.events.values())]

    def heap_usage(self) -> int:
        """Return the bytes of the table and of the heap blocks, metadata and padding included [LAYOUT-5]."""
        return heap_table_bytes(self.capacity) + sum(map(heap_block_bytes, self._lengths()))

    def has_room(self, count: int, payload_bytes: int) -> bool:
        """Return whether enough slots are FREE and enough payload bytes unused [ALLOC-3, ALLOC-7]."""
        return super().has_room(count, payload_bytes) and sum(self._lengths()) + payload_bytes <= self._heap_bytes

    def exhausted(self, count: int, payload_bytes: int) -> PoolExhausted:
        """Return the error to raise if there is no such room [ALLOC-3, ALLOC-7]."""
        if not super().has_room(count, payload_bytes):
            return super().exhausted(count, payload_bytes)
        return PoolExhausted(
            f"pool XXL has {sum(self._lengths())} payload bytes and {payload_bytes} more are needed: together more "
            f"than heap_bytes {self._heap_bytes}; drop pointers and views, or make pools with more heap_bytes"
        )
