/*
 * consistency.c - the memory model: RC11 (Lahav et al., PLDI 2017), kept incrementally [MODEL-10 to MODEL-14].
 *
 * No event depends on a new event yet, so coherence is a lower bound: on the write that a new read reads from, and on the place
 * of a new write in the modification order. For seq_cst fences and accesses, psc is built and checked for cycles whenever a
 * choice is not the latest write.
 */
#define _GNU_SOURCE
#include "consistency.h"

#include <stdlib.h>
#include <string.h>

/* The least place of the modification order from which coherence lets a thread with this happens-before read. */
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

/* The RMW whose write immediately follows a place of the modification order, by the id of its read; or -1. */
int rmw_after(const struct location *location, int place)
{
    if (place + 1 >= location->writes) {
        return -1;
    }
    const struct event *next = &graph.events[location->mo[place + 1]];
    return next->kind == RMW_WRITE ? graph.by_thread[next->thread][next->index - 1] : -1;
}

/* Whether a write may be inserted at a place: not between an RMW's write and the write that it reads from (atomicity). */
bool place_is_open(const struct location *location, int place)
{
    return place >= location->writes || graph.events[location->mo[place]].kind != RMW_WRITE;
}

static bool happens_before(int a, int b)
{
    const struct event *first = &graph.events[a];
    const struct event *second = &graph.events[b];
    return a != b && first->index < graph.views[b].hb.of[first->thread] &&
           (first->thread != second->thread || first->index < second->index);
}

/* The nearest event of the same thread in a direction that is at another location (a fence has none) and not a light fence;
 * or -1. */
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

/* scb of RC11: sb | sb_!=loc; hb; sb_!=loc | hb_loc | mo | rb. */
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
        return false; /* nor does an event after `a` happen before one before `b` */
    }
    int after = elsewhere(a, 1);
    int before = elsewhere(b, -1);
    return after >= 0 && before >= 0 && happens_before(after, before);
}

/* The writes and reads of a location that a fence happens before, or that happen before it, by the extreme places at which
 * eco can begin or end. */
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

/* Whether the exit of the heavy fence with this entry has been executed, and is ordered before a light fence. */
static bool exit_reaches(int entry, int light)
{
    const struct event *e = &graph.events[entry];
    return e->index + 1 < graph.count[e->thread] && fence_reaches(graph.by_thread[e->thread][e->index + 1], light);
}

/* Whether an event is in the modification order now, or is no write. */
static bool stands(int id)
{
    return !is_write(&graph.events[id]) || graph.events[id].place >= 0;
}

/* Whether there is an edge of psc from s to t. A light fence is ordered with heavy ones alone [MODEL-23]. */
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
    /* psc_base of a fence: [F]; hb; scb, and scb; hb; [F] */
    for (int id = 0; id < graph.n; ++id) {
        bool here = from_fence ? happens_before(s, id) && scb(id, t) : happens_before(id, t) && scb(s, id);
        if (here && stands(id)) {
            return true;
        }
    }
    return scb(s, t);
}

/* Whether a path of psc leads from one event to `home`. */
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

/* Finds the seq_cst events. Returns how many there are, or 0 if all are of one thread. */
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
 * Whether psc = psc_base | psc_F is acyclic, given that it was acyclic before event `changed`, on which no event depends, was
 * added or moved. Each new edge of psc then begins at that event, or at a fence that happens before it.
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

/* Depth-first search: whether a cycle of psc can be reached from an event. `state` is 1 on the current path, and 2 if none
 * can be reached. */
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
