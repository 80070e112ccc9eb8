"""What holds what: pins by views of any kind, and nothing that stays behind."""

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable

import numpy
import pytest

import rusted_ring.native as native
import rusted_ring.reference as reference
from rusted_ring.native import (
    EventAllocator,
    Lagged,
    PayloadTooLarge,
    PoolId,
    Reader,
    RefCountOverflow,
    RingBuffer,
    RingPtr,
    StaleHandle,
    ViewsOutstanding,
    Writer,
)

VIEWS: dict[str, Callable[[memoryview], object]] = {
    "view": lambda view: view,
    "slice": lambda view: view[3:9],
    "empty slice": lambda view: view[4:4],
    "cast": lambda view: view.cast("I"),
    "memoryview of it": memoryview,
    "array": lambda view: numpy.frombuffer(view, dtype="u1"),
    "array of words": lambda view: numpy.frombuffer(view, dtype="<u4")[::2],
    "array of a slice": lambda view: numpy.asarray(view[8:])[:4].reshape(2, 2),
}


def live(allocator: EventAllocator) -> int:
    return sum(stats.live for stats in allocator.stats().values())


@pytest.mark.clause("VIEW-2", "VIEW-3")
@pytest.mark.parametrize("size", [16, 100_000], ids=["pool", "heap"])
@pytest.mark.parametrize("kind", VIEWS)
def test_every_kind_of_view_pins(allocator: EventAllocator, kind: str, size: int) -> None:
    pointer = allocator.allocate(bytes(range(16)) * (size // 16))
    view: object = VIEWS[kind](pointer.data)
    with pytest.raises(ViewsOutstanding, match="release or delete"):
        pointer.into_token()
    pointer.drop()
    assert live(allocator) == 1
    before = numpy.array(view).tolist()
    allocator.drop_many(allocator.allocate_many(bytes(16 * 100), lengths=16))
    assert numpy.array(view).tolist() == before
    del view
    assert live(allocator) == 0


@pytest.mark.clause("VIEW-2", "PTR-12")
def test_a_released_view_pins_no_more(allocator: EventAllocator) -> None:
    pointer = allocator.allocate(b"payload")
    with pointer.data as view, view[2:4] as part:
        assert part.tobytes() == b"yl"
    token = pointer.into_token()
    assert allocator.drop_many([token]) == 1


@pytest.mark.clause("LOAN-6", "LOAN-8")
def test_an_array_over_a_loan(allocator: EventAllocator) -> None:
    loan = allocator.loan(64)
    words = numpy.frombuffer(loan.data, dtype="<u8")
    words[:] = range(8)
    with pytest.raises(ViewsOutstanding):
        loan.commit()
    with pytest.raises(ViewsOutstanding):
        loan.abort()
    del words
    with loan.commit() as pointer:
        seen = numpy.frombuffer(pointer.data, dtype="<u8")
        assert seen.tolist() == list(range(8))
        assert not seen.flags.writeable
        del seen
    with allocator.loan(8) as left:
        kept = numpy.asarray(left.data)
    assert live(allocator) == 1
    kept[:] = 1
    del kept
    assert live(allocator) == 0


@pytest.mark.clause("PTR-8")
def test_a_view_alone_keeps_the_pool() -> None:
    allocator = EventAllocator()
    gone = weakref.ref(allocator)
    view = allocator.allocate(b"kept").data
    del allocator
    gc.collect()
    assert gone() is None
    assert bytes(view) == b"kept"


@pytest.mark.clause("PTR-5", "LOAN-5")
def test_cycles_give_back_what_they_hold(allocator: EventAllocator) -> None:
    cycle: list[object] = []
    for _ in range(10):
        cycle = [allocator.allocate(b"x"), allocator.allocate(b"x").data, allocator.loan(9).data]
        cycle.append(cycle)
    del cycle
    assert live(allocator) == 30
    gc.collect()
    assert live(allocator) == 0


@pytest.mark.clause("SLOT-10", "VIEW-2", "ERR-1")
def test_an_error_that_is_kept_holds_nothing() -> None:
    allocator = EventAllocator(native.TINY)
    kept: list[BaseException] = []
    pointer = allocator.allocate(b"event")
    clones = [pointer.clone(), pointer.clone()]
    for wrong in (pointer.clone, pointer.downgrade().upgrade):
        with pytest.raises(RefCountOverflow) as error:
            wrong()
        kept.append(error.value)
    view = pointer.data
    with pytest.raises(ViewsOutstanding) as outstanding:
        pointer.into_token()
    kept.append(outstanding.value)
    weak = pointer.downgrade()
    # The tracebacks keep the pointer, but not what it held.
    for held in (pointer, *clones):
        held.drop()
    del view
    assert len(kept) == 3
    assert live(allocator) == 0
    with pytest.raises(StaleHandle):
        weak.upgrade()


@pytest.mark.clause("ALLOC-5", "ERR-1")
def test_a_buffer_is_free_again_after_the_call(allocator: EventAllocator) -> None:
    ring = RingBuffer(8, 4)
    writer = Writer(ring)
    data = bytearray(b"payload!")
    allocator.allocate(data)
    allocator.drop_many(allocator.allocate_many(data, lengths=4))
    writer.add(data)
    writer.add_many(data, lengths=2)
    data.extend(b"longer")
    wrongs: list[Callable[[], object]] = [
        lambda: writer.add(data),
        lambda: writer.add(data, -1),
        lambda: writer.add_many([data, data]),
        lambda: allocator.allocate(data, -1),
        lambda: allocator.allocate(data, "type"),  # type: ignore[arg-type]
        lambda: allocator.allocate(data, spill=1),  # type: ignore[arg-type]
        lambda: allocator.allocate_many(data, lengths="x"),
        lambda: allocator.allocate_many(data, lengths=0),
        lambda: allocator.allocate_many(data, lengths=[3]),
        lambda: allocator.allocate_many(data, event_types=-1),
        lambda: allocator.allocate_many(data, event_types=[1, 2]),
        lambda: allocator.allocate_many([data, "text"]),  # type: ignore[list-item]
        lambda: allocator.drop_many(data),
    ]
    kept: list[BaseException] = []
    for wrong in wrongs:
        with pytest.raises((TypeError, ValueError), match=r" is ") as error:
            wrong()
        kept.append(error.value)
        data.extend(b"!")
    assert len(kept) == len(wrongs)


@pytest.mark.clause("PTR-5", "RING-19", "RING-27")
def test_memory_comes_back(allocator: EventAllocator) -> None:
    ring = RingBuffer(64, 8)

    def use() -> None:
        with allocator.allocate(b"payload") as pointer:
            other = RingPtr.from_token(pointer.clone().into_token(), allocator)
            numpy.asarray(other.downgrade().upgrade().data)
        allocator.drop_many(allocator.allocate_many([b"a", b"b"], event_types=[1, 2]))
        allocator.loan(10).commit(4)
        allocator.allocate(bytes(70_000))
        with Writer(ring) as writer:
            reader = Reader(ring, start="latest")
            writer.add_many([b"event"] * 9)
            with pytest.raises(Lagged):
                reader.next()
            reader.next_many(5)
            reader.next()
        with pytest.raises(PayloadTooLarge):
            allocator.loan(2**31)

    # The interpreter keeps some memory, less and less of it as calls repeat: 15,000 bytes of the first 200 traced uses.
    # One object for each measured use would be 32,000 bytes or more.
    tracemalloc.start()
    for _ in range(1_000):
        use()
    references = [sys.getrefcount(held) for held in (allocator, allocator.pools, ring)]
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(1_000):
        use()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
    assert references == [sys.getrefcount(held) for held in (allocator, allocator.pools, ring)]
    assert allocator.stats()[PoolId.XXL].live == 0


@pytest.mark.clause("ERR-2", "SIZE-4")
def test_words_are_those_of_the_reference() -> None:
    words = [name for name in native.__all__ if getattr(native, name).__class__ is type]
    own = {
        "EventAllocator",
        "EventPools",
        "Loan",
        "Reader",
        "Peek",
        "Reservation",
        "RingBuffer",
        "RingPtr",
        "WeakRingPtr",
        "Writer",
    }
    for name in words:
        assert (getattr(native, name) is getattr(reference, name)) == (name not in own), name


@pytest.mark.clause("RING-7", "RING-28")
def test_a_reader_makes_room_as_events_need_it() -> None:
    ring = RingBuffer(300_000, 3, max_ring_bytes=2**20)
    writer, reader = Writer(ring), Reader(ring)
    payloads = [b"short", b"l" * 300_000, b"m" * 70_000]
    for number, payload in enumerate(payloads):
        writer.add(payload, number)
    first = reader.next()
    batch = reader.next_many(5)
    assert first is not None
    assert [first.data, *(event.data for event in batch)] == payloads
    writer.add(b"n" * 300_000)
    again = reader.next()
    assert again is not None
    assert again.data == b"n" * 300_000
    assert batch[0].data == payloads[1]
