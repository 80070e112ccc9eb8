"""An object is made once, or not at all [ERR-9]."""

from functools import partial

from rusted_ring.reference.step import Change, at_once


def check_unmade(thing: object, part: str) -> None:
    """Make sure that an object has not got a part that making it gives it [ERR-9].

    Raises:
        TypeError: it has.
    """
    if hasattr(thing, part):
        kind = type(thing).__name__
        raise TypeError(f"self is a {kind} that is made already: it cannot be made anew; call {kind}(...) for another")


def becoming(thing: object, **parts: object) -> tuple[Change, ...]:
    """Return what gives an object all its parts; the last one says that it is made, and is tested first [ERR-9]."""
    return partial(hasattr, thing, [*parts][-1]), *(partial(setattr, thing, *part) for part in parts.items())


def become(thing: object, **parts: object) -> None:
    """Give an object all its parts at once [ERR-9].

    Raises:
        TypeError: it has them already; another thread, or a call from within, was first.
    """
    if not at_once(*becoming(thing, **parts)):
        check_unmade(thing, [*parts][-1])
