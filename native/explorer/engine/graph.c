/* graph.c - execution graphs: events, locations, modification orders. */
#define _GNU_SOURCE
#include "graph.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "keep.h"

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

/* The event that precedes a thread's event `index`: the one before it in the thread, or the thread's creation; or -1. */
static int previous_of(int thread, int index)
{
    if (index > 0) {
        return graph.by_thread[thread][index - 1];
    }
    for (int id = 0; id < graph.n; ++id) {
        if (graph.events[id].kind == CREATE && graph.events[id].value == (uint64_t)thread) {
            return id;
        }
    }
    return -1;
}

/* The views of the event's thread before the event. */
void views_before(int id, view *hb, view *porf)
{
    static const struct views nothing = {{{0}}, {{0}}, {{0}}};
    int previous = previous_of(graph.events[id].thread, graph.events[id].index);
    const struct views *views = previous >= 0 ? &graph.views[previous] : &nothing;
    *hb = views->hb;
    *porf = views->porf;
}

/* Sets the value that a read reads. It decides whether a compare-exchange succeeds, and so its kind and order. */
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

/* Recomputes the views of a read whose reads-from was changed. */
static void refresh_read(int id)
{
    const struct event *e = &graph.events[id];
    struct views *views = &graph.views[id];
    views_before(id, &views->hb, &views->porf);
    views->hb.of[e->thread] = (EXPLORER_CLOCK)(e->index + 1);
    views->porf.of[e->thread] = (EXPLORER_CLOCK)(e->index + 1);
    if (e->rf != INITIAL) {
        view_join(&views->porf, &graph.views[e->rf].porf);
        if (acquires(read_order(e))) {
            view_join(&views->hb, &graph.views[e->rf].message);
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

uint64_t result_of(enum rmw_op op, uint64_t old, uint64_t operand)
{
    switch (op) {
    case OP_EXCHANGE:
        return operand;
    case OP_ADD:
        return old + operand;
    case OP_SUB:
        return old - operand;
    case OP_AND:
        return old & operand;
    case OP_OR:
        return old | operand;
    case OP_XOR:
        return old ^ operand;
    case OP_NAND:
        return ~(old & operand);
    case OP_TAKE:
        return old & ~operand;
    }
    return old;
}

uint64_t rmw_result(const struct event *read)
{
    uint64_t operand = read->chooser == SLEEPER ? sleeper_of(read->value, read->choice) : read->operand;
    return masked(result_of((enum rmw_op)read->op, read->value, operand), graph.locations[read->loc].size);
}

void set_message(int id, int continues, const view *released)
{
    const struct event *e = &graph.events[id];
    view *message = &graph.views[id].message;
    *message = releases(e->order) ? graph.views[id].hb : *released;
    if (control.options.c11 && !releases(e->order)) {
        /* the release sequence of the thread's last release store continues; that store knows what the earlier ones knew */
        for (int at = e->index - 1; at >= 0; --at) {
            int other = graph.by_thread[e->thread][at];
            const struct event *earlier = &graph.events[other];
            if (earlier->loc == e->loc && is_write(earlier) && releases(earlier->order)) {
                view_join(message, &graph.views[other].hb);
                break;
            }
        }
    }
    if (continues != INITIAL) {
        view_join(message, &graph.views[continues].message);
    }
}

/* Removes the events from number `count` on. */
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

/* Rebuilds the threads' lists and the modification orders from the events. */
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

/* A revisit: keeps the events up to `read`, the porf-prefix of the write (the last event), and the write. */
void turn_back(int read)
{
    static int32_t *new_id EXPLORER_STATE = NULL;
    if (new_id == NULL) {
        new_id = reserve(MAX_EVENTS * sizeof *new_id);
    }
    int write = graph.n - 1;
    const view porf = graph.views[write].porf;
    int kept = read + 1;
    for (int id = kept; id <= write; ++id) {
        const struct event *e = &graph.events[id];
        bool stays = id == write || e->index < porf.of[e->thread];
        new_id[id] = stays ? kept++ : -1;
        graph.count[e->thread] -= !stays;
    }
    for (int loc = 0; loc < graph.location_count; ++loc) {
        struct location *location = &graph.locations[loc];
        int place = 0;
        for (int k = 0; k < location->writes; ++k) {
            int id = location->mo[k];
            int now = id <= read ? id : new_id[id];
            if (now >= 0) {
                graph.events[id].place = place;
                location->mo[place++] = now;
            }
        }
        location->writes = place;
    }
    for (int id = 0; id <= write; ++id) {
        int now = id <= read ? id : new_id[id];
        if (now >= 0) {
            struct event *e = &graph.events[now];
            if (now != id) {
                *e = graph.events[id];
                graph.views[now] = graph.views[id];
            }
            graph.by_thread[e->thread][e->index] = now;
            if (is_read(e) && e->rf > read && id != read) {
                e->rf = new_id[e->rf];
            }
        }
    }
    graph.n = kept;
    graph.events[read].rf = kept - 1;
}

static int moved(int id, int read)
{
    return id > read ? id - 1 : id;
}

/* Moves a read that is the last event of its thread to the end of the graph; returns its new number. */
int move_to_end(int read)
{
    int last = graph.n - 1;
    const struct event event = graph.events[read];
    const struct views views = graph.views[read];
    memmove(graph.events + read, graph.events + read + 1, (size_t)(last - read) * sizeof event);
    memmove(graph.views + read, graph.views + read + 1, (size_t)(last - read) * sizeof views);
    graph.events[last] = event;
    graph.views[last] = views;
    for (int id = 0; id <= last; ++id) {
        struct event *e = &graph.events[id];
        graph.by_thread[e->thread][e->index] = id;
        if (is_read(e)) {
            e->rf = moved(e->rf, read);
        }
    }
    for (int loc = 0; loc < graph.location_count; ++loc) {
        struct location *location = &graph.locations[loc];
        for (int k = 0; k < location->writes; ++k) {
            location->mo[k] = moved(location->mo[k], read);
        }
        location->in_memory = moved(location->in_memory, read);
        location->unread = moved(location->unread, read);
    }
    return last;
}

struct kept_location {
    int loc; /* -1: no more */
    uint32_t size;
    bool uninitialized;
    uint64_t initial;
    int32_t in_memory;
    int32_t unread;
};

void keep_locations(uint64_t run)
{
    for (int loc = 0; loc < graph.location_count; ++loc) {
        const struct location *l = &graph.locations[loc];
        if (l->run == run) {
            const struct kept_location kept = {loc, l->size, l->uninitialized, l->initial, l->in_memory, l->unread};
            keep(&kept, sizeof kept);
        }
    }
    const struct kept_location end = {.loc = -1};
    keep(&end, sizeof end);
}

void take_back_locations(uint64_t run)
{
    struct kept_location kept;
    for (take_back(&kept, sizeof kept); kept.loc >= 0; take_back(&kept, sizeof kept)) {
        struct location *l = &graph.locations[kept.loc];
        l->run = run;
        l->size = kept.size;
        l->uninitialized = kept.uninitialized;
        l->initial = kept.initial;
        l->in_memory = kept.in_memory;
        l->unread = kept.unread;
    }
}

void graph_prepare(void)
{
    graph.events = reserve(MAX_EVENTS * sizeof *graph.events);
    graph.views = reserve(MAX_EVENTS * sizeof *graph.views);
    int *ids = reserve((size_t)MAX_THREADS * MAX_EVENTS * sizeof *ids);
    for (int i = 0; i < MAX_THREADS; ++i) {
        graph.by_thread[i] = ids + (size_t)i * MAX_EVENTS;
    }
}

void graph_reset(void)
{
    graph.n = 0;
    graph.unlocated = false;
    graph.sc = false;
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
