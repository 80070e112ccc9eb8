"""How long a wake-up takes from Python: from before `add()` in one thread to after the wait in another.

    python -m rusted_ring.bench.wakes [--wakes 300]

The waiting thread is given the time to fall asleep before each event. Beside the ring stands what the standard library
has: `queue.SimpleQueue`, whose `get` waits, and `asyncio.Queue`, into which another thread puts by
`call_soon_threadsafe`.
"""

import argparse
import asyncio
import queue
import statistics
import threading
import time
from collections.abc import Callable

from rusted_ring import native

ASLEEP_SECONDS = 0.0005
"""Time for a thread to fall asleep after it was last woken."""

Send = Callable[[], object]


def _measured(wakes: int, send: Send, woken: list[int]) -> list[float]:
    """Send so many events to a thread that notes when it was woken, and return the nanoseconds of each."""
    taken = []
    for count in range(1, wakes + 1):
        time.sleep(ASLEEP_SECONDS)
        begun = time.perf_counter_ns()
        send()
        while len(woken) < count:
            time.sleep(ASLEEP_SECONDS / 10)
        taken.append(float(woken[count - 1] - begun))
    return taken


def _thread(wakes: int, receive: Callable[[], object], send: Send) -> list[float]:
    """Measure a thread that waits in a call."""
    woken: list[int] = []

    def wait() -> None:
        for _ in range(wakes):
            receive()
            woken.append(time.perf_counter_ns())

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    taken = _measured(wakes, send, woken)
    waiter.join()
    return taken


def _native_thread(wakes: int) -> list[float]:
    ring = native.RingBuffer(64, 1_024)
    writer, reader = native.Writer(ring), native.Reader(ring)
    return _thread(wakes, lambda: reader.next(None), lambda: writer.add(b"x" * 64))


def _simple_queue(wakes: int) -> list[float]:
    plain = queue.SimpleQueue[bytes]()
    return _thread(wakes, plain.get, lambda: plain.put(b"x" * 64))


def _native_asyncio(wakes: int) -> list[float]:
    ring = native.RingBuffer(64, 1_024)
    writer, reader = native.Writer(ring), native.Reader(ring)
    woken: list[int] = []

    async def wait() -> None:
        async for _ in reader:
            woken.append(time.perf_counter_ns())
            if len(woken) == wakes:
                return

    waiter = threading.Thread(target=lambda: asyncio.run(wait()), daemon=True)
    waiter.start()
    taken = _measured(wakes, lambda: writer.add(b"x" * 64), woken)
    waiter.join()
    return taken


def _asyncio_queue(wakes: int) -> list[float]:
    woken: list[int] = []
    ready = threading.Event()
    made: list[tuple[asyncio.AbstractEventLoop, asyncio.Queue[bytes]]] = []

    async def wait() -> None:
        events = asyncio.Queue[bytes]()
        made.append((asyncio.get_running_loop(), events))
        ready.set()
        for _ in range(wakes):
            await events.get()
            woken.append(time.perf_counter_ns())

    waiter = threading.Thread(target=lambda: asyncio.run(wait()), daemon=True)
    waiter.start()
    ready.wait()
    loop, events = made[0]
    taken = _measured(wakes, lambda: loop.call_soon_threadsafe(events.put_nowait, b"x" * 64), woken)
    waiter.join()
    return taken


CASES: dict[str, Callable[[int], list[float]]] = {
    "python-wake/native/how=thread": _native_thread,
    "python-wake/SimpleQueue/how=thread": _simple_queue,
    "python-wake/native/how=asyncio": _native_asyncio,
    "python-wake/asyncio-queue/how=asyncio": _asyncio_queue,
}


def figures(wakes: int = 300) -> dict[str, float]:
    """Return the median nanoseconds of a wake-up, by the name of the figure.

    Args:
        wakes: how many wake-ups of each kind.
    """
    return {name: statistics.median(case(wakes)) for name, case in CASES.items()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="How long a wake-up takes from Python.")
    parser.add_argument("--wakes", type=int, default=300, help="wake-ups of each kind (300)")
    for name, nanoseconds in figures(parser.parse_args().wakes).items():
        print(f"{name:40} {nanoseconds / 1_000:8.1f} us")


if __name__ == "__main__":
    main()
