"""The short form in which messages show any value [ERR-4]."""

import math
import reprlib
from typing import Final

_SHOWN: Final = 10**60


class _Long(int):
    """An integer with so many digits that they would fill the message, or that Python refuses to print them."""

    def __repr__(self) -> str:
        return f"about {'-' if self < 0 else ''}10**{round(math.log10(abs(self)))}"


class _Short(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        return repr(short(x)) if type(x) is int else super().repr_int(x, level)


def short(number: int) -> int:
    """Return an integer that a message can show: the number itself or, if it is long, an equal one with a short `repr`.

    [ERR-4]
    """
    return number if -_SHOWN < number < _SHOWN else _Long(number)


_short: Final = _Short()


def shown(value: object) -> str:
    """Return a short form of a value for a message [ERR-4]."""
    return _short.repr(value)
