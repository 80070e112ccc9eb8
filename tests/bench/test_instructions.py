"""Instruction counts of the hot calls: the baseline, the comparison, and a loop too many in a call, which is found."""

import shutil
import stat
from pathlib import Path

import pytest

from rusted_ring.bench import instructions
from rusted_ring.bench.instructions import Setting
from rusted_ring.bench.programs import ProgramFailed, Programs
from rusted_ring.verify.support.checkout import checkout

GCC = Setting("cc 12.2.0", "x86_64", True)
CLANG = Setting("clang 14.0.6", "x86_64", True)
CALLS = {
    *("add_gated", "next_gated", "add_overwrite", "next_overwrite", "next_empty", "add_full"),
    *("add_many_gated", "next_many_gated", "add_many_overwrite", "next_many_overwrite"),
    *("allocate_drop", "allocate_drop_half_full", "clone_drop", "upgrade_drop", "token_round_trip"),
    *("reserve_commit", "peek_release"),
}


@pytest.fixture
def tools() -> None:
    for tool in ("valgrind", "cmake", "cc"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}, which is not installed")


# --- what callgrind writes

CALLGRIND = """\
events: Ir
fn=main
0 7
cfn=count_add
calls=1 0
0 999

fn=count_add
0 11
cfn=rr_writer_add
calls=10 0
0 440
0 5
fn=rr_writer_add
0 440

fn=count_next'2
0 3
totals: 466
"""


def test_inclusive_count_is_that_of_a_function_and_of_all_that_it_called() -> None:
    assert instructions.inclusive(CALLGRIND.splitlines(), "count_") == {"add": 456, "next": 3}


# --- the comparison


def compare(now: dict[str, float], setting: Setting = GCC) -> int:
    recorded = {GCC: {"add": 100.0, "next": 50.0}}
    return instructions.compare(setting, now, recorded, Path("instructions.json"))


@pytest.mark.parametrize(
    ("add", "status", "words"),
    [
        (100.0, 0, ""),
        (105.0, 0, ""),
        (105.1, 1, "ROSE by more than 5%: add: 100.00 instructions in the baseline, 105.10 now"),
        (96.0, 0, ""),
        (94.0, 0, "Counts that fell may rise again unseen until they are recorded: python -m"),
    ],
)
def test_count_may_rise_by_five_percent_and_a_call_that_rose_is_named_with_both(
    capsys: pytest.CaptureFixture[str], add: float, status: int, words: str
) -> None:
    assert compare({"add": add, "next": 50.0}) == status
    printed = capsys.readouterr().out
    assert words in printed
    assert ("ROSE" in printed) == (status == 1)


def test_other_compiler_cannot_be_compared_and_that_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare({"add": 1.0, "next": 1.0}, CLANG) == 3
    printed = capsys.readouterr().out
    assert f"CANNOT COMPARE: no baseline for {CLANG}; instructions.json has: {GCC}\n" in printed
    assert "python -m rusted_ring.bench.instructions --record" in printed


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"add": 100.0, "next": 50.0, "skip": 1.0}, "NO BASELINE: skip: it cannot be compared; record anew"),
        ({"add": 100.0}, "NOT COUNTED: next: it cannot be compared; record anew"),
    ],
)
def test_call_that_one_side_does_not_have_is_no_pass(
    capsys: pytest.CaptureFixture[str], now: dict[str, float], words: str
) -> None:
    assert compare(now) == 3
    assert words in capsys.readouterr().out


def test_call_that_rose_is_an_error_whatever_else_cannot_be_compared() -> None:
    assert compare({"add": 200.0}) == 1


# --- the file


def test_baselines_of_several_compilers_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "instructions.json"
    assert instructions.read(path) == {}
    recorded = {GCC: {"add": 1.5}, CLANG: {"add": 2.0}}
    instructions.write(path, recorded)
    assert instructions.read(path) == recorded


@pytest.mark.parametrize(
    "text", ["once upon", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "baselines": [1]}']
)
def test_file_that_is_no_baseline_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "instructions.json"
    path.write_text(text)
    with pytest.raises(instructions.Unusable) as refused:
        instructions.read(path)
    assert str(refused.value).startswith(f"{path}: not a baseline (")
    assert "remove it and record anew: python -m" in str(refused.value)


def test_repository_has_a_baseline_of_every_call() -> None:
    recorded = instructions.read(instructions.baseline_path(checkout()))
    assert recorded
    for setting, counts in recorded.items():
        assert set(counts) == CALLS, setting


# --- the tool


def test_tool_that_is_not_there_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cmake = tmp_path / "cmake"
    cmake.write_text("#!/bin/sh\n")
    cmake.chmod(cmake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert instructions.main([]) == 2
    error = capsys.readouterr().err
    assert error == "instructions: no valgrind on this machine: install it (Debian: valgrind)\n"


def part(folder: Path) -> Path:
    """Copy what is counted of this checkout."""
    for place in ("native/CMakeLists.txt", "native/src", "native/include", "bench/rusted_ring/bench/c/hot_calls"):
        source, target = checkout() / place, folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    return folder


@pytest.mark.usefixtures("tools")
@pytest.mark.slow
def test_loop_too_many_in_a_hot_call_is_found_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = part(tmp_path / "copy")
    with Programs() as programs:
        setting, before = instructions.count(root, programs)
        assert set(before) == CALLS
        assert all(10 < value < 1_000 for value in before.values())
        writer = root / "native" / "src" / "writer.c"
        text = writer.read_text()
        call = "rr_status rr_writer_add(rr_writer *writer, const void *data, uint64_t length, uint32_t event_type)\n{\n"
        assert text.count(call) == 1
        writer.write_text(text.replace(call, f"{call}    for (volatile int i = 0; i < 4; ++i) {{\n    }}\n"))
        _, after = instructions.count(root, programs)
    path = tmp_path / "instructions.json"
    instructions.write(path, {setting: before})
    capsys.readouterr()
    assert instructions.compare(setting, after, instructions.read(path), path) == 1
    rose = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ROSE")]
    assert [line.split(": ")[1] for line in rose] == ["add_gated", "add_overwrite", "add_full"]
    assert f"add_gated: {before['add_gated']:.2f} instructions in the baseline, {after['add_gated']:.2f} now" in rose[0]
    # What was not touched executes what it executed before, to the last instruction.
    assert {name for name in CALLS if after[name] != before[name]} == {"add_gated", "add_overwrite", "add_full"}


@pytest.mark.usefixtures("tools")
def test_no_hot_call_executes_more_than_its_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    status = instructions.main([])
    printed = capsys.readouterr()
    if status == 3 and "CANNOT COMPARE" in printed.out:
        pytest.skip(printed.out.splitlines()[0])
    assert status == 0, printed.out + printed.err


@pytest.mark.usefixtures("tools")
@pytest.mark.slow
def test_baseline_that_was_recorded_is_one_for_the_next_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "instructions.json"
    instructions.write(path, {CLANG: {"add": 1.0}})
    monkeypatch.setattr(instructions, "baseline_path", lambda _: path)
    assert instructions.main(["--record"]) == 0
    assert f"recorded {len(CALLS)} calls for " in capsys.readouterr().out
    assert instructions.read(path)[CLANG] == {"add": 1.0}
    assert instructions.main([]) == 0


@pytest.mark.usefixtures("tools")
def test_call_that_is_not_counted_is_an_error(tmp_path: Path) -> None:
    root = part(tmp_path / "copy")
    program = root / "bench" / "rusted_ring" / "bench" / "c" / "hot_calls" / "hot_calls.c"
    program.write_text(program.read_text().replace("    count_add_full();\n", ""))
    with Programs() as programs, pytest.raises(ProgramFailed, match="no count of add_full: was it inlined or merged"):
        instructions.count(root, programs)
