"""Waiting, on both implementations: in a thread, on a descriptor, in an event loop."""

import asyncio
import contextlib
import decimal
import fractions
import functools
import math
import os
import select
import selectors
import threading
import time
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from waiting_threads import LONG, is_readable, later, printed_by  # type: ignore[import-not-found, unused-ignore]

MODES = ("overwrite", "gated")


def make(backend: ModuleType, mode: str = "overwrite", capacity: int = 8) -> tuple[Any, Any, Any]:
    """Return a ring, its writer and a reader."""
    ring = backend.RingBuffer(16, capacity, mode=mode)
    return ring, backend.Writer(ring), backend.Reader(ring)


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "next": lambda reader, timeout: reader.next(timeout),
    "next_many": lambda reader, timeout: next(iter(reader.next_many(3, timeout)), None),
}


@pytest.fixture(params=WAYS)
def wait(request: pytest.FixtureRequest) -> Callable[[Any, Any], Any]:
    """Wait for an event by either call: the first event, or None."""
    return WAYS[request.param]


# In a thread


@pytest.mark.clause("RING-31")
def test_nothing_comes_in_time(backend: ModuleType, wait: Callable[[Any, Any], Any]) -> None:
    _, writer, reader = make(backend)
    for timeout in (0, 0.0, 1e-9, 0.001):
        assert wait(reader, timeout) is None
    begun = time.monotonic()
    assert wait(reader, 0.05) is None
    assert time.monotonic() - begun >= 0.05
    assert (reader.cursor, reader.delivered) == (0, 0)
    writer.add(b"one")
    assert wait(reader, 0.05).data == b"one"
    assert wait(reader, 0.001) is None
    assert (reader.cursor, reader.delivered, reader.skipped) == (1, 1, 0)


@pytest.mark.clause("RING-31", "RING-7")
def test_default_does_not_wait(backend: ModuleType) -> None:
    _, _, reader = make(backend)
    begun = time.monotonic()
    for _ in range(100):
        assert reader.next() is None
        assert len(reader.next_many(5)) == 0
        assert list(reader) == []
    assert time.monotonic() - begun < LONG


@pytest.mark.clause("RING-31", "RING-38")
@pytest.mark.parametrize(
    "timeout",
    [
        *(
            None,
            0,
            0.0,
            -0.0,
            3,
            2.5,
            math.inf,
            1e300,
            10**400,
            2**63,
            decimal.Decimal("0.5"),
            fractions.Fraction(1, 3),
        ),
        *(np.float32(0.5), np.float64(2), np.int64(3)),
    ],
)
def test_event_that_is_there_is_returned_at_once(
    backend: ModuleType, wait: Callable[[Any, Any], Any], timeout: Any
) -> None:
    _, writer, reader = make(backend)
    writer.add(b"there", 7)
    assert wait(reader, timeout) == backend.PooledEvent(b"there", 7)


@pytest.mark.clause("RING-31", "RING-32")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("timeout", [None, LONG, math.inf])
def test_event_ends_a_wait(
    backend: ModuleType, wait: Callable[[Any, Any], Any], mode: str, timeout: float | None
) -> None:
    _, writer, reader = make(backend, mode)
    thread = later(lambda: writer.add(b"late", 3))
    begun = time.monotonic()
    assert wait(reader, timeout) == backend.PooledEvent(b"late", 3)
    assert time.monotonic() - begun < LONG
    thread.join()


@pytest.mark.clause("RING-31")
def test_batch_is_what_is_there_when_the_wait_ends(backend: ModuleType) -> None:
    ring, writer, reader = make(backend)
    thread = later(lambda: writer.add_many([b"1", b"2", b"3"]))
    batch = reader.next_many(100, LONG)
    thread.join()
    assert 1 <= len(batch) <= 3
    assert [event.data for event in [*batch, *reader]] == [b"1", b"2", b"3"]
    begun = time.monotonic()
    assert len(reader.next_many(0, None)) == 0  # nothing was asked for
    assert reader.next_many(0, LONG).first_sequence == ring.write_cursor
    assert reader.next_many(5, timeout=0.001).first_sequence == ring.write_cursor
    assert time.monotonic() - begun < LONG


@pytest.mark.clause("RING-32")
@pytest.mark.parametrize("mode", MODES)
def test_no_wake_up_is_lost(backend: ModuleType, threads: Any, mode: str) -> None:
    """Two threads that answer each other: each event finds the other asleep, or about to be."""
    turns = 500
    _, writer, reader = make(backend, mode)
    _, writer_back, reader_back = make(backend, mode)

    def ask() -> None:
        for turn in range(turns):
            writer.add(turn.to_bytes(2, "little"))
            assert reader_back.next(LONG).data == turn.to_bytes(2, "little")

    def answer() -> None:
        for turn in range(turns):
            event = reader.next(None) if turn % 2 else reader.next_many(1, LONG)[0]
            assert event.data == turn.to_bytes(2, "little")
            writer_back.add(event.data)

    threads.run(ask, answer)


@pytest.mark.clause("RING-32", "RING-19", "RING-20")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("end", ["close", "evict"])
@pytest.mark.parametrize("timeout", [None, LONG])
def test_end_of_the_reader_ends_a_wait(
    backend: ModuleType, wait: Callable[[Any, Any], Any], mode: str, end: str, timeout: float | None
) -> None:
    if (mode, end) == ("overwrite", "evict"):
        mode = "gated"  # a reader cannot be evicted from an overwriting ring
    _, _, reader = make(backend, mode)
    thread = later(getattr(reader, end))
    begun = time.monotonic()
    with pytest.raises(backend.RingClosed):
        wait(reader, timeout)
    assert time.monotonic() - begun < LONG
    thread.join()
    with pytest.raises(backend.RingClosed):
        wait(reader, timeout)


@pytest.mark.clause("RING-32", "RING-27")
def test_end_of_the_writer_ends_no_wait(backend: ModuleType) -> None:
    ring, writer, reader = make(backend)

    def change() -> None:
        writer.close()
        time.sleep(0.02)
        backend.Writer(ring).add(b"of the next one")

    thread = later(change)
    assert reader.next(LONG).data == b"of the next one"
    thread.join()


@pytest.mark.clause("RING-31", "RING-11")
def test_lagged_reader_does_not_wait(backend: ModuleType, wait: Callable[[Any, Any], Any]) -> None:
    _, writer, reader = make(backend, capacity=2)
    writer.add_many([b"0", b"1", b"2", b"3", b"4"])
    with pytest.raises(backend.Lagged) as lagged:
        wait(reader, None)
    assert (lagged.value.skipped, lagged.value.next_sequence) == (3, 3)
    assert wait(reader, None).data == b"3"


@pytest.mark.clause("RING-59")
@pytest.mark.parametrize("mode", MODES)
def test_each_event_goes_to_one_of_those_who_wait(backend: ModuleType, threads: Any, mode: str) -> None:
    count = 60
    _, writer, reader = make(backend, mode, capacity=2 * count)
    taken: list[list[bytes]] = [[], [], []]
    waiting = threading.Barrier(4)

    def take(mine: list[bytes]) -> None:
        waiting.wait(LONG)
        while (event := reader.next(LONG)).data != b"end":
            mine.append(event.data)

    def write() -> None:
        waiting.wait(LONG)
        for number in range(count):
            assert writer.add(b"%d" % number)
            if number % 7 == 0:
                time.sleep(0.001)
        for _ in taken:
            assert writer.add(b"end")

    threads.run(write, *[lambda mine=mine: take(mine) for mine in taken])
    assert sorted(int(data) for mine in taken for data in mine) == list(range(count))
    assert all(mine == sorted(mine, key=int) for mine in taken)


@pytest.mark.clause("RING-34")
def test_a_waiting_thread_uses_no_processor_time(backend: ModuleType, wait: Callable[[Any, Any], Any]) -> None:
    _, _writer, reader = make(backend)
    begun = time.thread_time()
    assert not wait(reader, 1.0)
    assert time.thread_time() - begun < 0.01


@pytest.mark.clause("RING-58")
def test_a_waiting_thread_lets_others_run(backend: ModuleType, wait: Callable[[Any, Any], Any]) -> None:
    _, writer, reader = make(backend)
    thread = threading.Thread(target=wait, args=(reader, None), daemon=True)
    thread.start()
    counted = 0
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        counted += 1
    writer.add(b"")
    thread.join(LONG)
    assert counted > 1_000


@pytest.mark.clause("RING-38", "ERR-4", "ERR-6")
@pytest.mark.parametrize("value", [True, False, "1", b"1", 1j, [1], {}], ids=repr)
def test_timeout_of_a_wrong_type(backend: ModuleType, value: Any) -> None:
    _, writer, reader = make(backend)
    writer.add(b"stays")
    with pytest.raises(TypeError, match="timeout"):
        reader.next(value)
    with pytest.raises(TypeError, match="timeout"):
        reader.next_many(1, timeout=value)
    assert reader.cursor == 0


@pytest.mark.clause("RING-38", "ERR-4")
@pytest.mark.parametrize("value", [-1, -0.001, -math.inf, math.nan, -(10**400), np.float64(-2)], ids=str)
def test_timeout_of_a_wrong_value(backend: ModuleType, value: Any) -> None:
    _, writer, reader = make(backend)
    writer.add(b"stays")
    with pytest.raises(ValueError, match="timeout"):
        reader.next(value)
    with pytest.raises(ValueError, match="timeout"):
        reader.next_many(1, timeout=value)
    assert reader.cursor == 0


AFTER_THE_END: tuple[Callable[[Any], Any], ...] = (
    lambda reader: reader.next("1"),
    lambda reader: reader.next(-1),
    lambda reader: reader.next_many("1", "2"),
    lambda reader: reader.next_many(1, None),
)


@pytest.mark.clause("ERR-7", "RING-38")
def test_which_error_of_a_wait_comes_first(backend: ModuleType) -> None:
    _, _, reader = make(backend)
    with pytest.raises(TypeError, match="limit"):
        reader.next_many("1", "2")
    with pytest.raises(TypeError, match="timeout"):
        reader.next_many(-1, "2")
    with pytest.raises(ValueError, match="limit"):
        reader.next_many(-1, -2)
    with pytest.raises(ValueError, match="timeout"):
        reader.next_many(0, -2)
    reader.close()
    for use in AFTER_THE_END:
        with pytest.raises(backend.RingClosed):
            use(reader)


def run_program(backend: ModuleType, text: str) -> str:
    """Run a program of its own, with `backend` in it, and return what it printed."""
    setup = "ring = backend.RingBuffer(16, 8)\n"
    setup += "writer, reader = backend.Writer(ring), backend.Reader(ring)"
    return str(printed_by(backend, setup, text))


@pytest.mark.clause("RING-33")
@pytest.mark.parametrize("call", ["reader.next(None)", "reader.next(60)", "reader.next_many(4, None)"])
def test_ctrl_c_ends_a_wait(backend: ModuleType, call: str) -> None:
    printed = run_program(
        backend,
        f"""
        import os, signal, threading, time
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        begun = time.monotonic()
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - begun < 30)
        writer.add(b"kept")
        print(reader.next(), reader.cursor)
        """,
    )
    assert printed == "interrupted True\nPooledEvent(data=b'kept', event_type=0) 1\n"


@pytest.mark.clause("RING-33")
def test_handler_that_does_not_raise_ends_no_wait(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import os, signal, threading
        def handle(*_):
            print("handled")
            threading.Timer(0.1, writer.add, (b"later",)).start()
        signal.signal(signal.SIGUSR1, handle)
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        print(reader.next(60).data)
        """,
    )
    assert printed == "handled\nb'later'\n"


@pytest.mark.clause("RING-33")
def test_handler_runs_if_another_thread_receives_the_signal(backend: ModuleType) -> None:
    """The sleep of the thread that runs signal handlers ends by itself, as it must if a signal came just before it."""
    printed = run_program(
        backend,
        """
        import signal, threading, time
        class Handled(Exception): pass
        def handle(*_):
            raise Handled
        signal.signal(signal.SIGUSR1, handle)
        def strike():
            time.sleep(0.1)
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
            time.sleep(60)
        threading.Thread(target=strike, daemon=True).start()
        begun = time.monotonic()
        try:
            reader.next(None)
        except Handled:
            print("handled", time.monotonic() - begun < 30)
        """,
    )
    assert printed == "handled True\n"


# On a descriptor


@pytest.mark.clause("RING-35", "RING-60")
@pytest.mark.parametrize("mode", MODES)
def test_descriptor_says_when_to_look(backend: ModuleType, mode: str) -> None:
    _, writer, reader = make(backend, mode, capacity=4)
    descriptor = reader.fileno()
    assert isinstance(descriptor, int)
    assert reader.fileno() == descriptor
    assert is_readable(reader)  # the reader has not looked yet
    for turn in range(5):
        assert reader.next() is None
        assert not is_readable(reader)
        assert reader.next() is None
        writer.add(b"%d" % turn)
        writer.add(b"more")
        assert is_readable(descriptor)
        assert reader.next().data == b"%d" % turn
        assert is_readable(descriptor)
        assert [event.data for event in reader] == [b"more"]
        assert not is_readable(descriptor)
        assert len(reader.next_many(3)) == 0
        assert writer.add_many([b"1", b"2", b"3"]) == 3
        assert is_readable(descriptor)
        assert len(reader.next_many(2)) == 2
        assert is_readable(descriptor)
        assert len(reader.next_many(2)) == 1
        assert is_readable(descriptor)  # this call has found an event


@pytest.mark.clause("RING-60", "RING-11")
def test_descriptor_of_a_lapped_reader(backend: ModuleType) -> None:
    _, writer, reader = make(backend, capacity=2)
    reader.fileno()
    assert reader.next() is None
    writer.add_many([b"0", b"1", b"2", b"3"])
    assert is_readable(reader)
    with pytest.raises(backend.Lagged):
        reader.next()
    assert is_readable(reader)
    assert [event.data for event in reader] == [b"2", b"3"]
    assert not is_readable(reader)


@pytest.mark.clause("RING-60", "RING-6")
def test_descriptors_of_readers_are_apart(backend: ModuleType) -> None:
    ring, writer, reader = make(backend)
    other = backend.Reader(ring)
    assert reader.fileno() != other.fileno()
    assert reader.next() is None
    assert other.next() is None
    writer.add(b"for both")
    assert is_readable(reader)
    assert is_readable(other)
    assert len(list(reader)) == 1
    assert not is_readable(reader)
    assert is_readable(other)


@pytest.mark.clause("RING-60", "RING-32")
@pytest.mark.parametrize("end", ["close", "evict"])
def test_descriptor_of_a_reader_that_ends(backend: ModuleType, end: str) -> None:
    _, _, reader = make(backend, "gated")
    descriptor = reader.fileno()
    assert reader.next() is None
    thread = later(getattr(reader, end))
    assert is_readable(descriptor, LONG)
    thread.join()
    with pytest.raises(backend.RingClosed):
        reader.next()
    with pytest.raises(backend.RingClosed):
        reader.fileno()
    assert is_readable(descriptor)  # as long as there is the reader


def open_descriptors() -> int:
    """Return how many descriptors the process has."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.clause("RING-35")
def test_descriptors_end_with_their_readers(backend: ModuleType, collect: Callable[[], None]) -> None:
    ring, writer, _ = make(backend)
    before = open_descriptors()
    for _ in range(50):
        reader = backend.Reader(ring)
        assert is_readable(reader)
        reader.next_many(100)
        assert reader.next() is None
        assert not is_readable(reader)
        del reader
        collect()
        writer.add(b"for no reader")
        assert open_descriptors() <= before + 2  # a ring may keep them for its next reader
    del ring, writer, _
    collect()
    assert open_descriptors() <= before


@pytest.mark.clause("RING-35", "RING-60")
@pytest.mark.parametrize("selector", [selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector])
def test_descriptor_in_a_selector(backend: ModuleType, selector: Any) -> None:
    """Registered once: it is readable again and again."""
    _, writer, reader = make(backend)
    with selector() as chosen:
        chosen.register(reader, selectors.EVENT_READ)
        for turn in range(20):
            while reader.next() is not None:
                pass
            assert chosen.select(0) == []
            thread = later(functools.partial(writer.add, b"%d" % turn), 0.001)
            (key, _), *rest = chosen.select(LONG)
            thread.join()
            assert key.fileobj is reader
            assert rest == []
            assert reader.next().data == b"%d" % turn


@pytest.mark.clause("RING-35", "ERR-8")
def test_forked_process_leaves_the_descriptor_to_its_parent(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import os, select, warnings
        def is_readable(descriptor):
            return bool(select.select([descriptor], [], [], 0)[0])
        descriptor = reader.fileno()
        reader.next()
        child = os.fork()
        if child == 0:
            said = [is_readable(descriptor)]
            try:
                reader.fileno()
            except backend.ForkedCopy:
                said += ["forked"]
            reader.close()
            writer.close()
            del reader, writer, ring
            said += [is_readable(descriptor)]
            print(said, flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1], is_readable(descriptor), reader.next())
        writer.add(b"the parent's")
        print(is_readable(descriptor), reader.fileno() == descriptor, reader.next().data)
        """,
    )
    assert printed.splitlines() == [
        "[False, 'forked', False]",
        "0 False None",
        """True True b"the parent's\"""",
    ]


@pytest.mark.clause("RING-53", "RING-35")
@pytest.mark.parametrize("closes", [True, False])
def test_nothing_that_watched_a_reader_hears_of_the_next(
    backend: ModuleType, collect: Callable[[], None], closes: bool
) -> None:
    ring, writer, first = make(backend)
    with select.epoll() as watching:
        for _ in range(20):
            watching.register(first.fileno(), select.EPOLLIN)  # never `FileExistsError`
            assert first.next() is None
            if closes:
                first.close()
                assert len(watching.poll(0)) == 1  # it is told of the end, as long as there is the reader
            del first
            collect()
            other = backend.Reader(ring, start="latest")
            other.fileno()
            assert other.next() is None
            writer.add(b"for the other")
            assert is_readable(other)
            assert watching.poll(0) == []
            first, other = other, None
            assert first.next() is not None


@pytest.mark.clause("RING-53")
@pytest.mark.parametrize("selector", [selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector])
def test_closed_reader_can_be_unregistered(backend: ModuleType, selector: Any, collect: Callable[[], None]) -> None:
    ring, writer, reader = make(backend)
    with selector() as chosen:
        for turn in range(5):
            chosen.register(reader, selectors.EVENT_READ)
            assert reader.next() is None
            assert chosen.select(0) == []
            reader.close()
            assert [key.fileobj for key, _ in chosen.select(0)] == [reader]
            chosen.unregister(reader)
            reader = backend.Reader(ring, start="latest")
            collect()
            writer.add(b"%d" % turn)
            assert reader.next() is not None


# In an event loop


def take_all(reader: Any, count: int) -> Any:
    """Return a coroutine that takes so many events."""

    async def run() -> list[bytes]:
        taken: list[bytes] = []
        async for event in reader:
            taken.append(event.data)
            if len(taken) == count:
                break
        return taken

    return run()


def nothing_registered(loop: asyncio.AbstractEventLoop, descriptor: int) -> bool:
    """Whether a loop watches nothing on a descriptor."""
    return not loop.remove_reader(descriptor)


@pytest.mark.clause("RING-36", "RING-8")
@pytest.mark.parametrize("mode", MODES)
def test_async_iteration_waits_for_more(backend: ModuleType, mode: str) -> None:
    _, writer, reader = make(backend, mode)
    writer.add_many([b"0", b"1"])

    async def run() -> None:
        task = asyncio.create_task(take_all(reader, 20))
        for number in range(2, 20):
            await asyncio.sleep(0.001 if number % 3 else 0)
            while not writer.add(b"%d" % number):
                await asyncio.sleep(0)
        assert await asyncio.wait_for(task, LONG) == [b"%d" % number for number in range(20)]
        assert nothing_registered(asyncio.get_running_loop(), reader.fileno())

    asyncio.run(run())
    assert list(reader) == []  # plain iteration still stops


@pytest.mark.clause("RING-36", "RING-32")
def test_thread_wakes_a_task(backend: ModuleType) -> None:
    _, writer, reader = make(backend, "gated", capacity=4)
    count = 300

    def write() -> None:
        for number in range(count):
            while not writer.add(number.to_bytes(2, "little")):
                time.sleep(0.0005)
            if number % 10 == 0:
                time.sleep(0.001)

    async def run() -> list[bytes]:
        return await asyncio.wait_for(take_all(reader, count), LONG)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    assert asyncio.run(run()) == [number.to_bytes(2, "little") for number in range(count)]
    thread.join()


@pytest.mark.clause("RING-37")
@pytest.mark.parametrize("mode", MODES)
def test_cancelled_task_takes_nothing_and_leaves_nothing(backend: ModuleType, mode: str) -> None:
    _, writer, reader = make(backend, mode, capacity=256)

    async def run() -> tuple[list[bytes], int]:
        loop, sent = asyncio.get_running_loop(), 0
        taken: list[bytes] = []
        for turn in range(60):
            task = asyncio.create_task(take_all(reader, 1))
            for _ in range(turn % 4):
                await asyncio.sleep(0)
            if turn % 3:  # before it waits, while it waits, and when it was woken and has not run yet
                writer.add(b"%d" % sent)
                sent += 1
            for _ in range(turn % 2):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                taken += await task
            assert nothing_registered(loop, reader.fileno())
            assert reader.delivered == len(taken)
        return [*taken, *(event.data for event in reader)], sent

    taken, sent = asyncio.run(run())
    assert taken == [b"%d" % number for number in range(sent)]


@pytest.mark.clause("RING-37", "RING-36")
def test_time_of_a_task_is_up(backend: ModuleType) -> None:
    _, writer, reader = make(backend)

    async def run() -> None:
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(reader), 0.01)
        writer.add(b"later")
        assert (await asyncio.wait_for(anext(reader), LONG)).data == b"later"

    asyncio.run(run())


@pytest.mark.clause("RING-59", "RING-36")
def test_tasks_of_one_loop_share_a_reader(backend: ModuleType) -> None:
    _, writer, reader = make(backend, capacity=256)

    async def take(taken: list[bytes]) -> None:
        async for event in reader:
            if event.data == b"end":
                break
            taken.append(event.data)

    async def run() -> list[bytes]:
        taken: list[bytes] = []
        tasks = [asyncio.create_task(take(taken)) for _ in range(3)]
        for number in range(100):
            writer.add(b"%d" % number)
            if number % 5 == 0:
                await asyncio.sleep(0.001)
            if number == 50:
                tasks.pop(0).cancel()
        writer.add_many([b"end", b"end"])
        await asyncio.wait_for(asyncio.gather(*tasks), LONG)
        assert nothing_registered(asyncio.get_running_loop(), reader.fileno())
        return taken

    assert asyncio.run(run()) == [b"%d" % number for number in range(100)]


@pytest.mark.clause("RING-59", "RING-36")
def test_loops_of_two_threads_and_a_thread_share_a_reader(backend: ModuleType, threads: Any) -> None:
    _, writer, reader = make(backend, capacity=512)
    taken: list[bytes] = []
    started = threading.Barrier(4)

    async def take() -> None:
        async for event in reader:
            if event.data == b"end":
                break
            taken.append(event.data)

    def in_a_loop() -> None:
        started.wait(LONG)
        asyncio.run(asyncio.wait_for(take(), LONG))

    def in_a_thread() -> None:
        started.wait(LONG)
        while (event := reader.next(LONG)).data != b"end":
            taken.append(event.data)

    def write() -> None:
        started.wait(LONG)
        for number in range(200):
            writer.add(b"%d" % number)
            if number % 9 == 0:
                time.sleep(0.001)
        writer.add_many([b"end"] * 3)

    threads.run(in_a_loop, in_a_loop, in_a_thread, write)
    assert sorted(map(int, taken)) == list(range(200))


@pytest.mark.clause("RING-36", "RING-32", "RING-19", "RING-20")
@pytest.mark.parametrize("end", ["close", "evict"])
@pytest.mark.parametrize("from_thread", [False, True])
def test_end_of_the_reader_ends_async_iteration(backend: ModuleType, end: str, from_thread: bool) -> None:
    _, _, reader = make(backend, "gated")

    async def run() -> None:
        descriptor = reader.fileno()
        task = asyncio.create_task(take_all(reader, 1))
        await asyncio.sleep(0.01)
        call = getattr(reader, end)
        await (asyncio.to_thread(call) if from_thread else asyncio.sleep(0, call()))
        with pytest.raises(backend.RingClosed):
            await asyncio.wait_for(task, LONG)
        assert nothing_registered(asyncio.get_running_loop(), descriptor)
        with pytest.raises(backend.RingClosed):
            await anext(reader)
        with pytest.raises(backend.RingClosed):
            aiter(reader)

    asyncio.run(run())


@pytest.mark.clause("RING-36", "RING-11")
def test_async_iteration_is_told_of_lost_events(backend: ModuleType) -> None:
    _, writer, reader = make(backend, capacity=2)

    async def run() -> None:
        task = asyncio.create_task(take_all(reader, 1))
        await asyncio.sleep(0.01)
        writer.add_many([b"0", b"1", b"2", b"3"])
        with pytest.raises(backend.Lagged) as lagged:
            await asyncio.wait_for(task, LONG)
        assert lagged.value.skipped == 2
        assert await take_all(reader, 2) == [b"2", b"3"]

    asyncio.run(run())


@pytest.mark.clause("RING-36")
def test_one_loop_after_another(backend: ModuleType) -> None:
    _, writer, reader = make(backend)
    for number in range(5):
        thread = later(functools.partial(writer.add, b"%d" % number), 0.005)
        assert asyncio.run(take_all(reader, 1)) == [b"%d" % number]
        thread.join()


@pytest.mark.clause("RING-33", "RING-37")
def test_ctrl_c_ends_async_iteration(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import asyncio, os, signal, threading
        async def run():
            async for event in reader:
                print(event.data)
        writer.add(b"first")
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            asyncio.run(run())
        except KeyboardInterrupt:
            print("interrupted")
        writer.add(b"kept")
        print(reader.next().data)
        """,
    )
    assert printed == "b'first'\ninterrupted\nb'kept'\n"


async def take_endless(reader: Any, writer: Any, taken: list[bytes], pause: float = 0) -> None:
    """Take events, each of which leads to another."""
    writer.add(b"first")
    async for event in reader:
        taken.append(event.data)
        writer.add(b"%d" % len(taken))
        if pause:
            time.sleep(pause)  # what the task computes


@pytest.mark.clause("RING-54", "RING-37")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pause", [0, 0.0003, 0.003])
def test_time_is_up_while_events_keep_coming(backend: ModuleType, mode: str, pause: float) -> None:
    _, writer, reader = make(backend, mode)
    taken: list[bytes] = []

    async def run() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(take_endless(reader, writer, taken, pause), 0.1)

    begun = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - begun < LONG
    # it took each event that it was given, and left the next one
    assert reader.delivered == len(taken)
    assert taken == [b"first", *(b"%d" % number for number in range(1, len(taken)))]
    assert reader.next().data == b"%d" % len(taken)


@pytest.mark.clause("RING-54")
@pytest.mark.parametrize("pause", [0, 0.0003, 0.003])
def test_other_tasks_run_while_events_keep_coming(backend: ModuleType, pause: float) -> None:
    _, writer, reader = make(backend)
    taken: list[bytes] = []
    gaps: list[int] = []

    async def tick() -> None:
        seen, until = 0, time.monotonic() + 0.15
        while time.monotonic() < until:
            await asyncio.sleep(0)
            gaps.append(len(taken) - seen)
            seen = len(taken)

    async def run() -> None:
        task = asyncio.create_task(take_endless(reader, writer, taken, pause))
        await asyncio.wait_for(tick(), LONG)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert len(gaps) > 3
    if pause:
        # a millisecond, and the 16 events of one look at the clock
        assert max(gaps[1:]) <= 0.001 / pause + 16 + 1
        assert sorted(gaps[1:])[len(gaps) // 2] <= 0.001 / pause + 4


@pytest.mark.clause("RING-54")
def test_events_of_a_millisecond_take_no_turn_each(backend: ModuleType) -> None:
    _, writer, reader = make(backend, capacity=4_096)
    writer.add_many([b"x"] * 4_096)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def run() -> float:
        task = asyncio.create_task(count())
        begun = time.monotonic()
        await take_all(reader, 4_096)
        took = time.monotonic() - begun
        task.cancel()
        return took

    took = asyncio.run(run())
    assert turns <= took / 0.001 + 2


@pytest.mark.clause("RING-54", "RING-59")
def test_tasks_that_share_a_reader_all_run(backend: ModuleType) -> None:
    _, writer, reader = make(backend)
    taken: list[list[bytes]] = [[], [], []]

    async def run() -> None:
        tasks = [asyncio.create_task(take_endless(reader, writer, mine)) for mine in taken]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), LONG))
    assert all(taken)


@pytest.mark.clause("RING-33", "RING-54")
def test_ctrl_c_while_events_keep_coming(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import asyncio, os, signal, threading, time
        taken = 0
        async def run():
            global taken
            writer.add(b"0")
            async for event in reader:
                taken += 1
                writer.add(b"%d" % taken)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        begun = time.monotonic()
        try:
            asyncio.run(run())
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - begun < 5)
        print(reader.delivered == taken, reader.next().data == b"%d" % taken)
        """,
    )
    assert printed == "interrupted True\nTrue True\n"


@pytest.mark.clause("RING-36")
def test_callback_of_the_programs_own_is_left_alone(backend: ModuleType) -> None:
    _, writer, reader = make(backend)
    called: list[str] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        descriptor = reader.fileno()
        assert reader.next() is None
        loop.add_reader(descriptor, called.append, "called")
        task = asyncio.create_task(take_all(reader, 1))
        await asyncio.sleep(0.01)
        assert called == []
        writer.add(b"for the task")
        assert await asyncio.wait_for(task, LONG) == [b"for the task"]
        while not called:
            await asyncio.sleep(0)
        assert reader.next() is None
        called.clear()
        writer.add(b"for the callback")
        while not called:
            await asyncio.sleep(0)
        assert loop.remove_reader(reader.fileno())

    asyncio.run(asyncio.wait_for(run(), LONG))


@pytest.mark.clause("RING-36")
def test_reader_keeps_no_closed_loop(backend: ModuleType, collect: Callable[[], None]) -> None:
    _, writer, reader = make(backend)
    before = open_descriptors()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # it would say that a task is left
    task = loop.create_task(take_all(reader, 1))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    gone = weakref.ref(loop)
    del loop, task
    collect()
    assert gone() is None
    assert open_descriptors() <= before + 2  # those of the reader
    writer.add(b"kept")
    assert asyncio.run(take_all(reader, 1)) == [b"kept"]


@pytest.mark.clause("RING-36", "ERR-1")
def test_no_descriptor_to_wait_with(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import asyncio, os, resource
        async def run():
            writer.add(b"kept")
            assert (await anext(reader)).data == b"kept"
            reader.fileno()
            held = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            try:
                while True:
                    held.append(os.dup(0))
            except OSError:
                pass
            try:
                await anext(reader)
            except OSError as error:
                print("close some" in str(error), repr(reader) in str(error))
            for descriptor in held:
                os.close(descriptor)
            asyncio.get_running_loop().call_later(0.01, writer.add, b"later")
            print((await anext(reader)).data)
        asyncio.run(run())
        """,
    )
    assert printed == "True True\nb'later'\n"


@pytest.mark.clause("RING-55", "RING-56", "RING-27")
def test_asynchronous_blocks(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 8)

    async def run() -> None:
        async with backend.Writer(ring) as writer, backend.Reader(ring) as reader:
            assert isinstance(writer, backend.Writer)
            assert isinstance(reader, backend.Reader)
            writer.add(b"one")
            assert (await anext(reader)).data == b"one"
        assert writer.closed
        assert reader.closed
        for ended in (writer, reader):
            with pytest.raises(backend.RingClosed):
                async with ended:
                    raise AssertionError("it was entered")
        again = backend.Writer(ring)
        with pytest.raises(KeyError):
            async with again:
                raise KeyError("of the block")
        assert again.closed

    asyncio.run(run())


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
