"""What the models show of clauses, in the form in which the methods of verification are compared."""

from dataclasses import dataclass

from rusted_ring.verify.tla.manifest import read_manifest


@dataclass(frozen=True)
class Claim:
    """What one method shows of clauses.

    Attributes:
        clauses: the clauses.
        method: the kind of evidence.
        name: the name of the model.
        statement: one sentence.
        assumptions: what is assumed.
        bound: the bound, in words.
    """

    clauses: tuple[str, ...]
    method: str
    name: str
    statement: str
    assumptions: tuple[str, ...]
    bound: str


BUFFERED = ("BufferedJoin", "EventCount", "OverwriteRing")
"""The modules in which stores wait in buffers."""

CLAIMS: tuple[Claim, ...] = tuple(
    Claim(
        model.clauses,
        "modelled",
        model.name,
        model.shows,
        (
            "store buffers, and loads in program order"
            if model.module in BUFFERED
            else "interleavings of atomic steps (sequential consistency)",
            "the model has the steps of the C core: read side by side, not generated from it",
        ),
        model.bound,
    )
    for model in read_manifest()
    if not model.violated
)
