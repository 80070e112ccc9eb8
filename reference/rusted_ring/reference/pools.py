"""The six pools of an allocator, and the calls that name a slot by its number [SLOT-14, ALLOC-16 to ALLOC-20]."""

from rusted_ring.reference.arguments import as_number, check_between, wrong_type
from rusted_ring.reference.errors import LayoutError, RefCountUnderflow
from rusted_ring.reference.event import PoolStats, SlotMetadata, SlotState
from rusted_ring.reference.following import Choices
from rusted_ring.reference.heap import HeapPool
from rusted_ring.reference.layout import pool_bytes, slot_bytes
from rusted_ring.reference.parameters import SEED, Profile
from rusted_ring.reference.pin import Pin
from rusted_ring.reference.pool import Pool
from rusted_ring.reference.sizes import PoolId
from rusted_ring.reference.step import Step


class EventPools:
    """The pools XS to XL and the heap's table XXL, all of whose slots are FREE at first [SLOT-4, PARAM-4]."""

    __slots__ = ("__weakref__", "_choices", "_heap", "_memory_usage", "_pools", "_profile", "_step")

    def __init__(self, profile: Profile = SEED) -> None:
        """Make pools whose slots are all FREE with generation 0 [SLOT-4].

        Args:
            profile: widths and capacities.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool's storage would be above `max_ring_bytes` [LAYOUT-7].
        """
        if not isinstance(profile, Profile):
            raise wrong_type("profile", profile, "a Profile such as SEED, WIDE or TINY")
        self._profile = profile
        self._memory_usage = sum(
            checked_storage(pool_id, capacity, profile.max_ring_bytes)
            for pool_id, capacity in zip(PoolId, profile.capacities, strict=False)
        )
        self._step = Step()
        self._choices = Choices()
        self._heap = HeapPool(profile, self._choices)
        fixed = [
            Pool(pool_id, capacity, profile, self._choices)
            for pool_id, capacity in zip(PoolId, profile.capacities, strict=False)
        ]
        self._pools: tuple[Pool, ...] = (*fixed, self._heap)

    def __repr__(self) -> str:
        return f"EventPools({self._profile.name})"

    @property
    def profile(self) -> Profile:
        """The widths and capacities the pools were made with [PARAM-4]."""
        return self._profile

    def capacity(self, pool_id: PoolId | int) -> int:
        """Return how many slots a pool has [PARAM-4].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool [ALLOC-20].
        """
        return self._pools[check_pool(as_number("pool_id", pool_id))].capacity

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the figures of the six pools, in the order of their numbers [ALLOC-9]."""
        with self._step:
            return {pool.pool_id: pool.stats() for pool in self._pools}

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return self._memory_usage

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the payloads on the heap [LAYOUT-5]."""
        with self._step:
            return self._heap.heap_usage()

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
        pool, slot_index, generation = self._place(pool_id, slot_index, generation)
        with self._step:
            pool.check_live(slot_index, generation)
            pool.clone(slot_index)
            return Pin(self._step, pool, slot_index).view().toreadonly()

    def inc_ref_count(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> int:
        """Add one loose reference to a LIVE slot and return the new count [ALLOC-16, PTR-11].

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
        pool, slot_index, generation = self._place(pool_id, slot_index, generation)
        with self._step:
            pool.check_live(slot_index, generation)
            pool.clone(slot_index)
            pool.leave_loose(slot_index)
            return pool.slot(slot_index).ref_count

    def dec_ref_count(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> int:
        """Give one loose reference of a LIVE slot back and return the new count [ALLOC-17, PTR-11].

        Args:
            pool_id: the pool or its number.
            slot_index: the slot.
            generation: the generation that the slot must have; None for whatever it has.

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot [ALLOC-20].
            StaleHandle: a generation is given and the slot is not LIVE with it [PTR-15].
            RefCountUnderflow: the slot has no loose reference, or no generation is given and it is not LIVE [PTR-14].
        """
        pool, slot_index, generation = self._place(pool_id, slot_index, generation)
        with self._step:
            slot = pool.slot(slot_index)
            if generation is None and slot.state != SlotState.LIVE:
                raise RefCountUnderflow(
                    f"slot_index {slot_index} of pool {pool.pool_id.name} is {slot.state.name}: it has no references; "
                    f"end each reference that was left loose once"
                )
            pool.check_live(slot_index, generation)
            pool.check_loose(slot_index, 1)
            pool.take_loose(slot_index)
            pool.drop(slot_index)
            return pool.slot(slot_index).ref_count

    def get_generation(self, pool_id: PoolId | int, slot_index: int) -> int:
        """Return the generation of a slot, whatever its state [ALLOC-18].

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
        pool, slot_index, _ = self._place(pool_id, slot_index, None)
        with self._step:
            return pool.slot(slot_index)

    def slot_words(self, pool_id: PoolId | int) -> bytes:
        """Return the slot words of a pool in the order of the slots, 8 bytes each [SLOT-15].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool [ALLOC-20].
        """
        pool = self._pools[check_pool(as_number("pool_id", pool_id))]
        with self._step:
            return pool.words.tobytes()

    def _place(self, pool_id: object, slot_index: object, generation: object) -> tuple[Pool, int, int | None]:
        """Return the pool, slot and generation that arguments name, types checked before values [ALLOC-20]."""
        pool_number = as_number("pool_id", pool_id)
        slot_number = as_number("slot_index", slot_index)
        generation_number = None if generation is None else as_number("generation", generation)
        pool = self._pools[check_pool(pool_number)]
        check_slot(slot_number, pool)
        if generation_number is not None:
            check_generation(generation_number, self._profile)
        return pool, slot_number, generation_number


def checked_storage(pool_id: PoolId, capacity: int, max_ring_bytes: int) -> int:
    """Return the bytes of a pool, if they are within the limit [LAYOUT-3, LAYOUT-7].

    Raises:
        LayoutError: they are not.
    """
    storage = pool_bytes(capacity, slot_bytes(pool_id.size))
    if storage > max_ring_bytes:
        raise LayoutError(
            f"max_ring_bytes is {max_ring_bytes}: the {capacity} slots of pool {pool_id.name} would take {storage} "
            f"bytes; give it fewer slots, or the profile a higher max_ring_bytes"
        )
    return storage


def check_pool(pool_number: int) -> int:
    """Return the number of a pool if there is one of that number [ALLOC-20].

    Raises:
        ValueError: there is none.
    """
    return check_between("pool_id", pool_number, 0, 5, "give a PoolId or its number")


def check_slot(slot_index: int, pool: Pool) -> None:
    """Make sure that a pool has a slot [ALLOC-20].

    Raises:
        IndexError: it has not.
    """
    if not 0 <= slot_index < pool.capacity:
        last = pool.capacity - 1
        raise IndexError(
            f"slot_index is {slot_index}: pool {pool.pool_id.name} has the slots 0 to {last}; give one of them"
        )


def check_generation(generation: int, profile: Profile) -> None:
    """Make sure that a slot can have a generation [PTR-16].

    Raises:
        ValueError: it cannot.
    """
    last = 2**profile.generation_bits - 1
    check_between("generation", generation, 0, last, "give the generation of a pointer of this allocator")
