"""The chapter Rings on both implementations: what holds for both kinds of ring."""

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ring_events import CAPACITIES, MODES, payload, sequences, write  # type: ignore[import-not-found, unused-ignore]


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


@pytest.mark.clause("RING-55", "RING-56", "RING-27")
def test_blocks(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 8)
    with backend.Writer(ring) as writer, backend.Reader(ring) as reader:
        writer.add(b"one")
        assert reader.next().data == b"one"
    for ended in (writer, reader):
        assert ended.closed
        with pytest.raises(backend.RingClosed), ended:
            raise AssertionError("it was entered")
