"""Waiting in a thread, on both implementations: for an event, for a time, until a signal arrives."""

import decimal
import fractions
import math
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ring_events import MODES, make  # type: ignore[import-not-found, unused-ignore]
from waiting_threads import LONG, later, run_program  # type: ignore[import-not-found, unused-ignore]

WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "next": lambda reader, timeout: reader.next(timeout),
    "next_many": lambda reader, timeout: next(iter(reader.next_many(3, timeout)), None),
}


@pytest.fixture(params=WAYS)
def wait(request: pytest.FixtureRequest) -> Callable[[Any, Any], Any]:
    """Wait for an event by either call: the first event, or None."""
    return WAYS[request.param]


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
@pytest.mark.desk(1)
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
