"""A run beside an earlier one: which figures moved by more than noise.

A figure has moved if the quartiles of the two runs do not overlap and the medians differ by more than `NOISE`. Figures
of two threads are compared over the rounds of one pair of processors, which their round trips tell.
"""

import dataclasses
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rusted_ring.bench.contract import WORKS, Harness, harness_of, parse
from rusted_ring.bench.measured import Measured, Quartiles, UnusableResult, of_one_pair
from rusted_ring.bench.targets import NOISE

LEAST_ROUNDS: Final = 3
"""Fewer values have no quartiles to speak of."""
SAME_MACHINE: Final = ("processor", "architecture", "cpus")
"""Facts without which two runs are not of one machine."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One figure in two runs.

    Attributes:
        name: its whole name.
        before: in the earlier run.
        now: in this one.
    """

    name: str
    before: Quartiles
    now: Quartiles

    @property
    def ratio(self) -> float:
        """How many times as long as before it takes now."""
        return self.now.median / self.before.median

    @property
    def beyond_noise(self) -> bool:
        """Whether it moved, by the rule."""
        apart = self.before.high < self.now.low or self.now.high < self.before.low
        return apart and not 1 - NOISE <= self.ratio <= 1 + NOISE


@dataclasses.dataclass
class Comparison:
    """What two runs have in common, and what not.

    Attributes:
        moved: figures that moved, in the order of the run.
        still: how many did not.
        only_before: figures that the earlier run alone has, of what both were to measure.
        only_now: those that this one alone has.
        other_pair: figures of two threads for which the two runs had no pair of processors in common.
        few: figures that one of the runs has in fewer than `LEAST_ROUNDS` rounds.
        differs: other versions and the like: what it is, what it was before, and what it is now.
    """

    moved: list[Change] = dataclasses.field(default_factory=list)
    still: int = 0
    only_before: list[str] = dataclasses.field(default_factory=list)
    only_now: list[str] = dataclasses.field(default_factory=list)
    other_pair: list[str] = dataclasses.field(default_factory=list)
    few: list[str] = dataclasses.field(default_factory=list)
    differs: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)


def read(path: Path, now: Measured) -> Measured:
    """Return an earlier run that another one can be compared with.

    Args:
        path: its JSON.
        now: the other run, measured or not: its machine and what is chosen.

    Raises:
        UnusableResult: it is no such run; the message says why and what to do.
    """
    earlier = Measured.read(path)
    must_have_quartiles(earlier, str(path))
    for fact in SAME_MACHINE:
        there, here = (_fact(fact, run.machine) for run in (earlier, now))
        if there != here:
            raise UnusableResult(
                f"{path}: measured on another machine ({fact} {there} there, {here} here): times of two machines "
                "are not compared; measure the earlier version on this one"
            )
    common = set(earlier.selection.pairs()) & set(now.selection.pairs())
    if all(WORKS[work].is_limit for work, _ in common):
        raise UnusableResult(
            f"{path}: has none of the works chosen, but {', '.join(earlier.selection.works)}: choose some of these"
        )
    return earlier


def must_have_quartiles(run: Measured, name: str) -> None:
    """Refuse a run whose times say nothing.

    Raises:
        UnusableResult: it is a smoke, or has too few rounds.
    """
    if run.smoke:
        raise UnusableResult(f"{name}: a smoke, whose times say nothing: measure without --smoke")
    if len(run.rounds) < LEAST_ROUNDS:
        count = f"{len(run.rounds)} round{'s' if len(run.rounds) != 1 else ''}"
        raise UnusableResult(f"{name}: {count}, too few for quartiles: measure with --rounds {LEAST_ROUNDS} or more")


def _fact(name: str, facts: Mapping[str, Any]) -> str:
    value = facts.get(name, "unknown")
    return str(len(value)) if name == "cpus" and isinstance(value, list) else str(value)


def compare(before: Measured, now: Measured) -> Comparison:
    """Compare two runs figure by figure."""
    found = Comparison(differs=_differences(before.machine, now.machine))
    names = [{str(parse(name)): name for name in run.names()} for run in (before, now)]
    asked = set(before.selection.pairs()) & set(now.selection.pairs())
    for name in dict.fromkeys([*names[1], *names[0]]):
        figure = parse(name)
        if (figure.work, figure.peer) not in asked:
            continue
        if name not in names[0]:
            found.only_now.append(name)
        elif name not in names[1]:
            found.only_before.append(name)
        else:
            runs = _one_pair(before, now, name)
            if runs is None:
                found.other_pair.append(name)
                continue
            values = [run.values(named[name]) for run, named in zip(runs, names, strict=True)]
            if min(map(len, values)) < LEAST_ROUNDS:
                found.few.append(name)
                continue
            change = Change(name, *map(Quartiles.of, values))
            if change.beyond_noise:
                found.moved.append(change)
            else:
                found.still += 1
    return found


def _one_pair(before: Measured, now: Measured, name: str) -> tuple[Measured, Measured] | None:
    """Return both runs with the rounds in which a figure is to be compared.

    Of two threads these are the rounds of one pair of processors, of several the one with most rounds in both; None
    where the runs had none in common.
    """
    figure = parse(name)
    harness = harness_of(figure.work, figure.peer)
    pairs = before.pairs(harness), now.pairs(harness)
    if not WORKS[figure.work].two_threads or figure.work == "limit-round-trip" or not all(pairs):
        return before, now
    common = [one for one in itertools.product(*pairs) if _near(harness, *one)]
    return max(common, key=lambda one: min(len(run.rounds) for run in one), default=None)


def _near(harness: Harness, *runs: Measured) -> bool:
    trips = [trip.median for run in runs if (trip := run.round_trip(harness)) is not None]
    return len(trips) == len(runs) and of_one_pair(trips)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    def versions(facts: Mapping[str, Any]) -> dict[str, str]:
        found = {name: str(facts[name]) for name in ("kernel", "python", "rusted-ring") if name in facts}
        for group in ("compilers", "tools", "peers", "python_peers"):
            found |= {f"{group.rstrip('s')} {name}": str(version) for name, version in facts.get(group, {}).items()}
        return found

    there, here = versions(before), versions(now)
    return [(name, there[name], here[name]) for name in there if name in here and there[name] != here[name]]
