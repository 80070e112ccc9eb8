"""The reference: an executable model of rings and pools, to be read beside the specification [SLOT-1].

Each operation is one atomic step, in whichever thread it runs. The reference has the same public names as
`rusted_ring.native` and follows the same clauses; it is the oracle that the native implementation is compared with.

To read it, begin with `ring.py`, `writer.py`, `reader.py` and `cursor.py` for rings, and with `slot.py`, `pool.py`,
`pools.py`, `allocator.py` and `pointers.py` for pools. `monitor.py` explains how a call becomes one step.
"""

from typing import TYPE_CHECKING

from rusted_ring.reference.allocator import EventAllocator
from rusted_ring.reference.compat import allocate_from_pool, allocate_to_pool, handle_ffi_event
from rusted_ring.reference.in_place import Peek, Reservation
from rusted_ring.reference.loan import Loan
from rusted_ring.reference.parameters import SEED, TINY, WIDE
from rusted_ring.reference.pointers import RingPtr, WeakRingPtr
from rusted_ring.reference.pools import EventPools
from rusted_ring.reference.reader import Reader
from rusted_ring.reference.ring import RingBuffer
from rusted_ring.reference.writer import Writer
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
from rusted_ring.vocabulary.profile import MAX_RING_BYTES, Profile
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
