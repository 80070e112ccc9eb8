"""The differential machine: clean on what is right, at every profile; and what its runs report."""

import importlib
import importlib.util
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from rusted_ring import reference
from rusted_ring.verify.lockstep.differential import run_diff
from rusted_ring.verify.lockstep.machine import Run, machine_class
from rusted_ring.verify.lockstep.reports import PROFILES, DiffReport, Progress
from rusted_ring.verify.lockstep.sequences import Journal, offered_operations
from rusted_ring.verify.support.backend import BackendError, backend_name, load_backend, offers
from rusted_ring.verify.support.hypothesis_profiles import differential_steps

pytestmark = pytest.mark.desk(2)

NAMES = ["reference", "native"]


def run(backend: Any, profile: str = "tiny", *, steps: int = 3_000, seed: int = 1, **more: Any) -> DiffReport:
    """Make a differential run in this process."""
    return run_diff(backend, profile=profile, steps=steps, seed=seed, isolate=False, **more)


def says(report: DiffReport) -> str:
    """Return what a report's failure says."""
    return "" if report.failure is None else f"{report.failure.message}\n{report.failure.script}"


@pytest.mark.clause("ERR-1", "ERR-3", "ERR-4", "ERR-5", "ALLOC-2", "SLOT-1", "SLOT-15", "RING-1", "RING-6", "RING-12")
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_reference_at_every_profile(name: str, profile: str) -> None:
    report = run(name, profile, steps=differential_steps(), seed=20_240_229)
    assert report.agrees, says(report)
    assert report.steps == differential_steps()
    assert report.not_offered == {}
    if profile == "tiny":
        assert report.never_reached == []
        assert report.errors_never_reached == []


@pytest.mark.clause("ERR-1", "ALLOC-2", "RING-12", "WEAK-3", "PTR-15")
@pytest.mark.parametrize("name", NAMES)
def test_agrees_when_hypothesis_draws_every_step(name: str) -> None:
    machine = machine_class(Run(load_backend(name), "TINY", name=name))
    run_state_machine_as_test(machine, settings=settings())


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_offered(name: str) -> None:
    _, missing = offered_operations(load_backend(name), "TINY")
    assert missing == {}


def test_same_seed_same_run() -> None:
    first, second, other = run("reference", seed=7), run("reference", seed=7), run("reference", seed=8)
    assert (first.clauses, first.errors, first.operations) == (second.clauses, second.errors, second.operations)
    assert first.operations != other.operations


def test_a_run_says_what_it_never_reached() -> None:
    report = run("reference", steps=5)
    assert report.agrees
    assert {"SLOT-10", "RING-11", "WEAK-5"} <= set(report.never_reached)
    assert {"Lagged", "RefCountOverflow"} <= set(report.errors_never_reached)


def test_progress_is_told() -> None:
    told: list[Progress] = []
    report = run("reference", steps=3_000, progress=told.append)
    assert told[-1].steps == report.steps == 3_000
    assert told[-1].rate > 0
    assert 0 < told[-1].clauses <= told[-1].clauses_expected


def test_the_reports_json_is_the_report() -> None:
    report = run("reference", steps=100)
    assert DiffReport.from_json(report.to_json()) == report


@pytest.mark.parametrize(
    "name", ["", "no such", "no.such.module", "native:", "reference:nothing", "json", "json:dumps", ":x", "a..b"]
)
def test_unknown_backends_are_refused(name: str) -> None:
    with pytest.raises(BackendError, match="backend is"):
        load_backend(name)


def test_backends_are_found_by_their_names() -> None:
    assert load_backend("reference") is reference
    assert load_backend("rusted_ring.reference") is reference
    assert backend_name(reference) == "reference"
    with pytest.raises(TypeError, match="name must be a str"):
        load_backend(5)  # type: ignore[arg-type]


def test_what_is_offered_is_seen() -> None:
    assert offers(reference, "RingPtr.clone")
    assert not offers(reference, "RingPtr.nothing.at_all")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"steps": 0}, ValueError),
        ({"steps": True}, TypeError),
        ({"seed": -1}, ValueError),
        ({"seed": "1"}, TypeError),
        ({"profile": "huge"}, ValueError),
        ({"profile": None}, ValueError),
        ({"backend": reference, "isolate": True}, ValueError),
        ({"backend": "no.such.module"}, BackendError),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], error: type[Exception]) -> None:
    given = {"backend": "reference", "profile": "tiny", "steps": 1, "seed": 0, **arguments}
    with pytest.raises(error):
        run_diff(given.pop("backend"), **given)


def test_a_journal_keeps_the_steps_of_the_last_example(tmp_path: Any) -> None:
    journal = Journal(tmp_path / "journal")
    journal.step((3, (1, -2)))
    journal.begin()
    journal.step((0, (2**64, 5, 6)))
    journal.step((1, ()))
    assert Journal.read(tmp_path / "journal") == [(0, (2**64, 5, 6)), (1, ())]


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """The backends of `foreign.py`, importable by name here and in a worker."""
    monkeypatch.syspath_prepend(str(request.path.parent))
    return importlib.import_module("foreign")


def test_a_foreign_ring_of_the_least_kind_is_compared(foreign: ModuleType) -> None:
    report = run(foreign.ForeignRing, steps=2_000)
    assert report.agrees, says(report)
    assert {"add_many", "allocate", "evict"} <= set(report.not_offered)
    assert report.not_offered["add_many"] == ["Writer.add_many"]
    assert report.errors["Lagged"] > 0


@pytest.mark.usefixtures("foreign")
def test_a_foreign_ring_that_is_wrong_is_caught() -> None:
    report = run("foreign:WrongRing", steps=2_000)
    assert report.failure is not None
    assert report.failure.clause in {"RING-7", "RING-11"}
    assert report.failure.steps <= 8


def test_a_foreign_pool_of_the_least_kind_is_compared(foreign: ModuleType) -> None:
    report = run(foreign.ForeignPool, steps=1_000)
    assert report.agrees, says(report)
    assert report.operations["allocate"] > 0


@pytest.mark.usefixtures("foreign")
def test_a_crash_is_a_failure_of_the_run() -> None:
    report = run_diff("foreign:Crashing", profile="tiny", steps=5_000, seed=3, shrink_seconds=5)
    assert report.failure is not None
    assert report.failure.kind == "crash"
    assert "SIGSEGV" in report.failure.message
    assert report.failure.steps <= 4
    assert ".upgrade()" in report.failure.script


@pytest.mark.usefixtures("foreign")
@pytest.mark.slow
def test_a_hang_is_a_failure_of_the_run() -> None:
    report = run_diff("foreign:Hanging", profile="tiny", steps=5_000, seed=3, shrink_seconds=1, hang_seconds=10)
    assert report.failure is not None
    assert report.failure.kind == "hang"
    assert ".upgrade()" in report.failure.script


def test_an_error_that_does_not_come_again_is_a_failure_all_the_same(foreign: ModuleType) -> None:
    report = run(foreign.Flaky, steps=2_000)
    assert report.failure is not None
    assert report.failure.kind == "flaky"
    assert "did not come again" in report.failure.message
    assert ".next()" in report.failure.script


@pytest.mark.slow
@pytest.mark.clause("SLOT-9", "RING-11", "PTR-16")
@pytest.mark.skipif(
    importlib.util.find_spec("hypothesis_crosshair_provider") is None, reason="hypothesis-crosshair is absent"
)
@pytest.mark.parametrize("name", NAMES)
def test_agrees_where_a_solver_draws_the_values(name: str) -> None:
    shared = Run(load_backend(name), "TINY", name=name)
    chosen = settings(settings(), backend="crosshair", max_examples=10, stateful_step_count=6)
    run_state_machine_as_test(machine_class(shared, symbolic=True), settings=chosen)
    assert shared.failure is None
    assert shared.steps > 10
