"""Calls that are long give up the GIL, and all others keep it."""

import sys
import threading
from collections.abc import Callable

import pytest

from rusted_ring.native import EventAllocator, Reader, RingBuffer, Writer

LARGE = bytes(32_000_000)


def gave_up_the_gil(call: Callable[[], object], calls: int) -> bool:
    """Whether another thread came to run during one of so many calls.

    The interpreter is told not to switch threads by itself, so that the other runs only where the GIL is given up.
    """
    gate = threading.Lock()
    ran: list[bool] = []

    def wait_and_tell() -> None:
        ready.release()
        gate.acquire()
        ran.append(True)

    ready = threading.Semaphore(0)
    gate.acquire()
    other = threading.Thread(target=wait_and_tell)
    other.start()
    ready.acquire()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        gate.release()
        for _ in range(calls):
            call()
            if ran:
                break
        return bool(ran)
    finally:
        sys.setswitchinterval(interval)
        other.join()


def short_calls(allocator: EventAllocator) -> Callable[[], object]:
    ring = RingBuffer(64, 64)
    writer, reader = Writer(ring), Reader(ring)

    def call() -> None:
        with allocator.allocate(b"payload", 1) as pointer, pointer.clone() as other:
            assert pointer.data == other.bytes
            allocator.drop_many([pointer.downgrade().upgrade().into_token()])
        allocator.drop_many(allocator.allocate_many([b"some", b"events"]))
        writer.add(b"event")
        writer.add_many([b"some", b"events"])
        reader.next()
        reader.next_many(8)

    return call


def long_calls(allocator: EventAllocator) -> dict[str, Callable[[], object]]:
    ring = RingBuffer(len(LARGE), 1, max_ring_bytes=2**30)
    writer = Writer(ring)
    writer.add(b"something to read")

    def read() -> None:
        writer.add_many(LARGE)
        Reader(ring).next()

    return {
        "allocate": lambda: allocator.allocate(LARGE),
        "allocate_many": lambda: allocator.drop_many(allocator.allocate_many(LARGE)),
        "loan": lambda: allocator.loan(len(LARGE)),
        "commit": lambda: allocator.loan(len(LARGE)).commit(len(LARGE) - 1_000_000),
        "add": lambda: writer.add(LARGE),
        "add_many": lambda: writer.add_many(LARGE),
        "next": read,
    }


@pytest.mark.clause("ALLOC-13")
def test_short_calls_keep_the_gil(allocator: EventAllocator) -> None:
    assert not gave_up_the_gil(short_calls(allocator), calls=500)


@pytest.mark.clause("ALLOC-13")
@pytest.mark.parametrize("name", ["allocate", "allocate_many", "loan", "commit", "add", "add_many", "next"])
def test_long_calls_give_up_the_gil(allocator: EventAllocator, name: str) -> None:
    assert gave_up_the_gil(long_calls(allocator)[name], calls=50)
