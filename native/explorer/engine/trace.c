/* trace.c - one execution, event by event, as JSON. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "callers.h"
#include "findings.h"

struct trace_entry {
    int id; /* of the graph's event, or -1 */
    const char *kind;
    int thread;
    uint64_t address;
    size_t size;
    uint64_t pc;
    const char *message; /* of an error */
    uint64_t number; /* call, return: the operation; create, join: the thread */
    view hb;
    struct callers callers;
};

static struct trace_entry *entries EXPLORER_STATE = NULL;
static int entry_count EXPLORER_STATE = 0;
static int entry_room EXPLORER_STATE = 0;

/* The most entries that are shown: if there are more, plain accesses are left out, the oldest first. */
#define MOST_ENTRIES 4096

static void drop_accesses(void)
{
    int kept = 0;
    for (int at = 0; at < entry_count; ++at) {
        if (entries[at].id >= 0 || at >= MOST_ENTRIES / 2) {
            entries[kept++] = entries[at];
        }
    }
    entry_count = kept;
}

/* Allocations before the first thread is created. They are no entries, but a leak of one is shown at the user's line. */
#define MOST_EARLY 256
static struct {
    uint64_t pc;
    uint64_t address;
    struct callers callers;
} early[MOST_EARLY] EXPLORER_STATE;
static int early_count EXPLORER_STATE = 0;

static struct trace_entry *new_entry(const char *kind)
{
    if (entry_count >= MOST_ENTRIES) {
        drop_accesses();
    }
    entries = grown(entries, &entry_room, entry_count + 1, sizeof *entries);
    struct trace_entry *entry = &entries[entry_count++];
    *entry = (struct trace_entry){.id = -1, .kind = kind, .thread = run.current, .hb = run.threads[run.current].hb};
    find_callers(&entry->callers);
    return entry;
}

void trace_begin(void)
{
    entry_count = 0;
}

/* Adds the error that was just found. */
void trace_error(uint64_t pc, const char *message)
{
    struct trace_entry *entry = new_entry("assert");
    entry->pc = pc;
    entry->message = message;
}

void trace_plain(const char *kind, uint64_t address, size_t size, uint64_t pc)
{
    if (control.options.trace && control.options.callers && !run.have_checkpoint && early_count < MOST_EARLY) {
        early[early_count].pc = pc;
        early[early_count].address = address;
        find_callers(&early[early_count++].callers);
    }
    if (control.options.trace && run.have_checkpoint) {
        struct trace_entry *entry = new_entry(kind);
        entry->address = address;
        entry->number = address;
        entry->size = size;
        entry->pc = pc;
    }
}

void trace_event(int id, const char *kind)
{
    /* a heavy fence is shown as one entry, that of its first event */
    if (control.options.trace && (kind != NULL || (graph.events[id].kind != CREATE && graph.events[id].kind != JOIN)) &&
        graph.events[id].side != HEAVY_EXIT) {
        struct trace_entry *entry = new_entry(kind);
        entry->id = id;
        entry->pc = graph.events[id].pc;
        entry->number = graph.events[id].value;
    }
}

static const char *order_name(int order)
{
    static const char *const names[] = {"rlx", "acq", "acq", "rel", "acq_rel", "sc", "na"};
    return names[order];
}

static bool is_rmw_read_entry(int at)
{
    return entries[at].id >= 0 && graph.events[entries[at].id].kind == RMW_READ;
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

void print_trace(FILE *file, void (*print_results)(FILE *file, int thread, uint32_t op))
{
    int *shown = malloc(((size_t)entry_count + 1) * sizeof *shown);
    int count = 0;
    if (shown == NULL) {
        refuse("no memory left");
    }
    for (int at = 0; at < entry_count; ++at) {
        /* an RMW that has only its read yet is shown by its read */
        shown[at] = is_rmw_read_entry(at) && entry_of(entries[at].id + 1) >= 0 &&
                            graph.events[entries[at].id + 1].kind == RMW_WRITE &&
                            graph.events[entries[at].id + 1].thread == entries[at].thread
                        ? -1
                        : count++;
    }
    fputs("{\"threads\": [", file);
    for (int id = 0; id < run.thread_count; ++id) {
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
                json_string(file, entry->message);
            } else if (entry->pc != 0) {
                fprintf(file, ", \"address\": %llu, \"size\": %zu", (unsigned long long)entry->address, entry->size);
            } else {
                fprintf(file, ", \"op\": %llu", (unsigned long long)entry->number);
                if (strcmp(entry->kind, "return") == 0) {
                    print_results(file, entry->thread, (uint32_t)entry->number);
                }
            }
        } else if (entry->kind != NULL) {
            fprintf(file, "\"kind\": \"%s\", \"text\": \"%s T%llu\"", entry->kind, entry->kind,
                    (unsigned long long)entry->number);
        } else {
            const struct event *e = &graph.events[entry->id];
            static const char *const kinds[] = {"load",   "store", "rmw",  "rmw",   "fence",
                                               "create", "join",  "fence", "fence"};
            bool failed = e->cas && e->kind == LOAD;
            fprintf(file, "\"kind\": \"%s\", \"order\": \"%s\"", failed ? "cas-fail" : kinds[e->kind],
                    order_name(failed ? e->failure : e->order));
            if (failed && e->value == e->expected) {
                fputs(", \"text\": \"spurious failure\"", file);
            } else if (e->kind == FENCE && e->side != BOTH_SIDES) {
                fprintf(file, ", \"text\": \"%s fence\"", e->side == LIGHT ? "light" : "heavy");
            } else if (e->kind == ARRIVE || e->kind == DEPART) {
                fprintf(file, ", \"text\": \"barrier, %s\"", e->kind == ARRIVE ? "arrive" : "depart");
            }
            const struct event *reads = e->kind == LOAD || e->kind == RMW_READ ? e : NULL;
            if (e->kind == RMW_WRITE) {
                reads = &graph.events[graph.by_thread[e->thread][e->index - 1]];
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
                fprintf(file, ", \"address\": %llu, \"size\": %u", (unsigned long long)graph.locations[e->loc].address,
                        graph.locations[e->loc].size);
            }
        }
        if (entry->pc != 0) {
            fprintf(file, ", \"pc\": %llu", (unsigned long long)entry->pc);
            print_callers(file, &entry->callers);
        }
        /* in entries shown rather than events of the graph, so that plain accesses count */
        fputs(", \"hb\": [", file);
        for (int id = 0; id < run.thread_count; ++id) {
            int known = 0;
            for (int other = 0; other <= at; ++other) {
                if (shown[other] < 0 || entries[other].thread != id) {
                    continue;
                }
                bool before = id == entry->thread || (entries[other].id >= 0 ? graph.events[entries[other].id].index < entry->hb.of[id]
                                                                             : entries[other].hb.of[id] < entry->hb.of[id]);
                known += before;
            }
            fprintf(file, "%s%d", id > 0 ? ", " : "", known);
        }
        fputs("]}", file);
    }
    fputs("], \"early\": [", file);
    for (int at = 0; at < early_count; ++at) {
        fprintf(file, "%s{\"pc\": %llu, \"address\": %llu", at > 0 ? ", " : "", (unsigned long long)early[at].pc,
                (unsigned long long)early[at].address);
        print_callers(file, &early[at].callers);
        fputc('}', file);
    }
    fputs("]}", file);
    free(shown);
}
