"""Replays: real events through every route to several consumers; and a backend that does wrong is found out."""

import queue
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

from rusted_ring.verify.replay.documents import MORE, Event, StreamDocument, Workload, stream_of
from rusted_ring.verify.replay.editing_traces import generated_workload, read_workload
from rusted_ring.verify.replay.outcomes import ROUTES, RouteResult, Settings
from rusted_ring.verify.replay.routes import prefix, run_route
from rusted_ring.verify.replay.transports import fragments

SMALL = Settings(size=64, capacity=32, batch=8)


def stream(events: list[Event]) -> Workload:
    return Workload("stream", "stream", events, stream_of(events), StreamDocument)


def boundary_events() -> list[Event]:
    """Every length around every limit, a fragmented event among them."""
    lengths = [0, 1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1_024, 1_025, 4_096, 4_097, 16_384, 16_385, 70_000]
    return [Event(bytes([number]) * length, number * 1_000_003) for number, length in enumerate(lengths * 3)]


def checked(result: RouteResult) -> RouteResult:
    assert result.problems == []
    assert result.ok
    assert not result.left_out
    assert result.rate > 0
    return result


@pytest.mark.clause("RING-5", "RING-10", "RING-12", "RING-14", "RING-15", "PTR-1", "PTR-2", "PTR-7", "PTR-12", "PTR-13")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("slow", [False, True], ids=["brisk", "slow"])
def test_every_consumer_rebuilds_the_document(backend: ModuleType, route: str, slow: bool) -> None:
    workload = generated_workload(600)
    result = checked(run_route(backend, "it", workload, route, replace(SMALL, slow=slow)))
    for consumer in result.consumers:
        assert consumer.delivered + consumer.skipped == result.entries
    last = result.consumers[-1]
    if slow and route == "overwrite":
        assert last.skipped > 0
        assert last.name == "3 (slow)"
    else:
        assert sum(consumer.skipped for consumer in result.consumers) == 0
    assert (result.waits > 0) == (slow and route != "overwrite")
    assert last.max_lag >= SMALL.capacity if slow else last.max_lag > 0


@pytest.mark.clause("RING-9", "RING-25", "RING-26", "ALLOC-6")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_events_of_every_length_go_through(backend: ModuleType, route: str, batch: int) -> None:
    workload = stream(boundary_events())
    result = checked(run_route(backend, "it", workload, route, replace(SMALL, batch=batch, consumers=4)))
    assert (result.entries > result.events) == (route in ("overwrite", "gated"))


@pytest.mark.clause("RING-13", "ALLOC-13")
@pytest.mark.parametrize("route", ROUTES)
def test_consumers_may_be_threads(backend: ModuleType, route: str) -> None:
    workload = generated_workload(400)
    checked(run_route(backend, "it", workload, route, replace(SMALL, slow=True, threads=True)))


@pytest.mark.clause("RING-21")
def test_as_many_consumers_as_are_allowed(backend: ModuleType) -> None:
    workload = stream([Event(bytes([number])) for number in range(100)])
    for route in ROUTES:
        result = checked(run_route(backend, "it", workload, route, replace(SMALL, consumers=64)))
        assert len(result.consumers) == 64


def test_ring_of_one_slot_and_one_byte(backend: ModuleType) -> None:
    workload = stream([Event(b"abc", 1), Event(b"", 2), Event(b"d", 3)])
    for route in ROUTES:
        checked(run_route(backend, "it", workload, route, Settings(size=1, capacity=1, batch=3, slow=True)))


@pytest.mark.parametrize("threads", [False, True], ids=["turns", "threads"])
def test_progress_is_told_to_the_end(backend: ModuleType, threads: bool) -> None:
    told: list[tuple[int, int]] = []
    workload = stream([Event(b"x")] * 500)
    settings = replace(SMALL, threads=threads)
    checked(run_route(backend, "it", workload, "gated", settings, lambda done, total: told.append((done, total))))
    assert told[-1] == (500, 500)
    assert told == sorted(told)


def test_fragments_put_together_are_the_events() -> None:
    events = boundary_events()
    for limit in (1, 64, 100, 16_384, 10**6):
        parts: list[bytes] = []
        again: list[Event] = []
        for entry in fragments(events, limit):
            assert len(entry.data) <= limit
            parts.append(entry.data)
            if entry.event_type != MORE:
                again.append(Event(b"".join(parts), entry.event_type))
                parts.clear()
        assert again == events


def test_prefix_has_the_document_of_its_own_events() -> None:
    whole = generated_workload(100)
    assert prefix(whole, 100) is whole
    part = prefix(whole, 10)
    assert len(part.events) == 10
    assert part.expected != whole.expected
    assert part.notes == ["the first 10 of 100 events"]


# --- a ring of another make, the least that a backend is asked for


class ForeignLagged(LookupError):
    """What a reader that was lapped gets."""

    def __init__(self, skipped: int, next_sequence: int) -> None:
        super().__init__(skipped)
        self.skipped, self.next_sequence = skipped, next_sequence


class ForeignRing:
    """A list of everything ever published, of which the last `capacity` count."""

    def __init__(self, size: int, capacity: int, *, mode: str = "overwrite") -> None:
        self.size, self.capacity, self.mode = size, capacity, mode
        self.published: list[tuple[bytes, int]] = []
        self.readers: list[ForeignReader] = []


class ForeignWriter:
    def __init__(self, ringbuffer: ForeignRing) -> None:
        self.ring = ringbuffer

    def add(self, data: bytes, event_type: int = 0) -> bool:
        behind = min((reader.cursor for reader in self.ring.readers), default=0)
        if self.ring.mode == "gated" and len(self.ring.published) - behind >= self.ring.capacity:
            return False
        self.ring.published.append((data, event_type))
        return True


class ForeignReader:
    def __init__(self, ringbuffer: ForeignRing, *, start: str = "oldest") -> None:
        assert start == "oldest"
        self.ring, self.cursor = ringbuffer, 0
        ringbuffer.readers.append(self)

    def next(self) -> tuple[bytes, int] | None:
        oldest = len(self.ring.published) - self.ring.capacity
        if self.cursor < oldest:
            skipped, self.cursor = oldest - self.cursor, oldest
            raise ForeignLagged(skipped, oldest)
        if self.cursor == len(self.ring.published):
            return None
        self.cursor += 1
        return self.ring.published[self.cursor - 1]


def foreign(**changes: type) -> Any:
    """The ring above as a backend, with some of its classes replaced."""
    classes: dict[str, type] = {
        "RingBuffer": ForeignRing,
        "Writer": ForeignWriter,
        "Reader": ForeignReader,
        "Lagged": ForeignLagged,
    }
    return SimpleNamespace(**{**classes, **changes})


@pytest.mark.parametrize("slow", [False, True])
def test_a_foreign_ring_needs_only_add_and_next(slow: bool) -> None:
    workload = generated_workload(300)
    for route in ("overwrite", "gated"):
        checked(run_route(foreign(), "foreign", workload, route, replace(SMALL, slow=slow)))


def test_routes_that_a_backend_has_not_are_left_out_and_named() -> None:
    result = run_route(foreign(), "foreign", generated_workload(10), "tokens", SMALL)
    assert result.left_out.startswith("foreign does not offer EventAllocator.allocate, RingPtr.clone")
    assert result.consumers == []


class Repeats(ForeignReader):
    def next(self) -> tuple[bytes, int] | None:
        if self.cursor == 50:
            self.cursor += 1
            return self.ring.published[49]
        return super().next()


class Skips(ForeignReader):
    def next(self) -> tuple[bytes, int] | None:
        self.cursor += self.cursor == 50
        return super().next()


class Tears(ForeignReader):
    def next(self) -> tuple[bytes, int] | None:
        found = super().next()
        if found is None or self.cursor != 50:
            return found
        return (found[0][:-1] + b"?", found[1])


class WrongType(ForeignReader):
    def next(self) -> tuple[bytes, int] | None:
        found = super().next()
        return found if found is None else (found[0], found[1] & 0xFF)


class Sticks(ForeignReader):
    def next(self) -> tuple[bytes, int] | None:
        return None if self.cursor == 31 else super().next()


class MiscountsLag(ForeignReader):
    def next(self) -> tuple[bytes, int] | None:
        try:
            return super().next()
        except ForeignLagged as lagged:
            raise ForeignLagged(lagged.skipped - 1, lagged.next_sequence) from None


class Crashes(ForeignReader):
    def next(self) -> tuple[bytes, int] | None:
        if self.cursor == 20:
            raise RuntimeError("out of luck")
        return super().next()


class Refuses(ForeignWriter):
    def add(self, data: bytes, event_type: int = 0) -> bool:
        return len(self.ring.published) < 40 and super().add(data, event_type)


class Counts(ForeignReader):
    cursor = 0
    start = 0
    skipped = 0

    @property
    def delivered(self) -> int:
        return self.cursor + 1


class NotGated(ForeignRing):
    def __init__(self, size: int, capacity: int, *, mode: str = "overwrite") -> None:
        assert mode in ("overwrite", "gated")
        super().__init__(size, capacity)


FAULTS: list[tuple[dict[str, type], str, str, str]] = [
    ({"Reader": Repeats}, "gated", "RING-13", "another document"),
    ({"Reader": Skips}, "gated", "RING-7", "no progress"),
    ({"Reader": Tears}, "gated", "RING-13", "another document"),
    ({"Reader": WrongType}, "overwrite", "RING-13", "another document"),
    ({"Reader": Sticks}, "overwrite", "RING-7", "no progress"),
    ({"Reader": Sticks}, "gated", "RING-7", "no progress"),
    ({"Reader": MiscountsLag}, "overwrite", "RING-11", "missed"),
    ({"Reader": Crashes}, "gated", "", "RuntimeError: out of luck"),
    ({"Writer": Refuses}, "overwrite", "RING-10", "accepted"),
    ({"Writer": Refuses}, "gated", "RING-7", "no progress"),
    ({"Reader": Counts}, "gated", "RING-12", "delivered"),
    ({"RingBuffer": NotGated}, "gated", "RING-15", "lost"),
]


@pytest.mark.parametrize("threads", [False, True], ids=["turns", "threads"])
@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: "-".join([*(c.__name__ for c in fault[0].values()), fault[1]])
)
def test_a_faulty_ring_is_found_out(
    fault: tuple[dict[str, type], str, str, str], threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, route, clause, words = fault
    if threads and changes.get("Reader") is Sticks and route == "overwrite":
        route = "gated"  # a thread that is lapped soon enough is past the place where it would stick
    if threads and words in ("no progress", "missed", "lost"):
        monkeypatch.setattr("rusted_ring.verify.replay.routes._STUCK_SECONDS", 0.2)
        clause = ""  # which of several symptoms comes first is up to the threads
    workload = stream([Event(b"%d" % number, number * 1_000) for number in range(300)])
    result = run_route(foreign(**changes), "faulty", workload, route, replace(SMALL, slow=True, threads=threads))
    assert not result.ok
    assert result.problems
    if not threads or clause:
        assert result.problems[0].clause == clause
        assert words in result.problems[0].text


class FakePointer:
    """A pointer that holds its event itself."""

    taken = 0

    def __init__(self, event: Event) -> None:
        self.event = event
        type(self).taken += 1

    @property
    def bytes(self) -> bytes:
        return self.event.data

    @property
    def event_type(self) -> int:
        return self.event.event_type

    def clone(self) -> "FakePointer":
        return type(self)(Event(self.bytes, self.event_type))

    def drop(self) -> None:
        type(self).taken -= 1


class FakeStats(NamedTuple):
    live: int


def fake_pools(pointer: type[FakePointer], capacity: int = 10**6) -> Any:
    pointer.taken = 0

    class FakeAllocator:
        def __init__(self) -> None:
            self.pointer = pointer

        def allocate(self, data: bytes, event_type: int = 0) -> FakePointer:
            if self.pointer.taken >= capacity:
                raise queue.Full
            return self.pointer(Event(data, event_type))

        def stats(self) -> dict[str, FakeStats]:
            return {"all": FakeStats(self.pointer.taken)}

    return SimpleNamespace(EventAllocator=FakeAllocator, RingPtr=pointer)


class LeakyPointer(FakePointer):
    def drop(self) -> None:
        if self.bytes != b"7":
            super().drop()


class ChangedPointer(FakePointer):
    def clone(self) -> FakePointer:
        return type(self)(Event(self.bytes[::-1], self.event_type))


@pytest.mark.parametrize(
    ("pointer", "clause"),
    [(FakePointer, None), (LeakyPointer, "SLOT-12"), (ChangedPointer, "PTR-7")],
    ids=["fair", "leaky", "changed"],
)
def test_a_faulty_pool_is_found_out(pointer: type[FakePointer], clause: str | None) -> None:
    workload = stream([Event(b"%d" % number, number) for number in range(100)])
    result = run_route(fake_pools(pointer), "fake", workload, "pointers", SMALL)
    assert [problem.clause for problem in result.problems[:1]] == ([] if clause is None else [clause])
    assert result.ok == (clause is None)


def test_a_full_pool_makes_the_writer_wait() -> None:
    workload = stream([Event(b"%d" % number) for number in range(100)])
    result = checked(
        run_route(fake_pools(FakePointer, capacity=9), "fake", workload, "pointers", replace(SMALL, slow=True))
    )
    assert result.waits > 0


# --- the recorded traces


@pytest.mark.clause("RING-5", "RING-15", "PTR-7")
@pytest.mark.parametrize("name", ["rustcode", "sveltecomponent", "friendsforever"])
def test_recorded_trace_is_rebuilt(recorded: Callable[[str], Path], native: ModuleType, name: str) -> None:
    workload = read_workload(recorded(f"{name}.json.gz"))
    settings = Settings(slow=True)
    for route in ROUTES:
        result = checked(run_route(native, "native", workload, route, settings))
        assert (result.consumers[-1].skipped > 0) == (route == "overwrite")


def test_recorded_traces_have_the_classes_that_are_promised(recorded: Callable[[str], Path]) -> None:
    workload = read_workload(recorded("rustcode.json.gz"))
    assert workload.classes() == {"XS": 39_808, "S": 298, "M": 49, "L": 9, "XL": 2, "XXL": 7}


def test_recorded_trace_on_the_reference(recorded: Callable[[str], Path], reference: ModuleType) -> None:
    workload = prefix(read_workload(recorded("sveltecomponent.json.gz")), 3_000)
    for route in ROUTES:
        checked(run_route(reference, "reference", workload, route, Settings(slow=True)))
