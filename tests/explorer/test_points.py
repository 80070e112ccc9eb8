"""Where a run begins changes nothing that is said: at a point of an earlier run, or always at the checkpoint.

The engine without points is the engine's own source with one text changed, as for a seeded fault.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from test_engine_faults import source, use  # type: ignore[import-not-found, unused-ignore]
from verdict_table import CXX_ENTRIES, ENTRIES, Entry, explore  # type: ignore[import-not-found, unused-ignore]

from rusted_ring.verify.clients.language import parse
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.support.checkout import checkout

FILE = "engine/points.c"
WANTED = "return control.options.mode == EXHAUSTIVE &&"
EVERY = 19
COMPARED = ("executions", "distinct", "blocked", "redundant", "bounded", "cut", "exhaustive", "cannot_run")

# The explorer compares the stack of a loop's function before and after a turn. If another thread writes to it, the
# number of turns that are explored depends on when it does so in a run; what is found does not.
LEFT_OUT = ("after_end.c",)
ENTRIES_COMPARED = [entry for entry in (*ENTRIES, *CXX_ENTRIES)[::EVERY] if entry.file not in LEFT_OUT]

pytestmark = [
    pytest.mark.desk(2),
    pytest.mark.skipif(
        shutil.which("gcc") is None or shutil.which("objcopy") is None, reason="needs gcc and objcopy (binutils)"
    ),
]


def said(entry: Entry) -> tuple[Any, ...]:
    """Return what the explorer says of a program, all that does not depend on the time that it takes."""
    status, found = explore(entry, "gcc")
    errors = [(error["kind"], error["message"], error["replay"]) for error in found.get("errors", ())]
    return (status, errors, *(found.get(key) for key in COMPARED))


@pytest.mark.clause("EXPLORE-1")
@pytest.mark.parametrize("entry", [pytest.param(entry, id=f"{entry.kind}: {entry.name}") for entry in ENTRIES_COMPARED])
def test_points_change_nothing(entry: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_points = said(entry)
    text = source(FILE)
    assert text.count(WANTED) == 1
    use(FILE, text.replace(WANTED, f"{WANTED} false &&"), tmp_path, monkeypatch)
    assert said(entry) == with_points


@pytest.mark.clause("EXPLORE-49", "SLOT-13")
@pytest.mark.parametrize("made", ["alloc p1 3", "ffi t0 3", "amany t0 1 3"])
@pytest.mark.slow
def test_a_run_that_begins_in_a_call_finds_the_event_of_that_call(made: str, tmp_path: Path) -> None:
    """The thread has made up another event since: the harness keeps nothing of that where a later run would find it."""
    client = parse(f"r=1 g=1 t=0 xs=1 |  | alloc p0 1 | alloc p0 2 ; {made} ; read p0")
    with Explorer(checkout(), tmp_path) as explorer:
        explored = explorer.explore(client)
    assert explored.exhaustive
    assert explored.violation is None, explored.violation.message
