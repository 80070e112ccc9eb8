"""What the harnesses show of clauses."""

from rusted_ring.verify.every_input.harnesses import HARNESSES
from rusted_ring.verify.support.claims import Claim

CLAIMS = tuple(
    Claim(
        clauses=harness.clauses,
        method="proved for every input",
        name=harness.name,
        statement=harness.statement,
        assumptions=("one thread", "ESBMC's C front end and its solver", "64-bit x86"),
        bound=harness.bound,
    )
    for harness in HARNESSES
)
