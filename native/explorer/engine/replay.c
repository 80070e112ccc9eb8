/*
 * replay.c - whether the memory model allows the execution that a replay string names.
 *
 * An exploration adds each event only as the model allows. A replay string is taken as it is, and the values that its reads
 * return may lead anywhere: to an error, for example, that the program has under weaker memory orders, and not under its own.
 * So the replayed execution is checked against the axioms after it has run [EXPLORE-6]. The run itself has shown that sb | rf
 * has no cycle.
 */
#define _GNU_SOURCE
#include "replay.h"

#include "consistency.h"
#include "run.h"

/* If an error ended the run, the events that were not executed are no part of the execution: rebuilds the modification
 * orders without them. */
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
        do { /* the write with the next place */
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

/* Whether an event satisfies coherence and atomicity [MODEL-10] [MODEL-11]. */
static bool is_coherent(int id)
{
    const struct event *e = &graph.events[id];
    view hb;
    view porf;
    if (e->loc < 0 || e->order == PLAIN) {
        return true;
    }
    if (is_write(e) && graph.locations[e->loc].mo[e->place] != id) {
        return false; /* two writes at one place */
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

/* Whether an event reads from, or is, the latest write of those added before it, as every event does in a sequentially
 * consistent execution. */
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
