/* allocate.c - allocating one event: chapter ALLOC [ALLOC-1] [ALLOC-4] [ALLOC-11] [ALLOC-21] [ALLOC-22]. */
#include "allocate.h"

#include "heap.h"

/* Takes an XXL slot and a block for it [ALLOC-6]. */
NOINLINE static rr_status take_heap_slot(rr_allocator *allocator, uint64_t length, struct claim *claim)
{
    struct pool *pool = &allocator->pools[RR_XXL];
    rr_status status = RR_POOL_EXHAUSTED;
    *claim = free_list_claim(pool, 1, allocator->profile.tag_bits);
    if (claim->bits != 0) {
        struct slot_line *slot = slot_at(pool, first_of(*claim));
        status = heap_acquire(allocator, slot, length);
        if (status != RR_OK) {
            free_list_release_slot(slot);
        }
    }
    if (status == RR_POOL_EXHAUSTED) {
        count_failure(pool);
    }
    return status;
}

rr_status take_slots(rr_allocator *allocator, uint32_t pool_id, uint64_t length, size_t wanted, struct claim *claim)
{
    struct pool *pool = &allocator->pools[pool_id];
    if (pool_id == RR_XXL) {
        return take_heap_slot(allocator, length, claim);
    }
    *claim = free_list_claim(pool, wanted, allocator->profile.tag_bits);
    if (claim->bits == 0) {
        count_failure(pool);
        return RR_POOL_EXHAUSTED;
    }
    return RR_OK;
}

NOINLINE struct slot_line *take_slot(rr_allocator *allocator, uint64_t length, uint32_t flags, rr_status *status)
{
    uint32_t pool_id = size_class_of(length);
    struct claim claim = {0};
    rr_status result = RR_BAD_ARGUMENT;
    if ((flags & ~RR_SPILL) == 0) {
        result = is_too_large(allocator, length) ? RR_PAYLOAD_TOO_LARGE : take_slots(allocator, pool_id, length, 1, &claim);
        while (result == RR_POOL_EXHAUSTED && (flags & RR_SPILL) != 0 && pool_id != RR_XXL) {
            ++pool_id;
            result = take_slots(allocator, pool_id, length, 1, &claim);
        }
    }
    set_status(status, result);
    return result == RR_OK ? slot_at(&allocator->pools[pool_id], first_of(claim)) : NULL;
}

/* The slow path: searches the free list. */
NOINLINE static const uint8_t *allocate_searching(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type,
                                                  uint32_t flags, rr_status *status)
{
    struct slot_line *slot = take_slot(allocator, length, flags, status);
    if (slot == NULL) {
        return NULL;
    }
    uint8_t *payload = payload_of(slot);
    (void)slot_publish(allocator, slot, payload, slot->size, data, (uint32_t)length, event_type, false);
    return payload;
}

/* The same for an allocation that came too late for the slot that the next-fit cursor named.
 * `type_and_flags`: the event type; in the upper half the flags. */
NOINLINE static const uint8_t *allocate_elsewhere(rr_allocator *allocator, const void *data, uint64_t length,
                                                  uint64_t type_and_flags, rr_status *status, uint64_t next_fit)
{
    migrate_on_contention(shard_of(&allocator->pools[size_class_of(length)]), next_fit);
    return allocate_searching(allocator, data, length, (uint32_t)type_and_flags, (uint32_t)(type_and_flags >> 32), status);
}

/*
 * The fast path: claims the first slot that the next-fit cursor names.
 *
 * The cursor names bits that some thread saw free. The address of the slot follows from the bit that is asked for, not from the
 * bits that the read-modify-write returns. So neither a load nor that address waits for the end of a read-modify-write, this one
 * or the one before, which halves the time of an allocation. `pool_id` is a constant, and type and flags are one word, to spill
 * few registers: a locked instruction drains the store buffer, so fewer spilled registers mean a shorter stall.
 */
INLINE const uint8_t *allocate_next_fit(rr_allocator *allocator, uint32_t pool_id, const void *data, uint64_t length,
                                        uint64_t type_and_flags, rr_status *status)
{
    struct pool *pool = &allocator->pools[pool_id];
    uint64_t size = size_of_class(pool_id);
    struct shard *shard = shard_of(pool);
    /* pairs with nothing: every cursor is right, since the claim decides [ORDER-13] */
    uint64_t next_fit = atomic_load_explicit(&shard->next_fit, memory_order_relaxed);
    if ((uint32_t)next_fit == 0) {
        return allocate_searching(allocator, data, length, (uint32_t)type_and_flags, (uint32_t)(type_and_flags >> 32), status);
    }
    uint64_t index = lowest_bit((uint32_t)next_fit);
    uint64_t bit = UINT64_C(1) << index;
    struct slot_line *home = line_at(pool, next_fit >> 32);
    /* pairs with free_list_release's release, and with the load of claim_in_word in other threads [ORDER-2] */
    if ((atomic_fetch_and_explicit(&home->free_bits, ~bit, memory_order_acq_rel) & bit) == 0) {
        return allocate_elsewhere(allocator, data, length, type_and_flags, status, next_fit);
    }
    uint64_t rest = next_fit & (next_fit - 1);
    if ((uint32_t)rest != 0) {
        /* pairs with nothing: a lost update costs a longer search [ORDER-13] */
        atomic_store_explicit(&shard->next_fit, rest, memory_order_relaxed);
    }
    /* the first slot of word k is slot 32 * k */
    struct slot_line *slot = line_at(pool, (next_fit >> 32) * 32 + index * slot_bytes(size));
    uint8_t *payload = (uint8_t *)slot + LINE_BYTES;
    (void)slot_publish(allocator, slot, payload, size, data, (uint32_t)length, (uint32_t)type_and_flags, false);
    set_status(status, RR_OK);
    return (uint32_t)rest != 0 ? payload : free_list_advance(pool, shard, next_fit >> 32, payload);
}

/* A call of its own, so that an allocation of the smallest class saves no registers for the larger classes' copies. */
NOINLINE static const uint8_t *allocate_larger(rr_allocator *allocator, const void *data, uint64_t length, uint64_t type_and_flags,
                                               rr_status *status)
{
    if (length <= size_of_class(RR_S)) {
        return allocate_next_fit(allocator, RR_S, data, length, type_and_flags, status);
    }
    if (length <= size_of_class(RR_M)) {
        return allocate_next_fit(allocator, RR_M, data, length, type_and_flags, status);
    }
    if (length <= size_of_class(RR_L)) {
        return allocate_next_fit(allocator, RR_L, data, length, type_and_flags, status);
    }
    return allocate_next_fit(allocator, RR_XL, data, length, type_and_flags, status);
}

const uint8_t *rr_allocate(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type, uint32_t flags,
                           rr_status *status)
{
    uint64_t type_and_flags = event_type | (uint64_t)flags << 32;
    if (flags > RR_SPILL || length > size_of_class(RR_XL)) {
        return allocate_searching(allocator, data, length, event_type, flags, status);
    }
    if (length > size_of_class(RR_XS)) {
        return allocate_larger(allocator, data, length, type_and_flags, status);
    }
    return allocate_next_fit(allocator, RR_XS, data, length, type_and_flags, status);
}

/* Allocates and leaves one detached reference; NULL as rr_allocate. */
static struct slot_line *allocate_detached(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type,
                                           uint64_t *token, rr_status *status)
{
    struct slot_line *slot = take_slot(allocator, length, 0, status);
    if (slot != NULL) {
        *token = slot_publish(allocator, slot, payload_of(slot), slot->size, data, (uint32_t)length, event_type, true);
    }
    return slot;
}

rr_status rr_handle_ffi_event(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type, uint64_t *token)
{
    rr_status status = RR_OK;
    (void)allocate_detached(allocator, data, length, event_type, token, &status);
    return status;
}

int64_t rr_allocate_to_pool(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type)
{
    uint64_t token = 0;
    rr_status status = RR_OK;
    const struct slot_line *slot = allocate_detached(allocator, data, length, event_type, &token, &status);
    return slot != NULL ? (int64_t)slot->slot_index : -(int64_t)status;
}
