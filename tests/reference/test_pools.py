"""Pools against a model of lists and sets: random walks at the tiny widths, all or nothing, the heap's figures."""

import dataclasses
import functools
import random
from array import array
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from rusted_ring.reference import (
    TINY,
    EventAllocator,
    EventPools,
    Loan,
    PayloadTooLarge,
    PoolExhausted,
    PoolId,
    RefCountOverflow,
    RefCountUnderflow,
    RingPtr,
    SlotMetadata,
    SlotState,
    StaleHandle,
    WeakRingPtr,
)
from rusted_ring.reference.slot import is_slot

LENGTHS = (64, 256, 1_024, 4_096, 16_384, 16_385)


def seen(allocator: EventAllocator) -> tuple[Any, ...]:
    """Return all that can be seen of an allocator but for failures."""
    pools = allocator.pools
    stats = {pool: figures._replace(failures=0) for pool, figures in pools.stats().items()}
    return ([pools.slot_words(pool) for pool in PoolId], stats, pools.heap_usage())


def one_slot_each(**changes: Any) -> EventAllocator:
    """Return an allocator of one slot a pool."""
    return EventAllocator(dataclasses.replace(TINY, capacities=(1, 1, 1, 1, 1), heap_slots=1, **changes))


@pytest.mark.clause("SLOT-1", "SLOT-3", "SLOT-10", "PTR-14", "PTR-15", "WEAK-2", "WEAK-3", "ALLOC-9", "ERR-1")
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("ref_bits", "generation_bits"), [(1, 1), (2, 2), (3, 1)])
def test_random_walk_keeps_to_a_naive_model(seed: int, ref_bits: int, generation_bits: int) -> None:
    """The model counts handles; the reference's words, figures and refusals must follow from those counts."""
    draw = random.Random(seed)
    capacity = 3
    profile = dataclasses.replace(
        TINY, ref_bits=ref_bits, generation_bits=generation_bits, capacities=(capacity, 1, 1, 1, 1)
    )
    allocator = EventAllocator(profile)
    pools = allocator.pools
    most = 2**ref_bits - 1
    pointers: list[tuple[RingPtr, bytes]] = []
    loans: list[Loan] = []
    weak: list[tuple[WeakRingPtr, int, int]] = []
    detached: Counter[int] = Counter()
    frees: Counter[int] = Counter()
    allocations = failures = 0

    def count(slot: int) -> int:
        return sum(pointer.slot_index == slot for pointer, _ in pointers) + detached[slot]

    def refuse(expected: type[Exception], call: Callable[[], object]) -> None:
        before = seen(allocator)
        with pytest.raises(expected):
            call()
        assert seen(allocator) == before

    for step in range(400):
        choice = draw.choice(["allocate", "loan", "commit", "abort", "clone", "drop", "weak", "upgrade", "inc", "dec"])
        live = sorted({pointer.slot_index for pointer, _ in pointers} | {slot for slot in detached if detached[slot]})
        taken = len(live) + len(loans)
        if choice in ("allocate", "loan"):
            payload = bytes([step % 256]) * 3
            if taken == capacity:
                failures += 1
                refuse(PoolExhausted, lambda: allocator.allocate(b"x"))
            elif choice == "allocate":
                allocations += 1
                pointers.append((allocator.allocate(payload, step), payload))
                assert pointers[-1][0].slot_index not in live
            else:
                allocations += 1
                loans.append(allocator.loan(3, step))
                assert loans[-1].slot_index not in live
        elif choice == "commit" and loans:
            loan = loans.pop(draw.randrange(len(loans)))
            loan.data[:] = b"new"
            pointers.append((loan.commit(), b"new"))
        elif choice == "abort" and loans:
            loan = loans.pop(draw.randrange(len(loans)))
            frees[loan.slot_index] += 1
            loan.abort()
        elif choice == "clone" and pointers:
            pointer, payload = draw.choice(pointers)
            if count(pointer.slot_index) == most:
                refuse(RefCountOverflow, pointer.clone)
            else:
                pointers.append((pointer.clone(), payload))
        elif choice == "drop" and pointers:
            pointer, _ = pointers.pop(draw.randrange(len(pointers)))
            slot = pointer.slot_index
            pointer.drop()
            frees[slot] += count(slot) == 0
        elif choice == "weak" and pointers:
            pointer, _ = draw.choice(pointers)
            weak.append((pointer.downgrade(), pointer.slot_index, frees[pointer.slot_index]))
        elif choice == "upgrade" and weak:
            handle, slot, then = draw.choice(weak)
            if slot not in live or (frees[slot] - then) % 2**generation_bits != 0:
                refuse(StaleHandle, handle.upgrade)
            elif count(slot) == most:
                refuse(RefCountOverflow, handle.upgrade)
            else:
                upgraded = handle.upgrade()
                pointers.append((upgraded, upgraded.bytes))
        elif choice == "inc":
            slot = draw.randrange(capacity)
            if slot not in live:
                refuse(StaleHandle, functools.partial(pools.inc_ref_count, 0, slot))
            elif count(slot) == most:
                refuse(RefCountOverflow, functools.partial(pools.inc_ref_count, 0, slot))
            else:
                detached[slot] += 1
                assert pools.inc_ref_count(0, slot) == count(slot)
        elif choice == "dec":
            slot = draw.randrange(capacity)
            if not detached[slot]:
                refuse(RefCountUnderflow, functools.partial(pools.dec_ref_count, 0, slot))
            else:
                detached[slot] -= 1
                frees[slot] += count(slot) == 0
                assert pools.dec_ref_count(0, slot) == count(slot)
        lent = {loan.slot_index for loan in loans}
        for slot in range(capacity):
            found = pools.slot_metadata(0, slot)
            state = SlotState.LOANED if slot in lent else SlotState.LIVE if count(slot) else SlotState.FREE
            assert found == SlotMetadata(count(slot), frees[slot] % 2**generation_bits, state)
            assert is_slot(found, 2**ref_bits, 2**generation_bits)
        assert all(pointer.bytes == payload for pointer, payload in pointers)
        busy = sum(pools.slot_metadata(0, slot).is_allocated for slot in range(capacity))
        assert pools.stats()[PoolId.XS] == (capacity, busy, capacity - busy, allocations, failures)


@pytest.mark.clause("WEAK-4", "WEAK-5", "SLOT-12", "PTR-15")
@pytest.mark.parametrize("pool", range(6))
@pytest.mark.parametrize("generation_bits", [1, 2, 3])
def test_weak_pointer_is_accepted_after_every_2_to_the_g_frees_and_refused_between(
    pool: int, generation_bits: int
) -> None:
    allocator = one_slot_each(generation_bits=generation_bits)
    pointer = allocator.allocate(bytes(LENGTHS[pool]))
    weak = pointer.downgrade()
    token = weak.token
    for frees in range(1, 3 * 2**generation_bits + 1):
        pointer.drop()
        with pytest.raises(StaleHandle):
            weak.upgrade()
        pointer = allocator.allocate(bytes([frees]) * LENGTHS[pool])
        if frees % 2**generation_bits:
            with pytest.raises(StaleHandle):
                weak.upgrade()
            with pytest.raises(StaleHandle):
                RingPtr.from_token(token, allocator)
        else:
            assert weak.upgrade().bytes == bytes([frees]) * LENGTHS[pool]
            with pytest.raises(RefCountUnderflow):
                RingPtr.from_token(token, allocator)


@pytest.mark.clause("ALLOC-14", "ALLOC-3", "ERR-1", "ALLOC-9")
def test_batch_that_does_not_fit_takes_nothing_and_fails_in_one_pool() -> None:
    allocator = EventAllocator(TINY)
    kept = allocator.allocate(bytes(65))
    before = seen(allocator)
    with pytest.raises(PoolExhausted, match="pool S"):
        allocator.allocate_many([b"a", bytes(65), b"b", bytes(65), *[b"c"] * 9])
    assert seen(allocator) == before
    assert {pool: figures.failures for pool, figures in allocator.stats().items() if figures.failures} == {PoolId.S: 1}
    assert [allocator.pools.get_generation(0, slot) for slot in range(3)] == [0, 0, 0]
    assert len(allocator.allocate_many([b"a", bytes(65), b"b"])) == 3
    assert kept.len == 65


@pytest.mark.clause("ALLOC-14", "ALLOC-7", "ALLOC-8", "ERR-1")
def test_batch_that_the_heap_cannot_hold_takes_nothing() -> None:
    allocator = EventAllocator(TINY)
    before = seen(allocator)
    with pytest.raises(PoolExhausted, match="heap_bytes"):
        allocator.allocate_many([b"a", bytes(40_000), bytes(30_000)])
    assert seen(allocator) == before
    with pytest.raises(PayloadTooLarge):
        allocator.allocate_many([b"a", *[b"b"] * 9, bytes(65_537)])
    assert seen(allocator) == before
    assert allocator.stats()[PoolId.XS].failures == 0
    assert len(allocator.allocate_many([b"a", bytes(35_536), bytes(30_000)])) == 3


@pytest.mark.clause("ALLOC-15", "PTR-14", "PTR-15", "PTR-16", "ERR-1")
def test_drop_many_gives_back_everything_or_nothing() -> None:
    allocator = EventAllocator(TINY)
    tokens = list(allocator.allocate_many([b"a", b"b"]))
    allocator.pools.inc_ref_count(0, 0)
    stale = allocator.allocate(b"c").downgrade().token
    held = allocator.allocate(bytes(65))
    before = seen(allocator)
    for wrong, error in (
        (stale, StaleHandle),
        (held.downgrade().token, RefCountUnderflow),
        (tokens[1], RefCountUnderflow),
        (0, ValueError),
        (2**64, ValueError),
        (-1, ValueError),
        (7 * 2**61, ValueError),
        (2**61 + 3 * 2**40, ValueError),
        (2**61 + 4, ValueError),
    ):
        with pytest.raises(error):
            allocator.drop_many([*tokens, tokens[0], wrong])
        assert seen(allocator) == before
    assert allocator.drop_many([tokens[0], tokens[1], tokens[0]]) == 3
    assert allocator.stats()[PoolId.XS].live == 0
    assert allocator.drop_many([]) == 0


@pytest.mark.clause("ALLOC-4", "ALLOC-9")
def test_spilling_counts_a_failure_in_every_full_pool() -> None:
    allocator = one_slot_each()
    kept = [allocator.allocate(b"a", spill=True) for _ in range(6)]
    assert [pointer.pool_id for pointer in kept] == list(PoolId)
    assert [figures.failures for figures in allocator.stats().values()] == [5, 4, 3, 2, 1, 0]
    with pytest.raises(PoolExhausted, match="XXL"):
        allocator.allocate(b"a", spill=True)
    assert [figures.failures for figures in allocator.stats().values()] == [6, 5, 4, 3, 2, 1]
    with pytest.raises(PoolExhausted, match="pool S "):
        allocator.allocate(bytes(65))
    assert allocator.stats()[PoolId.S].failures == 6


@pytest.mark.clause("ALLOC-6", "ALLOC-7", "ALLOC-8", "LAYOUT-5")
def test_heap_counts_payload_bytes_and_block_bytes() -> None:
    allocator = EventAllocator(TINY)
    table = 64 + 2 * 64
    assert allocator.heap_usage() == table
    first = allocator.loan(40_000)
    assert allocator.heap_usage() == table + 64 + 40_064
    with pytest.raises(PoolExhausted, match="heap_bytes"):
        allocator.allocate(bytes(25_537))
    shortened = first.commit(20_000)
    assert allocator.heap_usage() == table + 64 + 20_032
    second = allocator.allocate(bytes(45_536))
    with pytest.raises(PoolExhausted, match="slots are taken"):
        allocator.allocate(bytes(16_385))
    for pointer in (shortened, second):
        pointer.drop()
    assert allocator.heap_usage() == table
    assert allocator.allocate(bytes(65_536)).len == 65_536
    with pytest.raises(PayloadTooLarge, match="65536"):
        allocator.allocate(bytes(65_537))


@pytest.mark.clause("ALLOC-8", "ALLOC-7")
def test_heap_smaller_than_xl_refuses_xxl_and_nothing_else() -> None:
    allocator = one_slot_each(heap_bytes=100)
    assert allocator.allocate(bytes(16_384)).pool_id is PoolId.XL
    kept = allocator.loan(16_384)
    with pytest.raises(PoolExhausted):
        allocator.allocate(bytes(16_384), spill=True)
    with pytest.raises(PayloadTooLarge):
        allocator.allocate(bytes(16_385))
    assert kept.len == 16_384


@pytest.mark.clause("SLOT-15", "SLOT-2")
def test_slot_words_are_the_words_in_order() -> None:
    allocator = EventAllocator(TINY)
    pointer, loan = allocator.allocate(b"a"), allocator.loan(1)
    clone = pointer.clone()
    words = array("Q")
    words.frombytes(allocator.pools.slot_words(PoolId.XS))
    assert list(words) == [1 + 4 * 2, 2, 0]
    assert clone.slot_index == 0
    assert loan.slot_index == 1


@pytest.mark.clause("ALLOC-20", "PTR-16", "ERR-6", "ERR-1")
def test_places_that_do_not_exist() -> None:
    pools = EventPools(TINY)
    calls: list[Callable[..., object]] = [
        pools.get_slot_data, pools.inc_ref_count, pools.dec_ref_count, pools.get_generation, pools.slot_metadata
    ]  # fmt: skip
    for call in calls:
        for pool, slot, error in (
            (True, 0, TypeError), ("XS", 0, TypeError), (None, 0, TypeError), (0, 0.0, TypeError), (9, "0", TypeError),
            (-1, 0, ValueError), (6, 0, ValueError), (6, 9, ValueError), (0, 3, IndexError), (0, -1, IndexError),
        ):  # fmt: skip
            with pytest.raises(error, match=r"pool_id|slot_index"):
                call(pool, slot)
    for call in calls[:3]:
        for generation, error in ((4, ValueError), (-1, ValueError), (True, TypeError), (1.0, TypeError)):
            with pytest.raises(error, match="generation"):
                call(0, 0, generation)
        with pytest.raises(StaleHandle):
            call(0, 0, 0)


@pytest.mark.clause("PARAM-4", "LAYOUT-7")
def test_large_pools_are_made_when_asked_for_by_name() -> None:
    profile = dataclasses.replace(TINY, capacities=(100_003, 1, 1, 1, 1), max_ring_bytes=2**30)
    assert EventPools(profile).capacity(0) == 100_003
    assert EventPools(profile).memory_usage() == 100_003 * 192 + 384 + 1_152 + 4_224 + 16_512 + 5 * 64
