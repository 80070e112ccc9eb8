"""The command `python -m rusted_ring.verify.tla`."""

import argparse
import os
import sys
from collections.abc import Sequence

from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.tla import checking, tlc


def main(arguments: Sequence[str] | None = None) -> int:
    """Check models, and print a line for each.

    Returns:
        0 if TLC found what the manifest says, 1 if not, 2 for a name that is no model's, 3 if Java or TLC is missing.
    """
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.tla", description="Check the TLA+ models of the specification with TLC."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="the models to check; by default all")
    parser.add_argument("--quick", action="store_true", help="only models that take a few seconds")
    parser.add_argument("--fetch", action="store_true", help=f"bring TLC ({tlc.ARTIFACT}) by Maven, if it is not there")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="how many models run at once")
    given = parser.parse_args(arguments)
    wrong = 0
    count = 0
    try:
        for outcome in checking.run(given.names, quick=given.quick, processes=max(1, given.workers), fetch=given.fetch):
            count += 1
            wrong += not outcome.ok
            verdict = "as expected" if outcome.ok else "WRONG"
            print(f"{outcome.name} ({outcome.seconds:.1f} s): {verdict}: {outcome.detail}", flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except tlc.Missing as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 3
    print(f"{count - wrong} of {count} models as the manifest says")
    return 1 if wrong else 0
