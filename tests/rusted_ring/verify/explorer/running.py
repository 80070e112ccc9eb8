"""Runs programs that explore themselves: alone, in parts by workers, or a line at a time; reads their answers."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import hashlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self

from rusted_ring.verify.explorer.linking import Program
from rusted_ring.verify.explorer.symbols import Symbols, readable_trace
from rusted_ring.verify.support import processes
from rusted_ring.verify.support.processes import Deadline, TooLong, run_child

CHUNK: Final = 20_000
"""The number of executions of a worker's task."""
PENDING_A_TASK: Final = 64
"""The greatest number of graphs that a task begins with."""

_SHORT = 1_000
_COUNTS = ("executions", "distinct", "blocked", "redundant", "cut", "bounded")
_AT = re.compile(r"\{at 0x([0-9a-f]+)\}")


NO_EXECUTION: Final = "the replay string is no execution of this program"
"""The begin of the engine's message for a replay string that the model does not allow with these orders [EXPLORE-6]."""


class CannotRun(ValueError):
    """A program that was built cannot be explored; the message says why."""


class TooSmall(CannotRun):
    """The engine is too small for a program; `grow` names what it lacks: `threads` or `events`."""

    def __init__(self, message: str, grow: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.grow = grow

    def __reduce__(self) -> tuple[type["TooSmall"], tuple[str, str]]:
        """Pickle both, for a worker's answer."""
        return type(self), (str(self), self.grow)


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """The options of an exploration.

    Attributes:
        keep_going: continue after an error.
        bound: the greatest number of executions, or None.
        random: how many random executions instead of all, or None.
        pct: with `random`: the depth of probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010), or None.
        seed: with `random`: the seed of the draw.
        replay: run only the execution that this string names.
        trace: include the first execution, or that of the replay, in the answer.
        weaken: sites with the orders that replace their own: `PC:ORDER` or `PC:fail:ORDER`.
        weak: weak compare-exchanges may fail spuriously.
        wakeups: condition variables and futexes may wake spuriously.
        unroll: how many iterations of a loop are followed, or None for all.
        standard: the standard of the release sequences: `c11` or `c++20`.
        ordered_barriers: explore the order of arrivals at barriers; the engine asks for it if it matters.
        in_c: the program is in C: a data race under `c++20` is also tried under `c11`.
        callers: show an access of a library at the line of the user's code that called it.
    """

    keep_going: bool = False
    bound: int | None = None
    random: int | None = None
    pct: int | None = None
    seed: int | None = None
    replay: str | None = None
    trace: bool = False
    weaken: tuple[str, ...] = ()
    weak: bool = True
    wakeups: bool = False
    unroll: int | None = None
    standard: str = "c++20"
    ordered_barriers: bool = False
    in_c: bool = False
    callers: bool = False


def _model_arguments(options: RunOptions) -> list[str]:
    """Return the arguments that decide which executions a program has."""
    words = [f"weaken={site}" for site in options.weaken]
    words += [] if options.weak else ["weak=0"]
    words += ["wakeups=1"] if options.wakeups else []
    words += ["callers=1"] if options.callers else []
    words += ["barriers=ordered"] if options.ordered_barriers else []
    words += [f"unroll={options.unroll}"] if options.unroll is not None else []
    return [*words, *([f"std={options.standard}"] if options.standard != "c++20" else [])]


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
    return [f"{key}={value}" for key, value in words.items()] + _model_arguments(options)


def _answer(program: str | PathLike[str], said: str, how: str) -> dict[str, Any]:
    """Read an answer of the engine.

    Raises:
        CannotRun: there is no answer, or it is a refusal.
    """
    lines = said.strip().splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, json.JSONDecodeError):
        raise CannotRun(f"the program ended with {how} and without an answer") from None
    if "refused" in found:
        message = f"refused: {_with_places(found['refused'], program)}"
        raise TooSmall(message, found["grow"]) if "grow" in found else CannotRun(message)
    return found


def _with_places(message: str, program: str | PathLike[str]) -> str:
    """Replace each `{at 0xPC}` of a message by the source location."""
    pcs = [int(pc, 16) for pc in _AT.findall(message)]
    places = Symbols(Path(program)).places(pcs) if pcs else {}

    def words(found: re.Match[str]) -> str:
        place = places[int(found[1], 16)]
        if place.file:
            return f" at {Path(place.file).name}:{place.line}"
        return f" in {place.function}()" if place.function else ""

    return _AT.sub(words, message)


def _ask(
    program: str | PathLike[str],
    arguments: Sequence[str],
    *,
    deadline: Deadline,
    text: str = "",
    progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Run a program once; if the deadline passes, return its last progress as the answer."""
    latest: dict[str, Any] = {}

    def listen(line: str) -> None:
        if not line.startswith('{"executions"'):
            return
        with contextlib.suppress(json.JSONDecodeError):
            latest.update(json.loads(line))
            if progress is not None:
                progress({**latest, "remaining": _remaining(latest["seconds"], latest["done"])})

    listens = "progress=1" in arguments
    command = [str(Path(program)), *arguments]
    try:
        ended = run_child(command, deadline=deadline, text=text, listen=listen if listens else None)
    except TooLong as error:
        raise CannotRun(str(error)) from None
    if ended.in_time:
        return _answer(program, ended.output, ended.how)
    executions = latest.get("executions", 0)
    counts = {"executions": executions, "distinct": executions, "blocked": latest.get("blocked", 0)}
    return {
        **dict.fromkeys(_COUNTS, 0),
        **counts,
        "exhaustive": False,
        "errors": [],
        "timed_out": True,
        "done": latest.get("done", 0.0),
    }


def run_task(
    program: str,
    arguments: Sequence[str],
    pending: Sequence[tuple[float, str]],
    content: bytes | None = None,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Explore the subtrees of some graphs, as one task of a worker.

    Args:
        program: the path of the program.
        arguments: the arguments of the engine.
        pending: weights and graphs to begin with; none for the whole.
        content: the bytes of the program, for a worker on a machine without that file.
        seconds: the time limit, or None.

    Returns:
        The engine's answer; its `pending` has the graphs that are left.
    """
    if content is not None and not Path(program).exists():
        program = kept(content)
    lines = "".join(f"{weight!r} {graph}\n" for weight, graph in pending)
    words = [*arguments, *(["progress=1"] if seconds is not None else []), *(["from=-"] if pending else [])]
    return {"pending": [], **_ask(program, words, deadline=Deadline(seconds), text=lines)}


_programs: dict[str, str] = {}
"""By digest, programs that came over the network, each in a folder that exists as long as this process."""


def kept(content: bytes) -> str:
    """Store a program that came over the network, and return its path."""
    digest = hashlib.sha256(content).hexdigest()
    if digest not in _programs:
        path = processes.make_folder() / "program"
        path.write_bytes(content)
        path.chmod(0o700)
        _programs[digest] = str(path)
    return _programs[digest]


def run(
    program: Program | Path,
    *,
    options: RunOptions,
    executor: concurrent.futures.Executor | None = None,
    progress: Callable[[Mapping[str, Any]], None] | None = None,
    deadline: Deadline | None = None,
) -> dict[str, Any]:
    """Explore a program.

    Args:
        program: the program that `build` returned.
        options: the options of the exploration.
        executor: explores subtrees; None for one process.
        progress: called with `executions`, `blocked`, `seconds` and `remaining` (seconds, estimated) from time to time.
        deadline: the time at which the results so far are returned.

    Returns:
        One object: `executions` (complete), `distinct`, `blocked`, `redundant`, `cut` (longer than the engine follows),
        `bounded` (of more turns than `unroll`), `seconds`, `exhaustive`, `covered` (words on what was not), `errors`
        (each with `kind`, `message`, `file`, `line`, `replay`, `trace`), `trace` if asked for.

    Raises:
        CannotRun: the engine refuses the program, for a reason that it gives.
        TimeUp: the deadline passed while a larger engine was built.
    """
    deadline = deadline or Deadline()
    begun = time.monotonic()
    while True:
        try:
            found = _explore(program, options, executor, progress, deadline)
            break
        except TooSmall as error:
            if error.grow == "barriers" and not options.ordered_barriers:
                options = dataclasses.replace(options, ordered_barriers=True)
                continue
            larger = program.grown(error.grow, deadline=deadline) if isinstance(program, Program) else None
            if larger is None:
                raise
            program = larger
    found["seconds"] = time.monotonic() - begun
    found |= {key: found.get(key, 0) for key in ("cut", "bounded")}
    found["exhaustive"] = found["exhaustive"] and not found["cut"] and not found["bounded"]
    path = Path(program)
    _describe(found, path, options, deadline)
    if options.trace and not found["errors"]:
        replay = options.replay or found.get("first", "")
        found["trace"] = trace_of(path, replay, Symbols(path), None, options, deadline)
    found["covered"] = found.get("covered") or _covered(found, options)
    if isinstance(program, Program) and program.caveats and options.replay is None:
        words = f"not exhaustive for data races: {'; '.join(program.caveats)}"
        found["covered"] = f"{found['covered']}; {words}" if found["covered"] else words
        found["exhaustive"] = False
    return found


def _explore(
    program: Program | Path,
    options: RunOptions,
    executor: concurrent.futures.Executor | None,
    progress: Callable[[Mapping[str, Any]], None] | None,
    deadline: Deadline,
) -> dict[str, Any]:
    path = Path(program)
    if options.replay is None and options.random is None:
        if executor is not None:
            return _run_tasks(path, options, executor, progress, deadline)
        if options.keep_going and deadline.left is not None:
            # In parts, since the results of a run are lost if it is aborted.
            return _run_tasks(path, options, _Here(), progress, deadline)
    more: dict[str, Any] = {"progress": 1} if progress is not None or deadline.left is not None else {}
    if options.bound is not None and options.random is None:
        more["max"] = options.bound
    return _ask(path, _arguments(options, **more), deadline=deadline, progress=progress)


def _describe(found: dict[str, Any], program: Path, options: RunOptions, deadline: Deadline) -> None:
    """Add the source location to each error, and the execution to the first ones."""
    symbols = Symbols(program)
    for number, error in enumerate(found["errors"]):
        stacks: dict[int, list[int]] = {}
        if number < 8:
            error["trace"] = trace_of(program, error["replay"], symbols, error, options, deadline, stacks)
        place = symbols.user_place(error.get("callers") or stacks.get(error["pc"]) or [error["pc"]])
        other = symbols.user_place(stacks.get(error["other_pc"]) or [error["other_pc"]])
        error |= {"file": place.file, "line": place.line}
        error["message"] = _with_places(error["message"], program)
        if other.file:
            error["message"] += f" ({place.words} and {other.words})"
        elif place.via:
            error["message"] += f" (via {place.via})"
        if number < 8 and error["kind"] == "data-race" and options.in_c and options.standard == "c++20":
            _compare_standards(error, program, options, deadline)
        if number < 8 and error["trace"] is not None and error["trace"]["error"] is not None:
            error["trace"]["error"]["message"] = error["message"]


def _compare_standards(error: dict[str, Any], program: Path, options: RunOptions, deadline: Deadline) -> None:
    """Note on a data race of a C program whether it exists only by C++20's rule for release sequences."""
    older = dataclasses.replace(options, standard="c11", replay=error["replay"], random=None, keep_going=False)
    try:
        again = _ask(program, _arguments(older), deadline=deadline)
    except CannotRun as refusal:
        if NO_EXECUTION not in str(refusal):
            return
        again = {"errors": []}  # C11 does not allow the execution
    same = {error["pc"], error["other_pc"]}
    if not again.get("timed_out") and not any({one["pc"], one["other_pc"]} == same for one in again["errors"]):
        error["message"] += (
            "; a race by C++20's release sequences alone: in C11 they hold later stores of the same thread (--std c11)"
        )


def trace_of(
    program: Path,
    replay: str,
    symbols: Symbols,
    error: Mapping[str, Any] | None,
    options: RunOptions,
    deadline: Deadline | None = None,
    stacks: dict[int, list[int]] | None = None,
) -> dict[str, Any] | None:
    """Replay one execution and return it as a trace, or None if it did not end in time.

    Args:
        program: the program that `build` returned.
        replay: the string that names the execution.
        symbols: the symbols of the program.
        error: the error that it shows, if any.
        options: the options of the exploration.
        deadline: the time at which the replay is aborted.
        stacks: receives the last stack of each access, by its return address.
    """
    words = ["trace=1", "max=1", *_model_arguments(options), *([f"replay={replay}"] if replay else [])]
    raw = _ask(program, words, deadline=deadline or Deadline())
    if raw.get("timed_out"):
        return None
    if stacks is not None:
        made = [event for event in (*raw["trace"]["early"], *raw["trace"]["events"]) if "callers" in event]
        about = (error or {}).get("about", 0) // 8
        # Several callers of the user's may reach one address of a library: take the stack of this access.
        made.sort(key=lambda event: event.get("address", 0) // 8 == about)
        stacks |= {event["pc"]: event["callers"] for event in made}
    again = next((found for found in raw["errors"] if error is None or found["kind"] == error["kind"]), None)
    return readable_trace(raw["trace"], symbols, error or again, replay)


def _covered(found: Mapping[str, Any], options: RunOptions) -> str:
    if found["exhaustive"] or options.replay is not None:
        return ""
    reasons = []
    if options.random is not None:
        how = f"PCT of depth {options.pct}" if options.pct is not None else "uniform choices"
        drawn = found["executions"] + found["blocked"]
        reasons.append(f"{drawn:,} random executions ({how}), {found['distinct']:,} of them distinct")
    if found["cut"]:
        reasons.append(f"{_executions(found['cut'])} cut, being longer than the engine follows")
    if found["bounded"]:
        count, more = found["bounded"], found["bounded"] != 1
        if options.unroll is None:
            reasons.append(f"bounded: {_executions(count)} given up in a loop that goes on")
        else:
            turns = f"{options.unroll} turn{'s' * (options.unroll != 1)}"
            further = f"{count:,} execution{'s go' if more else ' goes'} further"
            reasons.append(f"bounded: every loop was followed for {turns}; {further}")
    if found.get("timed_out"):
        reasons.append("the time was up")
    elif options.random is None and found["executions"] + found["blocked"] >= (options.bound or float("inf")):
        reasons.append(f"the bound of {options.bound or 0:,} executions was reached")
    if not reasons:
        return ""
    if not found["executions"]:
        reasons.append("no execution was completed, so that nothing was covered")
    elif options.random is None and not found["cut"] and not found["bounded"]:
        part = 100 * (found.get("done") or 0.0)
        share = "less than 0.01" if part < 0.01 else f"about {min(part, 99.0):.2g}"
        reasons.append(f"{share} % of the whole was covered, as far as can be guessed")
    return "; ".join(reasons)


def _executions(count: int) -> str:
    return f"{count:,} executions were" if count != 1 else "1 execution was"


def _remaining(seconds: float, done: float) -> float | None:
    return seconds * (1 - done) / done if done > 1e-6 else None


def _tasks(pending: list[tuple[float, str]], workers: int) -> Iterator[list[tuple[float, str]]]:
    """Divide the pending graphs among workers, the heaviest first and evenly spread."""
    pending.sort(reverse=True)
    share = max(1, min(PENDING_A_TASK, -(-len(pending) // workers)))
    parts = -(-len(pending) // share)
    for part in range(parts):
        yield pending[part::parts]
    pending.clear()


class _Here(concurrent.futures.Executor):
    """Runs each task at once, in this thread."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(function(*args, **kwargs))
        except CannotRun as error:
            future.set_exception(error)
        return future


def _run_tasks(
    program: Path,
    options: RunOptions,
    executor: concurrent.futures.Executor,
    progress: Callable[[Mapping[str, Any]], None] | None,
    deadline: Deadline,
) -> dict[str, Any]:
    begun = time.monotonic()
    here = isinstance(executor, _Here)
    workers = 1 if here else getattr(executor, "_max_workers", None) or 4
    total: collections.Counter[str] = collections.Counter()
    errors: list[dict[str, Any]] = []
    done = 0.0
    exhaustive, timed_out = True, False
    local = here or isinstance(executor, concurrent.futures.ProcessPoolExecutor)
    content = None if local else program.read_bytes()

    def submit(size: int, task: Sequence[tuple[float, str]]) -> concurrent.futures.Future[dict[str, Any]]:
        arguments = _arguments(options, dump=1, max=size)
        return executor.submit(run_task, str(program), arguments, task, content, deadline.left)

    # The first task is short, so that there are soon subtrees to distribute.
    running = {submit(max(1, min(200, options.bound or 200)), [])}
    pending: list[tuple[float, str]] = []
    while running:
        finished, running = concurrent.futures.wait(
            running, timeout=0.5, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for future in finished:
            answer = future.result()
            for key in _COUNTS:
                total[key] += answer.get(key, 0)
            done += answer["done"]
            errors += [error for error in answer["errors"] if _is_new(error, errors)]
            pending += [(weight, graph) for weight, graph in answer["pending"]]
            timed_out = timed_out or answer.get("timed_out", False)
        reached = options.bound is not None and total["executions"] + total["blocked"] >= options.bound
        timed_out = timed_out or (deadline.passed and bool(running or pending))
        if (errors and not options.keep_going) or reached or timed_out:
            exhaustive = exhaustive and not pending and not running and not timed_out
            pending.clear()
            if timed_out:
                abandon(executor, running)
                break
        elif pending:
            size = _SHORT if here else CHUNK
            if options.bound is not None:
                size = max(1, min(size, (options.bound - total["executions"]) // workers))
            for task in _tasks(pending, workers):
                running.add(submit(size, task))
        seconds = time.monotonic() - begun
        if progress is not None:
            progress({**total, "seconds": seconds, "remaining": _remaining(seconds, done)})
    return {
        **{key: total[key] for key in _COUNTS},
        "exhaustive": exhaustive and total["cut"] == 0 and (options.keep_going or not errors),
        "errors": errors,
        "done": min(done, 1.0),
        "timed_out": timed_out,
    }


def abandon(executor: concurrent.futures.Executor, running: Iterable[concurrent.futures.Future[Any]] = ()) -> None:
    """Abandon the tasks of an executor; kill its worker processes and the programs that they run."""
    if isinstance(executor, concurrent.futures.ProcessPoolExecutor):
        # Without their processes, the executor itself aborts the tasks.
        for process in list((executor._processes or {}).values()):  # the class has no method for it
            process.kill()
        processes.kill_children()
        return
    for future in running:
        future.cancel()


def _is_new(error: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> bool:
    return not any(
        (old["kind"], old["pc"], old["other_pc"]) == (error["kind"], error["pc"], error["other_pc"]) for old in known
    )


class LineServer:
    """A harness of the engine that answers one line of text with one line of JSON, as a context manager."""

    def __init__(self, program: str | PathLike[str]) -> None:
        """Start the program; after a crash it is started again."""
        self.program = Path(program)
        self._process: subprocess.Popen[bytes] | None = None

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
            processes.kill(process)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    def ask(self, text: str, **options: Any) -> dict[str, Any]:
        """Explore one program.

        Args:
            text: the program, one line.
            options: the engine's options; an option with a sequence is passed once for each of its values.

        Raises:
            CannotRun: the engine refuses it, or crashed.
        """
        words = []
        for key, value in options.items():
            name = key.replace("_", "-")
            words += [f"{name}={item}" for item in ([value] if isinstance(value, int | str) else value)]
        if self._process is None:
            self._process = processes.start([str(self.program)], stdin=subprocess.PIPE, stderr=None)
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise CannotRun(f"{self.program.name} has no pipes")
        try:
            process.stdin.write(f"{' '.join(words)} -- {text}\n".encode())
            process.stdin.flush()
            said = process.stdout.readline(processes.ANSWER_BYTES).decode(errors="replace")
        except BrokenPipeError:
            said = ""
        if not said.endswith("\n"):
            self.close()
            raise CannotRun(f"{self.program.name} broke off at: {text}")
        return _answer(self.program, said, "status 0")
