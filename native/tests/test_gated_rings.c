/* Gated rings: the slowest reader holds the writer back, until it leaves or is evicted; a registration outlives its reader. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "check.h"
#include "ring_events.h"
#include "rusted_ring.h"

/* The tag of a registration wraps around after 2^22 readers; a reader that ended before must not take it for its own. */
static void a_reader_that_ended_stays_out_for_good(void) /* [RING-6] [RING-19] [RING-20] */
{
    rr_ring *ring = make(8, 2, RR_GATED, 1);
    rr_writer *writer = writer_of(ring);
    rr_reader *evicted = join(ring, RR_LATEST);
    uint8_t data[ROOM];
    rr_read read;
    CHECK_EQUAL(rr_reader_evict(evicted), RR_OK);
    rr_reader *left = join(ring, RR_LATEST);
    rr_reader_leave(left);
    for (uint32_t i = 0; i < (UINT32_C(1) << 22) - 2; ++i) {
        rr_reader_free(join(ring, RR_LATEST));
    }
    rr_reader *later = join(ring, RR_LATEST);
    CHECK_EQUAL(rr_writer_add(writer, "x", 1, 1), RR_OK);
    CHECK_EQUAL(rr_reader_next(evicted, data, sizeof data, &read), RR_RING_CLOSED);
    CHECK_EQUAL(rr_reader_evict(evicted), RR_OK);
    rr_reader_free(evicted);
    CHECK_EQUAL(rr_reader_evicted(later), 0);
    CHECK_EQUAL(rr_reader_next(later, data, sizeof data, &read), RR_OK);
    rr_reader_free(later);
    rr_reader *last = join(ring, RR_LATEST);
    CHECK_EQUAL(rr_reader_evict(left), RR_OK);
    CHECK_EQUAL(rr_ring_readers(ring), 1);
    rr_reader_free(left);
    end(ring, writer, last);
}

/* A reader that is evicted during a long copy, and the next one, which gets the same registration and cursor. */
struct interrupted {
    rr_reader *reader;
    uint8_t *data;
    uint32_t *lengths;
    uint32_t *types;
    rr_status status;
    _Atomic uint32_t begun;
};

static void *read_everything(void *argument)
{
    struct interrupted *seen = argument;
    rr_read read;
    atomic_store_explicit(&seen->begun, 1, memory_order_relaxed);
    seen->status = rr_reader_next_many(seen->reader, 2048, seen->data, (size_t)2048 * ROOM, seen->lengths, seen->types, &read);
    return NULL;
}

/* Without a tag in the registration, the end of the copy would move the next reader past events that it did not read. */
static void an_evicted_reader_does_not_move_its_successor_on(void) /* [RING-15] [RING-20] */
{
    static const uint8_t payload[ROOM] = {1};
    struct interrupted seen = {.data = malloc((size_t)2048 * ROOM),
                               .lengths = calloc(2048, sizeof(uint32_t)),
                               .types = calloc(2048, sizeof(uint32_t))};
    rr_ring *ring = rr_ring_create(ROOM, 2048, RR_GATED, 1, UINT64_MAX, NULL);
    CHECK(seen.data != NULL && seen.lengths != NULL && seen.types != NULL && ring != NULL);
    rr_writer *writer = writer_of(ring);
    uint32_t interrupted = 0;
    for (uint32_t round = 0; round < 1000 && interrupted < 3; ++round) {
        seen.reader = join(ring, RR_OLDEST);
        while (rr_writer_add(writer, payload, ROOM, round) == RR_OK) {
        }
        CHECK_EQUAL(rr_reader_lag(seen.reader), 2048);
        pthread_t thread;
        atomic_store_explicit(&seen.begun, 0, memory_order_relaxed);
        CHECK_EQUAL(pthread_create(&thread, NULL, read_everything, &seen), 0);
        while (atomic_load_explicit(&seen.begun, memory_order_relaxed) == 0) {
            sched_yield();
        }
        CHECK_EQUAL(rr_reader_evict(seen.reader), RR_OK);
        rr_reader *successor = join(ring, RR_OLDEST);
        CHECK_EQUAL(pthread_join(thread, NULL), 0);
        uint8_t data[ROOM];
        rr_read read;
        uint64_t lag = rr_reader_lag(successor);
        if (seen.status == RR_RING_CLOSED) {
            CHECK_EQUAL(lag, 2048);
            ++interrupted;
        } else {
            CHECK_EQUAL(seen.status, RR_OK);
            CHECK_EQUAL(lag, 0);
        }
        CHECK_EQUAL(rr_reader_evicted(successor), 0);
        CHECK_EQUAL(rr_reader_next(successor, data, sizeof data, &read), lag > 0 ? RR_OK : RR_EMPTY);
        rr_reader_free(seen.reader);
        rr_reader_free(successor);
    }
    CHECK(interrupted > 0);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    free(seen.types);
    free(seen.lengths);
    free(seen.data);
}

static void a_gated_ring_waits_for_the_slowest(void) /* [RING-14] [RING-15] [RING-19] [RING-20] [RING-21] */
{
    rr_status status = RR_OK;
    rr_ring *ring = make(20, 4, RR_GATED, 2);
    rr_writer *writer = writer_of(ring);
    rr_reader *slow = join(ring, RR_OLDEST);
    rr_reader *fast = join(ring, RR_LATEST);
    CHECK_EQUAL(rr_ring_readers(ring), 2);
    CHECK(rr_reader_join(ring, RR_OLDEST, 0, &status) == NULL && status == RR_READERS_FULL);
    CHECK(rr_reader_join(ring, RR_CURSOR, 0, &status) == NULL && status == RR_BAD_ARGUMENT);
    for (uint64_t i = 0; i < 4; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
        expect(ring, fast, i);
    }
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    CHECK_EQUAL(rr_ring_write_cursor(ring), 4);
    expect(ring, slow, 0);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    CHECK_EQUAL(rr_reader_evict(slow), RR_OK);
    CHECK_EQUAL(rr_reader_evicted(slow), 1);
    CHECK_EQUAL(rr_reader_left(slow), 0);
    CHECK_EQUAL(rr_ring_readers(ring), 1);
    CHECK_EQUAL(next_status(slow), RR_RING_CLOSED);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    rr_reader *heir = join(ring, RR_LATEST); /* gets the registration of the evicted one */
    CHECK_EQUAL(rr_reader_evict(slow), RR_OK);
    CHECK_EQUAL(next_status(slow), RR_RING_CLOSED);
    rr_reader_free(slow);
    CHECK_EQUAL(rr_reader_evicted(heir), 0);
    CHECK_EQUAL(rr_ring_readers(ring), 2);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    expect(ring, heir, 6);
    expect(ring, fast, 4);
    expect(ring, fast, 5);
    rr_reader_leave(fast);
    CHECK_EQUAL(rr_reader_evicted(fast), 0);
    CHECK_EQUAL(rr_reader_evict(fast), RR_OK);
    CHECK_EQUAL(rr_reader_evicted(fast), 0);
    CHECK_EQUAL(next_status(fast), RR_RING_CLOSED);
    rr_reader_free(fast);
    end(ring, writer, heir);
}

/* Around the sizes at which the words with length and type of a gated ring are spread; single and bulk calls in turn, some of
 * them over the ring's end, lap after lap. */
static void a_gated_ring_of_any_size_keeps_every_event(void) /* [RING-2] [RING-13] [RING-15] [LAYOUT-6] */
{
    enum { SIZE = 12, MOST = 200 };
    static const uint64_t capacities[] = {1, 2, 3, 63, 64, 65, 127, 128, 129, MOST};
    for (size_t shape = 0; shape < sizeof capacities / sizeof capacities[0]; ++shape) {
        uint64_t capacity = capacities[shape];
        rr_ring *ring = make(SIZE, capacity, RR_GATED, 2);
        rr_writer *writer = writer_of(ring);
        rr_reader *reader = join(ring, RR_OLDEST);
        uint64_t sequence = 0;
        for (uint32_t round = 0; round < 13; ++round) {
            uint64_t count = round % 3 == 0 ? capacity : (uint64_t)round * 17 % capacity + 1;
            if (round % 2 == 0) {
                for (uint64_t i = 0; i < count; ++i) {
                    CHECK_EQUAL(add(ring, writer), RR_OK);
                }
            } else {
                uint8_t data[MOST * SIZE];
                uint8_t *next = data;
                uint32_t lengths[MOST];
                uint32_t types[MOST];
                size_t added = 0;
                for (uint64_t i = 0; i < count; ++i) {
                    lengths[i] = length_of(ring, sequence + i);
                    types[i] = (uint32_t)(sequence + i) + 5;
                    fill(next, sequence + i, lengths[i]);
                    next += lengths[i];
                }
                CHECK_EQUAL(rr_writer_add_many(writer, data, lengths, 0, types, 0, (size_t)count, &added, NULL), RR_OK);
                CHECK_EQUAL(added, count);
            }
            CHECK_EQUAL(rr_ring_write_cursor(ring), sequence + count);
            if (count == capacity) {
                CHECK_EQUAL(add(ring, writer), RR_FULL);
            }
            rr_reader *second = join(ring, round % 2 == 0 ? RR_OLDEST : RR_LATEST);
            for (uint64_t i = 0; i < count; ++i) {
                expect(ring, reader, sequence + i);
                if (round % 2 == 0) {
                    expect(ring, second, sequence + i);
                }
            }
            CHECK_EQUAL(next_status(reader), RR_EMPTY);
            CHECK_EQUAL(next_status(second), RR_EMPTY);
            rr_reader_free(second);
            sequence += count;
        }
        end(ring, writer, reader);
    }
}

static void a_gated_ring_retains_what_is_unread(void) /* [RING-16] [RING-17] [RING-30] */
{
    rr_ring *ring = make(20, 4, RR_GATED, 3);
    rr_writer *writer = writer_of(ring);
    for (int i = 0; i < 6; ++i) { /* no reader: kept until overwritten */
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    CHECK_EQUAL(rr_ring_retained(ring), 4);
    rr_reader *first = join(ring, RR_OLDEST);
    CHECK_EQUAL(rr_reader_start(first), 2);
    expect(ring, first, 2);
    expect(ring, first, 3);
    CHECK_EQUAL(rr_ring_retained(ring), 2); /* read by every reader there is */
    rr_reader *second = join(ring, RR_OLDEST);
    CHECK_EQUAL(rr_reader_start(second), 4);
    expect(ring, first, 4);
    CHECK_EQUAL(rr_ring_retained(ring), 2);
    rr_reader_leave(second);
    CHECK_EQUAL(rr_ring_retained(ring), 1); /* the one reader left has read 4 */
    rr_reader_leave(first);
    CHECK_EQUAL(rr_ring_retained(ring), 1);
    rr_reader *third = join(ring, RR_OLDEST);
    CHECK_EQUAL(rr_reader_start(third), 5);
    expect(ring, third, 5);
    CHECK_EQUAL(rr_reader_evict(third), RR_OK);
    CHECK_EQUAL(rr_ring_retained(ring), 0);
    for (uint64_t i = 1; i <= 6; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
        CHECK_EQUAL(rr_ring_retained(ring), i < 4 ? i : 4);
    }
    rr_reader_free(first);
    rr_reader_free(second);
    end(ring, writer, third);
}

static void a_second_writer_goes_on_at_the_same_gating_sequence(void) /* [RING-14] [RING-27] */
{
    rr_ring *ring = make(20, 3, RR_GATED, 2);
    rr_writer *writer = writer_of(ring);
    rr_reader *reader = join(ring, RR_OLDEST);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    rr_writer_free(writer);
    writer = writer_of(ring);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    for (uint64_t i = 0; i < 3; ++i) {
        expect(ring, reader, i);
    }
    end(ring, writer, reader);
}

static void a_gated_ring_waits_for_its_first_readers(void) /* [RING-45] */
{
    rr_ring *overwriting = make(20, 3, RR_OVERWRITE, 0);
    CHECK_EQUAL(rr_ring_wait_for_readers(overwriting, 1), RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_ring_destroy(overwriting), RR_OK);
    rr_ring *ring = make(20, 3, RR_GATED, 2);
    CHECK_EQUAL(rr_ring_wait_for_readers(ring, 3), RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_ring_readers_awaited(ring), 0);
    CHECK_EQUAL(rr_ring_wait_for_readers(ring, 2), RR_OK);
    CHECK_EQUAL(rr_ring_readers_awaited(ring), 2);
    rr_writer *writer = writer_of(ring);
    for (int i = 0; i < 3; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    rr_reader *first = join(ring, RR_OLDEST);
    for (uint64_t i = 0; i < 3; ++i) {
        expect(ring, first, i);
    }
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    rr_reader_free(first);
    CHECK(rr_ring_readers_awaited(ring) == 1 && rr_ring_readers(ring) == 0 && rr_ring_retained(ring) == 3);
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    rr_reader *second = join(ring, RR_OLDEST);
    CHECK_EQUAL(rr_ring_readers_awaited(ring), 0);
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    expect(ring, second, 0);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    rr_reader_leave(second);
    for (int i = 0; i < 5; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    end(ring, writer, second);
}

int main(void)
{
    RUN(a_reader_that_ended_stays_out_for_good);
    RUN(an_evicted_reader_does_not_move_its_successor_on);
    RUN(a_gated_ring_waits_for_the_slowest);
    RUN(a_gated_ring_of_any_size_keeps_every_event);
    RUN(a_gated_ring_retains_what_is_unread);
    RUN(a_second_writer_goes_on_at_the_same_gating_sequence);
    RUN(a_gated_ring_waits_for_its_first_readers);
    return 0;
}
