"""`rusted-ring prove`: the table says what there is, a clause runs what applies, what did not run does not count."""

import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from rusted_ring.verify import cli
from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.every_input.checking import missing
from rusted_ring.verify.prove import command, evidence, explored, methods, table
from rusted_ring.verify.prove.methods import CannotRun, Method
from rusted_ring.verify.prove.trusted import TRUSTED
from rusted_ring.verify.support.claims import Claim
from rusted_ring.verify.support.clauses import load_clauses
from rusted_ring.verify.support.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = Method("scratch", "run", "scratched", "Scratch")


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A package of a method with one claim on RING-11; its module `run` is returned."""
    package = "rusted_ring.verify.scratch"
    claims = types.ModuleType(f"{package}.claims")
    claims.CLAIMS = (Claim(("RING-11",), "proved", "scrap", "it holds", ("nothing",), "none"),)  # type: ignore[attr-defined]
    runner = types.ModuleType(f"{package}.run")
    runner.run = lambda names: iter([(name, True, "no state breaks it\na trace", 0.5) for name in names])  # type: ignore[attr-defined]
    for module in (types.ModuleType(package), claims, runner):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(methods, "available", lambda: (SCRATCH,))
    return runner


def test_table_has_every_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", "--json"]) in (0, 3)
    document = json.loads(capsys.readouterr().out)
    rows = {row["clause"]: row for row in document["clauses"]}
    assert list(rows) == list(load_clauses())
    assert all(row["tests"] for row in rows.values())
    assert {claim["name"] for claim in rows["LAYOUT-6"]["claims"]} >= {"ring_bytes", "descriptors"}
    assert rows["ORDER-10"]["clients"]
    assert rows["ORDER-10"]["orders"] > 0


def test_text_ends_with_the_trusted_base(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove"]) in (0, 3)
    said = capsys.readouterr().out
    assert said.startswith("clause")
    assert "clauses are shown by tests alone" in said
    flat = " ".join(said.split())
    for title, text in TRUSTED:
        assert f"{title}: {text}"[:60] in flat
    for tool in ("TLC", "z3", "ESBMC", "CrossHair", "compiler", "engine", "tie"):
        assert tool in flat


@pytest.mark.parametrize("word", ["RING-1000", "NOPE-1", "ring", "RING-0", ""])
def test_bad_clause_is_one_line(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", word]) == 2
    ended = capsys.readouterr()
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("rusted-ring: ")


@pytest.mark.skipif(missing() is not None, reason=f"no ESBMC: {missing()}")
def test_clause_runs_its_harness(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", "size-1", "--json"]) in (0, 3)
    document = json.loads(capsys.readouterr().out)
    assert [(run["by"], run["name"], run["ok"]) for run in document["runs"]] == [("ESBMC", "sizes", True)]
    assert document["runs"][0]["detail"] == "proved; bound: none"


@pytest.mark.usefixtures("scratch")
def test_claim_is_shown_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", "RING-11"]) == 0
    said = capsys.readouterr().out
    assert "proved, scrap: it holds; bound: none; assumes: nothing" in said
    assert "Scratch, scrap: as it should be; no state breaks it (0.5 s)" in said
    assert "a trace" not in said
    assert "tests/" in said


def test_what_does_not_hold_fails(scratch: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    scratch.run = lambda _: iter([("scrap", False, "a state breaks it", 0.1)])  # type: ignore[attr-defined]
    assert cli.main(["prove", "RING-11"]) == 1
    assert "Scratch, scrap: FAILED; a state breaks it" in capsys.readouterr().out


@pytest.mark.parametrize("error", [InputError("no scratch"), ModuleNotFoundError("no scratch", name="scratch")])
def test_what_cannot_run_is_said(
    error: Exception, scratch: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: list[str]) -> Iterator[tuple[str, bool, str, float]]:
        raise error
        yield ("scrap", True, "", 0.0)

    scratch.run = run  # type: ignore[attr-defined]
    assert cli.main(["prove", "RING-11"]) == 3
    assert "not run: scratched (Scratch): no scratch" in capsys.readouterr().out


@pytest.mark.usefixtures("scratch")
def test_clause_without_claims_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prove", "RING-12"]) == 0
    assert "nothing to run" in capsys.readouterr().out


def test_claims_that_cannot_be_read_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_: Method) -> tuple[Claim, ...]:
        raise CannotRun("needs z3")

    monkeypatch.setattr(methods, "available", lambda: (SCRATCH,))
    monkeypatch.setattr(methods, "claims_of", unreadable)
    assert command._methods() == ([], ["scratched (Scratch): needs z3"])


def test_every_method_that_is_there_has_claims_on_clauses_that_exist() -> None:
    clauses = load_clauses()
    assert "every_input" in {method.package for method in methods.available()}
    for method in methods.available():
        try:
            claims = methods.claims_of(method)
        except CannotRun as error:
            pytest.skip(str(error))
        assert claims
        for claim in claims:
            assert set(claim.clauses) <= set(clauses), claim.name
            assert claim.method in table.METHODS
            assert claim.bound
            assert claim.assumptions


def test_each_client_stands_below_a_clause_and_is_in_the_corpus() -> None:
    found = explored.clients_by_clause()
    names = {name for group in found.values() for name in group}
    assert names <= {client.name for client in CLIENTS}
    assert len(names) > 200
    assert set(found) <= set(load_clauses())
    assert "claim-race" in found["ORDER-2"]
    assert "claim-race" not in found["ORDER-22"]


def test_clause_that_tests_alone_show_is_not_about_memory_that_threads_share() -> None:
    """A new clause needs a client, an order, a claim or a contract, or a place in a group with a reason."""
    clauses = load_clauses()
    only = {one.clause.id for one in evidence.collect(ROOT, clauses.values()) if one.only_tested}
    assert {clause for clause in only if explored.group_of(clause) is explored.SHARED} == set()
    named = [clause for group in explored.APART for clause in group.clauses]
    assert len(named) == len(set(named))
    assert {clause for clause in named if not clause.endswith("-*")} <= only
    for chapter in (clause.removesuffix("-*") for clause in named if clause.endswith("-*")):
        assert chapter in {"MODEL", "EXPLORE"}


@pytest.mark.parametrize("clause", explored.BY_CALLS)
def test_calls_that_show_a_clause_are_made_by_a_client(clause: str) -> None:
    assert clause in load_clauses()
    assert any(explored.BY_CALLS[clause].applies(client) for client in CLIENTS)
    assert explored.clients_by_clause()[clause]


def test_clause_says_what_is_compared_or_what_it_is_about() -> None:
    clauses = load_clauses()
    one, other = evidence.collect(ROOT, [clauses["RING-4"], clauses["PTR-4"]], ())
    assert "compared with the reference: a second writer is refused" in "\n".join(table.shown(one))
    assert "it is about Python objects: " in "\n".join(table.shown(other))
    assert other.only_tested


def test_conditions_belong_to_the_functions_that_cite_the_clause() -> None:
    clauses = load_clauses()
    one, other = evidence.collect(ROOT, [clauses["LAYOUT-1"], clauses["RING-49"]], ())
    assert one.conditions > 0
    assert other.conditions == 0
    assert not one.only_tested
