"""Operations of writers [RING-2]."""

import dataclasses
from typing import Any, Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import batch, form
from rusted_ring.verify.lockstep.registry import (
    CHOICE,
    EVENT_TYPE,
    FLAG,
    RING_LENGTH,
    SMALL,
    TAG,
    Registry,
    registrar,
)
from rusted_ring.verify.lockstep.script import Pair, payload

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "rings")


# Writers


@operation("RING-4", errors={"WriterTaken": "RING-4", "EndOfStream": "RING-40"}, needs="Writer", weight=2, index=CHOICE)
def make_writer(engine: Engine, index: int) -> None:
    """Make a writer of a ring that may already have one."""
    ring = engine.pick(engine.rings, index)
    made = engine.call("backend.Writer({0})", ring, keep="writer")
    if made is not None:
        made.note = dataclasses.replace(
            ring.note, figures=frozenset({"closed"} if engine.offers("Writer.closed") else ())
        )
        engine.writers.append(made)


def close_viewed(engine: Engine, pair: Pair) -> bool:
    """Close a writer whose reservation has views, and which so stays open; return whether there was one [RING-66]."""
    viewed = [held for held in engine.reservations if held.note.holder is pair and held.note.views]
    if viewed:
        engine.call("{0}.close()", pair)
        engine.writers.append(pair)
    return bool(viewed)


@operation(
    "RING-4",
    "RING-57",
    errors={"ViewsOutstanding": "RING-66"},
    needs="Writer.close",
    weight=0.7,
    index=CHOICE,
    choice=FLAG,
)
def end_writer(engine: Engine, index: int, choice: int) -> None:
    """Close a writer, leave its `with` block, or let it be collected."""
    pair = engine.take(engine.writers, index)
    engine.touched_rings = True
    if choice % 3 and close_viewed(engine, pair):
        return
    if choice % 3 == 0:
        engine.coverage.outcomes["end_writer", ""] += 1
        engine.forget(pair)
        return
    if choice % 3 == 1:
        engine.call("{0}.close()", pair)
    else:
        engine.call("{0}.__enter__() is {0}", pair)
        engine.call("{0}.__exit__(None, None, None)", pair)
    engine.retain(engine.ended_writers, pair, 2)


@operation(
    "RING-39",
    "RING-42",
    errors={"EndOfStream": "RING-40 RING-39", "TypeError": "ERR-4", "ViewsOutstanding": "RING-66"},
    needs="Writer.close RingBuffer.ended",
    weight=0.4,
    index=CHOICE,
    choice=FLAG,
)
def end_stream(engine: Engine, index: int, choice: int) -> None:
    """End a ring's stream, mostly with a reader that has read all events."""
    pair = engine.take(engine.writers, index)
    engine.touched_rings = True
    if close_viewed(engine, pair):
        return
    ring = pair.note.ring
    if choice % 4 == 0:
        engine.call("{0}.close(end=1)", pair)
    engine.call("{0}.close(end=True)", pair)
    engine.retain(engine.ended_writers, pair, 2)
    if choice % 2:
        engine.call("backend.Writer({0})", ring)
    if choice % 3:
        engine.call("[backend.Reader({0}, start='latest').at_eof for _ in range(1)]", ring)
        engine.call("backend.Reader({0}, start='latest').next()", ring)


WRITER_USES: Final = (
    "{0}.add(b'')",
    "{0}.add('text')",
    "{0}.add_many([])",
    "{0}.add_many(b'', lengths=0)",
    "{0}.close()",
    "{0}.close(end=True)",
    "{0}.closed",
    "{0}.ringbuffer is None",
    "{0}.__enter__() is {0}",
    "{0}.__exit__(None, None, None)",
    "type(repr({0}))",
)


@operation(
    "RING-27", errors={"RingClosed": "RING-27"}, needs="Writer.closed Writer.add_many", index=CHOICE, choice=CHOICE
)
def use_closed_writer(engine: Engine, index: int, choice: int) -> None:
    """Use a writer after its end."""
    engine.touched_rings = True
    engine.call(WRITER_USES[choice % len(WRITER_USES)], engine.pick(engine.ended_writers, index))


@operation(
    "RING-5",
    "RING-1",
    "RING-2",
    "RING-10",
    "RING-3",
    "RING-30",
    errors={"PayloadTooLarge": "RING-9", "ReservationOpen": "RING-65"},
    reaches="RING-14",
    needs="Writer.add",
    weight=8,
    index=CHOICE,
    length=RING_LENGTH,
    tag=TAG,
    event_type=EVENT_TYPE,
    choice=FLAG,
)
def add(engine: Engine, index: int, length: int, tag: int, event_type: int, choice: int) -> None:
    """Add an event, mostly one that fits."""
    pair = engine.pick(engine.writers, index)
    engine.touched_rings = True
    length = engine.settle(length)
    if choice:
        length %= pair.note.size + 1
    data = form(payload(length, engine.settle(tag)), engine.settle(choice))
    made = engine.call("{0}.add({1}, {2})", pair, data, engine.settle(event_type))
    if made is not None and made.expected is False:
        engine.reached("RING-14")


# Each outcome is independent of timing: the timeout expires at once, or there is room.
ADDS_IN_TIME: Final = (
    "{0}.add({1}, timeout=0)",
    "{0}.add({1}, 7, timeout=0.0)",
    "{0}.add({1}, event_type=7, timeout=1e-9)",
    "{0}.add_many([{1}, {1}], timeout=0)",
    "{0}.add_many([{1}, {1}, {1}], timeout=1e-9)",
    "{0}.add_many([], timeout=None)",
)
ADDS_WHERE_THERE_IS_ROOM: Final = (
    "{0}.add({1}, timeout=None)",
    "{0}.add({1}, 7, timeout=3600)",
    "{0}.add({1}, timeout=10**400)",
    "{0}.add_many([{1}], timeout=None)",
)
WRONG_ADDS: Final = (
    "{0}.add({1}, timeout=True)",
    "{0}.add({1}, timeout='1')",
    "{0}.add({1}, timeout=-1)",
    "{0}.add(7, timeout=-1)",
    "{0}.add({1}, -1, timeout=b'')",
    "{0}.add_many([{1}], timeout=float('nan'))",
    "{0}.add_many([7], timeout='1')",
)


def holds_back(ring: Any) -> bool:
    """Return whether registered or awaited readers hold back the writer of a ring of the reference."""
    return bool(ring.mode == "gated" and ring.readers + ring.readers_awaited > 0)


def has_room(writer: Any) -> bool:
    """Return whether a writer of the reference surely has room for an event."""
    if writer.closed:
        return False
    ring = writer.ringbuffer
    return bool(ring.mode == "overwrite" or ring.retained < ring.capacity)


@operation(
    "RING-46",
    "RING-47",
    "RING-38",
    errors={
        "PayloadTooLarge": "RING-9",
        "ReservationOpen": "RING-65",
        "TypeError": "RING-38 ERR-4",
        "ValueError": "RING-38 ERR-4",
    },
    needs="Writer.fileno Writer.add_many",
    weight=2,
    index=CHOICE,
    length=RING_LENGTH,
    tag=TAG,
    choice=CHOICE,
)
def add_in_time(engine: Engine, index: int, length: int, tag: int, choice: int) -> None:
    """Add with a timeout that expires at once, is not needed, or is invalid."""
    pair = engine.pick(engine.writers, index)
    engine.touched_rings = True
    templates: tuple[str, ...] = WRONG_ADDS
    if choice % 4:
        templates = ADDS_WHERE_THERE_IS_ROOM if has_room(pair.expected) and choice % 4 == 1 else ADDS_IN_TIME
    data = form(payload(engine.settle(length) % (pair.note.size + 1), engine.settle(tag)), 0)
    engine.call(templates[choice // 4 % len(templates)], pair, data)


@operation(
    "RING-49",
    errors={"ReservationOpen": "RING-65"},
    reaches="RING-14",
    needs="Writer.fileno Writer.add_many",
    weight=2,
    index=CHOICE,
    choice=FLAG,
)
def watch_for_room(engine: Engine, index: int, choice: int) -> None:
    """Poll a writer's descriptor if the answer is certain: with room, or after an add found none."""
    pair = engine.pick(engine.writers, index)
    engine.touched_rings = True
    readable = "bool(__import__('select').select([{0}], [], [], 0)[0])"
    looks = "0"
    if not pair.expected.closed and holds_back(pair.expected.ringbuffer) and choice:
        engine.reached("RING-45" if pair.expected.ringbuffer.readers_awaited else "RING-14")
        looks = f"{{0}}.add_many([b''] * {pair.expected.ringbuffer.capacity}), {{0}}.add(b''), {readable}"
    elif has_room(pair.expected):
        looks = readable
    engine.call(f"[{{0}}.fileno() >= 0, {looks}]", pair)


@operation(
    "RING-25",
    errors={"PayloadTooLarge": "RING-9", "ReservationOpen": "RING-65"},
    reaches="RING-14",
    needs="Writer.add_many",
    weight=3,
    index=CHOICE,
    first=RING_LENGTH,
    second=RING_LENGTH,
    count=SMALL,
    tag=TAG,
    choice=FLAG,
)
def add_many(engine: Engine, index: int, first: int, second: int, count: int, tag: int, choice: int) -> None:
    """Add a batch, in one of the forms of a batch."""
    pair = engine.pick(engine.writers, index)
    engine.touched_rings = True
    if index % 8:
        first %= pair.note.size + 1
        second %= pair.note.size + 1
    count = engine.settle(count)
    template, literals = batch(
        engine.settle(first), engine.settle(second), count, engine.settle(tag), engine.settle(choice)
    )
    made = engine.call(f"{{0}}.add_many({template})", pair, *literals)
    if made is not None and made.expected < count and choice != 5:
        engine.reached("RING-14")


@operation(
    "RING-25",
    "RING-10",
    errors={"ReservationOpen": "RING-65"},
    reaches="RING-14",
    needs="Writer.add_many",
    weight=1,
    index=CHOICE,
    tag=TAG,
    times=SMALL,
)
def lap(engine: Engine, index: int, tag: int, times: int) -> None:
    """Add once or several times as many events as the ring holds, and more."""
    pair = engine.pick(engine.writers, index)
    engine.touched_rings = True
    length = min(pair.note.size, 9)
    count = pair.note.capacity * min(engine.settle(times), 3) + 1
    made = engine.call("{0}.add_many({1}, lengths={2})", pair, payload(length * count, engine.settle(tag)), length)
    if made is not None and made.expected < count:
        engine.reached("RING-14")
