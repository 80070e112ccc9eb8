"""Every operation and every error of rings, writers and readers [RING-1]."""

import dataclasses
from typing import Any, Final

from rusted_ring.verify.lockstep import READER_FIGURES, RING_FIGURES, Engine
from rusted_ring.verify.operation import (
    CHOICE,
    EVENT_TYPE,
    FLAG,
    RING_LENGTH,
    SMALL,
    TAG,
    Kind,
    Registry,
    Skip,
    registrar,
)
from rusted_ring.verify.pool_operations import UNPICKLABLE, batch, form, require
from rusted_ring.verify.script import Pair, payload, plain

RING_OPERATIONS: Final[Registry] = {}
operation = registrar(RING_OPERATIONS, "rings")

RINGS: Final = 2
READERS: Final = 8
SIZE: Final = Kind(1, 300, (1, 7, 8, 64, 64, 65, 100))
CAPACITY: Final = Kind(1, 40, (1, 2, 2, 3, 4, 5, 7, 8))
PLACES: Final = Kind(1, 6, (1, 2, 2, 3))
LIMIT: Final = Kind(0, 100, (0, 1, 2, 3, 5, 8, 100))


@dataclasses.dataclass
class RingNote:
    """What the engine remembers of a ring and of its writer and readers.

    Attributes:
        size: the largest payload.
        capacity: the number of slots.
        gated: whether the ring is gated.
        ring: the ring's pair.
        figures: the properties that the backend offers.
    """

    size: int
    capacity: int
    gated: bool
    ring: Pair | None
    figures: frozenset[str]


def note_for(engine: Engine, of: RingNote, class_name: str) -> RingNote:
    """Return a note for a writer or reader of a ring."""
    names = [name for name, _ in READER_FIGURES if engine.offers(f"{class_name}.{name}")]
    return dataclasses.replace(of, figures=frozenset(names))


# Rings


@operation(
    "RING-29",
    "LAYOUT-6",
    "RING-3",
    reaches="RING-45",
    needs="RingBuffer",
    weight=1.5,
    size=SIZE,
    capacity=CAPACITY,
    places=PLACES,
    choice=FLAG,
)
def make_ring(engine: Engine, size: int, capacity: int, places: int, choice: int) -> None:
    """Make a ring, and let the oldest of several go with all that belongs to it."""
    gated = choice % 2 == 1 and engine.offers("RingBuffer.gated")
    if gated:
        awaited = min((0, 2, 1, 3)[choice // 2 % 4], places)
        template = "backend.RingBuffer({0}, {1}, mode='gated', max_readers={2})"
        if awaited and engine.offers("RingBuffer.readers_awaited"):
            engine.clause = "RING-45"
            engine.reached("RING-45")
            template = f"{template[:-1]}, wait_for_readers={awaited})"
        made = engine.call(template, size, capacity, places, keep="ring")
    else:
        made = engine.call("backend.RingBuffer({0}, {1})", size, capacity, keep="ring")
    if made is None:
        return
    names = [name for name, _ in RING_FIGURES if engine.offers(f"RingBuffer.{name}")]
    made.note = RingNote(size, capacity, gated, made, frozenset(names))
    engine.rings.append(made)
    engine.touched_rings = True
    if engine.offers("RingBuffer.memory_usage"):
        engine.clause = "LAYOUT-6"
        engine.call("{0}.memory_usage()", made)
    if len(engine.rings) > RINGS:
        let_go(engine, engine.rings[0])


def let_go(engine: Engine, ring: Pair) -> None:
    """Forget a ring, its writer and its readers."""
    engine.rings.remove(ring)
    gone = [ring]
    for pairs in (engine.writers, engine.readers, engine.ended_writers, engine.ended_readers):
        belonging = [pair for pair in pairs if pair.note.ring is ring]
        for pair in belonging:
            pairs.remove(pair)
        gone += belonging
    engine.forget(*gone)


RING_PROPERTIES: Final = (
    "{0}.size",
    "{0}.capacity",
    "{0}.mode",
    "{0}.max_readers",
    "{0}.write_cursor",
    "{0}.retained",
    "{0}.readers",
    "{0}.memory_usage()",
    "type(repr({0}))",
)


@operation(
    "RING-29",
    "PARAM-4",
    "LAYOUT-6",
    needs="RingBuffer.memory_usage RingBuffer.max_readers",
    index=CHOICE,
    choice=CHOICE,
)
def read_ring(engine: Engine, index: int, choice: int) -> None:
    """Ask a ring for one of its properties."""
    engine.call(RING_PROPERTIES[choice % len(RING_PROPERTIES)], engine.pick(engine.rings, index))


# Writers


@operation("RING-4", errors={"WriterTaken": "RING-4", "EndOfStream": "RING-40"}, needs="Writer", weight=2, index=CHOICE)
def make_writer(engine: Engine, index: int) -> None:
    """Make a writer of a ring that may have one."""
    ring = engine.pick(engine.rings, index)
    made = engine.call("backend.Writer({0})", ring, keep="writer")
    if made is not None:
        made.note = dataclasses.replace(
            ring.note, figures=frozenset({"closed"} if engine.offers("Writer.closed") else ())
        )
        engine.writers.append(made)


@operation("RING-4", "RING-57", needs="Writer.close", weight=0.7, index=CHOICE, choice=FLAG)
def end_writer(engine: Engine, index: int, choice: int) -> None:
    """Close a writer, leave its `with` block, or let it be collected."""
    pair = engine.take(engine.writers, index)
    engine.touched_rings = True
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
    errors={"EndOfStream": "RING-40 RING-39", "TypeError": "ERR-4"},
    needs="Writer.close RingBuffer.ended",
    weight=0.4,
    index=CHOICE,
    choice=FLAG,
)
def end_stream(engine: Engine, index: int, choice: int) -> None:
    """End a ring's stream, mostly with a reader that has read all of it."""
    pair = engine.take(engine.writers, index)
    engine.touched_rings = True
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
    errors={"PayloadTooLarge": "RING-9"},
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


# What each does is the same whenever it is done: the time is up at once, or there is room.
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
    """Whether readers, or readers that are awaited, hold the writer of a reference's ring back."""
    return bool(ring.mode == "gated" and ring.readers + ring.readers_awaited > 0)


def has_room(writer: Any) -> bool:
    """Whether a writer of the reference surely has room for an event."""
    if writer.closed:
        return False
    ring = writer.ringbuffer
    return bool(ring.mode == "overwrite" or ring.retained < ring.capacity)


@operation(
    "RING-46",
    "RING-47",
    "RING-38",
    errors={"PayloadTooLarge": "RING-9", "TypeError": "RING-38 ERR-4", "ValueError": "RING-38 ERR-4"},
    needs="Writer.fileno Writer.add_many",
    weight=2,
    index=CHOICE,
    length=RING_LENGTH,
    tag=TAG,
    choice=CHOICE,
)
def add_in_time(engine: Engine, index: int, length: int, tag: int, choice: int) -> None:
    """Add with a time to wait, which is up at once or not needed, or is none."""
    pair = engine.pick(engine.writers, index)
    engine.touched_rings = True
    templates: tuple[str, ...] = WRONG_ADDS
    if choice % 4:
        templates = ADDS_WHERE_THERE_IS_ROOM if has_room(pair.expected) and choice % 4 == 1 else ADDS_IN_TIME
    data = form(payload(engine.settle(length) % (pair.note.size + 1), engine.settle(tag)), 0)
    engine.call(templates[choice // 4 % len(templates)], pair, data)


@operation("RING-49", reaches="RING-14", needs="Writer.fileno Writer.add_many", weight=2, index=CHOICE, choice=FLAG)
def watch_for_room(engine: Engine, index: int, choice: int) -> None:
    """Ask whether a writer's descriptor is readable where that is certain: with room, and after an add found none."""
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
    errors={"PayloadTooLarge": "RING-9"},
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
    """Add a batch, in one of the ways that a batch is given."""
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
    "RING-25", "RING-10", reaches="RING-14", needs="Writer.add_many", weight=1, index=CHOICE, tag=TAG, times=SMALL
)
def lap(engine: Engine, index: int, tag: int, times: int) -> None:
    """Add more events than the ring holds, once or several times over."""
    pair = engine.pick(engine.writers, index)
    engine.touched_rings = True
    length = min(pair.note.size, 9)
    count = pair.note.capacity * min(engine.settle(times), 3) + 1
    made = engine.call("{0}.add_many({1}, lengths={2})", pair, payload(length * count, engine.settle(tag)), length)
    if made is not None and made.expected < count:
        engine.reached("RING-14")


# Readers


@operation(
    "RING-16",
    "RING-17",
    errors={"ReadersFull": "RING-21"},
    needs="Reader",
    weight=4,
    index=CHOICE,
    choice=FLAG,
)
def make_reader(engine: Engine, index: int, choice: int) -> None:
    """Join a ring at its oldest or its next event."""
    ring = engine.pick(engine.rings, index)
    engine.touched_rings = True
    if len(engine.readers) >= READERS:
        raise Skip
    template = ("backend.Reader({0}, start='latest')", "backend.Reader({0}, start='oldest')", "backend.Reader({0})")[
        choice % 3
    ]
    enter_reader(engine, ring, engine.call(template, ring, keep="reader"))


def enter_reader(engine: Engine, ring: Pair, made: Pair | None) -> None:
    """Remember a new reader."""
    if made is not None:
        made.note = note_for(engine, ring.note, "Reader")
        engine.readers.append(made)


@operation(
    "RING-18",
    errors={"ValueError": "RING-18"},
    needs="Reader.cursor RingBuffer.write_cursor",
    weight=1.5,
    index=CHOICE,
    back=Kind(-2, 50, (-1, 0, 1, 2, 3, 5, 9)),
)
def make_reader_at(engine: Engine, index: int, back: int) -> None:
    """Join a ring at a cursor that is so many events behind the next one."""
    ring = engine.pick(engine.rings, index)
    engine.touched_rings = True
    if len(engine.readers) >= READERS:
        raise Skip
    cursor = ring.expected.write_cursor - back
    made = engine.call("backend.Reader({0}, cursor={1})", ring, cursor, keep="reader", argument_name="cursor")
    enter_reader(engine, ring, made)


def note_pending(engine: Engine, pair: Pair) -> None:
    """Count the clauses that reading now checks."""
    if pair.note.gated and len(engine.readers) > 1:
        engine.coverage.reached["RING-15"] += 1


READ_ERRORS: Final = {"Lagged": "RING-11 ERR-5 RING-12", "RingClosed": "RING-20", "EndOfStream": "RING-39"}


@operation(
    "RING-7",
    "RING-5",
    "RING-6",
    "RING-12",
    "RING-13",
    errors=READ_ERRORS,
    reaches="RING-15",
    needs="Reader.next",
    weight=8,
    index=CHOICE,
)
def read_next(engine: Engine, index: int) -> None:
    """Read one event."""
    pair = engine.pick(engine.readers, index)
    engine.touched_rings = True
    note_pending(engine, pair)
    engine.call("{0}.next()", pair)


@operation(
    "RING-26",
    "RING-12",
    errors={**READ_ERRORS, "Lagged": "RING-26 RING-11 ERR-5"},
    reaches="RING-15",
    needs="Reader.next_many",
    weight=4,
    index=CHOICE,
    limit=LIMIT,
)
def read_many(engine: Engine, index: int, limit: int) -> None:
    """Read several events, and keep the batch."""
    pair = engine.pick(engine.readers, index)
    engine.touched_rings = True
    note_pending(engine, pair)
    made = engine.call("{0}.next_many({1})", pair, limit, keep="batch")
    if made is not None:
        made.note = plain(made.expected)
        engine.retain(engine.batches, made, 2)


@operation(
    "RING-43",
    "RING-12",
    errors={"RingClosed": "RING-20", "TypeError": "ERR-4", "ValueError": "RING-43 ERR-4"},
    reaches="RING-44",
    needs="Reader.skip_to_latest",
    weight=1.5,
    index=CHOICE,
    keep=SMALL,
    choice=FLAG,
)
def skip(engine: Engine, index: int, keep: int, choice: int) -> None:
    """Skip to the newest events."""
    pair = engine.pick(engine.readers, index)
    engine.touched_rings = True
    templates = ("{0}.skip_to_latest({1})", "{0}.skip_to_latest()", "{0}.skip_to_latest(keep={1})")
    wrong = (
        "{0}.skip_to_latest(-1)",
        "{0}.skip_to_latest(True)",
        "{0}.skip_to_latest('1')",
        "{0}.skip_to_latest(2**70)",
    )
    made = engine.call((*templates, *wrong)[choice % 7] if choice % 3 else templates[0], pair, keep)
    if made is not None and made.expected and pair.note.gated:
        engine.reached("RING-44")


# What each does is the same whenever it is done: the time is up at once, or there is something to read.
WAITS: Final = (
    "{0}.next(timeout=0)",
    "{0}.next(0.0)",
    "{0}.next(1e-9)",
    "{0}.next_many({1}, 0)",
    "{0}.next_many({1}, timeout=1e-9)",
    "{0}.next_many(0, None)",
)
WAITS_FOR_WHAT_IS_THERE: Final = (
    "{0}.next(None)",
    "{0}.next(timeout=3600)",
    "{0}.next(float('inf'))",
    "{0}.next(10**400)",
    "{0}.next_many({1}, None)",
)
WRONG_WAITS: Final = (
    "{0}.next(True)",
    "{0}.next('1')",
    "{0}.next(-1)",
    "{0}.next(float('nan'))",
    "{0}.next_many({1}, b'')",
    "{0}.next_many(1, -0.5)",
    "{0}.next_many(-1, -1)",
    "{0}.next_many(1.0, 'no')",
)


@operation(
    "RING-7",
    "RING-12",
    "RING-31",
    "RING-38",
    errors={**READ_ERRORS, "TypeError": "RING-38 ERR-4", "ValueError": "RING-38 ERR-4"},
    needs="Reader.fileno Reader.next_many Reader.lag",
    weight=2,
    index=CHOICE,
    limit=LIMIT,
    choice=CHOICE,
)
def read_waiting(engine: Engine, index: int, limit: int, choice: int) -> None:
    """Read with a time to wait, which is up at once or not needed, or is none."""
    pair = engine.pick(engine.readers, index)
    engine.touched_rings = True
    templates: tuple[str, ...] = WRONG_WAITS
    if choice % 4:
        there_is_something = not pair.expected.evicted and pair.expected.lag > 0
        templates = WAITS_FOR_WHAT_IS_THERE if there_is_something and choice % 4 == 1 else WAITS
    template = templates[choice // 4 % len(templates)]
    if "next_many" in template:
        engine.clause = "RING-26"
    engine.call(template, pair, limit)


@operation(
    "RING-60",
    errors=READ_ERRORS,
    needs="Reader.fileno Reader.lag",
    weight=1.5,
    index=CHOICE,
    choice=FLAG,
)
def watch(engine: Engine, index: int, choice: int) -> None:
    """Ask whether a reader's descriptor is readable where that is certain: behind, and when there was no event."""
    pair = engine.pick(engine.readers, index)
    engine.touched_rings = True
    readable = "bool(__import__('select').select([{0}], [], [], 0)[0])"
    if pair.expected.evicted:
        engine.call("{0}.fileno()", pair)
    elif pair.expected.lag > 0 or choice:
        engine.call(f"[{{0}}.fileno() >= 0, {{0}}.lag == 0 or {readable}]", pair)
    else:
        engine.call(f"[{{0}}.next(), {readable}, {{0}}.next(), {readable}]", pair)


@operation("RING-28", "RING-26", needs="Reader.next_many", weight=1, index=CHOICE, start=SMALL, choice=FLAG)
def look_at_batch(engine: Engine, index: int, start: int, choice: int) -> None:
    """Look at a batch read earlier in the ways of a sequence."""
    engine.call(
        (
            "list({0})",
            "len({0})",
            "{0}[{1}:]",
            "{0}[::-1]",
            "({0}.first_sequence, bytes({0}.data), list({0}.lengths), list({0}.event_types))",
            "({0}.data.readonly, {0}.data.format, {0}.lengths.format, {0}.event_types.format)",
            "{0} == {0}",
            "[event.len for event in {0}]",
        )[choice % 8],
        engine.pick(engine.batches, index),
        start,
    )


@operation(
    "LAYOUT-9",
    errors={"ValueError": "LAYOUT-9"},
    needs="Reader.next_many EventBatch.records",
    weight=0.5,
    index=CHOICE,
    itemsize=SMALL,
    choice=FLAG,
)
def see_records(engine: Engine, index: int, itemsize: int, choice: int) -> None:
    """Look at a batch read earlier as records of one size."""
    engine.call(
        ("bytes({0}.records({1}))", "bytes({0}.records(max([1, *{0}.lengths])))")[choice % 2],
        engine.pick(engine.batches, index),
        itemsize,
    )


@operation("RING-8", errors=READ_ERRORS, needs="Reader.__iter__", weight=1.5, index=CHOICE, choice=FLAG)
def iterate(engine: Engine, index: int, choice: int) -> None:
    """Read all there is now."""
    pair = engine.pick(engine.readers, index)
    engine.touched_rings = True
    engine.call("list({0})" if choice else "iter({0}) is {0}", pair)


@operation("RING-20", errors={"ValueError": "RING-20"}, needs="Reader.evict RingBuffer.gated", weight=1.5, index=CHOICE)
def evict(engine: Engine, index: int) -> None:
    """Take a reader out of its ring."""
    engine.touched_rings = True
    pair = engine.pick(engine.readers, index)
    made = engine.call("{0}.evict()", pair)
    if made is not None and index % 3 == 0:
        engine.readers.remove(pair)
        engine.retain(engine.ended_readers, pair, 3)


@operation("RING-19", needs="Reader.close", weight=1, index=CHOICE, choice=FLAG)
def end_reader(engine: Engine, index: int, choice: int) -> None:
    """Close a reader, leave its `with` block, or let it be collected."""
    pair = engine.take(engine.readers, index)
    engine.touched_rings = True
    if choice % 3 == 0:
        engine.coverage.outcomes["end_reader", ""] += 1
        engine.forget(pair)
        return
    if choice % 3 == 1 or pair.expected.evicted:
        engine.call("{0}.close()", pair)
    else:
        engine.call("{0}.__enter__() is {0}", pair)
        engine.call("{0}.__exit__(None, None, None)", pair)
    engine.retain(engine.ended_readers, pair, 3)


READER_USES: Final = (
    "{0}.next()",
    "{0}.next_many(1)",
    "{0}.next_many(-1)",
    "list({0})",
    "{0}.lag",
    "{0}.backlog",
    "{0}.backpressure_ratio",
    "{0}.evict()",
    "{0}.ringbuffer is None",
    "{0}.__enter__() is {0}",
    "{0}.start",
    "{0}.cursor",
    "{0}.delivered",
    "{0}.skipped",
    "{0}.closed",
    "{0}.evicted",
    "{0}.close()",
    "{0}.__exit__(None, None, None)",
    "type(repr({0}))",
)


WAITING_USES: Final = ("{0}.next(None)", "{0}.next_many(1, 'no')", "{0}.fileno()", "{0}.__aiter__()")


@operation(
    "RING-56",
    errors={"RingClosed": "RING-56 RING-20"},
    needs="Reader.close Reader.start",
    weight=1.5,
    index=CHOICE,
    choice=CHOICE,
)
def use_closed_reader(engine: Engine, index: int, choice: int) -> None:
    """Use a reader after its end."""
    engine.touched_rings = True
    uses = READER_USES + (WAITING_USES if engine.offers("Reader.fileno") else ())
    engine.call(uses[choice % len(uses)], engine.pick(engine.ended_readers, index))


READER_PROPERTIES: Final = (
    "{0}.lag",
    "{0}.backlog",
    "{0}.backpressure_ratio",
    "{0}.start",
    "{0}.cursor",
    "{0}.delivered",
    "{0}.skipped",
    "{0}.closed",
    "{0}.evicted",
    "type(repr({0}))",
    "{0}.delivered + {0}.skipped == {0}.cursor - {0}.start",
)


@operation(
    "RING-22",
    "RING-23",
    "RING-24",
    "RING-12",
    errors={"RingClosed": "RING-20"},
    needs="Reader.lag Reader.start",
    index=CHOICE,
    choice=CHOICE,
)
def read_reader(engine: Engine, index: int, choice: int) -> None:
    """Ask a reader for one of its properties."""
    engine.call(READER_PROPERTIES[choice % len(READER_PROPERTIES)], engine.pick(engine.readers, index))


@operation(
    "PTR-9", errors={"TypeError": "PTR-9"}, needs="Writer.__reduce_ex__", weight=0.3, index=CHOICE, choice=CHOICE
)
def pickle_end(engine: Engine, index: int, choice: int) -> None:
    """Pickle a writer or a reader."""
    ends = engine.writers[-1:] + engine.readers[-1:] + engine.ended_writers[-1:] + engine.ended_readers[-1:]
    engine.call(UNPICKLABLE[choice % len(UNPICKLABLE)], engine.pick(ends, index))


# What is refused

BAD_RINGS: Final = (
    ("backend.RingBuffer(0, 1)", "size"),
    ("backend.RingBuffer(-1, 1)", "size"),
    ("backend.RingBuffer(2**32, 1)", "size"),
    ("backend.RingBuffer(2**70, 1)", "size"),
    ("backend.RingBuffer(True, 1)", "size"),
    ("backend.RingBuffer(1.0, 1)", "size"),
    ("backend.RingBuffer('1', 1)", "size"),
    ("backend.RingBuffer(None, 1)", "size"),
    ("backend.RingBuffer(1, 0)", "capacity"),
    ("backend.RingBuffer(1, -1)", "capacity"),
    ("backend.RingBuffer(1, 2**32)", "capacity"),
    ("backend.RingBuffer(1, 2**70)", "capacity"),
    ("backend.RingBuffer(1, True)", "capacity"),
    ("backend.RingBuffer(1, 1.0)", "capacity"),
    ("backend.RingBuffer(1, '1')", "capacity"),
    ("backend.RingBuffer(1, 1, mode='other')", "mode"),
    ("backend.RingBuffer(1, 1, mode=5)", "mode"),
    ("backend.RingBuffer(1, 1, mode=None)", "mode"),
    ("backend.RingBuffer(1, 1, mode='gated', max_readers=0)", "max_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', max_readers=1025)", "max_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', max_readers=-1)", "max_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', max_readers=True)", "max_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', max_readers=1.0)", "max_readers"),
    ("backend.RingBuffer(1, 1, max_readers=0)", "max_readers"),
    ("backend.RingBuffer(64, 10_000)", ""),
    ("backend.RingBuffer(2**20, 1)", ""),
    ("backend.RingBuffer(2**20 - 8, 1)", ""),
    ("backend.RingBuffer(2**20 - 264, 1).memory_usage()", ""),
    ("backend.RingBuffer(2**20 - 200, 1).memory_usage()", ""),
    ("backend.RingBuffer(2**32 - 1, 2**32 - 1)", ""),
    ("backend.RingBuffer(1, 1, mode='gated', max_readers=1024).memory_usage()", ""),
    ("backend.RingBuffer(1, 1, max_ring_bytes=319)", ""),
    ("backend.RingBuffer(1, 1, max_ring_bytes=320).memory_usage()", ""),
    ("backend.RingBuffer(2**20, 1, max_ring_bytes=2**21).memory_usage()", ""),
    ("backend.RingBuffer(1, 1, max_ring_bytes=True)", "max_ring_bytes"),
    ("backend.RingBuffer(1, 1, max_ring_bytes='1')", "max_ring_bytes"),
    ("backend.RingBuffer(1, 1, max_ring_bytes=1.5)", "max_ring_bytes"),
    ("backend.RingBuffer(1, 1, mode='gated', wait_for_readers=17)", "wait_for_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', max_readers=2, wait_for_readers=3)", "wait_for_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', wait_for_readers=-1)", "wait_for_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', wait_for_readers=True)", "wait_for_readers"),
    ("backend.RingBuffer(1, 1, mode='gated', wait_for_readers=None)", "wait_for_readers"),
    ("backend.RingBuffer(1, 1, wait_for_readers=1)", "wait_for_readers"),
    ("backend.RingBuffer(1, 1, wait_for_readers=0).memory_usage()", ""),
    ("backend.Writer(None)", "ringbuffer"),
    ("backend.Writer(5)", "ringbuffer"),
    ("backend.Reader(None)", "ringbuffer"),
    ("backend.Reader('ring')", "ringbuffer"),
)


@operation(
    "LAYOUT-6",
    errors={"LayoutError": "RING-29 LAYOUT-7", "TypeError": "ERR-4 ERR-6", "ValueError": "RING-29 ERR-4"},
    reaches="ERR-3",
    needs="RingBuffer.memory_usage",
    weight=1,
    index=CHOICE,
)
def make_bad_ring(engine: Engine, index: int) -> None:
    """Ask for a ring of a wrong shape, or for the largest that is right."""
    template, name = BAD_RINGS[index % len(BAD_RINGS)]
    engine.coverage.reached["ERR-3"] += 1
    if "mode=" in template:
        require(engine, "RingBuffer.gated")
    engine.call(template, argument_name=name)


BAD_ON_WRITER: Final = (
    ("{0}.add('text')", "data"),
    ("{0}.add(None)", "data"),
    ("{0}.add(5)", "data"),
    ("{0}.add(memoryview(b'abcdef')[::2])", "data"),
    ("{0}.add(b'', True)", "event_type"),
    ("{0}.add(b'', -1)", "event_type"),
    ("{0}.add(b'', 2**32)", "event_type"),
    ("{0}.add(b'', 1.0)", "event_type"),
    ("{0}.add(b'', '1')", "event_type"),
    ("{0}.add(bytes(301))", ""),
    ("{0}.add(bytes(301), -1)", "event_type"),
    ("{0}.add_many('text')", "data"),
    ("{0}.add_many(5)", "data"),
    ("{0}.add_many([b'', 'b'])", "data"),
    ("{0}.add_many(b'abc', lengths=2)", ""),
    ("{0}.add_many(b'abc', lengths=0)", "lengths"),
    ("{0}.add_many(b'abc', lengths=-1)", "lengths"),
    ("{0}.add_many(b'abc', lengths=True)", "lengths"),
    ("{0}.add_many(b'abc', lengths=[1, 1])", ""),
    ("{0}.add_many([b''], lengths=0)", "lengths"),
    ("{0}.add_many([b'', b''], event_types=[1])", ""),
    ("{0}.add_many([b'', b''], event_types=[1, -1])", "event_types"),
    ("{0}.add_many([b''], event_types=True)", "event_types"),
    ("{0}.add_many([b''], event_types=2**32)", "event_types"),
    ("{0}.add_many([b'', bytes(301)])", ""),
    ("{0}.add_many(memoryview(b'abcdef')[::2], lengths=1)", "data"),
)


@operation(
    "ERR-4",
    errors={"TypeError": "ERR-4 ERR-6", "ValueError": "ERR-4 ALLOC-23", "PayloadTooLarge": "RING-9"},
    needs="Writer.add_many",
    weight=1,
    index=CHOICE,
    choice=CHOICE,
)
def add_badly(engine: Engine, index: int, choice: int) -> None:
    """Add what cannot be added."""
    engine.touched_rings = True
    template, name = BAD_ON_WRITER[choice % len(BAD_ON_WRITER)]
    engine.call(template, engine.pick(engine.writers, index), argument_name=name)


BAD_ON_RING: Final = (
    ("backend.Reader({0}, start='other')", "start"),
    ("backend.Reader({0}, start=5)", "start"),
    ("backend.Reader({0}, start=None)", "start"),
    ("backend.Reader({0}, cursor=True)", "cursor"),
    ("backend.Reader({0}, cursor=1.0)", "cursor"),
    ("backend.Reader({0}, cursor='1')", "cursor"),
    ("backend.Reader({0}, cursor=-1)", "cursor"),
    ("backend.Reader({0}, cursor=2**64)", "cursor"),
    ("backend.Reader({0}, cursor=2**70)", "cursor"),
)
BAD_ON_READER: Final = (
    ("{0}.next_many(-1)", "limit"),
    ("{0}.next_many(True)", "limit"),
    ("{0}.next_many(1.0)", "limit"),
    ("{0}.next_many('1')", "limit"),
    ("{0}.next_many(None)", "limit"),
)


@operation(
    "ERR-4",
    errors={"TypeError": "ERR-4 ERR-6", "ValueError": "RING-18 ERR-4", "RingClosed": "RING-20"},
    needs="Reader.next_many",
    weight=1,
    index=CHOICE,
    choice=CHOICE,
)
def read_badly(engine: Engine, index: int, choice: int) -> None:
    """Join or read with a wrong argument."""
    engine.touched_rings = True
    if choice % 2 and engine.readers:
        template, name = BAD_ON_READER[choice // 2 % len(BAD_ON_READER)]
        pair = engine.pick(engine.readers, index)
        engine.call(template, pair, argument_name="" if pair.expected.evicted else name)
    else:
        template, name = BAD_ON_RING[choice // 2 % len(BAD_ON_RING)]
        engine.call(template, engine.pick(engine.rings, index), argument_name=name)
