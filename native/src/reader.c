/* reader.c - joining, leaving, waiting, and the figures of a reader: chapter RING [RING-16] [RING-18] to [RING-23] [RING-31]. */
#include "reader.h"

#include <stdlib.h>

rr_reader *rr_reader_join(rr_ring *ring, rr_join_at at, uint64_t cursor, rr_status *status)
{
    rr_status result = RR_OK;
    uint64_t published = rr_ring_write_cursor(ring);
    if ((at != RR_OLDEST && at != RR_LATEST && at != RR_CURSOR) || (at == RR_CURSOR && (ring->slots.gated || cursor > published))) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    rr_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        set_status(status, RR_NO_MEMORY);
        return NULL;
    }
    atomic_init(&reader->left, 0);
    atomic_init(&reader->evicted, 0);
    reader->ring = ring;
    reader->slots = ring->slots;
    reader->cursor = at == RR_CURSOR ? cursor : at == RR_LATEST ? published : oldest_event(ring);
    if (ring->slots.gated) {
        result = register_reader(reader, at);
    }
    set_status(status, result);
    if (result != RR_OK) {
        free(reader);
        return NULL;
    }
    if (ring->waits_for_readers) {
        count_joined(ring);
        (void)event_count_notify(&membership_of(ring)->room);
    }
    hold_ring(ring);
    reader->start = reader->cursor;
    reader->published = reader->cursor;
    reader->position = (uint32_t)(reader->cursor % ring->slots.capacity);
    reader->lap = lap_of(&ring->slots, reader->cursor);
    reader->fast_path = !ring->slots.gated;
    return reader;
}

void rr_reader_leave(rr_reader *reader)
{
    /* pairs with nothing: only the reader's own thread leaves [ORDER-8] */
    if (atomic_load_explicit(&reader->left, memory_order_relaxed) == STAYS) {
        /* pairs with rr_reader_evicted, by way of deregister's release [ORDER-8] */
        atomic_store_explicit(&reader->left, LEAVES, memory_order_relaxed);
        reader->fast_path = false;
        if (reader->ring->slots.gated && !was_evicted(reader)) {
            (void)deregister(reader);
        }
        /* pairs with rr_reader_evict's acquire: a thread that finds nothing to evict sees the registration ended [ORDER-8] */
        atomic_store_explicit(&reader->left, HAS_LEFT, memory_order_release);
        (void)event_count_notify(&reader->slots.cursors->events);
        (void)event_count_notify(&membership_of(reader->ring)->room);
    }
}

void rr_reader_free(rr_reader *reader)
{
    if (reader != NULL) {
        rr_reader_leave(reader);
        if (reader->notifier != NULL) {
            notifier_end(reader->notifier);
        }
        drop_ring(reader->ring);
        free(reader);
    }
}

rr_status rr_reader_evict(rr_reader *reader)
{
    if (!reader->ring->slots.gated) {
        return RR_BAD_ARGUMENT;
    }
    /* A reader that is leaving may still be registered; this must not return before the registration has ended. */
    /* pairs with the release in rr_reader_leave [ORDER-8] */
    bool has_left = atomic_load_explicit(&reader->left, memory_order_acquire) == HAS_LEFT;
    if (!has_left && !was_evicted(reader) && deregister(reader)) {
        /* pairs with was_evicted's acquire; the registration decides what the reader may do, this tells why [ORDER-8] */
        atomic_store_explicit(&reader->evicted, 1, memory_order_release);
        (void)event_count_notify(&reader->slots.cursors->events);
        (void)event_count_notify(&membership_of(reader->ring)->room);
    }
    return RR_OK;
}

/* --------------------------------------------------------------------------------------------------------- waiting */

rr_status look_for(const void *of, uint64_t sequence)
{
    const rr_reader *reader = of;
    bool ended =
        stream_ended(reader->ring); /* first: the last event may be published between the two looks at the cursor and at the end */
    if (is_closed(reader, reader->slots.gated)) {
        return RR_RING_CLOSED;
    }
    if (rr_ring_write_cursor(reader->ring) > sequence) {
        return RR_OK;
    }
    return ended ? RR_END_OF_STREAM : RR_EMPTY;
}

rr_status rr_reader_wait(rr_reader *reader, uint64_t sequence, int64_t nanoseconds)
{
    return event_count_wait(&cursors_of(reader->ring)->events, look_for, reader, sequence, nanoseconds);
}

int rr_reader_descriptor(rr_reader *reader)
{
    return is_closed(reader, reader->slots.gated)
               ? -RR_RING_CLOSED
               : notifier_descriptor_of(&reader->notifier, &cursors_of(reader->ring)->events.notifiers);
}

/* --------------------------------------------------------------------------------------------------------- figures */

uint64_t rr_reader_start(const rr_reader *reader)
{
    return reader->start;
}

uint64_t rr_reader_cursor(const rr_reader *reader)
{
    return reader->cursor;
}

uint64_t rr_reader_delivered(const rr_reader *reader)
{
    return reader->cursor - reader->start - reader->skipped;
}

uint64_t rr_reader_skipped(const rr_reader *reader)
{
    return reader->skipped;
}

uint64_t rr_reader_lag(const rr_reader *reader)
{
    uint64_t published = rr_ring_write_cursor(reader->ring);
    return published > reader->cursor ? published - reader->cursor : 0;
}

uint64_t rr_reader_backlog(const rr_reader *reader)
{
    uint64_t lag = rr_reader_lag(reader);
    return lag < reader->ring->slots.capacity ? lag : reader->ring->slots.capacity;
}

int rr_reader_at_eof(const rr_reader *reader)
{
    return stream_ended(reader->ring) && rr_ring_write_cursor(reader->ring) <= reader->cursor;
}

int rr_reader_left(const rr_reader *reader)
{
    /* pairs with nothing: a snapshot of one moment [ORDER-13] */
    return atomic_load_explicit(&reader->left, memory_order_relaxed) != 0;
}

int rr_reader_evicted(const rr_reader *reader)
{
    if (was_evicted(reader)) {
        return 1;
    }
    /* an eviction that has ended the registration and not yet set `evicted`: the reader did not leave by itself */
    return reader->ring->slots.gated && !has_registration(reader) && rr_reader_left(reader) == 0;
}
