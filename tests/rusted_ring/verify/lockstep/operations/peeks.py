"""Operations of peeks: events of a gated ring that are read where they lie [RING-71]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import UNPICKLABLE
from rusted_ring.verify.lockstep.operations.lent_slots import Lent, abandon, forget_views, keep_view, use_ended
from rusted_ring.verify.lockstep.registry import CHOICE, SMALL, Registry, Skip, registrar
from rusted_ring.verify.lockstep.script import Pair

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "rings")

PEEKS: Final = (
    "{0}.peek({1})",
    "{0}.peek(limit={1}, timeout=0.0)",
    "{0}.peek({1}, 1e-9)",
    "{0}.peek(10**30)",
    "{0}.peek()",
)
WRONG_PEEKS: Final = (
    "{0}.peek(0)",
    "{0}.peek(-1)",
    "{0}.peek(True)",
    "{0}.peek('1')",
    "{0}.peek(1, -1)",
    "{0}.peek(0, '1')",
)


@operation(
    "RING-71",
    "RING-72",
    "RING-80",
    errors={
        "PeekOpen": "RING-74",
        "ReservationOpen": "RING-65",
        "ValueError": "RING-79 ERR-4",
        "TypeError": "ERR-4 ERR-6",
        "RingClosed": "RING-20",
        "EndOfStream": "RING-39",
    },
    needs="Reader.peek",
    weight=6,
    index=CHOICE,
    limit=SMALL,
    choice=CHOICE,
)
def peek(engine: Engine, index: int, limit: int, choice: int) -> None:
    """Peek at events, mostly of a gated ring."""
    pair = engine.pick((ready(engine) if choice % 8 else []) or engine.readers, index)
    engine.touched_rings = True
    if choice % 16 == 1:
        engine.call(WRONG_PEEKS[choice // 16 % len(WRONG_PEEKS)], pair)
        return
    template = PEEKS[choice // 16 % len(PEEKS)]
    if choice % 16 == 2 and not pair.expected.evicted and pair.expected.lag > 0:
        template = "{0}.peek({1}, None)"
    made = engine.call(template, pair, max(limit, 1), keep="peek")
    if made is None:
        return
    if made.expected is None:
        engine.forget(made)
        return
    made.note = Lent(pair.note.ring, pair)
    engine.peeks.append(made)
    look_at(engine, made)


def ready(engine: Engine) -> list[Pair]:
    """Return the readers of gated rings that have an event to read; where there is none, first add one."""
    gated = [pair for pair in engine.readers if pair.note.gated and not pair.expected.evicted]
    found = [pair for pair in gated if pair.expected.lag > 0]
    for writer in engine.writers:
        if not found and any(pair.note.ring is writer.note.ring for pair in gated):
            engine.call("[{0}.has_writer, {1}.add(b'!')]", writer.note.ring, writer)
            found = [pair for pair in gated if pair.expected.lag > 0]
    return found


def look_at(engine: Engine, pair: Pair) -> None:
    """Compare what a peek shows."""
    engine.clause = "RING-72"
    engine.call("({0}.count, {0}.released, {0}.data.format, {0}.data.readonly, {0}.data.shape)", pair)
    if not pair.note.evicted:
        engine.call("({0}.first_sequence, list({0}.lengths), list({0}.event_types))", pair)
        engine.call("[({0}.slot(index).readonly, bytes({0}.slot(index))) for index in range({0}.count)]", pair)
    engine.clause = "RING-71"


@operation(
    "RING-72",
    "RING-80",
    errors={"IndexError": "RING-72 ERR-4", "ReleasedHandle": "RING-77"},
    needs="Reader.peek",
    weight=2,
    index=CHOICE,
    choice=CHOICE,
)
def look_at_peek(engine: Engine, index: int, choice: int) -> None:
    """Look again at a peek, keep a view of it or let its views go, or ask for an event that is not there."""
    pair = engine.pick(engine.peeks, index)
    kind, choice = choice % 4, choice // 4
    engine.touched_rings = True
    if kind == 0 and choice % 2:
        engine.call("{0}.slot({1})", pair, (100, -1)[choice // 2 % 2])
    elif kind == 1:
        keep_view_of_event(engine, pair)
    elif kind == 2 and pair.note.views:
        engine.coverage.outcomes["look_at_peek", ""] += 1
        forget_views(engine, pair)
    else:
        look_at(engine, pair)


def keep_view_of_event(engine: Engine, pair: Pair) -> None:
    """Keep a view of a peek, whose bytes must be those of the event if the reader was not evicted."""
    if pair.note.evicted:
        raise Skip
    keep_view(engine, pair)


WRONG_RELEASES: Final = ("{0}.release(-1)", "{0}.release({0}.count + 1)", "{0}.release(True)", "{0}.release('1')")
ENDED_USES: Final = (
    "{0}.release()",
    "{0}.release('wrong as well')",
    "{0}.slot(0)",
    "{0}.slot('1')",
    "{0}.data",
    "{0}.lengths",
    "{0}.event_types",
    "{0}.first_sequence",
    "{0}.count",
    "{0}.released",
    "{0}.__enter__() is {0}",
    "{0}.__exit__(None, None, None)",
    "type(repr({0}))",
    *UNPICKLABLE,
)


@operation(
    "RING-12",
    "RING-7",
    errors={
        "ViewsOutstanding": "RING-75",
        "ReleasedHandle": "RING-77",
        "RingClosed": "RING-78",
        "ValueError": "RING-73 ERR-4",
        "TypeError": "ERR-4 ERR-6 PTR-9",
    },
    reaches="RING-73 RING-76 RING-77",
    needs="Reader.peek",
    weight=5,
    index=CHOICE,
    count=SMALL,
    choice=CHOICE,
)
def end_peek(engine: Engine, index: int, count: int, choice: int) -> None:
    """End a peek in one of its ways, or fail to; then perhaps use it."""
    pair = engine.pick(engine.peeks, index)
    engine.touched_rings = True
    kind, choice = choice % 8, choice // 8
    engine.reached("RING-73")
    if kind == 0:
        engine.call(WRONG_RELEASES[choice % len(WRONG_RELEASES)], pair)
    elif kind in {1, 6}:
        abandon_peek(engine, pair, collected=choice % 2 == 0, viewed=choice % 4 < 2)
    else:
        if kind == 4 and not pair.expected.released:
            keep_view_of_event(engine, pair)
        if kind == 5 and not pair.note.evicted and pair.note.holder in engine.readers:
            engine.call("{0}.evict()", pair.note.holder)
            pair.note.evicted = True
        if kind == 2:
            ended = engine.call("{0}.__exit__(None, None, None)", pair)
        elif kind == 3:
            most = 0 if pair.expected.released else pair.expected.count
            ended = engine.call("{0}.release({1})", pair, min(engine.settle(count), most))
        else:
            ended = engine.call("{0}.release()", pair)
        if ended is not None or pair.note.evicted:
            forget_views(engine, pair)
            engine.peeks.remove(pair)
            if ended is not None:
                use_ended(engine, pair, "RING-77", ENDED_USES, choice)
            else:
                engine.forget(pair)


def abandon_peek(engine: Engine, pair: Pair, *, collected: bool, viewed: bool) -> None:
    """Leave a peek by an exception or let it be collected, with or without views of it."""
    if viewed:
        keep_view_of_event(engine, pair)
    engine.reached("RING-76")
    engine.peeks.remove(pair)
    views = abandon(engine, pair, "end_peek", ["{0}.__exit__(ValueError, None, None)"], collected=collected)
    if not collected:
        use_ended(engine, pair, "RING-77", ENDED_USES, views)
