"""The core as Python sees it: its calls, its statuses as errors, and the pin that holds one reference.

Every call exists twice. `lib` gives up the GIL around it, for calls that are long; `quick` keeps it, for all others.
"""

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from rusted_ring.native._cffi import ffi, lib
from rusted_ring.native._quick import lib as quick
from rusted_ring.reference.errors import ReleasedHandle, ViewsOutstanding

if TYPE_CHECKING:
    from rusted_ring.native._cffi import CData, Lib
else:
    CData, Lib = ffi.CData, type(lib)

__all__ = ["LONG", "CData", "Lib", "Pinned", "ffi", "lib", "quick"]

LONG = lib.RRB_LONG_BYTES
"""Bytes above which a call gives up the GIL."""

_moving = threading.RLock()
_ROUNDS = 32


def _references(cell: list[CData]) -> int:
    return sys.getrefcount(cell[0])


# What `_references` says of a pin that only its cell holds; this differs between versions of Python.
_ALONE = _references([ffi.new("char[1]")])


class Pinned:
    """What holds a slot through a pin: a cdata pointer to the payload whose destructor gives the slot back once [VIEW-2].

    A view is made over the pin itself, so that the pin ends with the last of the handle and its views. To end a handle is
    to delete its `_pin`. Who uses the pin keeps a reference to it meanwhile, so that an end in another thread does no
    harm, and lets go of it before raising, since a traceback would keep it. The destructor is a bound method, which a
    collection of cycles cannot clear before it is called (a `functools.partial` it can).
    """

    __slots__ = ("__weakref__", "_pin")

    _pin: CData

    def _held(self, use: str) -> CData:
        """Return the pin, also where another thread is just about to put it back [PTR-6, LOAN-7].

        Raises:
            ReleasedHandle: the handle has ended.
        """
        with _moving:
            try:
                return self._pin
            except AttributeError:
                pass
        self._refuse(use)

    def _refuse(self, use: str) -> NoReturn:
        kind = type(self).__name__
        remedy = "clone() a pointer before it is dropped" if kind == "RingPtr" else "take another loan"
        raise ReleasedHandle(f"{kind} is released: {use} came after its end; {remedy}")

    def _end(self) -> None:
        """Let go of the pin; again: nothing [PTR-3, LOAN-5]."""
        try:
            del self._pin
        except AttributeError:
            # Another thread may have it out and put it back.
            with _moving, contextlib.suppress(AttributeError):
                del self._pin

    def _take(self, use: str) -> list[CData]:
        """End the handle and return its pin in a list, where nothing else holds the pin [PTR-17, LOAN-6].

        The pin is taken out first, so that nobody can come by it any more, and then counted: views and the calls of other
        threads each hold one. The latter end soon.

        Raises:
            ReleasedHandle: the handle has ended.
            ViewsOutstanding: a view is alive; the handle is as it was.
        """
        for _ in range(_ROUNDS):
            with _moving:
                try:
                    cell = [self._pin]
                    del self._pin
                except AttributeError:
                    cell = []
                if not cell:
                    self._refuse(use)
                if _references(cell) == _ALONE:
                    return cell
                self._pin = cell.pop()
            time.sleep(0)
        kind = type(self).__name__
        raise ViewsOutstanding(
            f"{kind} is viewed: a view of its data is alive and {use} would leave it without its event; "
            "release or delete every view, slice and array over it first"
        )

    @property
    def released(self) -> bool:
        """Whether the handle has ended [PTR-6, LOAN-7]."""
        try:
            _ = self._pin
        except AttributeError:
            with _moving:
                return not hasattr(self, "_pin")
        return False
