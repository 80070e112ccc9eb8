"""The chapter Layout on both implementations."""

import ctypes
import dataclasses
import struct
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

SIZES = (64, 256, 1_024, 4_096, 16_384)


def round64(number: int) -> int:
    """Return the least multiple of 64 that is at least the number."""
    return -(-number // 64) * 64


def pool_bytes(capacity: int, size: int) -> int:
    """Return the storage of a pool, LAYOUT-3."""
    return 64 + capacity * (64 + round64(size + 8))


def address(view: memoryview) -> int:
    """Return where the bytes of a view are in memory."""
    return int(np.frombuffer(view, dtype=np.uint8).ctypes.data)


def fill(allocator: Any, size: int) -> list[Any]:
    """Take every slot of the pool whose payload size is given, in whatever order."""
    pool = next(pool for pool in allocator.stats() if int(pool.size) == size)
    return [allocator.allocate(bytes([7]) * size, 9) for _ in range(allocator.pools.capacity(pool))]


@pytest.mark.clause("LAYOUT-1")
@pytest.mark.parametrize("size", [1, 7, 8, 55, 56, 57, 63, 64, 65, 119, 120, 121, 256, 1_000, 16_384])
def test_event_block_is_data_length_type(backend: ModuleType, size: int) -> None:
    for length in sorted({0, 1, size - 1, size}):
        data = bytes((7 * n + 1) % 256 for n in range(length))
        block = backend.PooledEvent(data, 0x01020304).pack(size)
        assert len(block) == round64(size + 8)
        assert block[:length] == data
        assert not any(block[length:size])
        assert struct.unpack_from("=II", block, size) == (length, 0x01020304)
        assert backend.PooledEvent.unpack(block, size) == backend.PooledEvent(data, 0x01020304)


@pytest.mark.clause("LAYOUT-1", "LAYOUT-2")
@pytest.mark.parametrize("size", SIZES)
def test_event_in_a_native_slot_is_data_length_type(native: ModuleType, size: int) -> None:
    pointer = native.EventAllocator().allocate(b"\xab" * (size - 3), 0xFEDCBA98)
    start = address(pointer.data)
    assert start % 64 == 0
    assert ctypes.string_at(start, size - 3) == b"\xab" * (size - 3)
    assert struct.unpack("=II", ctypes.string_at(start + size, 8)) == (size - 3, 0xFEDCBA98)


@pytest.mark.clause("LAYOUT-1")
def test_event_on_the_native_heap_starts_on_a_cache_line(native: ModuleType) -> None:
    allocator = native.EventAllocator()
    for length in (16_385, 16_400, 65_535, 65_536, 100_001):
        pointer = allocator.allocate(b"\xcd" * length, 5)
        start = address(pointer.data)
        assert start % 64 == 0
        assert struct.unpack("=II", ctypes.string_at(start + length, 8)) == (length, 5)


@pytest.mark.clause("LAYOUT-2")
@pytest.mark.parametrize("size", SIZES)
def test_native_slots_lie_one_stride_apart(native: ModuleType, size: int) -> None:
    capacities = (4, 4, 4, 4, 4)
    allocator = native.EventAllocator(dataclasses.replace(native.TINY, capacities=capacities))
    addresses = sorted((pointer.slot_index, address(pointer.data)) for pointer in fill(allocator, size))
    assert [index for index, _ in addresses] == [0, 1, 2, 3]
    first = addresses[0][1]
    assert [found - first for _, found in addresses] == [index * (64 + round64(size + 8)) for index in range(4)]


@pytest.mark.clause("LAYOUT-2")
def test_native_metadata_line_precedes_the_event(native: ModuleType) -> None:
    allocator = native.EventAllocator()
    pointer = allocator.allocate(b"x")
    others = [pointer.clone() for _ in range(4)]
    words = np.frombuffer(allocator.pools.slot_words(pointer.pool_id), dtype=np.uint64)
    (word,) = struct.unpack("=Q", ctypes.string_at(address(pointer.data) - 64, 8))
    assert word == words[pointer.slot_index] == 1 + 4 * (1 + len(others))


@pytest.mark.clause("LAYOUT-2", "LAYOUT-3", "LAYOUT-4")
@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("capacity", [1, 2, 3, 31, 32, 33, 63])
def test_memory_of_one_pool_more(backend: ModuleType, index: int, capacity: int) -> None:
    capacities = [1, 2, 3, 2, 1]
    capacities[index] = capacity
    profile = dataclasses.replace(backend.TINY, capacities=tuple(capacities), max_ring_bytes=2**24)
    expected = sum(pool_bytes(count, size) for count, size in zip(capacities, SIZES, strict=True))
    assert backend.EventPools(profile).memory_usage() == expected
    assert backend.EventAllocator(profile).memory_usage() == expected


@pytest.mark.clause("LAYOUT-4")
@pytest.mark.parametrize("name", ["SEED", "WIDE"])
def test_memory_of_the_seed_pools(backend: ModuleType, name: str) -> None:
    parts = [pool_bytes(count, size) for count, size in zip((2000, 1000, 300, 60, 15), SIZES, strict=True)]
    assert parts == [384_064, 384_064, 345_664, 253_504, 247_744]
    pools = backend.EventPools(getattr(backend, name))
    assert pools.memory_usage() == sum(parts) == 1_615_040
    assert backend.EventAllocator(getattr(backend, name)).memory_usage() == 1_615_040


@pytest.mark.clause("LAYOUT-3")
def test_native_pool_occupies_what_is_said(native: ModuleType) -> None:
    """The figures of the memory itself: storage is one block, and nothing of it lies elsewhere."""
    allocator = native.EventAllocator()
    before = allocator.memory_usage()
    pointers = [pointer for size in SIZES for pointer in fill(allocator, size)]
    for size in SIZES:
        addresses = [address(pointer.data) for pointer in pointers if int(pointer.pool_id.size) == size]
        # From the first metadata line to the end of the last event: all but the pool's own first line.
        assert max(addresses) + round64(size + 8) - (min(addresses) - 64) == pool_bytes(len(addresses), size) - 64
    assert allocator.memory_usage() == before


@pytest.mark.clause("LAYOUT-5")
def test_heap_usage_follows_every_heap_slot(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    table = 64 + 64 * 64
    assert allocator.heap_usage() == allocator.pools.heap_usage() == table
    first = allocator.allocate(b"a" * 16_385)
    assert allocator.heap_usage() == table + 64 + round64(16_385 + 8)
    loan = allocator.loan(65_536)
    both = table + 64 + round64(16_385 + 8) + 64 + round64(65_536 + 8)
    assert allocator.heap_usage() == both
    view = first.data
    first.drop()
    assert allocator.heap_usage() == both
    del view
    collect()
    assert allocator.heap_usage() == table + 64 + round64(65_536 + 8)
    loan.abort()
    assert allocator.heap_usage() == table
    assert allocator.memory_usage() == 1_615_040


@pytest.mark.clause("LAYOUT-5", "LOAN-3")
def test_heap_usage_of_a_shortened_loan_is_that_of_its_payload(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    table = allocator.heap_usage()
    pointer = allocator.loan(40_000).commit(20_000)
    assert pointer.len == 20_000
    assert allocator.heap_usage() == table + 64 + round64(20_000 + 8)


@pytest.mark.clause("LAYOUT-5")
@pytest.mark.parametrize("slots", [1, 2, 31, 32, 33, 100])
def test_heap_table_is_a_line_a_slot(backend: ModuleType, slots: int) -> None:
    allocator = backend.EventAllocator(dataclasses.replace(backend.TINY, heap_slots=slots))
    assert allocator.heap_usage() == 64 + 64 * slots


@pytest.mark.clause("LAYOUT-6")
@pytest.mark.parametrize("size", [1, 55, 56, 57, 64, 120, 121, 1_000])
@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 64, 100])
def test_memory_of_a_ring(backend: ModuleType, size: int, capacity: int) -> None:
    events = capacity * round64(size) + round64(capacity * 8)
    assert backend.RingBuffer(size, capacity).memory_usage() == 64 * 3 + events
    for readers in (1, 2, 16, 1_024):
        ring = backend.RingBuffer(size, capacity, mode="gated", max_readers=readers)
        assert ring.memory_usage() == 64 * (3 + readers) + events


@pytest.mark.clause("LAYOUT-7")
def test_ring_of_exactly_the_limit_is_accepted_and_a_slot_more_refused(backend: ModuleType) -> None:
    limit = 1_048_576
    capacity = (limit - 64 * 4) // (64 + 8)
    assert backend.MAX_RING_BYTES == limit == 64 * 4 + capacity * 64 + capacity * 8
    assert backend.RingBuffer(64, capacity, mode="gated", max_readers=1).memory_usage() == limit
    with pytest.raises(backend.LayoutError, match="max_ring_bytes"):
        backend.RingBuffer(64, capacity + 1)
    with pytest.raises(backend.LayoutError, match="max_ring_bytes"):
        backend.RingBuffer(64, capacity, mode="gated", max_readers=2)
    larger = backend.RingBuffer(64, capacity, mode="gated", max_readers=2, max_ring_bytes=limit + 64)
    assert larger.memory_usage() == limit + 64


@pytest.mark.clause("LAYOUT-7")
def test_ring_limit_counts_metadata_and_padding(backend: ModuleType) -> None:
    """1,000 payloads of 1,000 bytes are a million bytes; their storage is 1,032,192 and the limit is over all of it."""
    assert backend.RingBuffer(1_000, 1_000).memory_usage() == 1_032_192
    for limit, refused in ((1_032_191, True), (1_032_192, False), (1_000_000, True)):
        if refused:
            with pytest.raises(backend.LayoutError):
                backend.RingBuffer(1_000, 1_000, max_ring_bytes=limit)
        else:
            assert backend.RingBuffer(1_000, 1_000, max_ring_bytes=limit).capacity == 1_000


@pytest.mark.clause("LAYOUT-7")
@pytest.mark.parametrize(("index", "size"), list(enumerate(SIZES)))
def test_pool_above_the_limit_is_refused_unless_it_is_raised(backend: ModuleType, index: int, size: int) -> None:
    stride = 64 + round64(size + 8)
    most = (1_048_576 - 64) // stride
    for capacity, limit, refused in (
        (most, 1_048_576, False),
        (most + 1, 1_048_576, True),
        (most + 1, pool_bytes(most + 1, size) - 1, True),
        (most + 1, pool_bytes(most + 1, size), False),
    ):
        capacities = [1] * 5
        capacities[index] = capacity
        changes = {"capacities": tuple(capacities), "max_ring_bytes": limit}
        if refused:
            with pytest.raises(backend.LayoutError, match="max_ring_bytes"):
                backend.EventPools(dataclasses.replace(backend.TINY, **changes))
        else:
            pools = backend.EventPools(dataclasses.replace(backend.TINY, **changes))
            assert pools.capacity(index) == capacity


@pytest.mark.clause("LAYOUT-8")
@pytest.mark.parametrize("size", SIZES)
def test_storage_of_two_native_pools_with_one_history_is_the_same(native: ModuleType, size: int) -> None:
    """Two pools lie at different addresses, so an address kept in their storage would make it differ."""

    def storage() -> tuple[int, bytes]:
        allocator = native.EventAllocator()
        pointers = fill(allocator, size)
        kept = [pointer.clone() for pointer in pointers[::2]]
        for pointer in pointers[1::2]:
            pointer.drop()
        weak = kept[0].downgrade()
        start = min(address(pointer.data) for pointer in kept) - 128
        text = ctypes.string_at(start, pool_bytes(len(pointers), size))
        assert weak.upgrade().bytes == kept[0].bytes
        alive.append((allocator, kept))
        return start, text

    alive: list[Any] = []
    one, two = storage(), storage()
    assert one[0] != two[0]
    assert one[1] == two[1]
