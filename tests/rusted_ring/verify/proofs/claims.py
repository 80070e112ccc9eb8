"""What the proofs show, clause by clause."""

from typing import Final

from rusted_ring.verify.proofs.catalogue import SYSTEMS
from rusted_ring.verify.support.claims import Claim

METHOD: Final = "proved"
TIE: Final = (
    "the tie: what a step does to one word is a relation that `accepts` evaluates on explored executions; guards that "
    "span several words were written by hand after the code"
)
BOUNDS: Final = {"two-fences": "one store and one load in each of two threads"}
"""The systems that have a bound; the others hold for any number of threads, references, laps, readers and widths."""


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
