"""A generated fuzzer of the whole API: every public member of every class, with hostile arguments.

    python -m rusted_ring.verify.fuzz --seconds 60 --seed 1 --backend native
    python -m rusted_ring.verify.fuzz --sanitize --seconds 3600

The fuzzer takes the calls from the classes themselves. It makes an argument by its parameter's name, or an object that
runs code of its own when the API reads it (`__index__`, `__float__`, `__len__`, `__iter__`, `__buffer__`, `__eq__`,
finalizers in cycles, subclasses, mocks). That code makes further calls on the same objects. Other threads do the same
concurrently, the collector runs as often as possible, and the handler of a timer's signal raises, or makes calls, at
any moment.

A finding is an outcome that no caller may cause: a crash (best under sanitizers), a hang, a SystemError, a status that
the binding does not know, an exception of a class that no clause names.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import sys
import time
from collections import Counter

from rusted_ring.verify.fuzz.run import HANG, run, run_sanitized


def main(arguments: list[str] | None = None) -> int:
    """Fuzz a backend in rounds, each with a seed of its own, and print the first finding; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--backend", default="native", help="native, reference, or a module with the same names")
    parser.add_argument("--seconds", type=float, default=60, help="seconds in all (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the first round (default: 1)")
    parser.add_argument("--round", type=float, default=5, help="seconds of a round (default: 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads beside the main one (default: 2)")
    parser.add_argument("--no-signals", action="store_true", help="without the timer's signals")
    parser.add_argument(
        "--no-collector", action="store_true", help="run the collector of cycles only when a call asks for it"
    )
    parser.add_argument(
        "--sanitize", action="store_true", help="build native with ASan and UBSan first, from a checkout"
    )
    options = parser.parse_args(arguments)
    if options.sanitize:
        given = sys.argv[1:] if arguments is None else arguments
        return run_sanitized([one for one in given if one != "--sanitize"])
    name = options.backend if "." in options.backend else f"rusted_ring.{options.backend}"
    backend = importlib.import_module(name)
    end, seed, calls = time.monotonic() + options.seconds, options.seed, Counter[str]()
    faulthandler.enable()
    while (left := end - time.monotonic()) > 0:
        faulthandler.dump_traceback_later(options.round + 2 * HANG, exit=True)
        # Every second round has one thread, so that its seed alone repeats it.
        threads = options.threads if seed % 2 else 0
        fuzzer = run(
            backend,
            seed,
            min(left, options.round),
            threads,
            signals=not options.no_signals,
            collector=not options.no_collector,
        )
        faulthandler.cancel_dump_traceback_later()
        calls += fuzzer.calls
        if fuzzer.findings:
            print(f"{name}: seed {seed}, {threads} threads beside the main one:\n{fuzzer.findings[0]}", file=sys.stderr)
            return 1
        seed += 1
    total = sum(calls.values())
    print(f"{name}: {total} calls in seeds {options.seed} to {seed - 1} without a finding: {dict(calls.most_common())}")
    return 0
