/* graph.c - execution graphs: events, locations, modification orders. */
#define _GNU_SOURCE
#include "graph.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct graph graph EXPLORER_STATE = {.n = 0};

static int32_t *location_index EXPLORER_STATE = NULL; /* hash of addresses */
static uint32_t location_mask EXPLORER_STATE = 0;

static uint32_t address_hash(uint64_t address)
{
    return (uint32_t)((address * UINT64_C(0x9E3779B97F4A7C15)) >> 40);
}

static void enter_location(int loc)
{
    uint32_t at = address_hash(graph.locations[loc].address) & location_mask;
    while (location_index[at] >= 0) {
        at = (at + 1) & location_mask;
    }
    location_index[at] = loc;
}

static void index_locations(void)
{
    uint32_t size = location_mask + 1;
    location_index = realloc(location_index, size * sizeof *location_index);
    if (location_index == NULL) {
        refuse("no memory left");
    }
    for (uint32_t i = 0; i < size; ++i) {
        location_index[i] = -1;
    }
    for (int loc = 0; loc < graph.location_count; ++loc) {
        enter_location(loc);
    }
}

/* The location at exactly this address, or -1. */
int location_at(uint64_t address)
{
    if (location_index == NULL) {
        return -1;
    }
    for (uint32_t at = address_hash(address) & location_mask;; at = (at + 1) & location_mask) {
        int loc = location_index[at];
        if (loc < 0 || graph.locations[loc].address == address) {
            return loc;
        }
    }
}

int new_location(uint64_t address, uint32_t size)
{
    if (location_index == NULL || (uint32_t)graph.location_count * 2 >= location_mask) {
        location_mask = location_mask == 0 ? 255 : location_mask * 2 + 1;
        index_locations();
    }
    graph.locations = grown(graph.locations, &graph.location_room, graph.location_count + 1, sizeof *graph.locations);
    int loc = graph.location_count++;
    graph.locations[loc] = (struct location){.address = address, .size = size, .in_memory = INITIAL, .unread = -1};
    enter_location(loc);
    return loc;
}

void mo_insert(int id, int place)
{
    struct location *location = &graph.locations[graph.events[id].loc];
    location->mo = grown(location->mo, &location->room, location->writes + 1, sizeof *location->mo);
    for (int k = location->writes; k > place; --k) {
        location->mo[k] = location->mo[k - 1];
        graph.events[location->mo[k]].place = k;
    }
    location->mo[place] = id;
    graph.events[id].place = place;
    ++location->writes;
}

void mo_remove(int id)
{
    struct event *e = &graph.events[id];
    if (e->place < 0) {
        return;
    }
    struct location *location = &graph.locations[e->loc];
    --location->writes;
    for (int k = e->place; k < location->writes; ++k) {
        location->mo[k] = location->mo[k + 1];
        graph.events[location->mo[k]].place = k;
    }
    e->place = -1;
}

/* What the event's thread knew before it. */
void views_before(int id, view *hb, view *porf)
{
    const struct event *e = &graph.events[id];
    if (e->index == 0) {
        *hb = graph.start_hb[e->thread];
        *porf = graph.start_porf[e->thread];
    } else {
        const struct event *previous = &graph.events[graph.by_thread[e->thread][e->index - 1]];
        *hb = previous->hb;
        *porf = previous->porf;
    }
}

/* The read's kind and order, which depend on the value where it is a compare-exchange. */
void settle_read(struct event *e, uint64_t value)
{
    e->value = value;
    if (e->cas) {
        e->kind = value == e->expected && !(e->chooser == WEAK && e->choice != 0) ? RMW_READ : LOAD;
    }
}

int outcomes_of(int chooser, uint64_t value, uint64_t expected)
{
    switch (chooser) {
    case WEAK:
        return value == expected ? 2 : 1;
    case SLEEPER:
        return value == 0 ? 1 : __builtin_popcountll(value);
    default:
        return 1;
    }
}

uint64_t sleeper_of(uint64_t set, int rank)
{
    for (; rank > 0; --rank) {
        set &= set - 1;
    }
    return set & (0 - set);
}

/* Recomputes what happens before a read whose source was changed. */
static void refresh_read(int id)
{
    struct event *e = &graph.events[id];
    views_before(id, &e->hb, &e->porf);
    e->hb.of[e->thread] = (EXPLORER_CLOCK)(e->index + 1);
    e->porf.of[e->thread] = (EXPLORER_CLOCK)(e->index + 1);
    if (e->rf != INITIAL) {
        view_join(&e->porf, &graph.events[e->rf].porf);
        if (acquires(read_order(e))) {
            view_join(&e->hb, &graph.events[e->rf].message);
        }
    }
}

void set_read_from(int id, int write, int choice)
{
    struct event *e = &graph.events[id];
    e->rf = write;
    e->choice = (uint8_t)choice;
    settle_read(e, value_of(&graph.locations[e->loc], write));
    refresh_read(id);
}

/* Takes the events from number `count` on out of the graph. */
void truncate_graph(int count)
{
    while (graph.n > count) {
        --graph.n;
        struct event *e = &graph.events[graph.n];
        if (is_write(e)) {
            mo_remove(graph.n);
        }
        --graph.count[e->thread];
    }
}

/* Makes the threads' lists and the modification orders from the events. */
void index_events(void)
{
    memset(graph.count, 0, sizeof graph.count);
    for (int loc = 0; loc < graph.location_count; ++loc) {
        graph.locations[loc].writes = 0;
    }
    for (int id = 0; id < graph.n; ++id) {
        struct event *e = &graph.events[id];
        graph.by_thread[e->thread][graph.count[e->thread]++] = id;
        if (is_write(e) && e->place >= 0 && e->loc >= 0) {
            struct location *location = &graph.locations[e->loc];
            location->mo = grown(location->mo, &location->room, e->place + 1, sizeof *location->mo);
            location->mo[e->place] = id;
            location->writes = e->place + 1 > location->writes ? e->place + 1 : location->writes;
        }
    }
}

/* Keeps the events up to `read`, those that lead to the write (the last event), and the write. */
void turn_back(int read)
{
    static int32_t *new_id EXPLORER_STATE = NULL;
    if (new_id == NULL) {
        new_id = reserve(MAX_EVENTS * sizeof *new_id);
    }
    int write = graph.n - 1;
    const view porf = graph.events[write].porf;
    int kept = 0;
    for (int id = 0; id <= write; ++id) {
        const struct event *e = &graph.events[id];
        new_id[id] = id <= read || id == write || e->index < porf.of[e->thread] ? kept++ : -1;
    }
    for (int loc = 0; loc < graph.location_count; ++loc) {
        struct location *location = &graph.locations[loc];
        int place = 0;
        for (int k = 0; k < location->writes; ++k) {
            if (new_id[location->mo[k]] >= 0) {
                graph.events[location->mo[k]].place = place++;
            }
        }
    }
    for (int id = 0; id <= write; ++id) {
        if (new_id[id] >= 0) {
            struct event *e = &graph.events[new_id[id]];
            if (new_id[id] != id) {
                *e = graph.events[id];
            }
            if (is_read(e) && e->rf != INITIAL && id != read) {
                e->rf = new_id[e->rf];
            }
        }
    }
    graph.n = kept;
    index_events();
    graph.events[read].rf = kept - 1;
}

void graph_prepare(void)
{
    graph.events = reserve(MAX_EVENTS * sizeof *graph.events);
    for (int i = 0; i < MAX_THREADS; ++i) {
        graph.by_thread[i] = reserve(MAX_EVENTS * sizeof *graph.by_thread[i]);
    }
}

void graph_reset(void)
{
    graph.n = 0;
    graph.unlocated = false;
    graph.ordered_barriers = false;
    if (graph.asymmetric) {
        graph.asymmetric = false;
        munmap(graph.messages, MAX_EVENTS * sizeof *graph.messages);
        graph.messages = NULL;
    }
    memset(graph.count, 0, sizeof graph.count);
    for (int loc = 0; loc < graph.location_count; ++loc) {
        free(graph.locations[loc].mo);
    }
    graph.location_count = 0;
    if (location_index != NULL) {
        index_locations();
    }
}
