"""The seed's entry points [ALLOC-21, ALLOC-22]."""

from rusted_ring.reference.allocator import EventAllocator
from rusted_ring.reference.handles import RingPtr
from rusted_ring.reference.owner import as_allocator
from rusted_ring.reference.token import slot_of_token
from rusted_ring.vocabulary.event import Payload


def allocate_from_pool(allocator: EventAllocator, data: Payload, event_type: int) -> RingPtr:
    """Return `allocator.allocate(data, event_type)` [ALLOC-21].

    Args:
        allocator: where to allocate.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload is longer than the heap takes.
        PoolExhausted: no slot is free.
    """
    as_allocator(allocator)
    return allocator.allocate(data, event_type)


def handle_ffi_event(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate an event and return its token, with one loose reference [ALLOC-22, PTR-11].

    Args:
        allocator: where to allocate.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload is longer than the heap takes.
        PoolExhausted: no slot is free.
    """
    as_allocator(allocator)
    return allocator._allocate_loose(data, event_type)


def allocate_to_pool(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate an event in the pool of its size and return the slot index, with one loose reference [ALLOC-21, PTR-11].

    Args:
        allocator: where to allocate.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload is longer than the heap takes.
        PoolExhausted: no slot is free.
    """
    return slot_of_token(handle_ffi_event(allocator, data, event_type))
