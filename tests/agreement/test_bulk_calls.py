"""Bulk calls of writers and readers on both implementations."""

import array
import tracemalloc
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ring_events import MODES, payload, range_types, sequences, write  # type: ignore[import-not-found, unused-ignore]


@pytest.mark.clause("RING-25")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("capacity", [1, 2, 5, 33])
def test_bulk_add(backend: ModuleType, mode: str, capacity: int) -> None:
    ring = backend.RingBuffer(16, capacity, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    start = 0
    for count in (0, 1, capacity - 1, capacity, capacity + 1, 2 * capacity + 1, 0):
        data = [payload(start + offset, 16) for offset in range(count)]
        accepted = writer.add_many(data, event_types=range_types(start, count))
        assert accepted == (count if mode == "overwrite" else min(count, capacity))
        assert ring.write_cursor == start + accepted
        if accepted > capacity:
            with pytest.raises(backend.Lagged):
                reader.next()
        retained = min(accepted, capacity)
        assert sequences(reader) == list(range(start + accepted - retained, start + accepted))
        start += accepted


@pytest.mark.clause("RING-25", "ERR-1")
def test_bulk_forms_are_alike_and_a_batch_with_a_fault_adds_nothing(backend: ModuleType) -> None:
    forms: list[dict[str, Any]] = [
        {"data": [b"aa", b"bb", b"cc"], "event_types": 4},
        {"data": b"aabbcc", "lengths": 2, "event_types": [4, 4, 4]},
        {"data": bytearray(b"aabbcc"), "lengths": np.array([2, 2, 2], dtype=np.uint32), "event_types": 4},
        {"data": (memoryview(b"aa"), b"bb", bytearray(b"cc")), "event_types": array.array("I", [4, 4, 4])},
    ]
    for form in forms:
        ring = backend.RingBuffer(4, 8)
        with backend.Writer(ring) as writer:
            assert writer.add_many(**form) == 3
            with pytest.raises(backend.PayloadTooLarge):
                writer.add_many([b"ok", b"too long"])
            with pytest.raises(ValueError, match="lengths"):
                writer.add_many(b"aabbc", lengths=2)
        assert [tuple(event) for event in backend.Reader(ring)] == [(b"aa", 4), (b"bb", 4), (b"cc", 4)]
    ring = backend.RingBuffer(16, 8)
    assert backend.Writer(ring).add_many(b"one event") == 1
    assert backend.Reader(ring).next().data == b"one event"


@pytest.mark.clause("RING-26")
@pytest.mark.parametrize("mode", MODES)
def test_bulk_next(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(64, 10, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    empty = reader.next_many(5)
    assert (len(empty), list(empty), empty.first_sequence) == (0, [], 0)
    lengths = [0, 1, 64, 8, 7]
    for sequence, length in enumerate(lengths):
        writer.add(payload(sequence, length), sequence)
    batch = reader.next_many(3)
    assert type(batch) is backend.EventBatch
    assert (batch.first_sequence, len(batch), reader.cursor, reader.delivered) == (0, 3, 3, 3)
    assert sequences(batch) == [0, 1, 2]
    assert list(batch.lengths) == lengths[:3]
    assert list(batch.event_types) == [0, 1, 2]
    assert bytes(batch.data) == b"".join(payload(sequence, length) for sequence, length in enumerate(lengths[:3]))
    assert (batch.data.format, batch.lengths.format, batch.event_types.format) == ("B", "I", "I")
    assert batch.data.readonly
    assert batch.lengths.readonly
    assert batch.event_types.readonly
    assert [batch[0], batch[1], batch[-1]] == list(batch)
    assert list(batch[1:]) == list(batch)[1:]
    assert batch[1].len == 1
    with pytest.raises(IndexError):
        batch[3]
    rest = reader.next_many(1_000)
    assert (rest.first_sequence, sequences(rest)) == (3, [3, 4])
    assert len(reader.next_many(1)) == 0


@pytest.mark.clause("LAYOUT-9", "RING-25", "RING-26")
@pytest.mark.parametrize("mode", MODES)
def test_arrays_of_structures_pass_whole(backend: ModuleType, mode: str) -> None:
    """Many events are one array on both sides, and nothing is made for each."""
    ring = backend.RingBuffer(24, 64, mode=mode)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    sent = np.zeros(50, dtype=[("id", "<u4"), ("price", "<f8"), ("name", "S4")])
    sent["id"], sent["price"], sent["name"] = np.arange(50), np.linspace(0, 1, 50), b"abcd"
    kinds = np.arange(50, dtype=np.uint32)
    assert writer.add_many(sent, lengths=sent.itemsize, event_types=kinds) == 50
    batch = reader.next_many(100)
    records = batch.records(sent.itemsize)
    got = np.frombuffer(records, dtype=sent.dtype)
    assert got.tolist() == sent.tolist()
    assert np.shares_memory(got, np.frombuffer(batch.data, dtype="u1"))
    assert (len(batch), list(batch.event_types), got.flags.writeable) == (50, kinds.tolist(), False)
    assert writer.add_many(sent[:3], lengths=16) == 3
    with pytest.raises(ValueError, match="event 0 of the batch has 16 bytes"):
        reader.next_many(100).records(17)
    assert reader.next_many(100).records(17) == b""


@pytest.mark.clause("RING-52", "RING-26")
@pytest.mark.parametrize("mode", MODES)
def test_bulk_next_reserves_what_is_there(backend: ModuleType, mode: str) -> None:
    ring = backend.RingBuffer(2**20, 64, mode=mode, max_ring_bytes=2**27)
    writer, reader = backend.Writer(ring), backend.Reader(ring)
    sent = [payload(sequence, sequence) for sequence in range(64)]
    for _ in range(3):
        assert writer.add_many(sent) == 64
        tracemalloc.start()
        batch = reader.next_many(2**40)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert [event.data for event in batch] == sent
        assert peak < 100_000
    large = [payload(sequence, 2**20) for sequence in range(3)]
    assert writer.add_many([*large, b"small"]) == 4
    assert [event.data for event in reader.next_many(2)] == large[:2]
    assert [event.data for event in reader.next_many(9)] == [large[2], b"small"]


@pytest.mark.clause("RING-26", "RING-11")
def test_bulk_next_raises_where_next_would(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 4)
    writer, reader, twin = backend.Writer(ring), backend.Reader(ring), backend.Reader(ring)
    write(writer, 7)
    for one in (lambda: reader.next_many(10), twin.next):
        with pytest.raises(backend.Lagged) as caught:
            one()
        assert (caught.value.skipped, caught.value.next_sequence) == (3, 3)
    assert sequences(reader.next_many(10)) == sequences(twin) == [3, 4, 5, 6]
    assert len(reader.next_many(10)) == 0


@pytest.mark.clause("RING-26", "ERR-4", "ERR-6")
def test_limits_of_bulk_next(backend: ModuleType) -> None:
    ring = backend.RingBuffer(16, 4)
    reader = backend.Reader(ring)
    write(backend.Writer(ring), 2)
    for wrong in (None, "1", 1.0, True):
        with pytest.raises(TypeError, match="limit"):
            reader.next_many(wrong)
    with pytest.raises(ValueError, match="limit"):
        reader.next_many(-1)
    assert reader.cursor == 0
    assert len(reader.next_many(2**40)) == 2
