"""What pointers know of an allocator: its pools."""

from typing import TYPE_CHECKING, cast

from rusted_ring.native._arguments import U64_LIMIT, integer, shown, wrong_type, wrong_value
from rusted_ring.native._core import CData, hold, quick
from rusted_ring.native.pools import EventPools

if TYPE_CHECKING:
    from rusted_ring.native.allocator import EventAllocator


class _AllocatorBase(hold.Allocator):
    """The base of `EventAllocator`, known before the pointers that it makes [ALLOC-24]."""

    __slots__ = ("__weakref__", "_cdata", "_pools")

    _cdata: CData
    _pools: EventPools


def allocator_argument(value: object) -> "EventAllocator":
    """Return an argument that must be an allocator of this implementation [ALLOC-24, ERR-4].

    Raises:
        TypeError: it is not.
    """
    if isinstance(value, _AllocatorBase):
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
    if 0 < number <= U64_LIMIT and quick.rrb_token_known(owner._cdata, number):
        return number, owner
    why = "it names no pool, slot and generation of this allocator"
    raise wrong_value("token", number, why, f"pass a token that it gave, not {shown(number)}")


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
    return quick.rrb_token_encode(owner._cdata, *owner._pools._place(*numbers)), owner
