"""A differential run: the reference and a backend in lock-step for many steps, with a report of the result [ERR-1].

A backend in C can crash or hang. So it runs in a process of its own (`lockstep.worker`), which writes each step to a
journal before it makes it. The process here watches (`lockstep.isolation`), and turns a crash, a hang and a
disagreement alike into a script.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import Phase, Verbosity, settings
from hypothesis import seed as with_seed
from hypothesis.errors import HypothesisException
from hypothesis.stateful import run_state_machine_as_test

from rusted_ring.verify.lockstep.coverage import expected_clauses, expected_errors
from rusted_ring.verify.lockstep.engine import FINISH
from rusted_ring.verify.lockstep.isolation import run_isolated
from rusted_ring.verify.lockstep.machine import Run, machine_class
from rusted_ring.verify.lockstep.registry import Operation
from rusted_ring.verify.lockstep.reports import PROFILES, DiffReport, Failure, Progress, Report, clause_text
from rusted_ring.verify.lockstep.sequences import (
    OPERATIONS,
    Journal,
    Program,
    offered_operations,
    replay,
    shrink,
)
from rusted_ring.verify.lockstep.templates import Disagreement
from rusted_ring.verify.support.backend import backend_name, load_backend
from rusted_ring.verify.support.hypothesis_profiles import ALL_HEALTH_CHECKS

BURSTS_AN_EXAMPLE: Final = {"TINY": 12, "SEED": 40, "WIDE": 40}
EXAMPLES_A_ROUND: Final = 25
ALL_OPERATIONS: Final[Mapping[str, Operation]] = {**OPERATIONS, FINISH.name: FINISH}


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
    """Drive the reference and a backend in lock-step until they disagree or all steps are done [ERR-1].

    Args:
        backend: a name for `load_backend`, or the namespace itself.
        profile: `"tiny"`, `"seed"` or `"wide"`.
        steps: how many operations to make, 1 or more.
        seed: the seed of all random draws.
        progress: called a few times a second.
        isolate: run in a process of its own, so that a crash or a hang is a failure of the run and not of the caller;
            by default for every backend given by name except the reference.
        shrink_seconds: the time limit of the search for a smaller failing program.
        hang_seconds: the time without a sign of life after which the backend counts as hanging.

    Returns:
        The report, with the failure if there was one.

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


# In one process


def explore(run: Run, seed: int) -> bool:
    """Let Hypothesis draw examples until all steps are done or one fails; return whether a failure is repeatable."""
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
        # Each round has a seed of its own, since Hypothesis remembers all that one call has drawn.
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
    """Return the report of a run."""
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
    """Repeat a failing program, shrink it, and return the failure."""

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
    # The failure does not repeat: report the script of the first time.
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
    """Return whether a program disagrees, crashes or hangs in a fork of this process."""
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


def total_counts(reports: list[DiffReport]) -> dict[str, int]:
    """Return how often several runs together checked each clause, by its id."""
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report.clauses)
    return dict(counts)
