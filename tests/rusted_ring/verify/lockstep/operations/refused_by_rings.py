"""Arguments that rings, writers and readers refuse [ERR-4]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import require
from rusted_ring.verify.lockstep.registry import CHOICE, Registry, registrar

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "rings")


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
    """Make a ring of a wrong shape, or of the largest valid one."""
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
    """Add with a wrong argument."""
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
