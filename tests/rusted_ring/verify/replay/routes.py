"""Real events to several consumers, each of which rebuilds the document [RING-5, RING-12, RING-15, PTR-7].

Four routes lead from the one writer, through rings or pointers, to the consumers:

- `overwrite`: an overwriting ring; a consumer that was lapped rereads what it missed from the writer's journal, and
  says how much that was;
- `gated`: a gated ring; the writer waits for the slowest consumer, and nothing is lost;
- `pointers`: each event is allocated once, and every consumer gets a clone of its `RingPtr` in a queue;
- `tokens`: each event is allocated once, and a gated ring carries one token a consumer, which the consumer turns into a
  pointer.

An event longer than a ring's slots (or, with pointers, than the heap) goes as several fragments: all but the last have
the event type 4,294,967,295, the last one has the event's own. After each route every count has to add up and every
pool has to be empty.

The consumers take turns in one thread, so that a run is the same each time, or are threads of their own
(`threads=True`).
"""

import functools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from rusted_ring.verify.replay.documents import Event, MergeError, Workload
from rusted_ring.verify.replay.outcomes import Broken, ConsumerResult, Problem, Progress, RouteResult, Settings
from rusted_ring.verify.replay.transports import (
    Consumer,
    PointerTransport,
    RingTransport,
    TokenTransport,
    Transport,
    fragments,
)
from rusted_ring.verify.support.backend import offers

_NEEDS = {
    "overwrite": ("RingBuffer", "Writer.add", "Reader.next"),
    "gated": ("RingBuffer.gated", "Writer.add", "Reader.next"),
    "pointers": ("EventAllocator.allocate", "RingPtr.clone", "RingPtr.bytes", "RingPtr.drop"),
    "tokens": (
        "EventAllocator.allocate",
        "RingPtr.clone",
        "RingPtr.into_token",
        "RingPtr.from_token",
        "RingBuffer.gated",
    ),
}
_SLOW_TURNS = 4
"""A slow consumer gets every fourth turn, in which it takes no more than the writer adds in one."""
_SLOW_SECONDS = 0.002
_STUCK_SECONDS = 30.0


def run_route(
    backend: Any, name: str, workload: Workload, route: str, settings: Settings, progress: Progress | None = None
) -> RouteResult:
    """Send a workload over one route of one backend.

    Args:
        backend: the namespace.
        name: the backend's name in the result.
        workload: the events and the expected document.
        route: one of `ROUTES`.
        settings: the number of consumers and the like.
        progress: called from time to time with the number of entries sent and the number of all entries.

    Returns:
        The result, with every problem in it; nothing that a backend does wrong is raised.
    """
    result = RouteResult(name, route, events=len(workload.events))
    missing = [need for need in _NEEDS[route] if not offers(backend, need)]
    if missing:
        result.left_out = f"{name} does not offer {', '.join(missing)}"
        return result
    ring = route in ("overwrite", "gated")
    limit = settings.size if ring else getattr(getattr(backend, "SEED", None), "heap_bytes", 1 << 26)
    entries = fragments(workload.events, limit)
    result.entries = len(entries)
    consumers = [
        Consumer(
            workload.new_document(),
            ConsumerResult(str(number + 1)),
            slow=settings.slow and number == settings.consumers - 1,
        )
        for number in range(settings.consumers)
    ]
    for consumer in consumers:
        consumer.result.name += " (slow)" if consumer.slow else ""
    result.consumers = [consumer.result for consumer in consumers]
    try:
        transport = _transport(backend, entries, route, settings)
        begun = time.perf_counter()
        drive = _drive_threads if settings.threads else _drive_turns
        drive(transport, entries, consumers, settings, result, progress)
        for consumer in consumers:
            consumer.finish(workload.expected)
        result.seconds = time.perf_counter() - begun
        transport.check(consumers, len(entries))
        clause = "RING-13" if ring else "PTR-7"
        for consumer in consumers:
            if not consumer.result.identical:
                result.problems.append(Problem(clause, f"consumer {consumer.result.name} rebuilt another document"))
    except Broken as broken:
        result.problems.append(broken.problem)
    except MergeError as error:
        result.problems.append(Problem("RING-13" if ring else "PTR-7", f"a consumer received a wrong event: {error}"))
    except Exception as error:  # any other exception of a backend is a finding
        result.problems.append(Problem("", f"{type(error).__name__}: {error}"))
    return result


def _transport(backend: Any, entries: Sequence[Event], route: str, settings: Settings) -> Transport:
    if route == "pointers":
        return PointerTransport(backend, settings)
    if route == "tokens":
        return TokenTransport(backend, settings)
    return RingTransport(backend, entries, settings, route)


def _drive_turns(
    transport: Transport,
    entries: Sequence[Event],
    consumers: Sequence[Consumer],
    settings: Settings,
    result: RouteResult,
    progress: Progress | None,
) -> None:
    """Run the writer and the consumers by turns in this thread."""
    sent, turn, idle = 0, 0, 0
    while sent < len(entries) or any(consumer.seen < len(entries) for consumer in consumers):
        moved = 0
        if sent < len(entries):
            moved = transport.publish(entries[sent : sent + settings.batch])
            sent += moved
            result.waits += moved < settings.batch and sent < len(entries)
        for number, consumer in enumerate(consumers):
            if not consumer.slow or turn % _SLOW_TURNS == 0:
                # Twice as many as the writer added, so that a consumer can catch up; a slow one cannot.
                moved += transport.consume(consumer, number, settings.batch if consumer.slow else 2 * settings.batch)
        turn += 1
        idle = 0 if moved else idle + 1
        if idle > 2 * _SLOW_TURNS:
            behind = ", ".join(f"consumer {c.result.name} has seen {c.seen}" for c in consumers)
            raise Broken("RING-7", f"no progress any more: {sent} of {len(entries)} sent, {behind}")
        if progress is not None and turn % 16 == 0:
            progress(sent, len(entries))
    if progress is not None:
        progress(sent, len(entries))


def _drive_threads(
    transport: Transport,
    entries: Sequence[Event],
    consumers: Sequence[Consumer],
    settings: Settings,
    result: RouteResult,
    progress: Progress | None,
) -> None:
    """Run the writer and each consumer in a thread; this one only waits, so that Ctrl-C interrupts no call."""
    failures: list[BaseException] = []
    stop = threading.Event()
    sent = 0

    def write() -> None:
        nonlocal sent
        moved_last = time.monotonic()
        while sent < len(entries) and not stop.is_set():
            moved = transport.publish(entries[sent : sent + settings.batch])
            sent += moved
            if moved:
                moved_last = time.monotonic()
            else:
                result.waits += 1
                if time.monotonic() - moved_last > _STUCK_SECONDS:
                    raise Broken("RING-14", f"the writer found no room for {_STUCK_SECONDS:.0f} s")
                time.sleep(0)

    def read(number: int, consumer: Consumer) -> None:
        moved_last = time.monotonic()
        while consumer.seen < len(entries) and not stop.is_set():
            if transport.consume(consumer, number, settings.batch if consumer.slow else 2 * settings.batch):
                moved_last = time.monotonic()
                if consumer.slow:
                    time.sleep(_SLOW_SECONDS)
            elif time.monotonic() - moved_last > _STUCK_SECONDS:
                raise Broken("RING-7", f"consumer {consumer.result.name} got nothing for {_STUCK_SECONDS:.0f} s")
            else:
                time.sleep(0)

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
            stop.set()

    jobs: list[Callable[[], None]] = [write, *(functools.partial(read, *pair) for pair in enumerate(consumers))]
    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # short waits, so that Ctrl-C takes effect
                if progress is not None:
                    progress(sent, len(entries))
    finally:
        stop.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    if failures:
        raise failures[0]


def prefix(workload: Workload, events: int) -> Workload:
    """Return the first events of a workload, with the document that they produce."""
    if events >= len(workload.events):
        return workload
    document = workload.new_document()
    for event in workload.events[:events]:
        document.apply(*event)
    note = f"the first {events:,} of {len(workload.events):,} events"
    return Workload(
        workload.name,
        workload.kind,
        workload.events[:events],
        document.content(),
        workload.new_document,
        [*workload.notes, note],
    )
