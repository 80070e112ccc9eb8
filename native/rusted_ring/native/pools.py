"""Pools of slots, and the calls that name a slot by its numbers [SLOT-14, ALLOC-16 to ALLOC-20]."""

from array import array
from typing import NoReturn

from rusted_ring.native._arguments import U64_LIMIT, between, integer, shown, wrong_type
from rusted_ring.native._core import FAILED, CData, Owner, ffi, lib, made_once, make, owned, quick
from rusted_ring.native.parameters import SEED
from rusted_ring.reference.errors import LayoutError, RefCountOverflow, RefCountUnderflow, StaleHandle
from rusted_ring.reference.event import PoolStats, SlotMetadata, SlotState
from rusted_ring.reference.parameters import Profile
from rusted_ring.reference.sizes import PoolId

POOLS = tuple(PoolId)
ANY_GENERATION = U64_LIMIT


class EventPools:
    """The pools of an allocator: XS to XL, and the table of XXL [PARAM-4, SLOT-4, LAYOUT-4]."""

    __slots__ = ("__weakref__", "_capacities", "_cdata", "_owner", "_profile")

    _cdata: CData
    _owner: Owner

    def __init__(self, profile: Profile = SEED) -> None:
        """Make pools whose slots are all FREE with generation 0 [SLOT-4].

        Args:
            profile: widths and capacities.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool would be larger than the profile's `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system gave no memory.
        """
        made_once(self)
        if not isinstance(profile, Profile):
            remedy = "pass SEED, WIDE, TINY or a Profile"
            raise wrong_type("profile", profile, f"a {type(profile).__name__}, not a Profile", remedy)
        values = ffi.new(
            "rr_profile *",
            {
                "ref_bits": profile.ref_bits,
                "generation_bits": profile.generation_bits,
                "tag_bits": profile.tag_bits,
                "capacities": list(profile.capacities),
                "heap_slots": profile.heap_slots,
                "heap_bytes": profile.heap_bytes,
                "max_ring_bytes": profile.max_ring_bytes,
            },
        )
        status = ffi.new("int *")
        made = lib.rrb_allocator_create(values, status)
        if not made:
            if status[0] == lib.RR_NO_MEMORY:
                raise MemoryError
            raise LayoutError(
                f"profile is {profile}: a pool would take more than its max_ring_bytes of {profile.max_ring_bytes}; "
                "lower that pool's capacity or raise max_ring_bytes"
            )
        self._cdata = made
        self._owner = owned("allocator", made)
        self._profile = profile
        # As the core has them: how much `slot_words` copies follows from them.
        self._capacities: tuple[int, ...] = (*values.capacities, values.heap_slots)

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
            ValueError: there is no such pool.
        """
        return self._capacities[self._pool(integer("pool_id", pool_id))]

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in their order [ALLOC-9]."""
        found = ffi.new("rr_pool_stats[6]")
        quick.rrb_pool_stats(self._cdata, found)
        return {
            pool_id: PoolStats(one.capacity, one.live, one.free, one.allocations, one.failures)
            for pool_id, one in zip(POOLS, found, strict=True)
        }

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return quick.rrb_memory_usage(self._cdata)

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the events on the heap now [LAYOUT-5]."""
        return quick.rrb_heap_usage(self._cdata)

    def get_slot_data(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> memoryview:
        """Return a read-only view of the event in a LIVE slot, which holds a reference of its own [ALLOC-19, VIEW-6].

        Args:
            pool_id: the pool.
            slot_index: the slot.
            generation: the generation that the slot must have, or None for whatever it has.

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot.
            StaleHandle: the slot is not LIVE (with that generation) [PTR-15].
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        place = self._place(pool_id, slot_index, generation)
        payload = quick.rrb_get_slot_data(self._cdata, *place)
        if payload < FAILED:
            self._refuse(payload, *place)
        return memoryview(make(self._owner, payload, 0))  # type: ignore[arg-type]

    def inc_ref_count(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> int:
        """Add one loose reference to a LIVE slot and return the new count [ALLOC-16].

        Args:
            pool_id: the pool.
            slot_index: the slot.
            generation: the generation that the slot must have, or None for whatever it has.

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot.
            StaleHandle: the slot is not LIVE (with that generation) [PTR-15].
            RefCountOverflow: the slot's counter is full [SLOT-10].
        """
        place = self._place(pool_id, slot_index, generation)
        count = quick.rrb_inc_ref_count(self._cdata, *place)
        if count < 0:
            self._refuse(-count, *place)
        return count

    def dec_ref_count(self, pool_id: PoolId | int, slot_index: int, generation: int | None = None) -> int:
        """Give one loose reference back and return the new count [ALLOC-17].

        Args:
            pool_id: the pool.
            slot_index: the slot.
            generation: the generation that the slot must have, or None for whatever it has.

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool or generation.
            IndexError: there is no such slot.
            StaleHandle: a generation was given and the slot is not LIVE with it [PTR-15].
            RefCountUnderflow: the slot is not LIVE or has no loose reference [PTR-14].
        """
        place = self._place(pool_id, slot_index, generation)
        count = quick.rrb_dec_ref_count(self._cdata, *place)
        if count < 0:
            self._refuse(-count, *place)
        return count

    def get_generation(self, pool_id: PoolId | int, slot_index: int) -> int:
        """Return the generation of a slot in whatever state it is [ALLOC-18].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot.
        """
        pool, slot, _ = self._place(pool_id, slot_index, None)
        return quick.rrb_get_generation(self._cdata, pool, slot)

    def slot_metadata(self, pool_id: PoolId | int, slot_index: int) -> SlotMetadata:
        """Return the count, the generation and the state of a slot at one moment [SLOT-14].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot.
        """
        pool, slot, _ = self._place(pool_id, slot_index, None)
        found = ffi.new("rr_slot_metadata *")
        quick.rrb_slot_metadata(self._cdata, pool, slot, found)
        return SlotMetadata(found.ref_count, found.generation, SlotState(found.state))

    def slot_words(self, pool_id: PoolId | int) -> bytes:
        """Return the slot words of a pool, 8 bytes each in the machine's byte order [SLOT-15].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool.
        """
        pool = self._pool(integer("pool_id", pool_id))
        words = array("Q", bytes(8 * self._capacities[pool]))
        with ffi.from_buffer("uint64_t[]", words) as target:
            quick.rrb_slot_words(self._cdata, pool, target)
        return words.tobytes()

    def _pool(self, number: int) -> int:
        return between("pool_id", number, 0, len(POOLS) - 1, "pass a PoolId")

    def _place(self, pool_id: object, slot_index: object, generation: object) -> tuple[int, int, int]:
        """Return the numbers of a slot, checked [ALLOC-20]."""
        pool = integer("pool_id", pool_id)
        slot = integer("slot_index", slot_index)
        wanted = None if generation is None else integer("generation", generation)
        self._pool(pool)
        if not 0 <= slot < self._capacities[pool]:
            why = f"pool {POOLS[pool].name} has the slots 0 to {self._capacities[pool] - 1}"
            raise IndexError(f"slot_index is {shown(slot)}: {why}; pass one of them")
        if wanted is None:
            return pool, slot, ANY_GENERATION
        limit = 2**self._profile.generation_bits - 1
        return pool, slot, between("generation", wanted, 0, limit, "pass a generation that the slot had")

    def _refuse(self, status: int, pool: int, slot: int, generation: int) -> NoReturn:
        """Raise the error of a status for a slot that exists."""
        where = f"slot {slot} of pool {POOLS[pool].name}"
        wanted = "" if generation == ANY_GENERATION else f" with generation {generation}"
        if status == lib.RR_STALE_HANDLE:
            raise StaleHandle(
                f"slot_index is {slot}: {where} is not LIVE{wanted}, its event is gone; allocate the event again"
            )
        if status == lib.RR_REF_COUNT_OVERFLOW:
            limit = 2**self._profile.ref_bits - 1
            raise RefCountOverflow(
                f"ref_count is {limit}: {where} holds no more references; drop some or use a profile of more ref_bits"
            )
        if status == lib.RR_REF_COUNT_UNDERFLOW:
            raise RefCountUnderflow(
                f"slot_index is {slot}: {where} has no loose reference left{wanted}; "
                "give back only what into_token, inc_ref_count or allocate_to_pool left"
            )
        raise AssertionError(f"status {status} from {where}")
