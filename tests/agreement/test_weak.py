"""The chapter Weak pointers on both implementations, the ABA bound in both directions included."""

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

LENGTHS = (64, 256, 1_024, 4_096, 16_384, 16_385)


@pytest.mark.clause("WEAK-1")
@pytest.mark.parametrize("length", LENGTHS)
def test_downgrade_names_the_slot_and_counts_nothing(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x" * length)
    before = allocator.pools.slot_words(pointer.pool_id)
    weak = pointer.downgrade()
    assert type(weak) is backend.WeakRingPtr
    assert (weak.pool_id, weak.slot_index, weak.generation) == (
        pointer.pool_id,
        pointer.slot_index,
        pointer.generation,
    )
    assert allocator.pools.slot_words(pointer.pool_id) == before
    pointer.drop()
    assert allocator.pools.slot_metadata(weak.pool_id, weak.slot_index).state.name == "FREE"


@pytest.mark.clause("WEAK-2")
@pytest.mark.parametrize("length", LENGTHS)
def test_upgrade_of_a_live_slot(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"u" * length, 3)
    weak = pointer.downgrade()
    strong = weak.upgrade()
    assert type(strong) is backend.RingPtr
    assert pointer.ref_count == 2
    pointer.drop()
    assert (strong.bytes, strong.event_type, strong.generation) == (b"u" * length, 3, weak.generation)
    again = weak.upgrade()
    assert again.ref_count == 2


@pytest.mark.clause("WEAK-3", "LOAN-9")
@pytest.mark.parametrize("length", LENGTHS)
def test_upgrade_of_a_slot_that_is_free_loaned_or_someone_elses(
    tiny: Callable[..., Any], backend: ModuleType, length: int
) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    pointer = allocator.allocate(b"x" * length)
    weak = pointer.downgrade()
    pointer.drop()
    with pytest.raises(backend.StaleHandle):
        weak.upgrade()
    future = backend.WeakRingPtr(weak.pool_id, weak.slot_index, weak.generation + 1, allocator)
    with pytest.raises(backend.StaleHandle):
        future.upgrade()  # The right generation, but FREE.
    loan = allocator.loan(length)
    assert loan.generation == future.generation
    with pytest.raises(backend.StaleHandle):
        future.upgrade()
    committed = loan.commit()
    assert future.upgrade().bytes == committed.bytes
    with pytest.raises(backend.StaleHandle):
        weak.upgrade()
    assert committed.ref_count == 1


def free_once(allocator: Any, length: int, how: int) -> None:
    """Free the only slot of a class once, in one of three ways."""
    if how % 3 == 0:
        allocator.allocate(b"o" * length).drop()
    elif how % 3 == 1:
        allocator.loan(length).abort()
    else:
        allocator.loan(length).commit().drop()


@pytest.mark.clause("WEAK-4", "WEAK-5")
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("generation_bits", [1, 2, 3])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_aba_bound_in_both_directions(
    tiny: Callable[..., Any], backend: ModuleType, length: int, generation_bits: int, start: int
) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1, generation_bits=generation_bits)
    for turn in range(start):
        free_once(allocator, length, turn)
    pointer = allocator.allocate(b"a" * length)
    weak = pointer.downgrade()
    pointer.drop()
    for frees in range(1, 3 * 2**generation_bits + 1):
        later = allocator.allocate(b"b" * length, frees)
        if frees % 2**generation_bits == 0:
            accepted = weak.upgrade()
            assert (accepted.event_type, accepted.bytes) == (frees, b"b" * length)
            accepted.drop()
        else:
            with pytest.raises(backend.StaleHandle):
                weak.upgrade()
        assert later.ref_count == 1
        later.drop()


@pytest.mark.clause("WEAK-4")
@pytest.mark.slow
def test_seed_generation_refuses_65535_turns_and_accepts_the_next(backend: ModuleType) -> None:
    """Sixteen bits: the bound is where it is said to be, in the profile that ships."""
    allocator = backend.EventAllocator(
        backend.Profile(
            name="one",
            ref_bits=8,
            generation_bits=16,
            tag_bits=32,
            capacities=(1, 1, 1, 1, 1),
            heap_slots=1,
            heap_bytes=100_000,
        )
    )
    with allocator.allocate(b"a") as pointer:
        weak = pointer.downgrade()
    for _ in range(2**16 - 2):
        allocator.loan(1).abort()
    with allocator.allocate(b"b"), pytest.raises(backend.StaleHandle):
        weak.upgrade()
    with allocator.allocate(b"c"):
        assert weak.upgrade().bytes == b"c"


@pytest.mark.clause("WEAK-6", "PTR-10")
def test_token_of_every_tiny_triple_and_back(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    tokens: set[int] = set()
    for pool in backend.PoolId:
        for slot, generation in itertools.product(range(allocator.pools.capacity(pool)), range(4)):
            weak = backend.WeakRingPtr(pool, slot, generation, allocator)
            assert weak.token == ((int(pool) + 1) * 2**21 + slot) * 2**40 + generation
            assert backend.WeakRingPtr.from_token(weak.token, allocator) == weak
            tokens.add(weak.token)
    assert len(tokens) == 4 * sum(allocator.pools.capacity(pool) for pool in backend.PoolId)


@pytest.mark.clause("WEAK-6")
def test_token_of_a_weak_pointer_is_no_reference(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    weak = backend.WeakRingPtr.from_token(pointer.downgrade().token, allocator)
    assert weak.upgrade().bytes == b"x"
    pointer.drop()
    with pytest.raises(backend.StaleHandle):
        weak.upgrade()


@pytest.mark.clause("WEAK-7")
def test_equal_exactly_if_all_four_parts_are(tiny: Callable[..., Any], backend: ModuleType) -> None:
    first, second = tiny(), tiny()
    parts = list(itertools.product((first, second), (0, 1), (0, 1), (0, 1)))
    weaks = [backend.WeakRingPtr(pool, slot, generation, allocator) for allocator, pool, slot, generation in parts]
    for one, two in itertools.product(range(len(parts)), repeat=2):
        assert (weaks[one] == weaks[two]) == (one == two)
        assert (weaks[one] != weaks[two]) == (one != two)
    allocator, pool, slot, generation = parts[0]
    twin = backend.WeakRingPtr(backend.PoolId(pool), slot, generation, allocator)
    assert twin == weaks[0]
    assert hash(twin) == hash(weaks[0])
    assert len({twin, *weaks}) == len(parts)
    assert twin != twin.token
    assert twin != (0, 0, 0)


@pytest.mark.clause("WEAK-7")
def test_weak_pointers_of_one_event_are_equal_however_made(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    clone = pointer.clone()
    assert (
        pointer.downgrade() == clone.downgrade() == backend.WeakRingPtr.from_token(pointer.downgrade().token, allocator)
    )
    assert pointer.downgrade() == backend.WeakRingPtr.from_token(pointer.downgrade().token, pointer.allocator)


@pytest.mark.clause("WEAK-1", "ERR-4")
@pytest.mark.parametrize(
    ("pool", "slot", "generation", "error"),
    [
        (6, 0, 0, ValueError),
        (-1, 0, 0, ValueError),
        ("XS", 0, 0, TypeError),
        (0, 3, 0, IndexError),
        (0, -1, 0, IndexError),
        (0, 0, 4, ValueError),
        (0, 0, -1, ValueError),
        (0, 0.0, 0, TypeError),
        (0, 0, None, TypeError),
        (True, 0, 0, TypeError),
    ],
)
def test_weak_pointers_to_nothing_are_refused(
    tiny: Callable[..., Any], backend: ModuleType, pool: Any, slot: Any, generation: Any, error: type[Exception]
) -> None:
    allocator = tiny()
    for handle in (backend.WeakRingPtr, backend.RingPtr):
        with pytest.raises(error):
            handle(pool, slot, generation, allocator)
    with pytest.raises(TypeError, match="allocator"):
        backend.WeakRingPtr(0, 0, 0, allocator.pools)
