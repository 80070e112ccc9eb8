"""The corpus of operation sequences, replayed on every backend and measured against the reference's lines."""

import ast
import importlib.util
import pathlib
import types
from types import ModuleType
from typing import Any

import pytest

from rusted_ring.verify.corpus import sequences
from rusted_ring.verify.corpus.languages import PROGRAMS
from rusted_ring.verify.corpus.sequences import CorpusError

pytestmark = pytest.mark.desk(2)

# Functions that no public call reaches (contracts alone use them, or they serve the differential run), or that no
# program of the corpus calls: those of reservations and peeks, which the differential run covers.
UNREACHED = {
    "generation": {"generation_after", "is_refused"},
    "cursor": {"contiguous", "is_conserved"},
    "heap": set(),
    "pool": set(),
    "slot": {"is_slot"},
}
# The branch of the reference for a backend that took a slot that was not FREE.
UNREACHED_TEXT = {"pool": ("raise ReplayMismatch",)}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.clause(
    "SLOT-5", "SLOT-6", "SLOT-7", "SLOT-8", "SLOT-9", "SLOT-10", "SLOT-11", "SLOT-12", "WEAK-3", "WEAK-5"
)
@pytest.mark.clause("PTR-14", "ALLOC-4", "ALLOC-7", "ALLOC-9", "ALLOC-14", "ALLOC-15", "LAYOUT-5")
@pytest.mark.clause("RING-11", "RING-12", "RING-14", "RING-17", "RING-18", "RING-20", "RING-21", "RING-22", "RING-23")
def test_every_backend_answers_as_the_reference_does(name: str, backend: ModuleType) -> None:
    cases = sequences.load(name)
    assert len(cases) >= 10
    for case in cases:
        actual, expected = sequences.differences(backend, name, case)
        assert actual == expected, case


def faulty(name: str, reference: ModuleType) -> Any:
    """A backend with one fault."""
    names = dict(vars(reference))
    if name == "slot":

        class NoLoans(reference.EventAllocator):  # type: ignore[name-defined, misc]
            def loan(self, length: int, event_type: int = 0) -> Any:
                raise reference.PoolExhausted(f"length is {length}: no loans ({event_type})")

        names["EventAllocator"] = NoLoans
    elif name == "pool":

        class DropsOne(reference.EventAllocator):  # type: ignore[name-defined, misc]
            def drop_many(self, tokens: Any) -> Any:
                return super().drop_many(list(tokens)[:1])

        names["EventAllocator"] = DropsOne
    elif name == "cursor":

        class NeverLeaves(reference.Reader):  # type: ignore[name-defined, misc]
            def close(self) -> None:
                pass

        names["Reader"] = NeverLeaves
    else:

        class OneMore(reference.Reader):  # type: ignore[name-defined, misc]
            @property
            def lag(self) -> int:
                return int(super().lag) + 1

        names["Reader"] = OneMore
    return types.SimpleNamespace(**names)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_faulty_backend_answers_otherwise(name: str, reference: ModuleType) -> None:
    outcomes = [sequences.differences(faulty(name, reference), name, case) for case in sequences.load(name)]
    assert any(actual != expected for actual, expected in outcomes)


def lines_wanted(module: str) -> dict[int, str]:
    """The lines of a module of the reference that the corpus must run, with their text."""
    found = importlib.util.find_spec(f"rusted_ring.reference.{module}")
    assert found is not None
    assert found.origin is not None
    source = pathlib.Path(found.origin).read_text(encoding="utf-8")
    text = source.splitlines()
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name in UNREACHED[module]:
            left_out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return {
        line: text[line - 1].strip()
        for line in sequences.lines_of(module)
        if line not in left_out and not text[line - 1].strip().startswith(UNREACHED_TEXT.get(module, ("\n",)))
    }


@pytest.mark.parametrize("module", UNREACHED)
def test_the_corpus_runs_every_line(module: str) -> None:
    reached = {line for name, line in sequences.lines_reached(PROGRAMS) if name == module}
    missed = {line: text for line, text in lines_wanted(module).items() if line not in reached}
    assert missed == {}


@pytest.mark.parametrize("module", UNREACHED)
def test_what_is_left_out_of_the_lines_exists(module: str) -> None:
    found = importlib.util.find_spec(f"rusted_ring.reference.{module}")
    assert found is not None
    assert found.origin is not None
    names = {
        node.name
        for node in ast.walk(ast.parse(pathlib.Path(found.origin).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert UNREACHED[module] <= names


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_case_is_in_vain(name: str) -> None:
    """Every case takes a step path that no shorter one takes; nothing was added by hand that does nothing."""
    cases = sequences.load(name)
    assert len(sequences.select(name, cases)) == len(cases)


def test_calls_of_crosshair_are_read() -> None:
    starts = [((1, 1), ()), ((2, 1), ((0, 0),))]
    output = (
        "slot(0, [0, 3], [0, 2])\nnoise\nslot(1, [4], [])\nslot(1, [12, 4], [])\nslot(7, [1], [])\nslot(0, [], [])\n"
    )
    assert sequences.parse_calls("slot", output, starts) == [
        ((1, 1), ((0, 0), (3, 2))),
        ((2, 1), ((0, 0), (4, 0))),
        ((2, 1), ((0, 0),)),
    ]


def test_cases_are_saved_and_loaded(tmp_path: pathlib.Path) -> None:
    cases = [((1, 2), ((0, 0), (3, 4))), ((2, 2), ((1, 0),))]
    sequences.save("slot", cases, tmp_path)
    assert sequences.load("slot", tmp_path) == cases
    with pytest.raises(CorpusError, match="no corpus"):
        sequences.load("lag", tmp_path)


@pytest.mark.slow
def test_the_corpus_can_be_regenerated(tmp_path: pathlib.Path) -> None:
    counts = sequences.regenerate(tmp_path, seconds=10, names=("lag",))
    assert counts["lag"] >= 3
    assert len(sequences.load("lag", tmp_path)) == counts["lag"]
