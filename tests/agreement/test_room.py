"""Waiting for room in a gated ring, on both implementations: in a thread, on a descriptor, in an event loop."""

import array
import asyncio
import contextlib
import math
import selectors
import threading
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest
from waiting_threads import LONG, is_readable, later, open_descriptors, printed_by  # type: ignore[import-not-found, unused-ignore]


def full(backend: ModuleType, capacity: int = 2, mode: str = "gated") -> tuple[Any, Any, Any]:
    """Return a full ring, its writer and a reader."""
    ring = backend.RingBuffer(16, capacity, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    assert writer.add_many([b"%d" % number for number in range(capacity)]) == capacity
    return ring, writer, reader


WAYS: dict[str, Callable[[Any, Any], bool]] = {
    "add": lambda writer, timeout: writer.add(b"late", timeout=timeout),
    "add_many": lambda writer, timeout: writer.add_many([b"late"], timeout=timeout) == 1,
}


@pytest.fixture(params=WAYS)
def add(request: pytest.FixtureRequest) -> Callable[[Any, Any], bool]:
    """Add an event by either call, and return whether it was accepted."""
    return WAYS[request.param]


# In a thread


@pytest.mark.clause("RING-46", "RING-14")
def test_no_room_comes_in_time(backend: ModuleType, add: Callable[[Any, Any], bool]) -> None:
    ring, writer, reader = full(backend)
    for timeout in (0, 0.0, 1e-9, 0.001):
        assert not add(writer, timeout)
    begun = time.monotonic()
    assert not add(writer, 0.05)
    assert time.monotonic() - begun >= 0.05
    assert writer.add(b"late") is False
    assert writer.add_many([b"late"]) == 0
    assert ring.write_cursor == 2
    assert [event.data for event in reader] == [b"0", b"1"]
    assert add(writer, 0.001)


@pytest.mark.clause("RING-46", "RING-38")
@pytest.mark.parametrize("timeout", [None, 0, 0.0, 3, 2.5, math.inf, 10**400, 2**63])
def test_room_that_is_there_is_taken_at_once(
    backend: ModuleType, add: Callable[[Any, Any], bool], timeout: float | None
) -> None:
    _, writer, reader = full(backend)
    reader.next()
    assert add(writer, timeout)


@pytest.mark.clause("RING-46", "RING-10")
def test_nothing_waits_without_a_reader_that_holds_it_back(
    backend: ModuleType, add: Callable[[Any, Any], bool]
) -> None:
    _, writer, _ = full(backend, mode="overwrite")
    ring = backend.RingBuffer(16, 2, mode="gated")
    alone = backend.Writer(ring)
    for _ in range(7):
        assert add(writer, None)
        assert add(alone, None)
    assert alone.add_many([b"1"] * 20, timeout=None) == 20


def evict(reader: Any) -> None:
    reader.evict()


def close(reader: Any) -> None:
    reader.close()


READS: dict[str, Callable[[Any], object]] = {
    "next": lambda reader: reader.next(),
    "next_many": lambda reader: reader.next_many(5),
    "close": close,
    "evict": evict,
}


@pytest.mark.clause("RING-46", "RING-48", "RING-19", "RING-20")
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("timeout", [None, LONG])
def test_room_ends_a_wait(
    backend: ModuleType, add: Callable[[Any, Any], bool], read: str, timeout: float | None
) -> None:
    _, writer, reader = full(backend)
    thread = later(lambda: READS[read](reader))
    begun = time.monotonic()
    assert add(writer, timeout)
    assert time.monotonic() - begun < LONG
    thread.join()


@pytest.mark.clause("RING-48")
@pytest.mark.parametrize("last", READS)
def test_only_the_slowest_makes_room(backend: ModuleType, add: Callable[[Any, Any], bool], last: str) -> None:
    ring, writer, slowest = full(backend)
    others = [backend.Reader(ring) for _ in range(3)]
    for reader in others:
        reader.next()
    assert not add(writer, 0.02)

    def read() -> None:
        for reader in others:
            reader.next()
        time.sleep(0.02)
        READS[last](slowest)

    thread = later(read)
    assert add(writer, LONG)
    thread.join()
    assert ring.write_cursor == 3


@pytest.mark.clause("RING-48", "RING-27")
def test_end_of_the_writer_ends_a_wait(backend: ModuleType, add: Callable[[Any, Any], bool]) -> None:
    ring, writer, _ = full(backend)
    thread = later(writer.close)
    begun = time.monotonic()
    with pytest.raises(backend.RingClosed):
        add(writer, None)
    assert time.monotonic() - begun < LONG
    thread.join()
    assert ring.write_cursor == 2
    assert not add(backend.Writer(ring), 0.001)


@pytest.mark.clause("RING-48", "RING-39")
def test_end_of_the_stream_ends_a_wait(backend: ModuleType, add: Callable[[Any, Any], bool]) -> None:
    ring, writer, reader = full(backend)
    thread = later(lambda: writer.close(end=True))
    with pytest.raises(backend.RingClosed):
        add(writer, LONG)
    thread.join()
    assert ring.ended
    assert len(list(reader)) == 2


@pytest.mark.clause("RING-47")
@pytest.mark.parametrize("capacity", [1, 3, 64])
@pytest.mark.parametrize("columns", ["list", "one length", "lengths"])
def test_batch_is_added_as_room_comes(backend: ModuleType, threads: Any, capacity: int, columns: str) -> None:
    count = 200
    ring = backend.RingBuffer(16, capacity, mode="gated")
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    payloads = [b"%d" % number if columns != "one length" else b"%04d" % number for number in range(count)]
    types = array.array("I", range(count))
    data: Any = payloads if columns == "list" else b"".join(payloads)
    lengths: Any = {"list": None, "one length": 4, "lengths": array.array("I", map(len, payloads))}[columns]
    taken: list[Any] = []

    def read() -> None:
        while len(taken) < count:
            taken.extend(reader.next_many(1 + len(taken) % 5, LONG))

    def write() -> None:
        assert writer.add_many(data, lengths=lengths, event_types=types, timeout=LONG) == count

    threads.run(read, write)
    assert [(event.data, event.event_type) for event in taken] == list(zip(payloads, types, strict=True))


@pytest.mark.clause("RING-47", "RING-25")
def test_batch_that_does_not_fit_in_time(backend: ModuleType) -> None:
    ring, writer, reader = full(backend, 4)
    batch = [b"a", b"b", b"c", b"d"]
    thread = later(lambda: reader.next_many(3))
    begun = time.monotonic()
    assert writer.add_many(batch, timeout=0.2) == 3
    assert time.monotonic() - begun >= 0.2
    thread.join()
    assert ring.write_cursor == 7
    assert [event.data for event in reader] == [b"3", b"a", b"b", b"c"]
    assert writer.add_many([], timeout=None) == 0


@pytest.mark.clause("RING-47", "RING-48")
def test_what_was_published_is_told_when_the_writer_is_closed(backend: ModuleType) -> None:
    ring, writer, reader = full(backend)

    def change() -> None:
        reader.next()
        time.sleep(0.02)
        writer.close()

    thread = later(change)
    assert writer.add_many([b"a", b"b"], timeout=LONG) == 1
    thread.join()
    assert ring.write_cursor == 3
    with pytest.raises(backend.RingClosed):
        writer.add_many([b"b"], timeout=LONG)


@pytest.mark.clause("RING-48")
@pytest.mark.parametrize("readers", [1, 3])
def test_no_wake_up_is_lost(backend: ModuleType, threads: Any, readers: int) -> None:
    """In a ring of one slot each event finds the writer asleep, or about to be, and then the readers."""
    count = 300
    ring = backend.RingBuffer(16, 1, mode="gated")
    writer = backend.Writer(ring)
    every = [backend.Reader(ring) for _ in range(readers)]

    def write() -> None:
        for number in range(count):
            assert writer.add(b"%d" % number, number, timeout=LONG if number % 2 else None)

    def read(reader: Any) -> None:
        for number in range(count):
            assert reader.next(LONG) == backend.PooledEvent(b"%d" % number, number)

    threads.run(write, *[lambda reader=reader: read(reader) for reader in every])


@pytest.mark.clause("RING-46")
def test_two_threads_wait_through_one_writer(backend: ModuleType, threads: Any) -> None:
    count = 100
    _, writer, reader = full(backend)

    def write(name: bytes) -> None:
        for number in range(count):
            assert writer.add(b"%s%d" % (name, number), timeout=LONG)

    taken: list[bytes] = []

    def read() -> None:
        while len(taken) < 2 * count + 2:
            taken.append(reader.next(LONG).data)

    threads.run(read, lambda: write(b"a"), lambda: write(b"b"))
    for name in (b"a", b"b"):
        assert [data for data in taken if data[:1] == name] == [b"%s%d" % (name, number) for number in range(count)]


@pytest.mark.clause("RING-34", "RING-46")
@pytest.mark.desk(1)
def test_a_waiting_writer_uses_no_processor_time(backend: ModuleType, add: Callable[[Any, Any], bool]) -> None:
    _, writer, _reader = full(backend)
    begun = time.thread_time()
    assert not add(writer, 1.0)
    assert time.thread_time() - begun < 0.01


@pytest.mark.clause("RING-58", "RING-46")
def test_a_waiting_writer_lets_others_run(backend: ModuleType, add: Callable[[Any, Any], bool]) -> None:
    _, writer, reader = full(backend)
    thread = threading.Thread(target=add, args=(writer, None), daemon=True)
    thread.start()
    counted = 0
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        counted += 1
    reader.next()
    thread.join(LONG)
    assert counted > 1_000


# Arguments


@pytest.mark.clause("RING-38", "ERR-4", "ERR-6", "ERR-1")
@pytest.mark.parametrize("value", [True, "1", b"1", 1j, [1], -1, -math.inf, math.nan, -(10**400)], ids=repr)
def test_timeout_that_is_none(backend: ModuleType, value: Any) -> None:
    ring = backend.RingBuffer(16, 2, mode="gated")
    writer = backend.Writer(ring)
    error = ValueError if type(value) in (int, float) else TypeError
    payload = bytearray(b"payload")
    for call in (writer.add, writer.add_many):
        with pytest.raises(error, match="timeout") as raised:
            call(payload, timeout=value)
        payload.append(0)  # no view of it is alive, although the error is
        del raised
    assert ring.write_cursor == 0
    with pytest.raises(TypeError):
        writer.add(b"", 0, 1)  # by its name alone


CALLS: Sequence[tuple[type[Exception], str, Callable[[Any], object]]] = (
    (TypeError, "timeout", lambda writer: writer.add(b"x" * 17, -1, timeout="1")),
    (ValueError, "event_type", lambda writer: writer.add(b"x" * 17, -1, timeout=-1)),
    (ValueError, "timeout", lambda writer: writer.add(b"x" * 17, timeout=-1)),
    (TypeError, "timeout", lambda writer: writer.add_many([b"x" * 17], event_types=-1, timeout="1")),
    (TypeError, "timeout", lambda writer: writer.add_many(7, timeout="1")),
    (ValueError, "event_types", lambda writer: writer.add_many([b"x" * 17], event_types=-1, timeout=-1)),
    (ValueError, "timeout", lambda writer: writer.add_many([b"x" * 17], timeout=-1)),
)


@pytest.mark.clause("ERR-7", "RING-38")
@pytest.mark.parametrize(("error", "name", "call"), CALLS)
def test_which_error_comes_first(
    backend: ModuleType, error: type[Exception], name: str, call: Callable[[Any], object]
) -> None:
    ring, writer, _ = full(backend)
    with pytest.raises(error, match=name):
        call(writer)
    assert ring.write_cursor == 2
    with pytest.raises(backend.PayloadTooLarge):  # and is not waited for
        writer.add(b"x" * 17, timeout=None)
    with pytest.raises(backend.PayloadTooLarge):
        writer.add_many([b"x" * 17], timeout=None)
    writer.close()
    with pytest.raises(backend.RingClosed):
        call(writer)


# Signals and processes


def run_program(backend: ModuleType, text: str) -> str:
    """Run a program of its own, with a full ring in it, and return what it printed."""
    setup = "ring = backend.RingBuffer(16, 2, mode='gated')\n"
    setup += "writer, reader = backend.Writer(ring), backend.Reader(ring)\nwriter.add_many([b'0', b'1'])"
    return str(printed_by(backend, setup, text))


@pytest.mark.clause("RING-33", "RING-48")
@pytest.mark.parametrize("call", ["writer.add(b'x', timeout=None)", "writer.add_many([b'x', b'y'], timeout=60)"])
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
        print(ring.write_cursor, [event.data for event in reader], writer.add(b"next"))
        """,
    )
    assert printed == "interrupted True\n2 [b'0', b'1'] True\n"


@pytest.mark.clause("RING-33")
def test_handler_that_does_not_raise_ends_no_wait(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import os, signal, threading
        def handle(*_):
            print("handled")
            threading.Timer(0.1, reader.next).start()
        signal.signal(signal.SIGUSR1, handle)
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        print(writer.add(b"late", timeout=60), ring.write_cursor)
        """,
    )
    assert printed == "handled\nTrue 3\n"


@pytest.mark.clause("RING-33", "RING-14")
def test_handler_may_add_itself(backend: ModuleType) -> None:
    """It runs between two attempts of the call that waits."""
    printed = run_program(
        backend,
        """
        import os, signal, threading
        def handle(*_):
            print(reader.next().data, writer.add(b"handler"), writer.add(b"no room"))
            threading.Timer(0.1, reader.next).start()
        signal.signal(signal.SIGUSR1, handle)
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        print(writer.add(b"late", timeout=60), [event.data for event in reader])
        """,
    )
    assert printed == "b'0' True False\nTrue [b'handler', b'late']\n"


@pytest.mark.clause("ERR-8", "RING-49")
def test_forked_process_leaves_a_writer_to_its_parent(backend: ModuleType) -> None:
    printed = run_program(
        backend,
        """
        import os, select, sys
        descriptor = writer.fileno()
        assert not writer.add(b"x")
        child = os.fork()
        if child == 0:
            for call in (writer.fileno, lambda: writer.add(b"x", timeout=None)):
                try:
                    call()
                except backend.ForkedCopy:
                    print("refused")
            writer.close()
            sys.stdout.flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(select.select([descriptor], [], [], 0)[0], writer.closed)
        reader.next()
        print(select.select([descriptor], [], [], 0)[0] == [descriptor])
        """,
    )
    assert printed == "refused\nrefused\n[] False\nTrue\n"


# On a descriptor


@pytest.mark.clause("RING-49")
def test_descriptor_says_when_there_may_be_room(backend: ModuleType) -> None:
    ring, writer, reader = full(backend)
    ahead = backend.Reader(ring)
    ahead.next()
    descriptor = writer.fileno()
    assert isinstance(descriptor, int)
    assert writer.fileno() == descriptor
    assert descriptor not in (reader.fileno(), ahead.fileno())
    assert is_readable(writer)  # the writer has not looked yet
    for turn in range(5):
        assert writer.add(b"x") is False
        assert not is_readable(writer)
        ahead.next()
        assert not is_readable(writer)  # the other one holds it back
        reader.next()
        assert is_readable(descriptor)
        assert writer.add_many([b"%d" % turn, b"too many"]) == 1
        assert not is_readable(descriptor)  # this call has found no room for an event
        assert writer.add(b"x") is False
    assert [event.data for event in reader] == [b"3", b"4"]
    assert is_readable(descriptor)


@pytest.mark.clause("RING-49", "RING-10")
def test_descriptor_of_a_writer_that_never_waits(backend: ModuleType) -> None:
    _, writer, _ = full(backend, mode="overwrite")
    for _ in range(5):
        assert is_readable(writer)
        assert writer.add(b"x")


@pytest.mark.clause("RING-49", "RING-60", "RING-6")
def test_descriptors_of_a_writer_and_its_readers_are_apart(backend: ModuleType) -> None:
    _, writer, reader = full(backend)
    for each in (writer, reader):
        each.fileno()
    assert writer.add(b"x") is False
    assert is_readable(reader)
    assert not is_readable(writer)
    reader.next_many(2)
    assert reader.next() is None
    assert is_readable(writer)
    assert not is_readable(reader)
    assert writer.add(b"x")
    assert is_readable(reader)


@pytest.mark.clause("RING-49", "RING-48")
@pytest.mark.parametrize("end", ["reader leaves", "reader is evicted", "writer is closed"])
def test_descriptor_tells_of_an_end(backend: ModuleType, end: str) -> None:
    _, writer, reader = full(backend)
    descriptor = writer.fileno()
    assert writer.add(b"x") is False
    calls: dict[str, Callable[[], None]] = {
        "reader leaves": reader.close,
        "reader is evicted": reader.evict,
        "writer is closed": writer.close,
    }
    thread = later(calls[end])
    assert is_readable(descriptor, LONG)
    thread.join()
    if end == "writer is closed":
        with pytest.raises(backend.RingClosed):
            writer.fileno()
        assert is_readable(descriptor)  # as long as there is the writer
    else:
        assert writer.add(b"x")


@pytest.mark.clause("RING-49")
def test_descriptors_end_with_their_writers(backend: ModuleType, collect: Callable[[], None]) -> None:
    ring = backend.RingBuffer(16, 2, mode="gated")
    before = open_descriptors()
    for _ in range(50):
        writer = backend.Writer(ring)
        assert is_readable(writer)
        del writer
        collect()
        assert open_descriptors() <= before + 2  # a ring may keep them for its next writer
    del ring
    collect()
    assert open_descriptors() <= before


@pytest.mark.clause("RING-49")
@pytest.mark.parametrize("selector", [selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector])
def test_descriptor_in_a_selector(backend: ModuleType, selector: Any) -> None:
    """Registered once: it is readable again and again."""
    _, writer, reader = full(backend)
    with selector() as chosen:
        chosen.register(writer, selectors.EVENT_READ)
        for _ in range(20):
            while writer.add(b"x"):
                pass
            assert chosen.select(0) == []
            thread = later(reader.next, 0.001)
            (key, _), *rest = chosen.select(LONG)
            thread.join()
            assert key.fileobj is writer
            assert rest == []


# In an event loop


@pytest.mark.clause("RING-50")
def test_events_are_added_as_room_comes(backend: ModuleType) -> None:
    _, writer, reader = full(backend)
    count = 50

    async def write() -> None:
        for number in range(count):
            assert await writer.add_async(b"%d" % number, event_type=number) is None

    async def read() -> list[Any]:
        taken = []
        async for event in reader:
            taken.append(event)
            if len(taken) == count + 2:
                break
        return taken

    async def both() -> list[Any]:
        reading = asyncio.create_task(read())
        await write()
        return await reading

    taken = asyncio.run(asyncio.wait_for(both(), LONG))
    assert taken[2:] == [backend.PooledEvent(b"%d" % number, number) for number in range(count)]


@pytest.mark.clause("RING-50", "RING-48")
@pytest.mark.parametrize("read", READS)
def test_another_thread_ends_a_wait_in_a_loop(backend: ModuleType, read: str) -> None:
    ring, writer, reader = full(backend)
    thread = later(lambda: READS[read](reader))
    asyncio.run(asyncio.wait_for(writer.add_async(b"late"), LONG))
    thread.join()
    assert ring.write_cursor == 3


@pytest.mark.clause("RING-50")
def test_several_tasks_wait_for_room(backend: ModuleType) -> None:
    _, writer, reader = full(backend)

    async def every() -> None:
        tasks = [asyncio.create_task(writer.add_async(b"task %d" % number)) for number in range(10)]
        taken: list[bytes] = []
        while len(taken) < 12:
            if (event := reader.next()) is None:
                await asyncio.sleep(0)
            else:
                taken.append(event.data)
        await asyncio.gather(*tasks)
        assert sorted(taken[2:]) == sorted(b"task %d" % number for number in range(10))

    asyncio.run(asyncio.wait_for(every(), LONG))


@pytest.mark.clause("RING-50", "RING-48", "RING-27")
def test_what_add_raises(backend: ModuleType) -> None:
    ring, writer, _ = full(backend)

    async def fail() -> None:
        with pytest.raises(TypeError, match="data"):
            await writer.add_async(7)
        with pytest.raises(ValueError, match="event_type"):
            await writer.add_async(b"", -1)
        with pytest.raises(backend.PayloadTooLarge):
            await writer.add_async(b"x" * 17)
        asyncio.get_running_loop().call_later(0.02, writer.close)
        with pytest.raises(backend.RingClosed):
            await writer.add_async(b"late")
        with pytest.raises(backend.RingClosed):
            await writer.add_async(b"late")

    asyncio.run(asyncio.wait_for(fail(), LONG))
    assert ring.write_cursor == 2


@pytest.mark.clause("RING-51")
def test_cancelled_task_adds_nothing(backend: ModuleType) -> None:
    ring, writer, reader = full(backend)

    async def cancel() -> None:
        writer.fileno()
        before = open_descriptors()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.add_async(b"late"), 0.02)
        tasks = [asyncio.create_task(writer.add_async(b"%d" % number)) for number in range(3)]
        await asyncio.sleep(0.02)
        reader.next()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        added = ring.write_cursor - 2
        assert added == sum(not task.cancelled() for task in tasks) <= 1
        assert open_descriptors() <= before  # others may have been closed since

    asyncio.run(asyncio.wait_for(cancel(), LONG))
