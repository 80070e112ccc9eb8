"""Replays and differential runs with progress shown, and their results as tables, lines and JSON."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rusted_ring.verify import replay as engine
from rusted_ring.verify.clauses import SpecError, load_clauses
from rusted_ring.verify.documents import InputError, Workload
from rusted_ring.verify.extras import remedy
from rusted_ring.verify.report import print_table, progress

if TYPE_CHECKING:
    from rusted_ring.verify.diff import DiffReport

PROFILES = ("tiny", "seed", "wide")
"""The profiles of differential runs, in their order."""


# --- replay


def run_replay(backends: dict[str, Any], workload: Workload, settings: engine.Settings) -> list[engine.RouteResult]:
    """Send a workload over every route of every backend, with progress shown."""
    results: list[engine.RouteResult] = []
    for name, backend in backends.items():
        for route in settings.routes:
            with progress(f"{workload.name}: {name}, {route}") as update:

                def show(done: int, total: int, update: Callable[[int, int, str], None] = update) -> None:
                    update(done, total, "")

                results.append(engine.run_route(backend, name, workload, route, settings, show))
    return results


def replay_as_dict(workload: Workload, results: Sequence[engine.RouteResult]) -> dict[str, Any]:
    """Return a replay as JSON values."""
    return {
        "name": workload.name,
        "kind": workload.kind,
        "notes": workload.notes,
        "events": len(workload.events),
        "bytes": workload.payload_bytes,
        "classes": workload.classes(),
        "document_bytes": len(workload.expected),
        "routes": [result.as_dict() for result in results],
    }


def show_workload(workload: Workload) -> None:
    """Print what is about to be replayed."""
    print(f"{workload.name}: {workload.kind}")
    classes = "  ".join(f"{name} {count:,}" for name, count in workload.classes().items())
    print(f"{len(workload.events):,} events of {workload.payload_bytes:,} bytes: {classes}")
    print(f"document of {len(workload.expected):,} bytes")
    for note in workload.notes:
        print(f"note: {note}")
    sys.stdout.flush()


def show_results(results: Sequence[engine.RouteResult]) -> None:
    """Print a table with a row a consumer, and what went wrong."""
    columns = [
        "backend",
        "route",
        "consumer",
        "delivered",
        "skipped",
        "max lag",
        "writer waits",
        "events/s",
        "identical",
    ]
    rows: list[list[str]] = []
    for result in results:
        for number, consumer in enumerate(result.consumers):
            first = number == 0
            rows.append(
                [
                    result.backend if first else "",
                    result.route if first else "",
                    consumer.name,
                    f"{consumer.delivered:,}",
                    f"{consumer.skipped:,}",
                    f"{consumer.max_lag:,}",
                    f"{result.waits:,}" if first else "",
                    f"{result.rate:,.0f}" if first else "",
                    "yes" if consumer.identical else "NO",
                ]
            )
    print_table("", columns, rows, right=columns[3:8])
    for line in _replay_lines(results):
        print(line)
    print()


def _replay_lines(results: Sequence[engine.RouteResult]) -> list[str]:
    split = {(result.events, result.entries) for result in results if result.entries > result.events}
    lines = [
        f"split: {events:,} events are {entries:,} entries in a ring, whose slots are smaller"
        for events, entries in sorted(split)
    ]
    for result in results:
        where = f"{result.backend}, {result.route}"
        if result.left_out:
            lines.append(f"not run: {where}: {result.left_out}")
        for consumer in result.consumers:
            if consumer.skipped:
                lines.append(
                    f"{where}: consumer {consumer.name} was lapped, lost {consumer.skipped:,} entries and reread them"
                )
        for problem in result.problems:
            lines.append(f"WRONG: {where}: {problem.text}{clause_line(problem.clause)}")
    run = [result for result in results if not result.left_out]
    good = sum(result.ok for result in run)
    lines.append(f"identical: {'yes' if good == len(run) else 'NO'} ({good} of {len(run)} routes)")
    return lines


def clause_line(identifier: str) -> str:
    """Return the id and text of a clause, to stand after a sentence; empty where there is none."""
    if not identifier:
        return ""
    try:
        clause = load_clauses().get(identifier)
    except SpecError:
        clause = None
    return f" [{identifier}: {clause.text}]" if clause else f" [{identifier}]"


# --- diff


def run_diffs(backend: str, profiles: Sequence[str], steps: int, seed: int) -> list["DiffReport"]:
    """Run one profile after the other, with progress shown, up to the first disagreement.

    Raises:
        InputError: Hypothesis is not installed.
    """
    try:
        from rusted_ring.verify.diff import Progress, run_diff
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


def show_diffs(reports: Sequence["DiffReport"]) -> None:
    """Print a table with a row a profile, what was never reached, and the disagreement if there is one."""
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


def failure_lines(report: "DiffReport") -> list[str]:
    """Return a disagreement as lines: what, the clause broken, and the shrunk sequence as Python."""
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
