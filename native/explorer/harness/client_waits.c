/* client_waits.c - the operations of a client that wait for a reader: asleep, and on a descriptor. */
#define _GNU_SOURCE
#include "client.h"

/* status: waits for the reader's next event, for ever */
static void do_wait(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, (uint64_t)rr_reader_wait(reader, rr_reader_cursor(reader), -1));
}

/* status: waits for the reader's next event, for a time that may be up at any moment */
static void do_timedwait(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, (uint64_t)rr_reader_wait(reader, rr_reader_cursor(reader), 1));
}

/* status: waits for the n-th event of the ring, for ever; the reader may be another thread's, whose cursor is not asked for */
static void do_waitat(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, (uint64_t)rr_reader_wait(reader, operation->arguments[1].number - 1, -1));
}

/* status: asks for the descriptor of a reader */
static void do_watch(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    int descriptor = rr_reader_descriptor(reader);
    *descriptor_at(&operation->arguments[0]) = descriptor < 0 ? 0 : descriptor;
    answer(results, (uint64_t)(descriptor < 0 ? -descriptor : RR_OK));
}

/* 0: waits on a descriptor that was asked for, for ever */
static void do_poll(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    int descriptor = *descriptor_at(&operation->arguments[0]);
    if (*reader_at(&operation->arguments[0]) == NULL || descriptor == 0) {
        skip(results);
        return;
    }
    if (!client_poll(descriptor)) {
        explorer_fail("poll", "the descriptor of a reader is none of the engine's [RING-35]");
    }
    answer(results, RR_OK);
}

const struct client_operation client_wait_operations[] = {
    {"wait", "q", do_wait},
    {"timedwait", "q", do_timedwait},
    {"waitat", "qn", do_waitat},
    {"watch", "q", do_watch},
    {"poll", "q", do_poll},
    {NULL, NULL, NULL},
};
