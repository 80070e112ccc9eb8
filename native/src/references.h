/* references.h - ending a reference, and detached references: chapter PTR [PTR-3] [PTR-11], and [SLOT-9] to [SLOT-12]. */
#ifndef RR_REFERENCES_H
#define RR_REFERENCES_H

#include "free_list.h"
#include "slot.h"

/* Makes one of the caller's references a detached one [PTR-11]. */
void add_detached(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation);

/* Makes a detached reference of exactly this generation the caller's: RR_STALE_HANDLE if the slot is not LIVE with it,
 * RR_REF_COUNT_UNDERFLOW if it has no detached reference left [PTR-13] [PTR-14] [PTR-15]. */
rr_status take_detached(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation);

NOINLINE void heap_slot_free(rr_allocator *allocator, struct slot_line *slot);

/* Releases a slot that the caller owns to the free list; its word is FREE already. */
INLINE void slot_free(rr_allocator *allocator, struct slot_line *slot)
{
    if (slot->pool_id == RR_XXL) {
        heap_slot_free(allocator, slot);
    } else {
        free_list_release_slot(slot);
    }
}

/* Ends one reference and returns the remaining count; if that is 0, the caller frees the slot [SLOT-11] [SLOT-12]. */
INLINE uint64_t slot_unref(const rr_allocator *allocator, struct slot_line *slot)
{
    uint64_t count_mask = allocator->count_mask; /* read first: the caller's reference may be all that kept the allocator alive */
    /* pairs with itself: the last drop acquires what every earlier one released [ORDER-5] */
    uint64_t word = atomic_fetch_sub_explicit(&slot->word, ONE_REFERENCE, memory_order_acq_rel);
    uint64_t left = ((word >> 2) & count_mask) - 1;
    if (left == 0) {
        /* pairs with nothing: no other thread changes a word that counts no reference; free_list_release hands it over [ORDER-2] */
        atomic_store_explicit(&slot->word, freed_word(allocator, slot, word), memory_order_relaxed);
    }
    return left;
}

/* Ends one reference, and the event with the last one. Returns the remaining count. */
INLINE uint64_t slot_drop(rr_allocator *allocator, struct slot_line *slot)
{
    uint64_t left = slot_unref(allocator, slot);
    if (left == 0) {
        slot_free(allocator, slot);
    }
    return left;
}

#endif
