"""Symbolic values made concrete at a backend's border [ERR-1].

Under CrossHair an argument may be symbolic. The reference computes with the symbol, so that the solver finds the
reference's paths; a native library needs a number, and must not be traced.
"""

import sys
from collections.abc import Callable
from typing import Any


def is_symbolic_run() -> bool:
    """Return whether CrossHair is tracing this call, so that values may be symbols."""
    if "crosshair" not in sys.modules:
        return False
    from crosshair.tracers import is_tracing

    return bool(is_tracing())  # type: ignore[no-untyped-call]


def concrete(value: Any) -> Any:
    """Return a value without symbols, one that the path taken so far allows."""
    if not is_symbolic_run():
        return value
    from crosshair.core import deep_realize

    return deep_realize(value)


def untraced(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a backend with concrete arguments, untraced by CrossHair."""
    if not is_symbolic_run():
        return function(*arguments)
    from crosshair.tracers import NoTracing

    with NoTracing():  # type: ignore[no-untyped-call]
        return function(*arguments)
