"""The allocator: events copied into slots, singly and in bulk [ALLOC-1 to ALLOC-24]."""

from array import array
from typing import NoReturn

from rusted_ring.native._arguments import (
    Batch,
    batch,
    buffer,
    check_payload,
    contiguous,
    event_type_value,
    flag,
    integer,
    token_words,
    wrong_value,
)
from rusted_ring.native._base import _AllocatorBase, allocator_argument
from rusted_ring.native._core import FAILED, LONG, CData, Lib, Pin, ffi, lib, made_once, make, quick
from rusted_ring.native._core import allocate as _allocate
from rusted_ring.native.parameters import SEED
from rusted_ring.native.pointers import Loan, RingPtr, loan_of, pointer_to
from rusted_ring.native.pools import POOLS, EventPools
from rusted_ring.reference.errors import PayloadTooLarge, PoolExhausted, RefCountUnderflow, StaleHandle
from rusted_ring.reference.event import PoolStats
from rusted_ring.reference.parameters import Profile
from rusted_ring.reference.sizes import EventSize, PoolId

_new = object.__new__
_from_buffer = ffi.from_buffer
_NULL = ffi.NULL
_SIZES = tuple(EventSize)
_SPILL = 1
_LONG_TOKENS = LONG // 8


class EventAllocator(_AllocatorBase):
    """Pools and the ways to put events in them [ALLOC-1, ALLOC-13]."""

    __slots__ = ()

    def __init__(self, profile: Profile = SEED) -> None:
        """Make an allocator with pools of its own [SLOT-4].

        Args:
            profile: widths and capacities.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool would be larger than the profile's `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system gave no memory.
        """
        made_once(self)
        self._pools = EventPools(profile)
        self._cdata = self._pools._cdata
        self._owner = self._pools._owner

    def __repr__(self) -> str:
        return f"EventAllocator({self.profile.name})"

    @property
    def pools(self) -> EventPools:
        """The allocator's pools [ALLOC-16]."""
        return self._pools

    @property
    def profile(self) -> Profile:
        """The widths and capacities that the allocator was made with [PARAM-4]."""
        return self._pools.profile

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
        return _SIZES[quick.rrb_estimate_size(number)]

    def allocate(self, data: object, event_type: int = 0, *, spill: bool = False) -> RingPtr:
        """Copy an event into a free slot of its class and return the pointer to it [ALLOC-1, ALLOC-5].

        Args:
            data: the payload, any C-contiguous buffer.
            event_type: an unsigned 32-bit number [ALLOC-23].
            spill: whether to try the next larger classes where the pool is full [ALLOC-4].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: `data` is not contiguous, or `event_type` out of bounds.
            PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
            PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
        """
        if type(data) is bytes and type(event_type) is int and spill is False and len(data) <= LONG:
            try:
                pin = _allocate(self._owner, data, event_type)
            except OverflowError:
                event_type_value(event_type)
                raise
            if isinstance(pin, Pin):
                # As pointer_to, without a call.
                pointer = _new(RingPtr)
                pointer._pin = pin
                pointer._allocator = self
                return pointer
            self._refuse(pin, "data", len(data))
        view, kind = _event_arguments(data, event_type)
        with view:
            flags = _SPILL if flag("spill", spill) else 0
            length = _event_values(data, view, kind)
            calls = lib if length > LONG else quick
            with ffi.from_buffer("char[]", view) as source:
                payload = calls.rrb_allocate(self._cdata, source, length, kind, flags)
        if payload < FAILED:
            self._refuse(payload, "data", length, spill)
        return pointer_to(make(self._owner, payload, 0), self)

    def allocate_many(self, data: object, *, lengths: object = None, event_types: object = 0) -> memoryview:
        """Allocate every event of a batch, or none, and return the tokens in their order [ALLOC-14].

        Args:
            data: payloads back to back in one buffer, or a list or tuple of buffers.
            lengths: bytes of each payload of one buffer: one integer for all, or a sequence or buffer of u32; None: one
                event.
            event_types: one integer for all, or a sequence or buffer of u32, one each.

        Returns:
            A read-only view of format `Q`; each token stands for one loose reference [PTR-11].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: a buffer is not contiguous, or the numbers do not fit the data.
            PayloadTooLarge: a payload does not fit the heap's bounds [ALLOC-8].
            PoolExhausted: the slots that are free do not suffice [ALLOC-3, ALLOC-7].
        """
        events = batch(data, lengths, event_types)
        tokens = array("Q", bytes(8 * events.events))
        failed = ffi.new("size_t *")
        lent, target = lend(events), _from_buffer("uint64_t[]", tokens)
        try:
            status = calls_for(events).rrb_allocate_many(self._cdata, *lent, target, failed)
        finally:
            take_back(events, lent)
        if status:
            at = failed[0]
            length = events.length if events.lengths is None else events.lengths[at]
            self._refuse(status, "data" if events.events == 1 else f"event {at} of data", length)
        return memoryview(tokens).toreadonly()

    def drop_many(self, tokens: object) -> int:
        """Give back the loose reference of each token, all or none [ALLOC-15].

        Args:
            tokens: a buffer of unsigned 64-bit numbers, or an iterable of integers.

        Returns:
            How many were given back.

        Raises:
            TypeError: `tokens` has a wrong type.
            ValueError: a token names no pool, slot and generation of the allocator [PTR-16].
            StaleHandle: the event of a token is gone [PTR-15].
            RefCountUnderflow: a token has no loose reference left [PTR-14].
        """
        words = token_words(tokens)
        failed = ffi.new("size_t *")
        calls = lib if len(words) > _LONG_TOKENS else quick
        status = calls.rrb_drop_many(self._cdata, _from_buffer("uint64_t[]", words), len(words), failed)
        if status:
            self._refuse_token(status, failed[0], words[failed[0]])
        return len(words)

    def loan(self, length: int, event_type: int = 0) -> Loan:
        """Take a slot of the smallest class that fits, zeroed, to write an event in [LOAN-1, LOAN-2].

        Args:
            length: bytes of the payload.
            event_type: an unsigned 32-bit number [ALLOC-23].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: `length` is below 0, or `event_type` out of bounds.
            PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
            PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
        """
        number, kind = integer("length", length), integer("event_type", event_type)
        if number < 0:
            _check_length(number)
        event_type_value(kind)
        _check_length(number)
        calls = lib if number > LONG else quick
        payload = calls.rrb_loan(self._cdata, number, kind)
        if payload < FAILED:
            self._refuse(payload, "length", number)
        return loan_of(make(self._owner, payload, 1), self)

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in their order [ALLOC-9]."""
        return self._pools.stats()

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return self._pools.memory_usage()

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the events on the heap now [LAYOUT-5]."""
        return self._pools.heap_usage()

    def _refuse(self, status: int, name: str, length: int, spill: bool = False) -> NoReturn:
        """Raise the error of a status of an allocation."""
        profile = self.profile
        if status == lib.RR_PAYLOAD_TOO_LARGE:
            remedy = "split the payload or use a profile of more heap_bytes"
            raise PayloadTooLarge(f"{name} is {length} bytes: more than the heap's {profile.heap_bytes}; {remedy}")
        if status == lib.RR_POOL_EXHAUSTED:
            pool = POOLS[quick.rrb_estimate_size(length)]
            taken = f"pool {pool.name} has no free slot of {self._pools.capacity(pool)} for it"
            if pool is PoolId.XXL:
                taken = f"{taken} or no room in the heap's {profile.heap_bytes} bytes"
            elif spill:
                taken = f"{taken} and the larger pools have none either"
            remedy = "drop pointers and views" if spill or pool is PoolId.XXL else "drop pointers and views, or spill"
            raise PoolExhausted(f"{name} is {length} bytes: {taken}; {remedy}")
        if status == lib.RR_NO_MEMORY:
            raise MemoryError
        raise AssertionError(f"status {status} for {name} of {length} bytes")

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


def calls_for(events: Batch) -> Lib:
    """Return the calls that suit the size of a batch: those that give up the GIL where it is long [ALLOC-14]."""
    total = events.data.nbytes if isinstance(events.data, memoryview) else len(events.data)
    return lib if total + 8 * events.events > LONG else quick


def lend(events: Batch) -> tuple[CData | bytes, CData, int, CData, int, int]:
    """Lend a batch to the core: data, lengths, length, event types, event type, count [ALLOC-14]."""
    data, count, lengths, length, event_types, event_type = events
    return (
        data if isinstance(data, bytes) else _from_buffer("char[]", data),
        _NULL if lengths is None else _from_buffer("uint32_t[]", lengths),
        length,
        _NULL if event_types is None else _from_buffer("uint32_t[]", event_types),
        event_type,
        count,
    )


def take_back(events: Batch, lent: tuple[CData | bytes, CData, int, CData, int, int]) -> None:
    """Let go of the caller's buffer now, since a traceback may keep both arguments [ALLOC-5]."""
    if isinstance(events.data, memoryview):
        ffi.release(lent[0])  # type: ignore[arg-type]
        events.data.release()


def _check_length(number: int) -> None:
    if number < 0:
        raise wrong_value("length", number, "below 0", "pass the bytes of a payload")
    check_payload("length", number)


def _event_arguments(data: object, event_type: object) -> tuple[memoryview, int]:
    """Check the types of an event's arguments [ERR-4]."""
    return buffer("data", data), integer("event_type", event_type)


def _event_values(data: object, view: memoryview, event_type: int) -> int:
    """Check the values of an event's arguments and return the length of its payload [ERR-4]."""
    contiguous("data", data, view)
    event_type_value(event_type)
    check_payload("data", view.nbytes)
    return view.nbytes


def allocate_from_pool(allocator: EventAllocator, data: object, event_type: int) -> RingPtr:
    """Allocate as `allocator.allocate(data, event_type)` does [ALLOC-21].

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: `data` is not contiguous, or `event_type` out of bounds.
        PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
    """
    return allocator_argument(allocator).allocate(data, event_type)


def allocate_to_pool(allocator: EventAllocator, data: object, event_type: int) -> int:
    """Allocate in the pool of the payload's class and return the slot index, leaving a loose reference [ALLOC-21].

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: `data` is not contiguous, or `event_type` out of bounds.
        PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
    """
    owner = allocator_argument(allocator)
    view, kind = _event_arguments(data, event_type)
    with view:
        length = _event_values(data, view, kind)
        calls = lib if length > LONG else quick
        with ffi.from_buffer("char[]", view) as source:
            slot = calls.rrb_allocate_to_pool(owner._cdata, source, length, kind)
    if slot < 0:
        owner._refuse(-slot, "data", length)
    return slot


def handle_ffi_event(allocator: EventAllocator, data: object, event_type: int) -> int:
    """Allocate and return the token, leaving a loose reference [ALLOC-22].

    Raises:
        TypeError: an argument has a wrong type.
        ValueError: `data` is not contiguous, or `event_type` out of bounds.
        PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].
        PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].
    """
    owner = allocator_argument(allocator)
    view, kind = _event_arguments(data, event_type)
    with view:
        length = _event_values(data, view, kind)
        calls = lib if length > LONG else quick
        with ffi.from_buffer("char[]", view) as source:
            token = calls.rrb_handle_ffi_event(owner._cdata, source, length, kind)
    if token < FAILED:
        owner._refuse(token, "data", length)
    return token
