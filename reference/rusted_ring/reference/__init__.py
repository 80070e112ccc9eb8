"""The reference: what a rusted ring does, as readable as its spec [SLOT-1].

It is sequential at heart: one operation is one atomic step, whichever thread it comes from. It keeps to the same
clauses and has the same public names as `rusted_ring.native`, and it is the oracle that the native core is compared
with.
"""

from rusted_ring.reference.allocator import EventAllocator
from rusted_ring.reference.entry import allocate_from_pool, allocate_to_pool, handle_ffi_event
from rusted_ring.reference.errors import (
    Lagged,
    LayoutError,
    PayloadTooLarge,
    PoolExhausted,
    ReadersFull,
    RefCountOverflow,
    RefCountUnderflow,
    ReleasedHandle,
    RingClosed,
    RingError,
    StaleHandle,
    ViewsOutstanding,
    WriterTaken,
)
from rusted_ring.reference.event import EventBatch, PooledEvent, PoolStats, SlotMetadata, SlotState
from rusted_ring.reference.loan import Loan
from rusted_ring.reference.parameters import MAX_RING_BYTES, SEED, TINY, WIDE, Profile
from rusted_ring.reference.pointer import RingPtr
from rusted_ring.reference.pools import EventPools
from rusted_ring.reference.reader import Reader
from rusted_ring.reference.ring import RingBuffer
from rusted_ring.reference.sizes import EventSize, PoolId
from rusted_ring.reference.weak import WeakRingPtr
from rusted_ring.reference.writer import Writer

__all__ = [
    "MAX_RING_BYTES",
    "SEED",
    "TINY",
    "WIDE",
    "EventAllocator",
    "EventBatch",
    "EventPools",
    "EventSize",
    "Lagged",
    "LayoutError",
    "Loan",
    "PayloadTooLarge",
    "PoolExhausted",
    "PoolId",
    "PoolStats",
    "PooledEvent",
    "Profile",
    "Reader",
    "ReadersFull",
    "RefCountOverflow",
    "RefCountUnderflow",
    "ReleasedHandle",
    "RingBuffer",
    "RingClosed",
    "RingError",
    "RingPtr",
    "SlotMetadata",
    "SlotState",
    "StaleHandle",
    "ViewsOutstanding",
    "WeakRingPtr",
    "Writer",
    "WriterTaken",
    "allocate_from_pool",
    "allocate_to_pool",
    "handle_ffi_event",
]
