"""The chapter Views on both implementations: what a view shows never changes, and its slot comes back when it goes."""

import io
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

LENGTHS = (0, 1, 64, 256, 1_024, 4_096, 16_384, 16_392)
DERIVATIONS: dict[str, Callable[[memoryview], Any]] = {
    "itself": lambda view: view,
    "slice": lambda view: view[8:40],
    "stride": lambda view: view[::3],
    "slice of slice": lambda view: view[8:][8:][:16],
    "cast": lambda view: view.cast("H"),
    "cast of slice": lambda view: view[16:48].cast("Q"),
    "shape": lambda view: view.cast("B", shape=[8, len(view) // 8]),
    "memoryview": lambda view: memoryview(view),
    "numpy": lambda view: np.frombuffer(view, dtype=np.uint16),
    "numpy asarray": lambda view: np.asarray(view),
    "numpy slice": lambda view: np.frombuffer(view, dtype=np.uint8)[3:40:5],
    "numpy reshape": lambda view: np.frombuffer(view, dtype=np.uint8).reshape(8, -1).T,
    "toreadonly": lambda view: view.toreadonly(),
}


def content(derived: Any) -> bytes:
    """Return the bytes that a view or an array shows."""
    return bytes(derived.tobytes())


def live(allocator: Any) -> int:
    """Return how many slots of all pools are taken."""
    return sum(stats.live for stats in allocator.stats().values())


@pytest.mark.clause("VIEW-1")
@pytest.mark.parametrize("length", LENGTHS)
def test_view_is_a_flat_read_only_memoryview(backend: ModuleType, length: int) -> None:
    payload = bytes(n % 251 for n in range(length))
    pointer = backend.EventAllocator().allocate(payload)
    view = pointer.data
    assert type(view) is memoryview
    assert (view.format, view.ndim, view.itemsize, view.shape, view.nbytes) == ("B", 1, 1, (length,), length)
    assert view.readonly
    assert view.c_contiguous
    assert bytes(view) == payload
    if length:
        with pytest.raises(TypeError):
            view[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        np.asarray(view).setflags(write=True)


@pytest.mark.clause("VIEW-1")
def test_native_view_copies_nothing(native: ModuleType) -> None:
    pointer = native.EventAllocator().allocate(b"x" * 100)
    addresses = {int(np.asarray(view).ctypes.data) for view in (pointer.data, pointer.data, pointer.clone().data)}
    assert len(addresses) == 1


@pytest.mark.clause("VIEW-2", "VIEW-3", "VIEW-4")
@pytest.mark.parametrize("how", DERIVATIONS)
@pytest.mark.parametrize("length", [64, 256, 1_024, 4_096, 16_384, 16_392])
def test_derived_view_outlives_its_pointer(
    tiny: Callable[..., Any], backend: ModuleType, collect: Callable[[], None], how: str, length: int
) -> None:
    allocator = tiny(capacities=(2, 2, 2, 2, 2), heap_slots=2)
    payload = bytes((n * 7 + 3) % 256 for n in range(length))
    pointer = allocator.allocate(payload)
    pool, slot = pointer.pool_id, pointer.slot_index
    derived = DERIVATIONS[how](pointer.data)
    expected = content(derived)
    assert expected == content(DERIVATIONS[how](memoryview(payload)))
    pointer.drop()
    collect()
    assert allocator.pools.slot_metadata(pool, slot).ref_count == 1
    # The other slot is used up and down; this one is never handed out.
    for turn in range(10):
        other = allocator.allocate(bytes([turn]) * length)
        assert other.slot_index != slot
        with pytest.raises(backend.PoolExhausted):
            allocator.loan(length)
        assert content(derived) == expected
        other.drop()
    del derived
    collect()
    assert allocator.pools.slot_metadata(pool, slot).state.name == "FREE"
    assert live(allocator) == 0


@pytest.mark.clause("VIEW-2")
def test_reference_goes_back_with_the_last_of_many_views(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"0123456789abcdef")
    views: list[Any] = [pointer.data, pointer.data[4:], np.frombuffer(pointer.data, dtype=np.uint32)]
    views.append(views[0][2:4])
    pointer.drop()
    while views:
        assert live(allocator) == 1
        views.pop(0)
        collect()
    assert live(allocator) == 0


@pytest.mark.clause("VIEW-2")
def test_views_that_go_first_leave_the_pointer_as_it_was(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x" * 20)
    for _ in range(20):
        view = pointer.data
        view.release()
        del view
    collect()
    assert pointer.bytes == b"x" * 20
    assert pointer.ref_count == 1
    pointer.drop()
    assert live(allocator) == 0


@pytest.mark.clause("VIEW-2")
def test_released_memoryview_no_longer_pins(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x" * 20)
    view = pointer.data
    pointer.drop()
    assert live(allocator) == 1
    view.release()
    collect()
    assert live(allocator) == 0
    with pytest.raises(ValueError, match="released"):
        view[0]


@pytest.mark.clause("VIEW-2", "VIEW-4", "PTR-8")
@pytest.mark.parametrize("length", [40, 1_000, 20_000])
def test_view_outlives_pointer_and_allocator(backend: ModuleType, collect: Callable[[], None], length: int) -> None:
    def make() -> tuple[Any, Any]:
        allocator = backend.EventAllocator()
        pointer = allocator.allocate(b"A" * length)
        return np.frombuffer(pointer.data, dtype=np.uint8), allocator.pools.get_slot_data(pointer.pool_id, 0)

    array, slot_view = make()
    collect()
    noise = [bytearray(b"\xff" * 300_000) for _ in range(30)]
    assert content(array) == content(slot_view) == b"A" * length
    del noise
    for _ in range(3):
        assert content(make()[0]) == b"A" * length
        collect()
    assert content(array) == b"A" * length


@pytest.mark.clause("VIEW-5")
def test_views_change_no_count(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x" * 30)
    word = allocator.pools.slot_words(0)
    views: list[Any] = [pointer.data for _ in range(300)]
    views += [np.asarray(view) for view in views]
    assert allocator.pools.slot_words(0) == word
    assert pointer.ref_count == 1


@pytest.mark.clause("VIEW-5", "VIEW-2")
def test_each_clone_pins_by_itself(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(b"x" * 30)
    clone = pointer.clone()
    view = clone.data
    clone.drop()
    assert pointer.ref_count == 2
    del view
    collect()
    assert pointer.ref_count == 1


@pytest.mark.clause("VIEW-6", "ALLOC-19")
@pytest.mark.parametrize("length", LENGTHS)
def test_pool_level_view_holds_a_reference_of_its_own(
    backend: ModuleType, collect: Callable[[], None], length: int
) -> None:
    allocator = backend.EventAllocator()
    payload = b"v" * length
    pointer = allocator.allocate(payload)
    pool, slot = pointer.pool_id, pointer.slot_index
    view = allocator.pools.get_slot_data(pool, slot)
    assert (type(view), view.format, view.readonly, bytes(view)) == (memoryview, "B", True, payload)
    assert pointer.ref_count == 2
    part = view[: length // 2]
    second = allocator.pools.get_slot_data(pool, slot, pointer.generation)
    assert pointer.ref_count == 3
    pointer.drop()
    assert allocator.pools.slot_metadata(pool, slot).ref_count == 2
    del view, second
    collect()
    assert allocator.pools.slot_metadata(pool, slot).ref_count == 1
    assert bytes(part) == payload[: length // 2]
    del part
    collect()
    assert allocator.pools.slot_metadata(pool, slot).state.name == "FREE"


@pytest.mark.clause("VIEW-2", "VIEW-3")
def test_view_in_a_cycle_is_given_back_by_the_collector(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    loop: list[Any] = [allocator.allocate(b"x" * 16).data]
    loop.append(loop)
    assert live(allocator) == 1
    del loop
    collect()
    assert live(allocator) == 0


@pytest.mark.clause("VIEW-2", "VIEW-4")
def test_views_made_and_ended_by_many_threads(tiny: Callable[..., Any], collect: Callable[[], None]) -> None:
    """Views of short-lived pointers, under reuse by other threads: no view ever shows the bytes of another event."""
    allocator = tiny(capacities=(3, 1, 1, 1, 1), generation_bits=16, ref_bits=8)
    failures: list[str] = []

    def work(mark: int) -> None:
        payload = bytes([mark]) * 40
        for _ in range(400):
            try:
                pointer = allocator.allocate(payload)
            except Exception as error:
                if type(error).__name__ != "PoolExhausted":
                    failures.append(repr(error))
                continue
            array = np.frombuffer(pointer.data, dtype=np.uint8)
            pointer.drop()
            if not (array == mark).all():
                failures.append(f"{mark}: {array}")
            del array

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    collect()
    assert not failures
    assert live(allocator) == 0


def is_buffer(backend: ModuleType) -> bool:
    """Whether the implementation's handles are buffers: classes written in Python are from 3.12 on."""
    return sys.version_info >= (3, 12) or not backend.__name__.endswith("reference")


@pytest.mark.clause("VIEW-8", "VIEW-2", "VIEW-5", "PTR-6")
def test_a_pointer_is_a_buffer(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    pointer = allocator.allocate(bytes(range(100)))
    if not is_buffer(backend):
        with pytest.raises(TypeError, match="bytes-like"):
            memoryview(pointer)
        return
    view, array = memoryview(pointer), np.asarray(pointer)
    assert (view.format, view.ndim, view.readonly, bytes(view)) == ("B", 1, True, pointer.bytes)
    assert (array.dtype.str, array.shape, array.flags.writeable) == ("|u1", (100,), False)
    assert pointer.ref_count == 1
    with pytest.raises((BufferError, TypeError)):
        io.BytesIO(bytes(100)).readinto(pointer)
    pointer.drop()
    with pytest.raises(backend.ReleasedHandle):
        memoryview(pointer)
    assert (bytes(view), array.tobytes()) == (bytes(range(100)),) * 2
    view.release()
    collect()
    assert live(allocator) == 1
    del array
    collect()
    assert live(allocator) == 0


@pytest.mark.clause("VIEW-8", "LOAN-1", "LOAN-6", "LOAN-10")
def test_a_loan_is_a_buffer_to_write_in(backend: ModuleType) -> None:
    loan = backend.EventAllocator().loan(8)
    if not is_buffer(backend):
        with pytest.raises(TypeError, match="bytes-like"):
            memoryview(loan)
        return
    assert io.BytesIO(b"eight by").readinto(loan) == 8
    with memoryview(loan) as view:
        assert not view.readonly
        with pytest.raises(backend.ViewsOutstanding):
            loan.commit()
    assert loan.commit().bytes == b"eight by"
    with pytest.raises(backend.ReleasedHandle):
        memoryview(loan)


@pytest.mark.clause("VIEW-8", "ALLOC-5", "RING-28")
def test_handles_are_payloads(backend: ModuleType) -> None:
    if not is_buffer(backend):
        pytest.skip("no class written in Python is a buffer before Python 3.12")
    allocator, ring = backend.EventAllocator(), backend.RingBuffer(8, 4)
    pointer, loan = allocator.allocate(b"payload"), allocator.loan(3)
    ended = allocator.allocate(b"")
    ended.drop()
    assert allocator.allocate(pointer).bytes == b"payload"
    writer = backend.Writer(ring)
    assert writer.add(pointer)
    assert writer.add_many([pointer, loan]) == 2
    assert [event.data for event in backend.Reader(ring)] == [b"payload", b"payload", bytes(3)]
    with pytest.raises(ValueError, match="data"):
        writer.add(ended)
    assert loan.commit().bytes == bytes(3)
