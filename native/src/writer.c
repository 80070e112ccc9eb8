/* writer.c - the writer of a ring: chapter RING [RING-4] [RING-5] [RING-9] [RING-10] [RING-25] [RING-46] to [RING-49]
 * [RING-61] to [RING-70]. */
#include "ring.h"

#include <stdlib.h>

#include "reader_registrations.h"

rr_writer *rr_writer_open(rr_ring *ring, rr_status *status)
{
    rr_writer *writer = calloc(1, sizeof *writer);
    uint64_t state = NO_WRITER;
    if (writer == NULL) {
        set_status(status, RR_NO_MEMORY);
        return NULL;
    }
    /* pairs with end_writer's release [ORDER-11] */
    if (!atomic_compare_exchange_strong_explicit(&membership_of(ring)->writer_state, &state, HAS_WRITER, memory_order_acquire,
                                                 memory_order_relaxed)) {
        free(writer);
        set_status(status, state == ENDED ? RR_END_OF_STREAM : RR_WRITER_TAKEN);
        return NULL;
    }
    hold_ring(ring);
    writer->ring = ring;
    writer->slots = ring->slots;
    /* pairs with nothing: writer_state was taken with acquire [ORDER-11] */
    writer->cursor = atomic_load_explicit(&cursors_of(ring)->write_cursor, memory_order_relaxed);
    /* pairs with nothing: as above [ORDER-11] */
    writer->gating_sequence = atomic_load_explicit(&cursors_of(ring)->claim, memory_order_relaxed);
    writer->position = (uint32_t)(writer->cursor % ring->slots.capacity);
    writer->lap = lap_of(&ring->slots, writer->cursor);
    writer->fast_path_below = ring->slots.gated ? 0 : (uint64_t)ring->slots.size + 1;
    set_status(status, RR_OK);
    return writer;
}

/* Whether the writer was closed. */
static bool is_ended(const rr_writer *writer)
{
    /* pairs with nothing in the writer's own thread; in a waiting thread, by the fences, with rr_writer_close [ORDER-15] */
    return atomic_load_explicit(&writer->closed, memory_order_relaxed) != 0;
}

static void end_writer(rr_writer *writer, uint64_t state)
{
    /* pairs with is_ended in a waiting thread, by the fences [ORDER-15] */
    atomic_store_explicit(&writer->closed, 1, memory_order_relaxed);
    writer->fast_path_below = 0;
    writer->gating_sequence = writer->cursor;
    writer->reserved = 0;
    /* pairs with rr_writer_open's acquire [ORDER-11], and stream_ended's: the last event was published before [ORDER-18] */
    atomic_store_explicit(&membership_of(writer->ring)->writer_state, state, memory_order_release);
    (void)event_count_notify(&membership_of(writer->ring)->room);
    if (state == ENDED) {
        (void)event_count_notify(&writer->slots.cursors->events);
    }
}

void rr_writer_close(rr_writer *writer)
{
    if (!is_ended(writer)) {
        end_writer(writer, NO_WRITER);
    }
}

rr_status rr_writer_end(rr_writer *writer)
{
    if (is_ended(writer)) {
        return stream_ended(writer->ring) ? RR_OK : RR_RING_CLOSED;
    }
    end_writer(writer, ENDED);
    return RR_OK;
}

int rr_writer_closed(const rr_writer *writer)
{
    return is_ended(writer);
}

void rr_writer_free(rr_writer *writer)
{
    if (writer != NULL) {
        rr_writer_close(writer);
        if (writer->notifier != NULL) {
            notifier_end(writer->notifier);
        }
        drop_ring(writer->ring);
        free(writer);
    }
}

/* -------------------------------------------------------------------------------------------------------- one event */

/* The writer of a gated ring has reached its gating sequence. Returns how many of `wanted` events, at most `capacity`, it may write
 * now. */
static uint64_t raise_gating_sequence(rr_writer *writer, uint64_t wanted)
{
    const rr_ring *ring = writer->ring;
    _Atomic uint64_t *gating_sequence = &cursors_of(ring)->claim;
    uint64_t slowest = 0;
    uint64_t announced = writer->gating_sequence;
    uint64_t target = writer->cursor + wanted;
    if (slowest_reader(ring, writer->cursor, &slowest)) {
        target = slowest + ring->slots.capacity;
    }
    if (target > announced) {
        announced = target;
        /* pairs with the joining reader's loads: by the fences [ORDER-10]; and a reader that begins at a cursor taken from it
         * sees what was published before [ORDER-17] */
        atomic_store_explicit(gating_sequence, announced, memory_order_release);
        /* pairs with the fence in register_reader [ORDER-10] */
        atomic_thread_fence(memory_order_seq_cst);
        if (slowest_reader(ring, writer->cursor, &slowest) && slowest + ring->slots.capacity < announced) {
            target = slowest + ring->slots.capacity;
        }
    }
    if (target < announced) {
        /* pairs with the joining reader's loads [ORDER-17]; the reader that it is lowered for was admitted already [ORDER-10] */
        atomic_store_explicit(gating_sequence, target, memory_order_release);
    }
    writer->gating_sequence = target;
    return target - writer->cursor < wanted ? target - writer->cursor : wanted;
}

/* Announces that an overwriting writer will write the next `count` events, at most `capacity` [RING-10]. */
static void announce(const rr_writer *writer, uint64_t count)
{
    /* pairs with the lap check in is_intact, by the fences [ORDER-9] */
    atomic_store_explicit(&writer->slots.cursors->claim, writer->cursor + count, memory_order_relaxed);
    /* pairs with the acquire fence in is_intact [ORDER-9] */
    atomic_thread_fence(memory_order_release);
}

/* Publishes the events up to `cursor`, which the writer has written; in a gated ring their event descriptors have published them,
 * and this counts them. */
static inline void publish(rr_writer *writer, uint64_t cursor, uint32_t position, bool gated)
{
    if (gated) {
        writer->lap = lap_after(writer->lap, writer->position, position);
    }
    writer->position = position;
    writer->cursor = cursor;
    /* pairs with the readers' acquire load [ORDER-7] */
    atomic_store_explicit(&writer->slots.cursors->write_cursor, cursor, memory_order_release);
}

/* Publishes one event, whose payload was written at `position`, the writer's. */
static inline rr_status publish_event(rr_writer *writer, uint32_t position, uint64_t descriptor, bool gated)
{
    const struct slots *slots = &writer->slots;
    event_descriptor_store(slots, position, gated ? descriptor | writer->lap : descriptor, gated);
    publish(writer, writer->cursor + 1, position_after(slots, position, 1), gated);
    return event_count_notify(&slots->cursors->events);
}

static inline rr_status add_event(rr_writer *writer, const void *data, uint32_t length, uint32_t event_type, bool gated)
{
    uint32_t position = writer->position;
    uint64_t descriptor = event_descriptor_of(length, event_type);
    payload_store(&writer->slots, position, data, length);
    return publish_event(writer, position, descriptor, gated);
}

/* Whether a gated ring has room for an event, as any thread sees it: no registered reader is `capacity` events behind. */
static bool has_room(const rr_ring *ring)
{
    uint64_t slowest = 0;
    /* pairs with nothing: the writer's own; an older value tells another thread that there may be room [ORDER-13] */
    uint64_t published = atomic_load_explicit(&cursors_of(ring)->write_cursor, memory_order_relaxed);
    return !least_cursor(ring, &slowest) || published < slowest + ring->slots.capacity;
}

/* For a thread that waits for room: RR_OK or RR_RING_CLOSED; RR_EMPTY if it has to wait [RING-48]. */
static rr_status look_for_room(const void *of, uint64_t unused)
{
    const rr_writer *writer = of;
    (void)unused;
    if (is_ended(writer)) {
        return RR_RING_CLOSED;
    }
    return !writer->slots.gated || has_room(writer->ring) ? RR_OK : RR_EMPTY;
}

/* Returns that there is no room now, and arms the writer's notifier, if it has one [RING-49]. */
COLD static rr_status full(const rr_writer *writer)
{
    if (writer->notifier != NULL && event_count_arm(&membership_of(writer->ring)->room, writer->notifier) &&
        look_for_room(writer, 0) != RR_EMPTY) {
        notifier_signal(writer->notifier);
    }
    return RR_FULL;
}

/* The writer of a gated ring has reached its gating sequence, was closed, or has an open reservation. */
COLD static rr_status add_at_gating_sequence(rr_writer *writer, const void *data, uint32_t length, uint32_t event_type)
{
    if (is_ended(writer)) {
        return RR_RING_CLOSED;
    }
    if (writer->reserved != 0) {
        return RR_BUSY;
    }
    return raise_gating_sequence(writer, 1) == 0 ? full(writer) : add_event(writer, data, length, event_type, true);
}

/* In a gated ring, or with a payload that is too long, or once closed. */
NOINLINE static rr_status add_slow_path(rr_writer *writer, const void *data, uint64_t length, uint32_t event_type)
{
    if (length > writer->slots.size) {
        return is_ended(writer) ? RR_RING_CLOSED : RR_PAYLOAD_TOO_LARGE;
    }
    return writer->gating_sequence == writer->cursor ? add_at_gating_sequence(writer, data, (uint32_t)length, event_type)
                                                     : add_event(writer, data, (uint32_t)length, event_type, true);
}

rr_status rr_writer_add(rr_writer *writer, const void *data, uint64_t length, uint32_t event_type)
{
    if (length >= writer->fast_path_below) {
        return add_slow_path(writer, data, length, event_type);
    }
    announce(writer, 1);
    return add_event(writer, data, (uint32_t)length, event_type, false);
}

/* ------------------------------------------------------------------------------------------------------ many events */

/* Writes the payloads of `count` events, at most `capacity`. Payloads that fill their slots are contiguous in the ring, too, and
 * one copy writes all of them up to the ring's end. Returns the data after them. */
static const uint8_t *payloads_store(const struct slots *slots, uint32_t position, const uint8_t *data, const uint32_t *lengths,
                                     uint32_t length, uint32_t count)
{
    if (lengths == NULL && length == slots->stride) {
        while (count > 0) {
            uint32_t run = count < slots->capacity - position ? count : slots->capacity - position;
            copy_block_in(slots->payloads + position * slots->stride, data, run * slots->stride, slots->wide);
            data += run * slots->stride;
            count -= run;
            position = position_after(slots, position, run);
        }
        return data;
    }
    for (uint32_t i = 0; i < count; ++i) {
        uint32_t event_length = lengths != NULL ? lengths[i] : length;
        payload_store(slots, position, data, event_length);
        position = position_after(slots, position, 1);
        if (event_length != 0) {
            data += event_length;
        }
    }
    return data;
}

/* Lengths and event types of a batch: one for each event, or if the array is NULL, one for all. */
struct kinds {
    const uint32_t *lengths;
    const uint32_t *event_types;
    uint32_t length;
    uint32_t event_type;
};

/* The first descriptor is stored last: in a gated ring it publishes all events of the batch. */
INLINE void each_event_descriptor_store(const rr_writer *writer, struct kinds kinds, uint32_t count, bool gated)
{
    const struct slots slots = writer->slots; /* a copy, which no store of the loop can change */
    uint32_t first = writer->position;
    uint32_t to_end = slots.capacity - first;
    uint32_t lap = writer->lap;
    for (uint32_t i = count; i-- > 0;) {
        uint64_t descriptor = event_descriptor_of(kinds.lengths != NULL ? kinds.lengths[i] : kinds.length,
                                                  kinds.event_types != NULL ? kinds.event_types[i] : kinds.event_type);
        uint32_t position = i < to_end ? first + i : i - to_end;
        if (gated) {
            descriptor |= i < to_end ? lap : lap ^ LAP;
        }
        event_descriptor_store(&slots, position, descriptor, gated);
    }
}

/* Writes the event descriptors of `count` events, at most `capacity`. Returns the position after them. */
static uint32_t event_descriptors_store(const rr_writer *writer, struct kinds kinds, uint32_t count)
{
    if (writer->slots.gated) {
        each_event_descriptor_store(writer, kinds, count, true);
    } else if (kinds.lengths == NULL && kinds.event_types == NULL) {
        struct kinds alike = {.length = kinds.length, .event_type = kinds.event_type}; /* a loop without branches */
        each_event_descriptor_store(writer, alike, count, false);
    } else {
        each_event_descriptor_store(writer, kinds, count, false);
    }
    uint32_t to_end = writer->slots.capacity - writer->position;
    return count < to_end ? writer->position + count : count - to_end;
}

/* Publishes the next `count` events, at most BATCH and `capacity`, whose payloads were written. */
static void publish_batch(rr_writer *writer, struct kinds kinds, uint32_t count)
{
    uint32_t position = event_descriptors_store(writer, kinds, count);
    publish(writer, writer->cursor + count, position, writer->slots.gated);
    (void)event_count_notify(&writer->slots.cursors->events);
}

/* The first of `count` events that is longer than the ring's size; `count` if there is none [RING-9]. */
static size_t first_too_long(const rr_writer *writer, const uint32_t *lengths, uint32_t length, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if ((lengths != NULL ? lengths[i] : length) > writer->slots.size) {
            return i;
        }
        if (lengths == NULL) {
            break;
        }
    }
    return count;
}

rr_status rr_writer_add_many(rr_writer *writer, const void *data, const uint32_t *lengths, uint32_t length,
                             const uint32_t *event_types, uint32_t event_type, size_t count, size_t *added, size_t *failed)
{
    const struct slots *slots = &writer->slots;
    const uint8_t *next = data;
    uint64_t batch = slots->capacity < BATCH ? slots->capacity : BATCH;
    *added = 0;
    if (is_ended(writer)) {
        return RR_RING_CLOSED;
    }
    size_t too_long = first_too_long(writer, lengths, length, count);
    if (too_long < count) {
        if (failed != NULL) {
            *failed = too_long;
        }
        return RR_PAYLOAD_TOO_LARGE;
    }
    if (writer->reserved != 0) {
        return RR_BUSY;
    }
    for (size_t i = 0; i < count;) {
        uint64_t room = count - i < batch ? count - i : batch;
        if (!slots->gated) {
            announce(writer, room);
        } else if (writer->gating_sequence - writer->cursor < room && (room = raise_gating_sequence(writer, room)) == 0) {
            (void)full(writer);
            break;
        }
        struct kinds kinds = {.lengths = lengths != NULL ? lengths + i : NULL,
                              .event_types = event_types != NULL ? event_types + i : NULL,
                              .length = length,
                              .event_type = event_type};
        next = payloads_store(slots, writer->position, next, kinds.lengths, length, (uint32_t)room);
        publish_batch(writer, kinds, (uint32_t)room);
        i += (size_t)room;
        *added = i;
    }
    return RR_OK;
}

/* -------------------------------------------------------------------------------------------------- events in place */

/*
 * A writer with an open reservation is in the middle of an add, for the other threads: the gating sequence covers the slots, so
 * every registered reader has moved on from them, and a reader that joins begins after what lay in them [ORDER-10]. The program's
 * own stores to a slot come before the release store of its event descriptor, as those of an add [ORDER-17].
 */
uint8_t *rr_writer_reserve(rr_writer *writer, size_t count, size_t *reserved, rr_status *status)
{
    const struct slots *slots = &writer->slots;
    *reserved = 0;
    if (is_ended(writer)) {
        set_status(status, RR_RING_CLOSED);
        return NULL;
    }
    if (!slots->gated || count == 0) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    if (writer->reserved != 0) {
        set_status(status, RR_BUSY);
        return NULL;
    }
    uint64_t room = slots->capacity - writer->position;
    room = count < room ? count : room;
    if (writer->gating_sequence - writer->cursor < room && (room = raise_gating_sequence(writer, room)) == 0) {
        set_status(status, full(writer));
        return NULL;
    }
    writer->reserved = (uint32_t)room;
    writer->gating_sequence_kept = writer->gating_sequence;
    writer->gating_sequence = writer->cursor;
    *reserved = (size_t)room;
    set_status(status, RR_OK);
    return slots->payloads + writer->position * slots->stride;
}

void rr_writer_cancel(rr_writer *writer)
{
    if (writer->reserved != 0) {
        writer->reserved = 0;
        writer->gating_sequence = writer->gating_sequence_kept;
    }
}

rr_status rr_writer_commit(rr_writer *writer, const uint32_t *lengths, uint32_t length, const uint32_t *event_types,
                           uint32_t event_type, size_t count, size_t *failed)
{
    if (is_ended(writer)) {
        return RR_RING_CLOSED;
    }
    if (count > writer->reserved) {
        return RR_BAD_ARGUMENT;
    }
    size_t too_long = first_too_long(writer, lengths, length, count);
    if (too_long < count) {
        if (failed != NULL) {
            *failed = too_long;
        }
        return RR_PAYLOAD_TOO_LARGE;
    }
    rr_writer_cancel(writer);
    if (count == 1) { /* the loop below takes 68 instructions more, of 215 with the reserve */
        uint32_t event_length = lengths != NULL ? lengths[0] : length;
        uint64_t descriptor = event_descriptor_of(event_length, event_types != NULL ? event_types[0] : event_type);
        return publish_event(writer, writer->position, descriptor, true);
    }
    for (size_t i = 0; i < count;) {
        size_t some = count - i < BATCH ? count - i : BATCH;
        struct kinds kinds = {.lengths = lengths != NULL ? lengths + i : NULL,
                              .event_types = event_types != NULL ? event_types + i : NULL,
                              .length = length,
                              .event_type = event_type};
        publish_batch(writer, kinds, (uint32_t)some);
        i += some;
    }
    return RR_OK;
}

/* --------------------------------------------------------------------------------------------------------- waiting */

rr_status rr_writer_wait(rr_writer *writer, int64_t nanoseconds)
{
    rr_status status = event_count_wait(&membership_of(writer->ring)->room, look_for_room, writer, 0, nanoseconds);
    return status == RR_EMPTY ? RR_FULL : status;
}

int rr_writer_descriptor(rr_writer *writer)
{
    return is_ended(writer) ? -RR_RING_CLOSED
                            : notifier_descriptor_of(&writer->notifier, &membership_of(writer->ring)->room.notifiers);
}
