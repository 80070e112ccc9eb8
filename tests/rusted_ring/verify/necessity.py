"""The necessity matrix: for each atomic site of the core and each weaker order, what goes wrong, or why it stays.

`fill_matrix` of `exploring` weakens one site at a time. Here the answers become the page `spec/necessity.md`, which is
written from a run and never by hand, with a page for each witness. A site without a witness needs a reason in
`necessity.toml`; a reason for a site that has a witness, or for none, is out of date. Both fail a run [EXPLORE-9]. So
does a bound on generations or on the free list's version that has no witness and no reason: at small widths what these
bounds allow must really happen [WEAK-5, ALLOC-3].

`python -m rusted_ring.verify.necessity [--write] [--pages FOLDER] [--json]`, from a checkout, exits with 0 (complete,
and the page is that of this run), 1 (not) or 2 (could not run).
"""

import argparse
import concurrent.futures
import dataclasses
import html
import json
import re
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify.checkout import NoCheckout, checkout
from rusted_ring.verify.clients import Client, ClientError, parse
from rusted_ring.verify.engine import CannotBuild, CannotRun
from rusted_ring.verify.exploring import PROCESSES, Cell, Explorer, Site, Tried, Violation, fill_matrix, shrunk
from rusted_ring.verify.page import render
from rusted_ring.verify.report import progress as show_progress
from rusted_ring.verify.trace import parse as parse_trace

REASONS: Final = Path(__file__).with_name("necessity.toml")
PAGE: Final = "spec/necessity.md"
_LONGEST: Final = 160

_HEAD = """# Which orders are needed

This page is written by `python -m rusted_ring.verify.necessity --write` from a run of the explorer over the corpus of
clients, and compared with a new run in each CI run. For each atomic site of the core that is not relaxed, and each
weaker order, the compiled core was given that order at that one place. A row shows the smallest client found that goes
wrong then, and how, or the reason for which the order stays. In the site that CI builds, what goes wrong is a link to
that execution, event by event.

A client's line is read as `rusted_ring.verify.clients` says: the pool or ring, the setup, then each thread.

"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the matrix.

    Attributes:
        key: the site's name without its line, and the change: `pools.c claim_in_word rmw 1, acq_rel -> acq`.
        tried: what the run found.
        reason: why the order stays without a witness, or empty.
    """

    key: str
    tried: Tried
    reason: str


@dataclasses.dataclass(frozen=True)
class Width:
    """A width at which something bounded must go wrong, and the client that shows it.

    Attributes:
        name: `generation_bits = 1`, ...
        client: the client.
        violation: what was found, or None.
        executions: how many executions were run.
        exhaustive: whether these were all.
        expected: whether something must be found.
    """

    name: str
    client: Client
    violation: Violation | None
    executions: int
    exhaustive: bool
    expected: bool


@dataclasses.dataclass(frozen=True)
class Matrix:
    """The whole matrix, and what is not in order with it."""

    rows: tuple[Row, ...]
    widths: tuple[Width, ...]
    problems: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """Return the figures as JSON values."""
        return {
            "cells": len(self.rows),
            "witnessed": sum(row.tried.witness is not None for row in self.rows),
            "reasoned": sum(row.tried.witness is None and bool(row.reason) for row in self.rows),
            "widths": len(self.widths),
            "problems": list(self.problems),
            "seconds": round(self.seconds, 1),
        }


def keys_of(sites: Sequence[Site]) -> dict[Site, str]:
    """Name sites by file, function, kind and number there, so that a name outlives a change of the lines."""
    counted: dict[tuple[str, str, str], int] = {}
    names = {}
    for site in sites:
        at = (site.file, site.function, site.kind)
        counted[at] = counted.get(at, 0) + 1
        names[site] = f"{' '.join(at)} {counted[at]}"
    return names


def key_of(cell: Cell, names: Mapping[Site, str]) -> str:
    """Name a cell of the matrix."""
    return f"{names[cell.site]}, {cell.change}"


def read_reasons(path: Path = REASONS) -> dict[str, str]:
    """Read the reasons for orders that no client of the corpus needs, by cell."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["reason"])


def read_widths(path: Path = REASONS) -> list[tuple[str, str, bool]]:
    """Read the widths to try: a name, a client's line, and whether something must be found."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return [(entry["name"], entry["client"], entry["found"]) for entry in found["width"]]


def make_matrix(explorer: Explorer, *, progress: Callable[[int, int, str], None] | None = None) -> Matrix:
    """Try every cell and every width, and compare with the reasons."""
    begun = time.monotonic()
    names = keys_of(explorer.sites)
    reasons = read_reasons()
    problems = []
    rows = []
    for tried in fill_matrix(explorer, progress=progress):
        key = key_of(tried.cell, names)
        reason = reasons.pop(key, "")
        if tried.witness is None and not reason:
            problems.append(
                f"{key}: no witness in {tried.executions:,} executions of {tried.clients} clients, and no reason"
            )
        if tried.witness is not None and reason:
            problems.append(f"{key}: has a witness, so its reason is out of date: {tried.witness.client}")
        rows.append(Row(key, tried, reason))
    problems += [f"{key}: a reason for a cell that is not there" for key in reasons]
    widths = []
    for name, line, expected in read_widths():
        explored = explorer.explore(parse(line, name=name), strict=True)
        widths.append(
            Width(name, explored.client, explored.violation, explored.executions, explored.exhaustive, expected)
        )
        if (explored.violation is not None) != expected:
            problems.append(f"{name}: {'nothing' if expected else 'something'} was found with {line}")
    return Matrix(tuple(rows), tuple(widths), tuple(problems), time.monotonic() - begun)


def with_smallest(explorer: Explorer, matrix: Matrix) -> Matrix:
    """Return the matrix with each witness shrunk, as the page shows it."""
    begun = time.monotonic()

    def smaller(row: Row) -> Row:
        if row.tried.witness is None:
            return row
        witness = shrunk(explorer, row.tried.witness, weaken=row.tried.cell.weaken)
        return dataclasses.replace(row, tried=dataclasses.replace(row.tried, witness=witness))

    with concurrent.futures.ThreadPoolExecutor(max_workers=PROCESSES) as executor:
        rows = tuple(executor.map(smaller, matrix.rows))
    return dataclasses.replace(matrix, rows=rows, seconds=matrix.seconds + time.monotonic() - begun)


def page_name(key: str) -> str:
    """Return the name of the file that shows a cell's witness."""
    return re.sub(r"[^a-z0-9]+", "-", key.lower().replace("->", "to")).strip("-") + ".html"


def _cell(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "&#124;").replace("\n", " ")


def _words(violation: Violation) -> str:
    first = violation.message.splitlines()[0]
    # Numbers of threads and addresses are the same in each run; lines of the source are not the page's matter.
    words = re.sub(r" \([a-z_]+\.[ch]:\d+(?:, [a-z_]+\.[ch]:\d+)*\)", "", f"{violation.kind}: {first}")
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rpartition(' ')[0]} ..."


def _link(name: str, words: str) -> str:
    return f'<a href="witnesses/{page_name(name)}">{_cell(words)}</a>'


def page_text(matrix: Matrix) -> str:
    """Return the page of the specification."""
    lines = [_HEAD, "## Orders\n\n", "| site | order | client | what goes wrong |\n", "| --- | --- | --- | --- |\n"]
    for row in matrix.rows:
        site, _, change = row.key.partition(", ")
        witness = row.tried.witness
        if witness is not None:
            shown = f"<code>{_cell(str(witness.client))}</code>", _link(row.key, _words(witness))
        else:
            bounds = f"not needed by {row.tried.executions:,} executions of {row.tried.clients} clients"
            shown = bounds, f"stays: {_cell(row.reason)}"
        lines.append(f"| {_cell(site)} | {_cell(change)} | {shown[0]} | {shown[1]} |\n")
    lines += [
        "\n## Widths\n\nWhat the clauses {need}`WEAK-5` and {need}`ALLOC-3` leave possible at a width, shown at that "
        "width; and wider, the same client without it.\n\n",
        "| width | client | what happens |\n| --- | --- | --- |\n",
    ]
    for width in matrix.widths:
        if width.violation is not None:
            shown_width = _link(width.name, _words(width.violation))
        else:
            how = "all" if width.exhaustive else "not all"
            shown_width = f"nothing in {width.executions:,} executions, {how} that there are"
        lines.append(f"| {_cell(width.name)} | <code>{_cell(str(width.client))}</code> | {shown_width} |\n")
    return "".join(lines)


def write_pages(explorer: Explorer, matrix: Matrix, folder: Path) -> int:
    """Write a page for each witness; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [(row.key, row.tried.witness, row.tried.cell.weaken) for row in matrix.rows]
    shown += [(width.name, width.violation, ()) for width in matrix.widths]
    count = 0
    for key, violation, weaken in shown:
        if violation is None:
            continue
        trace = parse_trace(explorer.trace(violation, weaken))
        attempt = violation.message.splitlines() if violation.history is not None else None
        text = render(trace, title=key, linearization=attempt, clause=violation.clause or None)
        (folder / page_name(key)).write_text(text, encoding="utf-8")
        count += 1
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the matrix from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.necessity", description="Which orders are needed."
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE} instead of comparing with it")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write a page for each witness there")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    try:
        root = checkout()
        with tempfile.TemporaryDirectory(prefix="rusted-ring-") as work, Explorer(root, Path(work)) as explorer:
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
        problems.append(f"{PAGE} is not that of this run: write it anew with --write, and look at what changed")
    figures = matrix.as_dict() | {"problems": problems}
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        for problem in problems:
            print(f"FAIL: {problem}")
        print(
            f"{figures['cells']} cells: {figures['witnessed']} with a witness, {figures['reasoned']} with a reason; "
            f"{figures['widths']} widths; {pages} pages; {figures['seconds']} s"
        )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
