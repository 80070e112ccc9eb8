/* The shims of calls.h, compiled into each extension module. */
#include <stdlib.h>

#include "calls.h"

/* A writer or a reader belongs to one thread at a time. A call that gives up the GIL says before that it is busy, and after
 * it has the GIL again that it is not; whoever finds it busy asks again. Both with the GIL alone, as `_quick` has it. */
struct rrb_writer {
    rr_writer *writer;
    int busy;
};

struct rrb_reader {
    rr_reader *reader;
    int busy;
};

int rrb_estimate_size(uint64_t length)
{
    return rr_estimate_size(length);
}

/* An address, or the status; no payload lies in the first page. */
static uintptr_t rrb_payload(const uint8_t *payload, rr_status status)
{
    return payload != NULL ? (uintptr_t)payload : (uintptr_t)status;
}

/* -------------------------------------------------------------------------------------------------------- allocator */

rr_allocator *rrb_allocator_create(const rr_profile *profile, int *status)
{
    rr_status found = RR_OK;
    rr_allocator *allocator = rr_allocator_create(profile, &found);
    *status = (int)found;
    return allocator;
}

/* Every pointer and view keeps the allocator's owner alive, so nothing but loose references can be left. */
void rrb_allocator_free(rr_allocator *allocator)
{
    rr_allocator_abandon(allocator);
}

int64_t rrb_allocate_to_pool(rr_allocator *allocator, const char *data, uint64_t length, uint32_t event_type)
{
    return rr_allocate_to_pool(allocator, data, length, event_type);
}

uint64_t rrb_handle_ffi_event(rr_allocator *allocator, const char *data, uint64_t length, uint32_t event_type)
{
    uint64_t token = 0;
    rr_status status = rr_handle_ffi_event(allocator, data, length, event_type, &token);
    return status == RR_OK ? token : (uint64_t)status;
}

uintptr_t rrb_loan(rr_allocator *allocator, uint64_t length, uint32_t event_type)
{
    rr_status status = RR_OK;
    uint8_t *loan = rr_loan(allocator, length, event_type, &status);
    return rrb_payload(loan, status);
}

uintptr_t rrb_from_token(rr_allocator *allocator, uint64_t token)
{
    rr_status status = RR_OK;
    const uint8_t *payload = rr_from_token(allocator, token, &status);
    return rrb_payload(payload, status);
}

uintptr_t rrb_upgrade(rr_allocator *allocator, uint64_t token)
{
    rr_status status = RR_OK;
    const uint8_t *payload = rr_upgrade(allocator, token, &status);
    return rrb_payload(payload, status);
}

uint64_t rrb_token_encode(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    return rr_token_encode(allocator, pool_id, slot_index, generation);
}

int rrb_token_known(rr_allocator *allocator, uint64_t token)
{
    rr_handle handle;
    return rr_token_decode(allocator, token, &handle) == RR_OK;
}

uintptr_t rrb_get_slot_data(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    rr_status status = RR_OK;
    const uint8_t *payload = rr_get_slot_data(allocator, pool_id, slot_index, generation, &status);
    return rrb_payload(payload, status);
}

int64_t rrb_inc_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    return rr_inc_ref_count(allocator, pool_id, slot_index, generation);
}

int64_t rrb_dec_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    return rr_dec_ref_count(allocator, pool_id, slot_index, generation);
}

int64_t rrb_get_generation(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index)
{
    return rr_get_generation(allocator, pool_id, slot_index);
}

int rrb_slot_metadata(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, rr_slot_metadata *metadata)
{
    return (int)rr_slot_metadata_get(allocator, pool_id, slot_index, metadata);
}

int rrb_slot_words(rr_allocator *allocator, uint32_t pool_id, uint64_t *words)
{
    return (int)rr_slot_words(allocator, pool_id, words);
}

int rrb_pool_stats(rr_allocator *allocator, rr_pool_stats *stats)
{
    for (uint32_t pool_id = 0; pool_id < RR_POOL_COUNT; pool_id++) {
        rr_status status = rr_pool_stats_get(allocator, pool_id, &stats[pool_id]);
        if (status != RR_OK)
            return (int)status;
    }
    return RR_OK;
}

uint64_t rrb_memory_usage(rr_allocator *allocator)
{
    return rr_memory_usage(allocator);
}

uint64_t rrb_heap_usage(rr_allocator *allocator)
{
    return rr_heap_usage(allocator);
}

/* ------------------------------------------------------------------------------------------------------------ rings */

uint64_t rrb_ring_bytes(uint64_t size, uint64_t capacity, uint32_t max_readers)
{
    return rr_ring_bytes(size, capacity, max_readers);
}

rr_ring *rrb_ring_create(uint64_t size, uint64_t capacity, int gated, uint32_t max_readers, uint64_t max_ring_bytes,
                         int *status)
{
    rr_status found = RR_OK;
    rr_ring_mode mode = gated ? RR_GATED : RR_OVERWRITE;
    rr_ring *ring = rr_ring_create(size, capacity, mode, max_readers, max_ring_bytes, &found);
    *status = (int)found;
    return ring;
}

/* Every writer and reader keeps the ring's owner alive, so none is left. */
void rrb_ring_free(rr_ring *ring)
{
    (void)rr_ring_destroy(ring);
}

uint32_t rrb_ring_max_readers(rr_ring *ring)
{
    return rr_ring_max_readers(ring);
}

uint32_t rrb_ring_readers(rr_ring *ring)
{
    return rr_ring_readers(ring);
}

uint64_t rrb_ring_write_cursor(rr_ring *ring)
{
    return rr_ring_write_cursor(ring);
}

uint64_t rrb_ring_retained(rr_ring *ring)
{
    return rr_ring_retained(ring);
}

uint64_t rrb_ring_memory_usage(rr_ring *ring)
{
    return rr_ring_memory_usage(ring);
}

/* ---------------------------------------------------------------------------------------------------------- writers */

static rrb_writer *rrb_writer_open(rr_ring *ring, int *status)
{
    rr_status found = RR_NO_MEMORY;
    rrb_writer *writer = malloc(sizeof *writer);
    if (writer != NULL) {
        writer->busy = 0;
        writer->writer = rr_writer_open(ring, &found);
        if (writer->writer != NULL)
            return writer;
        free(writer);
    }
    *status = (int)found;
    return NULL;
}

void rrb_writer_free(rrb_writer *writer)
{
    rr_writer_free(writer->writer);
    free(writer);
}

int rrb_writer_close(rrb_writer *writer)
{
    if (writer->busy)
        return -RRB_BUSY;
    rr_writer_close(writer->writer);
    return RR_OK;
}

/* ---------------------------------------------------------------------------------------------------------- readers */

static rrb_reader *rrb_reader_join(rr_ring *ring, int at, uint64_t cursor, int *status)
{
    rr_status found = RR_NO_MEMORY;
    rrb_reader *reader = malloc(sizeof *reader);
    if (reader != NULL) {
        reader->busy = 0;
        reader->reader = rr_reader_join(ring, (rr_join_at)at, cursor, &found);
        if (reader->reader != NULL)
            return reader;
        free(reader);
    }
    *status = (int)found;
    return NULL;
}

void rrb_reader_free(rrb_reader *reader)
{
    rr_reader_free(reader->reader);
    free(reader);
}

int rrb_reader_close(rrb_reader *reader)
{
    if (reader->busy)
        return -RRB_BUSY;
    rr_reader_leave(reader->reader);
    return RR_OK;
}

/* Any thread may evict, also while the reader is busy. */
int rrb_reader_evict(rrb_reader *reader)
{
    return (int)rr_reader_evict(reader->reader);
}

int rrb_reader_evicted(rrb_reader *reader)
{
    return rr_reader_evicted(reader->reader);
}

/* Any thread may wait, also while the reader reads, and others must get at the reader meanwhile. */
int rrb_wait(rrb_reader *reader, uint64_t sequence, int64_t nanoseconds)
{
    return (int)rr_reader_wait(reader->reader, sequence, nanoseconds);
}

int rrb_descriptor(rrb_reader *reader)
{
    if (reader->busy)
        return -RRB_BUSY;
    return rr_reader_descriptor(reader->reader);
}

/* Sequence numbers stay below 2^63 for as long as a machine can count. */
static int64_t rrb_asked(rrb_reader *reader, uint64_t (*question)(const rr_reader *))
{
    if (reader->busy)
        return -RRB_BUSY;
    return (int64_t)question(reader->reader);
}

int64_t rrb_start(rrb_reader *reader)
{
    return rrb_asked(reader, rr_reader_start);
}

int64_t rrb_cursor(rrb_reader *reader)
{
    return rrb_asked(reader, rr_reader_cursor);
}

int64_t rrb_delivered(rrb_reader *reader)
{
    return rrb_asked(reader, rr_reader_delivered);
}

int64_t rrb_skipped(rrb_reader *reader)
{
    return rrb_asked(reader, rr_reader_skipped);
}

int64_t rrb_lag(rrb_reader *reader)
{
    return rrb_asked(reader, rr_reader_lag);
}

int64_t rrb_backlog(rrb_reader *reader)
{
    return rrb_asked(reader, rr_reader_backlog);
}
