r"""Relations over a few events, with the operators of the paper [MODEL-1].

An event is a number from 0. Row `a` of a relation is an integer; its bit `b` is set if the pair (a, b) is in the
relation. So a union takes one `|` a row: the axioms are written as in the paper, and are fast enough to be checked on
thousands of executions. As in the paper, a set of events is a relation too: `[A]` is the identity on A.

| paper | here |
| --- | --- |
| r; s | `r >> s` |
| r ∪ s, r ∩ s, r \ s | `r \| s`, `r & s`, `r - s` |
| r⁻¹ | `r.inverse()` |
| r? | `r.optional()` |
| r⁺, r* | `r.closure()`, `r.closure().optional()` |
"""

# ruff: noqa: RUF002 - the paper writes its unions so.

from collections.abc import Iterable, Iterator
from typing import final


@final
class Relation:
    """A set of pairs of events [MODEL-1].

    Attributes:
        rows: for each event, the set of its successors as a bit mask.
    """

    __slots__ = ("rows",)

    def __init__(self, rows: Iterable[int]) -> None:
        self.rows = tuple(rows)

    @classmethod
    def of_pairs(cls, events: int, pairs: Iterable[tuple[int, int]]) -> "Relation":
        """Return the relation over a number of events that has the given pairs [MODEL-1]."""
        rows = [0] * events
        for first, second in pairs:
            rows[first] |= 1 << second
        return cls(rows)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs, in order [MODEL-1]."""
        for first, row in enumerate(self.rows):
            for second in members_of(row):
                yield first, second

    def __contains__(self, pair: tuple[int, int]) -> bool:
        return bool(self.rows[pair[0]] >> pair[1] & 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Relation) and self.rows == other.rows

    def __hash__(self) -> int:
        return hash(self.rows)

    def __bool__(self) -> bool:
        return any(self.rows)

    def __repr__(self) -> str:
        return f"Relation.of_pairs({len(self.rows)}, {list(self.pairs())})"

    def __or__(self, other: "Relation") -> "Relation":
        return Relation([mine | others for mine, others in zip(self.rows, other.rows, strict=True)])

    def __and__(self, other: "Relation") -> "Relation":
        return Relation([mine & others for mine, others in zip(self.rows, other.rows, strict=True)])

    def __sub__(self, other: "Relation") -> "Relation":
        return Relation([mine & ~others for mine, others in zip(self.rows, other.rows, strict=True)])

    def __rshift__(self, other: "Relation") -> "Relation":
        rows = []
        for row in self.rows:
            reached = 0
            while row:
                lowest = row & -row
                reached |= other.rows[lowest.bit_length() - 1]
                row ^= lowest
            rows.append(reached)
        return Relation(rows)

    def inverse(self) -> "Relation":
        """Return the relation with every pair reversed [MODEL-1]."""
        rows = [0] * len(self.rows)
        for first, row in enumerate(self.rows):
            for second in members_of(row):
                rows[second] |= 1 << first
        return Relation(rows)

    def optional(self) -> "Relation":
        """Return `r?`: this relation, and each event related to itself [MODEL-1]."""
        return Relation([row | 1 << event for event, row in enumerate(self.rows)])

    def closure(self) -> "Relation":
        """Return `r⁺`, the smallest transitive relation with all these pairs (Warshall's algorithm) [MODEL-1]."""
        rows = list(self.rows)
        for middle in range(len(rows)):
            onward = rows[middle]
            if onward:
                rows = [row | onward if row >> middle & 1 else row for row in rows]
        return Relation(rows)

    def is_irreflexive(self) -> bool:
        """Return whether no event is related to itself [MODEL-1]."""
        return not any(row >> event & 1 for event, row in enumerate(self.rows))

    def is_acyclic(self) -> bool:
        """Return whether the relation has no cycle [MODEL-1]."""
        return self.closure().is_irreflexive()


def members_of(mask: int) -> Iterator[int]:
    """Yield the events of a bit mask, lowest first [MODEL-1]."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
