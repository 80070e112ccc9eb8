"""Weakens each atomic access of the core, one at a time, and searches for a client that then fails [ORDER-1]."""

import concurrent.futures
import dataclasses
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import Client
from rusted_ring.verify.model_checking.harness import Explorer, Violation
from rusted_ring.verify.model_checking.sites import Cell

PROCESSES: Final = 2
"""How many cells of the necessity matrix are tried at once."""


# --- the necessity matrix


@dataclasses.dataclass(frozen=True)
class Tried:
    """The result for one cell of the matrix.

    Attributes:
        cell: the site and its weaker order.
        witness: the smallest violation, or None.
        executions: how many executions were run without a violation.
        clients: the number of clients that were run.
    """

    cell: Cell
    witness: Violation | None
    executions: int
    clients: int


def fill_matrix(
    explorer: Explorer,
    clients: Sequence[Client] | None = None,
    *,
    cells: Sequence[Cell] | None = None,
    processes: int = PROCESSES,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Tried]:
    """Weaken each site to each weaker order, one at a time, and search for a client that then fails.

    Args:
        explorer: the core.
        clients: the clients to run; by default the corpus.
        cells: the cells to try; by default every cell.
        processes: how many engines run at once.
        progress: called with the number of cells done, the number of all cells, and the name of one.

    Returns:
        The result for each cell, in the order of the source.
    """
    chosen = sorted(CLIENTS if clients is None else clients, key=lambda client: client.size())
    wanted = [cell for site in explorer.sites for cell in site.cells()] if cells is None else list(cells)
    # The engines work in processes of their own, so threads are enough to run several at once.
    with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
        reached = {client: _Once(functools.partial(explorer.reached, client)) for client in chosen}
        running = [executor.submit(_tried, explorer, cell, reached) for cell in wanted]
        tried = []
        for number, (cell, one) in enumerate(zip(wanted, running, strict=True)):
            if progress is not None:
                progress(number, len(wanted), f"{cell.site.name}, {cell.change}")
            tried.append(one.result())
    return tried


class _Once:
    """A value that is computed when it is first asked for, by one thread."""

    def __init__(self, compute: Callable[[], frozenset[int]]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._value: frozenset[int] | None = None

    def __call__(self) -> frozenset[int]:
        with self._lock:
            if self._value is None:
                self._value = self._compute()
            return self._value


def _tried(explorer: Explorer, cell: Cell, reached: Mapping[Client, Callable[[], frozenset[int]]]) -> Tried:
    """Try the clients that reach a cell's site, in their order."""
    executions = count = 0
    for client, sites in reached.items():
        if sites().isdisjoint(cell.site.pcs):
            continue
        count += 1
        explored = explorer.explore(client, weaken=cell.weaken)
        executions += explored.executions
        if explored.violation is not None:
            return Tried(cell, explored.violation, executions, count)
    return Tried(cell, None, executions, count)
