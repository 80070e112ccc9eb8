"""The size class of a payload [SIZE-2]."""

from rusted_ring.vocabulary.sizes import EventSize


def smallest_class(length: int) -> EventSize:
    """Return the smallest size class whose limit is at least `length` bytes [SIZE-2].

    pre: 0 <= length <= 4294967295
    post: length <= _
    post: all(size >= _ for size in EventSize if length <= size)
    """
    return min(size for size in EventSize if length <= size)
