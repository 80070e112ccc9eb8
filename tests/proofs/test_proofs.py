"""The proofs: each invariant is inductive and implies its properties, and each wrong variant is refuted."""

import dataclasses
import re
from pathlib import Path

import pytest

from rusted_ring.verify.proofs.catalogue import SYSTEMS
from rusted_ring.verify.proofs.claims import CLAIMS
from rusted_ring.verify.proofs.command import NEEDS_Z3, has_solver, main, run
from rusted_ring.verify.proofs.formulas import both
from rusted_ring.verify.proofs.systems import Action, Mutation, System
from rusted_ring.verify.support.checkout import checkout

needs_z3 = pytest.mark.skipif(not has_solver(), reason=NEEDS_Z3)
NATIVE = Path(__file__).resolve().parents[2] / "native" / "src"
BY_NAME = {system.name: system for system in SYSTEMS}
MUTATIONS = [(system, mutation) for system in SYSTEMS for mutation in system.mutations]


@needs_z3
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_each_invariant_is_inductive_and_implies_its_properties(system: System) -> None:
    """[SLOT-3] [PTR-1] [PTR-14] [WEAK-4] [ALLOC-2] [ALLOC-3] [ALLOC-12] [RING-11] [RING-12] [RING-13] [RING-14]
    [RING-15] [RING-20] [RING-32] [ORDER-7] [ORDER-9] [ORDER-10] [ORDER-14] [ORDER-15] [ORDER-16] [ORDER-17]"""
    from rusted_ring.verify.proofs.prover import prove

    report = prove(system)
    assert [(check.name, check.detail) for check in report.checks if not check.ok] == []
    assert len(report.checks) > len(system.actions) * len(system.invariant)


@needs_z3
@pytest.mark.parametrize(("system", "mutation"), MUTATIONS, ids=lambda part: part.name)
def test_each_wrong_variant_is_refuted_by_a_step_and_by_an_execution(system: System, mutation: Mutation) -> None:
    from rusted_ring.verify.proofs.prover import refute

    found = refute(system, mutation)
    assert any(f"--{action.name}--> " in found.broken for action in mutation.actions)
    assert mutation.clause in found.clauses
    assert any(f"--{action.name}--> " in found.execution for action in mutation.actions)


@needs_z3
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_no_execution_of_a_few_steps_violates_what_is_proved(system: System) -> None:
    """The search that refutes the wrong variants finds nothing in the right ones."""
    from rusted_ring.verify.proofs.prover import Prover

    for clause in sorted({clause for wanted in system.properties for clause in wanted.clauses}):
        assert Prover(system).execution(5, clause) == ("", ())


@needs_z3
def test_a_part_of_an_invariant_that_is_missing_is_missed() -> None:
    from rusted_ring.verify.proofs.prover import prove

    slot = BY_NAME["slot"]
    parts = tuple(part for part in slot.invariant if not part.name.startswith("one owner"))
    report = prove(dataclasses.replace(slot, invariant=parts))
    assert not report.ok
    assert any("--claim-->" in check.detail for check in report.checks)


@needs_z3
def test_an_action_that_is_never_possible_is_reported() -> None:
    from rusted_ring.verify.proofs.prover import prove

    ring = BY_NAME["overwriting-ring"]
    never = Action("never", guard=lambda s, _choices, _at: both(s.claim < s.published))
    report = prove(dataclasses.replace(ring, actions=(*ring.actions, never)))
    assert [(check.name, check.detail) for check in report.checks if not check.ok] == [
        ("never: is possible", "never possible (unsat)"),
        ("never: is taken in an execution", "in no execution of 12 steps, or no answer"),
    ]


@needs_z3
def test_an_invariant_without_initial_states_is_reported() -> None:
    from rusted_ring.verify.proofs.prover import prove

    ring = BY_NAME["overwriting-ring"]
    report = prove(dataclasses.replace(ring, initial=lambda s, _at: both(s.claim == 0, s.claim == 1)))
    assert not report.ok
    assert not report.checks[0].ok


@needs_z3
def test_no_answer_is_not_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    from rusted_ring.verify.proofs import prover

    monkeypatch.setattr(prover, "_ask", lambda _solver: "no answer: timeout")
    report = prover.prove(BY_NAME["publication"])
    assert not any(check.ok for check in report.checks)
    assert "not proved: no answer: timeout" in {check.detail for check in report.checks}


@needs_z3
def test_the_time_limit_of_the_solver_is_kept() -> None:
    from rusted_ring.verify.proofs.prover import prove

    report = prove(BY_NAME["slot"], seconds=0.001)
    assert all(check.ok or "no answer" in check.detail for check in report.checks)


@needs_z3
def test_states_are_printed_in_words() -> None:
    from rusted_ring.verify.proofs.prover import refute

    gated = BY_NAME["gated-ring"]
    found = refute(gated, next(one for one in gated.mutations if one.name.startswith("a reader admits itself")))
    assert re.search(r"registration JOINING.*\n  --admit itself--> .*registration ACTIVE, .*joining no", found.broken)
    assert found.execution.startswith("  with capacity ")


def test_each_action_names_functions_of_the_core_and_clauses_of_the_spec() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in NATIVE.glob("*.[ch]")}
    spec = "".join(path.read_text(encoding="utf-8") for path in (checkout() / "spec").glob("*.md"))
    for system in SYSTEMS:
        for action in system.actions:
            for site in action.sites:
                file, _, function = site.partition(":")
                assert re.search(rf"\b{function}\(", texts[file]), (system.name, action.name, site)
            for clause in action.clauses:
                assert f":id: {clause}\n" in spec, (system.name, action.name, clause)
    for claim in CLAIMS:
        for clause in claim.clauses:
            assert f":id: {clause}\n" in spec, (claim.name, clause)


def test_a_mutation_replaces_an_action_that_is_there() -> None:
    with pytest.raises(ValueError, match="slot has no action fly"):
        BY_NAME["slot"].mutated(Mutation("flies", (Action("fly"),), "SLOT-1"))


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(SYSTEMS)
    for system in SYSTEMS:
        names = [action.name for action in system.actions]
        assert len(set(names)) == len(names)
        assert system.mutations


def test_each_claim_tells_its_assumptions_and_its_bound() -> None:
    assert {claim.name for claim in CLAIMS} == set(BY_NAME)
    assert all(claim.assumptions and claim.bound and claim.method == "proved" for claim in CLAIMS)
    assert {claim.name for claim in CLAIMS if claim.bound != "none"} == {"two-fences"}


@needs_z3
def test_the_command_prints_verdicts_and_assumptions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publication", "--show"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^publication: proved: 4 actions, \d+ questions, bound: none \(", said)
    assert "publication, wrong: the load of the message is relaxed: refuted" in said
    assert "--read a word of the event's slot--> stale 1" in said
    assert "views: accesses and fences as in RC11" in said


@needs_z3
def test_the_command_fails_if_a_proof_does(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from rusted_ring.verify.proofs import command

    ring = BY_NAME["overwriting-ring"]
    wrong = dataclasses.replace(ring.mutated(ring.mutations[0]), mutations=(Mutation("nothing", (), "RING-13", 3),))
    monkeypatch.setattr(command, "SYSTEMS", (wrong,))
    assert main([]) == 1
    said = capsys.readouterr().out
    assert "NOT PROVED\nannounce: preserves: " in said
    assert "NO STEP BREAKS THE INVARIANT" in said


def test_an_unknown_system_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "no system nothing; there are slot, free-list, " in capsys.readouterr().err
    with pytest.raises(ValueError, match="no system nothing"):
        list(run(["nothing"]))


def test_without_z3_the_command_says_what_it_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rusted_ring.verify.proofs import command

    monkeypatch.setattr(command, "has_solver", lambda: False)
    assert main([]) == 2
    assert "needs z3, which is not installed" in capsys.readouterr().err
