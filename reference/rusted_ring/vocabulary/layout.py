"""The bytes of an event in a slot [LAYOUT-1]."""


def round64(number: int) -> int:
    """Return the least multiple of 64 that is at least `number` [LAYOUT-1].

    pre: number >= 0
    post: _ % 64 == 0
    post: number <= _ < number + 64
    """
    return (number + 63) // 64 * 64


def event_bytes(size: int) -> int:
    """Return the bytes of an event whose payload size is `size` [LAYOUT-1].

    pre: size >= 0
    post: _ % 64 == 0
    post: size + 8 <= _ < size + 8 + 64
    """
    return round64(size + 8)
