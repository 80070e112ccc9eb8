"""The necessity matrix: for each atomic site of the core and each weaker order, what goes wrong with it.

`weakening` weakens one site at a time. `pages` makes of the matrix the page `spec/necessity.md`, which is written from
a run and never by hand, and a page for each witness. Each cell has one of three [EXPLORE-9]:

- a witness that the run finds: a client of the corpus;
- a recorded witness, where the executions of a client are too many for a run: a client and the replay string of one
  execution, in `witnesses.toml`. The run replays it: with the weaker order it goes wrong, and with its own it does not
  exist, or is without fault;
- a proof in `necessity.toml` that no execution of the model needs the order, and why it is kept.

A cell without any of them, and a recorded witness or a proof for a cell that needs none, fail a run. So does a bound on
generations or on the free list's version that has no witness: at small widths what these bounds allow must really
happen [WEAK-5, ALLOC-3].
"""

import concurrent.futures
import dataclasses
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rusted_ring.verify.clients.language import Client, parse
from rusted_ring.verify.explorer.engine import CannotRun
from rusted_ring.verify.model_checking.harness import Explorer, Violation
from rusted_ring.verify.model_checking.shrinking import shrunk
from rusted_ring.verify.model_checking.sites import Cell, Site
from rusted_ring.verify.necessity.weakening import PROCESSES, Tried, fill_matrix

PROOFS: Final = Path(__file__).with_name("necessity.toml")
RECORDED: Final = Path(__file__).with_name("witnesses.toml")
COMPILER: Final = "gcc"
"""The compiler that the recorded witnesses are of: another one may load in another order within an expression."""


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
    """The matrix or a part of it, and what is not in order with it.

    Attributes:
        rows: a row for each cell that was tried.
        cells: how many cells the core has.
        widths: the widths that were tried.
        problems: what is not in order.
        seconds: how long it took.
    """

    rows: tuple[Row, ...]
    cells: int
    widths: tuple[Width, ...]
    problems: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """Return the figures as JSON values."""
        return {
            "cells": self.cells,
            "tried": len(self.rows),
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


def make_matrix(
    explorer: Explorer,
    *,
    share: int = 1,
    part: int = 0,
    processes: int = PROCESSES,
    progress: Callable[[int, int, str], None] | None = None,
) -> Matrix:
    """Try every cell and every width.

    Args:
        explorer: the core.
        share: into how many parts the widths are divided, and the cells for which a run finds a witness. With more than
            one part the cells that have a proof are left out, for each needs the whole corpus.
        part: which of the parts is tried, from 0.
        processes: how many engines are kept busy.
        progress: told the cells done, all cells, and a word.
    """
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
    left = [cell for key, cell in cells.items() if key not in rows and (share == 1 or key not in proofs)][part::share]
    for tried in fill_matrix(explorer, cells=left, processes=processes, progress=progress):
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
    for name, line, expected in read_widths()[part::share]:
        explored = explorer.explore(parse(line, name=name), strict=True)
        widths.append(
            Width(name, explored.client, explored.violation, explored.executions, explored.exhaustive, expected)
        )
        if (explored.violation is not None) != expected:
            problems.append(f"{name}: {'nothing' if expected else 'something'} was found with {line}")
    ordered = tuple(rows[key] for key in cells if key in rows)
    return Matrix(ordered, len(cells), tuple(widths), tuple(problems), time.monotonic() - begun)


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
