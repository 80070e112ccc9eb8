/* history.c - histories of calls, for a check of linearizability. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "keep.h"

struct call {
    uint32_t op;
    int thread;
    int begin; /* events that its thread had executed */
    int end;
    bool setup;
    bool ended;
    uint32_t count;
    uint64_t results[8];
    view known; /* what happens before it */
};

static struct call *calls EXPLORER_STATE = NULL;
static int call_count EXPLORER_STATE = 0;
static int call_room EXPLORER_STATE = 0;
static int setup_calls EXPLORER_STATE = 0;
static char *histories EXPLORER_STATE = NULL;
static size_t histories_length EXPLORER_STATE = 0;
static uint64_t *history_hashes EXPLORER_STATE = NULL;
static uint32_t history_count EXPLORER_STATE = 0;
static uint32_t history_room EXPLORER_STATE = 0;

void history_begin(void)
{
    call_count = run.have_checkpoint ? setup_calls : 0;
}

void keep_history(void)
{
    int count = call_count - setup_calls;
    keep(&count, sizeof count);
    keep(calls + setup_calls, (size_t)count * sizeof *calls);
}

void take_back_history(void)
{
    int count = 0;
    take_back(&count, sizeof count);
    call_count = setup_calls + count;
    take_back(calls + setup_calls, (size_t)count * sizeof *calls);
}

void explorer_call(uint32_t op)
{
    if (call_count == call_room) {
        call_room = call_room == 0 ? 64 : call_room * 2;
        calls = realloc(calls, (size_t)call_room * sizeof *calls);
        if (calls == NULL) {
            refuse("no memory left");
        }
    }
    struct thread *t = &run.threads[run.current];
    calls[call_count] = (struct call){.op = op, .thread = run.current, .begin = t->executed, .known = t->hb};
    calls[call_count].setup = !run.have_checkpoint;
    ++call_count;
    if (!run.have_checkpoint) {
        setup_calls = call_count;
    }
    had_effect(t);
    trace_plain("call", op, 0, 0);
}

void explorer_return(uint32_t op, const uint64_t *results, uint32_t n)
{
    for (int i = call_count - 1; i >= 0; --i) {
        struct call *call = &calls[i];
        if (call->thread == run.current && call->op == op && !call->ended) {
            call->ended = true;
            call->end = run.threads[run.current].executed;
            call->count = n < 8 ? n : 8;
            memcpy(call->results, results, call->count * sizeof *results);
            break;
        }
    }
    had_effect(&run.threads[run.current]);
    trace_plain("return", op, 0, 0);
}

/* Whether one call happens before another: its last event does or, if it has no events, a later event of its thread. */
static bool call_before(const struct call *first, const struct call *second)
{
    if (first->thread == second->thread) {
        return false;
    }
    if (first->setup) {
        return !second->setup;
    }
    int known = second->known.of[first->thread];
    return !second->setup && (first->end > first->begin ? known >= first->end : known > first->end);
}

void history_end(void)
{
    if (!control.options.histories) {
        return;
    }
    uint64_t hash = 23;
    for (int thread = 0; thread < run.thread_count; ++thread) {
        for (int i = 0; i < call_count; ++i) {
            if (calls[i].thread != thread) {
                continue;
            }
            hash = mixed(hash, ((uint64_t)thread << 32) + calls[i].op);
            for (uint32_t k = 0; k < calls[i].count; ++k) {
                hash = mixed(hash, calls[i].results[k]);
            }
        }
    }
    for (int i = 0; i < call_count; ++i) {
        for (int j = 0; j < call_count; ++j) {
            if (call_before(&calls[i], &calls[j])) { /* a sum, since the calls' order in the list may differ */
                hash += mixed(mixed(29, ((uint64_t)calls[i].thread << 32) + calls[i].op),
                              ((uint64_t)calls[j].thread << 32) + calls[j].op);
            }
        }
    }
    hash = hash == 0 ? 1 : hash;
    if (history_count * 2 >= history_room) {
        (void)resize(&history_hashes, &history_room, history_room == 0 ? FIRST_ROOM : history_room * 2, 0);
    }
    if (entered(history_hashes, history_room - 1, hash)) {
        return;
    }
    ++history_count;
    char *replay = graph_text();
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) {
        refuse("no memory left");
    }
    fprintf(file, "%s{\"calls\": [", history_count > 1 ? ", " : "");
    for (int i = 0; i < call_count; ++i) {
        fprintf(file, "%s{\"thread\": %d, \"op\": %u, \"results\": [", i > 0 ? ", " : "", calls[i].thread, calls[i].op);
        for (uint32_t k = 0; k < calls[i].count; ++k) {
            fprintf(file, "%s%llu", k > 0 ? ", " : "", (unsigned long long)calls[i].results[k]);
        }
        fputs("]}", file);
    }
    fputs("], \"before\": [", file);
    bool first = true;
    for (int i = 0; i < call_count; ++i) {
        for (int j = 0; j < call_count; ++j) {
            if (call_before(&calls[i], &calls[j])) {
                fprintf(file, "%s[%d, %d]", first ? "" : ", ", i, j);
                first = false;
            }
        }
    }
    fprintf(file, "], \"replay\": \"%s\"}", replay);
    fclose(file);
    free(replay);
    histories = realloc(histories, histories_length + length + 1);
    if (histories == NULL) {
        refuse("no memory left");
    }
    memcpy(histories + histories_length, text, length + 1);
    histories_length += length;
    free(text);
}

/* Prints what a call returned. */
void print_results(FILE *file, int thread, uint32_t op)
{
    for (int i = 0; i < call_count; ++i) {
        const struct call *call = &calls[i];
        if (call->thread == thread && call->op == op && call->ended) {
            fputs(", \"results\": [", file);
            for (uint32_t k = 0; k < call->count; ++k) {
                fprintf(file, "%s%llu", k > 0 ? ", " : "", (unsigned long long)call->results[k]);
            }
            fputs("]", file);
            return;
        }
    }
}

void print_histories(FILE *file)
{
    fprintf(file, "[%s]", histories != NULL ? histories : "");
}

void history_reset(void)
{
    call_count = 0;
    setup_calls = 0;
    free(histories);
    histories = NULL;
    histories_length = 0;
    history_count = 0;
    if (history_hashes != NULL) {
        memset(history_hashes, 0, history_room * sizeof *history_hashes);
    }
}
