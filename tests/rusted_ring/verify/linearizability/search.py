"""The search for an order: Wing and Gong's, with Lowe's memoisation [SLOT-1]."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

Step = tuple[Any, ...]
"""What a specification is asked: a kind and numbers."""


@dataclass(frozen=True, slots=True)
class CandidatePoint:
    """One step of one call on one object, which the order places between the call's begin and its end.

    Attributes:
        call: the call, as a place in the history.
        step: what the specification is asked: a kind and numbers.
    """

    call: int
    step: Step


Outcomes = Callable[[Any, Step], Sequence[Hashable]]


@dataclass(frozen=True, slots=True)
class Found:
    """The end of a search.

    Attributes:
        complete: whether all points could be placed.
        order: the points in the order found, or the longest order that could be.
        stuck: where not all could be placed, the points that the specification refused there.
    """

    complete: bool
    order: tuple[CandidatePoint, ...]
    stuck: tuple[CandidatePoint, ...] = ()


def search(
    initial: Hashable,
    outcomes: Outcomes,
    lanes: Sequence[Sequence[CandidatePoint]],
    predecessors: Sequence[int],
    *,
    quiet: frozenset[str] = frozenset(),
) -> Found:
    """Look for an order of candidate points that a specification follows (Wing and Gong 1993, Lowe 2017) [SLOT-1].

    Args:
        initial: the specification's first state.
        outcomes: the states that a step may lead to from a state, empty where it cannot be taken.
        lanes: the points of each thread, in its order; those of one call stand together.
        predecessors: for each call the calls that were over before it, as bits.
        quiet: kinds of steps whose refusal follows from an earlier choice, and is told for want of another only.
    """
    calls = 0
    for lane in lanes:
        for point in lane:
            calls |= 1 << point.call
    rows: list[list[tuple[int, int, Step]]] = []
    for lane in lanes:
        row = []
        for at, point in enumerate(lane):
            first = at == 0 or lane[at - 1].call != point.call
            last = at + 1 == len(lane) or lane[at + 1].call != point.call
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
        for lane in numbers:
            at = positions[lane]
            if at == lengths[lane]:
                continue
            wanted, bit, step = rows[lane][at]
            if wanted & ~done:
                continue
            after = outcomes(state, step)
            if not after:
                refused.append(lanes[lane][at])
                continue
            moved = (*positions[:lane], at + 1, *positions[lane + 1 :])
            trail.append((lane, at))
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
    return Found(complete, tuple(lanes[lane][at] for lane, at in order), () if complete else tuple(stuck))
