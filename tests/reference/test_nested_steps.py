"""Steps in the middle of a step, as a handler or a finalizer takes them: at each line of the reference in turn."""

import contextlib
import dataclasses
import gc
import os
import select
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any, TypeVar

import pytest

from rusted_ring import reference
from rusted_ring.reference import TINY, EventAllocator, Reader, RingBuffer, RingError, RingPtr, Writer

FOLDER = os.path.dirname(reference.__file__)
PROFILE = dataclasses.replace(TINY, capacities=(8, 1, 1, 1, 1), ref_bits=8, generation_bits=16)
World = TypeVar("World")
Call = Callable[[World], object]


def refused_or_not(*calls: Callable[[], object]) -> None:
    """Make calls, whatever they find."""
    for call in calls:
        with contextlib.suppress(RingError):
            call()


def with_a_call_at_line(line: int, outer: Callable[[], object], nested: Callable[[], object]) -> bool:
    """Make a call, and another in the middle of it, before one of the lines of the reference that it comes to.

    Returns:
        Whether it comes to so many lines.
    """
    seen: set[tuple[CodeType, int]] = set()
    done = False

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal done
        if os.path.dirname(frame.f_code.co_filename) != FOLDER:
            return None
        if event == "line":
            seen.add((frame.f_code, frame.f_lineno))
            if len(seen) == line and not done:
                done = True
                nested()  # is not traced itself
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        refused_or_not(outer)  # each call changes what the other finds
    finally:
        sys.settrace(before)
    return done


def worlds(make: Callable[[], World], outer: Call[World], nested: Call[World]) -> Iterator[World]:
    """Yield a world in which one call was made in the middle of another, for each line of that one."""
    for line in range(1, 1_000):
        world = make()
        if not with_a_call_at_line(line, lambda world=world: outer(world), lambda world=world: nested(world)):  # type: ignore[misc]
            assert line > 1
            return
        yield world
        del world


class Slots:
    """An allocator with a pointer, a loan and a detached reference, and all that calls returned."""

    def __init__(self) -> None:
        self.allocator = EventAllocator(PROFILE)
        self.made = 0
        self.kept: list[Any] = []
        self.tokens: list[int] = []
        self.pointer, self.token = self.allocate(), self.allocate().into_token()
        self.loan = self.keep(self.allocator.loan(1))
        self.tokens.append(self.token)

    def keep(self, thing: Any) -> Any:
        self.kept.append(thing)
        return thing

    def allocate(self, **spill: bool) -> RingPtr:
        self.made += 1
        pointer: RingPtr = self.keep(self.allocator.allocate(b"%d" % self.made, self.made, **spill))
        return pointer

    def allocate_many(self) -> None:
        self.tokens += self.allocator.allocate_many([b"many", b"more"])

    def into_token(self) -> None:
        self.tokens.append(self.pointer.into_token())

    def from_token(self) -> None:
        self.keep(RingPtr.from_token(self.token, self.allocator))
        self.tokens.remove(self.token)

    def drop_token(self) -> None:
        self.allocator.drop_many([self.token])
        self.tokens.remove(self.token)

    def count(self) -> None:
        slot, generation = self.token // 2**40 % 2**21, self.token % 2**40
        self.allocator.pools.inc_ref_count(0, slot, generation)
        self.tokens.append(self.token)

    def references(self) -> list[int]:
        """Return how many references each slot should have; of a slot with several, each pointer has the same event."""
        counts = Counter(token // 2**40 % 2**21 for token in self.tokens)
        for thing in self.kept:
            if isinstance(thing, RingPtr) and not thing.released and thing.pool_id == 0:
                counts[thing.slot_index] += 1
                assert thing.event_type == 0 or thing.bytes == b"%d" % thing.event_type
        return [counts[slot] for slot in range(8)]

    def check(self) -> None:
        """Make sure that every reference has an owner, and every slot one event."""
        pools = self.allocator.pools
        if not any(isinstance(thing, memoryview) for thing in self.kept):
            assert [pools.slot_metadata(0, slot).ref_count for slot in range(8)] == self.references()
        self.allocator.drop_many(self.tokens)
        del self.kept[:], self.pointer, self.loan
        gc.collect(0)
        assert [pools.slot_metadata(0, slot)[::2] for slot in range(8)] == [(0, 0)] * 8
        assert all(stats.live == 0 for stats in self.allocator.stats().values())


SLOT_CALLS: dict[str, Call[Slots]] = {
    "allocate": Slots.allocate,
    "spill": lambda world: world.allocate(spill=True),
    "allocate_many": Slots.allocate_many,
    "loan": lambda world: world.keep(world.allocator.loan(3)),
    "commit": lambda world: world.keep(world.loan.commit()),
    "abort": lambda world: world.loan.abort(),
    "clone": lambda world: world.keep(world.pointer.clone()),
    "upgrade": lambda world: world.keep(world.pointer.downgrade().upgrade()),
    "drop": lambda world: world.pointer.drop(),
    "view": lambda world: world.keep(world.pointer.data),
    "view of a loan": lambda world: world.keep(world.loan.data),
    "get_slot_data": lambda world: world.keep(world.allocator.pools.get_slot_data(0, world.pointer.slot_index)),
    "into_token": Slots.into_token,
    "from_token": Slots.from_token,
    "drop_many": Slots.drop_token,
    "inc_ref_count": Slots.count,
}
"""Calls that change slots and references."""


def takes(world: Slots) -> None:
    """Take what others may have chosen."""
    refused_or_not(world.allocate, lambda: world.keep(world.pointer.clone()), lambda: world.keep(world.loan.commit()))


def gives(world: Slots) -> None:
    """Give back what others may be looking at."""
    refused_or_not(world.into_token, world.drop_token, world.loan.abort, world.pointer.drop)
    world.allocator.stats()  # what has ended is done
    refused_or_not(world.allocate)


@pytest.mark.clause("SLOT-1", "ALLOC-1", "ALLOC-2", "ALLOC-13", "PTR-2", "PTR-17", "LOAN-3")
@pytest.mark.parametrize("nested", [takes, gives])
@pytest.mark.parametrize("name", SLOT_CALLS)
def test_step_in_the_middle_of_a_step_of_slots(name: str, nested: Call[Slots]) -> None:
    for world in worlds(Slots, SLOT_CALLS[name], nested):
        world.check()


class Events:
    """A gated ring with a writer and two readers, and what calls returned."""

    def __init__(self) -> None:
        self.ring = RingBuffer(8, 4, mode="gated", max_readers=4)
        self.writer = Writer(self.ring)
        self.readers = [Reader(self.ring), Reader(self.ring)]
        self.made = 0
        self.added: list[int] = []
        self.read: list[dict[int, bytes]] = [{}, {}]
        self.watched: list[Any] = [self.writer, *self.readers]
        for each in self.watched:
            each.fileno()
        self.add(2)

    def add(self, count: int) -> None:
        first = self.made
        self.made += count
        self.added.append(self.writer.add_many([b"%d" % (first + number) for number in range(count)]))

    def next(self, which: int, limit: int) -> None:
        batch = self.readers[which].next_many(limit)
        for number, event in enumerate(batch):
            assert batch.first_sequence + number not in self.read[which]
            self.read[which][batch.first_sequence + number] = event.data

    def join(self) -> None:
        self.readers.append(Reader(self.ring))

    def check(self) -> None:
        """Make sure that no event is lost or returned twice, and that descriptors are readable if there is one."""
        backlogs = [reader.backlog for reader in self.readers if not reader.closed and not reader.evicted]
        assert (self.ring.write_cursor, self.ring.readers) == (sum(self.added), len(backlogs))
        assert all(0 <= backlog <= 4 for backlog in backlogs)
        for each in self.watched:
            is_open = not each.closed and not (isinstance(each, Reader) and each.evicted)
            if is_open and (max(backlogs, default=0) < 4 if isinstance(each, Writer) else each.backlog > 0):
                assert select.select([each], [], [], 0)[0]
        for which in range(2):
            refused_or_not(lambda which=which: self.next(which, 4))  # type: ignore[misc]
            reader, read = self.readers[which], self.read[which]
            assert (reader.delivered, reader.delivered + reader.skipped) == (len(read), reader.cursor)
            assert len(set(read.values())) == len(read)
        assert all(self.read[0][number] == data for number, data in self.read[1].items() if number in self.read[0])


EVENT_CALLS: dict[str, Call[Events]] = {
    "add": lambda world: world.add(1),
    "add_many": lambda world: world.add(3),
    "next": lambda world: world.next(0, 1),
    "next_many": lambda world: world.next(0, 4),
    "skip_to_latest": lambda world: world.readers[0].skip_to_latest(),
    "join": Events.join,
    "fileno": lambda world: world.readers[-1].fileno(),
    "evict": lambda world: world.readers[0].evict(),
    "close": lambda world: world.readers[0].close(),
    "close the writer": lambda world: world.writer.close(),
    "end": lambda world: world.writer.close(end=True),
}
"""Calls that change a ring."""


def moves(world: Events) -> None:
    """Publish, join and read."""
    refused_or_not(lambda: world.add(1), world.join, lambda: world.next(0, 1), lambda: world.next(1, 1))


def fills(world: Events) -> None:
    """Find no event, then no room, and leave none."""
    refused_or_not(lambda: world.next(0, 4), lambda: world.next(0, 4), lambda: world.add(4), lambda: world.add(4))


def ends(world: Events) -> None:
    """Take a reader out, and end the stream."""
    refused_or_not(world.readers[0].close, lambda: world.writer.close(end=True))


@pytest.mark.clause("RING-5", "RING-7", "RING-12", "RING-14", "RING-19", "RING-21", "RING-26", "RING-35", "RING-49")
@pytest.mark.parametrize("nested", [moves, fills, ends])
@pytest.mark.parametrize("name", EVENT_CALLS)
def test_step_in_the_middle_of_a_step_of_a_ring(name: str, nested: Call[Events]) -> None:
    for world in worlds(Events, EVENT_CALLS[name], nested):
        world.check()
