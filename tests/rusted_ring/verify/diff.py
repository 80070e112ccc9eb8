"""A differential run: the reference and a backend in lock-step for many steps, and what came of it [ERR-1].

A backend in C can crash or hang, so it runs in a process of its own (`rusted_ring.verify.diff_worker`), which writes
each step to a journal before it makes it; the process here watches, and turns a crash, a hang and a disagreement
alike into a script.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis import Phase, Verbosity, settings
from hypothesis import seed as with_seed
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from rusted_ring.verify.backend import BackendError, backend_name, load_backend
from rusted_ring.verify.clauses import SpecError, load_clauses
from rusted_ring.verify.coverage import expected_clauses, expected_errors
from rusted_ring.verify.lockstep import FINISH, Disagreement
from rusted_ring.verify.machine import Run, machine_class
from rusted_ring.verify.operation import Operation
from rusted_ring.verify.program import OPERATIONS, Journal, Program, Step, offered_operations, render, replay, shrink
from rusted_ring.verify.settings import ALL_HEALTH_CHECKS

PROFILES: Final = ("tiny", "seed", "wide")
BURSTS_AN_EXAMPLE: Final = {"TINY": 12, "SEED": 40, "WIDE": 40}
EXAMPLES_A_ROUND: Final = 25
WORKER: Final = "rusted_ring.verify.diff_worker"
ALL_OPERATIONS: Final[Mapping[str, Operation]] = {**OPERATIONS, FINISH.name: FINISH}


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        steps: steps made.
        total: steps asked for.
        seconds: time since the start.
        clauses: how many clauses were reached.
        clauses_expected: how many the run is expected to reach.
        errors: how many error classes were reached.
        errors_expected: how many the run is expected to reach.
        shrinking: whether a failure was found and is being made smaller.
    """

    steps: int
    total: int
    seconds: float
    clauses: int
    clauses_expected: int
    errors: int
    errors_expected: int
    shrinking: bool = False

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.steps / self.seconds if self.seconds else 0.0


@dataclasses.dataclass(frozen=True)
class Failure:
    """What a run failed with.

    Attributes:
        kind: `"disagreement"`, `"crash"`, `"hang"`, or `"flaky"` for a disagreement that did not come again.
        clause: the id of the clause that was broken.
        clause_text: its sentence, empty where the spec is not at hand.
        message: what differed.
        script: a Python snippet that runs and fails on the backend.
        steps: how many steps the shrunk program has.
        steps_before: how many the program had in which the failure was found.
    """

    kind: str
    clause: str
    clause_text: str
    message: str
    script: str
    steps: int
    steps_before: int


@dataclasses.dataclass(frozen=True)
class DiffReport:
    """What a differential run came to.

    Attributes:
        backend: the backend's name.
        profile: the profile's name, in capitals.
        seed: the seed that repeats the run.
        steps: steps made.
        examples: how often it began with an empty allocator.
        seconds: how long it took, shrinking included.
        rate: steps a second, without shrinking.
        clauses: how often each clause was checked, by its id.
        errors: how often each error was raised, by its name.
        operations: how often each operation was called, by its name.
        never_reached: clauses that the run was expected to reach and did not.
        errors_never_reached: errors that the run was expected to reach and did not.
        not_offered: what the backend lacks, by the operation that was therefore left out.
        failure: what it failed with, or None.
    """

    backend: str
    profile: str
    seed: int
    steps: int
    examples: int
    seconds: float
    rate: float
    clauses: dict[str, int]
    errors: dict[str, int]
    operations: dict[str, int]
    never_reached: list[str]
    errors_never_reached: list[str]
    not_offered: dict[str, list[str]]
    failure: Failure | None

    @property
    def agrees(self) -> bool:
        """Whether no difference was found."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """Return the report as values that JSON knows."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "DiffReport":
        """Return the report that `to_json` made the values of."""
        failure = values["failure"]
        return cls(**{**values, "failure": Failure(**failure) if failure else None})


Report = Callable[[Progress], None]


def run_diff(
    backend: Any,
    *,
    profile: str,
    steps: int,
    seed: int,
    progress: Report | None = None,
    isolate: bool | None = None,
    shrink_seconds: float = 20.0,
    hang_seconds: float = 15.0,
) -> DiffReport:
    """Drive the reference and a backend in lock-step until they disagree or the steps are made [ERR-1].

    Args:
        backend: a name for `load_backend`, or the namespace itself.
        profile: `"tiny"`, `"seed"` or `"wide"`.
        steps: how many operations to make, 1 or more.
        seed: decides everything that is drawn.
        progress: called a few times a second.
        isolate: run in a process of its own, so that a crash or a hang is a failure of the run and not of the caller;
            by default for every
            backend given by name but the reference.
        shrink_seconds: how long to look for a smaller failing program at the most.
        hang_seconds: how long without a sign of life before the backend counts as hanging.

    Returns:
        The report, a failure in it if there was one.

    Raises:
        TypeError: `steps` or `seed` is not an integer.
        ValueError: `profile` is none of the three, `steps` is below 1, or `isolate` is asked for without a name.
        BackendError: the backend cannot be found.
    """
    for argument, value, least in (("steps", steps, 1), ("seed", seed, 0)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{argument} must be an int, not {value!r}: give a number of {least} or more")
        if value < least:
            raise ValueError(f"{argument} is {value}: too small; give a number of {least} or more")
    if not isinstance(profile, str) or profile.lower() not in PROFILES:
        raise ValueError(f"profile is {profile!r}: not a profile; give one of {', '.join(PROFILES)}")
    profile = profile.upper()
    if isolate is None:
        isolate = isinstance(backend, str) and backend != "reference"
    if not isolate:
        namespace = load_backend(backend) if isinstance(backend, str) else backend
        name = backend if isinstance(backend, str) else backend_name(backend)
        return run_here(
            namespace,
            name,
            profile=profile,
            steps=steps,
            seed=seed,
            progress=progress,
            shrink_seconds=shrink_seconds,
            forked=False,
        )
    if not isinstance(backend, str):
        raise ValueError(
            f"backend is {backend!r}: only a backend given by its name can run in a process of its own; give the name"
        )
    return run_isolated(
        backend,
        profile=profile,
        steps=steps,
        seed=seed,
        progress=progress,
        shrink_seconds=shrink_seconds,
        hang_seconds=hang_seconds,
    )


def clause_text(clause: str) -> str:
    """Return a clause's sentence, or nothing where the spec is not at hand."""
    try:
        found = load_clauses().get(clause)
    except (SpecError, OSError):
        return ""
    return found.text if found is not None else ""


# In one process


def explore(run: Run, seed: int) -> bool:
    """Let Hypothesis draw examples until the steps are made or one fails; whether a failure was a steady one."""
    steady = True
    settings_of_a_round = settings(
        max_examples=EXAMPLES_A_ROUND,
        stateful_step_count=BURSTS_AN_EXAMPLE[run.profile],
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        suppress_health_check=ALL_HEALTH_CHECKS,
        print_blob=False,
    )
    machine = machine_class(run, bursts=True)
    round_number = 0
    while not run.done and run.failure is None:
        # A round of its own seed, since Hypothesis remembers all that one call has drawn.
        with_seed(seed * 1_000_003 + round_number)(machine)
        round_number += 1
        try:
            run_state_machine_as_test(machine, settings=settings_of_a_round)
        except Disagreement:
            pass
        except (HypothesisException, BaseExceptionGroup):
            if run.failure is None:
                raise
            steady = False
    return steady


def run_here(
    backend: Any,
    name: str,
    *,
    profile: str,
    steps: int,
    seed: int,
    progress: Report | None,
    shrink_seconds: float,
    journal: Journal | None = None,
    forked: bool = False,
) -> DiffReport:
    """Run in this process; with `forked`, try shrunk programs in forks of it, since they may crash."""
    start = time.monotonic()
    operations, missing = offered_operations(backend, profile)
    finish = [FINISH] if any(operation.group == "pools" for operation in operations) else []
    wanted = expected_clauses([*operations, *finish], profile)
    wanted_errors = expected_errors(operations, profile)

    def told(run: Run, *, shrinking: bool = False) -> None:
        if progress is not None:
            reached = run.coverage.clauses(ALL_OPERATIONS)
            progress(
                Progress(
                    steps=run.steps,
                    total=steps,
                    seconds=time.monotonic() - start,
                    clauses=len(wanted.intersection(reached)),
                    clauses_expected=len(wanted),
                    errors=len(wanted_errors.intersection(run.coverage.errors())),
                    errors_expected=len(wanted_errors),
                    shrinking=shrinking,
                )
            )

    run = Run(backend, profile, name=name, most_steps=steps, journal=journal, watch=told)
    steady = explore(run, seed)
    seconds = time.monotonic() - start
    failure = None
    if run.failure is not None:
        run.watch = lambda current: told(current, shrinking=True)
        failure = examine(run, *run.failure, steady=steady, seconds=shrink_seconds, forked=forked)
    run.watch = told
    told(run)
    return report_of(run, name, seed, seconds, time.monotonic() - start, wanted, wanted_errors, missing, failure)


def report_of(
    run: Run,
    name: str,
    seed: int,
    seconds: float,
    seconds_in_all: float,
    wanted: set[str],
    wanted_errors: set[str],
    missing: dict[str, list[str]],
    failure: Failure | None,
) -> DiffReport:
    """Put a run's figures together."""
    clauses = run.coverage.clauses(ALL_OPERATIONS)
    errors = run.coverage.errors()
    return DiffReport(
        backend=name,
        profile=run.profile,
        seed=seed,
        steps=run.steps,
        examples=run.examples,
        seconds=seconds_in_all,
        rate=run.steps / seconds if seconds else 0.0,
        clauses=clauses,
        errors=errors,
        operations=run.coverage.operations(),
        never_reached=sorted(wanted.difference(clauses)),
        errors_never_reached=sorted(wanted_errors.difference(errors)),
        not_offered=missing,
        failure=failure,
    )


def examine(run: Run, found: Disagreement, program: Program, *, steady: bool, seconds: float, forked: bool) -> Failure:
    """Repeat a failing program, make it smaller, and say what it broke."""

    def fails(candidate: Program) -> bool:
        run.look()
        if forked:
            return fails_in_fork(run, candidate)
        return replay(run.backend, run.profile, candidate, name=run.name) is not None

    kind = "disagreement" if steady else "flaky"
    if fails(program):
        smaller = shrink(program, fails, seconds=seconds)
        final = replay(run.backend, run.profile, smaller, name=run.name)
        if final is not None:
            return failure_of(kind, final, len(smaller), len(program))
    # It does not come again: the script of the first time is all there is, and a failure all the same.
    return failure_of("flaky", found, len(program), len(program))


def failure_of(kind: str, found: Disagreement, steps: int, steps_before: int) -> Failure:
    """Return a disagreement as a failure of a run."""
    message = found.message if kind == "disagreement" else f"{found.message} (it did not come again when repeated)"
    return Failure(
        kind=kind,
        clause=found.clause,
        clause_text=clause_text(found.clause),
        message=message,
        script=found.script,
        steps=steps,
        steps_before=steps_before,
    )


def fails_in_fork(run: Run, program: Program, *, seconds: int = 10) -> bool:
    """Whether a program disagrees, crashes or hangs, in a fork of this process."""
    return verdict_in_fork(run, program, seconds=seconds) != "agrees"


def verdict_in_fork(run: Run, program: Program, *, seconds: int = 10) -> str:
    """Return what a program does in a fork of this process: `"agrees"`, `"disagreement"`, `"crash"` or `"hang"`."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(seconds)
            status = 0 if replay(run.backend, run.profile, program, name=run.name) is None else 1
        finally:
            os._exit(status)
    _, code = os.waitpid(child, 0)
    if os.WIFSIGNALED(code):
        return "hang" if os.WTERMSIG(code) == signal.SIGALRM else "crash"
    return "agrees" if os.WEXITSTATUS(code) == 0 else "disagreement"


# In a process of its own


def worker_command(arguments: Mapping[str, Any]) -> list[str]:
    """Return the command of a worker process."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {WORKER} import main; main()"
    return [sys.executable, "-X", "faulthandler", "-c", code, json.dumps(arguments)]


@dataclasses.dataclass
class Watched:
    """What came of a worker process.

    Attributes:
        result: the value that it sent at its end, or None.
        hung: whether it was ended because it gave no sign of life.
        code: its exit status; negative for a signal.
        said: the end of what it wrote to its standard error.
    """

    result: dict[str, Any] | None
    hung: bool
    code: int
    said: str


def watch_worker(arguments: Mapping[str, Any], *, progress: Report | None, hang_seconds: float) -> Watched:
    """Run a worker to its end, passing its progress on."""
    reading, writing = os.pipe()
    result: dict[str, Any] | None = None
    hung = False
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            worker_command({**arguments, "pipe": writing}),
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=(writing,),
        )
        os.close(writing)
        try:
            with selectors.DefaultSelector() as selector, open(reading, "rb", buffering=0) as pipe:
                selector.register(pipe, selectors.EVENT_READ)
                rest = b""
                while True:
                    if not selector.select(hang_seconds):
                        hung = True
                        break
                    data = pipe.read(65_536)
                    if not data:
                        break
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        message = json.loads(line)
                        if "progress" in message:
                            if progress is not None:
                                progress(Progress(**message["progress"]))
                        else:
                            result = message
        finally:
            if hung or sys.exc_info()[0] is not None:
                process.kill()
            code = process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace")[-4_000:]
    return Watched(result, hung, code, said)


def run_isolated(
    backend: str,
    *,
    profile: str,
    steps: int,
    seed: int,
    progress: Report | None,
    shrink_seconds: float,
    hang_seconds: float,
) -> DiffReport:
    """Run in a worker process, and look into it if it crashes or hangs."""
    latest: list[Progress] = []

    def told(now: Progress) -> None:
        latest[:] = [now]
        if progress is not None:
            progress(now)

    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder:
        path = os.path.join(folder, "journal")
        arguments = {
            "backend": backend,
            "profile": profile,
            "steps": steps,
            "seed": seed,
            "journal": path,
            "shrink_seconds": shrink_seconds,
        }
        watched = watch_worker({"do": "run", **arguments}, progress=told, hang_seconds=hang_seconds)
        if watched.result is not None and "report" in watched.result:
            return DiffReport.from_json(watched.result["report"])
        if watched.result is not None:
            raise load_error(watched.result)
        if watched.code == 1 and not watched.hung:
            raise RuntimeError(f"the engine itself failed; this is a fault of rusted_ring.verify:\n{watched.said}")
        program = Journal.read(path) if pathlib.Path(path).exists() else []
        kind = "hang" if watched.hung else "crash"
        shrunk = watch_worker(
            {"do": "shrink", **arguments, "program": program, "hang_after": max(1, int(hang_seconds / 10))},
            progress=None,
            hang_seconds=max(hang_seconds, shrink_seconds) + 30,
        )
    smaller: list[Step] = program
    if shrunk.result is not None and "program" in shrunk.result:
        smaller = [(number, tuple(given)) for number, given in shrunk.result["program"]]
    seconds = time.monotonic() - start
    what = "gave no sign of life" if watched.hung else f"ended with {ended_with(watched.code)}"
    message = f"the backend {what} in the last step" + (
        f"; it said: {watched.said.strip()}" if watched.said.strip() else ""
    )
    failure = Failure(
        kind=kind,
        clause="ERR-1",
        clause_text=clause_text("ERR-1"),
        message=message,
        script=render(
            profile, smaller, backend, f"# The backend {what} in this last step or when the handles are let go."
        ),
        steps=len(smaller),
        steps_before=len(program),
    )
    done = latest[-1].steps if latest else 0
    return DiffReport(
        backend=backend,
        profile=profile,
        seed=seed,
        steps=done,
        examples=0,
        seconds=seconds,
        rate=latest[-1].rate if latest else 0.0,
        clauses={},
        errors={},
        operations={},
        never_reached=[],
        errors_never_reached=[],
        not_offered={},
        failure=failure,
    )


def load_error(result: Mapping[str, Any]) -> BackendError:
    """Return the error with which a worker could not begin."""
    return BackendError(str(result.get("error", "the backend could not be loaded")))


def told_by(said: str) -> str:
    """Return what a worker wrote before it ended, without the engine's own frames."""
    own = ("hypothesis", WORKER.replace(".", os.sep).rpartition(os.sep)[0], "<string>")
    lines = [line for line in said.splitlines() if line.strip() and not any(part in line for part in own)]
    return "\n".join(lines[:40])


def ended_with(code: int) -> str:
    """Return what an exit status means."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"


def total_counts(reports: list[DiffReport]) -> dict[str, int]:
    """Return how often several runs together checked each clause, by its id."""
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report.clauses)
    return dict(counts)
