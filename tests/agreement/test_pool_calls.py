"""Calls that name a slot by pool and index, and the entry points of the crate, on both implementations."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

LENGTHS = (64, 256, 1_024, 4_096, 16_384, 16_385)


@pytest.mark.clause("ALLOC-16", "ALLOC-17")
@pytest.mark.parametrize("length", LENGTHS)
def test_pool_level_counting(tiny: Callable[..., Any], backend: ModuleType, length: int) -> None:
    allocator = tiny()
    pools = allocator.pools
    pointer = allocator.allocate(b"x" * length)
    pool, slot = pointer.pool_id, pointer.slot_index
    assert pools.inc_ref_count(pool, slot) == 2
    assert pools.inc_ref_count(int(pool), slot, pointer.generation) == 3
    with pytest.raises(backend.RefCountOverflow):
        pools.inc_ref_count(pool, slot)
    assert pools.dec_ref_count(pool, slot, pointer.generation) == 2
    pointer.drop()
    assert pools.slot_metadata(pool, slot).ref_count == 1
    assert pools.dec_ref_count(pool, slot) == 0
    assert pools.slot_metadata(pool, slot).state.name == "FREE"
    with pytest.raises(backend.StaleHandle):
        pools.inc_ref_count(pool, slot)
    with pytest.raises(backend.RefCountUnderflow):
        pools.dec_ref_count(pool, slot)
    loan = allocator.loan(length)
    with pytest.raises(backend.StaleHandle):
        pools.inc_ref_count(pool, loan.slot_index)
    with pytest.raises(backend.RefCountUnderflow):
        pools.dec_ref_count(pool, loan.slot_index)


@pytest.mark.clause("ALLOC-17", "PTR-14")
def test_decrement_without_a_detached_reference(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    with pytest.raises(backend.RefCountUnderflow):
        allocator.pools.dec_ref_count(pointer.pool_id, pointer.slot_index)
    assert pointer.bytes == b"x"


@pytest.mark.clause("ALLOC-18")
@pytest.mark.parametrize("length", LENGTHS)
def test_generation_of_a_slot_in_every_state(tiny: Callable[..., Any], backend: ModuleType, length: int) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    pool = backend.PoolId.from_size(backend.EventAllocator.estimate_size(length))
    for turn in range(6):
        assert allocator.pools.get_generation(pool, 0) == turn % 4
        loan = allocator.loan(length)
        assert allocator.pools.get_generation(pool, 0) == turn % 4
        pointer = loan.commit()
        assert allocator.pools.get_generation(pool, 0) == turn % 4
        pointer.drop()


@pytest.mark.clause("ALLOC-19")
@pytest.mark.parametrize("length", LENGTHS)
def test_slot_data_of_every_state(tiny: Callable[..., Any], backend: ModuleType, length: int) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    pool = backend.PoolId.from_size(backend.EventAllocator.estimate_size(length))
    get = allocator.pools.get_slot_data
    with pytest.raises(backend.StaleHandle):
        get(pool, 0)
    pointer = allocator.allocate(b"d" * length)
    assert bytes(get(pool, 0)) == bytes(get(int(pool), 0, 0)) == b"d" * length
    pointer.drop()
    with pytest.raises(backend.StaleHandle):
        get(pool, 0)
    loan = allocator.loan(length)
    with pytest.raises(backend.StaleHandle):
        get(pool, 0)
    loan.abort()


@pytest.mark.clause("ALLOC-20", "ERR-6")
@pytest.mark.parametrize("name", ["get_slot_data", "inc_ref_count", "dec_ref_count", "get_generation", "slot_metadata"])
def test_slots_that_do_not_exist(tiny: Callable[..., Any], backend: ModuleType, name: str) -> None:
    pools = tiny().pools
    call = getattr(pools, name)
    for pool in ("XS", None, 1.0, b"0", True, False):
        with pytest.raises(TypeError, match="pool_id"):
            call(pool, 0)
    for pool in (-1, 6, 64, 2**70, backend.EventSize.XL):
        with pytest.raises(ValueError, match="pool_id"):
            call(pool, 0)
    for pool in range(6):
        for slot in (-1, pools.capacity(pool), pools.capacity(pool) + 1, 2**32, 2**64, -(2**70)):
            with pytest.raises(IndexError, match="slot_index"):
                call(pool, slot)
        for slot in ("0", None, 0.0, True):
            with pytest.raises(TypeError, match="slot_index"):
                call(pool, slot)


@pytest.mark.clause("ALLOC-20")
@pytest.mark.parametrize("name", ["capacity", "slot_words"])
def test_pools_that_do_not_exist(backend: ModuleType, name: str) -> None:
    call = getattr(backend.EventPools(), name)
    for pool, error in ((6, ValueError), (-1, ValueError), ("XS", TypeError), (None, TypeError), (True, TypeError)):
        with pytest.raises(error, match="pool_id"):
            call(pool)


@pytest.mark.clause("ALLOC-21")
@pytest.mark.parametrize("length", LENGTHS)
def test_entry_points_of_the_seed(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    pool = backend.PoolId.from_size(backend.EventAllocator.estimate_size(length))
    pointer = backend.allocate_from_pool(allocator, b"a" * length, 5)
    assert (type(pointer), pointer.pool_id, pointer.event_type) == (backend.RingPtr, pool, 5)
    slot = backend.allocate_to_pool(allocator, b"b" * length, 6)
    assert type(slot) is int
    assert slot != pointer.slot_index
    assert allocator.pools.slot_metadata(pool, slot) == (1, 0, 1)
    taken_over = backend.RingPtr(pool, slot, 0, allocator)
    assert (taken_over.bytes, taken_over.event_type, taken_over.ref_count) == (b"b" * length, 6, 1)


@pytest.mark.clause("ALLOC-22", "PTR-10")
@pytest.mark.parametrize("length", LENGTHS)
def test_ffi_entry(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    token = backend.handle_ffi_event(allocator, b"f" * length, 2**32 - 1)
    assert type(token) is int
    pointer = backend.RingPtr.from_token(token, allocator)
    assert (pointer.bytes, pointer.event_type, pointer.ref_count) == (b"f" * length, 2**32 - 1, 1)
    assert pointer.downgrade().token == token
