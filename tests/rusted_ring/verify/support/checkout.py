"""Finds the checkout, whose sources some layers read, whether the package is installed or not."""

from pathlib import Path


class NoCheckout(ValueError):
    """Neither this module nor the shell is in a checkout."""


def checkout() -> Path:
    """Return the root of the checkout of this module or, if the package is installed, of the working directory.

    Raises:
        NoCheckout: neither is a checkout.
    """
    installed = Path(__file__).resolve().parents[4]
    for root in (installed, Path.cwd()):
        if all((root / room).is_dir() for room in ("native/src", "spec", "tests/rusted_ring/verify")):
            return root
    raise NoCheckout(f"no checkout at {installed} nor at {Path.cwd()}: go to one, the sources are read from there")
