"""The explorer's engine from Python: C programs built against it, run, and their answers read.

The engine is the C library in `native/explorer`. A program is compiled with ThreadSanitizer's instrumentation, so that
each of its accesses to memory is a call; in its object files the C library's functions for threads, locks and memory
are renamed to the engine's (`symbols.txt`); and it is linked with the engine in the sanitizer's place. What comes out
is an executable that explores itself and prints one JSON object. The engine's own objects are compiled once and kept in
the folder for temporary files, under a name that depends on their sources and the compiler.
"""

import bisect
import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from rusted_ring.verify.checkout import NoCheckout, checkout

LIBRARY: Final = ("fiber.c", "graph.c", "memory.c", "report.c", "runtime.c", "serve.c")
CHUNK: Final = 20_000
"""Executions of a worker's task."""
PENDING_A_TASK: Final = 64
"""Graphs that a task begins with at the most."""

_COMPILERS = ("gcc", "clang", "cc")
_BUILD_SECONDS = 300
_COMMON = ("-fno-pie", "-g", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-w")
_INSTRUMENTED = (
    *("-fsanitize=thread", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0", "-fno-stack-protector"),
    *("-fno-builtin-memcpy", "-fno-builtin-memmove", "-fno-builtin-memset", "-fno-builtin-memcmp"),
    # Otherwise a block that nobody reads is taken out, and its leak and what is done to it after free with it.
    *(f"-fno-builtin-{name}" for name in ("malloc", "calloc", "realloc", "free", "aligned_alloc", "strdup")),
)
# Stacks are left in the midst of functions and copied back, and static variables copied as a whole: nothing may lie
# between them. The heap and arithmetic are what is checked.
_SANITIZED = ("--param", "asan-stack=0", "--param", "asan-globals=0", "-fno-sanitize-recover=undefined")
_WITHOUT_ENTRIES = {
    # The last so that what is written to static variables that nobody reads is written.
    "gcc": ("--param", "tsan-instrument-func-entry-exit=0", "-fno-toplevel-reorder"),
    "clang": ("-mllvm", "-tsan-instrument-func-entry-exit=0"),
}


class CannotBuild(ValueError):
    """A program or the engine does not compile; the message has the compiler's first error."""


class CannotRun(ValueError):
    """A program that was built cannot be explored; the message says why."""


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """How a program is explored.

    Attributes:
        keep_going: go on after an error.
        bound: most executions, or None.
        random: how many random executions instead of all, or None.
        pct: with `random`: the depth of probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010), or None.
        seed: with `random`: decides what is drawn.
        replay: run the one execution that this string names.
        trace: give the first execution, or that of the replay, in the answer.
        timeout: seconds after which what was found so far is the answer, or None.
        weaken: sites and the orders that they have instead of their own: `PC:ORDER` or `PC:fail:ORDER`.
    """

    keep_going: bool = False
    bound: int | None = None
    random: int | None = None
    pct: int | None = None
    seed: int | None = None
    replay: str | None = None
    trace: bool = False
    timeout: float | None = None
    weaken: tuple[str, ...] = ()


# --- building


def engine_sources() -> Path:
    """Return the folder of the engine's sources: a checkout's, or the installed package's.

    Raises:
        CannotBuild: there are none.
    """
    installed = Path(__file__).resolve().parent.parent / "native" / "explorer"
    try:
        folder = checkout() / "native" / "explorer"
    except NoCheckout:
        folder = installed
    if not (folder / "graph.c").is_file():
        raise CannotBuild(
            f"the explorer's sources are neither in a checkout nor at {installed}: install rusted-ring again"
        )
    return folder


def find_compiler(name: str | None = None) -> list[str]:
    """Return the command of a C compiler.

    Args:
        name: a command, with flags if need be; by default the environment's `CC`, gcc, clang or cc.

    Raises:
        CannotBuild: there is none of that name.
    """
    wanted = [name] if name else [os.environ.get("CC", ""), *_COMPILERS]
    for candidate in wanted:
        words = shlex.split(candidate)
        if words and shutil.which(words[0]) is not None:
            return words
    raise CannotBuild(f"no C compiler: {name or ', '.join(_COMPILERS)} is not installed; install gcc or clang")


@functools.lru_cache(maxsize=8)
def _family(compiler: tuple[str, ...]) -> str:
    said = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=False).stdout
    return "clang" if "clang" in said.lower() else "gcc"


def _compile(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise CannotBuild(f"{command[0]} took more than {_BUILD_SECONDS} s") from None
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        telling = [line for line in lines if "error" in line.lower() or "undefined" in line.lower()]
        raise CannotBuild((telling or lines or [f"{command[0]} failed"])[0].strip())


def _instrumentation(compiler: Sequence[str]) -> list[str]:
    family = _family(tuple(compiler))
    return [*_COMMON, *_INSTRUMENTED, *_WITHOUT_ENTRIES[family]]


def library(compiler: Sequence[str], *, sanitize: str = "") -> Path:
    """Return the engine as an archive, compiled if it is not there yet.

    Args:
        compiler: the command of the compiler.
        sanitize: a sanitizer that the engine itself is built with, for its own tests.

    Raises:
        CannotBuild: it does not compile.
    """
    sources = engine_sources()
    if sanitize and _family(tuple(compiler)) != "gcc":
        raise CannotBuild(f"sanitize={sanitize}: needs gcc; clang's runtime lies among the variables that are put back")
    flags = ["-std=c11", "-O2", *_COMMON, *([f"-fsanitize={sanitize}", *_SANITIZED] if sanitize else [])]
    digest = hashlib.sha256(repr((list(compiler), flags, platform.machine())).encode())
    for path in sorted(sources.glob("*.[ch]")):
        digest.update(path.name.encode() + path.read_bytes())
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"rusted-ring-explorer-{user}-{digest.hexdigest()[:20]}"
    archive = folder / "libexplorer.a"
    if archive.is_file() and folder.stat().st_uid == user:
        return archive
    with tempfile.TemporaryDirectory(prefix="rusted-ring-") as work:
        made = Path(work) / "made"
        made.mkdir(mode=0o700)
        objects = []
        for name in (*LIBRARY, "main.c", "litmus.c"):
            output = made / f"{Path(name).stem}.o"
            _compile([*compiler, *flags, "-c", str(sources / name), "-o", str(output)])
            objects.append(output)
        _compile(["ar", "rcs", str(made / "libexplorer.a"), *(str(path) for path in objects if path.stem != "litmus")])
        staged = folder.with_name(f"{folder.name}-{os.getpid()}-{threading.get_ident()}")
        try:
            # A rename is one step: whoever comes at the same time finds all of it or nothing.
            shutil.copytree(made, staged)
            staged.rename(folder)
        except OSError:
            shutil.rmtree(staged, ignore_errors=True)
            if not archive.is_file():
                raise CannotBuild(f"cannot keep the engine at {folder}: remove it, or set TMPDIR") from None
    return archive


def compile_instrumented(
    source: Path, output: Path, *, compiler: Sequence[str], flags: Sequence[str] = (), instrument: bool = True
) -> None:
    """Compile one C file for the engine, and rename what the engine takes over.

    Args:
        source: the C file.
        output: the object file to write.
        compiler: the command of the compiler.
        flags: more flags.
        instrument: whether its accesses to memory are the engine's to see.

    Raises:
        CannotBuild: it does not compile.
    """
    seen = _instrumentation(compiler) if instrument else _COMMON
    _compile([*compiler, "-O1", *seen, *flags, "-c", str(source), "-o", str(output)])
    _compile(
        [
            "objcopy",
            "--weaken-symbol=assume_abort_if_not",
            f"--redefine-syms={engine_sources() / 'symbols.txt'}",
            str(output),
        ]
    )


def link(objects: Iterable[Path], output: Path, *, compiler: Sequence[str], sanitize: str = "") -> Path:
    """Link object files with the engine.

    Raises:
        CannotBuild: something is missing.
    """
    archive = library(compiler, sanitize=sanitize)
    more = [f"-fsanitize={sanitize}"] if sanitize else []
    _compile([*compiler, "-no-pie", *more, *map(str, objects), str(archive), "-lm", "-o", str(output)])
    return output


def build(
    sources: Sequence[Path], *, flags: Sequence[str] = (), compiler: str | None = None, folder: Path, sanitize: str = ""
) -> Path:
    """Build a C program that explores itself.

    Args:
        sources: its C files; one of them has `main`.
        flags: flags for the compiler.
        compiler: gcc, clang, or by default what `find_compiler` finds.
        folder: where the object files and the program go.
        sanitize: a sanitizer for the engine itself.

    Returns:
        The program.

    Raises:
        CannotBuild: there is no compiler, or it finds an error.
    """
    command = find_compiler(compiler)
    for tool in ("objcopy", "ar"):
        if shutil.which(tool) is None:
            raise CannotBuild(f"{tool} is not installed: install binutils")
    objects = []
    for number, source in enumerate(sources):
        output = folder / f"{number}-{source.stem}.o"
        compile_instrumented(source, output, compiler=command, flags=flags)
        objects.append(output)
    return link(objects, folder / "program", compiler=command, sanitize=sanitize)


def build_litmus(folder: Path, *, compiler: str | None = None, sanitize: str = "") -> Path:
    """Build the harness of litmus programs, see `LineServer`.

    Raises:
        CannotBuild: there is no compiler, or it finds an error.
    """
    command = find_compiler(compiler)
    archive = library(command, sanitize=sanitize)
    return link([archive.parent / "litmus.o"], folder / "litmus", compiler=command, sanitize=sanitize)


def build_client(root: Path, folder: Path, *, compiler: str | None = None, sanitize: str = "") -> Path:
    """Build the harness of client programs over the native core, see `LineServer`.

    The core is compiled as it is, with instrumentation and debug information; the harness around it is not seen.

    Args:
        root: a checkout, or a folder with a copy of its `native/`.
        folder: where the object files and the program go.
        compiler: gcc, clang, or by default what `find_compiler` finds.
        sanitize: a sanitizer for the engine itself.

    Raises:
        CannotBuild: there is no compiler, or it finds an error.
    """
    command = find_compiler(compiler)
    native = root / "native"
    sources = engine_sources()
    flags = ["-std=c11", "-D_GNU_SOURCE", f"-I{native / 'include'}", f"-I{native / 'src'}", f"-I{sources}"]
    objects = []
    for source in (*sorted((native / "src").glob("*.c")), sources / "client_payload.c", sources / "client.c"):
        output = folder / f"{source.stem}.o"
        compile_instrumented(source, output, compiler=command, flags=flags, instrument=source.name != "client.c")
        objects.append(output)
    # The harness calls the engine, not the other way round: its main is the executable's.
    _compile(["objcopy", "--redefine-sym", "explorer_program_main=main", str(objects[-1])])
    return link(objects, folder / "client", compiler=command, sanitize=sanitize)


# --- where things are in a program


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an instruction comes from: the innermost function that was inlined there."""

    file: str
    line: int
    function: str


class Symbols:
    """What the debug information of a program says of its addresses."""

    def __init__(self, program: Path) -> None:
        """Read the names of the program's objects; places are looked up when they are asked for."""
        self.program = program
        self._places: dict[int, Place] = {}

    @functools.cached_property
    def _objects(self) -> list[tuple[int, int, str]]:
        said = subprocess.run(["nm", "-S", str(self.program)], capture_output=True, text=True, check=False).stdout
        found = []
        for line in said.splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "bBdDrRsSgG":
                found.append((int(words[0], 16), int(words[1], 16), words[3]))
        return sorted(found)

    def name(self, address: int) -> str:
        """Name the object at an address, with the offset into it; an address outside every object is a number."""
        at = bisect.bisect_right(self._objects, (address, sys.maxsize, "")) - 1
        if at >= 0:
            start, size, name = self._objects[at]
            if start <= address < start + size:
                return name if address == start else f"{name}+{address - start}"
        return f"0x{address:x}"

    def places(self, pcs: Iterable[int]) -> dict[int, Place]:
        """Look up return addresses: the call is what stands before them."""
        pcs = list(pcs)
        wanted = sorted({pc for pc in pcs if pc > 1} - self._places.keys())
        if wanted:
            asked = "\n".join(f"0x{pc - 1:x}" for pc in wanted)
            said = subprocess.run(
                ["addr2line", "-e", str(self.program), "-f"], input=asked, capture_output=True, text=True, check=False
            ).stdout.splitlines()
            for number, pc in enumerate(wanted):
                function, _, where = (
                    said[2 * number],
                    "",
                    said[2 * number + 1] if 2 * number + 1 < len(said) else "??:0",
                )
                file, _, line = where.partition(" ")[0].rpartition(":")
                known = line.isdigit() and file not in ("", "??")
                self._places[pc] = Place(file if known else "", int(line) if known else 0, function if known else "")
        return {pc: self._places.get(pc, Place("", 0, "")) for pc in pcs}


def readable_trace(
    raw: Mapping[str, Any], symbols: Symbols, error: Mapping[str, Any] | None, replay: str
) -> dict[str, Any]:
    """Turn the engine's trace into the one that `trace.parse` reads: addresses become names and lines."""
    events = [dict(event) for event in raw["events"]]
    places = symbols.places(event["pc"] for event in events if "pc" in event)
    first_allocations: dict[int, str] = {}
    for event in events:
        pc = event.pop("pc", 0)
        place = places.get(pc)
        if place is not None and place.file:
            event |= {"file": place.file, "line": place.line, "function": place.function}
        if event["kind"] in ("call", "return"):
            event.setdefault("text", f"operation {event.pop('op', 0)}")
        address = event.pop("address", None)
        if address is not None:
            name = symbols.name(address)
            if name.startswith("0x") and address >= 0x200000000000:
                name = first_allocations.setdefault(address, f"heap:{address & 0xFFFFFF:x}")
            event["location"] = name
        event.setdefault("order", "na" if event["kind"] in ("read", "write") else "")
    fault = None
    if error is not None:
        pcs = {error.get("pc"), error.get("other_pc")} - {0, None}
        last: dict[tuple[int, int], int] = {}
        for event in raw["events"]:
            if event.get("pc") in pcs and event["kind"] != "assert":
                last[event["pc"], event["thread"]] = event["id"]
        ids = sorted(last.values())[-2:] or [event["id"] for event in raw["events"][-1:]]
        fault = {"kind": error["kind"], "message": error["message"], "events": ids}
    return {"replay": replay, "threads": raw["threads"], "events": events, "error": fault}


# --- running


def _arguments(options: RunOptions, **more: Any) -> list[str]:
    words = {**more}
    if options.keep_going:
        words["keep-going"] = 1
    if options.random is not None:
        words["random"] = options.random
        words["seed"] = options.seed or 0
        if options.pct is not None:
            words["depth"] = options.pct
    if options.replay is not None:
        words["replay"] = options.replay
    return [f"{key}={value}" for key, value in words.items()] + [f"weaken={site}" for site in options.weaken]


def _answer(program: Path, said: str, status: int) -> dict[str, Any]:
    lines = said.strip().splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError):
        raise CannotRun(f"{program.name} ended with status {status} and no answer") from None
    if "refused" in found:
        raise CannotRun(found["refused"])
    return found


def run_task(
    program: str, arguments: Sequence[str], pending: Sequence[tuple[float, str]], content: bytes | None = None
) -> dict[str, Any]:
    """Explore some graphs and what is below them, as one task of a worker.

    Args:
        program: the path of the program.
        arguments: what the engine is told.
        pending: weights and graphs to begin with; none for the whole.
        content: the program itself, for a worker on a machine that has no such file.

    Returns:
        The engine's answer; `pending` in it is what is left.
    """
    if content is not None and not Path(program).exists():
        program = _kept(content)
    lines = "".join(f"{weight!r} {graph}\n" for weight, graph in pending)
    words = [program, *arguments, *(["from=-"] if pending else [])]
    done = subprocess.run(words, input=lines, capture_output=True, text=True, check=False)
    return _answer(Path(program), done.stdout, done.returncode)


def _kept(content: bytes) -> str:
    """Keep a program that came by the network, and return its path."""
    path = Path(tempfile.gettempdir()) / f"rusted-ring-{hashlib.sha256(content).hexdigest()[:32]}"
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        Path(file.name).chmod(0o700)
        Path(file.name).rename(path)
    return str(path)


def run(
    program: Path,
    *,
    options: RunOptions,
    executor: concurrent.futures.Executor | None = None,
    progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Explore a program.

    Args:
        program: what `build` returned.
        options: how.
        executor: where subtrees are explored; None for one process.
        progress: told `executions`, `blocked`, `seconds` and `remaining` (seconds, guessed) now and then.

    Returns:
        One object: `executions` (complete), `distinct`, `blocked`, `redundant`, `seconds`, `exhaustive`, `covered`
        (words on what was not), `errors` (each with `kind`, `message`, `file`, `line`, `replay`, `trace`), `trace` if
        asked for.

    Raises:
        CannotRun: the engine refuses the program, for a reason that it gives.
    """
    begun = time.monotonic()
    if executor is not None and options.replay is None and options.random is None:
        found = _run_tasks(program, options, executor, progress)
    else:
        found = _run_alone(program, options, progress)
    found["seconds"] = time.monotonic() - begun
    symbols = Symbols(program)
    places = symbols.places(pc for error in found["errors"] for pc in (error["pc"], error["other_pc"]))
    for number, error in enumerate(found["errors"]):
        place = places.get(error["pc"]) or Place("", 0, "")
        other = places.get(error["other_pc"])
        error |= {"file": place.file, "line": place.line}
        if other is not None and other.file:
            error["message"] += f" ({Path(place.file).name}:{place.line} and {Path(other.file).name}:{other.line})"
        if number < 8:
            error["trace"] = trace_of(program, error["replay"], symbols, error, options.weaken)
    if options.trace and not found["errors"]:
        replay = options.replay or found.get("first", "")
        found["trace"] = trace_of(program, replay, symbols, None, options.weaken)
    found["covered"] = found.get("covered") or _covered(found, options)
    return found


def trace_of(
    program: Path, replay: str, symbols: Symbols, error: Mapping[str, Any] | None, weaken: Sequence[str] = ()
) -> dict[str, Any] | None:
    """Run one execution again and return it as a trace, or None where it did not come to anything."""
    words = [str(program), "trace=1", "max=1", *(f"weaken={site}" for site in weaken)]
    words += [f"replay={replay}"] if replay else []
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    raw = _answer(program, done.stdout, done.returncode)
    again = next((found for found in raw["errors"] if error is None or found["kind"] == error["kind"]), None)
    return readable_trace(raw["trace"], symbols, error or again, replay)


def _covered(found: Mapping[str, Any], options: RunOptions) -> str:
    if found["exhaustive"] or options.replay is not None:
        return ""
    if options.random is not None:
        how = f"PCT of depth {options.pct}" if options.pct is not None else "uniform choices"
        drawn = found["executions"] + found["blocked"]
        return f"{drawn:,} random executions ({how}), {found['distinct']:,} of them distinct"
    reasons = []
    if found.get("cut"):
        reasons.append(f"{found['cut']:,} executions were cut, being longer than the engine follows")
    if found.get("timed_out"):
        reasons.append("the time was up")
    elif options.bound is not None and found["executions"] + found["blocked"] >= options.bound:
        reasons.append(f"the bound of {options.bound:,} executions was reached")
    if not reasons:
        return ""
    done = found.get("done") or 0.0
    return f"{', '.join(reasons)}; about {100 * done:.2g} % of the whole was covered, as far as can be guessed"


def _remaining(seconds: float, done: float) -> float | None:
    return seconds * (1 - done) / done if done > 1e-6 else None


def _run_alone(
    program: Path, options: RunOptions, progress: Callable[[Mapping[str, Any]], None] | None
) -> dict[str, Any]:
    more: dict[str, Any] = {"progress": 1} if progress is not None or options.timeout is not None else {}
    if options.bound is not None and options.random is None:
        more["max"] = options.bound
    words = [str(program), *_arguments(options, **more)]
    latest: dict[str, Any] = {}
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:

        def listen() -> None:
            for line in process.stderr or ():
                if line.startswith("{"):
                    now = json.loads(line)
                    latest.update(now)
                    if progress is not None:
                        progress({**now, "remaining": _remaining(now["seconds"], now["done"])})

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        timer = threading.Timer(options.timeout or 0, process.terminate)
        if options.timeout is not None:
            timer.start()
        try:
            said = process.stdout.read() if process.stdout is not None else ""
            status = process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            timer.cancel()
        listener.join()
    if options.timeout is not None and status < 0 and not said.strip():
        executions = latest.get("executions", 0)
        return {
            "executions": executions,
            "distinct": executions,
            "blocked": latest.get("blocked", 0),
            "redundant": 0,
            "exhaustive": False,
            "errors": [],
            "timed_out": True,
            "done": latest.get("done", 0.0),
        }
    return _answer(program, said, status)


def _tasks(pending: list[tuple[float, str]], workers: int) -> Iterator[list[tuple[float, str]]]:
    """Part what is pending among workers, the heaviest first and spread."""
    pending.sort(reverse=True)
    share = max(1, min(PENDING_A_TASK, -(-len(pending) // workers)))
    parts = -(-len(pending) // share)
    for part in range(parts):
        yield pending[part::parts]
    pending.clear()


def _run_tasks(
    program: Path,
    options: RunOptions,
    executor: concurrent.futures.Executor,
    progress: Callable[[Mapping[str, Any]], None] | None,
) -> dict[str, Any]:
    begun = time.monotonic()
    workers = getattr(executor, "_max_workers", None) or 4
    total: collections.Counter[str] = collections.Counter()
    errors: list[dict[str, Any]] = []
    done = 0.0
    exhaustive, timed_out = True, False
    # A first short task, so that there is something to share out.
    arguments = _arguments(options, dump=1, max=max(1, min(200, options.bound or 200)))
    content = None if isinstance(executor, concurrent.futures.ProcessPoolExecutor) else program.read_bytes()
    running = {executor.submit(run_task, str(program), arguments, [], content)}
    pending: list[tuple[float, str]] = []
    while running:
        finished, running = concurrent.futures.wait(
            running, timeout=0.5, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for future in finished:
            answer = future.result()
            for key in ("executions", "distinct", "blocked", "redundant", "cut"):
                total[key] += answer[key]
            done += answer["done"]
            errors += [error for error in answer["errors"] if _is_new(error, errors)]
            pending += [(weight, graph) for weight, graph in answer["pending"]]
        reached = options.bound is not None and total["executions"] + total["blocked"] >= options.bound
        timed_out = options.timeout is not None and time.monotonic() - begun > options.timeout
        if (errors and not options.keep_going) or reached or timed_out:
            exhaustive = exhaustive and not pending and not running
            pending.clear()
        elif pending:
            size = CHUNK if options.bound is None else max(1, min(CHUNK, options.bound // workers))
            arguments = _arguments(options, dump=1, max=size)
            for task in _tasks(pending, workers):
                running.add(executor.submit(run_task, str(program), arguments, task, content))
        seconds = time.monotonic() - begun
        if progress is not None:
            progress({**total, "seconds": seconds, "remaining": _remaining(seconds, done)})
    return {
        **{key: total[key] for key in ("executions", "distinct", "blocked", "redundant", "cut")},
        "exhaustive": exhaustive and total["cut"] == 0 and (options.keep_going or not errors),
        "errors": errors,
        "done": min(done, 1.0),
        "timed_out": timed_out,
    }


def _is_new(error: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> bool:
    return not any(
        (old["kind"], old["pc"], old["other_pc"]) == (error["kind"], error["pc"], error["other_pc"]) for old in known
    )


class LineServer:
    """A harness of the engine that answers one line of text with one line of JSON, as a context manager."""

    def __init__(self, program: Path) -> None:
        """Start the program; it is started anew after it broke off."""
        self.program = program
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program."""
        self.close()

    def close(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            if process.stdout is not None:
                process.stdout.close()
            process.kill()
            process.wait()

    def ask(self, text: str, **options: Any) -> dict[str, Any]:
        """Put one program to the engine.

        Args:
            text: the program, one line.
            options: the engine's options; a sequence is given once for each of its values.

        Raises:
            CannotRun: the engine refuses it, or broke off.
        """
        words = []
        for key, value in options.items():
            name = key.replace("_", "-")
            words += [f"{name}={item}" for item in ([value] if isinstance(value, int | str) else value)]
        if self._process is None:
            self._process = subprocess.Popen(
                [str(self.program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise CannotRun(f"{self.program.name} has no pipes")
        try:
            process.stdin.write(f"{' '.join(words)} -- {text}\n")
            process.stdin.flush()
            said = process.stdout.readline()
        except BrokenPipeError:
            said = ""
        if not said:
            self.close()
            raise CannotRun(f"{self.program.name} broke off at: {text}")
        return _answer(self.program, said, 0)
