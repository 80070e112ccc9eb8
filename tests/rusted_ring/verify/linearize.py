"""Judging a history by the reference: is there an order of its calls in which the reference answers the same [SLOT-1]?

The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with Lowe's memoisation (Testing
for Linearizability, 2017): a set of calls that led to the same state is not tried twice. What is searched is one object
at a time: a slot, its loose references, a pool's free list, a ring's place for a writer, its places for readers. Each
is a matter of its own, and must be, since C11 orders no two of them: that one thread finds slot 0 stale and another
slot 1 need not fit into one order of all calls. What a ring passes on is judged by its own clauses, between what surely
was before a call and what was not surely after it [RING-1 to RING-21]. So is the one fact that joins a slot to its
loose references, that an event comes into being with them in one step (see `linear_loose`).

A call is one moment or several, as the allocator's chapter says it. A slot counts as taken from the moment its
allocation has claimed it, and until the call that frees it returns; a batch claims its slots one after another, and
one that fails holds what it had claimed until it returns; the count of loose references follows the count that includes
them [ALLOC-3, ALLOC-14, PTR-11].

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

from rusted_ring.verify.clients import Client
from rusted_ring.verify.history import History
from rusted_ring.verify.linear_loose import lone_events
from rusted_ring.verify.linear_objects import (
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
from rusted_ring.verify.linear_reading import Problem, Reading
from rusted_ring.verify.linear_rings import RingJudge
from rusted_ring.verify.linear_search import Moment, Outcomes, search
from rusted_ring.vocabulary.sizes import PoolId


@dataclass(frozen=True, slots=True)
class Order:
    """An order in which the reference answers as the history does.

    Attributes:
        subject: the object.
        moments: thread, operation and moment, in the order found.
    """

    subject: str
    moments: tuple[str, ...]


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
        return "\n".join(f"{order.subject}: {', '.join(order.moments)}" for order in self.orders) or "nothing to order"


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
    reading = Reading(client, history, strict)
    problems = reading.problems
    orders: list[Order] = []
    for subject, lanes in reading.lanes.items():
        name, initial, outcomes, clauses = _specification(reading, subject)
        if subject[0] == "free list" and subject[1] not in reading.wants_free_list:
            continue
        found = search(initial, outcomes, _with_finish(lanes), reading.predecessors, quiet=_QUIET)
        moments = tuple(f"{history.calls[moment.call]} {moment.step[0]}" for moment in found.order)
        if found.complete:
            orders.append(Order(name, moments))
            continue
        loud = [moment for moment in found.stuck if moment.step[0] not in _QUIET] or list(found.stuck)
        if subject[0] == "free list":
            # Who took which slot is judged slot by slot; what is new here is who found none.
            loud = [moment for lane in lanes.values() for moment in lane if moment.step[0] == "empty"] or loud
        words = {**PLACE_WORDS, **SLOT_WORDS}
        said = "; ".join(f"{reading.name(moment.call)} {words.get(moment.step[0], 'cannot be')}" for moment in loud)
        calls = tuple(dict.fromkeys(moment.call for moment in loud))
        problems.append(Problem(name, clauses.get(loud[0].step[0], "SLOT-1"), said, calls, moments))
    problems += lone_events(reading)
    if client.ring is not None:
        RingJudge(reading).judge()
    # What only the finish shows follows from something else, if there is something else.
    problems.sort(key=lambda problem: all(history.calls[call].thread == 0 for call in problem.calls))
    return Verdict(tuple(problems), tuple(orders))


def _with_finish(lanes: Mapping[int, Sequence[Moment]]) -> list[Sequence[Moment]]:
    return [lanes[thread] for thread in sorted(lanes)]


def _specification(reading: Reading, subject: tuple[Any, ...]) -> tuple[str, Hashable, Outcomes, Mapping[str, str]]:
    """Return the name, the first state, the specification and the clauses of an object."""
    shape, ring = reading.client.pool, reading.client.ring
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
        held = tuple(TAKEN if subject[1] == 0 and slot in reading.held else FREE for slot in range(slots))
        name = f"free list of {PoolId(subject[1]).name}"
        return name, (held, 0, ()), free_list_specification(slots), FREE_LIST_CLAUSES
    if subject[0] == "writer":
        return "writer's place", (False, False), writer_outcomes, PLACE_CLAUSES
    assert ring is not None
    if subject[0] == "reader":
        return "reader's place", (), places_specification(1), PLACE_CLAUSES
    return "readers' places", (), places_specification(ring.readers), PLACE_CLAUSES
