/* Events that are written and read in the memory of a gated ring: reservations and peeks [RING-61 to RING-80]. */
#include <string.h>

#include "check.h"
#include "ring_events.h"
#include "rusted_ring.h"

/* Writes the next `count` events into reserved slots, and commits the first `kept`. */
static void commit(rr_ring *ring, rr_writer *writer, size_t wanted, size_t count, size_t kept)
{
    uint32_t lengths[200];
    uint32_t event_types[200];
    rr_status status = RR_BUSY;
    size_t reserved = 0;
    uint64_t first = rr_ring_write_cursor(ring);
    uint8_t *payloads = rr_writer_reserve(writer, wanted, &reserved, &status);
    CHECK_EQUAL(status, RR_OK);
    CHECK_EQUAL(reserved, count);
    for (size_t i = 0; i < count; ++i) {
        lengths[i] = length_of(ring, first + i);
        event_types[i] = (uint32_t)(first + i) + 5;
        fill(payloads + i * rr_round64(rr_ring_size(ring)), first + i, lengths[i]);
    }
    CHECK_EQUAL(rr_writer_commit(writer, lengths, 0, event_types, 0, kept, NULL), RR_OK);
    CHECK_EQUAL(rr_ring_write_cursor(ring), first + kept);
}

static void events_are_written_in_place(void) /* [RING-61] [RING-62] [RING-63] */
{
    rr_ring *ring = make(100, 150, RR_GATED, 2);
    rr_writer *writer = writer_of(ring);
    rr_reader *reader = join(ring, RR_OLDEST);
    uint64_t read = 0;
    static const size_t sizes[][3] = {{200, 150, 150}, {1, 1, 1}, {64, 64, 64}, {65, 65, 60}, {100, 25, 25}, {130, 130, 129}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        commit(ring, writer, sizes[i][0], sizes[i][1], sizes[i][2]);
        for (; read < rr_ring_write_cursor(ring); ++read) {
            expect(ring, reader, read);
        }
        CHECK_EQUAL(next_status(reader), RR_EMPTY);
    }
    CHECK_EQUAL(add(ring, writer), RR_OK);
    expect(ring, reader, read);
    end(ring, writer, reader);
}

static void a_reservation_is_the_only_one_until_its_end(void) /* [RING-64] [RING-65] [RING-69] [RING-70] */
{
    static const uint32_t lengths[] = {1, 21};
    rr_status status = RR_OK;
    size_t reserved = 9;
    size_t failed = 9;
    size_t added = 9;
    rr_ring *overwriting = make(20, 4, RR_OVERWRITE, 0);
    rr_writer *other = writer_of(overwriting);
    CHECK(rr_writer_reserve(other, 1, &reserved, &status) == NULL && status == RR_BAD_ARGUMENT && reserved == 0);
    end(overwriting, other, NULL);
    rr_ring *ring = make(20, 4, RR_GATED, 2);
    rr_writer *writer = writer_of(ring);
    for (int i = 0; i < 6; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    CHECK(rr_writer_reserve(writer, 0, &reserved, &status) == NULL && status == RR_BAD_ARGUMENT);
    CHECK(rr_writer_reserve(writer, 3, &reserved, NULL) != NULL && reserved == 2);
    CHECK_EQUAL(rr_ring_retained(ring), 2);
    CHECK(rr_writer_reserve(writer, 1, &reserved, &status) == NULL && status == RR_BUSY);
    CHECK_EQUAL(add(ring, writer), RR_BUSY);
    CHECK_EQUAL(rr_writer_add(writer, NULL, 21, 0), RR_PAYLOAD_TOO_LARGE);
    CHECK_EQUAL(rr_writer_add_many(writer, NULL, NULL, 0, NULL, 0, 1, &added, &failed), RR_BUSY);
    CHECK_EQUAL(added, 0);
    CHECK_EQUAL(rr_writer_commit(writer, NULL, 1, NULL, 0, 3, NULL), RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_writer_commit(writer, lengths, 0, NULL, 0, 2, &failed), RR_PAYLOAD_TOO_LARGE);
    CHECK_EQUAL(failed, 1);
    CHECK_EQUAL(rr_writer_commit(writer, NULL, 21, NULL, 0, 2, NULL), RR_PAYLOAD_TOO_LARGE);
    rr_writer_cancel(writer);
    rr_writer_cancel(writer);
    CHECK(rr_ring_retained(ring) == 2 && rr_ring_write_cursor(ring) == 6);
    CHECK_EQUAL(rr_writer_commit(writer, NULL, 1, NULL, 0, 1, NULL), RR_BAD_ARGUMENT);
    rr_reader *reader = join(ring, RR_OLDEST);
    expect(ring, reader, 4);
    expect(ring, reader, 5);
    commit(ring, writer, 1, 1, 1);
    commit(ring, writer, 9, 1, 0);
    commit(ring, writer, 9, 1, 1);
    commit(ring, writer, 9, 2, 2);
    CHECK(rr_writer_reserve(writer, 1, &reserved, &status) == NULL && status == RR_FULL);
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    for (uint64_t i = 6; i < 10; ++i) {
        expect(ring, reader, i);
    }
    CHECK(rr_writer_reserve(writer, 2, &reserved, &status) != NULL && reserved == 2);
    rr_writer_close(writer);
    CHECK_EQUAL(rr_writer_commit(writer, NULL, 1, NULL, 0, 1, NULL), RR_RING_CLOSED);
    CHECK(rr_writer_reserve(writer, 1, &reserved, &status) == NULL && status == RR_RING_CLOSED);
    rr_writer_cancel(writer);
    CHECK_EQUAL(add(ring, writer), RR_RING_CLOSED);
    CHECK_EQUAL(next_status(reader), RR_EMPTY);
    rr_writer *next = writer_of(ring);
    CHECK_EQUAL(add(ring, next), RR_OK);
    rr_writer_free(next);
    expect(ring, reader, 10);
    end(ring, writer, reader);
}

/* Peeks at `count` of `limit` events, compares them, and releases the first `kept`. */
static void peek(rr_ring *ring, rr_reader *reader, size_t limit, uint32_t count, uint32_t kept)
{
    uint8_t expected[ROOM];
    const uint8_t *payloads = NULL;
    rr_read read;
    uint64_t first = rr_reader_cursor(reader);
    CHECK_EQUAL(rr_reader_peek(reader, limit, &payloads, &read), RR_OK);
    CHECK(read.sequence == first && read.count == count && read.next_sequence == first + count && read.skipped == 0);
    CHECK(read.bytes == length_of(ring, first) && read.event_type == first + 5);
    for (uint32_t i = 0; i < count; ++i) {
        uint32_t length = 0;
        uint32_t event_type = 0;
        rr_reader_peeked(reader, i, &length, &event_type);
        CHECK(length == length_of(ring, first + i) && event_type == first + i + 5);
        fill(expected, first + i, length);
        CHECK(memcmp(payloads + i * rr_round64(rr_ring_size(ring)), expected, length) == 0);
    }
    CHECK_EQUAL(rr_reader_cursor(reader), first);
    CHECK_EQUAL(rr_reader_release(reader, kept), RR_OK);
    CHECK(rr_reader_cursor(reader) == first + kept && rr_reader_delivered(reader) == first + kept - rr_reader_start(reader));
}

static void events_are_read_in_place(void) /* [RING-71] [RING-72] [RING-73] */
{
    rr_ring *ring = make(100, 150, RR_GATED, 2);
    rr_writer *writer = writer_of(ring);
    rr_reader *reader = join(ring, RR_OLDEST);
    commit(ring, writer, 150, 150, 150);
    peek(ring, reader, 1, 1, 1);
    peek(ring, reader, 70, 70, 65);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    peek(ring, reader, SIZE_MAX, 84, 0);
    expect(ring, reader, 66);
    peek(ring, reader, 1000, 83, 83);
    peek(ring, reader, 2, 1, 1);
    CHECK_EQUAL(next_status(reader), RR_EMPTY);
    commit(ring, writer, 149, 149, 149);
    peek(ring, reader, 149, 149, 149);
    commit(ring, writer, 1, 1, 1);
    expect(ring, reader, 300);
    end(ring, writer, reader);
}

static void a_peek_is_the_only_one_until_its_end(void) /* [RING-74] [RING-78] [RING-79] [RING-80] */
{
    const uint8_t *payloads = NULL;
    uint8_t data[64];
    uint32_t lengths[4];
    uint32_t event_types[4];
    uint64_t skipped = 0;
    rr_read read;
    rr_ring *overwriting = make(20, 4, RR_OVERWRITE, 0);
    rr_writer *other = writer_of(overwriting);
    rr_reader *lapped = join(overwriting, RR_OLDEST);
    CHECK_EQUAL(add(overwriting, other), RR_OK);
    CHECK(rr_reader_peek(lapped, 1, &payloads, &read) == RR_BAD_ARGUMENT && payloads == NULL);
    end(overwriting, other, lapped);
    rr_ring *ring = make(20, 4, RR_GATED, 2);
    rr_writer *writer = writer_of(ring);
    rr_reader *reader = join(ring, RR_OLDEST);
    CHECK_EQUAL(rr_reader_peek(reader, 1, &payloads, &read), RR_EMPTY);
    CHECK_EQUAL(rr_reader_release(reader, 0), RR_OK);
    for (int i = 0; i < 4; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    CHECK_EQUAL(rr_reader_peek(reader, 0, &payloads, &read), RR_BAD_ARGUMENT);
    CHECK(rr_reader_peek(reader, 3, &payloads, &read) == RR_OK && read.count == 3);
    CHECK_EQUAL(rr_reader_peek(reader, 1, &payloads, &read), RR_BUSY);
    CHECK_EQUAL(rr_reader_peek(reader, 9, &payloads, &read), RR_BUSY);
    CHECK_EQUAL(next_status(reader), RR_BUSY);
    CHECK_EQUAL(rr_reader_next_many(reader, 4, data, sizeof data, lengths, event_types, &read), RR_BUSY);
    CHECK_EQUAL(rr_reader_next_many(reader, 1, data, sizeof data, lengths, event_types, &read), RR_BUSY);
    CHECK_EQUAL(rr_reader_look(reader, 1, data, sizeof data, lengths, event_types, &read), RR_BUSY);
    CHECK_EQUAL(rr_reader_pass(reader, 1), RR_BUSY);
    CHECK_EQUAL(rr_reader_skip(reader, 0, &skipped), RR_BUSY);
    CHECK_EQUAL(rr_reader_release(reader, 4), RR_BAD_ARGUMENT);
    CHECK(rr_reader_cursor(reader) == 0 && rr_reader_lag(reader) == 4);
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    CHECK_EQUAL(rr_reader_release(reader, 2), RR_OK);
    CHECK_EQUAL(rr_reader_release(reader, 1), RR_BAD_ARGUMENT);
    expect(ring, reader, 2);
    for (int i = 0; i < 3; ++i) {
        CHECK_EQUAL(add(ring, writer), RR_OK);
    }
    CHECK_EQUAL(add(ring, writer), RR_FULL);
    CHECK_EQUAL(rr_reader_peek(reader, 4, &payloads, &read), RR_OK);
    CHECK_EQUAL(rr_reader_evict(reader), RR_OK);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    CHECK_EQUAL(next_status(reader), RR_RING_CLOSED);
    CHECK_EQUAL(rr_reader_peek(reader, 1, &payloads, &read), RR_RING_CLOSED);
    CHECK_EQUAL(rr_reader_release(reader, 1), RR_RING_CLOSED);
    rr_reader *leaving = join(ring, RR_OLDEST);
    CHECK_EQUAL(rr_reader_peek(leaving, 4, &payloads, &read), RR_OK);
    rr_reader_leave(leaving);
    CHECK_EQUAL(rr_reader_release(leaving, 1), RR_RING_CLOSED);
    CHECK_EQUAL(add(ring, writer), RR_OK);
    rr_reader_free(leaving);
    end(ring, writer, reader);
}

int main(void)
{
    RUN(events_are_written_in_place);
    RUN(a_reservation_is_the_only_one_until_its_end);
    RUN(events_are_read_in_place);
    RUN(a_peek_is_the_only_one_until_its_end);
    return 0;
}
