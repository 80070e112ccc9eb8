/*
 * consistency.c - the memory model: RC11 (Lahav et al., PLDI 2017), kept incrementally [MODEL-10 to MODEL-14].
 *
 * An event is added when nothing depends on it yet, so coherence is a bound on where it may read from or stand. For fences
 * and accesses that are seq_cst, the relation psc is built and checked whenever a choice is not the latest one.
 */
#define _GNU_SOURCE
#include "consistency.h"

#include <stdlib.h>
#include <string.h>

/* The least place of the modification order that a thread that knows `hb` may read from. */
int floor_of(int loc, const view *hb)
{
    const struct location *location = &graph.locations[loc];
    int floor = -1;
    for (int k = location->writes - 1; k >= 0 && floor < 0; --k) {
        const struct event *e = &graph.events[location->mo[k]];
        if (e->index < hb->of[e->thread]) {
            floor = k;
        }
    }
    for (int id = 0; id < graph.n && floor + 1 < location->writes; ++id) {
        const struct event *e = &graph.events[id];
        if (e->loc == loc && is_read(e) && e->index < hb->of[e->thread]) {
            int place = place_of(e->rf);
            floor = place > floor ? place : floor;
        }
    }
    return floor;
}

/* The RMW whose write follows a place of the modification order at once, by the id of its read; or -1. */
int rmw_after(const struct location *location, int place)
{
    if (place + 1 >= location->writes) {
        return -1;
    }
    const struct event *next = &graph.events[location->mo[place + 1]];
    return next->kind == RMW_WRITE ? graph.by_thread[next->thread][next->index - 1] : -1;
}

/* Whether a write may stand at a place: not between an RMW's read-from and its write. */
bool place_is_open(const struct location *location, int place)
{
    return place >= location->writes || graph.events[location->mo[place]].kind != RMW_WRITE;
}

/* ------------------------------------------------------------------------------------------------------- locations */
/* ------------------------------------------------------------------------------------------- sequential consistency */
/* ------------------------------------------------------------------------------------------------ building a graph */
/* ------------------------------------------------------------------------------------------------------ scheduling */
/* --------------------------------------------------------------------------------------------------------- reading */
/* --------------------------------------------------------------------------------------------------------- writing */
/* -------------------------------------------------------------------------------------------------- spinning loops */
/* --------------------------------------------------------------------------------------- what the program asks for */
/* -------------------------------------------------------------------------------------------------- the exploration */
/* ---------------------------------------------------------------------------------------------------- graphs as text */

static bool happens_before(int a, int b)
{
    const struct event *first = &graph.events[a];
    const struct event *second = &graph.events[b];
    return a != b && first->index < graph.views[b].hb.of[first->thread] &&
           (first->thread != second->thread || first->index < second->index);
}

/* An event of the same thread as `id` next to it in a direction, at another location (a fence is at none); not a light fence. */
static int elsewhere(int id, int step)
{
    const struct event *e = &graph.events[id];
    for (int at = e->index + step; at >= 0 && at < graph.count[e->thread]; at += step) {
        int other = graph.by_thread[e->thread][at];
        if ((e->loc < 0 || graph.events[other].loc != e->loc) && graph.events[other].side != LIGHT) {
            return other;
        }
    }
    return -1;
}

/* scb of RC11: sb, sb to elsewhere; hb; sb from elsewhere, hb at one location, mo, rb. */
static bool scb(int a, int b)
{
    const struct event *first = &graph.events[a];
    const struct event *second = &graph.events[b];
    if (a == b) {
        return false;
    }
    if (first->thread == second->thread && first->index < second->index) {
        return true;
    }
    if (first->loc >= 0 && first->loc == second->loc) {
        if (happens_before(a, b)) {
            return true;
        }
        if (is_write(second) && place_read(first) < second->place) {
            return true; /* mo, or rb */
        }
    }
    if (graph.views[b].hb.of[first->thread] <= first->index + 1) {
        return false; /* nor does anything after the first happen before anything before the second */
    }
    int after = elsewhere(a, 1);
    int before = elsewhere(b, -1);
    return after >= 0 && before >= 0 && happens_before(after, before);
}

/* What a fence has after or before it at each location, as the ends that eco can begin or end at. */
struct reach {
    int write;
    int read;
};

static bool fence_reaches(int f, int g)
{
    enum { FAR = 1 << 30 };
    struct reach least[64];
    struct reach most[64];
    if (happens_before(f, g)) {
        return true;
    }
    for (int from = 0; from < graph.location_count; from += 64) {
        int here = graph.location_count - from < 64 ? graph.location_count - from : 64;
        for (int i = 0; i < here; ++i) {
            least[i] = (struct reach){FAR, FAR};
            most[i] = (struct reach){-FAR, -FAR};
        }
        for (int id = 0; id < graph.n; ++id) {
            const struct event *e = &graph.events[id];
            int at = e->loc - from;
            if (at < 0 || at >= here || (is_write(e) && e->place < 0)) {
                continue;
            }
            int place = place_read(e);
            if (happens_before(f, id)) {
                int *end = is_write(e) ? &least[at].write : &least[at].read;
                *end = place < *end ? place : *end;
            }
            if (happens_before(id, g)) {
                int *end = is_write(e) ? &most[at].write : &most[at].read;
                *end = place > *end ? place : *end;
            }
        }
        for (int i = 0; i < here; ++i) {
            if (least[i].read < most[i].write || least[i].read < most[i].read || least[i].write < most[i].write ||
                least[i].write <= most[i].read) {
                return true;
            }
        }
    }
    return false;
}

/* Whether the exit of the heavy fence that `entry` begins has been executed, and comes before a light fence. */
static bool exit_reaches(int entry, int light)
{
    const struct event *e = &graph.events[entry];
    return e->index + 1 < graph.count[e->thread] && fence_reaches(graph.by_thread[e->thread][e->index + 1], light);
}

/* Whether an event is no write that has no place in its modification order now. */
static bool stands(int id)
{
    return !is_write(&graph.events[id]) || graph.events[id].place >= 0;
}

/* Whether psc leads from one of two events to the other. A light fence counts with heavy ones alone [MODEL-23]. */
static bool psc(int s, int t)
{
    bool from_fence = graph.events[s].kind == FENCE;
    bool to_fence = graph.events[t].kind == FENCE;
    if (!from_fence && !to_fence) {
        return stands(s) && scb(s, t);
    }
    if (graph.events[s].side == LIGHT) {
        return graph.events[t].side == HEAVY && fence_reaches(s, t);
    }
    if (graph.events[t].side == LIGHT) {
        return graph.events[s].side == HEAVY && exit_reaches(s, t);
    }
    if (from_fence && to_fence) {
        return fence_reaches(s, t);
    }
    if (!stands(s)) {
        return false;
    }
    /* a fence is followed, or preceded, by what happens after or before it, too */
    for (int id = 0; id < graph.n; ++id) {
        bool here = from_fence ? happens_before(s, id) && scb(id, t) : happens_before(id, t) && scb(s, id);
        if (here && stands(id)) {
            return true;
        }
    }
    return scb(s, t);
}

/* Whether psc leads from one event back to `home`. */
static bool psc_leads_home(const int *ids, int count, int from, int home, uint8_t *visited)
{
    for (int next = 0; next < count; ++next) {
        if (next != from && (next == home || visited[next] == 0) && psc(ids[from], ids[next])) {
            if (next == home) {
                return true;
            }
            visited[next] = 1;
            if (psc_leads_home(ids, count, next, home, visited)) {
                return true;
            }
        }
    }
    return false;
}

/* The seq_cst events, if there are some of several threads: how many. */
static int sc_events(int **found)
{
    static int *ids EXPLORER_STATE = NULL;
    int count = 0;
    bool several = false;
    if (!graph.sc) {
        return 0;
    }
    if (ids == NULL) {
        ids = reserve(MAX_EVENTS * sizeof *ids);
    }
    for (int id = 0; id < graph.n; ++id) {
        if (read_order(&graph.events[id]) == SEQ_CST) {
            several = several || (count > 0 && graph.events[id].thread != graph.events[ids[0]].thread);
            ids[count++] = id;
        }
    }
    *found = ids;
    return several ? count : 0;
}

/*
 * Whether psc = psc_base | psc_F is acyclic, given that it was before event `changed`, on which nothing depends, was added
 * or took its place. What is new in psc then begins at that event or, by what a fence has after it, at a fence that happens
 * before it.
 */
bool sc_consistent(int changed)
{
    static uint8_t *visited EXPLORER_STATE = NULL;
    int *ids = NULL;
    int count = sc_events(&ids);
    if (visited == NULL) {
        visited = reserve(MAX_EVENTS * sizeof *visited);
    }
    for (int at = 0; at < count; ++at) {
        if (ids[at] == changed || (graph.events[ids[at]].kind == FENCE && happens_before(ids[at], changed))) {
            memset(visited, 0, (size_t)count);
            if (psc_leads_home(ids, count, at, at, visited)) {
                return false;
            }
        }
    }
    return true;
}

/* Whether psc leads from one event on into a cycle; `state` is 1 on the way, and 2 where there is none. */
static bool psc_goes_round(const int *ids, int count, int from, uint8_t *state)
{
    state[from] = 1;
    for (int next = 0; next < count; ++next) {
        if (next != from && state[next] != 2 && psc(ids[from], ids[next]) &&
            (state[next] == 1 || psc_goes_round(ids, count, next, state))) {
            return true;
        }
    }
    state[from] = 2;
    return false;
}

bool sc_acyclic(void)
{
    int *ids = NULL;
    int count = sc_events(&ids);
    uint8_t *state = must(calloc((size_t)count + 1, 1));
    bool round = false;
    for (int at = 0; at < count && !round; ++at) {
        round = state[at] == 0 && psc_goes_round(ids, count, at, state);
    }
    free(state);
    return !round;
}
