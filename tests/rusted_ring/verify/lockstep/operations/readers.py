"""Operations of readers [RING-5]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import UNPICKLABLE
from rusted_ring.verify.lockstep.operations.rings import LIMIT, READERS, note_for
from rusted_ring.verify.lockstep.registry import CHOICE, FLAG, SMALL, Kind, Registry, Skip, registrar
from rusted_ring.verify.lockstep.script import Pair, plain

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "rings")


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
    """Keep a new reader."""
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
    """Join a ring at a cursor some events behind the next one."""
    ring = engine.pick(engine.rings, index)
    engine.touched_rings = True
    if len(engine.readers) >= READERS:
        raise Skip
    cursor = ring.expected.write_cursor - back
    made = engine.call("backend.Reader({0}, cursor={1})", ring, cursor, keep="reader", argument_name="cursor")
    enter_reader(engine, ring, made)


def note_pending(engine: Engine, pair: Pair) -> None:
    """Count the clauses that a read checks now."""
    if pair.note.gated and len(engine.readers) > 1:
        engine.coverage.reached["RING-15"] += 1


READ_ERRORS: Final = {
    "Lagged": "RING-11 ERR-5 RING-12",
    "RingClosed": "RING-20",
    "EndOfStream": "RING-39",
    "PeekOpen": "RING-74",
}


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
    errors={"RingClosed": "RING-20", "TypeError": "ERR-4", "ValueError": "RING-43 ERR-4", "PeekOpen": "RING-74"},
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


# Each outcome is independent of timing: the timeout expires at once, or there is an event to read.
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
    """Read with a timeout that expires at once, is not needed, or is invalid."""
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
    """Poll a reader's descriptor if the answer is certain: for a reader that is behind, or that found no event."""
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
    """Use a batch read earlier as a sequence."""
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
    """Use a batch read earlier as records of one size."""
    engine.call(
        ("bytes({0}.records({1}))", "bytes({0}.records(max([1, *{0}.lengths])))")[choice % 2],
        engine.pick(engine.batches, index),
        itemsize,
    )


@operation("RING-8", errors=READ_ERRORS, needs="Reader.__iter__", weight=1.5, index=CHOICE, choice=FLAG)
def iterate(engine: Engine, index: int, choice: int) -> None:
    """Read all events until there is none."""
    pair = engine.pick(engine.readers, index)
    engine.touched_rings = True
    engine.call("list({0})" if choice else "iter({0}) is {0}", pair)


@operation(
    "RING-20",
    errors={"ValueError": "RING-20", "RingClosed": "RING-78", "ReleasedHandle": "RING-77"},
    needs="Reader.evict RingBuffer.gated",
    weight=1.5,
    index=CHOICE,
)
def evict(engine: Engine, index: int) -> None:
    """Evict a reader from its ring."""
    engine.touched_rings = True
    peeking = [held.note.holder for held in engine.peeks if held.note.holder in engine.readers]
    pair = engine.pick(peeking if peeking and index % 2 else engine.readers, index // 2)
    made = engine.call("{0}.evict()", pair)
    for held in engine.peeks:
        if held.note.holder is pair and pair.note.gated:
            held.note.evicted = True
            engine.call("{0}.release()", held)
    if made is not None and index % 3 == 0:
        engine.readers.remove(pair)
        engine.retain(engine.ended_readers, pair, 3)


@operation("RING-19", errors={"ViewsOutstanding": "RING-75"}, needs="Reader.close", weight=1, index=CHOICE, choice=FLAG)
def end_reader(engine: Engine, index: int, choice: int) -> None:
    """Close a reader, leave its `with` block, or let it be collected."""
    pair = engine.take(engine.readers, index)
    engine.touched_rings = True
    if choice % 3 and any(held.note.holder is pair and held.note.views for held in engine.peeks):
        if engine.call("{0}.close()", pair) is None:
            engine.readers.append(pair)
        else:
            engine.retain(engine.ended_readers, pair, 3)
        return
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
    """Read one property of a reader."""
    engine.call(READER_PROPERTIES[choice % len(READER_PROPERTIES)], engine.pick(engine.readers, index))


@operation(
    "PTR-9", errors={"TypeError": "PTR-9"}, needs="Writer.__reduce_ex__", weight=0.3, index=CHOICE, choice=CHOICE
)
def pickle_end(engine: Engine, index: int, choice: int) -> None:
    """Pickle a writer or a reader."""
    ends = engine.writers[-1:] + engine.readers[-1:] + engine.ended_writers[-1:] + engine.ended_readers[-1:]
    engine.call(UNPICKLABLE[choice % len(UNPICKLABLE)], engine.pick(ends, index))
