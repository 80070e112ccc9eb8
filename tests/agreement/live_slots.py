"""What the tests of the allocator share: how many slots are taken."""

from typing import Any


def taken(allocator: Any) -> list[int]:
    """Return how many slots of each pool are not free."""
    return [stats.live for stats in allocator.stats().values()]
