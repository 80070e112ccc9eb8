"""Clients drawn by Hypothesis: counters fill, pools are exhausted, generations come round and readers are lapped.

What is drawn is steered: an operation is only offered to a thread that is likely to hold what it needs, pools have one
to three slots and counters of one or two bits, and rings one to three slots.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from hypothesis import strategies

from rusted_ring.verify.clients import GATED, OVERWRITE, Client, Operation, PoolShape, RingShape

MOST_OPERATIONS: Final = 6
"""Operations of all threads together."""

_THREADS: Final = (2, 2, 2, 3)
_TRIES: Final = 3
"""How many operations are drawn before one is taken that needs no handle."""
_POOL_WEIGHTS: Final = {
    "alloc": 6,
    "drop": 8,
    "read": 4,
    "clone": 4,
    "upgrade": 6,
    "from": 4,
    "into": 3,
    "inc": 2,
    "dec": 3,
    "incany": 1,
    "decany": 1,
    "weak": 1,
    "ffi": 2,
    "amany": 2,
    "dmany": 2,
    "loan": 3,
    "commit": 5,
    "cut": 1,
    "abort": 3,
    "count": 1,
    "meta": 1,
}
_RING_WEIGHTS: Final = {
    "add": 8,
    "addmany": 3,
    "next": 8,
    "nextmany": 3,
    "join": 4,
    "leave": 3,
    "evict": 3,
    "evicted": 1,
    "open": 2,
    "close": 2,
    "look": 1,
    "lag": 1,
    "timedwait": 2,
}


@dataclasses.dataclass
class _Thread:
    """What a thread is likely to hold, and how many variables of a kind it has used."""

    number: int
    pointers: list[str] = dataclasses.field(default_factory=list)
    loans: list[str] = dataclasses.field(default_factory=list)
    tokens: list[str] = dataclasses.field(default_factory=list)
    writers: list[str] = dataclasses.field(default_factory=list)
    readers: list[str] = dataclasses.field(default_factory=list)
    used: dict[str, int] = dataclasses.field(default_factory=dict)

    def new(self, letter: str, most: int) -> str | None:
        """Return a variable that was not used yet, None where there is none left."""
        at = self.used.get(letter, 0)
        if at == most:
            return None
        self.used[letter] = at + 1
        return f"{letter}{at}"


class _Draft:
    """A client as it is drawn."""

    def __init__(self, draw: Callable[[strategies.SearchStrategy[int]], int], threads: int) -> None:
        self.draw = draw
        self.threads = [_Thread(number) for number in range(1, threads + 1)]
        self.setup: list[Operation] = []
        self.shared: list[str] = []
        self.shared_readers: list[str] = []
        self.events = 0

    def below(self, limit: int) -> int:
        """Draw a number below a limit."""
        return self.draw(strategies.integers(0, limit - 1))

    def event(self, count: int = 1) -> str:
        """Return the number of an event that was not used yet, as long as there are such."""
        first = self.events + 1 if self.events + count <= 14 else 1
        self.events = first + count - 1
        return str(first)

    def weighted(self, weights: dict[str, int]) -> str:
        """Draw a key by its weight."""
        at = self.below(sum(weights.values()))
        for key, weight in weights.items():
            if at < weight:
                return key
            at -= weight
        raise AssertionError("the weights have a sum")


def _pool_setup(draft: _Draft, shape: PoolShape) -> None:
    """Begin with generations that are about to come round, with pointers for the threads, and with tokens."""
    setup = draft.setup
    if shape.generation_bits == 1 and draft.below(3) == 0:
        # The token of what will be allocated next in slot 0, if the free list takes it.
        setup += [Operation("alloc", ("0p7", draft.event())), Operation("weak", ("s7", "0p7"))]
        setup += [Operation("drop", ("0p7",)), Operation("alloc", ("0p7", draft.event())), Operation("drop", ("0p7",))]
        draft.shared.append("s7")
    sources: list[str] = []
    for thread in draft.threads:
        for _ in range(draft.below(3)):
            name = thread.new("p", 8)
            variable = f"{thread.number}{name}"
            if name is None or len(setup) >= 10:
                break
            if sources and draft.below(2):
                setup.append(Operation("clone", (variable, sources[draft.below(len(sources))])))
            else:
                setup.append(Operation("alloc", (variable, draft.event())))
            sources.append(variable)
            thread.pointers.append(name)
    if sources and draft.below(3):
        setup.append(Operation("weak", ("s0", sources[draft.below(len(sources))])))
        draft.shared.append("s0")
        if draft.below(3) == 0:
            setup.append(Operation("inc", ("s0",)))
    if draft.below(4) == 0:
        setup.append(Operation("ffi", ("s1", draft.event())))
        draft.shared.append("s1")
    if draft.below(5) == 0:
        thread = draft.threads[draft.below(len(draft.threads))]
        setup.append(Operation("loan", (f"{thread.number}l0", draft.event())))
        thread.new("l", 4)
        thread.loans.append("l0")


def _pool_operation(draft: _Draft, thread: _Thread, name: str) -> Operation | None:
    tokens = [*draft.shared, *thread.tokens]
    if name in ("alloc", "upgrade", "from", "clone", "commit", "cut"):
        needs = {"upgrade": tokens, "from": tokens, "clone": thread.pointers}.get(name, thread.loans)
        if name != "alloc" and not needs:
            return None
        made = thread.new("p", 8)
        if made is None:
            return None
        source = draft.event() if name == "alloc" else needs[draft.below(len(needs))]
        if name in ("commit", "cut"):
            thread.loans.remove(source)
        thread.pointers.append(made)
        return Operation(name, (made, source))
    if name in ("drop", "read", "count", "weak", "into"):
        if not thread.pointers:
            return None
        pointer = thread.pointers[draft.below(len(thread.pointers))]
        if name in ("drop", "into"):
            thread.pointers.remove(pointer)
        if name in ("weak", "into"):
            token = thread.new("t", 8)
            if token is None:
                return None
            thread.tokens.append(token)
            return Operation(name, (token, pointer))
        return Operation(name, (pointer,))
    if name in ("inc", "incany", "dec", "decany", "meta", "dmany"):
        if not tokens:
            return None
        token = tokens[draft.below(len(tokens))]
        return Operation(name, (token, "1") if name == "dmany" else (token,))
    if name in ("ffi", "amany"):
        token = thread.new("t", 8)
        if token is None:
            return None
        thread.tokens.append(token)
        if name == "ffi":
            return Operation(name, (token, draft.event()))
        second = thread.new("t", 8)
        if second is None:
            return Operation(name, (token, "1", draft.event()))
        thread.tokens.append(second)
        return Operation(name, (token, "2", draft.event(2)))
    if name == "loan":
        loan = thread.new("l", 4)
        if loan is None:
            return None
        thread.loans.append(loan)
        return Operation(name, (loan, draft.event()))
    if not thread.loans:
        return None
    return Operation("abort", (thread.loans.pop(draft.below(len(thread.loans))),))


def _ring_setup(draft: _Draft, shape: RingShape) -> None:
    """Begin with a writer, with readers for the threads, and with a ring that is almost full."""
    setup = draft.setup
    writer = draft.threads[0]
    writer.new("w", 2)
    setup.append(Operation("open", ("1w0",)))
    writer.writers.append("w0")
    early = draft.below(2 if shape.mode == GATED else 4)
    if early == 1:
        _first_adds(draft, shape)
    for thread in draft.threads:
        if draft.below(3) and (thread.number > 1 or draft.below(4) == 0):
            thread.new("q", 4)
            setup.append(Operation("join", (f"{thread.number}q0", "new" if draft.below(4) == 0 else "old")))
            thread.readers.append("q0")
            draft.shared_readers.append(f"{thread.number}q0")
    if early != 1:
        _first_adds(draft, shape)


def _first_adds(draft: _Draft, shape: RingShape) -> None:
    most = shape.capacity if shape.mode == GATED else 2 * shape.capacity
    for _ in range(draft.below(most + 1)):
        draft.setup.append(Operation("add", ("1w0", draft.event())))


def _ring_operation(draft: _Draft, thread: _Thread, name: str) -> Operation | None:
    if name in ("add", "addmany", "close"):
        if not thread.writers:
            return None
        writer = thread.writers[draft.below(len(thread.writers))]
        if name == "close":
            thread.writers.remove(writer)
            return Operation(name, (writer,))
        if name == "add":
            return Operation(name, (writer, draft.event()))
        return Operation(name, (writer, "2", draft.event(2)))
    if name in ("next", "nextmany", "leave", "lag", "timedwait"):
        if not thread.readers:
            return None
        reader = thread.readers[draft.below(len(thread.readers))]
        return Operation(name, (reader, "2") if name == "nextmany" else (reader,))
    if name in ("evict", "evicted"):
        if not draft.shared_readers:
            return None
        reader = draft.shared_readers[draft.below(len(draft.shared_readers))]
        return Operation(name, (reader,))
    if name == "join":
        made = thread.new("q", 4)
        if made is None:
            return None
        thread.readers.append(made)
        return Operation(name, (made, "new" if draft.below(3) == 0 else "old"))
    if name == "open":
        made = thread.new("w", 2)
        if made is None:
            return None
        thread.writers.append(made)
        return Operation(name, (made,))
    return Operation("look")


@strategies.composite
def clients(draw: strategies.DrawFn) -> Client:
    """Draw a client of pools or of a ring [ERR-1]."""
    draft = _Draft(draw, draw(strategies.sampled_from(_THREADS)))
    pool: PoolShape | None = None
    ring: RingShape | None = None
    if draft.below(5) < 3:
        pool = PoolShape(
            ref_bits=draw(strategies.sampled_from((1, 2, 2))),
            generation_bits=draw(strategies.sampled_from((1, 1, 2, 3))),
            tag_bits=draw(strategies.sampled_from((0, 1, 2))),
            slots=draw(strategies.sampled_from((1, 1, 1, 2, 2, 3))),
        )
        _pool_setup(draft, pool)
    else:
        mode = draw(strategies.sampled_from((GATED, GATED, OVERWRITE)))
        ring = RingShape(
            mode=mode,
            capacity=draw(strategies.sampled_from((1, 1, 2, 3))),
            size=draw(strategies.sampled_from((8, 8, 8, 12))),
            readers=draw(strategies.sampled_from((1, 2, 2, 3))) if mode == GATED else 1,
        )
        _ring_setup(draft, ring)
    threads: list[list[Operation]] = [[] for _ in draft.threads]
    make = _ring_operation if pool is None else _pool_operation
    weights = _RING_WEIGHTS if pool is None else _POOL_WEIGHTS
    if ring is not None and ring.mode == OVERWRITE:  # nobody is evicted from there
        weights = {name: weight for name, weight in weights.items() if name not in ("evict", "evicted")}
    for _ in range(draw(strategies.integers(2, MOST_OPERATIONS))):
        place = draft.below(len(threads))
        thread = draft.threads[place]
        operation = None
        for _ in range(_TRIES):
            if operation is None:
                operation = make(draft, thread, draft.weighted(weights))
        if operation is None:  # it holds nothing that could be acted on: what can always be done
            operation = make(draft, thread, "alloc" if pool is not None else "join")
        if operation is not None:
            threads[place].append(operation)
    return Client(pool, ring, tuple(draft.setup), tuple(map(tuple, threads)))
