"""The native core under the explorer: client programs exhausted, their histories judged, and each memory order tried.

A client is put to the harness of `native/explorer`, which runs it in every way that C11 allows. What it answers is an
error that the engine sees by itself (a race, a torn payload, a use of freed memory), or histories, which the reference
judges. A site is a place in the core's source with an atomic access; the engine can give it another order at run time,
so that one binary serves for the question which orders are needed [ORDER-1 to ORDER-23].

`python -m rusted_ring.verify.exploring CLIENT [--strict] [--html FILE]`, from a checkout, puts one client to the core
and shows what goes wrong: exit status 0 (nothing), 1 (something) or 2 (it cannot be run).
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from rusted_ring.verify.checkout import NoCheckout, checkout
from rusted_ring.verify.client_corpus import CLIENTS
from rusted_ring.verify.client_operations import FINISH_OPERATIONS
from rusted_ring.verify.clients import SKIPPED, Client, ClientError, parse, shrinks, to_line
from rusted_ring.verify.columns import columns
from rusted_ring.verify.engine import (
    LEVEL,
    CannotBuild,
    CannotRun,
    LineServer,
    Place,
    Symbols,
    build_client,
    readable_trace,
)
from rusted_ring.verify.history import History
from rusted_ring.verify.linear_reading import Status
from rusted_ring.verify.linearize import Verdict, judge
from rusted_ring.verify.page import render
from rusted_ring.verify.trace import parse as parse_trace

COPIES: Final = "copies.h"
"""The source with the copies of payloads, in which each atomic access is one of these."""

MOST_EXECUTIONS: Final = 100_000
"""Executions of one client; the corpus is made so that none has as many."""

PROCESSES: Final = 2
"""How many cells of the necessity matrix are tried at once."""

WEAKER: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "load": {"acq": ("rlx",), "sc": ("acq", "rlx")},
    "store": {"rel": ("rlx",), "sc": ("rel", "rlx")},
    "rmw": {
        "acq": ("rlx",),
        "rel": ("rlx",),
        "acq_rel": ("acq", "rel", "rlx"),
        "sc": ("acq_rel", "acq", "rel", "rlx"),
    },
    "fence": {
        "acq": ("rlx",),
        "rel": ("rlx",),
        "acq_rel": ("acq", "rel", "rlx"),
        "sc": ("acq_rel", "acq", "rel", "rlx"),
    },
}
"""By the kind of access, the orders that are weaker than each; a fence that is relaxed is none."""

_CALL = re.compile(r"^\s*[0-9a-f]+:\s+(?:call|callq|bl)\s+[0-9a-f]+ <(__tsan_atomic\w+)>")
_ADDRESS = re.compile(r"^\s*([0-9a-f]+):\s")
_ORDER = re.compile(r"memory_order_(\w+)")
_SHORT = {"relaxed": "rlx", "acquire": "acq", "release": "rel", "acq_rel": "acq_rel", "seq_cst": "sc", "consume": "acq"}


@dataclasses.dataclass(frozen=True)
class Site:
    """One atomic access in the core's source.

    Attributes:
        file: the source file's name.
        line: the line at which the access begins.
        function: the C function that it is in.
        kind: `load`, `store`, `rmw` or `fence`.
        order: its order; of a compare-exchange the order where it succeeds.
        failure: of a compare-exchange the order where it fails, otherwise empty.
        pcs: the addresses that it was compiled to; several where the function was inlined.
    """

    file: str
    line: int
    function: str
    kind: str
    order: str
    failure: str
    pcs: tuple[int, ...]

    @property
    def name(self) -> str:
        """A name that does not change with the line: the function, the kind, and where it stands in the function."""
        return f"{self.file}:{self.line} {self.function}"

    def cells(self) -> Iterator["Cell"]:
        """Every weaker order that it could have."""
        for order in WEAKER[self.kind].get(self.order, ()):
            yield Cell(self, order, failure=False)
        for order in WEAKER["load"].get(self.failure, ()) if self.failure else ():
            yield Cell(self, order, failure=True)


@dataclasses.dataclass(frozen=True)
class Cell:
    """A site with a weaker order: what the necessity matrix has a witness for, or not.

    Attributes:
        site: the site.
        order: the weaker order.
        failure: whether it is the order of a compare-exchange that fails.
    """

    site: Site
    order: str
    failure: bool

    @property
    def weaken(self) -> tuple[str, ...]:
        """What the engine is told."""
        return tuple(f"{pc}:{'fail:' if self.failure else ''}{self.order}" for pc in self.site.pcs)

    @property
    def change(self) -> str:
        """The change in words."""
        was = self.site.failure if self.failure else self.site.order
        return f"{was} -> {'none' if self.site.kind == 'fence' and self.order == 'rlx' else self.order}" + (
            " on failure" if self.failure else ""
        )


@dataclasses.dataclass(frozen=True)
class Violation:
    """What is wrong with one execution of a client.

    Attributes:
        client: the client.
        kind: the engine's word, or `history`.
        message: a sentence or several.
        clause: the clause that is broken, empty where the engine saw a fault that no clause is about.
        replay: the execution.
        history: what its calls answered, None where the engine ended it.
    """

    client: Client
    kind: str
    message: str
    clause: str
    replay: str
    history: History | None


@dataclasses.dataclass(frozen=True)
class Explored:
    """What became of one client.

    Attributes:
        client: the client.
        executions: complete executions.
        distinct: how many of them are different.
        blocked: executions that could not complete.
        bounded: executions that were given up, in a loop that goes on or being too long.
        exhaustive: whether these are all there are.
        histories: how many distinct histories there were.
        seconds: how long the engine took.
        violation: the first thing wrong, or None.
    """

    client: Client
    executions: int
    distinct: int
    blocked: int
    bounded: int
    exhaustive: bool
    histories: int
    seconds: float
    violation: Violation | None


class Explorer:
    """The harness of clients for one build of the core, as a context manager; several threads may ask it at once."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        *,
        compiler: str | None = None,
        level: str = LEVEL,
        program: Path | None = None,
    ) -> None:
        """Build the harness, or take one that was built.

        Args:
            root: a checkout, or a folder with a copy of its `native/`.
            folder: where the build goes.
            compiler: gcc, clang, or by default what is there.
            level: the level of optimisation of the core.
            program: a harness that was built from that root, or None.

        Raises:
            CannotBuild: the core or the harness does not compile.
        """
        self.root = root
        self.program = program or build_client(root, folder, compiler=compiler, level=level)
        self.symbols = Symbols(self.program)
        self._idle: list[LineServer] = []
        self.judged: dict[tuple[str, bool, History], Verdict] = {}

    def __enter__(self) -> Self:
        """Return the explorer."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the harness."""
        for server in self._idle:
            server.close()

    def _ask(self, client: Client, *, weaken: Sequence[str] = (), **options: Any) -> dict[str, Any]:
        """Put a client to an engine that nobody else asks meanwhile: one more process for each thread that asks."""
        changed = (*weaken, *(self._plain if client.plain() else ()))
        try:
            server = self._idle.pop()
        except IndexError:
            server = LineServer(self.program)
        try:
            return server.ask(to_line(client), weaken=changed, **options)
        finally:
            self._idle.append(server)

    def explore(
        self,
        client: Client,
        *,
        weaken: Sequence[str] = (),
        most: int = MOST_EXECUTIONS,
        strict: bool = False,
        begin: str = "",
    ) -> Explored:
        """Run a client in every way, and judge what it answered.

        Args:
            client: the client.
            weaken: sites and the orders that they have instead of their own, as `Cell.weaken` gives them.
            most: executions after which the engine stops.
            strict: see `linearize.judge`.
            begin: a graph as a replay string has it, for the executions that begin so; all of them by default.

        Raises:
            CannotRun: the engine refuses the client.
        """
        answer = self._ask(client, histories=1, max=most, weaken=weaken, **({"from": begin} if begin else {}))
        violation = self._violation(client, answer, strict=strict)
        return Explored(
            client=client,
            executions=answer["executions"],
            distinct=answer["distinct"],
            blocked=answer["blocked"],
            bounded=answer["bounded"] + answer["cut"],
            exhaustive=answer["exhaustive"] and not begin,
            histories=len(answer["histories"]),
            seconds=answer["seconds"],
            violation=violation,
        )

    def replayed(self, client: Client, replay: str, *, weaken: Sequence[str] = ()) -> Violation | None:
        """Run one execution again, and judge what it answered; None if nothing is wrong with it.

        Args:
            client: the client.
            replay: the execution.
            weaken: as for `explore`.

        Raises:
            CannotRun: the client has no such execution with these orders.
        """
        return self._violation(client, self._ask(client, histories=1, replay=replay, weaken=weaken), strict=False)

    def _violation(self, client: Client, answer: Mapping[str, Any], *, strict: bool) -> Violation | None:
        if answer["errors"]:
            return self._fault(client, answer["errors"][0])
        return self._judge(client, answer["histories"], strict=strict)

    def where(self, error: Mapping[str, Any]) -> str:
        """Return the places of an error in the source, in words."""
        places = self.symbols.places(pc for pc in (error["pc"], error["other_pc"]) if pc)
        known = [f"{Path(place.file).name}:{place.line}" for place in places.values() if place.file]
        return f" ({', '.join(known)})" if known else ""

    def _fault(self, client: Client, error: Mapping[str, Any]) -> Violation:
        clause = re.search(r"\[([A-Z]+-[0-9]+)\]", error["message"])
        words = error["message"] + self.where(error)
        return Violation(client, error["kind"], words, clause[1] if clause else "", error["replay"], None)

    def _judge(self, client: Client, histories: Iterable[Mapping[str, Any]], *, strict: bool) -> Violation | None:
        line = to_line(client)
        for raw in histories:
            history = History.from_json(raw)
            key = (line, strict, history)
            verdict = self.judged.get(key)
            if verdict is None:
                verdict = self.judged[key] = judge(client, history, strict=strict)
            if not verdict.linearizable:
                return Violation(client, "history", str(verdict), verdict.clause, history.replay, history)
        return None

    def reached(self, client: Client) -> frozenset[int]:
        """Return the addresses of the atomic accesses that some execution of a client comes to."""
        answer = self._ask(client, sites=1, max=MOST_EXECUTIONS)
        return frozenset(answer["sites"])

    def trace(self, violation: Violation, weaken: Sequence[str] = ()) -> dict[str, Any]:
        """Return the execution of a violation in the form that `trace.parse` reads."""
        answer = self._ask(violation.client, trace=1, replay=violation.replay, weaken=weaken)
        error = next(iter(answer["errors"]), None)
        found = readable_trace(answer["trace"], self.symbols, error, violation.replay)
        for event in found["events"]:
            if event["kind"] in ("call", "return"):
                number = int(event["text"].rpartition(" ")[2])
                results = event.pop("results", None)
                event["text"] = str(violation.client.operation(event["thread"], number))
                if event["kind"] == "return" and results is not None:
                    event["text"] = answer_words(event["text"].partition(" ")[0], results)
        if found["error"] is None:
            last = [event["id"] for event in found["events"] if event["kind"] == "return"][-2:]
            found["error"] = {"kind": violation.kind, "message": violation.message.splitlines()[0], "events": last}
        return found

    @functools.cached_property
    def _plain(self) -> tuple[str, ...]:
        """What makes the copies of payloads plain accesses."""
        return tuple(f"{pc}:plain" for site in self.sites if site.file == COPIES for pc in site.pcs)

    @functools.cached_property
    def sites(self) -> tuple[Site, ...]:
        """Find every atomic access of the core: in the binary the call that it became, in the source the order."""
        said = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", str(self.program)], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        calls: dict[int, str] = {}
        waiting = ""
        for line in said:
            address = _ADDRESS.match(line)
            if address is None:
                continue
            if waiting:
                calls[int(address[1], 16)] = waiting
                waiting = ""
            call = _CALL.match(line)
            waiting = call[1] if call is not None else ""
        sources = {path.resolve(): path.read_text(encoding="utf-8").splitlines() for path in self._sources()}
        found: dict[tuple[Place, str], list[int]] = {}
        for pc, place in self.symbols.places(calls).items():
            if place.file and Path(place.file).resolve() in sources:
                found.setdefault((place, calls[pc]), []).append(pc)
        sites = []
        for (place, entry), pcs in found.items():
            lines = sources[Path(place.file).resolve()]
            if "atomic_init" in lines[place.line - 1]:
                continue  # before anybody shares it; some compilers make a relaxed store of it
            orders = orders_at(lines, place.line)
            kind = _kind(entry)
            if not orders:
                raise CannotRun(f"{place.file}:{place.line}: an atomic access whose order is not in its statement")
            failure = orders[1] if "compare_exchange" in entry and len(orders) > 1 else ""
            name = Path(place.file).name
            sites.append(Site(name, place.line, place.function, kind, orders[0], failure, tuple(sorted(pcs))))
        return tuple(sorted(sites, key=lambda site: (site.file, site.line)))

    def _sources(self) -> list[Path]:
        return sorted((self.root / "native" / "src").glob("*.[ch]"))


def answer_words(operation: str, results: Sequence[int]) -> str:
    """Return what a call answered in words: its status, then the numbers that `linearize` explains."""
    if operation in FINISH_OPERATIONS and operation != "tally":
        return f"{operation}: {' '.join(map(str, results))}"
    status = "skipped" if results[:1] == [SKIPPED] else Status(results[0]).name.lower() if results else "nothing"
    return " ".join(
        [status.replace("_", " "), *(hex(value) if value >= 1 << 32 else str(value) for value in results[1:])]
    )


def orders_at(lines: Sequence[str], line: int) -> list[str]:
    """Return the orders of the statement that a line of source belongs to.

    Args:
        lines: the file.
        line: a line of the statement, from 1.
    """
    text = ""
    for at in range(line - 1, min(line + 4, len(lines))):
        text += lines[at].partition("/*")[0] + "\n"
        found = _ORDER.findall(text)
        if found and text.count("(") <= text.count(")"):
            break
        if ";" in lines[at] and found:
            break
    return [_SHORT[order] for order in _ORDER.findall(text)]


def _kind(entry: str) -> str:
    if entry.endswith("_load"):
        return "load"
    if entry.endswith("_store"):
        return "store"
    return "fence" if "fence" in entry else "rmw"


# --- the necessity matrix


@dataclasses.dataclass(frozen=True)
class Tried:
    """What a cell of the matrix holds.

    Attributes:
        cell: the site and its weaker order.
        witness: the smallest violation, or None.
        executions: how many executions were run without one.
        clients: of how many clients.
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
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Tried]:
    """Weaken each site to each weaker order, one at a time, and look for a client that shows it.

    Args:
        explorer: the core.
        clients: the corpus by default.
        cells: every cell by default.
        progress: told the cells done, all cells, and a word.

    Returns:
        What each cell holds, in the order of the source.
    """
    chosen = sorted(CLIENTS if clients is None else clients, key=lambda client: client.size())
    wanted = [cell for site in explorer.sites for cell in site.cells()] if cells is None else list(cells)
    # The engine does the work, in processes of its own: threads keep several of them busy.
    with concurrent.futures.ThreadPoolExecutor(max_workers=PROCESSES) as executor:
        reached = dict(zip(chosen, executor.map(explorer.reached, chosen), strict=True))
        running = [
            executor.submit(
                _tried, explorer, cell, [client for client in chosen if not reached[client].isdisjoint(cell.site.pcs)]
            )
            for cell in wanted
        ]
        tried = []
        for number, (cell, one) in enumerate(zip(wanted, running, strict=True)):
            if progress is not None:
                progress(number, len(wanted), f"{cell.site.name}, {cell.change}")
            tried.append(one.result())
    return tried


def _tried(explorer: Explorer, cell: Cell, clients: Sequence[Client]) -> Tried:
    executions = 0
    for count, client in enumerate(clients, start=1):
        explored = explorer.explore(client, weaken=cell.weaken)
        executions += explored.executions
        if explored.violation is not None:
            return Tried(cell, explored.violation, executions, count)
    return Tried(cell, None, executions, len(clients))


def shrunk(
    explorer: Explorer,
    violation: Violation,
    *,
    weaken: Sequence[str] = (),
    strict: bool = False,
    most: int | None = None,
) -> Violation:
    """Make a client smaller while it still shows a violation: fewer operations, threads, slots.

    A smaller client may wait for what none of its threads does any more. So with `weaken` it must be without fault
    under its own orders, and without `weaken` a deadlock stays as large as it is.

    Args:
        explorer: the core.
        violation: what a client showed.
        weaken: the orders under which it did.
        strict: see `linearize.judge`.
        most: executions after which the smallest client so far is the answer, or None.

    Returns:
        A violation of the smallest client found.
    """
    if violation.kind == "deadlock" and not weaken:
        return violation
    smallest = violation
    again = True
    spent = 0
    while again:
        again = False
        for client in shrinks(smallest.client):
            if most is not None and spent >= most:
                return smallest
            try:
                explored = explorer.explore(client, weaken=weaken, strict=strict)
            except CannotRun:
                continue
            spent += explored.executions
            found = explored.violation
            # The same fault: a smaller client may be wrong in another way, being no proper client any more.
            if found is None or (found.kind, found.clause) != (violation.kind, violation.clause):
                continue
            if not weaken or explorer.explore(client, strict=strict).violation is None:
                smallest, again = found, True
                break
    return smallest


# --- one client from the command line


def main(arguments: Sequence[str] | None = None) -> int:
    """Explore one client; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.exploring",
        description="Put one client to the native core under the explorer.",
    )
    parser.add_argument("client", help="a line as rusted_ring.verify.clients describes it, or a name of the corpus")
    parser.add_argument("--strict", action="store_true", help="take what narrow widths allow for wrong too")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the execution that goes wrong as a page")
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


if __name__ == "__main__":
    sys.exit(main())
