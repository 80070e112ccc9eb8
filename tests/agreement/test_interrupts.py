"""A signal handler raises an exception at thousands of moments of every call; then the tests look for leaks.

An object releases what it held when it is destroyed. A detached reference that a call left can be found in the slot
words, and the tests release it there.
"""

import contextlib
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import pytest

import rusted_ring.native

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason=f"no interval timer on {sys.platform}")

MOMENTS = 1_500
"""How often each call is interrupted."""


class Interrupted(BaseException):
    pass


class Storm:
    """Interrupts the calls that it runs, each a little later than the one before."""

    def __init__(self) -> None:
        self.struck = 0
        self.armed = False
        self.again = False
        self.struck_again = 0
        self.pause = 0.0

    def strike(self, _number: int, frame: FrameType | None) -> None:
        # In a finalizer, or a callback of the collector, Python would lose the exception.
        running = False
        while frame is not None:
            running = running or frame.f_code is Storm.run.__code__
            if frame.f_code.co_name in ("__del__", "gc_callback"):
                self.pause *= 2  # a slow machine spends all of a short pause in this function
                signal.setitimer(signal.ITIMER_REAL, self.pause, 0.05)
                return
            frame = frame.f_back
        if self.armed:
            self.armed = False
            self.struck += 1
            if self.again:
                signal.setitimer(signal.ITIMER_REAL, 1e-6)
            raise Interrupted
        if self.again and running:  # while the call's exception propagates
            self.struck_again += 1
            raise Interrupted

    def over(self, call: Callable[[], None], rounds: int) -> None:
        """Repeat a call until it was interrupted, so many times."""
        before = signal.signal(signal.SIGALRM, self.strike)
        try:
            for number in range(rounds):
                with contextlib.suppress(Interrupted):
                    self.run(call, 3e-5 + number % 97 * 1.3e-6)
        finally:
            self.armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def run(self, call: Callable[[], None], seconds: float) -> None:
        # Repeated: CPython loses a signal that arrives while it clears the flag of the one before.
        self.armed, self.pause = True, 1e-5
        signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
        while self.armed:
            call()


@pytest.fixture
def storm() -> Iterator[Storm]:
    yield Storm()
    signal.setitimer(signal.ITIMER_REAL, 0)


def release_detached(backend: ModuleType, allocator: Any) -> None:
    """Release all detached references; any other reference is an error."""
    for pool in backend.PoolId:
        for slot in range(allocator.pools.capacity(pool)):
            metadata = allocator.pools.slot_metadata(pool, slot)
            if metadata.state != backend.SlotState.FREE:
                assert metadata.state == backend.SlotState.LIVE, f"slot {slot} of {pool!r} is {metadata}: it has leaked"
                for _ in range(metadata.ref_count):
                    allocator.pools.dec_ref_count(pool, slot)


class Integer:
    """An integer whose conversion runs Python code."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def allocator_calls(backend: ModuleType, allocator: Any) -> dict[str, Callable[[], None]]:
    """Return calls that take slots and references, by name."""
    kept = allocator.allocate(b"kept", 3)
    weak, slot = kept.downgrade(), (kept.pool_id, kept.slot_index)
    pools = allocator.pools

    def clones() -> None:
        kept.clone().clone()

    def tokens() -> None:
        backend.RingPtr.from_token(kept.clone().into_token(), allocator)

    def constructor() -> None:
        pools.inc_ref_count(*slot)
        backend.RingPtr(*slot, kept.generation, allocator)

    def counts() -> None:
        pools.inc_ref_count(*slot)
        pools.dec_ref_count(*slot)

    def loans() -> None:
        with allocator.loan(Integer(8)) as loan:
            loan.data[:4] = b"data"
            loan.commit(Integer(4)).bytes  # noqa: B018

    return {
        "allocate": lambda: allocator.allocate(b"x", 1).drop(),
        "allocate, arguments of other types": lambda: allocator.allocate(bytearray(9), event_type=Integer(4)).drop(),
        "allocate, a long one": lambda: allocator.allocate(bytes(100_000)).drop(),
        "allocate_from_pool": lambda: backend.allocate_from_pool(allocator, b"x", 1).drop(),
        "loan": lambda: allocator.loan(8).abort(),
        "loan, a long one": lambda: allocator.loan(100_000).abort(),
        "commit": lambda: allocator.loan(8).commit().drop(),
        "with a loan": loans,
        "clone": clones,
        "upgrade": lambda: weak.upgrade().drop(),
        "downgrade": lambda: kept.downgrade().upgrade().drop(),
        "get_slot_data": lambda: pools.get_slot_data(*slot).release(),
        "data": lambda: kept.clone().data.release(),
        "from_token": tokens,
        "constructor": constructor,
        "inc_ref_count": counts,
        "allocate_many": lambda: allocator.drop_many(allocator.allocate_many([b"a", b"bc"], event_types=[1, 2])),
        "allocate_to_pool": lambda: pools.dec_ref_count(0, backend.allocate_to_pool(allocator, b"x", Integer(0))),
        "handle_ffi_event": lambda: allocator.drop_many([backend.handle_ffi_event(allocator, b"x", 0)]),
    }


NAMES = list(allocator_calls(rusted_ring.native, rusted_ring.native.EventAllocator()))


@pytest.mark.clause("ERR-10", "ALLOC-9", "PTR-5")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.desk(12)
def test_every_slot_and_reference_is_accounted_for(backend: ModuleType, storm: Storm, name: str) -> None:
    allocator = backend.EventAllocator(backend.WIDE)
    calls = allocator_calls(backend, allocator)
    storm.over(calls[name], MOMENTS)
    assert storm.struck == MOMENTS
    del calls
    gc.collect()
    release_detached(backend, allocator)
    found = {pool: stats for pool, stats in allocator.stats().items() if stats.live or stats.free != stats.capacity}
    assert not found
    assert allocator.heap_usage() == backend.EventAllocator(backend.WIDE).heap_usage()


@pytest.mark.clause("ERR-10")
def test_no_reference_of_an_object_becomes_detached(backend: ModuleType, storm: Storm) -> None:
    """Calls that return objects leave no slot LIVE once the objects are gone."""
    allocator = backend.EventAllocator(backend.WIDE)
    calls = allocator_calls(backend, allocator)
    for name in ("allocate", "loan", "commit", "with a loan", "clone", "upgrade", "get_slot_data", "data"):
        storm.over(calls[name], 300)
    del calls
    gc.collect()
    assert [stats.live for stats in allocator.stats().values()] == [0] * 6


@pytest.mark.clause("ERR-10", "RING-4", "RING-19")
def test_interrupted_calls_leave_no_writer_or_reader_registered(backend: ModuleType, storm: Storm) -> None:
    ring = backend.RingBuffer(64, 8, mode="gated", max_readers=2)

    def use() -> None:
        backend.Writer(ring).close()
        backend.Reader(ring, start="latest").close()

    storm.over(use, MOMENTS)
    assert storm.struck == MOMENTS
    gc.collect()
    assert ring.readers == 0
    assert backend.Writer(ring).add(b"goes on")


@pytest.mark.clause("ERR-10", "RING-12", "RING-15", "RING-33")
@pytest.mark.parametrize("way", ["next", "next_many", "in time", "iteration"])
def test_a_reader_misses_nothing_but_what_an_interrupt_took_from_its_caller(
    backend: ModuleType, storm: Storm, way: str
) -> None:
    """A call that takes an event returns it; only the caller's own code may lose it after that."""
    ring = backend.RingBuffer(16, 64, mode="gated", max_readers=1)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    seen: list[bytes] = []
    added: list[int] = []

    def keep(events: Any) -> None:
        seen.extend(event.data for event in events)

    def use() -> None:
        added.append(writer.add_many([b"%d" % number for number in range(3)]))
        if way == "next":
            while (event := reader.next()) is not None:
                seen.append(event.data)
        elif way == "next_many":
            keep(reader.next_many(limit=Integer(64)))
        elif way == "in time":
            while (event := reader.next(1e-5)) is not None:
                seen.append(event.data)
        else:
            keep(reader)

    storm.over(use, MOMENTS)
    list(reader)
    assert storm.struck == MOMENTS
    assert reader.delivered == ring.write_cursor == reader.cursor
    lost = ring.write_cursor - len(seen)
    assert lost <= 70 * MOMENTS
    if way == "next":
        assert lost <= MOMENTS + 64


class Wait(NamedTuple):
    """A reader that waits for an event, and the thread that will publish one."""

    reader: Any
    publisher: threading.Timer

    def run(self) -> None:
        """Wait for ever; only an exception ends it, as there is no event."""
        assert self.reader.next(None) is None


@pytest.fixture
def wait(backend: ModuleType) -> Wait:
    """A reader of a ring without events."""
    ring = backend.RingBuffer(16, 8)
    return Wait(backend.Reader(ring), threading.Timer(0.05, lambda: backend.Writer(ring).add(b"after it")))


@pytest.mark.clause("RING-33", "ERR-10")
def test_a_wait_is_interrupted_and_takes_nothing(storm: Storm, wait: Wait) -> None:
    storm.over(wait.run, 300)
    assert (storm.struck, wait.reader.cursor) == (300, 0)
    wait.publisher.start()
    assert wait.reader.next(30).data == b"after it"
    wait.publisher.join()


@pytest.mark.clause("RING-33", "ERR-10")
def test_a_wait_may_be_interrupted_again_while_its_exception_propagates(
    backend: ModuleType, storm: Storm, wait: Wait
) -> None:
    storm.again = True
    storm.over(wait.run, 500)
    assert storm.struck == 500
    if backend.__name__.endswith("reference"):
        assert storm.struck_again > 10
    wait.publisher.start()
    wait.publisher.join(30)
    assert not wait.publisher.is_alive()  # no interrupted step holds the monitor's lock
    assert wait.reader.next().data == b"after it"
