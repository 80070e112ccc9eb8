"""Checks of arguments, the slow path of calls: the types of all arguments first, then the values [ERR-4, ERR-6]."""

from __future__ import annotations  # array is no generic before Python 3.12

import math
import operator
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from rusted_ring.vocabulary.arguments import U32_LIMIT, U64_LIMIT, is_of
from rusted_ring.vocabulary.errors import PayloadTooLarge, ViewsOutstanding
from rusted_ring.vocabulary.shown import short, shown

_COPY = "pass a copy made by bytes(...)"
_NUMBERS = "pass one integer for all events, or a sequence or buffer with an integer for each"


if TYPE_CHECKING:
    Batch = tuple[memoryview | bytes, int | array[int] | None, int | array[int]]
    """A batch for the fast path in arguments.c: the payloads back to back; the length of each or of all payloads, None
    if there is one event; the type of each or of all events."""

_T = TypeVar("_T")

_Method = TypeVar("_Method", bound=Callable[..., object])


def in_name_of(name: str) -> Callable[[_Method], _Method]:
    """Decorate a method of the slow path: Python's errors for its arguments show the name of the public method."""

    def named(method: _Method) -> _Method:
        method.__qualname__ = name
        return method

    return named


def wrong_type(name: str, value: object, why: str, remedy: str) -> TypeError:
    """Return the error for an argument of a wrong type [ERR-4]."""
    return TypeError(f"{name} is {shown(value)}: {why}; {remedy}")


def wrong_value(name: str, value: object, why: str, remedy: str) -> ValueError:
    """Return the error for an argument with a wrong value [ERR-4]."""
    return ValueError(f"{name} is {shown(value)}: {why}; {remedy}")


def views_outstanding(owner: str, call: str) -> ViewsOutstanding:
    """Return the error for a call that views of an object's `data` forbid [PTR-17, LOAN-6, RING-66, RING-75]."""
    remedy = f"release or delete every view, slice and array of it, then call {call}() again"
    return ViewsOutstanding(f"data of {owner} has views that are alive: {remedy}")


def instance(name: str, value: object, kind: type[_T], wanted: str, remedy: str) -> _T:
    """Return an argument that must be an instance of a class [ERR-4].

    Raises:
        TypeError: it is not an instance.
    """
    if is_of(value, kind):
        return cast("_T", value)
    raise wrong_type(name, value, f"a {type(value).__name__}, not {wanted}", remedy)


def integer(name: str, value: object) -> int:
    """Return an integer argument as an `int` [ERR-6].

    Raises:
        TypeError: `value` is a bool or has no `__index__`.
    """
    if type(value) is int:
        return short(value)
    if not isinstance(value, bool):
        try:
            return short(operator.index(cast("int", value)))
        except TypeError:
            pass
    raise wrong_type(name, value, f"a {type(value).__name__}, not an integer", "pass an int")


def seconds(name: str, value: object) -> float | None:
    """Return a timeout as a float of seconds, or None, which means for ever [RING-38].

    A number too large for a float is infinite.

    Raises:
        TypeError: `value` is neither None nor a real number.
    """
    if value is None or type(value) is float:
        return value
    kind = type(value)
    if kind is not bool and (hasattr(kind, "__float__") or hasattr(kind, "__index__")):
        try:
            return float(cast("float", value))
        except OverflowError:
            return math.inf if cast("float", value) > 0 else -math.inf
    raise wrong_type(name, value, f"a {kind.__name__}, not a number of seconds", "pass an int, a float or None")


def not_negative(name: str, number: float | None) -> float | None:
    """Return a timeout in seconds, which must be at least 0 [RING-38].

    Raises:
        ValueError: it is below 0 or NaN.
    """
    if number is None or number >= 0:
        return number
    raise wrong_value(name, number, "not a number of at least 0", "pass the seconds to wait, or None to wait for ever")


def between(name: str, value: int, low: int, high: int, remedy: str) -> int:
    """Return `value`, which must be from `low` to `high` [ERR-4].

    Raises:
        ValueError: it is not in that range.
    """
    if low <= value <= high:
        return value
    raise wrong_value(name, value, f"not from {low} to {high}", remedy)


def event_type_value(value: int) -> int:
    """Return an event type, which must be an unsigned 32-bit number [ALLOC-23]."""
    return between("event_type", value, 0, U32_LIMIT, "pass an unsigned 32-bit number")


def flag(name: str, value: object) -> bool:
    """Return an argument that must be True or False [ERR-4].

    Raises:
        TypeError: `value` is not a bool.
    """
    if isinstance(value, bool):
        return value
    raise wrong_type(name, value, f"a {type(value).__name__}, not a bool", "pass True or False")


def buffer(name: str, value: object) -> memoryview:
    """Return a view of a buffer of any format except objects [ALLOC-5].

    Raises:
        TypeError: `value` is not a buffer, or is a buffer of pointers to objects.
        ValueError: the buffer cannot be read now.
    """
    try:
        view = memoryview(value)  # type: ignore[arg-type]
    except TypeError:
        remedy = "pass bytes, a bytearray, an array or any other buffer"
        raise wrong_type(name, value, f"a {type(value).__name__}, not a buffer", remedy) from None
    except (ValueError, BufferError) as error:
        raise wrong_value(name, value, f"a buffer that cannot be read ({error})", _COPY) from None
    if holds_objects(view.format):
        view.release()
        remedy = "pass a buffer of bytes or numbers"
        raise wrong_type(name, value, "a buffer of Python objects, whose bytes are addresses", remedy)
    return view


def holds_objects(layout: str) -> bool:
    """Whether a buffer's format has an `O`, a pointer to an object, outside the names of its fields [ALLOC-5]."""
    return "O" in "".join(layout.split(":")[::2])


def contiguous(name: str, value: object, view: memoryview) -> memoryview:
    """Return `view`, which must be C-contiguous [ALLOC-5].

    Raises:
        ValueError: it is not.
    """
    if view.c_contiguous:
        return view
    raise wrong_value(name, value, "not a C-contiguous buffer", _COPY)


def numbers(name: str, value: object) -> int | array[int] | list[int]:
    """Return an argument that must be an integer for all events or an iterable of an integer for each [ERR-4, ERR-6].

    Raises:
        TypeError: it is neither, or one of its items is not an integer.
    """
    if type(value) is int:
        return short(value)
    if isinstance(value, array) and value.typecode == "I":
        # A copy: other code could change the array after the checks.
        return array("I", value)
    if not isinstance(value, (bool, str, bytes, bytearray)):
        try:
            items = iter(cast("Iterable[object]", value))
        except TypeError:
            if hasattr(type(value), "__index__"):
                return integer(name, value)
        else:
            return [integer(f"{name}[{index}]", item) for index, item in enumerate(items)]
    raise wrong_type(name, value, f"a {type(value).__name__}, not an integer or a sequence of integers", _NUMBERS)


def u32(name: str, values: array[int] | list[int]) -> array[int]:
    """Return an array of numbers, which must be unsigned 32-bit ones."""
    if isinstance(values, array):
        return values
    try:
        return array("I", values)
    except OverflowError:
        index = next(index for index, item in enumerate(values) if not 0 <= item <= U32_LIMIT)
        why, remedy = f"not from 0 to {U32_LIMIT}", "pass an unsigned 32-bit number"
        raise wrong_value(f"{name}[{index}]", values[index], why, remedy) from None


def event(
    data: object, event_type: object, *, spill: object = False, timeout: object = 0
) -> tuple[memoryview, int, bool, float | None]:
    """Return an event's payload, its type, `spill` and `timeout`; check types before values.

    [ALLOC-5, ALLOC-23, RING-38, ERR-4]

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, `event_type` is out of its bounds, or `timeout` is below 0 or NaN.
        PayloadTooLarge: the payload is longer than an event can be.
    """
    view, kind, wanted = buffer("data", data), integer("event_type", event_type), flag("spill", spill)
    try:
        longest = seconds("timeout", timeout)
        contiguous("data", data, view)
        event_type_value(kind)
        not_negative("timeout", longest)
        check_payload("data", view.nbytes)
    except (TypeError, ValueError):
        view.release()  # the error's traceback refers to it
        raise
    return view, kind, wanted, longest


def batch(data: object, lengths: object, event_types: object) -> Batch:
    """Return the events of a batch; check types before values [ALLOC-14, RING-25, ERR-4].

    Args:
        data: a buffer of payloads back to back, or a list or tuple of buffers.
        lengths: the length of each payload in a buffer, in bytes: one integer above 0 for all, or a sequence or buffer
            with an integer for each; None if the buffer is one event, or if `data` is a list or tuple.
        event_types: one integer for all events, or a sequence or buffer with an integer for each.

    Raises:
        TypeError: an argument, or an item of one, has a wrong type.
        ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.
        PayloadTooLarge: a payload is longer than an event can be.
    """
    views: list[memoryview] = []
    kept: memoryview | None = None
    try:
        events = _converted(data, lengths, event_types, views)
        kept = events[0] if isinstance(events[0], memoryview) else None
        return events
    finally:
        # An error's traceback refers to the list.
        for view in views:
            if view is not kept:
                view.release()


def _converted(data: object, lengths: object, event_types: object, views: list[memoryview]) -> Batch:
    """Return the events of a batch, and append the views made of `data` to `views`."""
    listed = isinstance(data, (list, tuple))
    if listed:
        for index, item in enumerate(cast("Sequence[object]", data)):
            views.append(buffer(f"data[{index}]", item))
    else:
        views.append(buffer("data", data))
    wanted = None if lengths is None else numbers("lengths", lengths)
    types = numbers("event_types", event_types)
    for index, view in enumerate(views):
        contiguous(f"data[{index}]" if listed else "data", view, view)
    if listed and wanted is not None:
        raise wrong_value("lengths", lengths, "data is a list of buffers, which have lengths", "leave lengths out")
    count = len(views)
    if wanted is not None:
        wanted, count = _layout(views[0].nbytes, wanted)
    if isinstance(types, int):
        between("event_types", types, 0, U32_LIMIT, "pass an unsigned 32-bit number")
    else:
        types = u32("event_types", types)
        if len(types) != count:
            raise wrong_value("event_types", event_types, f"{len(types)} numbers for {count} events", _NUMBERS)
    if wanted is None:
        for index, view in enumerate(views):
            check_payload(f"data[{index}]" if listed else "data", view.nbytes)
    if listed:
        return b"".join(views), array("I", [view.nbytes for view in views]), types
    return views[0], wanted, types


def _layout(total: int, wanted: int | array[int] | list[int]) -> tuple[int | array[int], int]:
    """Return the length of all events or of each, and the number of events."""
    if isinstance(wanted, int):
        between("lengths", wanted, 1, U32_LIMIT, "pass the length of each payload, above 0")
        if total % wanted:
            why = f"data has {total} bytes, not a multiple of it"
            raise wrong_value("lengths", wanted, why, "pass a length for each event")
        return wanted, total // wanted
    each = u32("lengths", wanted)
    if sum(each) != total:
        why = f"the lengths add up to {sum(each)} and data has {total} bytes"
        raise wrong_value("lengths", wanted, why, "pass lengths that cover data exactly")
    return each, len(each)


def check_payload(name: str, length: int) -> None:
    """Make sure that a payload is no longer than the largest size class [SIZE-3].

    Raises:
        PayloadTooLarge: it is longer.
    """
    if length > U32_LIMIT:
        remedy = "split the payload"
        raise PayloadTooLarge(
            f"{name} is {length} bytes long: more than the {U32_LIMIT} bytes of the largest class; {remedy}"
        )


def token_words(tokens: object) -> array[int]:
    """Return tokens as an array of unsigned 64-bit numbers [ALLOC-15].

    Args:
        tokens: a buffer of unsigned 64-bit numbers, or an iterable of integers.

    Raises:
        TypeError: it is neither, or one of its items is not an integer.
        ValueError: the buffer is not contiguous, or a number is not an unsigned 64-bit one.
    """
    wanted = "pass a buffer of format Q or an iterable of integers"
    if not isinstance(tokens, str):
        try:
            view = memoryview(cast("bytes", tokens))
        except TypeError:
            return _token_numbers(tokens, wanted)
        except (ValueError, BufferError) as error:
            raise wrong_value("tokens", tokens, f"a buffer that cannot be read ({error})", _COPY) from None
        with view:
            if view.itemsize == 8 and view.format.lstrip("@=<") in ("Q", "L"):
                contiguous("tokens", tokens, view)
                return array("Q", view.tobytes())
    raise wrong_type("tokens", tokens, f"a {type(tokens).__name__}, not a buffer of tokens", wanted)


def _token_numbers(tokens: object, wanted: str) -> array[int]:
    try:
        items = iter(cast("Iterable[object]", tokens))
    except TypeError:
        raise wrong_type("tokens", tokens, f"a {type(tokens).__name__}, not a buffer of tokens", wanted) from None
    numbers = [integer(f"tokens[{index}]", item) for index, item in enumerate(items)]
    try:
        return array("Q", numbers)
    except OverflowError:
        index = next(index for index, item in enumerate(numbers) if not 0 <= item <= U64_LIMIT)
        why, remedy = f"not from 0 to {U64_LIMIT}", "pass tokens of this allocator"
        raise wrong_value(f"tokens[{index}]", numbers[index], why, remedy) from None
