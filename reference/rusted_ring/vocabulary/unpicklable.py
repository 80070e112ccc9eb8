"""The base class of objects that only the process that made them can use [PTR-9]."""

from typing import NoReturn


class Unpicklable:
    """The base class of objects that refer to slots or rings, and so cannot be pickled or deep-copied [PTR-9]."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        kind = type(self).__name__
        raise TypeError(
            f"self is a {kind}, which only this process can use: it cannot be pickled; pickle the events' bytes"
        )

    def __deepcopy__(self, memo: object) -> NoReturn:
        kind = type(self).__name__
        raise TypeError(
            f"self is a {kind}, which refers to shared memory: it cannot be deep-copied; copy the events' bytes"
        )
