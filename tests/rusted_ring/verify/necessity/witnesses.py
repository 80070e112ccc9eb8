"""Finds and records witnesses: executions of clients that have too many executions for a run of the matrix."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Final

from rusted_ring.verify.clients.language import parse
from rusted_ring.verify.explorer.engine import CannotRun
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.necessity.matrix import RECORDED, Recorded, cells_of, read_recorded, replay_recorded
from rusted_ring.verify.necessity.pages import PAGE

MOST_FOUND: Final = 20_000_000
"""The number of executions after which the search for a witness stops."""


def recorded_text(entries: Sequence[Recorded]) -> str:
    """Return the text of the file of recorded witnesses."""
    lines = [_RECORDED_HEAD]
    for entry in entries:
        lines.append("\n[[recorded]]\n")
        lines += [f"{field} = {json.dumps(value)}\n" for field, value in dataclasses.asdict(entry).items()]
    return "".join(lines)


def find_witness(explorer: Explorer, key: str, line: str, *, begin: str = "", most: int = MOST_FOUND) -> Recorded:
    """Explore a client with a weaker order until it fails.

    Args:
        explorer: the core.
        key: the cell.
        line: the client.
        begin: the first events of the executions to explore, as in a replay string; by default all executions.
        most: the number of executions after which the search stops.

    Raises:
        CannotRun: there is no such cell, no execution failed, or the one found fails with the core's own order too.
    """
    cells = cells_of(explorer.sites)
    if key not in cells:
        raise CannotRun(
            f"--find: {key!r} is not a cell of the matrix; give one of {PAGE}: 'FUNCTION KIND N, OLD -> NEW'"
        )
    client = parse(line, name=key)
    explored = explorer.explore(client, weaken=cells[key].weaken, most=most, begin=begin)
    found = explored.violation
    if found is None:
        how = "all" if explored.exhaustive else "not all"
        raise CannotRun(f"--find: no failure in {explored.executions:,} executions ({how} of them) of: {client}")
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


def record(explorer: Explorer, key: str, line: str | None, begin: str | None) -> int:
    """Find a witness of a cell and record it in `witnesses.toml`; returns the exit status."""
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
