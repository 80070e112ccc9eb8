/* client_pools.c - the operations of a client on events of the pools: pointers, tokens, detached references and loans. */
#define _GNU_SOURCE
#include "client.h"

static uint32_t event_read(const uint8_t *payload)
{
    uint32_t event = client_payload_read(payload, rr_payload_length(payload));
    if (event == CLIENT_TORN || rr_payload_event_type(payload) != event) {
        explorer_fail("torn", "a payload that is held is that of no event, or its event type is another's [SLOT-13]");
        return CLIENT_TORN;
    }
    return event;
}

/* The token of the slot that a payload lies in, with the generation of another token. */
static uint64_t token_like(const uint8_t *payload, uint64_t token)
{
    uint64_t index = (((uint64_t)rr_payload_pool_id(payload) + 1) << TOKEN_SLOT_BITS) + rr_payload_slot_index(payload);
    return (index << TOKEN_GENERATION_BITS) + (token & ((UINT64_C(1) << TOKEN_GENERATION_BITS) - 1));
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

static void allocate(const struct operation *operation, uint32_t length, struct results *results)
{
    const struct argument *made = &operation->arguments[0];
    uint32_t event = operation->arguments[1].number;
    if (client.allocator == NULL || *pointer_at(made) != NULL) {
        skip(results);
        return;
    }
    rr_status status = RR_OK;
    const uint8_t *payload = rr_allocate(client.allocator, client_events(event, 1, length), length, event, 0, &status);
    got_pointer(made, payload, payload != NULL ? rr_payload_token(client.allocator, payload) : 0, status, results);
}

/* status, token */
static void do_alloc(const struct operation *operation, struct results *results)
{
    allocate(operation, POOL_LENGTH, results);
}

/* status, token */
static void do_heap(const struct operation *operation, struct results *results)
{
    allocate(operation, HEAP_LENGTH, results);
}

/* status, token: the variable is set to the token */
static void do_ffi(const struct operation *operation, struct results *results)
{
    uint32_t event = operation->arguments[1].number;
    uint64_t token = 0;
    if (client.allocator == NULL) {
        skip(results);
        return;
    }
    const uint8_t *data = client_events(event, 1, POOL_LENGTH);
    rr_status status = rr_handle_ffi_event(client.allocator, data, POOL_LENGTH, event, &token);
    answer(results, (uint64_t)status);
    if (status == RR_OK) {
        *token_at(&operation->arguments[0]) = token;
        answer(results, token);
    }
}

/* status, then the tokens, or the index of the event that failed */
static void do_amany(const struct operation *operation, struct results *results)
{
    uint32_t count = operation->arguments[1].number;
    uint32_t event = operation->arguments[2].number;
    uint32_t types[MOST_RESULTS];
    uint64_t tokens[MOST_RESULTS] = {0};
    size_t failed = 0;
    if (client.allocator == NULL) {
        skip(results);
        return;
    }
    for (uint32_t i = 0; i < count; ++i) {
        types[i] = event + i;
    }
    rr_status status = rr_allocate_many(client.allocator, client_events(event, count, POOL_LENGTH), NULL, POOL_LENGTH,
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

/* status, and the index of the token that failed */
static void do_dmany(const struct operation *operation, struct results *results)
{
    const uint64_t *tokens = token_at(&operation->arguments[0]);
    uint32_t count = operation->arguments[1].number;
    size_t failed = 0;
    bool all = client.allocator != NULL;
    for (uint32_t i = 0; all && i < count; ++i) {
        all = tokens[i] != 0;
    }
    if (!all) {
        skip(results);
        return;
    }
    rr_status status = rr_drop_many(client.allocator, tokens, count, &failed);
    answer(results, (uint64_t)status);
    if (status != RR_OK) {
        answer(results, failed);
    }
}

/* status, token */
static void do_clone(const struct operation *operation, struct results *results)
{
    const uint8_t *payload = *pointer_at(&operation->arguments[1]);
    if (payload == NULL || *pointer_at(&operation->arguments[0]) != NULL) {
        skip(results);
        return;
    }
    rr_status status = rr_clone_payload(client.allocator, payload);
    uint64_t token = *pointer_token_at(&operation->arguments[1]);
    got_pointer(&operation->arguments[0], status == RR_OK ? payload : NULL, token, status, results);
}

/* 0 */
static void do_drop(const struct operation *operation, struct results *results)
{
    const uint8_t **payload = pointer_at(&operation->arguments[0]);
    if (*payload == NULL) {
        skip(results);
        return;
    }
    rr_release_payload(client.allocator, *payload);
    *payload = NULL;
    answer(results, RR_OK);
}

/* 0, event, length, event type */
static void do_read(const struct operation *operation, struct results *results)
{
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
static void do_count(const struct operation *operation, struct results *results)
{
    const uint8_t *payload = *pointer_at(&operation->arguments[0]);
    if (payload == NULL) {
        skip(results);
        return;
    }
    answer(results, RR_OK);
    answer(results, rr_payload_ref_count(client.allocator, payload));
}

/* 0, token */
static void do_weak(const struct operation *operation, struct results *results)
{
    const uint8_t *payload = *pointer_at(&operation->arguments[1]);
    if (payload == NULL) {
        skip(results);
        return;
    }
    uint64_t token = rr_payload_token(client.allocator, payload);
    *token_at(&operation->arguments[0]) = token;
    answer(results, RR_OK);
    answer(results, token);
}

/* 0, token */
static void do_into(const struct operation *operation, struct results *results)
{
    const uint8_t **payload = pointer_at(&operation->arguments[1]);
    if (*payload == NULL) {
        skip(results);
        return;
    }
    uint64_t token = rr_into_token(client.allocator, *payload);
    *payload = NULL;
    *token_at(&operation->arguments[0]) = token;
    answer(results, RR_OK);
    answer(results, token);
}

static bool takes_token(const struct operation *operation, struct results *results)
{
    if (client.allocator == NULL || *pointer_at(&operation->arguments[0]) != NULL || *token_at(&operation->arguments[1]) == 0) {
        skip(results);
        return false;
    }
    return true;
}

/* status, token */
static void do_upgrade(const struct operation *operation, struct results *results)
{
    if (takes_token(operation, results)) {
        rr_status status = RR_OK;
        uint64_t token = *token_at(&operation->arguments[1]);
        const uint8_t *payload = rr_upgrade(client.allocator, token, &status);
        token = payload != NULL ? token_like(payload, token) : 0;
        got_pointer(&operation->arguments[0], payload, token, status, results);
    }
}

/* status, token */
static void do_from(const struct operation *operation, struct results *results)
{
    if (takes_token(operation, results)) {
        rr_status status = RR_OK;
        uint64_t token = *token_at(&operation->arguments[1]);
        const uint8_t *payload = rr_from_token(client.allocator, token, &status);
        token = payload != NULL ? token_like(payload, token) : 0;
        got_pointer(&operation->arguments[0], payload, token, status, results);
    }
}

/* The triple of a token variable; false if the variable is empty and the call was skipped. */
static bool triple_of(const struct operation *operation, rr_handle *handle, struct results *results)
{
    uint64_t token = *token_at(&operation->arguments[0]);
    if (client.allocator == NULL || token == 0) {
        skip(results);
        return false;
    }
    return rr_token_decode(client.allocator, token, handle) == RR_OK;
}

static void counted(int64_t count, struct results *results)
{
    answer(results, count < 0 ? (uint64_t)-count : RR_OK);
    if (count >= 0) {
        answer(results, (uint64_t)count);
    }
}

/* status, count */
static void do_inc(const struct operation *operation, struct results *results)
{
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_inc_ref_count(client.allocator, handle.pool_id, handle.slot_index, handle.generation), results);
    }
}

/* status, count */
static void do_incany(const struct operation *operation, struct results *results)
{
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_inc_ref_count(client.allocator, handle.pool_id, handle.slot_index, RR_ANY_GENERATION), results);
    }
}

/* status, count */
static void do_dec(const struct operation *operation, struct results *results)
{
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_dec_ref_count(client.allocator, handle.pool_id, handle.slot_index, handle.generation), results);
    }
}

/* status, count */
static void do_decany(const struct operation *operation, struct results *results)
{
    rr_handle handle;
    if (triple_of(operation, &handle, results)) {
        counted(rr_dec_ref_count(client.allocator, handle.pool_id, handle.slot_index, RR_ANY_GENERATION), results);
    }
}

/* 0, count, generation, state */
static void do_meta(const struct operation *operation, struct results *results)
{
    rr_handle handle;
    rr_slot_metadata metadata = {0};
    if (triple_of(operation, &handle, results)) {
        answer(results, (uint64_t)rr_slot_metadata_get(client.allocator, handle.pool_id, handle.slot_index, &metadata));
        answer(results, metadata.ref_count);
        answer(results, metadata.generation);
        answer(results, metadata.state);
    }
}

static void lend(const struct operation *operation, uint32_t length, struct results *results)
{
    uint8_t **made = loan_at(&operation->arguments[0]);
    uint32_t event = operation->arguments[1].number;
    if (client.allocator == NULL || *made != NULL) {
        skip(results);
        return;
    }
    rr_status status = RR_OK;
    uint8_t *loan = rr_loan(client.allocator, length, event, &status);
    answer(results, (uint64_t)status);
    if (loan != NULL) {
        uint64_t token = rr_payload_token(client.allocator, loan);
        answer(results, token);
        answer(results, client_payload_is_zero(loan, length));
        client_payload_write(loan, length, event);
        *made = loan;
        client.holdings[operation->arguments[0].thread].loan_tokens[operation->arguments[0].number] = token;
    }
}

/* status, token, whether all bytes were 0; then writes the loan */
static void do_loan(const struct operation *operation, struct results *results)
{
    lend(operation, POOL_LENGTH, results);
}

/* status, token, whether all bytes were 0 */
static void do_hloan(const struct operation *operation, struct results *results)
{
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
    const uint8_t *payload = rr_commit(client.allocator, *loan, length, &status);
    const struct argument *from = &operation->arguments[1];
    uint64_t token = client.holdings[from->thread].loan_tokens[from->number];
    if (payload != NULL) {
        *loan = NULL;
        token = token_like(payload, token);
    }
    got_pointer(&operation->arguments[0], payload, token, status, results);
}

/* status, token */
static void do_commit(const struct operation *operation, struct results *results)
{
    commit(operation, false, results);
}

/* status, token */
static void do_cut(const struct operation *operation, struct results *results)
{
    commit(operation, true, results);
}

/* 0 */
static void do_abort(const struct operation *operation, struct results *results)
{
    uint8_t **loan = loan_at(&operation->arguments[0]);
    if (*loan == NULL) {
        skip(results);
        return;
    }
    rr_abort(client.allocator, *loan);
    *loan = NULL;
    answer(results, RR_OK);
}

const struct client_operation client_pool_operations[] = {
    {"alloc", "pn", do_alloc},
    {"heap", "pn", do_heap},
    {"ffi", "tn", do_ffi},
    {"amany", "tnn", do_amany},
    {"dmany", "tn", do_dmany},
    {"clone", "pp", do_clone},
    {"drop", "p", do_drop},
    {"read", "p", do_read},
    {"count", "p", do_count},
    {"weak", "tp", do_weak},
    {"into", "tp", do_into},
    {"upgrade", "pt", do_upgrade},
    {"from", "pt", do_from},
    {"inc", "t", do_inc},
    {"incany", "t", do_incany},
    {"dec", "t", do_dec},
    {"decany", "t", do_decany},
    {"meta", "t", do_meta},
    {"loan", "ln", do_loan},
    {"hloan", "ln", do_hloan},
    {"commit", "pl", do_commit},
    {"cut", "pl", do_cut},
    {"abort", "l", do_abort},
    {NULL, NULL, NULL},
};
