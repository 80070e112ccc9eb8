"""Operations of pointers: cloned, dropped, read, collected [PTR-1]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import UNPICKLABLE
from rusted_ring.verify.lockstep.registry import CHOICE, FLAG, Registry, registrar
from rusted_ring.verify.lockstep.script import Pair

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")


# Pointers


@operation(
    "PTR-2",
    "SLOT-9",
    errors={"RefCountOverflow": "SLOT-10"},
    needs="RingPtr.clone",
    weight=4,
    index=CHOICE,
    choice=FLAG,
)
def clone(engine: Engine, index: int, choice: int) -> None:
    """Clone a pointer."""
    template = "copy.copy({0})" if choice == 0 else "{0}.clone()"
    engine.add_pointer(engine.call(template, engine.pick(engine.pointers, index), keep="p"))


def is_last(engine: Engine, pair: Pair) -> bool:
    """Return whether a pointer's slot has no other reference."""
    count: int = engine.expected_pools.slot_metadata(pair.expected.pool_id, pair.expected.slot_index).ref_count
    return count == 1


def note_drop(engine: Engine, pair: Pair) -> None:
    """Count the clauses that a drop of this pointer will check."""
    last = is_last(engine, pair)
    if last:
        engine.reached("SLOT-12")
    else:
        engine.reached("SLOT-11")


@operation(
    "PTR-3",
    reaches="SLOT-11 SLOT-12",
    needs="EventAllocator.allocate",
    weight=4,
    index=CHOICE,
)
def drop(engine: Engine, index: int) -> None:
    """Drop a pointer."""
    pair = engine.pick(engine.pointers, index)
    note_drop(engine, pair)
    engine.call("{0}.drop()", pair)
    engine.pointers.remove(pair)
    engine.retain(engine.released, pair, 4)


@operation("PTR-3", needs="EventAllocator.allocate", index=CHOICE)
def drop_again(engine: Engine, index: int) -> None:
    """Drop a pointer a second time."""
    engine.call("{0}.drop()", engine.pick(engine.released, index))


@operation("PTR-4", needs="RingPtr.__exit__", reaches="SLOT-11 SLOT-12", index=CHOICE, choice=FLAG)
def leave_scope(engine: Engine, index: int, choice: int) -> None:
    """Enter and leave a `with` block over a pointer, also by an exception."""
    pair = engine.pick(engine.pointers, index)
    note_drop(engine, pair)
    engine.call("{0}.__enter__() is {0}", pair)
    engine.clause = "PTR-4"
    engine.call("{0}.__exit__(KeyError, KeyError(), None)" if choice % 2 else "{0}.__exit__(None, None, None)", pair)
    engine.pointers.remove(pair)
    engine.retain(engine.released, pair, 4)


@operation("PTR-5", needs="RingPtr.clone", reaches="SLOT-11 SLOT-12", weight=2, index=CHOICE)
def collect(engine: Engine, index: int) -> None:
    """Let a pointer be collected without a drop."""
    pair = engine.take(engine.pointers, index)
    note_drop(engine, pair)
    engine.clause = "PTR-5"
    engine.coverage.outcomes["collect", ""] += 1
    engine.forget(pair)


POINTER_USES: Final = (
    "{0}.clone()",
    "{0}.downgrade()",
    "{0}.into_token()",
    "{0}.len",
    "{0}.bytes",
    "{0}.data",
    "{0}.event_type",
    "{0}.pool_id",
    "{0}.slot_index",
    "{0}.generation",
    "{0}.ref_count",
    "{0}.allocator is None",
    "len({0})",
    "bytes({0})",
    "copy.copy({0})",
    "{0}.__enter__() is {0}",
    "{0}.__exit__(None, None, None)",
    "{0}.released",
    "bool({0})",
    "type(repr({0}))",
    "{0} == {0}",
)


@operation("PTR-6", errors={"ReleasedHandle": "PTR-6"}, needs="RingPtr.clone", weight=2, index=CHOICE, choice=CHOICE)
def use_released(engine: Engine, index: int, choice: int) -> None:
    """Use a pointer after its end."""
    engine.call(POINTER_USES[choice % len(POINTER_USES)], engine.pick(engine.released, index))


POINTER_PROPERTIES: Final = (*POINTER_USES[3:11], *POINTER_USES[12:14], *POINTER_USES[17:])


@operation(
    "PTR-7", "SLOT-13", "ALLOC-23", needs="RingPtr.event_type RingPtr.ref_count", weight=2, index=CHOICE, choice=CHOICE
)
def read_property(engine: Engine, index: int, choice: int) -> None:
    """Read one property of a pointer."""
    engine.call(POINTER_PROPERTIES[choice % len(POINTER_PROPERTIES)], engine.pick(engine.pointers, index))


@operation("PTR-7", needs="RingPtr.event_type RingPtr.generation", weight=1, index=CHOICE)
def read_event(engine: Engine, index: int) -> None:
    """Read all properties of a pointer."""
    engine.call(
        "({0}.pool_id, {0}.slot_index, {0}.generation, {0}.event_type, {0}.len, {0}.bytes, bytes({0}.data))",
        engine.pick(engine.pointers, index),
    )


@operation("PTR-9", errors={"TypeError": "PTR-9"}, needs="RingPtr.__reduce_ex__", index=CHOICE, choice=CHOICE)
def pickle_handle(engine: Engine, index: int, choice: int) -> None:
    """Pickle a pointer, weak pointer or loan."""
    handles = engine.pointers[-2:] + engine.weaks[-1:] + engine.loans[-1:] + engine.released[-1:]
    engine.call(UNPICKLABLE[choice % len(UNPICKLABLE)], engine.pick(handles, index))
