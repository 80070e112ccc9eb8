"""Operations of batches, and those that bring a pool or a slot to its limits [ALLOC-20]."""

from typing import Any, Final

from rusted_ring.reference.token import token_of
from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.allocation import add_token
from rusted_ring.verify.lockstep.operations.arguments import LIMITS, batch, same, token_slots
from rusted_ring.verify.lockstep.operations.tokens import TOKEN_ERRORS
from rusted_ring.verify.lockstep.registry import CHOICE, FLAG, LENGTH, SMALL, TAG, Kind, Registry, Skip, registrar

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")

SATURATION_AT_MOST: Final = 300


# Batches


BATCH_ERRORS: Final = {"PoolExhausted": "ALLOC-14 ALLOC-3", "PayloadTooLarge": "ALLOC-8"}


@operation(
    "ALLOC-14",
    "PTR-11",
    errors=BATCH_ERRORS,
    needs="EventAllocator.allocate_many RingPtr.from_token",
    weight=2,
    first=LENGTH,
    second=LENGTH,
    count=SMALL,
    tag=TAG,
    choice=FLAG,
)
def allocate_many(engine: Engine, first: int, second: int, count: int, tag: int, choice: int) -> None:
    """Allocate a batch, in one of the forms of a batch."""
    first, second, tag = engine.settle(first), engine.settle(second), engine.settle(tag)
    count = engine.settle(count)
    template, literals = batch(first, second, count, tag, engine.settle(choice))
    made = engine.call(f"{{0}}.allocate_many({template})", engine.allocator, *literals, slots=token_slots)
    if made is not None:
        for token in made.expected:
            add_token(engine, token)


@operation(
    "ALLOC-15",
    "PTR-11",
    errors=TOKEN_ERRORS,
    needs="EventAllocator.drop_many",
    weight=2,
    index=CHOICE,
    count=SMALL,
    choice=FLAG,
)
def drop_many(engine: Engine, index: int, count: int, choice: int) -> None:
    """Drop a batch of tokens: live ones, stale ones, and one token twice."""
    tokens = engine.tokens
    if not tokens:
        raise Skip
    count = engine.settle(count)
    chosen = [tokens[(index + step) % len(tokens)] for step in range(count)]
    template = (
        "array.array('Q', {1})",
        "array.array('Q', {1})",
        "iter({1})",
        "memoryview(array.array('L', {1}))",
        "tuple({1})",
    )[min(choice, 4)]
    made = engine.call(f"{{0}}.drop_many({template})", engine.allocator, same(chosen))
    if made is not None:
        for token in chosen:
            if token in tokens and choice % 2:
                tokens.remove(token)


@operation(
    "ALLOC-14",
    "ALLOC-2",
    errors=BATCH_ERRORS,
    needs="EventAllocator.allocate_many EventAllocator.stats",
    weight=0.5,
    pool=CHOICE,
    leave=SMALL,
    choice=FLAG,
)
def fill(engine: Engine, pool: int, leave: int, choice: int) -> None:
    """Fill a pool except for a few slots, or ask for one slot too many."""
    pool %= 6
    free = engine.allocator.expected.stats()[pool].free
    length = LIMITS[pool] if pool < 5 else LIMITS[-1] + 1
    if engine.profile_name != "TINY":
        length = (1, 65, 257, 1_025, 4_097, 16_385)[pool]
    count = free + 1 if choice == 0 else free - min(leave, free)
    if not count:
        raise Skip
    made = engine.call(
        "{0}.allocate_many(bytes({1}), lengths={2})",
        engine.allocator,
        count * length,
        length,
        keep="h",
        slots=token_slots,
    )
    if made is not None:
        engine.hoards.append(made)


@operation(
    "ALLOC-15",
    errors=TOKEN_ERRORS,
    needs="EventAllocator.drop_many EventAllocator.allocate_many",
    index=CHOICE,
    choice=FLAG,
)
def empty(engine: Engine, index: int, choice: int) -> None:
    """Drop all or half of the tokens that filled a pool; then perhaps again."""
    pair = engine.pick(engine.hoards, index)
    size = len(pair.expected)
    start, stop = ((0, size), (0, size // 2), (size // 2, size))[choice % 3]
    engine.call("{0}.drop_many({1}[{2}:{3}])", engine.allocator, pair, start, stop)
    if choice < 6:
        engine.hoards.remove(pair)
        tokens = list(pair.expected[:start] if start else pair.expected[stop:])
        for token in tokens[:20]:
            add_token(engine, token)
        engine.forget(pair)


@operation(
    "ALLOC-16",
    errors={"RefCountOverflow": "SLOT-10"},
    needs="EventPools.inc_ref_count RingPtr.ref_count",
    index=CHOICE,
    leave=SMALL,
)
def saturate(engine: Engine, index: int, leave: int) -> None:
    """Raise a slot's count close to its limit by detached references."""
    pointer = engine.pick(engine.pointers, index).expected
    limit = 2**engine.profile.ref_bits - 1
    count = limit - pointer.ref_count - leave
    if not 0 < count <= SATURATION_AT_MOST:
        raise Skip
    pool, slot = int(pointer.pool_id), pointer.slot_index
    engine.call("[{0}.pools.inc_ref_count({1}, {2}) for _ in range({3})]", engine.allocator, pool, slot, count)
    token = token_of(pool, slot, pointer.generation)
    engine.tokens.extend([token] * 3)


@operation(
    "ALLOC-17",
    errors={"RefCountUnderflow": "ALLOC-17"},
    needs="EventPools.dec_ref_count RingPtr.ref_count",
    weight=0.5,
    index=CHOICE,
    leave=SMALL,
)
def desaturate(engine: Engine, index: int, leave: int) -> None:
    """Release nearly all detached references of a pointer's slot."""
    pointer = engine.pick(engine.pointers, index).expected
    pool, slot = int(pointer.pool_id), pointer.slot_index
    held = sum(other.expected.slot_index == slot and int(other.expected.pool_id) == pool for other in engine.pointers)
    count = pointer.ref_count - held - leave
    if count <= 0:
        raise Skip
    engine.call("[{0}.pools.dec_ref_count({1}, {2}) for _ in range({3})]", engine.allocator, pool, slot, count)


def slots_in(pool: int) -> Any:
    """Return a function that reads the slots that a churn used."""
    return lambda result: [(pool, slot) for slot in result]


@operation(
    "SLOT-12",
    "SLOT-5",
    errors={"PoolExhausted": "ALLOC-3"},
    needs="RingPtr.slot_index",
    weight=1,
    pool=CHOICE,
    turns=Kind(0, 16, (1, 2, 3, 3, 4, 5, 8)),
)
def churn(engine: Engine, pool: int, turns: int) -> None:
    """Allocate and drop several times, so that generations wrap around at small widths."""
    pool %= 6
    length = (0, 65, 257, 1_025, 4_097, 16_385)[pool]
    engine.call(
        "[(pointer.slot_index, pointer.drop())[0] for pointer in ({0}.allocate(bytes({1})) for _ in range({2}))]",
        engine.allocator,
        length,
        engine.settle(turns) * max(1, min(engine.allocator.expected.stats()[pool].free, 3)),
        slots=slots_in(pool),
    )
