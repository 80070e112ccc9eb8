"""Overwriting rings on both implementations: what is retained, and what a lapped reader is told."""

import random
import threading
import time
from types import ModuleType
from typing import Any

import pytest
from ring_events import CAPACITIES, payload, range_types, sequences, write  # type: ignore[import-not-found, unused-ignore]


@pytest.mark.clause("RING-2", "RING-10", "RING-18")
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_event_replaces_the_one_a_capacity_before(backend: ModuleType, capacity: int) -> None:
    """A slot is shared by the sequences that are equal modulo the capacity and by no others."""
    ring = backend.RingBuffer(16, capacity)
    writer = backend.Writer(ring)
    write(writer, capacity)
    for sequence in range(capacity, 3 * capacity):
        alive = backend.Reader(ring, cursor=sequence - capacity)
        doomed = backend.Reader(ring, cursor=sequence - capacity)
        assert sequences([alive.next()]) == [sequence - capacity]
        write(writer, 1)
        with pytest.raises(backend.Lagged):
            doomed.next()
        if capacity > 1:
            assert sequences([alive.next()]) == [sequence - capacity + 1]


@pytest.mark.clause("RING-10", "RING-30")
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_overwriting_ring_retains_the_last(backend: ModuleType, capacity: int) -> None:
    ring = backend.RingBuffer(16, capacity)
    writer, slow = backend.Writer(ring), backend.Reader(ring)
    for published in range(1, 3 * capacity + 2):
        assert writer.add(payload(published - 1), published - 1) is True
        retained = min(published, capacity)
        assert ring.retained == retained
        assert sequences(backend.Reader(ring)) == list(range(published - retained, published))
    assert slow.cursor == 0


@pytest.mark.clause("RING-11", "ERR-5", "RING-12")
@pytest.mark.parametrize("capacity", CAPACITIES)
@pytest.mark.parametrize("extra", [0, 1, 2, 50])
@pytest.mark.parametrize("read", [0, 1])
def test_lapped_reader_is_told_once(backend: ModuleType, capacity: int, extra: int, read: int) -> None:
    ring = backend.RingBuffer(16, capacity)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    if read:
        write(writer, 1)
        reader.next()
    write(writer, capacity + extra)
    if extra:
        with pytest.raises(backend.Lagged) as caught:
            reader.next()
        assert caught.value.skipped == extra
        assert caught.value.next_sequence == read + extra == reader.cursor
        assert (reader.delivered, reader.skipped) == (read, extra)
    assert sequences(reader) == list(range(read + extra, read + extra + capacity))
    assert (reader.delivered, reader.skipped) == (read + capacity, extra)


@pytest.mark.clause("RING-11", "RING-8")
def test_lag_while_iterating_is_told_too(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 4)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    write(writer, 6)
    with pytest.raises(backend.Lagged):
        list(reader)
    assert sequences(reader) == [2, 3, 4, 5]


@pytest.mark.clause("RING-12", "RING-13", "RING-23", "RING-24")
@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("seed", range(3))
def test_conservation_after_every_step(backend: ModuleType, capacity: int, seed: int) -> None:
    ring = backend.RingBuffer(24, capacity)
    writer = backend.Writer(ring)
    choices = random.Random(seed)
    readers: list[tuple[Any, list[int]]] = [(backend.Reader(ring), [])]
    for _ in range(600):
        step = choices.random()
        if step < 0.5:
            write(writer, choices.randrange(1, 4), 24)
        elif step < 0.55 and len(readers) < 6:
            cursor = choices.randrange(ring.write_cursor + 1)
            readers.append((backend.Reader(ring, cursor=cursor), []))
        else:
            reader, got = choices.choice(readers)
            oldest = max(0, ring.write_cursor - capacity)
            try:
                if step < 0.8:
                    event = reader.next()
                    got += sequences([] if event is None else [event])
                else:
                    got += sequences(reader.next_many(choices.randrange(1, 6)))
            except backend.Lagged as lagged:
                told = (lagged.skipped > 0, lagged.next_sequence, reader.cursor)
                assert told == (True, oldest, oldest)
        for reader, got in readers:
            assert reader.delivered + reader.skipped == reader.cursor - reader.start
            assert reader.delivered == len(got)
            assert got == sorted(set(got))
            assert reader.lag == ring.write_cursor - reader.cursor
            assert reader.backlog == min(reader.lag, capacity)
            assert reader.backpressure_ratio == reader.backlog / capacity
            assert type(reader.backpressure_ratio) is float
            assert 0.0 <= reader.backpressure_ratio <= 1.0


@pytest.mark.clause("RING-13", "RING-12", "RING-5", "ORDER-9", "ORDER-7")
@pytest.mark.parametrize(("capacity", "size"), [(1, 8), (1, 200), (2, 64), (3, 1_000), (64, 100)])
def test_nothing_torn_under_a_writer_that_laps(backend: ModuleType, capacity: int, size: int, threads: Any) -> None:
    """Real threads: bulk calls that may run beside each other, and single ones."""
    ring = backend.RingBuffer(size, capacity)
    writer = backend.Writer(ring)
    stop = threading.Event()

    def produce() -> None:
        try:
            deadline = time.monotonic() + 0.4
            while time.monotonic() < deadline:
                start = ring.write_cursor
                batch = [payload(sequence, size) for sequence in range(start, start + 40)]
                assert writer.add_many(batch, event_types=range_types(start, 40)) == 40
                write(writer, 5, size)
        finally:
            stop.set()

    def consume(bulk: bool) -> None:
        reader = backend.Reader(ring, start="latest")
        last = -1
        finished = False
        while True:
            threads.check()
            events: list[Any] = []
            try:
                if bulk:
                    events = list(reader.next_many(16))
                else:
                    event = reader.next()
                    events = [] if event is None else [event]
            except backend.Lagged:
                continue
            for sequence in sequences(events):
                assert sequence > last
                last = sequence
            assert reader.delivered + reader.skipped == reader.cursor - reader.start
            if not events:
                if finished:
                    assert reader.cursor == ring.write_cursor
                    return
                finished = stop.is_set()

    threads.run(produce, lambda: consume(True), lambda: consume(False))


@pytest.mark.clause("RING-22", "RING-23", "RING-24", "RING-30")
@pytest.mark.parametrize("capacity", [1, 3, 4])
def test_lag_backlog_and_backpressure(backend: ModuleType, capacity: int) -> None:
    ring = backend.RingBuffer(16, capacity)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    for published in range(3 * capacity + 1):
        assert (reader.lag, reader.backlog) == (published, min(published, capacity))
        assert reader.backpressure_ratio == min(published, capacity) / capacity
        write(writer, 1)
    with pytest.raises(backend.Lagged):
        reader.next()
    assert (reader.lag, reader.backlog, reader.backpressure_ratio) == (capacity, capacity, 1.0)
