"""Events, execution graphs, and the text that identifies a graph [MODEL-1 to MODEL-5, MODEL-17].

A pre-execution consists of the events of all threads and their program order. An execution adds the write that each
read reads from, and the modification order of each location. (The terms are those of Batty, Owens, Sarkar, Sewell,
Weber, "Mathematizing C++ Concurrency", POPL 2011.)
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from rusted_ring.reference.memory_model.program import Order
from rusted_ring.reference.memory_model.relations import Relation, members_of


class Kind(Enum):
    """The kind of an event [MODEL-1]."""

    READ = "read"
    WRITE = "write"
    FENCE = "fence"
    LIGHT_FENCE = "light fence"
    HEAVY_ENTRY = "entry of a heavy fence"
    HEAVY_EXIT = "exit of a heavy fence"
    PLAIN_READ = "plain read"
    PLAIN_WRITE = "plain write"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: the access of one operation to one location, or a fence [MODEL-1].

    Attributes:
        thread: the number of its thread; 0 for the initial writes.
        operation: the number of its operation in the thread; for an initial write, its location.
        kind: what it does. A read-modify-write is two events of one operation, a read and a write; a heavy fence is
            two as well, its entry and its exit.
        order: its memory order; None for plain accesses and initial writes.
        location: the atomic or plain location; None for a fence.
        value: the value read or written; 0 for fences and plain accesses.
    """

    thread: int
    operation: int
    kind: Kind
    order: Order | None
    location: int | None
    value: int

    @property
    def name(self) -> str:
        """`t.i`, or `init` [MODEL-17]."""
        return f"{self.thread}.{self.operation}" if self.thread else "init"


class PreExecution:
    """Events of all threads, initial writes first, then thread by thread in program order [MODEL-2].

    What follows from the events alone is worked out once, and serves every execution made from them.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        """Take the events, in the order above."""
        self.events = tuple(events)

    def __len__(self) -> int:
        return len(self.events)

    def where(self, holds: Callable[[Event], bool]) -> Relation:
        """Return `[A]`, where A is the set of the events for which a predicate holds [MODEL-1]."""
        return Relation(1 << number if holds(event) else 0 for number, event in enumerate(self.events))

    def alike(self, feature: Callable[[Event], Hashable | None]) -> Relation:
        """Return the pairs of events for which a function returns the same value, other than None [MODEL-1]."""
        features = [feature(event) for event in self.events]
        having: dict[Hashable, int] = {}
        for number, found in enumerate(features):
            having[found] = having.get(found, 0) | 1 << number
        return Relation(0 if found is None else having[found] for found in features)

    @cached_property
    def further_down(self) -> Relation:
        """Each event with the later events of the list [MODEL-2]."""
        everything = (1 << len(self)) - 1
        return Relation(everything & ~((2 << number) - 1) for number in range(len(self)))

    @cached_property
    def sb(self) -> Relation:
        """Sequenced before: initial writes before all else, then each thread's own order [MODEL-2]."""
        initial = self.where(lambda event: event.thread == 0)
        of_one_thread = self.alike(lambda event: event.thread or None)
        from_initial = (initial >> self.further_down) - (self.further_down >> initial)
        return from_initial | (of_one_thread & self.further_down)

    @cached_property
    def rmw(self) -> Relation:
        """The read of each read-modify-write with its write [MODEL-1]."""
        of_one_operation = self.alike(lambda event: (event.thread, event.operation) if event.thread else None)
        return self.reads >> (of_one_operation & self.further_down) >> self.writes

    @cached_property
    def same_location(self) -> Relation:
        """The pairs of reads and writes of one atomic location [MODEL-1]."""
        return self.alike(lambda event: event.location if event.kind in (Kind.READ, Kind.WRITE) else None)

    @cached_property
    def reads(self) -> Relation:
        """`[R]`: atomic reads [MODEL-1]."""
        return self.where(lambda event: event.kind is Kind.READ)

    @cached_property
    def writes(self) -> Relation:
        """`[W]`: atomic writes, initial ones included [MODEL-1]."""
        return self.where(lambda event: event.kind is Kind.WRITE)

    @cached_property
    def fences(self) -> Relation:
        """`[F]`: fences, the parts of heavy ones included and light ones not [MODEL-1]."""
        return self.where(lambda event: event.kind in (Kind.FENCE, Kind.HEAVY_ENTRY, Kind.HEAVY_EXIT))

    @cached_property
    def entries(self) -> Relation:
        """`[N]`: entries of heavy fences [MODEL-22]."""
        return self.where(lambda event: event.kind is Kind.HEAVY_ENTRY)

    @cached_property
    def exits(self) -> Relation:
        """`[X]`: exits of heavy fences [MODEL-22]."""
        return self.where(lambda event: event.kind is Kind.HEAVY_EXIT)

    @cached_property
    def light_fences(self) -> Relation:
        """`[L]` [MODEL-22]."""
        return self.where(lambda event: event.kind is Kind.LIGHT_FENCE)

    @cached_property
    def acquires(self) -> Relation:
        """`[E⊒acq]`: events whose order is acquire or stronger [MODEL-8]."""
        return self.where(lambda event: event.order is not None and event.order.acquires)

    @cached_property
    def releases(self) -> Relation:
        """`[E⊒rel]`: events whose order is release or stronger [MODEL-8]."""
        return self.where(lambda event: event.order is not None and event.order.releases)

    @cached_property
    def sc(self) -> Relation:
        """`[E_sc]`: events of order seq_cst [MODEL-12, MODEL-23]."""
        return self.where(lambda event: event.order is Order.SC)

    def writes_to(self, location: int) -> int:
        """Return the writes of an atomic location as a bit mask [MODEL-4]."""
        return sum(
            1 << number
            for number, event in enumerate(self.events)
            if event.kind is Kind.WRITE and event.location == location
        )


@dataclass(frozen=True)
class Execution:
    """An execution graph, consistent or not [MODEL-1].

    Attributes:
        pre: the events and what follows from them.
        rf: each write with the reads that take its value.
        mo: each write with the later writes of its location.
    """

    pre: PreExecution
    rf: Relation
    mo: Relation

    @property
    def sb(self) -> Relation:
        """Sequenced before [MODEL-2]."""
        return self.pre.sb

    @cached_property
    def rb(self) -> Relation:
        """Reads before: each read with the writes that overwrite what it read [MODEL-5]."""
        return self.rf.inverse() >> self.mo


def graph_text(execution: Execution, atomics: int) -> str:
    """Return the text of a graph: two executions have the same graph if and only if their texts are equal [MODEL-17].

    Args:
        execution: the execution.
        atomics: the number of atomic locations of its program.
    """
    events = execution.pre.events
    reads_from = [f"{events[read].name}<{events[write].name}" for read, write in sorted(execution.rf.inverse().pairs())]
    orders = [_order_text(execution, location) for location in range(atomics)]
    return " / ".join([" ".join(reads_from), *orders])


def _order_text(execution: Execution, location: int) -> str:
    events = execution.pre.events
    written = [events[write].name for write in modification_order(execution, location)[1:]]
    return " ".join([f"{location}:", *written])


def modification_order(execution: Execution, location: int) -> list[int]:
    """Return the writes of an atomic location, the initial one first, in modification order [MODEL-4]."""
    writes = members_of(execution.pre.writes_to(location))
    return sorted(writes, key=lambda write: -execution.mo.rows[write].bit_count())


def outcome_text(execution: Execution, atomics: int) -> str:
    """Return what a program can see of an execution: `1.1=0 2.1=0 [0]=1 [1]=1` [MODEL-3, MODEL-4].

    The text lists each reading operation with the value that it read, and then each atomic location with the last value
    in its modification order.

    Args:
        execution: the execution.
        atomics: the number of atomic locations of its program.
    """
    events = execution.pre.events
    read = [f"{event.name}={event.value}" for event in events if event.kind is Kind.READ]
    last = [f"[{at}]={events[modification_order(execution, at)[-1]].value}" for at in range(atomics)]
    return " ".join([*read, *last])
