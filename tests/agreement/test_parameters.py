"""The chapter Parameters on both implementations."""

import dataclasses
from types import ModuleType
from typing import Any

import pytest

FIELDS = ("ref_bits", "generation_bits", "tag_bits", "capacities", "heap_slots", "heap_bytes")
TABLE: dict[str, tuple[Any, ...]] = {
    "SEED": (8, 16, 32, (2_000, 1_000, 300, 60, 15), 64, 67_108_864),
    "WIDE": (22, 40, 32, (2_000, 1_000, 300, 60, 15), 64, 67_108_864),
    "TINY": (2, 2, 2, (3, 2, 2, 1, 1), 2, 65_536),
}


@pytest.mark.clause("PARAM-1")
@pytest.mark.parametrize("name", TABLE)
def test_profiles_have_the_values_of_the_table(backend: ModuleType, name: str) -> None:
    profile = getattr(backend, name)
    assert tuple(getattr(profile, field) for field in FIELDS) == TABLE[name]
    assert profile.name == name.lower()
    assert profile.max_ring_bytes == backend.MAX_RING_BYTES == 1_048_576
    pools = backend.EventPools(profile)
    assert pools.profile == profile
    assert tuple(pools.capacity(pool) for pool in range(6)) == (*TABLE[name][3], TABLE[name][4])


@pytest.mark.clause("PARAM-1")
def test_seed_is_the_default(backend: ModuleType) -> None:
    assert backend.EventPools().profile == backend.EventAllocator().profile == backend.SEED
    assert backend.EventAllocator().pools.profile == backend.SEED


@pytest.mark.clause("PARAM-1")
def test_profiles_of_the_two_implementations_agree(reference: ModuleType, native: ModuleType) -> None:
    for name in TABLE:
        assert getattr(reference, name) == getattr(native, name)
        assert getattr(reference, name) is not getattr(native, name)


@pytest.mark.clause("PARAM-2")
@pytest.mark.parametrize(
    ("field", "low", "high"), [("ref_bits", 1, 22), ("generation_bits", 1, 40), ("tag_bits", 0, 32)]
)
def test_widths_are_bounded(backend: ModuleType, field: str, low: int, high: int) -> None:
    for width in (low, low + 1, high - 1, high):
        profile = dataclasses.replace(backend.TINY, **{field: width})
        allocator = backend.EventAllocator(profile)
        assert getattr(allocator.profile, field) == width
        assert allocator.allocate(b"x").bytes == b"x"
    for width in (low - 1, high + 1, -100, 64, 2**32, 2**64):
        with pytest.raises(backend.LayoutError, match=field):
            dataclasses.replace(backend.TINY, **{field: width})
    for wrong in (None, "2", 2.0, True):
        with pytest.raises(TypeError, match=field):
            dataclasses.replace(backend.TINY, **{field: wrong})


@pytest.mark.clause("PARAM-2", "SLOT-2")
def test_widest_widths_are_used_whole(backend: ModuleType) -> None:
    allocator = backend.EventAllocator(dataclasses.replace(backend.TINY, ref_bits=22, generation_bits=40))
    weak = backend.WeakRingPtr(0, 0, 2**40 - 1, allocator)
    assert weak.generation == 2**40 - 1
    with pytest.raises(ValueError, match="generation"):
        backend.WeakRingPtr(0, 0, 2**40, allocator)
    pointer = allocator.allocate(b"x")
    for _ in range(1_000):
        allocator.pools.inc_ref_count(0, pointer.slot_index)
    assert pointer.ref_count == 1_001


@pytest.mark.clause("PARAM-3")
@pytest.mark.parametrize("index", range(5))
def test_capacities_are_bounded(backend: ModuleType, index: int) -> None:
    def capacities(value: Any) -> tuple[Any, ...]:
        return tuple(value if pool == index else 1 for pool in range(5))

    for capacity in (1, 2, 3, 2**21 - 1, 2**21):
        assert dataclasses.replace(backend.TINY, capacities=capacities(capacity)).capacities[index] == capacity
    for capacity in (0, -1, 2**21 + 1, 2**32, 2**64):
        with pytest.raises(backend.LayoutError, match="capacit"):
            dataclasses.replace(backend.TINY, capacities=capacities(capacity))
    for wrong in (None, "2", 2.0, True):
        with pytest.raises(TypeError, match="capacit"):
            dataclasses.replace(backend.TINY, capacities=capacities(wrong))


@pytest.mark.clause("PARAM-3")
def test_there_are_five_capacities(backend: ModuleType) -> None:
    for wrong in ((), (1, 1, 1, 1), (1, 1, 1, 1, 1, 1)):
        with pytest.raises(ValueError, match="capacities"):
            dataclasses.replace(backend.TINY, capacities=wrong)
    with pytest.raises(TypeError, match="capacities"):
        dataclasses.replace(backend.TINY, capacities=5)


@pytest.mark.clause("PARAM-3")
@pytest.mark.parametrize(("field", "high"), [("heap_slots", 2**21), ("heap_bytes", 2**48)])
def test_heap_is_bounded(backend: ModuleType, field: str, high: int) -> None:
    for value in (1, 2, high - 1, high):
        assert getattr(dataclasses.replace(backend.TINY, **{field: value}), field) == value
    for value in (0, -1, high + 1, 2**64):
        with pytest.raises(backend.LayoutError, match=field):
            dataclasses.replace(backend.TINY, **{field: value})
    for wrong in (None, "2", 2.0, True):
        with pytest.raises(TypeError, match=field):
            dataclasses.replace(backend.TINY, **{field: wrong})


@pytest.mark.clause("PARAM-3")
def test_largest_pool_is_made_and_used_to_its_last_slot(backend: ModuleType) -> None:
    profile = dataclasses.replace(backend.TINY, heap_slots=2**14, capacities=(2**14, 1, 1, 1, 1), max_ring_bytes=2**30)
    allocator = backend.EventAllocator(profile)
    tokens = allocator.allocate_many(b"x" * 2**14, lengths=1)
    assert len(set(tokens)) == 2**14
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate(b"x")


@pytest.mark.clause("PARAM-4")
@pytest.mark.parametrize("capacities", [(3, 5, 7, 11, 13), (1, 1, 1, 1, 1), (33, 31, 6, 10, 2)])
def test_nothing_is_rounded(backend: ModuleType, capacities: tuple[int, ...]) -> None:
    profile = dataclasses.replace(backend.TINY, capacities=capacities, heap_slots=3, heap_bytes=10**6)
    allocator = backend.EventAllocator(profile)
    for pool, size in enumerate(list(backend.EventSize)[:5]):
        assert allocator.pools.capacity(pool) == capacities[pool]
        pointers = [allocator.allocate(bytes(size)) for _ in range(capacities[pool])]
        with pytest.raises(backend.PoolExhausted):
            allocator.allocate(bytes(size))
        assert {pointer.slot_index for pointer in pointers} == set(range(capacities[pool]))
    heap = [allocator.allocate(bytes(16_385)) for _ in range(3)]
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate(bytes(16_385))
    assert {pointer.slot_index for pointer in heap} == {0, 1, 2}


@pytest.mark.clause("PARAM-1", "ERR-4")
def test_profiles_are_values(backend: ModuleType) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        backend.SEED.ref_bits = 3
    assert dataclasses.replace(backend.SEED) == backend.SEED
    assert hash(dataclasses.replace(backend.SEED)) == hash(backend.SEED)
    for make in (backend.EventPools, backend.EventAllocator):
        for wrong in (None, "SEED", 3, object()):
            with pytest.raises(TypeError, match="profile"):
                make(wrong)
