"""A campaign: workers explore every client of up to k calls on the native core, batch by batch.

`python -m rusted_ring.verify.campaign --calls 4 --workers 2 --resume FILE`, from a checkout, records each finished
batch in the file and continues from there when it is started again: a run that is killed loses only the batches in
progress. The clients are those of `clients.enumeration`, with its limits. The campaign lists the clients that it did
not exhaust: those with more executions than the limit, and those with executions that go on in a loop.

Exit status: 0 clean and exhausted, 1 an error found, 2 cannot run, 3 clean but not exhausted.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from rusted_ring.verify.clients import enumeration, language, operations
from rusted_ring.verify.clients.language import parse
from rusted_ring.verify.explorer.engine import CannotBuild, CannotRun, build_client
from rusted_ring.verify.explorer.executors import executor
from rusted_ring.verify.explorer.outcomes import CLEAN, ERROR, NOT_EXHAUSTIVE
from rusted_ring.verify.explorer.running import kept
from rusted_ring.verify.linearizability import judge
from rusted_ring.verify.model_checking.harness import Explorer, Violation
from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.processes import unwound_by_signals, workspace
from rusted_ring.verify.support.report import progress as shown

MOST_EXECUTIONS: Final = 2_000
"""The greatest number of executions of one client, by default."""
BATCH: Final = 32
"""The number of clients in a batch."""
_IN_FLIGHT = 3
_SHOWN = 10


@dataclasses.dataclass
class Account:
    """The results of a campaign so far.

    Attributes:
        clients: how many clients were explored.
        executions: their complete executions.
        blocked: executions that could not complete.
        histories: histories that were judged.
        seconds: the time of the engine and the judge, summed over all workers.
        large: clients with more executions than the limit.
        bounded: clients with executions that were cut off in a loop.
        wrong: for each client that failed: `client`, `kind`, `message`, `clause` and `replay`.
    """

    clients: int = 0
    executions: int = 0
    blocked: int = 0
    histories: int = 0
    seconds: float = 0.0
    large: list[str] = dataclasses.field(default_factory=list)
    bounded: list[str] = dataclasses.field(default_factory=list)
    wrong: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def add(self, other: "Account") -> None:
        """Add another account to this one."""
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def status(self) -> int:
        """The exit status of a campaign that ends with this account."""
        return ERROR if self.wrong else NOT_EXHAUSTIVE if self.large or self.bounded else CLEAN

    def words(self) -> str:
        """Return the figures in one line."""
        rest = [
            f"{len(found):,} {'has' if len(found) == 1 else 'have'} {what}"
            for found, what in (
                (self.large, "more executions than the limit"),
                (self.bounded, "executions that were cut off in a loop"),
            )
            if found
        ]
        whole = "each exhausted" if not rest else f"NOT exhausted: {' and '.join(rest)}"
        return (
            f"{self.clients:,} clients, {whole}; {self.executions:,} executions, {self.blocked:,} blocked; "
            f"{self.histories:,} histories judged, {self.rate()}"
        )

    def rate(self) -> str:
        """Return in words how many clients a worker explored in a second."""
        return f"{self.clients / (self.seconds or 1):,.0f} clients a second and worker"


def explore_batch(program: str, lines: Sequence[str], most: int, content: bytes | None = None) -> Account:
    """Explore a batch of clients, as one task of a worker.

    Args:
        program: the path of the harness.
        lines: the clients.
        most: the greatest number of executions of one client.
        content: the bytes of the harness, for a worker on a machine without that file.
    """
    if content is not None and not Path(program).exists():
        program = kept(content)
    if program not in _explorers:
        _explorers[program] = Explorer(Path(), Path(), program=Path(program))
    explorer = _explorers[program]
    account = Account()
    begun = time.perf_counter()
    for line in lines:
        account.clients += 1
        try:
            explored = explorer.explore(parse(line), most=most)
        except CannotRun as error:
            account.wrong.append(
                {"client": line, "kind": "broke off", "message": str(error), "clause": "", "replay": ""}
            )
            continue
        account.executions += explored.executions
        account.blocked += explored.blocked
        account.histories += explored.histories
        if explored.violation is not None:
            account.wrong.append(_as_dict(line, explored.violation))
        elif not explored.exhaustive:
            (account.bounded if explored.bounded else account.large).append(line)
    account.seconds = time.perf_counter() - begun
    explorer.judged.clear()
    return account


_explorers: dict[str, Explorer] = {}
"""The explorers of a worker, by the path of their harness: an engine runs as long as its worker."""


def _as_dict(line: str, violation: Violation) -> dict[str, str]:
    return {
        "client": line,
        "kind": violation.kind,
        "message": violation.message,
        "clause": violation.clause,
        "replay": violation.replay,
    }


@dataclasses.dataclass(frozen=True)
class Campaign:
    """Which clients are explored, and how far each.

    Attributes:
        calls: the greatest number of calls.
        least: the least number of calls.
        most: the greatest number of executions of one client.
        share: into how many parts the clients are divided, at random but always in the same way.
        part: which of the parts is explored, from 0.
    """

    calls: int
    least: int = 2
    most: int = MOST_EXECUTIONS
    share: int = 1
    part: int = 0

    def lines(self) -> Iterator[str]:
        """Yield the clients, in a fixed order."""
        for calls in range(self.least, self.calls + 1):
            drawn = random.Random(calls)
            for line in enumeration.lines(calls):
                if self.share == 1 or drawn.randrange(self.share) == self.part:
                    yield line

    def batches(self) -> Iterator[tuple[str, ...]]:
        """Yield the clients in batches."""
        batch: list[str] = []
        for line in self.lines():
            batch.append(line)
            if len(batch) == BATCH:
                yield tuple(batch)
                batch.clear()
        if batch:
            yield tuple(batch)


class Journal:
    """A file that lists the finished batches, one a line, after a first line that identifies the campaign."""

    def __init__(self, path: Path, what: Mapping[str, Any]) -> None:
        """Read the file, or begin a new one.

        Args:
            path: the file.
            what: the campaign, and the digest of the sources.

        Raises:
            InputError: the file cannot be used, or belongs to another campaign.
        """
        self.done: dict[int, Account] = {}
        try:
            lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
            if lines[0]:
                self._read(path, lines, what)
            # A line that ends in its middle does not count.
            text = b"\n".join(lines[:-1]) + b"\n" if lines[0] else json.dumps(what).encode() + b"\n"
            if not path.exists() or path.read_bytes() != text:
                path.write_bytes(text)
            self._file: IO[bytes] = path.open("ab")
        except OSError as error:
            raise InputError(f"argument --resume: {path}: {error.strerror}; give a file that is writable") from None

    def _read(self, path: Path, lines: Sequence[bytes], what: Mapping[str, Any]) -> None:
        try:
            found = json.loads(lines[0])
            accounts = [json.loads(line) for line in lines[1:-1]]
            self.done = {one.pop("batch"): Account(**one) for one in accounts}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(f"argument --resume: {path} is not a file of a campaign; give another name") from None
        if found != what:
            other = ", ".join(
                f"{key} {found.get(key)} and not {what[key]}" for key in what if found.get(key) != what[key]
            )
            raise InputError(f"argument --resume: {path} is of another campaign: {other}; give another name")

    def write(self, batch: int, account: Account) -> None:
        """Record a finished batch."""
        self._file.write(json.dumps({"batch": batch, **dataclasses.asdict(account)}).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def digest(root: Path) -> str:
    """Return a digest of all that a result depends on: the core, the engine, the enumeration and the judge."""
    found = hashlib.sha256()
    native = root / "native"
    files = [path for part in ("include", "src", "explorer") for path in (native / part).rglob("*") if path.is_file()]
    modules = [Path(module.__file__ or "") for module in (operations, language, enumeration)]
    modules += Path(judge.__file__).parent.glob("*.py")
    for path in sorted([*files, *modules]):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def run(
    program: Path,
    campaign: Campaign,
    tasks: concurrent.futures.Executor | None = None,
    *,
    journal: Journal | None = None,
    progress: Callable[[Account], None] | None = None,
    stop: Callable[[Account], bool] = lambda _: False,
) -> Account:
    """Explore the clients of a campaign.

    Args:
        program: the path of the harness.
        campaign: which clients.
        tasks: the executor of the batches; None for this process.
        journal: records the finished batches; the batches that it already has are not explored again.
        progress: called with the account so far after each batch.
        stop: called with the same; the campaign stops when it returns True.
    """
    account = Account()
    done = journal.done if journal is not None else {}
    running: dict[concurrent.futures.Future[Account], int] = {}
    local = tasks is None or isinstance(tasks, concurrent.futures.ProcessPoolExecutor)
    content = None if local else program.read_bytes()
    workers = getattr(tasks, "_max_workers", None) or 4

    def finish(number: int, found: Account) -> bool:
        account.add(found)
        if journal is not None and number not in done:
            journal.write(number, found)
        if progress is not None:
            progress(account)
        return stop(account)

    def wait(most: int) -> bool:
        enough = False
        while len(running) > most:
            for future in concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done:
                enough = finish(running.pop(future), future.result()) or enough
        return enough

    for number, batch in enumerate(campaign.batches()):
        if number in done:
            enough = finish(number, done[number])
        elif tasks is None:
            enough = finish(number, explore_batch(str(program), batch, campaign.most))
        else:
            running[tasks.submit(explore_batch, str(program), batch, campaign.most, content)] = number
            enough = wait(_IN_FLIGHT * workers)
        if enough:
            break
    wait(0)
    return account


def wrong_words(one: Mapping[str, str]) -> str:
    """Return the failure of a client in words."""
    clause = f" [{one['clause']}]" if one["clause"] else ""
    return f"{one['client']}\n{one['kind']}{clause}: {one['message']}\nreplay: {one['replay']}"


# --- the command


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors as the other commands do."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def _number(least: int, most: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
            above = f" to {most}" if most is not None else " on"
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least}{above}")
        return int(text)

    return read


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m rusted_ring.verify.campaign",
        description="Explore every client of up to k calls on the native core.",
        epilog="Exit status: 0 clean and exhausted, 1 an error found, 2 cannot run, 3 clean but not exhausted.",
    )
    parser.add_argument(
        "--calls",
        type=_number(2, enumeration.MOST_CALLS),
        required=True,
        metavar="K",
        help=f"most calls of a client, 2 to {enumeration.MOST_CALLS}",
    )
    parser.add_argument(
        "--least", type=_number(2, enumeration.MOST_CALLS), default=2, metavar="K", help="least calls (default: 2)"
    )
    parser.add_argument(
        "--most",
        type=_number(1),
        default=MOST_EXECUTIONS,
        metavar="N",
        help=f"stop exploring a client after N executions (default: {MOST_EXECUTIONS:,})",
    )
    parser.add_argument("--share", type=_number(1), default=1, metavar="N", help="one client of N, drawn at random")
    parser.add_argument(
        "--part", type=_number(0), metavar="P", help="with --share: which of the N parts, from 0 (default: 0)"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="FILE", help="record finished batches in FILE, and continue from it"
    )
    parser.add_argument("--seconds", type=_number(1), metavar="S", help="end after S seconds (default: never)")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first client that fails")
    parser.add_argument("--list", action="store_true", help="print the clients without exploring them")
    parser.add_argument("--json", action="store_true", help="print the account as JSON")
    workers = parser.add_mutually_exclusive_group()
    workers.add_argument("--workers", type=_number(1), default=1, metavar="N", help="processes (default: 1)")
    workers.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster that does the work")
    parser.add_argument("--compiler", metavar="CC", help="gcc or clang (default: the one installed)")
    return parser


def _command(options: argparse.Namespace) -> int:
    if options.least > options.calls:
        raise InputError(f"argument --least: {options.least} is more than --calls {options.calls}; give less")
    if options.part is not None and not options.part < options.share:
        raise InputError(f"argument --part: {options.part} is none of {options.share}; give --share N and 0 to N - 1")
    campaign = Campaign(options.calls, options.least, options.most, options.share, options.part or 0)
    if options.list:
        for line in campaign.lines():
            print(line)
        return CLEAN
    root = checkout()
    what = {**dataclasses.asdict(campaign), "compiler": options.compiler, "batch": BATCH, "core": digest(root)}
    journal = Journal(options.resume, what) if options.resume is not None else None
    begun = time.monotonic()
    before = sum(account.clients for account in journal.done.values()) if journal is not None else 0
    with (
        unwound_by_signals(),
        workspace() as folder,
        executor(options.workers, options.dask) as tasks,
        shown("clients") as update,
    ):
        program = build_client(root, folder, compiler=options.compiler)
        total = sum(1 for _ in campaign.lines())

        def tell(account: Account) -> None:
            seconds = time.monotonic() - begun
            rate = max(0, account.clients - before) / seconds
            left = f"{(total - account.clients) / rate:,.0f} s left" if rate else ""
            update(account.clients, total, f"{account.executions:,} executions, {rate:,.0f} clients a second, {left}")

        def stop(account: Account) -> bool:
            late = options.seconds is not None and time.monotonic() - begun > options.seconds
            return late or (bool(account.wrong) and not options.keep_going)

        account = run(program, campaign, tasks, journal=journal, progress=tell, stop=stop)
    if journal is not None:
        journal.close()
    seconds = time.monotonic() - begun
    left = total - account.clients
    if options.json:
        print(json.dumps({**dataclasses.asdict(account), "total": total, "left": left, "wall": seconds}, indent=1))
    else:
        show(account, total, seconds)
    return NOT_EXHAUSTIVE if left and account.status == CLEAN else account.status


def show(account: Account, total: int, seconds: float) -> None:
    """Print an account: the failures, the clients that were not exhausted, and the figures."""
    for one in account.wrong:
        print(f"WRONG: {wrong_words(one)}\n")
    for found, what in (
        (account.large, "more executions than the limit"),
        (account.bounded, "executions cut off in a loop"),
    ):
        for line in found[:_SHOWN]:
            print(f"not exhausted, {what}: {line}")
        if len(found) > _SHOWN:
            print(f"not exhausted, {what}: {len(found) - _SHOWN:,} more (--json lists them)")
    print(f"{account.words()}; {seconds:,.0f} s")
    if total > account.clients:
        print(f"{total - account.clients:,} of {total:,} clients are left")
    print("left to the corpus: " + ", ".join(f"{name} ({why})" for name, why in enumeration.NOT_ENUMERATED.items()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign from the command line; returns the exit status."""
    try:
        return _command(_parser().parse_args(arguments))
    except (InputError, CannotBuild, NoCheckout) as error:
        print(f"rusted-ring: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
