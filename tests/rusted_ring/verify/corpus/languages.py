"""Small languages of integers for slots, pools, cursors and lag, which run on any backend.

Each program takes a list of operations, each a code and a choice (of a handle, a size, a number of events), so that a
solver can search for the lists that take new paths through the reference. `sequences` keeps those lists; the same
programs run them on every backend and return the state observed after each step. A backend is free to choose slots:
`choices` records its choices, and the reference replays them.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from rusted_ring.reference.token import pool_of_token, slot_of_token

HEAP_BYTES: Final = 40_000
Answer = tuple[Any, ...]
Slot = tuple[int, int]
Operation = tuple[int, int]
Watcher = Callable[[Callable[[], Any]], Any]


@dataclasses.dataclass
class Session:
    """One run of a program.

    Attributes:
        api: the implementation.
        choices: for each step, the slots that its allocations took.
        recorded_choices: the choices that the reference replays; None if it makes its own.
        answers: the state observed after each step.
        watcher: makes each step's calls and notes their lines; None to make them directly.
    """

    api: Any
    watcher: Watcher | None = None
    choices: list[list[Slot]] = dataclasses.field(default_factory=list)
    recorded_choices: list[list[Slot]] | None = None
    answers: list[Answer] = dataclasses.field(default_factory=list)

    def step(self, pools: Any, act: Callable[[list[Slot]], Any], seen: Callable[[], Answer]) -> None:
        """Do one step; `act` appends the slots that it took to its argument."""
        taken: list[Slot] = []
        if pools is not None and self.recorded_choices is not None:
            from rusted_ring.reference.pools import replay_choices
            from rusted_ring.vocabulary.sizes import PoolId

            replay_choices(pools, [(PoolId(pool), slot) for pool, slot in self.recorded_choices[len(self.choices)]])
        made = self.watcher or _plainly
        # The release by a collected handle is visible, and in the reference only happens, at the next observation.
        outcome, shown = made(lambda: (self.attempt(lambda: act(taken)), seen()))
        self.choices.append(taken)
        self.answers.append((outcome, *shown))

    def attempt(self, act: Callable[[], Any]) -> Any:
        """Return the result of a call, or the error that it raised."""
        try:
            return act()
        except self.api.Lagged as error:
            return ("Lagged", error.skipped, error.next_sequence)
        except (self.api.RingError, ValueError, IndexError) as error:
            return type(error).__name__


def _plainly(act: Callable[[], Any]) -> Any:
    return act()


def slot_program(session: Session, ref_bits: int, generation_bits: int, operations: Iterable[Operation]) -> None:
    """Run operations on one slot: every arrow of the slot's diagram, triples of any age, and detached references.

    The choice is an age: by how many generations a triple is older than the slot.

    Args:
        session: the run.
        ref_bits: 1 or more.
        generation_bits: 1 or more.
        operations: codes from 0 to 9, and ages.
    """
    api = session.api
    profile = api.Profile("corpus", ref_bits, generation_bits, 1, (1, 1, 1, 1, 1), 1, HEAP_BYTES)
    allocator = api.EventAllocator(profile)
    pools = allocator.pools
    pointers: list[Any] = []
    loans: list[Any] = []

    def seen() -> Answer:
        slot = pools.slot_metadata(0, 0)
        return (int(slot.state), slot.ref_count, slot.generation)

    for code, age in operations:

        def act(taken: list[Slot], code: int = code, age: int = age) -> Any:
            generation = (pools.get_generation(0, 0) - age) % 2**generation_bits
            if code == 0:
                pointers.append(allocator.allocate(b"slot", 7))
            elif code == 1:
                if not pointers:
                    return "no pointer"
                pointers.append(pointers[-1].clone())
            elif code == 2:
                if not pointers:
                    return "no pointer"
                pointers.pop().drop()
            elif code == 3:
                pointers.append(api.WeakRingPtr(0, 0, generation, allocator).upgrade())
            elif code == 4:
                loans.append(allocator.loan(4, 7))
            elif code == 5:
                if not loans:
                    return "no loan"
                pointers.append(loans.pop().commit())
            elif code == 6:
                if not loans:
                    return "no loan"
                loans.pop().abort()
            elif code == 7:
                pointers.append(api.RingPtr(0, 0, generation, allocator))
            elif code == 8:
                return pools.inc_ref_count(0, 0, generation if age else None)
            else:
                return pools.dec_ref_count(0, 0, generation if age else None)
            if code in (0, 4):
                taken.append((0, 0))
            return None

        session.step(pools, act, seen)


def pool_program(session: Session, capacity: int, operations: Iterable[Operation]) -> None:
    """Run operations on pools of `capacity` slots and a heap of two: full pools, spilling, batches, loans, heap bytes.

    The choice picks a handle or a size.
    """
    api = session.api
    profile = api.Profile("corpus", 3, 3, 1, (capacity, 1, 1, 1, 1), 2, HEAP_BYTES)
    allocator = api.EventAllocator(profile)
    pools = allocator.pools
    pointers: list[Any] = []
    loans: list[Any] = []
    tokens: list[int] = []
    sizes = (0, 64, 65, 20_000, 20_001)

    def seen() -> Answer:
        words = tuple(pools.slot_words(pool) for pool in range(6))
        return (words, tuple(tuple(stats) for stats in allocator.stats().values()), allocator.heap_usage())

    def noted(handle: Any, taken: list[Slot]) -> Any:
        taken.append((int(handle.pool_id), handle.slot_index))
        return handle

    def batch(made: Sequence[int], taken: list[Slot]) -> int:
        taken.extend((pool_of_token(token), slot_of_token(token)) for token in made)
        tokens.extend(made)
        return len(made)

    for code, choice in operations:

        def act(taken: list[Slot], code: int = code, choice: int = choice) -> Any:
            size = sizes[choice % 5]
            if code == 0:
                pointers.append(noted(allocator.allocate(bytes(size), choice % 2**32), taken))
            elif code == 1:
                pointers.append(noted(allocator.allocate(bytes(size), spill=True), taken))
            elif code == 2:
                return batch(allocator.allocate_many([bytes(size), b"", bytes(size)]), taken)
            elif code == 3:
                loans.append(noted(allocator.loan(size), taken))
            elif code == 4:
                if not loans:
                    return "no loan"
                loan = loans.pop(-1 - choice % len(loans))
                pointers.append(loan.commit(min(loan.len, choice % 7)))
            elif code == 5:
                if not loans:
                    return "no loan"
                loans.pop(-1 - choice % len(loans)).abort()
            elif code == 6:
                if not pointers:
                    return "no pointer"
                pointer = pointers.pop(-1 - choice % len(pointers))
                shown = (pointer.bytes, pointer.event_type)
                pointer.drop()
                return shown
            elif code == 7:
                if not pointers:
                    return "no pointer"
                tokens.append(pointers.pop(-1 - choice % len(pointers)).into_token())
            else:
                some = tokens[: 1 + choice % 3] + tokens[: choice % 2]
                dropped = allocator.drop_many(some)
                del tokens[: 1 + choice % 3]
                return dropped
            return None

        session.step(pools, act, seen)


def cursor_program(session: Session, capacity: int, places: int, operations: Iterable[Operation]) -> None:
    """Run operations on a gated ring: adds, joins, reads, leaves, evictions, and one writer after another.

    The choice picks a reader or a number of events.
    """
    api = session.api
    ring = api.RingBuffer(9, capacity, mode="gated", max_readers=places)
    writer = api.Writer(ring)
    readers: list[Any] = []

    def seen() -> Answer:
        ended = tuple((reader.cursor, reader.delivered, reader.skipped, reader.evicted) for reader in readers)
        return (ring.write_cursor, ring.retained, ring.readers, ended)

    for code, choice in operations:

        def act(_: list[Slot], code: int = code, choice: int = choice) -> Any:
            nonlocal writer
            if code == 0:
                return writer.add(bytes([ring.write_cursor % 251]) * (choice % 10), choice % 2**32)
            if code == 1:
                first = ring.write_cursor
                return writer.add_many(
                    [bytes([(first + number) % 251]) for number in range(choice % (2 * capacity + 2))]
                )
            if code == 2:
                readers.append(api.Reader(ring))
                return readers[-1].start
            if code == 3:
                readers.append(api.Reader(ring, start="latest"))
                return readers[-1].start
            if code == 8:
                writer.close()
                writer = api.Writer(ring)
                return None
            if not readers:
                return "no reader"
            reader = readers[choice % len(readers)]
            if code == 4:
                return reader.next()
            if code == 5:
                return [tuple(event) for event in reader.next_many(choice % (capacity + 2))]
            if code == 6:
                return reader.close()
            return reader.evict()

        session.step(None, act, seen)


def lag_program(session: Session, capacity: int, operations: Iterable[Operation]) -> None:
    """Run operations on an overwriting ring with one reader after another, lapped by a little or by much.

    The choice is a number of events, or how far back a reader begins.
    """
    api = session.api
    ring = api.RingBuffer(3, capacity)
    writer = api.Writer(ring)
    reader = api.Reader(ring)

    def seen() -> Answer:
        place = (reader.start, reader.cursor, reader.delivered, reader.skipped)
        return (ring.write_cursor, ring.retained, place, reader.lag, reader.backlog, reader.backpressure_ratio)

    for code, choice in operations:

        def act(_: list[Slot], code: int = code, choice: int = choice) -> Any:
            nonlocal reader
            if code == 0:
                return writer.add(bytes([ring.write_cursor % 251]) * (choice % 4), choice % 2**32)
            if code == 1:
                first = ring.write_cursor
                return writer.add_many(
                    [bytes([(first + number) % 251]) for number in range(choice % (3 * capacity + 2))]
                )
            if code == 2:
                return reader.next()
            if code == 3:
                return [tuple(event) for event in reader.next_many(choice % (capacity + 2))]
            joining = api.Reader(ring, cursor=ring.write_cursor - choice)
            reader.close()
            reader = joining
            return reader.start

        session.step(None, act, seen)


def plain_number(number: int, limit: int) -> int:
    """Turn a solver's symbol into a plain number from 0 to `limit` - 1, by bisection; all values are equally likely."""
    low = 0
    while limit - low > 1:
        middle = (low + limit) // 2
        if number < middle:
            limit = middle
        else:
            low = middle
    return low


@dataclasses.dataclass(frozen=True)
class Program:
    """A program and the ranges of its arguments.

    Attributes:
        run: the program.
        parameters: the greatest value of each parameter; the least is 1.
        codes: how many codes the operations have.
        choices: how many different choices there are.
        signature: the part of an answer that identifies a state from which the search continues.
    """

    run: Callable[..., None]
    parameters: tuple[int, ...]
    codes: int
    choices: int
    signature: Callable[[Answer], object]

    def beginnings(self) -> list[tuple[int, ...]]:
        """Return all combinations of the program's parameters."""
        return list(itertools.product(*(range(1, most + 1) for most in self.parameters)))

    def operations(self, codes: Iterable[int], choices: Iterable[int]) -> Iterator[Operation]:
        """Pair codes with choices, up to the first that is out of bounds; a missing choice is 0."""
        for code, choice in itertools.zip_longest(codes, choices, fillvalue=0):
            if not 0 <= code < self.codes or not 0 <= choice < self.choices:
                return
            yield plain_number(code, self.codes), choice


PROGRAMS: Final = {
    "slot": Program(slot_program, (2, 2), 10, 5, lambda answer: answer[1:3]),
    "pool": Program(pool_program, (3,), 9, 30, lambda answer: (answer[2][0][1], answer[2][5][1])),
    "cursor": Program(cursor_program, (3, 2), 9, 24, lambda answer: answer[2:4]),
    "lag": Program(lag_program, (3,), 5, 24, lambda answer: (answer[2], answer[5])),
}
