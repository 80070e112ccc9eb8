"""The harnesses of ESBMC: each is proved, each mutant is refuted, and what has no answer is never called proved."""

import re
import subprocess
from pathlib import Path

import pytest

from rusted_ring.verify.every_input import checking, command
from rusted_ring.verify.every_input.checking import FOLDER, Verdict, check, judge, missing
from rusted_ring.verify.every_input.claims import CLAIMS
from rusted_ring.verify.every_input.harnesses import HARNESSES, Harness
from rusted_ring.verify.support.clauses import load_clauses

ROOT = Path(__file__).resolve().parents[2]
NAMES = [harness.name for harness in HARNESSES]
MUTANTS = [
    pytest.param(harness, mutant, id=f"{harness.name}: {what}")
    for harness in HARNESSES
    for what, mutant in harness.mutants.items()
]
BY_NAME = {harness.name: harness for harness in HARNESSES}
needs_esbmc = pytest.mark.skipif(missing() is not None, reason=f"no ESBMC: {missing()}")


@needs_esbmc
@pytest.mark.parametrize("harness", HARNESSES, ids=NAMES)
def test_harness_is_proved(harness: Harness) -> None:
    result = check(harness)
    assert result.verdict is Verdict.PROVED, result.detail


@needs_esbmc
@pytest.mark.parametrize(("harness", "mutant"), MUTANTS)
def test_mutant_is_refuted(harness: Harness, mutant: str) -> None:
    result = check(harness, mutant=mutant)
    assert result.verdict is Verdict.REFUTED, result.detail
    assert "harnesses/" in result.detail or "native/src/" in result.detail


@needs_esbmc
def test_limit_of_time_is_kept_and_not_called_proved() -> None:
    result = check(BY_NAME["ring_bytes"], seconds=0.05)
    assert result.verdict is Verdict.NOT_PROVED
    assert result.detail == "no answer in 0.05 s"


@needs_esbmc
def test_limit_of_memory_is_not_called_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MEMORY_BYTES", 100 << 20)
    assert check(BY_NAME["slot_word"]).verdict is Verdict.NOT_PROVED


@needs_esbmc
def test_loop_beyond_the_bound_is_not_called_proved() -> None:
    shorter = Harness("free_bits", (), "", "", {}, ("-DBITS=4095", "--unwind", "3"))
    result = check(shorter)
    assert result.verdict is Verdict.NOT_PROVED
    assert "loop" in result.detail


@needs_esbmc
def test_command_prints_the_bounds_beside_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["sizes", "--mutants"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^sizes: proved: .*; bound: none \(", printed, re.MULTILINE)
    assert printed.count("refuted") == len(BY_NAME["sizes"].mutants)
    assert re.match(r"limits of each run: 180 s, 4 GiB\n", printed)


def test_unknown_harness_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["size"]) == 2
    assert "there is no harness 'size'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "output", "verdict"),
    [
        (0, "VERIFICATION SUCCESSFUL\n", Verdict.PROVED),
        (1, "VERIFICATION SUCCESSFUL\n", Verdict.NOT_PROVED),
        (0, "VERIFICATION FAILED\n", Verdict.NOT_PROVED),
        (0, "", Verdict.NOT_PROVED),
        (0, "VERIFICATION UNKNOWN\n", Verdict.NOT_PROVED),
        (2, "ERROR: SMT solver failed\n", Verdict.NOT_PROVED),
        (
            1,
            "Violated property:\n  file a.c line 3 column 1 function main\n  x\nVERIFICATION FAILED\n",
            Verdict.REFUTED,
        ),
        (
            1,
            "Violated property:\n  file a.c line 3 column 1 function main\n  unwinding assertion loop 1\n"
            "VERIFICATION FAILED\n",
            Verdict.NOT_PROVED,
        ),
        (1, "VERIFICATION FAILED\n", Verdict.NOT_PROVED),
    ],
)
def test_verdict_needs_status_and_output(status: int, output: str, verdict: Verdict) -> None:
    assert judge(status, output)[0] is verdict


def test_each_harness_has_a_file_a_mutant_and_clauses_that_exist() -> None:
    files = {path.stem for path in FOLDER.glob("*.c")}
    assert files == set(NAMES)
    clauses = load_clauses()
    for harness in HARNESSES:
        text = (FOLDER / f"{harness.name}.c").read_text(encoding="utf-8")
        assert '#include "native/src/' in text
        assert harness.mutants
        assert set(harness.clauses) <= set(clauses)
        for mutant in harness.mutants.values():
            assert re.search(rf"#ifndef {re.split(r'[(=]', mutant)[0]}\b", text)
    assert [claim.name for claim in CLAIMS] == NAMES


def test_sources_are_the_shipped_ones() -> None:
    """A harness defines nothing that a source asks for, other than the form of the copies."""
    for path in FOLDER.glob("*.c"):
        before = path.read_text(encoding="utf-8").partition('#include "native/src/')[0]
        assert set(re.findall(r"#\s*define (\w+)", before)) <= {"RR_COPY_WORDS"}
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "native/src"], capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        included = {
            name
            for path in FOLDER.glob("*.c")
            for name in re.findall(r'#include "(native/src/\w+\.[ch])"', path.read_text(encoding="utf-8"))
        }
        assert included <= set(listed.stdout.split())
