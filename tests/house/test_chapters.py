"""The table of the specification that says where each chapter is: its files are there, and none is left out."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "spec" / "architecture.md"
SHELVES = {
    1: ("reference/rusted_ring/reference", "reference/rusted_ring"),
    2: ("native/src", "native/include", "."),
    3: ("native/binding", "native/rusted_ring/native"),
    4: ("tests/agreement", "."),
}
"""By column: the folders in which its files are."""

COMMON = {
    "allocate.h", "common.h", "copies.h", "event_count.h", "free_list.h", "heap.h", "notifier.h", "reader.h",
    "reader_registrations.h", "references.h", "ring.c", "sizes.h",
}  # fmt: skip
"""Files of the core that belong to the chapter of the file with their name, or to none."""


def rows() -> list[list[str]]:
    text = PAGE.read_text(encoding="utf-8").partition("## Where each chapter is")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_files_of_a_chapter_are_there(row: list[str]) -> None:
    for column, folders in SHELVES.items():
        for name in re.findall(r"`([^`]+)`", row[column]):
            assert name == "src" or any((ROOT / folder / name).exists() for folder in folders), name


def test_each_source_of_the_core_and_each_test_of_both_implementations_has_a_chapter() -> None:
    named = {name for row in rows() for cell in row[1:] for name in re.findall(r"`([^`]+)`", cell)}
    sources = {path.name for path in (ROOT / "native" / "src").iterdir()} - COMMON
    assert not sources - named
    tests = {path.name for path in (ROOT / "tests" / "agreement").glob("test_*.py")}
    assert tests - named == {
        "test_citations.py",
        "test_examples.py",
        "test_made_once.py",
        "test_surface.py",
        "test_types.py",
    }
