/* heap.c - blocks on the heap for events above all fixed classes: the XXL pool [ALLOC-6] [ALLOC-7] [LAYOUT-5]. */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *block_create(uint32_t slot_index, uint64_t size)
{
    uint64_t bytes = slot_bytes(size);
    if (bytes > SIZE_MAX) {
        return NULL;
    }
    uint8_t *block = aligned_alloc(LINE_BYTES, (size_t)bytes);
    if (block != NULL) {
        memset(block, 0, LINE_BYTES);
        struct slot_line *line = (struct slot_line *)(void *)block;
        line->pool_id = RR_XXL;
        line->slot_index = slot_index;
        line->size = (uint32_t)size;
    }
    return block;
}

static bool heap_reserve(rr_allocator *allocator, uint64_t length)
{
    /* pairs with nothing: a bound; the count itself is exact in every order [ORDER-13] */
    uint64_t bytes = atomic_load_explicit(&allocator->heap_payload_bytes, memory_order_relaxed);
    do {
        if (length > allocator->profile.heap_bytes - bytes) {
            return false;
        }
        /* pairs with nothing: the free list hands blocks over [ORDER-13] */
    } while (!atomic_compare_exchange_weak_explicit(&allocator->heap_payload_bytes, &bytes, bytes + length, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static void heap_unreserve(rr_allocator *allocator, uint64_t length)
{
    /* pairs with nothing: a bound [ORDER-13] */
    atomic_fetch_sub_explicit(&allocator->heap_payload_bytes, length, memory_order_relaxed);
}

rr_status heap_acquire(rr_allocator *allocator, struct slot_line *slot, uint64_t length)
{
    if (!heap_reserve(allocator, length)) {
        return RR_POOL_EXHAUSTED;
    }
    slot->block = block_create(slot->slot_index, length);
    if (slot->block == NULL) {
        heap_unreserve(allocator, length);
        return RR_NO_MEMORY;
    }
    slot->size = (uint32_t)length;
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_fetch_add_explicit(&allocator->heap_block_bytes, slot_bytes(length), memory_order_relaxed);
    return RR_OK;
}

void heap_release(rr_allocator *allocator, struct slot_line *slot)
{
    free(slot->block);
    slot->block = NULL;
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_fetch_sub_explicit(&allocator->heap_block_bytes, slot_bytes(slot->size), memory_order_relaxed);
    heap_unreserve(allocator, slot->size);
}

void heap_shorten(rr_allocator *allocator, struct slot_line *slot, uint64_t length)
{
    uint8_t *block = block_create(slot->slot_index, length);
    if (block != NULL) {
        memcpy(block + LINE_BYTES, slot->block + LINE_BYTES, (size_t)length);
        free(slot->block);
        slot->block = block;
        /* pairs with nothing: a statistic [ORDER-13] */
        atomic_fetch_sub_explicit(&allocator->heap_block_bytes, slot_bytes(slot->size) - slot_bytes(length), memory_order_relaxed);
        heap_unreserve(allocator, slot->size - length);
        slot->size = (uint32_t)length;
    }
}
