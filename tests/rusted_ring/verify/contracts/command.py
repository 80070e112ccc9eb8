"""The PEP 316 contracts of the reference and the vocabulary, checked by CrossHair and judged by counts.

`crosshair check` exits with 0 even if it could not confirm a condition, so its exit status is no verdict. This command
first lists every condition in the source, then reads the output of `--report_all` and gives each condition one verdict.
The run fails if:

- a condition is refuted;
- a condition is not confirmed and `contracts.toml` does not list it with a reason;
- an entry of `contracts.toml` names no condition, or a function that must be confirmed is not.

`python -m rusted_ring.verify.contracts [--json]` prints a table and exits with 0 (passed), 1 (failed) or 2 (could not
run).
"""

import argparse
import json
import sys
from collections.abc import Sequence

from rusted_ring.verify.contracts.checking import SECONDS_A_CONDITION, ContractsReport, run_contracts
from rusted_ring.verify.contracts.verdicts import Finding, Verdict


def table(report: ContractsReport) -> str:
    """The report as text: one line a function, the unconfirmed conditions, the problems, and a final line."""
    functions: dict[str, list[Finding]] = {}
    for finding in report.findings:
        functions.setdefault(finding.condition.function, []).append(finding)
    width = max(map(len, functions), default=8)
    rows = [f"{'function':<{width}}  confirmed  refuted  not confirmed"]
    for function, findings in functions.items():
        confirmed = sum(finding.verdict is Verdict.CONFIRMED for finding in findings)
        refuted = sum(finding.verdict is Verdict.REFUTED for finding in findings)
        rows.append(f"{function:<{width}}  {confirmed:>9}  {refuted:>7}  {len(findings) - confirmed - refuted:>13}")
    totals = report.as_dict()
    rows.append(f"{'all':<{width}}  {totals['confirmed']:>9}  {totals['refuted']:>7}  {totals['not_confirmed']:>13}")
    for finding in report.findings:
        if finding.verdict not in (Verdict.CONFIRMED, Verdict.REFUTED):
            condition = finding.condition
            rows.append(f"{finding.verdict.value}: {condition.function}: {condition.shown}")
    rows += [f"note: {note}" for note in report.notes]
    rows += [f"FAIL: {problem}" for problem in report.problems]
    verdict = "contracts hold" if report.ok else f"{len(report.problems)} problem(s)"
    rows.append(f"{verdict}: {len(report.findings)} conditions of {len(functions)} functions in {report.seconds:.0f} s")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the contracts from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.contracts",
        description="Check the reference's contracts by CrossHair and judge them by counts.",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--seconds", type=float, default=SECONDS_A_CONDITION, help="processor seconds a condition")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"--seconds is {options.seconds}: it must be above 0")

    def progress(done: int, every: int, function: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{done}/{every} {function}", end="" if done < every else "\n", file=sys.stderr, flush=True)

    try:
        report = run_contracts(seconds=options.seconds, progress=progress)
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=1) if options.json else table(report))
    return 0 if report.ok else 1
