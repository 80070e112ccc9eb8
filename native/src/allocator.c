/* allocator.c - making and ending an allocator, and its figures: chapter ALLOC [ALLOC-9], and [LAYOUT-3] to [LAYOUT-5] [SLOT-4]. */
#include <stdlib.h>
#include <string.h>

#include "copies.h"
#include "free_list.h"
#include "slot.h"

static bool pool_create(struct pool *pool, uint32_t id, const rr_profile *profile)
{
    bool heap = id == RR_XXL;
    uint64_t size = heap ? 0 : size_of_class(id);
    uint64_t stride = heap ? LINE_BYTES : slot_bytes(size);
    uint32_t capacity = heap ? profile->heap_slots : profile->capacities[id];
    uint64_t bytes = LINE_BYTES + capacity * stride;
    *pool = (struct pool){.stride = stride, .size = size, .capacity = capacity, .words = (capacity + 31) / 32, .id = id};
    atomic_init(&pool->shards_used, 1);
    for (uint32_t i = 0; i < SHARDS; ++i) {
        atomic_init(&pool->shards[i].next_fit, 0);
        atomic_init(&pool->shards[i].range, (uint64_t)pool->words << 32);
        atomic_init(&pool->shards[i].looks, 0);
        for (uint32_t other = 0; other < SHARDS; ++other) {
            atomic_init(&pool->shards[i].seen[other], 0);
        }
    }
    pool->storage = bytes > SIZE_MAX ? NULL : aligned_alloc(LINE_BYTES, (size_t)bytes);
    if (pool->storage == NULL) {
        return false;
    }
    pool->slots = pool->storage + LINE_BYTES;
    memset(pool->storage, 0, (size_t)bytes);
    struct pool_header *header = pool_header(pool);
    header->capacity = capacity;
    header->stride = stride;
    header->size = size;
    header->pool_id = id;
    header->ref_bits = profile->ref_bits;
    header->generation_bits = profile->generation_bits;
    header->tag_bits = profile->tag_bits;
    atomic_init(&header->failures, 0);
    for (uint32_t index = 0; index < capacity; ++index) {
        struct slot_line *slot = slot_at(pool, index);
        slot->pool_id = id;
        slot->slot_index = index;
        slot->size = (uint32_t)size;
        slot->home = -(int32_t)((index - index / 32) * (stride / LINE_BYTES));
        slot->block = NULL;
        atomic_init(&slot->word, 0); /* FREE, generation 0 [SLOT-4] */
        atomic_init(&slot->detached, 0);
        atomic_init(&slot->rounds, 0);
        uint32_t rest = index < pool->words ? capacity - index * 32 : 0;
        atomic_init(&slot->free_bits, rest >= 32 ? UINT32_MAX : (UINT64_C(1) << rest) - 1);
    }
    return true;
}

rr_allocator *rr_allocator_create(const rr_profile *profile, rr_status *status)
{
    rr_status valid = rr_profile_check(profile);
    if (valid != RR_OK) {
        set_status(status, valid);
        return NULL;
    }
    rr_allocator *allocator = aligned_alloc(LINE_BYTES, sizeof *allocator);
    if (allocator == NULL) {
        set_status(status, RR_NO_MEMORY);
        return NULL;
    }
    memset(allocator, 0, sizeof *allocator);
    allocator->profile = *profile;
    allocator->wide = copies_are_wide();
    allocator->count_mask = (UINT64_C(1) << profile->ref_bits) - 1;
    allocator->generation_mask = (UINT64_C(1) << profile->generation_bits) - 1;
    atomic_init(&allocator->heap_payload_bytes, 0);
    atomic_init(&allocator->heap_block_bytes, 0);
    for (uint32_t id = RR_XS; id < RR_POOL_COUNT; ++id) {
        if (!pool_create(&allocator->pools[id], id, profile)) {
            while (id-- > 0) {
                free(allocator->pools[id].storage);
            }
            free(allocator);
            set_status(status, RR_NO_MEMORY);
            return NULL;
        }
    }
    set_status(status, RR_OK);
    return allocator;
}

rr_status rr_allocator_destroy(rr_allocator *allocator)
{
    for (uint32_t id = RR_XS; id < RR_POOL_COUNT; ++id) {
        if (free_list_count(&allocator->pools[id]) != allocator->pools[id].capacity) {
            return RR_BUSY;
        }
    }
    rr_allocator_abandon(allocator);
    return RR_OK;
}

void rr_allocator_abandon(rr_allocator *allocator)
{
    const struct pool *heap = &allocator->pools[RR_XXL];
    for (uint32_t index = 0; index < heap->capacity; ++index) {
        free(slot_at(heap, index)->block);
    }
    for (uint32_t id = RR_XS; id < RR_POOL_COUNT; ++id) {
        free(allocator->pools[id].storage);
    }
    free(allocator);
}

rr_profile rr_allocator_profile(const rr_allocator *allocator)
{
    return allocator->profile;
}

/* --------------------------------------------------------------------------------------------------------- figures */

int64_t rr_get_generation(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index)
{
    rr_slot_metadata metadata;
    rr_status status = rr_slot_metadata_get(allocator, pool_id, slot_index, &metadata);
    return status == RR_OK ? (int64_t)metadata.generation : -(int64_t)status;
}

rr_status rr_slot_metadata_get(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, rr_slot_metadata *metadata)
{
    struct slot_line *slot = find_slot(allocator, pool_id, slot_index, RR_ANY_GENERATION);
    if (slot == NULL) {
        return RR_BAD_ARGUMENT;
    }
    /* pairs with nothing: a snapshot of one moment [ORDER-13] */
    uint64_t word = canonical_word(allocator, atomic_load_explicit(&slot->word, memory_order_relaxed));
    metadata->generation = word_generation(allocator, word);
    metadata->ref_count = (uint32_t)word_count(allocator, word);
    metadata->state = (uint32_t)(word & STATE_MASK);
    return RR_OK;
}

uint32_t rr_pool_capacity(const rr_allocator *allocator, uint32_t pool_id)
{
    return pool_id < RR_POOL_COUNT ? allocator->pools[pool_id].capacity : 0;
}

rr_status rr_slot_words(const rr_allocator *allocator, uint32_t pool_id, uint64_t *words)
{
    uint32_t capacity = rr_pool_capacity(allocator, pool_id);
    for (uint32_t index = 0; index < capacity; ++index) {
        /* pairs with nothing: a snapshot of one moment for each slot [ORDER-13] */
        uint64_t word = atomic_load_explicit(&slot_at(&allocator->pools[pool_id], index)->word, memory_order_relaxed);
        words[index] = canonical_word(allocator, word);
    }
    return capacity == 0 ? RR_BAD_ARGUMENT : RR_OK;
}

/* How often a slot was allocated: once in each generation [ALLOC-9]. */
static uint64_t allocations_of(const rr_allocator *allocator, struct slot_line *slot)
{
    /* pairs with nothing: a statistic [ORDER-13] */
    uint64_t word = canonical_word(allocator, atomic_load_explicit(&slot->word, memory_order_relaxed));
    /* pairs with nothing: a statistic [ORDER-13] */
    uint64_t rounds = atomic_load_explicit(&slot->rounds, memory_order_relaxed);
    return (rounds << allocator->profile.generation_bits) + word_generation(allocator, word) +
           ((word & STATE_MASK) != RR_SLOT_FREE);
}

rr_status rr_pool_stats_get(const rr_allocator *allocator, uint32_t pool_id, rr_pool_stats *stats)
{
    if (pool_id >= RR_POOL_COUNT) {
        return RR_BAD_ARGUMENT;
    }
    const struct pool *pool = &allocator->pools[pool_id];
    stats->capacity = pool->capacity;
    stats->free = free_list_count(pool);
    stats->live = stats->capacity - stats->free;
    stats->allocations = 0;
    for (uint32_t index = 0; index < pool->capacity; ++index) {
        stats->allocations += allocations_of(allocator, slot_at(pool, index));
    }
    /* pairs with nothing: a statistic [ORDER-13] */
    stats->failures = atomic_load_explicit(&pool_header(pool)->failures, memory_order_relaxed);
    return RR_OK;
}

uint64_t rr_memory_usage(const rr_allocator *allocator)
{
    uint64_t bytes = 0;
    for (uint32_t id = RR_XS; id < RR_FIXED_POOL_COUNT; ++id) {
        bytes += rr_pool_bytes(allocator->pools[id].size, allocator->pools[id].capacity);
    }
    return bytes;
}

uint64_t rr_heap_usage(const rr_allocator *allocator)
{
    uint64_t table = LINE_BYTES + (uint64_t)LINE_BYTES * allocator->pools[RR_XXL].capacity;
    /* pairs with nothing: a statistic [ORDER-13] */
    return table + atomic_load_explicit(&allocator->heap_block_bytes, memory_order_relaxed);
}
