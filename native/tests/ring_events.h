/* ring_events.h - what the tests of rings share: events that tell their sequence numbers. */
#ifndef RR_RING_EVENTS_H
#define RR_RING_EVENTS_H

#include <string.h>

#include "check.h"
#include "rusted_ring.h"

#define ROOM 4096

static inline rr_ring *make(uint64_t size, uint64_t capacity, rr_ring_mode mode, uint32_t readers)
{
    rr_status status = RR_BUSY;
    rr_ring *ring = rr_ring_create(size, capacity, mode, readers, RR_MAX_RING_BYTES, &status);
    CHECK_EQUAL(status, RR_OK);
    return ring;
}

static inline rr_writer *writer_of(rr_ring *ring)
{
    rr_status status = RR_BUSY;
    rr_writer *writer = rr_writer_open(ring, &status);
    CHECK_EQUAL(status, RR_OK);
    return writer;
}

static inline rr_reader *join(rr_ring *ring, rr_join_at at)
{
    rr_status status = RR_BUSY;
    rr_reader *reader = rr_reader_join(ring, at, 0, &status);
    CHECK_EQUAL(status, RR_OK);
    return reader;
}

/* The event with a sequence number is that number, of a length that varies with it. */
static inline uint32_t length_of(const rr_ring *ring, uint64_t sequence)
{
    return (uint32_t)(sequence % (rr_ring_size(ring) + 1));
}

static inline void fill(uint8_t *data, uint64_t sequence, uint32_t length)
{
    for (uint32_t i = 0; i < length; ++i) {
        data[i] = (uint8_t)(sequence * 31 + i);
    }
}

static inline rr_status add(rr_ring *ring, rr_writer *writer)
{
    uint8_t data[ROOM];
    uint64_t sequence = rr_ring_write_cursor(ring);
    fill(data, sequence, length_of(ring, sequence));
    return rr_writer_add(writer, data, length_of(ring, sequence), (uint32_t)sequence + 5);
}

static inline void expect(rr_ring *ring, rr_reader *reader, uint64_t sequence)
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

static inline rr_status next_status(rr_reader *reader)
{
    uint8_t data[ROOM];
    rr_read read;
    return rr_reader_next(reader, data, sizeof data, &read);
}

static inline void end(rr_ring *ring, rr_writer *writer, rr_reader *reader)
{
    rr_writer_free(writer);
    rr_reader_free(reader);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

#endif
