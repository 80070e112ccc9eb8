"""One object in the hands of several threads: no crash, no leak, and every event once."""

import contextlib
import gc
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from rusted_ring.native import (
    EventAllocator,
    Lagged,
    Loan,
    PoolId,
    Reader,
    ReleasedHandle,
    RingBuffer,
    RingClosed,
    RingPtr,
    ViewsOutstanding,
    Writer,
)

THREADS = 4
ROUNDS = 400


def together(work: Callable[[int], None], threads: int = THREADS) -> None:
    """Run `work(number)` in so many threads at once and raise what any of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(threads)

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    started = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    for error in errors:
        raise error


@pytest.mark.clause("ALLOC-13", "PTR-6", "PTR-17")
@pytest.mark.parametrize("size", [20, 20_000])
def test_one_pointer_in_many_threads(allocator: EventAllocator, size: int) -> None:
    payload = b"p" * size
    for _ in range(ROUNDS // 4):
        pointer = allocator.allocate(payload)

        def use(number: int, pointer: RingPtr = pointer) -> None:
            try:
                for _ in range(5):
                    assert pointer.bytes == payload
                    view = pointer.data
                    with pointer.clone() as other:
                        assert view == payload == other.bytes
                    del view
                if number == 0:
                    pointer.drop()
                else:
                    assert RingPtr.from_token(pointer.into_token(), allocator).bytes == payload
            except (ReleasedHandle, ViewsOutstanding):
                pass

        together(use)
        pointer.drop()
        del pointer, use
        assert all(stats.live == 0 for stats in allocator.stats().values())


@pytest.mark.clause("PTR-12", "PTR-17")
def test_one_thread_alone_turns_a_pointer_into_a_token(allocator: EventAllocator) -> None:
    for _ in range(ROUNDS):
        pointer = allocator.allocate(b"once")
        tokens: list[int] = []

        def take(_: int, pointer: RingPtr = pointer, tokens: list[int] = tokens) -> None:
            with contextlib.suppress(ReleasedHandle):
                tokens.append(pointer.into_token())

        together(take, threads=2)
        assert len(tokens) == 1
        assert allocator.drop_many(tokens) == 1


@pytest.mark.clause("LOAN-3", "LOAN-5")
def test_commit_against_abort(allocator: EventAllocator) -> None:
    for _ in range(ROUNDS):
        loan = allocator.loan(100)
        pointers: list[RingPtr] = []

        def end(number: int, pointers: list[RingPtr] = pointers, loan: object = loan) -> None:
            try:
                if number:
                    loan.abort()  # type: ignore[attr-defined]
                else:
                    pointers.append(loan.commit())  # type: ignore[attr-defined]
            except ReleasedHandle:
                pass

        together(end, threads=2)
        assert allocator.stats()[PoolId.S].live == len(pointers)


@pytest.mark.clause("RING-5", "RING-12")
@pytest.mark.parametrize("size", [16, 100_000], ids=["short", "long"])
def test_one_writer_and_one_reader_in_many_threads(size: int) -> None:
    """Long calls are run without the GIL, while the other threads use the same writer and reader."""
    rounds = ROUNDS if size == 16 else ROUNDS // 8
    ring = RingBuffer(size, THREADS * rounds, max_ring_bytes=2**30)
    writer, reader = Writer(ring), Reader(ring)

    def write(number: int) -> None:
        for at in range(rounds):
            payload = b"%04d-%06d" % (number, at)
            writer.add(payload * (1 if size == 16 else size // len(payload)), number)

    together(write)
    assert ring.write_cursor == THREADS * rounds
    seen: Counter[bytes] = Counter()
    lock = threading.Lock()

    def read(number: int) -> None:
        while True:
            events = list(reader.next_many(7)) if number % 2 else [event for event in [reader.next()] if event]
            if not events:
                return
            with lock:
                for event in events:
                    assert event.data == event.data[:11] * (len(event.data) // 11)
                    assert event.event_type == int(event.data[:4])
                    seen[event.data[:11]] += 1

    together(read)
    assert seen == Counter(b"%04d-%06d" % (number, at) for number in range(THREADS) for at in range(rounds))
    assert (reader.delivered, reader.skipped, reader.lag) == (THREADS * rounds, 0, 0)


@pytest.mark.clause("RING-11", "RING-12", "RING-13")
def test_a_reader_that_is_lapped_by_another_thread() -> None:
    ring = RingBuffer(100_000, 2, max_ring_bytes=2**30)
    writer = Writer(ring)

    def work(number: int) -> None:
        if number == 0:
            for at in range(300):
                writer.add(bytes([at % 256]) * 100_000)
            return
        reader = Reader(ring)
        while reader.cursor < 300:
            try:
                event = reader.next()
            except Lagged:
                continue
            assert event is None or event.data == event.data[:1] * 100_000
        assert reader.delivered + reader.skipped == reader.cursor - reader.start

    together(work, threads=3)


@pytest.mark.clause("RING-19", "RING-20", "RING-27")
def test_closing_and_evicting_in_the_middle_of_long_calls() -> None:
    for _ in range(20):
        ring = RingBuffer(200_000, 4, mode="gated", max_ring_bytes=2**30)
        writer, reader = Writer(ring), Reader(ring)

        def work(number: int, writer: Writer = writer, reader: Reader = reader) -> None:
            try:
                for _ in range(10):
                    if number == 0:
                        writer.add(bytes(200_000))
                    elif number == 1:
                        reader.next()
                        assert 0 <= reader.lag <= 40
                reader.evict() if number == 2 else (writer if number == 3 else reader).close()
            except RingClosed:
                pass

        together(work)
        assert ring.readers == 0
        assert writer.closed


@pytest.mark.clause("PTR-8", "ALLOC-13")
def test_a_handle_found_through_the_collector_before_its_call_returns(allocator: EventAllocator) -> None:
    """During a long call without the GIL, code that finds the unfinished pointer can only end it."""
    payload, stop = bytes(2_000_000), threading.Event()

    def make() -> None:
        while not stop.is_set():
            with contextlib.suppress(ReleasedHandle, ViewsOutstanding):
                allocator.allocate(payload)
                allocator.loan(len(payload)).commit(len(payload) - 1)

    threads = [threading.Thread(target=make) for _ in range(2)]
    gc.collect()
    gc.freeze()
    try:
        for thread in threads:
            thread.start()
        end, found = time.monotonic() + 1.5, 0
        thing: object = None
        while time.monotonic() < end:
            for thing in gc.get_objects():
                if isinstance(thing, (RingPtr, Loan)):
                    found += 1
                    with contextlib.suppress(ReleasedHandle, ViewsOutstanding):
                        if isinstance(thing, RingPtr):
                            thing.drop()
                        else:
                            thing.abort()
                        _ = (thing.released, repr(thing), thing.len, thing.event_type, thing.data)
            thing = None
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        gc.unfreeze()
    assert found > 0
