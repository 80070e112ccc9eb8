"""Handles are of this process alone [PTR-9]."""

from typing import NoReturn


class Unpicklable:
    """What refers to slots or rings of this process, and so can neither be pickled nor deep-copied [PTR-9]."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        kind = type(self).__name__
        raise TypeError(
            f"self is a {kind}, which is of this process alone: it cannot be pickled; pickle the events' bytes"
        )

    def __deepcopy__(self, memo: object) -> NoReturn:
        kind = type(self).__name__
        raise TypeError(
            f"self is a {kind}, which shares what it refers to: it cannot be deep-copied; copy the events' bytes"
        )
