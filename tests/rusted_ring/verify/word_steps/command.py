"""Whether every execution of the corpus is, word by word, a behaviour of the model.

`python -m rusted_ring.verify.word_steps [--client NAME] [--json]`, from a checkout, explores every client of the
corpus, takes from each execution the values of each word of the core in modification order, and checks that an action
of the model stands for each step. `--defects` does so for the core with each seeded defect, and compares what it sees
with `seeded.toml`, or writes it there. Exit status: 0 all is accepted (or as recorded), 1 otherwise, 2 cannot run.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.defects.catalogue import CatalogueError, read_catalogue
from rusted_ring.verify.explorer.engine import CannotBuild, CannotRun
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.report import progress as show_progress
from rusted_ring.verify.word_steps import seeded
from rusted_ring.verify.word_steps.checking import NOT_SHOWN, check
from rusted_ring.verify.word_steps.words import Projector


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the corpus from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.word_steps",
        description="Whether every execution of the corpus is, word by word, a behaviour of the model.",
    )
    parser.add_argument("--client", action="append", metavar="NAME", help="only this client of the corpus; repeatable")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--defects", nargs="*", metavar="NAME", help="the core with each seeded defect, or with these, instead"
    )
    parser.add_argument("--write", action="store_true", help=f"with --defects: write {seeded.RECORDED.name}")
    options = parser.parse_args(arguments)
    if options.write and options.defects != []:
        parser.error("--write: needs --defects without names, since it records all of them")
    names = {client.name for client in CLIENTS}
    if unknown := sorted(set(options.client or ()) - names):
        parser.error(f"--client: the corpus has no client {', '.join(unknown)}")
    try:
        if options.defects is not None:
            return _defects(options.defects, options.client or (), write=options.write)
        return _corpus(options.client or (), as_json=options.json)
    except (NoCheckout, CannotBuild, CannotRun, CatalogueError) as error:
        print(f"rusted-ring: {error}", file=sys.stderr)
        return 2


def _corpus(names: Sequence[str], *, as_json: bool) -> int:
    chosen = [client for client in CLIENTS if not names or client.name in names]
    with (
        tempfile.TemporaryDirectory(prefix="rusted-ring-") as work,
        Explorer(checkout(), Path(work)) as explorer,
        show_progress("word steps") as update,
    ):
        account = check(
            Projector(explorer),
            chosen,
            whole=len(chosen) == len(CLIENTS),
            progress=lambda done, name: update(done, len(chosen), name),
        )
    if as_json:
        print(json.dumps(account.as_dict(), indent=1))
    else:
        for problem in (*account.rejected, *account.problems):
            print(f"FAIL: {problem}")
        print(f"{account.words()}\n{NOT_SHOWN}")
    return 1 if account.rejected or account.problems else 0


def _defects(names: Sequence[str], clients: Sequence[str], *, write: bool) -> int:
    catalogue = read_catalogue()
    if unknown := sorted(set(names) - {defect.name for defect in catalogue}):
        raise CatalogueError(f"the catalogue has no defect {', '.join(unknown)}")
    chosen = [defect for defect in catalogue if not names or defect.name in names]
    with show_progress("word steps of seeded defects") as update:
        seen = seeded.see_all(chosen, clients, progress=lambda done, name: update(done, len(chosen), name))
    print(seeded.table(seen))
    if write:
        seeded.RECORDED.write_text(seeded.recorded_text(seen), encoding="utf-8")
        return 0
    problems = seeded.differences(seen, seeded.read_recorded())
    for problem in problems:
        print(f"FAIL: {problem}")
    return 1 if problems else 0
