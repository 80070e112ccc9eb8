"""The progress of a differential run, and its report [ERR-1]."""

import dataclasses
from collections.abc import Callable
from typing import Any, Final

from rusted_ring.verify.support.clauses import SpecError, load_clauses

PROFILES: Final = ("tiny", "seed", "wide")
"""The profiles of differential runs, in their order."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        steps: steps done.
        total: steps requested.
        seconds: time since the start.
        clauses: how many clauses were reached.
        clauses_expected: how many clauses the run is expected to reach.
        errors: how many error classes were reached.
        errors_expected: how many error classes the run is expected to reach.
        shrinking: whether a failure was found and is being shrunk.
    """

    steps: int
    total: int
    seconds: float
    clauses: int
    clauses_expected: int
    errors: int
    errors_expected: int
    shrinking: bool = False

    @property
    def rate(self) -> float:
        """Steps per second."""
        return self.steps / self.seconds if self.seconds else 0.0


@dataclasses.dataclass(frozen=True)
class Failure:
    """The failure of a run.

    Attributes:
        kind: `"disagreement"`, `"crash"`, `"hang"`, or `"flaky"` for a disagreement that did not repeat.
        clause: the id of the clause that was broken.
        clause_text: its sentence, empty if the spec is not installed.
        message: the difference in words.
        script: a Python snippet that runs and fails on the backend.
        steps: how many steps the shrunk program has.
        steps_before: how many steps the program had before it was shrunk.
    """

    kind: str
    clause: str
    clause_text: str
    message: str
    script: str
    steps: int
    steps_before: int


@dataclasses.dataclass(frozen=True)
class DiffReport:
    """The report of a differential run.

    Attributes:
        backend: the backend's name.
        profile: the profile's name, in capitals.
        seed: the seed that repeats the run.
        steps: steps done.
        examples: how often it began with an empty allocator.
        seconds: how long it took, shrinking included.
        rate: steps per second, without shrinking.
        clauses: how often each clause was checked, by its id.
        errors: how often each error was raised, by its name.
        operations: how often each operation was called, by its name.
        never_reached: clauses that the run was expected to reach and did not.
        errors_never_reached: errors that the run was expected to reach and did not.
        not_offered: what the backend lacks, by the operation that was left out because of it.
        failure: the failure, or None.
    """

    backend: str
    profile: str
    seed: int
    steps: int
    examples: int
    seconds: float
    rate: float
    clauses: dict[str, int]
    errors: dict[str, int]
    operations: dict[str, int]
    never_reached: list[str]
    errors_never_reached: list[str]
    not_offered: dict[str, list[str]]
    failure: Failure | None

    @property
    def agrees(self) -> bool:
        """Whether no difference was found."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "DiffReport":
        """Return the report from the values of `to_json`."""
        failure = values["failure"]
        return cls(**{**values, "failure": Failure(**failure) if failure else None})


Report = Callable[[Progress], None]


def clause_text(clause: str) -> str:
    """Return a clause's sentence, or an empty text if the spec is not installed."""
    try:
        found = load_clauses().get(clause)
    except (SpecError, OSError):
        return ""
    return found.text if found is not None else ""
