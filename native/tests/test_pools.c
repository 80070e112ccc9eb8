/* Pools in one thread: every function of the allocator and every error it has. */
#include <stdint.h>
#include <string.h>

#include "../src/pool.h"
#include "check.h"
#include "rusted_ring.h"

static rr_allocator *make(rr_profile profile)
{
    rr_status status = RR_BUSY;
    rr_allocator *allocator = rr_allocator_create(&profile, &status);
    CHECK_EQUAL(status, RR_OK);
    CHECK(allocator != NULL);
    return allocator;
}

static const uint8_t *put(rr_allocator *allocator, const char *text)
{
    rr_status status = RR_BUSY;
    const uint8_t *payload = rr_allocate(allocator, text, strlen(text), 3, 0, &status);
    CHECK_EQUAL(status, RR_OK);
    CHECK(payload != NULL);
    return payload;
}

static uint64_t count_of(rr_allocator *allocator, uint32_t pool, uint32_t slot)
{
    rr_slot_metadata metadata;
    CHECK_EQUAL(rr_slot_metadata_get(allocator, pool, slot, &metadata), RR_OK);
    return metadata.ref_count;
}

static rr_pool_stats stats_of(rr_allocator *allocator, uint32_t pool)
{
    rr_pool_stats stats;
    CHECK_EQUAL(rr_pool_stats_get(allocator, pool, &stats), RR_OK);
    CHECK_EQUAL(stats.live + stats.free, stats.capacity);
    return stats;
}

static void a_new_allocator_is_free_and_exact(void) /* [SLOT-4] [LAYOUT-4] [LAYOUT-5] [ALLOC-9] [PARAM-4] */
{
    rr_allocator *allocator = make(rr_profile_seed());
    static const uint32_t capacities[] = {2000, 1000, 300, 60, 15, 64};
    uint64_t words[2000];
    CHECK_EQUAL(rr_memory_usage(allocator), 1615040);
    CHECK_EQUAL(rr_heap_usage(allocator), 64 + 64 * 64);
    for (uint32_t pool = 0; pool < RR_POOL_COUNT; ++pool) {
        rr_pool_stats stats = stats_of(allocator, pool);
        CHECK_EQUAL(rr_pool_capacity(allocator, pool), capacities[pool]);
        CHECK_EQUAL(stats.capacity, capacities[pool]);
        CHECK_EQUAL(stats.live, 0);
        CHECK_EQUAL(stats.allocations, 0);
        CHECK_EQUAL(stats.failures, 0);
        memset(words, 255, sizeof words);
        CHECK_EQUAL(rr_slot_words(allocator, pool, words), RR_OK);
        for (uint32_t slot = 0; slot < capacities[pool]; ++slot) {
            CHECK_EQUAL(words[slot], 0);
        }
    }
    CHECK_EQUAL(rr_pool_capacity(allocator, 6), 0);
    CHECK_EQUAL(rr_slot_words(allocator, 6, words), RR_BAD_ARGUMENT);
    rr_pool_stats stats;
    CHECK_EQUAL(rr_pool_stats_get(allocator, 6, &stats), RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_allocator_profile(allocator).ref_bits, 8);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void an_event_shows_what_was_put_in(void) /* [ALLOC-1] [PTR-7] [SLOT-5] [ALLOC-23] */
{
    rr_allocator *allocator = make(rr_profile_seed());
    static const uint64_t lengths[] = {0, 1, 63, 64, 65, 256, 257, 1024, 4096, 4097, 16384, 16385, 100003};
    static uint8_t data[100003];
    for (size_t i = 0; i < sizeof data; ++i) {
        data[i] = (uint8_t)(i * 7 + i / 251);
    }
    enum { LENGTHS = sizeof lengths / sizeof lengths[0] };
    for (size_t i = 0; i < 2 * LENGTHS; ++i) { /* the first allocation in a pool takes the slow path */
        uint64_t length = lengths[i % LENGTHS];
        rr_status status = RR_BUSY;
        rr_payload_info info;
        const uint8_t *payload = rr_allocate(allocator, data, length, UINT32_MAX - (uint32_t)i, 0, &status);
        CHECK_EQUAL(status, RR_OK);
        CHECK_EQUAL((uintptr_t)payload % 64, 0);
        CHECK_EQUAL(rr_payload_length(payload), length);
        CHECK_EQUAL(rr_payload_event_type(payload), UINT32_MAX - i);
        CHECK_EQUAL(rr_payload_pool_id(payload), rr_estimate_size(length));
        CHECK(memcmp(payload, data, length) == 0);
        rr_payload_describe(allocator, payload, &info);
        CHECK_EQUAL(info.length, length);
        CHECK_EQUAL(info.event_type, UINT32_MAX - i);
        CHECK_EQUAL(info.pool_id, rr_payload_pool_id(payload));
        CHECK_EQUAL(info.slot_index, rr_payload_slot_index(payload));
        CHECK_EQUAL(info.generation, rr_payload_generation(allocator, payload));
        CHECK_EQUAL(info.ref_count, 1);
        CHECK_EQUAL(info.state, RR_SLOT_LIVE);
        CHECK_EQUAL(rr_allocator_destroy(allocator), RR_BUSY);
        rr_release_payload(allocator, payload);
        CHECK_EQUAL(stats_of(allocator, info.pool_id).live, 0);
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void clone_and_drop_count(void) /* [PTR-2] [PTR-3] [SLOT-2] [SLOT-9] [SLOT-10] [SLOT-11] [SLOT-12] */
{
    rr_allocator *allocator = make(rr_profile_tiny());
    const uint8_t *payload = put(allocator, "a");
    uint64_t words[3];
    CHECK_EQUAL(rr_clone_payload(allocator, payload), RR_OK);
    CHECK_EQUAL(rr_clone_payload(allocator, payload), RR_OK);
    CHECK_EQUAL(rr_clone_payload(allocator, payload), RR_REF_COUNT_OVERFLOW);
    CHECK_EQUAL(rr_payload_ref_count(allocator, payload), 3);
    CHECK_EQUAL(rr_slot_words(allocator, RR_XS, words), RR_OK);
    CHECK_EQUAL(words[0], 1 + 4 * 3);
    rr_release_payload(allocator, payload);
    rr_release_payload(allocator, payload);
    CHECK_EQUAL(rr_payload_ref_count(allocator, payload), 1);
    CHECK_EQUAL(rr_get_generation(allocator, RR_XS, 0), 0);
    rr_release_payload(allocator, payload);
    CHECK_EQUAL(rr_get_generation(allocator, RR_XS, 0), 1);
    CHECK_EQUAL(rr_slot_words(allocator, RR_XS, words), RR_OK);
    CHECK_EQUAL(words[0], 4 * 4 * 1);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void generations_wrap_and_refuse_until_then(void) /* [WEAK-2] [WEAK-3] [WEAK-4] [WEAK-5] */
{
    rr_profile profile = rr_profile_tiny();
    profile.capacities[0] = 1;
    rr_allocator *allocator = make(profile);
    rr_status status = RR_OK;
    const uint8_t *payload = put(allocator, "first");
    uint64_t token = rr_payload_token(allocator, payload);
    CHECK(token == UINT64_C(1) << 61);
    for (int freed = 1; freed <= 8; ++freed) {
        rr_release_payload(allocator, payload);
        CHECK(rr_upgrade(allocator, token, &status) == NULL);
        CHECK_EQUAL(status, RR_STALE_HANDLE);
        payload = put(allocator, "later");
        CHECK_EQUAL(rr_payload_generation(allocator, payload), freed % 4);
        const uint8_t *upgraded = rr_upgrade(allocator, token, &status);
        CHECK_EQUAL(status, freed % 4 == 0 ? RR_OK : RR_STALE_HANDLE);
        if (upgraded != NULL) {
            CHECK(upgraded == payload);
            CHECK_EQUAL(rr_payload_ref_count(allocator, payload), 2);
            rr_release_payload(allocator, upgraded);
        }
    }
    CHECK_EQUAL(rr_clone_payload(allocator, payload), RR_OK);
    CHECK_EQUAL(rr_clone_payload(allocator, payload), RR_OK);
    CHECK(rr_upgrade_triple(allocator, RR_XS, 0, 0, &status) == NULL);
    CHECK_EQUAL(status, RR_REF_COUNT_OVERFLOW);
    CHECK(rr_upgrade_triple(allocator, RR_XS, 0, 4, &status) == NULL);
    CHECK_EQUAL(status, RR_BAD_ARGUMENT);
    CHECK(rr_upgrade_triple(allocator, RR_XS, 0, RR_ANY_GENERATION, &status) == NULL);
    CHECK_EQUAL(status, RR_BAD_ARGUMENT);
    CHECK(rr_upgrade_triple(allocator, RR_XS, 1, 0, NULL) == NULL);
    rr_allocator_abandon(allocator);
}

static void a_full_pool_says_so(void) /* [ALLOC-3] [ALLOC-4] [ALLOC-9] [ERR-1] */
{
    rr_allocator *allocator = make(rr_profile_tiny());
    rr_status status = RR_OK;
    const uint8_t *held[16];
    for (int i = 0; i < 3; ++i) {
        held[i] = put(allocator, "x");
    }
    CHECK(rr_allocate(allocator, "x", 1, 0, 0, &status) == NULL);
    CHECK_EQUAL(status, RR_POOL_EXHAUSTED);
    CHECK_EQUAL(stats_of(allocator, RR_XS).failures, 1);
    CHECK_EQUAL(stats_of(allocator, RR_XS).allocations, 3);
    int count = 3;
    while ((held[count] = rr_allocate(allocator, "spilt", 5, 0, RR_SPILL, &status)) != NULL) {
        CHECK_EQUAL(rr_payload_length(held[count]), 5);
        CHECK(memcmp(held[count], "spilt", 5) == 0);
        ++count;
    }
    CHECK_EQUAL(status, RR_POOL_EXHAUSTED);
    CHECK_EQUAL(count, 3 + 2 + 2 + 1 + 1 + 2);
    CHECK_EQUAL(rr_payload_pool_id(held[10]), RR_XXL);
    CHECK_EQUAL(stats_of(allocator, RR_XXL).failures, 1);
    CHECK_EQUAL(rr_heap_usage(allocator), 64 + 64 * 2 + 2 * 128);
    CHECK(rr_allocate(allocator, "x", 1, 0, 2, &status) == NULL);
    CHECK_EQUAL(status, RR_BAD_ARGUMENT);
    while (count > 0) {
        rr_release_payload(allocator, held[--count]);
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void reuse_goes_round(void) /* [ALLOC-2] [ALLOC-10] */
{
    rr_profile profile = rr_profile_seed();
    profile.capacities[0] = 77;
    rr_allocator *allocator = make(profile);
    uint32_t taken[77] = {0};
    const uint8_t *held[40];
    for (uint32_t i = 0; i < 40; ++i) {
        held[i] = put(allocator, "held");
    }
    for (uint32_t i = 0; i < 37 * 5; ++i) {
        const uint8_t *payload = put(allocator, "x");
        ++taken[rr_payload_slot_index(payload)];
        rr_release_payload(allocator, payload);
    }
    for (uint32_t i = 0; i < 77; ++i) {
        CHECK_EQUAL(taken[i], i < 40 ? 0 : 5);
    }
    for (uint32_t i = 0; i < 40; ++i) {
        rr_release_payload(allocator, held[i]);
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

/* Without the version, a thread that stops between two passes could find the pool exhausted although it never was. */
static void every_slot_given_back_raises_the_version(void) /* [ALLOC-3] [ORDER-2] */
{
    rr_allocator *allocator = make(rr_profile_seed());
    const uint8_t *payload = put(allocator, "first");
    const struct slot_line *line = (const struct slot_line *)(const void *)(payload - LINE_BYTES);
    uint64_t tokens[5];
    CHECK_EQUAL(rr_payload_slot_index(payload), 0); /* whose line holds the first word of the free list */
    CHECK_EQUAL(atomic_load_explicit(&line->free_bits, memory_order_relaxed), UINT32_MAX - 1);
    rr_release_payload(allocator, payload);
    CHECK_EQUAL(atomic_load_explicit(&line->free_bits, memory_order_relaxed) >> 32, 1);
    rr_abort(allocator, rr_loan(allocator, 8, 0, NULL));
    CHECK_EQUAL(atomic_load_explicit(&line->free_bits, memory_order_relaxed) >> 32, 2);
    CHECK_EQUAL(rr_allocate_many(allocator, "abcde", NULL, 1, NULL, 0, 5, tokens, NULL), RR_OK);
    CHECK_EQUAL(atomic_load_explicit(&line->free_bits, memory_order_relaxed) >> 32, 2);
    CHECK_EQUAL(rr_drop_many(allocator, tokens, 5, NULL), RR_OK);
    CHECK_EQUAL(atomic_load_explicit(&line->free_bits, memory_order_relaxed), (UINT64_C(7) << 32) + UINT32_MAX);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void the_heap_is_bounded(void) /* [ALLOC-6] [ALLOC-7] [ALLOC-8] [LAYOUT-5] */
{
    static uint8_t data[65537];
    rr_allocator *allocator = make(rr_profile_tiny());
    rr_status status = RR_OK;
    uint64_t idle = 64 + 64 * 2;
    CHECK(rr_allocate(allocator, data, 65537, 0, 0, &status) == NULL);
    CHECK_EQUAL(status, RR_PAYLOAD_TOO_LARGE);
    CHECK(rr_allocate(allocator, data, UINT64_C(1) << 33, 0, RR_SPILL, &status) == NULL);
    CHECK_EQUAL(status, RR_PAYLOAD_TOO_LARGE);
    const uint8_t *first = rr_allocate(allocator, data, 40000, 0, 0, &status);
    CHECK(first != NULL);
    CHECK_EQUAL(rr_heap_usage(allocator), idle + 64 + 40064);
    CHECK(rr_allocate(allocator, data, 25537, 0, 0, &status) == NULL);
    CHECK_EQUAL(status, RR_POOL_EXHAUSTED);
    CHECK_EQUAL(stats_of(allocator, RR_XXL).live, 1);
    const uint8_t *second = rr_allocate(allocator, data, 25536, 0, 0, &status);
    CHECK(second != NULL);
    CHECK(rr_allocate(allocator, data, 16385, 0, 0, &status) == NULL);
    CHECK_EQUAL(status, RR_POOL_EXHAUSTED);
    CHECK_EQUAL(stats_of(allocator, RR_XXL).failures, 2);
    uint64_t token = rr_payload_token(allocator, first);
    CHECK_EQUAL(rr_clone_payload(allocator, first), RR_OK);
    rr_release_payload(allocator, first);
    const uint8_t *again = rr_upgrade(allocator, token, &status);
    CHECK(again == first);
    rr_release_payload(allocator, again);
    rr_release_payload(allocator, first);
    CHECK(rr_upgrade(allocator, token, &status) == NULL);
    CHECK_EQUAL(status, RR_STALE_HANDLE);
    rr_release_payload(allocator, second);
    CHECK_EQUAL(rr_heap_usage(allocator), idle);
    CHECK_EQUAL(stats_of(allocator, RR_XXL).allocations, 2);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void loans_are_zeroed_exclusive_and_end(void) /* [LOAN-1] [LOAN-2] [LOAN-3] [LOAN-4] [LOAN-5] [LOAN-9] */
{
    rr_profile profile = rr_profile_tiny();
    profile.capacities[0] = 1;
    rr_allocator *allocator = make(profile);
    rr_status status = RR_OK;
    rr_slot_metadata metadata;
    rr_release_payload(allocator, put(allocator, "stale bytes"));
    uint8_t *loan = rr_loan(allocator, 8, 5, &status);
    CHECK_EQUAL(status, RR_OK);
    CHECK(memcmp(loan, "\0\0\0\0\0\0\0\0", 8) == 0);
    CHECK_EQUAL(rr_slot_metadata_get(allocator, RR_XS, 0, &metadata), RR_OK);
    CHECK(metadata.state == RR_SLOT_LOANED && metadata.ref_count == 0 && metadata.generation == 1);
    CHECK(rr_upgrade_triple(allocator, RR_XS, 0, 1, &status) == NULL);
    CHECK_EQUAL(status, RR_STALE_HANDLE);
    CHECK_EQUAL(rr_inc_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), -RR_STALE_HANDLE);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), -RR_REF_COUNT_UNDERFLOW);
    CHECK(rr_loan(allocator, 8, 5, &status) == NULL);
    CHECK_EQUAL(status, RR_POOL_EXHAUSTED);
    rr_abort(allocator, loan);
    CHECK_EQUAL(rr_get_generation(allocator, RR_XS, 0), 2);
    loan = rr_loan(allocator, 8, 5, &status);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_BUSY);
    memcpy(loan, "12345678", 8);
    CHECK(rr_commit(allocator, loan, 9, &status) == NULL);
    CHECK_EQUAL(status, RR_BAD_ARGUMENT);
    const uint8_t *payload = rr_commit(allocator, loan, 4, &status);
    CHECK_EQUAL(status, RR_OK);
    CHECK(payload == loan && rr_payload_length(payload) == 4 && memcmp(payload, "1234", 4) == 0);
    CHECK_EQUAL(rr_payload_event_type(payload), 5);
    CHECK_EQUAL(rr_payload_ref_count(allocator, payload), 1);
    rr_release_payload(allocator, payload);
    CHECK_EQUAL(stats_of(allocator, RR_XS).allocations, 3);
    loan = rr_loan(allocator, 50000, 6, &status);
    memset(loan, 9, 50000);
    CHECK_EQUAL(rr_payload_pool_id(loan), RR_XXL);
    payload = rr_commit(allocator, loan, 20000, &status);
    CHECK_EQUAL(rr_payload_length(payload), 20000);
    CHECK_EQUAL(rr_payload_event_type(payload), 6);
    CHECK(payload[0] == 9 && payload[19999] == 9);
    CHECK_EQUAL(rr_heap_usage(allocator), 64 + 64 * 2 + 64 + rr_event_bytes(20000));
    loan = rr_loan(allocator, 45536, 0, &status);
    CHECK(loan != NULL);
    rr_abort(allocator, loan);
    CHECK(rr_loan(allocator, 45537, 0, &status) == NULL);
    rr_release_payload(allocator, payload);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void detached_references_are_those_of_tokens(void) /* [PTR-11] [PTR-12] [PTR-13] [PTR-14] [PTR-15] [ALLOC-16] [ALLOC-17] */
{
    rr_allocator *allocator = make(rr_profile_tiny());
    rr_status status = RR_OK;
    uint64_t token = 0;
    CHECK_EQUAL(rr_handle_ffi_event(allocator, "ffi", 3, 9, &token), RR_OK);
    CHECK_EQUAL(count_of(allocator, RR_XS, 0), 1);
    const uint8_t *payload = rr_from_token(allocator, token, &status);
    CHECK_EQUAL(status, RR_OK);
    CHECK(memcmp(payload, "ffi", 3) == 0);
    CHECK_EQUAL(count_of(allocator, RR_XS, 0), 1);
    CHECK(rr_from_token(allocator, token, &status) == NULL);
    CHECK_EQUAL(status, RR_REF_COUNT_UNDERFLOW);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), -RR_REF_COUNT_UNDERFLOW);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 0, 0), -RR_REF_COUNT_UNDERFLOW);
    CHECK_EQUAL(rr_drop_many(allocator, &token, 1, NULL), RR_REF_COUNT_UNDERFLOW);
    CHECK_EQUAL(rr_inc_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), 2);
    CHECK_EQUAL(rr_inc_ref_count(allocator, RR_XS, 0, 0), 3);
    CHECK_EQUAL(rr_inc_ref_count(allocator, RR_XS, 0, 0), -RR_REF_COUNT_OVERFLOW);
    CHECK_EQUAL(rr_inc_ref_count(allocator, RR_XS, 0, 1), -RR_STALE_HANDLE);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 0, 1), -RR_STALE_HANDLE);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), 2);
    CHECK(rr_from_triple(allocator, RR_XS, 0, 0, &status) == payload);
    CHECK_EQUAL(count_of(allocator, RR_XS, 0), 2);
    CHECK(rr_from_triple(allocator, RR_XS, 0, 0, &status) == NULL);
    CHECK_EQUAL(status, RR_REF_COUNT_UNDERFLOW);
    rr_release_payload(allocator, payload);
    CHECK(rr_into_token(allocator, payload) == token);
    CHECK_EQUAL(count_of(allocator, RR_XS, 0), 1);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 0, 0), 0);
    CHECK(rr_from_token(allocator, token, &status) == NULL);
    CHECK_EQUAL(status, RR_STALE_HANDLE);
    CHECK_EQUAL(rr_drop_many(allocator, &token, 1, NULL), RR_STALE_HANDLE);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), -RR_REF_COUNT_UNDERFLOW);
    CHECK_EQUAL(rr_inc_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), -RR_STALE_HANDLE);
    CHECK(rr_from_triple(allocator, RR_XS, 0, RR_ANY_GENERATION, &status) == NULL);
    CHECK_EQUAL(status, RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_handle_ffi_event(allocator, "", UINT64_C(1) << 40, 9, &token), RR_PAYLOAD_TOO_LARGE);
    int64_t slot = rr_allocate_to_pool(allocator, "pool", 4, 1);
    CHECK(slot >= 0 && slot < 3);
    payload = rr_get_slot_data(allocator, RR_XS, (uint32_t)slot, RR_ANY_GENERATION, &status);
    CHECK(memcmp(payload, "pool", 4) == 0);
    CHECK_EQUAL(rr_payload_ref_count(allocator, payload), 2);
    rr_release_payload(allocator, payload);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, (uint32_t)slot, RR_ANY_GENERATION), 0);
    CHECK(rr_get_slot_data(allocator, RR_XS, (uint32_t)slot, RR_ANY_GENERATION, &status) == NULL);
    CHECK_EQUAL(status, RR_STALE_HANDLE);
    CHECK(rr_allocate_to_pool(allocator, "", UINT64_C(1) << 40, 1) == -RR_PAYLOAD_TOO_LARGE);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void an_older_generations_detached_count_has_no_effect(void) /* [PTR-14] */
{
    rr_profile profile = rr_profile_tiny();
    profile.capacities[0] = 1;
    rr_allocator *allocator = make(profile);
    rr_status status = RR_OK;
    uint64_t token = 0;
    for (int i = 0; i < 9; ++i) {
        const uint8_t *held = put(allocator, "x");
        CHECK(rr_from_token(allocator, rr_payload_token(allocator, held), &status) == NULL);
        CHECK_EQUAL(status, RR_REF_COUNT_UNDERFLOW);
        rr_release_payload(allocator, held);
        CHECK_EQUAL(rr_handle_ffi_event(allocator, "y", 1, 0, &token), RR_OK);
        CHECK_EQUAL(rr_inc_ref_count(allocator, RR_XS, 0, RR_ANY_GENERATION), 2);
        uint64_t both[2] = {token, token};
        CHECK_EQUAL(rr_drop_many(allocator, both, 2, NULL), RR_OK);
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void tokens_and_slot_numbers_are_checked(void) /* [PTR-10] [PTR-16] [ALLOC-18] [ALLOC-20] */
{
    rr_allocator *allocator = make(rr_profile_tiny());
    rr_status status = RR_OK;
    rr_handle handle = {9, 9, 9};
    rr_slot_metadata metadata;
    uint64_t token = rr_token_encode(allocator, RR_XXL, 1, 3);
    CHECK(token == ((UINT64_C(6) << 21) + 1) * (UINT64_C(1) << 40) + 3);
    CHECK_EQUAL(rr_token_decode(allocator, token, &handle), RR_OK);
    CHECK(handle.pool_id == RR_XXL && handle.slot_index == 1 && handle.generation == 3);
    CHECK(rr_token_encode(allocator, 6, 0, 0) == 0);
    CHECK(rr_token_encode(allocator, RR_XS, 3, 0) == 0);
    CHECK(rr_token_encode(allocator, RR_XS, 0, 4) == 0);
    CHECK(rr_token_encode(allocator, RR_XS, 0, RR_ANY_GENERATION) == 0);
    const uint64_t bad[] = {0, 1, (UINT64_C(1) << 61) - 1, UINT64_MAX, UINT64_C(7) << 61, (UINT64_C(1) << 61) + 4,
                            ((UINT64_C(1) << 21) + 3) << 40};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        size_t failed = 99;
        CHECK_EQUAL(rr_token_decode(allocator, bad[i], &handle), RR_BAD_ARGUMENT);
        CHECK(handle.pool_id == RR_XXL);
        CHECK(rr_from_token(allocator, bad[i], &status) == NULL && status == RR_BAD_ARGUMENT);
        CHECK(rr_upgrade(allocator, bad[i], &status) == NULL && status == RR_BAD_ARGUMENT);
        CHECK_EQUAL(rr_drop_many(allocator, &bad[i], 1, &failed), RR_BAD_ARGUMENT);
        CHECK_EQUAL(failed, 0);
    }
    CHECK_EQUAL(rr_get_generation(allocator, 6, 0), -RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_get_generation(allocator, RR_XS, 3), -RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_slot_metadata_get(allocator, RR_XL, 1, &metadata), RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_inc_ref_count(allocator, 6, 0, 0), -RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_dec_ref_count(allocator, RR_XS, 3, 0), -RR_BAD_ARGUMENT);
    CHECK(rr_get_slot_data(allocator, RR_XS, 3, 0, &status) == NULL && status == RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void a_batch_is_allocated_whole_or_not_at_all(void) /* [ALLOC-14] [ALLOC-15] [ERR-1] */
{
    rr_profile profile = rr_profile_seed();
    profile.capacities[0] = 100;
    profile.heap_bytes = 100000;
    rr_allocator *allocator = make(profile);
    rr_status status = RR_OK;
    static uint8_t data[200000];
    uint32_t lengths[103];
    uint32_t types[103];
    uint64_t tokens[104];
    size_t failed = 999;
    size_t total = 0;
    for (uint32_t i = 0; i < 103; ++i) {
        lengths[i] = i == 40 ? 40000 : i == 41 ? 300 : i == 102 ? 60001 : i % 50;
        types[i] = i * 3;
        total += lengths[i];
    }
    for (size_t i = 0; i < sizeof data; ++i) {
        data[i] = (uint8_t)(i % 253);
    }
    CHECK(total < sizeof data);
    CHECK_EQUAL(rr_allocate_many(allocator, data, lengths, 0, types, 0, 103, tokens, &failed), RR_POOL_EXHAUSTED);
    CHECK_EQUAL(failed, 102);
    for (uint32_t pool = 0; pool < RR_POOL_COUNT; ++pool) {
        rr_pool_stats stats = stats_of(allocator, pool);
        CHECK_EQUAL(stats.live, 0);
        CHECK_EQUAL(stats.allocations, 0);
        CHECK_EQUAL(stats.failures, pool == RR_XXL);
        for (uint32_t slot = 0; slot < stats.capacity; ++slot) {
            CHECK_EQUAL(rr_get_generation(allocator, pool, slot), 0);
        }
    }
    CHECK_EQUAL(rr_heap_usage(allocator), 64 + 64 * 64);
    CHECK_EQUAL(rr_allocate_many(allocator, data, lengths, 0, types, 0, 102, tokens, &failed), RR_OK);
    CHECK_EQUAL(stats_of(allocator, RR_XS).live, 100);
    const uint8_t *expected = data;
    for (uint32_t i = 0; i < 102; ++i) {
        const uint8_t *payload = rr_upgrade(allocator, tokens[i], &status);
        CHECK_EQUAL(rr_payload_length(payload), lengths[i]);
        CHECK_EQUAL(rr_payload_event_type(payload), types[i]);
        CHECK(memcmp(payload, expected, lengths[i]) == 0);
        expected += lengths[i];
        rr_release_payload(allocator, payload);
    }
    tokens[102] = tokens[7];
    failed = 999;
    CHECK_EQUAL(rr_drop_many(allocator, tokens, 103, &failed), RR_REF_COUNT_UNDERFLOW);
    CHECK_EQUAL(failed, 102);
    CHECK_EQUAL(stats_of(allocator, RR_XS).live, 100);
    CHECK_EQUAL(rr_drop_many(allocator, tokens, 102, &failed), RR_OK);
    CHECK_EQUAL(stats_of(allocator, RR_XS).live, 0);
    CHECK_EQUAL(rr_allocate_many(allocator, data, NULL, 10, NULL, 4, 101, tokens, &failed), RR_POOL_EXHAUSTED);
    CHECK_EQUAL(failed, 100);
    CHECK_EQUAL(rr_allocate_many(allocator, data, NULL, 10, NULL, 4, 100, tokens, &failed), RR_OK);
    CHECK_EQUAL(rr_drop_many(allocator, tokens, 100, &failed), RR_OK);
    CHECK_EQUAL(rr_allocate_many(allocator, NULL, NULL, 0, NULL, 4, 2, tokens, NULL), RR_OK);
    CHECK_EQUAL(rr_drop_many(allocator, tokens, 2, NULL), RR_OK);
    CHECK_EQUAL(rr_allocate_many(allocator, NULL, NULL, 0, NULL, 4, 0, tokens, NULL), RR_OK);
    CHECK_EQUAL(rr_allocate_many(allocator, data, NULL, 100001, NULL, 4, 1, tokens, &failed), RR_PAYLOAD_TOO_LARGE);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void an_abandoned_allocator_frees_everything(void) /* [PTR-8] */
{
    static uint8_t data[20000];
    rr_allocator *allocator = make(rr_profile_tiny());
    CHECK(rr_allocate(allocator, data, sizeof data, 0, 0, NULL) != NULL);
    CHECK(rr_loan(allocator, sizeof data, 0, NULL) != NULL);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_BUSY);
    rr_allocator_abandon(allocator); /* AddressSanitizer reports what it does not free */
}

int main(void)
{
    RUN(a_new_allocator_is_free_and_exact);
    RUN(an_event_shows_what_was_put_in);
    RUN(clone_and_drop_count);
    RUN(generations_wrap_and_refuse_until_then);
    RUN(a_full_pool_says_so);
    RUN(reuse_goes_round);
    RUN(every_slot_given_back_raises_the_version);
    RUN(the_heap_is_bounded);
    RUN(loans_are_zeroed_exclusive_and_end);
    RUN(detached_references_are_those_of_tokens);
    RUN(an_older_generations_detached_count_has_no_effect);
    RUN(tokens_and_slot_numbers_are_checked);
    RUN(a_batch_is_allocated_whole_or_not_at_all);
    RUN(an_abandoned_allocator_frees_everything);
    return 0;
}
