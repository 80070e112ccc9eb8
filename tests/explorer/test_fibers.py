"""The engine's ways of switching between threads: each gives the same executions."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from rusted_ring.verify.explorer.engine import find_compiler, harness_source, include_flags, library_sources
from rusted_ring.verify.litmus.classics import CLASSICS
from rusted_ring.verify.litmus.comparison import differences, model_answer
from rusted_ring.verify.litmus.generation import generate

CROSS_COMPILER = "aarch64-linux-gnu-gcc"
EMULATOR = "qemu-aarch64"
CROSS_LIBRARIES = "/usr/aarch64-linux-gnu"


def build(compiler: Sequence[str], folder: Path, *flags: str) -> Path:
    output = folder / "litmus"
    engine = [source for source in library_sources() if not source.name.startswith("cxx_")]  # they need libstdc++
    sources = [*include_flags(), *map(str, engine), str(harness_source("litmus.c"))]
    command = [*compiler, "-std=gnu11", "-O2", "-fno-pie", "-no-pie", "-fno-omit-frame-pointer", *flags, *sources]
    subprocess.run([*command, "-o", str(output)], check=True)
    return output


def disagreements(command: Sequence[str], programs: Sequence[str]) -> list[str]:
    lines = "".join(f"graphs=1 keep-going=1 -- {program}\n" for program in programs)
    said = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=300).stdout
    answers = [json.loads(line) for line in said.splitlines()]
    assert len(answers) == len(programs)
    pairs = zip(programs, answers, strict=True)
    return [program for program, answer in pairs if differences(model_answer(program), answer)]


@pytest.mark.clause("EXPLORE-1")
@pytest.mark.slow
def test_contexts_of_the_c_library_do_where_nothing_else_does(tmp_path: Path) -> None:
    program = build(find_compiler(), tmp_path, "-DEXPLORER_UCONTEXT")
    programs = [classic.program for classic in CLASSICS]
    assert disagreements([str(program)], programs) == []


@pytest.mark.slow
@pytest.mark.clause("EXPLORE-1")
def test_the_engine_on_aarch64_under_emulation(tmp_path: Path) -> None:
    for tool in (CROSS_COMPILER, EMULATOR):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}, which is not installed")
    program = build([CROSS_COMPILER], tmp_path)
    programs = [classic.program for classic in CLASSICS] + list(generate(3, 100))
    assert disagreements([EMULATOR, "-L", CROSS_LIBRARIES, str(program)], programs) == []
