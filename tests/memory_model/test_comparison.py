"""The comparison of an engine with the axioms: it finds engines that are wrong, and makes what it finds small.

The engines here are the axioms themselves with one of them changed, as an engine might have it wrong. Each must be
found by the programs that are drawn, within a few hundred of them.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import given

from rusted_ring.reference.memory_model import axioms
from rusted_ring.reference.memory_model.execution import Execution
from rusted_ring.reference.memory_model.program import SkipUnless, parse
from rusted_ring.reference.memory_model.relations import Relation
from rusted_ring.verify.classics import CLASSICS
from rusted_ring.verify.litmus import (
    Answer,
    Engine,
    compare,
    differences,
    model_answer,
    shrunk,
    without_operation,
    without_thread,
)
from rusted_ring.verify.litmus_programs import generate, graphs_at_most, litmus_programs

PROGRAMS = 800
"""Programs within which each wrong engine must be found."""


def engine_with(function: str, replacement: Callable[..., Any]) -> Engine:
    """Return an engine whose axioms are the right ones but for one function of `axioms`."""

    def answered(text: str) -> Answer:
        with mock.patch.object(axioms, function, replacement):
            return model_answer(text)

    return answered


def nothing(execution: Execution, *_: object) -> Relation:
    return Relation([0] * len(execution.pre))


def always(*_: object) -> bool:
    return True


def writes_alone(execution: Execution) -> Relation:
    return execution.pre.writes


def release_sequence_of_c11(execution: Execution) -> Relation:
    own = (execution.sb & execution.pre.same_location).optional() >> execution.pre.writes
    return execution.pre.writes >> own >> axioms_release_sequence(execution)


def without_fences(execution: Execution) -> Relation:
    pre = execution.pre
    return pre.releases >> axioms.release_sequence(execution) >> execution.rf >> pre.reads >> pre.acquires


def sc_by_happens_before(execution: Execution, hb: Relation) -> Relation:
    return hb | execution.mo | execution.rb


def sc_without_hb(execution: Execution, hb: Relation) -> Relation:
    return execution.sb | execution.mo | execution.rb | (hb - hb)


axioms_release_sequence = axioms.release_sequence
axioms_races = axioms.races


def races_but(missed: str) -> Callable[[Execution, Relation], Iterator[str]]:
    """Return a search for races that misses those of two kinds of access."""

    def races(execution: Execution, hb: Relation) -> Iterator[str]:
        return (
            race for race in axioms_races(execution, hb) if "".join(word[-1] for word in race.split()[1:]) != missed
        )

    return races


WRONG: dict[str, Engine] = {
    "forgotten release sequence": engine_with("release_sequence", writes_alone),
    "release sequence of C11": engine_with("release_sequence", release_sequence_of_c11),
    "fences do not synchronize": engine_with("synchronizes_with", without_fences),
    "nothing synchronizes": engine_with("synchronizes_with", nothing),
    "no SC axiom": engine_with("is_sequentially_consistent", always),
    "no order of SC fences": engine_with("partial_sc_fences", nothing),
    "no order of SC accesses": engine_with("partial_sc_base", nothing),
    "SC accesses ordered by all of hb": engine_with("sc_before", sc_by_happens_before),
    "SC accesses not ordered by hb": engine_with("sc_before", sc_without_hb),
    "no atomicity": engine_with("is_atomic", always),
    "no races": engine_with("races", lambda *_: iter(())),
    "missed race of writes": engine_with("races", races_but("ww")),
    "missed race of a read with a later write": engine_with("races", races_but("rw")),
    "missed race of a write with a later read": engine_with("races", races_but("wr")),
}


@pytest.mark.clause("MODEL-18")
@pytest.mark.parametrize("name", WRONG)
def test_wrong_engine_is_found_by_drawn_programs(name: str) -> None:
    [found] = compare(generate(1, PROGRAMS), WRONG[name], limit=1)
    assert found.differences
    assert found.smallest_differences
    assert differences(model_answer(found.smallest), WRONG[name](found.smallest)) == found.smallest_differences
    assert sum(map(len, parse(found.smallest).threads)) <= sum(map(len, parse(found.program).threads)) <= 8


@pytest.mark.parametrize("name", WRONG)
def test_wrong_engine_is_found_by_a_classic(name: str) -> None:
    assert compare((classic.program for classic in CLASSICS), WRONG[name], limit=1)


@pytest.mark.clause("MODEL-18")
def test_right_engine_is_not_found() -> None:
    assert compare(generate(2, 300), model_answer) == []


def test_disagreement_is_made_small() -> None:
    first, second = "store 0 rlx 1 ; fence sc ; load 1 rlx", "store 1 rlx 1 ; fence sc ; load 0 rlx"
    noisy = f"2 1 | write 0 ; {first} | {second} | read 0 ; load 0 rlx"
    [found] = compare([noisy], WRONG["no SC axiom"])
    assert found.program == noisy
    assert found.smallest == f"2 1 | {first} | {second}"
    [graph, executions, distinct] = found.smallest_differences
    assert graph == "graph not in the axioms: 1.2<init 2.2<init / 0: 1.0 / 1: 2.0"
    assert (executions, distinct) == ("executions: 4, but the axioms have 3", "distinct: 4, but the axioms have 3")
    assert str(found).splitlines() == [found.smallest, *(f"    {line}" for line in found.smallest_differences)]


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({}, []),
        ({"errors": [{"kind": "data-race"}]}, []),
        ({"errors": [{"kind": "use-after-free"}]}, ["error: {'kind': 'use-after-free'}"]),
        ({"errors": ["unknown operation"]}, ["error: unknown operation"]),
        ({"blocked": 2}, ["blocked: 2, but the axioms have 0"]),
        ({"executions": 3}, ["executions: 3, but the axioms have 2"]),
        ({"distinct": 1}, ["distinct: 1, but the axioms have 2"]),
        ({"graphs": ["2.0<1.0 / 0: 1.0"]}, ["graph missing: 2.0<init / 0: 1.0"]),
        ({"races": ["N0 1w 2r"]}, ["race not in the axioms: N0 1w 2r"]),
    ],
)
def test_differences_are_told(change: dict[str, Any], lines: list[str]) -> None:
    right = model_answer("1 0 | store 0 rlx 1 | load 0 rlx")
    assert list(differences(right, {**right, **change})) == lines


def test_many_differences_are_told_in_part() -> None:
    right = model_answer("1 0 | add 0 rlx 1 | add 0 rlx 1 | add 0 rlx 1")
    told = differences(right, {**right, "graphs": []})
    assert len(told) == 4
    assert told[3] == "and 3 more graphs missing"


def test_shrinking_keeps_what_is_skipped_skipped() -> None:
    program = parse("1 1 | load 0 rlx ; store 0 rlx 1 ; skip_unless 0 1 2 ; read 0 ; write 0 ; read 0 | read 0")
    texts = [str(without_operation(program, 1, index)).split("|")[1].strip() for index in range(6)]
    assert texts == [
        "store 0 rlx 1 ; read 0 ; write 0 ; read 0",
        "load 0 rlx ; skip_unless 0 1 2 ; read 0 ; write 0 ; read 0",
        "load 0 rlx ; store 0 rlx 1 ; read 0 ; write 0 ; read 0",
        "load 0 rlx ; store 0 rlx 1 ; skip_unless 0 1 1 ; write 0 ; read 0",
        "load 0 rlx ; store 0 rlx 1 ; skip_unless 0 1 1 ; read 0 ; read 0",
        "load 0 rlx ; store 0 rlx 1 ; skip_unless 0 1 2 ; read 0 ; write 0",
    ]
    alone = parse("1 1 | fence sc ; load 0 rlx ; skip_unless 1 1 1 ; read 0")
    assert str(without_operation(alone, 1, 0)) == "1 1 | load 0 rlx ; skip_unless 0 1 1 ; read 0"
    assert str(without_operation(alone, 1, 3)) == "1 1 | fence sc ; load 0 rlx"
    assert without_thread(alone, 1) is None
    assert without_operation(parse("1 0 | fence sc"), 1, 0) is None


@given(litmus_programs())
def test_every_drawn_program_shrinks_to_one_operation(text: str) -> None:
    smallest = parse(shrunk(text, lambda _: True))
    assert sum(map(len, smallest.threads)) == 1


@given(litmus_programs())
def test_leaving_an_operation_out_leaves_one_out(text: str) -> None:
    program = parse(text)
    for number, thread in enumerate(program.threads, 1):
        for index, operation in enumerate(thread):
            smaller = without_operation(program, number, index)
            if smaller is None:
                continue
            lost = sum(map(len, program.threads)) - sum(map(len, smaller.threads))
            skips = sum(isinstance(each, SkipUnless) for each in itertools.chain(*program.threads))
            assert 1 <= lost <= 1 + skips
            assert lost == 1 or isinstance(operation, SkipUnless) or skips


@given(litmus_programs())
def test_bound_on_graphs_holds(text: str) -> None:
    assert 1 <= len(model_answer(text)["graphs"]) <= graphs_at_most(parse(text)) <= 400
