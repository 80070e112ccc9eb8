/* Bulk calls of writers and readers of rings: they do what the single calls do. */
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "ring_events.h"
#include "rusted_ring.h"

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

int main(void)
{
    RUN(bulk_calls_do_what_single_ones_do);
    RUN(look_and_pass);
    RUN(full_events_in_bulk);
    return 0;
}
