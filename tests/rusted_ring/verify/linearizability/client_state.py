"""The state of a client while its history is read: its variables, and the subhistories so far [SLOT-1]."""

from dataclasses import dataclass, field
from typing import Any, Final

from rusted_ring.verify.clients.language import (
    Client,
)
from rusted_ring.verify.clients.operations import RING_OPERATIONS, Operation
from rusted_ring.verify.linearizability.history import History, HistoryError, closed
from rusted_ring.verify.linearizability.search import CandidatePoint, Step


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a history.

    Attributes:
        subject: the object: `slot 0 of XS`, `free list of XS`, `writer registration`, `ring`, ...
        clause: the clause that is broken.
        message: the calls and what each of them did wrong.
        calls: the calls that no order can place, as indices into the history.
        prefix: the longest order that agrees with the reference, point by point.
    """

    subject: str
    clause: str
    message: str
    calls: tuple[int, ...] = ()
    prefix: tuple[str, ...] = ()

    def __str__(self) -> str:
        before = f" after {', '.join(self.prefix)}" if self.prefix else ""
        return f"[{self.clause}] {self.subject}: {self.message}{before}"


@dataclass(slots=True)
class RingReader:
    """A reader of the history's ring.

    Attributes:
        number: the call that joined it.
        start: the cursor at which it joined.
        cursor: its cursor after the calls read so far.
        steps: the calls that moved it, each with its cursor afterwards.
        ends: the calls that ended its registration, or may have.
        delivered: how many events it returned.
        skipped: how many events it reported as missed.
        left: whether its own thread closed it.
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
        """Return the cursor after those of its calls that a bit mask contains."""
        cursor = self.start
        for call, after in self.steps:
            if calls >> call & 1:
                cursor = after
        return cursor


@dataclass(slots=True)
class RingAdd:
    """The events that one call added to a ring.

    Attributes:
        call: the call.
        first: the sequence number of its first event.
        end: the number of events published when it returned.
        offered: how many events the caller passed.
        events: the events that it added.
    """

    call: int
    first: int
    end: int
    offered: int
    events: tuple[int, ...]


@dataclass(slots=True)
class Held:
    """The value of a variable: a token, and the event for which it was made (0: not known)."""

    token: int
    event: int


Reads = tuple[str, int, "RingReader | None", tuple[int, ...]]


_RING_ROOM: Final = frozenset({*RING_OPERATIONS, "tally"})


class ClientState:
    """The variables of a client, the subhistory of each object so far, and the problems that single calls show.

    Attributes:
        client: the client.
        history: its calls and their results.
        strict: whether a generation or a tag that wrapped around is a problem, see `judge`.
        problems: the problems that single calls show.
        points: the subhistory of each object: by thread, its candidate linearization points in the thread's order.
        predecessors: for each call, the calls that returned before it began, as a bit mask.
        operations: the operation of each call, by its index in the history.
    """

    def __init__(self, client: Client, history: History, strict: bool) -> None:
        self.client = client
        self.history = history
        self.strict = strict
        self.problems: list[Problem] = []
        self.points: dict[tuple[Any, ...], dict[int, list[CandidatePoint]]] = {}
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

    def _ordered(self) -> list[int]:
        """Return the calls before each call; the setup precedes all others and the finish follows them."""
        calls = self.history.calls
        threads = len(self.client.threads)
        setup = len(self.client.setup)
        finish = self.client.finish()
        counts = [setup + len(finish), *map(len, self.client.threads)]
        self.by_thread: list[list[int]] = [[] for _ in counts]
        masks = [0] * len(calls)
        setup_mask = others_mask = 0
        for index, call in enumerate(calls):
            if not 0 <= call.thread <= threads:
                raise HistoryError(f"call {index} is of thread {call.thread}, but the client has {threads} threads")
            listed = self.by_thread[call.thread]
            if call.op != len(listed):
                raise HistoryError(
                    f"call {index} is {call}, but {call.thread}.{len(listed)} is to come first; give all calls"
                )
            if listed:
                masks[index] |= 1 << listed[-1]
            listed.append(index)
            if call.thread:
                others_mask |= 1 << index
            elif call.op < setup:
                setup_mask |= 1 << index
        for thread, listed in enumerate(self.by_thread):
            if len(listed) != counts[thread]:
                raise HistoryError(
                    f"thread {thread} has {len(listed)} calls of {counts[thread]}; give a complete history"
                )
        for first, second in self.history.before:
            masks[second] |= 1 << first
        for index, call in enumerate(calls):
            if call.thread:
                masks[index] |= setup_mask
            elif call.op >= setup:
                masks[index] |= setup_mask | others_mask
        self.operations = {
            index: operation
            for listed, operations in zip(
                self.by_thread, ((*self.client.setup, *finish), *self.client.threads), strict=True
            )
            for index, operation in zip(listed, operations, strict=True)
        }
        return closed(masks)

    def _problem(self, subject: str, clause: str, message: str, call: int) -> None:
        self.problems.append(Problem(subject, clause, f"{self.name(call)} {message}", (call,)))

    def name(self, call: int) -> str:
        """Return a call's thread and number, and its operation."""
        return f"{self.history.calls[call]} ({self.operations[call]})"

    def _add_points(self, subject: tuple[Any, ...], call: int, *steps: Step) -> None:
        thread = self.history.calls[call].thread
        if self.finishing:
            thread = -1
        points = self.points.setdefault(subject, {}).setdefault(thread, [])
        points.extend(CandidatePoint(call, step) for step in steps)

    def _variable(self, index: int, argument: str) -> tuple[int, str]:
        thread = self.history.calls[index].thread
        if argument[0].isdigit():
            return int(argument[0]), argument[1:]
        return (-1 if argument[0] == "s" else thread), argument

    def _can(self, index: int, operation: Operation) -> bool:
        """Return whether the variables that the operation needs are set and those that it sets are empty."""
        thread = self.history.calls[index].thread
        room = "ring" if operation.name in _RING_ROOM else "pool"
        gone = self.destroyed.get(room)
        if gone is not None and (gone == thread or self.finishing):
            return False
        holds: dict[str, Any] = {"p": self.pointers, "l": self.loans, "w": self.writers, "q": self.readers}
        for kind, argument in zip(operation.kinds(), operation.arguments, strict=True):
            if kind in ("n", "e", "at", "t!"):
                continue
            variable = self._variable(index, argument)
            if kind == "t":
                count = int(operation.arguments[1]) if operation.name == "dmany" else 1
                if any(self._token(variable, at) is None for at in range(count)):
                    return False
            elif (variable in holds[kind[0].lower()]) == kind.endswith("!"):
                return False
        return (
            operation.name not in ("poll", "pollroom") or self._variable(index, operation.arguments[0]) in self.watched
        )

    def _token(self, variable: tuple[int, str], at: int = 0) -> Held | None:
        return self.tokens.get((variable[0], f"{variable[1][0]}{int(variable[1][1:]) + at}"))
