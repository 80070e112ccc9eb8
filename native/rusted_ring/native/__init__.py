"""The native implementation: the C core, with the names, signatures and errors of `rusted_ring.reference` [ERR-1]."""

from typing import TYPE_CHECKING

from rusted_ring.native.allocator import EventAllocator, allocate_from_pool, allocate_to_pool, handle_ffi_event
from rusted_ring.native.in_place import Peek, Reservation
from rusted_ring.native.parameters import MAX_RING_BYTES, SEED, TINY, WIDE, Profile
from rusted_ring.native.pointers import Loan, RingPtr, WeakRingPtr
from rusted_ring.native.pools import EventPools
from rusted_ring.native.rings import Reader, RingBuffer, Writer
from rusted_ring.vocabulary.errors import (
    EndOfStream,
    ForkedCopy,
    Lagged,
    LayoutError,
    PayloadTooLarge,
    PeekOpen,
    PoolExhausted,
    ReadersFull,
    RefCountOverflow,
    RefCountUnderflow,
    ReleasedHandle,
    ReservationOpen,
    RingClosed,
    RingError,
    StaleHandle,
    ViewsOutstanding,
    WriterTaken,
)
from rusted_ring.vocabulary.event import EventBatch, PooledEvent
from rusted_ring.vocabulary.sizes import EventSize, PoolId
from rusted_ring.vocabulary.slots import PoolStats, SlotMetadata, SlotState
from rusted_ring.vocabulary.version import module_attribute

__all__ = [
    "MAX_RING_BYTES",
    "SEED",
    "TINY",
    "WIDE",
    "EndOfStream",
    "EventAllocator",
    "EventBatch",
    "EventPools",
    "EventSize",
    "ForkedCopy",
    "Lagged",
    "LayoutError",
    "Loan",
    "PayloadTooLarge",
    "Peek",
    "PeekOpen",
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
    "Reservation",
    "ReservationOpen",
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

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name):
        return module_attribute(__name__, name)
