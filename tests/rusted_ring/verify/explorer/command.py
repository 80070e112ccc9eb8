"""`rusted-ring explore`: explores every execution of a program in C, C++ or Rust that C11 allows, and shows the result.

The engine compiles the program against its own runtime instead of the thread sanitizer's and runs it. This module
checks the options, calls the engine, and shows its answer: in lines, as one JSON object, or as a page.

Exit status: 0 clean, 1 an error was found, 2 the program cannot be run, 3 clean, but not every execution was covered.
"""

import argparse
import contextlib
import json
import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rusted_ring.verify.explorer import compile_commands, engine, rust, rust_library
from rusted_ring.verify.explorer.columns import can_draw, columns
from rusted_ring.verify.explorer.executors import executor
from rusted_ring.verify.explorer.outcomes import Outcome, progress_words, read_outcome, verdict
from rusted_ring.verify.explorer.page import render
from rusted_ring.verify.explorer.trace import Trace
from rusted_ring.verify.support.clauses import spec_directory
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.processes import Deadline, TimeUp, workspace

_PLAIN_WIDTH = 140
_WIDTHS = (80, 200)
_PLAIN_SECONDS, _LIVE_SECONDS = 5.0, 0.2


def split_flags(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the arguments at the first `--` into those of the command and those of the compiler."""
    if "--" not in argv:
        return list(argv), []
    at = list(argv).index("--")
    return list(argv[:at]), list(argv[at + 1 :])


def run(options: argparse.Namespace) -> int:
    """Explore a program and show the result.

    Args:
        options: the options of the command, `flags` (those of the compiler) among them.

    Returns:
        The exit status.

    Raises:
        InputError: the options contradict each other, or the program cannot be built or run.
    """
    try:
        check(options)
        outcome, raw = explore(options)
        if options.html is not None:
            write_page(outcome, options)
    except InputError as error:
        if options.json:
            print(
                json.dumps(
                    _as_json(options, read_outcome(_NOTHING), _NOTHING) | {"ok": False, "cannot_run": _one_line(error)},
                    indent=1,
                )
            )
        raise
    if options.json:
        print(json.dumps(_as_json(options, outcome, raw), indent=1))
    else:
        show(outcome, options)
    return outcome.status


def check(options: argparse.Namespace) -> None:
    """Check the options before anything is compiled.

    Raises:
        InputError: a file is missing, or options contradict each other.
    """
    check_source(options)
    if options.random is None:
        for name in ("pct", "seed"):
            if getattr(options, name) is not None:
                raise InputError(f"argument --{name}: is for random executions; ask for them by --random N")
    if options.replay is not None:
        for name, given in (
            ("workers", options.workers > 1),
            ("dask", options.dask),
            ("keep-going", options.keep_going),
        ):
            if given:
                raise InputError(f"argument --replay: runs one execution; leave --{name} out")
        if not options.replay.strip():
            raise InputError("argument --replay: is empty; give the string that was printed with the counterexample")
    if options.html is not None:
        if options.html.is_dir():
            raise InputError(f"argument --html: {options.html} is a directory; give the name of a file")
        if not options.html.absolute().parent.is_dir():
            raise InputError(f"argument --html: no such folder as {options.html.absolute().parent}; make it first")


def explore(options: argparse.Namespace) -> tuple[Outcome, Mapping[str, Any]]:
    """Build the program and let the engine explore it.

    Returns:
        The outcome, and the engine's own answer.

    Raises:
        InputError: the program cannot be built or run.
    """
    seed = options.seed
    if options.random is not None and seed is None:
        seed = options.seed = secrets.randbelow(2**32)
    deadline = Deadline(options.timeout)
    with workspace() as folder, executor(options.workers, options.dask) as tasks:
        try:
            program = _build(options, folder, deadline)
            with _progress() as progress:
                raw = engine.run(
                    program,
                    options=engine.RunOptions(
                        keep_going=options.keep_going,
                        bound=options.bound,
                        random=options.random,
                        pct=options.pct,
                        seed=seed,
                        replay=options.replay,
                        trace=options.trace or options.html is not None,
                        weak=options.spurious is not False,
                        wakeups=options.spurious is True,
                        unroll=options.unroll,
                        standard=standard(options),
                        in_c=_in_c(options),
                        callers=not _in_c(options),
                    ),
                    executor=tasks,
                    progress=progress,
                    deadline=deadline,
                )
        except TimeUp:
            raw = {**_NOTHING, "seconds": options.timeout, "covered": "the time was up before the program was built"}
        except (engine.CannotBuild, engine.CannotRun) as error:
            raise InputError(str(error)) from None
    return read_outcome(raw), raw


def check_source(options: argparse.Namespace) -> None:
    """Refuse missing files and folders, and contradictory options for what to explore.

    Raises:
        InputError: the message names the argument, the value and the remedy.
    """
    for path in options.files:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if not path.is_file():
            more = f"; a crate is explored by --crate {path}" if (path / "Cargo.toml").is_file() else ""
            raise InputError(f"{path}: not a file{more}")
    rust = [path for path in options.files if path.suffix == ".rs"]
    if len(rust) > 1:
        raise InputError(
            f"{rust[1]}: one .rs file is one program, with its modules; give {rust[0]} alone, or a crate by --crate"
        )
    if options.crate is not None:
        if not options.crate.is_dir():
            raise InputError(f"argument --crate: {options.crate}: no such folder; give the one that has Cargo.toml")
        if not (options.crate / "Cargo.toml").is_file():
            raise InputError(
                f"argument --crate: {options.crate} has no Cargo.toml; for a single file leave --crate out"
            )
        if rust:
            raise InputError(f"argument --crate: {rust[0]} and a crate are two programs; give one of them")
        others = [path for path in options.files if path.suffix != ".c"]
    elif rust:
        others = [path for path in options.files if path.suffix not in (".rs", ".c")]
    else:
        others = []
        for name, given in (
            ("thread", options.thread),
            ("bin", options.bin is not None),
            ("build-std", options.build_std),
        ):
            if given:
                raise InputError(
                    f"argument --{name}: is for programs in Rust; give a .rs file, or a crate by --crate DIR"
                )
    if others:
        raise InputError(f"{others[0]}: beside Rust, a program has C files (.c) alone")
    if options.bin is not None and options.crate is None:
        raise InputError("argument --bin: chooses a program of a crate; give the crate by --crate DIR")
    if options.bin is not None and (options.thread or options.files):
        raise InputError("argument --bin: a program with fn main has its own threads; leave --thread and C files out")
    if options.thread and options.files and options.files != rust:
        raise InputError("argument --thread: the C files start the threads; leave out either")
    if options.project is not None and (options.crate is not None or rust):
        raise InputError("argument --project: is for C and C++; a Rust project is explored by --crate DIR")
    if options.main is not None and options.project is None:
        raise InputError("argument --main: chooses the program of a project; give that by --project DIR")
    if not (options.files or options.crate is not None or options.project is not None):
        raise InputError("nothing to explore: give the program's files, --crate DIR or --project DIR")


def _is_rust(options: argparse.Namespace) -> bool:
    return options.crate is not None or any(path.suffix == ".rs" for path in options.files)


def _build(options: argparse.Namespace, folder: Path, deadline: Deadline) -> Any:
    """Build the program that the options name."""
    if _is_rust(options):
        path = options.crate or next(path for path in options.files if path.suffix == ".rs")
        source = rust_library.Source(path, tuple(options.thread), options.bin, options.build_std)
        return rust.build(
            source,
            [path for path in options.files if path.suffix == ".c"],
            flags=options.flags,
            compiler=options.compiler,
            folder=folder,
            deadline=deadline,
        )
    if options.project is not None:
        project = compile_commands.read(options.project, only=options.files)
        print(project.words, file=sys.stderr)
        return engine.build(
            project.files,
            flags=options.flags,
            flags_of=project.flags,
            main=options.main,
            compiler=options.compiler,
            folder=folder,
            standard=options.std or "",
            deadline=deadline,
        )
    return engine.build(
        options.files,
        flags=options.flags,
        compiler=options.compiler,
        folder=folder,
        standard=options.std or "",
        deadline=deadline,
    )


def _names(options: argparse.Namespace) -> str:
    """Return the name of the program for the answer."""
    given = [options.crate or options.project] if options.crate or options.project else []
    return ", ".join(path.absolute().name if path in given else path.name for path in [*given, *options.files])


def limits() -> str:
    """Return the section of the spec on what the explorer trusts and what it cannot see.

    Raises:
        SpecError: the spec is missing.
    """
    text = (spec_directory() / "explorer.md").read_text(encoding="utf-8")
    return text.partition(_LIMITS[0])[2].partition(_LIMITS[1])[0].strip()


_LIMITS = ("% limits begin\n", "% limits end\n")
_NOTHING: Mapping[str, Any] = {
    **dict.fromkeys(("executions", "distinct", "blocked", "redundant", "cut", "bounded"), 0),
    "seconds": 0.0,
    "exhaustive": False,
    "errors": (),
}


def _in_c(options: argparse.Namespace) -> bool:
    return not _is_rust(options) and all(path.suffix == ".c" for path in options.files)


def standard(options: argparse.Namespace) -> str:
    """Return the standard of the release sequences: the requested one, or that of the first file's language."""
    chosen: str | None = options.std
    if chosen is not None:
        return "c11" if chosen in ("c11", "c++17") else "c++20"
    in_c = options.files and options.files[0].suffix == ".c" and not _is_rust(options)
    return "c11" if in_c else "c++20"


def _as_json(options: argparse.Namespace, outcome: Outcome, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object of `--json`; it has executions if `--trace` asks for them."""
    errors: list[dict[str, Any]] = []
    for number, found in enumerate(outcome.errors):
        errors.append({"kind": found.kind, "message": found.message})
        if found.file and found.line:
            errors[-1] |= {"file": found.file, "line": found.line}
        errors[-1]["replay"] = found.replay
        if options.trace and raw["errors"][number].get("trace"):
            errors[-1]["trace"] = raw["errors"][number]["trace"]
    content: dict[str, Any] = {
        "command": "explore",
        "ok": not outcome.errors,
        "files": [str(path) for path in (options.crate, options.project, *options.files) if path is not None],
        "executions": outcome.executions,
        "distinct": outcome.distinct,
        "blocked": outcome.blocked,
        "redundant": outcome.redundant,
        "cut": outcome.cut,
        "bounded": outcome.bounded,
        "standard": standard(options),
        "seconds": round(outcome.seconds, 6),
        "exhaustive": outcome.exhaustive,
        "errors": errors,
    }
    if outcome.covered:
        content["covered"] = outcome.covered
    if options.random is not None and options.seed is not None:
        content["seed"] = options.seed
    if options.trace and raw.get("trace"):
        content["trace"] = raw["trace"]
    return content


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


# --- output as text


def show(outcome: Outcome, options: argparse.Namespace) -> None:
    """Print what was explored, the verdict, the counterexample, and the command that replays it."""
    print(explored_line(outcome, options))
    if not outcome.errors:
        print(verdict(outcome))
    for number, found in enumerate(outcome.errors):
        print(f"ERROR {found.words}")
        if number == 0 and found.trace is not None:
            print()
            _print_columns(found.trace)
        if found.unreadable:
            print(f"the execution cannot be shown: {found.unreadable}")
        if found.replay:
            print(f"to replay: {replay_command(found.replay, options)}")
        print()
    if not outcome.errors and options.trace and outcome.trace is not None:
        print("\nthe first execution:\n")
        _print_columns(outcome.trace)
        if outcome.trace.replay:
            print(f"to replay: {replay_command(outcome.trace.replay, options)}")
    if options.html is not None:
        print(f"page: {options.html}")


def explored_line(outcome: Outcome, options: argparse.Namespace) -> str:
    """Return a line on what was explored and what was not."""
    name = _names(options)
    counts = [f"{outcome.executions:,} execution{'s' * (outcome.executions != 1)}", f"{outcome.distinct:,} distinct"]
    counts += [f"{outcome.blocked:,} blocked"]
    counts += [f"{outcome.redundant:,} redundant"] if outcome.redundant else []
    took = f"{outcome.seconds:.2f} s" if outcome.seconds < 100 else f"{outcome.seconds:,.0f} s"
    if outcome.exhaustive:
        covered = "every execution was covered"
    else:
        stopped = outcome.errors and not options.keep_going and options.replay is None
        why = outcome.covered or ("stopped at the first error, --keep-going goes on" if stopped else "")
        said = why.startswith("not exhaustive")
        covered = why if said else f"not exhaustive: {why}" if why else "not exhaustive"
    seed = f" (--seed {options.seed})" if options.random is not None else ""
    return f"{name}: {', '.join(counts)} in {took}; {covered}{seed}"


def replay_command(replay: str, options: argparse.Namespace) -> str:
    """Return the command that runs an execution again."""
    chosen = [f"--replay={replay}"] if replay.startswith("-") else ["--replay", replay]
    words = ["rusted-ring", "explore", *map(str, options.files)]
    for name, given in (
        ("crate", options.crate),
        ("bin", options.bin),
        ("project", options.project),
        ("main", options.main),
    ):
        words += [f"--{name}", str(given)] if given is not None else []
    words += [word for name in options.thread for word in ("--thread", name)]
    words += ["--build-std"] if options.build_std else []
    words += chosen
    words += [] if options.spurious is None else ["--spurious" if options.spurious else "--no-spurious"]
    words += ["--unroll", str(options.unroll)] if options.unroll is not None else []
    words += ["--std", options.std] if options.std is not None else []
    words += ["--compiler", options.compiler] if options.compiler else []
    words += ["--", *options.flags] if options.flags else []
    return shlex.join(words)


def _print_columns(trace: Trace) -> None:
    terminal = sys.stdout.isatty()
    width = min(max(shutil.get_terminal_size().columns, _WIDTHS[0]), _WIDTHS[1]) if terminal else _PLAIN_WIDTH
    lines = columns(
        trace,
        width=width,
        color=terminal and not os.environ.get("NO_COLOR"),
        ascii_only=not can_draw(sys.stdout.encoding),
    )
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:  # a source line may have characters that the stream cannot encode
        print(line.encode(encoding, "replace").decode(encoding))


def write_page(outcome: Outcome, options: argparse.Namespace) -> None:
    """Write the page of the first counterexample or, if there is none, of the first execution.

    Raises:
        InputError: there is no execution to show, or the file cannot be written.
    """
    found = next((error for error in outcome.errors if error.trace is not None), None)
    trace = found.trace if found else outcome.trace
    if trace is None:
        reason = next((error.unreadable for error in outcome.errors if error.unreadable), "no execution was completed")
        if outcome.errors:
            # The error matters more than its page.
            print(f"rusted-ring: no page: {reason}", file=sys.stderr)
            options.html = None
            return
        raise InputError(f"argument --html: {reason}, so there is nothing to show")
    names = _names(options)
    title = f"{names}: {found.kind}{found.where}" if found else f"{names}: one execution, nothing wrong in it"
    try:
        options.html.write_text(render(trace, title=title), encoding="utf-8")
    except OSError as error:
        raise InputError(f"argument --html: cannot write {options.html}: {error.strerror}") from None


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Show the progress on stderr: one line that is rewritten in a terminal, otherwise a line every few seconds.

    The number of executions is not known before the end: the engine estimates the share of them that is done.
    """
    stream = sys.stderr
    live = stream.isatty()
    shown = time.monotonic()
    drawn = False

    def update(now: Mapping[str, Any]) -> None:
        nonlocal shown, drawn
        if time.monotonic() - shown < (_LIVE_SECONDS if live else _PLAIN_SECONDS):
            return
        shown = time.monotonic()
        words = progress_words(now)
        print(f"\r\x1b[K{words}" if live else words, end="" if live else "\n", file=stream, flush=True)
        drawn = True

    try:
        yield update
    finally:
        if live and drawn:
            print("\r\x1b[K", end="", file=stream, flush=True)
