/* delivery.c - delivering events to a reader: chapter RING [RING-7] [RING-11] to [RING-13] [RING-26] [RING-43] [RING-52]
 * [RING-71] to [RING-80]. */
#include "reader.h"

/* ---------------------------------------------------------------------------------------------------- moving on */

/* Notifies the writer if this reader, before it moved on from `cursor`, held it back. A reader that was not the slowest notifies no
 * thread; of several slowest readers each notifies, since none can know that it is the last [ORDER-20]. */
COLD static rr_status notify_writer(const struct slots *slots, uint64_t cursor)
{
    struct event_count *room = &membership_behind(slots->cursors)->room;
    if (event_count_has_waiters(room)) {
        /* pairs with the publication before prepare_wait, by the fences: if this is an older cursor than the waiting writer's,
         * the writer's recheck comes after this fence, and sees that the reader has moved on [ORDER-20] */
        uint64_t published = atomic_load_explicit(&slots->cursors->write_cursor, memory_order_relaxed);
        if (published >= cursor + slots->capacity) {
            event_count_notify_all(room);
        }
    }
    return RR_OK;
}

/* Comes after a reader of a gated ring has moved on from `cursor` [RING-48]. It is 4 of the 94 instructions of rr_reader_next
 * with a payload of 64 bytes (gcc 12, x86-64), and no fence. */
static inline rr_status made_room(const struct slots *slots, uint64_t cursor)
{
    return may_have_waiters(&membership_behind(slots->cursors)->room) ? notify_writer(slots, cursor) : RR_OK;
}

/* Moves the reader on to `cursor` after a copy, if it was not evicted meanwhile. */
static inline bool move_on(rr_reader *reader, uint64_t cursor, uint32_t position, bool gated)
{
    if (gated) {
        uint64_t word = reader->registered | registration_of(REGISTRATION_FREE, reader->cursor, 0);
        uint64_t moved = reader->registered | registration_of(REGISTRATION_FREE, cursor, 0);
        /* The writer overwrites a copied event only after this, or after an eviction; then this fails, and the copy is
         * discarded. */
        /* pairs with slowest_reader's acquire [ORDER-8] */
        if (!atomic_compare_exchange_strong_explicit(reader->registration, &word, moved, memory_order_release,
                                                     memory_order_relaxed)) {
            return false;
        }
        reader->lap = lap_after(reader->lap, reader->position, position);
    }
    reader->position = position;
    reader->cursor = cursor;
    return true;
}

/* How many events there are to read. If there are more than `limit`, it may return less. */
static inline uint64_t ready(rr_reader *reader, size_t limit, bool gated)
{
    uint64_t cursor = reader->cursor;
    uint64_t found = reader->published > cursor ? reader->published - cursor : 0;
    if (gated && limit == 1 && found == 0) { /* as rr_reader_next, without the cursors' line [ORDER-17] */
        return lap_in(event_descriptor_load(&reader->slots, reader->position, true)) == reader->lap ? 1 : 0;
    }
    if (found < limit) {
        uint64_t published = gated ? published_in(&reader->slots) : cursor_observe(&reader->slots);
        if (published <= cursor) {
            return 0;
        }
        found = published - cursor;
        reader->published = published;
    }
    return found;
}

/* After a copy from an overwriting ring: whether the event at `cursor` was intact during the copy. If not, *oldest is the oldest
 * event retained. */
static bool is_intact(const struct slots *slots, uint64_t cursor, uint64_t *oldest)
{
    /* If the copy read a byte of a later lap, the load below sees that lap's announcement. */
    /* pairs with the release fence in announce [ORDER-9] */
    atomic_thread_fence(memory_order_acquire);
    /* pairs with announce's store, by the fences [ORDER-9] */
    uint64_t claim = atomic_load_explicit(&slots->cursors->claim, memory_order_relaxed);
    *oldest = claim - slots->capacity;
    return claim <= cursor + slots->capacity;
}

/* ------------------------------------------------------------------------------------------------------- what to tell */

/* Reports that nothing was read. */
COLD static rr_status nothing(const rr_reader *reader, rr_status status, rr_read *read)
{
    *read = (rr_read){.sequence = reader->cursor, .next_sequence = reader->cursor};
    return status;
}

/* Reports that there is no event now, and arms the reader's notifier, if it has one [RING-35]; or that there will be none any more.
 * The next call delivers an event that was published since the caller looked. */
COLD static rr_status empty(const rr_reader *reader, rr_read *read)
{
    if (reader->slots.gated && !has_registration(reader)) { /* then its slot may hold an event of any lap [ORDER-17] */
        return nothing(reader, RR_RING_CLOSED, read);
    }
    if (reader->peeked != 0) {
        return nothing(reader, RR_BUSY, read);
    }
    if (rr_reader_at_eof(reader)) {
        return nothing(reader, RR_END_OF_STREAM, read);
    }
    if (reader->notifier != NULL && event_count_arm(&reader->slots.cursors->events, reader->notifier) &&
        look_for(reader, reader->cursor) != RR_EMPTY) {
        notifier_signal(reader->notifier);
    }
    return nothing(reader, RR_EMPTY, read);
}

/* Reports that the reader's next event is lost, and moves the reader on to the oldest one retained [RING-11]. */
COLD static rr_status lagged(rr_reader *reader, uint64_t oldest, rr_read *read)
{
    (void)nothing(reader, RR_LAGGED, read);
    read->skipped = oldest - reader->cursor;
    read->next_sequence = oldest;
    reader->skipped += read->skipped;
    reader->cursor = oldest;
    reader->position = (uint32_t)(oldest % reader->slots.capacity);
    return RR_LAGGED;
}

/* Reports that the next event is longer than the room. An evicted reader's event may be torn, its length too. */
COLD static rr_status too_long(const rr_reader *reader, uint32_t length, rr_read *read)
{
    if (is_closed(reader, reader->slots.gated)) {
        return nothing(reader, RR_RING_CLOSED, read);
    }
    (void)nothing(reader, RR_BUFFER_TOO_SMALL, read);
    read->bytes = length;
    return RR_BUFFER_TOO_SMALL;
}

/* Reports what was read. It writes each field once; an initializer of the whole struct would write some twice. */
INLINE void delivered(rr_read *read, uint64_t sequence, uint32_t count, uint64_t bytes, uint32_t event_type)
{
    read->sequence = sequence;
    read->skipped = 0;
    read->next_sequence = sequence + count;
    read->bytes = bytes;
    read->count = count;
    read->event_type = event_type;
}

/* -------------------------------------------------------------------------------------------------------- one event */

/* Copies the next event without moving on; *found is its event descriptor. */
INLINE rr_status look_at_next(rr_reader *reader, void *data, size_t data_bytes, rr_read *read, uint64_t *found, bool gated)
{
    const struct slots *slots = &reader->slots;
    uint32_t position = reader->position;
    uint64_t oldest = 0;
    if (!gated && ready(reader, 1, false) == 0) {
        return empty(reader, read);
    }
    uint64_t descriptor = event_descriptor_load(slots, position, gated);
    size_t length = length_in(descriptor);
    if (gated && lap_in(descriptor) != reader->lap) {
        return empty(reader, read);
    }
    if (length <= data_bytes) {
        payload_load(slots, position, data, length);
    }
    if (!gated && !is_intact(slots, reader->cursor, &oldest)) {
        return lagged(reader, oldest, read);
    }
    if (length > data_bytes) {
        return too_long(reader, (uint32_t)length, read);
    }
    *found = descriptor;
    return RR_OK;
}

INLINE rr_status next_of(rr_reader *reader, void *data, size_t data_bytes, rr_read *read, bool gated)
{
    const struct slots *slots = &reader->slots;
    uint64_t cursor = reader->cursor;
    uint64_t descriptor = 0;
    rr_status status = look_at_next(reader, data, data_bytes, read, &descriptor, gated);
    if (status != RR_OK) {
        return status;
    }
    if (!move_on(reader, cursor + 1, position_after(slots, reader->position, 1), gated)) {
        return nothing(reader, RR_RING_CLOSED, read);
    }
    delivered(read, cursor, 1, length_in(descriptor), (uint32_t)(descriptor >> 32));
    return gated ? made_room(slots, cursor) : RR_OK;
}

/* In a gated ring, or by a reader that has left. Each return of next_of reports an eviction that comes in between. */
NOINLINE static rr_status next_slow_path(rr_reader *reader, void *data, size_t data_bytes, rr_read *read)
{
    return has_ended(reader, reader->slots.gated) ? nothing(reader, RR_RING_CLOSED, read)
                                                  : next_of(reader, data, data_bytes, read, true);
}

rr_status rr_reader_next(rr_reader *reader, void *data, size_t data_bytes, rr_read *read)
{
    return reader->fast_path ? next_of(reader, data, data_bytes, read, false) : next_slow_path(reader, data, data_bytes, read);
}

/* ------------------------------------------------------------------------------------------------------ many events */

/* Events copied by a bulk read, not yet checked. */
struct copied {
    size_t count;
    uint64_t bytes;
    uint32_t position; /* after the last of them */
    uint32_t length; /* with a count below what was wanted: of the event for which there was no room */
};

/* Loads the event descriptors of up to `wanted` contiguous events that have length `length`. Returns how many there are. */
INLINE uint32_t event_descriptors_load(const struct slots *of, uint32_t position, size_t wanted, uint32_t length, uint32_t *lengths,
                                       uint32_t *event_types, bool gated)
{
    const struct slots slots = *of; /* a copy, which no store of the loop can change */
    uint32_t count = 0;
    for (; count < wanted && position < slots.capacity; ++count, ++position) {
        uint64_t descriptor = event_descriptor_load(&slots, position, gated);
        if (length_in(descriptor) != length) {
            break;
        }
        lengths[count] = length;
        event_types[count] = (uint32_t)(descriptor >> 32);
    }
    return count;
}

/* Copies `wanted` events, or as many as there is room for, without moving on. */
INLINE struct copied copy_events(const struct slots *slots, uint32_t position, size_t wanted, uint8_t *data, size_t room,
                                 uint32_t *lengths, uint32_t *event_types, bool gated)
{
    struct copied done = {.position = position};
    while (done.count < wanted) {
        uint64_t descriptor = event_descriptor_load(slots, done.position, gated);
        uint32_t run = 1;
        done.length = length_in(descriptor);
        if (done.length > room) {
            break;
        }
        lengths[done.count] = done.length;
        event_types[done.count] = (uint32_t)(descriptor >> 32);
        if (done.length == slots->stride) { /* events that fill their slots are contiguous: one copy */
            size_t most = wanted - done.count < room / done.length ? wanted - done.count : room / done.length;
            run += event_descriptors_load(slots, done.position + 1, most - 1, done.length, lengths + done.count + 1,
                                          event_types + done.count + 1, gated);
        }
        size_t bytes = (size_t)run * done.length;
        payload_load(slots, done.position, data, bytes);
        if (bytes != 0) {
            data += bytes;
        }
        room -= bytes;
        done.count += run;
        done.bytes += bytes;
        done.position = position_after(slots, done.position, run);
    }
    return done;
}

/* Copies up to `limit` events and reports them, without moving on; *position is the one after the last of them. */
INLINE rr_status look_of(rr_reader *reader, size_t limit, void *data, size_t data_bytes, uint32_t *lengths, uint32_t *event_types,
                         rr_read *read, uint32_t *position, bool gated)
{
    const struct slots *slots = &reader->slots;
    struct copied all = {.position = reader->position};
    uint64_t cursor = reader->cursor;
    uint64_t oldest = 0;
    if (is_closed(reader, gated)) {
        return nothing(reader, RR_RING_CLOSED, read);
    }
    if (gated && reader->peeked != 0) {
        return nothing(reader, RR_BUSY, read);
    }
    if (limit == 0) {
        return nothing(reader, RR_OK, read);
    }
    uint64_t found = ready(reader, limit, gated);
    if (found == 0) {
        return empty(reader, read);
    }
    limit = limit < found ? limit : (size_t)found;
    limit = limit < UINT32_MAX ? limit : UINT32_MAX;
    while (all.count < limit) {
        /* In an overwriting ring each batch is checked by itself: batches before a lapped one are intact. */
        size_t wanted = !gated && limit - all.count > BATCH ? BATCH : limit - all.count;
        uint8_t *to = all.bytes == 0 ? data : (uint8_t *)data + all.bytes;
        struct copied done = copy_events(slots, all.position, wanted, to, data_bytes - (size_t)all.bytes, lengths + all.count,
                                         event_types + all.count, gated);
        if (!gated && !is_intact(slots, cursor + all.count, &oldest)) {
            if (all.count == 0) {
                return lagged(reader, oldest, read);
            }
            break;
        }
        if (done.count == 0 && all.count == 0) {
            return too_long(reader, done.length, read);
        }
        all.count += done.count;
        all.bytes += done.bytes;
        all.position = done.position;
        if (done.count < wanted) {
            break;
        }
    }
    *position = all.position;
    delivered(read, cursor, (uint32_t)all.count, all.bytes, event_types[0]);
    return RR_OK;
}

INLINE rr_status next_many_of(rr_reader *reader, size_t limit, void *data, size_t data_bytes, uint32_t *lengths,
                              uint32_t *event_types, rr_read *read, bool gated)
{
    uint64_t cursor = reader->cursor;
    uint32_t position = 0;
    rr_status status = look_of(reader, limit, data, data_bytes, lengths, event_types, read, &position, gated);
    if (status != RR_OK || read->count == 0) {
        return status;
    }
    if (!move_on(reader, read->next_sequence, position, gated)) {
        return nothing(reader, RR_RING_CLOSED, read);
    }
    return gated ? made_room(&reader->slots, cursor) : RR_OK;
}

rr_status rr_reader_next_many(rr_reader *reader, size_t limit, void *data, size_t data_bytes, uint32_t *lengths,
                              uint32_t *event_types, rr_read *read)
{
    return reader->slots.gated ? next_many_of(reader, limit, data, data_bytes, lengths, event_types, read, true)
                               : next_many_of(reader, limit, data, data_bytes, lengths, event_types, read, false);
}

rr_status rr_reader_skip(rr_reader *reader, uint64_t keep, uint64_t *skipped)
{
    bool gated = reader->slots.gated;
    uint64_t cursor = reader->cursor;
    *skipped = 0;
    if (is_closed(reader, gated)) {
        return RR_RING_CLOSED;
    }
    if (reader->peeked != 0) {
        return RR_BUSY;
    }
    uint64_t published = rr_ring_write_cursor(reader->ring);
    uint64_t target = published > keep ? published - keep : 0;
    if (target > cursor) {
        if (!move_on(reader, target, (uint32_t)(target % reader->slots.capacity), gated)) {
            return RR_RING_CLOSED;
        }
        *skipped = target - cursor;
        reader->skipped += *skipped;
        return gated ? made_room(&reader->slots, cursor) : RR_OK;
    }
    return RR_OK;
}

/* --------------------------------------------------------------------------------------- looking, and then moving on */

/* A look at one event, as in rr_reader_next. It takes 76 instructions less than look_of, of the 2,300 of an add and a next from
 * Python. */
INLINE rr_status look_at_one(rr_reader *reader, void *data, size_t data_bytes, uint32_t *length, uint32_t *event_type,
                             rr_read *read, bool gated)
{
    uint64_t descriptor = 0;
    rr_status status = look_at_next(reader, data, data_bytes, read, &descriptor, gated);
    if (status == RR_OK) {
        *length = length_in(descriptor);
        *event_type = (uint32_t)(descriptor >> 32);
        delivered(read, reader->cursor, 1, *length, *event_type);
    }
    return status;
}

rr_status rr_reader_look(rr_reader *reader, size_t limit, void *data, size_t data_bytes, uint32_t *lengths, uint32_t *event_types,
                         rr_read *read)
{
    uint32_t position = 0;
    if (limit == 1 && !has_ended(reader, reader->slots.gated)) {
        return reader->slots.gated ? look_at_one(reader, data, data_bytes, lengths, event_types, read, true)
                                   : look_at_one(reader, data, data_bytes, lengths, event_types, read, false);
    }
    return reader->slots.gated ? look_of(reader, limit, data, data_bytes, lengths, event_types, read, &position, true)
                               : look_of(reader, limit, data, data_bytes, lengths, event_types, read, &position, false);
}

rr_status rr_reader_pass(rr_reader *reader, uint32_t count)
{
    bool gated = reader->slots.gated;
    uint64_t cursor = reader->cursor;
    uint64_t after = (uint64_t)reader->position + count;
    uint32_t position = (uint32_t)(after < reader->slots.capacity ? after : after - reader->slots.capacity);
    if (reader->peeked != 0) {
        return is_closed(reader, gated) ? RR_RING_CLOSED : RR_BUSY;
    }
    if (is_closed(reader, gated) || (count != 0 && !move_on(reader, cursor + count, position, gated))) {
        return RR_RING_CLOSED;
    }
    return gated && count != 0 ? made_room(&reader->slots, cursor) : RR_OK;
}

/* -------------------------------------------------------------------------------------------------- events in place */

/*
 * The reader's registration stays at the first event of the peek, so the writer does not overwrite the events until rr_reader_release
 * moves the registration on with release, after the program's loads [ORDER-8]. An eviction ends that: then the writer may be
 * writing to what the program reads, as to what a copying reader reads, and the program learns of it by rr_reader_release.
 */
rr_status rr_reader_peek(rr_reader *reader, size_t limit, const uint8_t **payloads, rr_read *read)
{
    const struct slots *slots = &reader->slots;
    uint32_t to_end = slots->capacity - reader->position;
    *payloads = NULL;
    if (is_closed(reader, slots->gated)) {
        return nothing(reader, RR_RING_CLOSED, read);
    }
    if (!slots->gated || limit == 0) {
        return nothing(reader, RR_BAD_ARGUMENT, read);
    }
    limit = limit < to_end ? limit : to_end;
    uint64_t found = reader->peeked != 0 ? 0 : ready(reader, limit, true);
    if (found == 0) {
        return empty(reader, read);
    }
    uint64_t descriptor = event_descriptor_load(slots, reader->position, true);
    reader->peeked = (uint32_t)(found < limit ? found : limit);
    reader->lap_kept = reader->lap;
    reader->lap = NO_LAP;
    delivered(read, reader->cursor, reader->peeked, length_in(descriptor), (uint32_t)(descriptor >> 32));
    *payloads = slots->payloads + reader->position * slots->stride;
    return RR_OK;
}

void rr_reader_peeked(const rr_reader *reader, uint32_t index, uint32_t *length, uint32_t *event_type)
{
    uint64_t descriptor = event_descriptor_load(&reader->slots, reader->position + index, true);
    *length = length_in(descriptor);
    *event_type = (uint32_t)(descriptor >> 32);
}

rr_status rr_reader_release(rr_reader *reader, uint32_t count)
{
    if (count > reader->peeked) {
        return RR_BAD_ARGUMENT;
    }
    if (reader->peeked != 0) {
        reader->peeked = 0;
        reader->lap = reader->lap_kept;
    }
    return rr_reader_pass(reader, count);
}

size_t rr_reader_measure(rr_reader *reader, size_t limit, uint64_t *bytes)
{
    const struct slots *slots = &reader->slots;
    uint32_t position = reader->position;
    uint64_t found = limit == 0 ? 0 : ready(reader, limit, slots->gated);
    uint64_t most = found < slots->capacity ? found : slots->capacity;
    size_t count = limit < most ? limit : (size_t)most;
    *bytes = 0;
    for (size_t i = 0; i < count; ++i) {
        *bytes += length_in(event_descriptor_load(slots, position, slots->gated));
        position = position_after(slots, position, 1);
    }
    return count;
}
