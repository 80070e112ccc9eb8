"""An allocator that threads share, on both implementations: no thread blocks another, no slot is lost."""

import os
import queue
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from live_slots import taken  # type: ignore[import-not-found, unused-ignore]


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
