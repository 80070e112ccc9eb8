/*
 * client.c - client programs over the native API, for the explorer: the harness that reads one line of text, runs it, and
 * tells each call and what it answered. `rusted_ring.verify.clients` describes the text and writes it.
 *
 *     r=2 g=1 t=0 xs=1 | alloc 1p0 1 ; clone 2p0 1p0 | drop p0 ; alloc p1 2 | read p0 ; drop p0 => drop 1p0 ; ...
 *
 * The first result of a call is its rr_status, or SKIPPED where the handle that it needs is not there or the variable that
 * it makes is taken; what follows is said at each operation below. Nothing here is instrumented but client_payload.c: what
 * is checked is the library.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_payload.h"
#include "explorer.h"
#include "rusted_ring.h"

#define SKIPPED 99u
#define GROUPS 4u       /* the setup's thread and three more */
#define MOST_OPS 96u    /* operations of a group, the finish included */
#define MOST_ARGS 3u
#define MOST_RESULTS 8u
#define MOST_SLOTS 64u
#define POOL_LENGTH 8u
#define POOL_CUT 4u
#define HEAP_LENGTH 16385u
#define HEAP_CUT 16384u
#define HEAP_BYTES 65536u
#define HELD_EVENT 15u
#define RING_ROOM 64u
#define EVENTS 16u

struct operation;
struct results {
    uint32_t count;
    uint64_t values[MOST_RESULTS];
};
typedef void (*perform)(uint32_t thread, const struct operation *operation, struct results *results);

/* An argument: a variable's thread, letter and number, or a number alone. */
struct argument {
    char letter; /* p l t s w q, or n for a number */
    uint32_t thread;
    uint32_t number;
};

struct operation {
    perform perform;
    struct argument arguments[MOST_ARGS];
};

/* What a thread holds. */
struct holdings {
    const uint8_t *pointers[8];
    uint64_t pointer_tokens[8]; /* of the pointers: to ask the library again would be one more load of the slot's word */
    uint8_t *loans[4];
    uint64_t loan_tokens[4];
    uint64_t tokens[8]; /* 0: none */
    rr_writer *writers[2];
    rr_reader *readers[4];
    int descriptors[4]; /* of the readers; 0: not asked for */
};

struct shape {
    bool pool;
    bool ring;
    bool waits; /* some thread may wait: as on a system without membarrier(), see spec/memory-orders.md */
    rr_profile profile;
    rr_ring_mode mode;
    uint32_t capacity;
    uint32_t size;
    uint32_t length; /* of every event of the ring */
    uint32_t readers;
    uint32_t threads;
    uint32_t setup; /* operations of group 0 before the finish */
    uint32_t count[GROUPS];
    struct operation operations[GROUPS][MOST_OPS];
};

static struct shape program EXPLORER_STATE = {0};
static rr_allocator *allocator = NULL;
static rr_ring *ring = NULL;
static struct holdings holdings[GROUPS];
/* Where the events of a thread's calls are made up, and where what it reads goes: written before it is read, so that there
 * is nothing to put back. */
static uint8_t event_bytes[GROUPS][HEAP_LENGTH] EXPLORER_STATE = {{0}};
static uint8_t rooms[GROUPS][RING_ROOM * EVENTS] EXPLORER_STATE = {{0}};
static uint64_t shared_tokens[8] = {0}; /* written by the setup alone */
static uint64_t held_slots = 0;         /* slots that `hold` took, which the finish gives back */

/* ------------------------------------------------------------------------------------------------ answers, variables */

static void answer(struct results *results, uint64_t value)
{
    results->values[results->count++] = value;
}

static void skip(struct results *results)
{
    results->count = 0;
    answer(results, SKIPPED);
}

static const uint8_t **pointer_at(const struct argument *argument)
{
    return &holdings[argument->thread].pointers[argument->number];
}

static uint64_t *pointer_token_at(const struct argument *argument)
{
    return &holdings[argument->thread].pointer_tokens[argument->number];
}

static uint8_t **loan_at(const struct argument *argument)
{
    return &holdings[argument->thread].loans[argument->number];
}

static uint64_t *token_at(const struct argument *argument)
{
    return argument->letter == 's' ? &shared_tokens[argument->number]
                                   : &holdings[argument->thread].tokens[argument->number];
}

static rr_writer **writer_at(const struct argument *argument)
{
    return &holdings[argument->thread].writers[argument->number];
}

static rr_reader **reader_at(const struct argument *argument)
{
    return &holdings[argument->thread].readers[argument->number];
}

static int *descriptor_at(const struct argument *argument)
{
    return &holdings[argument->thread].descriptors[argument->number];
}

/* The `count` payloads of events from `event` on, back to back. */
static const uint8_t *events_of(uint32_t thread, uint32_t event, uint32_t count, uint32_t length)
{
    uint8_t *bytes = event_bytes[thread];
    for (uint32_t i = 0; i < count; ++i) {
        for (uint32_t place = 0; place < length; ++place) {
            bytes[i * length + place] = client_byte(event + i, place);
        }
    }
    return bytes;
}

static uint32_t event_read(const uint8_t *payload)
{
    uint32_t event = client_payload_read(payload, rr_payload_length(payload));
    if (event == CLIENT_TORN || rr_payload_event_type(payload) != event) {
        explorer_fail("torn", "a payload that is held is that of no event, or its event type is another's [SLOT-13]");
        return CLIENT_TORN;
    }
    return event;
}

/* ------------------------------------------------------------------------------------------------------------- pools */

/* The token of the slot that a payload lies in, with the generation of another token. */
static uint64_t token_like(const uint8_t *payload, uint64_t token)
{
    uint64_t place = (((uint64_t)rr_payload_pool_id(payload) + 1) << 21) + rr_payload_slot_index(payload);
    return (place << 40) + (token & ((UINT64_C(1) << 40) - 1));
}

/* A pointer, or NULL, as a call returned it: status, token. */
static void got_pointer(const struct argument *made, const uint8_t *payload, uint64_t token, rr_status status,
                        struct results *results)
{
    answer(results, (uint64_t)status);
    if (payload != NULL) {
        *pointer_at(made) = payload;
        *pointer_token_at(made) = token;
        answer(results, token);
    }
}

static void allocate(uint32_t thread, const struct operation *operation, uint32_t length, struct results *results)
{
    const struct argument *made = &operation->arguments[0];
    uint32_t event = operation->arguments[1].number;
    if (allocator == NULL || *pointer_at(made) != NULL) {
        skip(results);
        return;
    }
    rr_status status = RR_OK;
    const uint8_t *payload = rr_allocate(allocator, events_of(thread, event, 1, length), length, event, 0, &status);
    got_pointer(made, payload, payload != NULL ? rr_payload_token(allocator, payload) : 0, status, results);
}

/* status, token */
static void do_alloc(uint32_t thread, const struct operation *operation, struct results *results)
{
    allocate(thread, operation, POOL_LENGTH, results);
}

/* status, token */
static void do_heap(uint32_t thread, const struct operation *operation, struct results *results)
{
    allocate(thread, operation, HEAP_LENGTH, results);
}

/* status, token: the token is made into the variable */
static void do_ffi(uint32_t thread, const struct operation *operation, struct results *results)
{
    uint32_t event = operation->arguments[1].number;
    uint64_t token = 0;
    if (allocator == NULL) {
        skip(results);
        return;
    }
    const uint8_t *data = events_of(thread, event, 1, POOL_LENGTH);
    rr_status status = rr_handle_ffi_event(allocator, data, POOL_LENGTH, event, &token);
    answer(results, (uint64_t)status);
    if (status == RR_OK) {
        *token_at(&operation->arguments[0]) = token;
        answer(results, token);
    }
}

/* status, then the tokens, or the place of the event that failed */
static void do_amany(uint32_t thread, const struct operation *operation, struct results *results)
{
    uint32_t count = operation->arguments[1].number;
    uint32_t event = operation->arguments[2].number;
    uint32_t types[MOST_RESULTS];
    uint64_t tokens[MOST_RESULTS] = {0};
    size_t failed = 0;
    if (allocator == NULL) {
        skip(results);
        return;
    }
    for (uint32_t i = 0; i < count; ++i) {
        types[i] = event + i;
    }
    rr_status status = rr_allocate_many(allocator, events_of(thread, event, count, POOL_LENGTH), NULL, POOL_LENGTH,
                                        types, 0, count, tokens, &failed);
    answer(results, (uint64_t)status);
    if (status != RR_OK) {
        answer(results, failed);
        return;
    }
    uint64_t *made = token_at(&operation->arguments[0]);
    for (uint32_t i = 0; i < count; ++i) {
        made[i] = tokens[i];
        answer(results, tokens[i]);
    }
}

/* status, and the place of the token that failed */
static void do_dmany(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    const uint64_t *tokens = token_at(&operation->arguments[0]);
    uint32_t count = operation->arguments[1].number;
    size_t failed = 0;
    bool all = allocator != NULL;
    for (uint32_t i = 0; all && i < count; ++i) {
        all = tokens[i] != 0;
    }
    if (!all) {
        skip(results);
        return;
    }
    rr_status status = rr_drop_many(allocator, tokens, count, &failed);
    answer(results, (uint64_t)status);
    if (status != RR_OK) {
        answer(results, failed);
    }
}

/* status, token */
static void do_clone(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    const uint8_t *payload = *pointer_at(&operation->arguments[1]);
    if (payload == NULL || *pointer_at(&operation->arguments[0]) != NULL) {
        skip(results);
        return;
    }
    rr_status status = rr_clone_payload(allocator, payload);
    uint64_t token = *pointer_token_at(&operation->arguments[1]);
    got_pointer(&operation->arguments[0], status == RR_OK ? payload : NULL, token, status, results);
}

/* 0 */
static void do_drop(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    const uint8_t **payload = pointer_at(&operation->arguments[0]);
    if (*payload == NULL) {
        skip(results);
        return;
    }
    rr_release_payload(allocator, *payload);
    *payload = NULL;
    answer(results, RR_OK);
}

/* 0, event, length, event type */
static void do_read(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    const uint8_t *payload = *pointer_at(&operation->arguments[0]);
    if (payload == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, event_read(payload));
    answer(results, rr_payload_length(payload));
    answer(results, rr_payload_event_type(payload));
}

/* 0, count */
static void do_count(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    const uint8_t *payload = *pointer_at(&operation->arguments[0]);
    if (payload == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_payload_ref_count(allocator, payload));
}

/* 0, token */
static void do_weak(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    const uint8_t *payload = *pointer_at(&operation->arguments[1]);
    if (payload == NULL) {
        skip(results);
        return;
    }
    uint64_t token = rr_payload_token(allocator, payload);
    *token_at(&operation->arguments[0]) = token;
    answer(results, RR_OK);
    answer(results, token);
}

/* 0, token */
static void do_into(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    const uint8_t **payload = pointer_at(&operation->arguments[1]);
    if (*payload == NULL) {
        skip(results);
        return;
    }
    uint64_t token = rr_into_token(allocator, *payload);
    *payload = NULL;
    *token_at(&operation->arguments[0]) = token;
    answer(results, RR_OK);
    answer(results, token);
}

static bool takes_token(const struct operation *operation, struct results *results)
{
    if (allocator == NULL || *pointer_at(&operation->arguments[0]) != NULL || *token_at(&operation->arguments[1]) == 0) {
        skip(results);
        return false;
    }
    return true;
}

/* status, token */
static void do_upgrade(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    if (takes_token(operation, results)) {
        rr_status status = RR_OK;
        uint64_t token = *token_at(&operation->arguments[1]);
        const uint8_t *payload = rr_upgrade(allocator, token, &status);
        token = payload != NULL ? token_like(payload, token) : 0;
        got_pointer(&operation->arguments[0], payload, token, status, results);
    }
}

/* status, token */
static void do_from(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    if (takes_token(operation, results)) {
        rr_status status = RR_OK;
        uint64_t token = *token_at(&operation->arguments[1]);
        const uint8_t *payload = rr_from_token(allocator, token, &status);
        token = payload != NULL ? token_like(payload, token) : 0;
        got_pointer(&operation->arguments[0], payload, token, status, results);
    }
}

/* The triple of a token variable; false where there is none and the call was skipped. */
static bool triple_of(const struct operation *operation, rr_handle *handle, struct results *results)
{
    uint64_t token = *token_at(&operation->arguments[0]);
    if (allocator == NULL || token == 0) {
        skip(results);
        return false;
    }
    return rr_token_decode(allocator, token, handle) == RR_OK;
}

static void counted(int64_t count, struct results *results)
{
    answer(results, count < 0 ? (uint64_t)-count : RR_OK);
    if (count >= 0) {
        answer(results, (uint64_t)count);
    }
}

/* status, count */
static void do_inc(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_inc_ref_count(allocator, handle.pool_id, handle.slot_index, handle.generation), results);
    }
}

/* status, count */
static void do_incany(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_inc_ref_count(allocator, handle.pool_id, handle.slot_index, RR_ANY_GENERATION), results);
    }
}

/* status, count */
static void do_dec(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_dec_ref_count(allocator, handle.pool_id, handle.slot_index, handle.generation), results);
    }
}

/* status, count */
static void do_decany(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_dec_ref_count(allocator, handle.pool_id, handle.slot_index, RR_ANY_GENERATION), results);
    }
}

/* 0, count, generation, state */
static void do_meta(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_handle handle;
    rr_slot_metadata metadata = {0};
    if (triple_of(operation, &handle, results)) {
        answer(results, (uint64_t)rr_slot_metadata_get(allocator, handle.pool_id, handle.slot_index, &metadata));
        answer(results, metadata.ref_count);
        answer(results, metadata.generation);
        answer(results, metadata.state);
    }
}

static void lend(const struct operation *operation, uint32_t length, struct results *results)
{
    uint8_t **made = loan_at(&operation->arguments[0]);
    uint32_t event = operation->arguments[1].number;
    if (allocator == NULL || *made != NULL) {
        skip(results);
        return;
    }
    rr_status status = RR_OK;
    uint8_t *loan = rr_loan(allocator, length, event, &status);
    answer(results, (uint64_t)status);
    if (loan != NULL) {
        uint64_t token = rr_payload_token(allocator, loan);
        answer(results, token);
        answer(results, client_payload_is_zero(loan, length));
        client_payload_write(loan, length, event);
        *made = loan;
        holdings[operation->arguments[0].thread].loan_tokens[operation->arguments[0].number] = token;
    }
}

/* status, token, whether all bytes were 0; the loan is then written */
static void do_loan(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    lend(operation, POOL_LENGTH, results);
}

/* status, token, whether all bytes were 0 */
static void do_hloan(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    lend(operation, HEAP_LENGTH, results);
}

static void commit(const struct operation *operation, bool cut, struct results *results)
{
    uint8_t **loan = loan_at(&operation->arguments[1]);
    if (*loan == NULL || *pointer_at(&operation->arguments[0]) != NULL) {
        skip(results);
        return;
    }
    uint64_t length = rr_payload_length(*loan);
    if (cut) {
        length = length == HEAP_LENGTH ? HEAP_CUT : POOL_CUT;
    }
    rr_status status = RR_OK;
    const uint8_t *payload = rr_commit(allocator, *loan, length, &status);
    const struct argument *from = &operation->arguments[1];
    uint64_t token = holdings[from->thread].loan_tokens[from->number];
    if (payload != NULL) {
        *loan = NULL;
        token = token_like(payload, token);
    }
    got_pointer(&operation->arguments[0], payload, token, status, results);
}

/* status, token */
static void do_commit(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    commit(operation, false, results);
}

/* status, token */
static void do_cut(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    commit(operation, true, results);
}

/* 0 */
static void do_abort(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    uint8_t **loan = loan_at(&operation->arguments[0]);
    if (*loan == NULL) {
        skip(results);
        return;
    }
    rr_abort(allocator, *loan);
    *loan = NULL;
    answer(results, RR_OK);
}

/* status, the slots taken as bits */
static void do_hold(uint32_t thread, const struct operation *operation, struct results *results)
{
    uint32_t count = operation->arguments[0].number;
    uint64_t tokens[MOST_SLOTS] = {0};
    uint8_t *bytes = event_bytes[thread];
    for (uint32_t i = 0; i < count * POOL_LENGTH; ++i) {
        bytes[i] = client_byte(HELD_EVENT, i % POOL_LENGTH);
    }
    rr_status status = rr_allocate_many(allocator, bytes, NULL, POOL_LENGTH, NULL, HELD_EVENT, count, tokens, NULL);
    uint64_t slots = 0;
    for (uint32_t i = 0; status == RR_OK && i < count; ++i) {
        slots |= UINT64_C(1) << ((tokens[i] >> 40) & (MOST_SLOTS - 1));
    }
    held_slots |= slots;
    answer(results, (uint64_t)status);
    answer(results, slots);
}

/* status: that of the first slot that could not be given back */
static void do_unhold(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    (void)operation;
    if (allocator == NULL) {
        skip(results);
        return;
    }
    uint64_t status = RR_OK;
    for (uint32_t slot = 0; slot < MOST_SLOTS; ++slot) {
        if (held_slots >> slot & 1u) {
            int64_t left = rr_dec_ref_count(allocator, RR_XS, slot, 0);
            status = left < 0 && status == RR_OK ? (uint64_t)-left : status;
        }
    }
    held_slots = 0;
    answer(results, status);
}

/* How many loose references all slots had, then, for up to seven slots that had some, 2^32 * pool + 2^16 * slot + how
 * many. They are given back. */
static void do_sweep(uint32_t thread, const struct operation *operation, struct results *results)
{
    static const uint32_t pools[] = {RR_XS, RR_XXL};
    (void)thread;
    (void)operation;
    if (allocator == NULL) {
        skip(results);
        return;
    }
    uint64_t total = 0;
    answer(results, 0);
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; ++i) {
        for (uint32_t slot = 0; slot < rr_pool_capacity(allocator, pools[i]); ++slot) {
            uint64_t loose = 0;
            while (rr_dec_ref_count(allocator, pools[i], slot, RR_ANY_GENERATION) >= 0) {
                ++loose;
            }
            total += loose;
            if (loose > 0 && results->count < MOST_RESULTS) {
                answer(results, ((uint64_t)pools[i] << 32) + ((uint64_t)slot << 16) + loose);
            }
        }
    }
    results->values[0] = total;
}

/* XS: live, free, allocations, failures; the same of XXL */
static void do_stats(uint32_t thread, const struct operation *operation, struct results *results)
{
    static const uint32_t pools[] = {RR_XS, RR_XXL};
    (void)thread;
    (void)operation;
    if (allocator == NULL) {
        skip(results);
        return;
    }
    uint64_t words[MOST_SLOTS];
    (void)rr_slot_words(allocator, RR_XS, words);
    for (uint32_t slot = 0; slot < program.profile.capacities[RR_XS]; ++slot) {
        if ((words[slot] & 3) != RR_SLOT_FREE) {
            explorer_fail("not-free", "a slot is not FREE after all was given back [SLOT-12]");
        }
    }
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; ++i) {
        rr_pool_stats stats = {0};
        (void)rr_pool_stats_get(allocator, pools[i], &stats);
        answer(results, stats.live);
        answer(results, stats.free);
        answer(results, stats.allocations);
        answer(results, stats.failures);
    }
}

/* How many slots of XS could be taken at once, then the tokens of the first seven; heap bytes that are left over at the
 * end of the pool are a failure. */
static void do_refill(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)operation;
    const uint8_t *taken[MOST_SLOTS + 1];
    uint32_t count = 0;
    if (allocator == NULL) {
        skip(results);
        return;
    }
    const uint8_t *data = events_of(thread, HELD_EVENT, 1, POOL_LENGTH);
    answer(results, 0);
    for (; count <= MOST_SLOTS; ++count) {
        taken[count] = rr_allocate(allocator, data, POOL_LENGTH, HELD_EVENT, 0, NULL);
        if (taken[count] == NULL) {
            break;
        }
        if (results->count < MOST_RESULTS) {
            answer(results, rr_payload_token(allocator, taken[count]));
        }
    }
    for (uint32_t i = 0; i < count; ++i) {
        rr_release_payload(allocator, taken[i]);
    }
    results->values[0] = count;
    if (rr_heap_usage(allocator) != 64 + (uint64_t)64 * rr_pool_capacity(allocator, RR_XXL)) {
        explorer_fail("heap-usage", "bytes of the heap are counted that no event has [LAYOUT-5]");
    }
}

/* status. In the finish a pool that is busy is abandoned, so that it is told once and not again as a leak. */
static void do_destroypool(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)operation;
    if (allocator == NULL) {
        skip(results);
        return;
    }
    rr_allocator *ended = allocator;
    rr_status status = rr_allocator_destroy(ended);
    if (status != RR_OK && thread == 0) {
        rr_allocator_abandon(ended);
    }
    if (status == RR_OK || thread == 0) {
        allocator = NULL;
    }
    answer(results, (uint64_t)status);
}

/* ------------------------------------------------------------------------------------------------------------- rings */

/* status */
static void do_open(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_writer **made = writer_at(&operation->arguments[0]);
    if (ring == NULL || *made != NULL) {
        skip(results);
        return;
    }
    rr_status status = RR_OK;
    *made = rr_writer_open(ring, &status);
    answer(results, (uint64_t)status);
}

/* 0: the writer is closed and freed */
static void do_close(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_writer **writer = writer_at(&operation->arguments[0]);
    if (*writer == NULL) {
        skip(results);
        return;
    }
    rr_writer_free(*writer);
    *writer = NULL;
    answer(results, RR_OK);
}

/* status, write cursor behind it: one that the writer itself has written, or found when it opened */
static void do_add(uint32_t thread, const struct operation *operation, struct results *results)
{
    rr_writer *writer = *writer_at(&operation->arguments[0]);
    uint32_t event = operation->arguments[1].number;
    if (writer == NULL) {
        skip(results);
        return;
    }
    const uint8_t *data = events_of(thread, event, 1, program.length);
    answer(results, (uint64_t)rr_writer_add(writer, data, program.length, event));
    answer(results, rr_ring_write_cursor(ring));
}

/* status, how many were added, write cursor behind them */
static void do_addmany(uint32_t thread, const struct operation *operation, struct results *results)
{
    rr_writer *writer = *writer_at(&operation->arguments[0]);
    uint32_t count = operation->arguments[1].number;
    uint32_t event = operation->arguments[2].number;
    uint32_t types[EVENTS];
    size_t added = 0;
    if (writer == NULL) {
        skip(results);
        return;
    }
    for (uint32_t i = 0; i < count; ++i) {
        types[i] = event + i;
    }
    const uint8_t *data = events_of(thread, event, count, program.length);
    answer(results, (uint64_t)rr_writer_add_many(writer, data, NULL, program.length, types, 0, count, &added, NULL));
    answer(results, added);
    answer(results, rr_ring_write_cursor(ring));
}

/* status, the cursor that the reader begins with */
static void do_join(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader **made = reader_at(&operation->arguments[0]);
    const struct argument *at = &operation->arguments[1];
    if (ring == NULL || *made != NULL) {
        skip(results);
        return;
    }
    rr_join_at where = at->letter == 'o' ? RR_OLDEST : at->letter == 'a' ? RR_LATEST : RR_CURSOR;
    rr_status status = RR_OK;
    *made = rr_reader_join(ring, where, at->number, &status);
    answer(results, (uint64_t)status);
    if (*made != NULL) {
        answer(results, rr_reader_start(*made));
    }
}

/* The event in a copy, by its bytes and its type. */
static uint32_t event_of(const uint8_t *data, uint32_t length, uint32_t event_type)
{
    uint32_t event = length > 0 ? data[0] / 16u : CLIENT_TORN;
    for (uint32_t place = 0; place < length; ++place) {
        if (data[place] != client_byte(event, place)) {
            event = CLIENT_TORN;
        }
    }
    if (event == CLIENT_TORN || event != event_type || length != program.length) {
        explorer_fail("torn", "an event that a reader delivered is none that was added [RING-13]");
        return CLIENT_TORN;
    }
    return event;
}

/* status, sequence, next sequence, skipped, how many, their events: 8 bits each from the lowest on */
static void do_nextmany(uint32_t thread, const struct operation *operation, struct results *results)
{
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    uint32_t limit = operation->arguments[1].number;
    uint32_t lengths[EVENTS];
    uint32_t types[EVENTS];
    rr_read found;
    if (reader == NULL) {
        skip(results);
        return;
    }
    uint8_t *room = rooms[thread];
    rr_status status = rr_reader_next_many(reader, limit, room, sizeof rooms[thread], lengths, types, &found);
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

/* status, sequence, next sequence, skipped, 1 or 0, its event */
static void do_next(uint32_t thread, const struct operation *operation, struct results *results)
{
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    rr_read found;
    if (reader == NULL) {
        skip(results);
        return;
    }
    uint8_t *room = rooms[thread];
    rr_status status = rr_reader_next(reader, room, RING_ROOM, &found);
    answer(results, (uint64_t)status);
    answer(results, found.sequence);
    answer(results, found.next_sequence);
    answer(results, found.skipped);
    answer(results, found.count);
    answer(results, status == RR_OK ? event_of(room, (uint32_t)found.bytes, found.event_type) : 0);
}

/* 0; the reader stays, and what is asked of it is refused */
static void do_leave(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    rr_reader_leave(reader);
    answer(results, RR_OK);
}

/* 0 */
static void do_free(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
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
static void do_evict(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, (uint64_t)rr_reader_evict(reader));
}

/* 0, whether it was evicted */
static void do_evicted(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, (uint64_t)rr_reader_evicted(reader));
}

/* 0, whether it left */
static void do_left(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, (uint64_t)rr_reader_left(reader));
}

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
    struct pollfd asked = {.fd = descriptor, .events = POLLIN};
    (void)poll(&asked, 1, -1);
    answer(results, RR_OK);
}

/* 0, lag, backlog */
static void do_lag(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_reader_lag(reader));
    answer(results, rr_reader_backlog(reader));
}

/* 0, start, cursor, delivered, skipped */
static void do_tally(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_reader_start(reader));
    answer(results, rr_reader_cursor(reader));
    answer(results, rr_reader_delivered(reader));
    answer(results, rr_reader_skipped(reader));
}

/* 0, write cursor, retained, readers */
static void do_look(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    (void)operation;
    if (ring == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_ring_write_cursor(ring));
    answer(results, rr_ring_retained(ring));
    answer(results, rr_ring_readers(ring));
}

/* status */
static void do_destroyring(uint32_t thread, const struct operation *operation, struct results *results)
{
    (void)thread;
    (void)operation;
    if (ring == NULL) {
        skip(results);
        return;
    }
    rr_status status = rr_ring_destroy(ring);
    if (status == RR_OK) {
        ring = NULL;
    }
    answer(results, (uint64_t)status);
}

/* ----------------------------------------------------------------------------------------------------------- reading */

static const struct {
    const char *name;
    const char *arguments; /* p l w q: a variable; t: a token; n: a number; a: where to join */
    perform perform;
} operations[] = {
    {"alloc", "pn", do_alloc},     {"heap", "pn", do_heap},         {"ffi", "tn", do_ffi},
    {"amany", "tnn", do_amany},    {"dmany", "tn", do_dmany},       {"clone", "pp", do_clone},
    {"drop", "p", do_drop},        {"read", "p", do_read},          {"count", "p", do_count},
    {"weak", "tp", do_weak},       {"into", "tp", do_into},         {"upgrade", "pt", do_upgrade},
    {"from", "pt", do_from},       {"inc", "t", do_inc},            {"incany", "t", do_incany},
    {"dec", "t", do_dec},          {"decany", "t", do_decany},      {"meta", "t", do_meta},
    {"loan", "ln", do_loan},       {"hloan", "ln", do_hloan},       {"commit", "pl", do_commit},
    {"cut", "pl", do_cut},         {"abort", "l", do_abort},        {"hold", "n", do_hold},
    {"unhold", "", do_unhold},     {"sweep", "", do_sweep},         {"stats", "", do_stats},
    {"refill", "", do_refill},     {"open", "w", do_open},          {"close", "w", do_close},
    {"add", "wn", do_add},         {"addmany", "wnn", do_addmany},  {"join", "qa", do_join},
    {"next", "q", do_next},        {"nextmany", "qn", do_nextmany}, {"leave", "q", do_leave},
    {"free", "q", do_free},        {"evict", "q", do_evict},        {"evicted", "q", do_evicted},
    {"left", "q", do_left},        {"lag", "q", do_lag},            {"look", "", do_look},
    {"wait", "q", do_wait},        {"watch", "q", do_watch},        {"poll", "q", do_poll},
    {"tally", "q", do_tally},      {"destroypool", "", do_destroypool}, {"destroyring", "", do_destroyring},
};

static bool read_number(const char *word, uint32_t *number)
{
    char *end = NULL;
    unsigned long value = strtoul(word, &end, 10);
    *number = (uint32_t)value;
    return *word >= '0' && *word <= '9' && *end == 0 && value <= 1000000;
}

static bool read_argument(const char *word, char kind, uint32_t group, struct argument *argument)
{
    static const char letters[] = "pltswq";
    static const uint32_t most[] = {8, 4, 8, 8, 2, 4};
    *argument = (struct argument){.letter = kind, .thread = group};
    if (kind == 'a' && (strcmp(word, "old") == 0 || strcmp(word, "new") == 0)) {
        argument->letter = word[0] == 'o' ? 'o' : 'a';
        return true;
    }
    if (kind == 'n' || kind == 'a') {
        argument->letter = 'n';
        return read_number(word, &argument->number);
    }
    if (word[0] >= '0' && word[0] < (char)('0' + (int)GROUPS)) {
        argument->thread = (uint32_t)(word[0] - '0');
        ++word;
    }
    const char *letter = word[0] != 0 ? strchr(letters, word[0]) : NULL;
    if (letter == NULL || !(word[0] == kind || (kind == 't' && word[0] == 's')) ||
        !read_number(word + 1, &argument->number)) {
        return false;
    }
    argument->letter = word[0];
    return argument->number < most[letter - letters];
}

static int complain(char *complaint, size_t room, const char *what, const char *word)
{
    snprintf(complaint, room, "%s: '%.60s'", what, word);
    return -1;
}

/* Reads the operations of one group, which begin at `count` of those of its thread. */
static int read_group(char *text, uint32_t group, char *complaint, size_t room)
{
    char *next = NULL;
    for (char *part = strtok_r(text, ";", &next); part != NULL; part = strtok_r(NULL, ";", &next)) {
        char *rest = NULL;
        const char *name = strtok_r(part, " \t\r\n", &rest);
        if (name == NULL) {
            continue;
        }
        if (program.count[group] == MOST_OPS) {
            return complain(complaint, room, "too many operations, from this one on", name);
        }
        struct operation *operation = &program.operations[group][program.count[group]];
        const char *kinds = NULL;
        for (size_t i = 0; i < sizeof operations / sizeof operations[0]; ++i) {
            if (strcmp(operations[i].name, name) == 0) {
                kinds = operations[i].arguments;
                operation->perform = operations[i].perform;
            }
        }
        if (kinds == NULL) {
            return complain(complaint, room, "no such operation", name);
        }
        for (uint32_t i = 0; kinds[i] != 0; ++i) {
            const char *word = strtok_r(NULL, " \t\r\n", &rest);
            if (word == NULL) {
                return complain(complaint, room, "an argument is lacking", name);
            }
            if (!read_argument(word, kinds[i], group, &operation->arguments[i])) {
                return complain(complaint, room, "no such argument", word);
            }
        }
        if (operation->perform == do_wait || operation->perform == do_watch) {
            program.waits = true;
        }
        const char *more = strtok_r(NULL, " \t\r\n", &rest);
        if (more != NULL) {
            return complain(complaint, room, "an argument too many", more);
        }
        ++program.count[group];
    }
    return 0;
}

static int read_header(char *text, char *complaint, size_t room)
{
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\r\n", &rest); word != NULL; word = strtok_r(NULL, " \t\r\n", &rest)) {
        char *value = strchr(word, '=');
        uint32_t number = 0;
        if (value == NULL || !read_number(value + 1, &number)) {
            return complain(complaint, room, "no key=number", word);
        }
        *value = 0;
        program.pool = program.pool || strchr("rgt", word[0]) != NULL || word[0] == 'x' || word[0] == 'h';
        if (strcmp(word, "r") == 0) {
            program.profile.ref_bits = number;
        } else if (strcmp(word, "g") == 0) {
            program.profile.generation_bits = number;
        } else if (strcmp(word, "t") == 0) {
            program.profile.tag_bits = number;
        } else if (strcmp(word, "xs") == 0 && number >= 1 && number <= MOST_SLOTS) {
            program.profile.capacities[RR_XS] = number;
        } else if (strcmp(word, "heap") == 0) {
            program.profile.heap_slots = number;
            program.profile.heap_bytes = (uint64_t)HEAP_BYTES * number;
        } else if (strcmp(word, "over") == 0 || strcmp(word, "gated") == 0) {
            program.ring = true;
            program.mode = word[0] == 'o' ? RR_OVERWRITE : RR_GATED;
            program.capacity = number;
        } else if (strcmp(word, "size") == 0 && number >= 1 && number <= RING_ROOM) {
            program.size = number;
        } else if (strcmp(word, "len") == 0 && number <= RING_ROOM) {
            program.length = number;
        } else if (strcmp(word, "readers") == 0) {
            program.readers = number;
        } else {
            return complain(complaint, room, "no such key, or its number is too large", word);
        }
    }
    return 0;
}

static int load(const char *text, char *complaint, size_t room)
{
    program = (struct shape){.size = 8, .readers = 1};
    program.profile = (rr_profile){.ref_bits = 2,
                                   .generation_bits = 2,
                                   .tag_bits = 2,
                                   .capacities = {1, 1, 1, 1, 1},
                                   .heap_slots = 1,
                                   .heap_bytes = HEAP_BYTES,
                                   .max_ring_bytes = RR_MAX_RING_BYTES};
    static char copy[8192] EXPLORER_STATE = {0};
    if (strlen(text) >= sizeof copy) {
        return complain(complaint, room, "the line is too long", text);
    }
    strcpy(copy, text);
    char *finish = strstr(copy, "=>");
    if (finish != NULL) {
        *finish = 0;
        finish += 2;
    }
    uint32_t group = 0;
    for (char *part = copy; part != NULL; ++group) {
        char *end = strchr(part, '|');
        if (end != NULL) {
            *end = 0;
        }
        if (group > GROUPS) {
            return complain(complaint, room, "more than three threads", text);
        }
        if (group == 0 ? read_header(part, complaint, room) != 0
                       : read_group(part, group - 1, complaint, room) != 0) {
            return -1;
        }
        part = end != NULL ? end + 1 : NULL;
    }
    if (group < 3) {
        return complain(complaint, room, "a header, a setup and threads are wanted, with | between", text);
    }
    program.length = program.length == 0 ? program.size : program.length;
    if (program.length > program.size) {
        return complain(complaint, room, "len is more than size", text);
    }
    program.threads = group - 2;
    program.setup = program.count[0];
    return finish != NULL ? read_group(finish, 0, complaint, room) : 0;
}

static uint32_t threads(void)
{
    return program.threads;
}

static void run(uint32_t thread, uint32_t from, uint32_t to)
{
    for (uint32_t op = from; op < to; ++op) {
        struct results results = {0};
        const struct operation *operation = &program.operations[thread][op];
        explorer_call(op);
        operation->perform(thread, operation, &results);
        explorer_return(op, results.values, results.count);
    }
}

static void setup(void)
{
    rr_status status = RR_OK;
    explorer_membarrier(!program.waits);
    memset(holdings, 0, sizeof holdings);
    memset(shared_tokens, 0, sizeof shared_tokens);
    held_slots = 0;
    allocator = program.pool ? rr_allocator_create(&program.profile, &status) : NULL;
    if (status != RR_OK) {
        explorer_fail("pool", rr_status_text(status));
        return;
    }
    ring = program.ring ? rr_ring_create(program.size, program.capacity, program.mode, program.readers,
                                         RR_MAX_RING_BYTES, &status)
                        : NULL;
    if (status != RR_OK) {
        explorer_fail("ring", rr_status_text(status));
        return;
    }
    run(0, 0, program.setup);
}

static void thread(uint32_t n)
{
    run(n, 0, program.count[n]);
}

static void finish(void)
{
    run(0, program.setup, program.count[0]);
}

int main(int argc, char **argv)
{
    static const explorer_harness harness = {
        .load = load, .threads = threads, .setup = setup, .thread = thread, .finish = finish};
    return explorer_serve(argc, argv, &harness);
}
