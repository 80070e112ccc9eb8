"""The seed's examples as running programs, on both implementations."""

import dataclasses
import hashlib
import queue
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

RESULT_EVENT_TYPE = 900


@dataclass
class XaeroEvent:
    """The application's own event around a pointer, shared by reference as `Arc<XaeroEvent>` is."""

    evt: Any
    author_id: str = ""
    latest_ts: int = 0


def live(allocator: Any) -> int:
    """Return how many slots of all pools are taken."""
    return sum(stats.live for stats in allocator.stats().values())


@pytest.mark.clause("RING-5", "RING-7", "LAYOUT-1")
def test_quick_start_ring(backend: ModuleType) -> None:
    ring = backend.RingBuffer(256, 1_000)
    writer = backend.Writer(ring)
    reader = backend.Reader(ring)
    event = backend.PooledEvent.zeroed(256)
    assert (event.len, event.event_type, event.data) == (256, 0, bytes(256))
    for event_type in range(5):
        assert writer.add(event.data, event_type)
    types = []
    while (found := reader.next()) is not None:
        assert found.data == event.data
        types.append(found.event_type)
    assert types == [0, 1, 2, 3, 4]


def create_event(backend: ModuleType, allocator: Any, data: bytes, event_type: int) -> Any:
    """The seed's `create_event`: estimate, allocate to the pool, read the generation, make the pointer."""
    size = backend.EventAllocator.estimate_size(len(data))
    pool_id = backend.PoolId.from_size(size)
    slot_index = backend.allocate_to_pool(allocator, data, event_type)
    generation = allocator.pools.get_generation(pool_id, slot_index)
    return backend.RingPtr(pool_id, slot_index, generation, allocator)


@pytest.mark.clause("ALLOC-21", "ALLOC-18", "PTR-11")
@pytest.mark.parametrize("length", [5, 100, 1_000, 4_000, 16_000, 20_000])
def test_create_event(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    ring_ptr = create_event(backend, allocator, b"e" * length, 7)
    assert (ring_ptr.bytes, ring_ptr.event_type, ring_ptr.ref_count) == (b"e" * length, 7, 1)
    ring_ptr.drop()
    assert live(allocator) == 0


@pytest.mark.clause("PTR-2", "PTR-3", "SLOT-12")
def test_counts_of_the_seeds_walk_through(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    ring_ptr = create_event(backend, allocator, b"walk", 1)
    where = (ring_ptr.pool_id, ring_ptr.slot_index)
    assert ring_ptr.ref_count == 1
    ptr1 = ring_ptr.clone()
    assert ring_ptr.ref_count == 2
    ptr2 = ring_ptr.clone()
    assert ring_ptr.ref_count == 3
    consumers: list[Any] = [ptr1, ptr2]
    ring_ptr.drop()
    assert ptr1.ref_count == 2
    generation = ptr1.generation
    for consumer in consumers:
        consumer.drop()
    assert allocator.pools.slot_metadata(*where) == (0, generation + 1, backend.SlotState.FREE)


@pytest.mark.clause("PTR-2", "ALLOC-13", "SLOT-12")
def test_distribute_event(backend: ModuleType, threads: Any) -> None:
    """One event to three consumers; the slot is free when the last has finished."""
    allocator = backend.EventAllocator()
    boxes: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue() for _ in range(3)]
    received: list[bytes] = []

    def distribute_event(ring_ptr: Any) -> None:
        with ring_ptr:
            for box in boxes:
                box.put(ring_ptr.clone())

    def consume(box: "queue.SimpleQueue[Any]") -> None:
        with box.get() as ring_ptr:
            received.append(ring_ptr.bytes)

    distribute_event(create_event(backend, allocator, b"to all", 3))
    assert live(allocator) == 1
    threads.run(*[lambda box=box: consume(box) for box in boxes])
    assert received == [b"to all"] * 3
    assert live(allocator) == 0


@pytest.mark.clause("ALLOC-22", "PTR-13", "PTR-12")
def test_ffi_boundary(backend: ModuleType, threads: Any) -> None:
    """Bytes and type go in, one integer comes out, and another thread turns it into a pointer."""
    allocator = backend.EventAllocator()
    tokens: queue.SimpleQueue[int] = queue.SimpleQueue()
    received: list[tuple[bytes, int]] = []

    def foreign() -> None:
        try:
            for number in range(200):
                tokens.put(backend.handle_ffi_event(allocator, b"ffi %d" % number, number))
        finally:
            tokens.put(0)

    def ours() -> None:
        while token := tokens.get():
            with backend.RingPtr.from_token(token, allocator) as ring_ptr:
                received.append((ring_ptr.bytes, ring_ptr.event_type))

    threads.run(foreign, ours)
    assert received == [(b"ffi %d" % number, number) for number in range(200)]
    assert live(allocator) == 0


@pytest.mark.clause("ALLOC-13", "PTR-5", "VIEW-2")
def test_multi_actor_processing(backend: ModuleType, collect: Callable[[], None], threads: Any) -> None:
    """The FFI entry feeds three actors; one hashes and emits events of its own, and all slots are free in the end."""
    allocator = backend.EventAllocator()
    inboxes: dict[str, queue.SimpleQueue[XaeroEvent | None]] = {
        name: queue.SimpleQueue() for name in ("mmr", "segment", "index")
    }
    system: queue.SimpleQueue[Any] = queue.SimpleQueue()
    rounds = 300
    segments: list[bytes] = []
    index: dict[int, int] = {}

    def handle_ffi_event(data: bytes, event_type: int) -> None:
        xaero_event = XaeroEvent(create_event(backend, allocator, data, event_type), "author", event_type)
        for inbox in inboxes.values():
            inbox.put(xaero_event)

    def producer() -> None:
        try:
            for number in range(rounds):
                while True:
                    threads.check()
                    try:
                        handle_ffi_event(b"event %d " % number * (number % 40 + 1), number)
                        break
                    except backend.PoolExhausted:
                        continue  # the actors are behind
        finally:
            for inbox in inboxes.values():
                inbox.put(None)

    def mmr_actor() -> None:
        while (event := inboxes["mmr"].get()) is not None:
            payload = event.evt.data[: event.evt.len]
            system.put(allocator.allocate(hashlib.sha256(payload).digest(), event.evt.event_type))

    def segment_actor() -> None:
        while (event := inboxes["segment"].get()) is not None:
            segments.append(event.evt.bytes)

    def index_actor() -> None:
        while (event := inboxes["index"].get()) is not None:
            index[event.evt.event_type] = event.evt.len

    threads.run(producer, mmr_actor, segment_actor, index_actor)
    expected = [b"event %d " % number * (number % 40 + 1) for number in range(rounds)]
    assert segments == expected
    assert index == {number: len(data) for number, data in enumerate(expected)}
    for number, data in enumerate(expected):
        with system.get_nowait() as appended:
            assert (appended.bytes, appended.event_type) == (hashlib.sha256(data).digest(), number)
    collect()
    assert live(allocator) == 0


@pytest.mark.clause("PTR-2", "ALLOC-1", "VIEW-1")
def test_fold_reduce(backend: ModuleType) -> None:
    """Inputs are held while they are folded; the result is an event of its own; the inputs' slots are free after."""
    allocator = backend.EventAllocator()
    sent: list[XaeroEvent] = []

    def fold_reduce_events(events: list[XaeroEvent]) -> XaeroEvent:
        input_slots = [event.evt.clone() for event in events]
        assert all(event.evt.ref_count == 2 for event in events)
        reduced_data = b"|".join(bytes(ring_ptr.data) for ring_ptr in input_slots)
        result_event = XaeroEvent(create_event(backend, allocator, reduced_data, RESULT_EVENT_TYPE))
        sent.append(result_event)
        for ring_ptr in input_slots:
            ring_ptr.drop()
        return result_event

    events = [XaeroEvent(create_event(backend, allocator, b"%d" % number * 30, number)) for number in range(8)]
    result = fold_reduce_events(events)
    assert live(allocator) == 9
    assert all(event.evt.ref_count == 1 for event in events)
    for event in events:
        event.evt.drop()
    assert live(allocator) == 1
    assert result.evt.bytes == b"|".join(b"%d" % number * 30 for number in range(8))
    assert result.evt.event_type == RESULT_EVENT_TYPE
    assert result.evt.pool_id is backend.PoolId.S
    assert sent == [result]


@pytest.mark.clause("ALLOC-16", "ALLOC-17", "ALLOC-19")
def test_pool_access(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    data = b"pool level"
    pool_id = backend.PoolId.from_size(backend.EventAllocator.estimate_size(len(data)))
    slot_index = backend.allocate_to_pool(allocator, data, 2)
    pools = allocator.pools
    assert bytes(pools.get_slot_data(pool_id, slot_index)) == data
    assert pools.inc_ref_count(pool_id, slot_index) == 2
    assert pools.dec_ref_count(pool_id, slot_index) == 1
    assert pools.dec_ref_count(pool_id, slot_index) == 0
    assert live(allocator) == 0


@pytest.mark.clause("LAYOUT-7")
def test_stack_guard(backend: ModuleType) -> None:
    """The seed's guard passes 16,384 payloads of 64 bytes, exactly 1 MiB; their storage is twice that."""
    assert backend.MAX_RING_BYTES == 64 * 16_384
    with pytest.raises(backend.LayoutError):
        backend.RingBuffer(64, 16_384)
    with pytest.raises(backend.LayoutError):
        backend.EventPools(dataclasses.replace(backend.SEED, capacities=(16_384, 1, 1, 1, 1)))


@pytest.mark.clause("RING-6", "RING-15", "RING-12")
@pytest.mark.parametrize("mode", ["overwrite", "gated"])
def test_tokens_through_a_ring(backend: ModuleType, mode: str) -> None:
    """Pointers cross a ring as tokens, one detached reference for each consumer, and every slot is free at the end."""
    allocator = backend.EventAllocator()
    ring = backend.RingBuffer(8, 64, mode=mode)
    writer, readers = backend.Writer(ring), [backend.Reader(ring) for _ in range(3)]
    total, step = 500, 40
    got: list[list[int]] = [[] for _ in readers]
    for start in range(0, total, step):
        for number in range(start, min(total, start + step)):
            ring_ptr = allocator.allocate(b"%d" % number * 20, number)
            for _ in readers[1:]:
                allocator.pools.inc_ref_count(ring_ptr.pool_id, ring_ptr.slot_index, ring_ptr.generation)
            assert writer.add(ring_ptr.into_token().to_bytes(8, "little"), 1)
        for reader, numbers in zip(readers, got, strict=True):
            for event in reader:
                with backend.RingPtr.from_token(int.from_bytes(event.data, "little"), allocator) as ring_ptr:
                    assert ring_ptr.bytes == b"%d" % ring_ptr.event_type * 20
                    numbers.append(ring_ptr.event_type)
    assert got == [list(range(total))] * 3
    assert live(allocator) == 0
