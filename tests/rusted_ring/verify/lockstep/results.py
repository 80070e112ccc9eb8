"""Differential runs with progress shown, and their results as tables and lines."""

from collections.abc import Callable, Sequence

from rusted_ring.verify.lockstep.reports import DiffReport, Progress
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.extras import remedy
from rusted_ring.verify.support.report import print_table, progress


def run_diffs(backend: str, profiles: Sequence[str], steps: int, seed: int) -> list[DiffReport]:
    """Run one profile after the other, with progress shown, up to the first disagreement.

    Raises:
        InputError: Hypothesis is not installed.
    """
    try:
        from rusted_ring.verify.lockstep.differential import run_diff  # with Hypothesis, which may be missing
    except ModuleNotFoundError as error:
        needs = remedy(error.name)
        if needs is None:
            raise
        raise InputError(f"a differential run {needs}") from None
    reports: list[DiffReport] = []
    for profile in profiles:
        with progress(f"{backend} against the reference, {profile}") as update:

            def show(now: Progress, update: Callable[[int, int, str], None] = update) -> None:
                reached = f"clauses {now.clauses}/{now.clauses_expected}, errors {now.errors}/{now.errors_expected}"
                words = (
                    "found a disagreement, making it smaller"
                    if now.shrinking
                    else f"{now.rate:,.0f} steps/s, {reached}"
                )
                update(min(now.steps, now.total), now.total, words)

            reports.append(run_diff(backend, profile=profile, steps=steps, seed=seed, progress=show))
        if not reports[-1].agrees:
            break
    return reports


def show_diffs(reports: Sequence[DiffReport]) -> None:
    """Print a table with a row for each profile, what was never reached, and the disagreement if there is one."""
    columns = ["profile", "steps", "steps/s", "clauses reached", "errors reached", "agrees"]
    rows: list[list[str]] = []
    for report in reports:
        clauses, errors = len(report.clauses), len(report.errors)
        rows.append(
            [
                report.profile.lower(),
                f"{report.steps:,}",
                f"{report.rate:,.0f}",
                f"{clauses} of {clauses + len(report.never_reached)}",
                f"{errors} of {errors + len(report.errors_never_reached)}",
                "yes" if report.agrees else "NO",
            ]
        )
    print_table("", columns, rows, right=columns[1:5])
    for report in reports:
        if report.not_offered:
            needs = sorted({need for lacking in report.not_offered.values() for need in lacking})
            print(f"{report.backend} does not offer, so not compared: {', '.join(needs)}")
            break
    for report in reports:
        never = [*report.never_reached, *report.errors_never_reached]
        if never and report.agrees:
            print(f"{report.profile.lower()}: never reached in {report.steps:,} steps: {', '.join(never)}")
    for report in reports:
        if report.failure is not None:
            print("\n".join(failure_lines(report)))


def failure_lines(report: DiffReport) -> list[str]:
    """Return a disagreement as lines: the difference, the clause broken, and the shrunk program as Python."""
    failure = report.failure
    if failure is None:
        return []
    return [
        "",
        f"{failure.kind.upper()} at the {report.profile.lower()} profile, "
        f"made smaller from {failure.steps_before} steps to {failure.steps}",
        f"clause broken: {failure.clause}: {failure.clause_text}",
        *(line for line in failure.message.splitlines() if line.strip()),
        "# --- this runs, and fails on this backend ---",
        failure.script.rstrip("\n"),
        "# --- end ---",
    ]
