"""Operations of reservations: slots of a gated ring that are filled in place [RING-61]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import UNPICKLABLE
from rusted_ring.verify.lockstep.operations.lent_slots import Lent, abandon, forget_views, keep_view, use_ended
from rusted_ring.verify.lockstep.operations.writers import has_room
from rusted_ring.verify.lockstep.registry import CHOICE, EVENT_TYPE, FLAG, SMALL, TAG, Registry, Skip, registrar
from rusted_ring.verify.lockstep.script import Pair, payload

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "rings")

RESERVES: Final = (
    "{0}.reserve({1})",
    "{0}.reserve(count={1}, timeout=0.0)",
    "{0}.reserve({1}, timeout=1e-9)",
    "{0}.reserve(10**30)",
    "{0}.reserve()",
)
WRONG_RESERVES: Final = (
    "{0}.reserve(0)",
    "{0}.reserve(-1)",
    "{0}.reserve(True)",
    "{0}.reserve('1')",
    "{0}.reserve(1, timeout=-1)",
    "{0}.reserve(0, timeout='1')",
)


@operation(
    "RING-61",
    "RING-62",
    "RING-70",
    errors={"ReservationOpen": "RING-65", "ValueError": "RING-69 ERR-4", "TypeError": "ERR-4 ERR-6"},
    reaches="RING-14",
    needs="Writer.reserve",
    weight=2,
    index=CHOICE,
    count=SMALL,
    tag=TAG,
    choice=CHOICE,
)
def reserve(engine: Engine, index: int, count: int, tag: int, choice: int) -> None:
    """Reserve slots and fill them, mostly of a gated ring."""
    gated = [pair for pair in engine.writers if pair.note.gated]
    pair = engine.pick(gated if gated and choice % 8 else engine.writers, index)
    engine.touched_rings = True
    if choice % 16 == 1:
        engine.call(WRONG_RESERVES[choice // 16 % len(WRONG_RESERVES)], pair)
        return
    template = RESERVES[choice // 16 % len(RESERVES)]
    if choice % 16 == 2 and has_room(pair.expected):
        template = "{0}.reserve({1}, timeout=None)"
    made = engine.call(template, pair, max(count, 1), keep="reservation")
    if made is None:
        return
    if made.expected is None:
        engine.reached("RING-14")
        engine.forget(made)
        return
    made.note = Lent(pair.note.ring, pair)
    engine.reservations.append(made)
    engine.clause = "RING-62"
    size = pair.note.size
    engine.call("({0}.count, {0}.released, {0}.data.format, {0}.data.readonly, {0}.data.shape)", made)
    fill = "[{0}.slot(index).__setitem__(slice({1}), {2}) for index in range({0}.count)]"
    engine.call(fill, made, size, payload(size, engine.settle(tag)))
    engine.call("bytes({0}.slot({0}.count - 1))", made)
    engine.clause = "RING-70"


WRITES: Final = (
    "{0}.slot({1}).__setitem__(slice({2}), {3})",
    "{0}.data.__setitem__(({1}, {2} - 1), {3}[0])",
)


@operation(
    "RING-62",
    errors={"IndexError": "RING-62 ERR-4", "ReleasedHandle": "RING-68"},
    needs="Writer.reserve",
    weight=2,
    index=CHOICE,
    at=SMALL,
    length=SMALL,
    tag=TAG,
    choice=FLAG,
)
def write_slot(engine: Engine, index: int, at: int, length: int, tag: int, choice: int) -> None:
    """Write into a slot, or ask for one that is not there."""
    pair = engine.pick(engine.reservations, index)
    if choice == 0:
        engine.call("{0}.slot({1})", pair, (at + 100, -1)[at % 2])
        return
    if pair.expected.released:
        raise Skip
    number, size = at % pair.expected.count, pair.note.holder.note.size
    length = max(1, min(engine.settle(length), size))
    engine.call(WRITES[choice % 2], pair, number, length, payload(length, engine.settle(tag)))
    engine.call("bytes({0}.slot({1}))", pair, number)


@operation(
    "RING-62", "RING-66", errors={"ReleasedHandle": "RING-68"}, needs="Writer.reserve", index=CHOICE, choice=FLAG
)
def view_slots(engine: Engine, index: int, choice: int) -> None:
    """Keep a view of reserved slots."""
    pair = engine.pick(engine.reservations, index)
    keep_view(engine, pair, "{0}.data" if choice % 3 == 0 else "{0}.slot(0)")


@operation("RING-66", needs="Writer.reserve", weight=2, index=CHOICE)
def forget_slot_views(engine: Engine, index: int) -> None:
    """Let the views of a reservation go."""
    viewed = [pair for pair in engine.reservations if pair.note.views]
    pair = engine.pick(viewed, index)
    engine.coverage.outcomes["forget_slot_views", ""] += 1
    engine.touched_rings = True
    forget_views(engine, pair)


COMMITS: Final = (
    "{0}.commit()",
    "{0}.commit({1})",
    "{0}.commit({1}, lengths={2}, event_types={3})",
    "{0}.commit(lengths=[{2}] * {1}, event_types={3})",
    "{0}.commit(lengths=array.array('I', [{2}] * {1}), event_types=array.array('I', [{3}] * {1}))",
    "{0}.commit(count={1}, event_types=({3} for _ in range({1})))",
)
WRONG_COMMITS: Final = (
    "{0}.commit(-1)",
    "{0}.commit({0}.count + 1)",
    "{0}.commit(True)",
    "{0}.commit('1')",
    "{0}.commit(0, lengths=[1])",
    "{0}.commit(lengths=-1)",
    "{0}.commit(lengths=2**32)",
    "{0}.commit(1, lengths=2**20)",
    "{0}.commit(lengths=[2**20])",
    "{0}.commit(lengths=[-1])",
    "{0}.commit(lengths='1')",
    "{0}.commit(event_types=-1)",
    "{0}.commit(event_types=[2**32] * {0}.count)",
    "{0}.commit(event_types=[])",
    "{0}.commit(event_types=None)",
)


ENDED_USES: Final = (
    "{0}.commit()",
    "{0}.commit('wrong as well')",
    "{0}.cancel()",
    "{0}.slot(0)",
    "{0}.slot('1')",
    "{0}.data",
    "{0}.count",
    "{0}.released",
    "{0}.__enter__() is {0}",
    "{0}.__exit__(None, None, None)",
    "type(repr({0}))",
    *UNPICKLABLE,
)


@operation(
    "RING-1",
    "RING-65",
    errors={
        "ViewsOutstanding": "RING-66",
        "ReleasedHandle": "RING-68",
        "ValueError": "RING-63 ERR-4",
        "TypeError": "ERR-4 ERR-6 PTR-9",
        "PayloadTooLarge": "RING-9",
    },
    reaches="RING-63 RING-5 RING-64 RING-67 RING-68",
    needs="Writer.reserve",
    weight=6,
    index=CHOICE,
    count=SMALL,
    length=SMALL,
    event_type=EVENT_TYPE,
    choice=CHOICE,
)
def end_reservation(engine: Engine, index: int, count: int, length: int, event_type: int, choice: int) -> None:
    """End a reservation in one of its ways, or fail to; then perhaps use it."""
    pair = engine.pick(engine.reservations, index)
    engine.touched_rings = True
    choice, kind = divmod(choice, 8)
    if kind == 0:
        engine.call(WRONG_COMMITS[choice % len(WRONG_COMMITS)], pair)
        return
    if kind == 1:
        engine.reached("RING-64")
        ended = engine.call("{0}.cancel()", pair) is not None
    elif kind == 2:
        abandon_reservation(engine, pair, collected=choice % 2 == 0, viewed=choice % 4 < 2)
        return
    else:
        engine.reached("RING-63", "RING-5")
        if kind == 3:
            keep_view(engine, pair)
        if not pair.expected.released:
            count = min(engine.settle(count), pair.expected.count)
        length = min(engine.settle(length), pair.note.holder.note.size)
        template = COMMITS[choice % len(COMMITS)]
        ended = engine.call(template, pair, count, length, engine.settle(event_type)) is not None
    if ended:
        forget_views(engine, pair)
        engine.reservations.remove(pair)
        use_ended(engine, pair, "RING-68", ENDED_USES, choice)


def abandon_reservation(engine: Engine, pair: Pair, *, collected: bool, viewed: bool) -> None:
    """Leave a reservation by its `with` block or let it be collected, with or without views of it."""
    if viewed:
        keep_view(engine, pair, "{0}.slot(0)[:1]")
    engine.reached("RING-67" if pair.note.views else "RING-64")
    engine.reservations.remove(pair)
    leaving = ("{0}.__enter__() is {0}", "{0}.__exit__(None, None, None)")
    views = abandon(engine, pair, "end_reservation", leaving, collected=collected)
    if not collected:
        use_ended(engine, pair, "RING-68", ENDED_USES, views)
