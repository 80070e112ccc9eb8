"""The process that runs a differential run of a backend, so that another process can detect a crash [ERR-1]."""

import dataclasses
import json
import os
import sys
from typing import Any

from rusted_ring.verify.lockstep.differential import run_here, verdict_in_fork
from rusted_ring.verify.lockstep.machine import Run
from rusted_ring.verify.lockstep.reports import Progress
from rusted_ring.verify.lockstep.sequences import Journal, Program, shrink
from rusted_ring.verify.support.backend import BackendError, load_backend


def main() -> None:
    """Run the command of the JSON argument, and write JSON lines to the pipe that it names."""
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    pipe = arguments["pipe"]

    def send(message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(pipe, data) :]

    try:
        backend = load_backend(arguments["backend"])
    except BackendError as error:
        send({"error": str(error)})
        return
    send({"started": True})
    if arguments["do"] == "run":
        run(arguments, backend, send)
    else:
        make_smaller(arguments, backend, send)


def run(arguments: dict[str, Any], backend: Any, send: Any) -> None:
    """Make the run and send its report."""

    def told(now: Progress) -> None:
        send({"progress": dataclasses.asdict(now)})

    report = run_here(
        backend,
        arguments["backend"],
        profile=arguments["profile"],
        steps=arguments["steps"],
        seed=arguments["seed"],
        progress=told,
        shrink_seconds=arguments["shrink_seconds"],
        journal=Journal(arguments["journal"]),
        forked=True,
    )
    send({"report": report.to_json()})


def make_smaller(arguments: dict[str, Any], backend: Any, send: Any) -> None:
    """Shrink a program that crashes or hangs, and send it."""
    program: Program = [(number, tuple(given)) for number, given in arguments["program"]]
    run_of_none = Run(backend, arguments["profile"], name=arguments["backend"])

    def fails(candidate: Program) -> bool:
        return verdict_in_fork(run_of_none, candidate, seconds=arguments["hang_after"]) in ("crash", "hang")

    if fails(program):
        program = shrink(program, fails, seconds=arguments["shrink_seconds"])
    send({"program": program})


if __name__ == "__main__":
    main()
