/*
 * litmus.c - litmus programs as text, one a line, for the explorer.
 *
 *     2 1 | store 0 rlx 1 ; write 0 ; fence rel ; store 1 rlx 1 | load 1 acq ; skip_unless 0 1 1 ; read 0
 *
 * First the numbers of atomic and of plain locations, then the threads. An operation is named by its thread and its index in
 * the listing; an RMW has one name for both parts. rusted_ring.reference.memory_model explains the words.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "../intercept/intercept.h"

enum word { W_LOAD, W_STORE, W_XCHG, W_ADD, W_CAS, W_WCAS, W_FENCE, W_LIGHT, W_HEAVY, W_READ, W_WRITE, W_SKIP };

struct operation {
    enum word word;
    int loc;
    int order;
    int failure;
    uint64_t first;
    uint64_t second;
};

#define MOST_OPERATIONS 64
#define MOST_LOCATIONS 16

static struct operation program[MAX_THREADS][MOST_OPERATIONS] EXPLORER_STATE = {{{0}}};
static int lengths[MAX_THREADS] EXPLORER_STATE = {0};
static uint32_t thread_count EXPLORER_STATE = 0;
static int atomics EXPLORER_STATE = 0;
static int plains EXPLORER_STATE = 0;
static uint32_t atomic_locations[MOST_LOCATIONS * 2];
static uint32_t plain_locations[MOST_LOCATIONS * 2];
static char *graphs EXPLORER_STATE = NULL;
static size_t graphs_length EXPLORER_STATE = 0;
static size_t graphs_room EXPLORER_STATE = 0;
static char races[4096] EXPLORER_STATE = "";

static int complain(char *complaint, size_t room, const char *what, const char *where)
{
    snprintf(complaint, room, "%s at '%.40s'", what, where);
    return -1;
}

static bool take_number(const char **text, uint64_t *value)
{
    char *end = NULL;
    *value = strtoull(*text, &end, 10);
    bool found = end != *text;
    *text = end;
    return found;
}

static bool take_word(const char **text, char *word, size_t room)
{
    *text += strspn(*text, " ");
    size_t length = strcspn(*text, " ;|");
    if (length == 0 || length >= room) {
        return false;
    }
    memcpy(word, *text, length);
    word[length] = 0;
    *text += length;
    return true;
}

static bool take_order(const char **text, int *order)
{
    static const char *const names[] = {"rlx", "consume", "acq", "rel", "acq_rel", "sc"};
    char word[16];
    if (!take_word(text, word, sizeof word)) {
        return false;
    }
    for (*order = 0; *order < 6; ++*order) {
        if (strcmp(names[*order], word) == 0) {
            return true;
        }
    }
    return false;
}

static bool take_operation(const char **text, struct operation *op)
{
    /* the arguments of each word: l a location, p a plain one, o an order, f a second order, 1 and 2 values, n an operation */
    static const struct {
        const char *name;
        const char *rest;
    } words[] = {{"load", "lo"}, {"store", "lo1"}, {"xchg", "lo1"}, {"add", "lo1"}, {"cas", "lof12"}, {"wcas", "lof12"},
                 {"fence", "o"}, {"light", "o"}, {"heavy", ""}, {"read", "p"},    {"write", "p"},  {"skip_unless", "n12"}};
    char word[16];
    if (!take_word(text, word, sizeof word)) {
        return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
        if (strcmp(words[i].name, word) != 0) {
            continue;
        }
        uint64_t value = 0;
        *op = (struct operation){.word = (enum word)i};
        for (const char *rest = words[i].rest; *rest != 0; ++rest) {
            bool good = false;
            switch (*rest) {
            case 'o':
                good = take_order(text, &op->order);
                break;
            case 'f':
                good = take_order(text, &op->failure);
                break;
            case '1':
                good = take_number(text, &op->first);
                break;
            case '2':
                good = take_number(text, &op->second);
                break;
            default:
                good = take_number(text, &value) &&
                       value < (uint64_t)(*rest == 'l' ? atomics : *rest == 'p' ? plains : MOST_OPERATIONS);
                op->loc = (int)value;
                break;
            }
            if (!good) {
                return false;
            }
        }
        return true;
    }
    return false;
}

static int load(const char *text, char *complaint, size_t room)
{
    uint64_t counts[2] = {0, 0};
    thread_count = 0;
    graphs_length = 0;
    races[0] = 0;
    if (!take_number(&text, &counts[0]) || !take_number(&text, &counts[1]) || counts[0] > MOST_LOCATIONS ||
        counts[1] > MOST_LOCATIONS) {
        return complain(complaint, room, "no numbers of locations", text);
    }
    atomics = (int)counts[0];
    plains = (int)counts[1];
    for (text += strspn(text, " "); *text == '|'; text += strspn(text, " ")) {
        ++text;
        if (++thread_count >= MAX_THREADS) {
            return complain(complaint, room, "too many threads", text);
        }
        lengths[thread_count] = 0;
        for (;;) {
            if (lengths[thread_count] == MOST_OPERATIONS ||
                !take_operation(&text, &program[thread_count][lengths[thread_count]++])) {
                return complain(complaint, room, "no operation", text);
            }
            text += strspn(text, " ");
            if (*text != ';') {
                break;
            }
            ++text;
        }
    }
    return *text == 0 && thread_count > 0 ? 0 : complain(complaint, room, "more than a program", text);
}

static uint32_t threads(void)
{
    return thread_count;
}

static uint64_t address(int loc)
{
    return (uint64_t)(uintptr_t)&atomic_locations[loc * 2];
}

static void run_thread(uint32_t n)
{
    uint64_t values[MOST_OPERATIONS] = {0};
    for (int i = 0; i < lengths[n]; ++i) {
        const struct operation *op = &program[n][i];
        uint64_t pc = (uint64_t)i;
        switch (op->word) {
        case W_LOAD:
            values[i] = atomic_load_event(address(op->loc), 4, op->order, pc);
            break;
        case W_STORE:
            atomic_store_event(address(op->loc), 4, op->order, op->first, pc);
            break;
        case W_XCHG:
            values[i] = atomic_rmw_event(address(op->loc), 4, op->order, OP_EXCHANGE, op->first, pc);
            break;
        case W_ADD:
            values[i] = atomic_rmw_event(address(op->loc), 4, op->order, OP_ADD, op->first, pc);
            break;
        case W_CAS:
        case W_WCAS:
            values[i] = op->first;
            if (!atomic_cas_event(address(op->loc), 4, op->order, op->failure, op->word == W_WCAS, &values[i], op->second,
                                  pc) &&
                values[i] == op->first) {
                values[i] = UINT64_MAX; /* failed spuriously: a skip_unless takes it for no read [MODEL-19] */
            }
            break;
        case W_FENCE:
            fence_event(op->order, BOTH_SIDES, pc);
            break;
        case W_LIGHT:
            fence_event(op->order, LIGHT, pc);
            break;
        case W_HEAVY:
            fence_event(SEQ_CST, HEAVY, pc);
            break;
        case W_READ:
        case W_WRITE:
            plain_access((uint64_t)(uintptr_t)&plain_locations[op->loc * 2], 4, op->word == W_WRITE, pc);
            break;
        case W_SKIP:
            if (values[op->loc] != op->first) {
                i += (int)op->second;
            }
            break;
        }
    }
}

static void append(char *text, size_t room, size_t *length, int id)
{
    if (id == INITIAL) {
        *length += (size_t)snprintf(text + *length, room - *length, "init");
    } else {
        *length += (size_t)snprintf(text + *length, room - *length, "%d.%d", graph.events[id].thread, (int)graph.events[id].pc);
    }
}

/* The graph in canonical form. */
static void note_graph(void)
{
    char text[4096];
    size_t length = 0;
    if (!control.options.graphs) {
        return;
    }
    text[0] = 0;
    for (int thread = 1; thread < run.thread_count; ++thread) {
        for (int at = 0; at < graph.count[thread]; ++at) {
            int id = graph.by_thread[thread][at];
            const struct event *e = &graph.events[id];
            if (e->kind == LOAD || e->kind == RMW_READ) {
                length += (size_t)snprintf(text + length, sizeof text - length, "%s", length > 0 ? " " : "");
                append(text, sizeof text, &length, id);
                length += (size_t)snprintf(text + length, sizeof text - length, "<");
                append(text, sizeof text, &length, e->rf);
            }
        }
    }
    for (int loc = 0; loc < atomics; ++loc) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s/ %d:", length > 0 ? " " : "", loc);
        int at = location_at(address(loc));
        for (int k = 0; at >= 0 && k < graph.locations[at].writes; ++k) {
            length += (size_t)snprintf(text + length, sizeof text - length, " ");
            append(text, sizeof text, &length, graph.locations[at].mo[k]);
        }
    }
    if (graphs_length + length + 8 > graphs_room) {
        graphs_room = (graphs_length + length + 8) * 2;
        graphs = realloc(graphs, graphs_room);
        if (graphs == NULL) {
            refuse("no memory left");
        }
    }
    graphs_length += (size_t)snprintf(graphs + graphs_length, graphs_room - graphs_length, "%s\"%s\"",
                                      graphs_length > 0 ? ", " : "", text);
}

static void note_race(uint64_t where, int thread, bool write, int other, bool other_writes)
{
    char text[64];
    int loc = (int)(where - (uint64_t)(uintptr_t)plain_locations) / 8;
    if (thread < other) {
        snprintf(text, sizeof text, "\"N%d %d%c %d%c\"", loc, thread, write ? 'w' : 'r', other, other_writes ? 'w' : 'r');
    } else {
        snprintf(text, sizeof text, "\"N%d %d%c %d%c\"", loc, other, other_writes ? 'w' : 'r', thread, write ? 'w' : 'r');
    }
    if (strstr(races, text) == NULL && strlen(races) + strlen(text) + 3 < sizeof races) {
        strcat(races, races[0] != 0 ? ", " : "");
        strcat(races, text);
    }
}

static void print_more(FILE *file)
{
    fprintf(file, ", \"graphs\": [%s], \"races\": [%s]", graphs_length > 0 ? graphs : "", races);
}

int main(int argc, char **argv)
{
    static const explorer_harness harness = {.load = load, .threads = threads, .thread = run_thread};
    control.on_complete = note_graph;
    control.on_race = note_race;
    control.print_more = print_more;
    return explorer_serve(argc, argv, &harness);
}
