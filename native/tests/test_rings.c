/* Rings, nearly always in one thread: every function of rings, writers and readers, and every error they have. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "rusted_ring.h"

#define ROOM 4096

static rr_ring *make(uint64_t size, uint64_t capacity, rr_ring_mode mode, uint32_t readers)
{
    rr_status status = RR_BUSY;
    rr_ring *ring = rr_ring_create(size, capacity, mode, readers, RR_MAX_RING_BYTES, &status);
    CHECK_EQUAL(status, RR_OK);
    return ring;
}

static rr_writer *writer_of(rr_ring *ring)
{
    rr_status status = RR_BUSY;
    rr_writer *writer = rr_writer_open(ring, &status);
    CHECK_EQUAL(status, RR_OK);
    return writer;
}

static rr_reader *join(rr_ring *ring, rr_join_at at)
{
    rr_status status = RR_BUSY;
    rr_reader *reader = rr_reader_join(ring, at, 0, &status);
    CHECK_EQUAL(status, RR_OK);
    return reader;
}

/* The event with a sequence number is that number, of a length that varies with it. */
static uint32_t length_of(const rr_ring *ring, uint64_t sequence)
{
    return (uint32_t)(sequence % (rr_ring_size(ring) + 1));
}

static void fill(uint8_t *data, uint64_t sequence, uint32_t length)
{
    for (uint32_t i = 0; i < length; ++i) {
        data[i] = (uint8_t)(sequence * 31 + i);
    }
}

static rr_status add(rr_ring *ring, rr_writer *writer)
{
    uint8_t data[ROOM];
    uint64_t sequence = rr_ring_write_cursor(ring);
    fill(data, sequence, length_of(ring, sequence));
    return rr_writer_add(writer, data, length_of(ring, sequence), (uint32_t)sequence + 5);
}

static void expect(rr_ring *ring, rr_reader *reader, uint64_t sequence)
{
    uint8_t data[ROOM];
    uint8_t expected[ROOM];
    rr_read read;
    CHECK_EQUAL(rr_reader_next(reader, data, rr_ring_size(ring), &read), RR_OK);
    CHECK_EQUAL(read.sequence, sequence);
    CHECK_EQUAL(read.count, 1);
    CHECK_EQUAL(read.bytes, length_of(ring, sequence));
    CHECK_EQUAL(read.event_type, sequence + 5);
    CHECK_EQUAL(read.next_sequence, sequence + 1);
    fill(expected, sequence, length_of(ring, sequence));
    CHECK(memcmp(data, expected, length_of(ring, sequence)) == 0);
}

static rr_status next_status(rr_reader *reader)
{
    uint8_t data[ROOM];
    rr_read read;
    return rr_reader_next(reader, data, sizeof data, &read);
}

static void end(rr_ring *ring, rr_writer *writer, rr_reader *reader)
{
    rr_writer_free(writer);
    rr_reader_free(reader);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static void shapes_are_checked(void) /* [RING-29] [LAYOUT-6] [LAYOUT-7] */
{
    rr_status status = RR_OK;
    const uint64_t limit = RR_MAX_RING_BYTES;
    CHECK(rr_ring_create(0, 8, RR_OVERWRITE, 0, limit, &status) == NULL && status == RR_LAYOUT);
    CHECK(rr_ring_create(8, 0, RR_OVERWRITE, 0, limit, &status) == NULL && status == RR_LAYOUT);
    CHECK(rr_ring_create(UINT64_C(1) << 31, 1, RR_OVERWRITE, 0, UINT64_MAX, &status) == NULL && status == RR_LAYOUT);
    CHECK(rr_ring_create(1, UINT64_C(1) << 32, RR_OVERWRITE, 0, UINT64_MAX, &status) == NULL && status == RR_LAYOUT);
    CHECK(rr_ring_create(8, 8, RR_GATED, 0, limit, &status) == NULL && status == RR_LAYOUT);
    CHECK(rr_ring_create(8, 8, RR_GATED, 1025, limit, &status) == NULL && status == RR_LAYOUT);
    CHECK(rr_ring_create(8, 8, (rr_ring_mode)2, 1, limit, &status) == NULL && status == RR_BAD_ARGUMENT);
    CHECK(rr_ring_create(64, 14561, RR_OVERWRITE, 0, limit, &status) == NULL && status == RR_LAYOUT);
    CHECK(rr_ring_create(64, 14560, RR_GATED, 2, limit, &status) == NULL && status == RR_LAYOUT);
    rr_ring *ring = make(64, 14560, RR_GATED, 1);
    CHECK_EQUAL(rr_ring_memory_usage(ring), 1048576);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    ring = make(64, 14560, RR_OVERWRITE, 7);
    CHECK_EQUAL(rr_ring_memory_usage(ring), 1048576 - 64);
    CHECK_EQUAL(rr_ring_max_readers(ring), 0);
    CHECK_EQUAL(rr_ring_get_mode(ring), RR_OVERWRITE);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    ring = rr_ring_create(64, 14561, RR_OVERWRITE, 0, limit + 64, &status);
    CHECK_EQUAL(status, RR_OK);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    ring = make(57, 10, RR_GATED, 3);
    CHECK_EQUAL(rr_ring_memory_usage(ring), 64 * 6 + 10 * 64 + 128);
    CHECK(rr_ring_size(ring) == 57 && rr_ring_capacity(ring) == 10 && rr_ring_max_readers(ring) == 3);
    CHECK_EQUAL(rr_ring_get_mode(ring), RR_GATED);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static void one_writer_at_a_time(void) /* [RING-4] [RING-27] */
{
    rr_status status = RR_OK;
    rr_ring *ring = make(8, 4, RR_OVERWRITE, 0);
    rr_writer *writer = writer_of(ring);
    size_t added = 9;
    CHECK(rr_writer_open(ring, &status) == NULL && status == RR_WRITER_TAKEN);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    rr_writer_close(writer);
    rr_writer_close(writer);
    CHECK_EQUAL(add(ring, writer), RR_RING_CLOSED);
    CHECK_EQUAL(rr_writer_add_many(writer, "ab", NULL, 1, NULL, 0, 2, &added, NULL), RR_RING_CLOSED);
    CHECK_EQUAL(added, 0);
    rr_writer *second = writer_of(ring);
    rr_writer_free(writer); /* must not end the second writer */
    CHECK(rr_writer_open(ring, &status) == NULL && status == RR_WRITER_TAKEN);
    CHECK_EQUAL(add(ring, second), RR_OK);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_BUSY);
    rr_reader *reader = join(ring, RR_OLDEST);
    expect(ring, reader, 0);
    expect(ring, reader, 1);
    CHECK_EQUAL(next_status(reader), RR_EMPTY);
    rr_writer_free(NULL);
    rr_reader_free(NULL);
    end(ring, second, reader);
}

static void every_payload_size_and_length_survives(void) /* [LAYOUT-1] [RING-5] [RING-9] [RING-28] */
{
    for (uint64_t size = 1; size <= 80; ++size) {
        for (int mode = RR_OVERWRITE; mode <= RR_GATED; ++mode) {
            rr_ring *ring = make(size, 3, (rr_ring_mode)mode, 1);
            rr_writer *writer = writer_of(ring);
            rr_reader *reader = join(ring, RR_OLDEST);
            uint8_t data[ROOM] = {0};
            for (uint64_t sequence = 0; sequence < 2 * size + 7; ++sequence) {
                CHECK_EQUAL(add(ring, writer), RR_OK);
                expect(ring, reader, sequence);
            }
            CHECK_EQUAL(rr_writer_add(writer, data, size + 1, 0), RR_PAYLOAD_TOO_LARGE);
            CHECK_EQUAL(next_status(reader), RR_EMPTY);
            end(ring, writer, reader);
        }
    }
}

static void a_lapped_reader_is_told_once_and_goes_on(void) /* [RING-10] [RING-11] [RING-12] [RING-22] [RING-23] [RING-30] */
{
    rr_ring *ring = make(20, 5, RR_OVERWRITE, 0);
    rr_writer *writer = writer_of(ring);
    rr_reader *reader = join(ring, RR_LATEST);
    uint8_t data[ROOM];
    rr_read read;
    CHECK_EQUAL(rr_reader_lag(reader), 0);
    for (int i = 0; i < 13; ++i) {
        CHECK_EQUAL(rr_ring_retained(ring), i < 5 ? i : 5);
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    CHECK_EQUAL(rr_reader_lag(reader), 13);
    CHECK_EQUAL(rr_reader_backlog(reader), 5);
    CHECK_EQUAL(rr_reader_next(reader, data, sizeof data, &read), RR_LAGGED);
    CHECK_EQUAL(read.skipped, 8);
    CHECK_EQUAL(read.next_sequence, 8);
    CHECK_EQUAL(read.count, 0);
    for (uint64_t sequence = 8; sequence < 13; ++sequence) {
        expect(ring, reader, sequence);
    }
    CHECK_EQUAL(next_status(reader), RR_EMPTY);
    CHECK_EQUAL(rr_reader_delivered(reader), 5);
    CHECK_EQUAL(rr_reader_skipped(reader), 8);
    CHECK_EQUAL(rr_reader_cursor(reader) - rr_reader_start(reader), 13);
    CHECK_EQUAL(rr_reader_evict(reader), RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_reader_evicted(reader), 0);
    CHECK_EQUAL(rr_ring_readers(ring), 0);
    rr_reader_leave(reader);
    rr_reader_leave(reader);
    CHECK_EQUAL(rr_reader_left(reader), 1);
    CHECK_EQUAL(next_status(reader), RR_RING_CLOSED);
    end(ring, writer, reader);
}

static void readers_join_where_they_ask(void) /* [RING-6] [RING-16] [RING-18] */
{
    rr_status status = RR_OK;
    rr_ring *ring = make(20, 5, RR_OVERWRITE, 0);
    rr_writer *writer = writer_of(ring);
    for (int i = 0; i < 7; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    rr_reader *oldest = join(ring, RR_OLDEST);
    rr_reader *latest = join(ring, RR_LATEST);
    CHECK_EQUAL(rr_reader_start(oldest), 2);
    CHECK_EQUAL(rr_reader_start(latest), 7);
    CHECK(rr_reader_join(ring, RR_CURSOR, 8, &status) == NULL && status == RR_BAD_ARGUMENT);
    CHECK(rr_reader_join(ring, (rr_join_at)3, 0, &status) == NULL && status == RR_BAD_ARGUMENT);
    rr_reader *end_of_ring = rr_reader_join(ring, RR_CURSOR, 7, &status);
    CHECK(end_of_ring != NULL && next_status(end_of_ring) == RR_EMPTY);
    rr_reader_free(end_of_ring);
    rr_reader *at = rr_reader_join(ring, RR_CURSOR, 4, &status);
    expect(ring, at, 4);
    rr_reader *past = rr_reader_join(ring, RR_CURSOR, 0, &status);
    CHECK_EQUAL(next_status(past), RR_LAGGED);
    expect(ring, past, 2);
    expect(ring, oldest, 2);
    CHECK_EQUAL(next_status(latest), RR_EMPTY);
    rr_reader_free(oldest);
    rr_reader_free(latest);
    rr_reader_free(at);
    end(ring, writer, past);
}

static void small_buffers_read_nothing(void) /* [ERR-1] */
{
    rr_ring *ring = make(40, 4, RR_GATED, 1);
    rr_writer *writer = writer_of(ring);
    rr_reader *reader = join(ring, RR_OLDEST);
    uint8_t data[ROOM];
    rr_read read;
    CHECK_EQUAL(rr_writer_add(writer, "0123456789", 10, 1), RR_OK);
    memset(data, 0x5a, sizeof data);
    CHECK_EQUAL(rr_reader_next(reader, data, 9, &read), RR_BUFFER_TOO_SMALL);
    for (size_t i = 9; i < sizeof data; ++i) {
        CHECK_EQUAL(data[i], 0x5a); /* nothing behind the room that was given */
    }
    CHECK_EQUAL(read.bytes, 10);
    CHECK_EQUAL(rr_reader_cursor(reader), 0);
    CHECK_EQUAL(rr_reader_next(reader, data, 10, &read), RR_OK);
    CHECK(memcmp(data, "0123456789", 10) == 0);
    end(ring, writer, reader);
}

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

static void bulk_calls_do_what_single_ones_do(void) /* [RING-25] [RING-26] */
{
    static uint8_t data[300 * 24];
    static uint8_t out[300 * 24];
    uint32_t lengths[300];
    uint32_t types[300];
    uint32_t got_lengths[300];
    uint32_t got_types[300];
    size_t added = 9;
    size_t failed = 9;
    rr_read read;
    size_t bytes = 0;
    for (uint32_t i = 0; i < 300; ++i) {
        lengths[i] = i % 25;
        types[i] = i;
        fill(data + bytes, i, lengths[i]);
        bytes += lengths[i];
    }
    rr_ring *ring = make(24, 100, RR_OVERWRITE, 0);
    rr_writer *writer = writer_of(ring);
    rr_reader *reader = join(ring, RR_OLDEST);
    lengths[200] = 25;
    CHECK_EQUAL(rr_writer_add_many(writer, data, lengths, 0, types, 0, 300, &added, &failed), RR_PAYLOAD_TOO_LARGE);
    CHECK(added == 0 && failed == 200 && rr_ring_write_cursor(ring) == 0);
    lengths[200] = 0;
    CHECK_EQUAL(rr_writer_add_many(writer, data, lengths, 0, types, 0, 300, &added, &failed), RR_OK);
    CHECK_EQUAL(added, 300);
    CHECK_EQUAL(rr_reader_next_many(reader, 300, out, sizeof out, got_lengths, got_types, &read), RR_LAGGED);
    CHECK(read.skipped == 200 && read.next_sequence == 200 && read.count == 0);
    CHECK_EQUAL(rr_reader_next_many(reader, 0, out, sizeof out, got_lengths, got_types, &read), RR_OK);
    CHECK_EQUAL(read.count, 0);
    CHECK_EQUAL(rr_reader_next_many(reader, 60, out, sizeof out, got_lengths, got_types, &read), RR_OK);
    CHECK(read.count == 60 && read.sequence == 200 && read.next_sequence == 260);
    CHECK(memcmp(got_lengths, lengths + 200, sizeof lengths[0] * 60) == 0);
    CHECK(memcmp(got_types, types + 200, sizeof types[0] * 60) == 0);
    bytes = 0;
    for (uint32_t i = 0; i < 200; ++i) {
        bytes += lengths[i];
    }
    CHECK(memcmp(out, data + bytes, (size_t)read.bytes) == 0);
    CHECK_EQUAL(rr_reader_next_many(reader, 60, out, 24, got_lengths, got_types, &read), RR_OK);
    CHECK(read.count == 2 && read.bytes == 21); /* 10 and 11 bytes; the third would not fit */
    CHECK_EQUAL(rr_reader_next_many(reader, 60, out, 11, got_lengths, got_types, &read), RR_BUFFER_TOO_SMALL);
    CHECK(read.count == 0 && read.bytes == 12);
    CHECK_EQUAL(rr_reader_next_many(reader, 60, out, sizeof out, got_lengths, got_types, &read), RR_OK);
    CHECK_EQUAL(read.count, 38);
    CHECK_EQUAL(rr_reader_next_many(reader, 60, out, sizeof out, got_lengths, got_types, &read), RR_EMPTY);
    CHECK_EQUAL(rr_reader_delivered(reader) + rr_reader_skipped(reader), 300);
    end(ring, writer, reader);

    ring = make(24, 100, RR_GATED, 2);
    writer = writer_of(ring);
    reader = join(ring, RR_OLDEST);
    CHECK_EQUAL(rr_writer_add_many(writer, data, NULL, 24, NULL, 6, 250, &added, &failed), RR_OK);
    CHECK_EQUAL(added, 100);
    CHECK_EQUAL(rr_writer_add_many(writer, data, NULL, 24, NULL, 6, 1, &added, &failed), RR_OK);
    CHECK_EQUAL(added, 0);
    CHECK_EQUAL(rr_writer_add(writer, data, 24, 6), RR_FULL);
    CHECK_EQUAL(rr_reader_next_many(reader, 30, out, sizeof out, got_lengths, got_types, &read), RR_OK);
    CHECK(read.count == 30 && read.event_type == 6 && memcmp(out, data, 30 * 24) == 0);
    CHECK_EQUAL(rr_writer_add_many(writer, data, NULL, 24, NULL, 6, 250, &added, &failed), RR_OK);
    CHECK_EQUAL(added, 30);
    CHECK_EQUAL(rr_reader_next_many(reader, 300, out, sizeof out, got_lengths, got_types, &read), RR_OK);
    CHECK_EQUAL(read.count, 100); /* with those that were published after its last look */
    rr_reader_leave(reader);
    CHECK_EQUAL(rr_writer_add_many(writer, data, NULL, 24, NULL, 6, 250, &added, &failed), RR_OK);
    CHECK_EQUAL(added, 250);
    CHECK_EQUAL(rr_ring_retained(ring), 100);
    end(ring, writer, reader);
}

/* What was looked at is still the next, until it is passed. */
static void look_and_pass(void) /* [RING-12] [RING-20] [RING-26] [RING-52] */
{
    uint8_t data[7 * 16];
    uint32_t lengths[7];
    uint32_t types[7];
    uint64_t bytes = 1;
    rr_read read;
    for (int mode = RR_OVERWRITE; mode <= RR_GATED; ++mode) {
        rr_ring *ring = make(16, 7, (rr_ring_mode)mode, 2);
        rr_writer *writer = writer_of(ring);
        rr_reader *reader = join(ring, RR_OLDEST);
        CHECK(rr_reader_measure(reader, 7, &bytes) == 0 && bytes == 0);
        CHECK_EQUAL(rr_reader_look(reader, 7, data, sizeof data, lengths, types, &read), RR_EMPTY);
        uint64_t sequence = 0;
        for (uint32_t count = 0; count <= 7; ++count) { /* comes round the end of the ring */
            uint64_t sum = 0;
            for (uint32_t i = 0; i < count; ++i) {
                sum += length_of(ring, sequence + i);
                CHECK_EQUAL(add(ring, writer), RR_OK);
            }
            CHECK(rr_reader_measure(reader, 9, &bytes) == count && bytes == sum);
            CHECK(rr_reader_measure(reader, 0, &bytes) == 0 && bytes == 0);
            for (int again = 0; again < 2 && count > 0; ++again) {
                CHECK_EQUAL(rr_reader_look(reader, 7, data, (size_t)sum, lengths, types, &read), RR_OK);
                CHECK(read.count == count && read.bytes == sum && read.sequence == sequence);
                CHECK(rr_reader_cursor(reader) == sequence && rr_reader_delivered(reader) == sequence);
            }
            CHECK_EQUAL(rr_reader_pass(reader, count), RR_OK);
            sequence += count;
            CHECK(rr_reader_cursor(reader) == sequence && rr_reader_lag(reader) == 0);
        }
        CHECK_EQUAL(add(ring, writer), RR_OK);
        expect(ring, reader, sequence);
        for (int i = 0; mode == RR_OVERWRITE && i < 9; ++i) {
            CHECK_EQUAL(add(ring, writer), RR_OK);
        }
        if (mode == RR_OVERWRITE) {
            CHECK(rr_reader_measure(reader, 9, &bytes) == 7 && bytes <= (uint64_t)7 * 16);
            CHECK_EQUAL(rr_reader_look(reader, 7, data, sizeof data, lengths, types, &read), RR_LAGGED);
            CHECK_EQUAL(rr_reader_look(reader, 7, data, sizeof data, lengths, types, &read), RR_OK);
            rr_reader_leave(reader);
        } else {
            CHECK_EQUAL(add(ring, writer), RR_OK);
            CHECK_EQUAL(rr_reader_look(reader, 7, data, sizeof data, lengths, types, &read), RR_OK);
            CHECK_EQUAL(rr_reader_evict(reader), RR_OK);
        }
        CHECK_EQUAL(rr_reader_pass(reader, 1), RR_RING_CLOSED);
        CHECK_EQUAL(rr_reader_look(reader, 7, data, sizeof data, lengths, types, &read), RR_RING_CLOSED);
        end(ring, writer, reader);
    }
}

/* Events that fill their slots are copied many at once: up to the end of the ring and of the room, and no further. */
static void full_events_in_bulk(void) /* [RING-13] [RING-25] [RING-26] [RING-28] */
{
    enum { MOST = 80, SIZE = 64 };
    static uint8_t data[MOST * SIZE];
    static uint8_t out[MOST * SIZE + SIZE];
    uint32_t types[MOST];
    uint32_t lengths[MOST];
    uint32_t got_lengths[MOST];
    uint32_t got_types[MOST];
    size_t added = 0;
    size_t failed = 0;
    rr_read read;
    for (size_t i = 0; i < sizeof data; ++i) {
        data[i] = (uint8_t)(i * 37 + i / SIZE + 1);
    }
    for (uint64_t capacity = 1; capacity <= MOST; capacity += capacity < 5 ? 1 : 31) {
        for (int mode = RR_OVERWRITE; mode <= RR_GATED; ++mode) {
            rr_ring *ring = make(SIZE, capacity, (rr_ring_mode)mode, 1);
            rr_writer *writer = writer_of(ring);
            rr_reader *reader = join(ring, RR_OLDEST);
            for (uint32_t round = 0; round < 3 * capacity + 5; ++round) {
                uint32_t count = round % (uint32_t)capacity + 1;
                uint32_t shorter = round % 4 == 1 ? round % count : count; /* the one that does not fill its slot */
                bool typed = round % 2 == 1;
                size_t bytes = 0;
                for (uint32_t i = 0; i < count; ++i) {
                    types[i] = typed ? round * MOST + i : round;
                    lengths[i] = i == shorter ? SIZE - 1 : SIZE;
                    bytes += lengths[i];
                }
                CHECK_EQUAL(rr_writer_add_many(writer, data, shorter < count ? lengths : NULL, SIZE, typed ? types : NULL, round,
                                               count, &added, &failed),
                            RR_OK);
                CHECK_EQUAL(added, count);
                size_t taken = 0;
                for (uint32_t next = 0; next < count; next += read.count) {
                    size_t room = next == 0 ? sizeof out - (size_t)(round % 3) * 100 : SIZE + round % SIZE;
                    size_t limit = round % 5 == 4 ? 2 : MOST;
                    memset(out, 0xEE, sizeof out);
                    CHECK_EQUAL(rr_reader_next_many(reader, limit, out, room, got_lengths, got_types, &read), RR_OK);
                    CHECK(read.count >= 1 && read.count <= count - next && read.bytes <= room);
                    CHECK(memcmp(got_lengths, lengths + next, read.count * sizeof lengths[0]) == 0);
                    CHECK(memcmp(got_types, types + next, read.count * sizeof types[0]) == 0);
                    CHECK(memcmp(out, data + taken, read.bytes) == 0);
                    CHECK(out[read.bytes] == 0xEE);
                    taken += read.bytes;
                }
                CHECK_EQUAL(taken, bytes);
                CHECK_EQUAL(next_status(reader), RR_EMPTY);
            }
            end(ring, writer, reader);
        }
    }
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

static void a_stream_ends_after_its_last_event(void) /* [RING-39] [RING-40] [RING-41] [RING-42] */
{
    for (int mode = RR_OVERWRITE; mode <= RR_GATED; ++mode) {
        rr_status status = RR_OK;
        rr_ring *ring = make(20, 3, (rr_ring_mode)mode, 3);
        CHECK_EQUAL(rr_ring_has_writer(ring), 0);
        rr_writer *writer = writer_of(ring);
        CHECK_EQUAL(rr_ring_has_writer(ring), 1);
        rr_writer_close(writer);
        CHECK_EQUAL(rr_writer_end(writer), RR_RING_CLOSED);
        CHECK(rr_ring_has_writer(ring) == 0 && rr_ring_ended(ring) == 0);
        rr_writer_free(writer);
        writer = writer_of(ring);
        rr_reader *reader = join(ring, RR_OLDEST);
        for (int i = 0; i < 2; ++i) {
            CHECK_EQUAL(add(ring, writer), RR_OK);
        }
        CHECK_EQUAL(rr_writer_end(writer), RR_OK);
        CHECK_EQUAL(rr_writer_end(writer), RR_OK);
        CHECK_EQUAL(add(ring, writer), RR_RING_CLOSED);
        CHECK(rr_ring_has_writer(ring) == 0 && rr_ring_ended(ring) == 1);
        CHECK(rr_writer_open(ring, &status) == NULL && status == RR_END_OF_STREAM);
        rr_reader *late = join(ring, RR_OLDEST);
        rr_reader *later = join(ring, RR_LATEST);
        CHECK(rr_reader_at_eof(reader) == 0 && rr_reader_at_eof(later) == 1);
        for (uint64_t i = 0; i < 2; ++i) {
            CHECK_EQUAL(rr_reader_wait(reader, i, -1), RR_OK);
            expect(ring, reader, i);
            expect(ring, late, i);
        }
        for (int i = 0; i < 2; ++i) {
            CHECK_EQUAL(rr_reader_at_eof(reader), 1);
            CHECK_EQUAL(next_status(reader), RR_END_OF_STREAM);
            CHECK_EQUAL(rr_reader_wait(reader, 2, -1), RR_END_OF_STREAM);
            CHECK_EQUAL(rr_reader_wait(reader, 2, 0), RR_END_OF_STREAM);
        }
        CHECK_EQUAL(next_status(later), RR_END_OF_STREAM);
        rr_reader_leave(later);
        CHECK_EQUAL(next_status(later), RR_RING_CLOSED);
        rr_reader_free(late);
        rr_reader_free(later);
        end(ring, writer, reader);
    }
}

static void a_reader_skips_to_the_newest(void) /* [RING-43] [RING-44] */
{
    for (int mode = RR_OVERWRITE; mode <= RR_GATED; ++mode) {
        rr_ring *ring = make(20, 5, (rr_ring_mode)mode, 1);
        rr_writer *writer = writer_of(ring);
        rr_reader *reader = join(ring, RR_OLDEST);
        uint64_t skipped = 9;
        CHECK_EQUAL(rr_reader_skip(reader, 0, &skipped), RR_OK);
        CHECK_EQUAL(skipped, 0);
        for (uint64_t turn = 0; turn < 40; turn += 5) {
            for (int i = 0; i < 5; ++i) {
                CHECK_EQUAL(add(ring, writer), RR_OK);
            }
            CHECK_EQUAL(rr_reader_skip(reader, turn % 3, &skipped), RR_OK);
            CHECK_EQUAL(skipped, 5 - turn % 3);
            CHECK_EQUAL(rr_reader_cursor(reader), turn + skipped);
            for (uint64_t i = turn + skipped; i < turn + 5; ++i) {
                expect(ring, reader, i);
            }
            CHECK_EQUAL(rr_reader_skip(reader, UINT64_MAX, &skipped), RR_OK);
            CHECK_EQUAL(skipped, 0);
            CHECK_EQUAL(next_status(reader), RR_EMPTY);
            CHECK_EQUAL(rr_reader_delivered(reader) + rr_reader_skipped(reader), turn + 5);
        }
        rr_reader_leave(reader);
        CHECK_EQUAL(rr_reader_skip(reader, 0, &skipped), RR_RING_CLOSED);
        end(ring, writer, reader);
    }
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
    RUN(shapes_are_checked);
    RUN(one_writer_at_a_time);
    RUN(every_payload_size_and_length_survives);
    RUN(a_lapped_reader_is_told_once_and_goes_on);
    RUN(readers_join_where_they_ask);
    RUN(small_buffers_read_nothing);
    RUN(a_reader_that_ended_stays_out_for_good);
    RUN(an_evicted_reader_does_not_move_its_successor_on);
    RUN(bulk_calls_do_what_single_ones_do);
    RUN(look_and_pass);
    RUN(full_events_in_bulk);
    RUN(a_gated_ring_waits_for_the_slowest);
    RUN(a_gated_ring_of_any_size_keeps_every_event);
    RUN(a_gated_ring_retains_what_is_unread);
    RUN(a_second_writer_goes_on_at_the_same_gating_sequence);
    RUN(a_stream_ends_after_its_last_event);
    RUN(a_reader_skips_to_the_newest);
    RUN(a_gated_ring_waits_for_its_first_readers);
    return 0;
}
