"""Faults put into the engine, each a line: the comparison with the axioms finds every one within a few programs.

A fault is a text of `native/explorer/graph.c` and what takes its place. A copy is compiled and linked with the rest of
the engine, and the same generated litmus programs are put to it and to the axioms until they part: another set of
graphs, other races, an execution visited twice, or an engine that breaks off.
"""

import functools
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify import engine
from rusted_ring.verify.litmus import differences, model_answer
from rusted_ring.verify.litmus_programs import generate

CATALOGUE = Path(__file__).parent / "engine_faults.toml"
SOURCE = "graph.c"
SEED, MOST_PROGRAMS = 2_022, 600
# A fault that the engine had, on the smallest program that shows it; drawn programs seldom do.
FOUND = ("2 1 | store 1 sc 2 ; cas 0 sc acq 1 2 | store 0 sc 1 ; load 1 sc",)
MOST_EXECUTIONS = 20_000  # of a program: a faulty engine may go round in circles

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None or shutil.which("objcopy") is None, reason="needs gcc and objcopy (binutils)"
)


@dataclass(frozen=True)
class Fault:
    name: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """Return the source with the fault in it."""
        found = text.count(self.old)
        assert found == 1, f"{self.name}: '{self.old}' is in {SOURCE} {found} times, not once; adapt {CATALOGUE.name}"
        return text.replace(self.old, self.new)


FAULTS = [Fault(**entry) for entry in tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["fault"]]


@functools.cache
def expected(number: int) -> tuple[str, dict[str, Any]]:
    """Return a program and the axioms' answer to it."""
    text = _programs()[number]
    return text, model_answer(text)


@functools.cache
def _programs() -> list[str]:
    return [*generate(SEED, MOST_PROGRAMS - len(FOUND)), *FOUND]


def build(text: str, folder: Path) -> Path:
    """Build the harness of litmus programs with this text in the place of the source."""
    sources = engine.engine_sources()
    changed, output = folder / SOURCE, folder / "changed.o"
    changed.write_text(text, encoding="utf-8")
    flags = ["-std=c11", "-O1", "-fno-pie", "-w", f"-I{sources}"]
    done = subprocess.run(
        ["gcc", *flags, "-c", str(changed), "-o", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    command = engine.find_compiler("gcc")
    rest = engine.library(command).parent / "litmus.o"
    # The linker takes from the archive only what is not there yet.
    return engine.link([rest, output], folder / "litmus", compiler=command)


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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_found(fault: Fault, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    source = (engine.engine_sources() / SOURCE).read_text(encoding="utf-8")
    found = parted(build(fault.applied(source), tmp_path), MOST_PROGRAMS)
    assert found is not None, f"{fault.name}: not found by {MOST_PROGRAMS} programs"
    record_property("found", f"by program {found[0] + 1}: {found[1][0]}")
    print(f"{fault.name}: program {found[0] + 1}: {expected(found[0])[0]}: {found[1][0]}")


def test_without_a_fault_nothing_is_found(tmp_path: Path) -> None:
    source = (engine.engine_sources() / SOURCE).read_text(encoding="utf-8")
    assert parted(build(source, tmp_path), MOST_PROGRAMS) is None


def test_the_catalogue() -> None:
    assert len(FAULTS) >= 12
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all("\n" not in fault.old + fault.new for fault in FAULTS)
    with pytest.raises(AssertionError, match="0 times, not once"):
        Fault("gone", "this is not in it", "").applied("text")
    with pytest.raises(AssertionError, match="2 times, not once"):
        Fault("twice", "a", "").applied("a a")
