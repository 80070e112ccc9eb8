"""A gated ring that waits for its first readers, on both implementations: nothing is overwritten before they join."""

import functools
import random
import threading
import time
from types import ModuleType
from typing import Any

import numpy as np
import pytest


def make(backend: ModuleType, awaited: int, capacity: int = 4, max_readers: int = 4) -> tuple[Any, Any]:
    """Return a ring and its writer."""
    ring = backend.RingBuffer(16, capacity, mode="gated", max_readers=max_readers, wait_for_readers=awaited)
    return ring, backend.Writer(ring)


def fill(writer: Any, first: int = 0) -> int:
    """Add events that bear their sequence numbers until one is refused; return the number published."""
    while writer.add(b"%d" % first):
        first += 1
    return first


def numbers(events: Any) -> list[int]:
    """Return the sequence numbers that events bear."""
    return [int(event.data) for event in events]


@pytest.mark.clause("RING-45", "RING-14")
def test_without_it_the_first_events_are_overwritten(backend: ModuleType) -> None:
    ring, writer = make(backend, 0)
    assert ring.readers_awaited == 0
    for number in range(9):
        assert writer.add(b"%d" % number)
    assert numbers(backend.Reader(ring)) == [5, 6, 7, 8]


@pytest.mark.clause("RING-45", "RING-14", "RING-16", "RING-17", "RING-30")
@pytest.mark.parametrize("awaited", [1, 2, 3])
def test_all_that_are_awaited_get_every_event(backend: ModuleType, awaited: int) -> None:
    ring, writer = make(backend, awaited)
    assert fill(writer) == 4
    assert writer.add_many([b"4", b"5"]) == 0
    readers: list[Any] = []
    for joined in range(awaited):
        assert (ring.readers_awaited, ring.readers, ring.retained) == (awaited - joined, joined, 4)
        readers.append(backend.Reader(ring))
        assert readers[-1].start == 0
        if joined + 1 < awaited:
            assert numbers(readers[-1]) == [0, 1, 2, 3]
            assert not writer.add(b"4")  # it has read all, and others have yet to come
    assert (ring.readers_awaited, ring.readers) == (0, awaited)
    assert not writer.add(b"4")  # the last one has read nothing
    assert readers[-1].next().data == b"0"
    assert fill(writer, 4) == 5
    assert [numbers(reader) for reader in readers] == [[4]] * (awaited - 1) + [[1, 2, 3, 4]]
    assert fill(writer, 5) == 9
    later = backend.Reader(ring)
    assert (later.start, ring.readers_awaited) == (5, 0)


@pytest.mark.clause("RING-45", "RING-16", "RING-17", "RING-19", "RING-20")
@pytest.mark.parametrize("end", ["close", "evict", "collect"])
def test_joins_are_counted_and_not_those_that_are_there(backend: ModuleType, collect: Any, end: str) -> None:
    ring, writer = make(backend, 2)
    fill(writer)
    first = backend.Reader(ring)
    assert numbers(first) == [0, 1, 2, 3]
    if end == "collect":
        del first
        collect()
    else:
        getattr(first, end)()
    assert (ring.readers_awaited, ring.readers, ring.retained) == (1, 0, 4)
    assert not writer.add(b"4")
    second = backend.Reader(ring)  # gets what the first one has read, and left
    assert (ring.readers_awaited, second.start) == (0, 0)
    assert numbers(second) == [0, 1, 2, 3]
    assert fill(writer, 4) == 8
    second.close()
    assert ring.retained == 4
    for number in range(8, 20):  # no reader is registered and none is awaited
        assert writer.add(b"%d" % number)


@pytest.mark.clause("RING-45", "RING-16")
def test_joins_at_the_latest_event_count(backend: ModuleType) -> None:
    ring, writer = make(backend, 2)
    fill(writer)
    latest = backend.Reader(ring, start="latest")
    assert (latest.start, ring.readers_awaited) == (4, 1)
    assert not writer.add(b"4")
    other = backend.Reader(ring, start="latest")
    assert fill(writer, 4) == 8
    assert numbers(latest) == numbers(other) == [4, 5, 6, 7]


@pytest.mark.clause("RING-45", "RING-21", "RING-39")
def test_refused_join_is_not_counted_and_a_stream_ends_before_all_have_joined(backend: ModuleType) -> None:
    ring, writer = make(backend, 2, max_readers=2)
    with pytest.raises(ValueError, match="cursor"):
        backend.Reader(ring, cursor=0)
    with pytest.raises(ValueError, match="start"):
        backend.Reader(ring, start="other")
    assert ring.readers_awaited == 2
    writer.add(b"0")
    writer.close(end=True)
    for awaited in (1, 0):
        reader = backend.Reader(ring)
        assert numbers(reader) == [0]
        assert reader.at_eof
        reader.close()
        assert ring.readers_awaited == awaited


@pytest.mark.clause("RING-45", "RING-44")
def test_a_reader_that_skips_makes_no_room_before_all_have_joined(backend: ModuleType) -> None:
    ring, writer = make(backend, 2)
    fill(writer)
    reader = backend.Reader(ring)
    assert reader.skip_to_latest(0) == 4
    assert not writer.add(b"4")
    assert numbers(backend.Reader(ring)) == [0, 1, 2, 3]
    assert fill(writer, 4) == 8


@pytest.mark.clause("RING-29", "ERR-4", "ERR-6")
def test_numbers_of_readers_that_are_refused(backend: ModuleType) -> None:
    for value in (-1, 4, 17, 2**70):
        with pytest.raises(backend.LayoutError, match="wait_for_readers"):
            backend.RingBuffer(8, 4, mode="gated", max_readers=3, wait_for_readers=value)
    for value in (1, -1):
        with pytest.raises(ValueError, match="wait_for_readers") as refused:
            backend.RingBuffer(8, 4, wait_for_readers=value)
        assert refused.type is ValueError
    for wrong in (True, 1.0, "1", None):
        with pytest.raises(TypeError, match="wait_for_readers"):
            backend.RingBuffer(8, 4, mode="gated", wait_for_readers=wrong)
    assert backend.RingBuffer(8, 4, wait_for_readers=0).readers_awaited == 0
    assert backend.RingBuffer(8, 4, mode="gated", wait_for_readers=np.int64(3)).readers_awaited == 3


@pytest.mark.clause("RING-45", "RING-15", "ORDER-19")
def test_readers_of_threads_that_join_beside_the_writer(backend: ModuleType, threads: Any) -> None:
    """In whichever order the readers come, each of those that are awaited gets every event."""
    count = 40
    for seed in range(9):
        awaited = 1 + seed % 3
        ring, writer = make(backend, awaited)
        taken: list[list[int]] = [[] for _ in range(awaited)]
        started = threading.Barrier(awaited + 1)

        def read(mine: list[int], pause: int, ring: Any = ring, started: Any = started) -> None:
            started.wait(30)
            for _ in range(pause):
                pass
            reader = backend.Reader(ring)
            while len(mine) < count:
                event = reader.next(30)
                mine.append(int(event.data))

        def write(writer: Any = writer, started: Any = started) -> None:
            started.wait(30)
            number = 0
            while number < count:
                threads.check()
                if writer.add(b"%d" % number):
                    number += 1
                else:
                    time.sleep(0.0001)

        choices = random.Random(seed)
        pauses = [choices.randrange(3_000) for _ in taken]
        threads.run(write, *[functools.partial(read, *given) for given in zip(taken, pauses, strict=True)])
        assert taken == [list(range(count))] * awaited
