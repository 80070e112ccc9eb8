"""The native core under the explorer: exhausts client programs, judges their histories, and tries each memory order.

The harness of `native/explorer` runs a client in every execution that C11 allows. It returns an error that the engine
detects by itself (a race, a torn payload, a use of freed memory), or histories, which the reference judges. A site is
an atomic access in the core's source; the engine can change its order at run time, so one binary is enough to find out
which orders are needed [ORDER-1 to ORDER-23].
"""

import dataclasses
import functools
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from rusted_ring.verify.clients.language import Client, to_line
from rusted_ring.verify.clients.operations import FINISH_OPERATIONS
from rusted_ring.verify.clients.statuses import SKIPPED, Status
from rusted_ring.verify.explorer.engine import (
    LEVEL,
    CannotRun,
    LineServer,
    Place,
    Symbols,
    build_client,
    readable_trace,
)
from rusted_ring.verify.linearizability.history import History
from rusted_ring.verify.linearizability.judge import Verdict, judge
from rusted_ring.verify.model_checking.sites import Site, kind_of_entry, orders_at

COPIES: Final = "copies.h"
"""The source file that copies payloads: each atomic access in it is part of a copy."""

MOST_EXECUTIONS: Final = 100_000
"""The greatest number of executions of one client; every client of the corpus has fewer."""

_CALL = re.compile(r"^\s*[0-9a-f]+:\s+(?:call|callq|bl)\s+[0-9a-f]+ <(__tsan_atomic\w+)>")
_ADDRESS = re.compile(r"^\s*([0-9a-f]+):\s")


@dataclasses.dataclass(frozen=True)
class Violation:
    """A violation: one execution of a client that breaks a clause or has a fault.

    Attributes:
        client: the client.
        kind: the engine's name of the fault, or `history`.
        message: a sentence or several.
        clause: the clause that is broken, empty if the engine found a fault that no clause is about.
        replay: the string that repeats the execution.
        history: the results of its calls, None if the engine stopped the execution.
    """

    client: Client
    kind: str
    message: str
    clause: str
    replay: str
    history: History | None


@dataclasses.dataclass(frozen=True)
class Explored:
    """The exploration of one client.

    Attributes:
        client: the client.
        executions: complete executions.
        distinct: how many of them are different.
        blocked: executions that could not complete.
        bounded: executions that were cut off, in a loop or because they were too long.
        exhaustive: whether these are all executions of the client.
        histories: how many distinct histories there were.
        seconds: how long the engine took.
        violation: the first violation, or None.
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
    """The harness of clients for one build of the core, as a context manager; several threads may use it at once."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        *,
        compiler: str | None = None,
        level: str = LEVEL,
        program: Path | None = None,
    ) -> None:
        """Build the harness, or use one that is already built.

        Args:
            root: a checkout, or a folder with a copy of its `native/`.
            folder: the folder for the build.
            compiler: gcc or clang; by default the one that is installed.
            level: the optimisation level of the core.
            program: a harness that was built from that root, or None.

        Raises:
            CannotBuild: the core or the harness does not compile.
        """
        self.root = root
        self.program = program or build_client(root, folder, compiler=compiler, level=level)
        self.symbols = Symbols(self.program)
        self._idle: list[LineServer] = []
        self._busy: set[LineServer] = set()
        self.stopped = False
        self.judged: dict[tuple[str, bool, History], Verdict] = {}

    def __enter__(self) -> Self:
        """Return the explorer."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the harness."""
        for server in self._idle:
            server.close()

    def stop(self) -> None:
        """End the harness from another thread: what it explores now, and from now on, raises `CannotRun`."""
        self.stopped = True
        for server in tuple(self._busy):
            server.close()

    def _ask(self, client: Client, *, weaken: Sequence[str] = (), **options: Any) -> dict[str, Any]:
        """Put a client to an engine of this thread alone; each concurrent thread gets a process of its own."""
        changed = (*weaken, *(self._plain if client.plain() else ()))
        try:
            server = self._idle.pop()
        except IndexError:
            server = LineServer(self.program)
        self._busy.add(server)
        try:
            if self.stopped:
                raise CannotRun("the harness was stopped")
            return server.ask(to_line(client), weaken=changed, **options)
        finally:
            self._busy.discard(server)
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
        """Explore every execution of a client, and judge its histories.

        Args:
            client: the client.
            weaken: sites with the orders that replace their own, as `Cell.weaken` returns them.
            most: the greatest number of executions; the engine stops there.
            strict: see `linearizability.judge`.
            begin: the first events of the executions to explore, as in a replay string; by default all executions.

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
        """Replay one execution, and judge its history; return None if it has no violation.

        Args:
            client: the client.
            replay: the string that repeats the execution.
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
        """Return the source locations of an error, in words."""
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
        """Return the addresses of the atomic accesses that some execution of a client reaches."""
        answer = self._ask(client, sites=1, max=MOST_EXECUTIONS)
        return frozenset(answer["sites"])

    def words(self, client: Client, *, most: int = MOST_EXECUTIONS) -> Mapping[str, Any]:
        """Explore a client; return the engine's answer with what each atomic write did to the words of the core.

        Args:
            client: the client.
            most: the greatest number of executions.
        """
        return self._ask(client, words=1, max=most)

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
        """The arguments that turn the copies of payloads into plain accesses."""
        return tuple(f"{pc}:plain" for site in self.sites if site.file == COPIES for pc in site.pcs)

    @functools.cached_property
    def _accesses(self) -> dict[tuple[Place, str], list[int]]:
        """The calls in the binary that make the atomic accesses of the core, by place and by function called."""
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
        found: dict[tuple[Place, str], list[int]] = {}
        for pc, place in self.symbols.places(calls).items():
            if place.file and Path(place.file).resolve() in self.sources:
                found.setdefault((place, calls[pc]), []).append(pc)
        return found

    @functools.cached_property
    def initialisations(self) -> frozenset[int]:
        """The addresses of the calls to which `atomic_init` was compiled: stores before any thread shares the word."""
        return frozenset(
            pc for (place, _), pcs in self._accesses.items() if self._is_initialisation(place) for pc in pcs
        )

    def _is_initialisation(self, place: Place) -> bool:
        return "atomic_init" in self.sources[Path(place.file).resolve()][place.line - 1]

    @functools.cached_property
    def sites(self) -> tuple[Site, ...]:
        """Find every atomic access of the core: its calls in the binary, and its order in the source."""
        sites = []
        for (place, entry), pcs in self._accesses.items():
            lines = self.sources[Path(place.file).resolve()]
            if self._is_initialisation(place):
                continue
            orders = orders_at(lines, place.line)
            kind = kind_of_entry(entry)
            if not orders:
                raise CannotRun(f"{place.file}:{place.line}: an atomic access whose order is not in its statement")
            failure = orders[1] if "compare_exchange" in entry and len(orders) > 1 else ""
            name = Path(place.file).name
            sites.append(Site(name, place.line, place.function, kind, orders[0], failure, tuple(sorted(pcs))))
        return tuple(sorted(sites, key=lambda site: (site.file, site.line)))

    @functools.cached_property
    def sources(self) -> dict[Path, list[str]]:
        """The lines of each source file of the core."""
        paths = sorted((self.root / "native" / "src").glob("*.[ch]"))
        return {path.resolve(): path.read_text(encoding="utf-8").splitlines() for path in paths}


def answer_words(operation: str, results: Sequence[int]) -> str:
    """Return the results of a call in words: its status, then the numbers that `linearizability.judge` lists."""
    if operation in FINISH_OPERATIONS and operation != "tally":
        return f"{operation}: {' '.join(map(str, results))}"
    status = "skipped" if results[:1] == [SKIPPED] else Status(results[0]).name.lower() if results else "nothing"
    return " ".join(
        [status.replace("_", " "), *(hex(value) if value >= 1 << 32 else str(value) for value in results[1:])]
    )
