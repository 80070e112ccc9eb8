"""The allocator: it puts events into slots, one at a time or in batches [ALLOC-1 to ALLOC-24]."""

import itertools
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rusted_ring.reference.arguments import (
    as_flag,
    batch_arguments,
    check_event_type,
    check_not_negative,
    token_numbers,
)
from rusted_ring.reference.loan import Loan
from rusted_ring.reference.monitor import Change, Found
from rusted_ring.reference.once import initialize
from rusted_ring.reference.owner import Owner
from rusted_ring.reference.parameters import SEED
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pointers import RingPtr
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.pools import EventPools
from rusted_ring.reference.sizes import smallest_class
from rusted_ring.reference.token import token_of
from rusted_ring.reference.triple import triple_of_token
from rusted_ring.vocabulary.arguments import as_number, buffer_view, check_contiguous
from rusted_ring.vocabulary.errors import PayloadTooLarge
from rusted_ring.vocabulary.event import Payload, PooledEvent
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import EventSize, PoolId
from rusted_ring.vocabulary.slots import PoolStats

T = TypeVar("T")


class EventAllocator(Owner):
    """Allocates events in its own pools; any number of threads may use it at once [ALLOC-1, ALLOC-13]."""

    __slots__ = ()

    def __init__(self, profile: Profile = SEED) -> None:
        """Make an allocator with pools whose slots are all FREE [SLOT-4].

        Args:
            profile: widths and capacities of the pools.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool's storage would be larger than `max_ring_bytes` [LAYOUT-7].
        """
        initialize(self, _pools=EventPools(profile))

    def __repr__(self) -> str:
        return f"EventAllocator({self.profile.name})"

    @property
    def profile(self) -> Profile:
        """The widths and capacities of the pools [PARAM-4]."""
        return self._pools.profile

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
        return _class_of("length", check_not_negative("length", as_number("length", length)), EventSize.XXL)

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in the order of their numbers [ALLOC-9]."""
        return self._pools.stats()

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return self._pools.memory_usage()

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the payloads on the heap now [LAYOUT-5]."""
        return self._pools.heap_usage()

    # One event

    def allocate(self, data: Payload, event_type: int = 0, *, spill: bool = False) -> RingPtr:
        """Copy an event into a FREE slot of its size class and return a pointer to it [ALLOC-1].

        Args:
            data: any C-contiguous buffer; its bytes are the payload [ALLOC-5].
            event_type: an unsigned 32-bit number [ALLOC-23].
            spill: whether to try the larger size classes in turn if the pool is full [ALLOC-4].

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.
            PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
            PoolExhausted: no slot is free [ALLOC-3].
        """
        pool_id, event, spill = self._event_of(data, event_type, spill)

        def take(pool: Pool, slot_index: int) -> Found[RingPtr]:
            pin = Pin(self._pools._monitor, pool, slot_index)
            return RingPtr._holding(pin, self), [*pool.allocating({slot_index: event}), pin.arm]

        return self._take_slot(pool_id, len(event.data), take, spill=spill)

    def _allocate_detached(self, data: object, event_type: int) -> int:
        """Allocate an event with a detached reference in one step, return its token [PTR-11]; raise as `allocate`."""
        pool_id, event, _ = self._event_of(data, event_type, False)

        def take(pool: Pool, slot_index: int) -> Found[int]:
            token = token_of(pool_id, slot_index, pool.slot(slot_index).generation)
            return token, [*pool.allocating({slot_index: event}), pool.detaching(slot_index)]

        return self._take_slot(pool_id, len(event.data), take)

    def _event_of(self, data: object, event_type: int, spill: bool) -> tuple[PoolId, PooledEvent, bool]:
        """Check the arguments of `allocate`, and return the pool of the smallest class, the event and `spill`."""
        self._pools._monitor.check_process()
        # An error's traceback keeps this frame alive, so the view must be released before the error leaves [ERR-1].
        with buffer_view("data", data) as view:
            event_type = as_number("event_type", event_type)
            spill = as_flag("spill", spill)
            check_contiguous("data", view)
            check_event_type(event_type)
            pool_id = self._pool_for("data", view.nbytes)
            return pool_id, PooledEvent(view.tobytes(), event_type), spill

    def loan(self, length: int, event_type: int = 0) -> Loan:
        """Lend a slot of the smallest size class that fits, to write an event in place [LOAN-1, LOAN-2].

        Args:
            length: payload length in bytes.
            event_type: an unsigned 32-bit number [ALLOC-23].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: `length` is below 0, or `event_type` is out of its bounds.
            PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
            PoolExhausted: no slot is free [ALLOC-3].
        """
        self._pools._monitor.check_process()
        length = as_number("length", length)
        event_type = as_number("event_type", event_type)
        check_not_negative("length", length)
        check_event_type(event_type)
        pool_id = self._pool_for("length", length)

        def take(pool: Pool, slot_index: int) -> Found[Loan]:
            pin = Pin(self._pools._monitor, pool, slot_index)
            event = PooledEvent(bytes(length), event_type)
            return Loan._holding(pin, self), [*pool.lending(slot_index, event), pin.arm]

        return self._take_slot(pool_id, length, take)

    def _pool_for(self, name: str, length: int) -> PoolId:
        """Return the pool of the smallest size class that holds a payload [SIZE-2, ALLOC-8].

        Raises:
            PayloadTooLarge: no class holds it, or the class is XXL and the payload is longer than `heap_bytes`.
        """
        return PoolId.from_size(_class_of(name, length, min(self.profile.heap_bytes, EventSize.XXL)))

    def _take_slot(
        self, pool_id: PoolId, length: int, take: Callable[[Pool, int], Found[T]], *, spill: bool = False
    ) -> T:
        """Take a slot in the pool of a payload's class or, with `spill`, in the next pool with room [ALLOC-4].

        Args:
            pool_id: the pool of the class.
            length: payload length in bytes.
            take: called within the step with a pool and a FREE slot; returns the result and the changes.
            spill: whether to try the larger classes.

        Raises:
            PoolExhausted: no pool has room.
        """

        def look() -> Found[T]:
            pools = self._pools._pools[pool_id : None if spill else pool_id + 1]
            full = list(itertools.takewhile(lambda pool: not pool.has_room(1, length), pools))
            failing = [pool.failing() for pool in full]
            if len(full) == len(pools):
                return full[-1].exhausted(1, length), failing
            pool = pools[len(full)]
            (slot_index,), choosing = self._pools._choices.choose([pool])
            found, changes = take(pool, slot_index)
            return found, [*failing, choosing, *changes]

        return self._pools._monitor.run(look)

    # Many events

    def allocate_many(
        self,
        data: Payload | Sequence[Payload],
        *,
        lengths: int | Sequence[int] | object | None = None,
        event_types: int | Sequence[int] | object = 0,
    ) -> memoryview:
        """Allocate every event of a batch, or none, and return the tokens in order [ALLOC-14].

        Args:
            data: a buffer of payloads back to back, or a list or tuple of buffers.
            lengths: the length of each payload in a buffer, in bytes: one integer above 0 for all, or a sequence or
                buffer with an integer for each; None if the buffer is one event, or if `data` is a list or tuple.
            event_types: one integer for all events, or a sequence or buffer with an integer for each [ALLOC-23].

        Returns:
            A read-only view of format `Q`: a token for each event, which stands for one detached reference [PTR-11].

        Raises:
            TypeError: an argument, or an item of one, has a wrong type.
            ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.
            PayloadTooLarge: a payload needs XXL and is longer than `heap_bytes` [ALLOC-8].
            PoolExhausted: the FREE slots are too few [ALLOC-3].
        """
        self._pools._monitor.check_process()
        batch = batch_arguments(data, lengths, event_types)
        pool_ids = [self._pool_for("data", len(payload)) for payload in batch.payloads]
        pools = [self._pools._pools[pool_id] for pool_id in pool_ids]
        events = list(map(PooledEvent, batch.payloads, batch.event_types))

        def look() -> Found[memoryview]:
            wanted = {pool: [0, 0] for pool in pools}
            for pool, event in zip(pools, events, strict=True):
                wanted[pool][0] += 1
                wanted[pool][1] += len(event.data)
                if not pool.has_room(*wanted[pool]):
                    return pool.exhausted(*wanted[pool]), [pool.failing()]
            slots, *changes = self._pools._choices.choose(pools)
            taken: dict[Pool, dict[int, PooledEvent]] = {pool: {} for pool in pools}
            tokens = array("Q")
            for pool, slot_index, event in zip(pools, slots, events, strict=True):
                taken[pool][slot_index] = event
                tokens.append(token_of(pool.pool_id, slot_index, pool.slot(slot_index).generation))
                changes.append(pool.detaching(slot_index))
            for pool, placed in taken.items():
                changes += pool.allocating(placed)
            return memoryview(tokens).toreadonly(), changes

        return self._pools._monitor.run(look)

    def drop_many(self, tokens: Iterable[int] | object) -> int:
        """Release the detached reference of every token, or of none [ALLOC-15].

        Args:
            tokens: a buffer of format `Q`, or an iterable of integers; a token occurs once for each detached reference
                to release.

        Returns:
            How many references were released.

        Raises:
            TypeError: `tokens` has a wrong type.
            ValueError: a token names no pool, slot and generation of the allocator [PTR-16].
            StaleHandle: the event of a token is gone [PTR-15].
            RefCountUnderflow: a token occurs more often than it has detached references [PTR-14].
        """
        self._pools._monitor.check_process()
        numbers = token_numbers(tokens)
        triples = [triple_of_token(f"tokens[{index}]", token, self._pools) for index, token in enumerate(numbers)]

        def look() -> Found[int]:
            dropped: Counter[tuple[Pool, int]] = Counter()
            for pool, slot_index, generation in triples:
                dropped[pool, slot_index] += 1
                pool.check_live(slot_index, generation, dropped[pool, slot_index])
            changes: list[Change] = []
            for (pool, slot_index), count in dropped.items():
                changes += *pool.dropping(slot_index, count), pool.attaching(slot_index, count)
            return len(triples), changes

        return self._pools._monitor.run(look)


def _class_of(name: str, length: int, heap_limit: int) -> EventSize:
    """Return the smallest size class that holds a payload [SIZE-2, SIZE-3, ALLOC-8].

    Raises:
        PayloadTooLarge: no class holds it, or the class is XXL and the payload is longer than `heap_limit`.
    """
    if length > max(EventSize.XL, heap_limit):
        raise PayloadTooLarge(
            f"{name} is {length} bytes long: more than the {heap_limit:d} bytes of the largest class; split the "
            f"payload, or make pools with more heap_bytes"
        )
    return smallest_class(length)
