"""Checks of arguments: types first, from left to right, then values [ERR-4, ERR-6, ALLOC-5]."""

import contextlib
import math
import struct
from collections.abc import Iterable
from typing import NamedTuple, cast

from rusted_ring.vocabulary.arguments import (
    U32_LIMIT,
    as_number,
    buffer_view,
    check_between,
    contiguous_bytes,
    wrong_type,
)
from rusted_ring.vocabulary.errors import PayloadTooLarge
from rusted_ring.vocabulary.shown import shown


def as_seconds(name: str, value: object) -> float | None:
    """Return a timeout as a `float` of seconds, or None, which means for ever [RING-38].

    A number too large for a `float` is infinite.

    Raises:
        TypeError: it is neither None nor a real number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not (hasattr(type(value), "__float__") or hasattr(type(value), "__index__")):
        raise wrong_type(name, value, "a number of seconds or None")
    number = cast("float", value)
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, 1 if number > 0 else -1)


def check_seconds(name: str, seconds: float | None) -> float | None:
    """Return a timeout in seconds, which must be at least 0 [RING-38].

    Raises:
        ValueError: it is below 0 or NaN.
    """
    if seconds is not None and not seconds >= 0:
        raise ValueError(
            f"{name} is {seconds}: not a number of at least 0; pass the seconds to wait, or None to wait for ever"
        )
    return seconds


def check_not_negative(name: str, number: int) -> int:
    """Return `number`, which must be at least 0 [ERR-4].

    Raises:
        ValueError: it is below 0.
    """
    if number < 0:
        raise ValueError(f"{name} is {number}: below 0; pass a number of at least 0")
    return number


def check_event_type(number: int, name: str = "event_type") -> int:
    """Return an event type, which must be an unsigned 32-bit number [ALLOC-23].

    Raises:
        ValueError: it is not.
    """
    return check_between(name, number, 0, U32_LIMIT, "pass an unsigned 32-bit number")


def as_flag(name: str, value: object) -> bool:
    """Return an argument that must be True or False [ERR-4].

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(value, bool):
        raise wrong_type(name, value, "a bool")
    return value


def as_text(name: str, value: object) -> str:
    """Return an argument that must be a string [ERR-4].

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, str):
        raise wrong_type(name, value, "a str")
    return value


class BatchArguments(NamedTuple):
    """The payloads and event types of a batch, after all checks: one of each for every event [ALLOC-14, RING-25]."""

    payloads: list[bytes]
    event_types: list[int]


def batch_arguments(data: object, lengths: object, event_types: object) -> BatchArguments:
    """Return the events of a batch; check types before values [ALLOC-14, RING-25, ERR-4].

    Args:
        data: a buffer of payloads back to back, or a list or tuple of buffers.
        lengths: the length of each payload in a buffer, in bytes: one integer above 0 for all, or a sequence or buffer
            with an integer for each; None if the buffer is one event, or if `data` is a list or tuple.
        event_types: one integer for all events, or a sequence or buffer with an integer for each.

    Raises:
        TypeError: an argument, or an item of one, has a wrong type.
        ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.
    """
    # An error's traceback keeps this frame alive, so the views must be released before the error leaves [ERR-1].
    with contextlib.ExitStack() as stack:
        views: list[memoryview] | memoryview
        if isinstance(data, (list, tuple)):
            views = []
            for index, item in enumerate(data):
                views.append(stack.enter_context(buffer_view(f"data[{index}]", item)))
        else:
            views = stack.enter_context(buffer_view("data", data))
        sizes = None if lengths is None else _number_or_numbers("lengths", lengths)
        types = _number_or_numbers("event_types", event_types)
        payloads = _payloads(views, sizes)
        return BatchArguments(payloads, _types_of_events(types, len(payloads)))


def _payloads(views: list[memoryview] | memoryview, sizes: int | list[int] | None) -> list[bytes]:
    """Return the payload of each event of a batch."""
    if isinstance(views, list):
        payloads = [contiguous_bytes(f"data[{index}]", view) for index, view in enumerate(views)]
        if sizes is not None:
            raise ValueError(
                f"lengths is {shown(sizes)}: data is a list of buffers, which have lengths; leave lengths out"
            )
        return payloads
    whole = contiguous_bytes("data", views)
    if sizes is None:
        return [whole]
    if isinstance(sizes, int):
        check_between("lengths", sizes, 1, U32_LIMIT, "pass the length of each payload, above 0")
        if len(whole) % sizes != 0:
            raise ValueError(
                f"lengths is {sizes}: data has {len(whole)} bytes, not a multiple of it; pass a length for each event"
            )
        sizes = [sizes] * (len(whole) // sizes)
    for index, size in enumerate(sizes):
        check_between(f"lengths[{index}]", size, 0, U32_LIMIT, "pass an unsigned 32-bit number")
    if sum(sizes) != len(whole):
        remedy = "pass lengths that cover data exactly"
        raise ValueError(
            f"lengths is {shown(sizes)}: the lengths add up to {sum(sizes)} and data has {len(whole)} bytes; {remedy}"
        )
    payloads, start = [], 0
    for size in sizes:
        payloads.append(whole[start : start + size])
        start += size
    return payloads


def lengths_of_slots(
    count: object, lengths: object, event_types: object, reserved: int, size: int
) -> tuple[list[int], list[int]]:
    """Return the length and the event type of each event of a commit; check types before values [RING-63, ERR-4].

    Args:
        count: how many events; None for as many as `lengths` has numbers or, if it has none, for all.
        lengths: one integer for all events, or a sequence or buffer with an integer for each; None for `size`.
        event_types: one integer for all events, or a sequence or buffer with an integer for each.
        reserved: how many slots there are.
        size: the longest payload.

    Raises:
        TypeError: an argument, or an item of one, has a wrong type.
        ValueError: a number is out of its bounds, or there are not as many as events.
        PayloadTooLarge: a length is above `size`.
    """
    wanted = None if count is None else as_number("count", count)
    sizes = size if lengths is None else _number_or_numbers("lengths", lengths)
    types = _number_or_numbers("event_types", event_types)
    if wanted is None:
        wanted = reserved if isinstance(sizes, int) else len(sizes)
    check_between("count", wanted, 0, reserved, "pass at most the number of slots of the reservation")
    if isinstance(sizes, int):
        check_between("lengths", sizes, 0, U32_LIMIT, "pass an unsigned 32-bit number")
        sizes = [sizes] * wanted
    for index, length in enumerate(sizes):
        check_between(f"lengths[{index}]", length, 0, U32_LIMIT, "pass an unsigned 32-bit number")
    if len(sizes) != wanted:
        remedy = "pass one integer for all events, or one for each event"
        raise ValueError(f"lengths is {shown(sizes)}: {len(sizes)} numbers for {wanted} events; {remedy}")
    kinds = _types_of_events(types, wanted)
    for index, length in enumerate(sizes):
        if length > size:
            remedy = "commit fewer bytes, or make a ring with a larger size"
            raise PayloadTooLarge(f"lengths[{index}] is {length}: more than the ring's size {size}; {remedy}")
    return sizes, kinds


def _types_of_events(types: int | list[int], count: int) -> list[int]:
    """Return the event type of each event of a batch."""
    if isinstance(types, int):
        return [check_event_type(types, "event_types")] * count
    for index, number in enumerate(types):
        check_event_type(number, f"event_types[{index}]")
    if len(types) != count:
        remedy = "pass one integer for all events, or one for each event"
        raise ValueError(f"event_types is {shown(types)}: {len(types)} numbers for {count} events; {remedy}")
    return types


def _number_or_numbers(name: str, value: object) -> int | list[int]:
    """Return an argument that is an integer, or a sequence, buffer or other iterable of integers."""
    if isinstance(value, (bool, str, bytes)):
        raise wrong_type(name, value, "an integer or a sequence of integers")
    try:
        items = iter(cast("Iterable[object]", value))
    except TypeError:
        if not hasattr(type(value), "__index__"):
            raise wrong_type(name, value, "an integer or a sequence of integers") from None
        return as_number(name, value)
    return [as_number(f"{name}[{index}]", item) for index, item in enumerate(items)]


def token_numbers(value: object) -> list[int]:
    """Return the tokens of an argument: a buffer of 64-bit numbers, or an iterable of integers [ALLOC-15].

    Raises:
        TypeError: it is neither, or one of its items is not an integer.
        ValueError: the buffer is not contiguous.
    """
    if isinstance(value, str):
        raise wrong_type("tokens", value, "a buffer of 64-bit numbers or an iterable of integers")
    try:
        view = memoryview(cast("bytes", value))
    except TypeError:
        return _numbers_of_iterable(value)
    except (ValueError, BufferError) as error:
        raise ValueError(
            f"tokens is {shown(value)}: a buffer that cannot be read ({error}); pass a copy made by bytes(...)"
        ) from None
    with view:
        order, code = view.format[:-1] or "=", view.format[-1:]
        if view.itemsize != 8 or order not in ("@", "=", "<") or code not in ("Q", "L"):
            raise wrong_type("tokens", value, "a buffer of format Q or an iterable of integers")
        packed = contiguous_bytes("tokens", view)
    return list(struct.unpack(f"{order.replace('@', '=')}{len(packed) // 8}Q", packed))


def _numbers_of_iterable(value: object) -> list[int]:
    try:
        items = iter(cast("Iterable[object]", value))
    except TypeError:
        raise wrong_type("tokens", value, "a buffer of 64-bit numbers or an iterable of integers") from None
    return [as_number(f"tokens[{index}]", item) for index, item in enumerate(items)]
