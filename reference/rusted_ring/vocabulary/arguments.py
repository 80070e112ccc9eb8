"""Checks of arguments that the vocabulary itself needs [ERR-4, ERR-6, ALLOC-5]."""

import operator
from typing import Final, TypeVar, cast

from rusted_ring.vocabulary.shown import short, shown

T = TypeVar("T")

U31_LIMIT: Final = 2_147_483_647
U32_LIMIT: Final = 4_294_967_295
U64_LIMIT: Final = 18_446_744_073_709_551_615


def wrong_type(name: str, value: object, wanted: str) -> TypeError:
    """Return the error for an argument of a wrong type [ERR-4].

    Args:
        name: the argument's name.
        value: the argument.
        wanted: what to pass instead, with an article, such as "an integer".
    """
    return TypeError(f"{name} is {shown(value)}: a {type(value).__name__}, not {wanted}; pass {wanted}")


def is_of(value: object, kind: type) -> bool:
    """Whether the type of a value is a class or its subclass; `__class__`, which a mock can set, is ignored [ERR-4]."""
    return issubclass(type(value), kind)


def as_instance(name: str, value: object, kind: type[T], wanted: str) -> T:
    """Return an argument that must be an instance of a class [ERR-4].

    Args:
        name: the argument's name.
        value: the argument.
        kind: the class.
        wanted: what to pass, with an article, such as "a RingBuffer".

    Raises:
        TypeError: it is not an instance.
    """
    if not is_of(value, kind):
        raise wrong_type(name, value, wanted)
    return cast("T", value)


def as_number(name: str, value: object) -> int:
    """Return an integer argument as an `int`; every type with `__index__` except `bool` is accepted [ERR-6].

    Args:
        name: the argument's name.
        value: the argument.

    Raises:
        TypeError: it is not an integer.
    """
    if type(value) is int:
        return short(value)
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise wrong_type(name, value, "an integer")
    return short(operator.index(cast("int", value)))


def check_between(name: str, number: int, low: int, high: int, remedy: str) -> int:
    """Return `number`, which must be from `low` to `high` [ERR-4].

    Args:
        name: the argument's name.
        number: the argument.
        low: the lowest number allowed.
        high: the highest number allowed.
        remedy: what to pass instead, for the message.

    Raises:
        ValueError: it is not in that range.
    """
    if not low <= number <= high:
        raise ValueError(f"{name} is {number}: not from {low} to {high}; {remedy}")
    return number


def number_between(name: str, value: object, low: int, high: int, remedy: str) -> int:
    """Return an integer argument, which must be from `low` to `high` [ERR-4, ERR-6].

    Raises:
        TypeError: it is not an integer.
        ValueError: it is not in that range.
    """
    return check_between(name, as_number(name, value), low, high, remedy)


def buffer_view(name: str, value: object) -> memoryview:
    """Return a view of a buffer of any format except objects [ALLOC-5].

    Raises:
        TypeError: the argument is not a buffer, or is a buffer of pointers to objects.
        ValueError: the buffer cannot be read now.
    """
    try:
        view = memoryview(cast("bytes", value))
    except TypeError:
        raise wrong_type(name, value, "a buffer such as bytes") from None
    except (ValueError, BufferError) as error:
        raise ValueError(
            f"{name} is {shown(value)}: a buffer that cannot be read ({error}); pass a copy made by bytes(...)"
        ) from None
    # A format holds the names of fields between colons; those may have an O that is not a type.
    if "O" in "".join(view.format.split(":")[::2]):
        view.release()
        raise TypeError(
            f"{name} is {shown(value)}: a buffer of Python objects, whose bytes are addresses; pass a buffer of bytes "
            "or numbers"
        )
    return view


def check_contiguous(name: str, view: memoryview) -> None:
    """Make sure that a buffer is C-contiguous [ALLOC-5].

    Raises:
        ValueError: it is not.
    """
    if not view.c_contiguous:
        raise ValueError(f"{name} is {view!r}: not a C-contiguous buffer; pass a copy made by bytes(...)")


def contiguous_bytes(name: str, view: memoryview) -> bytes:
    """Return a copy of the bytes of a C-contiguous buffer [ALLOC-5].

    Raises:
        ValueError: it is not C-contiguous.
    """
    check_contiguous(name, view)
    return view.tobytes()
