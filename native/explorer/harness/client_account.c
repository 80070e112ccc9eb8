/* client_account.c - the operations of a client on the pools as a whole: slots held during the run, counts, destruction. */
#define _GNU_SOURCE
#include <string.h>

#include "client.h"

/* status, the slots taken as bit masks: a result for every 64 slots of the pool */
static void do_hold(const struct operation *operation, struct results *results)
{
    uint32_t count = operation->arguments[0].number;
    uint64_t tokens[MOST_SLOTS] = {0};
    uint8_t bytes[MOST_SLOTS * POOL_LENGTH];
    if (client.allocator == NULL || count > MOST_SLOTS) {
        skip(results);
        return;
    }
    for (uint32_t i = 0; i < count * POOL_LENGTH; ++i) {
        bytes[i] = client_byte(HELD_EVENT, i % POOL_LENGTH);
    }
    rr_status status = rr_allocate_many(client.allocator, bytes, NULL, POOL_LENGTH, NULL, HELD_EVENT, count, tokens, NULL);
    uint64_t slots[MOST_SLOTS / WORD_SLOTS] = {0};
    for (uint32_t i = 0; status == RR_OK && i < count; ++i) {
        uint32_t slot = (uint32_t)(tokens[i] >> TOKEN_GENERATION_BITS) & ((1u << TOKEN_SLOT_BITS) - 1);
        slots[slot / WORD_SLOTS] |= UINT64_C(1) << (slot % WORD_SLOTS);
    }
    answer(results, (uint64_t)status);
    for (uint32_t word = 0; word * WORD_SLOTS < client_program.profile.capacities[RR_XS]; ++word) {
        client.held_slots[word] |= slots[word];
        answer(results, slots[word]);
    }
}

/* status: that of the first slot that could not be released */
static void do_unhold(const struct operation *operation, struct results *results)
{
    (void)operation;
    if (client.allocator == NULL) {
        skip(results);
        return;
    }
    uint64_t status = RR_OK;
    for (uint32_t slot = 0; slot < MOST_SLOTS; ++slot) {
        if (client.held_slots[slot / WORD_SLOTS] >> (slot % WORD_SLOTS) & 1u) {
            int64_t left = rr_dec_ref_count(client.allocator, RR_XS, slot, 0);
            status = left < 0 && status == RR_OK ? (uint64_t)-left : status;
        }
    }
    memset(client.held_slots, 0, sizeof client.held_slots);
    answer(results, status);
}

/* The number of detached references of all slots, then, for up to seven slots that had some, 2^32 * pool + 2^16 * slot + their
 * number. Releases them. */
static void do_sweep(const struct operation *operation, struct results *results)
{
    static const uint32_t pools[] = {RR_XS, RR_XXL};
    (void)operation;
    if (client.allocator == NULL) {
        skip(results);
        return;
    }
    uint64_t total = 0;
    answer(results, 0);
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; ++i) {
        for (uint32_t slot = 0; slot < rr_pool_capacity(client.allocator, pools[i]); ++slot) {
            uint64_t detached = 0;
            while (rr_dec_ref_count(client.allocator, pools[i], slot, RR_ANY_GENERATION) >= 0) {
                ++detached;
            }
            total += detached;
            if (detached > 0 && results->count < MOST_RESULTS) {
                answer(results, ((uint64_t)pools[i] << 32) + ((uint64_t)slot << 16) + detached);
            }
        }
    }
    results->values[0] = total;
}

/* XS: live, free, allocations, failures; the same of XXL */
static void do_stats(const struct operation *operation, struct results *results)
{
    static const uint32_t pools[] = {RR_XS, RR_XXL};
    (void)operation;
    if (client.allocator == NULL) {
        skip(results);
        return;
    }
    uint64_t words[MOST_SLOTS];
    (void)rr_slot_words(client.allocator, RR_XS, words);
    for (uint32_t slot = 0; slot < client_program.profile.capacities[RR_XS]; ++slot) {
        if ((words[slot] & 3) != RR_SLOT_FREE) {
            explorer_fail("not-free", "a slot is not FREE after every reference was released [SLOT-12]");
        }
    }
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; ++i) {
        rr_pool_stats stats = {0};
        (void)rr_pool_stats_get(client.allocator, pools[i], &stats);
        answer(results, stats.live);
        answer(results, stats.free);
        answer(results, stats.allocations);
        answer(results, stats.failures);
    }
}

/* The number of slots of XS that could be taken at once, then the tokens of the first seven; heap bytes that are still in use
 * at the end are a failure. */
static void do_refill(const struct operation *operation, struct results *results)
{
    (void)operation;
    const uint8_t *taken[MOST_SLOTS + 1];
    uint32_t count = 0;
    if (client.allocator == NULL) {
        skip(results);
        return;
    }
    const uint8_t *data = client_events(HELD_EVENT, 1, POOL_LENGTH);
    answer(results, 0);
    for (; count <= MOST_SLOTS; ++count) {
        taken[count] = rr_allocate(client.allocator, data, POOL_LENGTH, HELD_EVENT, 0, NULL);
        if (taken[count] == NULL) {
            break;
        }
        if (results->count < MOST_RESULTS) {
            answer(results, rr_payload_token(client.allocator, taken[count]));
        }
    }
    for (uint32_t i = 0; i < count; ++i) {
        rr_release_payload(client.allocator, taken[i]);
    }
    results->values[0] = count;
    if (rr_heap_usage(client.allocator) != 64 + (uint64_t)64 * rr_pool_capacity(client.allocator, RR_XXL)) {
        explorer_fail("heap-usage", "bytes of the heap are counted that no event has [LAYOUT-5]");
    }
}

/* status. The finish abandons a pool that is busy, so that it is reported once and not again as a leak. */
static void do_destroypool(const struct operation *operation, struct results *results)
{
    (void)operation;
    if (client.allocator == NULL) {
        skip(results);
        return;
    }
    rr_allocator *ended = client.allocator;
    rr_status status = rr_allocator_destroy(ended);
    if (status != RR_OK && client.finishing) {
        rr_allocator_abandon(ended);
    }
    if (status == RR_OK || client.finishing) {
        client.allocator = NULL;
    }
    answer(results, (uint64_t)status);
}

const struct client_operation client_account_operations[] = {
    {"hold", "n", do_hold},
    {"unhold", "", do_unhold},
    {"sweep", "", do_sweep},
    {"stats", "", do_stats},
    {"refill", "", do_refill},
    {"destroypool", "", do_destroypool},
    {NULL, NULL, NULL},
};
