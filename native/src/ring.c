/* ring.c - making and ending a ring, and what it tells about itself: chapter RING [RING-1] to [RING-3] [RING-29], [LAYOUT-6]. */
#include "ring.h"

#include <stdlib.h>

#include "reader_registrations.h"

#define MAX_READERS 1024u

rr_ring *rr_ring_create(uint64_t size, uint64_t capacity, rr_ring_mode mode, uint32_t max_readers, uint64_t max_ring_bytes,
                        rr_status *status)
{
    if (mode != RR_OVERWRITE && mode != RR_GATED) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    if (mode == RR_OVERWRITE) {
        max_readers = 0;
    }
    uint64_t bytes = rr_ring_bytes(size, capacity, max_readers);
    if (size < 1 || size >= LAP || capacity < 1 || capacity > UINT32_MAX || bytes > max_ring_bytes ||
        (mode == RR_GATED && (max_readers < 1 || max_readers > MAX_READERS))) {
        set_status(status, RR_LAYOUT);
        return NULL;
    }
    rr_ring *ring = calloc(1, sizeof *ring);
    uint8_t *storage = bytes > SIZE_MAX ? NULL : aligned_alloc(LINE_BYTES, (size_t)bytes);
    if (ring == NULL || storage == NULL) {
        free(ring);
        free(storage);
        set_status(status, RR_NO_MEMORY);
        return NULL;
    }
    memset(storage, 0, (size_t)bytes);
    ring->storage = storage;
    uint8_t *payloads = storage + LINE_BYTES * (UINT64_C(3) + max_readers);
    uint64_t stride = rr_round64(size);
    ring->slots = (struct slots){.cursors = (struct ring_cursors *)(void *)(storage + LINE_BYTES),
                                 .payloads = payloads,
                                 .event_descriptors = (_Atomic uint64_t *)(void *)(payloads + capacity * stride),
                                 .stride = stride,
                                 .size = (uint32_t)size,
                                 .capacity = (uint32_t)capacity,
                                 .spread = mode == RR_GATED ? (uint32_t)capacity & ~(SPREAD - 1) : 0,
                                 .gated = mode == RR_GATED,
                                 .wide = copies_are_wide()};
    ring->bytes = bytes;
    ring->max_readers = max_readers;
    atomic_init(&ring->handles, 0);
    struct ring_shape *shape = (struct ring_shape *)(void *)storage;
    shape->capacity = capacity;
    shape->stride = stride;
    shape->size = size;
    shape->mode = (uint32_t)mode;
    shape->max_readers = max_readers;
    atomic_init(&cursors_of(ring)->write_cursor, 0);
    atomic_init(&cursors_of(ring)->claim, 0);
    atomic_init(&membership_of(ring)->writer_state, NO_WRITER);
    atomic_init(&membership_of(ring)->low_water_mark, 0);
    atomic_init(&membership_of(ring)->awaited, 0);
    event_count_init(&cursors_of(ring)->events);
    event_count_init(&membership_of(ring)->room);
    for (uint32_t index = 0; index < max_readers; ++index) {
        atomic_init(registration_at(ring, index), 0);
    }
    set_status(status, RR_OK);
    return ring;
}

rr_status rr_ring_destroy(rr_ring *ring)
{
    /* pairs with drop_ring's release: the last use of the storage comes before its end [ORDER-11] */
    if (atomic_load_explicit(&ring->handles, memory_order_acquire) != 0) {
        return RR_BUSY;
    }
    event_count_end(&cursors_of(ring)->events);
    event_count_end(&membership_of(ring)->room);
    free(ring->storage);
    free(ring);
    return RR_OK;
}

uint32_t rr_ring_size(const rr_ring *ring)
{
    return ring->slots.size;
}

uint32_t rr_ring_capacity(const rr_ring *ring)
{
    return ring->slots.capacity;
}

rr_ring_mode rr_ring_get_mode(const rr_ring *ring)
{
    return ring->slots.gated ? RR_GATED : RR_OVERWRITE;
}

uint32_t rr_ring_max_readers(const rr_ring *ring)
{
    return ring->max_readers;
}

uint64_t rr_ring_memory_usage(const rr_ring *ring)
{
    return ring->bytes;
}

/*
 * Counts the events before the cursor, and those after it that their event descriptors have published already: a reader may have
 * got one of them before the writer moved its cursor on [ORDER-23]. A thread that knows of such an event sees the cursor at least
 * at the beginning of the event's batch, so one batch of descriptors is enough. If the loop stops at the descriptor of a later lap,
 * the cursor has moved beyond that batch, and the second load sees it. The loop passes over a descriptor of two laps later, which
 * is right: that event was published, too.
 */
NOINLINE uint64_t published_in(const struct slots *slots)
{
    uint64_t published = cursor_observe(slots);
    uint32_t position = (uint32_t)(published % slots->capacity);
    uint32_t lap = lap_of(slots, published);
    for (uint32_t step = 0; step < BATCH && lap_in(event_descriptor_load(slots, position, true)) == lap; ++step) {
        uint32_t after = position_after(slots, position, 1);
        lap = lap_after(lap, position, after);
        position = after;
        ++published;
    }
    uint64_t moved = cursor_observe(slots);
    return moved > published ? moved : published;
}

uint64_t rr_ring_write_cursor(const rr_ring *ring)
{
    return ring->slots.gated ? published_in(&ring->slots) : cursor_observe(&ring->slots);
}

int rr_ring_ended(const rr_ring *ring)
{
    return stream_ended(ring);
}

int rr_ring_has_writer(const rr_ring *ring)
{
    /* pairs with nothing: a snapshot of one moment [ORDER-13] */
    return atomic_load_explicit(&membership_of(ring)->writer_state, memory_order_relaxed) == HAS_WRITER;
}
