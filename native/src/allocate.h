/* allocate.h - taking slots and making an event LIVE in one: chapter ALLOC [ALLOC-4] [ALLOC-8], and [SLOT-5]. */
#ifndef RR_ALLOCATE_H
#define RR_ALLOCATE_H

#include "copies.h"
#include "free_list.h"
#include "slot.h"

/* Whether a payload fits no pool [SIZE-3] [ALLOC-8]. */
static inline bool is_too_large(const rr_allocator *allocator, uint64_t length)
{
    return size_class_of(length) == RR_XXL && (length > UINT32_MAX || length > allocator->profile.heap_bytes);
}

/* Takes up to `wanted` slots, one if XXL, for events of `length` bytes. The slots are the caller's; their words are still FREE. */
rr_status take_slots(rr_allocator *allocator, uint32_t pool_id, uint64_t length, size_t wanted, struct claim *claim);

/* Takes one slot of the class of `length`, or with RR_SPILL of the next larger one that has a free slot [ALLOC-4]. */
NOINLINE struct slot_line *take_slot(rr_allocator *allocator, uint64_t length, uint32_t flags, rr_status *status);

/* Writes a payload that no other thread can see yet. */
static inline void fill(uint8_t *payload, const void *data, uint32_t length, bool wide)
{
#ifdef RR_COPY_WORDS
    (void)wide;
    if (length != 0) {
        memcpy(payload, data, length);
    }
#else
    copy_bytes(payload, data, length, wide);
#endif
}

/*
 * Writes an event into a slot that the caller owns and makes it LIVE with one reference [SLOT-5]. Returns its token.
 *
 * A detached reference is counted before the slot is LIVE, since no thread takes a detached reference of a slot that is not LIVE.
 * So the event, its count and its detached reference come into being in one step [PTR-11].
 */
INLINE uint64_t slot_publish(const rr_allocator *allocator, struct slot_line *slot, uint8_t *payload, uint64_t size,
                             const void *data, uint32_t length, uint32_t event_type, bool detached)
{
    fill(payload, data, length, allocator->wide);
    write_event_descriptor(payload, size, length, event_type);
    /* pairs with nothing: the free list handed over the slot, and no other thread changes its word while it is FREE [ORDER-2] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    uint64_t generation = word_generation(allocator, word);
    word += RR_SLOT_LIVE + ONE_REFERENCE;
    slot->predicted_word = word;
    if (detached) {
        /* pairs with take_detached's exchange: the thread that takes it sees the event, and sees the slot FREE or as it became
         * later, never the LIVE of an earlier round of the generation [ORDER-12] */
        atomic_store_explicit(&slot->detached, 1 + (generation << allocator->profile.ref_bits), memory_order_release);
    }
    /* pairs with the acquire in slot_upgrade and take_detached [ORDER-3] */
    atomic_store_explicit(&slot->word, word, memory_order_release);
    return token_of(slot->pool_id, slot->slot_index, generation);
}

#endif
