"""Random litmus programs: in bulk from a seed, or one by one from Hypothesis [MODEL-19].

Both draw by the same rules from a `choose` function, which picks one of several options. Half of the programs are a
classic (see `classics`) with some orders and operations changed, since four random operations rarely need an axiom. The
others are drawn operation by operation, in one of several styles, so that some programs are all `seq_cst`, some are
chains of read-modify-writes, and so on.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hypothesis import strategies

from rusted_ring.reference.memory_model.axioms import Standard
from rusted_ring.reference.memory_model.program import (
    Add,
    CompareExchange,
    Exchange,
    Fence,
    HeavyFence,
    LightFence,
    Load,
    Operation,
    Order,
    PlainRead,
    PlainWrite,
    Program,
    Reading,
    SkipUnless,
    Store,
    WeakCompareExchange,
    Writing,
    parse,
)
from rusted_ring.verify.litmus.classics import CLASSICS
from rusted_ring.verify.litmus.comparison import without_operation

MOST_GRAPHS: Final = 400
"""A program for which a simple bound on its execution graphs is above this loses operations until it is not."""

Choose = Callable[[Sequence[Any]], Any]

_RLX, _ACQ, _REL, _ACQ_REL, _SC = Order


@dataclass(frozen=True, slots=True)
class Style:
    """The mix of operations of a program.

    Attributes:
        kinds: kinds of operation, repeated by weight.
        loads: orders of loads, repeated by weight.
        stores: orders of stores, repeated by weight.
        updates: orders of read-modify-writes, repeated by weight.
        fences: orders of fences, light ones included, repeated by weight.
    """

    kinds: tuple[str, ...]
    loads: tuple[Order, ...] = (_RLX, _ACQ, _SC)
    stores: tuple[Order, ...] = (_RLX, _REL, _SC)
    updates: tuple[Order, ...] = (_RLX, _ACQ, _REL, _ACQ_REL, _SC)
    fences: tuple[Order, ...] = (_ACQ, _REL, _ACQ_REL, _SC)


_EVEN: Final = (
    *(*["load"] * 5, *["store"] * 5, "add", "xchg", "cas", "wcas", "wcas"),
    *("fence", "light", "heavy", "plain", "plain", "skip", "skip"),
)

STYLES: Final = (
    Style(_EVEN),
    Style(
        (*["load"] * 4, *["store"] * 4, "add", "fence", *["plain"] * 4, "skip", "skip"),
        loads=(_RLX, _ACQ, _ACQ),
        stores=(_RLX, _REL, _REL),
        fences=(_ACQ, _REL),
    ),
    Style(
        ("load", "load", "store", "store", "add", "add", "xchg", "cas", "wcas", "plain", "skip"),
        loads=(_RLX, _ACQ),
        stores=(_RLX, _REL),
        updates=(_RLX, _RLX, _ACQ, _REL, _ACQ_REL),
    ),
    Style(
        ("load", "load", "store", "store", "add", "cas", "wcas"),
        loads=(_RLX, _SC, _SC, _SC),
        stores=(_RLX, _SC, _SC, _SC),
        updates=(_ACQ_REL, _SC, _SC),
    ),
    Style(
        ("load", "load", "store", "store", "fence", "fence", "fence"),
        loads=(_RLX, _RLX, _SC),
        stores=(_RLX, _RLX, _SC),
        fences=(_ACQ, _REL, _SC, _SC, _SC),
    ),
    Style(
        (*["load"] * 3, *["store"] * 3, "add", "light", "light", "heavy", "heavy", "plain", "skip"),
        loads=(_RLX, _RLX, _RLX, _ACQ),
        stores=(_RLX, _RLX, _RLX, _REL),
        fences=(_ACQ, _REL, _SC, _SC),
    ),
)

_FEWEST, _MOST = 4, 8
_MOSTLY: Final = (True, True, True, False)
_SIZES: Final = (4, 5, 5, 6, 6, 7, 7, 8, 8)
_CLASSICS: Final = tuple(
    program
    for program in map(parse, (classic.program for classic in CLASSICS if classic.standard is Standard.CXX20))
    if program.atomics and _FEWEST <= sum(map(len, program.threads)) <= _MOST
)


def generate(seed: int, count: int) -> Iterator[str]:
    """Yield the texts of `count` programs drawn at random; the same for the same seed.

    A program has 2 to 4 threads, 1 to 3 atomic locations, at most one plain location and 4 to 8 operations (fewer where
    `MOST_GRAPHS` cuts it).
    """
    source = random.Random(seed)
    for _ in range(count):
        yield str(drawn(source.choice))


@strategies.composite
def litmus_programs(draw: strategies.DrawFn) -> str:
    """Draw the text of a program, of the same kinds as `generate` yields."""
    return str(drawn(lambda options: draw(strategies.sampled_from(options))))


def drawn(choose: Choose) -> Program:
    """Return a program drawn by a function that picks one of several options."""
    program = _variation(choose) if choose((False, True)) else _from_nothing(choose)
    if not choose((True, True, False)):
        program = _with_sides(choose, program)
    return _cut(program)


def _from_nothing(choose: Choose) -> Program:
    style = choose(STYLES)
    atomics = choose((2, 2, 2, 3, 1))
    plains = 1 if "plain" in style.kinds and choose((False, True)) else 0
    threads: list[list[Operation]] = [[] for _ in range(choose((2, 2, 3, 3, 4)))]
    for number in range(choose(_SIZES)):
        # Every thread gets its first operation before any thread gets a second one.
        thread = threads[number] if number < len(threads) else choose(threads)
        thread.append(_operation(choose, style, atomics, plains, thread))
    return _with_skips_closed(atomics, plains, threads)


def _operation(choose: Choose, style: Style, atomics: int, plains: int, before: Sequence[Operation]) -> Operation:
    """Return an operation that may follow those before it; a skip may still be too long."""
    kind = choose(style.kinds)
    if kind == "plain" and plains:
        return PlainWrite(0) if choose((False, True)) else PlainRead(0)
    if kind == "skip":
        looked_at = [index for index in range(len(before)) if _surely_read(before, index)]
        if looked_at:
            return SkipUnless(choose(looked_at), choose((1, 0, 2)), choose((1, 1, 2)))
    if kind == "fence":
        return Fence(choose(style.fences))
    if kind == "light":
        return LightFence(choose(style.fences))
    if kind == "heavy":
        return HeavyFence()
    location = choose(range(atomics))
    if kind == "store":
        return Store(location, choose(style.stores), choose((1, 2, 3)))
    if kind == "add":
        return Add(location, choose(style.updates), choose((1, 1, 2, 0)))
    if kind == "xchg":
        return Exchange(location, choose(style.updates), choose((1, 2, 3)))
    if kind in ("cas", "wcas"):
        make = CompareExchange if kind == "cas" else WeakCompareExchange
        success = choose(style.updates)
        return make(location, success, choose(_failures(success)), choose((0, 1, 2)), choose((1, 2, 3)))
    return Load(location, choose(style.loads))


def _surely_read(before: Sequence[Operation], index: int) -> bool:
    """Return whether an operation reads, and no skip before it can skip it."""
    return isinstance(before[index], Reading) and not any(
        isinstance(other, SkipUnless) and at < index <= at + other.count for at, other in enumerate(before)
    )


def _failures(success: Order) -> tuple[Order, ...]:
    """Return the failure orders that C11 lets a compare-exchange with this success order have."""
    return {_SC: (_RLX, _ACQ, _SC), _ACQ: (_RLX, _ACQ), _ACQ_REL: (_RLX, _ACQ)}.get(success, (_RLX,))


def _with_skips_closed(atomics: int, plains: int, threads: Sequence[list[Operation]]) -> Program:
    """Return the program of these threads, with skips cut at the end of their threads."""
    closed: list[tuple[Operation, ...]] = []
    for thread in threads:
        while isinstance(thread[-1], SkipUnless):
            thread.pop()
        closed.append(
            tuple(
                replace(operation, count=min(operation.count, len(thread) - index - 1))
                if isinstance(operation, SkipUnless)
                else operation
                for index, operation in enumerate(thread)
            )
        )
    return Program(atomics, plains, tuple(closed))


def _variation(choose: Choose) -> Program:
    """Return a classic with some of its orders and operations changed, and perhaps one more at a thread's end."""
    program = choose(_CLASSICS)
    style = choose(STYLES)
    threads = [
        [operation if choose((True, True, False)) else _changed(choose, operation, style) for operation in thread]
        for thread in program.threads
    ]
    if sum(map(len, threads)) < _MOST and not choose(_MOSTLY):
        thread = choose(threads)
        thread.append(_operation(choose, style, program.atomics, program.plains, thread))
    return _with_skips_closed(program.atomics, program.plains, threads)


def _changed(choose: Choose, operation: Operation, style: Style) -> Operation:
    """Return the operation with another order, or a read-modify-write instead of a load or store."""
    match operation:
        case Load(location, _):
            if choose(_MOSTLY):
                return Load(location, choose(style.loads))
            if choose((True, False)):
                return Add(location, choose(style.updates), 0)
            success = choose(style.updates)
            return WeakCompareExchange(location, success, choose(_failures(success)), choose((0, 1)), choose((1, 2, 3)))
        case Store(location, _, value):
            if choose(_MOSTLY):
                return Store(location, choose(style.stores), value)
            return Exchange(location, choose(style.updates), value)
        case Exchange(location, _, value):
            return Exchange(location, choose(style.updates), value)
        case Add(location, _, value):
            return Add(location, choose(style.updates), value)
        case CompareExchange(location, _, _, expected, desired):
            success = choose(style.updates)
            return type(operation)(location, success, choose(_failures(success)), expected, desired)
        case Fence():
            return Fence(choose(style.fences))
        case LightFence():
            return LightFence(choose(style.fences))
        case _:
            return operation


def _with_sides(choose: Choose, program: Program) -> Program:
    """Return a program with each fence replaced by a side of an asymmetric fence, and weak compare-exchanges."""
    threads = [tuple(_of_one_side(choose, operation) for operation in thread) for thread in program.threads]
    return replace(program, threads=tuple(threads))


def _of_one_side(choose: Choose, operation: Operation) -> Operation:
    match operation:
        case Fence(order):
            return HeavyFence() if choose((False, True)) else LightFence(order)
        case CompareExchange(location, success, failure, expected, desired):
            return WeakCompareExchange(location, success, failure, expected, desired)
        case _:
            return operation


def _cut(program: Program) -> Program:
    """Return a program without the last operations of its longest threads, until it is within `MOST_GRAPHS`."""
    while graphs_at_most(program) > MOST_GRAPHS:
        longest = max(range(len(program.threads)), key=lambda number: len(program.threads[number]))
        smaller = without_operation(program, longest + 1, len(program.threads[longest]) - 1)
        if smaller is None:
            return program
        program = smaller
    return program


def graphs_at_most(program: Program) -> int:
    """Return a bound on the execution graphs of a program, coherent or not.

    Each load takes its value from one of the writes of its location, the initial one included, and the writes are in
    one of the orders that keep each thread's own; a read-modify-write that writes reads what is right before its write.
    """
    bound = 1
    for location in range(program.atomics):
        writes = [
            sum(isinstance(operation, Writing) and operation.location == location for operation in thread)
            for thread in program.threads
        ]
        loads = sum(
            isinstance(operation, Load | CompareExchange) and operation.location == location
            for thread in program.threads
            for operation in thread
        )
        bound *= math.factorial(sum(writes)) // math.prod(map(math.factorial, writes)) * (sum(writes) + 1) ** loads
    return bound
