/* Lanes: how threads that allocate from one pool keep out of each other's way, and that it stays one pool. */
#define _GNU_SOURCE /* sched_getaffinity() */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../src/private.h"
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

/* Looks at every free slot before it takes one a third time; `held` says which are not free. */
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

static void a_lane_makes_room_for_others_and_takes_their_words_back(void) /* [ALLOC-10] [ORDER-13] */
{
    enum { SLOTS = 512 };
    rr_allocator *allocator = make(SLOTS);
    struct pool *pool = &allocator->pools[RR_XS];
    for (uint32_t others = 1; others <= 3; others += 2) { /* lanes in use beside this thread's, which is the first */
        uint32_t share = SLOTS / (1 + others);
        atomic_store_explicit(&pool->lanes_used, 1 + others, memory_order_relaxed);
        for (uint32_t i = 0; i < 3 * SLOTS; ++i) {
            for (uint32_t other = 1; other <= others; ++other) {
                atomic_fetch_add_explicit(&pool->lanes[other].looks, 1, memory_order_relaxed);
            }
            uint32_t slot = take_and_drop(allocator);
            CHECK(i < SLOTS || slot < share);
        }
        check_round(allocator, none_held, SLOTS); /* alone again */
    }
    CHECK_EQUAL(rr_allocator_destroy(allocator), RR_OK);
}

/* Whatever share those who are gone have left to a lane, and wherever in it there is nothing free. */
static void a_lane_that_is_alone_leaves_its_share(void) /* [ALLOC-10] */
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
                atomic_store_explicit(&pool->lanes_used, 2, memory_order_relaxed);
                atomic_store_explicit(&pool->lanes[1].looks, 5, memory_order_relaxed); /* not seen so far */
                atomic_store_explicit(&pool->lanes[0].share, first | end << 32, memory_order_relaxed);
                check_round(allocator, held, SLOTS);
                check_round(allocator, held, SLOTS);
                rr_allocator_abandon(allocator);
            }
        }
    }
}

/* A share whose slots are held does not make a thread take the same few slots again and again, though others are in the way. */
static void a_lane_with_a_full_share_goes_round_the_rest(void) /* [ALLOC-10] */
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
        atomic_store_explicit(&pool->lanes_used, 2, memory_order_relaxed);
        for (uint32_t turn = 0; turn < 10 * SLOTS; ++turn) {
            atomic_fetch_add_explicit(&pool->lanes[1].looks, 1, memory_order_relaxed);
            ++taken[take_and_drop(allocator)];
        }
        for (uint32_t slot = 0; slot < SLOTS; ++slot) {
            CHECK(taken[slot] < 100);
        }
        rr_allocator_abandon(allocator);
    }
}

static void more_lanes_than_words_find_every_slot(void) /* [ALLOC-3] */
{
    for (uint32_t slots = 1; slots <= 65; slots += 32) {
        rr_allocator *allocator = make(slots);
        struct pool *pool = &allocator->pools[RR_XS];
        const uint8_t *held[65];
        atomic_store_explicit(&pool->lanes_used, LANES, memory_order_relaxed);
        for (uint32_t round = 0; round < 3; ++round) {
            for (uint32_t i = 0; i < slots; ++i) {
                for (uint32_t other = 1; other < LANES; ++other) {
                    atomic_fetch_add_explicit(&pool->lanes[other].looks, 1, memory_order_relaxed);
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

static rr_allocator *met;

static bool in_several_lanes(void)
{
    return atomic_load_explicit(&met->pools[RR_XS].lanes_used, memory_order_relaxed) > 1;
}

static void *get_into_each_others_way(void *ignored)
{
    (void)ignored;
    for (time_t end = time(NULL) + SECONDS; !in_several_lanes() && time(NULL) < end;) {
        for (uint32_t i = 0; i < 10000; ++i) {
            (void)take_and_drop(met);
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

static void threads_that_meet_get_lanes_and_one_that_stays_goes_round_all(void) /* [ALLOC-10] */
{
    enum { SLOTS = 2000 };
    met = make(SLOTS);
    if (processors() < 2) {
        printf("threads do not meet on one processor: left out\n");
    } else {
        pthread_t threads[THREADS];
        for (size_t i = 0; i < THREADS; ++i) {
            CHECK_EQUAL(pthread_create(&threads[i], NULL, get_into_each_others_way, NULL), 0);
        }
        for (size_t i = 0; i < THREADS; ++i) {
            CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
        }
        CHECK(in_several_lanes());
    }
    check_round(met, none_held, SLOTS);
    CHECK_EQUAL(rr_allocator_destroy(met), RR_OK);
}

int main(void)
{
    RUN(a_lane_makes_room_for_others_and_takes_their_words_back);
    RUN(a_lane_that_is_alone_leaves_its_share);
    RUN(a_lane_with_a_full_share_goes_round_the_rest);
    RUN(more_lanes_than_words_find_every_slot);
    RUN(threads_that_meet_get_lanes_and_one_that_stays_goes_round_all);
    return 0;
}
