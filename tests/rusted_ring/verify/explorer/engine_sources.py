"""Finds the sources of the engine and of its harnesses, in a checkout or installed."""

from pathlib import Path

from rusted_ring.verify.explorer.toolchain import (
    CannotBuild,
)
from rusted_ring.verify.support.checkout import NoCheckout, checkout

_PARTS = ("engine", "intercept")


# --- the engine


def engine_sources() -> Path:
    """Return the folder of the engine's sources: a checkout's, or the installed package's.

    Raises:
        CannotBuild: there are none.
    """
    installed = Path(__file__).resolve().parents[2] / "native" / "explorer"
    try:
        folder = checkout() / "native" / "explorer"
    except NoCheckout:
        folder = installed
    if not (folder / "explorer.h").is_file():
        raise CannotBuild(
            f"the explorer's sources are neither in a checkout nor at {installed}: install rusted-ring again"
        )
    return folder


def library_sources() -> list[Path]:
    """Return the C files of the engine's library."""
    folder = engine_sources()
    return [*(path for part in _PARTS for path in sorted((folder / part).glob("*.c"))), folder / "serve.c"]


def harness_source(name: str) -> Path:
    """Return a C file of the engine's harnesses."""
    return engine_sources() / "harness" / name


def include_flags() -> list[str]:
    """Return the flags by which the engine's sources find their headers."""
    folder = engine_sources()
    return [f"-I{path}" for path in (folder, *(folder / part for part in (*_PARTS, "harness")))]
