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

import collections
import functools
import queue
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rusted_ring.verify.backend import offers
from rusted_ring.verify.documents import MORE, Document, Event, MergeError, Workload

ROUTES = ("overwrite", "gated", "pointers", "tokens")
MAX_CONSUMERS = 64

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
"""A slow consumer gets every fourth turn, and takes no more in it than the writer adds in one."""
_SLOW_SECONDS = 0.002
_STUCK_SECONDS = 30.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How events are sent.

    Attributes:
        routes: names from `ROUTES`.
        consumers: how many there are, 1 to 64.
        slow: whether the last consumer is slow.
        size: the payload limit of a ring's slots, in bytes.
        capacity: the slots of a ring, and the places of a queue of pointers.
        batch: the events that the writer adds, and a consumer takes, in one turn.
        threads: whether each consumer is a thread.
    """

    routes: tuple[str, ...] = ROUTES
    consumers: int = 3
    slow: bool = False
    size: int = 256
    capacity: int = 1_024
    batch: int = 64
    threads: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, and the clause that it breaks (empty where no single clause is to blame)."""

    clause: str
    text: str


@dataclass(slots=True)
class ConsumerResult:
    """What one consumer saw.

    Attributes:
        name: how the consumer is called in the table.
        delivered: entries it was given.
        skipped: entries that were overwritten before it came to them; it reread them from the journal.
        max_lag: the largest number of entries it was behind when its turn came.
        identical: whether the document it rebuilt is the expected one, byte for byte.
    """

    name: str
    delivered: int = 0
    skipped: int = 0
    max_lag: int = 0
    identical: bool = False


@dataclass(slots=True)
class RouteResult:
    """What one route on one backend showed.

    Attributes:
        backend: the name of the backend.
        route: the name of the route.
        events: the events of the workload.
        entries: the entries they made, fragments counted one by one.
        waits: the turns in which the writer found no room.
        seconds: from the first add to the last finished document.
        consumers: one result each.
        problems: what went wrong.
        left_out: why the route was not run; empty if it was.
    """

    backend: str
    route: str
    events: int = 0
    entries: int = 0
    waits: int = 0
    seconds: float = 0.0
    consumers: list[ConsumerResult] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: str = ""

    @property
    def ok(self) -> bool:
        """Whether every consumer has the document and nothing else went wrong."""
        return not self.problems and all(consumer.identical for consumer in self.consumers)

    @property
    def rate(self) -> float:
        """Events a second, the work of rebuilding every consumer's document included."""
        return self.events / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**asdict(self), "ok": self.ok, "events_per_second": round(self.rate)}


class Broken(Exception):
    """A backend that does not do what the specification says; carries the problem."""

    def __init__(self, clause: str, text: str) -> None:
        """Keep the clause and the words."""
        super().__init__(text)
        self.problem = Problem(clause, text)


def fragments(events: Sequence[Event], limit: int) -> list[Event]:
    """Split the events whose payload is longer than `limit` bytes; the others stay as they are."""
    entries: list[Event] = []
    for event in events:
        at = 0
        while len(event.data) - at > limit:
            entries.append(Event(event.data[at : at + limit], MORE))
            at += limit
        entries.append(Event(event.data[at:], event.event_type) if at else event)
    return entries


class Consumer:
    """Puts fragments together, applies events to its document and counts."""

    def __init__(self, document: Document, result: ConsumerResult, *, slow: bool) -> None:
        """Start with nothing delivered."""
        self.result = result
        self.slow = slow
        self.seen = 0  # entries delivered or skipped so far: the sequence number of the next one
        self._document = document
        self._parts: list[bytes] = []

    def take(self, data: bytes, event_type: int) -> None:
        """Take one delivered entry."""
        self.result.delivered += 1
        self._apply(data, event_type)

    def reread(self, entries: Sequence[Event]) -> None:
        """Take entries that were skipped from the journal."""
        self.result.skipped += len(entries)
        for entry in entries:
            self._apply(*entry)

    def finish(self, expected: bytes) -> None:
        """Compare the document with what it must be."""
        self.result.identical = not self._parts and self._document.content() == expected

    def _apply(self, data: bytes, event_type: int) -> None:
        self.seen += 1
        if event_type == MORE:
            self._parts.append(data)
            return
        if self._parts:
            data = b"".join([*self._parts, data])
            self._parts.clear()
        self._document.apply(data, event_type)


class Lane:
    """The way of the entries from the writer to the consumers."""

    def publish(self, entries: Sequence[Event]) -> int:
        """Send as many of the entries as there is room for; returns how many that were."""
        raise NotImplementedError

    def consume(self, consumer: Consumer, number: int, limit: int) -> int:
        """Give a consumer up to `limit` entries; returns how many it saw, skipped ones included."""
        raise NotImplementedError

    def check(self, consumers: Sequence[Consumer], entries: int) -> None:
        """Raise `Broken` where something does not add up after the last entry."""
        raise NotImplementedError


class RingLane(Lane):
    """Entries are copied into a ring and out of it [RING-10, RING-14]."""

    def __init__(self, backend: Any, journal: Sequence[Event], settings: Settings, mode: str) -> None:
        """Make a ring with a writer and readers."""
        self._journal = journal
        self._mode = mode
        self._lagged: Any = getattr(backend, "Lagged", LookupError)
        options: dict[str, Any] = {"mode": mode} if mode == "gated" else {}
        if mode == "gated" and settings.consumers > 16:
            options["max_readers"] = settings.consumers
        needed = 64 * (3 + settings.consumers) + settings.capacity * (settings.size + 72)
        if needed > 1_048_576:
            options["max_ring_bytes"] = needed
        ring = backend.RingBuffer(settings.size, settings.capacity, **options)
        self._readers = [backend.Reader(ring, start="oldest") for _ in range(settings.consumers)]
        self._writer = backend.Writer(ring)
        self._add_many = offers(backend, "Writer.add_many") and settings.batch > 1
        self._next_many = offers(backend, "Reader.next_many") and settings.batch > 1
        self._counts = all(offers(backend, f"Reader.{name}") for name in ("start", "cursor", "delivered", "skipped"))
        self._lag = offers(backend, "Reader.lag")

    def publish(self, entries: Sequence[Event]) -> int:
        """Add the entries, in one call if the backend has one [RING-25]."""
        if self._add_many:
            accepted = self._writer.add_many(
                [entry.data for entry in entries], event_types=[entry.event_type for entry in entries]
            )
        else:
            accepted = 0
            for data, event_type in entries:
                if not self._writer.add(data, event_type):
                    break
                accepted += 1
        if self._mode == "overwrite" and accepted != len(entries):
            raise Broken("RING-10", f"an overwriting ring accepted {accepted} of {len(entries)} events")
        return int(accepted)

    def consume(self, consumer: Consumer, number: int, limit: int) -> int:
        """Read with `next_many` and, for every other consumer, with `next` [RING-7, RING-26]."""
        reader = self._readers[number]
        before = consumer.seen
        if self._lag:
            consumer.result.max_lag = max(consumer.result.max_lag, reader.lag)
        try:
            if self._next_many and number % 2 == 0:
                batch = reader.next_many(limit)
                if len(batch) and batch.first_sequence != before:
                    raise Broken("RING-5", f"a batch begins with event {batch.first_sequence}, but {before} is next")
                for data, event_type in batch:
                    consumer.take(data, event_type)
            else:
                for _ in range(limit):
                    event = reader.next()
                    if event is None:
                        break
                    consumer.take(event[0], event[1])
        except self._lagged as lagged:
            self._resync(consumer, lagged)
        return consumer.seen - before

    def _resync(self, consumer: Consumer, lagged: Any) -> None:
        skipped, following = lagged.skipped, lagged.next_sequence
        if self._mode == "gated":
            raise Broken("RING-15", f"a reader of a gated ring lost {skipped} events")
        if skipped <= 0 or following - skipped != consumer.seen:
            raise Broken(
                "RING-11",
                f"at event {consumer.seen} a reader was told that it missed {skipped} and goes on at {following}",
            )
        consumer.reread(self._journal[consumer.seen : following])

    def check(self, consumers: Sequence[Consumer], entries: int) -> None:
        """Compare the readers' own counts with what was seen [RING-12]."""
        for consumer, reader in zip(consumers, self._readers, strict=True):
            result = consumer.result
            if result.delivered + result.skipped != entries:
                raise Broken("RING-12", f"delivered {result.delivered} + skipped {result.skipped} is not {entries}")
            if self._counts and (
                (reader.delivered, reader.skipped) != (result.delivered, result.skipped)
                or reader.delivered + reader.skipped != reader.cursor - reader.start
            ):
                sides = f"delivered {reader.delivered} + skipped {reader.skipped} = {reader.cursor} - {reader.start}"
                seen = f"{result.delivered} were delivered and {result.skipped} skipped"
                raise Broken("RING-12", f"a reader says {sides} (cursor - start), but {seen}")


class PoolLane(Lane):
    """Entries are allocated once, and each consumer gets a reference of its own [PTR-1, PTR-2]."""

    def __init__(self, backend: Any, settings: Settings) -> None:
        """Make pools."""
        self._allocator = backend.EventAllocator(backend.SEED) if hasattr(backend, "SEED") else backend.EventAllocator()
        self._consumers = settings.consumers
        self._capacity = settings.capacity
        self._stats = offers(backend, "EventAllocator.stats")

    def publish(self, entries: Sequence[Event]) -> int:
        """Allocate and hand over one event after the other, until there is no room [ALLOC-3]."""
        for number, (data, event_type) in enumerate(entries):
            if not self._room():
                return number
            try:
                pointer = self._allocator.allocate(data, event_type)
            except queue.Full:
                return number
            self._hand_over(pointer)
        return len(entries)

    def _room(self) -> bool:
        raise NotImplementedError

    def _hand_over(self, pointer: Any) -> None:
        raise NotImplementedError

    def check(self, consumers: Sequence[Consumer], entries: int) -> None:
        """Every reference was given back, so no slot is live [SLOT-12, ALLOC-9]."""
        for consumer in consumers:
            if consumer.result.delivered != entries:
                raise Broken("PTR-1", f"{consumer.result.delivered} of {entries} pointers came through")
        if self._stats:
            live = {str(pool): stats.live for pool, stats in self._allocator.stats().items() if stats.live}
            if live:
                raise Broken("SLOT-12", f"every pointer was dropped, but slots are still live: {live}")


class PointerLane(PoolLane):
    """Clones of one pointer in one queue a consumer [PTR-2, PTR-3]."""

    def __init__(self, backend: Any, settings: Settings) -> None:
        """Make pools and queues."""
        super().__init__(backend, settings)
        self._queues: list[collections.deque[Any]] = [collections.deque() for _ in range(settings.consumers)]
        self._views = offers(backend, "RingPtr.data")

    def _room(self) -> bool:
        return max(map(len, self._queues)) < self._capacity

    def _hand_over(self, pointer: Any) -> None:
        for waiting in self._queues:
            waiting.append(pointer.clone())
        pointer.drop()

    def consume(self, consumer: Consumer, number: int, limit: int) -> int:
        """Read by `bytes` and, for every other consumer, by a view [PTR-7, VIEW-1]."""
        waiting = self._queues[number]
        consumer.result.max_lag = max(consumer.result.max_lag, len(waiting))
        taken = min(limit, len(waiting))
        for _ in range(taken):
            pointer = waiting.popleft()
            if self._views and number % 2:
                with pointer.data as view:
                    data = bytes(view)
            else:
                data = pointer.bytes
            event_type = pointer.event_type
            pointer.drop()
            consumer.take(data, event_type)
        return taken


class TokenLane(PoolLane):
    """A gated ring whose events are tokens, one a consumer [PTR-12, PTR-13]."""

    def __init__(self, backend: Any, settings: Settings) -> None:
        """Make pools and a ring."""
        super().__init__(backend, settings)
        self._pointer_class = backend.RingPtr
        self._tokens = struct.Struct(f"={settings.consumers}Q")
        needed = 64 * (3 + settings.consumers) + settings.capacity * (self._tokens.size + 72)
        options = {"max_ring_bytes": needed} if needed > 1_048_576 else {}
        ring = backend.RingBuffer(
            self._tokens.size, settings.capacity, mode="gated", max_readers=settings.consumers, **options
        )
        self._readers = [backend.Reader(ring, start="oldest") for _ in range(settings.consumers)]
        self._writer = backend.Writer(ring)

    def _room(self) -> bool:
        return bool(max(reader.lag for reader in self._readers) < self._capacity)

    def _hand_over(self, pointer: Any) -> None:
        tokens = [pointer.clone().into_token() for _ in range(self._consumers - 1)]
        tokens.append(pointer.into_token())
        if not self._writer.add(self._tokens.pack(*tokens), 0):
            raise Broken(
                "RING-14", "a gated ring refused an event although every reader was less than its capacity behind"
            )

    def consume(self, consumer: Consumer, number: int, limit: int) -> int:
        """Turn one's own token of each event into a pointer, and drop it [PTR-13, PTR-4]."""
        reader = self._readers[number]
        consumer.result.max_lag = max(consumer.result.max_lag, reader.lag)
        for taken in range(limit):
            entry = reader.next()
            if entry is None:
                return taken
            token = self._tokens.unpack(entry[0])[number]
            with self._pointer_class.from_token(token, self._allocator) as pointer:
                data, event_type = pointer.bytes, pointer.event_type
            consumer.take(data, event_type)
        return limit


def run_route(
    backend: Any, name: str, workload: Workload, route: str, settings: Settings, progress: Progress | None = None
) -> RouteResult:
    """Send a workload over one route of one backend.

    Args:
        backend: the namespace.
        name: what it is called in the result.
        workload: the events and what they lead to.
        route: one of `ROUTES`.
        settings: the number of consumers and the like.
        progress: called now and then with the entries sent and the entries there are.

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
        lane = _lane(backend, entries, route, settings)
        begun = time.perf_counter()
        drive = _drive_threads if settings.threads else _drive_turns
        drive(lane, entries, consumers, settings, result, progress)
        for consumer in consumers:
            consumer.finish(workload.expected)
        result.seconds = time.perf_counter() - begun
        lane.check(consumers, len(entries))
        clause = "RING-13" if ring else "PTR-7"
        for consumer in consumers:
            if not consumer.result.identical:
                result.problems.append(Problem(clause, f"consumer {consumer.result.name} rebuilt another document"))
    except Broken as broken:
        result.problems.append(broken.problem)
    except MergeError as error:
        result.problems.append(Problem("RING-13" if ring else "PTR-7", f"a consumer was given a wrong event: {error}"))
    except Exception as error:  # whatever a backend raises is a finding
        result.problems.append(Problem("", f"{type(error).__name__}: {error}"))
    return result


def _lane(backend: Any, entries: Sequence[Event], route: str, settings: Settings) -> Lane:
    if route == "pointers":
        return PointerLane(backend, settings)
    if route == "tokens":
        return TokenLane(backend, settings)
    return RingLane(backend, entries, settings, route)


def _drive_turns(
    lane: Lane,
    entries: Sequence[Event],
    consumers: Sequence[Consumer],
    settings: Settings,
    result: RouteResult,
    progress: Progress | None,
) -> None:
    """Writer and consumers take turns in this thread."""
    sent, turn, idle = 0, 0, 0
    while sent < len(entries) or any(consumer.seen < len(entries) for consumer in consumers):
        moved = 0
        if sent < len(entries):
            moved = lane.publish(entries[sent : sent + settings.batch])
            sent += moved
            result.waits += moved < settings.batch and sent < len(entries)
        for number, consumer in enumerate(consumers):
            if not consumer.slow or turn % _SLOW_TURNS == 0:
                # Twice as much as was added, so that a consumer can catch up; a slow one cannot.
                moved += lane.consume(consumer, number, settings.batch if consumer.slow else 2 * settings.batch)
        turn += 1
        idle = 0 if moved else idle + 1
        if idle > 2 * _SLOW_TURNS:
            behind = ", ".join(f"consumer {c.result.name} has seen {c.seen}" for c in consumers)
            raise Broken("RING-7", f"nothing moves any more: {sent} of {len(entries)} sent, {behind}")
        if progress is not None and turn % 16 == 0:
            progress(sent, len(entries))
    if progress is not None:
        progress(sent, len(entries))


def _drive_threads(
    lane: Lane,
    entries: Sequence[Event],
    consumers: Sequence[Consumer],
    settings: Settings,
    result: RouteResult,
    progress: Progress | None,
) -> None:
    """Writer and consumers have a thread each. This one waits: Ctrl-C strikes here, and not in the middle of a call."""
    failures: list[BaseException] = []
    stop = threading.Event()
    sent = 0

    def write() -> None:
        nonlocal sent
        moved_last = time.monotonic()
        while sent < len(entries) and not stop.is_set():
            moved = lane.publish(entries[sent : sent + settings.batch])
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
            if lane.consume(consumer, number, settings.batch if consumer.slow else 2 * settings.batch):
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
                thread.join(0.2)  # short waits, so that Ctrl-C is heard
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
    """Return the first events of a workload, with the document that they alone lead to."""
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
