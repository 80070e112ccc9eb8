"""Arguments that pools, pointers and loans refuse, and the figures that they report [ERR-4]."""

from typing import Final

from rusted_ring.verify.lockstep.engine import Engine
from rusted_ring.verify.lockstep.operations.arguments import require
from rusted_ring.verify.lockstep.registry import CHOICE, FLAG, Registry, registrar

OPERATIONS: Final[Registry] = {}
operation = registrar(OPERATIONS, "pools")


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
    """Pass handles of one allocator to another: they act only on their own."""
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
    """Read the figures of an allocator and its pools."""
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
