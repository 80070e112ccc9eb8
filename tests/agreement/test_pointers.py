"""The chapter Pointers on both implementations."""

import copy
import pickle
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

LENGTHS = (0, 1, 64, 65, 1_024, 4_096, 16_384, 16_385)


def count(allocator: Any, pointer: Any) -> int:
    """Return the count of the slot that a live pointer names."""
    return int(allocator.pools.slot_metadata(pointer.pool_id, pointer.slot_index).ref_count)


@pytest.mark.clause("PTR-1")
def test_slot_stays_live_until_its_pointer_is_dropped(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    pointer = allocator.allocate(b"kept")
    where = (pointer.pool_id, pointer.slot_index)
    for _ in range(20):
        others = [allocator.allocate(b"other") for _ in range(2)]
        with pytest.raises(backend.PoolExhausted):
            allocator.allocate(b"one more")
        found = allocator.pools.slot_metadata(*where)
        assert (found.state.name, found.generation) == ("LIVE", pointer.generation)
        for other in others:
            other.drop()
    assert pointer.bytes == b"kept"


@pytest.mark.clause("PTR-2")
@pytest.mark.parametrize("duplicate", [lambda pointer: pointer.clone(), copy.copy], ids=["clone", "copy"])
@pytest.mark.parametrize("length", LENGTHS)
def test_clone_is_a_pointer_of_its_own(backend: ModuleType, duplicate: Callable[[Any], Any], length: int) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"c" * length, 5)
    clone = duplicate(pointer)
    assert type(clone) is backend.RingPtr
    assert clone is not pointer
    assert clone != pointer
    assert (clone.pool_id, clone.slot_index, clone.generation) == (
        pointer.pool_id,
        pointer.slot_index,
        pointer.generation,
    )
    assert count(allocator, pointer) == 2
    pointer.drop()
    assert count(allocator, clone) == 1
    assert (clone.bytes, clone.event_type) == (b"c" * length, 5)


@pytest.mark.clause("PTR-3")
def test_second_drop_does_nothing(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    clone = pointer.clone()
    assert not pointer.released
    for _ in range(3):
        pointer.drop()
        assert pointer.released
        assert count(allocator, clone) == 1
    clone.drop()
    clone.drop()
    pointer.drop()
    assert allocator.pools.slot_metadata(0, 0).state.name == "FREE"
    assert sum(stats.live for stats in allocator.stats().values()) == 0


@pytest.mark.clause("PTR-4")
def test_leaving_a_with_block_drops(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    with allocator.allocate(b"x") as pointer:
        assert pointer.bytes == b"x"
    assert pointer.released
    with pytest.raises(KeyError), allocator.allocate(b"y") as other:
        raise KeyError("of the block")
    assert other.released
    assert allocator.stats()[backend.PoolId.XS].live == 0


@pytest.mark.clause("PTR-4", "PTR-3")
def test_pointer_may_be_dropped_inside_its_with_block(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    keeper = allocator.allocate(b"x")
    with keeper.clone() as pointer:
        pointer.drop()
    assert count(allocator, keeper) == 1


@pytest.mark.clause("PTR-5")
def test_collected_pointer_gives_its_reference_back(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    clones = [pointer.clone() for _ in range(5)]
    assert count(allocator, pointer) == 6
    del clones
    collect()
    assert count(allocator, pointer) == 1
    # In a cycle, which only the collector ends.
    loop: list[Any] = [pointer.clone()]
    loop.append(loop)
    assert count(allocator, pointer) == 2
    del loop
    collect()
    assert count(allocator, pointer) == 1
    del pointer
    collect()
    assert allocator.stats()[backend.PoolId.XS].live == 0


USES: dict[str, Callable[[Any], Any]] = {
    "clone": lambda pointer: pointer.clone(),
    "copy": copy.copy,
    "downgrade": lambda pointer: pointer.downgrade(),
    "into_token": lambda pointer: pointer.into_token(),
    "len": lambda pointer: pointer.len,
    "len()": len,
    "bytes": lambda pointer: pointer.bytes,
    "bytes()": bytes,
    "data": lambda pointer: pointer.data,
    "event_type": lambda pointer: pointer.event_type,
    "pool_id": lambda pointer: pointer.pool_id,
    "slot_index": lambda pointer: pointer.slot_index,
    "generation": lambda pointer: pointer.generation,
    "allocator": lambda pointer: pointer.allocator,
    "ref_count": lambda pointer: pointer.ref_count,
    "with": lambda pointer: pointer.__enter__(),
}


@pytest.mark.clause("PTR-6")
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("end", ["drop", "into_token", "with"])
def test_use_after_the_end(backend: ModuleType, use: str, end: str) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    keeper = pointer.clone()
    USES[use](pointer)  # Nothing is wrong with the use itself...
    pointer = keeper.clone()
    if end == "drop":
        pointer.drop()
    elif end == "into_token":
        allocator.drop_many([pointer.into_token()])
    else:
        with pointer:
            pass
    before = allocator.pools.slot_words(0)
    with pytest.raises(backend.ReleasedHandle):
        USES[use](pointer)
    assert allocator.pools.slot_words(0) == before


@pytest.mark.clause("PTR-6")
def test_what_a_released_pointer_still_does(backend: ModuleType) -> None:
    pointer = backend.EventAllocator().allocate(b"x")
    assert "RingPtr" in repr(pointer)
    pointer.drop()
    assert pointer.released is True
    assert "RingPtr" in repr(pointer)
    pointer.drop()
    pointer.__exit__(None, None, None)
    assert bool(pointer)
    assert pointer == pointer
    assert isinstance(hash(pointer), int)


@pytest.mark.clause("PTR-7", "ALLOC-23")
@pytest.mark.parametrize(
    "length", [0, 1, 63, 64, 65, 255, 256, 257, 1_023, 1_025, 4_096, 4_097, 16_384, 16_385, 70_000]
)
def test_pointer_shows_what_was_allocated(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    payload = bytes((n * 31 + 7) % 256 for n in range(length))
    for event_type in (0, 1, 255, 256, 2**31, 2**32 - 1):
        with allocator.allocate(payload, event_type) as pointer:
            assert pointer.len == len(pointer) == length
            assert pointer.bytes == bytes(pointer) == payload
            assert bytes(pointer.data) == payload
            assert pointer.event_type == event_type
            assert pointer.pool_id is backend.PoolId.from_size(backend.EventAllocator.estimate_size(length))
            assert allocator.pools.get_generation(pointer.pool_id, pointer.slot_index) == pointer.generation
            assert bool(pointer)


@pytest.mark.clause("PTR-8")
@pytest.mark.parametrize("length", LENGTHS)
def test_handles_outlive_their_allocator(backend: ModuleType, collect: Callable[[], None], length: int) -> None:
    def make() -> tuple[Any, Any, Any, Any]:
        allocator = backend.EventAllocator()
        loan = allocator.loan(length)
        loan.data[:] = b"L" * length
        return allocator.allocate(b"P" * length, 3), loan, allocator.allocate(b"V" * length).data, allocator.pools

    pointer, loan, view, pools = make()
    collect()
    trash = [bytearray(b"\xee" * 100_000) for _ in range(50)]
    assert pointer.bytes == b"P" * length
    assert pointer.event_type == 3
    assert bytes(view) == b"V" * length
    clone = pointer.clone()
    pointer.drop()
    assert clone.bytes == b"P" * length
    committed = loan.commit()
    assert committed.bytes == b"L" * length
    live = sum(stats.live for stats in pools.stats().values())
    assert live == 3
    del clone, committed, view
    collect()
    assert sum(stats.live for stats in pools.stats().values()) == 0
    assert len(trash) == 50


@pytest.mark.clause("PTR-8")
def test_pointer_alone_keeps_everything(backend: ModuleType, collect: Callable[[], None]) -> None:
    pointer = backend.EventAllocator().allocate(b"alone")
    collect()
    assert pointer.clone().bytes == b"alone"
    sibling = pointer.allocator.allocate(b"sibling")
    del pointer
    collect()
    assert sibling.bytes == b"sibling"


@pytest.mark.clause("PTR-9")
@pytest.mark.parametrize("name", ["pointer", "weak", "loan", "writer", "reader", "ring", "allocator", "pools"])
@pytest.mark.parametrize("released", [False, True])
def test_no_handle_is_pickled_or_copied_deeply(backend: ModuleType, name: str, released: bool) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    ring = backend.RingBuffer(8, 8)
    handle = {
        "pointer": pointer,
        "weak": pointer.downgrade(),
        "loan": allocator.loan(3),
        "writer": backend.Writer(ring),
        "reader": backend.Reader(ring),
        "ring": ring,
        "allocator": allocator,
        "pools": allocator.pools,
    }[name]
    if released:
        pointer.drop()
        if name == "loan":
            handle.abort()
        if name in ("writer", "reader"):
            handle.close()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match=rf"{type(handle).__name__}.*process.*bytes"):
            pickle.dumps(handle, protocol)
    with pytest.raises(TypeError, match=rf"{type(handle).__name__}.*bytes"):
        copy.deepcopy(handle)


@pytest.mark.clause("PTR-10")
@pytest.mark.parametrize("length", LENGTHS)
def test_token_of_a_triple(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    for _ in range(3):
        allocator.allocate(b"t" * length).drop()
    pointer = allocator.allocate(b"t" * length)
    pool, slot, generation = int(pointer.pool_id), pointer.slot_index, pointer.generation
    token = pointer.into_token()
    assert type(token) is int
    assert token == ((pool + 1) * 2**21 + slot) * 2**40 + generation
    assert 0 < token < 2**64


@pytest.mark.clause("PTR-10")
def test_no_two_triples_share_a_token(backend: ModuleType) -> None:
    largest = ((5 + 1) * 2**21 + 2**21 - 1) * 2**40 + 2**40 - 1
    assert largest < 2**64
    pointer = backend.EventAllocator().allocate(b"x")
    assert pointer.downgrade().token == pointer.into_token()


def detached(allocator: Any, pointer: Any) -> int:
    """Count the detached references of a pointer's slot by taking them all and leaving them again."""
    pools, pool, slot = allocator.pools, pointer.pool_id, pointer.slot_index
    found = 0
    while True:
        try:
            pools.dec_ref_count(pool, slot, pointer.generation)
        except ValueError:
            break
        found += 1
    for _ in range(found):
        pools.inc_ref_count(pool, slot, pointer.generation)
    return found


@pytest.mark.clause("PTR-11")
def test_which_calls_make_and_end_detached_references(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    pool, slot, generation = pointer.pool_id, pointer.slot_index, pointer.generation
    assert detached(allocator, pointer) == 0
    token = pointer.clone().into_token()
    assert (detached(allocator, pointer), count(allocator, pointer)) == (1, 2)
    assert allocator.pools.inc_ref_count(pool, slot) == 3
    assert (detached(allocator, pointer), count(allocator, pointer)) == (2, 3)
    taken = backend.RingPtr.from_token(token, allocator)
    assert (detached(allocator, pointer), count(allocator, pointer)) == (1, 3)
    made = backend.RingPtr(pool, slot, generation, allocator)
    assert (detached(allocator, pointer), count(allocator, pointer)) == (0, 3)
    taken.drop()
    made.drop()
    assert (detached(allocator, pointer), count(allocator, pointer)) == (0, 1)
    allocator.pools.inc_ref_count(pool, slot)
    assert allocator.pools.dec_ref_count(pool, slot) == 1
    allocator.pools.inc_ref_count(pool, slot)
    assert allocator.drop_many([token]) == 1
    assert (detached(allocator, pointer), count(allocator, pointer)) == (0, 1)


@pytest.mark.clause("PTR-11")
def test_entry_points_that_return_no_pointer_leave_one_detached_reference(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    tokens = [backend.handle_ffi_event(allocator, b"f", 1), *allocator.allocate_many(b"abcd", lengths=2)]
    slot = backend.allocate_to_pool(allocator, b"p", 1)
    generation = allocator.pools.get_generation(0, slot)
    pointers = [backend.RingPtr.from_token(token, allocator) for token in tokens]
    pointers.append(backend.RingPtr(backend.PoolId.XS, slot, generation, allocator))
    assert [pointer.bytes for pointer in pointers] == [b"f", b"ab", b"cd", b"p"]
    assert [count(allocator, pointer) for pointer in pointers] == [1] * 4
    assert [detached(allocator, pointer) for pointer in pointers] == [0] * 4


@pytest.mark.clause("PTR-11", "PTR-12")
def test_other_operations_leave_no_detached_reference(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    clone, copied, upgraded = pointer.clone(), copy.copy(pointer), pointer.downgrade().upgrade()
    view, slot_view = pointer.data, allocator.pools.get_slot_data(pointer.pool_id, pointer.slot_index)
    assert (detached(allocator, pointer), count(allocator, pointer)) == (0, 5)
    committed = allocator.loan(1).commit()
    assert detached(allocator, committed) == 0
    assert bytes(view) == bytes(slot_view) == clone.bytes == copied.bytes == upgraded.bytes


@pytest.mark.clause("PTR-12", "PTR-13")
@pytest.mark.parametrize("length", LENGTHS)
def test_into_a_token_and_back(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"t" * length, 8)
    pool, slot = pointer.pool_id, pointer.slot_index
    clone = pointer.clone()
    token = pointer.into_token()
    assert pointer.released
    assert allocator.pools.slot_metadata(pool, slot).ref_count == 2
    clone.drop()
    assert allocator.pools.slot_metadata(pool, slot).ref_count == 1
    back = backend.RingPtr.from_token(token, allocator)
    assert allocator.pools.slot_metadata(pool, slot).ref_count == 1
    assert (back.bytes, back.event_type, back.pool_id, back.slot_index) == (b"t" * length, 8, pool, slot)
    back.drop()
    assert allocator.pools.slot_metadata(pool, slot).state.name == "FREE"


@pytest.mark.clause("PTR-12", "PTR-5")
def test_pointer_that_became_a_token_gives_nothing_back_when_collected(
    backend: ModuleType, collect: Callable[[], None]
) -> None:
    allocator = backend.EventAllocator()
    token = allocator.allocate(b"detached").into_token()
    collect()
    assert allocator.stats()[backend.PoolId.XS].live == 1
    assert backend.RingPtr.from_token(token, allocator).bytes == b"detached"


@pytest.mark.clause("PTR-14")
def test_no_other_call_releases_the_reference_of_a_pointer(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"mine")
    clone = pointer.clone()
    pool, slot, generation = pointer.pool_id, pointer.slot_index, pointer.generation
    token = pointer.downgrade().token
    thefts: list[Callable[[], Any]] = [
        lambda: backend.RingPtr.from_token(token, allocator),
        lambda: backend.RingPtr(pool, slot, generation, allocator),
        lambda: allocator.pools.dec_ref_count(pool, slot),
        lambda: allocator.pools.dec_ref_count(pool, slot, generation),
        lambda: allocator.drop_many([token]),
    ]
    for steal in thefts:
        with pytest.raises(backend.RefCountUnderflow):
            steal()
        assert count(allocator, pointer) == 2
    view = clone.data
    clone.drop()
    pointer.drop()
    with pytest.raises(backend.RefCountUnderflow):
        allocator.drop_many([token])
    assert bytes(view) == b"mine"


@pytest.mark.clause("PTR-15")
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("reused", [False, True])
def test_stale_triples_are_refused(tiny: Callable[..., Any], backend: ModuleType, length: int, reused: bool) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    first = allocator.allocate(b"1" * length)
    pool, slot, generation = first.pool_id, first.slot_index, first.generation
    token = first.into_token()
    allocator.drop_many([token])
    later = allocator.allocate(b"2" * length) if reused else None
    if later is not None:
        # A detached reference of the later event is no help to a triple of the earlier one.
        allocator.pools.inc_ref_count(pool, slot)
    before = allocator.pools.slot_words(pool)
    calls: list[Callable[[], Any]] = [
        lambda: backend.RingPtr.from_token(token, allocator),
        lambda: backend.RingPtr(pool, slot, generation, allocator),
        lambda: allocator.drop_many([token]),
        lambda: allocator.pools.inc_ref_count(pool, slot, generation),
        lambda: allocator.pools.dec_ref_count(pool, slot, generation),
        lambda: allocator.pools.get_slot_data(pool, slot, generation),
    ]
    for call in calls:
        with pytest.raises(backend.StaleHandle):
            call()
        assert allocator.pools.slot_words(pool) == before


@pytest.mark.clause("PTR-16")
@pytest.mark.parametrize(
    ("pool", "slot", "generation"),
    [
        (-1, 0, 0),
        (6, 0, 0),
        (0, 3, 0),
        (0, 2**21 - 1, 0),
        (1, 2, 0),
        (4, 1, 0),
        (5, 2, 0),
        (0, 0, 4),
        (5, 0, 2**40 - 1),
    ],
)
def test_malformed_tokens_are_refused(
    tiny: Callable[..., Any], backend: ModuleType, pool: int, slot: int, generation: int
) -> None:
    allocator = tiny()
    token = ((pool + 1) * 2**21 + slot) * 2**40 + generation
    calls: list[Callable[..., Any]] = [
        lambda: backend.RingPtr.from_token(token, allocator),
        lambda: backend.WeakRingPtr.from_token(token, allocator),
        lambda: allocator.drop_many([token]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="token") as caught:
            call()
        assert not isinstance(caught.value, backend.RingError)


@pytest.mark.clause("PTR-16", "ERR-4")
@pytest.mark.parametrize("token", [0, -1, 2**40 - 1, 2**61 - 1, 7 * 2**61, 2**64 - 1, 2**64, 2**100])
def test_numbers_that_are_no_token_are_refused(tiny: Callable[..., Any], backend: ModuleType, token: int) -> None:
    allocator = tiny()
    for call in (backend.RingPtr.from_token, backend.WeakRingPtr.from_token):
        with pytest.raises(ValueError, match="token"):
            call(token, allocator)
    with pytest.raises(ValueError, match="token"):
        allocator.drop_many([token])


@pytest.mark.clause("PTR-16")
def test_largest_slot_and_generation_are_well_formed(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    for pool in range(6):
        slot = allocator.pools.capacity(pool) - 1
        token = ((pool + 1) * 2**21 + slot) * 2**40 + 3
        assert backend.WeakRingPtr.from_token(token, allocator).generation == 3
        with pytest.raises(backend.StaleHandle):
            backend.RingPtr.from_token(token, allocator)


@pytest.mark.clause("PTR-17")
def test_viewed_pointer_does_not_become_a_token(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"seen")
    view = pointer.data[1:3]
    with pytest.raises(backend.ViewsOutstanding):
        pointer.into_token()
    assert not pointer.released
    assert pointer.bytes == b"seen"
    assert bytes(view) == b"ee"
    del view
    collect()
    assert backend.RingPtr.from_token(pointer.into_token(), allocator).bytes == b"seen"


@pytest.mark.clause("PTR-17")
def test_view_of_a_clone_does_not_bind_the_pointer(backend: ModuleType) -> None:
    pointer = backend.EventAllocator().allocate(b"seen")
    view = pointer.clone().data
    token = pointer.into_token()
    assert token > 0
    assert bytes(view) == b"seen"
