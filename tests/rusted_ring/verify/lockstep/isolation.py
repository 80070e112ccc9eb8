"""A differential run in a process of its own: this process watches it and also detects crashes and hangs [ERR-1]."""

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
from collections.abc import Mapping
from typing import Any, Final

from rusted_ring.verify.lockstep.reports import DiffReport, Failure, Progress, Report, clause_text
from rusted_ring.verify.lockstep.sequences import (
    Journal,
    Step,
    render,
)
from rusted_ring.verify.support.backend import BackendError

WORKER: Final = "rusted_ring.verify.lockstep.worker"
_START_SECONDS: Final = 60.0
"""How long a worker may take for its imports, until its first sign of life, in seconds."""


# In a process of its own


def worker_command(arguments: Mapping[str, Any]) -> list[str]:
    """Return the command of a worker process."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {WORKER} import main; main()"
    return [sys.executable, "-X", "faulthandler", "-c", code, json.dumps(arguments)]


@dataclasses.dataclass
class Watched:
    """The outcome of a worker process.

    Attributes:
        result: the value that it sent at its end, or None.
        hung: whether it was killed because it gave no sign of life.
        code: its exit status; negative for a signal.
        said: the end of its standard error.
    """

    result: dict[str, Any] | None
    hung: bool
    code: int
    said: str


def watch_worker(arguments: Mapping[str, Any], *, progress: Report | None, hang_seconds: float) -> Watched:
    """Run a worker to its end and pass on its progress."""
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
                seconds = max(hang_seconds, _START_SECONDS)
                while True:
                    if not selector.select(seconds):
                        hung = True
                        break
                    data = pipe.read(65_536)
                    if not data:
                        break
                    seconds = hang_seconds
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        message = json.loads(line)
                        if "progress" in message:
                            if progress is not None:
                                progress(Progress(**message["progress"]))
                        elif "started" not in message:
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
    """Run in a worker process; if it crashes or hangs, shrink the program that it left in its journal."""
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
    """Return the error for a worker that could not load its backend."""
    return BackendError(str(result.get("error", "the backend could not be loaded")))


def told_by(said: str) -> str:
    """Return the last output of a worker, without the engine's own frames."""
    own = ("hypothesis", WORKER.replace(".", os.sep).rpartition(os.sep)[0], "<string>")
    lines = [line for line in said.splitlines() if line.strip() and not any(part in line for part in own)]
    return "\n".join(lines[:40])


def ended_with(code: int) -> str:
    """Return an exit status in words."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"
