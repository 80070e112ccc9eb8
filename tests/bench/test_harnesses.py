"""Building and running: each harness with programs that play its part, and the Python one itself."""

import json
import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rusted_ring.bench import contract, harnesses, machine, python_peers, run
from rusted_ring.bench.contract import Selection, select
from rusted_ring.bench.measured import Measured, Note, Round
from rusted_ring.bench.programs import ProgramFailed, Programs, telling_line
from rusted_ring.verify.support.checkout import NoCheckout


@pytest.fixture
def programs() -> Iterator[Programs]:
    with Programs() as found:
        yield found


def plays(path: Path, source: str) -> Path:
    """Write a program in Python."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{textwrap.dedent(source)}")
    path.chmod(0o755)
    return path


# --- programs


def test_program_that_ends_well_gives_what_it_printed(programs: Programs) -> None:
    code = "import os; print(os.environ['WORD'])"
    assert programs.run([sys.executable, "-c", code], 20, environment={"WORD": "hello"}) == "hello\n"


def test_program_that_fails_says_why_in_one_line(programs: Programs) -> None:
    code = "import sys; print('setting up'); sys.exit('setup.c:3: fatal error: boost.h: No such file\\nerror: gave up')"
    with pytest.raises(ProgramFailed, match=r"status 1: setup\.c:3: fatal error: boost\.h: No such file$"):
        programs.run([sys.executable, "-c", code], 20)


def test_program_that_is_not_there_is_named(programs: Programs, tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="nobody: cannot be started"):
        programs.run([tmp_path / "nobody"], 20)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_program_that_does_not_end_is_killed_with_its_children(programs: Programs, tmp_path: Path) -> None:
    code = f"""
        import subprocess, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        time.sleep(300)
    """
    with pytest.raises(ProgramFailed, match="did not end within 2 s"):
        programs.run([plays(tmp_path / "sleeper", code)], 2)
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_programs_of_other_threads_are_ended_on_leaving() -> None:
    failed: list[str] = []

    def build(programs: Programs) -> None:
        try:
            programs.run([sys.executable, "-c", "import time; time.sleep(300)"], 300)
        except ProgramFailed as error:
            failed.append(str(error))

    with Programs() as programs:
        thread = threading.Thread(target=build, args=(programs,))
        thread.start()
        while not programs._running:
            time.sleep(0.01)
    thread.join(10)
    assert not thread.is_alive()
    assert f"status {-signal.SIGKILL}" in failed[0]
    with pytest.raises(ProgramFailed, match="not started any more"):
        programs.run([sys.executable, "-c", ""], 20)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no word of why"),
        ("one\ntwo\n\n", "two"),
        ("\x1b[31merror\x1b[0m: no luck\nthe end", "error: no luck"),
        (
            "error: subprocess failed\n/usr/bin/ld: cannot find -lboost_system\n",
            "/usr/bin/ld: cannot find -lboost_system",
        ),
        ("error: " + "x" * 300, "error: " + "x" * 193 + "..."),
    ],
)
def test_telling_line_is_the_one_that_says_what_went_wrong(text: str, line: str) -> None:
    assert telling_line(text) == line


# --- harnesses

C_PROGRAM = """
names = ["limit-round-trip/machine", "stream/native/payload=64/batch=1/capacity=1024/mode=gated", *{more}]
if "--benchmark_list_tests=true" in sys.argv:
    print("".join(name + "/manual_time\\n" for name in names))
else:
    benchmarks = [{{"name": name, "ns_per_event": 5.0}} for name in names]
    context = {{"cpus": "0,1", "stream/ck_ring/batch=64": "no bulk call"}}
    print(json.dumps({{"context": context, "benchmarks": benchmarks + {failed}}}))
"""


def c_harness(tmp_path: Path, programs: Programs, *, more: str = "[]", failed: str = "[]") -> harnesses.CHarness:
    measured = Measured(Selection(("limit-round-trip", "stream"), ("machine", "native", "ck_ring", "rte_ring")))
    harness = harnesses.CHarness(measured, harnesses.SMOKE, programs, tmp_path)
    plays(tmp_path / "c" / "bench_core", C_PROGRAM.format(more=more, failed=failed))
    harness.there = True
    return harness


def test_c_harness_reads_figures_the_round_trip_and_what_cannot_be(tmp_path: Path, programs: Programs) -> None:
    harness = c_harness(tmp_path, programs)
    ((title, step),) = harness.steps()
    one = Round()
    step(one)
    assert title == "C, two threads"
    assert set(one.figures) == {"limit-round-trip/machine", "stream/native/payload=64/batch=1/capacity=1024/mode=gated"}
    assert one.round_trips == {"c": 5.0}
    assert harness.measured.cannot == [Note("stream/ck_ring/batch=64", "no bulk call")]


def test_peer_that_cannot_run_is_missing_and_native_that_cannot_is_a_failure(
    tmp_path: Path, programs: Programs
) -> None:
    failed = '[{{"name": "stream/{}/payload=64/batch=1/capacity=1024", "error_occurred": True, "error_message": "no"}}]'
    harness = c_harness(tmp_path, programs, failed=failed.format("rte_ring"))
    harness.figures(harness.pairs())
    assert harness.measured.missing_peers() == {"rte_ring": "no"}
    harness = c_harness(tmp_path, programs, failed=failed.format("native"))
    with pytest.raises(ProgramFailed, match=r"stream/native/.*: no"):
        harness.figures(harness.pairs())


def test_figure_that_the_contract_does_not_know_is_refused_and_named(tmp_path: Path, programs: Programs) -> None:
    harness = c_harness(tmp_path, programs, more='["stream/nobody/payload=64/batch=1/capacity=1024"]')
    measured = harness.measured
    measured.rounds.append(Round())
    run.one_round(measured, harness.steps(), 1, 1, lambda *_: None)
    assert len(measured.failures) == 1
    assert measured.failures[0].startswith("C, two threads, round 1: figure 'stream/nobody/")
    assert measured.failures[0] in measured.lost()


def test_harness_that_fails_does_not_stop_the_others(tmp_path: Path, programs: Programs) -> None:
    harness = c_harness(tmp_path, programs)
    measured = harness.measured
    measured.rounds.append(Round())

    def broken(_: Round) -> None:
        raise ProgramFailed("java: did not end within 600 s")

    def unreadable(_: Round) -> None:
        raise KeyError("benchmarks")

    steps = [("Java", broken), ("Rust", unreadable), *harness.steps()]
    run.one_round(measured, steps, 1, 1, lambda *_: None)
    assert measured.failures == [
        "Java, round 1: java: did not end within 600 s",
        "Rust, round 1: its result cannot be read: KeyError('benchmarks')",
    ]
    assert "limit-round-trip/machine" in measured.rounds[0].figures


def test_harness_without_its_tool_is_missing_with_all_its_peers(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    measured = Measured(select(["stream", "memory"], ["ck_ring", "rtrb", "lmax-disruptor"]))
    every = harnesses.harnesses(measured, harnesses.SMOKE, programs, tmp_path)
    for harness in every:
        harness.prepare()
        assert not harness.steps()
    assert [harness.title for harness in every] == ["C", "Rust", "Java"]
    missing = measured.missing_peers()
    assert missing["rtrb"] == "the Rust harness cannot be built: no cargo on this machine"
    assert missing["lmax-disruptor"] == "the Java harness cannot be built: no mvn on this machine"
    assert missing["ck_ring"] == missing["c: native"] == missing["memory"] == missing["machine"]
    assert missing["ck_ring"] == "the C harness cannot be built: no cmake on this machine"
    assert measured.lost() == []


def test_c_harness_without_a_checkout_is_missing(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> Path:
        raise NoCheckout("no checkout here")

    monkeypatch.setattr(harnesses, "checkout", nowhere)
    monkeypatch.setattr(harnesses, "which", lambda program: program)
    measured = Measured(select(["pool"], ["glibc"]))
    harness = harnesses.CHarness(measured, harnesses.SMOKE, programs, tmp_path)
    harness.prepare()
    assert measured.missing["glibc"] == "the C harness cannot be built: no checkout here"
    assert harnesses.cache_folder().name


def test_rust_peers_that_cannot_be_built_are_left_out_one_by_one(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = plays(
        tmp_path / "rust" / "release" / "rusted-ring-bench-peers",
        """
        notes = {"missing": [{"case": "stream/rtrb/payload=64/batch=64/", "reason": "no"}], "notes": []}
        if "--notes" in sys.argv:
            print(json.dumps(notes))
        else:
            print("stream/rtrb/payload=64/batch=1/capacity=1024/mode=gated: benchmark\\n")
        """,
    )
    cargo = plays(
        tmp_path / "bin" / "cargo",
        f"""
        features = sys.argv[sys.argv.index("--features") + 1].split(",")
        with open({str(tmp_path / "calls")!r}, "a") as calls:
            print(*features, file=calls)
        if "disruptor" in features:
            sys.exit("error: failed to download disruptor")
        """,
    )
    monkeypatch.setattr(harnesses, "which", lambda _: str(cargo))
    measured = Measured(select(["stream"], ["rtrb", "disruptor-rs"]))
    harness = harnesses.RustHarness(measured, harnesses.SMOKE, programs, tmp_path)
    harness.prepare()
    assert measured.missing == {
        "disruptor-rs": "cannot be built: cargo: status 1: error: failed to download disruptor",
    }
    last = (tmp_path / "calls").read_text().splitlines()[-1].split()
    assert last == [feature for feature in harnesses.RustHarness.FEATURES if feature != "disruptor"]
    assert measured.listed == ["stream/rtrb/payload=64/batch=1/capacity=1024/mode=gated"]
    assert measured.cannot == [Note("stream/rtrb/payload=64/batch=64/", "no")]
    assert [title for title, _ in harness.steps()] == ["Rust"]
    assert built.is_file()


def test_criterion_figure_is_the_median_of_an_iteration_over_its_events(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "new"
    folder.mkdir(parents=True)
    (folder / "benchmark.json").write_text(json.dumps({"full_id": "stream/rtrb/x", "throughput": {"Elements": 4}}))
    (folder / "estimates.json").write_text(
        json.dumps({"median": {"point_estimate": 50.0}, "mean": {"point_estimate": 9}})
    )
    assert harnesses._criterion_figure(folder / "benchmark.json") == ("stream/rtrb/x", 12.5)


def test_jmh_figure_is_named_by_its_class_its_method_and_its_parameters() -> None:
    entry = {
        "benchmark": "rustedring.bench.LmaxDisruptor.stream",
        "params": {"mode": "gated", "capacity": "1024", "payload": "64", "batch": "1"},
        "primaryMetric": {"score": 80.5},
    }
    name, score = harnesses._jmh_figure(entry)
    assert (name, score) == ("stream/lmax-disruptor/payload=64/batch=1/capacity=1024/mode=gated", 80.5)
    assert contract.parse(name).peer == "lmax-disruptor"


def test_expression_finds_a_peer_and_not_another_whose_name_goes_on(tmp_path: Path, programs: Programs) -> None:
    import re

    harness = c_harness(tmp_path, programs)
    expression = re.compile(harness.expression([("ring", "rusted-ring-0.5.6"), ("limit-round-trip", "machine")]))
    assert expression.search("ring/rusted-ring-0.5.6/payload=64")
    assert expression.search("limit-round-trip/machine")
    assert not expression.search("ring/rusted-ring-0x5.6/payload=64")
    assert not expression.search("ring/rusted-ring-0.5.61/payload=64")
    assert not expression.search("xring/rusted-ring-0.5.6/payload=64")


def test_every_feature_of_the_rust_package_is_a_peer() -> None:
    import tomllib

    package = tomllib.loads((harnesses.SOURCES / "rust" / "Cargo.toml").read_text())
    assert set(package["features"]["default"]) == set(harnesses.RustHarness.FEATURES)
    assert set(harnesses.RustHarness.FEATURES.values()) < set(contract.PEERS)


def test_versions_of_crates_and_of_maven_are_those_of_the_build_files() -> None:
    versions = machine.versions()
    assert (versions["rusted-ring-0.3.2"], versions["rusted-ring-0.5.6"]) == ("0.3.2", "0.5.6")
    assert versions["lmax-disruptor"] == "4.0.0"
    assert versions["rtrb"].startswith("0.4.")
    assert set(versions) <= set(contract.PEERS)


# --- the Python harness itself


def test_cases_of_python_are_in_the_contract_and_all_of_it() -> None:
    figures = [contract.parse(name) for name in python_peers.cases()]
    pairs = {(figure.work, figure.peer) for figure in figures}
    wanted = {pair for pair in select().pairs("python") if pair[0] != "python-wake"}
    assert pairs == wanted
    for name, (peer, _) in python_peers.cases().items():
        assert contract.parse(name).peer == peer


@pytest.mark.parametrize(
    "name", [name for name, (peer, _) in python_peers.cases().items() if peer not in python_peers.MODULES]
)
def test_case_of_python_gives_back_what_it_was_given(name: str) -> None:
    case = python_peers.cases()[name][1]()
    payload = python_peers.payload_of(name, case)
    assert case.once() == payload
    case.loop(3)
    assert case.once() == payload


def test_python_harness_measures_what_is_asked_for_with_pyperf(tmp_path: Path, programs: Programs) -> None:
    pytest.importorskip("pyperf", reason="needs pyperf: pip install 'rusted-ring[bench]'")
    measured = Measured(select(["python-busy", "python-wake"], ["deque", "SimpleQueue"]))
    harness = harnesses.PythonHarness(measured, harnesses.SMOKE, programs, tmp_path)
    harness.prepare()
    assert not measured.missing
    ((_, step),) = harness.steps()
    one = Round()
    step(one)
    measured.rounds.append(one)
    assert measured.lost() == []
    assert set(one.figures) == set(measured.listed)
    assert all(0.5 < nanoseconds < 1e9 for nanoseconds in one.figures.values())


def test_case_that_gives_something_else_has_no_figure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyperf", reason="needs pyperf: pip install 'rusted-ring[bench]'")
    wrong = python_peers.Case(lambda _: None, lambda: b"something else")
    monkeypatch.setattr(python_peers, "cases", lambda: {"python-ring/native/payload=64": ("native", lambda: wrong)})
    before = os.sched_getaffinity(0)
    try:
        with pytest.raises(python_peers.WrongEvent, match="python-ring/native/payload=64: gave b'something else'"):
            python_peers.main(["--output", str(tmp_path / "out.json")])
    finally:
        os.sched_setaffinity(0, before)


def test_python_peer_that_cannot_be_fetched_is_missing(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyperf", reason="needs pyperf: pip install 'rusted-ring[bench]'")
    installed = harnesses._installed
    monkeypatch.setattr(harnesses, "_installed", lambda module: module not in ("ringbuf", "pip") and installed(module))
    measured = Measured(select(["python-ring"], ["ringbuf"]))
    harness = harnesses.PythonHarness(measured, harnesses.SMOKE, programs, tmp_path)
    harness.prepare()
    assert measured.missing_peers() == {
        "ringbuf": "cannot be installed: this Python has no pip: install ringbuf beside rusted-ring"
    }
    assert "python-ring/native/payload=64" in measured.listed


def test_bare_extension_is_built_and_gives_back_what_it_was_given(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyperf", reason="needs pyperf: pip install 'rusted-ring[bench]'")
    measured = Measured(select(["python-ring", "python-pointer"], ["bare-extension"]))
    harness = harnesses.PythonHarness(measured, harnesses.SMOKE, programs, tmp_path)
    harness.prepare()
    assert not measured.missing
    monkeypatch.syspath_prepend(str(tmp_path / "python"))
    for work in ("python-ring", "python-pointer"):
        name = f"{work}/bare-extension/payload=64"
        assert name in measured.listed
        case = python_peers.cases()[name][1]()
        case.loop(3_000)
        assert case.once() == python_peers.PAYLOAD


def test_bare_extension_is_missing_where_it_cannot_be_built(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyperf", reason="needs pyperf: pip install 'rusted-ring[bench]'")
    compiler = plays(tmp_path / "bin" / "cc", "sys.exit('fatal error: Python.h: No such file or directory')")
    monkeypatch.setattr(harnesses, "which", lambda _: str(compiler))
    measured = Measured(select(["python-ring"], ["bare-extension"]))
    harness = harnesses.PythonHarness(measured, harnesses.SMOKE, programs, tmp_path)
    harness.prepare()
    reason = "cannot be built: cc: status 1: fatal error: Python.h: No such file or directory"
    assert measured.missing_peers() == {"bare-extension": reason}
    assert "python-ring/native/payload=64" in measured.listed


# --- more rounds where the quartiles ask for them

NOISY_PROGRAM = """
names = ["limit-round-trip/machine"]
names += [f"stream/native/payload=64/batch={{b}}/capacity=1024/mode=gated" for b in (1, 64)]
names += ["limit-memcpy/machine/payload=64", "pool/native/payload=64/occupancy=0/threads=1"]
import re
asked = next(word for word in sys.argv if word.startswith("--benchmark_filter=")).partition("=")[2]
with open({calls!r}, "a") as calls:
    print(asked, file=calls)
lines = len(open({calls!r}).readlines())
names = [name for name in names if re.search(asked, name)]
noise = lines % 4 if {noisy!r} else 0
benchmarks = [{{"name": name, "ns_per_event": 5.0 + noise * ("batch=64" in name)}} for name in names]
print(json.dumps({{"context": {{}}, "benchmarks": benchmarks}}))
"""


def measured_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, noisy: bool, smoke: bool = False, rounds: int = 3
) -> Measured:
    def build(self: harnesses.CHarness) -> list[str]:
        plays(self.folder / "bench_core", NOISY_PROGRAM.format(calls=str(tmp_path / "calls"), noisy=noisy))
        return []

    monkeypatch.setattr(harnesses.CHarness, "build", build)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    works = ("limit-round-trip", "limit-memcpy", "pool", "stream")
    measured = Measured(Selection(works, ("machine", "native")), smoke=smoke)
    run.measure(measured, rounds, harnesses.SMOKE)
    return measured


def test_figure_with_wide_quartiles_gets_more_rounds_with_what_it_is_beside_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = measured_with(tmp_path, monkeypatch, noisy=True)
    assert [one.only is None for one in measured.rounds] == [True] * 3 + [False] * 3
    assert measured.rounds[-1].only == ["limit-round-trip/machine", "stream/native"]
    assert len(measured.values("stream/native/payload=64/batch=64/capacity=1024/mode=gated")) == run.MORE * 3
    assert len(measured.values("pool/native/payload=64/occupancy=0/threads=1")) == 3
    assert not [line for line in measured.lost() if "round" in line]
    capsys.readouterr()
    run.show_rounds(measured)
    printed = capsys.readouterr().out
    assert "3 rounds of everything, and up to 6 of 3 figures with wide quartiles\n" in printed
    assert "figures whose median is not known within 5%: 1; the limit is 2 times the rounds; " in printed
    assert "stream/native/payload=64/batch=64/capacity=1024/mode=gated (" in printed


@pytest.mark.parametrize(("noisy", "smoke"), [(False, False), (True, True)])
def test_steady_figures_and_smokes_get_no_more_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], noisy: bool, smoke: bool
) -> None:
    measured = measured_with(tmp_path, monkeypatch, noisy=noisy, smoke=smoke)
    assert [one.only for one in measured.rounds] == [None] * 3
    capsys.readouterr()
    if not noisy:
        run.show_rounds(measured)
        assert capsys.readouterr().out == ""
