"""What the models show of clauses, in the form in which the methods of verification are compared."""

from rusted_ring.verify.support.claims import Claim
from rusted_ring.verify.tla.manifest import read_manifest

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
            "the tie: each step on a word is an action of the proofs, which explored executions take; what a step "
            "needs of other words was read side by side with the C core"
            if model.actions
            else "the model has the steps of the C core: read side by side, not generated from it",
        ),
        model.bound,
    )
    for model in read_manifest()
    if not model.violated
)
