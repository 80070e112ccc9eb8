"""The command `rusted-ring`: `bench`, `diff`, `explore`, `prove`, `replay`, `spec` and `verify`.

Exit status: 0 if everything agrees and no figure is missing, 1 if something disagrees or a figure is missing, 2 if the
input cannot be used, 3 if no error was found but an exploration did not cover every execution or a proof could not run,
130 after Ctrl-C.
"""

import argparse
import contextlib
import importlib.metadata
import json
import math
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rusted_ring.verify.clients.enumeration import MOST_CALLS
from rusted_ring.verify.explorer import command as explorer_command
from rusted_ring.verify.lockstep.reports import PROFILES
from rusted_ring.verify.lockstep.results import run_diffs, show_diffs
from rusted_ring.verify.prove import command as prove
from rusted_ring.verify.replay import outcomes
from rusted_ring.verify.replay.documents import MAX_BYTES
from rusted_ring.verify.replay.editing_traces import read_workload
from rusted_ring.verify.replay.git_history import read_history
from rusted_ring.verify.replay.results import replay_as_dict, run_replay, show_results, show_workload
from rusted_ring.verify.specification import command as specification
from rusted_ring.verify.support.backend import BackendError, load_backend
from rusted_ring.verify.support.clauses import SpecError
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.processes import unwound_by_signals

INTERRUPTED = 130
BROKEN_PIPE = 141
MAX_REPLAY_RING_BYTES = 1 << 30


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line, like the rest of the command."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} ({self.prog} --help says more)")


class _Limits(argparse.Action):
    """Prints the limits of the explorer, as `--version` prints the version."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **more)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(explorer_command.limits())
        parser.exit()


def _count(text: str) -> int:
    try:
        value = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1: give a whole number from 1")
    return value


def _calls(text: str) -> int:
    value = _count(text)
    if not 2 <= value <= MOST_CALLS:
        raise argparse.ArgumentTypeError(f"{text} is outside 2 to {MOST_CALLS}: a client has two threads at least")
    return value


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty name: give names with commas between them")
    return names


def _seed(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not 0 <= value < 2**64:
        raise argparse.ArgumentTypeError(f"{text} is outside 0 to 2^64 - 1")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0: give a number of seconds")
    return value


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command, for the pages that describe it."""
    return _parser()


def _parser() -> _Parser:
    parser = _Parser(prog="rusted-ring", description="Whether a ring buffer does what its specification says.")
    parser.add_argument("--version", action="version", version=f"rusted-ring {_version()}")
    commands = parser.add_subparsers(
        dest="command", metavar="{bench,diff,explore,prove,replay,spec,verify}", parser_class=_Parser
    )

    _add_bench(commands)

    diff = commands.add_parser("diff", help="drive a backend and the reference in lock-step until they disagree")
    diff.add_argument(
        "--backend", default="native", metavar="NAME", help="native, reference or package.module[:attribute]"
    )
    diff.add_argument(
        "--profile", choices=(*PROFILES, "all"), default="all", help="widths and capacities (default: all)"
    )
    diff.add_argument("--steps", type=_count, default=30_000, metavar="N", help="operations a profile (default: 30000)")
    diff.add_argument(
        "--seed", type=_seed, metavar="S", help="repeat the run that printed this seed (default: a new one)"
    )
    diff.add_argument("--json", action="store_true", help="print the result as JSON")

    _add_explore(commands)

    prove.add(commands)

    replay = commands.add_parser(
        "replay", help="send real events to several consumers and compare the documents they rebuild"
    )
    replay.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="editing traces (.json, .json.gz) or JSON lines"
    )
    replay.add_argument(
        "--git",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a git repository; its history is replayed",
    )
    replay.add_argument(
        "--commits", type=_count, metavar="N", help="the oldest N commits of each history (default: all)"
    )
    replay.add_argument(
        "--max-bytes",
        type=_count,
        default=MAX_BYTES,
        metavar="N",
        help=f"how large an unpacked file or a history may be (default: {MAX_BYTES:,})",
    )
    replay.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="NAME",
        help="as for diff; may be repeated (default: native and reference)",
    )
    replay.add_argument(
        "--route",
        choices=outcomes.ROUTES,
        action="append",
        default=[],
        help="how events travel; may be repeated (default: every route)",
    )
    replay.add_argument("--consumers", type=_count, default=3, metavar="N", help="consumers, 1 to 64 (default: 3)")
    replay.add_argument("--slow-consumer", action="store_true", help="the last consumer is slow")
    replay.add_argument("--threads", action="store_true", help="each consumer is a thread (default: they take turns)")
    replay.add_argument(
        "--ring-size", type=_count, default=256, metavar="BYTES", help="payload limit of a ring's slot (default: 256)"
    )
    replay.add_argument("--capacity", type=_count, default=1_024, metavar="N", help="slots of a ring (default: 1024)")
    replay.add_argument("--batch", type=_count, default=64, metavar="N", help="events a turn (default: 64)")
    replay.add_argument("--json", action="store_true", help="print the result as JSON")

    specification.add(commands)

    verify = commands.add_parser("verify", help="run every layer of the verification and print one table")
    verify.add_argument("--json", action="store_true", help="print the result as JSON")
    verify.add_argument("--backend", default="native", metavar="NAME", help="as for diff (default: native)")
    verify.add_argument(
        "--clients", type=_calls, metavar="K", help="explore every client of up to K calls, 2 to 8 (default: 3)"
    )
    verify.add_argument(
        "--seed", type=_seed, default=0, metavar="S", help="the seed of the differential runs (default: 0)"
    )
    size = verify.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="less of each layer, a few seconds in all")
    size.add_argument(
        "--full", action="store_true", help="more of each layer and every seeded defect, many minutes in all"
    )
    return parser


def _add_bench(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser(
        "bench",
        help="measure speed beside other libraries and the machine's limits",
        epilog="Exit status: 0 no figure missing, 1 one missing, 2 cannot run. A peer that cannot be built is named.",
    )
    command.add_argument(
        "--peers", type=_names, default=[], metavar="NAME,...", help="the peers measured beside native (default: all)"
    )
    command.add_argument(
        "--works",
        type=_names,
        default=[],
        metavar="NAME,...",
        help="the works measured, with their limits (default: all)",
    )
    command.add_argument("--rounds", type=_count, metavar="N", help="rounds through everything (default: 9)")
    command.add_argument("--smoke", action="store_true", help="run each case once and briefly, to see that it works")
    command.add_argument("--json", type=Path, metavar="FILE", help="write all figures, round by round")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="write tables (Markdown) and plots (SVG) into a folder"
    )
    command.add_argument(
        "--from", dest="read", type=Path, metavar="FILE", help="measure nothing: show the JSON of an earlier run"
    )
    command.add_argument(
        "--against",
        type=Path,
        metavar="FILE",
        help="say what has moved since the run of this JSON; with --from, compare two files",
    )


def _add_explore(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser(
        "explore",
        help="run a program in C, C++ or Rust under every execution that C11 allows",
        usage="%(prog)s {FILE ... | --crate DIR | --project DIR} [options] [-- compiler flags]",
        epilog="Exit status: 0 clean, 1 an error found, 2 cannot run, 3 clean but not every execution was covered.",
    )
    command.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="the program's sources, or one .rs file with fn main or thread_0",
    )
    command.add_argument(
        "--crate",
        type=Path,
        metavar="DIR",
        help='a crate of Rust: its program, or its library with #[no_mangle] pub extern "C" fn thread_0, thread_1, ... '
        "(and setup, check), or with C files that start threads",
    )
    command.add_argument("--bin", metavar="NAME", help="with --crate: which of its programs")
    command.add_argument(
        "--thread", action="append", default=[], metavar="NAME", help="Rust: a function that is a thread (repeat it)"
    )
    command.add_argument(
        "--build-std",
        action="store_true",
        help="Rust: compile the standard library too if threads are functions (always so with fn main)",
    )
    command.add_argument(
        "--project", type=Path, metavar="PATH", help="a compile_commands.json or its folder; FILEs choose of its files"
    )
    command.add_argument("--main", type=Path, metavar="FILE", help="with --project: the file with the main() to run")
    command.add_argument(
        "--limits", action=_Limits, help="print what the explorer trusts and what it cannot see, and exit"
    )
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    command.add_argument("--keep-going", action="store_true", help="do not stop at the first error")
    mode = command.add_mutually_exclusive_group()
    mode.add_argument("--bound", type=_count, metavar="N", help="stop after N executions")
    mode.add_argument("--random", type=_count, metavar="N", help="N executions drawn at random, instead of all")
    mode.add_argument("--replay", metavar="STRING", help="the one execution that printed this string")
    command.add_argument(
        "--pct", type=_count, metavar="DEPTH", help="with --random: priorities that change DEPTH - 1 times (PCT)"
    )
    command.add_argument(
        "--seed", type=_seed, metavar="S", help="with --random: repeat the run that printed this seed (default: new)"
    )
    command.add_argument(
        "--trace", action="store_true", help="print the first execution as columns even if there is no error"
    )
    command.add_argument("--html", type=Path, metavar="FILE", help="write the execution shown as a page")
    command.add_argument(
        "--spurious",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="waits wake spuriously, and weak compare-exchanges fail spuriously; by default only the latter",
    )
    command.add_argument("--unroll", type=_count, metavar="N", help="follow each loop for N iterations (default: all)")
    command.add_argument(
        "--std",
        choices=("c11", "c++17", "c++20", "c++23"),
        help="the standard for C++ and for release sequences (default: c11 if the first file is .c, else c++20)",
    )
    workers = command.add_mutually_exclusive_group()
    workers.add_argument("--workers", type=_count, default=1, metavar="N", help="processes (default: 1)")
    workers.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster that does the work")
    command.add_argument("--compiler", metavar="CC", help="gcc, g++, clang or clang++ (default: the one installed)")
    command.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="stop after so long (default: never)")
    command.set_defaults(flags=[])


def _version() -> str:
    try:
        return importlib.metadata.version("rusted-ring")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments, those of the process by default.

    Returns:
        The exit status.
    """
    try:
        with unwound_by_signals():
            status = _run(argv)
        sys.stdout.flush()
    except (InputError, BackendError, SpecError) as error:
        # One line, even if a file name or a message of git has several.
        _complain(" ".join(str(error).split()))
        status = 2
    except KeyboardInterrupt:
        _complain("interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe. Discard the buffered output, or the interpreter complains at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = BROKEN_PIPE
    return status


def _complain(text: str) -> None:
    print(f"rusted-ring: {text}", file=sys.stderr)


def _run(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    flags: list[str] = []
    if words[:1] == ["explore"]:
        words, flags = explorer_command.split_flags(words)
    try:
        options = _parser().parse_args(words)
    except SystemExit as ending:  # --help and --version
        return int(ending.code or 0)
    commands: dict[str | None, Callable[[argparse.Namespace], int]] = {
        "bench": _bench,
        "diff": _diff,
        "explore": explorer_command.run,
        "prove": prove.run,
        "replay": _replay,
        "spec": specification.run,
        "verify": _verify,
    }
    if options.command == "explore":
        options.flags = flags
    if options.command not in commands:
        raise InputError(
            "give a command: bench, diff, explore, prove, replay, spec or verify (rusted-ring --help says more)"
        )
    return commands[options.command](options)


# --- replay


def _replay(options: argparse.Namespace) -> int:
    if not options.files and not options.git:
        raise InputError("nothing to replay: give files, or --git PATH")
    if options.consumers > outcomes.MAX_CONSUMERS:
        raise InputError(f"argument --consumers: {options.consumers} is above {outcomes.MAX_CONSUMERS}")
    if options.commits is not None and not options.git:
        raise InputError("argument --commits: limits the commits of a history; give one by --git PATH")
    if options.ring_size * options.capacity > MAX_REPLAY_RING_BYTES:
        raise InputError(
            f"argument --ring-size: {options.ring_size} bytes times a --capacity of {options.capacity} "
            f"is above {MAX_REPLAY_RING_BYTES} bytes: make one of them smaller"
        )
    limit = options.max_bytes
    workloads = [read_workload(path, max_bytes=limit) for path in options.files]
    workloads += [read_history(path, commits=options.commits, max_bytes=limit) for path in options.git]
    backends = {name: load_backend(name) for name in options.backend or ["native", "reference"]}
    settings = outcomes.Settings(
        routes=tuple(dict.fromkeys(options.route)) or outcomes.ROUTES,
        consumers=options.consumers,
        slow=options.slow_consumer,
        size=options.ring_size,
        capacity=options.capacity,
        batch=options.batch,
        threads=options.threads,
    )
    every: list[dict[str, Any]] = []
    ok = True
    for workload in workloads:
        if not options.json:
            show_workload(workload)
        results = run_replay(backends, workload, settings)
        ok = ok and all(result.ok for result in results)
        every.append(replay_as_dict(workload, results))
        if not options.json:
            show_results(results)
    if options.json:
        print(json.dumps({"command": "replay", "ok": ok, "inputs": every}, indent=1))
    return 0 if ok else 1


# --- diff


def _diff(options: argparse.Namespace) -> int:
    load_backend(options.backend)  # refused here, before anything is drawn
    profiles = PROFILES if options.profile == "all" else (options.profile,)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    chosen = f"--backend {options.backend} --profile {options.profile} --steps {options.steps}"
    again = f"rusted-ring diff {chosen} --seed {seed}"
    print(f"seed {seed}; to repeat this run: {again}", file=sys.stderr if options.json else sys.stdout, flush=True)
    reports = run_diffs(options.backend, profiles, options.steps, seed)
    ok = all(report.agrees for report in reports)
    if options.json:
        print(json.dumps({"command": "diff", "ok": ok, "runs": [report.to_json() for report in reports]}, indent=1))
    else:
        show_diffs(reports)
    return 0 if ok else 1


# --- bench


def _bench(options: argparse.Namespace) -> int:
    from rusted_ring.bench import run

    return run.run(options)


# --- verify


def _verify(options: argparse.Namespace) -> int:
    from rusted_ring.verify import verify_run

    return verify_run.run(
        backend_name=options.backend,
        size="quick" if options.quick else "full" if options.full else "default",
        seed=options.seed,
        calls=options.clients,
        as_json=options.json,
    )


if __name__ == "__main__":
    sys.exit(main())
