"""A history taken apart: the moments of each object, call by call, and what is wrong at first sight [SLOT-1, ERR-1]."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rusted_ring.reference.token import generation_of_token, pool_of_token, slot_of_token
from rusted_ring.verify.client_operations import RING_OPERATIONS, Operation
from rusted_ring.verify.clients import (
    GATED,
    HEAP_CUT,
    HEAP_LENGTH,
    HELD_EVENT,
    POOL_CUT,
    POOL_LENGTH,
    SKIPPED,
    TORN,
    Client,
)
from rusted_ring.verify.history import History, HistoryError, closed
from rusted_ring.verify.linear_search import Moment, Step
from rusted_ring.vocabulary.sizes import PoolId


class Status(enum.IntEnum):
    """What the C calls answer, by number [ERR-1]."""

    OK = 0
    BAD_ARGUMENT = 1
    PAYLOAD_TOO_LARGE = 2
    POOL_EXHAUSTED = 3
    STALE_HANDLE = 5
    REF_COUNT_OVERFLOW = 6
    REF_COUNT_UNDERFLOW = 7
    WRITER_TAKEN = 8
    READERS_FULL = 9
    RING_CLOSED = 10
    LAGGED = 11
    EMPTY = 12
    FULL = 13
    BUSY = 15
    NO_MEMORY = 16
    INTERRUPTED = 17
    SYSTEM = 18
    END_OF_STREAM = 19


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a history.

    Attributes:
        subject: the object: `slot 0 of XS`, `free list of XS`, `writer's place`, `readers' places`, `ring`, ...
        clause: the clause that is broken.
        message: what cannot be, in words.
        calls: the calls that cannot be placed, as places in the history.
        prefix: the longest order that the reference follows, moment by moment.
    """

    subject: str
    clause: str
    message: str
    calls: tuple[int, ...] = ()
    prefix: tuple[str, ...] = ()

    def __str__(self) -> str:
        before = f" after {', '.join(self.prefix)}" if self.prefix else ""
        return f"[{self.clause}] {self.subject}: {self.message}{before}"


# What a history says, call by call


@dataclass(slots=True)
class RingReader:
    """A reader of the history's ring.

    Attributes:
        number: the call that joined it.
        start: where it began.
        cursor: where it is, as the history is read.
        steps: its calls that moved it, and its cursor after each.
        ends: the calls that took it out, or may have.
        delivered: how many events it was given.
        skipped: how many it was told to have missed.
        left: whether it left, as its own thread knows.
        evictable: whether another call evicts it.
    """

    number: int
    start: int
    cursor: int
    steps: list[tuple[int, int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    delivered: int = 0
    skipped: int = 0
    left: bool = False

    def cursor_by(self, calls: int) -> int:
        """Return the cursor after those of its calls that are among these bits."""
        cursor = self.start
        for call, after in self.steps:
            if calls >> call & 1:
                cursor = after
        return cursor


@dataclass(slots=True)
class RingAdd:
    """What one call added to a ring.

    Attributes:
        call: the call.
        first: the sequence number of its first event.
        end: the number published when it was over.
        offered: how many events it was to add.
        events: those that it added.
    """

    call: int
    first: int
    end: int
    offered: int
    events: tuple[int, ...]


@dataclass(slots=True)
class Held:
    """What a variable holds: a token, and the event that it was once got for (0: not known)."""

    token: int
    event: int


Reads = tuple[str, int, "RingReader | None", tuple[int, ...]]


_REFUSALS: Final[Mapping[int, str]] = {
    Status.STALE_HANDLE: "stale",
    Status.REF_COUNT_OVERFLOW: "full",
    Status.REF_COUNT_UNDERFLOW: "none",
}
_RING_ROOM: Final = frozenset({*RING_OPERATIONS, "tally"})


class Reading:
    """A history taken apart: the moments of each object, what each variable held, and what is wrong at first sight."""

    def __init__(self, client: Client, history: History, strict: bool) -> None:
        self.client = client
        self.history = history
        self.strict = strict
        self.problems: list[Problem] = []
        self.lanes: dict[tuple[Any, ...], dict[int, list[Moment]]] = {}
        self.pointers: dict[tuple[int, str], Held] = {}
        self.loans: dict[tuple[int, str], tuple[int, int]] = {}
        self.tokens: dict[tuple[int, str], Held] = {}
        self.writers: set[tuple[int, str]] = set()
        self.shut: set[tuple[int, str]] = set()
        self.ends_of_writers: dict[int, int] = {}
        self.readers: dict[tuple[int, str], RingReader] = {}
        self.watched: set[tuple[int, str]] = set()
        self.every_reader: list[RingReader] = []
        self.adds: list[RingAdd] = []
        self.stream_ends: list[int] = []
        self.reads: list[Reads] = []
        self.taken: dict[int, int] = {0: 0, 5: 0}
        self.failed: dict[int, int] = {0: 0, 5: 0}
        self.held: frozenset[int] = frozenset()
        self.destroyed: dict[str, int] = {}
        self.handles: list[tuple[int, list[int]]] = []
        self.handle_of: dict[tuple[int, str], int] = {}
        self.wants_free_list: set[int] = set()
        self.finishing = False
        shape = client.pool
        self.generations = 2**shape.generation_bits if shape is not None else 1
        windowed = shape is not None and not strict and shape.slots > 32 and shape.tag_bits <= 5
        self.enough = 2**shape.tag_bits if shape is not None and windowed else 0
        self.predecessors = self._ordered()
        self._read()

    # The order of the calls

    def _ordered(self) -> list[int]:
        """Return the calls before each call; the setup is before all others and the finish after them."""
        calls = self.history.calls
        threads = len(self.client.threads)
        setup = len(self.client.setup)
        finish = self.client.finish()
        counts = [setup + len(finish), *map(len, self.client.threads)]
        self.by_thread: list[list[int]] = [[] for _ in counts]
        masks = [0] * len(calls)
        setup_mask = others_mask = 0
        for place, call in enumerate(calls):
            if not 0 <= call.thread <= threads:
                raise HistoryError(f"call {place} is of thread {call.thread}, and the client has {threads}")
            listed = self.by_thread[call.thread]
            if call.op != len(listed):
                raise HistoryError(
                    f"call {place} is {call}, where {call.thread}.{len(listed)} is to come; give all calls"
                )
            if listed:
                masks[place] |= 1 << listed[-1]
            listed.append(place)
            if call.thread:
                others_mask |= 1 << place
            elif call.op < setup:
                setup_mask |= 1 << place
        for thread, listed in enumerate(self.by_thread):
            if len(listed) != counts[thread]:
                raise HistoryError(
                    f"thread {thread} has {len(listed)} calls of {counts[thread]}; give a history that came to its end"
                )
        for first, second in self.history.before:
            masks[second] |= 1 << first
        for place, call in enumerate(calls):
            if call.thread:
                masks[place] |= setup_mask
            elif call.op >= setup:
                masks[place] |= setup_mask | others_mask
        self.operations = {
            place: operation
            for listed, operations in zip(
                self.by_thread, ((*self.client.setup, *finish), *self.client.threads), strict=True
            )
            for place, operation in zip(listed, operations, strict=True)
        }
        return closed(masks)

    def _read(self) -> None:
        setup = len(self.client.setup)
        for place in self.by_thread[0][:setup]:
            self._call(place)
        for listed in self.by_thread[1:]:
            for place in listed:
                self._call(place)
        self.finishing = True
        for place in self.by_thread[0][setup:]:
            self._call(place)

    # Helpers of the operations

    def _problem(self, subject: str, clause: str, message: str, call: int) -> None:
        self.problems.append(Problem(subject, clause, f"{self.name(call)} {message}", (call,)))

    def name(self, call: int) -> str:
        """Return a call by its thread and number, and what it was."""
        return f"{self.history.calls[call]} ({self.operations[call]})"

    def _lane(self, subject: tuple[Any, ...], call: int, *steps: Step) -> None:
        thread = self.history.calls[call].thread
        if self.finishing:
            thread = -1
        lane = self.lanes.setdefault(subject, {}).setdefault(thread, [])
        lane.extend(Moment(call, step) for step in steps)

    def _slot(self, call: int, token: int, *steps: Step) -> None:
        self._lane(("slot", pool_of_token(token), slot_of_token(token)), call, *steps)

    def _at_place(self, reader: RingReader, call: int, kind: str, *told: int) -> None:
        """Note what a call did at a reader's place, or learnt of it.

        A look that finds a reader in its place is a step of this place alone: two threads that evict each other's
        readers may then each find its own in place, since neither look synchronizes with the other's eviction. All else
        is a step of the places together, which also say whether one more reader has room [RING-20, ORDER-8].
        """
        step = (kind, reader.number, *told)
        self._lane(("reader", reader.number), call, step)
        if kind != "look" and told != (0,):
            self._lane(("readers",), call, step)

    def _moved(self, reader: RingReader, call: int, status: int) -> None:
        """Note that a call moved a reader on, which a compare-exchange of its place did, or what it learnt."""
        if status == Status.OK:
            self._at_place(reader, call, "use")
        else:
            self._seen(reader, call, status)

    def _seen(self, reader: RingReader, call: int, status: int) -> None:
        """Note what a call that reads nothing learnt of a reader's place."""
        self._at_place(reader, call, "closed" if status == Status.RING_CLOSED else "look")

    def _loose(self, call: int, token: int, *steps: Step) -> None:
        self._lane(("loose", pool_of_token(token), slot_of_token(token)), call, *steps)

    def _claimed(self, call: int, token: int, generation: int) -> None:
        """Note that a loose reference became the caller's."""
        self._loose(call, token, ("claim",))
        self._slot(call, token, ("live", generation))

    def _free_list(self, call: int, pool: int, *steps: Step) -> None:
        self._lane(("free list", pool), call, *steps)

    def _variable(self, place: int, argument: str) -> tuple[int, str]:
        thread = self.history.calls[place].thread
        if argument[0].isdigit():
            return int(argument[0]), argument[1:]
        return (-1 if argument[0] == "s" else thread), argument

    def _exists(self, call: int, token: int, subject: str) -> bool:
        """Return whether the client has the slot of a token; a problem if not."""
        shape = self.client.pool
        assert shape is not None
        slots = {0: shape.slots, 5: shape.heap_slots}.get(pool_of_token(token), 0)
        if slot_of_token(token) < slots and generation_of_token(token) < self.generations:
            return True
        self._problem(subject, "PTR-10", f"returned the token {token}, of no slot that there is", call)
        return False

    # Each operation

    def _call(self, place: int) -> None:
        call = self.history.calls[place]
        operation = self.operations[place]
        if not call.results:
            raise HistoryError(f"call {place}, {self.name(place)}, has no results; give the status at least")
        skipped = call.results[0] == SKIPPED and len(call.results) == 1
        if skipped != (not self._can(place, operation)):
            raise HistoryError(
                f"call {place}, {self.name(place)}, was {'skipped' if skipped else 'made'}, and what went before says "
                "otherwise; give the history of this client"
            )
        if not skipped:
            method: Callable[[int, Operation, tuple[int, ...]], None] = getattr(self, f"_do_{operation.name}")
            try:
                method(place, operation, call.results)
            except (IndexError, ValueError) as error:
                if isinstance(error, HistoryError):
                    raise
                raise HistoryError(
                    f"call {place}, {self.name(place)}, has the results {call.results}: {error}; give all that it shows"
                ) from error

    def _can(self, place: int, operation: Operation) -> bool:
        """Return whether what the operation needs is there and what it makes is not."""
        thread = self.history.calls[place].thread
        room = "ring" if operation.name in _RING_ROOM else "pool"
        gone = self.destroyed.get(room)
        if gone is not None and (gone == thread or self.finishing):
            return False
        holds: dict[str, Any] = {"p": self.pointers, "l": self.loans, "w": self.writers, "q": self.readers}
        for kind, argument in zip(operation.kinds(), operation.arguments, strict=True):
            if kind in ("n", "e", "at", "t!"):
                continue
            variable = self._variable(place, argument)
            if kind == "t":
                count = int(operation.arguments[1]) if operation.name == "dmany" else 1
                if any(self._token(variable, at) is None for at in range(count)):
                    return False
            elif (variable in holds[kind[0].lower()]) == kind.endswith("!"):
                return False
        return (
            operation.name not in ("poll", "pollroom") or self._variable(place, operation.arguments[0]) in self.watched
        )

    def _token(self, variable: tuple[int, str], at: int = 0) -> Held | None:
        return self.tokens.get((variable[0], f"{variable[1][0]}{int(variable[1][1:]) + at}"))

    def _allocated(self, place: int, token: int, event: int, loose: int) -> bool:
        if not self._exists(place, token, "free list"):
            return False
        pool, slot = pool_of_token(token), slot_of_token(token)
        self.taken[pool] += 1
        if loose:
            self._loose(place, token, ("loosen",))
        self._slot(place, token, ("take",), ("publish", generation_of_token(token), event))
        self._free_list(place, pool, ("take", slot))
        return True

    def _exhausted(self, place: int, status: int, pool: int) -> bool:
        """Return whether an allocation failed, as one that found the pool full, or with a problem."""
        if status == Status.OK:
            return False
        if status == Status.POOL_EXHAUSTED:
            self.failed[pool] += 1
            self.wants_free_list.add(pool)
            begin = [("begin", place)] if self.enough else []
            self._free_list(place, pool, *begin, ("empty", place, self.enough))
        else:
            self._problem("free list", "ERR-1", f"answered with status {status}, which it never does", place)
        return True

    def _do_alloc(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name in ("heap", "hloan") else 0
        if self._exhausted(place, results[0], pool):
            return
        event = int(operation.arguments[1])
        if self._allocated(place, results[1], event, 0) and self._right_pool(place, results[1], pool):
            self.pointers[self._variable(place, operation.arguments[0])] = Held(results[1], event)

    _do_heap = _do_alloc

    def _right_pool(self, place: int, token: int, pool: int) -> bool:
        if pool_of_token(token) == pool:
            return True
        self._problem("free list", "ALLOC-1", f"took a slot of pool {pool_of_token(token)}, not of {pool}", place)
        return False

    def _do_ffi(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        event = int(operation.arguments[1])
        if not self._exhausted(place, results[0], 0) and self._allocated(place, results[1], event, 1):
            self.tokens[self._variable(place, operation.arguments[0])] = Held(results[1], event)

    def _do_amany(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        count, event = int(operation.arguments[1]), int(operation.arguments[2])
        if results[0] == Status.POOL_EXHAUSTED:
            self.failed[0] += 1
            self.wants_free_list.add(0)
            begin = [("begin", place)] if self.enough else []
            counted = int(bool(self.enough))
            self._free_list(
                place,
                0,
                *[("hold", place)] * (count - 1),
                *begin,
                ("empty", place, self.enough),
                *[("unhold", place, counted)] * (count - 1),
            )
            if not 0 <= results[1] < count:
                self._problem(
                    "free list", "ALLOC-14", f"names event {results[1]} of {count} as the one that failed", place
                )
            return
        if self._exhausted(place, results[0], 0):
            return
        tokens = results[1:]
        if len(tokens) != count or len(set(tokens)) != count:
            self._problem("free list", "ALLOC-14", f"returned the tokens {tokens} for {count} events", place)
            return
        variable = self._variable(place, operation.arguments[0])
        for at, token in enumerate(tokens):
            if self._allocated(place, token, event + at, 1):
                self.tokens[(variable[0], f"{variable[1][0]}{int(variable[1][1:]) + at}")] = Held(token, event + at)

    def _dropped(self, place: int, token: int, count: int = -1) -> None:
        self._slot(place, token, ("drop", generation_of_token(token), place, count), ("back", place))
        self._given(place, token)

    def _given(self, place: int, token: int) -> None:
        slot = slot_of_token(token)
        counted = int(bool(self.enough))
        self._free_list(place, pool_of_token(token), ("unref", slot, place), ("give", slot, place, counted))

    def _do_dmany(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        count = int(operation.arguments[1])
        tokens = [pointer.token for at in range(count) if (pointer := self._token(variable, at)) is not None]
        ended = count if results[0] == Status.OK else results[1]
        for token in tokens[:ended]:
            self._claimed(place, token, generation_of_token(token))
        if results[0] != Status.OK:
            self._refused(place, results[0], tokens[ended])
            for token in reversed(tokens[:ended]):
                self._loose(place, token, ("loosen",))
            return
        for token in tokens:
            self._slot(place, token, ("drop", generation_of_token(token), place, -1))
            self._free_list(place, pool_of_token(token), ("unref", slot_of_token(token), place))
        counted = int(bool(self.enough))
        for token in dict.fromkeys(tokens):
            self._slot(place, token, ("back", place))
            self._free_list(place, pool_of_token(token), ("give", slot_of_token(token), place, counted))

    def _refused(self, place: int, status: int, token: int, generation: int | None = None) -> None:
        """Note that a call on a token was refused."""
        kind = _REFUSALS.get(status)
        if kind is None:
            self._problem("slot", "ERR-1", f"answered with status {status}, which it never does", place)
            return
        generation = generation_of_token(token) if generation is None else generation
        if kind != "none":
            self._slot(place, token, (kind, generation))
            return
        self._loose(place, token, ("none",))
        if generation >= 0:  # without one, a slot that is not LIVE is answered in the same way
            self._slot(place, token, ("live", generation))

    def _do_clone(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        source = self.pointers[self._variable(place, operation.arguments[1])]
        if results[0] != Status.OK:
            self._refused(place, results[0], source.token)
            return
        self._slot(place, source.token, ("clone", generation_of_token(source.token)))
        self._made(place, operation, results[1], source)

    def _made(self, place: int, operation: Operation, token: int, source: Held) -> None:
        """Note that a pointer was made of another or of a token."""
        if token != source.token:
            self._problem("slot", "PTR-2", f"returned a pointer of token {token} for one of {source.token}", place)
        self.pointers[self._variable(place, operation.arguments[0])] = Held(source.token, source.event)

    def _do_drop(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._dropped(place, self.pointers.pop(self._variable(place, operation.arguments[0])).token)

    def _do_read(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(place, operation.arguments[0])]
        event, length, event_type = results[1:4]
        heap = pool_of_token(pointer.token) == 5
        whole, cut = (HEAP_LENGTH, HEAP_CUT) if heap else (POOL_LENGTH, POOL_CUT)
        if event == TORN or event_type != event or length not in (whole, cut):
            self._problem("slot", "SLOT-13", f"read event {event}, {length} bytes of type {event_type}: torn", place)
            return
        code = event + 16 * (length == cut)
        self._slot(place, pointer.token, ("read", generation_of_token(pointer.token), code))
        if self.strict and pointer.event and pointer.event != event:
            self._problem("slot", "WEAK-5", f"took the token of event {pointer.event} for that of event {event}", place)

    def _do_count(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self.pointers[self._variable(place, operation.arguments[0])].token
        self._slot(place, token, ("count", generation_of_token(token), results[1]))

    def _do_weak(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(place, operation.arguments[1])]
        if results[1] != pointer.token:
            self._problem("slot", "WEAK-1", f"returned the token {results[1]} of a pointer of {pointer.token}", place)
        self.tokens[self._variable(place, operation.arguments[0])] = Held(pointer.token, pointer.event)

    def _do_into(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers.pop(self._variable(place, operation.arguments[1]))
        if results[1] != pointer.token:
            self._problem("slot", "PTR-12", f"returned the token {results[1]} of a pointer of {pointer.token}", place)
        self._slot(place, pointer.token, ("live", generation_of_token(pointer.token)))
        self._loose(place, pointer.token, ("loosen",))
        self.tokens[self._variable(place, operation.arguments[0])] = pointer

    def _from_token(self, place: int, operation: Operation, results: tuple[int, ...]) -> Held | None:
        token = self._token(self._variable(place, operation.arguments[1]))
        assert token is not None
        if results[0] != Status.OK:
            self._refused(place, results[0], token.token)
            return None
        return token

    def _do_upgrade(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(place, operation, results)
        if token is not None:
            self._slot(place, token.token, ("upgrade", generation_of_token(token.token), -1))
            self._made(place, operation, results[1], token)

    def _do_from(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(place, operation, results)
        if token is not None:
            self._claimed(place, token.token, generation_of_token(token.token))
            self._made(place, operation, results[1], token)

    def _do_inc(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "inc" else -1
        if results[0] != Status.OK:
            self._refused(place, results[0], token, generation)
            return
        self._slot(place, token, ("upgrade", generation, results[1]))
        self._loose(place, token, ("loosen",))

    _do_incany = _do_inc

    def _do_dec(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "dec" else -1
        if results[0] != Status.OK:
            self._refused(place, results[0], token, generation)
            return
        self._claimed(place, token, generation)
        self._slot(place, token, ("drop", generation, place, results[1]), ("back", place))
        self._given(place, token)

    _do_decany = _do_dec

    def _do_meta(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        if results[3] not in (0, 1, 2):
            self._problem("slot", "SLOT-2", f"was shown the state {results[3]}, which there is not", place)
            return
        self._slot(place, pointer.token, ("meta", *results[1:4]))

    def _do_loan(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name == "hloan" else 0
        if self._exhausted(place, results[0], pool):
            return
        event, token = int(operation.arguments[1]), results[1]
        if not (self._exists(place, token, "free list") and self._right_pool(place, token, pool)):
            return
        if results[2] != 1:
            self._problem("slot", "LOAN-2", "was lent bytes that are not all 0", place)
        self.taken[pool] += 1
        self._slot(place, token, ("take",), ("lend", generation_of_token(token), event))
        self._free_list(place, pool, ("take", slot_of_token(token)))
        self.loans[self._variable(place, operation.arguments[0])] = (token, event)

    _do_hloan = _do_loan

    def _do_commit(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] != Status.OK:
            self._problem("slot", "LOAN-3", f"was refused with status {results[0]}", place)
            return
        token, event = self.loans.pop(self._variable(place, operation.arguments[1]))
        code = event + 16 * (operation.name == "cut")
        self._slot(place, token, ("commit", generation_of_token(token), code))
        self._made(place, operation, results[1], Held(token, event))

    _do_cut = _do_commit

    def _do_abort(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        token, _ = self.loans.pop(self._variable(place, operation.arguments[0]))
        self._slot(place, token, ("abort", generation_of_token(token), place), ("back", place))
        self._given(place, token)

    def _do_hold(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        count = int(operation.arguments[0])
        slots = frozenset(
            64 * word + slot for word, bits in enumerate(results[1:]) for slot in range(64) if bits >> slot & 1
        )
        if results[0] != Status.OK or len(slots) != count:
            self._problem("free list", "ALLOC-14", f"took the slots {sorted(slots)}, not {count}", place)
        self.taken[0] += len(slots)
        self.held = self.held | slots

    # What the finish looks at

    def _do_unhold(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self._free_list(place, 0, *[("sweep", slot) for slot in sorted(self.held)])
        if results[0] != Status.OK:
            self._problem("slot", "PTR-13", f"could not give a held slot back: status {results[0]}", place)

    def _do_sweep(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        found = {(entry >> 32, entry >> 16 & 0xFFFF): entry & 0xFFFF for entry in results[1:]}
        for subject in [subject for subject in self.lanes if subject[0] == "slot"]:
            pool, slot = subject[1:]
            count = found.pop((pool, slot), 0)
            self._lane(subject, place, ("sweep", count))
            if ("loose", pool, slot) in self.lanes:
                self._lane(("loose", pool, slot), place, ("sweep", count))
            elif count:
                found[pool, slot] = count
            if count:
                self._free_list(place, pool, ("sweep", slot))
        for (pool, slot), count in found.items():
            self._problem(
                f"slot {slot} of pool {pool}", "PTR-11", f"found {count} loose references that nobody left", place
            )

    def _do_stats(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        for pool, capacity, found in ((0, shape.slots, results[:4]), (5, shape.heap_slots, results[4:8])):
            live, free, allocations, failures = found
            name = f"figures of {PoolId(pool).name}"
            if live or free != capacity:
                self._problem(name, "SLOT-12", f"finds {live} slots taken after all was given back", place)
            if allocations != self.taken[pool]:
                self._problem(name, "ALLOC-9", f"counts {allocations} allocations of {self.taken[pool]}", place)
            if failures != self.failed[pool]:
                self._problem(name, "ALLOC-9", f"counts {failures} failures of {self.failed[pool]}", place)

    def _do_refill(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        count, *tokens = results
        if count != shape.slots or len(set(tokens)) != min(count, 7):
            self._problem("free list of XS", "ALLOC-2", f"could take {count} slots of {shape.slots} at the end", place)
        for token in tokens:
            subject = ("slot", 0, slot_of_token(token))
            generation = generation_of_token(token)
            if subject in self.lanes:
                publish = ("publish", generation, HELD_EVENT)
                self._lane(subject, place, ("take",), publish, ("drop", generation, place, 0), ("back", place))
            elif generation != (1 % self.generations if slot_of_token(token) in self.held else 0):
                self._problem(f"slot {slot_of_token(token)}", "SLOT-4", f"has generation {generation}", place)

    def _do_destroypool(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["pool"] = self.history.calls[place].thread
            for pool in (0, 5):
                self._free_list(place, pool, ("all free",))
                if not self.finishing:
                    self.wants_free_list.add(pool)
        elif self.finishing:
            self._problem("pools", "SLOT-12", "are still in use after all was given back", place)
        elif not any(o.name in ("heap", "hloan") for o in self.operations.values()):
            self._free_list(place, 0, ("busy",))
            self.wants_free_list.add(0)

    # Rings

    def _do_open(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        words = {Status.OK: "open", Status.WRITER_TAKEN: "taken", Status.END_OF_STREAM: "ended"}
        if results[0] not in words:
            self._problem("writer's place", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        self._lane(("writer",), place, (words[Status(results[0])],))
        if results[0] == Status.OK:
            variable = self._variable(place, operation.arguments[0])
            self.writers.add(variable)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((place, []))

    def _do_close(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        refused = operation.name == "end" and variable in self.shut
        if results[0] != (Status.RING_CLOSED if refused else Status.OK):
            self._problem("writer's place", "ERR-1", f"answered with status {results[0]}, which it never does", place)
        self._end_of_writer(place, variable, operation.name)
        self.shut.discard(variable)
        self.writers.discard(variable)
        self.watched.discard(variable)
        self.handles[self.handle_of[variable]][1].append(place)

    _do_end = _do_close

    def _do_shut(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of_writer(place, self._variable(place, operation.arguments[0]), "close")

    def _end_of_writer(self, place: int, variable: tuple[int, str], step: str) -> None:
        if variable not in self.shut:
            self.shut.add(variable)
            self.ends_of_writers[self.handle_of[variable]] = place
            self._lane(("writer",), place, (step,))
            if step == "end":
                self.stream_ends.append(place)

    def _refused_writer(self, place: int, operation: Operation, status: int) -> bool:
        """Return whether a call on a thread's own writer was refused, with a problem if it was not as it should be."""
        refused = status == Status.RING_CLOSED
        if refused != (self._variable(place, operation.arguments[0]) in self.shut):
            self._problem("ring", "RING-27", "was refused without need, or not refused after the writer's end", place)
        return refused

    def _do_add(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        many = operation.name == "addmany"
        offered = int(operation.arguments[1]) if many else 1
        first_event = int(operation.arguments[-1])
        if self._refused_writer(place, operation, results[0]):
            return
        if results[0] not in (Status.OK, Status.FULL) or (many and results[0] != Status.OK):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        accepted = results[1] if many else int(results[0] == Status.OK)
        end = results[-1]
        if accepted > offered or accepted > end:
            self._problem("ring", "RING-1", f"added {accepted} of {offered} events up to {end}", place)
            return
        events = tuple(range(first_event, first_event + accepted))
        self.adds.append(RingAdd(place, end - accepted, end, offered, events))

    _do_addmany = _do_add

    def _do_join(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if results[0] == Status.OK:
            reader = RingReader(place, results[1], results[1])
            variable = self._variable(place, operation.arguments[0])
            self.readers[variable] = reader
            self.every_reader.append(reader)
            self.handle_of[variable] = len(self.handles)
            self.handles.append((place, []))
            if gated:
                self._at_place(reader, place, "join")
            self.reads.append(("join", place, reader, results))
        elif results[0] == Status.READERS_FULL and gated:
            self._lane(("readers",), place, ("no place",))
        elif results[0] == Status.BAD_ARGUMENT and operation.arguments[1].isdigit():
            self.reads.append(("join", place, None, results))
        else:
            self._problem("readers' places", "ERR-1", f"answered with status {results[0]}, which it never does", place)

    def _do_next(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        out = results[0] == Status.RING_CLOSED
        if gated:
            self._moved(reader, place, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", place)
        if not out:
            self.reads.append(("next", place, reader, results))
            if results[0] in (Status.OK, Status.LAGGED):
                reader.steps.append((place, results[2]))

    _do_nextmany = _do_next
    _do_take = _do_next

    def _do_skip(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        out = results[0] == Status.RING_CLOSED
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._moved(reader, place, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", place)
        if results[0] == Status.OK:
            self.reads.append(("skip", place, reader, results))
            reader.steps.append((place, results[2]))
        elif not out:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)

    def _do_watch(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        reader = self.readers[variable]
        out = results[0] == Status.RING_CLOSED
        if operation.name == "watch":
            (self.watched.discard if out else self.watched.add)(variable)
        ended = operation.name != "watch" and results[0] == Status.END_OF_STREAM
        if results[0] not in (Status.OK, Status.RING_CLOSED) and not ended:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
        elif self.client.ring is not None and self.client.ring.mode == GATED:
            self._seen(reader, place, results[0])
        elif out != reader.left:
            self._problem("ring", "RING-56", "was refused without need, or not refused after its end", place)

    def _do_wait(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        self._do_watch(place, operation, results)
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if results[0] == Status.OK:
            self.reads.append(("wait", place, reader, results))
        elif results[0] == Status.END_OF_STREAM:
            self.reads.append(("end", place, reader, results))

    def _do_timedwait(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] != Status.EMPTY:
            self._do_wait(place, operation, results)
            return
        self._do_watch(place, operation, (Status.OK,))
        reader = self.readers[self._variable(place, operation.arguments[0])]
        self.reads.append(("timeout", place, reader, results))

    def _do_waitat(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if results[0] not in (Status.OK, Status.RING_CLOSED, Status.END_OF_STREAM):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._seen(reader, place, results[0])
        self.reads.append(("waitat", place, reader, (results[0], int(operation.arguments[1]))))

    def _do_poll(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        """It comes back or it does not, and may come back for nothing."""

    _do_pollroom = _do_poll

    def _do_room(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        usual = (Status.OK, Status.RING_CLOSED, *((Status.FULL,) if operation.name == "timedroom" else ()))
        if results[0] not in usual:
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)
            return
        writer = self.handle_of[self._variable(place, operation.arguments[0])]
        self.reads.append(("room", place, None, (results[0], writer)))

    _do_timedroom = _do_room

    def _do_watchroom(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        refused = self._refused_writer(place, operation, results[0])
        (self.watched.discard if refused else self.watched.add)(variable)
        if results[0] not in (Status.OK, Status.RING_CLOSED):
            self._problem("ring", "ERR-1", f"answered with status {results[0]}, which it never does", place)

    def _end_of(self, place: int, operation: Operation, kind: str) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        reader.ends.append(place)
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_place(reader, place, kind)

    def _do_leave(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(place, operation, "leave")
        self.readers[self._variable(place, operation.arguments[0])].left = True

    def _do_free(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._end_of(place, operation, "leave")
        variable = self._variable(place, operation.arguments[0])
        self.handles[self.handle_of[variable]][1].append(place)
        del self.readers[variable]
        self.watched.discard(variable)

    def _do_evict(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        gated = self.client.ring is not None and self.client.ring.mode == GATED
        if (results[0] == Status.OK) != gated:
            self._problem("readers' places", "RING-20", f"answered with status {results[0]}", place)
        elif gated:
            self._end_of(place, operation, "evict")

    def _do_evicted(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_place(reader, place, operation.name, results[1])

    _do_left = _do_evicted

    def _do_lag(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        if results[0] == Status.OK:
            self.reads.append(("lag", place, reader, results))
        elif self.client.ring is not None and self.client.ring.mode == GATED:
            self._at_place(reader, place, "closed")

    def _do_tally(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        reader = self.readers[self._variable(place, operation.arguments[0])]
        self.reads.append(("tally", place, reader, results))

    def _do_look(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self.reads.append(("look", place, None, results))

    def _do_destroyring(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["ring"] = self.history.calls[place].thread
        self.reads.append(("destroyed" if results[0] == Status.OK else "busy", place, None, results))
