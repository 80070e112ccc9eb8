"""What the explorer does in a second, beside what the machine could do: executions, processes, memory.

    python bench/explorer.py            # some minutes
    python bench/explorer.py --smoke    # some seconds: fails where a figure is missing or a count is wrong

Rates are executions for a second of processor time of the engine's process, so that others on the machine matter less;
what an engine takes to begin a program is in them, and with the C programs the start of the process. Each round goes
through all programs in turn, and shown are the median of the rounds and their interquartile range. The limit beside
them is measured in the same rounds: switches between fibers, the copy of a checkpoint, and ten atomic accesses that
nobody looks at. An operation is an access or a fence of the program, a read-modify-write counts as two; creating and
joining its threads is not counted. Compare ratios, not figures of two machines. A smoke never fails on a time. `--json`
writes all figures, the rounds themselves among them.

Each litmus and C program is also explored by the engine of commit c4b618a, in the same rounds and in turn: its sources
come from the repository's history and are built by its own code, in the folder of the run. The ratio is how many times
as long that engine takes for the same exploration (for an execution, if the exploration is bounded). If there is no git
or no such commit, as in a shallow clone or a source distribution, the benchmark says "no comparison". Clients are not
compared: the core that they call has changed since.
"""

import argparse
import concurrent.futures
import dataclasses
import importlib
import importlib.util
import io
import itertools
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.clients.language import to_line
from rusted_ring.verify.explorer import engine
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.support.checkout import NoCheckout, checkout

RING = "store {0} {o} 1 ; load {1} {o} ; load {2} {o}"
TWO_PLUS_TWO = (
    "2 0 | store 0 {o} 1 ; {f}store 1 {o} 2 ; load 0 {o} | store 1 {o} 1 ; {f}store 0 {o} 2 ; load 1 {o}"
    " | store 0 {o} 3 ; {f}{last}"
)
LAST = "store 1 {o} 3 ; load 0 {o} ; load 1 {o}"


def stores(*threads: int) -> str:
    """Return a program whose threads store to one location so many times each: as many executions as interleavings."""
    parts = [
        " ; ".join(f"store 0 rlx {10 * number + i}" for i in range(count)) for number, count in enumerate(threads, 1)
    ]
    return f"1 0 | {' | '.join(parts)}"


def interleavings(*threads: int) -> int:
    """Return how many interleavings there are of threads with so many steps each."""
    return math.factorial(sum(threads)) // math.prod(math.factorial(count) for count in threads)


def ring_of_three(order: str) -> str:
    """Return store buffering round three locations, ten operations."""
    parts = [RING.format(i, (i + 1) % 3, (i + 2) % 3, o=order) for i in range(3)]
    return f"3 0 | {' | '.join(parts)} ; load 2 {order}"


@dataclasses.dataclass(frozen=True)
class Litmus:
    """A litmus program: its text, how many operations it has, how many executions (None: not known beforehand)."""

    text: str
    operations: int
    executions: int | None = None


LITMUS = {
    "one read, to begin a program": Litmus("1 0 | load 0 rlx", 1, 1),
    "stores 3+3+4, one location": Litmus(stores(3, 3, 4), 10, interleavings(3, 3, 4)),
    "stores 3+3, one reader": Litmus(stores(3, 3) + " | " + " ; ".join(["load 0 rlx"] * 4), 10),
    "2+2W, three threads, rlx": Litmus(TWO_PLUS_TWO.format(o="rlx", f="", last=LAST.format(o="rlx")), 10),
    "2+2W, three threads, sc": Litmus(TWO_PLUS_TWO.format(o="sc", f="", last=LAST.format(o="sc")), 10),
    "2+2W, fences sc": Litmus(TWO_PLUS_TWO.format(o="rlx", f="fence sc ; ", last="load 1 rlx"), 11),
    "SB of three, rlx": Litmus(ring_of_three("rlx"), 10, 64),
    "SB of three, sc": Litmus(ring_of_three("sc"), 10),
    "MP chain, rel/acq": Litmus(
        "3 1 | write 0 ; store 0 rel 1 ; store 1 rel 1 | load 0 acq ; store 1 rel 2 ; store 2 rel 1"
        " | load 2 acq ; load 1 acq ; load 0 acq ; load 1 acq",
        10,
    ),
    "MP, two writers, four reads": Litmus(
        "2 0 | store 0 rlx 1 ; store 1 rel 1 ; store 0 rlx 2 ; store 1 rel 2 | store 0 rlx 3 ; store 1 rel 3"
        " | load 1 acq ; load 0 rlx ; load 1 acq ; load 0 rlx",
        10,
    ),
    "RMW 2+2+1, acq_rel (10 events)": Litmus(
        "1 0 | add 0 acq_rel 1 ; add 0 acq_rel 1 | add 0 acq_rel 1 ; add 0 acq_rel 1 | add 0 acq_rel 1",
        10,
        interleavings(2, 2, 1),
    ),
    "RMW by five threads (10 events)": Litmus("1 0" + " | add 0 acq_rel 1" * 5, 10, math.factorial(5)),
}


@dataclasses.dataclass(frozen=True)
class CProgram:
    """A C program: its file in tests/explorer/programs, its flags, how many executions (None: not known beforehand).

    `bound` ends an exploration that is too long: its executions are then not counted against `executions`.
    """

    file: str
    flags: tuple[str, ...]
    executions: int | None = None
    bound: int | None = None


C_PROGRAMS = {
    "big(12), loads and stores": CProgram("many.c", ("-DBIG", "-DN=12"), 6**6),
    "ainc(6)": CProgram("many.c", ("-DAINC", "-DN=6"), 720),
    "casw(4)": CProgram("many.c", ("-DCASW", "-DN=4"), 1200),
    "casrot(9)": CProgram("many.c", ("-DCASROT", "-DN=9"), 8597),
    "wcas(5), compare-exchanges fail": CProgram("many.c", ("-DWCAS", "-DN=5"), 6**5),
    "readers(13)": CProgram("many.c", ("-DREADERS", "-DN=13"), 2**13),
    "2+2W of twelve": CProgram("many.c", ("-DW22", "-DN=12"), 2**12),
    "wrw(3)": CProgram("many.c", ("-DWRW", "-DN=3"), 1044),
    "CoA(5)": CProgram("many.c", ("-DCOA", "-DN=5"), 2304),
    "fib_bench(3), rlx": CProgram("fib_bench.c", ("-DN=3", "-DLESS=", "-DORDER=memory_order_relaxed"), 2800),
    "fib_bench(3), sc": CProgram("fib_bench.c", ("-DN=3", "-DLESS="), 1698),
    "lastzero(10)": CProgram("lastzero.c", ("-DN=10",), 13 * 2**8),
    "indexer(14)": CProgram("indexer.c", ("-DN=14",), 512),
    "eratosthenes(10)": CProgram("eratosthenes.c", ("-DN=10",)),
    "hwqueue(3)": CProgram("hwqueue.c", ("-DN=3",), 1230),
    "lockinc(4), two rounds": CProgram("many.c", ("-DLOCKINC", "-DN=4", "-DROUNDS=2"), math.factorial(8) // 2**4),
    "lockinc(7), two rounds, the first": CProgram("many.c", ("-DLOCKINC", "-DN=7", "-DROUNDS=2"), bound=10_000),
    "ms-queue, two producers": CProgram("ms_queue.c", ("-DTWO",)),
}

EARLIER = "c4b618a"
"""The commit whose engine is explored with, too."""
EARLIER_ROOMS = ("native/explorer", "native/include", "native/src", "spec", "tests/rusted_ring/verify")
EARLIER_BUILD = """
import json, pathlib, sys
request = json.load(sys.stdin)
sys.path.insert(0, request["tests"])
from rusted_ring.verify import engine
made = {}
for name, source, flags in request["programs"]:
    folder = pathlib.Path(request["folder"], name)
    folder.mkdir()
    if source:
        made[name] = str(engine.build([pathlib.Path(source)], flags=flags, folder=folder))
    else:
        made[name] = str(engine.build_litmus(folder))
print(json.dumps(made))
"""
"""Builds programs by that commit's own code: of each a name, a source (none: the litmus harness) and flags."""

MEMORY_FAMILY = ((3, 4, 4), (4, 5, 5), (5, 5, 6))
"""About 10^4, 10^5.4 and 10^6.3 executions; one decade less in the smoke."""
SCALING = ("readers(19)", "many.c", ("-DREADERS", "-DN=19"))
"""One process takes 1.5 s. With readers(17), 0.35 s, two workers were 1.6 times as fast as one, with this 2.0 times."""
MOST_OF_A_CLIENT = 20_000
SHOWN_CLIENTS = 6
COUNTS = ("executions", "distinct", "blocked", "redundant", "dead", "cut", "runs")
"""Of an answer of the engine."""


class MissingFigure(ValueError):
    """A figure is not there, or a count is not what it must be."""


@dataclasses.dataclass
class Rounds:
    """The rounds of one program."""

    name: str
    answer: dict[str, Any]
    operations: int = 0
    seconds: list[float] = dataclasses.field(default_factory=list)
    """Processor time of an execution."""
    bounded: bool = False
    earlier: list[float] = dataclasses.field(default_factory=list)
    """Of each round: how many times as long the earlier engine takes; empty: no comparison."""

    def figures(self) -> dict[str, Any]:
        """Return what is printed and written."""
        executions = self.answer["executions"]
        low, middle, high = quartiles(self.seconds)
        figures: dict[str, Any] = {
            "name": self.name,
            "operations": self.operations,
            "executions_a_second": 1 / middle,
            "iqr": [1 / high, 1 / low],
            "ns_an_execution": 1e9 * middle,
            "ns_an_operation": 1e9 * middle / self.operations if self.operations else None,
            "runs_an_execution": self.answer["runs"] / executions,
            "explored_a_distinct": executions / self.answer["distinct"],
            "seconds_an_execution": self.seconds,
            "to_earlier": statistics.median(self.earlier) if self.earlier else None,
            "to_earlier_rounds": self.earlier,
        }
        return figures | {key: self.answer[key] for key in COUNTS}


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the quartiles of at least one figure."""
    if not values:
        raise MissingFigure("no round was measured")
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def processor_seconds(command: Sequence[str], text: str = "") -> tuple[list[dict[str, Any]], float]:
    """Run a program of the engine to its end; return its answers, a line each, and the processor time it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    for answer in answers:
        if "refused" in answer or answer.get("errors"):
            raise MissingFigure(f"{command[0]}: {answer.get('refused') or answer['errors'][0]}")
    if not answers:
        raise MissingFigure(f"{command[0]} ended with status {done.returncode} and no answer: {done.stderr.strip()}")
    return answers, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@dataclasses.dataclass(frozen=True)
class Work:
    """A program to measure: the command, a line for its input, how many times a round, the earlier engine's command."""

    rounds: Rounds
    command: Sequence[str]
    line: str
    times: int
    earlier: Sequence[str] | None = None


def explore(work: Work, command: Sequence[str]) -> tuple[int, float]:
    """Explore a program `times` over, as one process if it reads lines; return the executions and processor time."""
    if work.line:
        answers, seconds = processor_seconds(command, work.line * work.times)
    else:
        runs = [processor_seconds(command) for _ in range(work.times)]
        answers, seconds = [run[0][0] for run in runs], sum(run[1] for run in runs)
    return sum(answer["executions"] for answer in answers), max(seconds, 1e-9)


def measure(rounds: int, programs: Sequence[Work], beside: Callable[[], None] | None = None) -> None:
    """Add rounds: each explores every program by this engine and by the earlier one in turn."""
    for turn in range(rounds):
        if beside is not None:
            beside()
        for work in programs:
            measured = work.rounds
            before = explore(work, work.earlier) if work.earlier is not None and turn % 2 == 1 else None
            executions, seconds = explore(work, work.command)
            if work.earlier is not None and before is None:
                before = explore(work, work.earlier)
            if executions != work.times * measured.answer["executions"]:
                raise MissingFigure(
                    f"{measured.name}: {executions} executions in {work.times} runs, not the same in each"
                )
            measured.seconds.append(seconds / executions)
            if before is not None:
                ratio = before[1] / seconds
                measured.earlier.append(ratio * executions / before[0] if measured.bounded else ratio)


def first(command: Sequence[str], line: str, name: str, expected: int | None, operations: int = 0) -> Rounds:
    """Run a program once, to warm up and to look at its counts."""
    answer = processor_seconds(command, line)[0][0]
    if expected is not None and answer["executions"] != expected:
        raise MissingFigure(f"{name}: {answer['executions']} executions, must be {expected}")
    if answer["redundant"] != 0 or answer["cut"] != 0:
        raise MissingFigure(f"{name}: {answer['redundant']} redundant and {answer['cut']} cut executions, must be none")
    return Rounds(name, answer, operations)


# --- the earlier engine


def program_folder(name: str) -> str:
    """Return the name of a folder for a program."""
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def build_earlier(folder: Path) -> tuple[dict[str, list[str]], str]:
    """Build all programs with the engine of an earlier commit.

    Returns:
        The command of each program by name, the litmus harness by "", and why there are none.
    """
    try:
        where = checkout()
        archive = subprocess.run(
            ["git", "-C", str(where), "archive", EARLIER, *EARLIER_ROOMS], capture_output=True, check=True
        ).stdout
    except (NoCheckout, OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        return {}, f"no comparison: {EARLIER} is not in the history: {said.decode(errors='replace').strip()}"
    root = folder / "earlier"
    root.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(root, filter="data")
    programs: list[tuple[str, str, Sequence[str]]] = [
        (program_folder(name), str(where / "tests" / "explorer" / "programs" / program.file), program.flags)
        for name, program in C_PROGRAMS.items()
    ]
    request = {"tests": str(root / "tests"), "folder": str(root), "programs": [("litmus", "", ()), *programs]}
    # Without site-packages, which hold this commit's code; in a folder that is no checkout.
    built = subprocess.run(
        [sys.executable, "-S", "-c", EARLIER_BUILD], input=json.dumps(request), capture_output=True, text=True, cwd=root
    )
    if built.returncode != 0:
        raise MissingFigure(f"the engine of {EARLIER} cannot be built: {built.stderr.strip()}")
    made = json.loads(built.stdout)
    commands = {name: [made[program_folder(name)], *bound_of(program)] for name, program in C_PROGRAMS.items()}
    return commands | {"": [made["litmus"]]}, ""


def bound_of(program: CProgram) -> list[str]:
    """Return the word that bounds an exploration."""
    return [f"max={program.bound}"] if program.bound is not None else []


# --- the limit


def checkpoint_bytes(program: Path) -> int:
    """Return how many bytes of static variables the engine restores before each execution of a program."""
    said = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=True).stdout
    at = {words[2]: int(words[0], 16) for line in said.splitlines() if len(words := line.split()) == 3}
    state = at["__stop_explorer_state"] - at["__start_explorer_state"]
    return at["_end"] - at["__data_start"] - state


def build_limits(folder: Path) -> Path:
    """Compile `programs/limits.c` with the engine's fibers."""
    sources = engine.engine_sources()
    output = folder / "limits"
    own = Path(__file__).resolve().parent / "programs" / "limits.c"
    command = [
        *engine.find_compiler(),
        "-std=c11",
        "-O2",
        f"-I{sources}",
        str(own),
        str(sources / "engine" / "fiber.c"),
    ]
    subprocess.run([*command, "-o", str(output)], check=True)
    return output


def litmus_figures(
    folder: Path, rounds: int, executions: int, earlier: dict[str, list[str]]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Measure the litmus programs, and the limit beside them."""
    harness = engine.build_litmus(folder)
    limits, size = build_limits(folder), checkpoint_bytes(harness)
    parts: dict[str, list[float]] = {}

    def beside() -> None:
        said = subprocess.run([str(limits), str(size), "5"], capture_output=True, text=True, check=True).stdout
        for part, figures in json.loads(said).items():
            parts.setdefault(part, []).extend(figures)

    programs = []
    for name, litmus in LITMUS.items():
        line = f" -- {litmus.text}\n"
        measured = first([str(harness)], line, name, litmus.executions, litmus.operations)
        times = max(1, min(200, executions // measured.answer["executions"]))
        programs.append(Work(measured, [str(harness)], line, times, earlier.get("")))
    measure(rounds, programs, beside)
    medians = {part: statistics.median(figures) for part, figures in parts.items()}
    # Three threads and the first: each is switched to and from at least once, and everything else is done at no cost.
    limit = {
        "checkpoint_bytes": size,
        "ns": medians,
        "rounds": parts,
        "floor_ns": 4 * medians["switch_pair"] + medians["copy"] + medians["operations"],
    }
    return [work.rounds.figures() for work in programs], limit


# --- C programs and clients


def c_program(folder: Path, name: str, file: str, flags: Sequence[str]) -> engine.Program:
    """Build a program of tests/explorer/programs in a folder of its own."""
    own = folder / program_folder(name)
    own.mkdir(exist_ok=True)
    return engine.build([checkout() / "tests" / "explorer" / "programs" / file], flags=flags, folder=own)


def c_figures(folder: Path, rounds: int, executions: int, earlier: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Measure whole C programs, compiled with instrumentation; the start of the process is in the figures."""
    programs = []
    for name, program in C_PROGRAMS.items():
        # Without failures for no reason, so that the counts are those published.
        built = c_program(folder, name, program.file, program.flags)
        command = [str(built.path), "weak=0", *bound_of(program)]
        measured = first(command, "", name, program.executions)
        measured.bounded = program.bound is not None
        times = max(1, min(4, executions // measured.answer["executions"]))
        programs.append(Work(measured, command, "", times, earlier.get(name)))
    measure(rounds, programs)
    return [work.rounds.figures() for work in programs]


def client_figures(folder: Path, rounds: int, count: int | None) -> list[dict[str, Any]]:
    """Measure client programs over the native core: the largest of the corpus, and the corpus as a whole."""
    with Explorer(checkout(), folder) as explorer:
        program = [str(explorer.program)]
    lines = {client.name: f"max={MOST_OF_A_CLIENT} -- {to_line(client)}\n" for client in list(CLIENTS)[:count]}
    answers = {name: processor_seconds(program, line)[0][0] for name, line in lines.items()}
    largest = sorted(answers, key=lambda name: -int(answers[name]["executions"]))[:SHOWN_CLIENTS]
    programs = [Work(Rounds(f"client: {name}", answers[name]), program, lines[name], 1) for name in largest]
    whole = {key: sum(answer[key] for answer in answers.values()) for key in COUNTS}
    programs.append(Work(Rounds(f"all {len(lines)} clients", whole), program, "".join(lines.values()), 1))
    measure(rounds, programs)
    return [work.rounds.figures() for work in programs]


# --- processes


@contextmanager
def pool(workers: int) -> Iterator[concurrent.futures.Executor]:
    """Processes of this machine, started."""
    with concurrent.futures.ProcessPoolExecutor(workers) as executor:
        list(executor.map(abs, range(workers)))
        yield executor


@contextmanager
def dask(workers: int) -> Iterator[concurrent.futures.Executor]:
    """A local Dask cluster, started."""
    distributed: Any = importlib.import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        executor: concurrent.futures.Executor = client.get_executor()
        list(executor.map(abs, range(workers)))
        yield executor


def scaling_figures(folder: Path, rounds: int, smoke: bool) -> dict[str, Any]:
    """Explore one program alone, twice at once, and by one and two workers: wall time and counts.

    Two explorations at once that share nothing show how much two of this machine's processors do more than one: what
    two workers can reach.
    """
    name, file, flags = SCALING
    if smoke:
        name, flags = "readers(12)", ("-DREADERS", "-DN=12")
    program = c_program(folder, name, file, flags).grown("threads")  # more threads than the usual engine has room for
    if program is None:
        raise MissingFigure(f"{name}: there is no larger engine")
    options = engine.RunOptions()
    kinds: dict[str, Callable[[int], Any]] = {"processes": pool}
    left_out = ""
    if importlib.util.find_spec("distributed") is not None:
        kinds["dask"] = dask
    else:
        left_out = "dask: distributed is not installed"
    seconds: dict[str, list[float]] = {"alone": []}
    counts: dict[str, set[tuple[int, ...]]] = {}

    def once(key: str, executor: concurrent.futures.Executor | None) -> None:
        begun = time.perf_counter()
        answer = engine.run(program, options=options, executor=executor)
        seconds.setdefault(key, []).append(time.perf_counter() - begun)
        found = tuple(answer[part] for part in ("executions", "distinct", "blocked"))
        counts.setdefault(key, set()).add(found)
        if not answer["exhaustive"]:
            raise MissingFigure(f"{name}, {key}: not exhaustive")

    def twice_at_once() -> None:
        begun = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            for _ in threads.map(lambda _: engine.run(program, options=options), range(2)):
                pass
        seconds.setdefault("twice at once", []).append(time.perf_counter() - begun)

    for kind, make in kinds.items():
        with make(1) as single, make(2) as double:
            for _ in range(rounds):
                once("alone", None)
                twice_at_once()
                once(f"{kind}, 1", single)
                once(f"{kind}, 2", double)
    if len(set().union(*counts.values())) != 1:
        raise MissingFigure(f"{name}: counts differ: {counts}")
    ratios = {
        kind: quartiles([one / two for one, two in zip(seconds[f"{kind}, 1"], seconds[f"{kind}, 2"], strict=True)])
        for kind in kinds
    }
    return {
        "name": name,
        "counts": next(iter(counts["alone"])),
        "limit": quartiles(
            [2 * one / both for one, both in zip(seconds["alone"], seconds["twice at once"], strict=True)]
        ),
        "seconds": seconds,
        "left_out": left_out,
        "one_by_two": ratios,
    }


# --- memory


def memory_figures(harness: Path, smoke: bool) -> list[dict[str, Any]]:
    """Explore programs of one family, each larger than the last, and look at the engine's most memory at the end."""
    found = []
    sizes = tuple((a - 1, b - 1, c - 1) for a, b, c in MEMORY_FAMILY) if smoke else MEMORY_FAMILY
    for threads in sizes:
        with subprocess.Popen([str(harness)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            if process.stdin is None or process.stdout is None:
                raise MissingFigure("the engine has no pipes")
            process.stdin.write(f" -- {stores(*threads)}\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            # Not the resource usage of a child: that counts what this process had when it started the other.
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            process.stdin.close()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        if answer["executions"] != interleavings(*threads):
            raise MissingFigure(
                f"stores {threads}: {answer['executions']} executions, must be {interleavings(*threads)}"
            )
        found.append({"threads": threads, "executions": answer["executions"], "peak_kb": peak})
    for before, after in itertools.pairwise(found):
        grown = 1024 * (after["peak_kb"] - before["peak_kb"])
        after["bytes_a_further_execution"] = grown / (after["executions"] - before["executions"])
    return found


# --- the whole


def table(figures: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = []
    head = f"{'executions a second of processor time':40} {'median':>9} {'IQR':>17} {'ns each':>9} {'ns/op':>6}"
    for part in ("litmus", "c_programs", "clients"):
        lines.append(f"{head} {'distinct':>9} {'ratio':>6} {'blocked':>7} {'cut':>4} {'runs/ex':>7} {EARLIER:>7}")
        for one in figures[part]:
            operation = f"{one['ns_an_operation']:6.0f}" if one["ns_an_operation"] else f"{'':6}"
            low, high = one["iqr"]
            ratio = f"{one['to_earlier']:7.2f}" if one["to_earlier"] is not None else ""
            lines.append(
                f"{one['name']:40.40} {one['executions_a_second']:9,.0f} {f'{low:,.0f}-{high:,.0f}':>17}"
                f" {one['ns_an_execution']:9,.0f} {operation} {one['distinct']:9,} {one['explored_a_distinct']:6.3f}"
                f" {one['blocked']:7,} {one['cut']:4,} {one['runs_an_execution']:7.2f} {ratio}"
            )
        lines.append("")
    ratios = [
        one["to_earlier"] for one in (*figures["litmus"], *figures["c_programs"]) if one["to_earlier"] is not None
    ]
    if ratios:
        low, middle, high = quartiles(ratios)
        lines.append(
            f"as fast as the engine of {EARLIER}, {len(ratios)} programs: {middle:.2f} times in the median"
            f" (IQR {low:.2f}-{high:.2f}, {min(ratios):.2f} to {max(ratios):.2f})"
        )
    else:
        lines.append(figures["no_comparison"])
    limit = figures["limit"]
    parts = ", ".join(f"{part.replace('_', ' ')} {ns:.1f} ns" for part, ns in limit["ns"].items())
    best = min(one["ns_an_execution"] for one in figures["litmus"] if one["operations"] >= 10)
    lines.append(f"limit: {parts} (a checkpoint of {limit['checkpoint_bytes']:,} bytes)")
    lines.append(
        f"three threads started, a checkpoint restored, ten accesses: {limit['floor_ns']:.0f} ns;"
        f" the best litmus program takes {best / limit['floor_ns']:.0f} times that"
    )
    scaling = figures["scaling"]
    lines.append(f"\nprocesses: {scaling['name']}, {scaling['counts'][0]:,} executions in each case")
    for key, seconds in scaling["seconds"].items():
        low, middle, high = quartiles(seconds)
        lines.append(f"{key:16} {middle:8.3f} s   IQR {low:.3f}-{high:.3f}")
    for kind, (low, middle, high) in scaling["one_by_two"].items():
        lines.append(f"{kind}: two workers are {middle:.2f} times as fast as one (IQR {low:.2f}-{high:.2f})")
    low, middle, high = scaling["limit"]
    lines.append(f"limit: two explorations at once do {middle:.2f} times the work of one (IQR {low:.2f}-{high:.2f})")
    if scaling["left_out"]:
        lines.append(scaling["left_out"])
    lines.append("\nmemory: the most that the engine's process had, the hashes of 2^20 graphs at most among it")
    for one in figures["memory"]:
        further = one.get("bytes_a_further_execution")
        more = f"   {further:8.2f} bytes a further execution" if further is not None else ""
        lines.append(f"{one['executions']:10,} executions {one['peak_kb']:8,} KB{more}")
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="a few executions, to see that every figure is there")
    parser.add_argument("--rounds", type=int, default=9, help="rounds through all programs")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    options = parser.parse_args()
    rounds, executions = (2, 500) if options.smoke else (max(options.rounds, 2), 20_000)
    figures: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": list(os.getloadavg()),
        "compiler": engine.find_compiler(),
    }
    try:
        with tempfile.TemporaryDirectory(prefix="rusted-ring-") as work:
            folder = Path(work)
            earlier, figures["no_comparison"] = build_earlier(folder)
            figures["litmus"], figures["limit"] = litmus_figures(folder, rounds, executions, earlier)
            figures["c_programs"] = c_figures(folder, rounds, executions, earlier)
            figures["clients"] = client_figures(folder, rounds, 4 if options.smoke else None)
            figures["scaling"] = scaling_figures(folder, rounds, options.smoke)
            figures["memory"] = memory_figures(folder / "litmus", options.smoke)
    except (MissingFigure, engine.CannotBuild, engine.CannotRun) as error:
        print(f"bench/explorer.py: {error}", file=sys.stderr)
        return 1
    print(
        f"Python {figures['python']}, {figures['machine']}, {figures['processors']} processors,"
        f" load {figures['load'][0]:.1f} at the start, {rounds} rounds"
    )
    print(table(figures))
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
