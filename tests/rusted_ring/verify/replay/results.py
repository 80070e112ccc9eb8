"""Replays with progress shown, and their results as tables, lines and JSON."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from rusted_ring.verify.replay import outcomes, routes
from rusted_ring.verify.replay.documents import Workload
from rusted_ring.verify.support.clauses import clause_line
from rusted_ring.verify.support.report import print_table, progress

# --- replay


def run_replay(backends: dict[str, Any], workload: Workload, settings: outcomes.Settings) -> list[outcomes.RouteResult]:
    """Send a workload over every route of every backend, with progress shown."""
    results: list[outcomes.RouteResult] = []
    for name, backend in backends.items():
        for route in settings.routes:
            with progress(f"{workload.name}: {name}, {route}") as update:

                def show(done: int, total: int, update: Callable[[int, int, str], None] = update) -> None:
                    update(done, total, "")

                results.append(routes.run_route(backend, name, workload, route, settings, show))
    return results


def replay_as_dict(workload: Workload, results: Sequence[outcomes.RouteResult]) -> dict[str, Any]:
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
    """Print a description of the workload."""
    print(f"{workload.name}: {workload.kind}")
    classes = "  ".join(f"{name} {count:,}" for name, count in workload.classes().items())
    print(f"{len(workload.events):,} events of {workload.payload_bytes:,} bytes: {classes}")
    print(f"document of {len(workload.expected):,} bytes")
    for note in workload.notes:
        print(f"note: {note}")
    sys.stdout.flush()


def show_results(results: Sequence[outcomes.RouteResult]) -> None:
    """Print a table with a row for each consumer, and the problems."""
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


def _replay_lines(results: Sequence[outcomes.RouteResult]) -> list[str]:
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
