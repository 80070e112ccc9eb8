"""The methods written in C: every way to pass an argument, and objects that they must not be deceived by."""

import array
import ctypes
import gc
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

import rusted_ring.native as native
from rusted_ring.native import EventAllocator, PoolId, Reader, RingBuffer, RingPtr, Writer, _core
from rusted_ring.vocabulary.event import PooledEvent

PAYLOAD = bytes(range(64))
BUFFERS: dict[str, Callable[[], Any]] = {
    "bytes": lambda: PAYLOAD,
    "bytes of a subclass": lambda: type("Bytes", (bytes,), {})(PAYLOAD),
    "bytearray": lambda: bytearray(PAYLOAD),
    "memoryview": lambda: memoryview(PAYLOAD),
    "slice": lambda: memoryview(b"--" + PAYLOAD + b"--")[2:-2],
    "view of two dimensions": lambda: memoryview(PAYLOAD).cast("B", (8, 8)),
    "words": lambda: array.array("Q", PAYLOAD),
    "ctypes": lambda: (ctypes.c_uint16 * 32).from_buffer_copy(PAYLOAD),
    "numpy": lambda: numpy.frombuffer(PAYLOAD, dtype="<f4"),
    "structures": lambda: numpy.frombuffer(PAYLOAD, dtype=[("a", "<u4"), ("b", "S4")]),
    "scalar": lambda: numpy.frombuffer(PAYLOAD, dtype="V64")[0],
}


@pytest.fixture
def ring() -> RingBuffer:
    return RingBuffer(64, 64)


@pytest.fixture
def ends(ring: RingBuffer) -> tuple[Writer, Reader]:
    return Writer(ring), Reader(ring)


@pytest.mark.clause("ALLOC-5", "ALLOC-1", "RING-25", "ALLOC-14")
@pytest.mark.parametrize("name", BUFFERS)
def test_any_buffer(allocator: EventAllocator, ends: tuple[Writer, Reader], name: str) -> None:
    writer, reader = ends
    data = BUFFERS[name]()
    assert allocator.allocate(data, 3).bytes == PAYLOAD
    assert writer.add(data, 3)
    assert writer.add_many(data) == 1
    assert writer.add_many(data, lengths=16) == 4
    assert writer.add_many([data, data]) == 2
    assert list(reader.next_many(3)) == [(PAYLOAD, 3), (PAYLOAD, 0), (PAYLOAD[:16], 0)]
    assert [event.len for event in reader] == [16, 16, 16, 64, 64]
    tokens = allocator.allocate_many(data, lengths=8)
    assert b"".join(RingPtr.from_token(token, allocator).bytes for token in tokens) == PAYLOAD


@pytest.mark.clause("ALLOC-5")
def test_empty_buffers(allocator: EventAllocator, ends: tuple[Writer, Reader]) -> None:
    writer, reader = ends
    empties = (b"", bytearray(), memoryview(b"abc")[3:], numpy.zeros((0, 4)), array.array("I"))
    for empty in empties:
        assert allocator.allocate(empty).len == 0
        assert writer.add(empty)
        assert (writer.add_many(empty), writer.add_many(empty, lengths=5)) == (1, 0)
    assert (writer.add_many([]), writer.add_many(b"", lengths=[]), writer.add_many((), event_types=[])) == (0, 0, 0)
    assert [event.data for event in reader] == [b""] * 2 * len(empties)
    assert (list(allocator.allocate_many([])), allocator.drop_many(b"".join([])[:0] or [])) == ([], 0)
    for spread in (memoryview(b"abcd")[0:0:2], numpy.zeros((4, 4))[:, 1]):
        with pytest.raises(ValueError, match="contiguous"):
            writer.add(spread)


@pytest.mark.clause("ERR-2", "ERR-6", "ALLOC-23")
def test_ways_to_pass_arguments(allocator: EventAllocator, ends: tuple[Writer, Reader]) -> None:
    writer, reader = ends
    kind = numpy.int64(7)
    made_up = "".join(["event", "_type"])  # not the string that the compiler has
    assert writer.add(b"a", 7)
    assert writer.add(b"a", event_type=7)
    assert writer.add(event_type=7, data=b"a")
    assert writer.add(b"a", **{made_up: 7})
    assert writer.add(b"a", kind)  # type: ignore[arg-type]
    assert writer.add_many(data=b"a", event_types=7) == 1
    assert writer.add_many(b"aa", lengths=[1, 1], event_types=(kind, 7)) == 2
    assert writer.add_many([b"a"], event_types=array.array("I", [7])) == 1
    assert writer.add_many((bytearray(b"a"),), lengths=None, event_types=kind) == 1
    expected = [PooledEvent(b"a", 7)] * 10
    assert [reader.next(), *reader.next_many(limit=1), *reader.next_many(numpy.uint8(1)), *reader] == expected  # type: ignore[arg-type]
    pointers = [
        allocator.allocate(b"a", 7),
        allocator.allocate(data=b"a", event_type=7, spill=False),
        allocator.allocate(b"a", spill=True, event_type=kind),  # type: ignore[arg-type]
    ]
    assert [(pointer.bytes, pointer.event_type) for pointer in pointers] == [(b"a", 7)] * 3
    tokens = [allocator.allocate_many(data=b"aa", lengths=1, event_types=7) for _ in range(4)]
    ways: list[object] = [tokens[0], list(tokens[1]), iter(tokens[2]), numpy.asarray(tokens[3])]
    assert [allocator.drop_many(tokens=way) for way in ways] == [2] * 4


# Typed as anything, since type checkers see what is wrong as well.
WRONG: list[Callable[[Any], object]] = [
    lambda its: its.writer.add(),
    lambda its: its.writer.add(b"", 1, 2),
    lambda its: its.writer.add(b"", data=b""),
    lambda its: its.writer.add(b"", kind=1),
    lambda its: its.writer.add_many(b"", 1),
    lambda its: its.writer.add_many(lengths=1),
    lambda its: its.reader.next(0, 0),
    lambda its: its.reader.next(wait=0),
    lambda its: its.reader.next_many(),
    lambda its: its.reader.next_many(1, 2, 3),
    lambda its: its.reader.next_many(1, limit=1),
    lambda its: its.allocator.allocate(b"", 0, True),
    lambda its: its.allocator.allocate_many(),
    lambda its: its.allocator.drop_many(),
    lambda its: its.allocator.drop_many([], []),
]


@pytest.mark.clause("ERR-1", "ERR-4")
@pytest.mark.parametrize("at", range(len(WRONG)))
def test_arguments_that_no_parameter_takes(allocator: EventAllocator, ends: tuple[Writer, Reader], at: int) -> None:
    with pytest.raises(TypeError, match=r"^(Writer|Reader|EventAllocator)\.\w+\(\) .*argument"):
        WRONG[at](SimpleNamespace(writer=ends[0], reader=ends[1], allocator=allocator))
    assert ends[0].ringbuffer.write_cursor == 0


@pytest.mark.clause("RING-25", "ALLOC-14")
@pytest.mark.parametrize("count", [1, 5, 2_000])
def test_columns_of_numbers(allocator: EventAllocator, count: int) -> None:
    """Buffers of u32 are read in place, other sequences number by number; what comes out is the same."""
    ring = RingBuffer(8, 4_000)
    writer, reader = Writer(ring), Reader(ring)
    lengths, kinds = [at % 3 for at in range(count)], [at * 2_000_003 % 2**32 for at in range(count)]
    data = bytes(at % 256 for at in range(sum(lengths)))
    forms: list[Callable[[list[int]], object]] = [
        list,
        lambda numbers: array.array("I", numbers),
        lambda numbers: numpy.array(numbers, dtype="u4"),
        lambda numbers: numpy.array(numbers, dtype="i8"),
        lambda numbers: numpy.repeat(numpy.array(numbers, dtype="u4"), 2)[::2],
    ]
    for form in forms:
        assert writer.add_many(data, lengths=form(lengths), event_types=form(kinds)) == count
        batch = reader.next_many(count)
        assert (list(batch.lengths), list(batch.event_types), bytes(batch.data)) == (lengths, kinds, data)
        with pytest.raises(ValueError, match="event_types is"):
            writer.add_many(data, lengths=form(lengths), event_types=form([*kinds, 1]))
        with pytest.raises(ValueError, match="lengths is"):
            writer.add_many(data + b"x", lengths=form(lengths))
    assert ring.write_cursor == len(forms) * count
    small = min(count, 500)
    tokens = allocator.allocate_many(bytes(small), lengths=1, event_types=numpy.arange(small, dtype="u4"))
    assert [RingPtr.from_token(token, allocator).event_type for token in tokens] == list(range(small))


@pytest.mark.clause("RING-8", "RING-7")
def test_a_class_of_the_callers_own(ring: RingBuffer, allocator: EventAllocator) -> None:
    class Shouting(Reader):
        def next(self, timeout: float | None = 0) -> PooledEvent | None:
            event = super().next(timeout)
            return event and PooledEvent(event.data.upper())

        def next_many(self, limit: int, timeout: float | None = 0) -> native.EventBatch:
            return super().next_many(numpy.int64(limit), timeout)  # type: ignore[arg-type]

    class Counting(Writer):
        extra = 0

        def add(self, data: Any, event_type: int = 0, *, timeout: float | None = 0) -> bool:
            self.extra += 1
            return super().add(data, event_type, timeout=timeout)

    writer, reader = Counting(ring), Shouting(ring)
    assert writer.add(b"a")
    assert writer.add(b"b")
    assert [event.data for event in reader] == [b"A", b"B"]
    assert (writer.extra, reader.next(), len(reader.next_many(5))) == (2, None, 0)
    own: Any = type("Own", (RingPtr,), {})
    token = allocator.allocate_many(b"x")[0]
    with RingPtr.from_token(token, allocator) as pointer:
        pointer.clone().into_token()
        triple = pointer.pool_id, pointer.slot_index, pointer.generation
        held = own(*triple, allocator)
        held.extra = held
        assert (type(held.clone()), held.bytes) == (RingPtr, b"x")
        del held
    gc.collect()
    assert allocator.stats()[PoolId.XS].live == 0


@pytest.mark.clause("PTR-8", "ERR-1")
def test_objects_that_were_not_made() -> None:
    for made, use in (
        (Writer, lambda it: it.add(b"x")),
        (Writer, lambda it: it.add_many(b"x")),
        (Reader, lambda it: it.next()),
        (Reader, lambda it: it.next_many(1)),
        (Reader, lambda it: list(it)),
        (EventAllocator, lambda it: it.allocate(b"x")),
        (EventAllocator, lambda it: it.allocate_many(b"x")),
        (EventAllocator, lambda it: it.drop_many([])),
    ):
        with pytest.raises(AttributeError):
            use(made.__new__(made))
    with pytest.raises(native.ReleasedHandle):
        _ = RingPtr.__new__(RingPtr).data
    kinds: list[Any] = [RingBuffer, native.EventPools, native.WeakRingPtr]
    for kind in kinds:
        for name in [name for name in dir(kind) if not name.startswith("_") and name != "estimate_size"]:
            with pytest.raises((AttributeError, TypeError)):
                getattr(kind.__new__(kind), name)()
    assert "Writer of" in repr(Writer.__new__(Writer))
    assert "Reader of" in repr(Reader.__new__(Reader))


@pytest.mark.clause("ERR-4")
def test_classes_that_cannot_be_told(ends: tuple[Writer, Reader]) -> None:
    """The binding makes objects of classes written in Python; those it is told of must be of its own kinds."""
    for name, kind in (("RingPtr", int), ("EventBatch", int), ("PooledEvent", object), ("Reader", RingPtr)):
        with pytest.raises((TypeError, AttributeError)):
            _core.register_type(name, kind)
    with pytest.raises(ValueError, match="name is Other"):
        _core.register_type("Other", int)
    given: list[Any] = [(), ("RingPtr",), ("RingPtr", 1), (1, RingPtr)]
    for wrong in given:
        with pytest.raises(TypeError):
            _core.register_type(*wrong)
    assert ends[0].add(b"goes on")


@pytest.mark.clause("PTR-8", "RING-28")
def test_a_finalizer_in_the_middle_of_a_call(allocator: EventAllocator, ends: tuple[Writer, Reader]) -> None:
    """Objects that calls make can start the collector, and that a finalizer which uses the same objects."""
    writer, reader = ends
    ran = 0

    class Cycle:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            nonlocal ran
            ran += 1
            shared[0].drop()
            writer.add(b"from the finalizer")
            reader.next()

    shared = [allocator.allocate(b"event")]
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(200):
            shared[0] = allocator.allocate(b"event")
            Cycle()
            for use in (lambda: shared[0].data, lambda: shared[0].clone(), lambda: allocator.allocate(b"x").data):
                try:
                    use()
                except native.ReleasedHandle:
                    shared[0] = allocator.allocate(b"event")
            writer.add_many([b"a", b"b"])
            list(reader.next_many(5))
            reader.next()
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert ran == 200
    shared[0].drop()
    assert allocator.stats()[PoolId.XS].live == 0


@pytest.mark.clause("PTR-5", "RING-28")
def test_calls_leave_nothing_behind(allocator: EventAllocator, ends: tuple[Writer, Reader]) -> None:
    writer, reader = ends
    columns = numpy.full(4, 3, dtype="u4")
    big = RingBuffer(100_000, 2)
    long_writer, long_reader = Writer(big), Reader(big)

    def use() -> None:
        reader.next_many(100)
        writer.add(PAYLOAD, 300_000)
        writer.add(data=bytearray(PAYLOAD), event_type=300_000)
        writer.add_many([PAYLOAD, b"x"], event_types=[300_000, 1])
        writer.add_many(PAYLOAD, lengths=16)
        writer.add_many(b"abcabcabcabc", lengths=columns, event_types=columns)
        reader.next()
        batch = reader.next_many(100)
        assert len(list(batch)) == len(batch.lengths) == len(batch.event_types) == 11
        long_writer.add(bytes(90_000))
        long_reader.next()
        with allocator.allocate(PAYLOAD, 300_000) as pointer:
            assert (pointer.clone().bytes, pointer.event_type, pointer.data.nbytes) == (PAYLOAD, 300_000, pointer.len)
        allocator.drop_many(allocator.allocate_many(PAYLOAD, lengths=16))
        allocator.drop_many(list(allocator.allocate_many(PAYLOAD * 100, lengths=16)))
        for wrong in wrongs:
            try:
                wrong()
            except (TypeError, ValueError, native.RingError):
                continue
            raise AssertionError("nothing was raised")

    wrongs: list[Callable[[], object]] = [
        lambda: writer.add("x"),  # type: ignore[arg-type]
        lambda: writer.add(b"x", -1),
        lambda: writer.add(bytes(65)),
        lambda: writer.add_many(bytearray(10), lengths=3),
        lambda: allocator.allocate(memoryview(PAYLOAD)[::2]),
        lambda: allocator.allocate_many(PAYLOAD * 100, lengths=1),
        lambda: allocator.drop_many([5]),
        lambda: reader.next_many(-1),
        lambda: (writer.add_many([b"lap"] * 65), reader.next()),  # and the next ones get what is left
    ]
    for _ in range(500):
        use()
    gc.collect()
    types = [type(writer), type(reader), RingPtr, _core.Pin, PooledEvent, native.EventBatch]
    kept: list[object] = [*types, writer, reader, allocator, PAYLOAD]
    if sys.version_info < (3, 12):
        kept.append(None)  # from 3.12 on it is immortal, and its count says nothing
    counts = [sys.getrefcount(held) for held in kept]
    before = sys.getallocatedblocks()
    for _ in range(2_000):
        use()
    gc.collect()
    # One object left behind by one kind of call would be 2,000; the interpreter's own caches take a few hundred.
    assert sys.getallocatedblocks() - before < 1_500
    after = [sys.getrefcount(held) for held in kept]
    grown = [(held, one, two) for held, one, two in zip(kept, counts, after, strict=True) if two - one >= 50]
    assert not grown, grown


def test_methods_written_in_c_belong_to_the_class() -> None:
    """CPython specializes a call of a method in C only if the object's type is exactly the type of the method."""
    hot: list[tuple[type, str]] = [(Writer, "add"), (Reader, "next"), (EventAllocator, "allocate")]
    for kind, name in [*hot, (RingPtr, "data"), (RingPtr, "drop"), (RingPtr, "__exit__"), (native.Loan, "data")]:
        assert getattr(kind, name).__objclass__ is kind
    pointer: Any = RingPtr
    assert pointer.from_token.__self__ is RingPtr  # a class method is inherited
    subclass: Any = type("Ptr", (RingPtr,), {})
    assert subclass.drop is RingPtr.drop
    own: Any = type("Own", (_core.Writer,), {"add": None})
    _core.own_methods(own)
    assert own.add is None  # what the class defines stays
    with pytest.raises(TypeError, match="own_methods takes a class"):
        _core.own_methods(1)  # type: ignore[arg-type]
