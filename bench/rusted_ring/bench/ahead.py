"""Whether `native` is ahead of each peer in each work, and how much slower it may be.

Everything follows from the contract: what `native` guarantees in a work, what the peer guarantees, and so which bound
holds. No row is chosen by hand. A row stands for all parameters that both were measured with, and is judged by the
worst of them.
"""

import dataclasses

from rusted_ring.bench.contract import (
    EQUAL,
    GUARANTEES,
    NATIVE,
    OURS,
    WORKS,
    Figure,
    Guarantee,
    harness_of,
    lacking,
    most,
    parse,
)
from rusted_ring.bench.measured import Measured, Quartiles
from rusted_ring.bench.targets import said_by_pair


@dataclasses.dataclass(frozen=True)
class Case:
    """One figure of a peer beside that of `native` with the same parameters.

    Attributes:
        native: the figure of `native`.
        peer: that of the peer.
        ratio: the time of `native` over that of the peer, formed in each round.
        by_pair: the ratio for each pair of processors, in words; empty where there was one.
    """

    native: Figure
    peer: Figure
    ratio: Quartiles
    by_pair: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """`native` beside one peer in one work.

    Attributes:
        work: the work.
        peer: the peer.
        lacks: what `native` guarantees in one of the cases, and the peer does not.
        most: how many times as long as the peer `native` may take.
        cases: everything that was compared; empty: nothing was.
        why_not: why nothing was compared.
    """

    work: str
    peer: str
    lacks: tuple[Guarantee, ...]
    most: float
    cases: tuple[Case, ...]
    why_not: str = ""

    @property
    def worst(self) -> Case:
        """The case in which `native` takes longest beside the peer."""
        return max(self.cases, key=lambda case: case.ratio.median)

    @property
    def ahead(self) -> int:
        """In how many cases `native` is not slower."""
        return sum(case.ratio.median <= EQUAL for case in self.cases)

    @property
    def reached(self) -> bool:
        """Whether the bound holds in every case."""
        return self.worst.ratio.median <= self.most


def comparable(figure: Figure) -> tuple[tuple[str, str], ...]:
    """Return what two figures must have in common to be compared: peers differ in their mode, and in what is called."""
    return tuple((key, value) for key, value in figure.keys.items() if key not in ("mode", "calls"))


def beside(measured: Measured, name: str) -> str | None:
    """Return the figure of `native` that a peer's is compared with, in the same mode where there is one."""
    figure = parse(name)
    same = [
        other
        for other in measured.names()
        if (parse(other).work, parse(other).peer) == (figure.work, NATIVE)
        and comparable(parse(other)) == comparable(figure)
    ]
    same.sort(key=lambda other: parse(other).keys.get("mode") != figure.keys.get("mode"))
    return same[0] if same else None


def compare(measured: Measured) -> list[Row]:
    """Return a row for each peer and work that was to be measured, in the order of the contract."""
    return [_row(measured, work, peer) for work, peer in measured.selection.pairs() if peer not in OURS]


def _row(measured: Measured, work: str, peer: str) -> Row:
    cases = []
    for name in measured.names():
        figure = parse(name)
        if (figure.work, figure.peer) == (work, peer) and (native := beside(measured, name)) is not None:
            ratio = measured.ratio(native, name)
            if ratio is not None:
                two = WORKS[work].two_threads
                by_pair = said_by_pair(measured, harness_of(work, peer), native, name) if two else ""
                cases.append(Case(parse(native), figure, ratio, by_pair))
    natives = [case.native for case in cases] or [Figure(work, NATIVE, {})]
    names = {guarantee.name for native in natives for guarantee in lacking(native, peer)}
    lacks = tuple(guarantee for guarantee in lacking(Figure(work, NATIVE, {}), peer) if guarantee.name in names)
    why_not = ""
    if not cases:
        why_not = measured.why_missing(work, peer) or measured.why_missing(work, NATIVE)
        why_not = why_not or next((note.text for note in measured.cannot if note.is_about(Figure(work, peer, {}))), "")
        why_not = why_not or f"no round has a figure of {peer} beside one of native that can be compared"
    return Row(work, peer, lacks, most(work, peer, bool(lacks)), tuple(cases), why_not)


def guaranteed(rows: list[Row]) -> list[tuple[Guarantee, list[str]]]:
    """Return what `native` guarantees in the works of these rows, and in which."""
    works = list(dict.fromkeys(row.work for row in rows))
    found = [(one, [work for work in works if name in WORKS[work].guarantees]) for name, one in GUARANTEES.items()]
    return [(guarantee, where) for guarantee, where in found if where]
