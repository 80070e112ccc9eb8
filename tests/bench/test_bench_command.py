"""`rusted-ring bench`: its exit status, its one line for bad input, what it prints and what it writes."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rusted_ring.bench import harnesses, run
from rusted_ring.bench.measured import Measured
from rusted_ring.verify import cli

Make = Callable[[], Measured]


@pytest.fixture
def written(made_up: Make, tmp_path: Path) -> Callable[..., Path]:
    """Write the made-up run, perhaps changed, and return the file."""

    def write(change: Callable[[Measured], object] | None = None) -> Path:
        measured = made_up()
        if change is not None:
            change(measured)
        path = tmp_path / "run.json"
        path.write_text(json.dumps(measured.as_dict()))
        return path

    return write


BAD_INPUT: dict[str, tuple[list[str], str]] = {
    "unknown work": (["--works", "pool,dance"], "argument --works: 'dance' is none of"),
    "unknown peer": (["--peers", "tcmalloc"], "argument --peers: 'tcmalloc' is none of"),
    "peer without a part": (["--works", "pool", "--peers", "rtrb"], "rtrb takes part in none of the works chosen"),
    "empty name": (["--peers", "rtrb,,deque"], "argument --peers: 'rtrb,,deque' has an empty name"),
    "no rounds": (["--rounds", "0"], "argument --rounds: 0 is below 1"),
    "rounds are no number": (["--rounds", "some"], "argument --rounds: 'some' is not a whole number"),
    "file in no folder": (["--json", "{folder}/missing/x.json"], "argument --json: {folder}/missing/x.json cannot be"),
    "folder for a file": (["--json", "{folder}"], "argument --json: {folder} cannot be written"),
    "file for a folder": (["--out", "{folder}/file"], "argument --out: {folder}/file: file exists"),
    "no earlier run": (["--from", "{folder}/missing.json"], "argument --from: {folder}/missing.json: no such file"),
    "no run": (["--from", "{folder}/file"], "not JSON"),
    "earlier run and rounds": (["--from", "{folder}/file", "--rounds", "3"], "argument --from: shows an earlier run"),
    "nothing to compare with": (
        ["--against", "{folder}/missing.json"],
        "argument --against: {folder}/missing.json: no",
    ),
    "comparison with no run": (["--against", "{folder}/file"], "argument --against: {folder}/file: not JSON"),
    "comparison and a smoke": (["--against", "{folder}/file", "--smoke"], "times of a smoke say nothing: leave out"),
    "comparison of two rounds": (
        ["--against", "{folder}/file", "--rounds", "2"],
        "--rounds 2 is too few for quartiles",
    ),
    "earlier run and a smoke": (["--from", "{folder}/file", "--smoke"], "argument --from: shows an earlier run"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gives_one_clear_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("something was measured")

    monkeypatch.setattr(run, "measure", never)
    (tmp_path / "file").write_text("once upon a time")
    arguments, words = BAD_INPUT[case]
    assert cli.main(["bench", *(argument.format(folder=tmp_path) for argument in arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("rusted-ring: ")
    assert printed.err.count("\n") == 1
    assert words.format(folder=tmp_path) in printed.err


def test_plots_without_matplotlib_are_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert cli.main(["bench", "--out", str(tmp_path)]) == 2
    assert "argument --out: plots need matplotlib: pip install 'rusted-ring[bench]'" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "name"), [("--json", "run.json"), ("--out", "out")])
def test_what_is_read_only_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str, name: str
) -> None:
    """As for a user whom the system refuses; who runs the tests may be one whom it refuses nothing."""
    target = tmp_path / name
    if option == "--json":
        target.write_text("an earlier run")
    else:
        target.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not (Path(path) == target and mode == os.W_OK))
    assert cli.main(["bench", option, str(target)]) == 2
    assert f"argument {option}: {target} cannot be written" in capsys.readouterr().err


def test_second_run_at_the_same_time_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = harnesses.cache_folder()
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert cli.main(["bench", "--works", "python-wake"]) == 2
    assert "another rusted-ring bench is running" in capsys.readouterr().err


def test_cache_that_cannot_be_made_is_named_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cli.main(["bench", "--works", "python-wake"]) == 2
    assert "set XDG_CACHE_HOME to a folder that can be written to" in capsys.readouterr().err


def test_earlier_run_is_shown_and_written(
    written: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'rusted-ring[bench]'")
    out, again = tmp_path / "deep" / "out", tmp_path / "again.json"
    path = written()
    assert cli.main(["bench", "--from", str(path), "--out", str(out), "--json", str(again)]) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert lines[0].split()[:4] == ["work", "peer", "ahead", "times"]
    assert "Ahead of every peer: yes. Native is ahead in 2 of 2 rows, and within what it may take in 2; " in printed
    assert ["work", "to", "reach", "measured", "quartiles", "reached", "beside"] in [line.split() for line in lines]
    assert lines[-1] == "17 figures, 3 rounds, 0 missing, 0 lost"
    assert json.loads(again.read_text()) == json.loads(path.read_text())
    assert {path.name for path in out.iterdir()} == {
        *("targets.md", "peers.md", "machine.md"),
        *("occupancy.svg", "peers-pool.svg", "peers-stream.svg", "peers-stream-64.svg"),
    }


def test_slow_figure_is_no_error_and_a_missing_one_is(
    written: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    native = "pool/native/payload=64/occupancy=0/threads=1"

    def slow(measured: Measured) -> None:
        for one in measured.rounds:
            one.figures[native] = 1e9

    assert cli.main(["bench", "--from", str(written(slow))]) == 0
    assert " NO" in capsys.readouterr().out
    assert cli.main(["bench", "--from", str(written(lambda measured: measured.rounds[0].figures.pop(native)))]) == 1
    assert f"LOST: no figure {native} in round 1\n" in capsys.readouterr().out


@pytest.mark.parametrize(("smoke", "ci", "status"), [(True, "true", 1), (True, "", 0), (False, "true", 0)])
def test_missing_peer_is_named_and_is_an_error_in_a_smoke_of_ci_alone(
    written: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    smoke: bool,
    ci: str,
    status: int,
) -> None:
    def without_rtrb(measured: Measured) -> None:
        measured.missing["rtrb"] = "no cargo on this machine"
        measured.smoke = smoke
        for one in measured.rounds:
            one.figures = {name: ns for name, ns in one.figures.items() if "/rtrb/" not in name}

    monkeypatch.setenv("CI", ci)
    assert cli.main(["bench", "--from", str(written(without_rtrb))]) == status
    printed = capsys.readouterr().out
    assert "missing: rtrb: no cargo on this machine\n" in printed
    assert ("LOST: rtrb is missing, and CI has to have it" in printed) == (status == 1)
    assert ("the times say nothing" in printed) == smoke


def test_smoke_of_python_alone_measures_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyperf", reason="needs pyperf: pip install 'rusted-ring[bench]'")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "run.json"
    arguments = ["--smoke", "--works", "python-ring-bulk,python-pointer-bulk", "--peers", "deque,numpy"]
    assert cli.main(["bench", *arguments, "--json", str(path), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "20 figures, 1 round, 0 missing, 0 lost"
    measured = Measured.read(path)
    assert measured.smoke
    assert measured.machine["python_peers"]["numpy"]
    assert (tmp_path / "out" / "python-batch.svg").is_file()
    assert (tmp_path / "out" / "peers-python-ring-bulk.svg").is_file()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_what_runs_too(tmp_path: Path, number: signal.Signals, status: int) -> None:
    # A build that never ends, in the place of the C harness'.
    cmake = tmp_path / "bin" / "cmake"
    cmake.parent.mkdir()
    cmake.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exit\necho $$ > {tmp_path}/pid\nexec sleep 300\n')
    cmake.chmod(0o755)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PATH": f"{cmake.parent}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    command = [sys.executable, "-m", "rusted_ring.verify", "bench", "--works", "clone", "--peers", "native"]
    checkout = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=checkout
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text().strip():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == status
    assert output == ""
    assert ("rusted-ring: interrupted" in errors) == (number == signal.SIGINT)
    assert "Traceback" not in errors
    build = int((tmp_path / "pid").read_text())
    while Path(f"/proc/{build}/cmdline").is_file() and b"sleep" in Path(f"/proc/{build}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
