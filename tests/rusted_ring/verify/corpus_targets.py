"""What `crosshair cover` is pointed at: the programs on the reference, with no finalizers.

For `corpus.py` alone. A finalizer that runs in the middle of CrossHair's own work confuses it, so that importing this module makes
the reference's handles give back what they hold when they are told to, and not when they are collected.
"""

from rusted_ring import reference
from rusted_ring.reference.pin import Pin
from rusted_ring.verify.programs import PROGRAMS, Session


def _give_back(handle: "reference.RingPtr | reference.Loan") -> None:
    pin = handle._pin
    handle._pin = None
    if pin is not None:
        pin.pool.end(pin.slot_index)


for _class in (Pin, reference.Reader, reference.Writer):
    del _class.__del__  # type: ignore[attr-defined]
reference.RingPtr.drop = _give_back  # type: ignore[method-assign]
reference.Loan.abort = _give_back  # type: ignore[method-assign]


def _run(name: str, parameters: list[int], codes: list[int], choices: list[int]) -> int:
    program = PROGRAMS[name]
    session = Session(reference)
    if program.fits(parameters) and len(choices) <= len(codes):
        program.run(session, *parameters, program.operations(codes, choices))
    return len(session.answers)


def slot(ref_bits: int, generation_bits: int, codes: list[int], choices: list[int]) -> int:
    """Run the slot program."""
    return _run("slot", [ref_bits, generation_bits], codes, choices)


def pool(capacity: int, codes: list[int], choices: list[int]) -> int:
    """Run the pool program."""
    return _run("pool", [capacity], codes, choices)


def cursor(capacity: int, places: int, codes: list[int], choices: list[int]) -> int:
    """Run the cursor program."""
    return _run("cursor", [capacity, places], codes, choices)


def lag(capacity: int, codes: list[int], choices: list[int]) -> int:
    """Run the lag program."""
    return _run("lag", [capacity], codes, choices)
