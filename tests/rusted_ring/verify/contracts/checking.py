"""Checks every condition by CrossHair, one function at a time."""

import concurrent.futures
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence

from rusted_ring.verify.contracts.conditions import Condition, conditions_of_modules, module_names
from rusted_ring.verify.contracts.verdicts import (
    Finding,
    Listing,
    Verdict,
    judge,
    match_messages,
    parse_output,
    read_listing,
)
from rusted_ring.verify.support import extras

SECONDS_A_CONDITION = 12.0
SECONDS_A_LISTED_CONDITION = 2.0
PROCESSES = 2


@dataclasses.dataclass(frozen=True)
class ContractsReport:
    """The findings, the number of all conditions, the problems and notes, and the duration in seconds."""

    findings: tuple[Finding, ...]
    every: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """True if there are no problems."""
        return not self.problems

    def count(self, *verdicts: Verdict) -> int:
        """How many conditions have one of the verdicts."""
        return sum(finding.verdict in verdicts for finding in self.findings)

    def as_dict(self) -> dict[str, object]:
        """The report as JSON values."""
        return {
            "layer": "contracts",
            "ok": self.ok,
            "conditions": self.every,
            "checked": len(self.findings),
            "functions": len({finding.condition.function for finding in self.findings}),
            "confirmed": self.count(Verdict.CONFIRMED),
            "refuted": self.count(Verdict.REFUTED),
            "not_confirmed": self.count(Verdict.NOT_CONFIRMED, Verdict.UNREACHED, Verdict.SILENT),
            "seconds": round(self.seconds, 1),
            "problems": list(self.problems),
            "notes": list(self.notes),
            "findings": [
                {
                    "function": finding.condition.function,
                    "line": finding.condition.line,
                    "condition": finding.condition.shown,
                    "verdict": finding.verdict.value,
                    "message": finding.text,
                }
                for finding in self.findings
            ],
        }


def check_function(function: str, conditions: Sequence[Condition], seconds: float) -> list[Finding]:
    """Run `crosshair check` on one function, in a process of its own.

    Args:
        function: its full name.
        conditions: its conditions.
        seconds: the processor time limit of each condition.
    """
    command = [sys.executable, "-m", "crosshair", "check", "--report_all", "--analysis_kind", "PEP316"]
    command += ["--per_condition_timeout", str(seconds), "--per_path_timeout", str(seconds / 2), function]
    # The module may come from PYTHONPATH or from a directory on the path of this process only.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"}
    limit = 30 + 4 * seconds * len(conditions)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return match_messages(conditions, [], remark=f"CrossHair was stopped after {limit:.0f} s")
    complaint = (done.stderr.strip().splitlines() or [f"CrossHair said nothing and exited with {done.returncode}"])[-1]
    return match_messages(conditions, parse_output(done.stdout), remark=complaint)


def run_contracts(
    modules: Iterable[str] | None = None,
    *,
    listing: Listing | None = None,
    processes: int = PROCESSES,
    seconds: float = SECONDS_A_CONDITION,
    share: int = 1,
    part: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> ContractsReport:
    """Check every contract of the modules and judge the verdicts.

    Args:
        modules: names of modules; those of the reference by default.
        listing: the conditions that may stay unconfirmed, and those that must not; by default `contracts.toml`.
        processes: how many CrossHair processes run at once.
        seconds: the processor time limit of a condition; a condition that is listed as not confirmed gets less.
        share: into how many parts the functions are divided.
        part: which of the parts is checked, from 0.
        progress: called with (functions done, functions, name) after each function.

    Raises:
        ModuleNotFoundError: CrossHair is not installed.
    """
    extras.require("crosshair")
    begun = time.monotonic()
    chosen = read_listing() if listing is None else listing
    every = conditions_of_modules(module_names() if modules is None else modules)
    functions = {function: every[function] for function in sorted(every)[part::share]} if share > 1 else every
    if share > 1:
        chosen = chosen.restricted(functions, every)

    def check(function: str) -> list[Finding]:
        conditions = functions[function]
        hopeless = all(chosen.reason(condition) is not None for condition in conditions)
        return check_function(function, conditions, min(seconds, SECONDS_A_LISTED_CONDITION) if hopeless else seconds)

    findings: dict[str, list[Finding]] = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
        # Functions with many conditions go first, so that the last process does not run alone for long.
        order = sorted(functions, key=lambda function: -len(functions[function]))
        running = {executor.submit(check, function): function for function in order}
        for number, future in enumerate(concurrent.futures.as_completed(running), start=1):
            findings[running[future]] = future.result()
            if progress is not None:
                progress(number, len(running), running[future])
    ordered = [finding for function in functions for finding in findings[function]]
    problems, notes = judge(ordered, chosen)
    conditions = sum(len(found) for found in every.values())
    return ContractsReport(tuple(ordered), conditions, tuple(problems), tuple(notes), time.monotonic() - begun)
