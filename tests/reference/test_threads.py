"""Operations from many threads are atomic steps, and finalizers may run anywhere."""

import contextlib
import dataclasses
import gc
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from rusted_ring.reference import (
    SEED,
    TINY,
    EventAllocator,
    PoolExhausted,
    Reader,
    RefCountOverflow,
    ReleasedHandle,
    RingBuffer,
    RingClosed,
    RingPtr,
    StaleHandle,
    Writer,
    WriterTaken,
)


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    """Let threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_together(*workers: Callable[[], None]) -> None:
    """Run the workers in threads of their own and raise the first error of any."""
    errors: list[BaseException] = []

    def guarded(worker: Callable[[], None]) -> None:
        try:
            worker()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


@pytest.mark.clause("ALLOC-13", "SLOT-1", "PTR-7")
def test_nothing_is_lost_or_shared_among_allocating_threads() -> None:
    allocator = EventAllocator(dataclasses.replace(TINY, capacities=(5, 1, 1, 1, 1), generation_bits=16))
    taken = [0] * 4

    def worker(number: int) -> None:
        payload = bytes([number]) * 8
        for turn in range(400):
            try:
                pointer = allocator.allocate(payload, turn)
            except PoolExhausted:
                continue
            taken[number] += 1
            clone, weak, view = pointer.clone(), pointer.downgrade(), pointer.data
            pointer.drop()
            assert (clone.bytes, clone.event_type, bytes(view)) == (payload, turn, payload)
            assert weak.upgrade().bytes == payload
            del view
            RingPtr.from_token(clone.into_token(), allocator).drop()

    run_together(*[lambda number=number: worker(number) for number in range(4)])
    figures = next(iter(allocator.stats().values()))
    assert (figures.live, figures.allocations) == (0, sum(taken))
    assert sum(allocator.pools.get_generation(0, slot) for slot in range(5)) == sum(taken) % 2**16
    assert sum(taken) > 400


@pytest.mark.clause("SLOT-10", "ALLOC-13", "PTR-3")
def test_racing_clones_and_drops_of_one_pointer_end_with_its_own_count() -> None:
    allocator = EventAllocator(TINY)
    pointer = allocator.allocate(b"a")

    def worker() -> None:
        for _ in range(500):
            try:
                pointer.clone().drop()
            except RefCountOverflow:
                assert 1 <= pointer.ref_count <= 3

    run_together(worker, worker, worker, worker)
    assert pointer.ref_count == 1


@pytest.mark.clause("PTR-6", "PTR-1", "ALLOC-13")
def test_use_that_races_with_a_drop_works_or_says_released() -> None:
    allocator = EventAllocator(TINY)
    for _ in range(150):
        pointer = allocator.allocate(b"abc")
        outcomes: list[bytes] = []

        def use(pointer: RingPtr = pointer, outcomes: list[bytes] = outcomes) -> None:
            try:
                while True:
                    with pointer.clone() as clone:
                        outcomes.append(clone.bytes)
            except (ReleasedHandle, RefCountOverflow):
                pass

        run_together(use, use, pointer.drop)
        assert set(outcomes) <= {b"abc"}
        assert next(iter(allocator.stats().values())).live == 0


@pytest.mark.clause("PTR-12", "PTR-6")
def test_one_of_many_racing_calls_turns_a_pointer_into_a_token() -> None:
    allocator = EventAllocator(TINY)
    for _ in range(100):
        pointer = allocator.allocate(b"abc")
        tokens: list[int] = []

        def turn(pointer: RingPtr = pointer, tokens: list[int] = tokens) -> None:
            with contextlib.suppress(ReleasedHandle):
                tokens.append(pointer.into_token())

        run_together(turn, turn, turn)
        assert len(tokens) == 1
        assert allocator.drop_many(tokens) == 1


@pytest.mark.clause("PTR-5", "ALLOC-13")
def test_collector_that_runs_all_the_time_does_no_harm() -> None:
    allocator = EventAllocator(dataclasses.replace(SEED, capacities=(8, 1, 1, 1, 1)))
    threshold = gc.get_threshold()
    gc.set_threshold(3, 2, 2)

    def worker() -> None:
        for _ in range(300):
            try:
                cycle: list[object] = [allocator.allocate(b"abc"), allocator.loan(3)]
            except PoolExhausted:
                continue
            cycle.append(cycle)

    try:
        run_together(worker, worker, worker)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert next(iter(allocator.stats().values())).live == 0


@pytest.mark.clause("WEAK-2", "WEAK-3", "WEAK-4")
def test_upgrade_never_shows_another_event() -> None:
    allocator = EventAllocator(dataclasses.replace(TINY, capacities=(1, 1, 1, 1, 1), generation_bits=16))
    weak = [allocator.allocate(b"0").downgrade()]
    done = threading.Event()

    def replace() -> None:
        for turn in range(1, 500):
            try:
                pointer = allocator.allocate(b"%d" % turn, turn)
            except PoolExhausted:  # an upgraded pointer still holds the slot
                continue
            weak[0] = pointer.downgrade()
            pointer.drop()
        done.set()

    def upgrade() -> None:
        while not done.is_set():
            handle = weak[0]
            try:
                with handle.upgrade() as pointer:
                    assert pointer.generation == handle.generation
                    assert pointer.bytes == b"%d" % pointer.event_type
            except (StaleHandle, RefCountOverflow):
                pass

    run_together(replace, upgrade, upgrade)


@pytest.mark.clause("RING-5", "RING-14", "RING-15", "RING-20")
def test_gated_ring_between_threads_loses_nothing_and_survives_eviction() -> None:
    ring = RingBuffer(8, 3, mode="gated", max_readers=3)
    writer = Writer(ring)
    readers = [Reader(ring) for _ in range(3)]
    total = 1_500

    def write() -> None:
        published = 0
        while published < total:
            published += writer.add(b"%d" % published, published)
            if published == total // 2:
                readers[2].evict()

    def read(reader: Reader, last: bool) -> None:
        sequence = 0
        try:
            while sequence < total:
                for found in reader.next_many(2):
                    assert found == (b"%d" % sequence, sequence)
                    sequence += 1
        except RingClosed:
            assert last
        assert reader.delivered == sequence
        assert reader.skipped == 0

    run_together(write, *[lambda index=index: read(readers[index], index == 2) for index in range(3)])
    assert [reader.delivered for reader in readers[:2]] == [total, total]
    assert ring.readers == 2


@pytest.mark.clause("RING-4")
def test_one_of_many_racing_writers_gets_the_place() -> None:
    ring = RingBuffer(8, 4)
    got: list[Writer] = []

    def open_writer() -> None:
        with contextlib.suppress(WriterTaken):
            got.append(Writer(ring))

    run_together(*[open_writer] * 6)
    assert len(got) == 1
