"""What a call costs from Python, beside the queues of the standard library and the reference model.

    python bench/python_calls.py            # about 15 s
    python bench/python_calls.py --smoke    # a second, to see that it runs

One thread. Each round goes through all cases in turn, 8,000 events each, so that a slow moment of the machine strikes
all of them. Shown are the median of the rounds, their interquartile range, and the ratio to the first case of the
table, formed round by round. Compare ratios, not figures of two machines. `--json` writes the rounds themselves.
"""

import argparse
import collections
import json
import platform
import queue
import statistics
import sys
import timeit
from collections.abc import Callable

import numpy

import rusted_ring.native as native
import rusted_ring.reference as reference

PAYLOAD = b"x" * 64
BLOCK = 16

Case = Callable[[], object]


def cases() -> dict[str, tuple[int, Case]]:
    """Return, by name, how many events one call handles, and the call."""
    allocator, model = native.EventAllocator(), reference.EventAllocator()
    ring, model_ring = native.RingBuffer(64, 1_024), reference.RingBuffer(64, 1_024)
    writer, reader = native.Writer(ring), native.Reader(ring)
    model_writer, model_reader = reference.Writer(model_ring), reference.Reader(model_ring)
    slots, cursors = numpy.zeros((1_024, 64), dtype="u1"), [0, 0]
    plain, simple, deque = queue.Queue[bytes](), queue.SimpleQueue[bytes](), collections.deque[bytes]()
    block = PAYLOAD * BLOCK

    def native_pointer() -> None:
        pointer = allocator.allocate(PAYLOAD)
        _ = pointer.data
        pointer.drop()

    def native_pointers_in_bulk() -> None:
        allocator.drop_many(allocator.allocate_many(block, lengths=64))

    def native_ring() -> None:
        writer.add(PAYLOAD)
        reader.next()

    def native_ring_in_bulk() -> None:
        writer.add_many(block, lengths=64)
        reader.next_many(BLOCK)

    def with_queue() -> None:
        plain.put(PAYLOAD)
        plain.get()

    def with_simple_queue() -> None:
        simple.put(PAYLOAD)
        simple.get()

    def with_deque() -> None:
        deque.append(PAYLOAD)
        deque.popleft()

    def with_numpy() -> None:
        slots[cursors[0] % 1_024] = numpy.frombuffer(PAYLOAD, dtype="u1")
        cursors[0] += 1
        slots[cursors[1] % 1_024].tobytes()
        cursors[1] += 1

    def reference_pointer() -> None:
        pointer = model.allocate(PAYLOAD)
        _ = pointer.data
        pointer.drop()

    def reference_ring() -> None:
        model_writer.add(PAYLOAD)
        model_reader.next()

    return {
        "native add + next": (1, native_ring),
        "native allocate + view + drop": (1, native_pointer),
        f"native add_many + next_many, {BLOCK} at a time": (BLOCK, native_ring_in_bulk),
        f"native allocate_many + drop_many, {BLOCK} at a time": (BLOCK, native_pointers_in_bulk),
        "queue.Queue put + get": (1, with_queue),
        "queue.SimpleQueue put + get": (1, with_simple_queue),
        "deque append + popleft (no copy, no bound)": (1, with_deque),
        "rows of a numpy array (no lap check)": (1, with_numpy),
        "reference add + next": (1, reference_ring),
        "reference allocate + view + drop": (1, reference_pointer),
    }


def measure(rounds: int, calls: int) -> dict[str, list[float]]:
    """Return seconds an event of each case, one figure a round."""
    measured: dict[str, list[float]] = {}
    chosen = cases()
    for name, (events, case) in chosen.items():
        case()
        measured[name] = []
        if events > calls:
            raise ValueError(f"calls is {calls}: fewer than the {events} events of {name!r}; pass more")
    for _ in range(rounds):
        for name, (events, case) in chosen.items():
            number = calls // events
            measured[name].append(timeit.timeit(case, number=number) / (number * events))
    return measured


def table(measured: dict[str, list[float]]) -> str:
    """Return the figures as text, in nanoseconds an event."""
    base = next(iter(measured.values()))
    lines = [f"{'64 bytes an event':52} {'median ns':>9} {'IQR':>9} {'ratio':>7} {'its IQR':>13}"]
    for name, seconds in measured.items():
        low, middle, high = statistics.quantiles([1e9 * second for second in seconds], n=4)
        ratios = [second / first for second, first in zip(seconds, base, strict=True)]
        least, ratio, most = statistics.quantiles(ratios, n=4)
        lines.append(f"{name:52} {middle:9.0f} {high - low:9.0f} {ratio:7.2f} {least:6.2f}-{most:.2f}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="a few calls, to see that it runs")
    parser.add_argument("--rounds", type=int, default=41, help="rounds through all cases")
    parser.add_argument("--json", metavar="FILE", help="write the rounds, in seconds an event")
    options = parser.parse_args()
    rounds, calls = (3, 320) if options.smoke else (max(options.rounds, 2), 8_000)
    measured = measure(rounds, calls)
    print(f"Python {platform.python_version()}, {platform.machine()}, {rounds} rounds of {calls} events")
    print(table(measured))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(measured, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
