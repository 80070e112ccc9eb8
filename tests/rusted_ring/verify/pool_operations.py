"""Every operation and every error of pools, pointers, weak pointers, loans and views [ALLOC-1, PTR-1, SLOT-1]."""

import array
from typing import Any, Final

from rusted_ring.verify.lockstep import TOKEN_GENERATIONS, TOKEN_SLOTS, Engine
from rusted_ring.verify.operation import (
    CHOICE,
    EVENT_TYPE,
    FLAG,
    GENERATION,
    LENGTH,
    POOL,
    SLOT,
    SMALL,
    TAG,
    TOKEN,
    Kind,
    Registry,
    Skip,
    registrar,
)
from rusted_ring.verify.script import Literal, Pair, payload

POOL_OPERATIONS: Final[Registry] = {}
operation = registrar(POOL_OPERATIONS, "pools")

LIMITS: Final = (64, 256, 1_024, 4_096, 16_384)
SATURATION_AT_MOST: Final = 300
WEAKS: Final = 12
BIG: Final = bytes(2**26 + 1)  # one byte more than the seed's heap holds; never touched, so it costs no memory


def triple(result: Any) -> list[tuple[int, int]]:
    """Return the slot of a new pointer or loan."""
    return [(int(result.pool_id), result.slot_index)]


def slot_of_token(token: int) -> tuple[int, int]:
    """Return the pool and the slot of a token."""
    return (token // (TOKEN_SLOTS * TOKEN_GENERATIONS) - 1, token // TOKEN_GENERATIONS % TOKEN_SLOTS)


def token_slots(result: Any) -> list[tuple[int, int]]:
    """Return the slots of one token or of a batch of them."""
    return [slot_of_token(token) for token in ([result] if isinstance(result, int) else result)]


def pool_of(length: int) -> int:
    """Return the number of the pool that serves a payload of that length."""
    return sum(length > limit for limit in LIMITS)


def form(data: Literal, choice: int) -> Literal:
    """Return the same payload as another kind of buffer."""
    length = len(data.value)
    if choice == 1:
        return Literal(bytearray(data.value), f"bytearray({data.source})")
    if choice == 2 and length % 4 == 0 and length:
        return Literal(memoryview(data.value).cast("I"), f"memoryview({data.source}).cast('I')")
    if choice == 3 and length % 8 == 0 and length:
        return Literal(
            memoryview(data.value).cast("B", (length // 8, 8)),
            f"memoryview({data.source}).cast('B', ({length // 8}, 8))",
        )
    return data


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
    """Allocate by the seed's function that returns the slot index and leaves a loose reference."""
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
        add_token(engine, ((pool + 1) * TOKEN_SLOTS + made.expected) * TOKEN_GENERATIONS + generation)


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
    """Allocate through the FFI's entry."""
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
    """Remember a token, among a few."""
    engine.tokens.append(token)
    if len(engine.tokens) > 24:
        engine.tokens.pop(0)


@operation("ALLOC-8", errors={"PayloadTooLarge": "ALLOC-8"}, needs="EventAllocator.allocate", weight=0.1, choice=FLAG)
def allocate_above_the_heap(engine: Engine, choice: int) -> None:
    """Allocate more than the heap's bytes: one byte more, in all the ways there are."""
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


def require(engine: Engine, *needs: str) -> None:
    """Skip the step where the backend has not what it needs."""
    if not all(engine.offers(need) for need in needs):
        raise Skip


@operation(
    "SIZE-2",
    "SIZE-1",
    errors={"ValueError": "SIZE-3", "PayloadTooLarge": "SIZE-3"},
    needs="EventAllocator.estimate_size",
    number=LENGTH,
    choice=FLAG,
)
def estimate_size(engine: Engine, number: int, choice: int) -> None:
    """Ask for the class of a length, from below 0 to above all classes."""
    if choice == 0:
        number = -1 - number
    elif choice == 1:
        number = 2**32 - 1 + number
    engine.call("backend.EventAllocator.estimate_size({0})", number)


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
    """Whether a pointer's slot has no other reference."""
    count: int = engine.expected_pools.slot_metadata(pair.expected.pool_id, pair.expected.slot_index).ref_count
    return count == 1


def note_drop(engine: Engine, pair: Pair) -> None:
    """Count what a drop of this pointer is about to check."""
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
    """Enter and leave a `with` block over a pointer, as one that raises does too."""
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
    """Ask a pointer for one of its properties."""
    engine.call(POINTER_PROPERTIES[choice % len(POINTER_PROPERTIES)], engine.pick(engine.pointers, index))


@operation("PTR-7", needs="RingPtr.event_type RingPtr.generation", weight=1, index=CHOICE)
def read_event(engine: Engine, index: int) -> None:
    """Ask a pointer for all that it shows."""
    engine.call(
        "({0}.pool_id, {0}.slot_index, {0}.generation, {0}.event_type, {0}.len, {0}.bytes, bytes({0}.data))",
        engine.pick(engine.pointers, index),
    )


UNPICKLABLE: Final = ("pickle.dumps({0})", "copy.deepcopy({0})", "{0}.__reduce_ex__(4)")


@operation("PTR-9", errors={"TypeError": "PTR-9"}, needs="RingPtr.__reduce_ex__", index=CHOICE, choice=CHOICE)
def pickle_handle(engine: Engine, index: int, choice: int) -> None:
    """Pickle a pointer, weak pointer or loan."""
    handles = engine.pointers[-2:] + engine.weaks[-1:] + engine.loans[-1:] + engine.released[-1:]
    engine.call(UNPICKLABLE[choice % len(UNPICKLABLE)], engine.pick(handles, index))


# Weak pointers


@operation("WEAK-1", needs="RingPtr.downgrade", weight=2, index=CHOICE)
def downgrade(engine: Engine, index: int) -> None:
    """Downgrade a pointer."""
    made = engine.call("{0}.downgrade()", engine.pick(engine.pointers, index), keep="w")
    if made is not None:
        engine.retain(engine.weaks, made, WEAKS)


@operation(
    "WEAK-2",
    "SLOT-9",
    errors={"StaleHandle": "WEAK-3 WEAK-4", "RefCountOverflow": "SLOT-10"},
    needs="WeakRingPtr.upgrade",
    weight=3,
    index=CHOICE,
)
def upgrade(engine: Engine, index: int) -> None:
    """Upgrade a weak pointer, live or stale."""
    weak = engine.pick(engine.weaks, index)
    made = engine.call("{0}.upgrade()", weak, keep="p")
    engine.add_pointer(made)


@operation(
    "WEAK-5",
    errors={"PoolExhausted": "ALLOC-3", "PayloadTooLarge": "ALLOC-8", "StaleHandle": "WEAK-4"},
    needs="WeakRingPtr.upgrade RingPtr.slot_index",
    profiles="TINY",
    index=CHOICE,
    tag=TAG,
)
def come_round(engine: Engine, index: int, tag: int) -> None:
    """Free a weak pointer's slot until its generation comes round: refused up to there, and then accepted."""
    weak = engine.pick(engine.weaks, index)
    pool, slot, generation = int(weak.expected.pool_id), weak.expected.slot_index, weak.expected.generation
    if engine.expected_pools.slot_metadata(pool, slot).state != 0:
        raise Skip
    data = payload((3, 65, 257, 1_025, 4_097, 16_385)[pool], engine.settle(tag))
    for _ in range(3 * 2**engine.profile.generation_bits):
        made = engine.call("{0}.allocate({1})", engine.allocator, data, keep="p", slots=triple)
        if made is None:
            return
        made.note = data.value
        if (made.expected.slot_index, made.expected.generation) == (slot, generation):
            engine.pointers.append(made)
            engine.add_pointer(engine.call("{0}.upgrade()", weak, keep="p"))
            engine.reached("WEAK-5")
            return
        if made.expected.slot_index == slot:
            engine.call("{0}.upgrade()", weak)
        engine.call("{0}.drop()", made)
        engine.forget(made)
    raise Skip


@operation("WEAK-6", "PTR-10", needs="WeakRingPtr.token WeakRingPtr.from_token", index=CHOICE)
def token_of_weak(engine: Engine, index: int) -> None:
    """Take a weak pointer to a token and back."""
    weak = engine.pick(engine.weaks, index)
    token = engine.call("{0}.token", weak)
    if token is not None:
        made = engine.call("backend.WeakRingPtr.from_token({0}, {1})", token.expected, engine.allocator, keep="w")
        if made is not None:
            engine.retain(engine.weaks, made, WEAKS)


@operation("WEAK-7", needs="WeakRingPtr.__eq__ TINY", index=CHOICE, second=CHOICE, choice=FLAG)
def compare_weaks(engine: Engine, index: int, second: int, choice: int) -> None:
    """Compare two weak pointers, and their hashes; those of another allocator too."""
    one = engine.pick(engine.weaks, index)
    two = engine.pick(engine.weaks, second)
    if choice == 0 and one.expected.slot_index == 0 and one.expected.generation < 4:
        engine.call(
            "{0} == backend.WeakRingPtr({0}.pool_id, 0, {0}.generation, backend.EventAllocator(backend.TINY))",
            one,
        )
    elif choice == 1:
        engine.call("{0} == 5", one)
    else:
        engine.call("({0} == {1}, {0} != {1}, hash({0}) == hash({1}) or {0} != {1})", one, two)


WEAK_USES: Final = (
    "{0}.pool_id",
    "{0}.slot_index",
    "{0}.generation",
    "{0}.token",
    "{0}.allocator is None",
    "type(repr({0}))",
)


@operation("WEAK-1", "WEAK-6", "PTR-10", needs="WeakRingPtr.token", index=CHOICE, choice=CHOICE)
def read_weak(engine: Engine, index: int, choice: int) -> None:
    """Ask a weak pointer for one of its properties."""
    engine.call(WEAK_USES[choice % len(WEAK_USES)], engine.pick(engine.weaks, index))


@operation(
    "WEAK-1",
    errors={"ValueError": "PTR-16 ALLOC-20", "IndexError": "ALLOC-20"},
    needs="WeakRingPtr.upgrade",
    pool=POOL,
    slot=SLOT,
    generation=GENERATION,
)
def construct_weak(engine: Engine, pool: int, slot: int, generation: int) -> None:
    """Make a weak pointer of any triple."""
    made = engine.call("backend.WeakRingPtr({0}, {1}, {2}, {3})", pool, slot, generation, engine.allocator, keep="w")
    if made is not None:
        engine.retain(engine.weaks, made, WEAKS)


# Tokens and loose references


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
    """Turn a token into a pointer, whether or not its loose reference is still there."""
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
    """Make a pointer by its triple, which ends a loose reference."""
    if not engine.tokens:
        raise Skip
    token = engine.tokens[index % len(engine.tokens)]
    pool, slot = slot_of_token(token)
    engine.add_pointer(
        engine.call(
            "backend.RingPtr({0}, {1}, {2}, {3})", pool, slot, token % TOKEN_GENERATIONS, engine.allocator, keep="p"
        )
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
    """Choose a slot: mostly one that a handle is at, with or without its generation."""
    tokens = engine.tokens
    found: tuple[int, int, int | None]
    if choice < 4 and engine.pointers:
        pointer = engine.pointers[index % len(engine.pointers)].expected
        found = (int(pointer.pool_id), pointer.slot_index, pointer.generation)
    elif choice < 6 and tokens:
        token = tokens[index % len(tokens)]
        found = (*slot_of_token(token), token % TOKEN_GENERATIONS)
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
    """Add a loose reference to a slot."""
    pool, slot, generation = place(engine, index, pool, slot, choice)
    if generation is None:
        made = engine.call("{0}.pools.inc_ref_count({1}, {2})", engine.allocator, pool, slot)
    else:
        made = engine.call("{0}.pools.inc_ref_count({1}, {2}, {3})", engine.allocator, pool, slot, generation)
    if made is not None:
        generation = engine.expected_pools.get_generation(pool, slot)
        add_token(engine, ((pool + 1) * TOKEN_SLOTS + slot) * TOKEN_GENERATIONS + generation)


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
    """Give a loose reference of a slot back."""
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
    """Ask for a slot's generation and metadata."""
    found_pool, found_slot, _ = place(engine, index, pool, slot, choice)
    template = "{0}.pools.slot_metadata({1}, {2})" if index % 2 else "{0}.pools.get_generation({1}, {2})"
    engine.call(template, engine.allocator, found_pool, found_slot)
    if index % 4 == 1:
        engine.call("{0}.pools.slot_metadata({1}, {2}).is_allocated", engine.allocator, found_pool, found_slot)


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
    """Write into a loan, all of it or from some byte on."""
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
    """Let a view of a loan go."""
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
    """Ask a loan for one of its properties."""
    engine.call(LOAN_PROPERTIES[choice % len(LOAN_PROPERTIES)], engine.pick(engine.loans, index))


TRIPLE_USES: Final = (
    "backend.RingPtr({1}, {2}, {3}, {0})",
    "backend.WeakRingPtr({1}, {2}, {3}, {0}).upgrade()",
    "{0}.pools.inc_ref_count({1}, {2})",
    "{0}.pools.inc_ref_count({1}, {2}, {3})",
    "{0}.pools.get_slot_data({1}, {2})",
    "{0}.pools.dec_ref_count({1}, {2}, {3})",
    "backend.RingPtr.from_token((({1} + 1) * 2**21 + {2}) * 2**40 + {3}, {0})",
    "{0}.drop_many([(({1} + 1) * 2**21 + {2}) * 2**40 + {3}])",
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
    """Give a loan's triple to every call that takes one."""
    expected = engine.pick(engine.loans, index).expected
    arguments = (engine.allocator, int(expected.pool_id), expected.slot_index, expected.generation)
    template = TRIPLE_USES[choice % len(TRIPLE_USES)]
    engine.call(template, *arguments)


# Views


def add_view(engine: Engine, made: Pair | None) -> None:
    """Enter a new view, with its bytes as the reference shows them."""
    if made is not None:
        made.note = bytes(made.expected)
        engine.compare_view(made)
        engine.views.append(made)


@operation("VIEW-1", "VIEW-4", "VIEW-5", needs="RingPtr.data", weight=2, index=CHOICE)
def view(engine: Engine, index: int) -> None:
    """View a pointer's event."""
    add_view(engine, engine.call("{0}.data", engine.pick(engine.pointers, index), keep="v"))


@operation("VIEW-3", "VIEW-2", needs="RingPtr.data", weight=2, index=CHOICE, choice=FLAG, start=SMALL)
def derive_view(engine: Engine, index: int, choice: int, start: int) -> None:
    """Slice or cast a view."""
    pair = engine.pick(engine.views, index)
    if choice == 0 and pair.expected.nbytes % 4 == 0 and pair.expected.nbytes and pair.expected.format == "B":
        made = engine.call("{0}.cast('I')", pair, keep="v")
    elif choice == 1:
        made = engine.call("{0}.toreadonly()", pair, keep="v")
    elif choice == 2:
        made = engine.call("{0}[::2]", pair, keep="v")
    else:
        made = engine.call("{0}[{1}:]", pair, engine.settle(start), keep="v")
    add_view(engine, made)


@operation("VIEW-2", "VIEW-5", "VIEW-6", needs="RingPtr.data", weight=3, index=CHOICE, choice=FLAG)
def forget_view(engine: Engine, index: int, choice: int) -> None:
    """Let a view go, released or collected."""
    pair = engine.take(engine.views, index)
    if choice == 0:
        engine.call("{0}.release()", pair)
    else:
        engine.coverage.outcomes["forget_view", ""] += 1
    engine.forget(pair)


@operation("VIEW-1", errors={"TypeError": "VIEW-1"}, needs="RingPtr.data", weight=0.5, index=CHOICE)
def write_view(engine: Engine, index: int) -> None:
    """Write into a view, which is read-only."""
    pair = engine.pick(engine.views, index)
    engine.call("{0}.__setitem__(0, 1)", pair)


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
    """Allocate a batch, in one of the ways that a batch is given."""
    first, second, tag = engine.settle(first), engine.settle(second), engine.settle(tag)
    count = engine.settle(count)
    template, literals = batch(first, second, count, tag, engine.settle(choice))
    made = engine.call(f"{{0}}.allocate_many({template})", engine.allocator, *literals, slots=token_slots)
    if made is not None:
        for token in made.expected:
            add_token(engine, token)


def batch(first: int, second: int, count: int, tag: int, choice: int) -> tuple[str, tuple[Literal, ...]]:
    """Return a batch's arguments: `count` events of two lengths by turns, in one of the ways that a batch is given."""
    lengths = [second if index % 2 else first for index in range(count)]
    if choice < 2:
        items = [payload(length, (tag + index) % 250) for index, length in enumerate(lengths)]
        data = Literal([item.value for item in items], f"[{', '.join(item.source for item in items)}]")
        return ("{1}", (data,)) if choice else ("{1}, event_types={2}", (data, same(list(range(count)))))
    if choice < 4 and first:
        return "{1}, lengths={2}, event_types={3}", (payload(first * count, tag), same(first), same(tag))
    if choice == 4:
        words = Literal(array.array("I", lengths), f"array.array('I', {lengths})")
        return "{1}, lengths={2}, event_types={2}", (payload(sum(lengths), tag), words)
    if choice == 5:
        return "{1}, event_types={2}", (payload(first, tag), same(2**32 - 1))
    return "{1}, lengths={2}", (payload(sum(lengths), tag), same(lengths))


def same(value: object) -> Literal:
    """Return a value whose source is its repr."""
    return Literal(value, repr(value))


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
    """Drop a batch of tokens: live ones, stale ones, and the same twice."""
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
    """Fill a pool but for a few slots, or ask for one slot more than there are."""
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
    """Drop what filled a pool, all or half of it; then perhaps again."""
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
    """Count a pointer's slot up to its limit but for a few, by loose references."""
    pointer = engine.pick(engine.pointers, index).expected
    limit = 2**engine.profile.ref_bits - 1
    count = limit - pointer.ref_count - leave
    if not 0 < count <= SATURATION_AT_MOST:
        raise Skip
    pool, slot = int(pointer.pool_id), pointer.slot_index
    engine.call("[{0}.pools.inc_ref_count({1}, {2}) for _ in range({3})]", engine.allocator, pool, slot, count)
    token = ((pool + 1) * TOKEN_SLOTS + slot) * TOKEN_GENERATIONS + pointer.generation
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
    """Give nearly all loose references of a pointer's slot back."""
    pointer = engine.pick(engine.pointers, index).expected
    pool, slot = int(pointer.pool_id), pointer.slot_index
    held = sum(other.expected.slot_index == slot and int(other.expected.pool_id) == pool for other in engine.pointers)
    count = pointer.ref_count - held - leave
    if count <= 0:
        raise Skip
    engine.call("[{0}.pools.dec_ref_count({1}, {2}) for _ in range({3})]", engine.allocator, pool, slot, count)


def slots_in(pool: int) -> Any:
    """Return how to read the slots that a churn went through."""
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
    """Allocate and drop several times over, so that generations come round at small widths."""
    pool %= 6
    length = (0, 65, 257, 1_025, 4_097, 16_385)[pool]
    engine.call(
        "[(pointer.slot_index, pointer.drop())[0] for pointer in ({0}.allocate(bytes({1})) for _ in range({2}))]",
        engine.allocator,
        length,
        engine.settle(turns) * max(1, min(engine.allocator.expected.stats()[pool].free, 3)),
        slots=slots_in(pool),
    )


# What is refused

BAD_ARGUMENTS: Final = (
    ("EventAllocator.allocate", "{0}.allocate('text')", "data"),
    ("EventAllocator.allocate", "{0}.allocate(None)", "data"),
    ("EventAllocator.allocate", "{0}.allocate(5)", "data"),
    ("EventAllocator.allocate", "{0}.allocate([1, 2])", "data"),
    ("EventAllocator.allocate", "{0}.allocate(memoryview(b'abcdef')[::2])", "data"),
    ("EventAllocator.allocate", "{0}.allocate(b'', True)", "event_type"),
    ("EventAllocator.allocate", "{0}.allocate(b'', 1.0)", "event_type"),
    ("EventAllocator.allocate", "{0}.allocate(b'', '1')", "event_type"),
    ("EventAllocator.allocate", "{0}.allocate(b'', None)", "event_type"),
    ("EventAllocator.allocate", "{0}.allocate(b'', -1)", "event_type"),
    ("EventAllocator.allocate", "{0}.allocate(b'', 2**32)", "event_type"),
    ("EventAllocator.allocate", "{0}.allocate(b'', 2**64)", "event_type"),
    ("EventAllocator.allocate", "{0}.allocate('text', -1)", "data"),
    ("EventAllocator.allocate", "{0}.allocate(memoryview(b'abcdef')[::2], '1')", "event_type"),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size(True)", "length"),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size(1.0)", "length"),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size('1')", "length"),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size(None)", "length"),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size(-1)", "length"),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size(-2**70)", "length"),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size(2**32)", ""),
    ("EventAllocator.estimate_size", "backend.EventAllocator.estimate_size(2**70)", ""),
    ("EventAllocator.loan", "{0}.loan(-1)", "length"),
    ("EventAllocator.loan", "{0}.loan(True)", "length"),
    ("EventAllocator.loan", "{0}.loan(1.5)", "length"),
    ("EventAllocator.loan", "{0}.loan('1')", "length"),
    ("EventAllocator.loan", "{0}.loan(2**32)", ""),
    ("EventAllocator.loan", "{0}.loan(2**70)", ""),
    ("EventAllocator.loan", "{0}.loan(0, -1)", "event_type"),
    ("EventAllocator.loan", "{0}.loan(0, False)", "event_type"),
    ("EventAllocator.loan", "{0}.loan(0, 2**32)", "event_type"),
    ("EventAllocator.allocate_many", "{0}.allocate_many('text')", "data"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(5)", "data"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(None)", "data"),
    ("EventAllocator.allocate_many", "{0}.allocate_many([b'a', 'b'])", "data"),
    ("EventAllocator.allocate_many", "{0}.allocate_many([b'a', memoryview(b'abcdef')[::2]])", "data"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(memoryview(b'abcdef')[::2], lengths=1)", "data"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=2)", ""),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=0)", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'', lengths=0)", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=-1)", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=True)", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=1.0)", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=[1])", ""),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=[1, 3])", ""),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=[4, -1])", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=[True, 2])", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=[1.0, 2])", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=[2**32, 2])", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many([b'abc'], lengths=3)", "lengths"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', lengths=[1, 2], event_types=[1])", ""),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', event_types=[1, 2])", ""),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', event_types=-1)", "event_types"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', event_types=2**32)", "event_types"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', event_types=True)", "event_types"),
    ("EventAllocator.allocate_many", "{0}.allocate_many(b'abc', event_types='1')", "event_types"),
    ("EventAllocator.allocate_many", "{0}.allocate_many([b'a', b'b'], event_types=[0, 2**32])", "event_types"),
    ("EventAllocator.allocate_many", "{0}.allocate_many([b'a', b'b'], event_types=[0, False])", "event_types"),
    ("EventAllocator.drop_many", "{0}.drop_many('text')", "tokens"),
    ("EventAllocator.drop_many", "{0}.drop_many(5)", "tokens"),
    ("EventAllocator.drop_many", "{0}.drop_many(None)", "tokens"),
    ("EventAllocator.drop_many", "{0}.drop_many([True])", "tokens"),
    ("EventAllocator.drop_many", "{0}.drop_many([1.0])", "tokens"),
    ("EventAllocator.drop_many", "{0}.drop_many([-1])", ""),
    ("EventAllocator.drop_many", "{0}.drop_many([0])", ""),
    ("EventAllocator.drop_many", "{0}.drop_many([2**64])", ""),
    ("EventAllocator.drop_many", "{0}.drop_many([2**64 - 1])", ""),
    ("RingPtr", "backend.RingPtr(True, 0, 0, {0})", "pool_id"),
    ("RingPtr", "backend.RingPtr('0', 0, 0, {0})", "pool_id"),
    ("RingPtr", "backend.RingPtr(6, 0, 0, {0})", "pool_id"),
    ("RingPtr", "backend.RingPtr(-1, 0, 0, {0})", "pool_id"),
    ("RingPtr", "backend.RingPtr(0, True, 0, {0})", "slot_index"),
    ("RingPtr", "backend.RingPtr(0, 1.0, 0, {0})", "slot_index"),
    ("RingPtr", "backend.RingPtr(0, -1, 0, {0})", "slot_index"),
    ("RingPtr", "backend.RingPtr(0, 2**70, 0, {0})", "slot_index"),
    ("RingPtr", "backend.RingPtr(0, 0, True, {0})", "generation"),
    ("RingPtr", "backend.RingPtr(0, 0, None, {0})", "generation"),
    ("RingPtr", "backend.RingPtr(0, 0, -1, {0})", "generation"),
    ("RingPtr", "backend.RingPtr(0, 0, 2**40, {0})", "generation"),
    ("RingPtr", "backend.RingPtr(0, 0, 0, None)", "allocator"),
    ("RingPtr.from_token", "backend.RingPtr.from_token(True, {0})", "token"),
    ("RingPtr.from_token", "backend.RingPtr.from_token('1', {0})", "token"),
    ("RingPtr.from_token", "backend.RingPtr.from_token(1.0, {0})", "token"),
    ("RingPtr.from_token", "backend.RingPtr.from_token(0, {0})", "token"),
    ("RingPtr.from_token", "backend.RingPtr.from_token(-1, {0})", "token"),
    ("RingPtr.from_token", "backend.RingPtr.from_token(2**64, {0})", "token"),
    ("RingPtr.from_token", "backend.RingPtr.from_token(2**61, None)", "allocator"),
    ("WeakRingPtr.from_token", "backend.WeakRingPtr.from_token(True, {0})", "token"),
    ("WeakRingPtr.from_token", "backend.WeakRingPtr.from_token(0, {0})", "token"),
    ("WeakRingPtr.from_token", "backend.WeakRingPtr.from_token(2**64, {0})", "token"),
    ("WeakRingPtr", "backend.WeakRingPtr(0, 0, 2**40, {0})", "generation"),
    ("WeakRingPtr", "backend.WeakRingPtr(0, False, 0, {0})", "slot_index"),
    ("WeakRingPtr", "backend.WeakRingPtr(0, 0, 0, 'allocator')", "allocator"),
    ("EventPools.inc_ref_count", "{0}.pools.inc_ref_count(True, 0)", "pool_id"),
    ("EventPools.inc_ref_count", "{0}.pools.inc_ref_count(6, 0)", "pool_id"),
    ("EventPools.inc_ref_count", "{0}.pools.inc_ref_count(0, 2**21)", "slot_index"),
    ("EventPools.inc_ref_count", "{0}.pools.inc_ref_count(0, 0, 2**40)", "generation"),
    ("EventPools.inc_ref_count", "{0}.pools.inc_ref_count(0, 0, '0')", "generation"),
    ("EventPools.dec_ref_count", "{0}.pools.dec_ref_count('0', 0)", "pool_id"),
    ("EventPools.dec_ref_count", "{0}.pools.dec_ref_count(0, 0, -1)", "generation"),
    ("EventPools.dec_ref_count", "{0}.pools.dec_ref_count(0, 1.0)", "slot_index"),
    ("EventPools.get_slot_data", "{0}.pools.get_slot_data(0, True)", "slot_index"),
    ("EventPools.get_slot_data", "{0}.pools.get_slot_data(None, 0)", "pool_id"),
    ("EventPools.get_generation", "{0}.pools.get_generation(0, -1)", "slot_index"),
    ("EventPools.get_generation", "{0}.pools.get_generation(1.0, 0)", "pool_id"),
    ("EventPools.slot_metadata", "{0}.pools.slot_metadata(0, 2**21)", "slot_index"),
    ("EventPools.slot_metadata", "{0}.pools.slot_metadata(-1, 0)", "pool_id"),
    ("EventPools.slot_words", "{0}.pools.slot_words(6)", "pool_id"),
    ("EventPools.slot_words", "{0}.pools.slot_words(True)", "pool_id"),
    ("EventPools.capacity", "{0}.pools.capacity(6)", "pool_id"),
    ("EventPools.capacity", "{0}.pools.capacity('0')", "pool_id"),
    ("EventPools", "backend.EventPools('SEED')", "profile"),
    ("EventAllocator", "backend.EventAllocator(None)", "profile"),
    ("Loan", "backend.Loan()", ""),
    ("allocate_from_pool", "backend.allocate_from_pool(None, b'', 0)", "allocator"),
    ("allocate_from_pool", "backend.allocate_from_pool({0}, 'text', 0)", "data"),
    ("allocate_to_pool", "backend.allocate_to_pool({0}, b'', -1)", "event_type"),
    ("allocate_to_pool", "backend.allocate_to_pool(5, b'', 0)", "allocator"),
    ("handle_ffi_event", "backend.handle_ffi_event({0}, b'', True)", "event_type"),
    ("handle_ffi_event", "backend.handle_ffi_event({0}, None, 0)", "data"),
    ("handle_ffi_event", "backend.handle_ffi_event('allocator', b'', 0)", "allocator"),
)


@operation(
    "ERR-4",
    errors={
        "TypeError": "ERR-4 ERR-6 ALLOC-20 ALLOC-23",
        "ValueError": "ERR-4 PTR-16 ALLOC-20 ALLOC-23",
        "IndexError": "ALLOC-20",
        "PayloadTooLarge": "SIZE-3",
    },
    reaches="ERR-3",
    needs="EventAllocator",
    weight=2,
    index=CHOICE,
)
def pass_bad_argument(engine: Engine, index: int) -> None:
    """Pass an argument of a wrong type or value."""
    need, template, name = BAD_ARGUMENTS[index % len(BAD_ARGUMENTS)]
    require(engine, need)
    engine.coverage.reached["ERR-3"] += 1
    if "{0}" in template:
        engine.call(template, engine.allocator, argument_name=name)
    else:
        engine.call(template, argument_name=name)


BAD_ON_LOAN: Final = ("{0}.commit(True)", "{0}.commit(1.0)", "{0}.commit(-1)", "{0}.commit('1')", "{0}.commit(2**70)")


@operation(
    "LOAN-4",
    errors={"TypeError": "ERR-6", "ValueError": "LOAN-4"},
    needs="EventAllocator.loan",
    index=CHOICE,
    choice=CHOICE,
)
def commit_badly(engine: Engine, index: int, choice: int) -> None:
    """Commit a loan with a wrong length."""
    engine.call(BAD_ON_LOAN[choice % len(BAD_ON_LOAN)], engine.pick(engine.loans, index), argument_name="length")


@operation(
    "PTR-8", "ALLOC-24", needs="RingPtr.allocator EventAllocator.pools TINY", weight=0.5, index=CHOICE, choice=FLAG
)
def use_other_allocator(engine: Engine, index: int, choice: int) -> None:
    """Give handles of one allocator to another: they act on their own alone."""
    del index
    engine.call(
        (
            "backend.EventAllocator(backend.TINY).allocate(b'other').clone().bytes",
            "bytes(backend.EventAllocator(backend.TINY).allocate(b'other').data)",
            "backend.EventAllocator(backend.TINY).allocate(b'other').downgrade().upgrade().bytes",
            "len(backend.EventAllocator(backend.TINY).loan(3).data)",
        )[choice % 4]
    )


@operation(
    "LAYOUT-4",
    "LAYOUT-5",
    "ALLOC-9",
    "PARAM-4",
    needs="EventPools.capacity EventAllocator.profile TINY",
    weight=0.5,
    choice=CHOICE,
)
def ask_for_figures(engine: Engine, choice: int) -> None:
    """Ask an allocator and its pools for their figures."""
    templates = (
        "{0}.memory_usage()",
        "{0}.heap_usage()",
        "{0}.pools.memory_usage()",
        "{0}.pools.heap_usage()",
        "{0}.stats()",
        "{0}.pools.stats()",
        "[{0}.pools.capacity(pool) for pool in range(6)]",
        "{0}.profile.name",
        "{0}.pools.profile.name",
        "backend.TINY.capacities",
    )
    engine.call(templates[choice % len(templates)], engine.allocator)
