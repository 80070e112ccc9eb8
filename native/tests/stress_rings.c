/* Rings under threads: no event torn, repeated, out of order or unaccounted for, however often a reader is lapped; and in a
 * gated ring none lost, while readers join, leave and are evicted, and the writer waits for room. [RING-5] [RING-11] [RING-12]
 * [RING-13] [RING-15] [RING-48] */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "rusted_ring.h"

#define SIZE 100
#define BULK 16
#define WAIT_NANOSECONDS 2000000
#define TOO_LONG INT64_C(60000000000) /* for a wake-up that is not lost */

static rr_ring *ring;
static uint64_t total;
static _Atomic uint32_t finished;
static _Atomic uint64_t lags;
static _Atomic uint64_t joins;
static _Atomic uint64_t evictions;
static _Atomic uint64_t waits;
static _Atomic uint64_t rooms; /* waits for room */
static _Atomic(rr_reader *) target; /* whom the evictor may take next */
static _Atomic uint32_t evicting;   /* the evictor is inside rr_reader_evict */

static uint32_t length_of(uint64_t sequence)
{
    return (uint32_t)(sequence * 7 % (SIZE + 1));
}

static void fill(uint8_t *data, uint64_t sequence)
{
    for (uint32_t i = 0; i < length_of(sequence); ++i) {
        data[i] = (uint8_t)(sequence + (sequence >> 8) * 3 + i * 5);
    }
}

static void check_event(const uint8_t *data, uint64_t length, uint32_t event_type, uint64_t sequence)
{
    uint8_t expected[SIZE];
    fill(expected, sequence);
    CHECK_EQUAL(event_type, (uint32_t)sequence);
    CHECK_EQUAL(length, length_of(sequence));
    CHECK(memcmp(data, expected, (size_t)length) == 0);
}

static bool over(const rr_reader *reader)
{
    return atomic_load_explicit(&finished, memory_order_acquire) != 0 && rr_reader_cursor(reader) == total;
}

static void *write_all(void *argument)
{
    rr_writer *writer = rr_writer_open(ring, NULL);
    uint8_t data[SIZE * BULK];
    uint32_t lengths[BULK];
    uint32_t types[BULK];
    (void)argument;
    for (uint64_t sequence = 0; sequence < total;) {
        size_t added = 0;
        if (sequence % 3 == 0) {
            fill(data, sequence);
            added = rr_writer_add(writer, data, length_of(sequence), (uint32_t)sequence) == RR_OK;
        } else {
            size_t bytes = 0;
            size_t count = total - sequence < BULK ? (size_t)(total - sequence) : BULK;
            for (size_t i = 0; i < count; ++i) {
                lengths[i] = length_of(sequence + i);
                types[i] = (uint32_t)(sequence + i);
                fill(data + bytes, sequence + i);
                bytes += lengths[i];
            }
            CHECK_EQUAL(rr_writer_add_many(writer, data, lengths, 0, types, 0, count, &added, NULL), RR_OK);
        }
        sequence += added;
        if (added == 0 && sequence % 2 == 0) { /* asleep, while readers move on, leave, join and are evicted */
            CHECK_EQUAL(rr_writer_wait(writer, TOO_LONG), RR_OK);
            atomic_fetch_add_explicit(&rooms, 1, memory_order_relaxed);
        } else if (added == 0 || sequence % 509 == 0) {
            sched_yield();
        }
    }
    rr_writer_free(writer);
    atomic_store_explicit(&finished, 1, memory_order_release);
    return NULL;
}

/* Reads until the end, one by one or in bulk; returns false if the reader was evicted. */
static bool read_some(rr_reader *reader, uint64_t limit, bool one_by_one)
{
    uint8_t data[SIZE * BULK];
    uint32_t lengths[BULK];
    uint32_t types[BULK];
    rr_read read;
    while (limit > 0 && !over(reader)) {
        uint64_t before = rr_reader_cursor(reader);
        rr_status status = one_by_one ? rr_reader_next(reader, data, SIZE, &read)
                                      : rr_reader_next_many(reader, BULK, data, sizeof data, lengths, types, &read);
        if (status == RR_RING_CLOSED) {
            return false;
        }
        if (status == RR_EMPTY) {
            if (before % 3 == 0) { /* asleep, or about to be, while the writer goes on, or an evictor comes */
                status = rr_reader_wait(reader, before, WAIT_NANOSECONDS);
                CHECK(status == RR_OK || status == RR_EMPTY || status == RR_RING_CLOSED);
                atomic_fetch_add_explicit(&waits, 1, memory_order_relaxed);
            } else {
                sched_yield();
            }
        } else if (status == RR_LAGGED) {
            CHECK_EQUAL(rr_ring_get_mode(ring), RR_OVERWRITE);
            CHECK(read.skipped > 0 && read.next_sequence == before + read.skipped);
            atomic_fetch_add_explicit(&lags, 1, memory_order_relaxed);
        } else {
            CHECK_EQUAL(status, RR_OK);
            CHECK(read.sequence == before && read.next_sequence == before + read.count);
            if (one_by_one) {
                check_event(data, read.bytes, read.event_type, before);
            } else {
                const uint8_t *next = data;
                for (uint32_t i = 0; i < read.count; ++i) {
                    check_event(next, lengths[i], types[i], before + i);
                    next += lengths[i];
                }
            }
            limit -= read.count < limit ? read.count : limit;
            if (before % 1021 < BULK) {
                sched_yield();
            }
        }
        CHECK(rr_reader_delivered(reader) + rr_reader_skipped(reader) == rr_reader_cursor(reader) - rr_reader_start(reader));
    }
    return true;
}

static void *read_all(void *argument)
{
    rr_reader *reader = argument;
    CHECK(read_some(reader, UINT64_MAX, rr_reader_start(reader) % 2 == 0));
    CHECK_EQUAL(rr_reader_cursor(reader), total);
    if (rr_ring_get_mode(ring) == RR_GATED) {
        CHECK_EQUAL(rr_reader_delivered(reader), total);
    }
    rr_reader_free(reader);
    return NULL;
}

static void *come_and_go(void *argument)
{
    uint64_t turn = (uint64_t)(uintptr_t)argument;
    while (atomic_load_explicit(&finished, memory_order_acquire) == 0) {
        rr_status status = RR_OK;
        rr_reader *none = NULL;
        rr_reader *reader = rr_reader_join(ring, turn++ % 2 == 0 ? RR_OLDEST : RR_LATEST, 0, &status);
        if (reader == NULL) {
            CHECK_EQUAL(status, RR_READERS_FULL);
            sched_yield();
            continue;
        }
        atomic_fetch_add_explicit(&joins, 1, memory_order_relaxed);
        bool offered = atomic_compare_exchange_strong_explicit(&target, &none, reader, memory_order_acq_rel,
                                                               memory_order_relaxed);
        if (!read_some(reader, 1 + turn % 50, turn % 3 == 0)) {
            CHECK_EQUAL(rr_reader_evicted(reader), 1);
            atomic_fetch_add_explicit(&evictions, 1, memory_order_relaxed);
        } else {
            rr_reader_leave(reader);
        }
        rr_reader *mine = reader;
        if (offered && !atomic_compare_exchange_strong_explicit(&target, &mine, NULL, memory_order_acq_rel,
                                                                memory_order_acquire)) {
            while (atomic_load_explicit(&evicting, memory_order_acquire) != 0) {
                sched_yield();
            }
        }
        rr_reader_free(reader);
    }
    return NULL;
}

static void *evict_some(void *argument)
{
    (void)argument;
    while (atomic_load_explicit(&finished, memory_order_acquire) == 0) {
        atomic_store_explicit(&evicting, 1, memory_order_relaxed);
        rr_reader *reader = atomic_exchange_explicit(&target, NULL, memory_order_acq_rel);
        if (reader != NULL) {
            CHECK_EQUAL(rr_reader_evict(reader), RR_OK);
        }
        atomic_store_explicit(&evicting, 0, memory_order_release);
        sched_yield();
    }
    return NULL;
}

static void begin(uint64_t capacity, rr_ring_mode mode, uint32_t readers, uint64_t events)
{
    ring = rr_ring_create(SIZE, capacity, mode, readers, RR_MAX_RING_BYTES, NULL);
    CHECK(ring != NULL);
    total = events;
    atomic_store_explicit(&finished, 0, memory_order_relaxed);
    atomic_store_explicit(&target, NULL, memory_order_relaxed);
}

static void finish(pthread_t *threads, size_t count)
{
    while (count > 0) {
        CHECK_EQUAL(pthread_join(threads[--count], NULL), 0);
    }
    CHECK_EQUAL(rr_ring_write_cursor(ring), total);
    CHECK_EQUAL(rr_ring_readers(ring), 0);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static void start(pthread_t *thread, void *(*body)(void *), void *argument)
{
    CHECK_EQUAL(pthread_create(thread, NULL, body, argument), 0);
}

static void overwriting(uint64_t capacity)
{
    pthread_t threads[4];
    begin(capacity, RR_OVERWRITE, 0, 200000);
    for (size_t i = 1; i < 4; ++i) {
        start(&threads[i], read_all, rr_reader_join(ring, RR_OLDEST, 0, NULL));
    }
    start(&threads[0], write_all, NULL);
    finish(threads, 4);
}

/* In a ring of one or two slots every event is a change of threads, and takes that long. */
static uint64_t fewer_of_a_small_ring(uint64_t capacity, uint64_t events)
{
    return capacity < 7 ? events / 6 : events;
}

static void gated(uint64_t capacity)
{
    pthread_t threads[6];
    begin(capacity, RR_GATED, 4, fewer_of_a_small_ring(capacity, 60000));
    start(&threads[0], read_all, rr_reader_join(ring, RR_OLDEST, 0, NULL));
    start(&threads[1], come_and_go, (void *)(uintptr_t)1);
    start(&threads[2], come_and_go, (void *)(uintptr_t)2);
    start(&threads[3], come_and_go, (void *)(uintptr_t)3);
    start(&threads[4], evict_some, NULL);
    start(&threads[5], write_all, NULL);
    finish(threads, 6);
}

/* Without a lasting reader the writer often has none at all, and meets those that join. */
static void gated_without_a_lasting_reader(uint64_t capacity)
{
    pthread_t threads[4];
    begin(capacity, RR_GATED, 2, fewer_of_a_small_ring(capacity, 200000));
    start(&threads[0], come_and_go, (void *)(uintptr_t)1);
    start(&threads[1], come_and_go, (void *)(uintptr_t)2);
    start(&threads[2], evict_some, NULL);
    start(&threads[3], write_all, NULL);
    finish(threads, 4);
}

int main(void)
{
    static const uint64_t capacities[] = {1, 2, 7, 64, 1000};
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; ++i) {
        overwriting(capacities[i]);
        gated(capacities[i]);
        gated_without_a_lasting_reader(capacities[i]);
    }
    printf("%llu lags, %llu joins, %llu evicted, %llu waits for an event, %llu for room\n",
           (unsigned long long)atomic_load_explicit(&lags, memory_order_relaxed),
           (unsigned long long)atomic_load_explicit(&joins, memory_order_relaxed),
           (unsigned long long)atomic_load_explicit(&evictions, memory_order_relaxed),
           (unsigned long long)atomic_load_explicit(&waits, memory_order_relaxed),
           (unsigned long long)atomic_load_explicit(&rooms, memory_order_relaxed));
    return 0;
}
