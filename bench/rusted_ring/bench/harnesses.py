"""Building and running what measures: one class a language, each optional, its lack named with the reason.

What is built goes to a folder of the user's cache, never to the sources, and is built again only where sources changed.
"""

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import re
import sys
import sysconfig
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, ClassVar, Final

from rusted_ring.bench import machine
from rusted_ring.bench.contract import (
    MACHINE,
    MEMORY,
    NATIVE,
    OURS,
    PEERS,
    WORKS,
    Harness,
    Selection,
    UnknownFigure,
    parse,
    parse_part,
)
from rusted_ring.bench.measured import Measured, Note, Round
from rusted_ring.bench.programs import ProgramFailed, Programs, which
from rusted_ring.verify.support.checkout import NoCheckout, checkout

SOURCES: Final = Path(__file__).resolve().parent
_BUILD_SECONDS: Final = 900
_ROUND_TRIP: Final = "limit-round-trip"

Command = list[str | Path]
Pairs = AbstractSet[tuple[str, str]]
Step = tuple[str, Callable[[Round], None]]
"""What a line of progress says, and what adds its figures to a round."""


@dataclasses.dataclass(frozen=True)
class Pace:
    """How long each case is run in a round, in seconds where nothing else is said.

    Attributes:
        one_thread: a case of the C harness in one thread.
        two_threads: one in several.
        criterion: Criterion's warm-up and measurement.
        jmh: JMH's options.
        value: one of the values of a case in Python.
        busy_value: the same beside a busy thread: long beside the 5 ms for which a thread may keep the GIL.
        values: values of a case in Python, of which the median counts.
        wakes: wake-ups of a value.
        memory: operations of each kind over which memory may not grow.
        limit: what a harness may take at the most for a round.
    """

    one_thread: float = 0.02
    two_threads: float = 0.04
    criterion: tuple[float, float] = (0.05, 0.1)
    jmh: tuple[str, ...] = ("-wi", "2", "-w", "200ms", "-i", "3", "-r", "100ms")
    value: float = 0.01
    busy_value: float = 0.1
    values: int = 3
    wakes: int = 20
    memory: int = 1_000_000_000
    limit: float = 600


SMOKE: Final = Pace(
    one_thread=0.001,
    two_threads=0.001,
    criterion=(0.001, 0.005),
    jmh=("-wi", "1", "-w", "10ms", "-i", "1", "-r", "10ms"),
    value=1e-5,
    busy_value=1e-3,
    values=1,
    wakes=2,
    memory=1_000_000,
)
"""Each case once, for a few milliseconds."""


def cache_folder() -> Path:
    """Return where what is built is kept: in $XDG_CACHE_HOME or ~/.cache, a folder for each place of the sources."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    try:
        place = f"{SOURCES}\n{checkout()}"
    except NoCheckout:
        place = str(SOURCES)
    return Path(root) / "rusted-ring" / "bench" / hashlib.sha256(place.encode()).hexdigest()[:12]


class AnyHarness(ABC):
    """What the harnesses have in common.

    Attributes:
        name: its name in the contract.
        title: its name in a line of progress.
        selection: what is to be measured.
        pace: how long.
        programs: what runs its programs.
        folder: where it may build, its own.
        measured: where what it lacks, lists and notes is put down.
        core: the C harness, which measures the round trip beside the two-threaded works of the others.
        there: whether it was built.
    """

    name: ClassVar[Harness]
    title: ClassVar[str]

    def __init__(self, measured: Measured, pace: Pace, programs: Programs, folder: Path) -> None:
        self.selection: Selection = measured.selection
        self.measured = measured
        self.pace = pace
        self.programs = programs
        self.folder = folder / self.name
        self.core: CHarness | None = None
        self.there = False

    def pairs(self, only: Pairs | None = None) -> list[tuple[str, str]]:
        """Return each work with each peer that it has to measure and that is not missing, or those of `only`."""
        return [
            (work, peer)
            for work, peer in self.selection.pairs(self.name)
            if not self.measured.why_missing(work, peer) and (only is None or (work, peer) in only)
        ]

    def wanted(self) -> bool:
        """Whether there is anything for it to do."""
        return bool(self.selection.pairs(self.name))

    def prepare(self) -> None:
        """Build it, or note that it is missing and why."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            listed = self.build()
            self.there = True
        except (ProgramFailed, NoCheckout, OSError, ValueError) as error:
            reason = f"the {self.title} harness cannot be built: {' '.join(str(error).split())}"
            for peer in {peer for _, peer in self.selection.pairs(self.name)}:
                self.miss(peer, reason)
            return
        for name in listed:
            try:
                parse(name)
                self.measured.listed.append(name)
            except UnknownFigure as error:
                self.measured.failures.append(f"{self.title}: {error}")

    def miss(self, peer: str, reason: str) -> None:
        """Note that a peer is missing; `native`, which two harnesses measure, in this one alone."""
        self.measured.missing[f"{self.name}: {peer}" if peer == NATIVE else peer] = reason

    @abstractmethod
    def build(self) -> list[str]:
        """Build it, and return the figures that it says it gives, as far as it says so.

        Raises:
            ProgramFailed: it cannot be built.
        """

    @abstractmethod
    def figures(self, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
        """Run each case of these works and peers once, and return nanoseconds an event by name.

        Raises:
            ProgramFailed: it did not run to its end.
        """

    def steps(self, only: Pairs | None = None) -> list[Step]:
        """Return what is to be run in a round, one after the other: everything, or works and peers of `only`."""
        pairs = self.pairs(only)

        def step(into: Round) -> None:
            if self.core is not None and any(WORKS[work].two_threads for work, _ in pairs):
                trip = self.core.round_trip()
                if trip is not None:
                    into.round_trips[self.name] = trip
            into.add(self.figures(pairs))

        return [(self.title, step)] if self.there and pairs else []

    def cannot(self, notes: Iterable[Note]) -> None:
        """Note what peers cannot do, each once."""
        for note in notes:
            try:
                parse_part(note.case)
            except UnknownFigure as error:
                self.measured.failures.append(f"{self.title}: {error}")
            else:
                if note not in self.measured.cannot:
                    self.measured.cannot.append(note)

    def expression(self, pairs: Sequence[tuple[str, str]]) -> str:
        """Return a regular expression of the figures of these works and peers."""
        names = "|".join(re.sub(r"([.+])", r"\\\1", f"{work}/{peer}") for work, peer in pairs)
        return f"^({names})(/|$)"


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rusted-ring-bench-") as folder:
        yield Path(folder)


# --- C and C++, with Google Benchmark


class CHarness(AnyHarness):
    """The core, its peers in C and C++, the machine's limits, and memory."""

    name = "c"
    title = "C"

    def wanted(self) -> bool:
        """Whether there is anything for it to do."""
        return super().wanted() or MEMORY in self.selection.works

    def build(self) -> list[str]:
        """Configure and build `c/`, and read which peers CMake did not find."""
        cmake = which("cmake")
        self.programs.build_c(cmake, SOURCES / "c", self.folder, checkout(), _BUILD_SECONDS)
        for peer, reason in json.loads((self.folder / "missing.json").read_text(encoding="utf-8")).items():
            self.miss(peer, reason)
        self.measured.machine["compilers"] = machine.compilers(self.folder)
        if not self.pairs():
            return []
        said = self.programs.run([self._program(), "--benchmark_list_tests=true", self._filter(self.pairs())], 60)
        return [line.removesuffix("/manual_time") for line in said.split()]

    def prepare(self) -> None:
        """Build it, or note that it is missing and why."""
        super().prepare()
        if not self.there:
            self.measured.missing[MEMORY] = self.measured.missing.get(f"c: {NATIVE}", "the C harness is missing")

    def _program(self) -> Path:
        return self.folder / "bench_core"

    def _filter(self, pairs: Sequence[tuple[str, str]]) -> str:
        return f"--benchmark_filter={self.expression(pairs)}"

    def steps(self, only: Pairs | None = None) -> list[Step]:
        """Return the works of one thread, and apart from them those of two, whose limits are to be near them."""
        found: list[Step] = []
        for two, words in ((False, "one thread"), (True, "two threads")):
            pairs = [pair for pair in self.pairs(only) if WORKS[pair[0]].two_threads == two]

            def step(into: Round, pairs: list[tuple[str, str]] = pairs) -> None:
                figures = self.figures(pairs)
                into.add(figures)
                trip = _round_trip(figures)
                if trip is not None:
                    into.round_trips[self.name] = trip

            if self.there and pairs:
                found.append((f"C, {words}", step))
        return found

    def figures(self, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
        """Run each case of these works and peers once, and return nanoseconds an event by name."""
        two = any(WORKS[work].two_threads for work, _ in pairs)
        seconds = self.pace.two_threads if two else self.pace.one_thread
        command: Command = [
            self._program(),
            "--benchmark_format=json",
            f"--benchmark_min_time={seconds}",
            self._filter(pairs),
        ]
        document = json.loads(self.programs.run(command, self.pace.limit))
        # An entry of the context that is a part of a name says what a peer cannot do.
        context = document["context"].items()
        self.cannot(Note(case, str(reason)) for case, reason in context if case.partition("/")[0] in WORKS)
        figures = {}
        for one in document["benchmarks"]:
            if not one.get("error_occurred"):
                figures[one["name"]] = one["ns_per_event"]
                continue
            peer = parse(one["name"]).peer
            if peer in OURS:
                raise ProgramFailed(f"{one['name']}: {one['error_message']}")
            self.miss(peer, one["error_message"])
        return figures

    def round_trip(self) -> float | None:
        """Measure a round trip for a harness of another language; None where this one is not there."""
        return _round_trip(self.figures([(_ROUND_TRIP, MACHINE)])) if self.there else None

    def memory(self) -> dict[str, Any]:
        """Run `bench_memory`."""
        command: Command = [self.folder / "bench_memory", str(self.pace.memory)]
        found: dict[str, Any] = json.loads(self.programs.run(command, self.pace.limit))
        return found


def _round_trip(figures: Mapping[str, float]) -> float | None:
    return next((ns for name, ns in figures.items() if name.startswith(f"{_ROUND_TRIP}/")), None)


# --- Rust, with Criterion


class RustHarness(AnyHarness):
    """Peers in Rust."""

    name = "rust"
    title = "Rust"

    FEATURES: ClassVar = {
        "rusted-ring-0-3-2": "rusted-ring-0.3.2",
        "rusted-ring-0-5-6": "rusted-ring-0.5.6",
        "disruptor": "disruptor-rs",
        "rtrb": "rtrb",
        "crossbeam": "crossbeam-array-queue",
    }
    """The peer behind each feature of the package."""

    def build(self) -> list[str]:
        """Build `rust/` with all peers or, where that fails, with those that can be built."""
        cargo = which("cargo")
        try:
            self._cargo(cargo, list(self.FEATURES))
        except ProgramFailed:
            self._cargo(cargo, [])
            good: list[str] = []
            for feature, peer in self.FEATURES.items():
                try:
                    self._cargo(cargo, [*good, feature])
                    good.append(feature)
                except ProgramFailed as error:
                    self.miss(peer, f"cannot be built: {error}")
            self._cargo(cargo, good)
        notes = json.loads(self.programs.run([self._program(), "--notes"], 60))
        self.cannot(Note(one["case"], one["reason"]) for one in notes["missing"])
        self.measured.notes += [Note(one["case"], one["note"]) for one in notes["notes"]]
        said = self.programs.run([self._program(), "--list", self.expression(self.pairs())], 60)
        return [line.removesuffix(": benchmark") for line in said.splitlines() if line]

    def _cargo(self, cargo: str, features: Sequence[str]) -> None:
        manifest = SOURCES / "rust" / "Cargo.toml"
        command: Command = [cargo, "build", "--release", "--locked", "--quiet", "--manifest-path", manifest]
        self.programs.run(
            [*command, "--no-default-features", "--features", ",".join(features)],
            _BUILD_SECONDS,
            environment={"CARGO_TARGET_DIR": str(self.folder)},
        )

    def _program(self) -> Path:
        return self.folder / "release" / "rusted-ring-bench-peers"

    def figures(self, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
        """Run each case of these works and peers once, and return nanoseconds an event by name."""
        warm_up, measurement = self.pace.criterion
        with _scratch() as scratch:
            command: Command = [
                self._program(),
                "--bench",
                "--noplot",
                "--quiet",
                "--nresamples",
                "1000",
                "--sample-size",
                "10",
            ]
            times = ["--warm-up-time", str(warm_up), "--measurement-time", str(measurement)]
            self.programs.run(
                [*command, *times, self.expression(pairs)],
                self.pace.limit,
                folder=scratch,
                environment={"CRITERION_HOME": str(scratch)},
            )
            return dict(_criterion_figure(path) for path in sorted(scratch.glob("**/new/benchmark.json")))


def _criterion_figure(path: Path) -> tuple[str, float]:
    """Return a figure of Criterion's: the median of an iteration over the events that one has."""
    benchmark = json.loads(path.read_text(encoding="utf-8"))
    estimates = json.loads((path.parent / "estimates.json").read_text(encoding="utf-8"))
    nanoseconds: float = estimates["median"]["point_estimate"] / benchmark["throughput"]["Elements"]
    return benchmark["full_id"], nanoseconds


# --- Java, with JMH


class JavaHarness(AnyHarness):
    """Peers in Java."""

    name = "java"
    title = "Java"

    def build(self) -> list[str]:
        """Build `java/` where its sources are not those of the last build."""
        maven, java = which("mvn"), which("java")
        sources = sorted(path for path in (SOURCES / "java").rglob("*") if path.suffix in (".java", ".xml"))
        state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
        stamp = self.folder / "sources.sha256"
        if not (self._jar().is_file() and stamp.is_file() and stamp.read_text(encoding="ascii") == state):
            command: Command = [maven, "-q", "-B", "package", "-f", SOURCES / "java" / "pom.xml"]
            self.programs.run([*command, f"-DbuildDirectory={self.folder}"], _BUILD_SECONDS)
            stamp.write_text(state, encoding="ascii")
        notes = json.loads(self.programs.run([java, "-jar", self._jar(), "--notes"], 60))
        self.cannot(Note(one["case"], one["reason"]) for one in notes["missing"])
        self.measured.notes += [Note(one["case"], one["note"]) for one in notes["notes"]]
        return []  # JMH does not tell them

    def _jar(self) -> Path:
        return self.folder / "bench-peers.jar"

    def figures(self, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
        """Run each case of these works and peers once, and return nanoseconds an event by name."""
        works = "|".join(dict.fromkeys(work for work, _ in pairs))
        with _scratch() as scratch:
            result = scratch / "jmh.json"
            command: Command = [which("java"), "-Djmh.ignoreLock=true", "-jar", self._jar(), "-f", "1", *self.pace.jmh]
            self.programs.run(
                [*command, "-rf", "json", "-rff", result, rf"\.({works})$"], self.pace.limit, folder=scratch
            )
            return dict(map(_jmh_figure, json.loads(result.read_text(encoding="utf-8"))))


def _jmh_figure(entry: dict[str, Any]) -> tuple[str, float]:
    """Return a figure of JMH's: its class is the peer, its method the work."""
    _, type_name, work = entry["benchmark"].rsplit(".", 2)
    peer = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type_name).lower()
    given = entry.get("params", {})
    keys = [key for key in WORKS[work].keys if key in given] if work in WORKS else list(given)
    score: float = entry["primaryMetric"]["score"]
    return "/".join([work, peer, *(f"{key}={given[key]}" for key in keys)]), score


# --- Python, with pyperf


class PythonHarness(AnyHarness):
    """The native module from Python, beside Python's queues; peers that are not installed are put into the cache."""

    name = "python"
    title = "Python"

    def build(self) -> list[str]:
        """Fetch the peers that are not installed, and ask what there is."""
        from rusted_ring.bench.python_peers import BARE_EXTENSION, MODULES

        asked = {peer for _, peer in self.selection.pairs(self.name)}
        if not _installed("pyperf"):
            raise ProgramFailed("pyperf is not installed: pip install 'rusted-ring[bench]'")
        self._paths: list[str] = []
        for peer, module in MODULES.items():
            if peer in asked and module == BARE_EXTENSION:
                self._build_extension(peer, module)
            elif peer in asked and not _installed(module):
                self._fetch(peer)
        told = json.loads(self.programs.run([*self._program(), "--describe"], 120))
        for peer, reason in told["missing"].items():
            if peer in asked:
                self.measured.missing.setdefault(peer, reason)
        self.measured.machine["python_peers"] = told["versions"]
        self._listed = list(told["figures"])
        return self._chosen(self.pairs())

    def _chosen(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        return [name for name in self._listed if tuple(name.split("/")[:2]) in pairs]

    def _build_extension(self, peer: str, module: str) -> None:
        """Build a peer that is one file of C of this benchmark, as the binding is built: optimized, for this Python."""
        target = self.folder / f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}"
        try:
            self.programs.run(
                [
                    *(which("cc"), "-O3", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}"),
                    *(SOURCES / "python" / f"{module}.c", "-o", target),
                ],
                _BUILD_SECONDS,
            )
            self._paths.append(str(self.folder))
        except ProgramFailed as error:
            self.miss(peer, f"cannot be built: {error}")

    def _fetch(self, peer: str) -> None:
        """Build or download a peer into a folder of its own, so that one that fails does not keep the others away."""
        target = self.folder / f"{peer}-{sys.implementation.cache_tag}"
        self._paths.append(str(target))
        if target.is_dir():
            return
        try:
            if not _installed("pip"):
                raise ProgramFailed(f"this Python has no pip: install {peer} beside rusted-ring")
            with tempfile.TemporaryDirectory(dir=self.folder) as fresh:
                pip: Command = [
                    sys.executable,
                    "-m",
                    "pip",
                    "--disable-pip-version-check",
                    "--no-input",
                    "install",
                    "--quiet",
                ]
                self.programs.run([*pip, "--target", Path(fresh) / peer, PEERS[peer].source.removeprefix("pypi:")], 600)
                (Path(fresh) / peer).rename(target)
        except ProgramFailed as error:
            self.miss(peer, f"cannot be installed: {error}")

    def _program(self) -> list[str]:
        paths = [part for path in self._paths for part in ("--path", path)]
        return [sys.executable, "-m", "rusted_ring.bench.python_peers", *paths]

    def figures(self, pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
        """Run each case of these works and peers once, and return nanoseconds an event by name."""
        import pyperf

        pace = self.pace
        with _scratch() as scratch:
            result = scratch / "pyperf.json"
            self.programs.run(
                [
                    *self._program(),
                    *("--output", str(result)),
                    *("--min-time", str(pace.value), "--busy-time", str(pace.busy_value)),
                    *("--values", str(pace.values), "--wakes", str(pace.wakes)),
                    *("--only", *self._chosen(pairs)),
                ],
                pace.limit,
            )
            suite = pyperf.BenchmarkSuite.load(str(result))
        return {benchmark.get_name(): 1e9 * benchmark.median() for benchmark in suite.get_benchmarks()}


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def harnesses(measured: Measured, pace: Pace, programs: Programs, folder: Path) -> list[AnyHarness]:
    """Return the harnesses that have something to do, in the order in which they run."""
    core = CHarness(measured, pace, programs, folder)
    found: list[AnyHarness] = [core]
    for kind in (RustHarness, JavaHarness, PythonHarness):
        found.append(kind(measured, pace, programs, folder))
        found[-1].core = core
    return [harness for harness in found if harness.wanted()]
