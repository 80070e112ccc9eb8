"""The allocator: events copied into slots, singly and in bulk [ALLOC-1 to ALLOC-24]."""

from __future__ import annotations  # array is no generic before Python 3.12

from typing import TYPE_CHECKING, NoReturn

from rusted_ring.native import _core
from rusted_ring.native._arguments import (
    batch,
    check_payload,
    event,
    event_type_value,
    integer,
    says,
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
    """Pools and the ways to put events in them [ALLOC-1, ALLOC-13]."""

    __slots__ = ("__weakref__",)

    def __init__(self, profile: Profile = SEED) -> None:
        """Make an allocator with pools of its own [SLOT-4].

        Args:
            profile: widths and capacities.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool would be larger than the profile's `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system gave no memory.
        """
        self._adopt(EventPools(profile))

    def __repr__(self) -> str:
        return f"EventAllocator({self.profile.name})"

    @property
    def profile(self) -> Profile:
        """The widths and capacities that the allocator was made with [PARAM-4]."""
        return self.pools.profile

    @staticmethod
    def estimate_size(length: int) -> EventSize:
        """Return the smallest class that holds a payload [SIZE-2].

        Args:
            length: bytes of the payload.

        Raises:
            TypeError: `length` is not an integer.
            ValueError: it is below 0 [SIZE-3].
            PayloadTooLarge: it is above the limit of XXL [SIZE-3].
        """
        number = integer("length", length)
        _check_length(number)
        return _SIZES[lib.rr_estimate_size(number)]

    @says("EventAllocator.allocate")
    def _event_arguments(
        self, data: object, event_type: object = 0, *, spill: object = False
    ) -> tuple[memoryview, int, bool]:
        """Return the arguments of `allocate` as it takes them, or raise what it raises [ALLOC-5, ERR-4]."""
        return event(data, event_type, spill=spill)[:3]

    @says("EventAllocator.allocate_many")
    def _batch_arguments(self, data: object, *, lengths: object = None, event_types: object = 0) -> Batch:
        """Return the arguments of `allocate_many` as it takes them, or raise what it raises [ALLOC-14, ERR-4]."""
        return batch(data, lengths, event_types)

    @says("EventAllocator.drop_many")
    def _token_arguments(self, tokens: object) -> array[int]:
        """Return the tokens as `drop_many` takes them, or raise what it raises [ALLOC-15, ERR-4]."""
        return token_words(tokens)

    @says("EventAllocator.loan")
    def _loan_arguments(self, length: object, event_type: object = 0) -> tuple[int, int]:
        """Return the arguments of `loan` as it takes them, or raise what it raises [LOAN-1, ERR-4]."""
        number, kind = integer("length", length), integer("event_type", event_type)
        if number < 0:
            _check_length(number)
        event_type_value(kind)
        _check_length(number)
        return number, kind

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in their order [ALLOC-9]."""
        return self.pools.stats()

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return self.pools.memory_usage()

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the events on the heap now [LAYOUT-5]."""
        return self.pools.heap_usage()

    def _refuse(self, status: int, name: str, length: int, spill: bool = False) -> NoReturn:
        """Raise the error of a status of an allocation."""
        profile = self.profile
        if status == lib.RR_PAYLOAD_TOO_LARGE:
            remedy = "split the payload or use a profile of more heap_bytes"
            raise PayloadTooLarge(f"{name} is {length} bytes: more than the heap's {profile.heap_bytes}; {remedy}")
        if status == lib.RR_POOL_EXHAUSTED:
            pool = POOLS[lib.rr_estimate_size(length)]
            taken = f"pool {pool.name} has no free slot of {self.pools.capacity(pool)} for it"
            if pool is PoolId.XXL:
                taken = f"{taken} or no room in the heap's {profile.heap_bytes} bytes"
            elif spill:
                taken = f"{taken} and the larger pools have none either"
            remedy = "drop pointers and views" if spill or pool is PoolId.XXL else "drop pointers and views, or spill"
            raise PoolExhausted(f"{name} is {length} bytes: {taken}; {remedy}")
        if status == lib.RR_NO_MEMORY:
            raise MemoryError
        raise AssertionError(f"status {status} for {name} of {length} bytes")

    def _refuse_batch(self, status: int, at: int, count: int, length: int) -> NoReturn:
        """Raise the error of a status of an event in a batch."""
        self._refuse(status, "data" if count == 1 else f"event {at} of data", length)

    def _refuse_named(self, status: int, token: int) -> NoReturn:
        """Raise the error of a status of a token, or of the triple that it stands for."""
        if status == lib.RR_BAD_ARGUMENT:
            raise unknown_token(token)
        self.pools._refuse(status, *triple(token))

    def _refuse_token(self, status: int, at: int, token: int) -> NoReturn:
        """Raise the error of a status of a token in a batch."""
        name = f"tokens[{at}]"
        if status == lib.RR_BAD_ARGUMENT:
            why = "it names no pool, slot and generation of this allocator"
            raise wrong_value(name, token, why, "pass tokens that it gave")
        if status == lib.RR_STALE_HANDLE:
            raise StaleHandle(f"{name} is {token}: its event is gone; drop a token once for each loose reference")
        if status == lib.RR_REF_COUNT_UNDERFLOW:
            why = "it has fewer loose references than it is given"
            raise RefCountUnderflow(f"{name} is {token}: {why}; drop a token once for each loose reference")
        raise AssertionError(f"status {status} for token {token}")


def _check_length(number: int) -> None:
    if number < 0:
        raise wrong_value("length", number, "below 0", "pass the bytes of a payload")
    check_payload("length", number)


def allocate_from_pool(allocator: EventAllocator, data: Payload, event_type: int) -> RingPtr:
    """Allocate as `allocator.allocate(data, event_type)` does [ALLOC-21].

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: `data` is not contiguous, or `event_type` out of bounds.
        PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
    """
    return allocator_argument(allocator).allocate(data, event_type)


def allocate_to_pool(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate in the pool of the payload's class and return the slot index, leaving a loose reference [ALLOC-21].

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: `data` is not contiguous, or `event_type` out of bounds.
        PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
    """
    return allocator_argument(allocator)._to_pool(data, event_type)


def handle_ffi_event(allocator: EventAllocator, data: Payload, event_type: int) -> int:
    """Allocate and return the token, leaving a loose reference [ALLOC-22].

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: `data` is not contiguous, or `event_type` out of bounds.
        PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
    """
    return allocator_argument(allocator)._to_token(data, event_type)
