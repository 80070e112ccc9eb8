"""`python -m rusted_ring.verify.corpus`: search for sequences that take new paths, and write the corpus."""

import argparse
import sys
from collections.abc import Sequence

from rusted_ring.verify.corpus.sequences import FOLDER, SECONDS, CorpusError, regenerate
from rusted_ring.verify.support import extras
from rusted_ring.verify.support.checkout import NoCheckout, checkout


def main(arguments: Sequence[str] | None = None) -> int:
    """Regenerate the corpus from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.corpus",
        description="Search for paths through the reference again and write the corpus.",
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="processor seconds for each program")
    options = parser.parse_args(arguments)
    if options.seconds <= 0:
        parser.error(f"--seconds is {options.seconds}: it must be above 0")
    try:
        extras.require("crosshair")
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        folder = checkout() / FOLDER
        for name, count in regenerate(folder, seconds=options.seconds).items():
            print(f"{folder / name}.json: {count} cases")
    except (CorpusError, NoCheckout) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
