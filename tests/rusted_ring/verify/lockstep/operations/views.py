"""Operations of views [VIEW-1]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.registry import CHOICE, FLAG, SMALL, Registry, registrar
from rusted_ring.verify.lockstep.script import Pair

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")


# Views


def add_view(engine: Engine, made: Pair | None) -> None:
    """Register a new view with its bytes in the reference."""
    if made is not None:
        made.note = bytes(made.expected)
        engine.compare_view(made)
        engine.views.append(made)


@operation("VIEW-1", "VIEW-4", "VIEW-5", needs="RingPtr.data", weight=2, index=CHOICE)
def view(engine: Engine, index: int) -> None:
    """View a pointer's event."""
    add_view(engine, engine.call("{0}.data", engine.pick(engine.pointers, index), keep="v"))


@operation("VIEW-3", "VIEW-2", needs="RingPtr.data", weight=2, index=CHOICE, choice=FLAG, start=SMALL)
def derive_view(engine: Engine, index: int, choice: int, start: int) -> None:
    """Slice or cast a view."""
    pair = engine.pick(engine.views, index)
    if choice == 0 and pair.expected.nbytes % 4 == 0 and pair.expected.nbytes and pair.expected.format == "B":
        made = engine.call("{0}.cast('I')", pair, keep="v")
    elif choice == 1:
        made = engine.call("{0}.toreadonly()", pair, keep="v")
    elif choice == 2:
        made = engine.call("{0}[::2]", pair, keep="v")
    else:
        made = engine.call("{0}[{1}:]", pair, engine.settle(start), keep="v")
    add_view(engine, made)


@operation("VIEW-2", "VIEW-5", "VIEW-6", needs="RingPtr.data", weight=3, index=CHOICE, choice=FLAG)
def forget_view(engine: Engine, index: int, choice: int) -> None:
    """Release a view, or let it be collected."""
    pair = engine.take(engine.views, index)
    if choice == 0:
        engine.call("{0}.release()", pair)
    else:
        engine.coverage.outcomes["forget_view", ""] += 1
    engine.forget(pair)


@operation("VIEW-1", errors={"TypeError": "VIEW-1"}, needs="RingPtr.data", weight=0.5, index=CHOICE)
def write_view(engine: Engine, index: int) -> None:
    """Try to write into a view, which is read-only."""
    pair = engine.pick(engine.views, index)
    engine.call("{0}.__setitem__(0, 1)", pair)
