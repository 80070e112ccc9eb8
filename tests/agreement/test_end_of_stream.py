"""The end of the stream, on both implementations: nothing is lost before it, nothing waits after it."""

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ring_events import MODES, make  # type: ignore[import-not-found, unused-ignore]
from waiting_threads import LONG, is_readable, later  # type: ignore[import-not-found, unused-ignore]


async def taken_from(reader: Any) -> list[bytes]:
    """Return what asynchronous iteration yields until it stops."""
    return [event.data async for event in reader]


CALLS: dict[str, Callable[[Any], Any]] = {
    "next": lambda reader: reader.next(),
    "next-in-time": lambda reader: reader.next(0.01),
    "next-for-ever": lambda reader: reader.next(None),
    "next_many": lambda reader: reader.next_many(3),
    "next_many-in-time": lambda reader: reader.next_many(3, LONG),
}


@pytest.mark.clause("RING-39", "RING-42", "RING-7")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_end_comes_after_the_last_event_and_lasts(backend: ModuleType, mode: str, call: Callable[[Any], Any]) -> None:
    ring, writer, reader = make(backend, mode)
    assert (ring.has_writer, ring.ended, reader.at_eof) == (True, False, False)
    writer.add_many([b"0", b"1"])
    writer.close(end=True)
    assert (ring.has_writer, ring.ended, reader.at_eof, writer.closed) == (False, True, False, True)
    assert reader.next(None).data == b"0"
    assert [event.data for event in reader.next_many(5, None)] == [b"1"]
    for _ in range(3):
        assert reader.at_eof
        with pytest.raises(backend.EndOfStream, match="stream"):
            call(reader)
    assert (reader.cursor, reader.delivered, reader.skipped, reader.lag) == (2, 2, 0, 0)
    assert len(reader.next_many(0)) == 0  # nothing was asked for
    reader.close()
    with pytest.raises(backend.RingClosed) as closed:
        call(reader)
    assert closed.type is backend.RingClosed
    with pytest.raises(backend.RingClosed):
        _ = reader.at_eof


@pytest.mark.clause("RING-39", "RING-8", "RING-36")
@pytest.mark.parametrize("mode", MODES)
def test_both_kinds_of_iteration_stop(backend: ModuleType, mode: str) -> None:
    ring, writer, reader = make(backend, mode)
    other = backend.Reader(ring)
    writer.add_many([b"0", b"1"])
    assert [event.data for event in reader] == [b"0", b"1"]
    assert not reader.at_eof  # it stopped, as there was no more
    writer.add(b"2")
    writer.close(end=True)
    assert [event.data for event in reader] == [b"2"]
    assert reader.at_eof
    assert list(reader) == []
    assert asyncio.run(asyncio.wait_for(taken_from(reader), LONG)) == []
    assert asyncio.run(asyncio.wait_for(taken_from(other), LONG)) == [b"0", b"1", b"2"]


@pytest.mark.clause("RING-39", "RING-8")
def test_iteration_by_a_next_of_the_callers_own_stops(backend: ModuleType) -> None:
    class Counted(backend.Reader):  # type: ignore[name-defined, misc]
        calls = 0

        def next(self, timeout: Any = 0) -> Any:
            self.calls += 1
            return super().next(timeout)

    ring, writer, _ = make(backend)
    reader = Counted(ring)
    writer.add(b"0")
    writer.close(end=True)
    assert [event.data for event in reader] == [b"0"]
    assert reader.calls == 2


@pytest.mark.clause("RING-39", "RING-32")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", [CALLS["next-for-ever"], CALLS["next_many-in-time"]], ids=["next", "next_many"])
def test_end_ends_the_waits_of_all(backend: ModuleType, threads: Any, mode: str, call: Callable[[Any], Any]) -> None:
    ring, writer, reader = make(backend, mode)
    readers = [reader, reader, backend.Reader(ring)]
    started = threading.Barrier(len(readers) + 1)

    def wait(mine: Any) -> None:
        started.wait(LONG)
        with pytest.raises(backend.EndOfStream):
            call(mine)

    def end() -> None:
        started.wait(LONG)
        time.sleep(0.02)
        writer.close(end=True)

    threads.run(end, *[functools.partial(wait, mine) for mine in readers])


@pytest.mark.clause("RING-39", "RING-36", "RING-59")
@pytest.mark.parametrize("from_thread", [False, True])
def test_end_stops_the_tasks_that_wait(backend: ModuleType, from_thread: bool) -> None:
    ring, writer, reader = make(backend)
    other = backend.Reader(ring)

    async def run() -> list[bytes]:
        tasks = [asyncio.create_task(taken_from(mine)) for mine in (reader, reader, other)]
        await asyncio.sleep(0.01)
        writer.add(b"0")
        await asyncio.sleep(0.01)
        if from_thread:
            await asyncio.to_thread(writer.close, end=True)
        else:
            writer.close(end=True)
        taken = await asyncio.wait_for(asyncio.gather(*tasks), LONG)
        for mine in (reader, other):
            assert not asyncio.get_running_loop().remove_reader(mine.fileno())
        return sorted(data for mine in taken for data in mine)

    assert asyncio.run(run()) == [b"0", b"0"]


@pytest.mark.clause("RING-39", "RING-60")
@pytest.mark.parametrize("mode", MODES)
def test_descriptor_is_readable_at_the_end_and_stays_so(backend: ModuleType, mode: str) -> None:
    _, writer, reader = make(backend, mode)
    assert is_readable(reader)
    assert reader.next() is None
    assert not is_readable(reader)
    thread = later(functools.partial(writer.close, end=True))
    assert is_readable(reader, LONG)
    thread.join()
    for _ in range(3):
        with pytest.raises(backend.EndOfStream):
            reader.next()
        assert is_readable(reader)
    late = backend.Reader(reader.ringbuffer)
    assert is_readable(late)


@pytest.mark.clause("RING-40", "RING-42", "RING-16", "RING-17")
@pytest.mark.parametrize("mode", MODES)
def test_after_the_end_readers_open_and_writers_do_not(backend: ModuleType, mode: str) -> None:
    ring, writer, reader = make(backend, mode, capacity=2)
    writer.add_many([b"0", b"1"])
    if mode == "overwrite":
        writer.add(b"2")
    writer.close(end=True)
    for _ in range(2):
        with pytest.raises(backend.EndOfStream, match="another ring"):
            backend.Writer(ring)
    assert ring.retained == 2
    oldest, latest = backend.Reader(ring), backend.Reader(ring, start="latest")
    expected = [b"1", b"2"] if mode == "overwrite" else [b"0", b"1"]
    assert [event.data for event in oldest] == expected
    assert latest.at_eof
    with pytest.raises(backend.EndOfStream):
        latest.next()
    if mode == "overwrite":
        with pytest.raises(backend.Lagged):  # what was lost is told before the end
            reader.next()
        with backend.Reader(ring, cursor=2) as third:
            assert [event.data for event in third] == [b"2"]
    assert [event.data for event in reader] == expected


@pytest.mark.clause("RING-41", "RING-27", "RING-4")
def test_a_writer_that_was_closed_ends_nothing(backend: ModuleType) -> None:
    ring, writer, reader = make(backend)
    writer.close()
    with pytest.raises(backend.RingClosed) as closed:
        writer.close(end=True)
    assert closed.type is backend.RingClosed
    assert (ring.ended, ring.has_writer, reader.next()) == (False, False, None)
    with backend.Writer(ring) as following:
        assert ring.has_writer
        with pytest.raises(backend.RingClosed):
            writer.close(end=True)
        following.add(b"goes on")
    assert (ring.ended, ring.has_writer, reader.next().data) == (False, False, b"goes on")
    last = backend.Writer(ring)
    last.close(end=True)
    last.close(end=True)
    last.close()
    writer.close(end=True)  # the stream has ended: there is nothing to do
    with pytest.raises(backend.RingClosed):
        last.add(b"more")
    with pytest.raises(backend.EndOfStream):
        reader.next()


@pytest.mark.clause("RING-42", "RING-27")
def test_collected_writer_ends_no_stream(backend: ModuleType, collect: Callable[[], None]) -> None:
    ring, writer, reader = make(backend)
    del writer
    collect()
    assert (ring.has_writer, ring.ended, reader.next()) == (False, False, None)


@pytest.mark.clause("RING-41", "ERR-4", "ERR-6")
@pytest.mark.parametrize("value", [1, 0, None, "yes"], ids=repr)
def test_end_is_a_flag_given_by_its_name(backend: ModuleType, value: Any) -> None:
    ring, writer, _ = make(backend)
    with pytest.raises(TypeError, match="end"):
        writer.close(end=value)
    with pytest.raises(TypeError, match=r"close\(\)"):
        writer.close(True)
    with pytest.raises(TypeError, match="last"):
        writer.close(last=True)
    assert (writer.closed, ring.has_writer, ring.ended) == (False, True, False)
    writer.close(end=False)
    assert (writer.closed, ring.has_writer, ring.ended) == (True, False, False)


@pytest.mark.clause("RING-39", "RING-5", "ORDER-18")
@pytest.mark.parametrize("mode", MODES)
def test_no_event_is_lost_at_the_end(backend: ModuleType, threads: Any, mode: str) -> None:
    """A writer that ends right after its last event, over and over, against one that waits and one that polls."""
    for turn in range(60):
        ring, writer, waits = make(backend, mode)
        polls = backend.Reader(ring)
        taken: list[list[bytes]] = [[], []]
        started = threading.Barrier(3)

        def wait(reader: Any = waits, mine: list[bytes] = taken[0], started: Any = started) -> None:
            started.wait(LONG)
            while True:
                try:
                    mine.append(reader.next(LONG).data)
                except backend.EndOfStream:
                    return

        def poll(reader: Any = polls, mine: list[bytes] = taken[1], started: Any = started) -> None:
            started.wait(LONG)
            while not reader.at_eof:
                threads.check()
                mine += [event.data for event in reader]

        def write(writer: Any = writer, turn: int = turn, started: Any = started) -> None:
            started.wait(LONG)
            for number in range(turn % 4):
                writer.add(b"%d" % number)
            writer.close(end=True)

        threads.run(wait, poll, write)
        assert taken == [[b"%d" % number for number in range(turn % 4)]] * 2
