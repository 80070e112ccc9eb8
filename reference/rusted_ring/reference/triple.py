"""Triples, the handles of events: a pool, a slot and a generation of one allocator [WEAK-1, PTR-10, PTR-16]."""

from typing import NamedTuple

from rusted_ring.reference.owner import Owner
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.pools import EventPools, check_generation, check_pool, check_slot
from rusted_ring.reference.token import generation_of_token, pool_of_token, slot_of_token
from rusted_ring.vocabulary.arguments import as_instance, as_number, check_between


class Triple(NamedTuple):
    """A pool, a slot index and a generation that exist; the event that they name may be gone [WEAK-1]."""

    pool: Pool
    slot_index: int
    generation: int


def as_triple(pool_id: object, slot_index: object, generation: object, allocator: object) -> Triple:
    """Return the triple that the arguments name; check types before values [ALLOC-20, ERR-4].

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: there is no such pool or generation.
        IndexError: there is no such slot.
    """
    pool_number = as_number("pool_id", pool_id)
    slot_number = as_number("slot_index", slot_index)
    generation_number = as_number("generation", generation)
    pools = as_instance("allocator", allocator, Owner, "an EventAllocator").pools
    pool = pools._pools[check_pool(pool_number)]
    check_slot(slot_number, pool)
    check_generation(generation_number, pools.profile)
    return Triple(pool, slot_number, generation_number)


def triple_of_token(name: str, token: int, pools: EventPools) -> Triple:
    """Return the triple that a token names [PTR-10, PTR-16].

    Args:
        name: the argument's name.
        token: any integer.
        pools: the pools that must have the triple.

    Raises:
        ValueError: there is no such pool, slot or generation.
    """
    check_between(name, token, 1, 2**64 - 1, "pass a token that a pointer or an allocator returned")
    pool_number, slot_index, generation = pool_of_token(token), slot_of_token(token), generation_of_token(token)
    exists = (
        0 <= pool_number <= 5
        and slot_index < pools._pools[pool_number].capacity
        and generation < 2**pools.profile.generation_bits
    )
    if not exists:
        raise ValueError(
            f"{name} is {token}: it names pool {pool_number}, slot {slot_index} and generation {generation}, which "
            f"this allocator does not have; pass a token that this allocator or one of its pointers returned"
        )
    return Triple(pools._pools[pool_number], slot_index, generation)
