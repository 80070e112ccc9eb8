"""What the operations of reservations and peeks share: the views of their slots, and their end [RING-62, RING-72]."""

from collections.abc import Sequence

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.script import Pair


class Lent:
    """What the engine remembers of a reservation or a peek.

    Attributes:
        ring: the ring's pair.
        holder: the pair of the writer or reader.
        views: pairs of views that are alive.
        evicted: whether the reader was evicted, so that the memory may change.
    """

    def __init__(self, ring: Pair | None, holder: Pair) -> None:
        """Keep both."""
        self.ring = ring
        self.holder = holder
        self.views: list[Pair] = []
        self.evicted = False


def keep_view(engine: Engine, pair: Pair, template: str = "{0}.slot(0)") -> None:
    """Keep a view of slots, if the call that makes one succeeds."""
    view = engine.call(template, pair, keep="view")
    if view is not None:
        pair.note.views.append(view)


def forget_views(engine: Engine, pair: Pair) -> None:
    """Let go of the views of slots."""
    engine.forget(*pair.note.views)
    pair.note.views = []


def abandon(engine: Engine, pair: Pair, operation: str, leaving: Sequence[str], *, collected: bool) -> int:
    """Let a reservation or peek be collected, or leave it, and then let its views go one by one.

    Args:
        engine: the engine.
        pair: the reservation or peek, which the engine no longer lists.
        operation: the operation that this belongs to.
        leaving: the calls that leave it.
        collected: whether it is collected and not left.

    Returns:
        How many views it had.
    """
    views, pair.note.views = pair.note.views, []
    if collected:
        engine.coverage.outcomes[operation, ""] += 1
        engine.forget(pair)
    else:
        for call in leaving:
            engine.call(call, pair)
    for view in views:
        engine.check_rings()
        engine.forget(view)
    return len(views)


def use_ended(engine: Engine, pair: Pair, clause: str, uses: Sequence[str], choice: int) -> None:
    """Use a reservation or peek after its end, and let it go."""
    engine.reached(clause)
    engine.call(uses[choice % len(uses)], pair)
    engine.forget(pair)
