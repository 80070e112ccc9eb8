"""T-shirt sizes and the pools that serve them [SIZE-1 to SIZE-4]."""

import enum


class EventSize(enum.IntEnum):
    """A size class; its value is the largest payload of the class in bytes [SIZE-1]."""

    XS = 64
    S = 256
    M = 1_024
    L = 4_096
    XL = 16_384
    XXL = 4_294_967_295


class PoolId(enum.IntEnum):
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
            raise TypeError(f"size must be an EventSize, not {size!r}: use EventAllocator.estimate_size(length)")
        return cls[size.name]

    @property
    def size(self) -> EventSize:
        """The size class that the pool serves [SIZE-4]."""
        return EventSize[self.name]


def smallest_class(length: int) -> EventSize:
    """Return the smallest class whose limit is at least `length` [SIZE-2].

    pre: 0 <= length <= 4294967295
    post: length <= _
    post: all(size >= _ for size in EventSize if length <= size)
    """
    return min(size for size in EventSize if length <= size)
