"""Programs with an error and others near to them without one, each with the right verdict and where it comes from.

`verdicts.toml` lists them by the kind of fault that an explorer has if it judges them wrongly. Each entry keeps what
the explorer said before that kind was mended, so that the table shows which entries told the difference.
"""

import collections
import dataclasses
import shutil
from typing import Any

import pytest
from verdict_table import ENTRIES, PROGRAMS, Entry, explore, verdict, wrong  # type: ignore[import-not-found, unused-ignore]

pytestmark = pytest.mark.desk(8)

# The engine is the same under clang: what differs is the instrumentation, which a share of the programs has.
COMPILERS = ("gcc", pytest.param("clang", marks=pytest.mark.share(4)))
LEAST_FAILED = 3
JUDGED_RIGHTLY_BEFORE = {"false-alarms", "no-main"}

# By kind of fault: the clauses that an explorer with such a fault breaks.
CLAUSES = {
    "barriers": pytest.mark.clause("EXPLORE-30"),
    "big": pytest.mark.clause("EXPLORE-3", "EXPLORE-12"),
    "false-alarms": pytest.mark.clause("EXPLORE-2", "EXPLORE-18", "EXPLORE-21"),
    "library-memory": pytest.mark.clause("EXPLORE-13", "EXPLORE-18", "EXPLORE-21"),
    "library-races": pytest.mark.clause("EXPLORE-2", "EXPLORE-13"),
    "library-state": pytest.mark.clause("EXPLORE-15"),
    "locks": pytest.mark.clause("EXPLORE-28", "EXPLORE-29"),
    "loops": pytest.mark.clause("EXPLORE-4", "EXPLORE-32", "EXPLORE-33"),
    "membarrier": pytest.mark.clause("EXPLORE-31"),
    "memory": pytest.mark.clause("EXPLORE-18", "EXPLORE-19", "EXPLORE-20", "EXPLORE-21", "EXPLORE-22"),
    "no-main": pytest.mark.clause("EXPLORE-5"),
    "not-instrumented": pytest.mark.clause("EXPLORE-11"),
    "release-sequences": pytest.mark.clause("EXPLORE-34"),
    "removed-accesses": pytest.mark.clause("EXPLORE-2"),
    "thread-local": pytest.mark.clause("EXPLORE-17", "EXPLORE-20"),
    "wake-ups": pytest.mark.clause("EXPLORE-3", "EXPLORE-23", "EXPLORE-24", "EXPLORE-25", "EXPLORE-26"),
    "weak": pytest.mark.clause("EXPLORE-27"),
}

needs_objcopy = pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not installed: install binutils")


@needs_objcopy
@pytest.mark.clause("EXPLORE-1", "EXPLORE-2", "EXPLORE-3")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    "entry", [pytest.param(entry, marks=CLAUSES[entry.kind], id=f"{entry.kind}: {entry.name}") for entry in ENTRIES]
)
def test_verdict(entry: Entry, compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    status, found = explore(entry, compiler)
    assert not wrong(entry, status, found), found


def test_the_table() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert CLAUSES.keys() == {entry.kind for entry in ENTRIES}
    for entry in ENTRIES:
        assert entry.why, entry.name
        assert not entry.any_of or entry.right in entry.any_of, entry.name
        assert entry.executions is None or "clean" in entry.accepted, entry.name
    assert {path.name for path in PROGRAMS.glob("*.c")} == {entry.file for entry in ENTRIES}


def test_each_kind_has_entries_that_were_judged_wrongly_and_some_that_are_clean() -> None:
    failed = collections.Counter(entry.kind for entry in ENTRIES if entry.failed_before)
    kinds = {entry.kind for entry in ENTRIES}
    assert {kind for kind in kinds - JUDGED_RIGHTLY_BEFORE if failed[kind] < LEAST_FAILED} == set()
    # An explorer that complains always has mended no kind.
    assert kinds == {entry.kind for entry in ENTRIES if entry.right == "clean"}


def test_verdicts_in_words() -> None:
    nothing: dict[str, Any] = {"errors": [], "exhaustive": False, "covered": ""}
    assert verdict(0, nothing | {"exhaustive": True}) == "clean"
    assert verdict(3, nothing | {"covered": "the time was up"}) == "not exhaustive"
    assert verdict(3, nothing | {"covered": "3 executions were cut by the bound of 2 turns"}) == "bounded"
    assert verdict(1, nothing | {"errors": [{"kind": "leak"}]}) == "leak"
    assert verdict(0, nothing | {"errors": [{"kind": "leak"}]}) == "leak, but exit status 0"
    assert verdict(2, nothing | {"cannot_run": "the program calls fork(), which is not followed"}) == "refused"
    assert verdict(2, nothing | {"cannot_run": "a.c:3: error: expected ';'"}) == "not built or run"
    assert verdict(2, nothing | {"cannot_run": "program ended with status 0 and no answer"}) == "not built or run"


def test_what_is_wrong_with_an_answer() -> None:
    clean = next(entry for entry in ENTRIES if entry.right == "clean" and entry.executions == 2)
    answer: dict[str, Any] = {"errors": [], "exhaustive": True, "executions": 2}
    assert not wrong(clean, 0, answer)
    assert "3 executions instead of 2" in wrong(clean, 0, answer | {"executions": 3})
    assert "not exhaustive instead of clean" in wrong(clean, 3, answer | {"exhaustive": False, "covered": ""})
    race = dataclasses.replace(clean, right="data-race", executions=None)
    error = {"kind": "data-race", "file": f"folder/{race.file}", "line": 3}
    assert not wrong(race, 1, answer | {"errors": [error]})
    assert "clean instead of data-race" in wrong(race, 0, answer)
    assert "not said to be at a line" in wrong(race, 1, answer | {"errors": [error | {"line": 0}]})
    assert "leak instead of data-race" in wrong(race, 1, answer | {"errors": [error | {"kind": "leak"}]})
