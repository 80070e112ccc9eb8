"""The chapter Loans on both implementations."""

import socket
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

LENGTHS = (0, 1, 63, 64, 65, 256, 257, 1_024, 1_025, 4_096, 4_097, 16_384, 16_385)


def state(allocator: Any, handle: Any) -> str:
    """Return the name of the state of the slot that a handle names."""
    return str(allocator.pools.slot_metadata(handle.pool_id, handle.slot_index).state.name)


@pytest.mark.clause("LOAN-1", "LOAN-2")
@pytest.mark.parametrize("length", LENGTHS)
def test_loan_is_writable_zeroed_and_of_its_class(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    loan = allocator.loan(length, 9)
    assert type(loan) is backend.Loan
    assert loan.pool_id is backend.PoolId.from_size(backend.EventAllocator.estimate_size(length))
    assert (loan.len, loan.event_type, loan.released) == (length, 9, False)
    assert loan.generation == allocator.pools.get_generation(loan.pool_id, loan.slot_index)
    view = loan.data
    assert type(view) is memoryview
    assert (view.format, view.ndim, view.nbytes, view.readonly) == ("B", 1, length, False)
    assert bytes(view) == bytes(length)
    if length:
        view[0] = 200
        view[-1] = 201
        assert (loan.data[0], loan.data[-1]) == (200 if length > 1 else 201, 201)


@pytest.mark.clause("LOAN-1")
def test_no_other_call_gets_a_loaned_slot(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    loans = [allocator.loan(10) for _ in range(3)]
    assert {loan.slot_index for loan in loans} == {0, 1, 2}
    with pytest.raises(backend.PoolExhausted):
        allocator.loan(10)
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate(b"x")
    for mark, loan in enumerate(loans):
        loan.data[:] = bytes([mark]) * 10
    assert [loan.commit().bytes for loan in loans] == [bytes([mark]) * 10 for mark in range(3)]


@pytest.mark.clause("LOAN-2")
@pytest.mark.parametrize("length", LENGTHS)
def test_loan_of_a_used_slot_is_zeroed_too(tiny: Callable[..., Any], length: int) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    allocator.allocate(b"\xff" * length).drop()
    loan = allocator.loan(length)
    assert bytes(loan.data) == bytes(length)
    loan.data[:] = b"\xee" * length
    loan.abort()
    assert bytes(allocator.loan(length).data) == bytes(length)


@pytest.mark.clause("LOAN-3")
@pytest.mark.parametrize("length", LENGTHS)
def test_commit_keeps_what_was_written(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    payload = bytes((3 * n + 1) % 256 for n in range(length))
    for kept in sorted({0, 1, length // 2, length - 1, length} & set(range(length + 1))):
        loan = allocator.loan(length, 2**32 - 1)
        where = (loan.pool_id, loan.slot_index, loan.generation)
        loan.data[:] = payload
        pointer = loan.commit() if kept == length else loan.commit(kept)
        assert type(pointer) is backend.RingPtr
        assert (pointer.pool_id, pointer.slot_index, pointer.generation) == where
        assert (pointer.len, pointer.bytes, pointer.event_type) == (kept, payload[:kept], 2**32 - 1)
        assert pointer.data.nbytes == kept
        assert pointer.ref_count == 1
        pointer.drop()


@pytest.mark.clause("LOAN-3")
def test_commit_of_the_whole_length_by_name(backend: ModuleType) -> None:
    loan = backend.EventAllocator().loan(3)
    assert loan.commit(length=3).bytes == bytes(3)


@pytest.mark.clause("LOAN-4")
@pytest.mark.parametrize("length", [0, 1, 64, 100, 16_385])
def test_commit_refuses_other_lengths(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    loan = allocator.loan(length)
    for wrong in (-1, length + 1, 2**32, 2**64, -(2**64)):
        with pytest.raises(ValueError, match="length"):
            loan.commit(wrong)
        assert not loan.released
        assert state(allocator, loan) == "LOANED"
    for wrong_type in ("1", 1.0, True, b"1"):
        with pytest.raises(TypeError, match="length"):
            loan.commit(wrong_type)
    assert loan.commit(length).len == length


@pytest.mark.clause("LOAN-5")
@pytest.mark.parametrize("how", ["abort", "with", "raise", "collect"])
@pytest.mark.parametrize("length", LENGTHS)
def test_loan_that_is_not_committed_comes_back(
    tiny: Callable[..., Any], collect: Callable[[], None], how: str, length: int
) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    loan = allocator.loan(length)
    pool, slot = loan.pool_id, loan.slot_index
    if how == "abort":
        loan.abort()
        loan.abort()
        assert loan.released
    elif how == "with":
        with loan as same:
            assert same is loan
        assert loan.released
    elif how == "raise":
        with pytest.raises(KeyError), loan:
            raise KeyError
        assert loan.released
    else:
        del loan
        collect()
    assert allocator.pools.slot_metadata(pool, slot) == (0, 1, 0)
    assert allocator.allocate(b"n" * length).bytes == b"n" * length


@pytest.mark.clause("LOAN-5", "LOAN-3")
def test_with_block_leaves_a_committed_loan_alone(backend: ModuleType, collect: Callable[[], None]) -> None:
    allocator = backend.EventAllocator()
    with allocator.loan(4) as loan:
        loan.data[:] = b"done"
        pointer = loan.commit()
    assert loan.released
    del loan
    collect()
    assert (pointer.bytes, pointer.ref_count) == (b"done", 1)


@pytest.mark.clause("LOAN-6")
@pytest.mark.parametrize("length", [0, 1, 64, 1_000, 16_385])
@pytest.mark.parametrize(
    "derive",
    [lambda view: view, lambda view: view[:1], lambda view: memoryview(view), lambda view: np.asarray(view)],
    ids=["itself", "slice", "memoryview", "numpy"],
)
def test_views_of_a_loan_hold_up_its_end(
    backend: ModuleType, collect: Callable[[], None], length: int, derive: Callable[[memoryview], Any]
) -> None:
    allocator = backend.EventAllocator()
    loan = allocator.loan(length)
    derived = derive(loan.data)
    for end in (loan.commit, lambda: loan.commit(0), loan.abort):
        with pytest.raises(backend.ViewsOutstanding):
            end()
        assert not loan.released
        assert state(allocator, loan) == "LOANED"
    del derived
    collect()
    assert loan.commit().len == length


@pytest.mark.clause("LOAN-6")
def test_released_view_of_a_loan_holds_nothing_up(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    loan = allocator.loan(5)
    with loan.data as view:
        view[:] = b"hello"
        with pytest.raises(backend.ViewsOutstanding):
            loan.commit()
    assert loan.commit().bytes == b"hello"
    other = allocator.loan(5)
    view = other.data
    view.release()
    other.abort()
    assert other.released


USES: dict[str, Callable[[Any], Any]] = {
    "data": lambda loan: loan.data,
    "len": lambda loan: loan.len,
    "event_type": lambda loan: loan.event_type,
    "pool_id": lambda loan: loan.pool_id,
    "slot_index": lambda loan: loan.slot_index,
    "generation": lambda loan: loan.generation,
    "commit": lambda loan: loan.commit(),
    "commit(length)": lambda loan: loan.commit(1),
    "with": lambda loan: loan.__enter__(),
}


@pytest.mark.clause("LOAN-7")
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("end", ["commit", "abort"])
def test_use_after_the_end(backend: ModuleType, use: str, end: str) -> None:
    allocator = backend.EventAllocator()
    loan = allocator.loan(2)
    pointer = loan.commit() if end == "commit" else loan.abort()
    before = allocator.pools.slot_words(0)
    with pytest.raises(backend.ReleasedHandle):
        USES[use](loan)
    assert allocator.pools.slot_words(0) == before
    assert loan.released
    assert "Loan" in repr(loan)
    loan.__exit__(None, None, None)
    loan.abort()
    assert allocator.pools.slot_words(0) == before
    assert pointer is None or pointer.bytes == bytes(2)


@pytest.mark.clause("LOAN-8", "LOAN-5")
@pytest.mark.parametrize("how", ["with", "collect"])
@pytest.mark.parametrize("length", [1, 64, 1_000, 16_385])
def test_slot_of_an_abandoned_loan_waits_for_its_views(
    tiny: Callable[..., Any], backend: ModuleType, collect: Callable[[], None], how: str, length: int
) -> None:
    allocator = tiny(capacities=(1, 1, 1, 1, 1), heap_slots=1)
    loan = allocator.loan(length)
    pool, slot = loan.pool_id, loan.slot_index
    view = np.asarray(loan.data)
    view[:] = 7
    if how == "with":
        with loan:
            pass
    del loan
    collect()
    assert allocator.pools.slot_metadata(pool, slot).state.name == "LOANED"
    with pytest.raises(backend.PoolExhausted):
        allocator.allocate(b"x" * length)
    assert (view == 7).all()
    view[:] = 8
    del view
    collect()
    assert allocator.pools.slot_metadata(pool, slot) == (0, 1, 0)


@pytest.mark.clause("LOAN-8", "PTR-8")
def test_view_of_a_loan_outlives_loan_and_allocator(backend: ModuleType, collect: Callable[[], None]) -> None:
    view = np.asarray(backend.EventAllocator().loan(1_000).data)
    collect()
    view[:] = 5
    noise = [bytearray(b"\xff" * 300_000) for _ in range(20)]
    assert (view == 5).all()
    assert noise


@pytest.mark.clause("LOAN-9")
@pytest.mark.parametrize("length", [1, 1_000, 16_385])
def test_triple_of_a_loaned_slot_is_refused(backend: ModuleType, length: int) -> None:
    allocator = backend.EventAllocator()
    loan = allocator.loan(length)
    pool, slot, generation = loan.pool_id, loan.slot_index, loan.generation
    weak = backend.WeakRingPtr(pool, slot, generation, allocator)
    for call in (
        weak.upgrade,
        lambda: backend.RingPtr.from_token(weak.token, allocator),
        lambda: backend.RingPtr(pool, slot, generation, allocator),
        lambda: allocator.drop_many([weak.token]),
        lambda: allocator.pools.get_slot_data(pool, slot),
        lambda: allocator.pools.get_slot_data(pool, slot, generation),
        lambda: allocator.pools.inc_ref_count(pool, slot),
        lambda: allocator.pools.inc_ref_count(pool, slot, generation),
        lambda: allocator.pools.dec_ref_count(pool, slot, generation),
    ):
        with pytest.raises(backend.StaleHandle):
            call()
        assert state(allocator, loan) == "LOANED"


@pytest.mark.clause("LOAN-1", "ERR-4")
def test_loans_are_made_by_allocators_alone(backend: ModuleType) -> None:
    with pytest.raises(TypeError):
        backend.Loan()
    with pytest.raises(TypeError):
        backend.Loan(backend.EventAllocator(), 5, 0)


@pytest.mark.clause("LOAN-1", "ERR-4", "SIZE-3")
def test_lengths_that_cannot_be_lent(tiny: Callable[..., Any], backend: ModuleType) -> None:
    allocator = tiny()
    for wrong in (None, "3", 1.5, True, b"abc"):
        with pytest.raises(TypeError, match="length"):
            allocator.loan(wrong)
    with pytest.raises(ValueError, match="length"):
        allocator.loan(-1)
    for large in (65_537, 2**32 - 1, 2**32, 2**70):
        with pytest.raises(backend.PayloadTooLarge):
            allocator.loan(large)
    assert sum(stats.live for stats in allocator.stats().values()) == 0


@pytest.mark.clause("LOAN-10", "LOAN-3")
@pytest.mark.parametrize("room", [64, 4_096, 100_000])
def test_file_is_read_into_a_loan(backend: ModuleType, tmp_path: Path, room: int) -> None:
    allocator = backend.EventAllocator()
    text = bytes(range(256)) * 20
    path = tmp_path / "data"
    path.write_bytes(text)
    taken = []
    with path.open("rb") as file, path.open("rb", buffering=0) as raw:
        for source in (file, raw):
            loan = allocator.loan(room, 9)
            with loan.data as view:
                length = source.readinto(view)
            assert length == min(room, len(text))
            with pytest.raises(ValueError, match="length"):
                loan.commit(room + 1)
            taken.append(loan.commit(length))
    for pointer in taken:
        assert (pointer.bytes, pointer.len, pointer.event_type) == (text[:room], min(room, len(text)), 9)


@pytest.mark.clause("LOAN-10", "LOAN-3", "LOAN-6")
def test_socket_is_received_into_a_loan(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"a message")
        with allocator.loan(1_024) as loan:
            view = loan.data
            length = here.recv_into(view)
            with pytest.raises(backend.ViewsOutstanding):  # the code that fills it may not have finished
                loan.commit(length)
            view.release()
            pointer = loan.commit(length)
        assert pointer.bytes == b"a message"
        there.sendall(b"in two parts")
        with allocator.loan(12) as loan:
            with loan.data as view:
                got = here.recv_into(view[:4])
                got += here.recv_into(view[got:])
            assert loan.commit(got).bytes == b"in two parts"[:got]


@pytest.mark.clause("LOAN-10", "LOAN-2", "LOAN-5")
def test_loan_that_is_filled_in_vain_is_given_back(backend: ModuleType) -> None:
    allocator = backend.EventAllocator()
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there, allocator.loan(64) as loan, loan.data as view:
        with pytest.raises(BlockingIOError):
            here.recv_into(view)
        assert bytes(view) == bytes(64)
    assert allocator.stats()[backend.PoolId.XS].live == 0
