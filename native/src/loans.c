/* loans.c - loans: an event that the caller writes in place: chapter LOAN. */
#include "allocate.h"
#include "heap.h"
#include "references.h"

uint8_t *rr_loan(rr_allocator *allocator, uint64_t length, uint32_t event_type, rr_status *status)
{
    struct slot_line *slot = take_slot(allocator, length, 0, status);
    if (slot == NULL) {
        return NULL;
    }
    uint8_t *payload = payload_of(slot);
    memset(payload, 0, (size_t)length);
    write_event_descriptor(payload, slot->size, (uint32_t)length, event_type);
    /* pairs with nothing: the free list handed over the slot [ORDER-2] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    word = word_of(allocator, RR_SLOT_LOANED, 0, word_generation(allocator, word));
    /* pairs with nothing: no thread reads a loaned event because of it [ORDER-3] */
    atomic_store_explicit(&slot->word, word, memory_order_relaxed);
    return payload;
}

const uint8_t *rr_commit(rr_allocator *allocator, uint8_t *loan, uint64_t length, rr_status *status)
{
    struct slot_line *slot = slot_of(allocator, loan);
    if (length > event_length(loan)) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    uint32_t event_type = event_type_of(loan);
    if (slot->pool_id == RR_XXL && length < slot->size) {
        heap_shorten(allocator, slot, length);
    }
    uint8_t *payload = payload_of(slot);
    write_event_descriptor(payload, slot->size, (uint32_t)length, event_type);
    /* pairs with nothing: the loan is the caller's alone [ORDER-3] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    word = word_of(allocator, RR_SLOT_LIVE, 1, word_generation(allocator, word));
    slot->predicted_word = word;
    /* pairs with the acquire in slot_upgrade and take_detached [ORDER-3] */
    atomic_store_explicit(&slot->word, word, memory_order_release);
    set_status(status, RR_OK);
    return payload;
}

void rr_abort(rr_allocator *allocator, uint8_t *loan)
{
    struct slot_line *slot = slot_of(allocator, loan);
    /* pairs with nothing: the loan is the caller's alone [ORDER-3] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    /* pairs with nothing: free_list_release hands the slot over [ORDER-2] */
    atomic_store_explicit(&slot->word, freed_word(allocator, slot, word), memory_order_relaxed);
    slot_free(allocator, slot);
}
