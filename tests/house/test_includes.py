"""Which C file includes which: the core knows no Python, has layers, and only its own tests look behind its header."""

import graphlib
import re
from pathlib import Path

import pytest

NATIVE = Path(__file__).resolve().parents[2] / "native"
PUBLIC = NATIVE / "include/rusted_ring.h"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
KNOWN = {
    "include": set(),
    "src": {"include", "src"},
    "binding": {"include", "binding"},
    "tests": {"include", "src", "tests"},
    "explorer": {"include", "explorer"},
}
"""The folders of `native/` whose headers a file of each may include."""
LOOKS_BEHIND = NATIVE / "explorer/harness/client_words.c"
"""The one file outside the core and its tests that knows how the core lays out its memory: it names the words."""
FILES = sorted(
    path
    for folder in KNOWN
    for path in (NATIVE / folder).rglob("*.[ch]")
    if "build" not in path.relative_to(NATIVE).parts
)


def included(file: Path) -> tuple[set[Path], set[str]]:
    """Return the headers of this project that a file includes, and the names of those of the system."""
    own: set[Path] = set()
    system: set[str] = set()
    for quoted, angled in INCLUDE.findall(file.read_text(encoding="utf-8")):
        places = [file.parent, NATIVE / "include", NATIVE / "explorer"] if quoted else [NATIVE / "include"]
        places += [NATIVE / "src"] if file == LOOKS_BEHIND else []
        found = [(place / (quoted or angled)).resolve() for place in places if (place / (quoted or angled)).is_file()]
        if found:
            own.add(found[0])
        elif quoted:
            raise AssertionError(f"{file.relative_to(NATIVE)} includes {quoted}, which is not there")
        else:
            system.add(angled)
    return own, system


def of_the_project(file: Path) -> set[Path]:
    """Return the headers of this project that a file includes."""
    return included(file)[0]


def test_the_files_are_there() -> None:
    assert {"src/ring.c", "binding/module.c", "include/rusted_ring.h"} <= {
        str(file.relative_to(NATIVE)) for file in FILES
    }
    assert of_the_project(NATIVE / "src/ring.c") >= {NATIVE / "src/ring.h"}
    assert "Python.h" in included(NATIVE / "binding/binding.h")[1]


@pytest.mark.parametrize("folder", KNOWN)
def test_no_folder_knows_one_that_it_should_not(folder: str) -> None:
    wrong = [
        f"{file.relative_to(NATIVE)} includes {header.relative_to(NATIVE)}"
        for file in FILES
        if file.relative_to(NATIVE).parts[0] == folder
        for header in of_the_project(file)
        if header.relative_to(NATIVE).parts[0] not in KNOWN[folder]
    ]
    assert [line for line in wrong if not line.startswith(f"{LOOKS_BEHIND.relative_to(NATIVE)} ")] == []


def test_headers_alone_are_included_and_in_no_circle() -> None:
    headers = {file: of_the_project(file) for file in FILES}
    assert {header.suffix for found in headers.values() for header in found} == {".h"}
    graphlib.TopologicalSorter(headers).prepare()  # raises CycleError, which names the files


LAYERS = (
    "common.h",
    "copies.h sizes.h sizes.c notifier.h notifier.c",
    "pool.h event_count.h event_count.c",
    "slot.h free_list.h free_list.c heap.h heap.c ring.h",
    "references.h references.c allocate.h allocate.c reader_registrations.h reader_registrations.c",
    "allocator.c bulk.c loans.c ring.c reader.h reader.c writer.c",
    "delivery.c",
)
"""The chapters of the core. A file includes its own header, and headers of the layers below it."""
POOLS = {"pool.h", "slot.h", "free_list.h", "heap.h", "references.h", "allocate.h"}
RINGS = {"notifier.h", "event_count.h", "ring.h", "reader_registrations.h", "reader.h"}


def behind(file: Path) -> set[str]:
    """Return the names of the core's headers that a file of the core includes, directly or not."""
    direct = {header for header in of_the_project(file) if header.parent == NATIVE / "src"}
    return {header.name for header in direct}.union(*map(behind, direct))


def test_each_chapter_of_the_core_has_its_layer() -> None:
    placed = " ".join(LAYERS).split()
    assert sorted(placed) == sorted(path.name for path in (NATIVE / "src").glob("*.[ch]"))


def test_a_chapter_of_the_core_knows_the_layers_below_it_alone() -> None:
    layer = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
    wrong = [
        f"{file.name} includes {header.name}"
        for file in (NATIVE / "src").glob("*.[ch]")
        for header in of_the_project(file)
        if header != PUBLIC and header.stem != file.stem and layer[header.name] >= layer[file.name]
    ]
    assert wrong == []


def test_a_source_includes_its_own_header_first() -> None:
    for source in (NATIVE / "src").glob("*.c"):
        if source.with_suffix(".h").is_file():
            assert INCLUDE.findall(source.read_text(encoding="utf-8"))[0] == (f"{source.stem}.h", ""), source.name


def test_pools_and_rings_know_nothing_of_each_other() -> None:
    known = {file.name: behind(file) for file in (NATIVE / "src").glob("*.[ch]")}
    assert known["delivery.c"] >= RINGS
    assert known["bulk.c"] >= POOLS - {"heap.h"}
    assert [name for name, headers in known.items() if headers & POOLS and headers & RINGS] == []


def test_only_the_binding_knows_python() -> None:
    knowing = {
        file.relative_to(NATIVE).parts[0] for file in FILES if included(file)[1] & {"Python.h", "structmember.h"}
    }
    assert knowing == {"binding"}


def test_the_public_header_needs_standard_headers_alone() -> None:
    assert included(PUBLIC) == (set(), {"stddef.h", "stdint.h"})
