"""Seeded defects: one-line faults of the C core, each of which the suite must catch.

`defects.toml` lists them: the exact text that is there, the text that is put in its place, the clause that this
breaks and the check that should see it. Each is applied to a copy of the core, built, loaded in a process of its own
under the name `rusted_ring.native`, and put through that check. A fault that nothing catches within its time
survives, and a survivor fails the run; so does a fault whose text is no longer in the source exactly once, so that
the catalogue keeps up with the code. First of all the unchanged core goes through the same checks, and must pass
them.

`python -m rusted_ring.verify.defects [--only NAME] [--json]`, from a checkout (the C sources are not in the wheel),
exits with 0 (all caught), 1 (not) or 2 (could not run).
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rusted_ring.verify import exploring
from rusted_ring.verify.checkout import NoCheckout, checkout
from rusted_ring.verify.clients import corpus

CATALOGUE = pathlib.Path(__file__).with_name("defects.toml")
SECONDS_A_DEFECT = 60.0
STEPS = 60_000
STEPS_OF_THE_UNCHANGED = 3_000
SHRINK_SECONDS = 0.0
SECONDS_WITHOUT_LIFE = 15.0
PROCESSES = 2
GENERATED_MODULES = ("_cffi", "_quick")
INCLUDED = ("calls", "methods")  # parts of the binding that other sources include
LAYERS = ("diff", "round", "ctest", "spurious", "explore")
_MOST_SHRINKING = 20_000
"""Executions in which a witness is made smaller."""

# What the process of a check runs. The copy comes first on the path, and the finders of an editable install go, since
# they would find the unchanged native backend.
CHILD = """
import json, sys
copy, roots, result, arguments = json.loads(sys.argv[1])
sys.meta_path[:] = [f for f in sys.meta_path if isinstance(f, type) or "editable" not in type(f).__module__]
sys.path[:0] = [copy, *roots]
from rusted_ring import native
if not native.__file__.startswith(copy):
    raise SystemExit(f"loaded {native.__file__}, which is not the copy")
from rusted_ring.verify.defects import check_in_child
check_in_child(result, **arguments)
"""


class CatalogueError(ValueError):
    """The catalogue does not fit the source, or the core cannot be built."""


@dataclasses.dataclass(frozen=True)
class Defect:
    """One fault.

    Attributes:
        name: its name, words joined by hyphens.
        file: the source file below `native/`.
        old: text that is in the file exactly once.
        new: what takes its place.
        clauses: the clauses that it breaks.
        profile: the profile at which the differential run looks for it.
        layer: the check that catches it, one of `LAYERS`.
        client: the client of the corpus that shows it to the explorer, tried before the others; none by default.
    """

    name: str
    file: str
    old: str
    new: str
    clauses: tuple[str, ...]
    profile: str = "TINY"
    layer: str = "diff"
    client: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one fault.

    Attributes:
        name: the fault's name.
        caught_by: `disagreement`, `crash`, `hang` or `error`, with the layer; empty where it survived.
        clause: the clause that the check named; empty for a crash or a hang.
        message: what was seen.
        seconds: how long the check took, without the build.
        build_seconds: how long the build took.
    """

    name: str
    caught_by: str
    clause: str
    message: str
    seconds: float
    build_seconds: float

    @property
    def survived(self) -> bool:
        """True if nothing caught the fault."""
        return not self.caught_by


@dataclasses.dataclass(frozen=True)
class DefectsReport:
    """All outcomes; `problems` is what fails the run."""

    outcomes: tuple[Outcome, ...]
    problems: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """True if every fault was caught."""
        return not self.problems

    def as_dict(self) -> dict[str, object]:
        """The report as JSON values."""
        return {
            "layer": "defects",
            "ok": self.ok,
            "defects": len(self.outcomes),
            "caught": sum(not outcome.survived for outcome in self.outcomes),
            "survived": [outcome.name for outcome in self.outcomes if outcome.survived],
            "slowest_seconds": round(max((outcome.seconds for outcome in self.outcomes), default=0.0), 1),
            "seconds": round(self.seconds, 1),
            "problems": list(self.problems),
            "outcomes": [dataclasses.asdict(outcome) for outcome in self.outcomes],
        }


def read_catalogue(path: pathlib.Path = CATALOGUE) -> list[Defect]:
    """Read the catalogue.

    Raises:
        CatalogueError: an entry is incomplete, or two have the same name.
    """
    defects = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["defect"]:
        known = {field.name for field in dataclasses.fields(Defect)}
        if unknown := entry.keys() - known:
            raise CatalogueError(f"{entry.get('name')}: unknown keys {sorted(unknown)}; known are {sorted(known)}")
        try:
            defect = Defect(**{**entry, "clauses": tuple(entry["clauses"])})
        except (KeyError, TypeError) as error:
            raise CatalogueError(f"{entry.get('name')}: incomplete entry: {error}") from error
        if defect.layer not in LAYERS:
            raise CatalogueError(f"{defect.name}: layer is {defect.layer!r}: must be one of {LAYERS}")
        if defect.client and defect.client not in {client.name for client in corpus()}:
            raise CatalogueError(f"{defect.name}: client is {defect.client!r}: no client of the corpus is named so")
        defects.append(defect)
    names = [defect.name for defect in defects]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise CatalogueError(f"two defects are named {sorted(repeated)}")
    return defects


def applied(defect: Defect, native: pathlib.Path) -> str:
    """The text of the defect's file with the defect in it.

    Args:
        defect: the defect.
        native: the folder `native/` to read from.

    Raises:
        CatalogueError: the old text is not there exactly once, or the new one is the same.
    """
    path = native / defect.file
    if not path.is_file():
        raise CatalogueError(f"{defect.name}: there is no {defect.file}; move the entry to where the code went")
    text = path.read_text(encoding="utf-8")
    if (count := text.count(defect.old)) != 1:
        raise CatalogueError(
            f"{defect.name}: its text is in {defect.file} {count} times, not once; bring the entry up to date"
        )
    if defect.old == defect.new:
        raise CatalogueError(f"{defect.name}: changes nothing")
    return text.replace(defect.old, defect.new)


class Workshop:
    """Builds copies of the core, reusing what a defect does not touch.

    Attributes:
        native: the copy of `native/` that everything is made of, so that an edit in the meantime changes nothing.
        roots: copies of `reference/` and `tests/` that the checks run from.
    """

    def __init__(self, root: pathlib.Path, folder: pathlib.Path) -> None:
        """Generate the binding's C and compile everything once.

        Args:
            root: the checkout.
            folder: an empty folder that the caller deletes.
        """
        self.folder = folder
        self.compiler = shlex.split(os.environ.get("CC", "cc"))
        self.native = folder / "native"
        ignored = shutil.ignore_patterns("*.so", "__pycache__")
        for part in ("include", "src", "binding", "rusted_ring", "tests"):
            shutil.copytree(root / "native" / part, self.native / part, ignore=ignored)
        self.roots = [str(folder / room) for room in ("reference", "tests")]
        for room in ("reference", "tests"):
            shutil.copytree(root / room / "rusted_ring", folder / room / "rusted_ring", ignore=ignored)
        shutil.copytree(root / "spec", folder / "spec", ignore=shutil.ignore_patterns("_build", "states"))
        self.core = [f"src/{path.name}" for path in sorted((self.native / "src").glob("*.c"))]
        if not self.core:
            raise CatalogueError(f"no C sources in {root / 'native' / 'src'}")
        binding = self.native / "binding"
        self.modules: dict[str, str] = {}
        for module in GENERATED_MODULES:
            self.modules[module] = f"binding/{module}.c"
            generator = [sys.executable, "-m", "cffi.gen_src", "exec-python", "--ffi-var", module]
            self.run([*generator, str(binding / "build_cffi.py"), str(self.native / self.modules[module])])
        # Every other source there is a module of its own.
        others = [path for path in binding.glob("*.c") if path.stem not in (*GENERATED_MODULES, *INCLUDED)]
        self.modules |= {f"_{path.stem}": f"binding/{path.name}" for path in others}
        self.objects: dict[str, pathlib.Path] = {}
        for file in [*self.core, *self.modules.values()]:
            self.objects[file] = self.compile(self.native, file, folder / f"{pathlib.Path(file).stem}.o")

    @staticmethod
    def run(command: Sequence[str]) -> None:
        """Run a build step."""
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CatalogueError(f"build failed: {shlex.join(command)}\n{done.stdout}{done.stderr}")

    def compile(self, native: pathlib.Path, file: str, output: pathlib.Path) -> pathlib.Path:
        """Compile one file of a copy of `native/`."""
        include = [f"-I{native / part}" for part in ("include", "src", "binding")]
        python = [f"-I{sysconfig.get_path('include')}", "-DPy_LIMITED_API=0x030b0000"]
        # -w: a fault may leave a variable unused, and what it breaks is the question here.
        flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g0", "-fPIC", "-w", "-pthread"]
        self.run([*self.compiler, *flags, *include, *python, "-c", str(native / file), "-o", str(output)])
        return output

    def build(self, name: str, file: str | None = None, text: str = "") -> pathlib.Path:
        """Make a folder with a native package whose core has one file changed.

        Args:
            name: the folder's name.
            file: the file below `native/` that is changed, or None.
            text: what it contains then.

        Returns:
            The folder, to be put on the path: it has `rusted_ring/native` in it.
        """
        copy = self.folder / "copies" / name
        package = copy / "rusted_ring" / "native"
        shutil.copytree(self.native / "rusted_ring" / "native", package)
        objects = dict(self.objects)
        if file is not None:
            native = copy / "native"
            for part in ("include", "src", "binding"):
                shutil.copytree(self.native / part, native / part)
            (native / file).write_text(text, encoding="utf-8")
            # A header, or a source that others include, is in every object.
            for again in [file] if file in objects else list(objects):
                objects[again] = self.compile(native, again, copy / f"{pathlib.Path(again).stem}.o")
        core = [str(objects[source]) for source in self.core]
        shared = ["-shared", *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else [])]
        for module, source in self.modules.items():
            output = package / f"{module}.abi3.so"
            self.run([*self.compiler, *shared, "-pthread", str(objects[source]), *core, "-o", str(output)])
        return copy

    def core_of(self, copy: pathlib.Path) -> list[str]:
        """Return the objects of a copy's core: its own where a file was compiled again, and those of all others."""
        every = ((copy / self.objects[source].name, self.objects[source]) for source in self.core)
        return [str(own if own.is_file() else shared) for own, shared in every]


def check_by_programs(
    workshop: Workshop, copy: pathlib.Path, seconds: float, *, spurious: bool = False
) -> tuple[str, str, str]:
    """Build the C tests against a copy's core and run them; the answer is that of `check_copy`.

    Args:
        workshop: where the copy was built.
        copy: the copy.
        seconds: how long each test may take.
        spurious: whether weak compare-exchanges of core and tests fail at random.
    """
    layer = "spurious" if spurious else "ctest"
    native = copy / "native" if (copy / "native").is_dir() else workshop.native
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-w", "-pthread", f"-I{native / 'include'}", f"-I{native / 'src'}"]
    core = workshop.core_of(copy)
    if spurious:
        flags += ["-include", str(workshop.native / "tests" / "spurious.h")]
        core = [str(copy / f"{pathlib.Path(source).stem}-spurious.o") for source in workshop.core]
        for source, output in zip(workshop.core, core, strict=True):
            workshop.run([*workshop.compiler, *flags, "-c", str(native / source), "-o", output])
    for test in sorted((workshop.native / "tests").glob("test_*.c")):
        program = copy / f"{layer}-{test.stem}"
        workshop.run([*workshop.compiler, *flags, str(test), *core, "-o", str(program)])
        try:
            done = subprocess.run([str(program)], capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            return (f"{layer}: hang", "", f"{test.stem} was not done in {seconds:.0f} s")
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            # A check of these programs that fails aborts them.
            kind = "failure" if done.returncode > 0 or -done.returncode == signal.SIGABRT else "crash"
            return (f"{layer}: {kind}", "", said[-1].replace(f"{workshop.folder}/", "") if said else test.stem)
    return ("", "", "")


def check_in_child(result: str, *, layer: str, profile: str, steps: int, seed: int) -> None:
    """Put the native backend of this process through a check and write what it found.

    Args:
        result: the file to write, as JSON: `clause` and `message` where the check failed; its time is the sign of life.
        layer: `diff` or `round`.
        profile: the profile's name.
        steps: the steps of a differential run.
        seed: decides what is drawn.
    """
    from rusted_ring import native
    from rusted_ring.verify.diff import Progress, run_diff

    path = pathlib.Path(result)

    def alive(_: Progress) -> None:
        os.utime(path)

    path.write_text("", encoding="utf-8")
    if layer == "round":
        found = check_round(native)
    else:
        report = run_diff(
            native,
            profile=profile,
            steps=steps,
            seed=seed,
            progress=alive,
            isolate=False,
            shrink_seconds=SHRINK_SECONDS,
        )
        failure = report.failure
        found = None if failure is None else (failure.clause, f"{failure.message} (after {report.steps} steps)")
    clause, message = found or ("", "")
    path.write_text(json.dumps({"clause": clause, "message": message, "failed": found is not None}), encoding="utf-8")


def check_round(backend: Any) -> tuple[str, str] | None:
    """Look whether a pool takes every slot that stays FREE once before it takes any slot a third time [ALLOC-10].

    Returns:
        The clause and what was seen, or None if all is well.
    """
    for profile in (backend.TINY, backend.SEED):
        for length, pool_id in ((0, 0), (65, 1), (1025, 3)):
            allocator = backend.EventAllocator(profile)
            capacity = allocator.pools.capacity(pool_id)
            kept = [allocator.allocate(bytes(length)) for _ in range(capacity // 3)]
            taken = [0] * capacity
            for pointer in kept:
                taken[pointer.slot_index] = -(2**30)
            for _ in range(5 * capacity):
                with allocator.allocate(bytes(length)) as pointer:
                    slot_index = pointer.slot_index
                taken[slot_index] += 1
                if taken[slot_index] == 3:
                    never = [index for index, count in enumerate(taken) if count == 0]
                    if never:
                        where = f"slot {slot_index} of pool {pool_id} of {profile.name} was taken a third time"
                        return ("ALLOC-10", f"{where} while slot {never[0]} and {len(never) - 1} more were never taken")
                    taken = [min(count, 0) for count in taken]
            del kept
    return None


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long and how far a defect is looked for.

    Attributes:
        seconds: when a defect that nothing caught counts as survived.
        steps: the steps of a differential run.
        seed: decides what is drawn.
    """

    seconds: float = SECONDS_A_DEFECT
    steps: int = STEPS
    seed: int = 1


def check_copy(
    roots: Sequence[str], copy: pathlib.Path, layer: str, profile: str, limits: Limits
) -> tuple[str, str, str]:
    """Put a copy through a check in a process of its own.

    Returns:
        By what the copy was caught (empty if by nothing), the clause and the message.
    """
    result = copy / f"{layer}-{profile}.json"
    arguments = {"layer": layer, "profile": profile, "steps": limits.steps, "seed": limits.seed}
    given = json.dumps([str(copy), list(roots), str(result), arguments])
    command = [sys.executable, "-X", "faulthandler", "-c", CHILD, given]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=copy)
        hung = late = False
        begun = time.monotonic()
        while process.poll() is None:
            now = time.time()
            started = result.exists()
            quiet = now - result.stat().st_mtime if started else 0.0
            late = time.monotonic() - begun > limits.seconds
            hung = quiet > SECONDS_WITHOUT_LIFE or (late and not started)
            if hung or late:
                process.kill()
                process.wait()
                break
            time.sleep(0.05)
        code = process.returncode
        said.seek(0)
        words = said.read().decode(errors="replace").strip().splitlines()
    written = result.read_text(encoding="utf-8") if result.exists() else ""
    if written and (found := json.loads(written))["failed"]:
        return (f"{layer}: disagreement", found["clause"], found["message"])
    if hung:
        return (f"{layer}: hang", "", f"no sign of life for {SECONDS_WITHOUT_LIFE:.0f} s")
    if late:
        # It still takes steps, and none of them was wrong: nothing has caught it.
        return ("", "", "")
    if code < 0:
        return (f"{layer}: crash", "", signal.Signals(-code).name)
    if code != 0:
        return (f"{layer}: error", "", words[-1] if words else f"exit status {code}")
    if not written:
        raise CatalogueError(f"the check of {copy.name} ended without a verdict: {' '.join(words[-3:])}")
    return ("", "", "")


def check_by_explorer(workshop: Workshop, copy: pathlib.Path, first: str = "") -> tuple[str, str, str]:
    """Put the corpus of clients to a copy's core under the explorer; the answer is that of `check_copy`.

    The witness in the message is a client of the corpus that goes wrong, made smaller where it can be: the one named
    `first`, or else the smallest.
    """
    root = copy if (copy / "native").is_dir() else workshop.folder
    work = copy / "explorer"
    work.mkdir()
    with exploring.Explorer(root, work) as explorer:
        for client in sorted(corpus(), key=lambda client: (client.name != first, client.size())):
            violation = explorer.explore(client).violation
            if violation is not None:
                witness = exploring.shrunk(explorer, violation, most=_MOST_SHRINKING)
                return (
                    f"explore: {witness.kind}",
                    witness.clause,
                    f"{witness.client}: {witness.message.splitlines()[0]}",
                )
    return ("", "", "")


def check(
    workshop: Workshop, copy: pathlib.Path, layer: str, profile: str, limits: Limits, client: str = ""
) -> tuple[str, str, str]:
    """Put a copy through the check of a layer; the answer is that of `check_copy`."""
    if layer in ("ctest", "spurious"):
        return check_by_programs(workshop, copy, limits.seconds, spurious=layer == "spurious")
    if layer == "explore":
        return check_by_explorer(workshop, copy, client)
    return check_copy(workshop.roots, copy, layer, profile, limits)


def try_defect(workshop: Workshop, defect: Defect, limits: Limits) -> Outcome:
    """Build a copy with a defect in it and see what catches it."""
    text = applied(defect, workshop.native)
    begun = time.monotonic()
    copy = workshop.build(defect.name, defect.file, text)
    built = time.monotonic()
    caught_by, clause, message = check(workshop, copy, defect.layer, defect.profile, limits, defect.client)
    done = time.monotonic()
    shutil.rmtree(copy)
    return Outcome(defect.name, caught_by, clause, message, round(done - built, 2), round(built - begun, 2))


def check_unchanged(workshop: Workshop, checks: Iterable[tuple[str, str]], limits: Limits, processes: int) -> list[str]:
    """Put the unchanged core through checks that a defect is looked for with; return what went wrong."""
    copy = workshop.build("unchanged")
    every = sorted(set(checks), reverse=True)  # the explorer's, which takes longest, among the first
    problems = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
        found = executor.map(lambda one: check(workshop, copy, one[0], one[1], limits), every)
    for (layer, profile), (caught_by, clause, message) in zip(every, found, strict=True):
        if caught_by:
            where = f"{layer} at profile {profile}" if layer == "diff" else layer
            problems.append(f"the unchanged core does not pass ({where}): {caught_by} {clause} {message}")
    return problems


def run_defects(
    defects: Iterable[Defect] | None = None,
    *,
    limits: Limits | None = None,
    processes: int = PROCESSES,
    progress: Callable[[int, int, str], None] | None = None,
) -> DefectsReport:
    """Try every defect, after the unchanged core has passed the same checks.

    Args:
        defects: what to try; the whole catalogue by default.
        limits: how long and how far each is looked for.
        processes: how many are tried at once.
        progress: called with (defects done, defects, name) after each.

    Raises:
        CatalogueError: there are no C sources, or they cannot be built as they are.
    """
    begun = time.monotonic()
    root = checkout()
    chosen = read_catalogue() if defects is None else list(defects)
    limits = Limits() if limits is None else limits
    problems: list[str] = []
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as folder:
        workshop = Workshop(root, pathlib.Path(folder).resolve())
        # A few thousand steps tell whether anything at all is wrong with the copies; `rusted-ring diff` does the rest.
        short = dataclasses.replace(limits, steps=min(limits.steps, STEPS_OF_THE_UNCHANGED))
        checks = ((defect.layer, defect.profile) for defect in chosen)
        problems += check_unchanged(workshop, checks, short, processes)
        if problems:
            # Whatever is caught now may be caught for the wrong reason.
            return DefectsReport((), tuple(problems), time.monotonic() - begun)
        with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
            running = {executor.submit(try_defect, workshop, defect, limits): defect for defect in chosen}
            for number, future in enumerate(concurrent.futures.as_completed(running), start=1):
                defect = running[future]
                try:
                    outcomes[defect.name] = future.result()
                except CatalogueError as error:
                    problems.append(str(error))
                if progress is not None:
                    progress(number, len(running), defect.name)
    ordered = tuple(outcomes[defect.name] for defect in chosen if defect.name in outcomes)
    problems += [f"{outcome.name}: survived" for outcome in ordered if outcome.survived]
    return DefectsReport(ordered, tuple(problems), time.monotonic() - begun)


def table(report: DefectsReport) -> str:
    """The report as text."""
    width = max((len(outcome.name) for outcome in report.outcomes), default=6)
    rows = [f"{'defect':<{width}}  {'caught by':<20}  {'clause':<9}  seconds  build"]
    rows += [
        f"{outcome.name:<{width}}  {outcome.caught_by or 'SURVIVED':<20}  {outcome.clause:<9}  "
        f"{outcome.seconds:>7.1f}  {outcome.build_seconds:>5.1f}"
        for outcome in report.outcomes
    ]
    rows += [f"FAIL: {problem}" for problem in report.problems]
    caught = sum(not outcome.survived for outcome in report.outcomes)
    rows.append(f"{caught} of {len(report.outcomes)} defects caught in {report.seconds:.0f} s")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the catalogue from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.defects",
        description="Seed every fault of the catalogue and see that it is caught.",
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="try this defect alone (may be repeated)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        defects = read_catalogue()
        names = {defect.name for defect in defects}
        if unknown := [name for name in options.only or [] if name not in names]:
            parser.error(f"no defect is named {', '.join(unknown)}; see {CATALOGUE.name}")

        def progress(done: int, every: int, name: str) -> None:
            if sys.stderr.isatty():
                print(f"\r\033[K{done}/{every} {name}", end="" if done < every else "\n", file=sys.stderr, flush=True)

        chosen = [defect for defect in defects if not options.only or defect.name in options.only]
        report = run_defects(chosen, progress=progress)
    except (CatalogueError, NoCheckout) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=1) if options.json else table(report))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
