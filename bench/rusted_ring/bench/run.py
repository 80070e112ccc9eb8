"""The command `rusted-ring bench`: builds the harnesses, runs them in rounds, and writes down what came out."""

import argparse
import concurrent.futures
import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rusted_ring.bench import against, machine, plots, tables
from rusted_ring.bench.ahead import compare
from rusted_ring.bench.contract import MACHINE, MEMORY, NATIVE, WORKS, UnknownFigure, parse, select
from rusted_ring.bench.harnesses import SMOKE, AnyHarness, CHarness, Pace, Step, cache_folder, harnesses
from rusted_ring.bench.measured import Measured, Round, UnusableResult
from rusted_ring.bench.programs import ProgramFailed, Programs
from rusted_ring.bench.targets import NOISE, judge
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.report import Update, print_table, progress

ROUNDS: Final = 9
"""Rounds where nothing else is said; of a smoke it is one."""
MORE: Final = 2
"""How many times as many rounds a figure may get whose quartiles ask for more."""
_TICK_SECONDS: Final = 0.5
_SHOWN: Final = 5
"""Of the figures that would need more rounds."""


def run(options: argparse.Namespace) -> int:
    """Measure, or read what was measured, and show and write it.

    Args:
        options: `peers` and `works` (lists of names), `rounds` or None, `smoke`, `json` and `out` (paths or None),
            `read`: the JSON of an earlier run, or None, and `against`: that of a run to compare with, or None.

    Returns:
        0, or 1 where a figure is missing that should be there.

    Raises:
        InputError: the options cannot be used.
    """
    _can_write(options.json, options.out)
    if options.read is not None:
        if options.peers or options.works or options.smoke or options.rounds is not None:
            raise InputError("argument --from: shows an earlier run; --peers, --works, --rounds and --smoke measure")
        try:
            measured = Measured.read(options.read)
        except UnusableResult as error:
            raise InputError(f"argument --from: {error}") from None
        earlier = _earlier(options, measured)
    else:
        try:
            selection = select(options.works, options.peers)
        except UnknownFigure as error:
            raise InputError(str(error)) from None
        measured = Measured(selection, smoke=options.smoke, machine=machine.facts())
        earlier = _earlier(options, measured)
        measured.machine["peers"] = machine.versions()
        measure(measured, options.rounds or (1 if options.smoke else ROUNDS), SMOKE if options.smoke else Pace())
    if options.json is not None:
        options.json.write_text(json.dumps(measured.as_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if options.out is not None:
        write(measured, options.out)
    status = show(measured)
    if earlier is not None:
        show_against(against.compare(earlier, measured), options.against)
    return status


def _earlier(options: argparse.Namespace, measured: Measured) -> Measured | None:
    """Return the run to compare with, or None where none is asked for; refuse it before anything is measured.

    Raises:
        InputError: it cannot be compared with this one.
    """
    if options.against is None:
        return None
    if options.smoke:
        raise InputError("argument --against: the times of a smoke say nothing: leave out --smoke")
    if options.rounds is not None and options.rounds < against.LEAST_ROUNDS:
        raise InputError(
            f"argument --against: --rounds {options.rounds} is too few for quartiles: "
            f"give {against.LEAST_ROUNDS} or more"
        )
    try:
        if options.read is not None:
            against.must_have_quartiles(measured, str(options.read))
        return against.read(options.against, measured)
    except UnusableResult as error:
        raise InputError(f"argument --against: {error}") from None


def _can_write(document: Path | None, folder: Path | None) -> None:
    """Refuse places that cannot be written to before anything is measured.

    Raises:
        InputError: there is such a place, or plots are asked for and cannot be drawn.
    """
    if document is not None and (
        document.is_dir() or not os.access(document if document.exists() else document.resolve().parent, os.W_OK)
    ):
        raise InputError(
            f"argument --json: {document} cannot be written: give a file in a folder that can be written to"
        )
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"argument --out: {folder}: {(error.strerror or str(error)).lower()}") from None
    if not os.access(folder, os.W_OK):
        raise InputError(f"argument --out: {folder} cannot be written to: give a folder that can be")
    try:
        plots.require()
    except plots.NoPlots as error:
        raise InputError(f"argument --out: {error}") from None


# --- measuring


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder of what is built: two runs at once would spoil each other's figures, and builds.

    Raises:
        InputError: another run holds it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise InputError(
            f"{folder}: {(error.strerror or str(error)).lower()}: set XDG_CACHE_HOME to a folder that can be written to"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another rusted-ring bench is running (it holds {lock.name}): wait for its end") from None
        yield


def measure(measured: Measured, rounds: int, pace: Pace) -> None:
    """Build what is needed, and add the rounds and the figures of memory.

    Raises:
        InputError: another run is under way.
    """
    folder = cache_folder()
    with (
        _alone(folder),
        progress("bench") as update,
        concurrent.futures.ThreadPoolExecutor() as executor,
        Programs() as programs,
    ):
        every = harnesses(measured, pace, programs, folder)
        prepare(every, executor, update)
        steps = [step for harness in every for step in harness.steps()]
        core = next((harness for harness in every if isinstance(harness, CHarness) and harness.there), None)
        for number in range(1, rounds + 1):
            measured.rounds.append(Round())
            one_round(measured, steps, number, rounds, update)
        for number in range(rounds + 1, (1 if measured.smoke else MORE) * rounds + 1):
            again = repeated(measured)
            if not again:
                break
            measured.rounds.append(Round(only=sorted(f"{work}/{peer}" for work, peer in again)))
            steps = [step for harness in every for step in harness.steps(again)]
            one_round(measured, steps, number, MORE * rounds, update)
        if MEMORY in measured.selection.works and core is not None:
            update(0, 1, f"memory over {pace.memory:,} operations")
            try:
                measured.memory = core.memory()
            except (ProgramFailed, ValueError) as error:
                measured.failures.append(f"memory: {error}")


def repeated(measured: Measured) -> set[tuple[str, str]]:
    """Return the works and peers that have a figure whose quartiles ask for more rounds, with what they are beside."""
    found = {(parse(name).work, parse(name).peer) for name in measured.unsettled(NOISE)}
    for work, _ in list(found):
        found |= {(work, NATIVE), *((limit, MACHINE) for limit in WORKS[work].limits)}
        if WORKS[work].two_threads:
            found.add(("limit-round-trip", MACHINE))
    return found & set(measured.selection.pairs())


def prepare(every: list[AnyHarness], executor: concurrent.futures.Executor, update: Update) -> None:
    """Build the harnesses side by side."""
    builds = {executor.submit(harness.prepare): harness.title for harness in every}
    waiting = set(builds)
    while waiting:
        left = ", ".join(sorted(builds[build] for build in waiting))
        update(len(builds) - len(waiting), len(builds), f"building: {left}")
        done, waiting = concurrent.futures.wait(waiting, _TICK_SECONDS, concurrent.futures.FIRST_COMPLETED)
        for build in done:
            build.result()


def one_round(measured: Measured, steps: list[Step], number: int, rounds: int, update: Update) -> None:
    """Run each harness once. One that fails, or gives what the contract does not know, does not stop the others."""
    for at, (title, step) in enumerate(steps):
        update((number - 1) * len(steps) + at, rounds * len(steps), f"round {number} of {rounds}: {title}")
        try:
            step(measured.rounds[-1])
        except (ProgramFailed, UnknownFigure) as error:
            measured.failures.append(f"{title}, round {number}: {error}")
        except (KeyError, TypeError, ValueError, OSError) as error:
            measured.failures.append(f"{title}, round {number}: its result cannot be read: {error!r}")


# --- showing


def write(measured: Measured, folder: Path) -> list[Path]:
    """Write tables and plots into a folder, and return the files."""
    written = []
    for name, text in (
        ("targets", tables.targets(measured)),
        ("peers", tables.peers(measured)),
        ("machine", tables.machine(measured)),
    ):
        path = folder / f"{name}.md"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written + plots.draw(measured, folder)


def show(measured: Measured) -> int:
    """Print what was to be reached and what is missing, and return the exit status."""
    if measured.smoke:
        print("a smoke: every case once and short, to see that its figure is there; the times say nothing")
    else:
        if compared := compare(measured):
            rows = [tables.peer_row(row) for row in compared]
            print_table("", tables.PEER_COLUMNS, rows, right=("times the peer", "at most"))
            print(tables.ahead(compared))
        if rows := [tables.target_row(verdict) for verdict in judge(measured)]:
            print_table("", tables.TARGET_COLUMNS, rows, right=("measured",))
    missing = measured.missing_peers()
    for peer, reason in missing.items():
        print(f"missing: {peer}: {reason}")
    lost = measured.lost()
    if measured.smoke and os.environ.get("CI", "").lower() in ("1", "true"):
        lost += [f"{peer} is missing, and CI has to have it" for peer in missing]
    for line in lost:
        print(f"LOST: {line}")
    if not measured.smoke:
        show_rounds(measured)
    figures, rounds = len(measured.names()), len(measured.rounds)
    print(f"{figures:,} figures, {rounds} round{'s' if rounds != 1 else ''}, {len(missing)} missing, {len(lost)} lost")
    return 1 if lost else 0


def show_rounds(measured: Measured) -> None:
    """Print how many rounds the figures got, and which would have needed more."""
    whole = sum(one.only is None for one in measured.rounds)
    if whole < len(measured.rounds):
        more = sum(len(measured.values(name)) > whole for name in measured.names())
        print(f"{whole} rounds of everything, and up to {len(measured.rounds)} of {more} figures with wide quartiles")
    needs = measured.unsettled(NOISE)
    if needs:
        worst = sorted(needs, key=lambda name: -needs[name])[:_SHOWN]
        said = ", ".join(f"{name} ({needs[name]})" for name in worst)
        print(
            f"figures whose median is not known within {NOISE:.0%}: {len(needs)}; the limit is {MORE} times the "
            f"rounds; with the rounds that they need: {said}{', ...' if len(needs) > len(worst) else ''}"
        )


def show_against(found: against.Comparison, path: Path) -> None:
    """Print what has moved since an earlier run; no measured time changes the exit status."""
    rule = f"do not overlap and the medians differ by more than {NOISE:.0%}"
    print(f"\nagainst {path}: a figure has moved if the quartiles of the two runs {rule}")
    for name, before, now in found.differs:
        print(f"OTHERWISE THAN THEN: {name}: {before} then, {now} now")
    if found.moved:
        rows = [tables.change_row(change) for change in found.moved]
        print_table("", tables.CHANGE_COLUMNS, rows, right=tables.CHANGE_COLUMNS[1:6])
    for words, names in (
        ("only in this run", found.only_now),
        (f"only in {path}", found.only_before),
        (f"in fewer than {against.LEAST_ROUNDS} rounds of one of them", found.few),
        ("without a pair of processors that both had, not compared", found.other_pair),
    ):
        for name in names:
            print(f"{words}: {name}")
    limits = sum(WORKS[parse(change.name).work].is_limit for change in found.moved)
    if limits:
        print(f"the machine itself moved: {limits} of its limits are among them; compare ratios, or measure anew")
    slower = sum(change.ratio > 1 for change in found.moved)
    apart = len(found.only_now) + len(found.only_before) + len(found.few) + len(found.other_pair)
    print(
        f"{slower} slower, {len(found.moved) - slower} faster, {found.still} within noise, "
        f"{apart} that cannot be compared"
    )
