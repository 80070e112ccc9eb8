"""The allocator: it puts events into slots, one at a time or in batches [ALLOC-1 to ALLOC-24]."""

from __future__ import annotations  # array is no generic before Python 3.12

from typing import TYPE_CHECKING, NoReturn

from rusted_ring.native import _core
from rusted_ring.native._arguments import (
    batch,
    check_payload,
    event,
    event_type_value,
    in_name_of,
    integer,
    token_words,
    wrong_value,
)
from rusted_ring.native._base import allocator_argument, triple, unknown_token
from rusted_ring.native._cffi import lib
from rusted_ring.native.parameters import SEED
from rusted_ring.native.pointers import RingPtr
from rusted_ring.native.pools import POOLS, EventPools
from rusted_ring.vocabulary.errors import PayloadTooLarge, PoolExhausted, RefCountUnderflow, StaleHandle
from rusted_ring.vocabulary.event import Payload
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import EventSize, PoolId
from rusted_ring.vocabulary.slots import PoolStats
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    from array import array

    from rusted_ring.native._arguments import Batch

_SIZES = tuple(EventSize)


class EventAllocator(_core.Allocator, Unpicklable):
    """Allocates events in its own pools; any number of threads may use it at once [ALLOC-1, ALLOC-13]."""

    __slots__ = ("__weakref__",)

    def __init__(self, profile: Profile = SEED) -> None:
        """Make an allocator with pools whose slots are all FREE [SLOT-4].

        Args:
            profile: widths and capacities of the pools.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool's storage would be larger than `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system has not enough memory.
        """
        self._adopt(EventPools(profile))

    def __repr__(self) -> str:
        return f"EventAllocator({self.profile.name})"

    @property
    def profile(self) -> Profile:
        """The widths and capacities of the pools [PARAM-4]."""
        return self.pools.profile

    @staticmethod
    def estimate_size(length: int) -> EventSize:
        """Return the smallest size class that holds a payload [SIZE-2].

        Args:
            length: payload length in bytes.

        Raises:
            TypeError: `length` is not an integer.
            ValueError: `length` is below 0 [SIZE-3].
            PayloadTooLarge: `length` is above 4,294,967,295 [SIZE-3].
        """
        number = integer("length", length)
        _check_length(number)
        return _SIZES[lib.rr_estimate_size(number)]

    @in_name_of("EventAllocator.allocate")
    def _event_arguments(
        self, data: object, event_type: object = 0, *, spill: object = False
    ) -> tuple[memoryview, int, bool]:
        """Check the arguments of `allocate`, and return them for its fast path [ALLOC-5, ERR-4]."""
        return event(data, event_type, spill=spill)[:3]

    @in_name_of("EventAllocator.allocate_many")
    def _batch_arguments(self, data: object, *, lengths: object = None, event_types: object = 0) -> Batch:
        """Check the arguments of `allocate_many`, and return them for its fast path [ALLOC-14, ERR-4]."""
        return batch(data, lengths, event_types)

    @in_name_of("EventAllocator.drop_many")
    def _token_arguments(self, tokens: object) -> array[int]:
        """Check the argument of `drop_many`, and return it for its fast path [ALLOC-15, ERR-4]."""
        return token_words(tokens)

    @in_name_of("EventAllocator.loan")
    def _loan_arguments(self, length: object, event_type: object = 0) -> tuple[int, int]:
        """Check the arguments of `loan`, and return them for its fast path [LOAN-1, ERR-4]."""
        number, kind = integer("length", length), integer("event_type", event_type)
        if number < 0:
            _check_length(number)
        event_type_value(kind)
        _check_length(number)
        return number, kind

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in the order of their numbers [ALLOC-9]."""
        return self.pools.stats()

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return self.pools.memory_usage()

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the payloads on the heap now [LAYOUT-5]."""
        return self.pools.heap_usage()

    def _refuse(self, status: int, name: str, length: int, spill: bool = False) -> NoReturn:
        """Raise the error for the status of an allocation."""
        profile = self.profile
        if status == lib.RR_PAYLOAD_TOO_LARGE:
            why = f"more than the {profile.heap_bytes} bytes of the largest class"
            remedy = "split the payload, or make pools with more heap_bytes"
            raise PayloadTooLarge(f"{name} is {length} bytes long: {why}; {remedy}")
        if status == lib.RR_POOL_EXHAUSTED:
            pool = POOLS[lib.rr_estimate_size(length)]
            full = f"none of the {self.pools.capacity(pool)} slots of pool {pool.name} is free"
            remedy = "drop pointers and views, allocate with spill=True, or make the pool with more slots"
            if pool is PoolId.XXL:
                full = f"{full}, or the payloads would together be longer than heap_bytes {profile.heap_bytes}"
                remedy = "drop pointers and views, or make pools with more heap_slots and heap_bytes"
            elif spill:
                full = f"{full}, nor is one of the larger pools"
                remedy = "drop pointers and views, or make the pools with more slots"
            raise PoolExhausted(f"{name} is {length} bytes long: {full}; {remedy}")
        if status == lib.RR_NO_MEMORY:
            raise MemoryError
        raise AssertionError(f"status {status} for {name} of {length} bytes")

    def _refuse_batch(self, status: int, at: int, count: int, length: int) -> NoReturn:
        """Raise the error for the status of an event in a batch."""
        self._refuse(status, "data" if count == 1 else f"event {at} of data", length)

    def _refuse_named(self, status: int, token: int) -> NoReturn:
        """Raise the error for the status of a token, or of the triple that it names."""
        if status == lib.RR_BAD_ARGUMENT:
            raise unknown_token(token)
        self.pools._refuse(status, *triple(token))

    def _refuse_token(self, status: int, at: int, token: int) -> NoReturn:
        """Raise the error for the status of a token in a batch."""
        name, remedy = f"tokens[{at}]", "release each detached reference once"
        if status == lib.RR_BAD_ARGUMENT:
            why = "it names no pool, slot and generation of this allocator"
            raise wrong_value(name, token, why, "pass tokens that this allocator or its pointers returned")
        if status == lib.RR_STALE_HANDLE:
            raise StaleHandle(f"{name} is {token}: its event is gone; {remedy}")
        if status == lib.RR_REF_COUNT_UNDERFLOW:
            why = "it occurs more often than it has detached references"
            raise RefCountUnderflow(f"{name} is {token}: {why}; {remedy}")
        raise AssertionError(f"status {status} for token {token}")


_core.own_methods(EventAllocator)


def _check_length(number: int) -> None:
    if number < 0:
        raise wrong_value("length", number, "below 0", "pass a number of at least 0")
    check_payload("length", number)


def allocate_from_pool(allocator: EventAllocator, data: Payload, event_type: int) -> RingPtr:
    """Return `allocator.allocate(data, event_type)` [ALLOC-21].

    Args:
        allocator: the allocator.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3].
    """
    return allocator_argument(allocator).allocate(data, event_type)


def allocate_to_pool(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate an event with one detached reference, and return its slot index in the pool of its size class.

    [ALLOC-21, PTR-11]

    Args:
        allocator: the allocator.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3].
    """
    return allocator_argument(allocator)._to_pool(data, event_type)


def handle_ffi_event(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate an event with one detached reference, and return its token [ALLOC-22, PTR-11].

    Args:
        allocator: the allocator.
        data: any C-contiguous buffer.
        event_type: an unsigned 32-bit number.

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
        PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3].
    """
    return allocator_argument(allocator)._to_token(data, event_type)
