/* client_rings.c - the operations of a client on the ring, its writers and its readers. */
#define _GNU_SOURCE
#include "client.h"

/* status */
static void do_open(const struct operation *operation, struct results *results)
{
    rr_writer **made = writer_at(&operation->arguments[0]);
    if (client.ring == NULL || *made != NULL) {
        skip(results);
        return;
    }
    rr_status status = RR_OK;
    *made = rr_writer_open(client.ring, &status);
    answer(results, (uint64_t)status);
}

/* 0: the writer is closed and freed */
static void do_close(const struct operation *operation, struct results *results)
{
    rr_writer **writer = writer_at(&operation->arguments[0]);
    if (*writer == NULL) {
        skip(results);
        return;
    }
    rr_writer_free(*writer);
    *writer = NULL;
    *descriptor_at(&operation->arguments[0]) = 0;
    answer(results, RR_OK);
}

/* 0; the handle of the writer stays, and its calls are refused */
static void do_shut(const struct operation *operation, struct results *results)
{
    rr_writer *writer = writer_of(operation, results);
    if (writer == NULL) {
        return;
    }
    rr_writer_close(writer);
    answer(results, RR_OK);
}

/* status: the writer ends the stream, and is freed */
static void do_end(const struct operation *operation, struct results *results)
{
    rr_writer **writer = writer_at(&operation->arguments[0]);
    if (*writer == NULL) {
        skip(results);
        return;
    }
    answer(results, (uint64_t)rr_writer_end(*writer));
    rr_writer_free(*writer);
    *writer = NULL;
}

/* status, write cursor after it: one that the writer itself has stored, or loaded when it opened */
static void do_add(const struct operation *operation, struct results *results)
{
    rr_writer *writer = writer_of(operation, results);
    uint32_t event = operation->arguments[1].number;
    if (writer == NULL) {
        return;
    }
    const uint8_t *data = client_events(event, 1, client_program.length);
    answer(results, (uint64_t)rr_writer_add(writer, data, client_program.length, event));
    answer(results, rr_ring_write_cursor(client.ring));
}

/* status, how many were added, write cursor after them */
static void do_addmany(const struct operation *operation, struct results *results)
{
    rr_writer *writer = writer_of(operation, results);
    uint32_t count = operation->arguments[1].number;
    uint32_t event = operation->arguments[2].number;
    uint32_t types[EVENTS];
    size_t added = 0;
    if (writer == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; ++i) {
        types[i] = event + i;
    }
    const uint8_t *data = client_events(event, count, client_program.length);
    answer(results, (uint64_t)rr_writer_add_many(writer, data, NULL, client_program.length, types, 0, count, &added, NULL));
    answer(results, added);
    answer(results, rr_ring_write_cursor(client.ring));
}

/* 0 or RR_RING_CLOSED, how many were added, write cursor behind them: writes the events into reserved slots */
static void do_put(const struct operation *operation, struct results *results)
{
    rr_writer *writer = writer_of(operation, results);
    uint32_t count = operation->arguments[1].number;
    uint32_t event = operation->arguments[2].number;
    uint64_t stride = rr_round64(rr_ring_size(client.ring));
    uint32_t length = client_program.length;
    uint32_t types[EVENTS];
    rr_status status = RR_OK;
    size_t added = 0;
    size_t reserved = 0;
    if (writer == NULL) {
        return;
    }
    while (added < count) {
        uint8_t *payloads = rr_writer_reserve(writer, count - added, &reserved, &status);
        if (payloads == NULL) {
            break;
        }
        const uint8_t *data = client_events(event + (uint32_t)added, (uint32_t)reserved, length);
        for (uint32_t i = 0; i < reserved; ++i) {
            client_payload_copy(payloads + i * stride, data + (size_t)i * length, length);
            types[i] = event + (uint32_t)added + i;
        }
        status = rr_writer_commit(writer, NULL, length, types, 0, reserved, NULL);
        added += reserved;
    }
    answer(results, (uint64_t)(status == RR_FULL ? RR_OK : status));
    answer(results, added);
    answer(results, rr_ring_write_cursor(client.ring));
}

/* status, the cursor that the reader begins with */
static void do_join(const struct operation *operation, struct results *results)
{
    rr_reader **made = reader_at(&operation->arguments[0]);
    const struct argument *at = &operation->arguments[1];
    if (client.ring == NULL || *made != NULL) {
        skip(results);
        return;
    }
    rr_join_at where = at->letter == 'o' ? RR_OLDEST : at->letter == 'a' ? RR_LATEST : RR_CURSOR;
    rr_status status = RR_OK;
    *made = rr_reader_join(client.ring, where, at->number, &status);
    answer(results, (uint64_t)status);
    if (*made != NULL) {
        answer(results, rr_reader_start(*made));
    }
}

/* The event in a copy, by its bytes and its type. */
static uint32_t event_of(const uint8_t *data, uint32_t length, uint32_t event_type)
{
    uint32_t event = length > 0 ? data[0] / 16u : CLIENT_TORN;
    for (uint32_t index = 0; index < length; ++index) {
        if (data[index] != client_byte(event, index)) {
            event = CLIENT_TORN;
        }
    }
    if (event == CLIENT_TORN || event != event_type || length != client_program.length) {
        explorer_fail("torn", "an event that a reader delivered is none that was added [RING-13]");
        return CLIENT_TORN;
    }
    return event;
}

/* status, sequence, next sequence, skipped, how many, their events: 8 bits each from the lowest on */
static void read_many(const struct operation *operation, bool in_two_steps, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    uint32_t limit = operation->arguments[1].number;
    uint32_t lengths[EVENTS];
    uint32_t types[EVENTS];
    uint8_t room[RING_ROOM * EVENTS];
    rr_read found;
    if (reader == NULL) {
        return;
    }
    rr_status status = (in_two_steps ? rr_reader_look : rr_reader_next_many)(reader, limit, room, sizeof room, lengths, types, &found);
    if (in_two_steps && status == RR_OK) {
        status = rr_reader_pass(reader, found.count);
        if (status != RR_OK) { /* the copies are invalid */
            found = (rr_read){.sequence = found.sequence, .next_sequence = found.sequence};
        }
    }
    uint64_t events = 0;
    const uint8_t *data = room;
    for (uint32_t i = 0; status == RR_OK && i < found.count && i < 8; ++i) {
        events |= (uint64_t)event_of(data, lengths[i], types[i]) << (8 * i);
        data += lengths[i];
    }
    answer(results, (uint64_t)status);
    answer(results, found.sequence);
    answer(results, found.next_sequence);
    answer(results, found.skipped);
    answer(results, found.count);
    answer(results, events);
}

static void do_nextmany(const struct operation *operation, struct results *results)
{
    read_many(operation, false, results);
}

/* Like nextmany, in the two steps in which a binding reads: a peek, and the move past the copied events. */
static void do_take(const struct operation *operation, struct results *results)
{
    read_many(operation, true, results);
}

/* As nextmany, of events that are read where they lie; at the ring's end it peeks again. */
static void do_peek(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    uint32_t limit = operation->arguments[1].number;
    uint64_t stride = rr_round64(rr_ring_size(client.ring));
    rr_read all = {0};
    uint64_t events = 0;
    rr_status status = RR_OK;
    if (reader == NULL) {
        return;
    }
    while (all.count < limit && (all.count == 0 || all.next_sequence % rr_ring_capacity(client.ring) == 0)) {
        const uint8_t *payloads = NULL;
        uint8_t room[RING_ROOM * EVENTS];
        uint32_t lengths[EVENTS];
        uint32_t types[EVENTS];
        rr_read found;
        rr_status more = rr_reader_peek(reader, limit - all.count, &payloads, &found);
        for (uint32_t i = 0; more == RR_OK && i < found.count; ++i) {
            rr_reader_peeked(reader, i, &lengths[i], &types[i]);
            client_payload_copy(room + i * RING_ROOM, payloads + i * stride, lengths[i]);
        }
        if (more == RR_OK) {
            more = rr_reader_release(reader, found.count);
        }
        if (more != RR_OK) {
            if (all.count == 0) {
                status = more;
                all = (rr_read){.sequence = found.sequence, .next_sequence = found.sequence};
            }
            break;
        }
        for (uint32_t i = 0; i < found.count; ++i) {
            events |= (uint64_t)event_of(room + i * RING_ROOM, lengths[i], types[i]) << (8 * (all.count + i));
        }
        all.sequence = all.count == 0 ? found.sequence : all.sequence;
        all.next_sequence = found.next_sequence;
        all.count += found.count;
    }
    answer(results, (uint64_t)status);
    answer(results, all.sequence);
    answer(results, all.next_sequence);
    answer(results, 0);
    answer(results, all.count);
    answer(results, events);
}

/* status, sequence, next sequence, skipped, 1 or 0, its event */
static void do_next(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    uint8_t room[RING_ROOM];
    rr_read found;
    if (reader == NULL) {
        return;
    }
    rr_status status = rr_reader_next(reader, room, sizeof room, &found);
    answer(results, (uint64_t)status);
    answer(results, found.sequence);
    answer(results, found.next_sequence);
    answer(results, found.skipped);
    answer(results, found.count);
    answer(results, status == RR_OK ? event_of(room, (uint32_t)found.bytes, found.event_type) : 0);
}

/* status, how many were skipped, cursor: skips all published events */
static void do_skip(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    uint64_t skipped = 0;
    if (reader == NULL) {
        return;
    }
    answer(results, (uint64_t)rr_reader_skip(reader, 0, &skipped));
    answer(results, skipped);
    answer(results, rr_reader_cursor(reader));
}

/* 0; the handle of the reader stays, and its calls are refused */
static void do_leave(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    rr_reader_leave(reader);
    answer(results, RR_OK);
}

/* 0 */
static void do_free(const struct operation *operation, struct results *results)
{
    rr_reader **reader = reader_at(&operation->arguments[0]);
    if (*reader == NULL) {
        skip(results);
        return;
    }
    rr_reader_free(*reader);
    *reader = NULL;
    *descriptor_at(&operation->arguments[0]) = 0;
    answer(results, RR_OK);
}

/* status */
static void do_evict(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, (uint64_t)rr_reader_evict(reader));
}

/* 0, whether it was evicted */
static void do_evicted(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, RR_OK);
    answer(results, (uint64_t)rr_reader_evicted(reader));
}

/* 0, whether it left */
static void do_left(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, RR_OK);
    answer(results, (uint64_t)rr_reader_left(reader));
}

/* 0, lag, backlog */
static void do_lag(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_reader_lag(reader));
    answer(results, rr_reader_backlog(reader));
}

/* 0, start, cursor, delivered, skipped */
static void do_tally(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_reader_start(reader));
    answer(results, rr_reader_cursor(reader));
    answer(results, rr_reader_delivered(reader));
    answer(results, rr_reader_skipped(reader));
}

/* 0, write cursor, retained, readers */
static void do_look(const struct operation *operation, struct results *results)
{
    (void)operation;
    if (client.ring == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_ring_write_cursor(client.ring));
    answer(results, rr_ring_retained(client.ring));
    answer(results, rr_ring_readers(client.ring));
}

/* status, whether the ring has a writer, whether its stream has ended */
static void do_state(const struct operation *operation, struct results *results)
{
    (void)operation;
    if (client.ring == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, (uint64_t)rr_ring_has_writer(client.ring));
    answer(results, (uint64_t)rr_ring_ended(client.ring));
}

/* status */
static void do_destroyring(const struct operation *operation, struct results *results)
{
    (void)operation;
    if (client.ring == NULL) {
        skip(results);
        return;
    }
    rr_status status = rr_ring_destroy(client.ring);
    if (status == RR_OK) {
        client.ring = NULL;
    }
    answer(results, (uint64_t)status);
}

const struct client_operation client_ring_operations[] = {
    {"open", "w", do_open},
    {"close", "w", do_close},
    {"shut", "w", do_shut},
    {"end", "w", do_end},
    {"add", "wn", do_add},
    {"addmany", "wnn", do_addmany},
    {"put", "wnn", do_put},
    {"join", "qa", do_join},
    {"next", "q", do_next},
    {"nextmany", "qn", do_nextmany},
    {"take", "qn", do_take},
    {"peek", "qn", do_peek},
    {"skip", "q", do_skip},
    {"leave", "q", do_leave},
    {"free", "q", do_free},
    {"evict", "q", do_evict},
    {"evicted", "q", do_evicted},
    {"left", "q", do_left},
    {"lag", "q", do_lag},
    {"look", "", do_look},
    {"state", "", do_state},
    {"tally", "q", do_tally},
    {"destroyring", "", do_destroyring},
    {NULL, NULL, NULL},
};
