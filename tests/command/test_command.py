"""The command: its exit status, its one clear line for bad input, and what it prints."""

import contextlib
import dataclasses
import functools
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from rusted_ring.verify import cli, layer_processes, layers, verify_run
from rusted_ring.verify.replay.editing_traces import generated_workload, read_workload
from rusted_ring.verify.support import report
from rusted_ring.verify.support.checkout import checkout
from rusted_ring.verify.support.errors import InputError

COMMAND = [sys.executable, "-m", "rusted_ring.verify"]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **changes}


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    options.setdefault("env", environment())
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        **options,
    )


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "session.json.gz"
    workload = generated_workload(200)
    patches = [json.loads(event.data) for event in workload.events]
    content = {"startContent": "", "endContent": workload.expected.decode(), "txns": [{"patches": patches}]}
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    return path


# --- bad input

GOOD = "{folder}/good.jsonl"
BAD_INPUT: dict[str, tuple[list[str], str]] = {
    "no command": ([], "give a command"),
    "unknown command": (["frobnicate"], "invalid choice: 'frobnicate'"),
    "unknown option": (["diff", "--frobnicate"], "unrecognized arguments: --frobnicate"),
    "nothing to replay": (["replay"], "nothing to replay"),
    "missing file": (["replay", "{folder}/missing.json"], "missing.json: no such file"),
    "folder": (["replay", "{folder}"], "is a directory"),
    "truncated gzip": (["replay", "{folder}/cut.json.gz"], "truncated gzip"),
    "not JSON": (["replay", "{folder}/text.json"], "not JSON"),
    "wrong shape": (["replay", "{folder}/list.json"], "neither an editing trace"),
    "negative count in a trace": (["replay", "{folder}/shape.json"], "deleted is -4"),
    "no git repository": (["replay", "--git", "{folder}/plain"], "not a git repository"),
    "missing repository": (["replay", "--git", "{folder}/missing"], "no such folder"),
    "commits without a history": (["replay", "--commits", "3", GOOD], "--commits"),
    "no consumers": (["replay", "--consumers", "0", GOOD], "--consumers: 0 is below 1"),
    "too many consumers": (["replay", "--consumers", "65", GOOD], "--consumers: 65 is above 64"),
    "negative capacity": (["replay", "--capacity", "-5", GOOD], "--capacity: -5 is below 1"),
    "huge ring": (
        ["replay", "--ring-size", "999999999", GOOD],
        "--ring-size: 999999999 bytes times a --capacity of 1024 is above",
    ),
    "batch is no number": (["replay", "--batch", "many", GOOD], "--batch: 'many' is not a whole number"),
    "unknown route": (["replay", "--route", "scenic", GOOD], "--route: invalid choice: 'scenic'"),
    "unknown backend to replay": (["replay", "--backend", "no.such.ring", GOOD], "backend is 'no.such.ring'"),
    "unknown backend": (["diff", "--backend", "no_such_ring"], "backend is 'no_such_ring'"),
    "backend that offers nothing": (["diff", "--backend", "json"], "neither EventAllocator nor RingBuffer"),
    "unknown profile": (["diff", "--profile", "gigantic"], "--profile: invalid choice: 'gigantic'"),
    "zero steps": (["diff", "--steps", "0"], "--steps: 0 is below 1"),
    "negative steps": (["diff", "--steps", "-3"], "--steps: -3 is below 1"),
    "steps are no number": (["diff", "--steps", "1e3"], "--steps: '1e3' is not a whole number"),
    "negative seed": (["diff", "--seed", "-1"], "--seed: -1 is outside"),
    "quick and full": (["verify", "--quick", "--full"], "not allowed with argument"),
    "unknown backend to verify": (["verify", "--backend", "no_such_ring"], "backend is 'no_such_ring'"),
}


@pytest.mark.clause("ERR-3")
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gives_one_clear_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b"[1, 2, 3]" * 100)[:-9])
    (tmp_path / "text.json").write_text("once upon a time")
    (tmp_path / "shape.json").write_text('{"endContent": "", "txns": [{"patches": [[0, -4, ""]]}]}')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "good.jsonl").write_text('{"data": "x"}')
    (tmp_path / "plain").mkdir()
    arguments, words = BAD_INPUT[case]
    status = cli.main([argument.format(folder=tmp_path) for argument in arguments])
    printed = capsys.readouterr()
    assert status == 2
    assert printed.out == ""
    assert printed.err.startswith("rusted-ring: ")
    assert printed.err.count("\n") == 1
    assert words in printed.err


def test_bad_input_shows_no_traceback_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = command("replay", str(tmp_path / "missing\nname.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "no such file" in done.stderr


def test_data_folder_that_is_missing_or_empty_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, words in ((tmp_path / "missing", "no such file or folder"), (tmp_path, "no traces")):
        monkeypatch.setenv("RUSTED_RING_DATA", str(path))
        assert cli.main(["verify", "--quick", "--backend", "reference"]) == 2
        assert words in capsys.readouterr().err


def test_missing_hypothesis_is_named_with_its_remedy() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; from rusted_ring.verify.cli import main; "
    code += "sys.exit(main(['diff', '--backend', 'reference', '--steps', '1', '--json']))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=environment()
    )
    assert (done.returncode, done.stdout) == (2, "")
    expected = "rusted-ring: a differential run needs hypothesis: pip install 'rusted-ring[verify]'"
    assert done.stderr.splitlines()[-1] == expected
    assert "Traceback" not in done.stderr


def test_without_rich_a_terminal_gets_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    report.print_table("title", ["name", "count"], [["a", "1,000"], ["bcd", "2"]], right=["count"])
    assert capsys.readouterr().out == "title\nname  count\n----  -----\na     1,000\nbcd       2\n"


def test_progress_without_a_terminal_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_PLAIN_SECONDS", 0.0)
    with report.progress("title") as update:
        update(10, 2_000, "fast")
    assert re.fullmatch(r"title: 10 of 2,000 in \d+ s, fast\n", capsys.readouterr().err)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_terminal_gets_a_table_of_boxes(trace: Path) -> None:
    pytest.importorskip("rich")
    master, slave = os.openpty()
    arguments = ["replay", "--backend", "reference", str(trace)]
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=slave, stderr=slave, env=environment(COLUMNS="150", TERM="xterm")
    ) as process:
        os.close(slave)
        seen = b""
        with contextlib.suppress(OSError):  # what a closed terminal raises
            while part := os.read(master, 65_536):
                seen += part
    os.close(master)
    assert process.returncode == 0
    assert "\u2502".encode() in seen
    assert b"identical: yes" in seen


# --- what it prints


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in ((["--help"], "verify"), (["diff", "--help"], "--seed"), (["--version"], "rusted-ring")):
        assert cli.main(arguments) == 0
        printed = capsys.readouterr()
        assert words in printed.out
        assert printed.err == ""


@pytest.mark.clause("RING-5", "RING-12", "RING-15", "PTR-7")
def test_replay_prints_a_row_a_consumer_and_the_verdict(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(trace), "--slow-consumer", "--capacity", "32", "--batch", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("session.json.gz: editing trace")
    assert lines[1].startswith("200 events of ")
    header = next(number for number, line in enumerate(lines) if line.startswith("backend"))
    assert lines[header].split() == [
        *("backend", "route", "consumer", "delivered", "skipped", "max", "lag"),
        *("writer", "waits", "events/s", "identical"),
    ]
    rows = lines[header + 2 : header + 2 + 24]
    assert all(row.endswith(" yes") for row in rows)
    assert sum("(slow)" in row for row in rows) == 8
    assert any("was lapped, lost" in line for line in lines)
    assert "identical: yes (8 of 8 routes)" in lines


def test_replay_as_json(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--backend", "reference", "--route", "gated", "--route", "tokens", "--consumers", "2", "--threads"]
    assert cli.main(["replay", str(trace), "--json", *chosen]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["ok"] is True
    (found,) = values["inputs"]
    assert found["events"] == sum(found["classes"].values()) == 200
    assert [route["route"] for route in found["routes"]] == ["gated", "tokens"]
    for route in found["routes"]:
        assert route["ok"]
        assert [consumer["delivered"] for consumer in route["consumers"]] == [route["entries"]] * 2


FAULTY = """
from rusted_ring.reference import *
from rusted_ring.reference import Reader as _Reader

class Reader(_Reader):
    def next(self):
        event = super().next()
        if event is not None and self.cursor % 3 == 0:
            event = event._replace(data=event.data + b"!")
        return event
"""


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A backend in a module of its own: the reference, with one fault."""
    (tmp_path / "faulty_ring.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faulty_ring", raising=False)
    return "faulty_ring"


@pytest.mark.clause("RING-13")
def test_replay_on_a_faulty_backend_names_the_clause(
    trace: Path, faulty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["replay", str(trace), "--backend", faulty, "--route", "gated"]) == 1
    printed = capsys.readouterr().out
    assert "WRONG: faulty_ring, gated: " in printed
    assert "[RING-13: No event that a reader delivers is torn" in printed
    assert "identical: NO (0 of 1 routes)" in printed


def test_diff_agrees_and_repeats_from_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["diff", "--backend", "native", "--profile", "tiny", "--steps", "2000", "--json"]
    assert cli.main([*arguments, "--seed", "5"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert cli.main([*arguments, "--seed", "5"]) == 0
    second = json.loads(capsys.readouterr().out)
    for run in (*first["runs"], *second["runs"]):
        assert run.pop("seconds") > 0
        assert run.pop("rate") > 0
    assert first == second
    assert first["runs"][0]["steps"] >= 2000
    assert cli.main([*arguments, "--seed", "6"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["operations"] != first["runs"][0]["operations"]


def test_diff_prints_the_seed_that_it_drew(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "--backend", "reference", "--steps", "200"]) == 0
    printed = capsys.readouterr().out
    assert re.match(
        r"seed \d+; to repeat this run: rusted-ring diff --backend reference --profile all --steps 200", printed
    )
    assert [line.split()[0] for line in printed.splitlines()[3:6]] == ["tiny", "seed", "wide"]
    assert "never reached in" in printed


def test_diff_of_a_faulty_backend_prints_python_that_fails(faulty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "--backend", faulty, "--profile", "tiny", "--seed", "1"]) == 1
    printed = capsys.readouterr().out
    assert "DISAGREEMENT at the tiny profile" in printed
    assert re.search(r"^clause broken: RING-\d+: .+", printed, re.MULTILINE)
    snippet = printed.split("# --- this runs, and fails on this backend ---\n")[1].split("# --- end ---")[0]
    done = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, timeout=60, check=False, env=environment()
    )
    assert done.returncode == 1
    assert "AssertionError" in done.stderr
    mended = snippet.replace("faulty_ring", "rusted_ring.reference")
    done = subprocess.run(
        [sys.executable, "-c", mended], capture_output=True, text=True, timeout=60, check=False, env=environment()
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- verify


def all_but_the_spec(context: layers.Context) -> list[layers.Layer]:
    return [layer for layer in layers.layers(context) if layer.name != "spec"]


@pytest.mark.slow
def test_verify_ends_with_a_table_that_explains_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, trace: Path
) -> None:
    monkeypatch.setenv("RUSTED_RING_DATA", str(trace))
    monkeypatch.setattr(verify_run, "layers", all_but_the_spec)
    assert cli.main(["verify", "--quick", "--seed", "3"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^layer +verdict +time +share +figures$", printed, re.MULTILINE)
    found = re.search(r"^lock-step, tiny +passed +[\d.]+ s +(.+ %) +[\d,]+ operations, no disagreement", printed, re.M)
    assert found is not None
    assert found[1] == "0.5 %"
    assert re.search(r"^replay, session\.json\.gz +passed .* 8 of 8 routes identical", printed, re.MULTILINE)
    assert re.search(r"^C tests +skipped +[\d.]+ s +left out by --quick$", printed, re.MULTILINE)
    assert re.search(r"^lock-step +do native and the reference agree", printed, re.MULTILINE)
    said, _, not_run = printed.splitlines()[-1].partition("; not run: ")
    assert re.search(r"native does what the specification says, as far as the \d+ layers that ran can tell$", said)
    assert not_run.split("; ") == [
        "contracts",
        "explorer, axioms",
        "explorer, clients",
        "explorer, word steps",
        "explorer, every client",
        "explorer, orders",
        "proofs",
        "TLA+ models",
        "C tests",
        "seeded defects",
    ]


@pytest.mark.slow
def test_verify_fails_with_the_clause_where_a_backend_is_faulty(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, trace: Path, faulty: str
) -> None:
    monkeypatch.setenv("RUSTED_RING_DATA", str(trace))
    monkeypatch.setattr(verify_run, "layers", all_but_the_spec)
    assert cli.main(["verify", "--quick", "--json", "--backend", faulty]) == 1
    values = json.loads(capsys.readouterr().out)
    verdicts = {layer["layer"]: layer["verdict"] for layer in values["layers"]}
    assert verdicts["lock-step, tiny"] == "FAILED"
    assert verdicts["replay, session.json.gz"] == "FAILED"
    assert values["ok"] is False
    problems = [problem for layer in values["layers"] for problem in layer["problems"]]
    assert any("RING-" in problem for problem in problems)


def test_layer_that_breaks_off_fails_alone() -> None:
    def breaks() -> layers.Found:
        raise RuntimeError("no more")

    outcome = layer_processes.run_layer(layers.Layer("name", "question?", breaks))
    assert (outcome.verdict, outcome.problems) == ("FAILED", ["RuntimeError: no more"])


def never_found(does: Callable[[], object]) -> Callable[[], layers.Found]:
    """What a layer does that never has an answer. A function of this file could not be sent to another process."""
    return cast("Callable[[], layers.Found]", does)


def test_layer_whose_process_dies_fails_alone() -> None:
    dies = layers.Layer("dies", "question?", never_found(functools.partial(signal.raise_signal, signal.SIGKILL)))
    lives = layers.Layer("lives", "question?", functools.partial(layers.Found, "3 of 4 done", share=0.75))
    outcomes = layer_processes.run_layers([dies, lives], 2, report.Board())
    assert [(one.layer, one.verdict, one.figures) for one in outcomes] == [
        ("dies", "FAILED", "broke off"),
        ("lives", "passed", "3 of 4 done"),
    ]
    assert outcomes[0].problems == ["its process ended by SIGKILL before it had an outcome"]
    assert [verify_run.percent(one) for one in outcomes] == ["", "75 %"]


@pytest.mark.slow
def test_layer_that_ends_leaves_the_programs_of_the_others_alone() -> None:
    context = layers.Context("native", dataclasses.replace(layers.SIZES["default"], litmus=300), 0, checkout())
    explores = layers.Layer("explores", "question?", functools.partial(layers.explorer_axioms, context), 2)
    ends = [layers.Layer(f"ends {n}", "question?", functools.partial(layers.Found, "done")) for n in range(12)]
    outcomes = layer_processes.run_layers([explores, *ends], 2, report.Board())
    assert {(one.verdict, *one.problems) for one in outcomes} == {("passed",)}


def test_input_that_a_layer_cannot_use_ends_all(tmp_path: Path) -> None:
    gone = layers.Layer("gone", "question?", never_found(functools.partial(read_workload, tmp_path / "gone")))
    waits = layers.Layer("waits", "question?", never_found(functools.partial(time.sleep, 600)))
    begun = time.monotonic()
    with pytest.raises(InputError, match="no such file"):
        layer_processes.run_layers([gone, waits], 2, report.Board())
    assert time.monotonic() - begun < 60


@pytest.mark.slow
def test_layers_without_hypothesis_are_skipped_with_the_command_that_brings_it(trace: Path, tmp_path: Path) -> None:
    missing = tmp_path / "hypothesis.py"
    missing.write_text("raise ModuleNotFoundError(\"No module named 'hypothesis'\", name='hypothesis')\n")
    done = subprocess.run(
        [*COMMAND, "verify", "--quick", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(RUSTED_RING_DATA=str(trace), PYTHONPATH=str(tmp_path)),
    )
    values = json.loads(done.stdout)
    assert done.returncode == 0, [layer["problems"] for layer in values["layers"]]
    figures = {layer["layer"]: layer["figures"] for layer in values["layers"] if layer["verdict"] == "skipped"}
    for layer in ("lock-step, tiny", "explorer, axioms"):
        assert figures[layer].endswith("needs hypothesis: pip install 'rusted-ring[verify]'")


def test_contracts_without_crosshair_are_skipped_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "crosshair", None)
    context = layers.Context("native", layers.SIZES["default"], 0, None)
    layer = layers.Layer("contracts", "question?", functools.partial(layers.contracts, context))
    outcome = layer_processes.run_layer(layer)
    assert (outcome.verdict, outcome.figures) == ("skipped", "needs crosshair: pip install 'rusted-ring[verify]'")


def test_module_that_no_extra_brings_is_a_failure() -> None:
    def breaks() -> layers.Found:
        raise ModuleNotFoundError("No module named 'colour'", name="colour")

    outcome = layer_processes.run_layer(layers.Layer("name", "question?", breaks))
    assert (outcome.verdict, outcome.problems) == ("FAILED", ["ModuleNotFoundError: No module named 'colour'"])


def test_nothing_is_said_of_a_backend_if_no_layer_ran() -> None:
    skipped = layer_processes.Outcome("spec", "question?", "skipped", "no checkout", 0.0, [], {})
    assert verify_run.conclusion("native", [skipped]) == "no layer could run, so nothing is known of native"


def test_layer_that_cannot_run_says_why() -> None:
    def skips() -> layers.Found:
        raise layers.Skipped("no compiler")

    outcome = layer_processes.run_layer(layers.Layer("name", "question?", skips))
    assert (outcome.verdict, outcome.figures, outcome.problems) == ("skipped", "no compiler", [])


def test_input_is_found_in_the_environment_beside_the_checkout_or_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trace: Path
) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    monkeypatch.delenv("RUSTED_RING_DATA", raising=False)
    monkeypatch.chdir(root)
    context = layers.Context("reference", layers.SIZES["quick"], 0, None)
    assert [name for name, _ in layers.inputs(context)] == ["generated session"]
    beside = tmp_path / "shared" / "data"
    beside.mkdir(parents=True)
    (beside / "beside.json.gz").write_bytes(trace.read_bytes())
    assert [name for name, _ in layers.inputs(context)] == ["beside.json.gz"]
    monkeypatch.setenv("RUSTED_RING_DATA", str(trace))
    assert [name for name, _ in layers.inputs(context)] == ["session.json.gz"]
    monkeypatch.setenv("RUSTED_RING_DATA", str(trace.parent))
    assert [name for name, _ in layers.inputs(context)] == ["session.json.gz"]
    monkeypatch.setenv("RUSTED_RING_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="no such file or folder"):
        layers.inputs(context)


# --- endings


@pytest.mark.parametrize("what", ["diff", "replay", "replay in threads"])
@pytest.mark.slow
def test_ctrl_c_ends_with_one_line_and_status_130(what: str, tmp_path: Path) -> None:
    long = tmp_path / "long.jsonl"
    long.write_text("\n".join(json.dumps({"data": "x" * 50, "event_type": number}) for number in range(200_000)))
    arguments = ["replay", "--backend", "reference", "--slow-consumer", str(long)]
    if what == "diff":
        arguments = ["diff", "--backend", "native", "--profile", "seed", "--steps", "100000000"]
    elif what == "replay in threads":
        arguments.append("--threads")
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()  # it has begun
            time.sleep(1)
            assert process.poll() is None
            complaint = _interrupted(process)
        finally:
            process.kill()
    assert process.returncode == 130
    assert complaint.splitlines()[-1] == "rusted-ring: interrupted"
    assert "Traceback" not in re.sub(_LOST_INTERRUPT, "", complaint)


_LOST_INTERRUPT = r"(?s)Exception ignored in: ?\S* ?<function \w+\.__del__.*?\nKeyboardInterrupt: ?\n"
"""What Python writes of an interrupt that comes while an object's end runs: it does not pass it on."""


def _interrupted(process: "subprocess.Popen[str]") -> str:
    """Send SIGINT, again where one was lost in an object's end, and return what was written to stderr."""
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=10)[1]
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=10)[1]


def test_reader_that_has_seen_enough_gets_no_complaint(trace: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "replay", "--backend", "reference", "--json", str(trace)],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        env=environment(),
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == cli.BROKEN_PIPE


def test_main_returns_and_does_not_exit() -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert cli.main(["--help"]) == 0
        assert cli.main(["--nonsense"]) == 2
