"""The chapter Allocator on both implementations: size classes, spilling, the heap, statistics, reuse."""

import array
import dataclasses
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from live_slots import taken  # type: ignore[import-not-found, unused-ignore]


@pytest.mark.clause("ALLOC-1", "SIZE-2")
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 255, 256, 257, 1_024, 1_025, 4_096, 4_097, 16_384, 16_385])
def test_allocation_goes_to_the_smallest_class(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    payload = bytes((n * 13 + 5) % 256 for n in range(length))
    makers: list[Callable[[], Any]] = [
        lambda: allocator.allocate(payload, 70_000),
        lambda: allocator.allocate(data=payload, event_type=70_000),
        lambda: backend.allocate_from_pool(allocator, payload, 70_000),
    ]
    for make in makers:
        pointer = make()
        assert pointer.pool_id.size is backend.EventAllocator.estimate_size(length)
        assert (pointer.bytes, pointer.len, pointer.event_type) == (payload, length, 70_000)
    assert sum(taken(allocator)) == 1


@pytest.mark.clause("ALLOC-1")
def test_event_type_is_0_by_default(backend: ModuleType) -> None:
    assert backend.EventAllocator().allocate(b"x").event_type == 0
    assert backend.EventAllocator().loan(1).commit().event_type == 0


@pytest.mark.clause("ALLOC-2")
@pytest.mark.parametrize("seed", range(5))
def test_slot_that_is_taken_was_free(tiny: Callable[..., Any], backend: ModuleType, seed: int) -> None:
    choices = random.Random(seed)
    allocator = tiny(capacities=(37, 1, 1, 1, 1))
    held: dict[int, Any] = {}
    for _ in range(2_000):
        if held and choices.random() < 0.5:
            held.pop(choices.choice(list(held))).drop()
            continue
        before = allocator.pools.slot_words(0)
        try:
            pointer = allocator.allocate(b"x")
        except backend.PoolExhausted:
            assert len(held) == 37
            continue
        word = array.array("Q", before)[pointer.slot_index]
        assert word % 4 == 0
        assert pointer.slot_index not in held
        held[pointer.slot_index] = pointer


@pytest.mark.clause("ALLOC-3")
@pytest.mark.parametrize("capacity", [1, 2, 3, 31, 32, 33, 63, 64, 65, 100])
@pytest.mark.parametrize("tag_bits", [0, 1, 2, 32])
def test_exactly_the_capacity_can_be_taken(
    tiny: Callable[..., Any], backend: ModuleType, capacity: int, tag_bits: int
) -> None:
    allocator = tiny(capacities=(capacity, 1, 1, 1, 1), tag_bits=tag_bits)
    for _ in range(3):
        pointers = [allocator.allocate(b"x") for _ in range(capacity)]
        assert {pointer.slot_index for pointer in pointers} == set(range(capacity))
        refusals: list[Callable[..., Any]] = [lambda: allocator.allocate(b"x"), lambda: allocator.loan(1)]
        for refused in refusals:
            with pytest.raises(backend.PoolExhausted):
                refused()
        # Any one slot that comes back is found, wherever it is.
        for pointer in list(pointers):
            slot = pointer.slot_index
            pointer.drop()
            pointers.append(allocator.allocate(b"y"))
            assert pointers[-1].slot_index == slot
            with pytest.raises(backend.PoolExhausted):
                allocator.allocate(b"x")
        for pointer in pointers:
            pointer.drop()


@pytest.mark.clause("ALLOC-4")
def test_full_pool_does_not_spill_unasked(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    kept = [allocator.allocate(b"x") for _ in range(3)]
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate(b"x")
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate(b"x", spill=False)
    assert taken(allocator) == [3, 0, 0, 0, 0, 0]
    assert len(kept) == 3


@pytest.mark.clause("ALLOC-4")
def test_spilling_tries_the_larger_classes_in_turn(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    pointers = [allocator.allocate(b"spilt", 4, spill=True) for _ in range(11)]
    assert [int(pointer.pool_id) for pointer in pointers] == [0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 5]
    assert all((pointer.bytes, pointer.event_type) == (b"spilt", 4) for pointer in pointers)
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate(b"spilt", spill=True)
    pointers[5].drop()
    assert allocator.allocate(b"spilt", spill=True).pool_id is backend.PoolId.M
    assert allocator.heap_usage() == 64 + 64 * 2 + 2 * (64 + 64)


@pytest.mark.clause("ALLOC-4")
def test_spilling_begins_at_the_payloads_own_class(tiny: Callable[..., Any]) -> None:
    allocator = tiny()
    pointers = [allocator.allocate(b"m" * 1_000, spill=True) for _ in range(6)]
    assert [int(pointer.pool_id) for pointer in pointers] == [2, 2, 3, 4, 5, 5]
    assert taken(allocator) == [0, 0, 2, 1, 1, 2]


@pytest.mark.clause("ALLOC-6")
@pytest.mark.parametrize("length", [16_385, 65_535, 65_536, 1_000_000])
def test_heap_events_behave_as_others(backend: ModuleType, collect: Callable[[], None], length: int) -> None:
    allocator = backend.EventAllocator()
    payload = bytes(n % 253 for n in range(length))
    pointer = allocator.allocate(payload, 3)
    assert pointer.pool_id is backend.PoolId.XXL
    clone, weak, view = pointer.clone(), pointer.downgrade(), pointer.data
    assert (clone.bytes, clone.event_type, clone.len) == (payload, 3, length)
    assert bytes(view) == payload
    token = clone.into_token()
    pointer.drop()
    assert weak.upgrade().bytes == payload
    backend.RingPtr.from_token(token, allocator).drop()
    collect()
    assert bytes(view) == payload
    assert weak.upgrade().ref_count == 2
    del view
    collect()
    with pytest.raises(backend.StaleHandle):
        weak.upgrade()
    assert taken(allocator) == [0] * 6


@pytest.mark.clause("ALLOC-7")
def test_heap_slots_are_bounded(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    first, second = allocator.allocate(b"a" * 17_000), allocator.loan(17_000)
    refusals: list[Callable[..., Any]] = [lambda: allocator.allocate(b"c" * 17_000), lambda: allocator.loan(17_000)]
    for refused in refusals:
        with pytest.raises(backend.PoolExhausted):
            refused()
    second.abort()
    third = allocator.allocate(b"c" * 17_000)
    assert (first.bytes[:1], third.bytes[:1]) == (b"a", b"c")
    assert allocator.stats()[backend.PoolId.XXL] == (2, 2, 0, 3, 2)


@pytest.mark.clause("ALLOC-7")
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_heap_bytes_are_bounded(tiny: Callable[..., Any], backend: ModuleType, offset: int) -> None:
    allocator = tiny(heap_slots=5, heap_bytes=65_536)
    first = allocator.allocate(b"a" * 40_000)
    length = 65_536 - 40_000 + offset
    if offset > 0:
        with pytest.raises(backend.PoolExhausted):
            allocator.allocate(b"b" * length)
        with pytest.raises(backend.PoolExhausted):
            allocator.loan(length)
        assert allocator.stats()[backend.PoolId.XXL].failures == 2
        first.drop()
    second = allocator.allocate(b"b" * length)
    assert second.len == length


@pytest.mark.clause("ALLOC-7")
def test_heap_bytes_come_back_with_their_slots(tiny: Callable[..., Any]) -> None:
    allocator = tiny()
    for turn in range(30):
        pointer = allocator.allocate(b"a" * 65_536) if turn % 2 else allocator.loan(65_536).commit(20_000)
        if turn % 2 == 0:
            other = allocator.allocate(b"b" * 45_536)
            other.drop()
        pointer.drop()


@pytest.mark.clause("ALLOC-8")
def test_payload_longer_than_the_heap_is_too_large(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    calls: list[Callable[[], Any]] = [
        lambda: allocator.allocate(b"x" * 65_537),
        lambda: allocator.allocate(b"x" * 65_537, spill=True),
        lambda: allocator.loan(65_537),
        lambda: allocator.allocate_many([b"x" * 65_537]),
        lambda: backend.handle_ffi_event(allocator, b"x" * 65_537, 0),
    ]
    for call in calls:
        with pytest.raises(backend.PayloadTooLarge):
            call()
    assert [stats.failures for stats in allocator.stats().values()] == [0] * 6
    assert allocator.allocate(b"x" * 65_536).len == 65_536


@pytest.mark.clause("ALLOC-8")
def test_heap_that_is_smaller_than_a_class_bounds_only_its_own(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny(heap_bytes=100)
    assert allocator.allocate(b"x" * 16_384).pool_id is backend.PoolId.XL
    with pytest.raises(backend.PayloadTooLarge):
        allocator.allocate(b"x" * 16_385)


@pytest.mark.clause("ALLOC-9", "ALLOC-25", "ALLOC-26")
def test_statistics_follow_every_operation(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    pool = backend.PoolId.S
    assert list(allocator.stats()) == list(backend.PoolId)
    assert [stats.capacity for stats in allocator.stats().values()] == [3, 2, 2, 1, 1, 2]
    assert [stats.capacity for stats in allocator.stats().values()] == [
        allocator.pools.capacity(number) for number in range(6)
    ]
    assert allocator.stats()[pool]._fields == ("capacity", "live", "free", "allocations", "failures")

    def check(live: int, allocations: int, failures: int) -> None:
        assert allocator.stats()[pool] == (2, live, 2 - live, allocations, failures)
        assert allocator.pools.stats() == allocator.stats()

    check(0, 0, 0)
    pointer = allocator.allocate(b"s" * 100)
    check(1, 1, 0)
    clone = pointer.clone()
    check(1, 1, 0)
    loan = allocator.loan(100)
    check(2, 2, 0)
    for failures in (1, 2):
        with pytest.raises(backend.PoolExhausted):
            allocator.allocate(b"s" * 100)
        check(2, 2, failures)
    with pytest.raises(backend.PoolExhausted):
        allocator.loan(100)
    check(2, 2, 3)
    loan.abort()
    check(1, 2, 3)
    pointer.drop()
    check(1, 2, 3)
    clone.drop()
    check(0, 2, 3)
    tokens = allocator.allocate_many(b"s" * 200, lengths=100)
    check(2, 4, 3)
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate_many(b"s" * 200, lengths=100)
    check(2, 4, 4)
    allocator.drop_many(tokens)
    check(0, 4, 4)


@pytest.mark.clause("ALLOC-26", "ALLOC-4")
def test_spilling_counts_a_failure_of_each_full_pool(tiny: Callable[..., Any]) -> None:
    allocator = tiny()
    pointers = [allocator.allocate(b"x", spill=True) for _ in range(6)]
    assert [stats.failures for stats in allocator.stats().values()] == [3, 1, 0, 0, 0, 0]
    assert [stats.allocations for stats in allocator.stats().values()] == [3, 2, 1, 0, 0, 0]
    assert len(pointers) == 6


@pytest.mark.clause("ALLOC-10")
@pytest.mark.parametrize("capacity", [1, 2, 3, 31, 32, 33, 64, 65, 100, 2_000])
@pytest.mark.parametrize("held", [0.0, 0.5])
def test_reuse_goes_round(native: ModuleType, capacity: int, held: float) -> None:
    profile = dataclasses.replace(native.SEED, capacities=(capacity, 1, 1, 1, 1))
    allocator = native.EventAllocator(profile)
    choices = random.Random(capacity)
    pointers = [allocator.allocate(b"x") for _ in range(capacity)]
    choices.shuffle(pointers)
    kept = pointers[: int(held * capacity)]
    for pointer in pointers[len(kept) :]:
        pointer.drop()
    free = set(range(capacity)) - {pointer.slot_index for pointer in kept}
    turns: Counter[int] = Counter()
    for _ in range(5 * capacity + 10):
        with allocator.allocate(b"x") as pointer:
            turns[pointer.slot_index] += 1
            if turns[pointer.slot_index] == 3:
                assert set(turns) == free
                turns.clear()


@pytest.mark.clause("ALLOC-11")
def test_work_of_an_allocation_does_not_grow_with_the_slots_taken(native: ModuleType) -> None:
    """A search slot by slot of 65,536 slots would take hundreds of times as long as the bound allows here."""
    capacity = 65_536
    profile = dataclasses.replace(native.SEED, capacities=(capacity, 1, 1, 1, 1), max_ring_bytes=2**26)
    allocator = native.EventAllocator(profile)

    def measure() -> float:
        samples = []
        for _ in range(2_000):
            start = time.perf_counter_ns()
            pointer = allocator.allocate(b"x")
            samples.append(time.perf_counter_ns() - start)
            pointer.drop()
        return statistics.median(samples)

    empty = measure()
    tokens = list(allocator.allocate_many(b"x" * capacity, lengths=1))
    choices = random.Random(1)
    choices.shuffle(tokens)
    allocator.drop_many(tokens[:656])
    crowded = measure()
    assert allocator.stats()[0].live == capacity - 656
    assert crowded < 30 * empty + 10_000, f"{empty} ns empty, {crowded} ns with 1 % free"


@pytest.mark.clause("ALLOC-24")
def test_allocators_know_nothing_of_each_other(backend: ModuleType) -> None:
    first, second = backend.EventAllocator(), backend.EventAllocator()
    one, two = first.allocate(b"one"), second.allocate(b"two")
    token = one.clone().into_token()
    before = second.pools.slot_words(0)
    clone, weak = one.clone(), one.downgrade()
    one.drop()
    clone.drop()
    assert weak.upgrade().bytes == b"one"
    assert second.pools.slot_words(0) == before
    assert taken(first)[0] == taken(second)[0] == 1
    # The same triple in the other allocator is the other's event, which has no detached reference there.
    with pytest.raises(backend.RefCountUnderflow):
        backend.RingPtr.from_token(token, second)
    assert backend.WeakRingPtr.from_token(token, second).upgrade().bytes == b"two"
    assert two.bytes == b"two"


@pytest.mark.clause("ALLOC-24", "ERR-4")
def test_arguments_that_are_no_allocator(backend: ModuleType, reference: ModuleType, native: ModuleType) -> None:
    other = native if backend is reference else reference
    calls: list[Callable[[Any], Any]] = [
        lambda wrong: backend.handle_ffi_event(wrong, b"x", 0),
        lambda wrong: backend.allocate_from_pool(wrong, b"x", 0),
        lambda wrong: backend.allocate_to_pool(wrong, b"x", 0),
        lambda wrong: backend.RingPtr.from_token(2**61, wrong),
        lambda wrong: backend.WeakRingPtr.from_token(2**61, wrong),
        lambda wrong: backend.RingPtr(0, 0, 0, wrong),
    ]
    for wrong in (None, 3, backend.EventPools(), other.EventAllocator(), backend.EventAllocator):
        for call in calls:
            with pytest.raises(TypeError, match="allocator"):
                call(wrong)
