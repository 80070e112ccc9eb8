"""The chapter Allocator on both implementations."""

import array
import dataclasses
import os
import queue
import random
import shutil
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

LENGTHS = (64, 256, 1_024, 4_096, 16_384, 16_385)


def taken(allocator: Any) -> list[int]:
    """Return how many slots of each pool are not free."""
    return [stats.live for stats in allocator.stats().values()]


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


@pytest.mark.clause("ALLOC-3", "ALLOC-13")
@pytest.mark.parametrize("capacity", [2, 3])
def test_pool_with_a_slot_for_everyone_is_never_exhausted(
    tiny: Callable[..., Any], capacity: int, threads: Any
) -> None:
    """As many threads as slots, each holding one at the most: at every moment of a call a slot is free."""
    allocator = tiny(capacities=(capacity, 1, 1, 1, 1), generation_bits=16, tag_bits=32)

    def work() -> None:
        for _ in range(3_000):
            allocator.allocate(b"x").drop()

    threads.run(*[work] * capacity)
    assert allocator.stats()[0].failures == 0
    assert allocator.stats()[0].allocations == 3_000 * capacity


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


BUFFERS: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"abcdefgh",
    "bytearray": lambda: bytearray(b"abcdefgh"),
    "memoryview": lambda: memoryview(b"--abcdefgh--")[2:-2],
    "array of u16": lambda: array.array("H", [1, 2, 3]),
    "array of double": lambda: array.array("d", [1.5, -2.5]),
    "numpy": lambda: np.arange(6, dtype=np.int32),
    "numpy in two dimensions": lambda: np.arange(12, dtype=np.int16).reshape(3, 4),
    "numpy of nothing": lambda: np.zeros((0, 4)),
    "cast": lambda: memoryview(bytes(16)).cast("Q"),
    "shape": lambda: memoryview(bytes(range(12))).cast("B", shape=[3, 4]),
    "empty": lambda: b"",
    "one number": lambda: np.array(7.25),
}


@pytest.mark.clause("ALLOC-5")
@pytest.mark.parametrize("name", BUFFERS)
def test_any_contiguous_buffer_is_a_payload(backend: ModuleType, name: str) -> None:
    buffer = BUFFERS[name]()
    expected = memoryview(buffer).tobytes()
    allocator = backend.EventAllocator()
    assert allocator.allocate(buffer).bytes == expected
    (token,) = allocator.allocate_many(buffer)
    assert backend.RingPtr.from_token(token, allocator).bytes == expected
    token = backend.handle_ffi_event(allocator, buffer, 0)
    assert backend.RingPtr.from_token(token, allocator).bytes == expected
    pool = allocator.allocate(buffer).pool_id
    slot = backend.allocate_to_pool(allocator, buffer, 0)
    assert bytes(allocator.pools.get_slot_data(pool, slot)) == expected
    ring = backend.RingBuffer(64, 4)
    backend.Writer(ring).add(buffer)
    assert backend.Reader(ring).next().data == expected


@pytest.mark.clause("ALLOC-5")
def test_view_of_a_pointer_is_a_payload(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"again")
    assert allocator.allocate(pointer.data).bytes == b"again"


@pytest.mark.clause("ALLOC-5", "ERR-4")
@pytest.mark.parametrize("wrong", [None, "text", 3, 1.5, [1, 2], object(), ()])
def test_what_is_no_buffer_is_refused(backend: ModuleType, wrong: Any) -> None:
    allocator = backend.EventAllocator()
    writer = backend.Writer(backend.RingBuffer(64, 4))
    calls: list[Callable[[], Any]] = [
        lambda: allocator.allocate(wrong),
        lambda: backend.handle_ffi_event(allocator, wrong, 0),
        lambda: backend.allocate_to_pool(allocator, wrong, 0),
        lambda: backend.allocate_from_pool(allocator, wrong, 0),
        lambda: writer.add(wrong),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="data"):
            call()
    assert sum(taken(allocator)) == 0


@pytest.mark.clause("ALLOC-5", "ERR-4")
@pytest.mark.parametrize(
    "make",
    [lambda: memoryview(b"abcdef")[::2], lambda: np.arange(12).reshape(3, 4).T, lambda: memoryview(b"abc")[::-1]],
    ids=["stride", "transposed", "backwards"],
)
def test_buffer_that_is_not_contiguous_is_refused(backend: ModuleType, make: Callable[[], Any]) -> None:
    allocator = backend.EventAllocator()
    calls: list[Callable[[], Any]] = [
        lambda: allocator.allocate(make()),
        lambda: backend.handle_ffi_event(allocator, make(), 0),
        lambda: backend.Writer(backend.RingBuffer(256, 4)).add(make()),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="data"):
            call()
    assert sum(taken(allocator)) == 0


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


@pytest.mark.clause("ALLOC-12")
def test_thread_stopped_inside_any_call_blocks_no_other_thread(tmp_path: Path) -> None:
    """The C core with a program that stops a thread at any instruction, since no Python can."""
    compiler = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)
    if compiler is None:
        pytest.skip("no C compiler: set CC or install one")
    here = Path(__file__).resolve().parent
    native_root = here.parents[1] / "native"
    sources = [str(path) for path in sorted((native_root / "src").glob("*.c"))]
    program = tmp_path / "lock_freedom"
    options = ["-std=c11", "-O2", f"-I{native_root / 'include'}", "-o", str(program)]
    subprocess.run([*compiler.split(), *options, str(here / "lock_freedom.c"), *sources, "-lpthread"], check=True)
    ended = subprocess.run([str(program)], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr or f"ended by signal {-ended.returncode}"


@pytest.mark.clause("ALLOC-12", "ALLOC-13")
def test_thread_that_stops_between_two_calls_blocks_no_other_thread(
    tiny: Callable[..., Any], backend: ModuleType, threads: Any
) -> None:
    allocator = tiny(capacities=(8, 1, 1, 1, 1))
    ready, go = threading.Event(), threading.Event()
    ends: list[Any] = []

    def stopped() -> None:
        loan, pointer = allocator.loan(5), allocator.allocate(b"p")
        weak = pointer.downgrade()
        ready.set()
        assert go.wait(60)
        ends.append((loan.commit().bytes, weak.upgrade().bytes))

    def others() -> None:
        assert ready.wait(60)
        try:
            for _ in range(200):
                pointers = [allocator.allocate(b"x") for _ in range(6)]
                assert len({pointer.slot_index for pointer in pointers}) == 6
                with pytest.raises(backend.PoolExhausted):
                    allocator.allocate(b"x")
                for pointer in pointers:
                    pointer.drop()
        finally:
            go.set()

    threads.run(stopped, others)
    assert ends == [(bytes(5), b"p")]


@pytest.mark.clause("ALLOC-13", "PTR-1", "SLOT-9", "SLOT-12")
def test_many_threads_do_everything(
    tiny: Callable[..., Any], backend: ModuleType, collect: Callable[[], None], threads: Any
) -> None:
    allocator = tiny(capacities=(6, 2, 2, 2, 2), ref_bits=8, generation_bits=16)
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()
    rounds = 600

    def work(mark: int) -> None:
        choices = random.Random(mark)
        for _ in range(rounds):
            payload = bytes([mark]) * choices.choice([1, 60, 200, 900])
            try:
                if choices.random() < 0.5:
                    pointer = allocator.allocate(payload, mark)
                else:
                    loan = allocator.loan(len(payload), mark)
                    loan.data[:] = payload
                    if choices.random() < 0.2:
                        loan.abort()
                        continue
                    pointer = loan.commit()
            except backend.PoolExhausted:
                continue
            weak = pointer.downgrade()
            clone = pointer.clone()
            box.put((payload, mark, pointer.clone().into_token(), clone))
            assert pointer.bytes == payload
            pointer.drop()
            try:
                item = box.get_nowait()
            except queue.Empty:
                continue
            expected, event_type, token, handed = item
            taken_over = backend.RingPtr.from_token(token, allocator)
            assert (taken_over.bytes, handed.event_type) == (expected, event_type)
            taken_over.drop()
            handed.drop()
            try:
                with weak.upgrade() as strong:
                    assert (strong.bytes, strong.event_type) == (payload, mark)
            except backend.StaleHandle:
                pass

    threads.run(*[lambda mark=mark: work(mark) for mark in range(1, 5)])
    while not box.empty():
        expected, _, token, handed = box.get()
        assert backend.RingPtr.from_token(token, allocator).bytes == expected == handed.bytes
        del handed
    collect()
    assert taken(allocator) == [0] * 6
    assert sum(stats.allocations for stats in allocator.stats().values()) > rounds


@pytest.mark.slow
@pytest.mark.clause("ALLOC-13", "SLOT-10", "WEAK-2")
def test_clone_drop_and_upgrade_hammered(tiny: Callable[..., Any], backend: ModuleType, threads: Any) -> None:
    """Counts at their limit under threads: no reference is lost, none is made up, no event is seen after its end."""
    allocator = tiny(ref_bits=3, generation_bits=16, capacities=(2, 1, 1, 1, 1))
    shared: list[Any] = [allocator.allocate(b"\0" * 8, 0)]
    deadline = time.monotonic() + 6
    refused: Counter[str] = Counter()

    def work(mark: int) -> None:
        choices = random.Random(mark)
        held: list[Any] = []
        while time.monotonic() < deadline:
            threads.check()
            current = shared[0]
            try:
                if choices.random() < 0.5:
                    held.append(current.clone())
                else:
                    held.append(current.downgrade().upgrade())
            except (backend.RefCountOverflow, backend.ReleasedHandle, backend.StaleHandle) as error:
                refused[type(error).__name__] += 1
            if held and choices.random() < 0.6:
                handle = held.pop(choices.randrange(len(held)))
                assert handle.bytes == bytes([handle.event_type]) * 8
                handle.drop()
            if mark == 0 and choices.random() < 0.02:
                number = choices.randrange(256)
                try:
                    fresh = allocator.allocate(bytes([number]) * 8, number)
                except backend.PoolExhausted:
                    continue
                shared[0], previous = fresh, shared[0]
                previous.drop()
        for handle in held:
            handle.drop()

    threads.run(*[lambda mark=mark: work(mark) for mark in range(4)])
    shared.pop().drop()
    assert taken(allocator) == [0] * 6
    assert refused["RefCountOverflow"] > 0


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


@pytest.mark.clause("ALLOC-23", "ERR-4", "ERR-6")
def test_event_types(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    writer = backend.Writer(backend.RingBuffer(8, 8))
    calls: list[Callable[..., Any]] = [
        lambda event_type: allocator.allocate(b"x", event_type),
        lambda event_type: allocator.loan(1, event_type),
        lambda event_type: backend.handle_ffi_event(allocator, b"x", event_type),
        lambda event_type: backend.allocate_to_pool(allocator, b"x", event_type),
        lambda event_type: backend.allocate_from_pool(allocator, b"x", event_type),
        lambda event_type: writer.add(b"x", event_type),
    ]
    for call in calls:
        for wrong in (-1, 2**32, 2**64, -(2**64)):
            with pytest.raises(ValueError, match="event_type"):
                call(wrong)
        for wrong_type in (None, "1", 1.0, True, b"\1"):
            with pytest.raises(TypeError, match="event_type"):
                call(wrong_type)
    assert taken(allocator) == [0] * 6
    for event_type in (0, 1, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, np.uint32(2**32 - 1)):
        assert allocator.allocate(b"x", event_type).event_type == event_type


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
