"""How the reference follows another's choice of slots, and what it does without one."""

import dataclasses
from array import array

import pytest

from rusted_ring.reference import TINY, EventAllocator, PoolExhausted, PoolId, SlotState
from rusted_ring.reference.pools import replay_choices
from rusted_ring.reference.recorded_choices import ReplayMismatch


@pytest.fixture
def allocator() -> EventAllocator:
    return EventAllocator(dataclasses.replace(TINY, capacities=(4, 2, 1, 1, 1)))


def words(allocator: EventAllocator) -> list[int]:
    """Return the words of pool XS."""
    return list(array("Q", allocator.pools.slot_words(0)))


@pytest.mark.clause("ALLOC-2")
def test_allocations_take_the_slots_that_were_queued(allocator: EventAllocator) -> None:
    replay_choices(allocator.pools, [(PoolId.XS, 2), (PoolId.XS, 0), (PoolId.S, 1)])
    pointers = [allocator.allocate(b"a"), allocator.loan(1), allocator.allocate(bytes(65))]
    assert [(pointer.pool_id, pointer.slot_index) for pointer in pointers] == [(0, 2), (0, 0), (1, 1)]


@pytest.mark.clause("ALLOC-2", "ALLOC-14")
def test_batches_take_the_slots_that_were_queued(allocator: EventAllocator) -> None:
    replay_choices(allocator.pools, [(PoolId.XS, 3), (PoolId.S, 0), (PoolId.XS, 1)])
    tokens = allocator.allocate_many([b"a", bytes(65), b"b"])
    assert [token // 2**40 % 2**21 for token in tokens] == [3, 0, 1]
    assert allocator.drop_many(tokens) == 3


@pytest.mark.clause("ALLOC-2")
def test_choice_of_a_taken_slot_is_refused(allocator: EventAllocator) -> None:
    pointer, loan = allocator.allocate(b"a"), allocator.loan(1)
    before = words(allocator)
    for taken in (pointer.slot_index, loan.slot_index):
        replay_choices(allocator.pools, [(PoolId.XS, taken)])
        with pytest.raises(ReplayMismatch, match=f"slot {taken} of pool XS"):
            allocator.allocate(b"b")
        assert words(allocator) == before
    assert issubclass(ReplayMismatch, AssertionError)


@pytest.mark.clause("ALLOC-1", "ALLOC-2")
@pytest.mark.parametrize("choice", [(PoolId.S, 0), (PoolId.XS, 4), (PoolId.XS, -1)])
def test_choice_outside_the_pool_is_refused(allocator: EventAllocator, choice: tuple[PoolId, int]) -> None:
    replay_choices(allocator.pools, [choice])
    with pytest.raises(ReplayMismatch):
        allocator.allocate(b"a")
    assert words(allocator) == [0, 0, 0, 0]


@pytest.mark.clause("ALLOC-2")
def test_a_new_queue_replaces_the_old_one(allocator: EventAllocator) -> None:
    replay_choices(allocator.pools, [(PoolId.XS, 3)])
    replay_choices(allocator.pools, [])
    assert allocator.allocate(b"a").slot_index == 0


@pytest.mark.clause("ALLOC-3")
def test_full_pool_is_full_whatever_is_queued(allocator: EventAllocator) -> None:
    pointers = [allocator.allocate(b"a") for _ in range(4)]
    replay_choices(allocator.pools, [(PoolId.XS, 0)])
    with pytest.raises(PoolExhausted):
        allocator.allocate(b"b")
    assert len({pointer.slot_index for pointer in pointers}) == 4


@pytest.mark.clause("ALLOC-2")
def test_without_a_queue_the_reference_goes_round(allocator: EventAllocator) -> None:
    taken = []
    for _ in range(9):
        pointer = allocator.allocate(b"a")
        taken.append(pointer.slot_index)
        pointer.drop()
    assert taken == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    kept = allocator.allocate(b"kept")
    assert kept.slot_index == 1
    assert [allocator.allocate(b"a").slot_index for _ in range(4)] == [2, 3, 0, 2]
    assert allocator.pools.slot_metadata(0, 1).state is SlotState.LIVE
