"""The Python harness: the native module beside Python's queues, timed with pyperf.

    python -m rusted_ring.bench.python_peers --describe
    python -m rusted_ring.bench.python_peers --output FILE [--only NAME ...] [--min-time SECONDS] [--values N]

`--describe` prints what there is to measure and what cannot be, as JSON. Otherwise FILE is pyperf's JSON, one benchmark
a figure, in seconds an event. All cases run in this one process, which is a worker of pyperf's, pinned to the first
processor that it may use; a busy thread is pinned to the second. Each case is a loop of its own over the calls, so that
no call of a function stands between two of them, and is tried once beforehand with what it gives compared.
"""

import argparse
import collections
import contextlib
import ctypes
import functools
import importlib
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import queue
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rusted_ring.native as native
import rusted_ring.reference as reference
from rusted_ring.bench import wakes
from rusted_ring.bench.contract import BATCHES, parse

PAYLOAD: Final = bytes(range(64))
CAPACITY: Final = 1_024

BARE_EXTENSION: Final = "bare_extension"
"""The module that `python/bare_extension.c` is built into."""

MODULES: Final = {
    "numpy": "numpy",
    "ringbuf": "ringbuf",
    "iceoryx2": "iceoryx2",
    "faster-fifo": "faster_fifo",
    "bare-extension": BARE_EXTENSION,
}
"""The peers that are packages of PyPI, or built from C here, and what is imported of them."""

Loop = Callable[[int], object]


class WrongEvent(RuntimeError):
    """A case did not give back what it was given, so that its time would say nothing."""


@dataclass(frozen=True)
class Case:
    """One figure.

    Attributes:
        loop: does so many iterations.
        once: does what an iteration does, and returns the payloads that came out.
        events: of an iteration; the figure is a time divided by them.
        busy: whether another thread is busy meanwhile.
    """

    loop: Loop
    once: Callable[[], bytes]
    events: int = 1
    busy: bool = False


# --- one event at a time


def _pointer(backend: Any) -> Case:
    """Of `native` or `reference`, which have the same interface."""
    allocator = backend.EventAllocator()

    def loop(count: int) -> None:
        for _ in range(count):
            pointer = allocator.allocate(PAYLOAD)
            _view = pointer.data
            pointer.drop()

    def once() -> bytes:
        with allocator.allocate(PAYLOAD) as pointer:
            return bytes(pointer.data)

    return Case(loop, once)


def _ring(backend: Any) -> Case:
    """Of `native` or `reference`, which have the same interface."""
    ring = backend.RingBuffer(64, CAPACITY)
    writer, reader = backend.Writer(ring), backend.Reader(ring)

    def loop(count: int) -> None:
        for _ in range(count):
            writer.add(PAYLOAD)
            reader.next()

    def once() -> bytes:
        writer.add(PAYLOAD)
        event = reader.next()
        return b"" if event is None else bytes(event.data)

    return Case(loop, once)


def _in_place(backend: Any, payload: bytes) -> Case:
    """One event of a gated ring: reserved, written, committed; peeked at, its ends read, released."""
    ring = backend.RingBuffer(len(payload), CAPACITY * 64 // len(payload), mode="gated")
    writer, reader = backend.Writer(ring), backend.Reader(ring)

    def loop(count: int) -> None:
        for _ in range(count):
            reservation = writer.reserve()
            with reservation.slot(0) as slot:
                slot[:] = payload
            reservation.commit()
            peek = reader.peek()
            with peek.slot(0) as event:
                _ends = event[0], event[-1]
            peek.release()

    def once() -> bytes:
        with writer.reserve() as reservation:
            with reservation.slot(0) as slot:
                slot[:] = payload
            reservation.commit()
        with reader.peek() as peek, peek.slot(0) as event:
            return bytes(event)

    return Case(loop, once)


def _queue(events: Any) -> Case:
    """Anything with `put` and `get`."""

    def loop(count: int) -> None:
        for _ in range(count):
            events.put(PAYLOAD)
            events.get()

    def once() -> bytes:
        events.put(PAYLOAD)
        return bytes(events.get())

    return Case(loop, once)


def _multiprocessing() -> Case:
    """Its thread that feeds the pipe begins with the first event, and may run on all processors."""
    case = _queue(multiprocessing.Queue())
    with _unpinned():
        case.once()
    return case


def _deque() -> Case:
    """No copy, no bound."""
    events = collections.deque[bytes]()

    def loop(count: int) -> None:
        for _ in range(count):
            events.append(PAYLOAD)
            events.popleft()

    def once() -> bytes:
        events.append(PAYLOAD)
        return events.popleft()

    return Case(loop, once)


def _numpy() -> Case:
    """A ring by hand: rows of an array, a copy in and a copy out, and no look at who was overtaken."""
    numpy: Any = importlib.import_module("numpy")
    slots = numpy.zeros((CAPACITY, 64), dtype="u1")
    at = 0

    def loop(count: int) -> None:
        nonlocal at
        for _ in range(count):
            slots[at % CAPACITY] = numpy.frombuffer(PAYLOAD, dtype="u1")
            slots[at % CAPACITY].tobytes()
            at += 1

    def once() -> bytes:
        loop(1)
        return bytes(slots[(at - 1) % CAPACITY].tobytes())

    return Case(loop, once)


def _ringbuf() -> Case:
    """Bytes over boost's queue of one producer and one consumer."""
    ring = importlib.import_module("ringbuf").RingBuffer(format="B", capacity=64 * CAPACITY)

    def loop(count: int) -> None:
        for _ in range(count):
            ring.push(PAYLOAD)
            ring.pop(64)

    def once() -> bytes:
        ring.push(PAYLOAD)
        return bytes(ring.pop(64))

    return Case(loop, once)


def _iceoryx2() -> Case:
    """Loan, send, receive, and the sample given back; of its services the one within a process, the quickest."""
    iceoryx2: Any = importlib.import_module("iceoryx2")

    class Payload(ctypes.Structure):
        _fields_ = (("bytes", ctypes.c_uint8 * 64),)

    iceoryx2.set_log_level(iceoryx2.LogLevel.Error)
    node = iceoryx2.NodeBuilder.new().create(iceoryx2.ServiceType.Local)
    name = iceoryx2.ServiceName.new("rusted-ring/bench")
    service = node.service_builder(name).publish_subscribe(Payload).open_or_create()
    publisher, subscriber = service.publisher_builder().create(), service.subscriber_builder().create()
    payload = Payload.from_buffer_copy(PAYLOAD)

    def loop(count: int) -> None:
        for _ in range(count):
            publisher.loan_uninit().write_payload(payload).send()
            subscriber.receive().delete()

    def once() -> bytes:
        publisher.loan_uninit().write_payload(payload).send()
        sample = subscriber.receive()
        received = bytes(sample.payload().contents)
        sample.delete()
        return received

    return Case(loop, once)


def _iceoryx2_in_place(payload: bytes) -> Case:
    """Loan, write, send; receive, read the ends, give the sample back."""
    iceoryx2: Any = importlib.import_module("iceoryx2")
    size = len(payload)

    class Payload(ctypes.Structure):
        _fields_ = (("bytes", ctypes.c_uint8 * size),)

    iceoryx2.set_log_level(iceoryx2.LogLevel.Error)
    node = iceoryx2.NodeBuilder.new().create(iceoryx2.ServiceType.Local)
    name = iceoryx2.ServiceName.new(f"rusted-ring/bench-in-place-{size}")
    service = node.service_builder(name).publish_subscribe(Payload).open_or_create()
    publisher, subscriber = service.publisher_builder().create(), service.subscriber_builder().create()

    def loop(count: int) -> None:
        for _ in range(count):
            loan = publisher.loan_uninit()
            ctypes.memmove(loan.payload(), payload, size)
            loan.assume_init().send()
            sample = subscriber.receive()
            event = sample.payload().contents.bytes
            _ends = event[0], event[size - 1]
            sample.delete()

    def once() -> bytes:
        loan = publisher.loan_uninit()
        ctypes.memmove(loan.payload(), payload, size)
        loan.assume_init().send()
        sample = subscriber.receive()
        received = bytes(sample.payload().contents)
        sample.delete()
        return received

    return Case(loop, once)


def _faster_fifo() -> Case:
    return _queue(importlib.import_module("faster_fifo").Queue(max_size_bytes=1 << 20))


def _bare_pointer() -> Case:
    """As `_pointer`, with nothing checked."""
    pool = importlib.import_module(BARE_EXTENSION).Pool()

    def loop(count: int) -> None:
        for _ in range(count):
            pointer = pool.allocate(PAYLOAD)
            _view = pointer.data
            pointer.drop()

    def once() -> bytes:
        return bytes(pool.allocate(PAYLOAD).data)

    return Case(loop, once)


def _bare_ring() -> Case:
    """As `_ring`, with nothing checked."""
    ring = importlib.import_module(BARE_EXTENSION).Ring(native.PooledEvent)

    def loop(count: int) -> None:
        for _ in range(count):
            ring.add(PAYLOAD)
            ring.next()

    def once() -> bytes:
        ring.add(PAYLOAD)
        return bytes(ring.next().data)

    return Case(loop, once)


ONE_BY_ONE: Final[dict[str, Callable[[], Case]]] = {
    "queue.Queue": lambda: _queue(queue.Queue()),
    "SimpleQueue": lambda: _queue(queue.SimpleQueue()),
    "deque": _deque,
    "numpy": _numpy,
    "ringbuf": _ringbuf,
    "iceoryx2": _iceoryx2,
    "faster-fifo": _faster_fifo,
    "multiprocessing.Queue": _multiprocessing,
}
"""The peers that take an event and give it back, which is both of our works to them."""


# --- many events at a time


def _native_ring_bulk(batch: int) -> Case:
    ring = native.RingBuffer(64, CAPACITY)
    writer, reader = native.Writer(ring), native.Reader(ring)
    block = PAYLOAD * batch

    def loop(count: int) -> None:
        for _ in range(count):
            writer.add_many(block, lengths=64)
            reader.next_many(batch)

    def once() -> bytes:
        writer.add_many(block, lengths=64)
        return b"".join(event.data for event in reader.next_many(batch))

    return Case(loop, once, batch)


def _native_pointer_bulk(batch: int) -> Case:
    allocator = native.EventAllocator()
    block = PAYLOAD * batch

    def loop(count: int) -> None:
        for _ in range(count):
            allocator.drop_many(allocator.allocate_many(block, lengths=64))

    def once() -> bytes:
        tokens = allocator.allocate_many(block, lengths=64)
        if allocator.stats()[native.PoolId.XS].live != batch:
            raise WrongEvent(f"allocate_many: not {batch} events are live")
        pointers = [native.RingPtr.from_token(token, allocator) for token in tokens]
        given = b"".join(pointer.bytes for pointer in pointers)
        for pointer in pointers:
            pointer.drop()
        return given

    return Case(loop, once, batch)


def _deque_bulk(batch: int) -> Case:
    events = collections.deque[bytes]()

    def loop(count: int) -> None:
        for _ in range(count):
            for _ in range(batch):
                events.append(PAYLOAD)
            for _ in range(batch):
                events.popleft()

    def once() -> bytes:
        for _ in range(batch):
            events.append(PAYLOAD)
        return b"".join(events.popleft() for _ in range(batch))

    return Case(loop, once, batch)


def _numpy_bulk(batch: int) -> Case:
    """Blocks of rows; a block never goes over the end, since the capacity is a multiple of each batch."""
    numpy: Any = importlib.import_module("numpy")
    slots = numpy.zeros((CAPACITY, 64), dtype="u1")
    block = PAYLOAD * batch
    at = 0

    def loop(count: int) -> None:
        nonlocal at
        for _ in range(count):
            place = at % CAPACITY
            slots[place : place + batch] = numpy.frombuffer(block, dtype="u1").reshape(batch, 64)
            slots[place : place + batch].tobytes()
            at += batch

    def once() -> bytes:
        loop(1)
        place = (at - batch) % CAPACITY
        return bytes(slots[place : place + batch].tobytes())

    return Case(loop, once, batch)


def _ringbuf_bulk(batch: int) -> Case:
    ring = importlib.import_module("ringbuf").RingBuffer(format="B", capacity=64 * CAPACITY)
    block = PAYLOAD * batch

    def loop(count: int) -> None:
        for _ in range(count):
            ring.push(block)
            ring.pop(64 * batch)

    def once() -> bytes:
        ring.push(block)
        return bytes(ring.pop(64 * batch))

    return Case(loop, once, batch)


RING_BULK: Final[dict[str, Callable[[int], Case]]] = {
    "native": _native_ring_bulk,
    "deque": _deque_bulk,
    "numpy": _numpy_bulk,
    "ringbuf": _ringbuf_bulk,
}


# --- small calls beside a busy thread


def _native_calls_pointer() -> Case:
    allocator = native.EventAllocator()

    def loop(count: int) -> None:
        for _ in range(count):
            allocator.allocate(PAYLOAD).drop()

    def once() -> bytes:
        with allocator.allocate(PAYLOAD) as pointer:
            return pointer.bytes

    return Case(loop, once)


CALLS: Final[dict[tuple[str, str], Callable[[], Case]]] = {
    ("native", "ring"): functools.partial(_ring, native),
    ("native", "pointer"): _native_calls_pointer,
    ("queue.Queue", "queue"): lambda: _queue(queue.Queue()),
    ("SimpleQueue", "queue"): lambda: _queue(queue.SimpleQueue()),
    ("deque", "queue"): _deque,
}
"""Two small calls an iteration, of which each counts as an event."""


@contextlib.contextmanager
def _busy_thread() -> Iterator[None]:
    """A thread of pure Python that never waits: it wants the GIL all the time, on a processor of its own."""
    running, ended = threading.Event(), False

    def work() -> None:
        _pin(1)
        running.set()
        number = 0
        while not ended:
            number += 1

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    running.wait()
    try:
        yield
    finally:
        ended = True
        thread.join()


# --- all cases


def _half(make: Callable[[], Case], busy: bool) -> Case:
    case = make()
    return Case(case.loop, case.once, 2, busy)


def cases() -> dict[str, tuple[str, Callable[[], Case]]]:
    """Return, by the name of the figure, its peer and what makes its case; those of `wakes` are apart."""
    found: dict[str, tuple[str, Callable[[], Case]]] = {}
    for work, of, bare in (("python-pointer", _pointer, _bare_pointer), ("python-ring", _ring, _bare_ring)):
        makers: dict[str, Callable[[], Case]] = {"native": functools.partial(of, native), **ONE_BY_ONE}
        makers["bare-extension"] = bare
        makers["reference"] = functools.partial(of, reference)
        for peer, make in makers.items():
            found[f"{work}/{peer}/payload=64"] = (peer, make)
    for size in (64, 4_096):
        payload = PAYLOAD * (size // len(PAYLOAD))
        for peer, make_in_place in (("native", functools.partial(_in_place, native)), ("iceoryx2", _iceoryx2_in_place)):
            found[f"python-in-place/{peer}/payload={size}"] = (peer, functools.partial(make_in_place, payload))
    for batch in BATCHES:
        keys = f"payload=64/batch={batch}"
        for peer, make_bulk in RING_BULK.items():
            found[f"python-ring-bulk/{peer}/{keys}"] = (peer, functools.partial(make_bulk, batch))
        found[f"python-pointer-bulk/native/{keys}"] = ("native", functools.partial(_native_pointer_bulk, batch))
    for (peer, calls), make in CALLS.items():
        for busy in (0, 1):
            name = f"python-busy/{peer}/payload=64/calls={calls}/busy={busy}"
            found[name] = (peer, functools.partial(_half, make, bool(busy)))
    return found


def payload_of(name: str, case: Case) -> bytes:
    """Return what `once` of the case of that name gives back."""
    events = 1 if name.startswith("python-busy/") else case.events
    return PAYLOAD * (events * int(parse(name).keys["payload"]) // len(PAYLOAD))


def missing() -> dict[str, str]:
    """Return the peers that cannot be imported here, and why."""
    found = {}
    for peer, module in MODULES.items():
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever a package does when it is imported
            found[peer] = f"cannot be imported: {type(error).__name__}: {error}"
    return found


def describe() -> dict[str, Any]:
    """Return what can be measured and what cannot, with versions, as JSON values."""
    absent = missing()
    versions = {}
    for package in MODULES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    listed = [name for name, (peer, _) in cases().items() if peer not in absent]
    return {"figures": [*listed, *wakes.CASES], "missing": absent, "versions": versions}


# --- measuring

_CPUS: Final = sorted(os.sched_getaffinity(0))
"""The processors that this process may use, before anything was pinned."""


def _pin(member: int) -> None:
    """Pin the calling thread to a processor of its own, as far as they reach."""
    os.sched_setaffinity(0, {_CPUS[member % len(_CPUS)]})


@contextlib.contextmanager
def _unpinned() -> Iterator[None]:
    """Let the calling thread, and threads that it starts, run on every processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _CPUS)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _seconds(case: Case, count: int) -> float:
    with _busy_thread() if case.busy else contextlib.nullcontext():
        begun = time.perf_counter()
        case.loop(count)
        return time.perf_counter() - begun


def _enough(case: Case, least: float) -> int:
    """Return how many iterations take at least so many seconds."""
    count = 1
    while _seconds(case, count) < least:
        count *= 2
    return count


def measure(options: argparse.Namespace) -> None:
    """Measure what is asked for, and write pyperf's JSON.

    Raises:
        WrongEvent: a case does not give back what it was given.
    """
    import pyperf

    wanted = set(options.only)
    runner = pyperf.Runner()
    runner.parse_args(["--worker", "--loops=1", "--warmups=1", f"--values={options.values}"])
    benchmarks = []
    _pin(0)
    for name, (_, make) in cases().items():
        if wanted and name not in wanted:
            continue
        case = make()
        given, wanted_back = case.once(), payload_of(name, case)
        if given != wanted_back:
            raise WrongEvent(f"{name}: gave {given!r:.80} for {wanted_back!r:.80}")
        count = _enough(case, options.busy_time if case.busy else options.min_time)
        # pyperf's own loop stays at one: a thread that is to be busy meanwhile must have time to be so.
        benchmarks.append(
            runner.bench_time_func(
                name,
                lambda _, case=case, count=count: _seconds(case, count),
                inner_loops=count * case.events,
            )
        )
    with _unpinned():
        for name, wake in wakes.CASES.items():
            if not wanted or name in wanted:
                benchmarks.append(
                    runner.bench_time_func(name, lambda _, wake=wake: statistics.median(wake(options.wakes)) / 1e9)
                )
    if not benchmarks:
        raise WrongEvent(f"nothing to measure: none of {', '.join(sorted(wanted))} is a case")
    pyperf.BenchmarkSuite(benchmarks).dump(options.output, replace=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Describe or measure."""
    parser = argparse.ArgumentParser(description="The native module beside Python's queues, timed with pyperf.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--describe", action="store_true", help="print what there is, as JSON")
    what.add_argument("--output", metavar="FILE", help="measure, and write pyperf's JSON")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="figures (default: all)")
    parser.add_argument("--path", action="append", default=[], metavar="DIR", help="look for peers here too")
    parser.add_argument("--min-time", type=float, default=0.01, help="least seconds of a value (0.01)")
    parser.add_argument("--busy-time", type=float, default=0.1, help="the same beside a busy thread (0.1)")
    parser.add_argument("--values", type=int, default=3, help="values of each figure (3)")
    parser.add_argument("--wakes", type=int, default=20, help="wake-ups of each value (20)")
    options = parser.parse_args(argv)
    sys.path.extend(options.path)
    if options.describe:
        print(json.dumps(describe()))
    else:
        measure(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
