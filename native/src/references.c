/* references.c - references to an event: clone, drop, upgrade, detached references, tokens and handles: chapters PTR and WEAK. */
#include "references.h"

#include "heap.h"

/* Counts a wrap-around of the generation. The slot's owner alone writes this counter, so a load and a store suffice. */
COLD void count_round(struct slot_line *slot)
{
    /* pairs with nothing: owners follow one another through the free list [ORDER-13] */
    uint64_t rounds = atomic_load_explicit(&slot->rounds, memory_order_relaxed);
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_store_explicit(&slot->rounds, rounds + 1, memory_order_relaxed);
}

NOINLINE void heap_slot_free(rr_allocator *allocator, struct slot_line *slot)
{
    heap_release(allocator, slot);
    free_list_release_slot(slot);
}

/* Returns `value`. Value speculation: if the prediction is right, dependent instructions proceed without waiting for the load of
 * `value`, since the processor predicts the branch and goes on with `predicted`. */
INLINE uint64_t speculated(uint64_t value, uint64_t predicted)
{
#if defined(__GNUC__)
    uint64_t same = predicted;
    __asm__ volatile("" : "+r"(same)); /* hides from the compiler that it is the same */
    if (value == predicted) {
        value = same;
        __asm__ volatile("" : "+r"(value)); /* makes the compiler branch, not select */
    }
#else
    (void)predicted;
#endif
    return value;
}

/* Adds a reference for a caller that has one. Most often that is the only one, which is the prediction [SLOT-9]. */
static rr_status slot_clone(const rr_allocator *allocator, struct slot_line *slot)
{
    /* pairs with nothing: the caller's reference keeps the slot as it is [ORDER-4] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    word = speculated(word, slot->predicted_word);
    do {
        if (word_count(allocator, word) == allocator->count_mask) {
            return RR_REF_COUNT_OVERFLOW;
        }
        /* pairs with nothing: as above [ORDER-4] */
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, word + ONE_REFERENCE, memory_order_relaxed,
                                                    memory_order_relaxed));
    return RR_OK;
}

rr_status rr_clone_payload(rr_allocator *allocator, const uint8_t *payload)
{
    return slot_clone(allocator, slot_of(allocator, payload));
}

void rr_release_payload(rr_allocator *allocator, const uint8_t *payload)
{
    (void)slot_drop(allocator, slot_of(allocator, payload));
}

/* Adds a reference if the slot is LIVE with the generation; deciding and counting are one step [WEAK-2]. */
static rr_status slot_upgrade(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation, uint64_t *new_word)
{
    /* pairs with nothing: a prediction, which the compare-exchange below confirms [ORDER-6] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    do {
        if (!is_live_as(allocator, word, generation)) {
            return RR_STALE_HANDLE;
        }
        if (word_count(allocator, word) == allocator->count_mask) {
            return RR_REF_COUNT_OVERFLOW;
        }
        /* pairs with the release store that made the slot LIVE, in slot_publish or rr_commit [ORDER-6] */
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, word + ONE_REFERENCE, memory_order_acquire,
                                                    memory_order_relaxed));
    *new_word = word + ONE_REFERENCE;
    return RR_OK;
}

/* --------------------------------------------------------------------------------------------- detached references */

/*
 * The detached references of a slot are counted in a word of their own, beside the generation that they belong to. Two facts make
 * it safe to take one. While the slot is LIVE with generation g, its count includes each detached reference of g, so a slot with
 * detached references of its own generation stays LIVE. A slot that is not LIVE has none, except for the one that its allocation
 * is about to publish.
 */

void add_detached(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation)
{
    uint32_t shift = allocator->profile.ref_bits;
    uint64_t changed = 0;
    /* pairs with nothing: a prediction, which the compare-exchange below confirms [ORDER-12] */
    uint64_t detached = atomic_load_explicit(&slot->detached, memory_order_relaxed);
    do {
        changed = detached >> shift == generation ? detached + 1 : 1 + (generation << shift);
        /* pairs with take_detached's acquire [ORDER-12] */
    } while (!atomic_compare_exchange_weak_explicit(&slot->detached, &detached, changed, memory_order_release,
                                                    memory_order_relaxed));
}

rr_status take_detached(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation)
{
    uint32_t shift = allocator->profile.ref_bits;
    for (;;) {
        /* pairs with nothing: a prediction, which the exchange or the second load below confirms [ORDER-12] */
        uint64_t detached = atomic_load_explicit(&slot->detached, memory_order_relaxed);
        /* pairs with the release store that made the slot LIVE [ORDER-3] */
        uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
        if (!is_live_as(allocator, word, generation)) {
            return RR_STALE_HANDLE;
        }
        if (detached >> shift == generation && (detached & allocator->count_mask) != 0) {
            /* pairs with the release of add_detached and of slot_publish [ORDER-12] */
            if (atomic_compare_exchange_weak_explicit(&slot->detached, &detached, detached - 1, memory_order_acquire,
                                                      memory_order_relaxed)) {
                /* If the generation wrapped around between the two loads above and the exchange, then the exchange took the
                 * reference of an allocation that is not finished, and has to return it. */
                /* pairs with nothing: in each round, the event was written before what the exchange acquired [ORDER-12] */
                word = atomic_load_explicit(&slot->word, memory_order_relaxed);
                if (is_live_as(allocator, word, generation)) {
                    return RR_OK;
                }
                add_detached(allocator, slot, generation);
                return RR_STALE_HANDLE;
            }
            /* pairs with nothing: if it is unchanged, the LIVE slot had no detached reference [ORDER-12] */
        } else if (atomic_load_explicit(&slot->detached, memory_order_relaxed) == detached) {
            return RR_REF_COUNT_UNDERFLOW;
        }
    }
}

/* ------------------------------------------------------------------------------------------------ tokens and handles */

uint64_t rr_token_encode(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    if (generation == RR_ANY_GENERATION || find_slot(allocator, pool_id, slot_index, generation) == NULL) {
        return 0;
    }
    return token_of(pool_id, slot_index, generation);
}

rr_status rr_token_decode(const rr_allocator *allocator, uint64_t token, rr_handle *handle)
{
    rr_handle found;
    if (find_token(allocator, token, &found) == NULL) {
        return RR_BAD_ARGUMENT;
    }
    *handle = found;
    return RR_OK;
}

uint64_t rr_payload_token(const rr_allocator *allocator, const uint8_t *payload)
{
    const struct slot_line *before = line_before(payload);
    return token_of(before->pool_id, before->slot_index, rr_payload_generation(allocator, payload));
}

uint64_t rr_into_token(rr_allocator *allocator, const uint8_t *payload)
{
    uint64_t token = rr_payload_token(allocator, payload);
    add_detached(allocator, slot_of(allocator, payload), rr_payload_generation(allocator, payload));
    return token;
}

static const uint8_t *from_slot(rr_allocator *allocator, struct slot_line *slot, uint64_t generation, rr_status *status)
{
    rr_status result = slot == NULL ? RR_BAD_ARGUMENT : take_detached(allocator, slot, generation);
    set_status(status, result);
    return result == RR_OK ? payload_of(slot) : NULL;
}

const uint8_t *rr_from_token(rr_allocator *allocator, uint64_t token, rr_status *status)
{
    rr_handle handle;
    struct slot_line *slot = find_token(allocator, token, &handle);
    return from_slot(allocator, slot, handle.generation, status);
}

const uint8_t *rr_from_triple(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation,
                              rr_status *status)
{
    if (generation == RR_ANY_GENERATION) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    return from_slot(allocator, find_slot(allocator, pool_id, slot_index, generation), generation, status);
}

static const uint8_t *upgraded(rr_allocator *allocator, struct slot_line *slot, uint64_t generation, rr_status *status)
{
    uint64_t word = 0;
    rr_status result = slot == NULL ? RR_BAD_ARGUMENT : slot_upgrade(allocator, slot, generation, &word);
    set_status(status, result);
    return result == RR_OK ? payload_of(slot) : NULL;
}

const uint8_t *rr_upgrade(rr_allocator *allocator, uint64_t token, rr_status *status)
{
    rr_handle handle;
    struct slot_line *slot = find_token(allocator, token, &handle);
    return upgraded(allocator, slot, handle.generation, status);
}

const uint8_t *rr_upgrade_triple(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation,
                                 rr_status *status)
{
    if (generation == RR_ANY_GENERATION) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    return upgraded(allocator, find_slot(allocator, pool_id, slot_index, generation), generation, status);
}

const uint8_t *rr_get_slot_data(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation,
                                rr_status *status)
{
    return upgraded(allocator, find_slot(allocator, pool_id, slot_index, generation), generation, status);
}

int64_t rr_inc_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    struct slot_line *slot = find_slot(allocator, pool_id, slot_index, generation);
    uint64_t word = 0;
    rr_status status = slot == NULL ? RR_BAD_ARGUMENT : slot_upgrade(allocator, slot, generation, &word);
    if (status != RR_OK) {
        return -(int64_t)status;
    }
    add_detached(allocator, slot, word_generation(allocator, word));
    return (int64_t)word_count(allocator, word);
}

int64_t rr_dec_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    struct slot_line *slot = find_slot(allocator, pool_id, slot_index, generation);
    if (slot == NULL) {
        return -(int64_t)RR_BAD_ARGUMENT;
    }
    rr_status status = RR_STALE_HANDLE;
    if (generation != RR_ANY_GENERATION) {
        status = take_detached(allocator, slot, generation);
    } else {
        while (status == RR_STALE_HANDLE) {
            /* pairs with nothing: only chooses the generation to ask take_detached for [ORDER-12] */
            uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
            status = is_live_as(allocator, word, RR_ANY_GENERATION)
                         ? take_detached(allocator, slot, word_generation(allocator, word))
                         : RR_REF_COUNT_UNDERFLOW;
        }
    }
    return status == RR_OK ? (int64_t)slot_drop(allocator, slot) : -(int64_t)status;
}

/* -------------------------------------------------------------------------------------------- what a pointer shows */

uint32_t rr_payload_length(const uint8_t *payload)
{
    return event_length(payload);
}

uint32_t rr_payload_event_type(const uint8_t *payload)
{
    return event_type_of(payload);
}

uint32_t rr_payload_pool_id(const uint8_t *payload)
{
    return line_before(payload)->pool_id;
}

uint32_t rr_payload_slot_index(const uint8_t *payload)
{
    return line_before(payload)->slot_index;
}

static uint64_t held_word(const rr_allocator *allocator, const uint8_t *payload)
{
    /* pairs with nothing: the generation of a slot that the caller holds does not change [ORDER-4] */
    return atomic_load_explicit(&slot_of(allocator, payload)->word, memory_order_relaxed);
}

uint64_t rr_payload_generation(const rr_allocator *allocator, const uint8_t *payload)
{
    return word_generation(allocator, held_word(allocator, payload));
}

uint32_t rr_payload_ref_count(const rr_allocator *allocator, const uint8_t *payload)
{
    return (uint32_t)word_count(allocator, held_word(allocator, payload));
}

void rr_payload_describe(const rr_allocator *allocator, const uint8_t *payload, rr_payload_info *info)
{
    uint64_t word = held_word(allocator, payload);
    info->generation = word_generation(allocator, word);
    info->pool_id = rr_payload_pool_id(payload);
    info->slot_index = rr_payload_slot_index(payload);
    info->length = rr_payload_length(payload);
    info->event_type = rr_payload_event_type(payload);
    info->ref_count = (uint32_t)word_count(allocator, word);
    info->state = (uint32_t)(word & STATE_MASK);
}
