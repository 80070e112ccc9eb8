"""The pool XXL: slots in a table, payloads on the heap [ALLOC-6, ALLOC-7, LAYOUT-5]."""

from rusted_ring.reference.layout import heap_block_bytes, heap_table_bytes
from rusted_ring.reference.pool import Pool
from rusted_ring.vocabulary.errors import PoolExhausted
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import PoolId


class HeapPool(Pool):
    """The pool XXL, which is bounded in slots and in payload bytes [ALLOC-6, ALLOC-7]."""

    __slots__ = ("_heap_bytes",)

    def __init__(self, profile: Profile) -> None:
        super().__init__(PoolId.XXL, profile.heap_slots, profile)
        self._heap_bytes = profile.heap_bytes

    def _lengths(self) -> list[int]:
        """Return the payload bytes of each slot taken [ALLOC-7]."""
        return [len(event.data) for event in list(self.events.values())]

    def heap_usage(self) -> int:
        """Return the bytes of the table and of what is on the heap, metadata and padding included [LAYOUT-5]."""
        return heap_table_bytes(self.capacity) + sum(map(heap_block_bytes, self._lengths()))

    def has_room(self, count: int, payload_bytes: int) -> bool:
        """Return whether there are slots and payload bytes enough [ALLOC-3, ALLOC-7]."""
        return super().has_room(count, payload_bytes) and sum(self._lengths()) + payload_bytes <= self._heap_bytes

    def exhausted(self, count: int, payload_bytes: int) -> PoolExhausted:
        """Return the error for want of that room [ALLOC-3, ALLOC-7]."""
        if not super().has_room(count, payload_bytes):
            return super().exhausted(count, payload_bytes)
        return PoolExhausted(
            f"pool XXL has {sum(self._lengths())} payload bytes and {payload_bytes} more are wanted: together above "
            f"heap_bytes {self._heap_bytes}; drop pointers and views, or make pools of more heap_bytes"
        )
