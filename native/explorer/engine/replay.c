/*
 * replay.c - whether the execution that a replay string names is one that the model allows.
 *
 * An exploration adds each event where the model lets it be. A string is taken as it is, and the values that reads take from
 * it may lead anywhere: to an error that the program has under weaker orders, and not under its own. So what was repeated is
 * checked by the axioms after it has run [EXPLORE-6]. That sb and rf have no cycle, the run itself has shown.
 */
#define _GNU_SOURCE
#include "replay.h"

#include "consistency.h"
#include "run.h"

/* Where an error ended the run, what was not executed is no part of the execution: the modification orders are made without. */
static void leave_unexecuted_out(void)
{
    for (int id = 0; id < graph.n; ++id) {
        struct event *e = &graph.events[id];
        if (!is_executed(e)) {
            e->loc = -1;
            e->place = -1;
            e->order = RELAXED;
            e->failure = RELAXED;
        }
    }
    for (int loc = 0; loc < graph.location_count; ++loc) {
        int place = 0;
        int taken = 0;
        int last = -1;
        do { /* the write that has the least place after that of the last one */
            int next = -1;
            for (int id = 0; id < graph.n; ++id) {
                const struct event *e = &graph.events[id];
                if (is_write(e) && e->loc == loc && e->place > last &&
                    (next < 0 || e->place < graph.events[next].place)) {
                    next = id;
                }
            }
            taken = next;
            if (next >= 0) {
                last = graph.events[next].place;
                graph.events[next].place = place++;
            }
        } while (taken >= 0);
    }
    index_events();
    graph.unlocated = false;
}

/* Whether an event stands where coherence and atomicity let it [MODEL-10] [MODEL-11]. */
static bool is_coherent(int id)
{
    const struct event *e = &graph.events[id];
    view hb;
    view porf;
    if (e->loc < 0 || e->order == PLAIN) {
        return true;
    }
    if (is_write(e) && graph.locations[e->loc].mo[e->place] != id) {
        return false; /* two at one place */
    }
    views_before(id, &hb, &porf);
    if (is_read(e)) {
        return place_read(e) >= floor_of(e->loc, &hb);
    }
    if (e->kind == RMW_WRITE) {
        return e->place == place_of(graph.events[graph.by_thread[e->thread][e->index - 1]].rf) + 1;
    }
    return !is_write(e) || e->place > floor_of(e->loc, &hb);
}

/* Whether an event takes the latest write of those added before it, as all do in a sequentially consistent execution. */
static bool takes_latest(int id)
{
    const struct event *e = &graph.events[id];
    if (e->loc < 0 || !(is_read(e) || is_write(e))) {
        return true;
    }
    const struct location *location = &graph.locations[e->loc];
    bool latest = is_write(e) || e->rf < id;
    for (int place = place_read(e) + 1; latest && place < location->writes; ++place) {
        latest = location->mo[place] > id;
    }
    return latest;
}

void check_replay(void)
{
    bool sequential = true;
    if (graph.unlocated) {
        leave_unexecuted_out();
    }
    for (int id = 0; id < graph.n; ++id) {
        const struct event *e = &graph.events[id];
        if (!is_coherent(id)) {
            refuse("the replay string is no execution of this program with these orders: event %d of thread %d %s", e->index,
                   e->thread, is_read(e) ? "reads what was overwritten before it" : "stands before what happened before it");
        }
        sequential = sequential && takes_latest(id);
    }
    if (!sequential && !sc_acyclic()) {
        refuse("the replay string is no execution of this program with these orders: its seq_cst events have no order");
    }
}
