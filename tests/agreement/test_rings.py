"""The chapter Rings on both implementations, both kinds of ring."""

import array
import itertools
import random
import threading
import time
import tracemalloc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

MODES = ("overwrite", "gated")
CAPACITIES = (1, 2, 3, 5, 7, 8, 31, 32, 33, 100)


def payload(sequence: int, length: int = 8) -> bytes:
    """Return a payload that tells its sequence number in every 8 bytes."""
    return (sequence.to_bytes(8, "little") * (length // 8 + 1))[:length]


def write(writer: Any, count: int, length: int = 8) -> int:
    """Add events that tell their sequence numbers; return how many were accepted."""
    start = writer.ringbuffer.write_cursor
    accepted = 0
    for sequence in range(start, start + count):
        if not writer.add(payload(sequence, length), sequence % 2**32):
            break
        accepted += 1
    return accepted


def sequences(events: Any) -> list[int]:
    """Return the sequence numbers that events tell, having checked that each tells one."""
    found = []
    for event in events:
        assert event.data == payload(event.event_type, len(event.data))
        found.append(event.event_type)
    return found


@pytest.mark.clause("RING-1", "RING-22")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_sequence_numbers_are_absolute(backend: ModuleType, mode: str, capacity: int) -> None:
    ring = backend.RingBuffer(16, capacity, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    assert ring.write_cursor == reader.cursor == reader.start == 0
    for published in range(3 * capacity + 2):
        assert writer.add(payload(published), published)
        assert ring.write_cursor == published + 1
        assert (reader.cursor, reader.lag) == (published, 1)
        event = reader.next()
        assert (event.data, event.event_type) == (payload(published), published)
        assert (reader.cursor, reader.lag) == (published + 1, 0)


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


@pytest.mark.clause("RING-3")
def test_rings_and_pools_share_nothing(backend: ModuleType) -> None:
    """In the crate a ring and a pool are the same storage, and a write to the ring lands in an allocated slot."""
    allocator = backend.EventAllocator()
    pointers = [allocator.allocate(b"P" * 64) for _ in range(2_000)]
    words = allocator.pools.slot_words(0)
    first, second = backend.RingBuffer(64, 20), backend.RingBuffer(64, 20)
    one, two = backend.Writer(first), backend.Writer(second)
    for number in range(50):
        one.add(b"1" * 64, number)
        if number % 2:
            two.add(b"2" * 64, number)
    assert allocator.pools.slot_words(0) == words
    assert all(pointer.bytes == b"P" * 64 for pointer in pointers)
    for pointer in pointers:
        pointer.drop()
    assert allocator.stats()[backend.PoolId.XS].live == 0
    assert (first.write_cursor, second.write_cursor) == (50, 25)
    assert [event.data for event in backend.Reader(first)] == [b"1" * 64] * 20
    assert [event.data for event in backend.Reader(second)] == [b"2" * 64] * 20


@pytest.mark.clause("RING-4")
@pytest.mark.parametrize("mode", MODES)
def test_one_writer_at_a_time(backend: ModuleType, collect: Callable[[], None], mode: str) -> None:
    ring = backend.RingBuffer(8, 4, mode=mode)
    writer = backend.Writer(ring)
    for _ in range(3):
        with pytest.raises(backend.WriterTaken):
            backend.Writer(ring)
    assert backend.Writer(backend.RingBuffer(8, 4, mode=mode)).add(b"another")
    writer.close()
    writer = backend.Writer(ring)
    with pytest.raises(backend.WriterTaken):
        backend.Writer(ring)
    del writer
    collect()
    with backend.Writer(ring) as writer:
        assert writer.add(b"x")
        with pytest.raises(backend.WriterTaken):
            backend.Writer(ring)
    assert backend.Writer(ring).add(b"y")


@pytest.mark.clause("RING-4")
def test_one_of_many_threads_becomes_the_writer(backend: ModuleType, threads: Any) -> None:
    ring = backend.RingBuffer(16, 64)
    added = []
    refused = []

    def work() -> None:
        for _ in range(300):
            try:
                writer = backend.Writer(ring)
            except backend.WriterTaken:
                refused.append(1)
                continue
            for _ in range(3):
                sequence = ring.write_cursor
                writer.add(payload(sequence), sequence)
                added.append(sequence)
            writer.close()

    threads.run(work, work, work)
    assert added == list(range(len(added)))
    assert ring.write_cursor == len(added)
    assert len(refused) + len(added) // 3 == 900


@pytest.mark.clause("RING-5", "RING-7")
@pytest.mark.parametrize("mode", MODES)
def test_events_arrive_whole_and_in_order(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(256, 50, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    choices = random.Random(3)
    expected: list[tuple[bytes, int]] = []
    got: list[tuple[bytes, int]] = []
    for number in range(1_000):
        data = choices.randbytes(choices.choice([0, 1, 7, 8, 9, 63, 64, 255, 256]))
        assert writer.add(data, number)
        expected.append((data, number))
        if choices.random() < 0.3 or len(expected) - len(got) == 50:
            while (event := reader.next()) is not None:
                assert type(event) is backend.PooledEvent
                got.append((event.data, event.event_type))
    got += [(event.data, event.event_type) for event in reader]
    assert got == expected


@pytest.mark.clause("RING-6")
@pytest.mark.parametrize("mode", MODES)
def test_readers_do_not_see_each_other(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(16, 8, mode=mode)
    writer = backend.Writer(ring)
    readers = [backend.Reader(ring) for _ in range(4)]
    write(writer, 6)
    assert sequences(readers[0]) == [0, 1, 2, 3, 4, 5]
    readers[3].close()
    assert [reader.cursor for reader in readers[1:3]] == [0, 0]
    assert sequences(readers[1].next_many(2)) == [0, 1]
    assert [(reader.cursor, reader.lag, reader.delivered) for reader in readers[:3]] == [
        (6, 0, 6),
        (2, 4, 2),
        (0, 6, 0),
    ]
    assert sequences(readers[2]) == [0, 1, 2, 3, 4, 5]
    assert sequences(readers[1]) == [2, 3, 4, 5]


@pytest.mark.clause("RING-7")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_next_moves_by_one_or_is_none(backend: ModuleType, mode: str, capacity: int) -> None:
    """The crate's reader sticks after capacity - 1 events; this one reads any number of them."""
    ring = backend.RingBuffer(16, capacity, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    for turn in range(4):
        for _ in range(2):
            assert reader.next() is None
            assert reader.cursor == turn * capacity
        assert write(writer, capacity) == capacity
        for offset in range(capacity):
            assert reader.cursor == turn * capacity + offset
            assert sequences([reader.next()]) == [turn * capacity + offset]
    assert reader.next() is None


@pytest.mark.clause("RING-8")
@pytest.mark.parametrize("mode", MODES)
def test_iteration_stops_and_may_go_on(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(16, 10, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    assert list(reader) == []
    write(writer, 3)
    assert iter(reader) is not None
    assert sequences(reader) == [0, 1, 2]
    assert list(reader) == []
    write(writer, 2)
    seen = []
    for event in reader:
        seen.append(event)
        if len(seen) == 1:
            write(writer, 3)  # published while iterating, and asked for after that
    assert sequences(seen) == [3, 4, 5, 6, 7]
    write(writer, 2)
    for event in reader:
        assert sequences([event]) == [8]
        break
    assert reader.cursor == 9
    assert sequences([next(reader)]) == [9]
    with pytest.raises(StopIteration):
        next(reader)


@pytest.mark.clause("RING-9")
@pytest.mark.parametrize("size", [1, 7, 8, 9, 55, 56, 57, 64, 100, 4_096])
@pytest.mark.parametrize("mode", MODES)
def test_payloads_up_to_the_size(backend: ModuleType, size: int, mode: str) -> None:
    ring = backend.RingBuffer(size, 8, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    for length in sorted({0, 1, size - 1, size}):
        data = bytes((n * 11 + 3) % 256 for n in range(length))
        assert writer.add(data, length)
        assert reader.next() == (data, length)
    for length in (size + 1, size + 64, 10 * size):
        with pytest.raises(backend.PayloadTooLarge):
            writer.add(bytes(length))
        with pytest.raises(backend.PayloadTooLarge):
            writer.add_many([b"", bytes(length)])
        assert reader.next() is None


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


def range_types(start: int, count: int) -> "array.array[int]":
    """Return consecutive event types as a buffer."""
    return array.array("I", range(start, start + count))


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


@pytest.mark.clause("RING-16")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("published", [0, 1, 4, 5, 6, 23])
def test_where_a_reader_joins(backend: ModuleType, mode: str, published: int) -> None:
    ring = backend.RingBuffer(16, 5, mode=mode)
    writer = backend.Writer(ring)
    assert write(writer, published) == published
    latest = backend.Reader(ring, start="latest")
    assert (latest.start, latest.cursor, latest.next()) == (published, published, None)
    latest.close()
    other = backend.RingBuffer(16, 5, mode=mode)
    other_writer = backend.Writer(other)
    write(other_writer, published)
    for reader in (backend.Reader(other), backend.Reader(other, start="oldest")):
        assert reader.start == max(0, published - 5)
        assert sequences(reader) == list(range(max(0, published - 5), published))
    with backend.Reader(other, start="latest") as reader:
        write(other_writer, 1)
        assert sequences(reader) == [published]
    with pytest.raises(ValueError, match="start"):
        backend.Reader(ring, start="newest")
    with pytest.raises(TypeError, match="start"):
        backend.Reader(ring, start=0)
    with pytest.raises(TypeError, match="ringbuffer"):
        backend.Reader(None)
    with pytest.raises(TypeError, match="ringbuffer"):
        backend.Writer("ring")


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


@pytest.mark.clause("RING-18")
def test_joining_at_a_cursor(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 4)
    write(backend.Writer(ring), 10)
    for cursor in range(11):
        reader = backend.Reader(ring, cursor=cursor)
        assert (reader.start, reader.cursor, reader.lag) == (cursor, cursor, 10 - cursor)
        if cursor < 6:
            with pytest.raises(backend.Lagged) as caught:
                reader.next()
            assert (caught.value.skipped, caught.value.next_sequence) == (6 - cursor, 6)
        assert sequences(reader) == list(range(max(6, cursor), 10))
    for cursor in (-1, 11, 2**32, 2**64, -(2**64)):
        with pytest.raises(ValueError, match="cursor"):
            backend.Reader(ring, cursor=cursor)
    for wrong in ("0", 1.0, True):
        with pytest.raises(TypeError, match="cursor"):
            backend.Reader(ring, cursor=wrong)
    gated = backend.RingBuffer(16, 4, mode="gated")
    for cursor in (0, 1, -1):
        with pytest.raises(ValueError, match="cursor"):
            backend.Reader(gated, cursor=cursor)
    assert gated.readers == 0


AFTER_CLOSE: dict[str, Callable[[Any], Any]] = {
    "next": lambda reader: reader.next(),
    "next_many": lambda reader: reader.next_many(1),
    "iter": lambda reader: list(iter(reader)),
    "next()": next,
    "lag": lambda reader: reader.lag,
    "backlog": lambda reader: reader.backlog,
    "backpressure_ratio": lambda reader: reader.backpressure_ratio,
    "ringbuffer": lambda reader: reader.ringbuffer,
    "with": lambda reader: reader.__enter__(),
}


@pytest.mark.clause("RING-56", "RING-20")
@pytest.mark.parametrize("use", AFTER_CLOSE)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", ["close", "with", "evict"])
def test_reader_after_its_end(backend: ModuleType, use: str, mode: str, end: str) -> None:
    ring = backend.RingBuffer(16, 4, mode=mode)
    write(backend.Writer(ring), 3)
    reader = backend.Reader(ring)
    assert sequences([reader.next()]) == [0]
    if end == "close":
        reader.close()
    elif end == "with":
        with reader:
            pass
    elif mode == "gated":
        reader.evict()
    else:
        with pytest.raises(ValueError, match="overwrit"):
            reader.evict()
        return
    with pytest.raises(backend.RingClosed):
        AFTER_CLOSE[use](reader)
    assert (reader.start, reader.cursor, reader.delivered, reader.skipped) == (0, 1, 1, 0)
    assert reader.evicted is (end == "evict")
    assert "Reader" in repr(reader)
    reader.close()
    reader.close()
    reader.__exit__(None, None, None)
    assert reader.closed


@pytest.mark.clause("RING-19")
@pytest.mark.parametrize("how", ["close", "with", "collect"])
def test_reader_that_left_does_not_hold_the_writer_back(
    backend: ModuleType, collect: Callable[[], None], how: str
) -> None:
    ring = backend.RingBuffer(16, 4, mode="gated", max_readers=2)
    writer, keeper, leaver = backend.Writer(ring), backend.Reader(ring), backend.Reader(ring)
    assert ring.readers == 2
    assert write(writer, 10) == 4
    assert sequences(keeper) == [0, 1, 2, 3]
    assert not writer.add(b"refused")
    if how == "close":
        leaver.close()
    elif how == "with":
        with leaver:
            pass
    del leaver
    collect()
    assert ring.readers == 1
    assert write(writer, 10) == 4
    assert sequences(keeper) == [4, 5, 6, 7]


@pytest.mark.clause("RING-20")
def test_evicted_reader_does_not_hold_the_writer_back(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 4, mode="gated", max_readers=2)
    writer, slow = backend.Writer(ring), backend.Reader(ring)
    write(writer, 4)
    assert not writer.add(b"refused")
    assert not slow.evicted
    thread = threading.Thread(target=slow.evict)
    thread.start()
    thread.join()
    assert slow.evicted
    assert ring.readers == 0
    assert write(writer, 10) == 10
    with pytest.raises(backend.RingClosed):
        slow.next()
    slow.evict()
    slow.close()
    # Another reader has its registration now; closing the old reader again must not close the new one.
    successors = [backend.Reader(ring), backend.Reader(ring)]
    slow.close()
    slow.evict()
    del slow
    assert ring.readers == 2
    assert [sequences(reader) for reader in successors] == [[10, 11, 12, 13]] * 2


@pytest.mark.clause("RING-20", "RING-13", "ORDER-8")
@pytest.mark.parametrize("capacity", [1, 3])
def test_eviction_beside_a_running_reader(backend: ModuleType, capacity: int, threads: Any) -> None:
    """A reader that is evicted while it reads gets whole events in order, then RingClosed, and nothing else."""
    ring = backend.RingBuffer(512, capacity, mode="gated", max_readers=3)
    writer = backend.Writer(ring)
    stop = threading.Event()
    current: list[Any] = []

    def produce() -> None:
        deadline = time.monotonic() + 0.5
        try:
            while time.monotonic() < deadline:
                if not write(writer, 3, 512) and current:
                    current[-1].evict()
        finally:
            stop.set()

    def consume() -> None:
        while not stop.is_set():
            threads.check()
            reader = backend.Reader(ring)
            current.append(reader)
            expected = reader.start
            try:
                while not stop.is_set():
                    for sequence in sequences(reader.next_many(2)):
                        assert sequence == expected
                        expected += 1
            except backend.RingClosed:
                assert reader.evicted
            assert reader.delivered == expected - reader.start

    threads.run(produce, consume)


@pytest.mark.clause("RING-21")
@pytest.mark.parametrize("max_readers", [1, 2, 3, 16, 1_024])
def test_registered_readers_are_counted(backend: ModuleType, max_readers: int) -> None:
    ring = backend.RingBuffer(16, 4, mode="gated", max_readers=max_readers)
    assert ring.max_readers == max_readers
    readers = [backend.Reader(ring) for _ in range(max_readers)]
    assert ring.readers == max_readers
    for _ in range(2):
        with pytest.raises(backend.ReadersFull):
            backend.Reader(ring)
    for leave in (readers[0].close, readers[-1].evict):
        leave()
        if ring.readers < max_readers:
            readers.append(backend.Reader(ring))
        assert ring.readers == max_readers


@pytest.mark.clause("RING-21")
def test_places_are_16_unless_said_and_no_limit_when_overwriting(backend: ModuleType) -> None:
    assert backend.RingBuffer(16, 4, mode="gated").max_readers == 16
    ring = backend.RingBuffer(16, 4)
    assert (ring.max_readers, ring.readers, ring.mode) == (0, 0, "overwrite")
    readers = [backend.Reader(ring) for _ in range(50)]
    assert (ring.max_readers, ring.readers, len(readers)) == (0, 0, 50)


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


@pytest.mark.clause("RING-25")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("capacity", [1, 2, 5, 33])
def test_bulk_add(backend: ModuleType, mode: str, capacity: int) -> None:
    ring = backend.RingBuffer(16, capacity, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    start = 0
    for count in (0, 1, capacity - 1, capacity, capacity + 1, 2 * capacity + 1, 0):
        data = [payload(start + offset, 16) for offset in range(count)]
        accepted = writer.add_many(data, event_types=range_types(start, count))
        assert accepted == (count if mode == "overwrite" else min(count, capacity))
        assert ring.write_cursor == start + accepted
        if accepted > capacity:
            with pytest.raises(backend.Lagged):
                reader.next()
        retained = min(accepted, capacity)
        assert sequences(reader) == list(range(start + accepted - retained, start + accepted))
        start += accepted


@pytest.mark.clause("RING-25", "ERR-1")
def test_bulk_forms_are_alike_and_a_batch_with_a_fault_adds_nothing(backend: ModuleType) -> None:
    forms: list[dict[str, Any]] = [
        {"data": [b"aa", b"bb", b"cc"], "event_types": 4},
        {"data": b"aabbcc", "lengths": 2, "event_types": [4, 4, 4]},
        {"data": bytearray(b"aabbcc"), "lengths": np.array([2, 2, 2], dtype=np.uint32), "event_types": 4},
        {"data": (memoryview(b"aa"), b"bb", bytearray(b"cc")), "event_types": array.array("I", [4, 4, 4])},
    ]
    for form in forms:
        ring = backend.RingBuffer(4, 8)
        with backend.Writer(ring) as writer:
            assert writer.add_many(**form) == 3
            with pytest.raises(backend.PayloadTooLarge):
                writer.add_many([b"ok", b"too long"])
            with pytest.raises(ValueError, match="lengths"):
                writer.add_many(b"aabbc", lengths=2)
        assert [tuple(event) for event in backend.Reader(ring)] == [(b"aa", 4), (b"bb", 4), (b"cc", 4)]
    ring = backend.RingBuffer(16, 8)
    assert backend.Writer(ring).add_many(b"one event") == 1
    assert backend.Reader(ring).next().data == b"one event"


@pytest.mark.clause("RING-26")
@pytest.mark.parametrize("mode", MODES)
def test_bulk_next(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(64, 10, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    empty = reader.next_many(5)
    assert (len(empty), list(empty), empty.first_sequence) == (0, [], 0)
    lengths = [0, 1, 64, 8, 7]
    for sequence, length in enumerate(lengths):
        writer.add(payload(sequence, length), sequence)
    batch = reader.next_many(3)
    assert type(batch) is backend.EventBatch
    assert (batch.first_sequence, len(batch), reader.cursor, reader.delivered) == (0, 3, 3, 3)
    assert sequences(batch) == [0, 1, 2]
    assert list(batch.lengths) == lengths[:3]
    assert list(batch.event_types) == [0, 1, 2]
    assert bytes(batch.data) == b"".join(payload(sequence, length) for sequence, length in enumerate(lengths[:3]))
    assert (batch.data.format, batch.lengths.format, batch.event_types.format) == ("B", "I", "I")
    assert batch.data.readonly
    assert batch.lengths.readonly
    assert batch.event_types.readonly
    assert [batch[0], batch[1], batch[-1]] == list(batch)
    assert list(batch[1:]) == list(batch)[1:]
    assert batch[1].len == 1
    with pytest.raises(IndexError):
        batch[3]
    rest = reader.next_many(1_000)
    assert (rest.first_sequence, sequences(rest)) == (3, [3, 4])
    assert len(reader.next_many(1)) == 0


@pytest.mark.clause("LAYOUT-9", "RING-25", "RING-26")
@pytest.mark.parametrize("mode", MODES)
def test_arrays_of_structures_pass_whole(backend: ModuleType, mode: str) -> None:
    """Many events are one array on both sides, and nothing is made for each."""
    ring = backend.RingBuffer(24, 64, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    sent = np.zeros(50, dtype=[("id", "<u4"), ("price", "<f8"), ("name", "S4")])
    sent["id"], sent["price"], sent["name"] = np.arange(50), np.linspace(0, 1, 50), b"abcd"
    kinds = np.arange(50, dtype=np.uint32)
    assert writer.add_many(sent, lengths=sent.itemsize, event_types=kinds) == 50
    batch = reader.next_many(100)
    records = batch.records(sent.itemsize)
    got = np.frombuffer(records, dtype=sent.dtype)
    assert got.tolist() == sent.tolist()
    assert np.shares_memory(got, np.frombuffer(batch.data, dtype="u1"))
    assert (len(batch), list(batch.event_types), got.flags.writeable) == (50, kinds.tolist(), False)
    assert writer.add_many(sent[:3], lengths=16) == 3
    with pytest.raises(ValueError, match="event 0 of the batch has 16 bytes"):
        reader.next_many(100).records(17)
    assert reader.next_many(100).records(17) == b""


@pytest.mark.clause("RING-52", "RING-26")
@pytest.mark.parametrize("mode", MODES)
def test_bulk_next_reserves_what_is_there(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(2**20, 64, mode=mode, max_ring_bytes=2**27)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    sent = [payload(sequence, sequence) for sequence in range(64)]
    for _ in range(3):
        assert writer.add_many(sent) == 64
        tracemalloc.start()
        batch = reader.next_many(2**40)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert [event.data for event in batch] == sent
        assert peak < 100_000
    large = [payload(sequence, 2**20) for sequence in range(3)]
    assert writer.add_many([*large, b"small"]) == 4
    assert [event.data for event in reader.next_many(2)] == large[:2]
    assert [event.data for event in reader.next_many(9)] == [large[2], b"small"]


@pytest.mark.clause("RING-26", "RING-11")
def test_bulk_next_raises_where_next_would(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 4)
    writer, reader, twin = backend.Writer(ring), backend.Reader(ring), backend.Reader(ring)
    write(writer, 7)
    for one in (lambda: reader.next_many(10), twin.next):
        with pytest.raises(backend.Lagged) as caught:
            one()
        assert (caught.value.skipped, caught.value.next_sequence) == (3, 3)
    assert sequences(reader.next_many(10)) == sequences(twin) == [3, 4, 5, 6]
    assert len(reader.next_many(10)) == 0


@pytest.mark.clause("RING-26", "ERR-4", "ERR-6")
def test_limits_of_bulk_next(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 4)
    reader = backend.Reader(ring)
    write(backend.Writer(ring), 2)
    for wrong in (None, "1", 1.0, True):
        with pytest.raises(TypeError, match="limit"):
            reader.next_many(wrong)
    with pytest.raises(ValueError, match="limit"):
        reader.next_many(-1)
    assert reader.cursor == 0
    assert len(reader.next_many(2**40)) == 2


@pytest.mark.clause("RING-27", "RING-57")
@pytest.mark.parametrize("mode", MODES)
def test_closed_writer(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(16, 4, mode=mode)
    writer = backend.Writer(ring)
    write(writer, 3)
    assert not writer.closed
    writer.close()
    assert writer.closed
    for use in (lambda: writer.add(b"x"), lambda: writer.add_many([b"x"]), lambda: writer.ringbuffer, writer.__enter__):
        with pytest.raises(backend.RingClosed):
            use()
    writer.close()
    assert "Writer" in repr(writer)
    assert sequences(backend.Reader(ring)) == [0, 1, 2]
    assert ring.write_cursor == 3
    successor = backend.Writer(ring)
    writer.close()
    with pytest.raises(backend.WriterTaken):
        backend.Writer(ring)
    assert write(successor, 1) == 1


@pytest.mark.clause("RING-28")
@pytest.mark.parametrize("mode", MODES)
def test_events_stay_what_they_were(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(32, 2, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    write(writer, 2, 32)
    event = reader.next()
    batch = reader.next_many(1)
    arrays = np.frombuffer(batch.data, dtype=np.uint8)
    for _ in range(10):
        write(writer, 2, 32)
        try:
            reader.next_many(2)
        except backend.Lagged:
            continue
    assert event == (payload(0, 32), 0)
    assert list(batch) == [(payload(1, 32), 1)]
    assert arrays.tobytes() == payload(1, 32)
    reader.close()
    del ring, writer, reader, batch
    assert arrays.tobytes() == payload(1, 32)


@pytest.mark.clause("RING-29", "PARAM-4")
@pytest.mark.parametrize("size", [1, 2, 3, 63, 64, 65, 1_000])
@pytest.mark.parametrize("capacity", [1, 2, 3, 1_000])
def test_shapes_are_taken_as_given(backend: ModuleType, size: int, capacity: int) -> None:
    ring = backend.RingBuffer(size, capacity, max_ring_bytes=2**24)
    assert (ring.size, ring.capacity, ring.mode, ring.retained) == (size, capacity, "overwrite", 0)
    assert backend.RingBuffer(backend.EventSize.S, 3).size == 256


@pytest.mark.clause("RING-29", "ERR-4", "ERR-6", "LAYOUT-7")
def test_shapes_that_are_refused(backend: ModuleType) -> None:
    huge = 2**70
    for wrong in (0, -1, 2**31, 2**32, 2**64, -(2**64)):
        with pytest.raises(backend.LayoutError, match="size"):
            backend.RingBuffer(wrong, 4, max_ring_bytes=huge)
    for wrong in (0, -1, 2**32, 2**64, -(2**64)):
        with pytest.raises(backend.LayoutError, match="capacity"):
            backend.RingBuffer(4, wrong, max_ring_bytes=huge)
    for wrong in (0, -1, 1_025, 2**32, 2**64):
        with pytest.raises(backend.LayoutError, match="max_readers"):
            backend.RingBuffer(4, 4, mode="gated", max_readers=wrong)
    for wrong_type in (None, "4", 4.0, True):
        with pytest.raises(TypeError, match="size"):
            backend.RingBuffer(wrong_type, 4)
        with pytest.raises(TypeError, match="capacity"):
            backend.RingBuffer(4, wrong_type)
        with pytest.raises(TypeError, match="max_readers"):
            backend.RingBuffer(4, 4, mode="gated", max_readers=wrong_type)
        with pytest.raises(TypeError, match="max_ring_bytes"):
            backend.RingBuffer(4, 4, max_ring_bytes=wrong_type)
    for mode in ("", "Gated", "overwriting"):
        with pytest.raises(ValueError, match="mode"):
            backend.RingBuffer(4, 4, mode=mode)
    for no_mode in (None, 0, b"gated"):
        with pytest.raises(TypeError, match="mode"):
            backend.RingBuffer(4, 4, mode=no_mode)


@pytest.mark.clause("RING-4", "RING-19", "PTR-8")
@pytest.mark.parametrize("mode", MODES)
def test_handles_keep_their_ring(backend: ModuleType, collect: Callable[[], None], mode: str) -> None:
    def make() -> tuple[Any, Any]:
        ring = backend.RingBuffer(16, 4, mode=mode)
        return backend.Writer(ring), backend.Reader(ring)

    writer, reader = make()
    collect()
    assert write(writer, 4) == 4
    ring = writer.ringbuffer
    assert ring is reader.ringbuffer or ring == reader.ringbuffer
    del writer, ring
    collect()
    assert sequences(reader) == [0, 1, 2, 3]
