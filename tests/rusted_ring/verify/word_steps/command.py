"""Whether every execution of the corpus is, word by word, a behaviour of the model.

`python -m rusted_ring.verify.word_steps [--client NAME] [--json]`, from a checkout, explores every client of the
corpus, takes from each complete execution the values of each word of the core in modification order, and checks that
an action of the model stands for each step. Exit status: 0 all are accepted, 1 otherwise, 2 cannot run.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rusted_ring.verify.clients.corpus import CLIENTS
from rusted_ring.verify.explorer.engine import CannotBuild, CannotRun
from rusted_ring.verify.model_checking.harness import Explorer
from rusted_ring.verify.support.checkout import NoCheckout, checkout
from rusted_ring.verify.support.report import progress as show_progress
from rusted_ring.verify.word_steps.checking import check
from rusted_ring.verify.word_steps.words import Projector


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the corpus from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.word_steps",
        description="Whether every execution of the corpus is, word by word, a behaviour of the model.",
    )
    parser.add_argument("--client", action="append", metavar="NAME", help="only these clients of the corpus")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    names = {client.name for client in CLIENTS}
    if unknown := sorted(set(options.client or ()) - names):
        parser.error(f"--client: the corpus has no client {', '.join(unknown)}")
    chosen = [client for client in CLIENTS if options.client is None or client.name in options.client]
    try:
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
    except (NoCheckout, CannotBuild, CannotRun) as error:
        print(f"rusted-ring: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(account.as_dict(), indent=1))
    else:
        for problem in (*account.rejected, *account.problems):
            print(f"FAIL: {problem}")
        print(account.words())
        print("Per word, in modification order: what spans several words is not shown by this.")
    return 1 if account.rejected or account.problems else 0
