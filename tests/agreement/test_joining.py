"""How readers join and leave, on both implementations: where they start, closing, eviction, registrations."""

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ring_events import MODES, sequences, write  # type: ignore[import-not-found, unused-ignore]


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
