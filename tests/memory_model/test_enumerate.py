"""The enumerator against a second formulation that cuts no corner, and that no execution comes twice.

The second formulation tries every write for every read and every order of every location's writes. Its relations are
plain sets of pairs, its read-modify-writes are single events, and its axioms are the ones of the model as published
for herd (`rc11.cat`, "withinit"), where eco is spelled out and no closure is taken: another wording of the same model.
"""

import itertools
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest

from rusted_ring.reference.memory_model.axioms import Standard
from rusted_ring.reference.memory_model.enumerate import behaviour, consistent_executions
from rusted_ring.reference.memory_model.execution import graph_text
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
    parse,
)
from rusted_ring.verify.litmus.classics import CLASSICS
from rusted_ring.verify.litmus.generation import generate

Name = tuple[int, ...]
"""Thread and operation; the exit of a heavy fence has one more number, so that it is sorted after the entry."""
Pairs = set[tuple[Name, Name]]

MOST_TRIED = 4_000


@pytest.mark.parametrize("standard", Standard)
def test_no_execution_comes_twice(standard: Standard) -> None:
    for text in generate(11, 200):
        program = parse(text)
        texts = [graph_text(execution, program.atomics) for execution, _ in consistent_executions(program, standard)]
        assert len(texts) == len(set(texts)), text


@pytest.mark.clause("MODEL-17", "MODEL-18", "MODEL-20", "MODEL-22", "MODEL-23")
@pytest.mark.parametrize("standard", Standard)
@pytest.mark.slow
def test_enumerator_agrees_with_trying_everything(standard: Standard) -> None:
    compared = graphs = 0
    for text in itertools.chain((classic.program for classic in CLASSICS), generate(12, 400)):
        program = parse(text)
        if tried(program) > MOST_TRIED:
            continue
        found = behaviour(program, standard)
        assert (set(found.outcomes), set(found.races)) == everything(program, standard), text
        compared += 1
        graphs += len(found.outcomes)
    assert compared > 300
    assert graphs > 1_500


def test_programs_tried_in_full_are_of_every_kind() -> None:
    texts = [text for text in generate(12, 400) if tried(parse(text)) <= MOST_TRIED]
    for word in (
        "add",
        "xchg",
        "cas",
        "fence sc",
        "skip_unless",
        "write",
        "load 0 sc",
        "store 0 sc",
        "light",
        "heavy",
        "wcas",
    ):
        assert sum(word in text for text in texts) >= 10, word


def tried(program: Program) -> int:
    """Return how many graphs `everything` looks at for a program, at most."""
    count = 1
    for location in range(program.atomics):
        at = [each for thread in program.threads for each in thread if getattr(each, "location", None) == location]
        writes = sum(isinstance(each, Writing) for each in at)
        count *= (writes + 1) ** sum(isinstance(each, Reading) for each in at)
        count *= len(list(itertools.permutations(range(writes))))
        count *= 2 ** sum(isinstance(each, WeakCompareExchange) for each in at)
    return count


@pytest.mark.clause("MODEL-21")
@pytest.mark.slow
def test_what_c11_allows_cxx20_allows() -> None:
    fewer = 0
    for text in itertools.chain((classic.program for classic in CLASSICS), generate(13, 250)):
        older, newer = (behaviour(parse(text), standard) for standard in (Standard.C11, Standard.CXX20))
        assert set(older.outcomes) <= set(newer.outcomes), text
        assert older.races <= newer.races, text
        fewer += older != newer
    assert fewer >= 10


@pytest.mark.clause("MODEL-24")
@pytest.mark.slow
def test_light_fences_do_nothing_by_themselves() -> None:
    changed = 0
    for text in itertools.chain((classic.program for classic in CLASSICS), generate(14, 250)):
        program = parse(text)
        light = replaced(program, HeavyFence, LightFence(Order.SC))
        without = replaced(light, LightFence, Fence(Order.RLX))
        assert behaviour(light) == behaviour(without), text
        changed += light != without and behaviour(program) != behaviour(light)
    assert changed >= 20


@pytest.mark.clause("MODEL-1")
@pytest.mark.slow
def test_relaxed_fences_do_nothing() -> None:
    compared = 0
    for text in itertools.chain((classic.program for classic in CLASSICS), generate(15, 100)):
        program = parse(text)
        first, *others = program.threads
        if any(isinstance(operation, SkipUnless) for operation in first):
            continue
        counts = {
            len(behaviour(replace(program, threads=(fenced, *others))).outcomes)
            for fence in (Fence(Order.RLX), LightFence(Order.RLX))
            for fenced in [tuple(itertools.chain(*((fence, operation) for operation in first)))]
        }
        assert counts == {len(behaviour(program).outcomes)}, text
        compared += 1
    assert compared >= 150


def replaced(program: Program, old: type[Operation], new: Operation) -> Program:
    """Return a program with another operation in the place of each one of a kind."""
    threads = (
        tuple(new if isinstance(operation, old) else operation for operation in thread) for thread in program.threads
    )
    return replace(program, threads=tuple(threads))


def everything(program: Program, standard: Standard) -> tuple[set[str], set[str]]:
    """Return the texts of the consistent graphs of a program and its races, by trying all."""
    readers = [
        ((number, index), operation.location)
        for number, thread in enumerate(program.threads, 1)
        for index, operation in enumerate(thread)
        if isinstance(operation, Reading)
    ]
    sources = {
        location: [(0, location)]
        + [
            (number, index)
            for number, thread in enumerate(program.threads, 1)
            for index, operation in enumerate(thread)
            if isinstance(operation, Writing) and operation.location == location
        ]
        for location in range(program.atomics)
    }
    texts: set[str] = set()
    races: set[str] = set()
    weak = [
        (name, (True, False)) for name, _ in readers if isinstance(operation_of(program, name), WeakCompareExchange)
    ]
    for chosen, failures in itertools.product(
        itertools.product(*(sources[location] for _, location in readers)),
        itertools.product(*(choices for _, choices in weak)),
    ):
        failing = {name for (name, _), fails in zip(weak, failures, strict=True) if fails}
        run = Run(program, dict(zip((name for name, _ in readers), chosen, strict=True)), failing)
        if run.complete:
            for orders in itertools.product(
                *(itertools.permutations(run.writes_to(at)) for at in range(program.atomics))
            ):
                graph = Graph(run, orders, standard)
                if graph.consistent:
                    texts.add(graph.text)
                    races |= graph.races
    return texts, races


def operation_of(program: Program, name: Name) -> Operation:
    return program.threads[name[0] - 1][name[1]]


class Run:
    """The threads run with each read's source given, by going round them until nothing moves.

    `failing` are the weak compare-exchanges that write nothing, whatever they read.
    """

    def __init__(self, program: Program, sources: Mapping[Name, Name], failing: AbstractSet[Name]) -> None:
        self.program = program
        self.failing = failing
        self.rf: dict[Name, Name] = {}
        self.written: dict[Name, int] = {(0, location): 0 for location in range(program.atomics)}
        self.executed: list[Name] = []
        self.order: dict[Name, str] = {}
        values: dict[Name, int] = {}
        positions = [0] * len(program.threads)
        moved = True
        while moved:
            moved = False
            for number, thread in enumerate(program.threads, 1):
                while positions[number - 1] < len(thread):
                    index = positions[number - 1]
                    name, operation = (number, index), thread[index]
                    if isinstance(operation, Reading) and sources[name] not in self.written:
                        break
                    moved = True
                    positions[number - 1] += 1
                    if isinstance(operation, SkipUnless):
                        looked_at = (number, operation.operation)
                        failed = looked_at in failing and values[looked_at] == self._expected(looked_at)
                        if failed or values[looked_at] != operation.value:
                            positions[number - 1] += operation.count
                        continue
                    self.executed.append(name)
                    if isinstance(operation, Reading):
                        self.rf[name] = sources[name]
                        values[name] = self.written[sources[name]]
                    self._note(name, values.get(name, 0))
        self.complete = all(at >= len(thread) for at, thread in zip(positions, program.threads, strict=True))

    def _note(self, name: Name, value: int) -> None:
        match self.operation(name):
            case Store(_, order, written) | Exchange(_, order, written):
                self.written[name], self.order[name] = written, order
            case Add(_, order, more):
                self.written[name], self.order[name] = value + more, order
            case CompareExchange(_, success, failure, expected, desired):
                writes = value == expected and name not in self.failing
                if writes:
                    self.written[name] = desired
                self.order[name] = success if writes else failure
            case HeavyFence():
                self.order[name] = self.order[*name, 1] = "sc"
                self.executed.append((*name, 1))
            case Load(_, order) | Fence(order) | LightFence(order):
                self.order[name] = order
            case _:
                self.order[name] = "na"

    def _expected(self, name: Name) -> int:
        operation = self.operation(name)
        assert isinstance(operation, CompareExchange)
        return operation.expected

    def operation(self, name: Name) -> Operation:
        return operation_of(self.program, name)

    def location(self, name: Name) -> int | None:
        if name[0] == 0:
            return name[1]
        operation = self.operation(name)
        return operation.location if isinstance(operation, Load | Store | Exchange | Add | CompareExchange) else None

    def writes_to(self, location: int) -> list[Name]:
        return [name for name in self.written if name[0] and self.location(name) == location]


def then(first: Pairs, *others: Pairs) -> Pairs:
    for other in others:
        onward: dict[Name, list[Name]] = {}
        for source, target in other:
            onward.setdefault(source, []).append(target)
        first = {(source, target) for source, middle in first for target in onward.get(middle, ())}
    return first


def transitive(pairs: Pairs) -> Pairs:
    while True:
        longer = pairs | then(pairs, pairs)
        if longer == pairs:
            return pairs
        pairs = longer


def acyclic(pairs: Pairs) -> bool:
    return all(first != second for first, second in transitive(pairs))


class Graph:
    """One graph and the axioms about it."""

    def __init__(self, run: Run, orders: tuple[tuple[Name, ...], ...], standard: Standard) -> None:
        self.run = run
        self.orders = orders
        initial = [(0, location) for location in range(run.program.atomics)]
        names = [*initial, *run.executed]
        heavy = {name for name in run.executed if isinstance(run.operation(name), HeavyFence)}
        light = {name for name in run.executed if isinstance(run.operation(name), LightFence)}
        entries, exits = ({name for name in heavy if len(name) == length} for length in (2, 3))
        fences = heavy | {name for name in run.executed if isinstance(run.operation(name), Fence)}
        releases = {name for name, order in run.order.items() if order in ("rel", "acq_rel", "sc")}
        acquires = {name for name, order in run.order.items() if order in ("acq", "acq_rel", "sc")}
        sc = {name for name, order in run.order.items() if order == "sc"} - light

        def only(members: set[Name]) -> Pairs:
            return {(name, name) for name in members}

        everything = only(set(names))
        sb: Pairs = {(a, b) for a in names for b in names if a[0] == 0 < b[0] or (a[0] == b[0] > 0 and a < b)}
        rf: Pairs = {(source, name) for name, source in run.rf.items()}
        mo: Pairs = set()
        for location, order in enumerate(orders):
            mo |= set(itertools.combinations([(0, location), *order], 2))
        loc: Pairs = {(a, b) for a in names for b in names if run.location(a) == run.location(b) is not None}
        fr = then({(b, a) for a, b in rf}, mo) - everything
        eco = rf | mo | fr | then(mo, rf) | then(fr, rf)
        updates = only(set(run.rf) & set(run.written))
        rs = then(only(set(run.written)), transitive(then(rf, updates)) | everything)
        if standard is Standard.C11:
            rs |= then(only(set(run.written)), sb & loc, rs)
        sw = then(
            only(releases),
            then(only(fences), sb) | everything,
            rs,
            rf,
            then(sb, only(fences)) | everything,
            only(acquires),
        )
        passed = then(sb, rs, rf, sb)
        sw |= {(a, b) for a, b in passed if a in light & releases and b in exits}
        sw |= {(a, b) for a, b in passed if a in entries and b in light & acquires}
        self.hb = hb = transitive(sb | sw)
        idle = light | {name for name, order in run.order.items() if order == "na"}
        idle |= {name for name in fences if run.order[name] == "rlx"}
        elsewhere = {(a, b) for a, b in sb - loc if not {a, b} & idle}
        scb = sb | then(elsewhere, hb, elsewhere) | (hb & loc) | mo | fr
        sc_fences = only(sc & fences)
        psc_base = then(only(sc) | then(sc_fences, hb | everything), scb, only(sc) | then(hb | everything, sc_fences))
        ordered = hb | then(hb, eco, hb)
        psc_fences = then(sc_fences, ordered, sc_fences)
        strong = {name for name in light if run.order[name] == "sc"}
        for a, b in ordered:
            if a in strong and b in entries:
                psc_fences.add((a, b))
            if a in exits and b in strong:
                psc_fences.add((a[:2], b))
        self.consistent = (
            acyclic(sb | rf)
            and all((a, b) not in hb or (b, a) not in eco for a in names for b in names)
            and all((name, name) not in hb and (name, name) not in eco for name in names)
            and not then(fr, mo) & everything
            and acyclic(psc_base | psc_fences)
        )

    @property
    def text(self) -> str:
        def named(name: Name) -> str:
            return f"{name[0]}.{name[1]}" if name[0] else "init"

        reads = " ".join(f"{named(name)}<{named(self.run.rf[name])}" for name in sorted(self.run.rf))
        orders = [" ".join([f"{at}:", *map(named, order)]) for at, order in enumerate(self.orders)]
        return " / ".join([reads, *orders])

    @property
    def races(self) -> set[str]:
        plain = [name for name in sorted(self.run.executed) if self.run.order[name] == "na"]
        return set(self._races_of(plain))

    def _races_of(self, plain: list[Name]) -> Iterator[str]:
        for first, second in itertools.combinations(plain, 2):
            one, other = self.run.operation(first), self.run.operation(second)
            assert isinstance(one, PlainRead | PlainWrite)
            assert isinstance(other, PlainRead | PlainWrite)
            letters = "".join("w" if isinstance(each, PlainWrite) else "r" for each in (one, other))
            ordered = (first, second) in self.hb or (second, first) in self.hb
            if first[0] != second[0] and one.location == other.location and letters != "rr" and not ordered:
                yield f"N{one.location} {first[0]}{letters[0]} {second[0]}{letters[1]}"
