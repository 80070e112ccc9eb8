/* bulk.c - allocating and dropping many events, all or none: chapter ALLOC [ALLOC-14] [ALLOC-15]. */
#include "allocate.h"
#include "references.h"

/* The index of the first event that fits no pool, or `count` [ALLOC-8]. */
static size_t first_too_large(const rr_allocator *allocator, const uint32_t *lengths, uint32_t length, size_t count)
{
    size_t i = 0;
    for (; i < count; ++i) {
        uint32_t event_length = lengths != NULL ? lengths[i] : length;
        if (is_too_large(allocator, event_length)) {
            break;
        }
        if (lengths == NULL) {
            return count;
        }
    }
    return i;
}

/* Between claiming and writing, a batch keeps its slots in the array of its tokens, as pool * 2^21 + slot. */
static rr_status take_batch(rr_allocator *allocator, const uint32_t *lengths, uint32_t length, size_t count, uint64_t *taken,
                            size_t *done)
{
    size_t i = 0;
    while (i < count) {
        uint64_t event_length = lengths != NULL ? lengths[i] : length;
        uint32_t pool_id = size_class_of(event_length);
        size_t run = lengths != NULL ? 1 : count - i;                /* events of one class in a row */
        while (i + run < count && size_class_of(lengths[i + run]) == pool_id) {
            ++run;
        }
        while (run > 0) {
            struct claim claim = {0};
            event_length = lengths != NULL ? lengths[i] : length;
            *done = i;
            rr_status status = take_slots(allocator, pool_id, event_length, run, &claim);
            if (status != RR_OK) {
                return status;
            }
            for (; claim.bits != 0; claim.bits &= claim.bits - 1, --run, ++i) {
                taken[i] = ((uint64_t)pool_id << 21) + first_of(claim);
            }
        }
    }
    *done = count;
    return RR_OK;
}

rr_status rr_allocate_many(rr_allocator *allocator, const void *data, const uint32_t *lengths, uint32_t length,
                           const uint32_t *event_types, uint32_t event_type, size_t count, uint64_t *tokens, size_t *failed)
{
    const uint8_t *next = data;
    size_t done = first_too_large(allocator, lengths, length, count);
    if (done < count) {
        if (failed != NULL) {
            *failed = done;
        }
        return RR_PAYLOAD_TOO_LARGE;
    }
    rr_status status = take_batch(allocator, lengths, length, count, tokens, &done);
    if (status != RR_OK) {
        if (failed != NULL) {
            *failed = done;
        }
        while (done-- > 0) {
            /* as if it had not been taken: its generation does not change, and the allocation is not counted */
            slot_free(allocator, slot_at(&allocator->pools[tokens[done] >> 21], (uint32_t)tokens[done] & (MAX_SLOTS - 1)));
        }
        return status;
    }
    for (size_t i = 0; i < count; ++i) {
        const struct pool *pool = &allocator->pools[tokens[i] >> 21];
        struct slot_line *slot = slot_at(pool, (uint32_t)tokens[i] & (MAX_SLOTS - 1));
        uint32_t event_length = lengths != NULL ? lengths[i] : length;
        uint32_t kind = event_types != NULL ? event_types[i] : event_type;
        tokens[i] = slot_publish(allocator, slot, payload_of(slot), slot->size, next, event_length, kind, true);
        if (event_length != 0) {
            next += event_length;
        }
    }
    return RR_OK;
}

rr_status rr_drop_many(rr_allocator *allocator, const uint64_t *tokens, size_t count, size_t *failed)
{
    rr_handle handle;
    for (size_t i = 0; i < count; ++i) {
        struct slot_line *slot = find_token(allocator, tokens[i], &handle);
        rr_status status = slot == NULL ? RR_BAD_ARGUMENT : take_detached(allocator, slot, handle.generation);
        if (status != RR_OK) {
            if (failed != NULL) {
                *failed = i;
            }
            while (i-- > 0) {
                slot = find_token(allocator, tokens[i], &handle);
                add_detached(allocator, slot, handle.generation);
            }
            return status;
        }
    }
    struct slot_line *home = NULL;
    uint32_t bits = 0; /* free slots of the word at `home` that are not released yet: one step releases many */
    for (size_t i = 0; i < count; ++i) {
        struct slot_line *slot = find_token(allocator, tokens[i], &handle);
        if (slot_unref(allocator, slot) != 0) {
            continue;
        }
        if (bits != 0 && home_of(slot) != home) {
            free_list_release(home, bits, count_bits(bits));
            bits = 0;
        }
        if (handle.pool_id == RR_XXL) {
            slot_free(allocator, slot);
        } else {
            home = home_of(slot);
            bits |= 1u << (handle.slot_index % 32);
        }
    }
    if (bits != 0) {
        free_list_release(home, bits, count_bits(bits));
    }
    return RR_OK;
}
