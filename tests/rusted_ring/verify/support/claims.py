"""What a method shows of clauses, in the one shape that all methods share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What one method shows of clauses.

    Attributes:
        clauses: of which it shows something, often a part.
        method: "modelled" (TLC), "proved" (z3, an inductive invariant), "proved for every input" (ESBMC), "explored",
            "tested".
        name: of the model, the invariant or the harness.
        statement: what is shown, in a sentence.
        assumptions: under which it is shown.
        bound: "none", or the bounds on sizes and inputs.
    """

    clauses: tuple[str, ...]
    method: str
    name: str
    statement: str
    assumptions: tuple[str, ...]
    bound: str
