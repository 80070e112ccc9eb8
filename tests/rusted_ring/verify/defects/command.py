"""Seeded defects: one-line faults in the C core, each of which the suite must catch.

`defects.toml` lists them: the function, the exact text there, the text that replaces it, the clause that this breaks
and the check that should catch it. The file of the function does not matter. The command applies each fault to a copy
of the core and runs its check on the copy: it loads the copy in a process of its own under the name
`rusted_ring.native`, links it to a C test, or explores it. A fault that the check does not catch within its time
survives, and a survivor fails the run. A fault also fails the run if it does not compile, or if its text is no longer
in the function exactly once, so that the catalogue keeps up with the code. Before all faults, the unchanged core must
pass the same checks.

`python -m rusted_ring.verify.defects [--only NAME] [--share N --part M] [--json]`, from a checkout (the C sources are
not in the wheel), exits with 0 (all caught), 1 (otherwise) or 2 (could not run).
"""

import argparse
import json
import sys
from collections.abc import Sequence

from rusted_ring.verify.defects.catalogue import CATALOGUE, CatalogueError, read_catalogue, share_of
from rusted_ring.verify.defects.run import run_defects, table
from rusted_ring.verify.explorer.engine import CannotBuild
from rusted_ring.verify.support.checkout import NoCheckout


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the catalogue from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.defects",
        description="Seed every fault of the catalogue and check that it is caught.",
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="try only this defect (may be repeated)")
    parser.add_argument("--share", type=int, default=1, metavar="N", help="try one defect in N (default: all)")
    parser.add_argument("--part", type=int, default=0, metavar="M", help="which of the N shares, from 0 (default 0)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    if not 0 <= options.part < options.share:
        parser.error(f"argument --part: {options.part} is none of {options.share}; give --share N and 0 to N - 1")
    try:
        defects = read_catalogue()
        names = {defect.name for defect in defects}
        if unknown := [name for name in options.only or [] if name not in names]:
            parser.error(f"no defect is named {', '.join(unknown)}; see {CATALOGUE.name}")

        def progress(done: int, every: int, name: str) -> None:
            if sys.stderr.isatty():
                print(f"\r\033[K{done}/{every} {name}", end="" if done < every else "\n", file=sys.stderr, flush=True)

        chosen = [defect for defect in defects if not options.only or defect.name in options.only]
        if options.share > 1:
            chosen = share_of(chosen, options.share, options.part)
            which = f"share {options.part} of {options.share}: {len(chosen)} of {len(defects)} defects"
            print(which, file=sys.stderr, flush=True)
        report = run_defects(chosen, progress=progress)
    except (CannotBuild, CatalogueError, NoCheckout) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=1) if options.json else table(report))
    return 0 if report.ok else 1
