"""`rusted-ring explore`: options, exit status, what it prints; with an engine that answers what it is told to."""

import concurrent.futures
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest

from rusted_ring.verify import cli
from rusted_ring.verify.explorer import command as explorer_command
from rusted_ring.verify.explorer import running
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.processes import Deadline

Sample = Callable[[str], dict[str, Any]]


class CannotBuild(Exception):
    pass


class CannotRun(Exception):
    pass


@dataclass(frozen=True)
class RunOptions:
    keep_going: bool
    bound: int | None
    random: int | None
    pct: int | None
    seed: int | None
    replay: str | None
    trace: bool
    weak: bool
    wakeups: bool
    unroll: int | None
    standard: str
    in_c: bool
    callers: bool


def answer(*errors: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What the engine answers."""
    counts = {"executions": 1_234, "distinct": 1_234, "blocked": 5, "redundant": 0, "seconds": 0.25}
    return counts | {"exhaustive": not errors, "errors": list(errors)} | changes


@dataclass
class Engine:
    """An engine that remembers what it was asked."""

    says: dict[str, Any] | Exception = field(default_factory=answer)
    progress: Sequence[Mapping[str, Any]] = ()
    built: dict[str, Any] = field(default_factory=dict)
    ran: RunOptions | None = None
    executor: concurrent.futures.Executor | None = None
    deadline: Deadline = field(default_factory=Deadline)

    def build(
        self,
        sources: Sequence[Path],
        *,
        flags: Sequence[str],
        compiler: str | None,
        folder: Path,
        standard: str,
        deadline: Deadline,
    ) -> Path:
        self.deadline = deadline
        self.built = {
            "sources": list(sources),
            "flags": list(flags),
            "compiler": compiler,
            "folder": folder.is_dir(),
            "standard": standard,
        }
        if isinstance(self.says, CannotBuild):
            raise self.says
        return folder / "program"

    def run(
        self,
        program: Path,
        *,
        options: RunOptions,
        executor: concurrent.futures.Executor | None,
        progress: Callable[[Mapping[str, Any]], None] | None,
        deadline: Deadline,
    ) -> dict[str, Any]:
        assert program.name == "program"
        assert deadline is self.deadline
        self.ran, self.executor = options, executor
        if isinstance(self.says, Exception):
            raise self.says
        for now in self.progress:
            assert progress is not None
            progress(now)
        return self.says


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    fake = Engine()
    module = ModuleType("engine")
    vars(module).update(
        build=fake.build, run=fake.run, RunOptions=RunOptions, CannotBuild=CannotBuild, CannotRun=CannotRun
    )
    monkeypatch.setattr(explorer_command, "engine", module)
    return fake


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "mp.c"
    path.write_text("int main(void) { return 0; }\n")
    return path


def race(samples: Sample) -> dict[str, Any]:
    trace = samples("race")
    return {"kind": "data-race", "message": trace["error"]["message"], "replay": trace["replay"], "trace": trace}


# --- options


def test_options_reach_the_engine(engine: Engine, source: Path) -> None:
    chosen = ["--keep-going", "--bound", "1_000", "--timeout", "2.5", "--compiler", "clang"]
    assert cli.main(["explore", str(source), *chosen, "--", "-O2", "-DN=3", "--", "-x"]) == 0
    assert engine.built == {
        "sources": [source],
        "flags": ["-O2", "-DN=3", "--", "-x"],
        "compiler": "clang",
        "folder": True,
        "standard": "",
    }
    assert engine.ran == RunOptions(
        keep_going=True,
        bound=1_000,
        random=None,
        pct=None,
        seed=None,
        replay=None,
        trace=False,
        weak=True,
        wakeups=False,
        unroll=None,
        standard="c11",
        in_c=True,
        callers=False,
    )
    assert engine.deadline.left is not None
    assert 0 < engine.deadline.left <= 2.5
    assert engine.executor is None


@pytest.mark.clause("EXPLORE-26", "EXPLORE-27")
@pytest.mark.parametrize(
    ("words", "weak", "wakeups"), [([], True, False), (["--spurious"], True, True), (["--no-spurious"], False, False)]
)
def test_what_may_happen_for_no_reason(
    words: list[str], weak: bool, wakeups: bool, engine: Engine, source: Path
) -> None:
    assert cli.main(["explore", str(source), *words]) == 0
    assert engine.ran is not None
    assert (engine.ran.weak, engine.ran.wakeups) == (weak, wakeups)


@pytest.mark.clause("EXPLORE-34")
def test_the_standard_follows_the_first_file(engine: Engine, source: Path) -> None:
    other = source.with_suffix(".cc")
    other.touch()
    for files, words, standard, in_c in (
        ([source], [], "c11", True),
        ([other, source], [], "c++20", False),
        ([source, other], [], "c11", False),
        ([source], ["--std", "c++20"], "c++20", True),
        ([other], ["--std", "c11"], "c11", False),
    ):
        assert cli.main(["explore", *map(str, files), *words]) == 0
        assert engine.ran is not None
        assert (engine.ran.standard, engine.ran.in_c) == (standard, in_c)


def test_the_options_of_the_model_are_in_the_replay(
    engine: Engine, source: Path, samples: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.says = answer(race(samples))
    assert cli.main(["explore", str(source), "--no-spurious", "--unroll", "7", "--std", "c++20", "--", "-DX"]) == 1
    assert engine.ran is not None
    assert engine.ran.unroll == 7
    said = capsys.readouterr().out
    assert f"explore {source} --replay mp:1.0.1 --no-spurious --unroll 7 --std c++20 -- -DX" in said


def test_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explore", "--limits"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("A verdict rests on these")
    for words in ("inline assembly", "-fno-sanitize=thread", "not exhaustive for data races", "does not see"):
        assert words in said
    assert "%" not in said


def test_several_files_and_no_flags(engine: Engine, source: Path) -> None:
    other = source.with_name("other.c")
    other.touch()
    assert cli.main(["explore", str(source), str(other)]) == 0
    assert engine.built["sources"] == [source, other]
    assert engine.built["flags"] == []


def test_random_executions_have_a_seed_that_is_printed(
    engine: Engine, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.says = answer(exhaustive=False, covered="1234 executions drawn at random")
    assert cli.main(["explore", str(source), "--random", "1234", "--pct", "3"]) == 3
    assert engine.ran is not None
    assert (engine.ran.random, engine.ran.pct) == (1_234, 3)
    assert engine.ran.seed is not None
    assert f"not exhaustive: 1234 executions drawn at random (--seed {engine.ran.seed})" in capsys.readouterr().out
    assert cli.main(["explore", str(source), "--random", "9", "--seed", "7", "--json"]) == 3
    assert engine.ran.seed == 7
    assert json.loads(capsys.readouterr().out)["seed"] == 7


def test_workers_are_processes(engine: Engine, source: Path) -> None:
    assert cli.main(["explore", str(source), "--workers", "2"]) == 0
    assert isinstance(engine.executor, concurrent.futures.ProcessPoolExecutor)


def test_a_cluster_is_asked_through_its_own_executor(
    engine: Engine, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Client:
        def __init__(self, address: str, timeout: float) -> None:
            if not address.startswith("tcp://"):
                raise ValueError("no such protocol")
            asked.append(address)
            assert timeout > 0

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            asked.append("closed")

        def get_executor(self) -> concurrent.futures.Executor:
            return concurrent.futures.ThreadPoolExecutor(1)

    module = ModuleType("distributed")
    vars(module)["Client"] = Client
    monkeypatch.setitem(sys.modules, "distributed", module)
    assert cli.main(["explore", str(source), "--dask", "tcp://one:8786"]) == 0
    assert asked == ["tcp://one:8786", "closed"]
    assert isinstance(engine.executor, concurrent.futures.ThreadPoolExecutor)


def test_a_cluster_that_is_not_there_is_said_to_be(
    engine: Engine, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def client(*_: object, **__: object) -> None:
        raise OSError("timed out")

    module = ModuleType("distributed")
    vars(module)["Client"] = client
    monkeypatch.setitem(sys.modules, "distributed", module)
    assert cli.main(["explore", str(source), "--dask", "tcp://one:1"]) == 2
    assert "--dask: no scheduler answers at tcp://one:1: timed out" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(["explore", str(source), "--dask", "tcp://one:1"]) == 2
    assert "--dask: needs distributed: pip install 'rusted-ring[dask]'" in capsys.readouterr().err
    assert engine.ran is None


BAD_INPUT: dict[str, tuple[list[str], str]] = {
    "no file": ([], "nothing to explore: give the program's files, --crate DIR or --project DIR"),
    "missing file": (["{folder}/missing.c"], "missing.c: no such file"),
    "folder": (["{folder}"], "not a file"),
    "bound is no number": (["{good}", "--bound", "some"], "--bound: 'some' is not a whole number"),
    "no execution": (["{good}", "--bound", "0"], "--bound: 0 is below 1"),
    "bound and random": (["{good}", "--bound", "1", "--random", "1"], "--random: not allowed with argument --bound"),
    "replay and random": (["{good}", "--replay", "1", "--random", "1"], "--random: not allowed with argument --replay"),
    "depth without random": (["{good}", "--pct", "2"], "--pct: is for random executions"),
    "seed without random": (["{good}", "--seed", "2"], "--seed: is for random executions"),
    "replay by workers": (["{good}", "--replay", "x", "--workers", "2"], "runs one execution; leave --workers out"),
    "replay and keep going": (["{good}", "--replay", "x", "--keep-going"], "leave --keep-going out"),
    "empty replay": (["{good}", "--replay", " "], "--replay: is empty"),
    "workers and cluster": (["{good}", "--workers", "2", "--dask", "x"], "--dask: not allowed with argument --workers"),
    "no time": (["{good}", "--timeout", "0"], "--timeout: 0 is not above 0"),
    "time is no number": (["{good}", "--timeout", "nan"], "--timeout: nan is not above 0"),
    "page in no folder": (["{good}", "--html", "{folder}/none/page.html"], "--html: no such folder as"),
    "page is a folder": (["{good}", "--html", "{folder}"], "is a directory; give the name of a file"),
    "unknown option": (["{good}", "--frobnicate"], "unrecognized arguments: --frobnicate"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_what_cannot_be_used_is_one_clear_line(
    case: str, engine: Engine, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, complaint = BAD_INPUT[case]
    words = [word.format(folder=tmp_path, good=source) for word in arguments]
    assert cli.main(["explore", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert complaint in said.err
    assert said.err.count("\n") == 1
    assert engine.built == {}, "nothing was compiled"


@pytest.mark.parametrize(
    "refusal",
    [
        CannotBuild("mp.c does not compile: mp.c:1:5: error: expected ';'"),
        CannotBuild("needs a C compiler, and there is neither gcc nor clang"),
        CannotRun("mixed-size atomic accesses: 4 and 8 bytes at x\nuse one size"),
    ],
)
def test_what_cannot_be_run_is_one_clear_line(
    refusal: Exception, engine: Engine, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.says = refusal
    line = " ".join(str(refusal).split())
    assert cli.main(["explore", str(source)]) == 2
    assert capsys.readouterr().err == f"rusted-ring: {line}\n"
    assert cli.main(["explore", str(source), "--json"]) == 2
    content = json.loads(capsys.readouterr().out)
    assert content["cannot_run"] == line
    assert (content["ok"], content["executions"], content["exhaustive"], content["errors"]) == (False, 0, False, [])


def test_help_says_what_the_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explore", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "{FILE ... | --crate DIR | --project DIR} [options] [-- compiler flags]" in said
    assert "0 clean, 1 an error found, 2 cannot run, 3 clean but not every execution was covered" in said


# --- results


@pytest.mark.clause("EXPLORE-7")
def test_a_clean_program(engine: Engine, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explore", str(source)]) == 0
    assert engine.ran is not None
    assert capsys.readouterr().out.splitlines() == [
        "mp.c: 1,234 executions, 1,234 distinct, 5 blocked in 0.25 s; every execution was covered",
        "clean: no error in any execution",
    ]


@pytest.mark.clause("EXPLORE-7")
def test_clean_but_not_everything_covered(engine: Engine, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine.says = answer(exhaustive=False, covered="stopped after 1234 executions", redundant=2, seconds=4_321.0)
    assert cli.main(["explore", str(source), "--bound", "1234"]) == 3
    assert capsys.readouterr().out.splitlines() == [
        "mp.c: 1,234 executions, 1,234 distinct, 5 blocked, 2 redundant in 4,321 s; "
        "not exhaustive: stopped after 1234 executions",
        "clean so far: no error in the executions covered, but not every execution was covered",
    ]


def test_nothing_is_no_verdict(engine: Engine, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine.says = answer(exhaustive=False, covered="the time was up", executions=0, distinct=0, blocked=0)
    assert cli.main(["explore", str(source)]) == 3
    assert capsys.readouterr().out.splitlines()[1] == "no verdict: no execution was completed"
    engine.says = answer(executions=0, distinct=0, blocked=5)
    assert cli.main(["explore", str(source)]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "clean, but no execution completes: each of the 5 is blocked"
    engine.says = answer(executions=0, distinct=0, blocked=1)
    assert cli.main(["explore", str(source)]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "clean, but no execution completes: the only one is blocked"


@pytest.mark.clause("EXPLORE-7", "EXPLORE-12")
def test_what_is_bounded_and_cut_is_in_the_answer(
    engine: Engine, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.says = answer(exhaustive=False, cut=2, bounded=3, covered="words")
    assert cli.main(["explore", str(source), "--json"]) == 3
    content = json.loads(capsys.readouterr().out)
    assert (content["cut"], content["bounded"], content["covered"]) == (2, 3, "words")
    engine.says = answer(
        exhaustive=False, covered="not exhaustive for data races: the compiler removed accesses at a.c:1"
    )
    assert cli.main(["explore", str(source)]) == 3
    assert "0.25 s; not exhaustive for data races: the compiler" in capsys.readouterr().out


FOUND: dict[str, Any] = answer(exhaustive=False, cut=0, bounded=0, done=0.27)


@pytest.mark.clause("EXPLORE-7")
@pytest.mark.parametrize(
    ("found", "options", "words"),
    [
        ({"timed_out": True}, {}, "the time was up; about 27 % of the whole was covered, as far as can be guessed"),
        ({"timed_out": True, "done": 1.0}, {}, "the time was up; about 99 % of the whole was covered"),
        ({"timed_out": True, "done": 1e-9}, {}, "the time was up; less than 0.01 % of the whole was covered"),
        (
            {"timed_out": True, "executions": 0, "done": 1.0},
            {},
            "the time was up; no execution was completed, so that nothing was covered",
        ),
        ({"cut": 1}, {}, "1 execution was cut, being longer than the engine follows"),
        ({"bounded": 2}, {}, "2 executions were given up in a loop that goes on"),
        (
            {"bounded": 2},
            {"unroll": 3},
            "bounded: every loop was followed for 3 turns; 2 executions go further",
        ),
        ({"bounded": 1}, {"unroll": 1}, "bounded: every loop was followed for 1 turn; 1 execution goes further"),
        ({}, {"bound": 1_239}, "the bound of 1,239 executions was reached; about 27 %"),
        ({}, {"bound": 9_999}, ""),
        ({}, {"random": 9}, "1,239 random executions (uniform choices), 1,234 of them distinct"),
        ({"timed_out": True}, {"random": 9, "pct": 2}, "(PCT of depth 2), 1,234 of them distinct; the time was up"),
    ],
)
def test_what_was_covered_in_words(found: dict[str, Any], options: dict[str, Any], words: str) -> None:
    said = running._covered(FOUND | found, running.RunOptions(**options))
    assert words in said
    assert bool(said) is bool(words)
    if "cut" in found or "bounded" in found:
        assert "%" not in said


def test_an_error_is_shown_with_its_columns_and_how_to_replay_it(
    engine: Engine, source: Path, samples: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.says = answer(race(samples), executions=1, distinct=1)
    assert cli.main(["explore", str(source), "--compiler", "clang", "--", "-O1", "-DX=a b"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "mp.c: 1 execution, 1 distinct, 5 blocked in 0.25 s; "
        "not exhaustive: stopped at the first error, --keep-going goes on"
    )
    assert lines[1] == "ERROR data-race at mp.c:10: data is read by T2 while T1 writes it"
    assert any(line.startswith("> #5 ") and "read data = 42  <- #2" in line for line in lines)
    command = f"rusted-ring explore {source} --replay mp:1.0.1 --compiler clang -- -O1 '-DX=a b'"
    assert f"to replay: {command}" in lines


def test_every_error_is_listed_where_it_keeps_going(
    engine: Engine, source: Path, samples: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    leak = {"kind": "leak", "message": "64 bytes", "replay": "9", "file": str(source), "line": 1}
    engine.says = answer(race(samples), leak, exhaustive=True)
    assert cli.main(["explore", str(source), "--keep-going"]) == 1
    said = capsys.readouterr().out
    assert "every execution was covered" in said
    assert "ERROR data-race at mp.c:10" in said
    assert "ERROR leak at mp.c:1: 64 bytes" in said
    assert said.count("context switches") == 1, "only the first is drawn"


def test_json_is_one_object(engine: Engine, source: Path, samples: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    engine.says = answer(race(samples), {"kind": "deadlock", "message": "", "replay": "2"})
    assert cli.main(["explore", str(source), "--json"]) == 1
    said = capsys.readouterr()
    content = json.loads(said.out)
    assert said.err == ""
    assert content == {
        "command": "explore",
        "ok": False,
        "files": [str(source)],
        "executions": 1_234,
        "distinct": 1_234,
        "blocked": 5,
        "redundant": 0,
        "cut": 0,
        "bounded": 0,
        "standard": "c11",
        "seconds": 0.25,
        "exhaustive": False,
        "errors": [
            {
                "kind": "data-race",
                "message": "data is read by T2 while T1 writes it",
                "file": str(source),
                "line": 10,
                "replay": "mp:1.0.1",
            },
            {"kind": "deadlock", "message": "", "replay": "2"},
        ],
    }
    assert cli.main(["explore", str(source), "--json", "--trace"]) == 1
    assert json.loads(capsys.readouterr().out)["errors"][0]["trace"] == samples("race")


def test_a_passing_run_can_be_looked_at(
    engine: Engine, source: Path, samples: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passing = samples("buffering") | {"error": None}
    engine.says = answer(trace=passing)
    page = tmp_path / "page.html"
    assert cli.main(["explore", str(source), "--trace", "--html", str(page)]) == 0
    assert engine.ran is not None
    assert engine.ran.trace
    said = capsys.readouterr().out
    assert "load x = 0 acq  <- init, not #2" in said
    assert f"to replay: rusted-ring explore {source} --replay sb:0.0" in said
    assert f"page: {page}" in said
    assert "mp.c: one execution, nothing wrong in it" in page.read_text()


def test_the_page_of_a_counterexample(
    engine: Engine, source: Path, samples: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.says = answer(race(samples))
    page = tmp_path / "page.html"
    assert cli.main(["explore", str(source), "--html", str(page), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["errors"]
    assert "<title>mp.c: data-race at mp.c:10</title>" in page.read_text()


def test_an_error_without_an_execution_is_still_told(
    engine: Engine, source: Path, samples: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = race(samples)
    broken["trace"]["events"][0].pop("hb")
    engine.says = answer(broken)
    page = tmp_path / "page.html"
    assert cli.main(["explore", str(source), "--html", str(page)]) == 1
    said = capsys.readouterr()
    assert "ERROR data-race: data is read by T2 while T1 writes it" in said.out
    assert "the execution cannot be shown: events[0]: hb is missing" in said.out
    assert "no page: events[0]: hb is missing" in said.err
    assert not page.exists()
    engine.says = answer()
    assert cli.main(["explore", str(source), "--html", str(page)]) == 2
    assert "--html: no execution was completed" in capsys.readouterr().err


def test_progress_goes_to_stderr(
    engine: Engine, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explorer_command, "_PLAIN_SECONDS", 0.0)
    engine.progress = [
        {"executions": 2_000, "seconds": 0.5},
        {"executions": 900_000, "blocked": 4, "seconds": 3.0, "done": 0.001},
        {"executions": 4_000_000, "seconds": 40.0, "done": 0.125},
    ]
    assert cli.main(["explore", str(source), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["ok"]
    assert said.err.splitlines() == [
        "explored 2,000 executions, 4,000 a second, how many there are is not known",
        "explored 900,000 executions, 4 blocked, 300,000 a second, about 0.10% done, "
        "too little to say how long it takes",
        "explored 4,000,000 executions, 100,000 a second, about 12.5% done, about 5 min left by that",
    ]


def test_flags_are_parted_at_the_first_hyphens() -> None:
    assert explorer_command.split_flags(["a.c", "--json"]) == (["a.c", "--json"], [])
    assert explorer_command.split_flags(["a.c", "--", "-O2", "--", "x"]) == (["a.c"], ["-O2", "--", "x"])
    assert explorer_command.split_flags(["--"]) == ([], [])


def test_a_file_that_vanishes_is_refused(source: Path) -> None:
    options = cli._parser().parse_args(["explore", str(source)])
    source.unlink()
    with pytest.raises(InputError, match="no such file"):
        explorer_command.check(options)
