"""The necessity matrix: for each atomic site of the core and each weaker order, what goes wrong with it.

`fill_matrix` of `exploring` weakens one site at a time. Here the answers become the page `spec/necessity.md`, which is
written from a run and never by hand, with a page for each witness. Each cell has one of three [EXPLORE-9]:

- a witness that the run finds: a client of the corpus;
- a recorded witness, where the executions of a client are too many for a run: a client and the replay string of one
  execution, in `witnesses.toml`. The run replays it: with the weaker order it goes wrong, and with its own it does not
  exist, or is without fault;
- a proof in `necessity.toml` that no execution of the model needs the order, and why it is kept.

A cell without any of them, and a recorded witness or a proof for a cell that needs none, fail a run. So does a bound on
generations or on the free list's version that has no witness: at small widths what these bounds allow must really
happen [WEAK-5, ALLOC-3].

`python -m rusted_ring.verify.necessity [--write] [--pages FOLDER] [--json]`, from a checkout, exits with 0 (complete,
and the page is that of this run), 1 (not) or 2 (could not run). `--find CELL` records a witness anew: it explores the
client that `witnesses.toml` names for the cell, or the one that `--client` gives, until something goes wrong. A search
that would take hours is directed: `--begin` gives the first events of the executions to look at.
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

PROOFS: Final = Path(__file__).with_name("necessity.toml")
RECORDED: Final = Path(__file__).with_name("witnesses.toml")
COMPILER: Final = "gcc"
"""The compiler that the recorded witnesses are of: another one may load in another order within an expression."""
MOST_FOUND: Final = 20_000_000
"""Executions after which the search for a witness to record gives up."""
PAGE: Final = "spec/necessity.md"
_LONGEST: Final = 160

_HEAD = """# Which orders are needed

This page is written by `python -m rusted_ring.verify.necessity --write` from a run of the explorer over the corpus of
clients, and CI compares it with a new run for one commit in two. For each atomic site of the core that is not relaxed,
and each weaker order, the compiled core was given that order at that one place. A row shows the smallest client found
that goes wrong then, and how. In the site that CI builds, what goes wrong is a link to that execution, event by event.

Some clients have more executions than a run of the matrix can go through. Of these one execution is *recorded*: each
run replays it with the weaker order, with which it must go wrong, and with the order that the core has, with which it
must not. For a few orders no execution of the [memory model](memory-model.md) goes wrong without them. Their rows lead
to a proof below the table, which also says why the order is kept.

A client's line is read as `rusted_ring.verify.clients` says: the pool or ring, the setup, then each thread. With
`plain=1` the payloads of a gated ring are copied by plain accesses. The model forbids load buffering
({need}`MODEL-15`), so an event that is overwritten too early would never be seen; as plain accesses, the copy and the
write that it does not happen before are a data race.

"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the matrix.

    Attributes:
        key: the cell, as `key_of` names it: `claim_in_word rmw 1, acq_rel -> acq`.
        tried: what the run found; of a recorded witness what its replay showed.
        recorded: whether the witness is a recorded one.
        proof: why no execution needs the order, or None.
    """

    key: str
    tried: Tried
    recorded: bool = False
    proof: "Proof | None" = None


@dataclasses.dataclass(frozen=True)
class Proof:
    """Why a weaker order would make no difference, and why the order is kept.

    Attributes:
        cell: the cell, as `key_of` names it.
        title: the argument in a few words.
        text: the argument, in MyST.
    """

    cell: str
    title: str
    text: str


@dataclasses.dataclass(frozen=True)
class Recorded:
    """An execution that goes wrong with a weaker order, found once.

    Attributes:
        cell: the cell, as `key_of` names it.
        client: the client's line.
        kind: what goes wrong: the engine's word, or `history`.
        found: how it was found, in words.
        begin: the beginning of an execution, which the search began with; empty for none.
        replay: the execution.
    """

    cell: str
    client: str
    kind: str
    found: str
    begin: str
    replay: str

    @property
    def command(self) -> str:
        """The command that finds the witness anew."""
        return f"python -m rusted_ring.verify.necessity --find '{self.cell}'"


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
            "witnessed": sum(row.tried.witness is not None and not row.recorded for row in self.rows),
            "recorded": sum(row.tried.witness is not None and row.recorded for row in self.rows),
            "proved": sum(row.tried.witness is None and row.proof is not None for row in self.rows),
            "widths": len(self.widths),
            "problems": list(self.problems),
            "seconds": round(self.seconds, 1),
        }


def keys_of(sites: Sequence[Site]) -> dict[Site, str]:
    """Name sites by function, kind and number there, in the order of the functions' names.

    A name and its place outlive a change of the lines and a move of the function to another file.

    Raises:
        CannotRun: functions of two files have one name.
    """
    files: dict[str, str] = {}
    counted: dict[tuple[str, str], int] = {}
    names = {}
    for site in sorted(sites, key=lambda site: (site.function, site.file, site.line)):
        if files.setdefault(site.function, site.file) != site.file:
            raise CannotRun(f"{site.function} is in {files[site.function]} and in {site.file}: give one another name")
        at = (site.function, site.kind)
        counted[at] = counted.get(at, 0) + 1
        names[site] = f"{' '.join(at)} {counted[at]}"
    return names


def cells_of(sites: Sequence[Site]) -> dict[str, Cell]:
    """Return the cells of the matrix, by name, in the order in which the page has them."""
    names = keys_of(sites)
    return {key_of(cell, names): cell for site in names for cell in site.cells()}


def key_of(cell: Cell, names: Mapping[Site, str]) -> str:
    """Name a cell of the matrix."""
    return f"{names[cell.site]}, {cell.change}"


def read_proofs(path: Path = PROOFS) -> dict[str, Proof]:
    """Read the proofs, by cell."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {entry["cell"]: Proof(**entry) for entry in found["proof"]}


def read_recorded(path: Path = RECORDED) -> dict[str, Recorded]:
    """Read the recorded witnesses, by cell."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {entry["cell"]: Recorded(**entry) for entry in found["recorded"]}


def read_widths(path: Path = PROOFS) -> list[tuple[str, str, bool]]:
    """Read the widths to try: a name, a client's line, and whether something must be found."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return [(entry["name"], entry["client"], entry["found"]) for entry in found["width"]]


def replay_recorded(explorer: Explorer, recorded: Recorded, cell: Cell) -> tuple[Violation | None, str]:
    """Replay a recorded witness with the weaker order and with the order that the core has.

    Returns:
        What it shows with the weaker order, if that is what was recorded, and what is not in order, or nothing.
    """
    anew = f"find it anew with: {recorded.command}"
    client = parse(recorded.client, name=recorded.cell)
    try:
        shown = explorer.replayed(client, recorded.replay, weaken=cell.weaken)
    except CannotRun as error:
        return None, f"{recorded.cell}: the recorded witness no longer replays ({error}); {anew}"
    if shown is None or shown.kind != recorded.kind:
        what = "nothing" if shown is None else f"{shown.kind}: {shown.message.splitlines()[0]}"
        return None, f"{recorded.cell}: the recorded witness shows {what}, not {recorded.kind}; {anew}"
    try:
        own = explorer.replayed(client, recorded.replay)
    except CannotRun:
        own = None  # the core's own order forbids the execution
    if own is not None:
        words = f"{own.kind}: {own.message.splitlines()[0]}"
        return shown, f"{recorded.cell}: the recorded witness goes wrong with the core's own order too: {words}"
    return shown, ""


def make_matrix(explorer: Explorer, *, progress: Callable[[int, int, str], None] | None = None) -> Matrix:
    """Try every cell and every width."""
    begun = time.monotonic()
    names = keys_of(explorer.sites)
    cells = cells_of(explorer.sites)
    recorded, proofs = read_recorded(), read_proofs()
    problems = []
    rows: dict[str, Row] = {}
    for key, one in recorded.items():
        if key not in cells:
            problems.append(f"{key}: a recorded witness for a cell that is not there")
            continue
        shown, problem = replay_recorded(explorer, one, cells[key])
        problems += [problem] * bool(problem)
        rows[key] = Row(key, Tried(cells[key], shown, 1, 1), recorded=True)
    left = [cell for key, cell in cells.items() if key not in rows]
    for tried in fill_matrix(explorer, cells=left, progress=progress):
        key = key_of(tried.cell, names)
        proof = proofs.get(key)
        if tried.witness is None and proof is None:
            problems.append(
                f"{key}: nothing went wrong in {tried.executions:,} executions of {tried.clients} clients; give a "
                f"client that does, record one by --find '{key}' --client LINE, or prove in {PROOFS.name} that none can"
            )
        rows[key] = Row(key, tried, proof=proof)
    for key in proofs:
        witness = rows[key].tried.witness if key in rows else None
        if key not in cells:
            problems.append(f"{key}: a proof for a cell that is not there")
        elif witness is not None:
            problems.append(f"{key}: has a proof that no execution needs the order, and a witness: {witness.client}")
    widths = []
    for name, line, expected in read_widths():
        explored = explorer.explore(parse(line, name=name), strict=True)
        widths.append(
            Width(name, explored.client, explored.violation, explored.executions, explored.exhaustive, expected)
        )
        if (explored.violation is not None) != expected:
            problems.append(f"{name}: {'nothing' if expected else 'something'} was found with {line}")
    ordered = tuple(rows[key] for key in cells if key in rows)
    return Matrix(ordered, tuple(widths), tuple(problems), time.monotonic() - begun)


def with_smallest(explorer: Explorer, matrix: Matrix) -> Matrix:
    """Return the matrix with each witness shrunk, as the page shows it."""
    begun = time.monotonic()

    def smaller(row: Row) -> Row:
        if row.tried.witness is None or row.recorded:
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


def _anchor(row: Row) -> str:
    return "proof-" + page_name(row.key).removesuffix(".html")


def page_text(matrix: Matrix) -> str:
    """Return the page of the specification."""
    lines = [_HEAD, "## Orders\n\n", "| site | order | client | what goes wrong |\n", "| --- | --- | --- | --- |\n"]
    for row in matrix.rows:
        site, _, change = row.key.partition(", ")
        witness = row.tried.witness
        if witness is not None:
            note = "recorded: " if row.recorded else ""
            shown = f"<code>{_cell(str(witness.client))}</code>", note + _link(row.key, _words(witness))
        elif row.proof is not None:
            bounds = f"nothing in {row.tried.executions:,} executions of {row.tried.clients} clients"
            shown = bounds, f"[proof: {_cell(row.proof.title)}](#{_anchor(row)})"
        else:
            shown = "none", "neither a witness nor a proof"
        lines.append(f"| {_cell(site)} | {_cell(change)} | {shown[0]} | {shown[1]} |\n")
    lines += ["\n## Proofs\n"]
    for row in matrix.rows:
        if row.proof is not None:
            lines.append(f"\n({_anchor(row)})=\n### {row.key}\n\n{row.proof.text.strip()}\n")
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


def recorded_text(entries: Sequence[Recorded]) -> str:
    """Return the file of the recorded witnesses."""
    lines = [_RECORDED_HEAD]
    for entry in entries:
        lines.append("\n[[recorded]]\n")
        lines += [f"{field} = {json.dumps(value)}\n" for field, value in dataclasses.asdict(entry).items()]
    return "".join(lines)


def find_witness(explorer: Explorer, key: str, line: str, *, begin: str = "", most: int = MOST_FOUND) -> Recorded:
    """Explore a client with a weaker order until something goes wrong.

    Args:
        explorer: the core.
        key: the cell.
        line: the client.
        begin: the beginning of the executions to look at, as a replay string has it; all of them by default.
        most: executions after which it gives up.

    Raises:
        CannotRun: there is no such cell, nothing went wrong, or the execution found is wrong with the core's own order.
    """
    cells = cells_of(explorer.sites)
    if key not in cells:
        raise CannotRun(f"--find: {key!r} is no cell of the matrix; give one of {PAGE}: 'FUNCTION KIND N, OLD -> NEW'")
    client = parse(line, name=key)
    explored = explorer.explore(client, weaken=cells[key].weaken, most=most, begin=begin)
    found = explored.violation
    if found is None:
        how = "all that there are" if explored.exhaustive else "not all that there are"
        raise CannotRun(f"--find: nothing goes wrong in {explored.executions:,} executions, {how}, of: {client}")
    where = "those executions of the client that begin as given" if begin else "the executions of the client"
    words = f"exploring {where}: after {explored.executions:,} of them, {explored.seconds:.0f} s"
    recorded = Recorded(key, str(client), found.kind, words, begin, found.replay)
    _, problem = replay_recorded(explorer, recorded, cells[key])
    if problem:
        raise CannotRun(problem)
    return recorded


_RECORDED_HEAD: Final = """\
# Recorded witnesses of the necessity matrix: executions that go wrong with a weaker order, of clients that have too
# many executions for a run of the matrix. Written by `python -m rusted_ring.verify.necessity --find CELL`.
"""


def _record(explorer: Explorer, key: str, line: str | None, begin: str | None) -> int:
    entries = read_recorded()
    if line is None and key not in entries:
        raise CannotRun(f"--find: no client is recorded for {key!r}; give one with --client LINE")
    if line is None:
        line = entries[key].client
        begin = entries[key].begin if begin is None else begin
    entries[key] = find_witness(explorer, key, line, begin=begin or "")
    RECORDED.write_text(recorded_text(list(entries.values())), encoding="utf-8")
    print(f"{key}: {entries[key].kind}, found by {entries[key].found}; recorded in {RECORDED.name}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the matrix from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.necessity", description="Which orders are needed."
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE} instead of comparing with it")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write a page for each witness there")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--find", metavar="CELL", help=f"find a witness for a cell and record it in {RECORDED.name}")
    parser.add_argument("--client", metavar="LINE", help="with --find: the client, instead of the one recorded")
    parser.add_argument(
        "--begin", metavar="GRAPH", help="with --find: how the executions to look at begin; empty for all of them"
    )
    options = parser.parse_args(arguments)
    if options.find is None and (options.client is not None or options.begin is not None):
        parser.error("--client and --begin: are for --find alone")
    try:
        root = checkout()
        with (
            tempfile.TemporaryDirectory(prefix="rusted-ring-") as work,
            Explorer(root, Path(work), compiler=COMPILER) as explorer,
        ):
            if options.find is not None:
                return _record(explorer, options.find, options.client, options.begin)
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
            f"{figures['cells']} cells: {figures['witnessed']} with a witness, {figures['recorded']} with a recorded "
            f"one, {figures['proved']} with a proof; "
            f"{figures['widths']} widths; {pages} pages; {figures['seconds']} s"
        )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
