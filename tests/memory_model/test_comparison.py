"""The comparison of an engine with the axioms: it finds engines that are wrong, and makes what it finds small.

The engines here are the axioms themselves with one of them changed, as an engine might have it wrong. Each must be
found by the programs that are drawn, within a few hundred of them.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import given

from rusted_ring.reference.memory_model import axioms
from rusted_ring.reference.memory_model import enumerate as enumerator
from rusted_ring.reference.memory_model.axioms import Standard
from rusted_ring.reference.memory_model.execution import Execution
from rusted_ring.reference.memory_model.program import CompareExchange, Reading, SkipUnless, parse
from rusted_ring.reference.memory_model.relations import Relation
from rusted_ring.verify.litmus.classics import CLASSICS
from rusted_ring.verify.litmus.comparison import (
    Answer,
    Engine,
    compare,
    differences,
    model_answer,
    shrunk,
    without_operation,
    without_thread,
)
from rusted_ring.verify.litmus.generation import generate, graphs_at_most, litmus_programs

pytestmark = pytest.mark.desk(3)

PROGRAMS = 800
"""Programs within which each wrong engine must be found."""


def engine_with(function: str, replacement: Callable[..., Any], std: Standard = Standard.CXX20) -> Engine:
    """Return an engine whose axioms are the right ones but for one function of `axioms`."""

    def answered(text: str) -> Answer:
        with mock.patch.object(axioms, function, replacement):
            return model_answer(text, std)

    return answered


def nothing(execution: Execution, *_: object) -> Relation:
    return Relation([0] * len(execution.pre))


def always(*_: object) -> bool:
    return True


def writes_alone(execution: Execution, *_: object) -> Relation:
    return execution.pre.writes


def release_sequence_of(standard: Standard) -> Callable[..., Relation]:
    return lambda execution, *_: axioms_release_sequence(execution, standard)


def own_store_after_others(execution: Execution, *_: object) -> Relation:
    """Return C11's release sequences, with the thread's own later stores also after read-modify-writes of others."""
    own = execution.sb & execution.pre.same_location
    return (
        execution.pre.writes >> (own | execution.rf >> execution.pre.rmw).closure().optional() >> execution.pre.writes
    )


def without_fences(execution: Execution, standard: Standard) -> Relation:
    pre, rs = execution.pre, axioms.release_sequence(execution, standard)
    asymmetric = axioms.synchronizes_asymmetrically(execution, rs)
    return (pre.releases >> rs >> execution.rf >> pre.reads >> pre.acquires) | asymmetric


def light_fences_as_others(execution: Execution, rs: Relation) -> Relation:
    """Return asw as if a light fence synchronized with every access and fence."""
    pre, sb = execution.pre, execution.sb
    fences = pre.fences | pre.light_fences
    released = pre.releases >> (fences >> sb).optional() >> rs
    return released >> execution.rf >> (sb >> fences).optional() >> pre.acquires


def heavy_fences_at_once(execution: Execution, rs: Relation) -> Relation:
    """Return asw as if a heavy fence were one event: as if the fences of other threads were over when it begins."""
    pre, sb = execution.pre, execution.sb
    seen = sb >> rs >> execution.rf >> sb
    to_heavy = pre.light_fences >> pre.releases >> seen >> pre.entries
    return axioms_asymmetric(execution, rs) | to_heavy


def fences_of_c(execution: Execution, hb: Relation) -> Relation:
    """Return psc_F without light fences."""
    return axioms_psc_fences(execution, hb) - touching_light(execution)


def only_light_before_heavy(execution: Execution, hb: Relation) -> Relation:
    return axioms_psc_fences(execution, hb) - (axioms_psc_fences(execution, hb) >> execution.pre.light_fences)


def only_heavy_before_light(execution: Execution, hb: Relation) -> Relation:
    return axioms_psc_fences(execution, hb) - (execution.pre.light_fences >> axioms_psc_fences(execution, hb))


def light_fences_in_one_order(execution: Execution, hb: Relation) -> Relation:
    """Return psc_F as if light fences were in it with each other and with ordinary ones."""
    ordered = hb | (hb >> axioms.extended_coherence_order(execution) >> hb)
    fences = execution.pre.sc & (execution.pre.fences | execution.pre.light_fences)
    return fences >> ordered >> fences


def touching_light(execution: Execution) -> Relation:
    light, everything = execution.pre.light_fences, execution.pre.alike(lambda _: True)
    return (light >> everything) | (everything >> light)


def sc_base_with_light_fences(execution: Execution, hb: Relation) -> Relation:
    sc = execution.pre.sc
    fences = sc & (execution.pre.fences | execution.pre.light_fences)
    before, after = sc | (fences >> hb.optional()), sc | (hb.optional() >> fences)
    return before >> axioms.sc_before(execution, hb) >> after


def with_effects(changed: Callable[..., Iterator[Any]]) -> Engine:
    """Return an engine whose compare-exchanges do otherwise than they should."""

    def answered(text: str) -> Answer:
        with mock.patch.object(enumerator, "_effects", changed):
            return model_answer(text)

    return answered


def never_for_no_reason(operation: Reading, read: int) -> Iterator[Any]:
    return itertools.islice(effects(operation, read), 1)


def success_order_for_no_reason(operation: Reading, read: int) -> Iterator[Any]:
    for effect in effects(operation, read):
        if isinstance(operation, CompareExchange) and effect.told is None:
            effect = dataclasses.replace(effect, order=operation.success)
        yield effect


def branching_on_the_value(operation: Reading, read: int) -> Iterator[Any]:
    return (dataclasses.replace(effect, told=read) for effect in effects(operation, read))


def every_compare_exchange(operation: Reading, read: int) -> Iterator[Any]:
    yield from effects(operation, read)
    if type(operation) is CompareExchange and read == operation.expected:
        yield enumerator._Effect(operation.failure, None, None)


def sc_by_happens_before(execution: Execution, hb: Relation) -> Relation:
    return hb | execution.mo | execution.rb


def sc_without_hb(execution: Execution, hb: Relation) -> Relation:
    return execution.sb | execution.mo | execution.rb | (hb - hb)


axioms_release_sequence = axioms.release_sequence
axioms_asymmetric = axioms.synchronizes_asymmetrically
axioms_psc_fences = axioms.partial_sc_fences
effects = enumerator._effects
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
    "release sequence of C11": engine_with("release_sequence", release_sequence_of(Standard.C11)),
    "fences do not synchronize": engine_with("synchronizes_with", without_fences),
    "nothing synchronizes": engine_with("synchronizes_with", nothing),
    "no SC axiom": engine_with("is_sequentially_consistent", always),
    "no order of SC fences": engine_with("partial_sc_fences", nothing),
    "no order of SC accesses": engine_with("partial_sc_base", nothing),
    "SC accesses ordered by all of hb": engine_with("sc_before", sc_by_happens_before),
    "SC accesses not ordered by hb": engine_with("sc_before", sc_without_hb),
    "light fences do not synchronize": engine_with("synchronizes_asymmetrically", nothing),
    "light fences synchronize with all": engine_with("synchronizes_asymmetrically", light_fences_as_others),
    "heavy fences are one event": engine_with("synchronizes_asymmetrically", heavy_fences_at_once),
    "light fences in no order": engine_with("partial_sc_fences", fences_of_c),
    "light fences only before heavy ones": engine_with("partial_sc_fences", only_light_before_heavy),
    "light fences only after heavy ones": engine_with("partial_sc_fences", only_heavy_before_light),
    "light fences in one order": engine_with("partial_sc_fences", light_fences_in_one_order),
    "light fences in an order with SC accesses": engine_with("partial_sc_base", sc_base_with_light_fences),
    "weak compare-exchange is strong": with_effects(never_for_no_reason),
    "failure for no reason has the success order": with_effects(success_order_for_no_reason),
    "failure for no reason is not told": with_effects(branching_on_the_value),
    "strong compare-exchange is weak": with_effects(every_compare_exchange),
    "no atomicity": engine_with("is_atomic", always),
    "no races": engine_with("races", lambda *_: iter(())),
    "missed race of writes": engine_with("races", races_but("ww")),
    "missed race of a read with a later write": engine_with("races", races_but("rw")),
    "missed race of a write with a later read": engine_with("races", races_but("wr")),
}


RIGHT = functools.cache(model_answer)
C11 = functools.partial(RIGHT, std=Standard.C11)
WRONG_OF_C11: dict[str, Engine] = {
    "release sequence of C++20": engine_with("release_sequence", release_sequence_of(Standard.CXX20), Standard.C11),
    "own stores after others' updates": engine_with("release_sequence", own_store_after_others, Standard.C11),
}


SELDOM = ("heavy fences are one event", "own stores after others' updates")
"""What drawn programs seldom show; a classic does."""


@pytest.mark.clause("MODEL-18")
@pytest.mark.parametrize("name", [name for name in WRONG if name not in SELDOM])
@pytest.mark.desk(1)
def test_wrong_engine_is_found_by_drawn_programs(name: str) -> None:
    [found] = compare(generate(1, PROGRAMS), WRONG[name], expected=RIGHT, limit=1)
    assert found.differences
    assert found.smallest_differences
    assert differences(model_answer(found.smallest), WRONG[name](found.smallest)) == found.smallest_differences
    assert sum(map(len, parse(found.smallest).threads)) <= sum(map(len, parse(found.program).threads)) <= 8


@pytest.mark.parametrize("name", WRONG)
def test_wrong_engine_is_found_by_a_classic(name: str) -> None:
    assert compare((classic.program for classic in CLASSICS), WRONG[name], expected=RIGHT, limit=1)


@pytest.mark.clause("MODEL-18", "MODEL-20")
@pytest.mark.parametrize("name", WRONG_OF_C11)
def test_wrong_engine_of_c11_is_found(name: str) -> None:
    if name not in SELDOM:
        [found] = compare(generate(1, PROGRAMS), WRONG_OF_C11[name], expected=C11, limit=1)
        assert differences(C11(found.smallest), WRONG_OF_C11[name](found.smallest)) == found.smallest_differences
    classics = [classic.program for classic in CLASSICS if classic.standard is Standard.C11]
    assert compare(classics, WRONG_OF_C11[name], expected=C11, limit=1)


def test_there_are_two_standards() -> None:
    program = "2 0 | store 0 rlx 1 ; store 1 rel 1 ; store 1 rlx 2 | load 1 acq ; load 0 rlx"
    assert model_answer(program) == model_answer(program, "c++20") != model_answer(program, "c11")
    assert differences(model_answer(program), model_answer(program, "c11"))[0].startswith("graph missing: 2.0<1.2")
    with pytest.raises(ValueError, match="c17"):
        model_answer(program, "c17")


@pytest.mark.clause("MODEL-18")
@pytest.mark.slow
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
