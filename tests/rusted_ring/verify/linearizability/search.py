"""The search for an order: Wing and Gong's, with Lowe's memoisation [SLOT-1]."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

Step = tuple[Any, ...]
"""A step of a specification: its kind, then numbers."""


@dataclass(frozen=True, slots=True)
class CandidatePoint:
    """One step of one call on one object; the order places it between the call's begin and its end.

    Attributes:
        call: the call, as an index into the history.
        step: the step of the specification: its kind, then numbers.
    """

    call: int
    step: Step


Outcomes = Callable[[Any, Step], Sequence[Hashable]]


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        complete: whether an order of all points was found.
        order: the points in the order found, or else in the longest order found.
        stuck: if the order is not complete, the points that the specification refused at its end.
    """

    complete: bool
    order: tuple[CandidatePoint, ...]
    stuck: tuple[CandidatePoint, ...] = ()


def search(
    initial: Hashable,
    outcomes: Outcomes,
    threads: Sequence[Sequence[CandidatePoint]],
    predecessors: Sequence[int],
    *,
    quiet: frozenset[str] = frozenset(),
) -> Found:
    """Look for an order of candidate points that a specification follows (Wing and Gong 1993, Lowe 2017) [SLOT-1].

    Args:
        initial: the specification's initial state.
        outcomes: the states that a step may lead to from a state, empty if the specification refuses the step.
        threads: the points of each thread, in its order; the points of one call are adjacent.
        predecessors: for each call, the calls that returned before it began, as a bit mask.
        quiet: kinds of steps whose refusal follows from an earlier choice; reported only if no other step was refused.
    """
    calls = 0
    for thread in threads:
        for point in thread:
            calls |= 1 << point.call
    rows: list[list[tuple[int, int, Step]]] = []
    for thread in threads:
        row = []
        for at, point in enumerate(thread):
            first = at == 0 or thread[at - 1].call != point.call
            last = at + 1 == len(thread) or thread[at + 1].call != point.call
            row.append((predecessors[point.call] & calls if first else 0, 1 << point.call if last else 0, point.step))
        rows.append(row)
    numbers = range(len(rows))
    lengths = tuple(map(len, rows))
    seen: set[tuple[tuple[int, ...], Hashable]] = set()
    trail: list[tuple[int, int]] = []
    best: list[tuple[int, int]] = []
    best_rank = (False, -1)
    stuck: list[CandidatePoint] = []

    def place(positions: tuple[int, ...], done: int, state: Hashable) -> bool:
        nonlocal best, best_rank, stuck
        if positions == lengths:
            return True
        key = (positions, state)
        if key in seen:
            return False
        refused = []
        for thread in numbers:
            at = positions[thread]
            if at == lengths[thread]:
                continue
            wanted, bit, step = rows[thread][at]
            if wanted & ~done:
                continue
            after = outcomes(state, step)
            if not after:
                refused.append(threads[thread][at])
                continue
            moved = (*positions[:thread], at + 1, *positions[thread + 1 :])
            trail.append((thread, at))
            for following in after:
                if place(moved, done | bit, following):
                    return True
            trail.pop()
        seen.add(key)
        if refused:
            rank = any(point.step[0] not in quiet for point in refused), len(trail)
            if rank > best_rank:
                best_rank, best, stuck = rank, list(trail), refused
        return False

    complete = place((0,) * len(rows), 0, initial)
    order = trail if complete else best
    return Found(complete, tuple(threads[thread][at] for thread, at in order), () if complete else tuple(stuck))
