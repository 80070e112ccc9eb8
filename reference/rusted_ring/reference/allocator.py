"""The allocator: events into slots, one at a time or many [ALLOC-1 to ALLOC-24]."""

from array import array
from collections.abc import Iterable, Sequence

from rusted_ring.reference.arguments import (
    as_flag,
    as_number,
    batch_arguments,
    buffer_view,
    check_contiguous,
    check_event_type,
    check_not_negative,
    token_numbers,
)
from rusted_ring.reference.errors import PayloadTooLarge, PoolExhausted
from rusted_ring.reference.event import PooledEvent, PoolStats
from rusted_ring.reference.loan import Loan
from rusted_ring.reference.parameters import SEED, Profile
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pointer import RingPtr
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.pools import EventPools
from rusted_ring.reference.sizes import EventSize, PoolId, smallest_class
from rusted_ring.reference.token import token_of
from rusted_ring.reference.triple import triple_of_token


class EventAllocator:
    """Allocates events in pools of its own; any thread may use it at any time [ALLOC-13]."""

    __slots__ = ("__weakref__", "_pools")

    def __init__(self, profile: Profile = SEED) -> None:
        """Make an allocator with empty pools [SLOT-4].

        Args:
            profile: widths and capacities of the pools.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool's storage would be above `max_ring_bytes` [LAYOUT-7].
        """
        self._pools = EventPools(profile)

    def __repr__(self) -> str:
        return f"EventAllocator({self.profile.name})"

    @property
    def pools(self) -> EventPools:
        """The allocator's pools [ALLOC-1]."""
        return self._pools

    @property
    def profile(self) -> Profile:
        """The widths and capacities of the pools [PARAM-4]."""
        return self._pools.profile

    @staticmethod
    def estimate_size(length: int) -> EventSize:
        """Return the smallest class that a payload fits [SIZE-2].

        Args:
            length: payload length in bytes.

        Raises:
            TypeError: `length` is not an integer.
            ValueError: `length` is below 0 [SIZE-3].
            PayloadTooLarge: `length` is above 4,294,967,295 [SIZE-3].
        """
        return _class_of("length", check_not_negative("length", as_number("length", length)), EventSize.XXL)

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the figures of the six pools, in the order of their numbers [ALLOC-9]."""
        return self._pools.stats()

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return self._pools.memory_usage()

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the payloads on the heap [LAYOUT-5]."""
        return self._pools.heap_usage()

    # One event

    def allocate(self, data: object, event_type: int = 0, *, spill: bool = False) -> RingPtr:
        """Copy an event into a free slot of its class and return a pointer to it [ALLOC-1].

        Args:
            data: any C-contiguous buffer; its bytes are the payload [ALLOC-5].
            event_type: an unsigned 32-bit number [ALLOC-23].
            spill: whether to try the larger classes in turn where the pool is full [ALLOC-4].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
            PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
            PoolExhausted: no slot is free [ALLOC-3].
        """
        view = buffer_view("data", data)
        event_type = as_number("event_type", event_type)
        spill = as_flag("spill", spill)
        check_contiguous("data", view)
        check_event_type(event_type)
        pool_id = self._pool_for("data", view.nbytes)
        payload = view.tobytes()
        with self._pools._step:
            pool = self._pool_with_room(pool_id, len(payload), spill=spill)
            slot_index = pool.allocate(PooledEvent(payload, event_type))
            return RingPtr._holding(Pin(self._pools._step, pool, slot_index), self)

    def loan(self, length: int, event_type: int = 0) -> Loan:
        """Lend a slot of the smallest class that fits, to be written in place [LOAN-1].

        Args:
            length: payload length in bytes.
            event_type: an unsigned 32-bit number [ALLOC-23].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: `length` is below 0, or `event_type` out of its bounds.
            PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
            PoolExhausted: no slot is free [ALLOC-3].
        """
        length = as_number("length", length)
        event_type = as_number("event_type", event_type)
        check_not_negative("length", length)
        check_event_type(event_type)
        pool_id = self._pool_for("length", length)
        with self._pools._step:
            pool = self._pool_with_room(pool_id, length, spill=False)
            slot_index = pool.loan(PooledEvent(bytes(length), event_type))
            return Loan._holding(Pin(self._pools._step, pool, slot_index), self)

    def _pool_for(self, name: str, length: int) -> PoolId:
        """Return the pool of the smallest class that a payload fits [SIZE-2, ALLOC-8].

        Raises:
            PayloadTooLarge: there is none, or it is XXL and the payload is longer than `heap_bytes`.
        """
        return PoolId.from_size(_class_of(name, length, min(self.profile.heap_bytes, EventSize.XXL)))

    def _pool_with_room(self, pool_id: PoolId, length: int, *, spill: bool) -> Pool:
        """Return the pool that takes a payload: that of its class or, with `spill`, the next with room [ALLOC-4].

        Raises:
            PoolExhausted: none can.
        """
        pool = self._pools._pools[pool_id]
        try:
            pool.check_room(1, length)
        except PoolExhausted:
            if not spill or pool_id == PoolId.XXL:
                raise
            return self._pool_with_room(PoolId(pool_id + 1), length, spill=spill)
        return pool

    # Many events

    def allocate_many(
        self,
        data: object,
        *,
        lengths: int | Sequence[int] | object | None = None,
        event_types: int | Sequence[int] | object = 0,
    ) -> memoryview:
        """Allocate every event of a batch, or none [ALLOC-14].

        Args:
            data: a buffer of payloads back to back, or a list or tuple of buffers.
            lengths: bytes of each payload of a buffer: one integer above 0 for all, or a sequence or buffer of one
                each; None for a buffer that is one event, and for a list.
            event_types: one integer for all, or a sequence or buffer of one each [ALLOC-23].

        Returns:
            The tokens in the order of the events, with one loose reference each [PTR-11]: read-only, format `Q`.

        Raises:
            TypeError: an argument, or an item of one, has a wrong type.
            ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.
            PayloadTooLarge: a payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
            PoolExhausted: not every event has a free slot [ALLOC-3].
        """
        batch = batch_arguments(data, lengths, event_types)
        pool_ids = [self._pool_for("data", len(payload)) for payload in batch.payloads]
        with self._pools._step:
            self._check_room_for_all(pool_ids, batch.payloads)
            tokens = array("Q")
            for pool_id, payload, event_type in zip(pool_ids, batch.payloads, batch.event_types, strict=True):
                pool = self._pools._pools[pool_id]
                slot_index = pool.allocate(PooledEvent(payload, event_type))
                pool.leave_loose(slot_index)
                tokens.append(token_of(pool_id, slot_index, pool.slot(slot_index).generation))
            return memoryview(tokens).toreadonly()

    def _check_room_for_all(self, pool_ids: list[PoolId], payloads: list[bytes]) -> None:
        """Make sure that every event of a batch has a slot, before one is taken [ALLOC-14].

        Raises:
            PoolExhausted: one has not; the pool of the first such event has found itself full.
        """
        counts = dict.fromkeys(PoolId, 0)
        payload_bytes = dict.fromkeys(PoolId, 0)
        for pool_id, payload in zip(pool_ids, payloads, strict=True):
            counts[pool_id] += 1
            payload_bytes[pool_id] += len(payload)
            self._pools._pools[pool_id].check_room(counts[pool_id], payload_bytes[pool_id])

    def drop_many(self, tokens: Iterable[int] | object) -> int:
        """Give back the loose reference of every token, or of none [ALLOC-15].

        Args:
            tokens: a buffer of format `Q`, or an iterable of integers; a token as often as it has loose references.

        Returns:
            How many references were given back.

        Raises:
            TypeError: `tokens` is neither.
            ValueError: the allocator has no such pool, slot or generation [PTR-16].
            StaleHandle: a slot is not LIVE with its token's generation [PTR-15].
            RefCountUnderflow: a slot has fewer loose references than its token occurs [PTR-14].
        """
        numbers = token_numbers(tokens)
        triples = [triple_of_token(f"tokens[{place}]", token, self._pools) for place, token in enumerate(numbers)]
        with self._pools._step:
            ending: dict[tuple[PoolId, int], int] = {}
            for pool, slot_index, generation in triples:
                pool.check_live(slot_index, generation)
                place = pool.pool_id, slot_index
                ending[place] = ending.get(place, 0) + 1
                pool.check_loose(slot_index, ending[place])
            for pool, slot_index, _ in triples:
                pool.take_loose(slot_index)
                pool.drop(slot_index)
        return len(triples)


def _class_of(name: str, length: int, heap_limit: int) -> EventSize:
    """Return the smallest class that a payload fits [SIZE-2, SIZE-3, ALLOC-8].

    Raises:
        PayloadTooLarge: the class is XXL and the payload is longer than `heap_limit`, or there is no class.
    """
    if length > max(EventSize.XL, heap_limit):
        raise PayloadTooLarge(
            f"{name} is {length} bytes long: more than the {heap_limit:d} that the largest class takes; split the "
            f"payload, or make pools of more heap_bytes"
        )
    return smallest_class(length)
