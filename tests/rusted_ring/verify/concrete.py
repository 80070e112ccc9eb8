"""Symbolic values made concrete at a backend's border [ERR-1]."""

import sys
from typing import Any


def concrete(value: Any) -> Any:
    """Return a value without symbols; the path taken so far decides which.

    Under CrossHair an argument may be a symbol. The reference computes with it as it is, which is how the solver
    finds the reference's paths; a native library must be given a number.
    """
    if "crosshair" not in sys.modules:
        return value
    from crosshair.core import deep_realize
    from crosshair.tracers import is_tracing

    return deep_realize(value) if is_tracing() else value  # type: ignore[no-untyped-call]
