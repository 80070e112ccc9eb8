"""Operations of tokens and detached references [PTR-11]."""

from typing import Final

from rusted_ring.reference.token import generation_of_token, pool_of_token, slot_of_token, token_of
from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.allocation import add_token
from rusted_ring.verify.lockstep.operations.views import add_view
from rusted_ring.verify.lockstep.operations.weak_pointers import WEAKS
from rusted_ring.verify.lockstep.registry import CHOICE, FLAG, GENERATION, POOL, SLOT, TOKEN, Registry, Skip, registrar

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")


# Tokens and detached references


@operation(
    "PTR-12", "PTR-11", errors={"ViewsOutstanding": "PTR-17"}, needs="RingPtr.into_token", weight=2, index=CHOICE
)
def into_token(engine: Engine, index: int) -> None:
    """Turn a pointer into a token."""
    pair = engine.pick(engine.pointers, index)
    made = engine.call("{0}.into_token()", pair)
    if made is not None:
        engine.pointers.remove(pair)
        engine.retain(engine.released, pair, 4)
        add_token(engine, made.expected)


TOKEN_ERRORS: Final = {"StaleHandle": "PTR-15", "RefCountUnderflow": "PTR-14"}


@operation("PTR-13", "PTR-11", errors=TOKEN_ERRORS, needs="RingPtr.from_token", weight=3, index=CHOICE)
def from_token(engine: Engine, index: int) -> None:
    """Turn a token into a pointer, whether or not its detached reference still exists."""
    if not engine.tokens:
        raise Skip
    token = engine.tokens[index % len(engine.tokens)]
    engine.add_pointer(engine.call("backend.RingPtr.from_token({0}, {1})", token, engine.allocator, keep="p"))


@operation(
    "PTR-13",
    errors={**TOKEN_ERRORS, "ValueError": "PTR-16"},
    needs="RingPtr.from_token",
    weight=0.5,
    token=TOKEN,
    choice=FLAG,
)
def from_any_token(engine: Engine, token: int, choice: int) -> None:
    """Turn any integer into a pointer or a weak pointer."""
    if choice % 2:
        engine.add_pointer(engine.call("backend.RingPtr.from_token({0}, {1})", token, engine.allocator, keep="p"))
    else:
        made = engine.call("backend.WeakRingPtr.from_token({0}, {1})", token, engine.allocator, keep="w")
        if made is not None:
            engine.retain(engine.weaks, made, WEAKS)


@operation("PTR-11", "PTR-13", errors=TOKEN_ERRORS, needs="RingPtr", weight=2, index=CHOICE)
def construct_from_token(engine: Engine, index: int) -> None:
    """Make a pointer by its triple, which consumes a detached reference."""
    if not engine.tokens:
        raise Skip
    token = engine.tokens[index % len(engine.tokens)]
    pool, slot, generation = pool_of_token(token), slot_of_token(token), generation_of_token(token)
    engine.add_pointer(
        engine.call("backend.RingPtr({0}, {1}, {2}, {3})", pool, slot, generation, engine.allocator, keep="p")
    )


@operation(
    "PTR-11",
    errors={**TOKEN_ERRORS, "ValueError": "PTR-16 ALLOC-20", "IndexError": "ALLOC-20"},
    needs="RingPtr",
    pool=POOL,
    slot=SLOT,
    generation=GENERATION,
)
def construct(engine: Engine, pool: int, slot: int, generation: int) -> None:
    """Make a pointer of any triple."""
    engine.add_pointer(
        engine.call("backend.RingPtr({0}, {1}, {2}, {3})", pool, slot, generation, engine.allocator, keep="p")
    )


def place(engine: Engine, index: int, pool: int, slot: int, choice: int) -> tuple[int, int, int | None]:
    """Choose a slot, mostly that of a handle, with or without its generation."""
    tokens = engine.tokens
    found: tuple[int, int, int | None]
    if choice < 4 and engine.pointers:
        pointer = engine.pointers[index % len(engine.pointers)].expected
        found = (int(pointer.pool_id), pointer.slot_index, pointer.generation)
    elif choice < 6 and tokens:
        token = tokens[index % len(tokens)]
        found = (pool_of_token(token), slot_of_token(token), generation_of_token(token))
    elif choice < 7 and engine.weaks:
        weak = engine.weaks[index % len(engine.weaks)].expected
        found = (int(weak.pool_id), weak.slot_index, weak.generation)
    else:
        found = (pool, slot, None)
    return found if index % 2 else (found[0], found[1], None)


PLACE_ERRORS: Final = {"ValueError": "ALLOC-20", "IndexError": "ALLOC-20"}


@operation(
    "ALLOC-16",
    "PTR-11",
    errors={"StaleHandle": "ALLOC-16 PTR-15", "RefCountOverflow": "SLOT-10", **PLACE_ERRORS},
    needs="EventPools.inc_ref_count",
    weight=2,
    index=CHOICE,
    pool=POOL,
    slot=SLOT,
    choice=FLAG,
)
def inc_ref_count(engine: Engine, index: int, pool: int, slot: int, choice: int) -> None:
    """Add a detached reference to a slot."""
    pool, slot, generation = place(engine, index, pool, slot, choice)
    if generation is None:
        made = engine.call("{0}.pools.inc_ref_count({1}, {2})", engine.allocator, pool, slot)
    else:
        made = engine.call("{0}.pools.inc_ref_count({1}, {2}, {3})", engine.allocator, pool, slot, generation)
    if made is not None:
        generation = engine.expected_pools.get_generation(pool, slot)
        add_token(engine, token_of(pool, slot, generation))


@operation(
    "ALLOC-17",
    "PTR-11",
    errors={"RefCountUnderflow": "ALLOC-17 PTR-14", "StaleHandle": "PTR-15", **PLACE_ERRORS},
    needs="EventPools.dec_ref_count",
    weight=2,
    index=CHOICE,
    pool=POOL,
    slot=SLOT,
    choice=FLAG,
)
def dec_ref_count(engine: Engine, index: int, pool: int, slot: int, choice: int) -> None:
    """Release a detached reference of a slot."""
    pool, slot, generation = place(engine, index, pool, slot, (choice + 4) % 8)
    if generation is None:
        engine.call("{0}.pools.dec_ref_count({1}, {2})", engine.allocator, pool, slot)
    else:
        engine.call("{0}.pools.dec_ref_count({1}, {2}, {3})", engine.allocator, pool, slot, generation)


@operation(
    "ALLOC-19",
    "VIEW-6",
    "VIEW-4",
    errors={"StaleHandle": "ALLOC-19 PTR-15", "RefCountOverflow": "SLOT-10", **PLACE_ERRORS},
    needs="EventPools.get_slot_data",
    weight=2,
    index=CHOICE,
    pool=POOL,
    slot=SLOT,
    choice=FLAG,
)
def get_slot_data(engine: Engine, index: int, pool: int, slot: int, choice: int) -> None:
    """View a slot's event by its number."""
    pool, slot, generation = place(engine, index, pool, slot, choice)
    if generation is None:
        made = engine.call("{0}.pools.get_slot_data({1}, {2})", engine.allocator, pool, slot, keep="v")
    else:
        made = engine.call("{0}.pools.get_slot_data({1}, {2}, {3})", engine.allocator, pool, slot, generation, keep="v")
    add_view(engine, made)


@operation(
    "ALLOC-18",
    "SLOT-14",
    errors=PLACE_ERRORS,
    needs="EventPools.get_generation EventPools.slot_metadata",
    index=CHOICE,
    pool=POOL,
    slot=SLOT,
    choice=FLAG,
)
def look_at_slot(engine: Engine, index: int, pool: int, slot: int, choice: int) -> None:
    """Read a slot's generation and metadata."""
    found_pool, found_slot, _ = place(engine, index, pool, slot, choice)
    template = "{0}.pools.slot_metadata({1}, {2})" if index % 2 else "{0}.pools.get_generation({1}, {2})"
    engine.call(template, engine.allocator, found_pool, found_slot)
    if index % 4 == 1:
        engine.call("{0}.pools.slot_metadata({1}, {2}).is_allocated", engine.allocator, found_pool, found_slot)
