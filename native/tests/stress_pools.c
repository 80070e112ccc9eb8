/* Pools under threads: nobody ever sees bytes that are not those of the event that its pointer was made for, and in the end
 * everything has come back. [PTR-1] [SLOT-13] [WEAK-2] [ALLOC-12] [ALLOC-13] */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "rusted_ring.h"

#define THREADS 4
#define STEPS 400000
#define HELD 6
#define BOARD 64
#define LARGEST 20000

static rr_allocator *allocator;
static _Atomic uint64_t board[BOARD];   /* handles that any thread may try to upgrade */
static _Atomic uint64_t mailbox[BOARD]; /* tokens with a detached reference; 0: none */
static _Atomic uint64_t upgrades;
static _Atomic uint64_t refusals;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void write_canary(uint8_t *data, uint32_t length, uint32_t seed)
{
    for (uint32_t i = 0; i < length; ++i) {
        data[i] = (uint8_t)(seed + i * 13);
    }
}

static void check_canary(const uint8_t *payload)
{
    uint32_t seed = rr_payload_event_type(payload);
    uint32_t length = rr_payload_length(payload);
    for (uint32_t i = 0; i < length; ++i) {
        CHECK(payload[i] == (uint8_t)(seed + i * 13));
    }
}

static const uint8_t *make_event(uint64_t *random, uint8_t *data)
{
    uint32_t seed = (uint32_t)next_random(random);
    uint32_t length = (uint32_t)(next_random(random) % 64);
    if (seed % 64 == 0) {
        length = 16385 + (uint32_t)(next_random(random) % 1000);
    } else if (seed % 8 == 0) {
        length = 65 + (uint32_t)(next_random(random) % 400);
    }
    rr_status status = RR_BUSY;
    const uint8_t *payload = NULL;
    if (seed % 5 == 0) {
        uint8_t *loan = rr_loan(allocator, length, seed, &status);
        if (loan != NULL) {
            for (uint32_t i = 0; i < length; ++i) {
                CHECK(loan[i] == 0);
            }
            write_canary(loan, length, seed);
            if (seed % 3 == 0) {
                rr_abort(allocator, loan);
                return NULL;
            }
            payload = rr_commit(allocator, loan, length - length / 3, &status);
        }
    } else {
        write_canary(data, length, seed);
        payload = rr_allocate(allocator, data, length, seed, seed % 7 == 0 ? RR_SPILL : 0, &status);
    }
    CHECK(payload != NULL || status == RR_POOL_EXHAUSTED);
    return payload;
}

static void bulk(uint64_t *random, uint8_t *data)
{
    uint64_t tokens[20];
    size_t count = 1 + next_random(random) % 20;
    for (size_t i = 0; i < count; ++i) {
        write_canary(data + i * 32, 32, 77);
    }
    if (rr_allocate_many(allocator, data, NULL, 32, NULL, 77, count, tokens, NULL) == RR_OK) {
        atomic_store_explicit(&board[next_random(random) % BOARD], tokens[0], memory_order_relaxed);
        CHECK_EQUAL(rr_drop_many(allocator, tokens, count, NULL), RR_OK);
    }
}

static void *work(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument * 7919 + 12345;
    const uint8_t *held[HELD] = {NULL};
    uint8_t *data = malloc(LARGEST);
    rr_status status = RR_OK;
    for (int step = 0; step < STEPS; ++step) {
        uint64_t choice = next_random(&random) % 100;
        size_t mine = next_random(&random) % HELD;
        size_t other = next_random(&random) % HELD;
        size_t index = next_random(&random) % BOARD;
        if (choice < 40) {
            if (held[mine] == NULL) {
                held[mine] = make_event(&random, data);
            }
            if (held[mine] != NULL) {
                atomic_store_explicit(&board[index], rr_payload_token(allocator, held[mine]), memory_order_relaxed);
            }
        } else if (choice < 60 && held[mine] != NULL) {
            check_canary(held[mine]);
            rr_release_payload(allocator, held[mine]);
            held[mine] = NULL;
        } else if (choice < 70 && held[mine] != NULL && held[other] == NULL) {
            if (rr_clone_payload(allocator, held[mine]) == RR_OK) {
                held[other] = held[mine];
            }
        } else if (choice < 85) {
            uint64_t token = atomic_load_explicit(&board[index], memory_order_relaxed);
            const uint8_t *payload = token == 0 ? NULL : rr_upgrade(allocator, token, &status);
            if (payload != NULL) {
                check_canary(payload);
                CHECK_EQUAL(rr_payload_token(allocator, payload), token);
                rr_release_payload(allocator, payload);
                atomic_fetch_add_explicit(&upgrades, 1, memory_order_relaxed);
            } else if (token != 0) {
                CHECK(status == RR_STALE_HANDLE || status == RR_REF_COUNT_OVERFLOW);
                atomic_fetch_add_explicit(&refusals, 1, memory_order_relaxed);
            }
        } else if (choice < 95) {
            uint64_t sent = 0;
            if (held[mine] != NULL) {
                sent = rr_into_token(allocator, held[mine]);
                held[mine] = NULL;
            }
            uint64_t got = atomic_exchange_explicit(&mailbox[index], sent, memory_order_acq_rel);
            if (got != 0) {
                held[mine] = rr_from_token(allocator, got, &status);
                CHECK(held[mine] != NULL); /* the thread that has the token has a detached reference */
                check_canary(held[mine]);
            }
        } else {
            bulk(&random, data);
        }
    }
    for (size_t i = 0; i < HELD; ++i) {
        if (held[i] != NULL) {
            check_canary(held[i]);
            rr_release_payload(allocator, held[i]);
        }
    }
    free(data);
    return NULL;
}

#define KEPT 17

/* Each thread holds 17 slots at the most, one slot is always free, and so no call may find the pool full. */
static void *keep_nearly_full(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument * 104729 + 1;
    const uint8_t *held[KEPT] = {NULL};
    for (int step = 0; step < STEPS; ++step) {
        size_t i = next_random(&random) % KEPT;
        if (held[i] != NULL) {
            rr_release_payload(allocator, held[i]);
        }
        held[i] = rr_allocate(allocator, &step, sizeof step, 0, 0, NULL);
        CHECK(held[i] != NULL);
    }
    for (size_t i = 0; i < KEPT; ++i) {
        if (held[i] != NULL) {
            rr_release_payload(allocator, held[i]);
        }
    }
    return NULL;
}

static void in_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; ++i) {
        CHECK_EQUAL(pthread_create(&threads[i], NULL, body, (void *)(i + 1)), 0);
    }
    for (size_t i = 0; i < THREADS; ++i) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    }
}

static void no_allocation_fails_while_a_slot_is_free(void) /* [ALLOC-3] */
{
    rr_profile profile = rr_profile_seed();
    profile.capacities[0] = THREADS * KEPT + 1;
    allocator = rr_allocator_create(&profile, NULL);
    in_threads(keep_nearly_full);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

static void run(rr_profile profile)
{
    rr_status status = RR_OK;
    allocator = rr_allocator_create(&profile, &status);
    CHECK_EQUAL(status, RR_OK);
    for (size_t i = 0; i < BOARD; ++i) {
        atomic_store_explicit(&board[i], 0, memory_order_relaxed);
    }
    in_threads(work);
    for (size_t i = 0; i < BOARD; ++i) {
        uint64_t token = atomic_exchange_explicit(&mailbox[i], 0, memory_order_relaxed);
        if (token != 0) {
            CHECK_EQUAL(rr_drop_many(allocator, &token, 1, NULL), RR_OK);
        }
    }
    for (uint32_t pool = 0; pool < RR_POOL_COUNT; ++pool) {
        rr_pool_stats stats;
        CHECK_EQUAL(rr_pool_stats_get(allocator, pool, &stats), RR_OK);
        CHECK_EQUAL(stats.live, 0);
        printf("pool %u: %llu allocations, %llu failures\n", (unsigned)pool, (unsigned long long)stats.allocations,
               (unsigned long long)stats.failures);
    }
    CHECK_EQUAL(rr_heap_usage(allocator), 64 + 64 * (uint64_t)profile.heap_slots);
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

int main(void)
{
    rr_profile profile = rr_profile_seed();
    profile.capacities[0] = 37; /* two words of the free list, and full now and then */
    profile.capacities[1] = 5;
    profile.heap_slots = 3;
    profile.heap_bytes = 45000;
    run(profile);
    RUN(no_allocation_fails_while_a_slot_is_free);
    profile = rr_profile_wide();
    profile.capacities[0] = 3;
    profile.ref_bits = 2;
    run(profile);
    printf("%llu upgrades, %llu refused\n", (unsigned long long)atomic_load_explicit(&upgrades, memory_order_relaxed),
           (unsigned long long)atomic_load_explicit(&refusals, memory_order_relaxed));
    return 0;
}
