"""The necessity matrix from the command line: computed, and compared with the page or written to it.

`python -m rusted_ring.verify.necessity [--write] [--pages FOLDER] [--json]`, from a checkout, exits with 0 (the matrix
is complete, and the page is that of this run), 1 (otherwise) or 2 (could not run). `--find CELL` finds and records a
witness: it explores the client that `witnesses.toml` names for the cell, or the client of `--client`, until it fails.
If a search would take hours, `--begin` restricts it to executions that begin with the given events.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rusted_ring.verify.clients.language import ClientError
from rusted_ring.verify.explorer.engine import CannotBuild, CannotRun
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.necessity.matrix import COMPILER, RECORDED, make_matrix, with_smallest
from rusted_ring.verify.necessity.pages import PAGE, page_text, write_pages
from rusted_ring.verify.necessity.witnesses import record
from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.report import progress as show_progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute the matrix from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.necessity", description="Which orders are needed."
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE} instead of comparing with it")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write a page for each witness there")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--find", metavar="CELL", help=f"find a witness for a cell and record it in {RECORDED.name}")
    parser.add_argument("--client", metavar="LINE", help="with --find: the client, instead of the one recorded")
    parser.add_argument(
        "--begin", metavar="GRAPH", help="with --find: the first events of the executions to explore; empty for all"
    )
    options = parser.parse_args(arguments)
    if options.find is None and (options.client is not None or options.begin is not None):
        parser.error("--client and --begin: need --find")
    try:
        root = checkout()
        with (
            tempfile.TemporaryDirectory(prefix="rusted-ring-") as work,
            Explorer(root, Path(work), compiler=COMPILER) as explorer,
        ):
            if options.find is not None:
                return record(explorer, options.find, options.client, options.begin)
            with show_progress("necessity") as update:
                matrix = with_smallest(explorer, make_matrix(explorer, progress=update))
            pages = write_pages(explorer, matrix, options.pages) if options.pages else 0
    except (NoCheckout, CannotBuild, CannotRun, ClientError) as error:
        print(f"rusted-ring: {error}", file=sys.stderr)
        return 2
    problems = list(matrix.problems)
    text = page_text(matrix)
    path = root / PAGE
    if options.write:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        problems.append(f"{PAGE} is not that of this run: write it with --write, and review the difference")
    figures = matrix.as_dict() | {"problems": problems}
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        for problem in problems:
            print(f"FAIL: {problem}")
        print(
            f"{figures['cells']} cells: {figures['witnessed']} with a witness, {figures['recorded']} with a recorded "
            f"one, {figures['proved']} with a proof; "
            f"{figures['widths']} widths; {pages} pages; {figures['seconds']} s"
        )
    return 1 if problems else 0
