"""What the proofs show, clause by clause."""

from dataclasses import dataclass
from typing import Final

from rusted_ring.verify.proofs.catalogue import SYSTEMS

METHOD: Final = "proved"
TIE: Final = (
    "the tie: what a step does to one word is a relation that `accepts` evaluates on explored executions; guards that "
    "span several words were written by hand after the code"
)
BOUNDS: Final = {"two-fences": "one store and one load in each of two threads"}
"""The systems that have a bound; the others hold for any number of threads, references, laps, readers and widths."""


@dataclass(frozen=True)
class Claim:
    """What one method shows of clauses.

    Attributes:
        clauses: the clauses.
        method: the method.
        name: the name of the system.
        statement: what it shows, in a sentence.
        assumptions: under which assumptions.
        bound: up to which bound, or "none".
    """

    clauses: tuple[str, ...]
    method: str
    name: str
    statement: str
    assumptions: tuple[str, ...]
    bound: str


CLAIMS: Final[tuple[Claim, ...]] = tuple(
    Claim(
        wanted.clauses,
        METHOD,
        system.name,
        wanted.statement,
        (*system.assumptions, TIE),
        BOUNDS.get(system.name, "none"),
    )
    for system in SYSTEMS
    for wanted in system.properties
)
