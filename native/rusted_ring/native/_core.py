"""The core as Python sees it.

The calls that programs make most are methods of the bases in `hold`. Every other call exists twice: `lib` gives up the
GIL around it, for calls that are long, and `quick` keeps it, for the others.
"""

from typing import TYPE_CHECKING

from rusted_ring.native import _hold as hold
from rusted_ring.native._cffi import ffi, lib
from rusted_ring.native._hold import ENDED, Owner, Pin, join_reader, make, open_writer, own
from rusted_ring.native._quick import lib as quick

if TYPE_CHECKING:
    from rusted_ring.native._cffi import CData, Lib
else:
    CData, Lib = ffi.CData, type(lib)

__all__ = [
    "ENDED",
    "FAILED",
    "LONG",
    "CData",
    "Lib",
    "Owner",
    "Pin",
    "ffi",
    "hold",
    "join_reader",
    "lib",
    "made_once",
    "make",
    "open_writer",
    "owned",
    "quick",
]

LONG = lib.RRB_LONG_BYTES
"""Bytes above which a call gives up the GIL."""

FAILED = lib.RRB_FAILED
"""What looks like an address or a token and is below this is a status."""

_KINDS = ("allocator", "ring")


def owned(kind: str, made: CData, parent: Owner | None = None) -> Owner:
    """Return the owner of an object of the core, which frees it at its end, and before its parent [PTR-8]."""
    return own(_KINDS.index(kind), int(ffi.cast("uintptr_t", made)), parent)


def made_once(thing: object) -> None:
    """Refuse to make an object anew in place: other threads may be in a call on what it owns [PTR-8]."""
    if hasattr(thing, "_owner"):
        name = type(thing).__name__
        raise TypeError(f"{name} is made already: it cannot be made anew in its place; call {name}() for another")
