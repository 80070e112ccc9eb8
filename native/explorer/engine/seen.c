/* seen.c - which graphs were seen before, and which sites complete executions reach. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "findings.h"

#define MOST_SITES 1024
#define SEEN_LIMIT (1u << 20) /* hashes of graphs that are kept */

static uint64_t *seen EXPLORER_STATE = NULL;
static uint32_t seen_count EXPLORER_STATE = 0;
static uint32_t seen_room EXPLORER_STATE = 0;
static uint32_t seen_shift EXPLORER_STATE = 0; /* only hashes that end in so many zero bits are kept */
static uint64_t sites[MOST_SITES] EXPLORER_STATE = {0};
static int site_count EXPLORER_STATE = 0;

uint64_t mixed(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return (hash ^ hash >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
}

/* Names an event by its thread and its index in it. Its kind and order lie beside them, and follow from what the thread
 * read. */
static uint64_t name_of(int id)
{
    uint64_t name = 0;
    _Static_assert(offsetof(struct event, order) == offsetof(struct event, index) + sizeof name - 1, "they are read at once");
    if (id != INITIAL) {
        memcpy(&name, &graph.events[id].index, sizeof name);
    }
    return name + (id != INITIAL);
}

/* The hash of one fact about an event. A graph's hash is a sum of these, which a processor computes in parallel. */
static uint64_t part_of(uint64_t name, uint64_t says)
{
    uint64_t part = mixed(name * UINT64_C(0xD6E8FEB86659FD93), says);
    return part ^ part >> 32;
}

/* A hash of the graph that does not depend on the order in which its events were added. What its thread read before
 * determines an event, so reads-from, modification orders, and the number of events of each thread determine the graph. */
static uint64_t graph_hash(void)
{
    uint64_t hash = 17;
    for (int thread = 0; thread < run.thread_count; ++thread) {
        hash += part_of((uint64_t)thread, (uint64_t)graph.count[thread]);
    }
    for (int id = 0; id < graph.n; ++id) {
        const struct event *e = &graph.events[id];
        if (is_read(e)) {
            hash += part_of(name_of(id), name_of(e->rf) + ((uint64_t)e->choice << 48));
        } else if (is_write(e)) {
            hash += part_of(name_of(id), name_of(e->place == 0 ? INITIAL : graph.locations[e->loc].mo[e->place - 1]));
        }
    }
    hash = mixed(hash, 0);
    return hash == 0 ? 1 : hash;
}

/* Enters a hash in a table whose size is a power of two; returns whether the table had it. */
bool entered(uint64_t *table, uint32_t mask, uint64_t hash)
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

/* Resizes a table, and keeps the hashes that end in `zeros` zero bits; returns how many. */
uint32_t resize(uint64_t **table, uint32_t *room, uint32_t wanted, uint32_t zeros)
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
 * Counts a complete execution's graph as seen before or not. At most SEEN_LIMIT hashes are kept; if there are more, only those
 * that end in some zero bits are kept, and redundancy is measured on that sample.
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
        ++control.redundant;
    } else if (++seen_count == SEEN_LIMIT) {
        ++seen_shift;
        seen_count = resize(&seen, &seen_room, seen_room, seen_shift);
        control.redundant = 0; /* counted in the sample from here on */
    }
}

uint32_t sample_shift(void)
{
    return seen_shift;
}

/* Remembers the sites of the complete execution's events: the sites that the program reaches. */
void remember_sites(void)
{
    for (int id = 0; id < graph.n; ++id) {
        uint64_t pc = graph.events[id].pc;
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

void seen_reset(void)
{
    site_count = 0;
    seen_count = 0;
    seen_shift = 0;
    free(seen);
    seen = NULL;
    seen_room = 0;
}
