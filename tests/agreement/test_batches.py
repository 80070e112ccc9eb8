"""Batches of events as values, whose views are the caller's; buffers that are no payload, and none that is kept."""

import copy
import gc
import multiprocessing
import pickle
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy
import pytest


@pytest.fixture
def batch(backend: ModuleType) -> Any:
    ring = backend.RingBuffer(16, 8)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    writer.add_many([b"one", b"", b"three"], event_types=[1, 2, 3])
    return reader.next_many(8)


EVENTS = [(b"one", 1), (b"", 2), (b"three", 3)]
LOOKS: list[Callable[[Any], Any]] = [
    lambda batch: batch,
    lambda batch: (batch.data, batch.lengths, batch.event_types),
    lambda batch: (list(batch), batch[1], repr(batch), batch.records),
    lambda batch: [view.release() for view in (batch.data, batch.lengths, batch.event_types)],
]


@pytest.mark.clause("VIEW-7")
def test_releasing_a_view_of_a_batch_leaves_the_batch_whole(batch: Any) -> None:
    for _ in range(2):
        with batch.data as data, batch.lengths as lengths, batch.event_types as kinds:
            assert (bytes(data), list(lengths), list(kinds)) == (b"onethree", [3, 0, 5], [1, 2, 3])
        for view in (batch.data, batch.lengths, batch.event_types):
            view.release()
        assert list(batch) == EVENTS
        assert [batch[index] for index in range(3)] == EVENTS
        assert batch[::-1] == EVENTS[::-1]
        assert (batch == copy.copy(batch), "bytes=8" in repr(batch)) == (True, True)
    with pytest.raises(ValueError, match="itemsize"):
        batch.records(4)


@pytest.mark.clause("VIEW-7")
@pytest.mark.parametrize("look", LOOKS)
def test_a_batch_can_be_pickled_and_copied_after_any_look(batch: Any, look: Callable[[Any], Any]) -> None:
    look(batch)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(batch, protocol)) == batch
    for twin in (copy.copy(batch), copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert (twin == batch, list(twin), twin.first_sequence) == (True, EVENTS, 0)
        look(twin)
        assert bytes(twin.data) == b"onethree"


@pytest.mark.clause("VIEW-7")
def test_a_batch_goes_through_a_queue_of_processes(batch: Any) -> None:
    queue: Any = multiprocessing.get_context("spawn").Queue()
    try:
        _ = batch.data
        queue.put(batch)
        assert queue.get(timeout=30) == batch
    finally:
        queue.close()
        queue.join_thread()


@pytest.mark.clause("ALLOC-5", "RING-25", "ALLOC-14")
@pytest.mark.parametrize(
    "objects",
    [
        numpy.array([object(), None]),
        numpy.zeros(2, dtype=[("number", "<u4"), ("thing", "O")]),
        memoryview(numpy.array([1, "a"], dtype=object)),  # type: ignore[arg-type]
    ],
    ids=["objects", "structures", "view"],
)
def test_pointers_to_objects_are_no_payload(backend: ModuleType, objects: Any) -> None:
    ring, allocator = backend.RingBuffer(64, 8), backend.EventAllocator()
    writer = backend.Writer(ring)
    calls: list[Callable[[], object]] = [
        lambda: writer.add(objects),
        lambda: writer.add_many(objects),
        lambda: writer.add_many(objects, lengths=8),
        lambda: writer.add_many([b"a", objects]),
        lambda: allocator.allocate(objects),
        lambda: allocator.allocate_many([objects]),
        lambda: backend.handle_ffi_event(allocator, objects, 0),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"^data(\[\d\])? is .*addresses"):
            call()
    assert (ring.write_cursor, allocator.stats()[0].allocations) == (0, 0)
    # An O in the name of a field is no object.
    named = numpy.zeros(2, dtype=[("Offset", "<u4"), ("O", "S4")])
    assert writer.add(named)
    assert allocator.allocate(named).bytes == named.tobytes()


@pytest.mark.clause("ERR-1")
def test_an_error_that_is_kept_keeps_no_buffer(backend: ModuleType) -> None:
    ring, allocator = backend.RingBuffer(64, 8), backend.EventAllocator()
    writer = backend.Writer(ring)
    kept: list[BaseException] = []
    calls: list[Callable[[Any], Any]] = [
        lambda data: writer.add(data, -1),
        lambda data: writer.add(data, "wrong"),
        lambda data: writer.add_many(data, lengths=7),
        lambda data: writer.add_many(data, lengths="wrong"),
        lambda data: writer.add_many(data, lengths=[1, 2]),
        lambda data: writer.add_many([data, data], event_types=-1),
        lambda data: writer.add_many([data, "wrong"]),
        lambda data: allocator.allocate(data, -1),
        lambda data: allocator.allocate(data, 0, spill=3),
        lambda data: allocator.allocate_many(data, lengths=7),
        lambda data: backend.handle_ffi_event(allocator, data, -1),
        lambda data: allocator.drop_many(data),
        lambda data: backend.PooledEvent.unpack(data, -1),
        lambda data: backend.PooledEvent.unpack(data, 100),
        lambda data: backend.Writer(backend.RingBuffer(4, 2)).add(data),
    ]
    for call in calls:
        data = bytearray(64)
        with pytest.raises((TypeError, ValueError)) as caught:
            call(data)
        kept.append(caught.value)
        data.append(1)  # a BufferError where a view is left


@pytest.mark.clause("PTR-1", "RING-4", "RING-14")
def test_a_finalizer_in_a_cycle_has_all_that_it_holds(backend: ModuleType) -> None:
    """The collector finalizes a cycle in any order; what an object holds must be there for its own finalizer."""
    allocator = backend.EventAllocator(backend.TINY)
    ring = backend.RingBuffer(8, 2, mode="gated", max_readers=1)
    seen: list[Any] = []

    class Node:
        def __init__(self) -> None:
            self.itself = self
            self.pointer = allocator.allocate(b"kept")
            self.loan = allocator.loan(2)
            self.reader = backend.Reader(ring, start="latest")
            self.writer = backend.Writer(ring)

        def __del__(self) -> None:
            live = allocator.stats()[0].live
            with pytest.raises(backend.WriterTaken):
                backend.Writer(ring)
            seen.append((live, self.pointer.bytes, self.loan.len, ring.readers, self.writer.add(b"x")))

    for _ in range(3):
        Node()
        gc.collect()
    assert seen == [(2, b"kept", 2, 1, True)] * 3
    assert (allocator.stats()[0].live, ring.readers) == (0, 0)
    backend.Writer(ring).close()
