"""The links of the core, of the binding and of the explorer: no file needs, directly or not, a file that needs it."""

import graphlib
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from rusted_ring.verify.explorer.engine import engine_sources, find_compiler, include_flags, library_sources
from rusted_ring.verify.support.checkout import checkout

ROOMS = ("engine", "intercept", ".")
"""From the bottom up: a room knows itself and those before it."""
MOST_LINES = 520

pytestmark = pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed: install binutils")


def needed(sources: Iterable[Path], flags: Sequence[str], root: Path, folder: Path) -> dict[Path, set[Path]]:
    """Each source file with those that define what it calls or uses."""
    defined: dict[str, Path] = {}
    wanted: dict[Path, set[str]] = {}
    for number, source in enumerate(sources):
        output = folder / f"{number}.o"
        command = [*find_compiler(), "-O0", "-w", *flags, "-c", str(source), "-o", str(output)]
        subprocess.run(command, check=True)
        said = subprocess.run(["nm", "-g", str(output)], capture_output=True, text=True, check=True).stdout
        path = source.relative_to(root)
        wanted[path] = set()
        for *_, kind, name in (line.split() for line in said.splitlines()):
            if kind == "U":
                wanted[path].add(name)
            else:
                defined[name] = path
    return {path: {defined[name] for name in names if name in defined} - {path} for path, names in wanted.items()}


@pytest.fixture(scope="module")
def needs(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, set[Path]]:
    """Each source file of the explorer's library with those that it needs."""
    flags = ["-std=gnu11", *include_flags()]
    return needed(library_sources(), flags, engine_sources(), tmp_path_factory.mktemp("rooms"))


@pytest.mark.slow
def test_there_is_no_circle(needs: dict[Path, set[Path]]) -> None:
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, which names the files


def test_there_is_no_circle_in_the_core(tmp_path: Path) -> None:
    native = checkout() / "native"
    sources = sorted((native / "src").glob("*.c"))
    found = needed(sources, ["-std=c11", f"-I{native / 'include'}"], native, tmp_path)
    assert Path("src/free_list.c") in found[Path("src/allocate.c")]
    graphlib.TopologicalSorter(found).prepare()


def test_there_is_no_circle_in_the_binding(tmp_path: Path) -> None:
    native = checkout() / "native"
    sources = sorted((native / "binding").glob("*.c"))
    python = ["-DPy_LIMITED_API=0x030b0000", "-D_GNU_SOURCE", "-isystem", sysconfig.get_path("include")]
    found = needed(sources, ["-std=c11", f"-I{native / 'include'}", *python], native, tmp_path)
    assert Path("binding/state.c") in found[Path("binding/module.c")]
    graphlib.TopologicalSorter(found).prepare()


@pytest.mark.slow
def test_no_room_knows_one_above_it(needs: dict[Path, set[Path]]) -> None:
    above = [
        f"{path} needs {other}"
        for path, others in needs.items()
        for other in others
        if ROOMS.index(str(path.parent)) < ROOMS.index(str(other.parent))
    ]
    assert above == []


def test_the_circle_would_be_seen() -> None:
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({Path("a.c"): {Path("b.c")}, Path("b.c"): {Path("a.c")}}).prepare()


def test_headers_include_none_above_them() -> None:
    for header in engine_sources().glob("engine/*.h"):
        assert '"../intercept' not in header.read_text(encoding="utf-8"), header.name


def test_files_are_read_in_one_sitting() -> None:
    long = {
        path.name: count
        for path in engine_sources().rglob("*.[ch]")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}
