"""Pins: what keeps a slot LIVE, and when what was left by finalizers is done."""

import copy
import dataclasses
import gc
import pickle
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from rusted_ring.reference import (
    TINY,
    EventAllocator,
    Loan,
    PoolId,
    ReleasedHandle,
    RingPtr,
    SlotState,
    ViewsOutstanding,
    WeakRingPtr,
)


@pytest.fixture
def allocator() -> EventAllocator:
    return EventAllocator(dataclasses.replace(TINY, capacities=(2, 1, 1, 1, 1)))


def state(allocator: EventAllocator, slot: int = 0) -> SlotState:
    """Return the state of a slot of pool XS."""
    return allocator.pools.slot_metadata(0, slot).state


def array_of(view: memoryview) -> Any:
    """Return an array over a view, without a copy."""
    return pytest.importorskip("numpy").frombuffer(view, dtype="u1")


DERIVED: dict[str, Callable[[memoryview], Any]] = {
    "itself": lambda view: view,
    "slice": lambda view: view[1:3],
    "stride": lambda view: view[::2],
    "empty slice": lambda view: view[4:],
    "cast": lambda view: view.cast("H"),
    "shape": lambda view: view.cast("B", (2, 2)),
    "copy of the view": memoryview,
    "read-only view": lambda view: view.toreadonly(),
    "array": array_of,
    "array of a slice": lambda view: array_of(view[2:]),
    "view of an array": lambda view: memoryview(array_of(view)),
    "transposed array": lambda view: array_of(view).reshape(2, 2).T,
}


@pytest.mark.clause("VIEW-2", "VIEW-3", "VIEW-4", "VIEW-5")
@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED.keys())
def test_whatever_is_made_of_a_view_pins_the_slot(
    allocator: EventAllocator, derive: Callable[[memoryview], Any]
) -> None:
    pointer = allocator.allocate(b"abcd")
    expected = bytes(derive(memoryview(b"abcd")))
    derived = derive(pointer.data)
    assert pointer.ref_count == 1
    pointer.drop()
    assert state(allocator) is SlotState.LIVE
    allocator.allocate(b"x").drop()
    assert bytes(derived) == expected
    del derived
    assert state(allocator) is SlotState.FREE
    assert allocator.pools.get_generation(0, 0) == 1


@pytest.mark.clause("VIEW-1")
@pytest.mark.parametrize("length", [0, 1, 64, 16_385])
def test_view_is_read_only_bytes_in_one_dimension(allocator: EventAllocator, length: int) -> None:
    view = allocator.allocate(bytes(range(256)) * 64 + b"!" if length == 16_385 else bytes(length)).data
    assert (view.readonly, view.ndim, view.format, view.nbytes, view.contiguous) == (True, 1, "B", length, True)
    if length:
        with pytest.raises(TypeError):
            view[0] = 1  # the type of a view does not say whether it is writable


@pytest.mark.clause("VIEW-5", "VIEW-2")
def test_all_views_of_a_pointer_share_its_reference(allocator: EventAllocator) -> None:
    pointer = allocator.allocate(b"abcd")
    views = [pointer.data for _ in range(10)]
    assert pointer.ref_count == 1
    assert len({id(view.obj) for view in views}) == 1
    pointer.drop()
    while views:
        assert allocator.pools.slot_metadata(0, 0) == (1, 0, SlotState.LIVE)
        del views[-1]
    assert state(allocator) is SlotState.FREE


@pytest.mark.clause("VIEW-6", "ALLOC-19")
def test_pool_level_view_has_a_reference_of_its_own(allocator: EventAllocator) -> None:
    pointer = allocator.allocate(b"abcd", 3)
    view = allocator.pools.get_slot_data(0, 0, 0)
    assert pointer.ref_count == 2
    pointer.drop()
    assert (bytes(view), view.readonly, allocator.pools.slot_metadata(0, 0).ref_count) == (b"abcd", True, 1)
    half = view[:2]
    view.release()
    assert state(allocator) is SlotState.LIVE
    del half
    del view
    assert state(allocator) is SlotState.FREE


@pytest.mark.clause("PTR-12", "PTR-17", "ERR-1")
@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED.keys())
@pytest.mark.parametrize("payload", [b"", b"abcd"])
def test_pointer_with_a_view_cannot_become_a_token(
    allocator: EventAllocator, derive: Callable[[memoryview], Any], payload: bytes
) -> None:
    pointer = allocator.allocate(payload)
    derived = derive(pointer.data) if payload else pointer.data
    with pytest.raises(ViewsOutstanding, match="data"):
        pointer.into_token()
    assert (pointer.bytes, pointer.ref_count, pointer.released) == (payload, 1, False)
    assert bytes(pointer.data) == payload
    del derived
    token = pointer.into_token()
    assert pointer.released
    again = RingPtr.from_token(token, allocator)
    assert (again.bytes, again.ref_count, bytes(again.data)) == (payload, 1, payload)


@pytest.mark.clause("PTR-17", "PTR-12")
def test_view_of_a_clone_does_not_keep_a_pointer_from_becoming_a_token(allocator: EventAllocator) -> None:
    pointer = allocator.allocate(b"abcd")
    view = pointer.clone().data
    token = pointer.into_token()
    assert allocator.pools.slot_metadata(0, 0).ref_count == 2
    assert allocator.drop_many([token]) == 1
    assert bytes(view) == b"abcd"


@pytest.mark.clause("LOAN-6", "LOAN-8", "LOAN-5", "ERR-1")
@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED.keys())
def test_loan_with_a_view_ends_after_it(allocator: EventAllocator, derive: Callable[[memoryview], Any]) -> None:
    loan = allocator.loan(4)
    derived = derive(loan.data)
    for end in (loan.commit, loan.abort, lambda: loan.commit(2)):
        with pytest.raises(ViewsOutstanding):
            end()
    assert (state(allocator), loan.released) == (SlotState.LOANED, False)
    with loan:
        pass
    assert loan.released
    assert state(allocator) is SlotState.LOANED
    del derived
    assert allocator.pools.slot_metadata(0, 0) == (0, 1, SlotState.FREE)


@pytest.mark.clause("LOAN-1", "LOAN-2", "LOAN-3", "LOAN-4")
@pytest.mark.parametrize("length", [0, 1, 64, 65, 20_000])
def test_what_is_written_into_a_loan_is_what_its_pointer_shows(allocator: EventAllocator, length: int) -> None:
    loan = allocator.loan(length, 9)
    assert (bytes(loan.data), loan.len, loan.data.readonly) == (bytes(length), length, False)
    loan.data[: length // 2] = b"\xee" * (length // 2)
    for wrong in (-1, length + 1):
        with pytest.raises(ValueError, match=f"length is {wrong}"):
            loan.commit(wrong)
    for kind in (True, 1.0, "1"):
        with pytest.raises(TypeError, match="length"):
            loan.commit(kind)  # type: ignore[arg-type]
    generation = loan.generation
    pointer = loan.commit(length // 2)
    assert (pointer.bytes, pointer.event_type, pointer.generation) == (b"\xee" * (length // 2), 9, generation)
    assert allocator.loan(0).commit().bytes == b""


@pytest.mark.clause("LOAN-3", "LOAN-2")
def test_loan_that_was_never_looked_at_commits_zeros(allocator: EventAllocator) -> None:
    assert allocator.loan(5).commit().bytes == bytes(5)
    assert allocator.loan(5).commit(3).bytes == bytes(3)


@pytest.mark.clause("PTR-5", "LOAN-5")
def test_next_step_runs_the_finalizers_of_collected_pointers_and_loans(allocator: EventAllocator) -> None:
    class Node:
        """A cycle that holds a pointer or loan."""

        def __init__(self, handle: object) -> None:
            self.handle = handle
            self.me = self

    Node(allocator.allocate(b"a"))
    Node(allocator.loan(1))
    gc.collect()
    assert allocator.stats()[PoolId.XS].live == 0
    assert [allocator.pools.get_generation(0, slot) for slot in range(2)] == [1, 1]


@pytest.mark.clause("PTR-5", "PTR-3", "ALLOC-13")
def test_finalizer_that_runs_in_the_middle_of_a_step_does_not_wait_for_it(allocator: EventAllocator) -> None:
    pointer, clone = allocator.allocate(b"a"), allocator.allocate(b"b")
    monitor = allocator.pools._monitor
    held = [clone]
    del clone

    def look() -> None:
        pointer.drop()
        held.clear()
        assert monitor._due
        assert allocator.pools._pools[0].free == 0

    monitor.read(look)
    assert allocator.stats()[PoolId.XS].free == 2
    assert not monitor._due


@pytest.mark.clause("PTR-8")
def test_views_and_pointers_outlive_the_allocator() -> None:
    allocator = EventAllocator(TINY)
    gone = weakref.ref(allocator)
    view = allocator.allocate(b"view").data
    pointer, loan = allocator.allocate(b"pointer"), allocator.loan(4)
    del allocator
    gc.collect()
    assert gone() is pointer.allocator
    loan.data[:] = b"loan"
    committed = loan.commit()
    assert (bytes(view), pointer.bytes, committed.bytes) == (b"view", b"pointer", b"loan")
    del pointer, committed, loan
    gc.collect()
    assert gone() is None
    assert bytes(view) == b"view"


@pytest.mark.clause("PTR-8", "PTR-5")
def test_allocator_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        allocator = EventAllocator(TINY)
        pools = weakref.ref(allocator.pools)
        pointer = allocator.allocate(b"a")
        clone = pointer.clone()
        view = clone.data
        weak = pointer.downgrade()
        del allocator, pointer, clone, view, weak
        assert pools() is None
    finally:
        gc.enable()


@pytest.mark.clause("PTR-5", "PTR-8")
def test_handles_left_at_the_end_of_the_program_make_no_noise() -> None:
    program = textwrap.dedent(
        """
        from rusted_ring.reference import EventAllocator, Reader, RingBuffer, Writer
        allocator = EventAllocator()
        pointer, loan, view = allocator.allocate(b"a"), allocator.loan(5), allocator.allocate(b"b").data
        ring = RingBuffer(8, 4, mode="gated")
        writer, reader = Writer(ring), Reader(ring)
        cycle = [pointer.clone(), allocator.loan(1), reader]
        cycle.append(cycle)
        print("done")
        """
    )
    found = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("done\n", "")


@pytest.mark.clause("PTR-6", "PTR-3", "PTR-4", "PTR-12")
@pytest.mark.parametrize("end", ["drop", "with", "token"])
def test_pointer_after_its_end(allocator: EventAllocator, end: str) -> None:
    pointer = allocator.allocate(b"a")
    if end == "with":
        with pytest.raises(KeyError), pointer:
            raise KeyError
    else:
        end_it: dict[str, Callable[[], object]] = {"drop": pointer.drop, "token": pointer.into_token}
        assert end_it[end]() == {"drop": None, "token": 2**61}[end]
    before = allocator.pools.slot_words(0)
    uses: list[Callable[[RingPtr], object]] = [
        lambda p: p.clone(), copy.copy, lambda p: p.downgrade(), lambda p: p.into_token(), lambda p: p.__enter__(),
        lambda p: p.pool_id, lambda p: p.slot_index, lambda p: p.generation, lambda p: p.allocator, lambda p: p.len,
        lambda p: p.bytes, lambda p: p.data, lambda p: p.event_type, lambda p: p.ref_count, len, bytes,
    ]  # fmt: skip
    for use in uses:
        with pytest.raises(ReleasedHandle, match="released"):
            use(pointer)
    pointer.drop()
    pointer.__exit__(None, None, None)
    assert pointer.released
    assert repr(pointer) == "RingPtr(released)"
    assert bool(pointer)
    assert pointer == pointer
    assert allocator.pools.slot_words(0) == before


@pytest.mark.clause("PTR-9")
def test_handles_cannot_be_pickled_or_deep_copied(allocator: EventAllocator) -> None:
    pointer = allocator.allocate(b"a")
    for handle in (pointer, pointer.downgrade(), allocator.loan(1)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match=type(handle).__name__):
                pickle.dumps(handle, protocol)
        with pytest.raises(TypeError, match=type(handle).__name__):
            copy.deepcopy(handle)
    with pytest.raises(TypeError, match="EventAllocator"):
        Loan()


@pytest.mark.clause("WEAK-1", "WEAK-6", "WEAK-7", "ALLOC-24")
def test_weak_pointers_are_triples(allocator: EventAllocator) -> None:
    other = EventAllocator(TINY)
    pointer = allocator.allocate(b"a")
    weak = pointer.downgrade()
    same = WeakRingPtr(0, 0, 0, allocator)
    assert (weak == same, hash(weak) == hash(same), weak.token) == (True, True, 2**61)
    assert WeakRingPtr.from_token(weak.token, allocator) == weak
    different = [
        WeakRingPtr(0, 1, 0, allocator),
        WeakRingPtr(0, 0, 1, allocator),
        WeakRingPtr(1, 0, 0, allocator),
        WeakRingPtr(0, 0, 0, other),
    ]
    assert all(weak != another for another in different)
    assert weak != weak.token
    assert pointer.ref_count == 1
    assert {weak, same, *different} == {weak, *different}
    assert repr(weak) == "WeakRingPtr(pool_id=XS, slot_index=0, generation=0)"
