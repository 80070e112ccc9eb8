"""Bulk calls of the allocator on both implementations."""

import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from live_slots import taken  # type: ignore[import-not-found, unused-ignore]


@pytest.mark.clause("ALLOC-14")
def test_batch_is_allocated_in_order(backend: ModuleType) -> None:
    payloads = [bytes([n]) * length for n, length in enumerate((0, 1, 64, 65, 300, 5_000, 16_384, 16_385, 17))]
    lengths = [len(payload) for payload in payloads]
    types = [2**32 - 1 - n for n in range(len(payloads))]
    joined = b"".join(payloads)
    forms = [
        (payloads, None, types),
        (tuple(bytearray(payload) for payload in payloads), None, array.array("I", types)),
        (joined, lengths, np.array(types, dtype=np.uint32)),
        (bytearray(joined), array.array("I", lengths), tuple(types)),
        (memoryview(joined), np.array(lengths, dtype=np.uint32), types),
    ]
    for data, given_lengths, given_types in forms:
        allocator = backend.EventAllocator()
        tokens = allocator.allocate_many(data, lengths=given_lengths, event_types=given_types)
        assert (type(tokens), tokens.format, tokens.readonly, tokens.ndim) == (memoryview, "Q", True, 1)
        assert len(tokens) == len(payloads)
        pointers = [backend.RingPtr.from_token(token, allocator) for token in tokens]
        assert [pointer.bytes for pointer in pointers] == payloads
        assert [pointer.event_type for pointer in pointers] == types
        assert [pointer.ref_count for pointer in pointers] == [1] * len(payloads)


@pytest.mark.clause("ALLOC-14")
def test_batch_of_equal_lengths(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    tokens = allocator.allocate_many(b"aabbcc", lengths=2, event_types=6)
    pointers = [backend.RingPtr.from_token(token, allocator) for token in tokens]
    assert [(pointer.bytes, pointer.event_type) for pointer in pointers] == [(b"aa", 6), (b"bb", 6), (b"cc", 6)]
    assert len(allocator.allocate_many(b"", lengths=2)) == 0
    assert len(allocator.allocate_many([])) == 0
    assert len(allocator.allocate_many(b"", lengths=[])) == 0
    assert allocator.drop_many(allocator.allocate_many([])) == 0
    assert len(allocator.allocate_many(b"one event")) == 1


@pytest.mark.clause("ALLOC-14", "ERR-4", "ERR-1")
@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"data": b"abc", "lengths": 2}, ValueError, "lengths"),
        ({"data": b"abc", "lengths": 0}, ValueError, "lengths"),
        ({"data": b"abc", "lengths": -1}, ValueError, "lengths"),
        ({"data": b"abc", "lengths": True}, TypeError, "lengths"),
        ({"data": b"abc", "lengths": "3"}, TypeError, "lengths"),
        ({"data": b"abc", "lengths": [1, 1]}, ValueError, "lengths"),
        ({"data": b"abc", "lengths": [2, 2]}, ValueError, "lengths"),
        ({"data": b"abc", "lengths": [4, -1]}, ValueError, "lengths"),
        ({"data": b"abc", "lengths": [1.5, 1.5]}, TypeError, "lengths"),
        ({"data": [b"abc"], "lengths": 3}, (TypeError, ValueError), "lengths"),
        ({"data": [b"abc", 3]}, TypeError, "data"),
        ({"data": "abc"}, TypeError, "data"),
        ({"data": None}, TypeError, "data"),
        ({"data": [b"a", b"b"], "event_types": [1]}, ValueError, "event_types"),
        ({"data": [b"a", b"b"], "event_types": [1, 2, 3]}, ValueError, "event_types"),
        ({"data": [b"a", b"b"], "event_types": [1, 2**32]}, ValueError, "event_types"),
        ({"data": [b"a", b"b"], "event_types": [1, "2"]}, TypeError, "event_types"),
        ({"data": [b"a", b"b"], "event_types": -1}, ValueError, "event_types"),
        ({"data": [b"a", b"b"], "event_types": 2**32}, ValueError, "event_types"),
        ({"data": [b"a", b"b"], "event_types": None}, TypeError, "event_types"),
        ({"data": [b"a", b"b"], "event_types": 1.0}, TypeError, "event_types"),
    ],
)
def test_batches_that_are_refused(
    backend: ModuleType, arguments: dict[str, Any], error: type[Exception], named: str
) -> None:
    allocator = backend.EventAllocator()
    ring = backend.RingBuffer(64, 8)
    for call in (allocator.allocate_many, backend.Writer(ring).add_many):
        with pytest.raises(error, match=named):
            call(**arguments)
    assert sum(stats.allocations for stats in allocator.stats().values()) == 0
    assert ring.write_cursor == 0


@pytest.mark.clause("ALLOC-14", "ERR-1")
@pytest.mark.parametrize("index", [0, 3, 7])
def test_batch_that_does_not_fit_is_not_allocated_at_all(
    tiny: Callable[..., Any], backend: ModuleType, index: int
) -> None:
    allocator = tiny(capacities=(7, 2, 2, 1, 1))
    kept = [allocator.allocate(b"k" * 100) for _ in range(2)]
    for _ in range(3):
        allocator.allocate(b"turn").drop()
    before = [allocator.pools.slot_words(pool) for pool in range(6)]
    counts = [stats[:4] for stats in allocator.stats().values()]
    batch = [b"x" * 10] * 7
    batch.insert(index, b"y" * 100)
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate_many(batch)
    assert [allocator.pools.slot_words(pool) for pool in range(6)] == before
    assert [stats[:4] for stats in allocator.stats().values()] == counts
    assert [stats.failures for stats in allocator.stats().values()] == [0, 1, 0, 0, 0, 0]
    assert len(allocator.allocate_many([b"x" * 10] * 7)) == 7
    assert len(kept) == 2


@pytest.mark.clause("ALLOC-15")
def test_batch_of_tokens_is_dropped(backend: ModuleType) -> None:
    for form in (list, tuple, iter, lambda tokens: tokens, lambda tokens: np.array(tokens, dtype=np.uint64),
                 lambda tokens: array.array("Q", tokens)):  # fmt: skip
        allocator = backend.EventAllocator()
        tokens = allocator.allocate_many([b"a", b"b" * 200, b"c" * 20_000])
        assert sum(taken(allocator)) == 3
        assert allocator.drop_many(form(tokens)) == 3
        assert sum(taken(allocator)) == 0


@pytest.mark.clause("ALLOC-15", "ERR-1")
@pytest.mark.parametrize("fault", ["stale", "twice", "held", "malformed", "type"])
@pytest.mark.parametrize("index", [0, 1, 3])
def test_batch_of_tokens_with_one_fault_is_not_dropped_at_all(
    tiny: Callable[..., Any], backend: ModuleType, fault: str, index: int
) -> None:
    allocator = tiny(capacities=(6, 1, 1, 1, 1))
    tokens: list[Any] = list(allocator.allocate_many(b"abc", lengths=1))
    pointer = allocator.allocate(b"held")
    stale = allocator.allocate(b"s").into_token()
    allocator.drop_many([stale])
    bad: dict[str, tuple[Any, type[Exception]]] = {
        "stale": (stale, backend.StaleHandle),
        "twice": (tokens[0], backend.RefCountUnderflow),
        "held": (pointer.downgrade().token, backend.RefCountUnderflow),
        "malformed": (7, ValueError),
        "type": ("7", TypeError),
    }
    before = allocator.pools.slot_words(0)
    with pytest.raises(bad[fault][1]):
        allocator.drop_many([*tokens[:index], bad[fault][0], *tokens[index:]])
    assert allocator.pools.slot_words(0) == before
    assert allocator.drop_many(tokens) == 3
    assert taken(allocator)[0] == 1


@pytest.mark.clause("ALLOC-15")
def test_a_slots_several_detached_references_are_dropped_together(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x")
    tokens = [pointer.clone().into_token() for _ in range(3)]
    with pytest.raises(backend.RefCountUnderflow):
        allocator.drop_many([*tokens, tokens[0]])
    assert pointer.ref_count == 4
    assert allocator.drop_many(tokens) == 3
    assert pointer.ref_count == 1
