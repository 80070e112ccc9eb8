"""Pools of slots, and the calls that name a slot by its numbers [SLOT-14, ALLOC-16 to ALLOC-20]."""

from array import array
from typing import TYPE_CHECKING, NoReturn

from rusted_ring.native import _core
from rusted_ring.native._arguments import between, integer, wrong_type
from rusted_ring.native._cffi import ffi, lib
from rusted_ring.native.parameters import SEED
from rusted_ring.vocabulary.arguments import U64_LIMIT, is_of
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
    """The pools of an allocator: XS to XL, and the table of XXL [PARAM-4, SLOT-4, LAYOUT-4]."""

    __slots__ = ("__weakref__",)

    def __init__(self, profile: Profile = SEED) -> None:
        """Make pools whose slots are all FREE with generation 0 [SLOT-4].

        Args:
            profile: widths and capacities.

        Raises:
            TypeError: `profile` is not a `Profile`.
            LayoutError: a pool would be larger than the profile's `max_ring_bytes` [LAYOUT-7].
            MemoryError: the system gave no memory.
        """
        if not is_of(profile, Profile):
            remedy = "pass SEED, WIDE, TINY or a Profile"
            raise wrong_type("profile", profile, f"a {type(profile).__name__}, not a Profile", remedy)
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
                f"profile is {profile}: a pool would take more than its max_ring_bytes of {profile.max_ring_bytes}; "
                "lower that pool's capacity or raise max_ring_bytes"
            )

    def __repr__(self) -> str:
        return f"EventPools({self.profile.name})"

    def capacity(self, pool_id: PoolId | int) -> int:
        """Return the number of slots of a pool [PARAM-4].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool.
        """
        pool = self._pool(integer("pool_id", pool_id))
        return self._capacity(pool, "capacity")

    def stats(self) -> dict[PoolId, PoolStats]:
        """Return the counters of the six pools, in their order [ALLOC-9]."""
        handle, found = self._handle("stats"), ffi.new("rr_pool_stats[6]")
        for pool in POOLS:
            lib.rr_pool_stats_get(handle, pool, found + pool)
        return {
            pool: PoolStats(one.capacity, one.live, one.free, one.allocations, one.failures)
            for pool, one in zip(POOLS, found, strict=True)
        }

    def memory_usage(self) -> int:
        """Return the bytes of the pools XS to XL [LAYOUT-4]."""
        return lib.rr_memory_usage(self._handle("memory_usage"))

    def heap_usage(self) -> int:
        """Return the bytes of the XXL table and of the events on the heap now [LAYOUT-5]."""
        return lib.rr_heap_usage(self._handle("heap_usage"))

    def get_generation(self, pool_id: PoolId | int, slot_index: int) -> int:
        """Return the generation of a slot in whatever state it is [ALLOC-18].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot.
        """
        pool, slot, _ = self._place_arguments(pool_id, slot_index)
        return lib.rr_get_generation(self._handle("get_generation"), pool, slot)

    def slot_metadata(self, pool_id: PoolId | int, slot_index: int) -> SlotMetadata:
        """Return the count, the generation and the state of a slot at one moment [SLOT-14].

        Raises:
            TypeError: an argument is not an integer.
            ValueError: there is no such pool.
            IndexError: there is no such slot.
        """
        pool, slot, _ = self._place_arguments(pool_id, slot_index)
        found = ffi.new("rr_slot_metadata *")
        lib.rr_slot_metadata_get(self._handle("slot_metadata"), pool, slot, found)
        return SlotMetadata(found.ref_count, found.generation, SlotState(found.state))

    def slot_words(self, pool_id: PoolId | int) -> bytes:
        """Return the slot words of a pool, 8 bytes each in the machine's byte order [SLOT-15].

        Raises:
            TypeError: `pool_id` is not an integer.
            ValueError: there is no such pool.
        """
        pool = self._pool(integer("pool_id", pool_id))
        words = array("Q", bytes(8 * self._capacity(pool, "slot_words")))
        with ffi.from_buffer("uint64_t[]", words) as target:
            lib.rr_slot_words(self._handle("slot_words"), pool, target)
        return words.tobytes()

    def _handle(self, use: str) -> "CData":
        """Return what the core's calls take, for a use."""
        return ffi.cast("rr_allocator *", self._address(use))

    def _capacity(self, pool: int, use: str) -> int:
        return lib.rr_pool_capacity(self._handle(use), pool)

    def _pool(self, number: int) -> int:
        return between("pool_id", number, 0, len(POOLS) - 1, "pass a PoolId")

    def _place_arguments(
        self, pool_id: object, slot_index: object, generation: object = None
    ) -> tuple[int, int, int | None]:
        """Return the numbers of a slot, checked, as the calls that name one take them [ALLOC-20, ERR-4]."""
        pool = integer("pool_id", pool_id)
        slot = integer("slot_index", slot_index)
        wanted = None if generation is None else integer("generation", generation)
        capacity = self._capacity(self._pool(pool), "slot_index")
        if not 0 <= slot < capacity:
            why = f"pool {POOLS[pool].name} has the slots 0 to {capacity - 1}"
            raise IndexError(f"slot_index is {shown(slot)}: {why}; pass one of them")
        if wanted is not None:
            limit = 2**self.profile.generation_bits - 1
            between("generation", wanted, 0, limit, "pass a generation that the slot had")
        return pool, slot, wanted

    def _refuse(self, status: int, pool: int, slot: int, generation: int) -> NoReturn:
        """Raise the error of a status of a slot."""
        if status == lib.RR_BAD_ARGUMENT:
            self._place_arguments(pool, slot, None if generation == ANY_GENERATION else generation)
        where = f"slot {slot} of pool {POOLS[pool].name}"
        wanted = "" if generation == ANY_GENERATION else f" with generation {generation}"
        if status == lib.RR_STALE_HANDLE:
            raise StaleHandle(
                f"slot_index is {slot}: {where} is not LIVE{wanted}, its event is gone; allocate the event again"
            )
        if status == lib.RR_REF_COUNT_OVERFLOW:
            limit = 2**self.profile.ref_bits - 1
            raise RefCountOverflow(
                f"ref_count is {limit}: {where} holds no more references; drop some or use a profile of more ref_bits"
            )
        if status == lib.RR_REF_COUNT_UNDERFLOW:
            raise RefCountUnderflow(
                f"slot_index is {slot}: {where} has no loose reference left{wanted}; "
                "give back only what into_token, inc_ref_count or allocate_to_pool left"
            )
        raise AssertionError(f"status {status} from {where}")
