/*
 * explore.c - the exploration of all execution graphs.
 *
 * The algorithm is TruSt (Kokologiannakis, Marmanis, Gladstein, Vafeiadis: Truly Stateless, Optimal Dynamic Partial Order
 * Reduction, POPL 2022). An execution is a graph: events, each thread's in its order, where each read reads from, and the
 * modification order of each location. Events are added one at a time. A read may read from any write that coherence
 * allows; a write may stand at any place of the modification order that coherence allows, and may be read by a read that is
 * there already (a revisit): what was added after that read, and does not lead to the write, is removed. It is removed only
 * if it was added in the one way that is called maximal, and so each graph is reached along one path alone.
 *
 * The program is run for each path, from its checkpoint or from a point of an earlier run (points.c): the graph so far is
 * repeated, then extended by first choices, and the choices left are kept on a stack. A revisited graph is a level of its
 * own: when it is exhausted, the graph that it came from goes on.
 */
#define _GNU_SOURCE
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "points.h"
#include "replay.h"
#include "run.h"

/* A graph to begin with, as text. */
struct source {
    char *text;
    double weight;
};

struct level {
    int read;             /* to which the graph was turned back, to be continued after */
    int count;            /* its events */
    struct event *events; /* those from the read on */
    struct views *views;
    int32_t *places; /* those of the others */
    int base;        /* alternatives below it belong to earlier levels */
    int room;        /* of the three */
};

static struct level *levels EXPLORER_STATE = NULL;
static int level_count EXPLORER_STATE = 0;
static int level_room EXPLORER_STATE = 0;
static struct source *sources EXPLORER_STATE = NULL;
static int source_count EXPLORER_STATE = 0;
static int source_room EXPLORER_STATE = 0;

/* Keeps what turning back to a read changes: the events from it on, and the places of the writes before it. */
static void save_level(int read)
{
    points_enter(read);
    if (level_count == level_room) {
        levels = grown(levels, &level_room, level_count + 1, sizeof *levels);
        memset(levels + level_count, 0, (size_t)(level_room - level_count) * sizeof *levels);
    }
    struct level *level = &levels[level_count++];
    size_t count = (size_t)(graph.n - read);
    level->read = read;
    level->count = graph.n;
    if (level->room < graph.n) { /* its memory is kept for the next level at this depth */
        level->room = 2 * graph.n;
        level->events = must(realloc(level->events, (size_t)level->room * sizeof *level->events));
        level->views = must(realloc(level->views, (size_t)level->room * sizeof *level->views));
        level->places = must(realloc(level->places, (size_t)level->room * sizeof *level->places));
    }
    memcpy(level->events, graph.events + read, count * sizeof *level->events);
    memcpy(level->views, graph.views + read, count * sizeof *level->views);
    for (int id = 0; id < read; ++id) {
        level->places[id] = graph.events[id].place;
    }
    level->base = alternative_count;
}

static void restore_level(void)
{
    const struct level *level = &levels[--level_count];
    size_t count = (size_t)(level->count - level->read);
    memcpy(graph.events + level->read, level->events, count * sizeof *level->events);
    memcpy(graph.views + level->read, level->views, count * sizeof *level->views);
    for (int id = 0; id < level->read; ++id) {
        graph.events[id].place = level->places[id];
    }
    graph.n = level->count;
    points_leave();
    index_events();
}

/*
 * Leaves a choice for each place at which the graph's last write may stand once `read` is turned back to it: which places are
 * open depends on what is kept.
 */
static void push_places(const struct alternative *a)
{
    int write = graph.n - 1;
    const struct event *w = &graph.events[write];
    const struct event *r = &graph.events[a->what];
    const struct location *location = &graph.locations[w->loc];
    const view *kept = &graph.views[write].porf;
    view hb;
    view porf;
    views_before(a->what, &hb, &porf);
    view before = graph.views[write].hb;
    --before.of[w->thread];
    bool rmw = w->kind == RMW_WRITE;
    int after = rmw ? place_of(graph.events[graph.by_thread[w->thread][w->index - 1]].rf) : floor_of(w->loc, &before);
    int floor = floor_of(w->loc, &hb);
    floor = after > floor ? after : floor;
    int choices = outcomes_of(r->chooser, w->value, r->expected);
    int first = alternative_count;
    int previous = INITIAL;
    for (int place = 0; place <= location->writes; ++place) {
        int next = place < location->writes ? location->mo[place] : INITIAL;
        const struct event *e = next == INITIAL ? NULL : &graph.events[next];
        if (e != NULL && next > a->what && e->index >= kept->of[e->thread]) {
            continue; /* it goes */
        }
        int here = place_of(previous);
        bool open = e == NULL || e->kind != RMW_WRITE;
        if (open && here >= floor && (!rmw || here == after)) {
            for (int choice = choices - 1; choice >= 0; --choice) {
                push_alternative(REVISIT_PLACED, a->stamp, a->what, previous, choice);
            }
        }
        previous = next;
    }
    int count = alternative_count - first;
    for (int i = first; i < alternative_count; ++i) {
        alternatives[i].weight = a->weight / count;
    }
    control.done -= count > 0 ? a->weight : 0; /* the caller counts it as done */
}

/* Turns the graph back to a read that reads the last write, which stands where the choice says. */
static bool revisit(const struct alternative *a)
{
    save_level(a->what);
    int thread = a->after == INITIAL ? INITIAL : graph.events[a->after].thread;
    int index = a->after == INITIAL ? 0 : graph.events[a->after].index;
    turn_back(a->what);
    int write = graph.n - 1;
    graph.locations[graph.events[write].loc].revisited = true;
    mo_insert(write, thread == INITIAL ? 0 : graph.events[graph.by_thread[thread][index]].place + 1);
    set_read_from(a->what, write, a->choice);
    if (!sc_consistent(write) || !sc_consistent(a->what)) {
        restore_level();
        return false;
    }
    return true;
}

/*
 * Adds the write of an RMW whose read was just given a source from which another RMW reads: only a read turned back makes room
 * for it. It is known without a run what it writes. (Of six threads that add to one counter: one run an execution and
 * not two, 37,300 instructions and not 42,200.)
 */
static void push_write_half(const struct alternative *a)
{
    static const view nothing = {{0}};
    const struct event *read = &graph.events[a->stamp];
    int id = graph.n++;
    struct event *e = &graph.events[id];
    struct views *views = &graph.views[id];
    const view *released = &nothing;
    for (int at = read->index; at >= 0 && released == &nothing; --at) {
        int other = graph.by_thread[read->thread][at];
        if (graph.events[other].kind == FENCE && releases(graph.events[other].order)) {
            released = &graph.views[other].hb;
        }
    }
    *e = (struct event){.rf = INITIAL,
                        .loc = read->loc,
                        .place = -1,
                        .index = read->index + 1,
                        .thread = read->thread,
                        .kind = RMW_WRITE,
                        .order = read->order,
                        .value = rmw_result(read),
                        .pc = read->pc};
    graph.by_thread[e->thread][graph.count[e->thread]++] = id;
    views->hb = graph.views[a->stamp].hb;
    views->porf = graph.views[a->stamp].porf;
    ++views->hb.of[e->thread];
    ++views->porf.of[e->thread];
    set_message(id, read->rf, released);
    int first = alternative_count;
    push_revisits(id);
    for (int i = first; i < alternative_count; ++i) {
        alternatives[i].weight = a->weight / (alternative_count - first);
    }
    control.done -= alternative_count > first ? a->weight : 0; /* the caller counts it as done */
}

/* Applies a choice to the graph, which ends with the event that it is a choice of. Returns false where it is none. */
static bool apply(const struct alternative *a)
{
    if (a->kind == READ_FROM) {
        set_read_from(a->stamp, a->what, a->choice);
        if (!sc_consistent(a->stamp)) {
            return false;
        }
        const struct event *read = &graph.events[a->stamp];
        if (read->kind == RMW_READ && !graph.asymmetric &&
            rmw_after(&graph.locations[read->loc], place_of(read->rf)) >= 0) {
            push_write_half(a);
            return false;
        }
        return true;
    }
    mo_remove(a->stamp);
    switch (a->kind) {
    case PLACE_AFTER:
        mo_insert(a->stamp, place_of(a->what) + 1);
        return sc_consistent(a->stamp);
    case REVISIT:
        push_places(a);
        return false;
    default:
        return revisit(a);
    }
}

/*
 * Hands a lock that the graph's last event gives back over to the thread that waits for it, in the same run. Without it the run
 * would go on to its end with that thread blocked, and another one begin in which the thread's read is turned back to.
 *
 * Nothing is lost with the run that would be blocked. Only the thread that holds a lock stores to it, and what takes the lock
 * later depends on this write; so no later write turns back to the waiting read but those that do so now. The read becomes the last
 * event, as if it had not been added before: what would turn back to a read before it, and remove the waiting one, does so now
 * whether it depends on the write or not. But if the read was turned back to by the write that took the lock, that one is not
 * removed: the read would still read from it, and a graph in which another thread takes the lock first was explored before.
 * (Compare the revisits in place of GenMC.)
 */
void hand_over(int write)
{
    int read = taker_of(write);
    if (read < 0) {
        return;
    }
    int holds = graph.events[read].rf;
    save_level(read);
    graph.events[holds].pinned = graph.events[holds].pinned || holds > read;
    read = move_to_end(read);
    const struct location *location = &graph.locations[graph.events[read].loc];
    set_read_from(read, location->mo[location->writes - 1], 0);
    struct thread *t = &run.threads[graph.events[read].thread];
    t->state = READY;
    t->blocked = NOT_BLOCKED;
    t->hb = graph.views[read].hb;
    t->porf = graph.views[read].porf;
    run.in_rmw = t->id;
}

/* Makes the next graph to begin with. Returns false where there is none. */
static bool next_graph(void)
{
    for (;;) {
        int base = level_count > 0 ? levels[level_count - 1].base : 0;
        if (alternative_count > base) {
            struct alternative a = alternatives[--alternative_count];
            truncate_graph(a.stamp + 1);
            points_cut(a.stamp);
            if (apply(&a)) {
                control.weight = a.weight;
                return true;
            }
            control.done += a.weight;
        } else if (level_count > 0) {
            restore_level();
        } else {
            return false;
        }
    }
}

/* A graph to begin with; may be called several times before explore(). */
void add_source(const char *text, double weight)
{
    sources = grown(sources, &source_room, source_count + 1, sizeof *sources);
    sources[source_count++] = (struct source){.text = strdup(text), .weight = weight};
}

void forget_sources(void)
{
    while (source_count > 0) {
        free(sources[--source_count].text);
    }
}

static bool bound_reached(void)
{
    return control.options.most != 0 && control.executions + control.blocked >= control.options.most;
}

/* Explores from the graph at hand until nothing is left, an error stops it, or the bound is reached. */
static void explore_from_here(void)
{
    for (bool more = true; more && !control.stop;) {
        if (control.options.mode == RANDOM) {
            truncate_graph(0);
        }
        run_once();
        ++control.runs;
        control.done += control.weight;
        control.weight = 0;
        locate_graph();
        if (control.options.progress && control.runs % 1024 == 0) {
            control.on_progress();
        }
        if (control.options.mode == REPLAY) {
            if (!control.refused) {
                check_replay();
            }
            break;
        }
        if (bound_reached()) {
            break;
        }
        more = control.options.mode == RANDOM || next_graph();
    }
}

void explore_reset(void)
{
    level_count = 0;
    points_forget();
    alternative_count = 0;
}

void explore(void)
{
    control.weight = 1;
    control.done = 0;
    if (source_count == 0) {
        explore_from_here();
        return;
    }
    while (source_count > 0 && !control.stop && !bound_reached()) {
        struct source source = sources[--source_count];
        run.thread_count = 1; /* the text numbers them */
        points_forget();
        graph_from_text(source.text);
        free(source.text);
        graph.unlocated = true;
        control.weight = source.weight;
        explore_from_here();
        if (alternative_count > 0) {
            break; /* the bound was reached, or an error found */
        }
    }
}

/* Whether there is nothing left to explore. */
bool explored_all(void)
{
    return alternative_count == 0 && source_count == 0;
}

/* Prints what is left to explore, each graph as text with its weight, and forgets it. */
void print_pending(FILE *file)
{
    bool first = true;
    fputc('[', file);
    while (next_graph()) {
        /* what is below this graph is another's work: go on with what is left beside it */
        char *text = graph_text();
        fprintf(file, "%s[%.6g, \"%s\"]", first ? "" : ", ", control.weight, text);
        free(text);
        first = false;
    }
    while (source_count > 0) {
        --source_count;
        fprintf(file, "%s[%.6g, \"%s\"]", first ? "" : ", ", sources[source_count].weight, sources[source_count].text);
        free(sources[source_count].text);
        first = false;
    }
    fputc(']', file);
}
