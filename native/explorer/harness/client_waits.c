/* client_waits.c - the operations of a client that wait for an event or for room: in a call, and on a descriptor. */
#define _GNU_SOURCE
#include "client.h"

/* status: waits for the reader's next event, without a timeout */
static void do_wait(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, (uint64_t)rr_reader_wait(reader, rr_reader_cursor(reader), -1));
}

/* status: waits for the reader's next event, with a timeout that may expire at any moment */
static void do_timedwait(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, (uint64_t)rr_reader_wait(reader, rr_reader_cursor(reader), 1));
}

/* status: waits for the n-th event of the ring, without a timeout; the reader may be another thread's, its cursor is not read */
static void do_waitat(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    answer(results, (uint64_t)rr_reader_wait(reader, operation->arguments[1].number - 1, -1));
}

/* status: requests the descriptor of a reader */
static void do_watch(const struct operation *operation, struct results *results)
{
    rr_reader *reader = reader_of(operation, results);
    if (reader == NULL) {
        return;
    }
    int descriptor = rr_reader_descriptor(reader);
    *descriptor_at(&operation->arguments[0]) = descriptor < 0 ? 0 : descriptor;
    answer(results, (uint64_t)(descriptor < 0 ? -descriptor : RR_OK));
}

/* 0: waits on a descriptor that was requested, without a timeout */
static void do_poll(const struct operation *operation, struct results *results)
{
    const struct argument *of = &operation->arguments[0];
    int descriptor = *descriptor_at(of);
    if ((of->letter == 'w' ? *writer_at(of) == NULL : *reader_at(of) == NULL) || descriptor == 0) {
        skip(results);
        return;
    }
    if (!client_poll(descriptor)) {
        explorer_fail("poll", "the descriptor of a reader or writer is none of the engine's [RING-35] [RING-49]");
    }
    answer(results, RR_OK);
}

/* status: waits for room, without a timeout; the writer may be another thread's */
static void do_room(const struct operation *operation, struct results *results)
{
    rr_writer *writer = writer_of(operation, results);
    if (writer == NULL) {
        return;
    }
    answer(results, (uint64_t)rr_writer_wait(writer, -1));
}

/* status: waits for room, with a timeout that may expire at any moment */
static void do_timedroom(const struct operation *operation, struct results *results)
{
    rr_writer *writer = writer_of(operation, results);
    if (writer == NULL) {
        return;
    }
    answer(results, (uint64_t)rr_writer_wait(writer, 1));
}

/* status: requests the descriptor of a writer */
static void do_watchroom(const struct operation *operation, struct results *results)
{
    rr_writer *writer = writer_of(operation, results);
    if (writer == NULL) {
        return;
    }
    int descriptor = rr_writer_descriptor(writer);
    *descriptor_at(&operation->arguments[0]) = descriptor < 0 ? 0 : descriptor;
    answer(results, (uint64_t)(descriptor < 0 ? -descriptor : RR_OK));
}

const struct client_operation client_wait_operations[] = {
    {"wait", "q", do_wait},
    {"timedwait", "q", do_timedwait},
    {"waitat", "qn", do_waitat},
    {"watch", "q", do_watch},
    {"poll", "q", do_poll},
    {NULL, NULL, NULL},
};

const struct client_operation client_room_operations[] = {
    {"room", "w", do_room},
    {"timedroom", "w", do_timedroom},
    {"watchroom", "w", do_watchroom},
    {"pollroom", "w", do_poll},
    {NULL, NULL, NULL},
};
