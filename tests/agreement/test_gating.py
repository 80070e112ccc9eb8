"""Gated rings on both implementations: the writer waits for the slowest reader, and unread events are retained."""

import itertools
import random
import time
from types import ModuleType
from typing import Any

import pytest
from ring_events import CAPACITIES, payload, range_types, sequences, write  # type: ignore[import-not-found, unused-ignore]


@pytest.mark.clause("RING-14", "RING-15")
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_gated_writer_waits_for_the_slowest(backend: ModuleType, capacity: int) -> None:
    ring = backend.RingBuffer(16, capacity, mode="gated")
    writer, fast, slow = backend.Writer(ring), backend.Reader(ring), backend.Reader(ring)
    assert write(writer, capacity + 5) == capacity
    assert sequences(fast) == list(range(capacity))
    for _ in range(3):
        assert writer.add(b"refused") is False
        assert writer.add_many([b"refused", b"refused"]) == 0
        assert ring.write_cursor == capacity
    for sequence in range(2 * capacity + 1):
        assert sequences([slow.next()]) == [sequence]
        assert write(writer, 3) == 1
        assert sequences([fast.next()]) == [sequence + capacity]
        assert writer.add(b"refused") is False
    slow.close()
    assert write(writer, capacity + 5) == capacity


@pytest.mark.clause("RING-14")
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_gated_writer_without_readers_never_waits(backend: ModuleType, capacity: int) -> None:
    ring = backend.RingBuffer(16, capacity, mode="gated")
    writer = backend.Writer(ring)
    assert write(writer, 3 * capacity + 1) == 3 * capacity + 1
    assert writer.add_many([b"x"] * (2 * capacity + 1)) == 2 * capacity + 1
    assert ring.readers == 0


@pytest.mark.clause("RING-15", "ORDER-8", "ORDER-10")
@pytest.mark.parametrize("capacity", [1, 2, 3, 16])
def test_gated_ring_loses_nothing_between_threads(backend: ModuleType, capacity: int, threads: Any) -> None:
    """Readers that join while the writer runs, leave, and join again: each gets every event from its first on."""
    ring = backend.RingBuffer(24, capacity, mode="gated", max_readers=4)
    writer = backend.Writer(ring)
    total = 2_000

    def produce() -> None:
        sequence = 0
        while sequence < total:
            threads.check()
            if sequence % 3 == 0:
                batch = min(4, total - sequence)
                data = [payload(number, 24) for number in range(sequence, sequence + batch)]
                accepted = writer.add_many(data, event_types=range_types(sequence, batch))
            else:
                accepted = int(writer.add(payload(sequence, 24), sequence))
            sequence += accepted
            if not accepted:
                time.sleep(0)

    def consume(bulk: bool) -> None:
        expected = 0
        while expected < total:
            threads.check()
            reader = backend.Reader(ring, start="latest" if bulk else "oldest")
            assert reader.start >= expected or not bulk
            expected = reader.start
            for _ in range(60):
                events = list(reader.next_many(3)) if bulk else list(itertools.islice(reader, 3))
                for sequence in sequences(events):
                    assert sequence == expected
                    expected += 1
                if expected >= total:
                    break
                if not events:
                    time.sleep(0)
            reader.close()

    steady = backend.Reader(ring)

    def read_all() -> None:
        got = 0
        while got < total:
            threads.check()
            for event in steady:
                assert sequences([event]) == [got]
                got += 1
            time.sleep(0)
        assert steady.skipped == 0

    threads.run(produce, lambda: consume(True), lambda: consume(False), read_all)
    assert ring.write_cursor == total


@pytest.mark.clause("RING-17", "RING-16", "RING-30")
def test_what_a_gated_ring_retains(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 8, mode="gated")
    writer = backend.Writer(ring)
    assert ring.retained == 0
    write(writer, 5)
    assert ring.retained == 5  # no reader is registered, and no later event took a slot
    write(writer, 6)
    assert ring.retained == 8
    slow = backend.Reader(ring)
    assert slow.start == 3
    fast = backend.Reader(ring)
    assert sequences(fast) == list(range(3, 11))
    assert ring.retained == 8  # the slow one has read none of them
    assert sequences(slow.next_many(3)) == [3, 4, 5]
    assert ring.retained == 5
    third = backend.Reader(ring)
    assert third.start == 6
    third.close()
    slow.close()
    assert ring.retained == 0  # the only reader left has read everything
    joined = backend.Reader(ring)
    assert joined.start == 11
    joined.close()
    fast.close()
    assert ring.retained == 0
    write(writer, 2)
    assert ring.retained == 2
    assert sequences(backend.Reader(ring)) == [11, 12]


@pytest.mark.clause("RING-17")
def test_events_read_by_everyone_are_gone_when_everyone_leaves(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 8, mode="gated")
    writer = backend.Writer(ring)
    reader = backend.Reader(ring)
    write(writer, 6)
    reader.next_many(2)
    reader.close()
    assert ring.retained == 4
    evicted = backend.Reader(ring)
    assert evicted.start == 2
    evicted.next_many(1)
    evicted.evict()
    assert ring.retained == 3
    assert backend.Reader(ring).start == 3


@pytest.mark.clause("RING-17")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("capacity", [1, 2, 5])
def test_retention_follows_a_model(backend: ModuleType, seed: int, capacity: int) -> None:
    """Random joins, reads, leaves and evictions against the clause, event by event."""
    choices = random.Random(seed)
    ring = backend.RingBuffer(16, capacity, mode="gated", max_readers=3)
    writer = backend.Writer(ring)
    readers: list[Any] = []
    retained: list[int] = []  # the events that the clause says are retained
    for _ in range(500):
        step = choices.random()
        published = ring.write_cursor
        if step < 0.4:
            slowest = min((reader.cursor for reader in readers), default=published)
            accepted = writer.add(payload(published), published)
            assert accepted == (published - slowest < capacity)
            if accepted:
                retained.append(published)
                if retained[0] == published - capacity:
                    retained.pop(0)
        elif step < 0.5 and len(readers) < 3:
            where = choices.choice(["oldest", "latest"])
            readers.append(backend.Reader(ring, start=where))
            assert readers[-1].start == (retained[0] if where == "oldest" and retained else published)
        elif readers and step < 0.6:
            reader = readers.pop(choices.randrange(len(readers)))
            choices.choice([reader.close, reader.evict])()
        elif readers:
            choices.choice(readers).next_many(choices.randrange(1, 3))
        if readers:
            slowest = min(reader.cursor for reader in readers)
            retained = [sequence for sequence in retained if sequence >= slowest]
        assert ring.retained == len(retained)
        assert ring.readers == len(readers)
