"""`python -m rusted_ring.verify.model_checking CLIENT [--strict] [--html FILE]`: explore one client of the core.

Runs from a checkout and prints the first violation. Exit status: 0 clean, 1 a violation found, 2 cannot run.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import ClientError, parse
from rusted_ring.verify.explorer.columns import columns
from rusted_ring.verify.explorer.engine import (
    CannotBuild,
    CannotRun,
)
from rusted_ring.verify.explorer.page import render
from rusted_ring.verify.explorer.trace import parse as parse_trace
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.model_checking.shrinking import shrunk
from rusted_ring.verify.support.checkout import NoCheckout, checkout

# --- one client from the command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Explore one client; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.model_checking",
        description="Explore every execution of one client of the native core.",
    )
    parser.add_argument(
        "client", help="a line as rusted_ring.verify.clients.language describes it, or a name of the corpus"
    )
    parser.add_argument("--strict", action="store_true", help="count failures that narrow widths allow as violations")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the execution that fails as a page")
    options = parser.parse_args(arguments)
    named = {client.name: client for client in CLIENTS}
    try:
        client = named.get(options.client) or parse(options.client)
        with (
            tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder,
            Explorer(checkout(), Path(folder)) as explorer,
        ):
            explored = explorer.explore(client, strict=options.strict)
            violation, trace = explored.violation, None
            if violation is not None:
                violation = shrunk(explorer, violation, strict=options.strict)
                trace = parse_trace(explorer.trace(violation))
    except (ClientError, CannotBuild, CannotRun, NoCheckout) as error:
        print(f"rusted-ring: {error}", file=sys.stderr)
        return 2
    print(client.readable())
    print(
        f"{explored.executions:,} executions, {explored.distinct:,} distinct, {explored.blocked:,} blocked; "
        f"{explored.histories:,} histories judged"
    )
    if violation is None or trace is None:
        print("clean" if explored.exhaustive else "clean so far: not every execution was covered")
        return 0
    print(f"WRONG, with this client: {violation.client}\n{violation.kind}: {violation.message}\n")
    print("\n".join(columns(trace)))
    if options.html is not None:
        attempt = violation.message.splitlines() if violation.history is not None else None
        text = render(trace, title=str(violation.client), linearization=attempt, clause=violation.clause or None)
        options.html.write_text(text, encoding="utf-8")
    return 1
