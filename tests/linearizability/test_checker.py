"""The checker: histories that are right and wrong by hand, altered ones, and a search that tries all orders."""

import dataclasses
import itertools
import random
from collections.abc import Hashable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rusted_ring import reference
from rusted_ring.verify.clients.language import Client, parse
from rusted_ring.verify.clients.statuses import SKIPPED, TORN, Status
from rusted_ring.verify.clients.strategy import clients
from rusted_ring.verify.linearizability.history import Call, History, HistoryError, closed
from rusted_ring.verify.linearizability.judge import judge
from rusted_ring.verify.linearizability.objects import detached_specification, slot_outcomes
from rusted_ring.verify.linearizability.recording import can_record, record
from rusted_ring.verify.linearizability.search import CandidatePoint, Outcomes, Step, search

Edits = dict[tuple[int, int], tuple[int, ...]]
TOKEN = 2**61
"""Of slot 0 of XS with generation 0."""
NEXT_SLOT = 2**40


def sequential(text: str) -> tuple[Client, History]:
    """Return a client and what the reference answers where its threads run one after another."""
    client = parse(text)
    (history,) = record(client, reference, threads=False)
    return client, history


def altered(history: History, edits: Edits, *, overlapping: bool = False) -> History:
    """Return a history with other results; those of the finish are numbered from its end: (0, -1) is the last."""
    last = max(call.op for call in history.calls if call.thread == 0) + 1
    wanted = {(thread, op if op >= 0 else last + op): results for (thread, op), results in edits.items()}
    calls = tuple(
        dataclasses.replace(call, results=wanted.pop((call.thread, call.op), call.results)) for call in history.calls
    )
    assert not wanted
    before = history.before
    if overlapping:
        before = tuple(pair for pair in before if 0 in (calls[pair[0]].thread, calls[pair[1]].thread))
    return History(calls, before)


def finish_op(client: Client, text: str) -> int:
    """Return the number of an operation of the finish."""
    return len(client.setup) + [str(operation) for operation in client.finish()].index(text)


def test_what_the_reference_answers_is_right() -> None:
    client, history = sequential("xs=1 r=2 | alloc 1p0 1 ; clone 2p0 1p0 | read p0 ; drop p0 | drop p0 ; alloc p1 2")
    verdict = judge(client, history)
    assert verdict.linearizable
    assert verdict.clause == ""
    slot = next(order for order in verdict.orders if order.subject == "slot 0 of XS")
    assert slot.points[:3] == ("0.0 take", "0.0 publish", "0.1 clone")
    assert "slot 0 of XS" in str(verdict)


@pytest.mark.clause("ALLOC-2")
def test_one_slot_allocated_twice_is_seen() -> None:
    client, history = sequential("xs=2 | | alloc p0 1 | alloc p0 2")
    verdict = judge(client, altered(history, {(2, 0): (0, TOKEN)}, overlapping=True))
    assert verdict.clause == "ALLOC-2"
    assert "took the slot while it was taken" in str(verdict)
    assert verdict.problems[0].prefix[0] in ("1.0 take", "2.0 take")


@pytest.mark.clause("WEAK-2")
def test_an_upgrade_after_the_last_drop_is_seen() -> None:
    client, history = sequential("xs=1 | alloc 1p0 1 ; weak s0 1p0 | drop p0 | upgrade p0 s0")
    edits: Edits = {(2, 0): (0, TOKEN), (0, finish_op(client, "drop 2p0")): (0,)}
    assert judge(client, history).linearizable
    assert judge(client, altered(history, edits)).clause == "WEAK-2"
    assert judge(client, altered(history, edits, overlapping=True)).linearizable  # it may have come before the drop


@pytest.mark.clause("WEAK-3")
def test_stale_while_the_event_was_there_is_seen() -> None:
    client, history = sequential("xs=1 | alloc 1p0 1 ; weak s0 1p0 | read p0 ; drop p0 | upgrade p0 s0")
    right = altered(history, {}, overlapping=True)
    assert judge(client, right).linearizable
    client, history = sequential("xs=1 | alloc 1p0 1 ; weak s0 1p0 | read p0 | upgrade p0 s0")
    edits: Edits = {(2, 0): (5,), (0, finish_op(client, "drop 2p0")): (SKIPPED,)}
    assert judge(client, altered(history, edits, overlapping=True)).clause == "WEAK-3"


@pytest.mark.clause("SLOT-9", "SLOT-12")
def test_a_lost_reference_is_seen() -> None:
    client, history = sequential("xs=1 | alloc 1p0 1 ; clone 2p0 1p0 | clone p1 p0 | count p0")
    assert judge(client, altered(history, {(2, 0): (0, 2)}, overlapping=True)).linearizable
    assert judge(client, altered(history, {(2, 0): (0, 2)})).clause == "SLOT-9"
    live = altered(history, {(0, finish_op(client, "stats")): (1, 0, 1, 0, 0, 1, 0, 0)})
    assert judge(client, live).clause == "SLOT-12"


@pytest.mark.clause("ALLOC-3")
def test_exhaustion_is_right_only_while_no_slot_was_free() -> None:
    client, history = sequential("xs=1 | alloc 1p0 1 | drop p0 | alloc p0 2")
    stats = finish_op(client, "stats")
    refill = finish_op(client, "refill")
    edits: Edits = {
        (2, 0): (3,),
        (0, finish_op(client, "drop 2p0")): (SKIPPED,),
        (0, stats): (0, 1, 1, 1, 0, 1, 0, 0),
        (0, refill): (1, TOKEN + 1),
    }
    assert judge(client, altered(history, edits, overlapping=True)).linearizable
    verdict = judge(client, altered(history, edits))
    assert verdict.clause == "ALLOC-3"
    assert "found the pool full while a slot was free" in str(verdict)


@pytest.mark.clause("ALLOC-14")
def test_a_batch_that_fails_holds_what_it_had_claimed() -> None:
    client, history = sequential("xs=2 r=2 | alloc 0p0 9 | amany t0 2 1 | alloc p0 3")
    edits: Edits = {
        (2, 0): (3,),
        (0, finish_op(client, "drop 2p0")): (SKIPPED,),
        (0, finish_op(client, "stats")): (0, 2, 1, 2, 0, 1, 0, 0),
        (0, finish_op(client, "refill")): (2, TOKEN + NEXT_SLOT, TOKEN + 1),
    }
    assert judge(client, altered(history, edits, overlapping=True)).linearizable
    assert judge(client, altered(history, edits)).clause == "ALLOC-3"


@pytest.mark.clause("SLOT-13")
@pytest.mark.parametrize("results", [(0, TORN, 8, 1), (0, 2, 8, 2), (0, 1, 8, 2), (0, 1, 7, 1)])
def test_a_torn_payload_is_seen(results: tuple[int, ...]) -> None:
    client, history = sequential("xs=1 | alloc 1p0 1 | read p0 | alloc p0 2")
    assert judge(client, altered(history, {(1, 0): results}, overlapping=True)).clause == "SLOT-13"


@pytest.mark.clause("PTR-13", "PTR-14")
def test_a_detached_reference_is_given_once() -> None:
    client, history = sequential("xs=1 r=2 | ffi s0 1 | from p0 s0 | from p0 s0")
    assert judge(client, altered(history, {}, overlapping=True)).linearizable
    both: Edits = {(2, 0): (0, TOKEN), (0, finish_op(client, "drop 2p0")): (0,)}
    assert judge(client, altered(history, both, overlapping=True)).clause == "PTR-13"
    none: Edits = {
        (1, 0): (7,),
        (0, finish_op(client, "drop 1p0")): (SKIPPED,),
        (0, finish_op(client, "sweep")): (1, (0 << 32) + 1),
    }
    assert judge(client, altered(history, none, overlapping=True)).clause == "PTR-14"


ALONE = "r=2 g=1 t=2 xs=1 | alloc 0p0 9 ; weak s0 0p0 ; drop 0p0 ; alloc 0p0 8 ; drop 0p0 | {} | {}"


@pytest.mark.clause("PTR-11", "PTR-14")
@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [
        ("ffi t0 1", "dec s0", True),
        ("amany t0 1 1", "dmany s0 1", True),
        ("ffi t0 1 ; dec t0", "dec s0", False),  # the other call may have taken it
        ("alloc p0 1", "dec s0", False),  # there was none
    ],
)
def test_an_event_without_the_reference_made_with_it_is_seen(first: str, second: str, wrong: bool) -> None:
    client, history = sequential(ALONE.format(first, second))
    results = (Status.REF_COUNT_UNDERFLOW, 0) if second.startswith("dmany") else (Status.REF_COUNT_UNDERFLOW,)
    verdict = judge(client, altered(history, {(2, 0): results}, overlapping=True))
    said = [problem for problem in verdict.problems if "reference made with it" in problem.message]
    assert [problem.clause for problem in said] == ["PTR-11"] * wrong


@pytest.mark.clause("WEAK-5")
def test_a_generation_that_came_round_is_wrong_only_if_strict() -> None:
    client, history = sequential(
        "r=2 g=1 xs=1 | alloc 1p0 1 ; weak s0 1p0 | drop p0 ; alloc p1 2 ; drop p1 ; alloc p2 3 | "
        "upgrade p0 s0 ; read p0"
    )
    assert judge(client, history).linearizable
    verdict = judge(client, history, strict=True)
    assert verdict.clause == "WEAK-5"
    assert "the token of event 1 for that of event 3" in str(verdict)


@pytest.mark.clause("RING-12", "RING-11")
@pytest.mark.parametrize(
    ("results", "clause"),
    [
        ((11, 0, 1, 2, 0, 0), "RING-12"),
        ((11, 0, 2, 2, 0, 0), "RING-11"),
        ((0, 0, 1, 0, 1, 1), "RING-11"),
        ((0, 0, 1, 0, 1, 2), "RING-13"),
        ((0, 0, 1, 0, 1, TORN), "RING-13"),
        ((12, 0, 0, 0, 0, 0), "RING-7"),
    ],
)
def test_lagged_numbers_that_do_not_add_up_are_seen(results: tuple[int, ...], clause: str) -> None:
    client, history = sequential("over=1 | open 1w0 ; join 2q0 old | add w0 1 ; add w0 2 | next q0")
    assert judge(client, history).linearizable
    clauses = {problem.clause for problem in judge(client, altered(history, {(2, 0): results})).problems}
    assert clause in clauses


@pytest.mark.clause("RING-15", "RING-14", "RING-5")
@pytest.mark.parametrize(
    ("edits", "clause"),
    [
        ({(2, 0): (0, 0, 1, 0, 1, 2)}, "RING-15"),
        ({(2, 0): (11, 0, 1, 1, 0, 0)}, "RING-15"),
        ({(1, 1): (13, 1)}, "RING-14"),
        ({(1, 0): (0, 2)}, "RING-1"),
        ({(2, 1): (0, 1, 2, 0, 1, 1)}, "RING-15"),
        ({(2, 2): (0, 2, 3, 0, 1, 3)}, "RING-5"),
    ],
)
def test_what_a_gated_ring_loses_is_seen(edits: Edits, clause: str) -> None:
    client, history = sequential(
        "gated=2 readers=1 | open 1w0 ; join 2q0 old | add w0 1 ; add w0 2 | next q0 ; next q0 ; next q0"
    )
    assert judge(client, history).linearizable
    clauses = {problem.clause for problem in judge(client, altered(history, edits)).problems}
    assert clause in clauses


@pytest.mark.clause("RING-14")
def test_an_add_over_a_reader_is_seen() -> None:
    client, history = sequential("gated=1 readers=1 | open 1w0 ; join 2q0 old ; add 1w0 1 | add w0 2 | look")
    assert judge(client, altered(history, {(1, 0): (0, 2)})).clause == "RING-14"


@pytest.mark.clause("RING-4")
def test_two_writers_at_once_are_seen() -> None:
    client, history = sequential("over=1 | | open w0 | open w0")
    assert judge(client, history).linearizable
    edits: Edits = {(2, 0): (0,), (0, finish_op(client, "close 2w0")): (0,)}
    assert judge(client, altered(history, edits, overlapping=True)).clause == "RING-4"
    client, history = sequential("over=1 | open 1w0 | close w0 | open w0")
    edits = {(2, 0): (8,), (0, finish_op(client, "close 2w0")): (SKIPPED,)}
    assert judge(client, altered(history, edits, overlapping=True)).linearizable
    assert judge(client, altered(history, edits)).clause == "RING-4"


_ADDED = "over=2 | open 1w0 ; join 2q0 old | add w0 1 | {}"
_ADDED_GATED = "gated=2 readers=1 | open 1w0 ; join 2q0 old | add w0 1 | {}"
_LEFT = "over=1 | join 1q0 old | leave q0 | {}"
_LEFT_GATED = "gated=1 readers=1 | join 1q0 old | leave q0 | {}"


@pytest.mark.clause("RING-31", "RING-32")
@pytest.mark.parametrize(
    ("text", "wait", "status", "clauses"),
    [
        (_ADDED, "wait q0", Status.OK, set()),
        (_ADDED, "timedwait q0", Status.OK, set()),
        (_ADDED_GATED, "timedwait q0", Status.OK, set()),
        (_ADDED, "timedwait q0", Status.EMPTY, {"RING-31"}),
        (_ADDED_GATED, "timedwait q0", Status.EMPTY, {"RING-31"}),
        (_ADDED, "timedwait q0", Status.RING_CLOSED, {"RING-56"}),
        (_ADDED, "waitat q0 1", Status.OK, set()),
        (_ADDED, "waitat q0 2", Status.OK, {"RING-31"}),
        (_ADDED, "waitat q0 1", Status.RING_CLOSED, {"RING-32"}),
        (_ADDED, "waitat q0 1", Status.EMPTY, {"ERR-1"}),
        (_LEFT, "waitat 1q0 1", Status.RING_CLOSED, set()),
        (_LEFT, "waitat 1q0 1", Status.OK, {"RING-31", "RING-32"}),
        (_LEFT_GATED, "waitat 1q0 1", Status.RING_CLOSED, set()),
        (_LEFT_GATED, "waitat 1q0 1", Status.OK, {"RING-20", "RING-31", "RING-32"}),
    ],
)
def test_a_wait_that_ends_too_early_or_too_late_is_seen(
    text: str, wait: str, status: Status, clauses: set[str]
) -> None:
    _, history = sequential(text.format("look"))  # the reference does not wait
    verdict = judge(parse(text.format(wait)), altered(history, {(2, 0): (status,)}))
    assert clauses <= {problem.clause for problem in verdict.problems}
    assert verdict.linearizable == (not clauses)


@pytest.mark.clause("RING-31")
def test_a_wait_may_be_given_up_beside_an_add() -> None:
    _, history = sequential(_ADDED.format("look"))
    edits: Edits = {(2, 0): (Status.EMPTY,)}
    assert judge(parse(_ADDED.format("timedwait q0")), altered(history, edits, overlapping=True)).linearizable


@pytest.mark.clause("RING-20", "RING-21")
def test_places_are_counted() -> None:
    client, history = sequential("gated=1 readers=1 | join 1q0 old | evict 1q0 | join q0 old")
    gone = {(0, len(client.setup) + op): (SKIPPED,) for op in range(4, 8)}
    edits: Edits = {(2, 0): (9,), **gone, (0, finish_op(client, "look")): (0, 0, 0, 0)}
    assert judge(client, altered(history, edits, overlapping=True)).linearizable
    assert judge(client, altered(history, edits)).clause == "RING-21"
    client, history = sequential("gated=1 readers=1 | join 1q0 old | next q0 | evict 1q0")
    assert judge(client, altered(history, {(1, 0): (10, 0, 0, 0, 0, 0)}, overlapping=True)).linearizable
    assert judge(client, altered(history, {(1, 0): (10, 0, 0, 0, 0, 0)})).clause == "RING-20"


@pytest.mark.clause("RING-20", "ORDER-8")
@pytest.mark.parametrize(("read", "linearizable"), [("evicted q0", True), ("watch q0", True), ("next q0", False)])
def test_of_two_readers_that_evict_each_other_both_may_look_and_one_may_read(read: str, linearizable: bool) -> None:
    setup = "open 1w0 ; join 1q0 old ; join 2q0 old ; add 1w0 1"
    client, history = sequential(f"gated=1 size=1 readers=2 | {setup} | evict 2q0 ; {read} | evict 1q0 ; {read}")
    (in_place,) = (call.results for call in history.calls if (call.thread, call.op) == (1, 1))
    edits: Edits = {(2, 1): in_place}
    verdict = judge(client, altered(history, edits, overlapping=True))
    assert verdict.linearizable == linearizable
    assert verdict.clause == ("" if linearizable else "RING-20")
    assert judge(client, altered(history, edits)).clause == "RING-20"


@pytest.mark.clause("RING-16", "RING-17")
def test_a_reader_that_joins_too_late_is_seen() -> None:
    client, history = sequential("gated=1 readers=2 | open 1w0 ; add 1w0 1 ; join 1q0 old | look | join q0 old")
    assert judge(client, history).linearizable
    assert any(problem.clause == "RING-16" for problem in judge(client, altered(history, {(2, 0): (0, 1)})).problems)


def test_slots_are_judged_apart() -> None:
    """Each thread finds the other's slot stale, which no one order of all calls has, and C11 allows."""
    client, history = sequential(
        "r=2 g=1 xs=2 | alloc 0p0 1 ; alloc 0p1 2 ; weak s0 0p0 ; weak s1 0p1 ; drop 0p0 ; drop 0p1 ; alloc 0p0 3 ; "
        "alloc 0p1 4 ; drop 0p0 ; drop 0p1 | alloc p0 5 ; upgrade p1 s1 | alloc p0 6 ; upgrade p1 s0"
    )
    edits: Edits = {(2, 1): (5,), (0, finish_op(client, "drop 2p1")): (SKIPPED,)}
    assert judge(client, altered(history, edits, overlapping=True)).linearizable


# Values that are not a history of the client


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ({(1, 0): (SKIPPED,)}, "was skipped"),
        ({(1, 0): ()}, "has no results"),
        ({(1, 0): (0,)}, "give all its results"),
    ],
)
def test_results_that_cannot_be_are_refused(edits: Edits, complaint: str) -> None:
    client, history = sequential("xs=1 | | alloc p0 1 | alloc p0 2")
    with pytest.raises(HistoryError, match=complaint):
        judge(client, altered(history, edits))


def test_calls_that_lack_are_refused() -> None:
    client, history = sequential("xs=1 | | alloc p0 1 | alloc p0 2")
    with pytest.raises(HistoryError, match="give a complete history"):
        judge(client, History(history.calls[:-1], ()))
    with pytest.raises(HistoryError, match="is to come"):
        judge(client, History((*history.calls, dataclasses.replace(history.calls[0], op=2)), ()))
    with pytest.raises(HistoryError, match="of thread 3"):
        judge(client, History((*history.calls, Call(3, 0, (0,))), ()))


def test_a_history_goes_through_json() -> None:
    _, history = sequential("xs=1 | | alloc p0 1 | alloc p0 2")
    assert History.from_json(history.to_json()) == history
    with pytest.raises(HistoryError, match="no JSON"):
        History.from_text("{")
    with pytest.raises(HistoryError, match="no history"):
        History.from_text('{"calls": [{"thread": 1}], "before": []}')
    with pytest.raises(HistoryError, match="names call"):
        History.from_json({"calls": [], "before": [[0, 7]]})


def test_an_order_in_a_circle_is_refused() -> None:
    assert closed([0, 1, 2]) == [0, 1, 3]
    with pytest.raises(HistoryError, match="before itself"):
        closed([2, 1])


# Drawn ones


@given(clients())
def test_what_the_reference_does_in_sequence_is_right(client: Client) -> None:
    if can_record(client):
        for history in record(client, reference, threads=False):
            verdict = judge(client, history)
            assert verdict.linearizable, str(verdict)
            overlapping = altered(history, {}, overlapping=True)
            assert judge(client, overlapping).linearizable  # less order allows more


def test_what_is_altered_is_mostly_wrong() -> None:
    source = random.Random(4)
    counts = {"seen": 0, "all": 0}

    @given(clients(), st.integers(0, 10**6))
    def alter(client: Client, seed: int) -> None:
        if not can_record(client):
            return
        (history,) = record(client, reference, threads=False)
        places = [(call, at) for call in history.calls if call.thread for at in range(len(call.results))]
        if not places:
            return
        call, at = places[seed % len(places)]
        results = list(call.results)
        results[at] = source.choice([value for value in (0, 1, 2, 3, 5, 7, results[at] + 1) if value != results[at]])
        counts["all"] += 1
        try:
            counts["seen"] += not judge(client, altered(history, {(call.thread, call.op): tuple(results)})).linearizable
        except HistoryError:
            counts["seen"] += 1

    for _ in range(3):
        alter()
    assert counts["all"] > 50
    assert counts["seen"] >= 0.8 * counts["all"], counts


# The search against all orders


def brute_force(
    initial: Hashable, outcomes: Outcomes, threads: Sequence[Sequence[CandidatePoint]], predecessors: Sequence[int]
) -> bool:
    """Return whether any order of the points that keeps the threads' and the calls' order is one to follow."""
    points = [point for thread in threads for point in thread]
    thread_of = [number for number, thread in enumerate(threads) for _ in thread]
    for order in itertools.permutations(range(len(points))):
        positions = {point: place for place, point in enumerate(order)}
        kept = all(
            positions[first] < positions[second]
            for first, second in itertools.combinations(range(len(points)), 2)
            if thread_of[first] == thread_of[second] or predecessors[points[second].call] >> points[first].call & 1
        ) and all(
            positions[second] < positions[first]
            for first, second in itertools.combinations(range(len(points)), 2)
            if thread_of[first] != thread_of[second] and predecessors[points[first].call] >> points[second].call & 1
        )
        if kept and any(True for _ in followed([initial], outcomes, [points[place].step for place in order])):
            return True
    return False


def followed(states: Iterable[Hashable], outcomes: Outcomes, steps: Sequence[Step]) -> Iterable[Hashable]:
    """Return the states that steps lead to."""
    for step in steps:
        states = {after for state in states for after in outcomes(state, step)}
    return states


SLOT_STEPS: list[list[Step]] = [
    [("take",), ("publish", 0, 1)],
    [("take",), ("publish", 1, 2)],
    [("clone", 0)],
    [("read", 0, 1)],
    [("upgrade", 0, -1)],
    [("stale", 0)],
    [("full", 0)],
    [("count", 0, 1)],
    [("meta", 1, 0, 1)],
]
DETACHED_STEPS: list[list[Step]] = [[("detach",)], [("claim",)], [("none",)], [("detach",), ("claim",)]]


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[list[CandidatePoint]], list[int], bool]:
    """Draw up to six points of two or three threads on a slot or on its detached references."""
    detached = draw(st.booleans())
    kinds = DETACHED_STEPS if detached else SLOT_STEPS
    threads: list[list[CandidatePoint]] = [[] for _ in range(draw(st.integers(2, 3)))]
    calls = 0
    total = 0
    for _ in range(draw(st.integers(1, 5))):
        steps = list(draw(st.sampled_from(kinds)))
        thread = draw(st.integers(0, len(threads) - 1))
        if not detached and draw(st.integers(0, 2)) == 0:
            steps = [("drop", 0, calls, -1), ("back", calls)]
        if total + len(steps) > 6:
            break
        total += len(steps)
        threads[thread] += [CandidatePoint(calls, step) for step in steps]
        calls += 1
    thread_of = {point.call: number for number, thread in enumerate(threads) for point in thread}
    masks = [0] * calls
    for second in range(calls):
        for first in range(second):
            if thread_of[first] == thread_of[second] or draw(st.integers(0, 3)) == 0:
                masks[second] |= 1 << first
    return threads, closed(masks), detached


@given(problems())
def test_the_search_finds_what_all_orders_find(problem: tuple[list[list[CandidatePoint]], list[int], bool]) -> None:
    threads, predecessors, detached = problem
    outcomes = detached_specification() if detached else slot_outcomes(1, 1)
    initial: Hashable = 0 if detached else (0, 0, 0)
    found = search(initial, outcomes, threads, predecessors)
    assert found.complete == brute_force(initial, outcomes, threads, predecessors)
    assert list(followed([initial], outcomes, [point.step for point in found.order]))
    assert found.complete == (len(found.order) == sum(map(len, threads)))
    assert bool(found.stuck) != found.complete
