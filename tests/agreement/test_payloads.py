"""What can be an event's payload and type, on both implementations."""

import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from live_slots import taken  # type: ignore[import-not-found, unused-ignore]

BUFFERS: dict[str, Callable[[], Any]] = {
    "bytes": lambda: b"abcdefgh",
    "bytearray": lambda: bytearray(b"abcdefgh"),
    "memoryview": lambda: memoryview(b"--abcdefgh--")[2:-2],
    "array of u16": lambda: array.array("H", [1, 2, 3]),
    "array of double": lambda: array.array("d", [1.5, -2.5]),
    "numpy": lambda: np.arange(6, dtype=np.int32),
    "numpy in two dimensions": lambda: np.arange(12, dtype=np.int16).reshape(3, 4),
    "numpy of nothing": lambda: np.zeros((0, 4)),
    "cast": lambda: memoryview(bytes(16)).cast("Q"),
    "shape": lambda: memoryview(bytes(range(12))).cast("B", shape=[3, 4]),
    "empty": lambda: b"",
    "one number": lambda: np.array(7.25),
}


@pytest.mark.clause("ALLOC-5")
@pytest.mark.parametrize("name", BUFFERS)
def test_any_contiguous_buffer_is_a_payload(backend: ModuleType, name: str) -> None:
    buffer = BUFFERS[name]()
    expected = memoryview(buffer).tobytes()
    allocator = backend.EventAllocator()
    assert allocator.allocate(buffer).bytes == expected
    (token,) = allocator.allocate_many(buffer)
    assert backend.RingPtr.from_token(token, allocator).bytes == expected
    token = backend.handle_ffi_event(allocator, buffer, 0)
    assert backend.RingPtr.from_token(token, allocator).bytes == expected
    pool = allocator.allocate(buffer).pool_id
    slot = backend.allocate_to_pool(allocator, buffer, 0)
    assert bytes(allocator.pools.get_slot_data(pool, slot)) == expected
    ring = backend.RingBuffer(64, 4)
    backend.Writer(ring).add(buffer)
    assert backend.Reader(ring).next().data == expected


@pytest.mark.clause("ALLOC-5")
def test_view_of_a_pointer_is_a_payload(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"again")
    assert allocator.allocate(pointer.data).bytes == b"again"


@pytest.mark.clause("ALLOC-5", "ERR-4")
@pytest.mark.parametrize("wrong", [None, "text", 3, 1.5, [1, 2], object(), ()])
def test_what_is_no_buffer_is_refused(backend: ModuleType, wrong: Any) -> None:
    allocator = backend.EventAllocator()
    writer = backend.Writer(backend.RingBuffer(64, 4))
    calls: list[Callable[[], Any]] = [
        lambda: allocator.allocate(wrong),
        lambda: backend.handle_ffi_event(allocator, wrong, 0),
        lambda: backend.allocate_to_pool(allocator, wrong, 0),
        lambda: backend.allocate_from_pool(allocator, wrong, 0),
        lambda: writer.add(wrong),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="data"):
            call()
    assert sum(taken(allocator)) == 0


@pytest.mark.clause("ALLOC-5", "ERR-4")
@pytest.mark.parametrize(
    "make",
    [lambda: memoryview(b"abcdef")[::2], lambda: np.arange(12).reshape(3, 4).T, lambda: memoryview(b"abc")[::-1]],
    ids=["stride", "transposed", "backwards"],
)
def test_buffer_that_is_not_contiguous_is_refused(backend: ModuleType, make: Callable[[], Any]) -> None:
    allocator = backend.EventAllocator()
    calls: list[Callable[[], Any]] = [
        lambda: allocator.allocate(make()),
        lambda: backend.handle_ffi_event(allocator, make(), 0),
        lambda: backend.Writer(backend.RingBuffer(256, 4)).add(make()),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="data"):
            call()
    assert sum(taken(allocator)) == 0


@pytest.mark.clause("ALLOC-23", "ERR-4", "ERR-6")
def test_event_types(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    writer = backend.Writer(backend.RingBuffer(8, 8))
    calls: list[Callable[..., Any]] = [
        lambda event_type: allocator.allocate(b"x", event_type),
        lambda event_type: allocator.loan(1, event_type),
        lambda event_type: backend.handle_ffi_event(allocator, b"x", event_type),
        lambda event_type: backend.allocate_to_pool(allocator, b"x", event_type),
        lambda event_type: backend.allocate_from_pool(allocator, b"x", event_type),
        lambda event_type: writer.add(b"x", event_type),
    ]
    for call in calls:
        for wrong in (-1, 2**32, 2**64, -(2**64)):
            with pytest.raises(ValueError, match="event_type"):
                call(wrong)
        for wrong_type in (None, "1", 1.0, True, b"\1"):
            with pytest.raises(TypeError, match="event_type"):
                call(wrong_type)
    assert taken(allocator) == [0] * 6
    for event_type in (0, 1, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, np.uint32(2**32 - 1)):
        assert allocator.allocate(b"x", event_type).event_type == event_type
