/* slot.h - the word of a slot, its payload and its event descriptor: chapter SLOT, and tokens [PTR-10] and handles [ALLOC-20]. */
#ifndef RR_SLOT_H
#define RR_SLOT_H

#include <string.h>

#include "pool.h"

#define STATE_MASK UINT64_C(3)
#define ONE_REFERENCE UINT64_C(4)

static inline uint64_t word_generation(const rr_allocator *allocator, uint64_t word)
{
    return word >> (2 + allocator->profile.ref_bits);
}

static inline uint64_t word_count(const rr_allocator *allocator, uint64_t word)
{
    return (word >> 2) & allocator->count_mask;
}

/* [SLOT-2] */
static inline uint64_t word_of(const rr_allocator *allocator, rr_slot_state state, uint64_t count, uint64_t generation)
{
    return (uint64_t)state + ONE_REFERENCE * (count + (generation << allocator->profile.ref_bits));
}

static inline uint64_t next_generation(const rr_allocator *allocator, uint64_t word)
{
    return (word_generation(allocator, word) + 1) & allocator->generation_mask;
}

/* The word that a slot counts as having. The last drop of an event leaves LIVE with a count of 0 for a moment; that is FREE
 * already [SLOT-12]. */
static inline uint64_t canonical_word(const rr_allocator *allocator, uint64_t word)
{
    bool dropped = (word & STATE_MASK) == RR_SLOT_LIVE && word_count(allocator, word) == 0;
    return dropped ? word_of(allocator, RR_SLOT_FREE, 0, next_generation(allocator, word)) : word;
}

/* A slot is LIVE exactly while references to it are counted [SLOT-2]. */
static inline bool is_live_as(const rr_allocator *allocator, uint64_t word, uint64_t generation)
{
    return word_count(allocator, word) != 0 && (generation == RR_ANY_GENERATION || word_generation(allocator, word) == generation);
}

/* The generation wrapped around (references.c). */
COLD void count_round(struct slot_line *slot);

/* The word that a slot gets when its event or its loan ends [SLOT-12]. */
INLINE uint64_t freed_word(const rr_allocator *allocator, struct slot_line *slot, uint64_t word)
{
    uint64_t freed = word_of(allocator, RR_SLOT_FREE, 0, next_generation(allocator, word));
    if (freed == 0) {
        count_round(slot);
    }
    return freed;
}

/* ------------------------------------------------------------------------------------------------ payload and event */

/* The cache line before a payload: the slot's own, or the first line of a block on the heap. */
static inline const struct slot_line *line_before(const uint8_t *payload)
{
    return (const struct slot_line *)(const void *)(payload - LINE_BYTES);
}

static inline struct slot_line *slot_of(const rr_allocator *allocator, const uint8_t *payload)
{
    const struct slot_line *before = line_before(payload);
    if (before->pool_id == RR_XXL) {
        return slot_at(&allocator->pools[RR_XXL], before->slot_index);
    }
    return (struct slot_line *)(void *)(uintptr_t)before;
}

/* The caller has a reference to the event, or the slot's loan: the block of an XXL slot belongs to its event. */
static inline uint8_t *payload_of(struct slot_line *slot)
{
    return slot->block != NULL ? slot->block + LINE_BYTES : (uint8_t *)slot + LINE_BYTES;
}

/* Length and event type, after the payload's room [LAYOUT-1]. */
static inline void write_event_descriptor(uint8_t *payload, uint64_t size, uint32_t length, uint32_t event_type)
{
    uint32_t descriptor[] = {length, event_type};
    memcpy(payload + size, descriptor, sizeof descriptor);
}

static inline uint32_t event_length(const uint8_t *payload)
{
    uint32_t length = 0;
    memcpy(&length, payload + line_before(payload)->size, sizeof length);
    return length;
}

static inline uint32_t event_type_of(const uint8_t *payload)
{
    uint32_t event_type = 0;
    memcpy(&event_type, payload + line_before(payload)->size + 4, sizeof event_type);
    return event_type;
}

/* ------------------------------------------------------------------------------------------------ tokens and handles */

/* [PTR-10] */
static inline uint64_t token_of(uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    return ((((uint64_t)pool_id + 1) << 21) + slot_index) * (UINT64_C(1) << 40) + generation;
}

/* The slot of a handle, or NULL if the allocator has no such slot or generation [ALLOC-20] [PTR-16]. */
static inline struct slot_line *find_slot(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    if (pool_id >= RR_POOL_COUNT || slot_index >= allocator->pools[pool_id].capacity ||
        (generation != RR_ANY_GENERATION && generation > allocator->generation_mask)) {
        return NULL;
    }
    return slot_at(&allocator->pools[pool_id], slot_index);
}

static inline struct slot_line *find_token(const rr_allocator *allocator, uint64_t token, rr_handle *handle)
{
    uint64_t pool = token >> 61;
    handle->pool_id = (uint32_t)pool - 1; /* 0 names no pool: find_slot refuses UINT32_MAX */
    handle->slot_index = (uint32_t)(token >> 40) & (MAX_SLOTS - 1);
    handle->generation = token & ((UINT64_C(1) << 40) - 1);
    return find_slot(allocator, handle->pool_id, handle->slot_index, handle->generation);
}

#endif
