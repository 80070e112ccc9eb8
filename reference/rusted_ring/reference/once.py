"""An object is initialized once, or not at all [ERR-9]."""

from functools import partial

from rusted_ring.reference.monitor import Change, at_once


def check_uninitialized(instance: object, attribute: str) -> None:
    """Make sure that an object does not have an attribute that its `__init__` sets [ERR-9].

    Raises:
        TypeError: the object has it.
    """
    if hasattr(instance, attribute):
        kind = type(instance).__name__
        raise TypeError(
            f"self is a {kind} that is initialized already: __init__ cannot run again; call {kind}(...) for another"
        )


def initializing(instance: object, **attributes: object) -> tuple[Change, ...]:
    """Return the changes that set all attributes of an object, if it does not have the last of them yet [ERR-9]."""
    is_initialized = partial(hasattr, instance, [*attributes][-1])
    return is_initialized, *(partial(setattr, instance, *attribute) for attribute in attributes.items())


def initialize(instance: object, **attributes: object) -> None:
    """Set all attributes of an object at once [ERR-9].

    Raises:
        TypeError: the object has them already: another thread, or a nested call, was first.
    """
    if not at_once(*initializing(instance, **attributes)):
        check_uninitialized(instance, [*attributes][-1])
