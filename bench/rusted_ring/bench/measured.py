"""What was measured: figures by round, what is missing and why, and the ratios within a round.

Two figures are compared within a round, where they were taken seconds apart, and what is told is the median of these
ratios and their quartiles. Virtual processors move, so a round may have another pair of them than the round before. The
round trip between the two tells the pairs apart.
"""

import dataclasses
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from rusted_ring.bench.contract import (
    MEMORY,
    NATIVE,
    PEERS,
    WORKS,
    Figure,
    Harness,
    Keys,
    Selection,
    UnknownFigure,
    harness_of,
    parse,
    parse_part,
)

FORMAT: Final = 1
"""Of the JSON; one more with each change after which an older file cannot be read."""


PAIR: Final = 1.25
"""Round trips that differ by a larger factor are of two pairs of processors."""


def of_one_pair(round_trips: Sequence[float]) -> bool:
    """Whether round trips are of one pair of processors."""
    return not round_trips or max(round_trips) <= PAIR * min(round_trips)


class UnusableResult(ValueError):
    """A file that is not the JSON of a run."""


@dataclasses.dataclass(frozen=True)
class Quartiles:
    """The median of the rounds and the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Return the quartiles of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))

    def rounds_needed(self, within: float) -> int:
        """Return how many rounds it takes until the median is known.

        Args:
            within: how exactly, as a share of the median: 1.57 times the distance of the quartiles over the root of the
                number of rounds (McGill, Tukey and Larsen, Variations of box plots, 1978), an interval of 95 %.
        """
        return math.ceil((1.57 * (self.high - self.low) / (within * self.median)) ** 2)

    def over(self, divisor: float) -> Self:
        """Return them in a unit that is so many times larger."""
        return type(self)(self.low / divisor, self.median / divisor, self.high / divisor)


@dataclasses.dataclass(frozen=True)
class Note:
    """Something to know of some figures.

    Attributes:
        case: what the figures have in common, as a name or a part of one.
        text: what is to be known.
    """

    case: str
    text: str

    def is_about(self, figure: Figure) -> bool:
        """Whether a figure, or all that are asked for by a part of a name, are meant."""
        return parse_part(self.case).among(figure)


@dataclasses.dataclass
class Round:
    """What one round gave.

    Attributes:
        figures: nanoseconds an event, by name.
        round_trips: nanoseconds of a round trip between the two processors, taken right before the two-threaded works
            of each harness.
        only: what was measured, each as `work/peer`, of a round that repeats some figures alone; None: everything.
    """

    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    round_trips: dict[Harness, float] = dataclasses.field(default_factory=dict)
    only: list[str] | None = None

    def was_to_have(self, figure: Figure) -> bool:
        """Whether a figure was to be measured in it."""
        return self.only is None or f"{figure.work}/{figure.peer}" in self.only

    def one_pair(self, *figures: Figure) -> bool:
        """Whether these figures come from one pair of processors, as far as they are of two threads."""
        two = {harness_of(one.work, one.peer) for one in figures if WORKS[one.work].two_threads}
        trips = [self.round_trips[harness] for harness in two if harness in self.round_trips]
        return of_one_pair(trips)

    def add(self, figures: Mapping[str, float]) -> None:
        """Take over what a harness gave.

        Raises:
            UnknownFigure: a name that is not in the contract, or that was given before; or a figure that is no time.
        """
        for name, nanoseconds in figures.items():
            parse(name)
            if name in self.figures:
                raise UnknownFigure(f"figure {name!r} was given twice in one round")
            if not 0 < nanoseconds < float("inf"):
                raise UnknownFigure(f"figure {name!r} is {nanoseconds} ns: not a time")
            self.figures[name] = nanoseconds


@dataclasses.dataclass
class Measured:
    """A whole run.

    Attributes:
        selection: what was to be measured.
        smoke: whether it was only to see that every figure is there.
        rounds: what each round gave.
        memory: what `bench_memory` printed; empty where it did not run.
        missing: peers that could not be built or found, and why; a peer that two harnesses measure as `harness: peer`.
        cannot: what a peer cannot do, and why.
        notes: what is to be known of a figure.
        listed: figures that the harnesses said they would give.
        failures: what went wrong: a harness that failed or ran out of time.
        machine: where it was measured, and with what.
    """

    selection: Selection
    smoke: bool = False
    rounds: list[Round] = dataclasses.field(default_factory=list)
    memory: dict[str, Any] = dataclasses.field(default_factory=dict)
    missing: dict[str, str] = dataclasses.field(default_factory=dict)
    cannot: list[Note] = dataclasses.field(default_factory=list)
    notes: list[Note] = dataclasses.field(default_factory=list)
    listed: list[str] = dataclasses.field(default_factory=list)
    failures: list[str] = dataclasses.field(default_factory=list)
    machine: dict[str, Any] = dataclasses.field(default_factory=dict)

    # --- figures

    def names(self) -> list[str]:
        """Return the names of all figures, in the order in which they first came."""
        return list(dict.fromkeys(name for one in self.rounds for name in one.figures))

    def find(self, wanted: Figure, prefer: Keys | None = None) -> str | None:
        """Return the name of the figure that has these parameters among its own, or None where there is none.

        Args:
            wanted: its work, its peer and its parameters, or some of them.
            prefer: parameters that decide where several figures have the others.

        Raises:
            UnknownFigure: several figures have them.
        """
        found = [name for name in self.names() if wanted.among(parse(name))]
        if len(found) > 1 and prefer:
            better = dataclasses.replace(wanted, keys={**wanted.keys, **prefer})
            found = [name for name in found if better.among(parse(name))]
        if len(found) > 1:
            raise UnknownFigure(f"{wanted} is not one figure, but {', '.join(found)}")
        return found[0] if found else None

    def values(self, name: str) -> list[float]:
        """Return a figure of each round that has it."""
        return [one.figures[name] for one in self.rounds if name in one.figures]

    def quartiles(self, name: str) -> Quartiles:
        """Return a figure over the rounds."""
        return Quartiles.of(self.values(name))

    def unsettled(self, within: float) -> dict[str, int]:
        """Return the figures whose quartiles ask for more rounds than they have, with the rounds that they need.

        Of two threads the rounds of one pair of processors count, the one that had most.

        Args:
            within: how exactly a median is to be known, as a share of it.
        """
        found = {}
        for name in self.names():
            figure = parse(name)
            pairs = self.pairs(harness_of(figure.work, figure.peer)) if WORKS[figure.work].two_threads else []
            values = max((pair.values(name) for pair in pairs), key=len, default=[]) or self.values(name)
            needed = Quartiles.of(values).rounds_needed(within)
            if needed > len(values):
                found[name] = needed
        return found

    def ratio(self, numerator: str, denominator: str) -> Quartiles | None:
        """Return the ratio of two figures, formed in each round; None where no round has both on one pair."""
        both = [
            one.figures
            for one in self.rounds
            if numerator in one.figures
            and denominator in one.figures
            and one.one_pair(parse(numerator), parse(denominator))
        ]
        return Quartiles.of([figures[numerator] / figures[denominator] for figures in both]) if both else None

    def round_trip(self, harness: Harness) -> Quartiles | None:
        """Return the round trip beside a harness, over the rounds that have it."""
        values = [one.round_trips[harness] for one in self.rounds if harness in one.round_trips]
        return Quartiles.of(values) if values else None

    def pairs(self, harness: Harness) -> list[Self]:
        """Return this run for each pair of processors that a harness had, the nearest first, with its rounds alone."""
        found: list[list[Round]] = []
        trip = 0.0
        for one in sorted(
            (one for one in self.rounds if harness in one.round_trips), key=lambda one: one.round_trips[harness]
        ):
            if not found or not of_one_pair([trip, one.round_trips[harness]]):
                found.append([])
            found[-1].append(one)
            trip = one.round_trips[harness]
        return [dataclasses.replace(self, rounds=rounds) for rounds in found]

    # --- what is missing

    def why_missing(self, work: str, peer: str) -> str:
        """Return why a peer is not there in a work; empty where it should be."""
        return self.missing.get(f"{harness_of(work, peer)}: {peer}", self.missing.get(peer, ""))

    def why_not(self, figure: Figure) -> str:
        """Return why a figure cannot be there; empty where it should be."""
        reason = self.why_missing(figure.work, figure.peer)
        return reason or next((note.text for note in self.cannot if note.is_about(figure)), "")

    def lost(self) -> list[str]:
        """Return what should be there and is not, a line each: none of it is a peer that is named as missing."""
        lines = list(self.failures)
        had = self.names()
        parsed = [parse(name) for name in had]
        for wanted in self.selection.required():
            if not any(wanted.among(figure) for figure in parsed) and not self.why_not(wanted):
                lines.append(f"no figure {wanted}")
        for name in dict.fromkeys([*had, *self.listed]):
            rounds = [
                number
                for number, one in enumerate(self.rounds, 1)
                if name not in one.figures and one.was_to_have(parse(name))
            ]
            if rounds and not self.why_not(parse(name)):
                which = "any round" if len(rounds) == len(self.rounds) else f"round {', '.join(map(str, rounds))}"
                lines.append(f"no figure {name} in {which}")
        if MEMORY in self.selection.works and not self.memory and not self.missing.get(MEMORY):
            lines.append("no figures of memory")
        return lines

    def missing_peers(self) -> dict[str, str]:
        """Return the peers that were asked for and are missing, with the reason."""
        found = {}
        for work, peer in self.selection.pairs():
            reason = self.why_missing(work, peer)
            if reason:
                found[f"{harness_of(work, peer)}: {peer}" if peer == NATIVE else peer] = reason
        if MEMORY in self.selection.works and MEMORY in self.missing:
            found[MEMORY] = self.missing[MEMORY]
        return found

    # --- JSON

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"format": FORMAT, **dataclasses.asdict(self)}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return a run that was written as JSON.

        Raises:
            UnusableResult: the file cannot be read, or is not such a run.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UnusableResult(f"{path}: {(error.strerror or str(error)).lower()}") from None
        except ValueError as error:
            raise UnusableResult(f"{path}: not JSON: {error}") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise UnusableResult(f"{path}: not the JSON of rusted-ring bench in format {FORMAT}: measure anew")
        try:
            found = cls(
                selection=Selection(
                    tuple(_known(document["selection"]["works"], [*WORKS, MEMORY])),
                    tuple(_known(document["selection"]["peers"], PEERS)),
                ),
                smoke=bool(document["smoke"]),
                memory=dict(document["memory"]),
                missing=dict(document["missing"]),
                cannot=[Note(**note) for note in document["cannot"]],
                notes=[Note(**note) for note in document["notes"]],
                listed=list(document["listed"]),
                failures=list(document["failures"]),
                machine=dict(document["machine"]),
            )
            for one in document["rounds"]:
                only = one.get("only")
                found.rounds.append(Round(round_trips=dict(one["round_trips"]), only=None if only is None else [*only]))
                found.rounds[-1].add(one["figures"])
        except (KeyError, TypeError, AttributeError, UnknownFigure) as error:
            raise UnusableResult(f"{path}: not a whole run of rusted-ring bench: {error}") from None
        return found


def _known(names: Iterable[str], known: Iterable[str]) -> list[str]:
    names = list(names)
    for name in names:
        if name not in known:
            raise UnknownFigure(f"{name!r} is none of {', '.join(known)}")
    return names
