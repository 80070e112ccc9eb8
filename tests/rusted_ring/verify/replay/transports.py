"""The transports of events from the writer to the consumers: a ring, or pointers and tokens of a pool."""

import collections
import queue
import struct
from collections.abc import Sequence
from typing import Any

from rusted_ring.verify.replay.documents import MORE, Document, Event
from rusted_ring.verify.replay.outcomes import Broken, ConsumerResult, Settings
from rusted_ring.verify.support.backend import offers


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
        """Start without delivered entries."""
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
        """Take skipped entries from the journal."""
        self.result.skipped += len(entries)
        for entry in entries:
            self._apply(*entry)

    def finish(self, expected: bytes) -> None:
        """Compare the document with the expected one."""
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


class Transport:
    """A transport of entries from the writer to the consumers."""

    def publish(self, entries: Sequence[Event]) -> int:
        """Send as many of the entries as there is room for; return their number."""
        raise NotImplementedError

    def consume(self, consumer: Consumer, number: int, limit: int) -> int:
        """Deliver up to `limit` entries to a consumer; return how many it advanced, skipped ones included."""
        raise NotImplementedError

    def check(self, consumers: Sequence[Consumer], entries: int) -> None:
        """Raise `Broken` if the counts do not add up after the last entry."""
        raise NotImplementedError


class RingTransport(Transport):
    """Copies entries into a ring and out of it [RING-10, RING-14]."""

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
                f"at event {consumer.seen} a reader reported {skipped} missed events and continued at {following}",
            )
        consumer.reread(self._journal[consumer.seen : following])

    def check(self, consumers: Sequence[Consumer], entries: int) -> None:
        """Compare the readers' own counts with the deliveries [RING-12]."""
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


class PoolTransport(Transport):
    """Allocates each entry once and gives each consumer a reference of its own [PTR-1, PTR-2]."""

    def __init__(self, backend: Any, settings: Settings) -> None:
        """Make pools."""
        self._allocator = backend.EventAllocator(backend.SEED) if hasattr(backend, "SEED") else backend.EventAllocator()
        self._consumers = settings.consumers
        self._capacity = settings.capacity
        self._stats = offers(backend, "EventAllocator.stats")

    def publish(self, entries: Sequence[Event]) -> int:
        """Allocate and hand over one event after another until there is no room [ALLOC-3]."""
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
        """Check that no slot is live, since every reference was released [SLOT-12, ALLOC-9]."""
        for consumer in consumers:
            if consumer.result.delivered != entries:
                raise Broken("PTR-1", f"{consumer.result.delivered} of {entries} pointers came through")
        if self._stats:
            live = {str(pool): stats.live for pool, stats in self._allocator.stats().items() if stats.live}
            if live:
                raise Broken("SLOT-12", f"every pointer was dropped, but slots are still live: {live}")


class PointerTransport(PoolTransport):
    """Puts a clone of one pointer into the queue of each consumer [PTR-2, PTR-3]."""

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


class TokenTransport(PoolTransport):
    """A gated ring whose events hold tokens, one for each consumer [PTR-12, PTR-13]."""

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
        """Turn the consumer's token of each event into a pointer, and drop it [PTR-13, PTR-4]."""
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
