"""The outcome of an exploration: the engine's answer as values, and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rusted_ring.verify.explorer.trace import Trace, TraceError, parse

CLEAN, ERROR, NOT_EXHAUSTIVE = 0, 1, 3
_LEAST_DONE = 0.01  # below this share, the remaining time is not estimated


@dataclass(frozen=True, slots=True)
class Found:
    """One error that the engine found.

    Attributes:
        kind: a word, such as `data-race`.
        message: a sentence.
        replay: the string that runs the execution again; may be empty.
        trace: the execution, or None if the engine returned none.
        unreadable: why the execution cannot be shown, or empty.
        file: the source file, empty if it is not known.
        line: the line in it, 0 if it is not known.
    """

    kind: str
    message: str
    replay: str
    trace: Trace | None
    unreadable: str
    file: str
    line: int

    @property
    def where(self) -> str:
        """Return the file and the line, to append to the kind; empty if they are not known."""
        return f" at {Path(self.file).name}:{self.line}" if self.file and self.line else ""

    @property
    def words(self) -> str:
        """Return the error in one line."""
        return f"{self.kind}{self.where}" + (f": {self.message}" if self.message else "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an exploration.

    Attributes:
        executions: complete executions that were run.
        distinct: how many of them are different.
        blocked: executions that could not complete: an assumption or a loop that waits was not satisfied.
        redundant: runs of executions that had been run before.
        seconds: how long it took.
        cut: executions that were cut off because they were longer than the engine follows.
        bounded: executions that were cut off because a loop had more iterations than `--unroll` allows.
        exhaustive: whether every execution was covered.
        covered: words on what was covered, if that is not everything.
        errors: the errors found.
        trace: the first execution, if it was asked for.
    """

    executions: int
    distinct: int
    blocked: int
    redundant: int
    cut: int
    bounded: int
    seconds: float
    exhaustive: bool
    covered: str
    errors: tuple[Found, ...]
    trace: Trace | None

    @property
    def status(self) -> int:
        """The exit status."""
        return ERROR if self.errors else CLEAN if self.exhaustive else NOT_EXHAUSTIVE


# --- the engine's answer


def read_outcome(raw: Mapping[str, Any]) -> Outcome:
    """Turn the engine's answer into values; an execution that cannot be read does not affect the rest."""
    trace, _ = _read_trace(raw.get("trace"))
    return Outcome(
        executions=raw["executions"],
        distinct=raw["distinct"],
        blocked=raw["blocked"],
        redundant=raw["redundant"],
        cut=raw.get("cut", 0),
        bounded=raw.get("bounded", 0),
        seconds=raw["seconds"],
        exhaustive=raw["exhaustive"],
        covered=raw.get("covered") or "",
        errors=tuple(_read_error(error) for error in raw["errors"]),
        trace=trace,
    )


def _read_trace(content: Any) -> tuple[Trace | None, str]:
    if content is None:
        return None, ""
    try:
        return parse(content), ""
    except TraceError as error:
        return None, str(error)


def _read_error(raw: Mapping[str, Any]) -> Found:
    trace, unreadable = _read_trace(raw.get("trace"))
    file, line = raw.get("file") or "", raw.get("line") or 0
    if not (file and line) and trace is not None and trace.fault is not None:
        known = [event for event in map(trace.by_id.__getitem__, trace.fault.events) if event.file and event.line]
        if known:
            file, line = known[0].file, known[0].line
    return Found(raw["kind"], raw.get("message") or "", raw.get("replay") or "", trace, unreadable, file, line)


def verdict(outcome: Outcome) -> str:
    """Return the verdict on a program in which no error was found."""
    if not outcome.exhaustive:
        if not outcome.executions:
            return "no verdict: no execution was completed"
        return "clean so far: no error in the executions covered, but not every execution was covered"
    if not outcome.executions:
        return f"clean, but no execution completes: {_counted(outcome.blocked)} blocked"
    return "clean: no error in any execution"


def _counted(blocked: int) -> str:
    return f"each of the {blocked:,} is" if blocked != 1 else "the only one is"


def progress_words(now: Mapping[str, Any]) -> str:
    """Return the progress of an exploration in words.

    The remaining time is computed from the share that is done, which is an estimate: a subtree counts as much as each
    of its siblings until it has been explored.

    Args:
        now: `executions` and, if the engine knows them, `blocked`, `seconds`, and `done` (0 to 1, estimated).
    """
    executions, seconds, done = now["executions"], now.get("seconds"), now.get("done")
    words = [f"explored {executions:,} executions"]
    if now.get("blocked"):
        words.append(f"{now['blocked']:,} blocked")
    if seconds:
        words.append(f"{executions / seconds:,.0f} a second")
    if done is None:
        words.append("how many there are is not known")
    elif done < _LEAST_DONE or not seconds:
        words.append(f"about {done:.2%} done, too little to say how long it takes")
    else:
        words.append(f"about {done:.1%} done, about {_duration(seconds * (1 - done) / done)} left by that")
    return ", ".join(words)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.0f} h"
