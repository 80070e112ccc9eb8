"""Judging a history by the reference: is there an order of its calls in which the reference answers the same [SLOT-1]?

The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with Lowe's memoisation (Testing
for Linearizability, 2017): a set of calls that led to the same state is not tried twice. What is searched is one object
at a time: a slot, its loose references, a pool's free list, a ring's place for a writer, its places for readers. Each
is a matter of its own, and must be, since C11 orders no two of them: that one thread finds slot 0 stale and another
slot 1 need not fit into one order of all calls. What a ring passes on is judged by its own clauses, between what surely
was before a call and what was not surely after it [RING-1 to RING-21]. So is the one fact that joins a slot to its
loose references, that an event comes into being with them in one step (see `loose_references`).

A call has one candidate linearization point or several, as the allocator's chapter says it. A slot counts as taken as
soon as its allocation has claimed it, and until the call that frees it returns; a batch claims its slots one after
another, and one that fails holds what it had claimed until it returns; the count of loose references follows the count
that includes them [ALLOC-3, ALLOC-14, PTR-11].

The results of each operation, the status first (`SKIPPED` alone where its handle was not there):

    alloc heap ffi clone weak into upgrade from commit cut    token
    loan hloan          token, whether all bytes were 0
    amany               the tokens, or the place of the event that failed
    dmany               nothing, or the place of the token that failed
    read                event, length, event type
    inc incany dec decany count    the count
    meta                count, generation, state
    hold                the slots taken, as bits
    add                 write cursor
    addmany             how many were added, write cursor
    join                the cursor that the reader begins with
    next nextmany take  sequence, next sequence, skipped, how many, their events in 8 bits each
    evicted left        1 or 0
    lag                 lag, backlog
    look                write cursor, retained, readers
    tally               start, cursor, delivered, skipped

`sweep`, `stats` and `refill` have no status: how many loose references there were and for each slot that had some
2^32 * pool + 2^16 * slot + how many; live, free, allocations and failures of XS and of XXL; how many slots could be
taken and the first tokens.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rusted_ring.verify.clients.language import Client
from rusted_ring.verify.linearizability.client_state import Problem
from rusted_ring.verify.linearizability.history import History
from rusted_ring.verify.linearizability.loose_references import lone_events
from rusted_ring.verify.linearizability.objects import (
    FREE,
    FREE_LIST_CLAUSES,
    LOOSE_CLAUSES,
    PLACE_CLAUSES,
    PLACE_WORDS,
    SLOT_CLAUSES,
    SLOT_WORDS,
    TAKEN,
    free_list_specification,
    loose_specification,
    places_specification,
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
    """What the reference says of a history.

    Attributes:
        problems: what is wrong, empty where nothing is.
        orders: for each object that is not wrong an order that shows it.
    """

    problems: tuple[Problem, ...]
    orders: tuple[Order, ...]

    @property
    def linearizable(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def clause(self) -> str:
        """The clause that is broken, empty where none is."""
        return self.problems[0].clause if self.problems else ""

    def __str__(self) -> str:
        if self.problems:
            return "\n".join(map(str, self.problems))
        return "\n".join(f"{order.subject}: {', '.join(order.points)}" for order in self.orders) or "nothing to order"


_QUIET: Final = frozenset({"back", "give", "unhold", "begin", "all free", "sweep"})


def judge(client: Client, history: History, *, strict: bool = False) -> Verdict:
    """Return whether a history of a client is one that the reference has, and if not, what is wrong [SLOT-1, ERR-1].

    Args:
        client: the client.
        history: its calls, those of the setup and the finish included.
        strict: whether generations and tags that came round are held to be wrong too, though the clauses allow it: a
            token that is taken for a later event [WEAK-5], a pool found full while 2^T slots were given back [ALLOC-3].

    Raises:
        HistoryError: the history is not one of this client.
    """
    subhistories = Subhistories(client, history, strict)
    problems = subhistories.problems
    orders: list[Order] = []
    for subject, lanes in subhistories.lanes.items():
        name, initial, outcomes, clauses = _specification(subhistories, subject)
        if subject[0] == "free list" and subject[1] not in subhistories.wants_free_list:
            continue
        found = search(initial, outcomes, _with_finish(lanes), subhistories.predecessors, quiet=_QUIET)
        points = tuple(f"{history.calls[point.call]} {point.step[0]}" for point in found.order)
        if found.complete:
            orders.append(Order(name, points))
            continue
        loud = [point for point in found.stuck if point.step[0] not in _QUIET] or list(found.stuck)
        if subject[0] == "free list":
            # Who took which slot is judged slot by slot; what is new here is who found none.
            loud = [point for lane in lanes.values() for point in lane if point.step[0] == "empty"] or loud
        words = {**PLACE_WORDS, **SLOT_WORDS}
        said = "; ".join(f"{subhistories.name(point.call)} {words.get(point.step[0], 'cannot be')}" for point in loud)
        calls = tuple(dict.fromkeys(point.call for point in loud))
        problems.append(Problem(name, clauses.get(loud[0].step[0], "SLOT-1"), said, calls, points))
    problems += lone_events(subhistories)
    if client.ring is not None:
        RingJudge(subhistories).judge()
    # What only the finish shows follows from something else, if there is something else.
    problems.sort(key=lambda problem: all(history.calls[call].thread == 0 for call in problem.calls))
    return Verdict(tuple(problems), tuple(orders))


def _with_finish(lanes: Mapping[int, Sequence[CandidatePoint]]) -> list[Sequence[CandidatePoint]]:
    return [lanes[thread] for thread in sorted(lanes)]


def _specification(
    subhistories: Subhistories, subject: tuple[Any, ...]
) -> tuple[str, Hashable, Outcomes, Mapping[str, str]]:
    """Return the name, the first state, the specification and the clauses of an object."""
    shape, ring = subhistories.client.pool, subhistories.client.ring
    if subject[0] == "slot":
        assert shape is not None
        name = f"slot {subject[2]} of {PoolId(subject[1]).name}"
        return name, (0, 0, FREE), slot_outcomes(shape.ref_bits, shape.generation_bits), SLOT_CLAUSES
    if subject[0] == "loose":
        name = f"loose references of slot {subject[2]} of {PoolId(subject[1]).name}"
        return name, 0, loose_specification(), LOOSE_CLAUSES
    if subject[0] == "free list":
        assert shape is not None
        slots = shape.slots if subject[1] == 0 else shape.heap_slots
        held = tuple(TAKEN if subject[1] == 0 and slot in subhistories.held else FREE for slot in range(slots))
        name = f"free list of {PoolId(subject[1]).name}"
        return name, (held, 0, ()), free_list_specification(slots), FREE_LIST_CLAUSES
    if subject[0] == "writer":
        return "writer's place", (False, False), writer_outcomes, PLACE_CLAUSES
    assert ring is not None
    if subject[0] == "reader":
        return "reader's place", (), places_specification(1), PLACE_CLAUSES
    return "readers' places", (), places_specification(ring.readers), PLACE_CLAUSES
