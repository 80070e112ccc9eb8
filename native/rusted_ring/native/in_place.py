"""Slots of a ring that are lent to the program: reservations and peeks [RING-61 to RING-80]."""

from __future__ import annotations  # array is no generic before Python 3.12

from array import array
from typing import NoReturn

from rusted_ring.native import _core
from rusted_ring.native._arguments import between, in_name_of, integer, numbers, u32, views_outstanding, wrong_value
from rusted_ring.vocabulary.arguments import U32_LIMIT
from rusted_ring.vocabulary.errors import PayloadTooLarge, ReleasedHandle, RingClosed
from rusted_ring.vocabulary.shown import shown
from rusted_ring.vocabulary.unpicklable import Unpicklable


class _InPlace(_core.InPlace, Unpicklable):
    """The base class of `Reservation` and `Peek`: it holds slots until its end [RING-68, RING-77]."""

    __slots__ = ("__weakref__",)

    def _slot_argument(self, index: object) -> int:
        """Check the argument of `slot`, and return it for its fast path [RING-62, RING-72, ERR-4]."""
        number, (count, _) = integer("index", index), self._shape()
        if 0 <= number < count:
            return number
        raise IndexError(f"index is {shown(number)}: there are {count} slots; pass an index below that")

    def _refuse_ended(self, use: str) -> NoReturn:
        kind = type(self).__name__
        remedy = f"make another one by {'Writer.reserve' if kind == 'Reservation' else 'Reader.peek'}()"
        raise ReleasedHandle(f"self is a {kind} that has ended: {use} was used after its end; {remedy}")

    def _refuse_viewed(self, use: str) -> NoReturn:
        raise views_outstanding(f"the {type(self).__name__}", use)

    def __repr__(self) -> str:
        kind, count = type(self).__name__, self._shown()
        return f"<{kind} released>" if count is None else f"<{kind} of {count} slots>"


class Reservation(_core.Reservation, _InPlace):
    """Slots of the next events of a gated ring, which the caller writes; `Writer.reserve` makes one [RING-61]."""

    __slots__ = ()

    def __init__(self, *_: object, **__: object) -> None:
        """Raise a TypeError: only a writer can reserve slots [RING-61].

        Raises:
            TypeError: always.
        """
        raise TypeError("Reservation cannot be called: only a writer reserves slots; call Writer.reserve(count)")

    @in_name_of("Reservation.commit")
    def _commit_arguments(
        self, count: object = None, *, lengths: object = None, event_types: object = 0
    ) -> tuple[int, int | array[int], int | array[int]]:
        """Check the arguments of `commit`, and return them for its fast path [RING-63, RING-9, ERR-4]."""
        wanted = None if count is None else integer("count", count)
        reserved, size = self._shape()
        sizes = size if lengths is None else numbers("lengths", lengths)
        types = numbers("event_types", event_types)
        if wanted is None:
            wanted = reserved if isinstance(sizes, int) else len(sizes)
        between("count", wanted, 0, reserved, "pass at most the number of slots of the reservation")
        sizes, types = _for_each("lengths", sizes, wanted), _for_each("event_types", types, wanted)
        for index, length in enumerate([sizes][: min(wanted, 1)] if isinstance(sizes, int) else sizes):
            if length > size:
                remedy = "commit fewer bytes, or make a ring with a larger size"
                raise PayloadTooLarge(f"lengths[{index}] is {length}: more than the ring's size {size}; {remedy}")
        return wanted, sizes, types


class Peek(_core.Peek, _InPlace):
    """The next events of a gated ring's reader, in the ring's own memory; `Reader.peek` makes one [RING-71]."""

    __slots__ = ()

    def __init__(self, *_: object, **__: object) -> None:
        """Raise a TypeError: only a reader can peek [RING-71].

        Raises:
            TypeError: always.
        """
        raise TypeError("Peek cannot be called: only a reader makes one; call Reader.peek(limit)")

    @in_name_of("Peek.release")
    def _release_arguments(self, count: object = None) -> int:
        """Check the argument of `release`, and return it for its fast path [RING-73, ERR-4]."""
        read, (held, _) = None if count is None else integer("count", count), self._shape()
        if read is None:
            return held
        return between("count", read, 0, held, "pass at most the number of events of the peek")

    def _refuse_evicted(self) -> NoReturn:
        why = "its reader was evicted, and the events may have changed while they were read"
        raise RingClosed(f"self is {self!r}: {why}; discard them, and make a new Reader of the ring")


def _for_each(name: str, value: int | array[int] | list[int], count: int) -> int | array[int]:
    """Return a number for all events, or one for each, after a check of them and of how many there are."""
    if isinstance(value, int):
        return between(name, value, 0, U32_LIMIT, "pass an unsigned 32-bit number")
    each = u32(name, value)
    if len(each) != count:
        remedy = "pass one integer for all events, or one for each event"
        raise wrong_value(name, value, f"{len(each)} numbers for {count} events", remedy)
    return each


_core.register_type("Reservation", Reservation)
_core.register_type("Peek", Peek)

__all__ = ["Peek", "Reservation"]
