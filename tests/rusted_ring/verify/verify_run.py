"""`rusted-ring verify`: every layer that can run here, each with its figures, and one final table.

A layer answers one question. It passes, fails, or is skipped with the reason (no checkout, no compiler, a tool that is
not installed).
"""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rusted_ring.verify.layer_processes import Outcome, run_layers
from rusted_ring.verify.layers import CALLS, SIZES, Context, layers
from rusted_ring.verify.support import report
from rusted_ring.verify.support.backend import load_backend
from rusted_ring.verify.support.checkout import NoCheckout, checkout


def run(
    *,
    backend_name: str = "native",
    size: str = "default",
    seed: int = 0,
    calls: int | None = None,
    as_json: bool = False,
) -> int:
    """Run the layers and print the final table, or everything as JSON.

    Args:
        backend_name: the backend that is compared with the reference.
        size: `"quick"`, `"default"` or `"full"`.
        seed: the seed of all random draws, and of the choice of a part.
        calls: the greatest number of calls of the enumerated clients; None for the default.
        as_json: print JSON instead of the table.

    Returns:
        0 if a layer ran and none failed, otherwise 1.

    Raises:
        InputError: the data that the environment points to cannot be read.
        BackendError: the backend cannot be found.
    """
    begun = time.monotonic()
    load_backend(backend_name)  # refused here, before a layer begins
    context = Context(backend_name, SIZES[size], seed, checkout_or_none(), calls or CALLS)
    found = layers(context)
    workers = len(os.sched_getaffinity(0))
    with report.board([layer.name for layer in found]) as board:
        outcomes = run_layers(found, workers, board)
    seconds = time.monotonic() - begun
    verdicts = {outcome.verdict for outcome in outcomes}
    ok = "passed" in verdicts and "FAILED" not in verdicts
    if as_json:
        print(json.dumps(as_dict(outcomes, context, size, seconds, ok=ok), indent=1))
    else:
        show(outcomes, context, seconds)
    return 0 if ok else 1


def checkout_or_none() -> Path | None:
    """Return the checkout of the working directory or of this module, or None."""
    try:
        return checkout()
    except NoCheckout:
        return None


# --- the final table


def as_dict(outcomes: Sequence[Outcome], context: Context, size: str, seconds: float, *, ok: bool) -> dict[str, Any]:
    """Return everything as JSON values."""
    return {
        "command": "verify",
        "ok": ok,
        "size": size,
        "backend": context.backend_name,
        "seed": context.seed,
        "seconds": round(seconds, 1),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "layers": [{**asdict(outcome), "seconds": round(outcome.seconds, 2)} for outcome in outcomes],
    }


def show(outcomes: Sequence[Outcome], context: Context, seconds: float) -> None:
    """Print the problems, the final table, and a conclusion."""
    for outcome in outcomes:
        if outcome.problems:
            print(f"\n{outcome.layer} FAILED: {outcome.question}")
            for problem in outcome.problems:
                print(problem)
    print()
    rows = [[o.layer, o.verdict, f"{o.seconds:.1f} s", percent(o), o.figures] for o in outcomes]
    report.print_table("", ["layer", "verdict", "time", "share", "figures"], rows, right=["time", "share"])
    print()
    width = max(len(outcome.layer) for outcome in outcomes)
    for number, outcome in enumerate(outcomes):
        if number == 0 or outcome.question != outcomes[number - 1].question:
            print(f"{outcome.layer.partition(',')[0]:<{width}}  {outcome.question}")
    print()
    counts = {
        verdict: sum(outcome.verdict == verdict for outcome in outcomes) for verdict in ("passed", "FAILED", "skipped")
    }
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    if any(outcome.share < 1 for outcome in outcomes if outcome.verdict != "skipped"):
        print("share: how much was done of what rusted-ring verify --full does; --seed chooses another part\n")
    print(f"{told} in {seconds:.0f} s: {conclusion(context.backend_name, outcomes)}")


def percent(outcome: Outcome) -> str:
    """Return how much of the work of `--full` was done, in per cent; empty if nothing was done."""
    if outcome.verdict == "skipped" or outcome.figures == "broke off":
        return ""
    return f"{100 * outcome.share:.2g} %" if outcome.share < 1 else "100 %"


def conclusion(backend: str, outcomes: Sequence[Outcome]) -> str:
    """Return the conclusion about the backend from the layers that ran, and the layers that did not run."""
    ran = sum(outcome.verdict != "skipped" for outcome in outcomes)
    skipped = [outcome.layer for outcome in outcomes if outcome.verdict == "skipped"]
    if not ran:
        return f"no layer could run, so nothing is known of {backend}"
    if any(outcome.verdict == "FAILED" for outcome in outcomes):
        said = f"{backend} does NOT do what the specification says, or the suite is not in order: see above"
    else:
        said = f"{backend} does what the specification says, as far as the {ran} layers that ran can tell"
    return f"{said}; not run: {'; '.join(skipped)}" if skipped else said
