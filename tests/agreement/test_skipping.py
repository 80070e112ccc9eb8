"""Newest first, on both implementations: a reader that skips is told how much, and gets on."""

import threading
import time
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ring_events import MODES, make  # type: ignore[import-not-found, unused-ignore]


def add(writer: Any, first: int, end: int) -> None:
    """Add events that bear their sequence numbers."""
    assert writer.add_many([b"%d" % number for number in range(first, end)]) == end - first


@pytest.mark.clause("RING-43", "RING-12")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("keep", "skipped"), [(None, 4), (0, 5), (1, 4), (3, 2), (5, 0), (6, 0), (2**64, 0), (10**30, 0)]
)
def test_all_but_the_newest_are_skipped(backend: ModuleType, mode: str, keep: int | None, skipped: int) -> None:
    _, writer, reader = make(backend, mode)
    add(writer, 0, 6)
    assert reader.next().data == b"0"
    assert (reader.skip_to_latest() if keep is None else reader.skip_to_latest(keep)) == skipped
    assert (reader.cursor, reader.delivered, reader.skipped, reader.start) == (1 + skipped, 1, skipped, 0)
    assert reader.lag == reader.backlog == 5 - skipped
    assert [event.data for event in reader] == [b"%d" % number for number in range(1 + skipped, 6)]
    assert reader.skip_to_latest() == 0  # never back
    assert (reader.cursor, reader.next()) == (6, None)
    add(writer, 6, 7)
    assert reader.next().data == b"6"
    assert reader.delivered + reader.skipped == reader.cursor - reader.start


@pytest.mark.clause("RING-43", "RING-11", "RING-12")
def test_lost_events_are_skipped_like_others(backend: ModuleType) -> None:
    _, writer, reader = make(backend, capacity=4)
    add(writer, 0, 11)
    assert reader.skip_to_latest(keep=2) == 9
    assert [event.data for event in reader] == [b"9", b"10"]
    assert (reader.delivered, reader.skipped, reader.cursor) == (2, 9, 11)
    add(writer, 11, 20)
    assert reader.skip_to_latest(keep=6) == 3  # more than are retained
    with pytest.raises(backend.Lagged) as lagged:
        reader.next()
    assert (lagged.value.skipped, lagged.value.next_sequence) == (2, 16)
    assert reader.skipped == 9 + 3 + 2


@pytest.mark.clause("RING-44", "RING-14", "RING-17")
def test_skipping_makes_room(backend: ModuleType) -> None:
    ring, writer, reader = make(backend, "gated", capacity=4)
    for turn in range(1, 4):  # a whole ring at once, over and over
        add(writer, 4 * turn - 4, 4 * turn)
        assert not writer.add(b"no room")
        assert reader.skip_to_latest(keep=0) == 4
        assert (ring.retained, reader.skipped) == (0, 4 * turn)
    slow = backend.Reader(ring)
    add(writer, 12, 16)
    assert reader.skip_to_latest(keep=1) == 3
    assert not writer.add(b"held back")
    assert slow.skip_to_latest(keep=2) == 2
    add(writer, 16, 18)
    assert not writer.add(b"no room")
    assert [event.data for event in slow] == [b"14", b"15", b"16", b"17"]
    assert [event.data for event in backend.Reader(ring)] == [b"15", b"16", b"17"]


@pytest.mark.clause("RING-43", "RING-19", "RING-20", "RING-39")
def test_skipping_at_an_end(backend: ModuleType) -> None:
    ring, writer, reader = make(backend, "gated")
    evicted = backend.Reader(ring)
    evicted.evict()
    add(writer, 0, 3)
    writer.close(end=True)
    assert reader.skip_to_latest() == 2
    assert not reader.at_eof
    assert reader.skip_to_latest(0) == 1
    assert reader.at_eof
    assert reader.skip_to_latest(0) == 0
    with pytest.raises(backend.EndOfStream):
        reader.next()
    reader.close()
    for ended in (reader, evicted):
        with pytest.raises(backend.RingClosed):
            ended.skip_to_latest()
        with pytest.raises(backend.RingClosed):
            ended.skip_to_latest("wrong as well")
    assert (reader.skipped, evicted.skipped) == (3, 0)


@pytest.mark.clause("RING-43", "ERR-4", "ERR-6")
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (True, TypeError),
        (1.0, TypeError),
        ("1", TypeError),
        (None, TypeError),
        (-1, ValueError),
        (-(10**30), ValueError),
    ],
    ids=repr,
)
def test_keep_that_is_none(backend: ModuleType, value: Any, error: type[Exception]) -> None:
    _, writer, reader = make(backend)
    add(writer, 0, 3)
    with pytest.raises(error, match="keep"):
        reader.skip_to_latest(value)
    with pytest.raises(TypeError, match="skip_to_latest"):
        reader.skip_to_latest(1, 2)
    assert (reader.cursor, reader.skipped) == (0, 0)
    assert reader.skip_to_latest(np.int64(2)) == 1


@pytest.mark.clause("RING-43", "RING-11")
@pytest.mark.parametrize(("gain", "keep"), [(2, 8), (3, 16), (3, 48), (9, 1)])
def test_slow_reader_gets_on(backend: ModuleType, gain: int, keep: int) -> None:
    """The writer adds so many events while the reader takes one; where it does not skip, each call finds a loss."""
    capacity, steps = 64, 400
    _, writer, reader = make(backend, capacity=capacity)
    _, edge_writer, edge = make(backend, capacity=capacity)
    got = told = losses = published = 0
    add(edge_writer, 0, capacity + 1)
    for _ in range(steps):
        add(writer, published, published + gain)
        add(edge_writer, published, published + gain)
        published += gain
        try:
            event = reader.next()
            assert event.data == b"%d" % (reader.cursor - 1)
            got += 1
        except backend.Lagged as lagged:
            told += lagged.skipped + reader.skip_to_latest(keep)
        try:
            edge.next()
        except backend.Lagged:
            losses += 1
    assert losses == steps
    assert (got, told) == (reader.delivered, reader.skipped)
    assert got + told == reader.cursor
    # A margin of capacity - keep is used up by gain - 1 a step, and one step tells of the loss.
    run = (capacity - keep) // (gain - 1)
    assert got >= steps * run // (run + 1) - run


@pytest.mark.clause("RING-43", "RING-13", "RING-12")
def test_slow_reader_of_a_fast_writer_gets_on(backend: ModuleType, threads: Any) -> None:
    """A writer that never rests against a reader that does: it gets new events all the time, and every one is whole."""
    ring, writer, reader = make(backend, capacity=1_024)
    done = threading.Event()
    seen: list[int] = []

    def write() -> None:
        number = 0
        while not done.is_set():
            threads.check()
            writer.add_many([(number + at).to_bytes(8, "little") * 2 for at in range(16)])
            number += 16

    def read() -> None:
        until = time.monotonic() + 20
        told = 0
        try:
            while len(seen) < 30 and time.monotonic() < until:
                threads.check()
                try:
                    event = reader.next(1)
                except backend.Lagged as lagged:
                    told += lagged.skipped + reader.skip_to_latest(keep=512)
                    continue
                assert event.data[:8] == event.data[8:]
                seen.append(int.from_bytes(event.data[:8], "little"))
                assert seen[-1] == reader.cursor - 1
                time.sleep(0.0005)  # slow
        finally:
            done.set()
        assert (reader.delivered, reader.skipped) == (len(seen), told)

    threads.run(write, read)
    assert len(seen) == 30
    assert seen == sorted(set(seen))
    assert ring.write_cursor > 0
