"""Functions for compatibility with the Rust crate that this package was designed after [ALLOC-21, ALLOC-22]."""

from rusted_ring.reference.allocator import EventAllocator
from rusted_ring.reference.pointers import RingPtr
from rusted_ring.reference.token import slot_of_token
from rusted_ring.vocabulary.arguments import as_instance
from rusted_ring.vocabulary.event import Payload


def allocate_from_pool(allocator: EventAllocator, data: Payload, event_type: int) -> RingPtr:
    """Return `allocator.allocate(data, event_type)` [ALLOC-21].

    Args:
        allocator: the allocator.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3].
    """
    as_instance("allocator", allocator, EventAllocator, "an EventAllocator")
    return allocator.allocate(data, event_type)


def handle_ffi_event(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate an event with one detached reference, and return its token [ALLOC-22, PTR-11].

    Args:
        allocator: the allocator.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3].
    """
    as_instance("allocator", allocator, EventAllocator, "an EventAllocator")
    return allocator._allocate_detached(data, event_type)


def allocate_to_pool(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate an event with one detached reference, and return its slot index in the pool of its size class.

    [ALLOC-21, PTR-11]

    Args:
        allocator: the allocator.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3].
    """
    return slot_of_token(handle_ffi_event(allocator, data, event_type))
