"""The six pools of an allocator, and the calls that take a slot index [SLOT-14, ALLOC-16 to ALLOC-20]."""

from array import array
from typing import TYPE_CHECKING, NoReturn

from rusted_ring.native import _core
from rusted_ring.native._arguments import between, instance, integer
from rusted_ring.native._cffi import ffi, lib
from rusted_ring.native.parameters import SEED
from rusted_ring.vocabulary.arguments import U64_LIMIT
from rusted_ring.vocabulary.errors import LayoutError, RefCountOverflow, RefCountUnderflow, StaleHandle
from rusted_ring.vocabulary.profile import Profile
from rusted_ring.vocabulary.shown import shown
from rusted_ring.vocabulary.sizes import PoolId
from rusted_ring.vocabulary.slots import PoolStats, SlotMetadata, SlotState
from rusted_ring.vocabulary.unpicklable import Unpicklable

if TYPE_CHECKING:
    from rusted_ring.native._cffi import CData

POOLS = tuple(PoolId)
ANY_GENERATION = U64_LIMIT


class EventPools(_core.Pools, Unpicklable):
    """The pools XS to XL, and the pool XXL, whose payloads are on the heap [SLOT-4, PARAM-4]."""

    __slots__ = ("__weakref__",)

    def __init__(self, profile: Profile = SEED) -> None:
        """Make pools whose slots are all FREE with generation 0 [SLOT-4].

        Args:
            profile: widths and capacities.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool's storage would be larger than `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system has not enough memory.
        """
        instance("profile", profile, Profile, "a Profile", "pass a Profile such as SEED, WIDE or TINY")
        numbers = (
            *(profile.ref_bits, profile.generation_bits, profile.tag_bits),
            *profile.capacities,
            *(profile.heap_slots, profile.heap_bytes, profile.max_ring_bytes),
        )
        status = self._make(profile, numbers)
        if status == lib.RR_NO_MEMORY:
            raise MemoryError
        if status:
            raise LayoutError(
                f"profile is {profile}: the storage of a pool would be larger than max_ring_bytes; lower that pool's "
                "capacity, or raise the profile's max_ring_bytes"
            )

    def __repr__(self) -> str:
        return f"EventPools({self.profile.name})"

    def capacity(self, pool_id: PoolId | int) -> int:
        """Return the number of slots of a pool [PARAM-4].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool [ALLOC-20].
        """
        pool = self._pool(integer("pool_id", pool_id))
        return self._capacity(pool, "capacity")

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in the order of their numbers [ALLOC-9]."""
        pointer, found = self._pointer("stats"), ffi.new("rr_pool_stats[6]")
        for pool in POOLS:
            lib.rr_pool_stats_get(pointer, pool, found + pool)
        return {
            pool: PoolStats(one.capacity, one.live, one.free, one.allocations, one.failures)
            for pool, one in zip(POOLS, found, strict=True)
        }

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return lib.rr_memory_usage(self._pointer("memory_usage"))

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the payloads on the heap now [LAYOUT-5]."""
        return lib.rr_heap_usage(self._pointer("heap_usage"))

    def get_generation(self, pool_id: PoolId | int, slot_index: int) -> int:
        """Return the generation of a slot in any state [ALLOC-18].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot [ALLOC-20].
        """
        pool, slot, _ = self._slot_arguments(pool_id, slot_index)
        return lib.rr_get_generation(self._pointer("get_generation"), pool, slot)

    def slot_metadata(self, pool_id: PoolId | int, slot_index: int) -> SlotMetadata:
        """Return the count, generation and state of a slot at one moment [SLOT-14].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot [ALLOC-20].
        """
        pool, slot, _ = self._slot_arguments(pool_id, slot_index)
        found = ffi.new("rr_slot_metadata *")
        lib.rr_slot_metadata_get(self._pointer("slot_metadata"), pool, slot, found)
        return SlotMetadata(found.ref_count, found.generation, SlotState(found.state))

    def slot_words(self, pool_id: PoolId | int) -> bytes:
        """Return the slot words of a pool in order, 8 bytes each in the machine's byte order [SLOT-15].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool [ALLOC-20].
        """
        pool = self._pool(integer("pool_id", pool_id))
        words = array("Q", bytes(8 * self._capacity(pool, "slot_words")))
        with ffi.from_buffer("uint64_t[]", words) as target:
            lib.rr_slot_words(self._pointer("slot_words"), pool, target)
        return words.tobytes()

    def _pointer(self, use: str) -> "CData":
        """Return the pointer to the core's allocator, for a call of that name."""
        return ffi.cast("rr_allocator *", self._address(use))

    def _capacity(self, pool: int, use: str) -> int:
        return lib.rr_pool_capacity(self._pointer(use), pool)

    def _pool(self, number: int) -> int:
        return between("pool_id", number, 0, len(POOLS) - 1, "pass a PoolId or its number")

    def _slot_arguments(
        self, pool_id: object, slot_index: object, generation: object = None
    ) -> tuple[int, int, int | None]:
        """Check the arguments that name a slot, and return them for the fast path [ALLOC-20, ERR-4]."""
        pool = integer("pool_id", pool_id)
        slot = integer("slot_index", slot_index)
        wanted = None if generation is None else integer("generation", generation)
        capacity = self._capacity(self._pool(pool), "slot_index")
        if not 0 <= slot < capacity:
            why = f"pool {POOLS[pool].name} has the slots 0 to {capacity - 1}"
            raise IndexError(f"slot_index is {shown(slot)}: {why}; pass one of them")
        if wanted is not None:
            limit = 2**self.profile.generation_bits - 1
            between("generation", wanted, 0, limit, "pass the generation of a pointer of this allocator")
        return pool, slot, wanted

    def _refuse(self, status: int, pool: int, slot: int, generation: int) -> NoReturn:
        """Raise the error for the status of a call that names a slot."""
        if status == lib.RR_BAD_ARGUMENT:
            self._slot_arguments(pool, slot, None if generation == ANY_GENERATION else generation)
        where = f"slot {slot} of pool {POOLS[pool].name}"
        wanted = "" if generation == ANY_GENERATION else f" with generation {generation}"
        if status == lib.RR_STALE_HANDLE:
            raise StaleHandle(
                f"slot_index is {slot}: {where} is not LIVE{wanted}, its event is gone; keep a pointer as long as you "
                f"need the event"
            )
        if status == lib.RR_REF_COUNT_OVERFLOW:
            limit = 2**self.profile.ref_bits - 1
            raise RefCountOverflow(
                f"slot_index is {slot}: {where} has {limit} references, the most that its counter holds; drop one "
                f"first, or make pools with more ref_bits"
            )
        if status == lib.RR_REF_COUNT_UNDERFLOW:
            raise RefCountUnderflow(
                f"slot_index is {slot}: {where} has no detached reference{wanted}; release each detached reference "
                "once, and drop() pointers"
            )
        raise AssertionError(f"status {status} from {where}")
