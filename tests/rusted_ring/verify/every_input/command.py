"""`python -m rusted_ring.verify.every_input [NAME...]`: one line a harness, with its bounds.

Each harness includes a shipped source whole, and ESBMC looks for an input for which an assertion, an access or a shift
of it is wrong. "proved" is said if ESBMC shows that there is none within the bounds printed; what it cannot answer
within its limits of time and memory is "not proved". `--mutants` checks in addition that each wrong claim is refuted.

Exit status: 0 all proved, 1 something refuted or not proved, 2 cannot run.
"""

import argparse
import sys
from collections.abc import Sequence

from rusted_ring.verify.every_input.checking import MEMORY_BYTES, SECONDS, Verdict, check, chosen
from rusted_ring.verify.support.checkout import NoCheckout
from rusted_ring.verify.support.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the harnesses; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.every_input",
        description="Check sequential parts of the C core for every input, by ESBMC.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="harnesses (default: all)")
    parser.add_argument("--mutants", action="store_true", help="check also that each mutant of a harness is refuted")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"limit of each run (default: {SECONDS})")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"--seconds is {options.seconds}: it must be above 0")
    ok = True
    try:
        print(f"limits of each run: {options.seconds:g} s, {MEMORY_BYTES >> 30} GiB")
        for harness in chosen(options.names):
            result = check(harness, seconds=options.seconds)
            ok = ok and result.verdict is Verdict.PROVED
            print(f"{harness.name}: {result.verdict.value}: {harness.statement}; {result.detail}", end="")
            print(f" ({result.seconds:.1f} s)", flush=True)
            for what, mutant in harness.mutants.items() if options.mutants else ():
                result = check(harness, mutant=mutant, seconds=options.seconds)
                ok = ok and result.verdict is Verdict.REFUTED
                print(f"  mutant, {what}: {result.verdict.value}; {result.detail} ({result.seconds:.1f} s)", flush=True)
    except (InputError, NoCheckout) as error:
        print(f"every_input: {error}", file=sys.stderr)
        return 2
    return 0 if ok else 1
