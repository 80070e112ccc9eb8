"""The targets of `crosshair cover`: the programs on the reference, without finalizers.

Only `sequences` uses this module. A finalizer that runs in the middle of CrossHair's own work confuses it. So an import
of this module changes the reference: its handles release what they hold only if a call tells them to, and not when they
are collected. The file that the environment variable names has the starts.
"""

import itertools
import json
import os
import pathlib

from rusted_ring import reference
from rusted_ring.reference.monitor import NOTHING, Monitor, at_once
from rusted_ring.verify.corpus.languages import PROGRAMS, Session, plain_number

STARTS = json.loads(pathlib.Path(os.environ["RUSTED_RING_STARTS"]).read_text(encoding="utf-8"))


def _give_back(handle: "reference.RingPtr | reference.Loan") -> None:
    pin = handle._pin
    handle._pin = None
    if pin is not None:
        at_once(*pin.pool.ending(pin.slot_index))


setattr(Monitor, "deferred_finalizer", lambda *_: (None, NOTHING))  # noqa: B010 - to a type checker it is another signature
setattr(Monitor, "disarming", lambda *_: ())  # noqa: B010
setattr(reference.RingPtr, "drop", _give_back)  # noqa: B010 - to a type checker it is another signature
setattr(reference.Loan, "abort", _give_back)  # noqa: B010


def _run(name: str, start: int, codes: list[int], choices: list[int]) -> int:
    program = PROGRAMS[name]
    session = Session(reference)
    # The start is one of the known cases, whose last steps took a new step path.
    starts = STARTS[name]
    if 0 <= start < len(starts) and len(choices) <= len(codes):
        parameters, operations = starts[plain_number(start, len(starts))]
        program.run(session, *parameters, itertools.chain(operations, program.operations(codes, choices)))
    return len(session.answers)


def slot(start: int, codes: list[int], choices: list[int]) -> int:
    """Run the slot program."""
    return _run("slot", start, codes, choices)


def pool(start: int, codes: list[int], choices: list[int]) -> int:
    """Run the pool program."""
    return _run("pool", start, codes, choices)


def cursor(start: int, codes: list[int], choices: list[int]) -> int:
    """Run the cursor program."""
    return _run("cursor", start, codes, choices)


def lag(start: int, codes: list[int], choices: list[int]) -> int:
    """Run the lag program."""
    return _run("lag", start, codes, choices)
