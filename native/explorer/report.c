/* report.c - what was found: errors, histories, graphs and traces, as JSON. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define MOST_ERRORS 64
#define MOST_SITES 1024
#define FIRST_ROOM 1024u /* of a table of hashes */
#define SEEN_LIMIT (1u << 20) /* hashes of graphs that are kept */

struct error {
    const char *kind;
    char message[256];
    uint64_t pc;
    uint64_t other_pc;
    int thread;
    char *replay;
};

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

struct trace_entry {
    int id; /* of the graph's event, or -1 */
    const char *kind;
    int thread;
    uint64_t address;
    size_t size;
    uint64_t pc;
    uint64_t number; /* call, return: the operation; create, join: the thread */
    view hb;
};

static struct error errors[MOST_ERRORS] EXPLORER_STATE = {{0}};
static int error_count EXPLORER_STATE = 0;
static struct call *calls EXPLORER_STATE = NULL;
static int call_count EXPLORER_STATE = 0;
static int call_room EXPLORER_STATE = 0;
static int setup_calls EXPLORER_STATE = 0;
static struct trace_entry *entries EXPLORER_STATE = NULL;
static int entry_count EXPLORER_STATE = 0;
static int entry_room EXPLORER_STATE = 0;
static uint64_t *seen EXPLORER_STATE = NULL;
static uint32_t seen_count EXPLORER_STATE = 0;
static uint32_t seen_room EXPLORER_STATE = 0;
static uint32_t seen_shift EXPLORER_STATE = 0; /* only hashes that end in so many zeros are kept */
static uint64_t sites[MOST_SITES] EXPLORER_STATE = {0};
static int site_count EXPLORER_STATE = 0;
static char *histories EXPLORER_STATE = NULL;
static size_t histories_length EXPLORER_STATE = 0;
static uint64_t *history_hashes EXPLORER_STATE = NULL;
static uint32_t history_count EXPLORER_STATE = 0;
static uint32_t history_room EXPLORER_STATE = 0;
sigjmp_buf refusal_landing EXPLORER_STATE;

static uint64_t mixed(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return (hash ^ hash >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
}

void json_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != 0; ++text) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(file, "\\%c", c);
        } else if (c < 0x20) {
            fprintf(file, "\\u%04x", c);
        } else {
            fputc(c, file);
        }
    }
    fputc('"', file);
}

static struct trace_entry *new_entry(const char *kind);

/* ---------------------------------------------------------------------------------------------------------- errors */

void report(const char *kind, uint64_t pc, uint64_t other_pc, const char *format, ...)
{
    bool known = false;
    for (int i = 0; i < error_count && !known; ++i) {
        known = strcmp(errors[i].kind, kind) == 0 &&
                ((errors[i].pc == pc && errors[i].other_pc == other_pc) ||
                 (errors[i].pc == other_pc && errors[i].other_pc == pc));
    }
    if (!known && error_count < MOST_ERRORS) {
        struct error *error = &errors[error_count++];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        error->kind = kind;
        error->pc = pc;
        error->other_pc = other_pc;
        error->thread = X->current;
        error->replay = graph_text();
    }
    if (X->options.trace && error_count > 0) {
        new_entry("assert")->pc = pc;
    }
    if (!X->options.keep_going) {
        X->stop = true;
        if (X->on_fiber) {
            end_run(FATAL);
        }
    }
}

void explorer_fail(const char *kind, const char *message)
{
    static const char *const kinds[] = {"torn", "lost", "disagreement", "assertion"};
    const char *known = "assertion";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        if (strcmp(kinds[i], kind) == 0) {
            known = kinds[i];
        }
    }
    report(known, (uint64_t)(uintptr_t)__builtin_return_address(0), 0, "%s", message);
}

_Noreturn void refuse(const char *format, ...)
{
    if (!X->refused) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(X->refusal, sizeof X->refusal, format, arguments);
        va_end(arguments);
    }
    X->refused = true;
    X->stop = true;
    if (X->on_fiber) {
        end_run(FATAL);
    }
    siglongjmp(refusal_landing, 1);
}

int report_errors(void)
{
    return error_count;
}

void print_errors(FILE *file)
{
    fputc('[', file);
    for (int i = 0; i < error_count; ++i) {
        const struct error *error = &errors[i];
        fprintf(file, "%s{\"kind\": \"%s\", \"message\": ", i > 0 ? ", " : "", error->kind);
        json_string(file, error->message);
        fprintf(file, ", \"pc\": %llu, \"other_pc\": %llu, \"thread\": %d, \"replay\": \"%s\"}",
                (unsigned long long)error->pc, (unsigned long long)error->other_pc, error->thread, error->replay);
    }
    fputc(']', file);
}

void report_reset(void)
{
    while (error_count > 0) {
        free(errors[--error_count].replay);
    }
    call_count = 0;
    setup_calls = 0;
    site_count = 0;
    entry_count = 0;
    seen_count = 0;
    seen_shift = 0;
    free(seen);
    seen = NULL;
    seen_room = 0;
    free(histories);
    histories = NULL;
    histories_length = 0;
    history_count = 0;
    if (history_hashes != NULL) {
        memset(history_hashes, 0, history_room * sizeof *history_hashes);
    }
}

/* ---------------------------------------------------------------------------------------------------------- graphs */

static uint64_t name_of(int id)
{
    return id == INITIAL ? 1 : 2 + (uint64_t)X->events[id].thread * 65536 + (uint64_t)X->events[id].index;
}

/* A hash of the graph that does not depend on the order in which its events were added. */
static uint64_t graph_hash(void)
{
    uint64_t hash = 17;
    for (int thread = 0; thread < X->thread_count; ++thread) {
        for (int at = 0; at < X->count[thread]; ++at) {
            const struct event *e = &X->events[X->by_thread[thread][at]];
            uint64_t word = e->kind + 16 * name_of(X->by_thread[thread][at]);
            hash = mixed(hash, word);
            if (e->kind == LOAD || e->kind == RMW_READ) {
                hash = mixed(hash, name_of(e->rf));
            } else if (e->kind == STORE || e->kind == RMW_WRITE) {
                hash = mixed(hash, name_of(e->place == 0 ? INITIAL : X->locations[e->loc].mo[e->place - 1]));
            }
        }
    }
    return hash == 0 ? 1 : hash;
}

/* Enters a hash in a table of a power of two; returns whether it was there. */
static bool entered(uint64_t *table, uint32_t mask, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 32) & mask;
    while (table[at] != 0) {
        if (table[at] == hash) {
            return true;
        }
        at = (at + 1) & mask;
    }
    table[at] = hash;
    return false;
}

/* Gives a table another room, keeping the hashes that end in `zeros` zeros; returns how many. */
static uint32_t resize(uint64_t **table, uint32_t *room, uint32_t wanted, uint32_t zeros)
{
    uint32_t count = 0;
    uint64_t *kept = calloc(wanted, sizeof *kept);
    if (kept == NULL) {
        refuse("no memory left");
    }
    for (uint32_t i = 0; i < *room; ++i) {
        if ((*table)[i] != 0 && ((*table)[i] & ((UINT64_C(1) << zeros) - 1)) == 0) {
            entered(kept, wanted - 1, (*table)[i]);
            ++count;
        }
    }
    free(*table);
    *table = kept;
    *room = wanted;
    return count;
}

/*
 * Counts a complete execution's graph as seen before or not. At most SEEN_LIMIT hashes are kept; where there are more, only
 * those that end in some zeros are, and what is said of redundancy is measured on that sample.
 */
void remember_graph(void)
{
    uint64_t hash = graph_hash();
    if ((hash & ((UINT64_C(1) << seen_shift) - 1)) != 0) {
        return;
    }
    if (seen_count * 2 >= seen_room && seen_room < 2 * SEEN_LIMIT) {
        (void)resize(&seen, &seen_room, seen_room == 0 ? FIRST_ROOM : seen_room * 2, 0);
    }
    if (entered(seen, seen_room - 1, hash)) {
        ++X->redundant;
    } else if (++seen_count == SEEN_LIMIT) {
        ++seen_shift;
        seen_count = resize(&seen, &seen_room, seen_room, seen_shift);
        X->redundant = 0; /* counted in the sample from here on */
    }
}

uint32_t sample_shift(void)
{
    return seen_shift;
}

/* Where the atomic accesses of complete executions come from, for those who ask which sites a program reaches. */
void remember_sites(void)
{
    for (int id = 0; id < X->n; ++id) {
        uint64_t pc = X->events[id].pc;
        bool known = pc == 0;
        for (int i = 0; i < site_count && !known; ++i) {
            known = sites[i] == pc;
        }
        if (!known && site_count < MOST_SITES) {
            sites[site_count++] = pc;
        }
    }
}

void print_sites(FILE *file)
{
    fputc('[', file);
    for (int i = 0; i < site_count; ++i) {
        fprintf(file, "%s%llu", i > 0 ? ", " : "", (unsigned long long)sites[i]);
    }
    fputc(']', file);
}

/* ------------------------------------------------------------------------------------------------------- histories */

void history_begin(void)
{
    call_count = X->have_checkpoint ? setup_calls : 0;
    entry_count = 0;
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
    struct thread *t = &X->threads[X->current];
    calls[call_count] = (struct call){.op = op, .thread = X->current, .begin = t->executed, .known = t->hb};
    calls[call_count].setup = !X->have_checkpoint;
    ++call_count;
    if (!X->have_checkpoint) {
        setup_calls = call_count;
    }
    had_effect(t);
    trace_plain("call", op, 0, 0);
}

void explorer_return(uint32_t op, const uint64_t *results, uint32_t n)
{
    for (int i = call_count - 1; i >= 0; --i) {
        struct call *call = &calls[i];
        if (call->thread == X->current && call->op == op && !call->ended) {
            call->ended = true;
            call->end = X->threads[X->current].executed;
            call->count = n < 8 ? n : 8;
            memcpy(call->results, results, call->count * sizeof *results);
            break;
        }
    }
    had_effect(&X->threads[X->current]);
    trace_plain("return", op, 0, 0);
}

/* Whether all of one call happens before all of another: its last event does, or where it has none, one after it. */
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
    if (!X->options.histories) {
        return;
    }
    uint64_t hash = 23;
    for (int thread = 0; thread < X->thread_count; ++thread) {
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
            if (call_before(&calls[i], &calls[j])) { /* a sum: the calls' order in the list may differ */
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

void print_histories(FILE *file)
{
    fprintf(file, "[%s]", histories != NULL ? histories : "");
}

/* ---------------------------------------------------------------------------------------------------------- traces */

static struct trace_entry *new_entry(const char *kind)
{
    if (entry_count == entry_room) {
        entry_room = entry_room == 0 ? 256 : entry_room * 2;
        entries = realloc(entries, (size_t)entry_room * sizeof *entries);
        if (entries == NULL) {
            refuse("no memory left");
        }
    }
    struct trace_entry *entry = &entries[entry_count++];
    *entry = (struct trace_entry){.id = -1, .kind = kind, .thread = X->current, .hb = X->threads[X->current].hb};
    return entry;
}

void trace_plain(const char *kind, uint64_t address, size_t size, uint64_t pc)
{
    if (X->options.trace && X->have_checkpoint) {
        struct trace_entry *entry = new_entry(kind);
        entry->address = address;
        entry->number = address;
        entry->size = size;
        entry->pc = pc;
    }
}

void trace_event(int id, const char *kind)
{
    if (X->options.trace && (kind != NULL || (X->events[id].kind != CREATE && X->events[id].kind != JOIN))) {
        struct trace_entry *entry = new_entry(kind);
        entry->id = id;
        entry->pc = X->events[id].pc;
        entry->number = X->events[id].value;
    }
}

static const char *order_name(int order)
{
    static const char *const names[] = {"rlx", "acq", "acq", "rel", "acq_rel", "sc", "na"};
    return names[order];
}

static bool is_rmw_read_entry(int at)
{
    return entries[at].id >= 0 && X->events[entries[at].id].kind == RMW_READ;
}

/* The entry that shows an event: an RMW's two events are one entry, that of its write. */
static int entry_of(int id)
{
    for (int at = 0; at < entry_count; ++at) {
        if (entries[at].id == id && !is_rmw_read_entry(at)) {
            return at;
        }
    }
    return -1;
}

/* What a call answered, where the entry is its return. */
static void print_results(FILE *file, const struct trace_entry *entry)
{
    for (int i = 0; i < call_count && strcmp(entry->kind, "return") == 0; ++i) {
        const struct call *call = &calls[i];
        if (call->thread == entry->thread && call->op == entry->number && call->ended) {
            fputs(", \"results\": [", file);
            for (uint32_t k = 0; k < call->count; ++k) {
                fprintf(file, "%s%llu", k > 0 ? ", " : "", (unsigned long long)call->results[k]);
            }
            fputs("]", file);
            return;
        }
    }
}

void print_trace(FILE *file)
{
    int *shown = malloc(((size_t)entry_count + 1) * sizeof *shown);
    int count = 0;
    if (shown == NULL) {
        refuse("no memory left");
    }
    for (int at = 0; at < entry_count; ++at) {
        /* an RMW that was cut between its parts shows its read */
        shown[at] = is_rmw_read_entry(at) && entry_of(entries[at].id + 1) >= 0 &&
                            X->events[entries[at].id + 1].kind == RMW_WRITE &&
                            X->events[entries[at].id + 1].thread == entries[at].thread
                        ? -1
                        : count++;
    }
    fputs("{\"threads\": [", file);
    for (int id = 0; id < X->thread_count; ++id) {
        fprintf(file, id == 0 ? "\"main\"" : ", \"T%d\"", id);
    }
    fputs("], \"events\": [", file);
    bool first = true;
    for (int at = 0; at < entry_count; ++at) {
        const struct trace_entry *entry = &entries[at];
        if (shown[at] < 0) {
            continue;
        }
        fprintf(file, "%s{\"id\": %d, \"thread\": %d, ", first ? "" : ", ", shown[at], entry->thread);
        first = false;
        if (entry->id < 0) {
            fprintf(file, "\"kind\": \"%s\"", entry->kind);
            if (strcmp(entry->kind, "assert") == 0) {
                fputs(", \"text\": ", file);
                json_string(file, errors[0].message);
            } else if (entry->pc != 0) {
                fprintf(file, ", \"address\": %llu, \"size\": %zu", (unsigned long long)entry->address, entry->size);
            } else {
                fprintf(file, ", \"op\": %llu", (unsigned long long)entry->number);
                print_results(file, entry);
            }
        } else if (entry->kind != NULL) {
            fprintf(file, "\"kind\": \"%s\", \"text\": \"%s T%llu\"", entry->kind, entry->kind,
                    (unsigned long long)entry->number);
        } else {
            const struct event *e = &X->events[entry->id];
            static const char *const kinds[] = {"load", "store", "rmw", "rmw", "fence", "create", "join"};
            bool failed = e->cas && e->kind == LOAD;
            fprintf(file, "\"kind\": \"%s\", \"order\": \"%s\"", failed ? "cas-fail" : kinds[e->kind],
                    order_name(failed ? e->failure : e->order));
            const struct event *reads = e->kind == LOAD || e->kind == RMW_READ ? e : NULL;
            if (e->kind == RMW_WRITE) {
                reads = &X->events[X->by_thread[e->thread][e->index - 1]];
            }
            if (reads != NULL) {
                fprintf(file, ", \"read\": %llu", (unsigned long long)reads->value);
                int from = reads->rf == INITIAL ? -1 : entry_of(reads->rf);
                if (from >= 0) {
                    fprintf(file, ", \"rf\": %d", shown[from]);
                } else {
                    fputs(", \"rf\": null", file);
                }
            }
            if (e->kind == STORE || e->kind == RMW_WRITE) {
                fprintf(file, ", \"written\": %llu, \"mo\": %d", (unsigned long long)e->value, e->place + 1);
            }
            if (e->loc >= 0) {
                fprintf(file, ", \"address\": %llu, \"size\": %u", (unsigned long long)X->locations[e->loc].address,
                        X->locations[e->loc].size);
            }
        }
        if (entry->pc != 0) {
            fprintf(file, ", \"pc\": %llu", (unsigned long long)entry->pc);
        }
        /* in entries shown rather than events of the graph, so that plain accesses count */
        fputs(", \"hb\": [", file);
        for (int id = 0; id < X->thread_count; ++id) {
            int known = 0;
            for (int other = 0; other <= at; ++other) {
                if (shown[other] < 0 || entries[other].thread != id) {
                    continue;
                }
                bool before = id == entry->thread || (entries[other].id >= 0 ? X->events[entries[other].id].index < entry->hb.of[id]
                                                                             : entries[other].hb.of[id] < entry->hb.of[id]);
                known += before;
            }
            fprintf(file, "%s%d", id > 0 ? ", " : "", known);
        }
        fputs("]}", file);
    }
    fputs("]}", file);
    free(shown);
}
