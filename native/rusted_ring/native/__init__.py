"""The C core as Python sees it: the same names, signatures and errors as `rusted_ring.reference` [ERR-1]."""

from rusted_ring.native.allocator import EventAllocator, allocate_from_pool, allocate_to_pool, handle_ffi_event
from rusted_ring.native.parameters import MAX_RING_BYTES, SEED, TINY, WIDE, Profile
from rusted_ring.native.pointers import Loan, RingPtr, WeakRingPtr
from rusted_ring.native.pools import EventPools
from rusted_ring.native.rings import Reader, RingBuffer, Writer
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
from rusted_ring.reference.sizes import EventSize, PoolId

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
