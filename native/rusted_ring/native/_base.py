"""Arguments that name an event in an allocator [ALLOC-24, PTR-16]."""

from typing import TYPE_CHECKING, cast

from rusted_ring.native import _core
from rusted_ring.native._arguments import integer, wrong_type, wrong_value
from rusted_ring.native._cffi import ffi, lib
from rusted_ring.vocabulary.arguments import U64_LIMIT, is_of
from rusted_ring.vocabulary.shown import shown

if TYPE_CHECKING:
    from rusted_ring.native.allocator import EventAllocator

_GENERATIONS = 2**40
_SLOTS = 2**21


def triple(token: int) -> tuple[int, int, int]:
    """Return the pool, the slot and the generation of a token [PTR-10]."""
    place, generation = divmod(token, _GENERATIONS)
    pool, slot = divmod(place, _SLOTS)
    return pool - 1, slot, generation


def allocator_argument(value: object) -> "EventAllocator":
    """Return an argument that must be an allocator of this implementation [ALLOC-24, ERR-4].

    Raises:
        TypeError: it is not.
    """
    if is_of(value, _core.Allocator):
        return cast("EventAllocator", value)
    remedy = "pass the native EventAllocator that the event is in"
    raise wrong_type("allocator", value, f"a {type(value).__name__}, not an EventAllocator", remedy)


def token_argument(token: object, allocator: object) -> "tuple[int, EventAllocator]":
    """Return a token of an allocator, both checked [PTR-16].

    Raises:
        TypeError: the token is not an integer, or the allocator is not one.
        ValueError: the token names no pool, slot and generation of the allocator.
    """
    number = integer("token", token)
    owner = allocator_argument(allocator)
    if 0 < number <= U64_LIMIT:
        pool, slot, generation = triple(number)
        handle = ffi.cast("rr_allocator *", owner._address("token"))
        if pool >= 0 and lib.rr_token_encode(handle, pool, slot, generation) == number:
            return number, owner
    raise unknown_token(number)


def unknown_token(number: int) -> ValueError:
    """Make the error of a token that names nothing of an allocator [PTR-16]."""
    why = "it names no pool, slot and generation of this allocator"
    return wrong_value("token", number, why, f"pass a token that it gave, not {shown(number)}")


def triple_argument(
    pool_id: object, slot_index: object, generation: object, allocator: object
) -> "tuple[int, EventAllocator]":
    """Return the token of a triple of an allocator, all of them checked [ALLOC-20].

    Raises:
        TypeError: a number is not an integer, or the allocator is not one.
        ValueError: there is no such pool or generation.
        IndexError: there is no such slot.
    """
    numbers = (
        integer("pool_id", pool_id),
        integer("slot_index", slot_index),
        integer("generation", generation),
    )
    owner = allocator_argument(allocator)
    owner.pools._place_arguments(*numbers)
    return lib.rr_token_encode(ffi.cast("rr_allocator *", owner._address("triple")), *numbers), owner
