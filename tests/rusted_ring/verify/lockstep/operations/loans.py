"""Operations of loans [LOAN-1]."""

from typing import Final

from rusted_ring.reference.token import GENERATIONS, SLOTS
from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.allocation import ALLOCATION_ERRORS
from rusted_ring.verify.lockstep.operations.arguments import triple
from rusted_ring.verify.lockstep.registry import CHOICE, EVENT_TYPE, FLAG, LENGTH, SMALL, TAG, Registry, registrar
from rusted_ring.verify.lockstep.script import payload

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")


# Loans


@operation(
    "SLOT-6",
    "LOAN-1",
    "LOAN-2",
    errors=ALLOCATION_ERRORS,
    needs="EventAllocator.loan",
    weight=2,
    length=LENGTH,
    event_type=EVENT_TYPE,
)
def loan(engine: Engine, length: int, event_type: int) -> None:
    """Take a loan."""
    length = engine.settle(length)
    made = engine.call(
        "{0}.loan({1}, {2})", engine.allocator, length, engine.settle(event_type), keep="l", slots=triple
    )
    if made is not None:
        made.note = []
        engine.loans.append(made)
        engine.clause = "LOAN-2"
        engine.call("({0}.data.readonly, {0}.len, {0}.event_type, bytes({0}.data))", made)
        engine.clause = "SLOT-6"


@operation("LOAN-1", "LOAN-3", needs="EventAllocator.loan", weight=2, index=CHOICE, tag=TAG, at=SMALL)
def write_loan(engine: Engine, index: int, tag: int, at: int) -> None:
    """Write into a loan, from its begin or from some byte on."""
    pair = engine.pick(engine.loans, index)
    length = pair.expected.len
    start = min(engine.settle(at), length)
    engine.call(
        "{0}.data.__setitem__(slice({1}, {2}), {3})", pair, start, length, payload(length - start, engine.settle(tag))
    )
    engine.call("bytes({0}.data)", pair)


@operation("LOAN-1", "LOAN-6", needs="EventAllocator.loan", weight=2, index=CHOICE, choice=FLAG)
def view_loan(engine: Engine, index: int, choice: int) -> None:
    """Keep a view of a loan, or a slice of one."""
    pair = engine.pick(engine.loans, index)
    made = engine.call("{0}.data[1:]" if choice % 3 == 0 else "{0}.data", pair, keep="v")
    if made is not None:
        pair.note.append(made)


@operation("LOAN-6", needs="EventAllocator.loan", weight=2, index=CHOICE)
def forget_loan_view(engine: Engine, index: int) -> None:
    """Release a view of a loan, or let it be collected."""
    viewed = [pair for pair in engine.loans if pair.note]
    engine.coverage.outcomes["forget_loan_view", ""] += 1 if viewed else 0
    engine.forget(engine.pick(viewed, index).note.pop())


LOAN_ERRORS: Final = {"ViewsOutstanding": "LOAN-6", "ValueError": "LOAN-4"}


@operation(
    "SLOT-7",
    "LOAN-3",
    "PTR-7",
    errors=LOAN_ERRORS,
    needs="EventAllocator.loan",
    weight=3,
    index=CHOICE,
    length=LENGTH,
    choice=FLAG,
)
def commit(engine: Engine, index: int, length: int, choice: int) -> None:
    """Commit a loan, whole or shortened."""
    pair = engine.pick(engine.loans, index)
    if choice < 4:
        made = engine.call("{0}.commit()", pair, keep="p")
    else:
        if choice < 7:
            length = length % (pair.expected.len + 1)
        elif length % 2:
            length = -length
        made = engine.call("{0}.commit({1})", pair, length, keep="p")
    if made is not None:
        engine.loans.remove(pair)
        engine.retain(engine.ended_loans, pair, 3)
        engine.add_pointer(made)


@operation("SLOT-8", "LOAN-5", errors=LOAN_ERRORS, needs="EventAllocator.loan", index=CHOICE)
def abort(engine: Engine, index: int) -> None:
    """Abort a loan."""
    pair = engine.pick(engine.loans, index)
    if engine.call("{0}.abort()", pair) is not None:
        engine.loans.remove(pair)
        engine.retain(engine.ended_loans, pair, 3)


@operation("LOAN-5", "SLOT-8", reaches="LOAN-8", needs="EventAllocator.loan", index=CHOICE, choice=FLAG)
def abandon_loan(engine: Engine, index: int, choice: int) -> None:
    """Leave a loan by its `with` block or let it be collected, with or without views of it."""
    viewed = [pair for pair in engine.loans if pair.note]
    pair = engine.pick(viewed if choice >= 4 and viewed else engine.loans, index)
    engine.loans.remove(pair)
    views = pair.note
    if views:
        engine.reached("LOAN-8")
    if choice % 2:
        engine.call("{0}.__enter__() is {0}", pair)
        engine.call("{0}.__exit__(None, None, None)", pair)
        engine.retain(engine.ended_loans, pair, 3)
    else:
        engine.coverage.outcomes["abandon_loan", ""] += 1
        engine.forget(pair)
    for view in views:
        engine.check_pools()
        engine.forget(view)


LOAN_USES: Final = (
    "{0}.data",
    "{0}.len",
    "{0}.event_type",
    "{0}.pool_id",
    "{0}.slot_index",
    "{0}.generation",
    "{0}.commit()",
    "{0}.commit(-1)",
    "{0}.abort()",
    "{0}.released",
    "{0}.__enter__() is {0}",
    "{0}.__exit__(None, None, None)",
    "type(repr({0}))",
)


@operation("LOAN-7", errors={"ReleasedHandle": "LOAN-7"}, needs="EventAllocator.loan", index=CHOICE, choice=CHOICE)
def use_ended_loan(engine: Engine, index: int, choice: int) -> None:
    """Use a loan after its end."""
    engine.call(LOAN_USES[choice % len(LOAN_USES)], engine.pick(engine.ended_loans, index))


LOAN_PROPERTIES: Final = (*LOAN_USES[:6], "{0}.released", "type(repr({0}))")


@operation("LOAN-1", needs="EventAllocator.loan", index=CHOICE, choice=CHOICE)
def read_loan(engine: Engine, index: int, choice: int) -> None:
    """Read one property of a loan."""
    engine.call(LOAN_PROPERTIES[choice % len(LOAN_PROPERTIES)], engine.pick(engine.loans, index))


_TOKEN: Final = f"(({{1}} + 1) * {SLOTS} + {{2}}) * {GENERATIONS} + {{3}}"
"""A token, computed in a script from its pool, slot and generation [PTR-10]."""
TRIPLE_USES: Final = (
    "backend.RingPtr({1}, {2}, {3}, {0})",
    "backend.WeakRingPtr({1}, {2}, {3}, {0}).upgrade()",
    "{0}.pools.inc_ref_count({1}, {2})",
    "{0}.pools.inc_ref_count({1}, {2}, {3})",
    "{0}.pools.get_slot_data({1}, {2})",
    "{0}.pools.dec_ref_count({1}, {2}, {3})",
    f"backend.RingPtr.from_token({_TOKEN}, {{0}})",
    f"{{0}}.drop_many([{_TOKEN}])",
    "{0}.pools.dec_ref_count({1}, {2})",
)


@operation(
    "LOAN-9",
    errors={"StaleHandle": "LOAN-9", "RefCountUnderflow": "ALLOC-17"},
    needs="EventAllocator.loan RingPtr.from_token EventPools EventAllocator.drop_many",
    index=CHOICE,
    choice=CHOICE,
)
def use_triple_of_loan(engine: Engine, index: int, choice: int) -> None:
    """Pass a loan's triple to every call that takes one."""
    expected = engine.pick(engine.loans, index).expected
    arguments = (engine.allocator, int(expected.pool_id), expected.slot_index, expected.generation)
    template = TRIPLE_USES[choice % len(TRIPLE_USES)]
    engine.call(template, *arguments)
