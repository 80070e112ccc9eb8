/*
 * client.c - client programs over the native API, for the explorer: the harness that reads one line of text, runs it, and
 * reports each call with its results. `rusted_ring.verify.clients.language` describes the text and writes it.
 *
 *     r=2 g=1 t=0 xs=1 | alloc 1p0 1 ; clone 2p0 1p0 | drop p0 ; alloc p1 2 | read p0 ; drop p0 => drop 1p0 ; ...
 *
 * The first result of a call is its rr_status, or SKIPPED if a variable that it needs is empty or one that it sets is not;
 * a comment at each operation lists the others (client_pools.c, client_account.c, client_rings.c, client_waits.c). Only
 * client_payload.c is instrumented: the library is checked, not the harness.
 */
#define _GNU_SOURCE
#include <string.h>

#include "client.h"

struct client client;
/* The payloads of all events of one length, back to back. An execution that begins in the middle of a call finds the bytes of
 * another execution here, so the bytes of an event are always the same. */
static uint8_t pool_events[EVENTS * POOL_LENGTH] EXPLORER_STATE = {0};
static uint8_t heap_events[EVENTS * HEAP_LENGTH] EXPLORER_STATE = {0};
static uint8_t ring_events[EVENTS * RING_ROOM] EXPLORER_STATE = {0};

const uint8_t *client_events(uint32_t event, uint32_t count, uint32_t length)
{
    uint8_t *all = length == HEAP_LENGTH ? heap_events : length == POOL_LENGTH ? pool_events : ring_events;
    uint8_t *bytes = all + (size_t)event * length;
    for (uint32_t i = 0; i < count; ++i) {
        for (uint32_t index = 0; index < length; ++index) {
            bytes[i * length + index] = client_byte(event + i, index);
        }
    }
    return bytes;
}

static uint32_t threads(void)
{
    return client_program.threads;
}

static void run(uint32_t thread, uint32_t from, uint32_t to)
{
    for (uint32_t op = from; op < to; ++op) {
        struct results results = {0};
        const struct operation *operation = &client_program.operations[thread][op];
        explorer_call(op);
        operation->perform(operation, &results);
        explorer_return(op, results.values, results.count);
    }
}

static void setup(void)
{
    const struct shape *program = &client_program;
    rr_status status = RR_OK;
    explorer_membarrier(!program->fenced);
    memset(&client, 0, sizeof client);
    client.allocator = program->pool ? rr_allocator_create(&program->profile, &status) : NULL;
    if (status != RR_OK) {
        explorer_fail("pool", rr_status_text(status));
        return;
    }
    client.ring = program->ring ? rr_ring_create(program->size, program->capacity, program->mode, program->readers,
                                                 RR_MAX_RING_BYTES, &status)
                                : NULL;
    if (status == RR_OK && program->awaited != 0) {
        status = rr_ring_wait_for_readers(client.ring, program->awaited);
    }
    if (status != RR_OK) {
        explorer_fail("ring", rr_status_text(status));
        return;
    }
    client_words_made();
    run(0, 0, program->setup);
}

static void thread(uint32_t n)
{
    run(n, 0, client_program.count[n]);
}

static void finish(void)
{
    client.finishing = true;
    run(0, client_program.setup, client_program.count[0]);
}

int main(int argc, char **argv)
{
    static const explorer_harness harness = {
        .load = client_load, .threads = threads, .setup = setup, .thread = thread, .finish = finish, .word = client_word};
    return explorer_serve(argc, argv, &harness);
}
