/* Rings of either kind, in one thread: their functions, those of writers and readers, and their errors. */
#include <string.h>

#include "check.h"
#include "ring_events.h"
#include "rusted_ring.h"

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

int main(void)
{
    RUN(shapes_are_checked);
    RUN(one_writer_at_a_time);
    RUN(every_payload_size_and_length_survives);
    RUN(a_lapped_reader_is_told_once_and_goes_on);
    RUN(readers_join_where_they_ask);
    RUN(small_buffers_read_nothing);
    RUN(a_stream_ends_after_its_last_event);
    RUN(a_reader_skips_to_the_newest);
    return 0;
}
