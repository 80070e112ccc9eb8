"""Checks of arguments that name an event of an allocator: tokens and triples [ALLOC-24, PTR-16]."""

from typing import TYPE_CHECKING, cast

from rusted_ring.native import _core
from rusted_ring.native._arguments import instance, integer, wrong_value
from rusted_ring.native._cffi import ffi, lib
from rusted_ring.vocabulary.arguments import U64_LIMIT

if TYPE_CHECKING:
    from rusted_ring.native.allocator import EventAllocator

_GENERATIONS = 2**40
_SLOTS = 2**21


def triple(token: int) -> tuple[int, int, int]:
    """Return the pool, the slot and the generation of a token [PTR-10]."""
    pool_and_slot, generation = divmod(token, _GENERATIONS)
    pool, slot = divmod(pool_and_slot, _SLOTS)
    return pool - 1, slot, generation


def allocator_argument(value: object) -> "EventAllocator":
    """Return an argument that must be an allocator of this implementation [ALLOC-24, ERR-4].

    Raises:
        TypeError: it is not.
    """
    remedy = "pass the native EventAllocator of the event"
    return cast("EventAllocator", instance("allocator", value, _core.Allocator, "an EventAllocator", remedy))


def token_argument(token: object, allocator: object) -> "tuple[int, EventAllocator]":
    """Return a token and its allocator, after checks of both [PTR-16].

    Raises:
        TypeError: the token is not an integer, or the allocator is not an `EventAllocator`.
        ValueError: the token names no pool, slot and generation of the allocator.
    """
    number = integer("token", token)
    owner = allocator_argument(allocator)
    if 0 < number <= U64_LIMIT:
        pool, slot, generation = triple(number)
        pointer = ffi.cast("rr_allocator *", owner._address("token"))
        if pool >= 0 and lib.rr_token_encode(pointer, pool, slot, generation) == number:
            return number, owner
    raise unknown_token(number)


def unknown_token(number: int) -> ValueError:
    """Return the error for a token that names no pool, slot and generation of an allocator [PTR-16]."""
    why = "it names no pool, slot and generation of this allocator"
    return wrong_value("token", number, why, "pass a token that this allocator or one of its pointers returned")


def triple_argument(
    pool_id: object, slot_index: object, generation: object, allocator: object
) -> "tuple[int, EventAllocator]":
    """Return the token of a triple and its allocator, after checks of all [ALLOC-20].

    Raises:
        TypeError: a number is not an integer, or the allocator is not an `EventAllocator`.
        ValueError: there is no such pool or generation.
        IndexError: there is no such slot.
    """
    numbers = (
        integer("pool_id", pool_id),
        integer("slot_index", slot_index),
        integer("generation", generation),
    )
    owner = allocator_argument(allocator)
    owner.pools._slot_arguments(*numbers)
    return lib.rr_token_encode(ffi.cast("rr_allocator *", owner._address("triple")), *numbers), owner
