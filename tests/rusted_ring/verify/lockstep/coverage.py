"""How often a run reached each clause, each error and each operation, and which it never reached [ERR-1]."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from rusted_ring.verify.lockstep.registry import Operation


@dataclasses.dataclass
class Coverage:
    """Counts of a run; those of several runs are added up with `add` [ERR-1].

    Attributes:
        outcomes: how often an operation returned (error name "") or raised, by operation and error name.
        reached: how often a clause was reached in a state that only some calls meet, by clause id.
    """

    outcomes: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    reached: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, other: "Coverage") -> None:
        """Add another run's counts."""
        self.outcomes.update(other.outcomes)
        self.reached.update(other.reached)

    def clauses(self, operations: Mapping[str, Operation]) -> dict[str, int]:
        """Return how often each clause was checked, by its id, in order."""
        counts = Counter(self.reached)
        for (name, error), count in self.outcomes.items():
            operation = operations[name]
            cited = (*operation.errors.get(error, ()), "ERR-1") if error else operation.clauses
            for clause in cited:
                counts[clause] += count
        return dict(sorted(counts.items(), key=lambda item: clause_order(item[0])))

    def errors(self) -> dict[str, int]:
        """Return how often each error class was raised, by its name."""
        counts: Counter[str] = Counter()
        for (_, error), count in self.outcomes.items():
            if error:
                counts[error] += count
        return dict(sorted(counts.items()))

    def operations(self) -> dict[str, int]:
        """Return how often each operation was called, by its name."""
        counts: Counter[str] = Counter()
        for (name, _), count in self.outcomes.items():
            counts[name] += count
        return dict(sorted(counts.items()))


# Adding references one by one does not fill a 22-bit count.
OUT_OF_REACH: Final = {"WIDE": frozenset({"RefCountOverflow", "SLOT-10"})}


def expected_clauses(operations: Iterable[Operation], profile: str) -> set[str]:
    """Return the ids of the clauses that a long run of these operations is expected to reach at a profile."""
    found: set[str] = set()
    for operation in operations:
        if operation.profiles and profile not in operation.profiles:
            continue
        found.update(operation.clauses, operation.reaches, *operation.errors.values())
        if operation.errors:
            found.add("ERR-1")
    return found - OUT_OF_REACH.get(profile, frozenset())


def expected_errors(operations: Iterable[Operation], profile: str) -> set[str]:
    """Return the names of the errors that a long run of these operations is expected to reach at a profile."""
    return {
        error
        for operation in operations
        if not operation.profiles or profile in operation.profiles
        for error in operation.errors
    } - OUT_OF_REACH.get(profile, frozenset())


def clause_order(clause: str) -> tuple[str, int]:
    """Return the key that sorts clause ids by chapter and number."""
    chapter, _, number = clause.rpartition("-")
    return (chapter, int(number) if number.isdecimal() else 0)
