"""The chapter Slots on both implementations: every arrow of the diagram, and what is never true of a slot."""

import array
import dataclasses
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

POOLS = range(6)
LENGTHS = (64, 256, 1_024, 4_096, 16_384, 16_385)


def words(allocator: Any, pool: int) -> list[int]:
    """Return a pool's slot words as numbers."""
    return list(array.array("Q", allocator.pools.slot_words(pool)))


def metadata(allocator: Any, pointer: Any) -> tuple[int, int, str]:
    """Return the count, the generation and the state's name of the slot a handle names."""
    found = allocator.pools.slot_metadata(pointer.pool_id, pointer.slot_index)
    return found.ref_count, found.generation, found.state.name


@pytest.mark.clause("SLOT-4", "SLOT-14")
@pytest.mark.parametrize("name", ["SEED", "WIDE", "TINY"])
def test_new_slots_are_free_with_generation_0(backend: ModuleType, name: str) -> None:
    pools = backend.EventAllocator(getattr(backend, name)).pools
    for pool in POOLS:
        for slot in {0, 1, pools.capacity(pool) - 1} & set(range(pools.capacity(pool))):
            assert pools.slot_metadata(pool, slot) == (0, 0, backend.SlotState.FREE)
            assert pools.get_generation(pool, slot) == 0
        assert pools.slot_words(pool) == bytes(8 * pools.capacity(pool))


@pytest.mark.clause("SLOT-2")
def test_states_are_numbered(backend: ModuleType) -> None:
    assert {state.name: int(state) for state in backend.SlotState} == {"FREE": 0, "LIVE": 1, "LOANED": 2}


@pytest.mark.clause("SLOT-2", "SLOT-5", "SLOT-6", "SLOT-15")
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("ref_bits", "generation_bits"), [(1, 1), (2, 2), (8, 16), (22, 40), (22, 1), (1, 40), (3, 5)])
def test_word_encodes_state_count_and_generation(
    backend: ModuleType, pool: int, ref_bits: int, generation_bits: int
) -> None:
    profile = dataclasses.replace(
        backend.TINY, ref_bits=ref_bits, generation_bits=generation_bits, capacities=(1, 1, 1, 1, 1), heap_slots=1
    )
    allocator = backend.EventAllocator(profile)

    def word(state: int, count: int, generation: int) -> list[int]:
        return [state + 4 * (count + 2**ref_bits * generation)]

    length = LENGTHS[pool]
    for turn in range(3):
        generation = turn % 2**generation_bits
        assert words(allocator, pool) == word(0, 0, generation)
        pointer = allocator.allocate(bytes(length))
        assert words(allocator, pool) == word(1, 1, generation)
        clones = [pointer.clone() for _ in range(min(3, 2**ref_bits - 1) - 1)]
        assert words(allocator, pool) == word(1, 1 + len(clones), generation)
        for handle in (*clones, pointer):
            handle.drop()
    generation = 3 % 2**generation_bits
    loan = allocator.loan(length)
    assert words(allocator, pool) == word(2, 0, generation)
    loan.abort()
    assert words(allocator, pool) == word(0, 0, (generation + 1) % 2**generation_bits)
    assert words(allocator, pool)[0] < 2**64


@pytest.mark.clause("SLOT-2")
def test_largest_word_of_the_widest_slot_is_below_2_64(backend: ModuleType) -> None:
    assert 2 + 4 * (2**22 - 1 + 2**22 * (2**40 - 1)) < 2**64
    profile = dataclasses.replace(backend.TINY, ref_bits=22, generation_bits=40)
    assert backend.EventPools(profile).profile.generation_bits == 40


@pytest.mark.clause("SLOT-5", "SLOT-12")
@pytest.mark.parametrize("pool", POOLS)
def test_allocation_and_last_drop(tiny: Callable[..., Any], pool: int) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    for generation in (0, 1, 2, 3, 0, 1):
        pointer = allocator.allocate(bytes(LENGTHS[pool]))
        assert (int(pointer.pool_id), pointer.slot_index, pointer.generation) == (pool, 0, generation)
        assert metadata(allocator, pointer) == (1, generation, "LIVE")
        pointer.drop()
        assert allocator.pools.slot_metadata(pool, 0).state.name == "FREE"
        assert allocator.pools.get_generation(pool, 0) == (generation + 1) % 4


@pytest.mark.clause("SLOT-6", "SLOT-7")
@pytest.mark.parametrize("pool", POOLS)
def test_loan_and_commit(tiny: Callable[..., Any], pool: int) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    allocator.allocate(bytes(LENGTHS[pool])).drop()
    loan = allocator.loan(LENGTHS[pool])
    assert metadata(allocator, loan) == (0, 1, "LOANED")
    pointer = loan.commit()
    assert (pointer.pool_id, pointer.slot_index, pointer.generation) == (pool, 0, 1)
    assert metadata(allocator, pointer) == (1, 1, "LIVE")


@pytest.mark.clause("SLOT-8")
@pytest.mark.parametrize("pool", POOLS)
def test_abort_bumps_the_generation(tiny: Callable[..., Any], pool: int) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    for generation in (0, 1, 2, 3, 0):
        loan = allocator.loan(LENGTHS[pool])
        assert loan.generation == generation
        loan.abort()
        assert allocator.pools.slot_metadata(pool, 0) == (0, (generation + 1) % 4, 0)


@pytest.mark.clause("SLOT-9", "SLOT-11")
def test_clones_upgrades_and_drops_count_and_keep_the_generation(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    allocator.allocate(b"earlier").drop()
    pointer = allocator.allocate(b"event")
    generation = pointer.generation
    handles = [pointer]
    for count in range(2, 20):
        handles.append(pointer.clone() if count % 2 else pointer.downgrade().upgrade())
        assert metadata(allocator, pointer) == (count, generation, "LIVE")
        assert pointer.ref_count == count
    for count in range(18, 0, -1):
        handles.pop().drop()
        assert metadata(allocator, pointer) == (count, generation, "LIVE")


@pytest.mark.clause("SLOT-10", "SLOT-3")
@pytest.mark.parametrize("ref_bits", [1, 2, 3, 8])
def test_reference_more_than_the_counter_holds_is_refused(backend: ModuleType, ref_bits: int) -> None:
    allocator = backend.EventAllocator(dataclasses.replace(backend.TINY, ref_bits=ref_bits))
    pointer = allocator.allocate(b"full")
    full = 2**ref_bits - 1
    handles = [pointer.clone() for _ in range(full - 1)]
    before = allocator.pools.slot_words(0)
    weak = pointer.downgrade()
    pool, slot = pointer.pool_id, pointer.slot_index
    for refused in (
        pointer.clone,
        weak.upgrade,
        lambda: allocator.pools.inc_ref_count(pool, slot),
        lambda: allocator.pools.inc_ref_count(pool, slot, pointer.generation),
        lambda: allocator.pools.get_slot_data(pool, slot),
    ):
        with pytest.raises(backend.RefCountOverflow):
            refused()
        assert allocator.pools.slot_words(0) == before
        assert metadata(allocator, pointer) == (full, 0, "LIVE")
    if handles:
        handles.pop().drop()
        assert metadata(allocator, pointer)[0] == full - 1
        handles.append(weak.upgrade())
        assert metadata(allocator, pointer)[0] == full


@pytest.mark.clause("SLOT-10")
def test_255_references_at_the_seed_profile(backend: ModuleType) -> None:
    """The crate counted 257 live handles as 1 and freed the slot under 256 of them."""
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"shared")
    handles = [pointer.clone() for _ in range(254)]
    with pytest.raises(backend.RefCountOverflow):
        pointer.clone()
    pointer.drop()
    assert all(handle.bytes == b"shared" for handle in handles)
    assert allocator.pools.slot_metadata(0, handles[0].slot_index).ref_count == 254


@pytest.mark.clause("SLOT-3")
def test_count_is_0_exactly_where_the_slot_is_not_live(tiny: Callable[..., Any]) -> None:
    allocator = tiny()
    pointer = allocator.allocate(b"a")
    loan = allocator.loan(3)
    found = [allocator.pools.slot_metadata(0, slot) for slot in range(3)]
    assert sorted((item.state.name, item.ref_count) for item in found) == [("FREE", 0), ("LIVE", 1), ("LOANED", 0)]
    assert [item.is_allocated for item in found] == [item.state.name != "FREE" for item in found]
    assert not pointer.released
    assert not loan.released


@pytest.mark.clause("SLOT-13")
def test_payload_stays_while_every_other_slot_is_reused(tiny: Callable[..., Any]) -> None:
    allocator = tiny(capacities=(3, 3, 3, 3, 3), heap_slots=3, max_ring_bytes=2**24)
    for length in LENGTHS:
        kept = allocator.allocate(b"K" * length, 77)
        view = kept.data
        for turn in range(20):
            allocator.allocate(bytes([turn]) * length, turn).drop()
            loan = allocator.loan(length)
            loan.data[:] = bytes([255 - turn]) * length
            loan.commit().drop()
            assert kept.bytes == bytes(view) == b"K" * length
            assert (kept.len, kept.event_type) == (length, 77)


@pytest.mark.clause("SLOT-13", "ALLOC-1")
def test_payload_is_copied_from_what_the_caller_may_change(backend: ModuleType) -> None:
    buffer = bytearray(b"before")
    pointer = backend.EventAllocator().allocate(buffer, 1)
    buffer[:] = b"after!"
    assert pointer.bytes == b"before"


@pytest.mark.clause("SLOT-14")
def test_metadata_names_its_fields(backend: ModuleType) -> None:
    found = backend.EventPools().slot_metadata(backend.PoolId.XS, 0)
    assert found._fields == ("ref_count", "generation", "state")
    assert isinstance(found.state, backend.SlotState)
    assert found.is_allocated is False


@pytest.mark.clause("SLOT-15")
def test_words_are_in_the_order_of_the_slots(backend: ModuleType) -> None:
    allocator = backend.EventAllocator(dataclasses.replace(backend.TINY, capacities=(40, 1, 1, 1, 1)))
    pointers = [allocator.allocate(b"x") for _ in range(40)]
    expected = [1 + 4 * 1] * 40
    for pointer in pointers[::3]:
        pointer.drop()
    for slot in range(40):
        state, count, generation = 0, 0, 0
        found = allocator.pools.slot_metadata(0, slot)
        count, generation, state = found.ref_count, found.generation, int(found.state)
        expected[slot] = state + 4 * (count + 4 * generation)
    assert words(allocator, 0) == expected
    assert len(set(expected)) == 2


@pytest.mark.clause("SLOT-1", "SLOT-3", "SLOT-14")
def test_state_count_and_generation_are_of_one_moment(backend: ModuleType) -> None:
    """While threads clone, drop, loan and abort in one slot, no thread sees a count that does not fit the state."""
    allocator = backend.EventAllocator(
        dataclasses.replace(backend.TINY, capacities=(1, 1, 1, 1, 1), generation_bits=16)
    )
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                try:
                    pointer = allocator.allocate(b"x")
                except backend.PoolExhausted:
                    continue
                pointer.clone().drop()
                pointer.drop()
                try:
                    allocator.loan(3).abort()
                except backend.PoolExhausted:
                    continue
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    states: set[str] = set()
    generations: set[int] = set()
    deadline = time.monotonic() + 30
    try:
        # Until enough was seen to mean something, however the threads are scheduled.
        while (len(generations) < 30 or len(states) < 3) and time.monotonic() < deadline:
            for _ in range(500):
                count, generation, state = allocator.pools.slot_metadata(0, 0)
                assert (count >= 1) == (state.name == "LIVE"), (count, generation, state)
                states.add(state.name)
                generations.add(generation)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert len(generations) >= 30
