"""Events, batches, profiles and errors: the words that both implementations speak."""

import dataclasses
import pickle
import queue
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import pytest

from rusted_ring.reference import (
    MAX_RING_BYTES,
    SEED,
    TINY,
    WIDE,
    EndOfStream,
    EventBatch,
    EventSize,
    Lagged,
    LayoutError,
    PayloadTooLarge,
    PooledEvent,
    PoolStats,
    Profile,
    RingError,
    SlotMetadata,
    SlotState,
)


def batch_of(first_sequence: int, *events: tuple[bytes, int]) -> EventBatch:
    """Return a batch of payloads and types."""
    return EventBatch(
        first_sequence,
        memoryview(bytearray(b"".join(data for data, _ in events))),
        memoryview(array("I", [len(data) for data, _ in events])),
        memoryview(array("I", [event_type for _, event_type in events])),
    )


@pytest.mark.clause("LAYOUT-1")
def test_event_has_a_length_and_a_type() -> None:
    event = PooledEvent(b"abc", 7)
    assert (event.data, event.event_type, event.len) == (b"abc", 7, 3)
    assert PooledEvent(b"abc").event_type == 0
    assert PooledEvent.zeroed(5) == PooledEvent(bytes(5), 0)
    assert PooledEvent.zeroed(EventSize.XS).len == 64
    assert PooledEvent.zeroed(0).data == b""


@pytest.mark.clause("LAYOUT-1")
@pytest.mark.parametrize("size", [1, 55, 56, 57, 64, 1_000])
def test_packed_event_is_padded_to_whole_lines(size: int) -> None:
    block = PooledEvent(b"\xff" * size, 2**32 - 1).pack(size)
    assert len(block) % 64 == 0
    assert size + 8 <= len(block) < size + 72
    assert block == b"\xff" * size + struct.pack("=II", size, 2**32 - 1) + bytes(len(block) - size - 8)
    assert PooledEvent.unpack(bytearray(block), size) == PooledEvent(b"\xff" * size, 2**32 - 1)


@pytest.mark.clause("LAYOUT-1", "ERR-4")
def test_event_that_cannot_be_packed_or_unpacked() -> None:
    with pytest.raises(PayloadTooLarge, match="data is 65 bytes"):
        PooledEvent(bytes(65)).pack(64)
    with pytest.raises(ValueError, match="size is 0"):
        PooledEvent(b"").pack(0)
    with pytest.raises(TypeError, match="size"):
        PooledEvent(b"").pack(True)
    with pytest.raises(ValueError, match="size is -1"):
        PooledEvent.zeroed(-1)
    with pytest.raises(ValueError, match="block is 64 bytes"):
        PooledEvent.unpack(bytes(64), 64)
    with pytest.raises(ValueError, match="block is an event of 65 bytes"):
        PooledEvent.unpack(bytes(64) + struct.pack("=II", 65, 0) + bytes(56), 64)
    with pytest.raises(TypeError, match="block"):
        PooledEvent.unpack("text", 64)


@pytest.mark.clause("RING-26")
def test_batch_is_a_sequence_of_events() -> None:
    batch = batch_of(4, (b"ab", 1), (b"", 2), (b"cde", 3))
    events = [PooledEvent(b"ab", 1), PooledEvent(b"", 2), PooledEvent(b"cde", 3)]
    assert isinstance(batch, Sequence)
    assert list(batch) == list(iter(batch)) == [batch[index] for index in range(3)] == events
    assert [batch[-1], batch[-3]] == [events[2], events[0]]
    assert batch[1:] == events[1:]
    assert batch[::-1] == events[::-1]
    assert PooledEvent(b"", 2) in batch
    assert batch.index(events[2]) == 2
    for outside in (3, -4):
        with pytest.raises(IndexError):
            batch[outside]


@pytest.mark.clause("RING-26", "RING-28")
def test_batch_has_read_only_columns() -> None:
    batch = batch_of(4, (b"ab", 1), (b"cde", 3))
    assert batch.first_sequence == 4
    assert (bytes(batch.data), list(batch.lengths), list(batch.event_types)) == (b"abcde", [2, 3], [1, 3])
    assert [view.format for view in (batch.data, batch.lengths, batch.event_types)] == ["B", "I", "I"]
    assert all(view.readonly for view in (batch.data, batch.lengths, batch.event_types))


@pytest.mark.clause("LAYOUT-9")
def test_records_are_the_payloads_of_one_length() -> None:
    batch = batch_of(4, (b"ab", 1), (b"cd", 3))
    assert batch.records(2).tobytes() == b"abcd"
    assert batch.records(2).readonly
    other = "itemsize is 3: event 0 of the batch has 2 bytes"
    for wrong, message in ((3, other), (0, "itemsize is 0"), (2**32, "itemsize is 4294967296")):
        with pytest.raises(ValueError, match=message):
            batch.records(wrong)
    for wrong_type in (None, True, 2.0, "2"):
        with pytest.raises(TypeError, match="itemsize is"):
            batch.records(wrong_type)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="event 1 of the batch has 1 bytes"):
        batch_of(4, (b"ab", 1), (b"c", 3)).records(2)
    assert batch_of(4).records(8).nbytes == 0


@pytest.mark.clause("RING-26")
def test_batches_are_equal_by_content() -> None:
    batch = batch_of(4, (b"ab", 1), (b"c", 2))
    assert batch == batch_of(4, (b"ab", 1), (b"c", 2))
    assert batch != batch_of(5, (b"ab", 1), (b"c", 2))
    assert batch != batch_of(4, (b"a", 1), (b"bc", 2))
    assert batch != batch_of(4, (b"ab", 1), (b"c", 3))
    assert batch != batch_of(4, (b"ab", 1), (b"d", 2))
    assert batch != [PooledEvent(b"ab", 1), PooledEvent(b"c", 2)]
    assert batch_of(4) == batch_of(4)
    assert not batch_of(4)
    with pytest.raises(TypeError):
        hash(batch)
    assert repr(batch) == "EventBatch(first_sequence=4, events=2, bytes=3)"


@pytest.mark.clause("RING-26", "ERR-4")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("4", b"ab", array("I", [2]), array("I", [1])), "first_sequence is '4'"),
        ((-1, b"ab", array("I", [2]), array("I", [1])), "first_sequence is -1"),
        ((4, "ab", array("I", [2]), array("I", [1])), "data is 'ab'"),
        ((4, b"ab", [2], array("I", [1])), "lengths is \\[2\\]"),
        ((4, b"ab", b"\2\0\0\0", array("I", [1])), "lengths is .* of format 'B'"),
        ((4, b"ab", array("I", [2]), array("Q", [1])), "event_types is .* of format 'Q'"),
        ((4, b"ab", array("I", [2]), array("I", [1, 1])), "event_types is 2 numbers for 1 events"),
        ((4, b"abc", array("I", [2]), array("I", [1])), "data is 3 bytes long: the lengths add up to 2"),
        ((4, b"ab", memoryview(array("I", [2, 3, 4]))[::2], array("I", [1, 1])), "lengths is .* C-contiguous"),
    ],
)
def test_columns_of_a_batch_that_do_not_fit_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        EventBatch(*arguments)


@pytest.mark.clause("RING-26", "RING-28")
def test_a_batch_is_made_once() -> None:
    batch = batch_of(4, (b"ab", 1), (b"c", 2))
    batch.__init__(9, b"", array("I"), array("I"))  # type: ignore[misc]
    assert batch == batch_of(4, (b"ab", 1), (b"c", 2))


@pytest.mark.clause("SLOT-14", "ALLOC-9")
def test_figures_have_names() -> None:
    assert SlotMetadata._fields == ("ref_count", "generation", "state")
    assert [SlotMetadata(0, 0, state).is_allocated for state in SlotState] == [False, True, True]
    assert PoolStats._fields == ("capacity", "live", "free", "allocations", "failures")


@pytest.mark.clause("PARAM-1")
def test_profiles_are_those_of_the_table() -> None:
    capacities = (2_000, 1_000, 300, 60, 15)
    assert dataclasses.astuple(SEED) == ("seed", 8, 16, 32, capacities, 64, 67_108_864, MAX_RING_BYTES)
    assert dataclasses.astuple(WIDE) == ("wide", 22, 40, 32, capacities, 64, 67_108_864, MAX_RING_BYTES)
    assert dataclasses.astuple(TINY) == ("tiny", 2, 2, 2, (3, 2, 2, 1, 1), 2, 65_536, MAX_RING_BYTES)
    assert MAX_RING_BYTES == 1_048_576


BOUNDS = [
    ("ref_bits", 1, 22),
    ("generation_bits", 1, 40),
    ("tag_bits", 0, 32),
    ("heap_slots", 1, 2_097_152),
    ("heap_bytes", 1, 2**48),
]


@pytest.mark.clause("PARAM-2", "PARAM-3", "PARAM-4")
@pytest.mark.parametrize(("field", "low", "high"), BOUNDS)
def test_field_is_accepted_within_its_bounds_alone(field: str, low: int, high: int) -> None:
    for value in (low, low + 1, high - 1, high):
        changed: dict[str, Any] = {field: value}
        assert getattr(dataclasses.replace(TINY, **changed), field) == value
    for value in (low - 1, high + 1):
        changed = {field: value}
        with pytest.raises(LayoutError, match=f"{field} is {value}"):
            dataclasses.replace(TINY, **changed)


@pytest.mark.clause("PARAM-3", "PARAM-4")
@pytest.mark.parametrize("index", range(5))
def test_capacity_is_accepted_within_its_bounds_alone(index: int) -> None:
    def changed(count: int) -> Profile:
        capacities = [1, 1, 1, 1, 1]
        capacities[index] = count
        first, second, third, fourth, fifth = capacities
        return dataclasses.replace(TINY, capacities=(first, second, third, fourth, fifth))

    for count in (1, 3, 2_097_152):
        assert changed(count).capacities[index] == count
    for count in (0, 2_097_153, -1):
        with pytest.raises(LayoutError, match=rf"capacities\[{index}\] is {count}"):
            changed(count)
    with pytest.raises(LayoutError, match="capacities"):
        dataclasses.replace(TINY, capacities=(1, 1, 1, 1))  # type: ignore[arg-type]


@pytest.mark.clause("ERR-4", "ERR-6")
@pytest.mark.parametrize(
    "field", ["ref_bits", "generation_bits", "tag_bits", "heap_slots", "heap_bytes", "max_ring_bytes"]
)
@pytest.mark.parametrize("value", [True, 2.0, "2", None])
def test_field_that_is_no_integer_is_a_type_error(field: str, value: object) -> None:
    changed: dict[str, Any] = {field: value}
    with pytest.raises(TypeError, match=field):
        dataclasses.replace(TINY, **changed)


@pytest.mark.clause("ERR-4", "ERR-6")
def test_profile_of_wrong_types() -> None:
    wrong: list[dict[str, Any]] = [{"name": 3}, {"capacities": 3}, {"capacities": (1, 1, 1, 1, True)}]
    for changed in wrong:
        with pytest.raises(TypeError, match=next(iter(changed))):
            dataclasses.replace(TINY, **changed)


@pytest.mark.clause("ERR-6", "PARAM-4")
def test_profile_takes_whatever_has_an_index_and_cannot_be_changed() -> None:
    numpy = pytest.importorskip("numpy")
    profile = dataclasses.replace(TINY, ref_bits=numpy.uint8(3), capacities=tuple(numpy.arange(1, 6)))
    assert profile.capacities == (1, 2, 3, 4, 5)
    assert type(profile.ref_bits) is int
    assert all(type(count) is int for count in profile.capacities)
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile.ref_bits = 4  # type: ignore[misc]


@pytest.mark.clause("ERR-5")
def test_lagged_keeps_its_numbers_when_pickled() -> None:
    error = pickle.loads(pickle.dumps(Lagged(3, 9)))
    assert (error.skipped, error.next_sequence) == (3, 9)
    assert "3 events" in str(error)
    assert "sequence 9" in str(error)


@pytest.mark.clause("ERR-2")
def test_errors_are_what_a_user_would_expect() -> None:
    expected = {
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
        "ForkedCopy": RuntimeError,
        "Lagged": LookupError,
    }
    errors = {error.__name__: error for error in RingError.__subclasses__()}
    assert set(errors) == set(expected)
    assert {error.__name__ for error in errors["RingClosed"].__subclasses__()} == {"EndOfStream"}
    assert issubclass(EndOfStream, EOFError)
    assert all(issubclass(errors[name], also) for name, also in expected.items())
