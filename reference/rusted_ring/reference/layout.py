"""The bytes of a slot, a pool, the heap and a ring [LAYOUT-2 to LAYOUT-6]."""

from typing import Final

from rusted_ring.vocabulary.layout import event_bytes, round64

CACHE_LINE: Final = 64
RING_LINES: Final = 3
DESCRIPTOR_BYTES: Final = 8
"""Bytes of an event's descriptor: its length and its type."""


def slot_bytes(size: int) -> int:
    """Return the bytes of a pool's slot: a cache line of metadata and an event [LAYOUT-2].

    pre: size >= 0
    post: _ == 64 + event_bytes(size)
    post: _ % 64 == 0
    """
    return CACHE_LINE + event_bytes(size)


def pool_bytes(capacity: int, slot_size: int) -> int:
    """Return the bytes of a pool of `capacity` slots of `slot_size` bytes each, free list included [LAYOUT-3].

    pre: capacity >= 1
    pre: slot_size >= 128
    post: _ >= 64 + 128 * capacity
    post: (_ - 64) == capacity * slot_size
    """
    return CACHE_LINE + capacity * slot_size


def heap_table_bytes(heap_slots: int) -> int:
    """Return the bytes of the XXL table: one cache line for the table and one for each slot [LAYOUT-5].

    pre: heap_slots >= 1
    post: _ == 64 * (1 + heap_slots)
    """
    return CACHE_LINE + CACHE_LINE * heap_slots


def heap_block_bytes(length: int) -> int:
    """Return the bytes of a heap block for a payload of `length` bytes [LAYOUT-5].

    pre: length >= 0
    post: _ == slot_bytes(length)
    """
    return CACHE_LINE + event_bytes(length)


def ring_bytes(capacity: int, size: int, max_readers: int) -> int:
    """Return the bytes of a ring of `capacity` events of payload size `size` for at most `max_readers` [LAYOUT-6].

    pre: capacity >= 1
    pre: size >= 1
    pre: max_readers >= 0
    post: _ >= 64 * (RING_LINES + max_readers) + capacity * (round64(size) + DESCRIPTOR_BYTES)
    post: _ % 64 == 0
    """
    payloads, descriptors = capacity * round64(size), round64(capacity * DESCRIPTOR_BYTES)
    return CACHE_LINE * (RING_LINES + max_readers) + payloads + descriptors
