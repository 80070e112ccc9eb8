"""Operations of weak pointers [WEAK-1]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import triple
from rusted_ring.verify.lockstep.registry import CHOICE, FLAG, GENERATION, POOL, SLOT, TAG, Registry, Skip, registrar
from rusted_ring.verify.lockstep.script import payload

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")

WEAKS: Final = 12


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
    """Free a weak pointer's slot until its generation wraps around: it is refused before that and accepted then."""
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
    """Turn a weak pointer into a token and back."""
    weak = engine.pick(engine.weaks, index)
    token = engine.call("{0}.token", weak)
    if token is not None:
        made = engine.call("backend.WeakRingPtr.from_token({0}, {1})", token.expected, engine.allocator, keep="w")
        if made is not None:
            engine.retain(engine.weaks, made, WEAKS)


@operation("WEAK-7", needs="WeakRingPtr.__eq__ TINY", index=CHOICE, second=CHOICE, choice=FLAG)
def compare_weaks(engine: Engine, index: int, second: int, choice: int) -> None:
    """Compare two weak pointers and their hashes, also with those of another allocator."""
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
    """Read one property of a weak pointer."""
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
