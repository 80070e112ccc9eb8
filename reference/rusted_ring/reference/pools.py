"""The six pools of an allocator, and the calls that take a slot index [SLOT-14, ALLOC-16 to ALLOC-20]."""

from collections.abc import Iterable

from rusted_ring.reference.heap import HeapPool
from rusted_ring.reference.layout import pool_bytes, slot_bytes
from rusted_ring.reference.monitor import Found, Monitor
from rusted_ring.reference.once import initialize
from rusted_ring.reference.parameters import SEED
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.recorded_choices import RecordedChoices
from rusted_ring.vocabulary.arguments import as_instance, as_number, check_between
from rusted_ring.vocabulary.errors import LayoutError, RefCountUnderflow
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.slots import PoolStats, SlotMetadata, SlotState
from rusted_ring.vocabulary.unpicklable import Unpicklable


class EventPools(Unpicklable):
    """The pools XS to XL, and the pool XXL, whose payloads are on the heap [SLOT-4, PARAM-4]."""

    __slots__ = ("__weakref__", "_choices", "_heap", "_memory_usage", "_monitor", "_pools", "_profile")

    _choices: RecordedChoices
    _heap: HeapPool
    _memory_usage: int
    _monitor: Monitor
    _pools: tuple[Pool, ...]
    _profile: Profile

    def __init__(self, profile: Profile = SEED) -> None:
        """Make pools whose slots are all FREE with generation 0 [SLOT-4].

        Args:
            profile: widths and capacities.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool's storage would be larger than `max_ring_bytes` [LAYOUT-7].
        """
        as_instance("profile", profile, Profile, "a Profile such as SEED, WIDE or TINY")
        memory_usage = sum(
            checked_storage(pool_id, capacity, profile.max_ring_bytes)
            for pool_id, capacity in zip(PoolId, profile.capacities, strict=False)
        )
        heap = HeapPool(profile)
        fixed = [
            Pool(pool_id, capacity, profile) for pool_id, capacity in zip(PoolId, profile.capacities, strict=False)
        ]
        initialize(
            self,
            _profile=profile,
            _memory_usage=memory_usage,
            _choices=RecordedChoices(),
            _heap=heap,
            _pools=(*fixed, heap),
            _monitor=Monitor(),
        )

    def __repr__(self) -> str:
        return f"EventPools({self._profile.name})"

    @property
    def profile(self) -> Profile:
        """The widths and capacities that the pools were made with [PARAM-4]."""
        return self._profile

    def capacity(self, pool_id: PoolId | int) -> int:
        """Return the number of slots of a pool [PARAM-4].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool [ALLOC-20].
        """
        return self._pools[check_pool(as_number("pool_id", pool_id))].capacity

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in the order of their numbers [ALLOC-9]."""
        return self._monitor.read(lambda: {pool.pool_id: pool.stats() for pool in self._pools})

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return self._memory_usage

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the payloads on the heap now [LAYOUT-5]."""
        return self._monitor.read(self._heap.heap_usage)

    def get_slot_data(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> memoryview:
        """Return a read-only view of the event in a LIVE slot, with a reference of its own [ALLOC-19, VIEW-6].

        Args:
            pool_id: the pool or its number.
            slot_index: the slot.
            generation: the generation that the slot must have; None for whatever it has.

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot [ALLOC-20].
            StaleHandle: the slot is not LIVE (with that generation) [PTR-15].
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        pool, slot_index, generation = self._checked_slot(pool_id, slot_index, generation)

        def look() -> Found[memoryview]:
            pool.check_live(slot_index, generation)
            pin = Pin(self._monitor, pool, slot_index)
            return pin.view().toreadonly(), [pool.cloning(slot_index), pin.arm]

        return self._monitor.run(look)

    def inc_ref_count(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> int:
        """Add one detached reference to a LIVE slot and return the new count [ALLOC-16, PTR-11].

        Args:
            pool_id: the pool or its number.
            slot_index: the slot.
            generation: the generation that the slot must have; None for whatever it has.

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot [ALLOC-20].
            StaleHandle: the slot is not LIVE (with that generation) [PTR-15].
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        pool, slot_index, generation = self._checked_slot(pool_id, slot_index, generation)

        def look() -> Found[int]:
            pool.check_live(slot_index, generation)
            return pool.slot(slot_index).ref_count + 1, [pool.cloning(slot_index), pool.detaching(slot_index)]

        return self._monitor.run(look)

    def dec_ref_count(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> int:
        """Release one detached reference of a LIVE slot and return the new count [ALLOC-17, PTR-11].

        Args:
            pool_id: the pool or its number.
            slot_index: the slot.
            generation: the generation that the slot must have; None for whatever it has.

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot [ALLOC-20].
            StaleHandle: a generation is given and the slot is not LIVE with it [PTR-15].
            RefCountUnderflow: the slot has no detached reference, or is not LIVE and no generation is given [PTR-14].
        """
        pool, slot_index, generation = self._checked_slot(pool_id, slot_index, generation)

        def look() -> Found[int]:
            slot = pool.slot(slot_index)
            if generation is None and slot.state != SlotState.LIVE:
                raise RefCountUnderflow(
                    f"slot_index {slot_index} of pool {pool.pool_id.name} is {slot.state.name}: it has no references; "
                    f"release each detached reference once"
                )
            pool.check_live(slot_index, generation, detached=1)
            return slot.ref_count - 1, [*pool.dropping(slot_index), pool.attaching(slot_index)]

        return self._monitor.run(look)

    def get_generation(self, pool_id: PoolId | int, slot_index: int) -> int:
        """Return the generation of a slot in any state [ALLOC-18].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot [ALLOC-20].
        """
        return self.slot_metadata(pool_id, slot_index).generation

    def slot_metadata(self, pool_id: PoolId | int, slot_index: int) -> SlotMetadata:
        """Return the count, generation and state of a slot at one moment [SLOT-14].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot [ALLOC-20].
        """
        pool, slot_index, _ = self._checked_slot(pool_id, slot_index, None)
        return self._monitor.read(lambda: pool.slot(slot_index))

    def slot_words(self, pool_id: PoolId | int) -> bytes:
        """Return the slot words of a pool in order, 8 bytes each in the machine's byte order [SLOT-15].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool [ALLOC-20].
        """
        pool = self._pools[check_pool(as_number("pool_id", pool_id))]
        return self._monitor.read(pool.words.tobytes)

    def _checked_slot(self, pool_id: object, slot_index: object, generation: object) -> tuple[Pool, int, int | None]:
        """Return the pool, slot and generation that the arguments name; check types before values [ALLOC-20]."""
        self._monitor.check_process()
        pool_number = as_number("pool_id", pool_id)
        slot_number = as_number("slot_index", slot_index)
        generation_number = None if generation is None else as_number("generation", generation)
        pool = self._pools[check_pool(pool_number)]
        check_slot(slot_number, pool)
        if generation_number is not None:
            check_generation(generation_number, self._profile)
        return pool, slot_number, generation_number


def replay_choices(pools: EventPools, choices: Iterable[tuple[PoolId, int]]) -> None:
    """Replace the queue of slots that the next allocations and loans take [ALLOC-2].

    An allocation whose recorded slot is not FREE raises `ReplayMismatch`. If the queue is empty, each pool takes its
    slots in turn.

    Args:
        pools: the pools that replay the choices.
        choices: a pool and a slot index for each slot to be taken, in order.
    """
    change = pools._choices.replacing(choices)
    pools._monitor.run(lambda: (None, [change]))


def checked_storage(pool_id: PoolId, capacity: int, max_ring_bytes: int) -> int:
    """Return the bytes of a pool's storage, which must be within the limit [LAYOUT-3, LAYOUT-7].

    Raises:
        LayoutError: the storage is larger.
    """
    storage = pool_bytes(capacity, slot_bytes(pool_id.size))
    if storage > max_ring_bytes:
        raise LayoutError(
            f"max_ring_bytes is {max_ring_bytes}: the {capacity} slots of pool {pool_id.name} would take {storage} "
            f"bytes; lower that capacity, or raise the profile's max_ring_bytes"
        )
    return storage


def check_pool(pool_number: int) -> int:
    """Return a number that must be that of a pool [ALLOC-20].

    Raises:
        ValueError: there is no such pool.
    """
    return check_between("pool_id", pool_number, 0, 5, "pass a PoolId or its number")


def check_slot(slot_index: int, pool: Pool) -> None:
    """Make sure that a pool has a slot [ALLOC-20].

    Raises:
        IndexError: it does not.
    """
    if not 0 <= slot_index < pool.capacity:
        last = pool.capacity - 1
        raise IndexError(
            f"slot_index is {slot_index}: pool {pool.pool_id.name} has the slots 0 to {last}; pass one of them"
        )


def check_generation(generation: int, profile: Profile) -> None:
    """Make sure that a slot can have a generation [PTR-16].

    Raises:
        ValueError: it cannot: the profile's `generation_bits` are too few.
    """
    last = 2**profile.generation_bits - 1
    check_between("generation", generation, 0, last, "pass the generation of a pointer of this allocator")
