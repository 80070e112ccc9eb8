"""Rings against a list of all that was ever published, in random walks, and the corners of joining and leaving."""

import copy
import gc
import pickle
import random
import weakref
from typing import Any

import pytest

from rusted_ring.reference import (
    Lagged,
    LayoutError,
    PayloadTooLarge,
    PooledEvent,
    Reader,
    ReadersFull,
    RingBuffer,
    RingClosed,
    Writer,
    WriterTaken,
)


def event(sequence: int) -> PooledEvent:
    """Return the event that the tests publish under a sequence number."""
    return PooledEvent(b"%d" % sequence, sequence)


def publish(writer: Writer, count: int) -> int:
    """Publish the next events and return how many were accepted."""
    first = writer.ringbuffer.write_cursor
    return sum(writer.add(*event(first + offset)) for offset in range(count))


@pytest.mark.clause("RING-1", "RING-7", "RING-10", "RING-11", "RING-12", "RING-22", "RING-23", "RING-24", "RING-26")
@pytest.mark.parametrize("capacity", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", range(5))
def test_overwriting_ring_follows_the_clauses_in_a_random_walk(capacity: int, seed: int) -> None:
    draw = random.Random(seed)
    ring = RingBuffer(8, capacity)
    writer = Writer(ring)
    published = 0
    readers: list[tuple[Reader, int, int, int]] = []
    for _ in range(600):
        step = draw.random()
        oldest = max(0, published - capacity)
        if step < 0.45:
            count = draw.randrange(2 * capacity)
            assert publish(writer, count) == count
            published += count
        elif step < 0.55 and len(readers) < 4:
            cursor = draw.choice([None, draw.randrange(published + 1)])
            start = draw.choice(["oldest", "latest"])
            reader = Reader(ring, start=start, cursor=cursor)
            expected = cursor if cursor is not None else oldest if start == "oldest" else published
            assert reader.start == expected
            readers.append((reader, expected, 0, 0))
        elif readers:
            index = draw.randrange(len(readers))
            reader, cursor, got, missed = readers[index]
            limit = draw.choice([None, 0, 1, capacity, 99])
            if limit != 0 and cursor < oldest:
                with pytest.raises(Lagged) as caught:
                    reader.next() if limit is None else reader.next_many(limit)
                assert (caught.value.skipped, caught.value.next_sequence) == (oldest - cursor, oldest)
                cursor, missed = oldest, missed + oldest - cursor
            elif limit is None:
                assert reader.next() == (event(cursor) if cursor < published else None)
                cursor, got = min(cursor + 1, published), got + (cursor < published)
            else:
                batch = reader.next_many(limit)
                expected_events = [event(sequence) for sequence in range(cursor, min(published, cursor + limit))]
                assert (batch.first_sequence, list(batch)) == (cursor, expected_events)
                cursor, got = cursor + len(batch), got + len(batch)
            readers[index] = reader, cursor, got, missed
        assert (ring.write_cursor, ring.retained, ring.readers) == (published, min(published, capacity), 0)
        for reader, cursor, got, missed in readers:
            assert (reader.cursor, reader.delivered, reader.skipped) == (cursor, got, missed)
            assert got + missed == cursor - reader.start
            assert reader.lag == published - cursor
            assert reader.backlog == min(published - cursor, capacity)
            assert reader.backpressure_ratio == reader.backlog / capacity


@pytest.mark.clause("RING-14", "RING-15", "RING-16", "RING-17", "RING-19", "RING-20", "RING-21", "RING-25", "RING-30")
@pytest.mark.parametrize("capacity", [1, 2, 5])
@pytest.mark.parametrize("seed", range(6))
def test_gated_ring_follows_the_clauses_in_a_random_walk(capacity: int, seed: int) -> None:
    """`retained` is what RING-17 says, event by event; nothing is computed from the ring's own cursors."""
    draw = random.Random(seed)
    ring = RingBuffer(8, capacity, mode="gated", max_readers=3)
    writer = Writer(ring)
    published = 0
    retained: list[int] = []
    readers: dict[Reader, int] = {}

    def forget_what_all_have_read() -> None:
        if readers:
            retained[:] = [sequence for sequence in retained if sequence >= min(readers.values())]

    for _ in range(800):
        step = draw.random()
        if step < 0.4:
            offered = draw.randrange(1, capacity + 2)
            room = min(readers.values(), default=10**9) + capacity - published
            events = [event(published + offset) for offset in range(offered)]
            accepted = writer.add_many([one.data for one in events], event_types=[one.event_type for one in events])
            assert accepted == min(offered, room)
            for sequence in range(published, published + accepted):
                retained[:] = [*(kept for kept in retained if kept != sequence - capacity), sequence]
            published += accepted
        elif step < 0.5:
            start = draw.choice(["oldest", "latest"])
            if len(readers) == 3:
                with pytest.raises(ReadersFull):
                    Reader(ring, start=start)
                continue
            reader = Reader(ring, start=start)
            assert reader.start == (published if start == "latest" or not retained else retained[0])
            readers[reader] = reader.start
        elif step < 0.6 and readers:
            reader = draw.choice(list(readers))
            del readers[reader]
            draw.choice([reader.close, reader.evict])()
            with pytest.raises(RingClosed):
                reader.next()
        elif readers:
            reader = draw.choice(list(readers))
            cursor = readers[reader]
            assert reader.next() == (event(cursor) if cursor < published else None)
            readers[reader] = min(cursor + 1, published)
        forget_what_all_have_read()
        assert (ring.write_cursor, ring.retained, ring.readers) == (published, len(retained), len(readers))
        assert all((reader.cursor, reader.skipped) == (cursor, 0) for reader, cursor in readers.items())


@pytest.mark.clause("RING-17", "RING-30")
def test_what_the_last_reader_had_read_stays_gone_after_it_left() -> None:
    ring = RingBuffer(8, 4, mode="gated")
    writer, reader = Writer(ring), Reader(ring)
    publish(writer, 4)
    reader.next_many(3)
    reader.close()
    assert ring.retained == 1
    assert [found.event_type for found in Reader(ring)] == [3]


@pytest.mark.clause("RING-17")
def test_floor_is_that_of_the_slowest_reader_when_the_last_one_leaves() -> None:
    ring = RingBuffer(8, 4, mode="gated")
    writer, slow, fast = Writer(ring), Reader(ring), Reader(ring)
    publish(writer, 4)
    slow.next()
    fast.next_many(2)
    slow.close()
    assert ring.retained == 2
    fast.evict()
    assert ring.retained == 2
    assert publish(writer, 3) == 3
    assert [found.event_type for found in Reader(ring)] == [3, 4, 5, 6]


@pytest.mark.clause("RING-16", "RING-17")
def test_only_reader_that_joins_at_latest_frees_events_that_no_reader_reads() -> None:
    ring = RingBuffer(8, 4, mode="gated")
    writer = Writer(ring)
    publish(writer, 3)
    late = Reader(ring, start="latest")
    assert (late.start, ring.retained, late.next()) == (3, 0, None)
    assert publish(writer, 9) == 4
    assert Reader(ring).start == 3


@pytest.mark.clause("RING-20", "RING-19")
def test_closing_and_evicting_in_any_order_and_again() -> None:
    ring = RingBuffer(8, 4, mode="gated", max_readers=1)
    first = Reader(ring)
    first.evict()
    first.evict()
    assert (first.evicted, first.closed, ring.readers) == (True, False, 0)
    second = Reader(ring)
    first.close()
    first.evict()
    assert (first.evicted, first.closed, ring.readers) == (True, True, 1)
    second.close()
    second.evict()
    second.close()
    assert (second.evicted, second.closed, ring.readers) == (False, True, 0)
    with pytest.raises(ValueError, match="ringbuffer"):
        Reader(RingBuffer(8, 4)).evict()


@pytest.mark.clause("RING-4", "RING-19", "RING-27")
def test_collected_writer_and_reader_leave_their_places() -> None:
    ring = RingBuffer(8, 1, mode="gated", max_readers=1)
    writer, reader = Writer(ring), Reader(ring)
    with pytest.raises(WriterTaken):
        Writer(ring)
    with pytest.raises(ReadersFull):
        Reader(ring)
    assert publish(writer, 2) == 1
    del reader
    assert publish(writer, 1) == 1
    del writer
    successor = Writer(ring)
    assert publish(successor, 1) == 1
    assert ring.readers == 0


@pytest.mark.clause("RING-4", "RING-27")
def test_writer_that_is_closed_late_does_not_take_its_successors_place() -> None:
    ring = RingBuffer(8, 4)
    writer = Writer(ring)
    writer.close()
    successor = Writer(ring)
    writer.close()
    del writer
    gc.collect()
    with pytest.raises(WriterTaken):
        Writer(ring)
    assert successor.add(b"")


@pytest.mark.clause("RING-3")
def test_rings_are_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        ring = RingBuffer(8, 4, mode="gated")
        gone = weakref.ref(ring)
        writer, reader = Writer(ring), Reader(ring)
        del ring
        assert publish(writer, 4) == 4
        assert reader.next() == event(0)
        writer.close()
        reader.close()
        assert gone() is not None
        del writer, reader
    finally:
        gc.enable()
    gc.collect()
    assert gone() is None


@pytest.mark.clause("RING-8")
def test_iteration_stops_at_the_end_and_goes_on_later() -> None:
    ring = RingBuffer(8, 4)
    writer, reader = Writer(ring), Reader(ring)
    assert list(reader) == []
    publish(writer, 2)
    seen = []
    for found in reader:
        seen.append(found.event_type)
        if len(seen) == 2:
            publish(writer, 1)
    assert seen == [0, 1, 2]
    publish(writer, 6)
    with pytest.raises(Lagged):
        list(reader)
    assert [found.event_type for found in reader] == [5, 6, 7, 8]


@pytest.mark.clause("RING-28", "RING-5")
def test_events_are_copies() -> None:
    ring = RingBuffer(8, 1)
    writer, reader = Writer(ring), Reader(ring)
    payload = bytearray(b"first")
    writer.add(payload, 1)
    payload[:] = b"other"
    found = reader.next()
    writer.add(b"second")
    assert found == (b"first", 1)


@pytest.mark.clause("RING-9", "RING-25", "ERR-1")
def test_batch_with_a_payload_too_long_adds_nothing() -> None:
    ring = RingBuffer(4, 4)
    writer = Writer(ring)
    with pytest.raises(PayloadTooLarge, match=r"data\[1\]"):
        writer.add_many([b"abcd", b"abcde", b"a"])
    with pytest.raises(PayloadTooLarge, match="data"):
        writer.add(b"abcde")
    assert ring.write_cursor == 0
    assert writer.add_many(b"abcdefgh", lengths=4, event_types=[1, 2]) == 2


@pytest.mark.clause("RING-29", "LAYOUT-7", "ERR-4", "ERR-6")
def test_shapes_of_rings() -> None:
    wrong: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
        ((True, 1), {}, TypeError, "size"), ((1.0, 1), {}, TypeError, "size"), ((1, "1"), {}, TypeError, "capacity"),
        ((0, 1), {"mode": 5}, TypeError, "mode"), ((0, 0), {"max_readers": None}, TypeError, "max_readers"),
        ((1, 1), {"max_ring_bytes": 1.0}, TypeError, "max_ring_bytes"), ((0, 0), {}, LayoutError, "size"),
        ((2**31, 1), {}, LayoutError, "size"), ((1, 0), {"mode": "x"}, LayoutError, "capacity"),
        ((1, 2**32), {}, LayoutError, "capacity"), ((1, 1), {"mode": "x", "max_readers": 0}, ValueError, "mode"),
        ((1, 1), {"max_readers": 0}, LayoutError, "max_readers"),
        ((1, 1), {"max_readers": 1_025, "mode": "gated"}, LayoutError, "max_readers"),
        ((1, 1), {"max_ring_bytes": 319}, LayoutError, "max_ring_bytes"),
        ((1, 1), {"max_ring_bytes": -1}, LayoutError, "max_ring_bytes"),
    ]  # fmt: skip
    for arguments, keywords, error, named in wrong:
        with pytest.raises(error, match=f"^{named} is"):
            RingBuffer(*arguments, **keywords)
    assert RingBuffer(1, 1, max_ring_bytes=320).memory_usage() == 320
    enormous = RingBuffer(2**31 - 1, 2**32 - 1, max_ring_bytes=2**65)
    writer, reader = Writer(enormous), Reader(enormous)
    assert writer.add(b"a")
    assert reader.next() == (b"a", 0)


@pytest.mark.clause("RING-26", "ERR-4", "ERR-6")
def test_limits_of_batches() -> None:
    ring = RingBuffer(8, 4)
    reader = Reader(ring)
    publish(Writer(ring), 9)
    empty = reader.next_many(0)
    assert (len(empty), empty.first_sequence, reader.skipped) == (0, 0, 0)
    with pytest.raises(ValueError, match="limit is -1"):
        reader.next_many(-1)
    for limit in (True, 1.0, None):
        with pytest.raises(TypeError, match="limit"):
            reader.next_many(limit)  # type: ignore[arg-type]
    with pytest.raises(Lagged):
        reader.next_many(10**30)
    assert len(reader.next_many(10**30)) == 4


@pytest.mark.clause("PTR-9")
def test_writers_and_readers_cannot_be_pickled_or_copied() -> None:
    ring = RingBuffer(8, 4)
    for handle in (Writer(ring), Reader(ring)):
        for attempt in (pickle.dumps, copy.deepcopy, copy.copy):
            with pytest.raises(TypeError, match=type(handle).__name__):
                attempt(handle)
