/* Shards: threads that allocate from one pool search different parts of it, and any thread can still get any slot. */
#define _GNU_SOURCE /* sched_getaffinity() */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../src/pool.h"
#include "check.h"
#include "rusted_ring.h"

#define THREADS 4
#define SECONDS 5

static rr_allocator *make(uint32_t slots)
{
    rr_profile profile = rr_profile_seed();
    profile.capacities[0] = slots;
    rr_allocator *allocator = rr_allocator_create(&profile, NULL);
    CHECK(allocator != NULL);
    return allocator;
}

static const uint8_t *put(rr_allocator *allocator)
{
    const uint8_t *payload = rr_allocate(allocator, "x", 1, 3, 0, NULL);
    CHECK(payload != NULL);
    return payload;
}

static uint32_t take_and_drop(rr_allocator *allocator)
{
    const uint8_t *payload = put(allocator);
    uint32_t slot = rr_payload_slot_index(payload);
    rr_release_payload(allocator, payload);
    return slot;
}

static const bool none_held[2000];

/* Allocations visit every free slot before they take one a third time; `held` tells which are not free. */
static void check_round(rr_allocator *allocator, const bool *held, uint32_t slots)
{
    uint32_t taken[4096] = {0};
    for (uint32_t slot = 0; taken[slot] < 3;) {
        slot = take_and_drop(allocator);
        ++taken[slot];
    }
    for (uint32_t slot = 0; slot < slots; ++slot) {
        CHECK(held[slot] || taken[slot] != 0);
    }
}

static void a_shard_makes_room_for_others_and_takes_their_words_back(void) /* [ALLOC-10] [ORDER-13] */
{
    enum { SLOTS = 512 };
    rr_allocator *allocator = make(SLOTS);
    struct pool *pool = &allocator->pools[RR_XS];
    for (uint32_t others = 1; others <= 3; others += 2) { /* shards in use beside this thread's, which is the first */
        uint32_t range = SLOTS / (1 + others);
        atomic_store_explicit(&pool->shards_used, 1 + others, memory_order_relaxed);
        for (uint32_t i = 0; i < 3 * SLOTS; ++i) {
            for (uint32_t other = 1; other <= others; ++other) {
                atomic_fetch_add_explicit(&pool->shards[other].looks, 1, memory_order_relaxed);
            }
            uint32_t slot = take_and_drop(allocator);
            CHECK(i < SLOTS || slot < range);
        }
        check_round(allocator, none_held, SLOTS); /* alone again */
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

/* Allocations that leave a token take the slow path; they too visit every slot before they take one again. */
static void the_slow_path_goes_round(void) /* [ALLOC-10] */
{
    enum { SLOTS = 65 };
    rr_allocator *allocator = make(SLOTS);
    for (uint32_t turn = 0; turn < 2 * SLOTS; ++turn) {
        uint64_t token = 0;
        rr_handle handle;
        CHECK_EQUAL(rr_handle_ffi_event(allocator, "x", 1, 3, &token), RR_OK);
        CHECK_EQUAL(rr_token_decode(allocator, token, &handle), RR_OK);
        CHECK_EQUAL(handle.slot_index, turn % SLOTS);
        CHECK_EQUAL(rr_drop_many(allocator, &token, 1, NULL), RR_OK);
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

/* The only free slot is found, whichever it is and wherever the search begins. */
static void the_last_free_slot_is_found_everywhere(void) /* [ALLOC-2] [ALLOC-3] */
{
    enum { SLOTS = 130 };
    rr_allocator *allocator = make(SLOTS);
    const uint8_t *held[SLOTS];
    for (uint32_t slot = 0; slot < SLOTS; ++slot) {
        held[slot] = put(allocator);
        CHECK_EQUAL(rr_payload_slot_index(held[slot]), slot);
    }
    for (uint32_t step = 1; step < SLOTS; step += 32) {
        for (uint32_t turn = 0, slot = 0; turn < SLOTS; ++turn, slot = (slot + step) % SLOTS) {
            rr_release_payload(allocator, held[slot]);
            held[slot] = put(allocator);
            CHECK_EQUAL(rr_payload_slot_index(held[slot]), slot);
        }
    }
    for (uint32_t slot = 0; slot < SLOTS; ++slot) {
        rr_release_payload(allocator, held[slot]);
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

/* For every range that earlier threads may have left to a shard, with free slots anywhere in it or nowhere. */
static void a_shard_that_is_alone_leaves_its_range(void) /* [ALLOC-10] */
{
    enum { WORDS = 8, SLOTS = 32 * WORDS };
    static const uint32_t kept_free[][WORDS] = {
        {32, 32, 32, 0, 32, 32, 32, 32}, /* the last word of the first half is full */
        {1, 1, 0, 0, 0, 0, 0, 1},
        {1, 0, 1, 0, 0, 1, 0, 0},        /* the second half has one, which is not in its last word */
        {0, 1, 1, 0, 0, 0, 0, 0},        /* it has none */
        {0, 0, 0, 0, 1, 1, 32, 32},
    };
    for (size_t i = 0; i < sizeof kept_free / sizeof *kept_free; ++i) {
        for (uint64_t first = 0; first < WORDS; ++first) {
            for (uint64_t end = first + 1; end <= WORDS; ++end) {
                rr_allocator *allocator = make(SLOTS);
                struct pool *pool = &allocator->pools[RR_XS];
                const uint8_t *payloads[SLOTS];
                bool held[SLOTS];
                for (uint32_t slot = 0; slot < SLOTS; ++slot) {
                    payloads[slot] = put(allocator);
                    CHECK_EQUAL(rr_payload_slot_index(payloads[slot]), slot);
                }
                for (uint32_t slot = 0; slot < SLOTS; ++slot) {
                    held[slot] = slot % 32 >= kept_free[i][slot / 32];
                    if (!held[slot]) {
                        rr_release_payload(allocator, payloads[slot]);
                    }
                }
                atomic_store_explicit(&pool->shards_used, 2, memory_order_relaxed);
                atomic_store_explicit(&pool->shards[1].looks, 5, memory_order_relaxed); /* not seen so far */
                atomic_store_explicit(&pool->shards[0].range, first | end << 32, memory_order_relaxed);
                check_round(allocator, held, SLOTS);
                check_round(allocator, held, SLOTS);
                rr_allocator_abandon(allocator);
            }
        }
    }
}

/* A range without free slots does not make a thread take the same few slots again and again, although other shards are in use. */
static void a_shard_with_a_full_range_searches_the_rest(void) /* [ALLOC-10] */
{
    enum { SLOTS = 2000 };
    static const struct {
        uint32_t held_to; /* all slots below it are held, */
        uint32_t free;    /* but this one */
    } cases[] = {{992, SLOTS}, {1024, 640}, {1023, SLOTS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        rr_allocator *allocator = make(SLOTS);
        struct pool *pool = &allocator->pools[RR_XS];
        static uint32_t taken[SLOTS];
        memset(taken, 0, sizeof taken);
        const uint8_t *one = NULL;
        for (uint32_t slot = 0; slot < cases[i].held_to; ++slot) {
            const uint8_t *payload = put(allocator);
            one = slot == cases[i].free ? payload : one;
        }
        if (one != NULL) {
            rr_release_payload(allocator, one);
        }
        atomic_store_explicit(&pool->shards_used, 2, memory_order_relaxed);
        for (uint32_t turn = 0; turn < 10 * SLOTS; ++turn) {
            atomic_fetch_add_explicit(&pool->shards[1].looks, 1, memory_order_relaxed);
            ++taken[take_and_drop(allocator)];
        }
        for (uint32_t slot = 0; slot < SLOTS; ++slot) {
            CHECK(taken[slot] < 100);
        }
        rr_allocator_abandon(allocator);
    }
}

static void more_shards_than_words_find_every_slot(void) /* [ALLOC-3] */
{
    for (uint32_t slots = 1; slots <= 65; slots += 32) {
        rr_allocator *allocator = make(slots);
        struct pool *pool = &allocator->pools[RR_XS];
        const uint8_t *held[65];
        atomic_store_explicit(&pool->shards_used, SHARDS, memory_order_relaxed);
        for (uint32_t round = 0; round < 3; ++round) {
            for (uint32_t i = 0; i < slots; ++i) {
                for (uint32_t other = 1; other < SHARDS; ++other) {
                    atomic_fetch_add_explicit(&pool->shards[other].looks, 1, memory_order_relaxed);
                }
                held[i] = put(allocator);
            }
            CHECK(rr_allocate(allocator, "x", 1, 0, 0, NULL) == NULL);
            for (uint32_t i = 0; i < slots; ++i) {
                rr_release_payload(allocator, held[i]);
            }
        }
        CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
    }
}

static rr_allocator *contended;

static bool in_several_shards(void)
{
    return atomic_load_explicit(&contended->pools[RR_XS].shards_used, memory_order_relaxed) > 1;
}

static void *contend(void *ignored)
{
    (void)ignored;
    for (time_t end = time(NULL) + SECONDS; !in_several_shards() && time(NULL) < end;) {
        for (uint32_t i = 0; i < 10000; ++i) {
            (void)take_and_drop(contended);
        }
    }
    return NULL;
}

/* Processors that this process may run on: its affinity mask may leave out some that are online. */
static int processors(void)
{
#if defined(CPU_COUNT)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        return CPU_COUNT(&allowed);
    }
#endif
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static void contending_threads_get_shards_and_the_last_one_searches_all(void) /* [ALLOC-10] */
{
    enum { SLOTS = 2000 };
    contended = make(SLOTS);
    if (processors() < 2) {
        printf("threads do not contend on one processor: skipped\n");
    } else {
        pthread_t threads[THREADS];
        for (size_t i = 0; i < THREADS; ++i) {
            CHECK_EQUAL(pthread_create(&threads[i], NULL, contend, NULL), 0);
        }
        for (size_t i = 0; i < THREADS; ++i) {
            CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
        }
        CHECK(in_several_shards());
    }
    check_round(contended, none_held, SLOTS);
    CHECK_EQUAL(rr_allocator_destroy(contended), RR_OK);
}

int main(void)
{
    RUN(a_shard_makes_room_for_others_and_takes_their_words_back);
    RUN(the_slow_path_goes_round);
    RUN(the_last_free_slot_is_found_everywhere);
    RUN(a_shard_that_is_alone_leaves_its_range);
    RUN(a_shard_with_a_full_range_searches_the_rest);
    RUN(more_shards_than_words_find_every_slot);
    RUN(contending_threads_get_shards_and_the_last_one_searches_all);
    return 0;
}
