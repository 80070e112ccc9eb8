"""Operations of the allocator: events allocated in every way [ALLOC-1]."""

from typing import Final

from rusted_ring.reference.token import token_of
from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import LIMITS, form, pool_of, require, token_slots, triple
from rusted_ring.verify.lockstep.registry import EVENT_TYPE, FLAG, LENGTH, TAG, Registry, registrar
from rusted_ring.verify.lockstep.script import Literal, payload

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")

BIG: Final = bytes(2**26 + 1)  # one byte more than the seed's heap holds; never touched, so it costs no memory


ALLOCATION_ERRORS: Final = {
    "PoolExhausted": "ALLOC-3 ALLOC-4 ALLOC-7",
    "PayloadTooLarge": "ALLOC-8",
}
ALLOCATION_CLAUSES: Final = (
    "SLOT-5",
    "ALLOC-1",
    "ALLOC-2",
    "PTR-1",
    "PTR-7",
    "SLOT-1",
    "SLOT-2",
    "SLOT-3",
    "SLOT-14",
    "ALLOC-9",
)


# Allocation


@operation(
    *ALLOCATION_CLAUSES,
    "SIZE-1",
    "SIZE-2",
    "SIZE-4",
    "ALLOC-5",
    "ALLOC-23",
    errors=ALLOCATION_ERRORS,
    reaches="ALLOC-6",
    needs="EventAllocator.allocate",
    weight=4,
    length=LENGTH,
    tag=TAG,
    event_type=EVENT_TYPE,
    choice=FLAG,
)
def allocate(engine: Engine, length: int, tag: int, event_type: int, choice: int) -> None:
    """Allocate an event from one of several kinds of buffer."""
    length = engine.settle(length)
    data = form(payload(length, engine.settle(tag)), engine.settle(choice))
    made = engine.call(
        "{0}.allocate({1}, {2})", engine.allocator, data, engine.settle(event_type), keep="p", slots=triple
    )
    if length > LIMITS[-1]:
        engine.coverage.reached["ALLOC-6"] += 1
    engine.add_pointer(made)


@operation(
    *ALLOCATION_CLAUSES,
    "ALLOC-4",
    errors={"PoolExhausted": "ALLOC-4 ALLOC-3", "PayloadTooLarge": "ALLOC-8"},
    needs="EventAllocator.allocate",
    length=LENGTH,
    tag=TAG,
)
def allocate_spilling(engine: Engine, length: int, tag: int) -> None:
    """Allocate an event that may go to a larger class."""
    data = payload(engine.settle(length), engine.settle(tag))
    engine.add_pointer(engine.call("{0}.allocate({1}, spill=True)", engine.allocator, data, keep="p", slots=triple))


@operation(
    "ALLOC-21",
    "SLOT-5",
    errors=ALLOCATION_ERRORS,
    needs="allocate_from_pool",
    length=LENGTH,
    tag=TAG,
    event_type=EVENT_TYPE,
)
def allocate_from_pool(engine: Engine, length: int, tag: int, event_type: int) -> None:
    """Allocate by the seed's function."""
    data = payload(engine.settle(length), engine.settle(tag))
    engine.add_pointer(
        engine.call(
            "backend.allocate_from_pool({0}, {1}, {2})",
            engine.allocator,
            data,
            engine.settle(event_type),
            keep="p",
            slots=triple,
        )
    )


@operation(
    "ALLOC-21",
    "PTR-11",
    errors=ALLOCATION_ERRORS,
    needs="allocate_to_pool EventPools.get_generation RingPtr.from_token",
    length=LENGTH,
    tag=TAG,
    event_type=EVENT_TYPE,
)
def allocate_to_pool(engine: Engine, length: int, tag: int, event_type: int) -> None:
    """Allocate by the seed's function that returns the slot index and makes a detached reference."""
    length = engine.settle(length)
    pool = pool_of(length)
    made = engine.call(
        "backend.allocate_to_pool({0}, {1}, {2})",
        engine.allocator,
        payload(length, engine.settle(tag)),
        engine.settle(event_type),
        slots=lambda slot: [(pool, slot)],
    )
    if made is not None:
        generation = engine.expected_pools.get_generation(pool, made.expected)
        add_token(engine, token_of(pool, made.expected, generation))


@operation(
    "ALLOC-22",
    "PTR-10",
    "PTR-11",
    errors=ALLOCATION_ERRORS,
    needs="handle_ffi_event RingPtr.from_token",
    weight=2,
    length=LENGTH,
    tag=TAG,
    event_type=EVENT_TYPE,
)
def handle_ffi_event(engine: Engine, length: int, tag: int, event_type: int) -> None:
    """Allocate through the FFI entry point."""
    made = engine.call(
        "backend.handle_ffi_event({0}, {1}, {2})",
        engine.allocator,
        payload(engine.settle(length), engine.settle(tag)),
        engine.settle(event_type),
        slots=token_slots,
    )
    if made is not None:
        add_token(engine, made.expected)


def add_token(engine: Engine, token: int) -> None:
    """Keep a token, among a few."""
    engine.tokens.append(token)
    if len(engine.tokens) > 24:
        engine.tokens.pop(0)


@operation("ALLOC-8", errors={"PayloadTooLarge": "ALLOC-8"}, needs="EventAllocator.allocate", weight=0.1, choice=FLAG)
def allocate_above_the_heap(engine: Engine, choice: int) -> None:
    """Allocate one byte more than the heap holds, by every function."""
    length = engine.profile.heap_bytes + 1
    data = Literal(memoryview(BIG)[:length], f"bytes({length})")
    templates = (
        ("EventAllocator.allocate", "{0}.allocate({1})"),
        ("EventAllocator.allocate", "{0}.allocate({1}, spill=True)"),
        ("EventAllocator.loan", f"{{0}}.loan({length})"),
        ("EventAllocator.allocate_many", "{0}.allocate_many([b'', {1}])"),
        ("handle_ffi_event", "backend.handle_ffi_event({0}, {1}, 0)"),
        ("allocate_to_pool", "backend.allocate_to_pool({0}, {1}, 0)"),
    )
    need, template = templates[choice % len(templates)]
    require(engine, need)
    engine.call(template, *((engine.allocator, data) if "{1}" in template else (engine.allocator,)))


@operation(
    "SIZE-2",
    "SIZE-1",
    errors={"ValueError": "SIZE-3", "PayloadTooLarge": "SIZE-3"},
    needs="EventAllocator.estimate_size",
    number=LENGTH,
    choice=FLAG,
)
def estimate_size(engine: Engine, number: int, choice: int) -> None:
    """Get the class of a length, from below 0 to above all classes."""
    if choice == 0:
        number = -1 - number
    elif choice == 1:
        number = 2**32 - 1 + number
    engine.call("backend.EventAllocator.estimate_size({0})", number)
