"""All consistent executions of a litmus program [MODEL-18].

There are three steps: run the threads in every way in which each read can read from a write; order the writes of each
location in every way that does not contradict the reads; keep the executions that satisfy the axioms. The first two
steps omit some executions that violate atomicity or coherence; each omission has its reason in a comment. The third
checks all axioms on every execution that remains.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rusted_ring.reference.memory_model import axioms
from rusted_ring.reference.memory_model.axioms import Standard
from rusted_ring.reference.memory_model.execution import Event, Execution, Kind, PreExecution, graph_text, outcome_text
from rusted_ring.reference.memory_model.program import (
    Add,
    CompareExchange,
    Exchange,
    Fence,
    HeavyFence,
    LightFence,
    Load,
    Operation,
    Order,
    PlainRead,
    PlainWrite,
    Program,
    Reading,
    SkipUnless,
    Store,
    WeakCompareExchange,
    Writing,
)
from rusted_ring.reference.memory_model.relations import Relation, members_of


@dataclass(frozen=True, slots=True)
class Behaviour:
    """All that a litmus program can do [MODEL-18].

    Attributes:
        outcomes: the outcome (`outcome_text`) of each consistent execution, by the text of its graph (`graph_text`).
        races: the data races of all consistent executions, each as `N0 1w 2r`.
    """

    outcomes: dict[str, str]
    races: frozenset[str]


def behaviour(program: Program, standard: Standard = Standard.CXX20) -> Behaviour:
    """Return all that a program can do [MODEL-18, MODEL-20]."""
    outcomes: dict[str, str] = {}
    races: set[str] = set()
    for execution, hb in consistent_executions(program, standard):
        outcomes[graph_text(execution, program.atomics)] = outcome_text(execution, program.atomics)
        races.update(axioms.races(execution, hb))
    return Behaviour(outcomes, frozenset(races))


def consistent_executions(
    program: Program, standard: Standard = Standard.CXX20
) -> Iterator[tuple[Execution, Relation]]:
    """Yield each consistent execution of a program once, with its happens-before [MODEL-18, MODEL-20]."""
    for run in runs(program):
        unordered = execution_of(run)
        hb = axioms.happens_before(unordered, standard)
        for mo in modification_orders(unordered, hb, program.atomics):
            execution = replace(unordered, mo=mo)
            if axioms.is_consistent(execution, hb):
                yield execution, hb


@dataclass(frozen=True, slots=True)
class Thread:
    """The state of a thread in a run [MODEL-2].

    Attributes:
        position: the number of its next operation.
        values: what each operation before that read; None if it read nothing, was skipped, or failed spuriously.
        declined: how many writes to the location of its next read the thread has declined to read from.
    """

    position: int = 0
    values: tuple[int | None, ...] = ()
    declined: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the threads up to some point [MODEL-3].

    Attributes:
        threads: the state of each thread.
        written: the writes of each atomic location, in the order of the run, the initial one first.
        events: all events; each read with the write that it reads from.
        taken: the writes that a read-modify-write reads from.
    """

    threads: tuple[Thread, ...]
    written: tuple[tuple[Event, ...], ...]
    events: tuple[tuple[Event, Event | None], ...] = ()
    taken: tuple[Event, ...] = ()


def runs(program: Program) -> Iterator[Run]:
    """Yield every complete run of the threads: each choice of a write for each read once [MODEL-3, MODEL-15].

    sb and rf together have no cycle, so the events of an execution can be ordered with each read after the write that
    it reads from. Therefore each thread runs to its next read and waits there. A waiting read is offered each write to
    its location once the write exists, and either reads from it or declines it for good. The rf of an execution
    determines which of the two happens, so each execution is reached in one way only. A weak compare-exchange that
    reads the expected value writes in one run and fails in another. A read that has declined all writes ends its run,
    which is then not an execution.
    """
    initial = tuple((Event(0, location, Kind.WRITE, None, location, 0),) for location in range(program.atomics))
    yield from _finish(program, Run(tuple(Thread() for _ in program.threads), initial))


def _finish(program: Program, run: Run) -> Iterator[Run]:
    """Yield every way to complete a run."""
    for number in range(len(program.threads)):
        run = _run_to_next_read(program, run, number)
    waiting = [number for number, thread in enumerate(run.threads) if thread.position < len(program.threads[number])]
    if not waiting:
        yield run
    for number in waiting:
        thread = run.threads[number]
        operation = program.threads[number][thread.position]
        assert isinstance(operation, Reading)
        there = run.written[operation.location]
        if thread.declined == len(there):
            continue
        for write in there[thread.declined :]:
            for effect in _effects(operation, write.value):
                # Two read-modify-writes cannot read from one write: the write of the first in mo would lie between the
                # second and the write that it read from [MODEL-11].
                if effect.writes is None or write not in run.taken:
                    yield from _finish(program, _read(run, number, write, effect))
        if _may_be_written(program, run, number, operation.location):
            yield from _finish(program, _with_thread(run, number, replace(thread, declined=len(there))))
        return


def _may_be_written(program: Program, run: Run, reader: int, location: int) -> bool:
    """Return whether the program text of a thread other than the reader's has another write to a location."""
    return any(
        isinstance(operation, Writing) and operation.location == location
        for number, thread in enumerate(run.threads)
        if number != reader
        for operation in program.threads[number][thread.position :]
    )


def _run_to_next_read(program: Program, run: Run, number: int) -> Run:
    """Execute the operations of a thread up to the next one that reads an atomic location, or to its end."""
    operations = program.threads[number]
    thread = run.threads[number]
    while thread.position < len(operations) and not isinstance(operations[thread.position], Reading):
        operation = operations[thread.position]
        skipped = 0
        if isinstance(operation, SkipUnless):
            skipped = 0 if thread.values[operation.operation] == operation.value else operation.count
        else:
            for event in _events(number + 1, thread.position, operation):
                run = _with_event(run, event, None)
        thread = Thread(thread.position + 1 + skipped, (*thread.values, *[None] * (1 + skipped)))
    return _with_thread(run, number, thread)


def _events(thread: int, position: int, operation: Operation) -> Iterator[Event]:
    """Yield the events of an operation that reads no atomic location."""
    match operation:
        case Store(location, order, value):
            yield Event(thread, position, Kind.WRITE, order, location, value)
        case Fence(order):
            if order is not Order.RLX:
                yield Event(thread, position, Kind.FENCE, order, None, 0)
        case LightFence(order):
            if order is not Order.RLX:
                yield Event(thread, position, Kind.LIGHT_FENCE, order, None, 0)
        case HeavyFence():
            yield Event(thread, position, Kind.HEAVY_ENTRY, Order.SC, None, 0)
            yield Event(thread, position, Kind.HEAVY_EXIT, Order.SC, None, 0)
        case PlainRead(location):
            yield Event(thread, position, Kind.PLAIN_READ, None, location, 0)
        case PlainWrite(location):
            yield Event(thread, position, Kind.PLAIN_WRITE, None, location, 0)
        case _:
            raise TypeError(f"{operation!r} has no events of its own")


@dataclass(frozen=True, slots=True)
class _Effect:
    """A possible effect of an operation that reads a value.

    Attributes:
        order: the memory order of the operation.
        writes: the value that it writes; None if it writes nothing.
        told: the value that the thread sees; None if the operation failed spuriously.
    """

    order: Order
    writes: int | None
    told: int | None


def _read(run: Run, number: int, write: Event, effect: _Effect) -> Run:
    """Let a waiting thread read from a write, and write if its operation does."""
    thread = run.threads[number]
    read = Event(number + 1, thread.position, Kind.READ, effect.order, write.location, write.value)
    run = _with_event(run, read, write)
    if effect.writes is not None:
        run = _with_event(run, replace(read, kind=Kind.WRITE, value=effect.writes), None)
        run = replace(run, taken=(*run.taken, write))
    return _with_thread(run, number, Thread(thread.position + 1, (*thread.values, effect.told)))


def _effects(operation: Reading, read: int) -> Iterator[_Effect]:
    """Yield all possible effects of an operation that reads a value."""
    match operation:
        case Load(_, order):
            yield _Effect(order, None, read)
        case Exchange(_, order, value):
            yield _Effect(order, value, read)
        case Add(_, order, value):
            yield _Effect(order, read + value, read)
        case CompareExchange(_, success, failure, expected, desired):
            if read != expected:
                yield _Effect(failure, None, read)
                return
            yield _Effect(success, desired, read)
            if isinstance(operation, WeakCompareExchange):
                yield _Effect(failure, None, None)


def _with_thread(run: Run, number: int, thread: Thread) -> Run:
    return replace(run, threads=(*run.threads[:number], thread, *run.threads[number + 1 :]))


def _with_event(run: Run, event: Event, read_from: Event | None) -> Run:
    run = replace(run, events=(*run.events, (event, read_from)))
    if event.kind is not Kind.WRITE or event.location is None:
        return run
    at = event.location
    return replace(run, written=(*run.written[:at], (*run.written[at], event), *run.written[at + 1 :]))


def execution_of(run: Run) -> Execution:
    """Return the execution of a complete run, without a modification order [MODEL-1 to MODEL-3]."""
    initial = [writes[0] for writes in run.written]
    # The sort is stable: the events of one thread, and the two events of one operation, keep their order.
    by_thread = sorted(run.events, key=lambda made: made[0].thread)
    pre = PreExecution([*initial, *(event for event, _ in by_thread)])
    number = {event: at for at, event in enumerate(pre.events)}
    rf = Relation.of_pairs(len(pre), [(number[write], number[read]) for read, write in by_thread if write is not None])
    return Execution(pre, rf, Relation([0] * len(pre)))


def modification_orders(execution: Execution, hb: Relation, atomics: int) -> Iterator[Relation]:
    """Yield each way to order the writes of every location that can be coherent [MODEL-4, MODEL-10].

    If a write, or a read from it, happens before another write to the location, or a read from that, then the first
    write precedes the second in any coherent execution: otherwise hb and eco would form a cycle. The orders yielded are
    those that extend this.
    """
    seen = execution.rf.optional() >> hb >> execution.rf.inverse().optional()
    before = seen & execution.pre.same_location
    orders = [list(linear_extensions(execution.pre.writes_to(location), before)) for location in range(atomics)]
    for chosen in itertools.product(*orders):
        rows = [0] * len(execution.pre)
        for order in chosen:
            later = 0
            for write in reversed(order):
                rows[write] = later
                later |= 1 << write
        yield Relation(rows)


def linear_extensions(members: int, before: Relation) -> Iterator[tuple[int, ...]]:
    """Yield every total order of a set of events, given as a bit mask, that extends a relation [MODEL-4]."""
    if not members:
        yield ()
    for first in members_of(members):
        others = members & ~(1 << first)
        if not any(before.rows[other] >> first & 1 for other in members_of(others)):
            for rest in linear_extensions(others, before):
                yield (first, *rest)
