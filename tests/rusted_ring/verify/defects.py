"""Seeded defects: one-line faults of the C core, each of which the suite must catch.

`defects.toml` lists them: the function and the exact text there, the text that is put in its place, the clause that
this breaks and the check that should see it. Which file the function is in does not matter. Each fault is applied to a
copy of the core, and the copy is put through that check: loaded in a process of its own under the name
`rusted_ring.native`, linked to a C test, or run by the explorer. A fault that the check does not catch within its time
survives, and a survivor fails the run; so does a fault whose text is no longer in the function exactly once, so that
the catalogue keeps up with the code, and one that does not compile. First of all the unchanged core goes through the
same checks, and must pass them.

`python -m rusted_ring.verify.defects [--only NAME] [--share N --part M] [--json]`, from a checkout (the C sources are
not in the wheel), exits with 0 (all caught), 1 (not) or 2 (could not run).
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
import threading
import time
import tomllib
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from rusted_ring.verify import exploring
from rusted_ring.verify.checkout import NoCheckout, checkout
from rusted_ring.verify.client_corpus import CLIENTS
from rusted_ring.verify.engine import CannotBuild
from rusted_ring.verify.functions import Functions

SOURCES = ("include", "src", "binding", "tests")  # the folders of native/ that a copy has
CATALOGUE = pathlib.Path(__file__).with_name("defects.toml")
SECONDS_A_DEFECT = 60.0
STEPS = 60_000
STEPS_OF_THE_UNCHANGED = 3_000
SHRINK_SECONDS = 0.0
SECONDS_WITHOUT_LIFE = 15.0
PROCESSES = 2
GENERATED = "binding/_cffi.c"  # what cffi makes of build_cffi.py
PROGRAMS = {
    "ctest": (),
    "spurious": ("-include", "{native}/tests/spurious.h"),
    "words": ("-DRR_COPY_WORDS",),
    "portable": ("-DRR_PORTABLE_WAITS",),
    "address": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
    "thread": ("-fsanitize=thread",),
}
"""The layers that run a C test, and the flags that it and the core are compiled with: the builds that CI tests."""
LAYERS = ("diff", "round", *PROGRAMS, "explore")
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
        function: the function of `native/src` that it is in, whatever the file.
        old: text that is in the definitions of that function exactly once.
        new: what takes its place.
        clauses: the clauses that it breaks.
        profile: the profile at which the differential run looks for it.
        layer: the check that catches it, one of `LAYERS`.
        program: the C test that catches it, for the layers of `PROGRAMS`.
        client: the client of the corpus that shows it to the explorer, for that layer.
    """

    name: str
    function: str
    old: str
    new: str
    clauses: tuple[str, ...]
    profile: str = "TINY"
    layer: str = "diff"
    program: str = ""
    client: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one fault.

    Attributes:
        name: the fault's name.
        caught_by: `disagreement`, `crash`, `hang` or `error`, with the layer; empty where it survived.
        clause: the clause that the check named; empty for a crash or a hang.
        message: what was seen.
        seconds: how long the build and the check took.
    """

    name: str
    caught_by: str
    clause: str
    message: str
    seconds: float

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
        if (defect.layer in PROGRAMS) != bool(defect.program):
            raise CatalogueError(
                f"{defect.name}: program is {defect.program!r}: name a test of native/tests for a layer of "
                f"{', '.join(PROGRAMS)}, and none for another one"
            )
        if (defect.layer == "explore") != bool(defect.client):
            raise CatalogueError(
                f"{defect.name}: client is {defect.client!r}: name one of the corpus for the layer explore, and none "
                "for another one"
            )
        if defect.client and defect.client not in {client.name for client in CLIENTS}:
            raise CatalogueError(f"{defect.name}: client is {defect.client!r}: no client of the corpus is named so")
        defects.append(defect)
    names = [defect.name for defect in defects]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise CatalogueError(f"two defects are named {sorted(repeated)}")
    return defects


def share_of(defects: Iterable[Defect], share: int, part: int) -> list[Defect]:
    """Return one of as many parts of some defects, each with its share of every layer; parts are counted from 0."""
    return sorted(defects, key=lambda defect: defect.layer)[part::share]


def applied(defect: Defect, functions: Functions) -> tuple[pathlib.Path, str]:
    """Put a defect into the text of the file that it is in.

    Args:
        defect: the defect.
        functions: the functions of the core.

    Returns:
        The file, which is left as it is, and its text with the defect.

    Raises:
        CatalogueError: there is no such function, the old text is not in it exactly once, or the new one is the same.
    """
    places = functions.definitions.get(defect.function, [])
    if not places:
        raise CatalogueError(f"{defect.name}: there is no function {defect.function}; name the one with the code now")
    texts = {place: functions.text(place) for place in places}
    if (count := sum(text.count(defect.old) for text in texts.values())) != 1:
        raise CatalogueError(
            f"{defect.name}: its text is in {defect.function} {count} times, not once; bring the entry up to date"
        )
    if defect.old == defect.new:
        raise CatalogueError(f"{defect.name}: changes nothing")
    place = next(place for place, text in texts.items() if defect.old in text)
    source = place.path.read_text(encoding="utf-8")
    return place.path, source[: place.start] + texts[place].replace(defect.old, defect.new) + source[place.end :]


class Workshop:
    """Builds copies of the core, reusing what a defect does not touch.

    Attributes:
        native: the copy of `native/` that everything is made of, so that an edit in the meantime changes nothing.
        functions: the functions of the core there.
        roots: copies of `reference/` and `tests/` that the checks run from.
        core: the core's sources, below `native`.
        modules: the sources of each module of the binding.
    """

    def __init__(self, root: pathlib.Path, folder: pathlib.Path) -> None:
        """Copy the sources and generate the binding's C; each source is compiled once, when it is first needed.

        Args:
            root: the checkout.
            folder: an empty folder that the caller deletes.
        """
        self.folder = folder
        self.compiler = shlex.split(os.environ.get("CC", "cc"))
        self.native = folder / "native"
        ignored = shutil.ignore_patterns("*.so", "__pycache__")
        for part in (*SOURCES, "rusted_ring"):
            shutil.copytree(root / "native" / part, self.native / part, ignore=ignored)
        self.functions = Functions(self.native / "src")
        self.roots = [str(folder / room) for room in ("reference", "tests")]
        for room in ("reference", "tests"):
            shutil.copytree(root / room / "rusted_ring", folder / room / "rusted_ring", ignore=ignored)
        shutil.copytree(root / "spec", folder / "spec", ignore=shutil.ignore_patterns("_build", "states"))
        self.core = [f"src/{path.name}" for path in sorted((self.native / "src").glob("*.c"))]
        if not self.core:
            raise CatalogueError(f"no C sources in {root / 'native' / 'src'}")
        binding = self.native / "binding"
        chapters = [f"binding/{path.name}" for path in sorted(binding.glob("*.c"))]
        generator = [sys.executable, "-m", "cffi.gen_src", "exec-python", "--ffi-var", "_cffi"]
        self.run([*generator, str(binding / "build_cffi.py"), str(self.native / GENERATED)])
        self.modules = {"_cffi": [GENERATED], "_core": chapters}
        self._objects: dict[tuple[str, str], pathlib.Path] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    @staticmethod
    def run(command: Sequence[str]) -> None:
        """Run a build step."""
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CatalogueError(f"build failed: {shlex.join(command)}\n{done.stdout}{done.stderr}")

    def flags(self, layer: str) -> list[str]:
        """Return the flags that a layer adds; those that load a module add none."""
        return [flag.format(native=self.native) for flag in PROGRAMS.get(layer, ())]

    def compile(self, native: pathlib.Path, file: str, layer: str, folder: pathlib.Path) -> pathlib.Path:
        """Compile one file of a copy of `native/` as a layer has it; return the object, which goes into the folder."""
        include = [f"-I{native / part}" for part in ("include", "src", "binding")]
        python = [f"-I{sysconfig.get_path('include')}", "-DPy_LIMITED_API=0x030b0000"]
        # -w: a fault may leave a variable unused, and what it breaks is the question here.
        flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g0", "-fPIC", "-w", "-pthread", *self.flags(layer)]
        # Chapters of the core and of the binding may share a name.
        output = folder / f"{layer}-{file.replace('/', '-').removesuffix('.c')}.o"
        self.run([*self.compiler, *flags, *include, *python, "-c", str(native / file), "-o", str(output)])
        return output

    def object(self, file: str, layer: str) -> pathlib.Path:
        """Return the object of an unchanged file as a layer has it, compiled once."""
        key = file, layer if self.flags(layer) else ""
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._objects:
                self._objects[key] = self.compile(self.native, file, key[1], self.folder)
            return self._objects[key]

    def copy(self, name: str, file: pathlib.Path | None = None, text: str = "") -> "Copy":
        """Make a copy of the core.

        Args:
            name: the copy's name.
            file: a file in `native` that is another one in the copy, or None for an unchanged copy.
            text: what it contains then.
        """
        folder = self.folder / "copies" / name
        folder.mkdir(parents=True)
        if file is None:
            return Copy(self, folder, self.native, "")
        for part in SOURCES:
            shutil.copytree(self.native / part, folder / "native" / part)
        changed = str(file.relative_to(self.native))
        (folder / "native" / changed).write_text(text, encoding="utf-8")
        return Copy(self, folder, folder / "native", changed)


@dataclasses.dataclass(frozen=True)
class Copy:
    """A copy of the core, at most one file of which is changed, and what is built of it.

    Attributes:
        workshop: what builds it.
        folder: what is built goes here.
        native: its sources: `native/` in its folder, or in that of the workshop if nothing is changed.
        changed: the file that is changed, below `native`; empty for none.
    """

    workshop: Workshop
    folder: pathlib.Path
    native: pathlib.Path
    changed: str

    def object(self, file: str, layer: str) -> pathlib.Path:
        """Return the object of a source as a layer has it: of its own if the changed file is in it."""
        if file == self.changed or self.changed.endswith(".h"):
            return self.workshop.compile(self.native, file, layer, self.folder)
        return self.workshop.object(file, layer)

    def package(self) -> pathlib.Path:
        """Build the native package; return the folder to put on the path, which has `rusted_ring/native` in it."""
        package = self.folder / "rusted_ring" / "native"
        if package.exists():
            return self.folder
        shutil.copytree(self.workshop.native / "rusted_ring" / "native", package)
        shared = ["-shared", *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else [])]
        core = [str(self.object(source, "")) for source in self.workshop.core]
        for module, sources in self.workshop.modules.items():
            output = package / f"{module}.abi3.so"
            own = [str(self.object(source, "")) for source in sources]
            self.workshop.run([*self.workshop.compiler, *shared, "-pthread", *own, *core, "-o", str(output)])
        return self.folder

    def program(self, name: str, layer: str) -> pathlib.Path:
        """Build a C test, linked to the core, as a layer has both; return the program."""
        sources = [f"tests/{name}.c", *self.workshop.core]
        objects = [str(self.object(source, layer)) for source in sources]
        output = self.folder / f"{layer}-{name}"
        flags = self.workshop.flags(layer)
        self.workshop.run([*self.workshop.compiler, *flags, "-pthread", *objects, "-o", str(output)])
        return output


def check_by_program(copy: Copy, name: str, layer: str, seconds: float) -> tuple[str, str, str]:
    """Build a C test against a copy's core and run it; the answer is that of `check_package`.

    Args:
        copy: the copy.
        name: the test.
        layer: how it is built, one of `PROGRAMS`.
        seconds: how long it may take.
    """
    program = copy.program(name, layer)
    try:
        done = subprocess.run([str(program)], capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return (f"{layer}: hang", "", f"{name} was not done in {seconds:.0f} s")
    if done.returncode == 0:
        return ("", "", "")
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    # A check of these programs that fails aborts them.
    kind = "failure" if done.returncode > 0 or -done.returncode == signal.SIGABRT else "crash"
    return (f"{layer}: {kind}", "", said[-1].replace(f"{copy.folder}/", "") if said else name)


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


def check_package(copy: Copy, layer: str, profile: str, limits: Limits) -> tuple[str, str, str]:
    """Load a copy's native package in a process of its own and put it through a check.

    Returns:
        By what the copy was caught (empty if by nothing), the clause and the message.
    """
    result = copy.folder / f"{layer}-{profile}.json"
    arguments = {"layer": layer, "profile": profile, "steps": limits.steps, "seed": limits.seed}
    given = json.dumps([str(copy.package()), copy.workshop.roots, str(result), arguments])
    command = [sys.executable, "-X", "faulthandler", "-c", CHILD, given]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=copy.folder)
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
        raise CatalogueError(f"the check of {copy.folder.name} ended without a verdict: {' '.join(words[-3:])}")
    return ("", "", "")


def check_by_explorer(copy: Copy, clients: Collection[str]) -> tuple[str, str, str]:
    """Put clients of the corpus to a copy's core under the explorer; the answer is that of `check_package`.

    The witness in the message is the first client that goes wrong, made smaller where it can be.
    """
    work = copy.folder / "explorer"
    work.mkdir()
    with exploring.Explorer(copy.native.parent, work) as explorer:
        for client in CLIENTS:
            violation = explorer.explore(client).violation if client.name in clients else None
            if violation is not None:
                witness = exploring.shrunk(explorer, violation, most=_MOST_SHRINKING)
                return (
                    f"explore: {witness.kind}",
                    witness.clause,
                    f"{witness.client}: {witness.message.splitlines()[0]}",
                )
    return ("", "", "")


@dataclasses.dataclass(frozen=True, order=True)
class Check:
    """What a copy is put through.

    Attributes:
        layer: one of `LAYERS`.
        profile: of a differential run the profile.
        program: of a C test its name.
        clients: what the explorer is given, names of the corpus.
    """

    layer: str
    profile: str = ""
    program: str = ""
    clients: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say what it is: `diff TINY`, `ctest test_pools`, ..."""
        return " ".join(word for word in (self.layer, self.profile, self.program) if word)

    @classmethod
    def of(cls, defect: Defect) -> "Check":
        """Return the check that should catch a defect."""
        profile = defect.profile if defect.layer == "diff" else ""
        return cls(defect.layer, profile, defect.program, (defect.client,) if defect.client else ())

    def __call__(self, copy: Copy, limits: Limits) -> tuple[str, str, str]:
        """Put a copy through it; the answer is that of `check_package`."""
        if self.layer in PROGRAMS:
            return check_by_program(copy, self.program, self.layer, limits.seconds)
        if self.layer == "explore":
            return check_by_explorer(copy, self.clients)
        return check_package(copy, self.layer, self.profile, limits)


def try_defect(workshop: Workshop, defect: Defect, limits: Limits) -> Outcome:
    """Make a copy with a defect in it and see what catches it.

    Raises:
        CatalogueError: the defect does not apply, or the core does not compile with it.
    """
    file, text = applied(defect, workshop.functions)
    begun = time.monotonic()
    copy = workshop.copy(defect.name, file, text)
    try:
        caught_by, clause, message = Check.of(defect)(copy, limits)
    except CannotBuild as error:
        raise CatalogueError(f"{defect.name}: build failed: {error}") from error
    except CatalogueError as error:
        raise CatalogueError(f"{defect.name}: {error}") from error
    finally:
        shutil.rmtree(copy.folder)
    return Outcome(defect.name, caught_by, clause, message, round(time.monotonic() - begun, 2))


def check_unchanged(workshop: Workshop, defects: Collection[Defect], limits: Limits, processes: int) -> list[str]:
    """Put the unchanged core through the checks that defects are looked for with; return what went wrong."""
    copy = workshop.copy("unchanged")
    clients = tuple(sorted({defect.client for defect in defects} - {""}))
    every = sorted({Check.of(defect) for defect in defects if not defect.client})
    if clients:  # one build for them all, which takes longest
        every.insert(0, Check("explore", clients=clients))
    if any(check.layer in ("diff", "round") for check in every):
        copy.package()
    problems = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=processes) as executor:
        found = executor.map(lambda check: check(copy, limits), every)
    for check, (caught_by, clause, message) in zip(every, found, strict=True):
        if caught_by:
            problems.append(f"the unchanged core does not pass ({check}): {caught_by} {clause} {message}")
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
        problems += check_unchanged(workshop, chosen, short, processes)
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
    rows = [f"{'defect':<{width}}  {'caught by':<20}  {'clause':<9}  seconds"]
    rows += [
        f"{outcome.name:<{width}}  {outcome.caught_by or 'SURVIVED':<20}  {outcome.clause:<9}  {outcome.seconds:>7.1f}"
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
    parser.add_argument("--share", type=int, default=1, metavar="N", help="try one defect in N (default: all)")
    parser.add_argument("--part", type=int, default=0, metavar="M", help="which of the N shares, from 0 (default 0)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    if not 0 <= options.part < options.share:
        parser.error(f"argument --part: {options.part} is none of {options.share}; give --share N and 0 to N - 1")
    try:
        defects = read_catalogue()
        names = {defect.name for defect in defects}
        if unknown := [name for name in options.only or [] if name not in names]:
            parser.error(f"no defect is named {', '.join(unknown)}; see {CATALOGUE.name}")

        def progress(done: int, every: int, name: str) -> None:
            if sys.stderr.isatty():
                print(f"\r\033[K{done}/{every} {name}", end="" if done < every else "\n", file=sys.stderr, flush=True)

        chosen = [defect for defect in defects if not options.only or defect.name in options.only]
        if options.share > 1:
            chosen = share_of(chosen, options.share, options.part)
            which = f"share {options.part} of {options.share}: {len(chosen)} of {len(defects)} defects"
            print(which, file=sys.stderr, flush=True)
        report = run_defects(chosen, progress=progress)
    except (CannotBuild, CatalogueError, NoCheckout) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=1) if options.json else table(report))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
