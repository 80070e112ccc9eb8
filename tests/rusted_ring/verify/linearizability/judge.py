"""The judge of a history: is there an order of its calls in which the reference gives the same answers [SLOT-1]?

The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with Lowe's memoisation (Testing
for Linearizability, 2017): it does not try a set of calls twice if it led to the same state. It searches one object at
a time: a slot, its detached references, a pool's free list, a ring's writer registration, its reader registrations. The
objects have to be judged separately, since C11 orders no two of them: if one thread finds slot 0 stale and another
finds slot 1 stale, the two answers need not fit into one order of all calls. The events that a ring delivers are judged
by the ring's own clauses, between what surely happened before a call and what did not surely happen after it [RING-1 to
RING-21]. One fact joins a slot to its detached references: an allocation makes the event and its detached reference in
one step. `detached_references` judges it.

A call has one candidate linearization point or several, as the allocator's chapter defines. A slot counts as taken from
the moment when its allocation claims it until the call that frees it returns. A batch claims its slots one after
another; a batch that fails holds the slots that it claimed until it returns. The count of detached references changes
after the slot's count, which includes them [ALLOC-3, ALLOC-14, PTR-11].

The results of each operation, the status first (`SKIPPED` alone if one of its variables was empty):

    alloc heap ffi clone weak into upgrade from commit cut    token
    loan hloan          token, whether all bytes were 0
    amany               the tokens, or the index of the event that failed
    dmany               nothing, or the index of the token that failed
    read                event, length, event type
    inc incany dec decany count    the count
    meta                count, generation, state
    hold                the slots taken, as a bit mask
    add                 write cursor
    addmany put         how many were added, write cursor
    join                the cursor that the reader begins with
    next nextmany take peek
                        sequence, next sequence, events skipped, events delivered, their numbers in 8 bits each
    evicted left        1 or 0
    lag                 lag, backlog
    look                write cursor, retained, readers
    tally               start, cursor, delivered, skipped

Three operations have no status. `sweep`: the number of detached references, then 2^32 * pool + 2^16 * slot + their
number for each slot that had some. `stats`: live, free, allocations and failures of XS and of XXL. `refill`: how many
slots it could take, then the first tokens.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rusted_ring.verify.clients.language import Client
from rusted_ring.verify.linearizability.client_state import Problem
from rusted_ring.verify.linearizability.detached_references import lone_events
from rusted_ring.verify.linearizability.history import History
from rusted_ring.verify.linearizability.objects import (
    DETACHED_CLAUSES,
    FREE,
    FREE_LIST_CLAUSES,
    FREE_LIST_WORDS,
    REGISTRATION_CLAUSES,
    REGISTRATION_WORDS,
    SLOT_CLAUSES,
    SLOT_WORDS,
    TAKEN,
    detached_specification,
    free_list_specification,
    readers_specification,
    slot_outcomes,
    writer_outcomes,
)
from rusted_ring.verify.linearizability.rings import RingJudge
from rusted_ring.verify.linearizability.search import CandidatePoint, Outcomes, search
from rusted_ring.verify.linearizability.subhistories import Subhistories
from rusted_ring.vocabulary.sizes import PoolId


@dataclass(frozen=True, slots=True)
class Order:
    """An order in which the reference answers as the history does.

    Attributes:
        subject: the object.
        points: thread, operation and kind of each candidate linearization point, in the order found.
    """

    subject: str
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reference's verdict on a history.

    Attributes:
        problems: the problems found, empty if the history is linearizable.
        orders: for each object without a problem, an order that shows it.
    """

    problems: tuple[Problem, ...]
    orders: tuple[Order, ...]

    @property
    def linearizable(self) -> bool:
        """Whether no problem was found."""
        return not self.problems

    @property
    def clause(self) -> str:
        """The clause that is broken, empty if none is."""
        return self.problems[0].clause if self.problems else ""

    def __str__(self) -> str:
        if self.problems:
            return "\n".join(map(str, self.problems))
        return "\n".join(f"{order.subject}: {', '.join(order.points)}" for order in self.orders) or "nothing to order"


_QUIET: Final = frozenset({"back", "give", "unhold", "begin", "all free", "sweep"})


def judge(client: Client, history: History, *, strict: bool = False) -> Verdict:
    """Return whether the reference can have a history of a client, and if not, the problems [SLOT-1, ERR-1].

    Args:
        client: the client.
        history: its calls, those of the setup and the finish included.
        strict: whether generations and tags that wrapped around count as problems too, though the clauses allow them:
            a token that is taken for a later event [WEAK-5], a pool that is found full while 2^T slots were released
            [ALLOC-3].

    Raises:
        HistoryError: the history is not one of this client.
    """
    subhistories = Subhistories(client, history, strict)
    problems = subhistories.problems
    orders: list[Order] = []
    for subject, by_thread in subhistories.points.items():
        name, initial, outcomes, clauses = _specification(subhistories, subject)
        if subject[0] == "free list" and subject[1] not in subhistories.wants_free_list:
            continue
        found = search(initial, outcomes, _with_finish(by_thread), subhistories.predecessors, quiet=_QUIET)
        points = tuple(f"{history.calls[point.call]} {point.step[0]}" for point in found.order)
        if found.complete:
            orders.append(Order(name, points))
            continue
        loud = [point for point in found.stuck if point.step[0] not in _QUIET] or list(found.stuck)
        if subject[0] == "free list":
            # The slots are judged one by one; only a call that found no free slot is news here.
            loud = [point for listed in by_thread.values() for point in listed if point.step[0] == "empty"] or loud
        words = {**FREE_LIST_WORDS, **REGISTRATION_WORDS, **SLOT_WORDS}
        said = "; ".join(
            f"{subhistories.name(point.call)} {words.get(point.step[0], 'cannot be placed')}" for point in loud
        )
        calls = tuple(dict.fromkeys(point.call for point in loud))
        problems.append(Problem(name, clauses.get(loud[0].step[0], "SLOT-1"), said, calls, points))
    problems += lone_events(subhistories)
    if client.ring is not None:
        RingJudge(subhistories).judge()
    # A problem that only the calls of the finish show follows from another problem, if there is another one.
    problems.sort(key=lambda problem: all(history.calls[call].thread == 0 for call in problem.calls))
    return Verdict(tuple(problems), tuple(orders))


def _with_finish(by_thread: Mapping[int, Sequence[CandidatePoint]]) -> list[Sequence[CandidatePoint]]:
    return [by_thread[thread] for thread in sorted(by_thread)]


def _specification(
    subhistories: Subhistories, subject: tuple[Any, ...]
) -> tuple[str, Hashable, Outcomes, Mapping[str, str]]:
    """Return the name, the initial state, the specification and the clauses of an object."""
    shape, ring = subhistories.client.pool, subhistories.client.ring
    if subject[0] == "slot":
        assert shape is not None
        name = f"slot {subject[2]} of {PoolId(subject[1]).name}"
        return name, (0, 0, FREE), slot_outcomes(shape.ref_bits, shape.generation_bits), SLOT_CLAUSES
    if subject[0] == "detached":
        name = f"detached references of slot {subject[2]} of {PoolId(subject[1]).name}"
        return name, 0, detached_specification(), DETACHED_CLAUSES
    if subject[0] == "free list":
        assert shape is not None
        slots = shape.slots if subject[1] == 0 else shape.heap_slots
        held = tuple(TAKEN if subject[1] == 0 and slot in subhistories.held else FREE for slot in range(slots))
        name = f"free list of {PoolId(subject[1]).name}"
        return name, (held, 0, ()), free_list_specification(slots), FREE_LIST_CLAUSES
    if subject[0] == "writer":
        return "writer registration", (False, False), writer_outcomes, REGISTRATION_CLAUSES
    assert ring is not None
    if subject[0] == "reader":
        return "reader registration", (), readers_specification(1), REGISTRATION_CLAUSES
    return "reader registrations", (), readers_specification(ring.readers), REGISTRATION_CLAUSES
