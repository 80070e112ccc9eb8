"""Size classes and the pools that serve them [SIZE-1 to SIZE-4]."""

import enum
from typing import Any

from rusted_ring.vocabulary.shown import short, shown


class _Numbered(enum.EnumMeta):
    """An enumeration whose error for an unknown number shows a long number in a short form [ERR-4]."""

    def __call__(cls, value: Any, *names: Any, **options: Any) -> Any:
        return super().__call__(short(value) if isinstance(value, int) else value, *names, **options)


class EventSize(enum.IntEnum, metaclass=_Numbered):
    """A size class; its value is the largest payload of the class in bytes [SIZE-1]."""

    XS = 64
    S = 256
    M = 1_024
    L = 4_096
    XL = 16_384
    XXL = 4_294_967_295


class PoolId(enum.IntEnum, metaclass=_Numbered):
    """The pool that serves a size class [SIZE-4]."""

    XS = 0
    S = 1
    M = 2
    L = 3
    XL = 4
    XXL = 5

    @classmethod
    def from_size(cls, size: EventSize) -> "PoolId":
        """Return the pool of a size class [SIZE-4].

        Args:
            size: a size class.

        Raises:
            TypeError: `size` is not an `EventSize`.
        """
        if not isinstance(size, EventSize):
            raise TypeError(
                f"size is {shown(size)}: a {type(size).__name__}, not an EventSize; pass an EventSize, for example "
                f"EventAllocator.estimate_size(length)"
            )
        return cls[size.name]

    @property
    def size(self) -> EventSize:
        """The size class that the pool serves [SIZE-4]."""
        return EventSize[self.name]
