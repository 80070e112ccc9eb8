"""Clients drawn by Hypothesis: counters fill, pools are exhausted, generations wrap around and readers are lapped.

The draw is steered: a thread is offered only operations whose variables it has probably set; pools have one to three
slots and counters of one or two bits, and rings have one to three slots.
"""

from collections.abc import Callable
from typing import Final

from hypothesis import strategies

from rusted_ring.verify.clients.language import GATED, OVERWRITE, Client, PoolShape, RingShape
from rusted_ring.verify.clients.operations import POOL_OPERATIONS, RING_OPERATIONS, Holdings, Means, Operation

MOST_OPERATIONS: Final = 6
"""The greatest number of operations, of all threads together."""

_THREADS: Final = (2, 2, 2, 3)
_TRIES: Final = 3
"""How many operations are drawn before the draw falls back to one that needs no handle."""
_COUNTS: Final = {"dmany": ("1",)}
"""The size of a batch; two by default."""


class _Draft:
    """A client while it is drawn."""

    def __init__(self, draw: Callable[[strategies.SearchStrategy[int]], int], threads: int) -> None:
        self.draw = draw
        self.threads = [Holdings() for _ in range(threads)]
        self.setup: list[Operation] = []
        self.shared: list[str] = []
        self.readers: list[str] = []
        self.events = 0

    def below(self, limit: int) -> int:
        """Draw a number below a limit."""
        return self.draw(strategies.integers(0, limit - 1))

    def event(self, count: int = 1) -> str:
        """Return the number of an event that was not used yet, as long as there is one."""
        first = self.events + 1 if self.events + count <= 14 else 1
        self.events = first + count - 1
        return str(first)

    def operation(self, thread: Holdings, name: str) -> Operation | None:
        """Draw a call of an operation, None if the thread holds nothing that the operation could use."""
        counts = _COUNTS.get(name, ("2",))
        calls = list(thread.calls(name, tokens=self.shared, readers=self.readers, counts=counts))
        if not calls:
            return None
        call = calls[self.below(len(calls))]
        if "e" in call.kinds():
            call = call.of_events_from(int(self.event(call.count())))
        thread.do(call)
        return call

    def begin(self, name: str, *arguments: str) -> None:
        """Add a call to the setup."""
        call = Operation(name, arguments)
        self.setup.append(call)
        for kind, word in zip(call.kinds(), arguments, strict=True):
            if kind.endswith("!") and word[0].isdigit() and word[0] != "0":
                self.threads[int(word[0]) - 1].do(call)


def _pool_setup(draft: _Draft, shape: PoolShape) -> None:
    """Begin with generations that are about to wrap around, with pointers for the threads, and with tokens."""
    setup = draft.setup
    if shape.generation_bits == 1 and draft.below(3) == 0:
        # The token of the next event in slot 0, if the free list takes that slot.
        setup += [Operation("alloc", ("0p7", draft.event())), Operation("weak", ("s7", "0p7"))]
        setup += [Operation("drop", ("0p7",)), Operation("alloc", ("0p7", draft.event())), Operation("drop", ("0p7",))]
        draft.shared.append("s7")
    sources: list[str] = []
    for number, thread in enumerate(draft.threads, 1):
        for _ in range(draft.below(3)):
            variable = f"{number}{thread.new('p')}"
            if len(draft.setup) >= 10:
                break
            if sources and draft.below(2):
                draft.begin("clone", variable, sources[draft.below(len(sources))])
            else:
                draft.begin("alloc", variable, draft.event())
            sources.append(variable)
    if sources and draft.below(3):
        draft.begin("weak", "s0", sources[draft.below(len(sources))])
        draft.shared.append("s0")
        if draft.below(3) == 0:
            draft.begin("inc", "s0")
    if draft.below(4) == 0:
        draft.begin("ffi", "s1", draft.event())
        draft.shared.append("s1")
    if draft.below(5) == 0:
        draft.begin("loan", f"{1 + draft.below(len(draft.threads))}l0", draft.event())


def _ring_setup(draft: _Draft, shape: RingShape) -> None:
    """Begin with a writer, with readers for the threads, and with a ring that is almost full."""
    draft.begin("open", "1w0")
    early = draft.below(2 if shape.mode == GATED else 4)
    if early == 1:
        _first_adds(draft, shape)
    for number in range(1, len(draft.threads) + 1):
        if draft.below(3) and (number > 1 or draft.below(4) == 0):
            draft.begin("join", f"{number}q0", "new" if draft.below(4) == 0 else "old")
            draft.readers.append(f"{number}q0")
    if early != 1:
        _first_adds(draft, shape)


def _first_adds(draft: _Draft, shape: RingShape) -> None:
    most = shape.capacity if shape.mode == GATED else 2 * shape.capacity
    for _ in range(draft.below(most + 1)):
        draft.begin("add", "1w0", draft.event())


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
    names = []
    for name, signature in (RING_OPERATIONS if pool is None else POOL_OPERATIONS).items():
        # An overwriting ring has no evictions.
        if not (ring is not None and ring.mode == OVERWRITE and Means.GATED in signature.needs):
            names += [name] * signature.weight
    for _ in range(draw(strategies.integers(2, MOST_OPERATIONS))):
        index = draft.below(len(threads))
        thread = draft.threads[index]
        operation = None
        for _ in range(_TRIES):
            if operation is None:
                operation = draft.operation(thread, names[draft.below(len(names))])
        if operation is None:  # the thread holds nothing to use: take an operation that is always possible
            operation = draft.operation(thread, "alloc" if pool is not None else "join")
        if operation is not None:
            threads[index].append(operation)
    return Client(pool, ring, tuple(draft.setup), tuple(map(tuple, threads)))
