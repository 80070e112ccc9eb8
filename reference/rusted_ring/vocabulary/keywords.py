"""Keyword-only parameters, and the error if one is passed by position [ERR-4]."""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import TypeVar, cast

from rusted_ring.vocabulary.shown import shown

_Init = TypeVar("_Init", bound=Callable[..., None])


def by_keyword(init: _Init) -> _Init:
    """Decorate an `__init__`: its error for keyword-only parameters that were passed by position names them [ERR-4]."""
    code = cast("FunctionType", init).__code__
    positional: int = code.co_argcount - 1
    names: tuple[str, ...] = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(init)
    def checked(self: object, *given: object, **named: object) -> None:
        beyond = given[positional:]
        if 0 < len(beyond) <= len(names):
            wrong = ", ".join(f"{name} is {shown(value)}" for name, value in zip(names, beyond, strict=False))
            right = ", ".join(f"{name}=..." for name in names[: len(beyond)])
            kind = type(self).__name__
            raise TypeError(f"{wrong}: {kind}() takes it by keyword only, and it was passed by position; pass {right}")
        init(self, *given, **named)

    return cast("_Init", checked)
