"""Memory runs out at each allocation of each call in turn: after a MemoryError nothing has changed or is lost."""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import rusted_ring.native

ALLOCATIONS = 40
"""More than any of the calls makes."""

try:
    failing: Any = importlib.import_module("_testcapi").set_nomemory
    restore: Any = importlib.import_module("_testcapi").remove_mem_hooks
except (ImportError, AttributeError) as error:
    pytest.skip(f"this Python has no allocator that fails on demand: {error}", allow_module_level=True)


class Shortage:
    """Lets one allocation of a call fail.

    Attributes:
        refused: how many calls raised MemoryError.
    """

    def __init__(self) -> None:
        self.refused = 0

    def of(self, call: Callable[[], Any], at: int) -> Any:
        """Return what the call returns, or None where it raised since its allocation number `at` failed."""
        failing(at, at + 1)
        try:
            return call()
        except MemoryError:
            self.refused += 1
            return None
        finally:
            restore()


def payload(number: int, length: int) -> bytes:
    return (b"%d " % number * length)[:length]


@pytest.fixture
def shortage() -> Shortage:
    return Shortage()


@pytest.mark.clause("ERR-1", "RING-7", "RING-12")
@pytest.mark.parametrize("mode", ["overwrite", "gated"])
@pytest.mark.parametrize("length", [3, 1_000, 5_000])
def test_an_event_is_taken_only_if_it_is_returned(
    native: ModuleType, shortage: Shortage, mode: str, length: int
) -> None:
    ring = native.RingBuffer(5_000, 2 * ALLOCATIONS, mode=mode)
    writer, reader = native.Writer(ring), native.Reader(ring)
    for number in range(2 * ALLOCATIONS):
        writer.add(payload(number, length), 70_000 + number)
    seen = []
    for at in range(ALLOCATIONS):
        event = shortage.of(reader.next, at)
        if event is not None:
            seen.append(event)
        assert reader.cursor == len(seen)
    seen.extend(reader)
    assert shortage.refused > 1
    assert seen == [(payload(number, length), 70_000 + number) for number in range(2 * ALLOCATIONS)]


@pytest.mark.clause("ERR-1", "RING-26", "RING-39")
@pytest.mark.parametrize("mode", ["overwrite", "gated"])
@pytest.mark.parametrize("size", [64, 4_000])
def test_a_batch_is_taken_only_if_it_is_returned(native: ModuleType, shortage: Shortage, mode: str, size: int) -> None:
    ring = native.RingBuffer(size, 300, mode=mode, max_ring_bytes=2**23)
    writer, reader = native.Writer(ring), native.Reader(ring)
    published = 0
    for at in range(ALLOCATIONS):
        if published == reader.cursor:
            published += writer.add_many([b"%d" % number for number in range(published, published + 280)])
        before = reader.cursor
        batch = shortage.of(lambda: reader.next_many(300), at)
        if batch is None:
            assert (reader.cursor, reader.backlog) == (before, 280)
        else:
            assert (batch.first_sequence, len(batch)) == (before, 280)
            assert [event.data for event in batch] == [b"%d" % number for number in range(before, before + 280)]
    assert shortage.refused > 1


@pytest.mark.clause("ERR-1", "RING-25")
def test_add_many_publishes_only_if_it_says_so(native: ModuleType, shortage: Shortage) -> None:
    ring = native.RingBuffer(8, 2_000)
    writer = native.Writer(ring)
    for at in range(ALLOCATIONS):
        before = ring.write_cursor
        added = shortage.of(lambda: writer.add_many(bytes(3_000), lengths=3), at)
        assert ring.write_cursor == before + (added or 0)
        assert added in (None, 1_000)
    assert shortage.refused >= 1


def calls(native: ModuleType, allocator: Any) -> dict[str, Callable[[], Any]]:
    """Return calls that take slots and references, by name."""
    kept = allocator.allocate(b"kept", 3)
    weak, slot = kept.downgrade(), (kept.pool_id, kept.slot_index)
    numbers = [native.handle_ffi_event(allocator, b"x", 0) for _ in range(300)]
    return {
        "allocate": lambda: allocator.allocate(b"x", 1),
        "allocate, a long one": lambda: allocator.allocate(bytes(100_000)),
        "loan": lambda: allocator.loan(8),
        "commit": lambda: allocator.loan(8).commit(),
        "clone": kept.clone,
        "copy": kept.__copy__,
        "upgrade": lambda: kept and weak.upgrade(),
        "downgrade": kept.downgrade,
        "data": lambda: kept.data,
        "buffer": lambda: memoryview(kept),
        "bytes": lambda: kept.bytes,
        "into_token": lambda: native.RingPtr.from_token(kept.clone().into_token(), allocator),
        "get_slot_data": lambda: kept and allocator.pools.get_slot_data(*slot),
        "inc_ref_count": lambda: kept and allocator.pools.inc_ref_count(*slot),
        "allocate_many": lambda: allocator.allocate_many([b"a", b"bc"], event_types=[1, 2]),
        "allocate_to_pool": lambda: native.allocate_to_pool(allocator, b"x", 0),
        "handle_ffi_event": lambda: native.handle_ffi_event(allocator, b"x", 0),
        "drop_many": lambda: numbers and allocator.drop_many(numbers) and numbers.__init__(),  # type: ignore[misc]
    }


NAMES = list(calls(rusted_ring.native, rusted_ring.native.EventAllocator()))


@pytest.mark.clause("ERR-1", "ALLOC-9", "PTR-11")
@pytest.mark.parametrize("name", NAMES)
def test_every_slot_and_reference_is_accounted_for(native: ModuleType, shortage: Shortage, name: str) -> None:
    """What a call returned is given back, and then nothing is left but what was there before."""
    allocator = native.EventAllocator(native.WIDE)
    call = calls(native, allocator)[name]

    def counted() -> list[Any]:
        return [stats.live for stats in allocator.stats().values()] + [allocator.pools.slot_metadata(0, 0).ref_count]

    before = counted()
    for at in range(ALLOCATIONS):
        result = shortage.of(call, at)
        if name == "inc_ref_count" and result is not None:
            allocator.pools.dec_ref_count(0, 0)
        elif name == "allocate_many" and result is not None:
            allocator.drop_many(result)
        elif name == "allocate_to_pool" and result is not None:
            allocator.pools.dec_ref_count(0, result)
        elif name == "handle_ffi_event" and result is not None:
            allocator.drop_many([result])
        del result
        found = counted()
        if name == "into_token":  # the reference is detached; if the second call fails, the token is lost
            for _ in range(found[-1] - before[-1]):
                allocator.pools.dec_ref_count(0, 0)
            found = counted()
        if name == "drop_many" and found != before:
            before[0] -= 300
        assert found == before
    assert shortage.refused >= (0 if name in ("bytes",) else 1)
