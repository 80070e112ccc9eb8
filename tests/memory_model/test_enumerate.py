"""The enumerator against a second formulation that cuts no corner, and that no execution comes twice.

The second formulation tries every write for every read and every order of every location's writes. Its relations are
plain sets of pairs, its read-modify-writes are single events, and its axioms are the ones of the model as published
for herd (`rc11.cat`, "withinit"), where eco is spelled out and no closure is taken: another wording of the same model.
"""

import itertools
from collections.abc import Iterator, Mapping

import pytest

from rusted_ring.reference.memory_model.enumerate import behaviour, consistent_executions
from rusted_ring.reference.memory_model.execution import graph_text
from rusted_ring.reference.memory_model.program import (
    Add,
    CompareExchange,
    Exchange,
    Fence,
    Load,
    PlainRead,
    PlainWrite,
    Program,
    Reading,
    SkipUnless,
    Store,
    Writing,
    parse,
)
from rusted_ring.verify.classics import CLASSICS
from rusted_ring.verify.litmus_programs import generate

Name = tuple[int, int]
Pairs = set[tuple[Name, Name]]

MOST_TRIED = 4_000


def test_no_execution_comes_twice() -> None:
    for text in generate(11, 200):
        program = parse(text)
        texts = [graph_text(execution, program.atomics) for execution, _ in consistent_executions(program)]
        assert len(texts) == len(set(texts)), text


@pytest.mark.clause("MODEL-17", "MODEL-18")
def test_enumerator_agrees_with_trying_everything() -> None:
    compared = graphs = 0
    for text in itertools.chain((classic.program for classic in CLASSICS), generate(12, 400)):
        program = parse(text)
        if tried(program) > MOST_TRIED:
            continue
        found = behaviour(program)
        assert (set(found.outcomes), set(found.races)) == everything(program), text
        compared += 1
        graphs += len(found.outcomes)
    assert compared > 300
    assert graphs > 1_500


def test_programs_tried_in_full_are_of_every_kind() -> None:
    texts = [text for text in generate(12, 400) if tried(parse(text)) <= MOST_TRIED]
    for word in ("add", "xchg", "cas", "fence sc", "skip_unless", "write", "load 0 sc", "store 0 sc"):
        assert sum(word in text for text in texts) >= 10, word


def tried(program: Program) -> int:
    """Return how many graphs `everything` looks at for a program, at most."""
    count = 1
    for location in range(program.atomics):
        at = [each for thread in program.threads for each in thread if getattr(each, "location", None) == location]
        writes = sum(isinstance(each, Writing) for each in at)
        count *= (writes + 1) ** sum(isinstance(each, Reading) for each in at)
        count *= len(list(itertools.permutations(range(writes))))
    return count


def everything(program: Program) -> tuple[set[str], set[str]]:
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
    for chosen in itertools.product(*(sources[location] for _, location in readers)):
        run = Run(program, dict(zip((name for name, _ in readers), chosen, strict=True)))
        if run.complete:
            for orders in itertools.product(
                *(itertools.permutations(run.writes_to(at)) for at in range(program.atomics))
            ):
                graph = Graph(run, orders)
                if graph.consistent:
                    texts.add(graph.text)
                    races |= graph.races
    return texts, races


class Run:
    """The threads run with each read's source given, by going round them until nothing moves."""

    def __init__(self, program: Program, sources: Mapping[Name, Name]) -> None:
        self.program = program
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
                        if values[number, operation.operation] != operation.value:
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
                if value == expected:
                    self.written[name] = desired
                self.order[name] = success if value == expected else failure
            case Load(_, order) | Fence(order):
                self.order[name] = order
            case _:
                self.order[name] = "na"

    def operation(self, name: Name) -> object:
        return self.program.threads[name[0] - 1][name[1]]

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

    def __init__(self, run: Run, orders: tuple[tuple[Name, ...], ...]) -> None:
        self.run = run
        self.orders = orders
        initial = [(0, location) for location in range(run.program.atomics)]
        names = [*initial, *run.executed]
        fences = {name for name in run.executed if isinstance(run.operation(name), Fence)}
        releases = {name for name, order in run.order.items() if order in ("rel", "acq_rel", "sc")}
        acquires = {name for name, order in run.order.items() if order in ("acq", "acq_rel", "sc")}
        sc = {name for name, order in run.order.items() if order == "sc"}

        def only(members: set[Name]) -> Pairs:
            return {(name, name) for name in members}

        everything = only(set(names))
        sb: Pairs = {(a, b) for a in names for b in names if a[0] == 0 < b[0] or (a[0] == b[0] > 0 and a[1] < b[1])}
        rf: Pairs = {(source, name) for name, source in run.rf.items()}
        mo: Pairs = set()
        for location, order in enumerate(orders):
            mo |= set(itertools.combinations([(0, location), *order], 2))
        loc: Pairs = {(a, b) for a in names for b in names if run.location(a) == run.location(b) is not None}
        fr = then({(b, a) for a, b in rf}, mo) - everything
        eco = rf | mo | fr | then(mo, rf) | then(fr, rf)
        updates = only(set(run.rf) & set(run.written))
        rs = then(only(set(run.written)), transitive(then(rf, updates)) | everything)
        sw = then(
            only(releases),
            then(only(fences), sb) | everything,
            rs,
            rf,
            then(sb, only(fences)) | everything,
            only(acquires),
        )
        self.hb = hb = transitive(sb | sw)
        elsewhere = sb - loc
        scb = sb | then(elsewhere, hb, elsewhere) | (hb & loc) | mo | fr
        sc_fences = only(sc & fences)
        psc_base = then(only(sc) | then(sc_fences, hb | everything), scb, only(sc) | then(hb | everything, sc_fences))
        psc_fences = then(sc_fences, hb | then(hb, eco, hb), sc_fences)
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
