"""Waiting in an event loop, on both implementations."""

import asyncio
import contextlib
import functools
import threading
import time
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ring_events import MODES, make  # type: ignore[import-not-found, unused-ignore]
from waiting_threads import LONG, later, open_descriptors, run_program  # type: ignore[import-not-found, unused-ignore]


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
