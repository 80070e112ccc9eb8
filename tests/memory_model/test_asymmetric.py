"""The axioms of asymmetric fences against what `membarrier` does: barriers in the other threads, at every point.

In this reading a light fence is nothing. A heavy fence is a `seq_cst` fence at its entry and one at its exit, and comes
with one in every other thread, at some point of that thread, after the entry and before the exit in happens-before. No
axiom about light fences is used, only those about `seq_cst` fences. Whatever is possible with the barriers at some
points must be an execution by the axioms; and the other way round as well, if nothing but asymmetric fences orders
anything and one stands between every two accesses.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from unittest import mock

import pytest

from rusted_ring.reference.memory_model import axioms
from rusted_ring.reference.memory_model.enumerate import behaviour, execution_of, modification_orders, runs
from rusted_ring.reference.memory_model.execution import Event, Execution, Kind, PreExecution, graph_text
from rusted_ring.reference.memory_model.program import (
    LOAD_ORDERS,
    STORE_ORDERS,
    Add,
    Fence,
    HeavyFence,
    LightFence,
    Load,
    Operation,
    Order,
    Program,
    Store,
    parse,
)
from rusted_ring.reference.memory_model.relations import Relation
from rusted_ring.verify.litmus.classics import CLASSICS

Barriers = dict[int, list[Event]]
"""For each heavy fence, by its number in a run: its entry, its exit and the barriers of the other threads."""


@pytest.mark.clause("MODEL-22", "MODEL-23")
@pytest.mark.parametrize(
    "name",
    [
        *("SB+light+heavy", "SB+light+light", "SB+light+fence", "SB+sc+light", "MP+light+heavy", "MP+heavy+light"),
        *("MP+light+light", "WRC+light+heavy", "RWC+light+heavy", "2+2W+light+heavy", "R+light+heavy", "Heavy-exit"),
        "3.SB+light+heavy+heavy",
    ],
)
def test_classic_is_what_barriers_make_of_it(name: str) -> None:
    [program] = [parse(classic.program) for classic in CLASSICS if classic.name == name]
    assert with_barriers(program) == set(behaviour(program).outcomes)


@pytest.mark.clause("MODEL-22", "MODEL-23")
@pytest.mark.slow
def test_what_barriers_allow_the_axioms_allow() -> None:
    for program in itertools.islice(programs(random.Random(1), relaxed=False), 20):
        assert with_barriers(program) <= set(behaviour(program).outcomes), program


@pytest.mark.clause("MODEL-22", "MODEL-23")
@pytest.mark.slow
def test_between_every_two_accesses_the_axioms_allow_what_barriers_allow() -> None:
    for program in itertools.islice(programs(random.Random(2), relaxed=True), 20):
        assert with_barriers(program) == set(behaviour(program).outcomes), program


def test_barriers_show_axioms_that_are_too_strong() -> None:
    [program] = [parse(classic.program) for classic in CLASSICS if classic.name == "Heavy-exit"]

    def at_the_entry(execution: Execution, rs: Relation) -> Relation:
        pre, sb = execution.pre, execution.sb
        return pre.light_fences >> sb >> rs >> execution.rf >> sb >> pre.entries

    with mock.patch.object(axioms, "synchronizes_asymmetrically", at_the_entry):
        assert with_barriers(program) - set(behaviour(program).outcomes)


def programs(source: random.Random, *, relaxed: bool) -> Iterator[Program]:
    """Draw programs for which it matters what the light fences do."""
    while True:
        program = drawn(source, relaxed=relaxed)
        if outcomes(program, LightFence, Fence(Order.SC)) != outcomes(program, LightFence, Fence(Order.RLX)):
            yield program


def outcomes(program: Program, old: type[Operation], new: Operation) -> set[str]:
    """Return the graphs of a program with another operation in the place of each one of a kind."""
    threads = (tuple(new if isinstance(each, old) else each for each in thread) for thread in program.threads)
    return set(behaviour(replace(program, threads=tuple(threads))).outcomes)


def drawn(source: random.Random, *, relaxed: bool) -> Program:
    """Draw a program of two or three threads, of which one or two have heavy fences and the others light ones.

    With `relaxed`, all accesses are relaxed, and a fence of the thread's side stands between every two of them.
    """
    count = source.choice((2, 3, 3))
    heavy = source.sample(range(count), 1 if count == 2 else source.choice((1, 1, 2)))
    threads: list[tuple[Operation, ...]] = []
    for number in range(count):
        operations: list[Operation] = []
        for index in range(2 if count == 3 else source.choice((2, 3))):
            if index:
                operations += _drawn_fence(source, relaxed, number in heavy)
            operations.append(_drawn_access(source, relaxed))
        threads.append(tuple(operations))
    return Program(2, 0, tuple(threads))


def _drawn_fence(source: random.Random, relaxed: bool, heavy: bool) -> list[Operation]:
    if heavy:
        return [HeavyFence()]
    fences: list[list[Operation]] = [[LightFence(Order.SC)]]
    if not relaxed:
        fences += [[], [LightFence(source.choice(list(Order)))], [Fence(Order.SC)]]
    return source.choice(fences)


def _drawn_access(source: random.Random, relaxed: bool) -> Operation:
    location = source.randrange(2)

    def order(orders: Sequence[Order]) -> Order:
        return Order.RLX if relaxed else source.choice(orders)

    draw = source.randrange(6)
    if draw < 3:
        return Load(location, order(LOAD_ORDERS))
    if draw < 5:
        return Store(location, order(STORE_ORDERS), source.choice((1, 2)))
    return Add(location, order(list(Order)), 1)


def with_barriers(program: Program) -> set[str]:
    """Return the texts of all graphs of a program that some points for the barriers allow."""
    found: set[str] = set()
    possible = outcomes(program, LightFence, Fence(Order.RLX))
    for run in runs(program):
        execution = execution_of(run)
        orders = modification_orders(execution, execution.sb, program.atomics)
        graphs = [replace(execution, mo=mo) for mo in orders]
        left = {text: graph for graph in graphs for text in [graph_text(graph, program.atomics)] if text in possible}
        for events, barriers in placements(execution.pre.events) if left else ():
            found.update(text for text, graph in left.items() if is_allowed(graph, events, barriers))
            left = {text: graph for text, graph in left.items() if text not in found}
            if not left:
                break
    return found


def placements(events: Sequence[Event]) -> Iterator[tuple[list[Event], Barriers]]:
    """Yield the events without light fences and with barriers, for every choice of points."""
    threads: dict[int, list[Event]] = {}
    heavy: Barriers = {}
    for event in events:
        if event.kind is Kind.LIGHT_FENCE:
            continue
        if event.kind in (Kind.HEAVY_ENTRY, Kind.HEAVY_EXIT):
            number = len(heavy) - (event.kind is Kind.HEAVY_EXIT)
            # Entry and exit differ in their value alone then.
            event = replace(event, kind=Kind.FENCE, value=int(event.kind is Kind.HEAVY_EXIT))
            heavy.setdefault(number, []).append(event)
        threads.setdefault(event.thread, []).append(event)
    choices = [
        list(with_fences(thread, number, [at for at, (entry, _) in heavy.items() if entry.thread != number]))
        for number, thread in threads.items()
    ]
    for chosen in itertools.product(*choices):
        barriers = {at: list(both) for at, both in heavy.items()}
        for _, added in chosen:
            for at, barrier in added.items():
                barriers[at].append(barrier)
        yield list(itertools.chain(*(thread for thread, _ in chosen))), barriers


def with_fences(thread: list[Event], number: int, heavy: list[int]) -> Iterator[tuple[list[Event], dict[int, Event]]]:
    """Yield a thread with a barrier for each of some heavy fences, at every point and in every order at it."""
    if not heavy or not number:
        yield thread, {}
        return
    at, *others = heavy
    barrier = Event(number, 1_000 + at, Kind.FENCE, Order.SC, None, 0)
    for longer, added in with_fences(thread, number, others):
        for point in range(len(longer) + 1):
            yield [*longer[:point], barrier, *longer[point:]], {**added, at: barrier}


def is_allowed(graph: Execution, events: list[Event], barriers: Barriers) -> bool:
    """Return whether barriers at these points allow a graph."""
    pre = PreExecution(events)
    number = {event: at for at, event in enumerate(events)}

    def placed(relation: Relation) -> Relation:
        old = graph.pre.events
        return Relation.of_pairs(len(pre), [(number[old[one]], number[old[two]]) for one, two in relation.pairs()])

    execution = Execution(pre, placed(graph.rf), placed(graph.mo))
    interrupts = [
        pair
        for entry, exit_, *added in barriers.values()
        for barrier in added
        for pair in ((number[entry], number[barrier]), (number[barrier], number[exit_]))
    ]
    ordered = pre.sb | axioms.synchronizes_with(execution) | Relation.of_pairs(len(pre), interrupts)
    hb = ordered.closure()
    return hb.is_irreflexive() and axioms.is_consistent(execution, hb)
