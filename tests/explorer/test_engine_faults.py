"""Faults put into the engine, each a line: the axioms, or programs whose right verdict is known, find every one.

A fault is a text of a source in `native/explorer` and what takes its place. The changed source is compiled, that one
alone (of a header, sources that include it), and linked with the rest of the engine. A fault of the graphs is found by
the axioms: the same generated litmus programs are put to the engine and to them until they part: another set of graphs,
other races, an execution visited twice, or an engine that breaks off. A fault of the rest is found by programs of
`verdicts.toml`, at least one of which is then judged wrongly.
"""

import functools
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from verdict_table import CXX_ENTRIES, ENTRIES, Entry, explore, wrong  # type: ignore[import-not-found, unused-ignore]

from rusted_ring.verify.explorer import building, engine, engine_library, linking
from rusted_ring.verify.litmus.comparison import differences, model_answer
from rusted_ring.verify.litmus.generation import generate
from rusted_ring.verify.support.errors import InputError

CATALOGUE = Path(__file__).parent / "engine_faults.toml"
SEED, MOST_PROGRAMS = 2_022, 600
# Drawn programs seldom show what these do. Each is the smallest for a fault; the first is for one that the engine had.
SMALLEST = (
    "2 1 | store 1 sc 2 ; cas 0 sc acq 1 2 | store 0 sc 1 ; load 1 sc",
    "2 0 | store 0 rlx 1 ; light rel ; store 1 rlx 1 | add 1 rlx 1 | load 1 rlx ; heavy ; load 0 rlx",
    "3 0 | store 0 rlx 1 ; light rel ; store 1 rlx 1 | load 1 rlx ; heavy ; store 2 rlx 1"
    " | load 2 rlx ; light acq ; load 0 rlx",
    "3 0 | store 0 rlx 1 ; light sc ; load 1 rlx | store 1 rlx 1 ; fence sc ; load 2 rlx"
    " | store 2 rlx 1 ; heavy ; load 0 rlx",
    "3 0 | store 0 rlx 1 ; light sc ; load 1 rlx | store 1 rlx 1 ; heavy ; load 2 rlx"
    " | store 2 rlx 1 ; fence sc ; load 0 rlx",
)
MOST_EXECUTIONS = 20_000  # of a program: a faulty engine may go round in circles
SECONDS = 10.0  # for a program, likewise

pytestmark = [
    pytest.mark.desk(4),
    pytest.mark.skipif(
        shutil.which("gcc") is None or shutil.which("objcopy") is None, reason="needs gcc and objcopy (binutils)"
    ),
]


@dataclass(frozen=True)
class Fault:
    """A fault, and what finds it.

    Attributes:
        name: what the engine does wrongly then.
        file: the source, in `native/explorer`.
        old: a text that is there once.
        new: what takes its place.
        within: of a header, the sources that are compiled with it.
        programs: names of entries of `verdicts.toml`, or none if the axioms find it.
    """

    name: str
    file: str
    old: str
    new: str
    within: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def applied(self, text: str) -> str:
        """Return the source with the fault in it."""
        found = text.count(self.old)
        assert found == 1, (
            f"{self.name}: '{self.old}' is in {self.file} {found} times, not once; adapt {CATALOGUE.name}"
        )
        return text.replace(self.old, self.new)


FAULTS = [
    Fault(**{**entry, "within": tuple(entry.get("within", ())), "programs": tuple(entry.get("programs", ()))})
    for entry in tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["fault"]
]
BY_AXIOMS = [fault for fault in FAULTS if not fault.programs]
BY_PROGRAMS = [fault for fault in FAULTS if fault.programs]
NAMED = {entry.name: entry for entry in (*ENTRIES, *CXX_ENTRIES)}


@functools.cache
def expected(number: int) -> tuple[str, dict[str, Any]]:
    """Return a program and the axioms' answer to it."""
    text = _programs()[number]
    return text, model_answer(text)


@functools.cache
def _programs() -> list[str]:
    return [*SMALLEST, *generate(SEED, MOST_PROGRAMS - len(SMALLEST))]


def source(file: str) -> str:
    """Return the text of a source of the engine."""
    return (engine.engine_sources() / file).read_text(encoding="utf-8")


def compiled(
    file: str, text: str, folder: Path, size: engine_library.Size | None = None, *, within: tuple[str, ...] = ()
) -> Path:
    """Compile this text as a source of the engine, or as a header within some; of a larger one if a size is given."""
    place, output = (engine.engine_sources() / file).parent, folder / "changed.o"
    for path in [*place.glob("*.h"), *(engine.engine_sources() / name for name in within)]:
        shutil.copy(path, folder)  # a header is looked for beside what includes it
    (folder / Path(file).name).write_text(text, encoding="utf-8")
    changed = [str(folder / Path(name).name) for name in within or (file,)]
    # The engine looks at its callers' frames.
    flags = ["-std=gnu11", "-O1", "-fno-pie", "-g", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-w"]
    flags += ["-fexceptions"]
    flags += [f"-I{place}", f"-I{engine.engine_sources()}", *(size or engine_library.Size()).flags]
    done = subprocess.run(
        ["gcc", *flags, "-nostdlib", "-r", *changed, "-o", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # Where the engine's own code lies, so that a report passes over it on its way to a line of the program.
    subprocess.run(["objcopy", "--rename-section", ".text=explorer_text", str(output)], check=True)
    return output


def build_litmus(changed: Path, folder: Path) -> Path:
    """Build the harness of litmus programs with this object in the place of the engine's own."""
    command = engine.find_compiler("gcc")
    rest = engine.library(command).parent / "litmus.o"
    # The linker takes from the archive only what is not there yet.
    return engine.link([rest, changed], folder / "litmus", compiler=command)


def use(file: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, within: tuple[str, ...] = ()) -> None:
    """Have programs linked with this text in the place of the engine's own source, whatever the engine's size."""
    link = linking.link
    changed = functools.cache(functools.partial(compiled, file, text, folder, within=within))

    def link_changed(
        objects: Iterable[Path], output: Path, *, size: engine_library.Size | None = None, **more: Any
    ) -> Path:
        return link([*objects, changed(size)], output, size=size, **more)

    for module in (building, linking):  # when a program is built, and when it is linked with a larger engine
        monkeypatch.setattr(module, "link", link_changed)


def judged_wrongly(entries: Iterable[Entry]) -> str:
    """Return what is wrong with the first program that the engine judges wrongly, or nothing."""
    for entry in entries:
        try:
            found = wrong(entry, *explore(entry, "gcc", SECONDS))
        except InputError as error:  # no answer, or none that can be read
            found = str(error)
        if found:
            return f"{entry.name}: {found}"
    return ""


def parted(program: Path, count: int) -> tuple[int, tuple[str, ...]] | None:
    """Return the number of the first program on which an engine and the axioms part, and what differs."""
    with engine.LineServer(program) as server:
        for number in range(count):
            text, right = expected(number)
            try:
                given = server.ask(text, graphs=1, keep_going=1, max=MOST_EXECUTIONS)
            except engine.CannotRun as error:
                return number, (f"broke off: {error}",)
            found = differences(right, given)
            if given["redundant"]:
                found = (*found, f"{given['redundant']} executions were visited again")
            if found:
                return number, found
    return None


@pytest.mark.parametrize("fault", BY_AXIOMS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_found_by_the_axioms(
    fault: Fault, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    changed = compiled(fault.file, fault.applied(source(fault.file)), tmp_path, within=fault.within)
    found = parted(build_litmus(changed, tmp_path), MOST_PROGRAMS)
    assert found is not None, f"{fault.name}: not found by {MOST_PROGRAMS} programs"
    record_property("found", f"by program {found[0] + 1}: {found[1][0]}")
    print(f"{fault.name}: program {found[0] + 1}: {expected(found[0])[0]}: {found[1][0]}")


@pytest.mark.share(4)
@pytest.mark.parametrize("file", sorted({file for fault in BY_AXIOMS for file in fault.within or (fault.file,)}))
@pytest.mark.slow
def test_without_a_fault_the_axioms_find_nothing(file: str, tmp_path: Path) -> None:
    assert parted(build_litmus(compiled(file, source(file), tmp_path), tmp_path), MOST_PROGRAMS) is None


@pytest.mark.share(2)
@pytest.mark.parametrize("fault", BY_PROGRAMS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_found_by_programs(
    fault: Fault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    use(fault.file, fault.applied(source(fault.file)), tmp_path, monkeypatch, fault.within)
    found = judged_wrongly(NAMED[name] for name in fault.programs)
    assert found, f"{fault.name}: its programs are judged rightly all the same"
    record_property("found", found)
    print(f"{fault.name}: {found}")


@pytest.mark.share(4)
@pytest.mark.parametrize("fault", BY_PROGRAMS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_without_the_fault_its_programs_are_judged_rightly(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the fault that is found, and not that a source was compiled anew."""
    use(fault.file, source(fault.file), tmp_path, monkeypatch, fault.within)
    assert not judged_wrongly(NAMED[name] for name in fault.programs)


def test_the_catalogue() -> None:
    assert len(BY_AXIOMS) >= 40
    assert len(BY_PROGRAMS) >= 100
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all("\n" not in fault.old + fault.new for fault in FAULTS)
    assert {name for fault in FAULTS for name in fault.programs} <= NAMED.keys()
    with pytest.raises(AssertionError, match="0 times, not once"):
        Fault("gone", "graph.c", "this is not in it", "").applied("text")
    with pytest.raises(AssertionError, match="2 times, not once"):
        Fault("twice", "graph.c", "a", "").applied("a a")
