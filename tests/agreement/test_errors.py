"""The chapter Errors on both implementations: each error, each raised for real, and nothing changed after it."""

import copy
import dataclasses
import pickle
import queue
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

BASES: dict[str, type[Exception]] = {
    "PayloadTooLarge": ValueError,
    "PoolExhausted": queue.Full,
    "LayoutError": ValueError,
    "StaleHandle": ReferenceError,
    "ReleasedHandle": ValueError,
    "RefCountOverflow": OverflowError,
    "RefCountUnderflow": ValueError,
    "ViewsOutstanding": BufferError,
    "WriterTaken": RuntimeError,
    "ReservationOpen": RuntimeError,
    "PeekOpen": RuntimeError,
    "ReadersFull": RuntimeError,
    "RingClosed": ValueError,
    "EndOfStream": EOFError,
    "ForkedCopy": RuntimeError,
    "Lagged": LookupError,
}


class World:
    """A tiny allocator and two rings in a state from which every error can be had."""

    def __init__(self, backend: ModuleType) -> None:
        self.backend = backend
        self.allocator = backend.EventAllocator(dataclasses.replace(backend.TINY, capacities=(3, 2, 1, 1, 1)))
        self.full = self.allocator.allocate(b"m" * 1_000, 7)
        self.saturated = self.allocator.allocate(b"x", 8)
        self.clones = [self.saturated.clone() for _ in range(2)]
        self.saturated_weak = self.saturated.downgrade()
        stale = self.allocator.allocate(b"s" * 100)
        self.stale = stale.downgrade()
        stale.drop()
        self.released = self.full.clone()
        self.released.drop()
        self.loan = self.allocator.loan(3, 9)
        self.loan_view = self.loan.data
        self.ended_loan = self.allocator.loan(3)
        self.ended_loan.abort()
        self.viewed = self.full.clone()
        self.view = self.viewed.data
        self.ring = backend.RingBuffer(8, 4)
        self.reader = backend.Reader(self.ring)
        self.writer = backend.Writer(self.ring)
        for number in range(4):
            self.writer.add(b"event", number)
        self.gated = backend.RingBuffer(8, 4, mode="gated", max_readers=2)
        self.gated_readers = [backend.Reader(self.gated) for _ in range(2)]
        self.closed_reader = backend.Reader(self.ring)
        self.closed_reader.close()
        self.closed_writer = backend.Writer(self.gated)
        self.closed_writer.close()
        self.reserving = backend.RingBuffer(8, 4, mode="gated")
        self.reserving_writer = backend.Writer(self.reserving)
        self.reservation = self.reserving_writer.reserve(3)
        self.reserved = self.reservation.slot(1)
        self.peeking = backend.RingBuffer(8, 4, mode="gated")
        backend.Writer(self.peeking).add_many([b"one", b"two"])
        self.peeking_reader = backend.Reader(self.peeking)
        self.peek = self.peeking_reader.peek(2)
        self.peeked = self.peek.slot(1)
        self.evicted_reader = backend.Reader(self.peeking)
        self.evicted_peek = self.evicted_reader.peek()
        self.evicted_reader.evict()
        with backend.Reader(self.peeking) as reader:
            self.ended_peek = reader.peek()
        self.ended_reservation = backend.Writer(backend.RingBuffer(8, 4, mode="gated")).reserve()
        self.ended_reservation.cancel()
        self.ended = backend.RingBuffer(8, 4)
        backend.Writer(self.ended).close(end=True)
        self.reader_at_eof = backend.Reader(self.ended)

    def observe(self) -> Any:
        """Return all that can be observed, the failures of full pools left out."""
        allocator = self.allocator
        return (
            [allocator.pools.slot_words(pool) for pool in range(6)],
            [stats[:4] for stats in allocator.stats().values()],
            allocator.memory_usage(),
            allocator.heap_usage(),
            [
                (pointer.bytes, pointer.event_type, pointer.released)
                for pointer in (self.full, self.saturated, self.viewed)
            ],
            (self.loan.released, self.loan.len, self.loan.event_type, bytes(self.loan_view), bytes(self.view)),
            (self.released.released, self.ended_loan.released),
            [
                (ring.write_cursor, ring.retained, ring.readers, ring.memory_usage(), ring.has_writer, ring.ended)
                for ring in (self.ring, self.gated, self.reserving, self.peeking, self.ended)
            ],
            (self.peek.released, self.peek.count, bytes(self.peeked), self.evicted_peek.released),
            (self.peeking_reader.cursor, self.peeking_reader.delivered, self.peeking_reader.closed),
            (self.reservation.released, self.reservation.count, bytes(self.reserved), self.reserving_writer.closed),
            [
                (reader.cursor, reader.delivered, reader.skipped, reader.lag, reader.closed, reader.evicted)
                for reader in (self.reader, *self.gated_readers)
            ],
            (self.writer.closed, self.closed_writer.closed, self.closed_reader.closed, self.closed_reader.cursor),
            (self.reader_at_eof.at_eof, self.reader_at_eof.cursor),
        )


CALLS: dict[str, list[Callable[[World], Any]]] = {
    "PayloadTooLarge": [
        lambda world: world.backend.EventAllocator.estimate_size(2**32),
        lambda world: world.allocator.allocate(bytes(65_537)),
        lambda world: world.allocator.loan(65_537),
        lambda world: world.allocator.allocate_many([b"x", bytes(65_537)]),
        lambda world: world.writer.add(bytes(9)),
        lambda world: world.writer.add_many([b"x", bytes(9)]),
        lambda world: world.writer.add_many(bytes(18), lengths=9),
        lambda world: world.reservation.commit(lengths=9),
    ],
    "PoolExhausted": [
        lambda world: world.allocator.allocate(bytes(1_000)),
        lambda world: world.allocator.loan(1_000),
        lambda world: world.allocator.allocate_many([b"x", bytes(1_000)]),
        lambda world: world.allocator.allocate_many([b"x"] * 2),
        lambda world: world.backend.handle_ffi_event(world.allocator, bytes(1_000), 1),
        lambda world: world.backend.allocate_to_pool(world.allocator, bytes(1_000), 1),
        lambda world: world.backend.allocate_from_pool(world.allocator, bytes(1_000), 1),
        lambda world: world.allocator.allocate_many([bytes(40_000), bytes(40_000)]),
    ],
    "LayoutError": [
        lambda world: world.backend.RingBuffer(0, 4),
        lambda world: world.backend.RingBuffer(64, 10**6),
        lambda world: dataclasses.replace(world.backend.TINY, ref_bits=0),
        lambda world: world.backend.EventPools(dataclasses.replace(world.backend.TINY, capacities=(10**6, 1, 1, 1, 1))),
    ],
    "StaleHandle": [
        lambda world: world.stale.upgrade(),
        lambda world: world.backend.RingPtr.from_token(world.stale.token, world.allocator),
        lambda world: world.allocator.drop_many([world.stale.token]),
        lambda world: world.allocator.pools.get_slot_data(world.stale.pool_id, world.stale.slot_index),
        lambda world: world.allocator.pools.inc_ref_count(world.stale.pool_id, world.stale.slot_index),
        lambda world: world.allocator.pools.inc_ref_count(0, world.saturated.slot_index, 3),
    ],
    "ReleasedHandle": [
        lambda world: world.released.clone(),
        lambda world: world.released.bytes,
        lambda world: world.released.into_token(),
        lambda world: world.ended_loan.commit(),
        lambda world: world.ended_loan.commit("wrong as well"),
        lambda world: world.ended_loan.data,
        lambda world: world.ended_reservation.commit(),
        lambda world: world.ended_reservation.slot("wrong as well"),
        lambda world: world.ended_peek.release("wrong as well"),
    ],
    "RefCountOverflow": [
        lambda world: world.saturated.clone(),
        lambda world: copy.copy(world.saturated),
        lambda world: world.saturated_weak.upgrade(),
        lambda world: world.allocator.pools.inc_ref_count(0, world.saturated.slot_index),
        lambda world: world.allocator.pools.get_slot_data(0, world.saturated.slot_index),
    ],
    "RefCountUnderflow": [
        lambda world: world.allocator.pools.dec_ref_count(0, world.saturated.slot_index),
        lambda world: world.allocator.pools.dec_ref_count(world.stale.pool_id, world.stale.slot_index),
        lambda world: world.backend.RingPtr.from_token(world.saturated_weak.token, world.allocator),
        lambda world: world.backend.RingPtr(2, 0, world.full.generation, world.allocator),
        lambda world: world.allocator.drop_many([world.saturated_weak.token]),
    ],
    "ViewsOutstanding": [
        lambda world: world.loan.commit(),
        lambda world: world.loan.commit(1),
        lambda world: world.loan.abort(),
        lambda world: world.viewed.into_token(),
        lambda world: world.reservation.commit(1),
        lambda world: world.reservation.cancel(),
        lambda world: world.reserving_writer.close(),
        lambda world: world.peek.release(1),
        lambda world: world.peek.__exit__(None, None, None),
        lambda world: world.peeking_reader.close(),
    ],
    "PeekOpen": [
        lambda world: world.peeking_reader.next(None),
        lambda world: world.peeking_reader.next_many(0),
        lambda world: world.peeking_reader.next_many(3),
        lambda world: world.peeking_reader.skip_to_latest(),
        lambda world: world.peeking_reader.peek(1, None),
    ],
    "WriterTaken": [lambda world: world.backend.Writer(world.ring)],
    "ReservationOpen": [
        lambda world: world.reserving_writer.add(b"x"),
        lambda world: world.reserving_writer.add_many([b"x"], timeout=None),
        lambda world: world.reserving_writer.reserve(timeout=None),
    ],
    "ReadersFull": [
        lambda world: world.backend.Reader(world.gated),
        lambda world: world.backend.Reader(world.gated, start="latest"),
    ],
    "RingClosed": [
        lambda world: world.closed_reader.next(),
        lambda world: world.closed_reader.next_many("wrong as well"),
        lambda world: world.closed_writer.add(b"x"),
        lambda world: world.closed_writer.add(None, "wrong as well"),
        lambda world: world.closed_writer.close(end=True),
        lambda world: world.evicted_peek.release(),
        lambda world: world.evicted_reader.peek(),
    ],
    "EndOfStream": [
        lambda world: world.reader_at_eof.next(),
        lambda world: world.reader_at_eof.next(None),
        lambda world: world.reader_at_eof.next_many(2, 1.5),
        lambda world: world.backend.Writer(world.ended),
    ],
}

WRONG: list[tuple[Callable[[World], Any], type[Exception], str]] = [
    (lambda world: world.allocator.allocate("text"), TypeError, "data"),
    (lambda world: world.allocator.allocate(memoryview(b"abcd")[::2]), ValueError, "data"),
    (lambda world: world.allocator.allocate(b"x", -1), ValueError, "event_type"),
    (lambda world: world.allocator.allocate(b"x", 2**32), ValueError, "event_type"),
    (lambda world: world.allocator.allocate(b"x", True), TypeError, "event_type"),
    (lambda world: world.allocator.allocate(b"x", spill=1), TypeError, "spill"),
    (lambda world: world.allocator.allocate(None, "both"), TypeError, "data"),
    (lambda world: world.allocator.allocate(memoryview(b"abcd")[::2], "both"), TypeError, "event_type"),
    (lambda world: world.allocator.allocate(bytes(1_000), -1), ValueError, "event_type"),
    (lambda world: world.allocator.loan(-1), ValueError, "length"),
    (lambda world: world.allocator.loan(2.0), TypeError, "length"),
    (lambda world: world.allocator.drop_many([0]), ValueError, "token"),
    (lambda world: world.allocator.drop_many(3), TypeError, "tokens"),
    (lambda world: world.allocator.drop_many([1.5]), TypeError, "token"),
    (lambda world: world.backend.RingPtr.from_token("1", world.allocator), TypeError, "token"),
    (lambda world: world.backend.RingPtr.from_token(True, world.allocator), TypeError, "token"),
    (lambda world: world.allocator.pools.inc_ref_count(9, 0), ValueError, "pool_id"),
    (lambda world: world.allocator.pools.inc_ref_count(0, 9), IndexError, "slot_index"),
    (lambda world: world.allocator.pools.inc_ref_count(0, 0, "3"), TypeError, "generation"),
    (lambda world: world.backend.Reader(world.ring, start="never"), ValueError, "start"),
    (lambda world: world.backend.Reader(world.ring, cursor=99), ValueError, "cursor"),
    (lambda world: world.reader.next_many(-1), ValueError, "limit"),
    (lambda world: world.reader.evict(), ValueError, ""),
    (lambda world: world.writer.add(3), TypeError, "data"),
    (lambda world: world.writer.add(b"x", 2**32), ValueError, "event_type"),
    (lambda world: world.writer.add(bytes(9), 2**32), ValueError, "event_type"),
    (lambda world: world.writer.add_many([b"x", 3]), TypeError, "data"),
    (lambda world: world.writer.reserve(), ValueError, "gated"),
    (lambda world: world.reserving_writer.reserve(0), ValueError, "count"),
    (lambda world: world.reservation.commit(4), ValueError, "count"),
    (lambda world: world.reservation.commit(lengths="12"), TypeError, "lengths"),
    (lambda world: world.reservation.slot(3), IndexError, "index"),
    (lambda world: world.reader.peek(), ValueError, "gated"),
    (lambda world: world.peeking_reader.peek(0), ValueError, "limit"),
    (lambda world: world.peek.release(3), ValueError, "count"),
    (lambda world: world.peek.slot(2), IndexError, "index"),
    (lambda world: world.backend.EventAllocator.estimate_size(-5), ValueError, "length"),
    (lambda world: world.backend.EventAllocator.estimate_size("5"), TypeError, "length"),
    (lambda world: world.backend.EventAllocator.estimate_size(False), TypeError, "length"),
]


@pytest.mark.clause("ERR-2")
def test_classes_are_those_of_the_table(backend: ModuleType) -> None:
    found = {
        name: value
        for name in backend.__all__
        if isinstance(value := getattr(backend, name), type) and issubclass(value, Exception)
    }
    assert set(found) == {"RingError", *BASES}
    assert found["RingError"].__mro__[1] is Exception
    for name, base in BASES.items():
        assert issubclass(found[name], backend.RingError)
        assert issubclass(found[name], base)


@pytest.mark.clause("ERR-1", "ERR-2", "ERR-3")
@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, calls in CALLS.items() for number in range(len(calls))]
)
def test_error_is_raised_says_why_and_changes_nothing(backend: ModuleType, name: str, number: int) -> None:
    world = World(backend)
    before = world.observe()
    for _ in range(2):
        with pytest.raises(backend.RingError) as caught:
            CALLS[name][number](world)
        assert type(caught.value) is getattr(backend, name)
        message = str(caught.value)
        # What was wrong, and after it what to do about it.
        problem, _, remedy = message.rpartition("; " if ";" in message else ": ")
        assert len(problem) > 8, message
        assert len(remedy) > 8, message
        assert world.observe() == before


@pytest.mark.clause("ERR-1", "ERR-4", "ERR-6")
@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_argument_is_named_and_changes_nothing(backend: ModuleType, number: int) -> None:
    call, error, named = WRONG[number]
    world = World(backend)
    before = world.observe()
    with pytest.raises(error) as caught:
        call(world)
    assert named in str(caught.value)
    assert world.observe() == before


@pytest.mark.clause("ERR-4")
@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda world: world.allocator.allocate(b"x", -17), "-17"),
        (lambda world: world.allocator.allocate(b"x", 4_294_967_299), "4294967299"),
        (lambda world: world.allocator.loan(-23), "-23"),
        (lambda world: world.allocator.pools.inc_ref_count(29, 0), "29"),
        (lambda world: world.allocator.pools.inc_ref_count(0, 31), "31"),
        (lambda world: world.backend.RingBuffer(-37, 4), "-37"),
        (lambda world: world.backend.RingBuffer(4, -41), "-41"),
        (lambda world: world.backend.RingBuffer(4, 4, mode="sideways"), "sideways"),
        (lambda world: world.backend.Reader(world.ring, cursor=43), "43"),
        (lambda world: world.backend.Reader(world.ring, start="never"), "never"),
        (lambda world: world.backend.RingPtr.from_token(47, world.allocator), "47"),
        (lambda world: dataclasses.replace(world.backend.TINY, generation_bits=53), "53"),
        (lambda world: world.reader.next_many(-59), "-59"),
        (lambda world: world.loan.commit(61), "61"),
    ],
)
def test_value_is_in_the_message(backend: ModuleType, call: Callable[[World], Any], value: str) -> None:
    world = World(backend)
    world.loan_view = memoryview(b"")
    with pytest.raises(ValueError if value not in ("31",) else IndexError) as caught:
        call(world)
    assert value in str(caught.value).replace(",", "").replace("_", "")


@pytest.mark.clause("ERR-1", "ERR-5", "RING-11")
def test_lagged_moves_the_cursor_and_nothing_else(backend: ModuleType) -> None:
    ring = backend.RingBuffer(8, 4)
    writer, reader, other = backend.Writer(ring), backend.Reader(ring), backend.Reader(ring)
    for number in range(9):
        writer.add(b"event", number)
    with pytest.raises(backend.Lagged) as caught:
        reader.next()
    assert (caught.value.skipped, caught.value.next_sequence) == (5, 5)
    assert (reader.cursor, reader.delivered, reader.skipped) == (5, 0, 5)
    assert (other.cursor, other.delivered, other.skipped, ring.write_cursor) == (0, 0, 0, 9)
    assert "5" in str(caught.value)


@pytest.mark.clause("ERR-5")
def test_lagged_is_the_same_after_pickling(backend: ModuleType) -> None:
    error = pickle.loads(pickle.dumps(backend.Lagged(3, 8)))
    assert (type(error), error.skipped, error.next_sequence) == (backend.Lagged, 3, 8)


@pytest.mark.clause("ERR-1", "ALLOC-26")
def test_failures_alone_count_up(backend: ModuleType) -> None:
    world = World(backend)
    before = world.allocator.stats()[backend.PoolId.M].failures
    for attempt in range(1, 4):
        with pytest.raises(backend.PoolExhausted):
            world.allocator.allocate(bytes(1_000))
        assert world.allocator.stats()[backend.PoolId.M].failures == before + attempt


class Index:
    """A number by `__index__` alone."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


@pytest.mark.clause("ERR-6")
def test_anything_with_an_index_is_a_number(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    assert backend.EventAllocator.estimate_size(Index(65)) is backend.EventSize.S
    pointer = allocator.allocate(b"x", Index(70_000))
    assert pointer.event_type == 70_000
    assert allocator.pools.get_generation(Index(0), Index(0)) == 0
    assert allocator.loan(Index(3), Index(4)).len == 3
    assert backend.WeakRingPtr(Index(0), Index(pointer.slot_index), Index(0), allocator) == pointer.downgrade()
    ring = backend.RingBuffer(Index(8), Index(4), mode="gated", max_readers=Index(3))
    assert (ring.size, ring.capacity, ring.max_readers) == (8, 4, 3)
    backend.Writer(ring).add(b"x", Index(9))
    assert backend.Reader(ring).next_many(Index(1))[0].event_type == 9
    assert backend.RingPtr.from_token(Index(pointer.into_token()), allocator).bytes == b"x"


@pytest.mark.clause("ERR-4")
def test_errors_of_an_index_are_its_own(backend: ModuleType) -> None:
    class Broken:
        def __index__(self) -> int:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        backend.EventAllocator().allocate(b"x", Broken())


@pytest.mark.clause("ERR-7")
def test_of_several_errors_the_first_in_order_is_raised(backend: ModuleType) -> None:
    allocator = backend.EventAllocator(backend.TINY)
    taken = [allocator.allocate(b"") for _ in range(3)]
    too_large = bytes(backend.TINY.heap_bytes + 1)
    ended = backend.Writer(backend.RingBuffer(8, 1))
    ended.close()
    writer = backend.Writer(backend.RingBuffer(8, 1, mode="gated"))
    reader = backend.Reader(writer.ringbuffer)
    writer.add(b"fills the ring"[:8])
    loan = allocator.loan(1_000)
    loan.abort()
    with pytest.raises(backend.ReleasedHandle):  # an end, before a wrong type
        loan.commit("long")
    with pytest.raises(backend.RingClosed):
        ended.add("text", -1)
    with pytest.raises(TypeError, match="data"):  # a wrong type, before a wrong value
        allocator.allocate("text", -1)
    with pytest.raises(TypeError, match="event_type"):
        writer.add(b"longer than a slot", 1.5)
    with pytest.raises(ValueError, match="event_type"):  # a wrong value, before a payload that is too large
        allocator.allocate(too_large, -1)
    with pytest.raises(ValueError, match="event_type"):
        writer.add(b"longer than a slot", 2**32)
    with pytest.raises(backend.PayloadTooLarge):  # too large, before no room
        allocator.allocate_many([b"", too_large], event_types=0)
    with pytest.raises(backend.PayloadTooLarge):
        writer.add(b"longer than a slot")
    assert (len(taken), reader.backlog) == (3, 1)
    writer.close(end=True)
    assert len(reader.next_many(5)) == 1
    with pytest.raises(TypeError, match="timeout"):  # a wrong type or value, before the end of the stream
        reader.next("1")
    with pytest.raises(ValueError, match="limit"):
        reader.next_many(-1)
    with pytest.raises(TypeError, match="end"):  # a wrong type, before what the call would do
        writer.close(end=1)


LONG = 10**5_000
"""More digits than Python prints: `sys.get_int_max_str_digits()`."""
LONG_ARGUMENTS: dict[str, Callable[[World, Any], Any]] = {
    "event_type": lambda world, long: world.allocator.allocate(b"x", long),
    "length of a loan": lambda world, long: world.allocator.loan(long),
    "length of a commit": lambda world, long: world.loan.commit(long),
    "length of estimate_size": lambda world, long: world.backend.EventAllocator.estimate_size(long),
    "lengths": lambda world, long: world.allocator.allocate_many(b"xx", lengths=long),
    "lengths, one each": lambda world, long: world.writer.add_many(b"xx", lengths=[1, long]),
    "lengths of a list": lambda world, long: world.writer.add_many([b"xx"], lengths=[long]),
    "event_types": lambda world, long: world.writer.add_many(b"xx", event_types=long),
    "event_types, one each": lambda world, long: world.writer.add_many([b"x"], event_types=[long]),
    "event_types, too many": lambda world, long: world.writer.add_many([b"x"], event_types=[long, long]),
    "tokens": lambda world, long: world.allocator.drop_many([long]),
    "token": lambda world, long: world.backend.RingPtr.from_token(long, world.allocator),
    "pool_id": lambda world, long: world.allocator.pools.inc_ref_count(long, 0),
    "slot_index": lambda world, long: world.allocator.pools.get_slot_data(0, long),
    "generation": lambda world, long: world.backend.WeakRingPtr(0, 0, long, world.allocator),
    "size": lambda world, long: world.backend.RingBuffer(long, 4),
    "capacity": lambda world, long: world.backend.RingBuffer(4, long),
    "max_readers": lambda world, long: world.backend.RingBuffer(4, 4, mode="gated", max_readers=long),
    "max_ring_bytes": lambda world, long: world.backend.RingBuffer(4, 4, max_ring_bytes=-abs(long)),
    "cursor": lambda world, long: world.backend.Reader(world.ring, cursor=long),
    "cursor of a gated ring": lambda world, long: world.backend.Reader(world.gated, cursor=long),
    "limit": lambda world, long: world.reader.next_many(-abs(long)),
    "data": lambda world, long: world.writer.add(long),
    "ringbuffer": lambda world, long: world.backend.Writer(long),
    "mode": lambda world, long: world.backend.RingBuffer(4, 4, mode=long),
    "start": lambda world, long: world.backend.Reader(world.ring, start=long),
    "ref_bits": lambda world, long: dataclasses.replace(world.backend.TINY, ref_bits=long),
    "capacities": lambda world, long: dataclasses.replace(world.backend.TINY, capacities=(long,) * 4),
    "itemsize": lambda world, long: world.gated_readers[0].next_many(1).records(long),
}


@pytest.mark.clause("ERR-4", "ERR-1")
@pytest.mark.parametrize("name", LONG_ARGUMENTS)
@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_of_thousands_of_digits_is_shown_in_short(backend: ModuleType, name: str, sign: int) -> None:
    long = sign * LONG
    world = World(backend)
    before = world.observe()
    for value in (long, Index(long)):
        with pytest.raises((ValueError, TypeError, IndexError)) as caught:
            LONG_ARGUMENTS[name](world, value)
        message = str(caught.value)
        assert "Exceeds the limit" not in message
        assert len(message) < 300
        if value is long:
            assert "10**5000" in message or "5000" in message, message
    assert world.observe() == before


@pytest.mark.clause("ERR-4", "RING-16", "RING-29")
def test_what_goes_by_keyword_alone_is_named_where_it_is_given_by_position(backend: ModuleType) -> None:
    for call, words in (
        (lambda: backend.RingBuffer(8, 4, "gated"), ("mode is 'gated'", "mode=")),
        (lambda: backend.RingBuffer(8, 4, "gated", 3), ("max_readers is 3", "mode=..., max_readers=...")),
        (lambda: backend.Reader(backend.RingBuffer(8, 4), "latest"), ("start is 'latest'", "Reader()", "start=")),
        (lambda: backend.RingBuffer(8, 4, *range(30)), ("positional",)),
        (lambda: backend.RingBuffer(8), ("capacity",)),
    ):
        with pytest.raises(TypeError) as caught:
            call()  # type: ignore[no-untyped-call]
        assert all(word in str(caught.value) for word in words), caught.value
