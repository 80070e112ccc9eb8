"""One execution of a program under the explorer, as the engine reports it: events, reads-from, happens-before.

The engine prints an execution as a JSON object; `parse` turns it into frozen values or raises an error, and `columns`
and `page` show them. The order of the events respects each thread's own order and reads-from. The memory model's
chapter of the spec defines the relations; here they are only looked up.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

INITIAL = -1
"""The value of `Event.rf` for a read of the initial value, which no event of the execution wrote."""

_ACCESSES = ("load", "store", "rmw", "cas-fail", "read", "write")
_OTHERS = ("fence", "create", "join", "alloc", "free", "lock", "unlock", "call", "return", "assert")
KINDS = frozenset((*_ACCESSES, *_OTHERS))
READS = frozenset(("load", "rmw", "cas-fail", "read"))
WRITES = frozenset(("store", "rmw", "write"))
PLAIN = frozenset(("read", "write"))
ORDERS = frozenset(("", "na", "rlx", "acq", "rel", "acq_rel", "sc"))

_HEX_FROM = 1 << 16
_SHORTEST_ADDRESS = 3


class TraceError(ValueError):
    """The engine's output is not an execution: the message names the event, the key and the value."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an execution.

    Attributes:
        id: its number, by which other events refer to it.
        thread: the number of its thread.
        kind: one of `KINDS`.
        order: one of `ORDERS`; `na` for a plain access, empty for an event without an order.
        file: the source file, empty if it is not known.
        line: the line in it, from 1; 0 if it is not known.
        function: the C function, empty if it is not known.
        location: the name of the object, or its address as `0x...`; empty for an event without a location.
        size: bytes accessed; 0 for an event that is not an access.
        read: the value read; None if the event does not read, or the engine does not report it.
        written: the value written; None likewise.
        rf: the id of the event whose value is read, `INITIAL`, or None for an event that does not read.
        mo: the index in the modification order of the location, from 1; None for an event that is not in it.
        hb: for each thread, how many of its steps happen before this event or are this one. The engine defines the
            steps: a plain access may not be a step, and then has its thread's next number.
        text: the words of a call, a return or an assertion.
        place: its index among the events of its thread, from 0.
    """

    id: int
    thread: int
    kind: str
    order: str
    file: str
    line: int
    function: str
    location: str
    size: int
    read: int | None
    written: int | None
    rf: int | None
    mo: int | None
    hb: tuple[int, ...]
    text: str
    place: int

    @property
    def plain(self) -> bool:
        """Whether it is a plain (non-atomic) access."""
        return self.kind in PLAIN


@dataclass(frozen=True, slots=True)
class Fault:
    """The error of an execution.

    Attributes:
        kind: a word, such as `data-race`.
        message: a sentence.
        events: the ids of the events that cause it; may be empty.
    """

    kind: str
    message: str
    events: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a client program: the events `call` and `return`, and those of its thread between them.

    Attributes:
        thread: the number of the thread.
        text: the words of the call, such as `add(1)`.
        result: the words of its return; None if the execution ended before.
        events: the ids of its events, `call` and `return` included, in the thread's order.
    """

    thread: int
    text: str
    result: str | None
    events: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """One execution.

    Attributes:
        replay: the string that repeats this execution; may be empty.
        threads: the name of each thread; the first is `main`.
        events: in an order that respects each thread's own order and reads-from.
        fault: its error, or None.
    """

    replay: str
    threads: tuple[str, ...]
    events: tuple[Event, ...]
    fault: Fault | None

    @cached_property
    def by_id(self) -> Mapping[int, Event]:
        """The events by their ids."""
        return {event.id: event for event in self.events}

    @cached_property
    def modification_orders(self) -> Mapping[str, tuple[Event, ...]]:
        """The writes in the modification order of each location that has any, the earliest first."""
        found: dict[str, list[Event]] = {}
        for event in self.events:
            if event.mo is not None:
                found.setdefault(event.location, []).append(event)
        return {name: tuple(sorted(writes, key=lambda write: write.mo or 0)) for name, writes in found.items()}

    @cached_property
    def reordered(self) -> frozenset[str]:
        """The locations whose writes are listed in another order than their modification order."""
        rows = {event.id: row for row, event in enumerate(self.events)}
        return frozenset(
            name
            for name, writes in self.modification_orders.items()
            if any(rows[one.id] > rows[other.id] for one, other in itertools.pairwise(writes))
        )

    @cached_property
    def readers(self) -> Mapping[int, tuple[Event, ...]]:
        """The events that read from an event, by its id."""
        found: dict[int, list[Event]] = {}
        for event in self.events:
            if event.rf is not None and event.rf != INITIAL:
                found.setdefault(event.rf, []).append(event)
        return {identity: tuple(events) for identity, events in found.items()}

    @cached_property
    def passed_over(self) -> Mapping[int, Event]:
        """By the id of each read of an old value, the newest write of the location among the events above it.

        Old is meant in the modification order: a write that stands above the read overwrites what the read takes. Such
        reads are what tells weak memory from a mere interleaving.
        """
        newest: dict[str, Event] = {}
        found: dict[int, Event] = {}
        for event in self.events:
            last = newest.get(event.location)
            if event.rf is not None and last is not None:
                source = self.by_id.get(event.rf)
                if ((source.mo or 0) if source else 0) < (last.mo or 0):
                    found[event.id] = last
            if event.mo is not None and (last is None or (last.mo or 0) < event.mo):
                newest[event.location] = event
        return found

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The calls, in the order in which they begin."""
        open_calls: dict[int, tuple[int, Event, list[int]]] = {}
        found: list[tuple[int, Call]] = []

        def close(thread: int, result: str | None) -> None:
            at, begun, events = open_calls.pop(thread)
            found.append((at, Call(thread, begun.text, result, tuple(events))))

        for at, event in enumerate(self.events):
            if event.kind == "call":
                if event.thread in open_calls:
                    close(event.thread, None)
                open_calls[event.thread] = (at, event, [])
            if event.thread in open_calls:
                open_calls[event.thread][2].append(event.id)
                if event.kind == "return":
                    close(event.thread, event.text)
        for thread in list(open_calls):
            close(thread, None)
        return tuple(call for _, call in sorted(found, key=lambda pair: pair[0]))

    @cached_property
    def switches(self) -> int:
        """How many events belong to another thread than the event above them."""
        return sum(one.thread != other.thread for one, other in itertools.pairwise(self.events))

    @cached_property
    def of_the_fault(self) -> frozenset[int]:
        """The ids of the events of the fault and of those that they read from."""
        marked = set(self.fault.events) if self.fault else set()
        sources = {self.by_id[identity].rf for identity in marked}
        return frozenset(marked | {source for source in sources if source is not None and source != INITIAL})

    def happens_before(self, one: Event, other: Event) -> bool:
        """Return whether one event happens before another one."""
        if one.thread == other.thread:
            return one.place < other.place
        return other.hb[one.thread] >= one.hb[one.thread]

    def location(self, event: Event) -> str:
        """Return the location of an event; an address is cut as far as it stays unique in this execution."""
        return self._locations.get(event.location, event.location)

    @cached_property
    def _locations(self) -> Mapping[str, str]:
        addresses = sorted({event.location for event in self.events if event.location.startswith("0x")})
        digits = _SHORTEST_ADDRESS
        longest = max((len(address) - 2 for address in addresses), default=0)
        while digits < longest and len({address[2:][-digits:] for address in addresses}) < len(addresses):
            digits += 1
        return {address: f"@{address[2:][-digits:]}" for address in addresses}


def value(number: int | None) -> str:
    """Return a value in a readable form: decimal below 65536, else hexadecimal; `?` if it is not known."""
    if number is None:
        return "?"
    return hex(number) if number >= _HEX_FROM else str(number)


def action(trace: Trace, event: Event) -> str:
    """Return an event in a few words: `x = 1 rel`, `load x = 1 acq`, `rmw x 0 -> 1 acq_rel`, `fence sc`."""
    name = trace.location(event)
    match event.kind:
        case "rmw":
            words = f"rmw {name} {value(event.read)} -> {value(event.written)} {event.order}"
        case "load" | "read" | "cas-fail":
            words = f"{event.kind} {name} = {value(event.read)} {event.order}"
            if event.plain and event.read is None:
                words = f"read {name}"
            words += f" {event.text}" if event.kind == "cas-fail" and event.text else ""
        case "store" | "write":
            words = f"{event.kind} {name} = {value(event.written)} {event.order}"
            if event.plain and event.written is None:
                words = f"write {name}"
        case "alloc":
            words = f"alloc {name}" + (f" {event.size} B" if event.size else "")
        case "create" | "join":
            other = event.text.removeprefix(event.kind).strip() or name or _other_thread(trace, event)
            words = f"{event.kind} {other}"
        case "call":
            words = event.text or "call"
        case "return":
            words = f"-> {event.text}" if event.text else "return"
        case "assert":
            words = f"assert {event.text}"
        case _:  # a fence, a lock, an unlock, a free
            words = f"{event.text or event.kind} {name} {event.order}"
    return " ".join(words.removesuffix(" na").split())


def _other_thread(trace: Trace, event: Event) -> str:
    """Return the thread that is created or joined, if the engine gives it as the value."""
    number = event.written if event.kind == "create" else event.read
    return trace.threads[number] if number is not None and number < len(trace.threads) else ""


def source_of_read(trace: Trace, event: Event) -> str:
    """Return what an event reads from: `<- #7`, `<- init`; with `, not #9` if a newer write is above it; or nothing."""
    if event.rf is None:
        return ""
    words = "<- init" if event.rf == INITIAL else f"<- #{event.rf}"
    newer = trace.passed_over.get(event.id)
    return f"{words}, not #{newer.id}" if newer else words


def place_in_source(event: Event) -> str:
    """Return the file's name and the line: `ring.c:12`; empty if they are not known."""
    return f"{Path(event.file).name}:{event.line}" if event.file and event.line else ""


class Sources:
    """Lines of source files, read on demand; a file that cannot be read has none."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, ...]] = {}

    def line(self, file: str, number: int) -> str:
        """Return a line, from 1, without its indentation; empty if there is none."""
        lines = self._lines(file)
        return " ".join(lines[number - 1].split()) if 0 < number <= len(lines) else ""

    def around(self, file: str, number: int, margin: int) -> dict[int, str]:
        """Return a line and those near it by their numbers, with their indentation."""
        lines = self._lines(file)
        if not 0 < number <= len(lines):
            return {}
        near = range(max(1, number - margin), min(len(lines), number + margin) + 1)
        return {at: lines[at - 1].rstrip().expandtabs(4) for at in near}

    def _lines(self, file: str) -> tuple[str, ...]:
        if file not in self._files:
            try:
                text = Path(file).read_text(encoding="utf-8", errors="replace") if file else ""
            except (OSError, ValueError):  # missing, a folder, a name with a zero byte
                text = ""
            # Not splitlines, which also splits at characters that do not end a line for a compiler.
            self._files[file] = tuple(text.split("\n"))
        return self._files[file]


# --- parsing


def parse(content: Any) -> Trace:
    """Turn the engine's output, parsed as JSON, into an execution.

    Raises:
        TraceError: a key is missing, a value is of the wrong type or outside its range, an id is taken or unknown.
    """
    if not isinstance(content, Mapping):
        raise TraceError(f"the trace is {_brief(content)}, not an object")
    names = content.get("threads")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise TraceError(f"threads is {_brief(names)}, not a list of names")
    listed = content.get("events")
    if not isinstance(listed, list):
        raise TraceError(f"events is {_brief(listed)}, not a list")
    replay = content.get("replay", "")
    if not isinstance(replay, str):
        raise TraceError(f"replay is {_brief(replay)}, not a string")
    events: list[Event] = []
    counts = [0] * len(names)
    for at, item in enumerate(listed):
        event = _parse_event(item, at, counts)
        counts[event.thread] += 1
        events.append(event)
    _check_references(events, len(names))
    return Trace(replay, tuple(names), tuple(events), _parse_fault(content.get("error"), events))


def _parse_event(item: Any, at: int, counts: Sequence[int]) -> Event:
    if not isinstance(item, Mapping):
        raise TraceError(f"events[{at}] is {_brief(item)}, not an object")
    where = f"events[{at}]"
    fields = _Fields(where, item)
    thread = fields.number("thread", below=len(counts))
    kind = fields.word("kind")
    if kind not in KINDS:
        raise TraceError(f"{where}: kind is {kind!r}, none of {', '.join(sorted(KINDS))}")
    order = fields.word("order", "")
    if order not in ORDERS:
        raise TraceError(f"{where}: order is {order!r}, none of {', '.join(sorted(ORDERS - {''}))}")
    reads = "rf" in item and kind in READS
    source = fields.optional_number("rf")
    hb = item.get("hb")
    if not isinstance(hb, list) or len(hb) != len(counts) or not all(_is_number(count) for count in hb):
        raise TraceError(f"{where}: hb is {_brief(hb)}, not a list of {len(counts)} counts, one a thread")
    return Event(
        id=fields.number("id"),
        thread=thread,
        kind=kind,
        order=order,
        file=fields.word("file", ""),
        line=fields.number("line", default=0),
        function=fields.word("function", ""),
        location=fields.word("location", ""),
        size=fields.number("size", default=0),
        read=fields.value("read"),
        written=fields.value("written"),
        rf=(INITIAL if source is None else source) if reads else None,
        mo=fields.optional_number("mo"),
        hb=tuple(hb),
        text=fields.word("text", ""),
        place=counts[thread],
    )


def _check_references(events: Sequence[Event], threads: int) -> None:
    """Refuse duplicate ids, reads from an event that is not a write or is below the read, and impossible counts."""
    above: dict[int, Event] = {}
    steps = [0] * threads
    for event in events:
        steps[event.thread] = max(steps[event.thread], event.hb[event.thread])
    last = [0] * threads
    for at, event in enumerate(events):
        if event.id in above:
            raise TraceError(f"events[{at}]: the id {event.id} is taken")
        own = event.hb[event.thread]
        if own < max(last[event.thread], 1):
            raise TraceError(
                f"events[{at}]: hb counts {own} steps of its own thread {event.thread}, "
                f"not at least {max(last[event.thread], 1)} as the event above it"
            )
        last[event.thread] = own
        for thread, count in enumerate(event.hb):
            if thread != event.thread and count > steps[thread]:
                raise TraceError(f"events[{at}]: hb counts {count} steps of thread {thread}, which has {steps[thread]}")
        if event.rf is not None and event.rf != INITIAL:
            source = above.get(event.rf)
            if source is None:
                raise TraceError(f"events[{at}]: rf is {event.rf}, the id of no event above it")
            if source.kind not in WRITES:
                raise TraceError(f"events[{at}]: rf is {event.rf}, a {source.kind}, which writes nothing")
        above[event.id] = event


def _parse_fault(content: Any, events: Sequence[Event]) -> Fault | None:
    if content is None:
        return None
    if not isinstance(content, Mapping):
        raise TraceError(f"error is {_brief(content)}, not an object")
    fields = _Fields("error", content)
    listed = content.get("events", [])
    known = {event.id for event in events}
    if not isinstance(listed, list) or not all(_is_number(identity) and identity in known for identity in listed):
        raise TraceError(f"error: events is {_brief(listed)}, not a list of ids of events")
    return Fault(fields.word("kind"), fields.word("message", ""), tuple(dict.fromkeys(listed)))


@dataclass(frozen=True, slots=True)
class _Fields:
    """The keys of one object, with its location in words for messages."""

    where: str
    item: Mapping[str, Any]

    def number(self, key: str, *, default: int | None = None, below: int | None = None) -> int:
        found = self.item.get(key, default)
        if not _is_number(found):
            raise TraceError(f"{self.where}: {key} is {_brief(found)}, not a whole number from 0")
        if below is not None and found >= below:
            raise TraceError(f"{self.where}: {key} is {found}, not below {below}")
        return int(found)

    def optional_number(self, key: str) -> int | None:
        return None if self.item.get(key) is None else self.number(key)

    def value(self, key: str) -> int | None:
        found = self.item.get(key)
        if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
            raise TraceError(f"{self.where}: {key} is {_brief(found)}, not a whole number")
        return found

    def word(self, key: str, default: str | None = None) -> str:
        found = self.item.get(key, default)
        if not isinstance(found, str):
            raise TraceError(f"{self.where}: {key} is {_brief(found)}, not a string")
        return found


def _is_number(thing: Any) -> bool:
    return isinstance(thing, int) and not isinstance(thing, bool) and thing >= 0


def _brief(thing: Any) -> str:
    text = "missing" if thing is None else repr(thing)
    return text if len(text) <= 60 else text[:57] + "..."
