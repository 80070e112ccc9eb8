"""The engine itself under AddressSanitizer and UndefinedBehaviorSanitizer: litmus programs, C programs, replays, parts.

Its stacks and static variables are left out (see `explorer.instrumenting`): threads are dropped in the midst of
functions, and the program's static variables are copied as a whole. Leaks are not looked for: what the engine keeps, it
keeps to its end.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify.explorer import engine
from rusted_ring.verify.litmus.comparison import compare
from rusted_ring.verify.litmus.generation import generate
from rusted_ring.verify.support.checkout import checkout

SANITIZE = "address,undefined"
PROGRAMS = Path(__file__).parent / "programs"
LITMUS_PROGRAMS = 60
RUNS = [
    ("lastzero.c", ["-DN=6"], 0),
    ("many.c", ["-DCASROT", "-DN=6"], 0),
    ("ms_queue.c", ["-DTWO"], 0),
    ("posix.c", ["-DRWLOCK", "-DN=3"], 0),
    ("c11_threads.c", [], 0),
    ("shapes.c", ["-DSTRUCTS"], 0),
    ("shapes.c", ["-DINIT_LATER"], 0),
    ("spins.c", ["-DCAS"], 0),
    ("heap.c", ["-DCALLOC"], 0),
    ("heap.c", ["-DMEMCPY_TOO_LONG"], 1),
    ("heap.c", ["-DUNINITIALIZED_ATOMIC"], 1),
    ("heap.c", ["-DLEAK"], 1),
    ("faulty.c", ["-DDOUBLE_FREE"], 1),
    ("faulty.c", ["-DAB_BA"], 1),
    ("faulty.c", ["-DRACE_ATOMIC"], 1),
    ("litmus.c", ["-DIRIW"], 1),
]

pytestmark = [
    pytest.mark.desk(1),
    pytest.mark.skipif(
        shutil.which("gcc") is None or shutil.which("objcopy") is None, reason="needs gcc and objcopy (binutils)"
    ),
]


@pytest.fixture(autouse=True)
def _options(monkeypatch: pytest.MonkeyPatch) -> None:
    # Answers of the program under test use other values of exit statuses than the sanitizers.
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=0:exitcode=99")
    monkeypatch.setenv("UBSAN_OPTIONS", "exitcode=99:print_stacktrace=1")


def answer(program: engine.Program, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a program and return its status and answer; a sanitizer's complaint is an error."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert "ERROR: AddressSanitizer" not in done.stderr, done.stderr[:3000]
    assert "runtime error" not in done.stderr, done.stderr[:3000]
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def build(file: str, flags: list[str], folder: Path) -> engine.Program:
    try:
        return engine.build([PROGRAMS / file], flags=flags, compiler="gcc", folder=folder, sanitize=SANITIZE)
    except engine.CannotBuild as error:
        if "asan" in str(error) or "ubsan" in str(error):
            pytest.skip(f"gcc has no sanitizers here: {error}")
        raise


@pytest.mark.parametrize(("file", "flags", "status"), RUNS)
def test_a_program_under_the_sanitized_engine(file: str, flags: list[str], status: int, tmp_path: Path) -> None:
    program = build(file, flags, tmp_path)
    got, found = answer(program, "keep-going=1")
    assert got == status, found
    assert found["executions"] == found["distinct"]
    assert answer(program, "random=40", "seed=3", "depth=2")[0] in (status, 3)
    assert answer(program, "trace=1", "max=2")[0] in (0, 1, 3)
    for error in found["errors"]:
        got, again = answer(program, f"replay={error['replay']}", "trace=1")
        assert got == 1
        assert again["errors"][0]["kind"] == error["kind"]
    if not status:
        left = answer(program, "max=3", "dump=1")[1]["pending"]
        total = 3
        for _, graph in left:
            total += answer(program, f"from={graph}")[1]["executions"]
        assert total >= found["executions"]


def test_litmus_programs_under_the_sanitized_engine(tmp_path: Path) -> None:
    try:
        program = engine.build_litmus(tmp_path, compiler="gcc", sanitize=SANITIZE)
    except engine.CannotBuild as error:
        if "asan" in str(error) or "ubsan" in str(error):
            pytest.skip(f"gcc has no sanitizers here: {error}")
        raise
    with engine.LineServer(program) as server:
        parted = compare(generate(11, LITMUS_PROGRAMS), lambda text: server.ask(text, graphs=1, keep_going=1), limit=1)
    assert not parted, str(parted[0])


def test_only_gcc_builds_the_sanitized_engine(tmp_path: Path) -> None:
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    with pytest.raises(engine.CannotBuild, match="needs gcc"):
        engine.build_litmus(tmp_path, compiler="clang", sanitize=SANITIZE)


@pytest.mark.clause("EXPLORE-50")
def test_what_clients_do_to_words_is_followed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = engine.build_client(checkout(), tmp_path, compiler="gcc", sanitize=SANITIZE)
    lines = [
        "r=1 g=1 t=0 xs=33 | hold 31 | alloc p0 1 ; drop p0 | alloc p0 2",
        "gated=1 size=8 readers=1 | open 1w0 ; join 2q0 old | add w0 1 | next q0",
    ]
    with engine.LineServer(program) as server:
        for line in (*lines, *lines):
            assert server.ask(line, words=1)["words"]
            assert "words" not in server.ask(line)
    said = capfd.readouterr().err
    assert "runtime error" not in said
    assert "ERROR: AddressSanitizer" not in said
