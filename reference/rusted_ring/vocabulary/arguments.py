"""The checks of arguments that the words themselves need [ERR-4, ERR-6, ALLOC-5]."""

import operator
from typing import Final, cast

from rusted_ring.vocabulary.shown import short, shown

U31_LIMIT: Final = 2_147_483_647
U32_LIMIT: Final = 4_294_967_295
U64_LIMIT: Final = 18_446_744_073_709_551_615


def wrong_type(name: str, value: object, wanted: str) -> TypeError:
    """Return the error for an argument of a wrong type [ERR-4].

    Args:
        name: the argument's name.
        value: the argument.
        wanted: what to pass instead, with its article.
    """
    return TypeError(f"{name} is {shown(value)}: a {type(value).__name__}, not {wanted}; pass {wanted}")


def is_of(value: object, kind: type) -> bool:
    """Whether a value is what it says: its type, whatever `__class__` is, as mocks change it [ERR-4]."""
    return issubclass(type(value), kind)


def as_number(name: str, value: object) -> int:
    """Return an integer argument as an `int`; anything with `__index__` but a `bool` is one [ERR-6].

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
    """Return `number` if it is from `low` to `high` [ERR-4].

    Raises:
        ValueError: it is not.
    """
    if not low <= number <= high:
        raise ValueError(f"{name} is {number}: not from {low} to {high}; {remedy}")
    return number


def number_between(name: str, value: object, low: int, high: int, remedy: str) -> int:
    """Return an integer argument from `low` to `high` [ERR-4, ERR-6].

    Raises:
        TypeError: it is not an integer.
        ValueError: it is out of its bounds.
    """
    return check_between(name, as_number(name, value), low, high, remedy)


def buffer_view(name: str, value: object) -> memoryview:
    """Return a view of an argument that has a buffer, of whatever format [ALLOC-5].

    Raises:
        TypeError: it has none, or one of pointers to objects.
        ValueError: it has one that cannot be read now.
    """
    try:
        view = memoryview(cast("bytes", value))
    except TypeError:
        raise wrong_type(name, value, "a buffer such as bytes") from None
    except (ValueError, BufferError) as error:
        raise ValueError(
            f"{name} is {shown(value)}: a buffer that cannot be read ({error}); copy it by bytes(...)"
        ) from None
    # The names of fields stand between colons.
    if "O" in "".join(view.format.split(":")[::2]):
        view.release()
        raise wrong_type(name, value, "a buffer of bytes or numbers: this one's are addresses of objects")
    return view


def check_contiguous(name: str, view: memoryview) -> None:
    """Make sure that a buffer is C-contiguous [ALLOC-5].

    Raises:
        ValueError: it is not.
    """
    if not view.c_contiguous:
        raise ValueError(f"{name} is {view!r}: not a C-contiguous buffer; cast it or copy it by bytes(...)")


def contiguous_bytes(name: str, view: memoryview) -> bytes:
    """Return a copy of the bytes of a C-contiguous buffer [ALLOC-5].

    Raises:
        ValueError: it is not C-contiguous.
    """
    check_contiguous(name, view)
    return view.tobytes()
