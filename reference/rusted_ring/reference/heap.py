"""The pool XXL: slots in a table, payloads on the heap [ALLOC-6, ALLOC-7, LAYOUT-5]."""

from rusted_ring.reference.errors import PoolExhausted
from rusted_ring.reference.following import Choices
from rusted_ring.reference.layout import heap_block_bytes, heap_table_bytes
from rusted_ring.reference.parameters import Profile
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.sizes import PoolId


class HeapPool(Pool):
    """The pool XXL, which is bounded in slots and in payload bytes [ALLOC-6, ALLOC-7].

    Attributes:
        payload_bytes: payload bytes of the slots taken.
        block_bytes: heap bytes of the slots taken, metadata and padding included.
    """

    __slots__ = ("_heap_bytes", "block_bytes", "payload_bytes")

    def __init__(self, profile: Profile, choices: Choices) -> None:
        super().__init__(PoolId.XXL, profile.heap_slots, profile, choices)
        self._heap_bytes = profile.heap_bytes
        self.payload_bytes = 0
        self.block_bytes = 0

    def heap_usage(self) -> int:
        """Return the bytes of the table and of what is on the heap [LAYOUT-5]."""
        return heap_table_bytes(self.capacity) + self.block_bytes

    def check_room(self, count: int, payload_bytes: int) -> None:
        """Make sure that there are slots and payload bytes enough [ALLOC-7].

        Raises:
            PoolExhausted: there are not.
        """
        super().check_room(count, payload_bytes)
        if self.payload_bytes + payload_bytes > self._heap_bytes:
            self.failures += 1
            raise PoolExhausted(
                f"pool XXL has {self.payload_bytes} payload bytes and {payload_bytes} more are wanted: together above "
                f"heap_bytes {self._heap_bytes}; drop pointers and views, or make pools of more heap_bytes"
            )

    def payload_came(self, length: int) -> None:
        """Count the bytes of a payload that came [ALLOC-7]."""
        self.payload_bytes += length
        self.block_bytes += heap_block_bytes(length)

    def payload_went(self, length: int) -> None:
        """Count the bytes of a payload that is gone [ALLOC-7]."""
        self.payload_bytes -= length
        self.block_bytes -= heap_block_bytes(length)
