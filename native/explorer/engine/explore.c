/*
 * explore.c - the exploration of all execution graphs.
 *
 * The algorithm is TruSt (Kokologiannakis, Marmanis, Gladstein, Vafeiadis: Truly Stateless, Optimal Dynamic Partial Order
 * Reduction, POPL 2022). An execution is a graph: the events of each thread in program order, the reads-from of each read, and
 * the modification order of each location. Events are added one at a time. A new read may read from any write that coherence
 * allows. A new write may take any place of the modification order that coherence allows, and it may revisit a read that is in
 * the graph already: the events that were added after that read, and are not in the write's porf-prefix, are removed. The
 * revisit takes place only if each of them was added maximally, and so each graph is reached along one path alone.
 *
 * The program is run for each path, from its checkpoint or from a point of an earlier run (points.c). The run replays the graph
 * so far and then extends it by first choices; the alternatives are kept on a stack. A revisit begins a level of its own: when
 * the level is exhausted, the exploration goes on with the graph from before the revisit.
 */
#define _GNU_SOURCE
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "points.h"
#include "replay.h"
#include "run.h"

/* A graph from which the exploration begins, as text. */
struct source {
    char *text;
    double weight;
};

struct level {
    int read;             /* the revisited read */
    int count;            /* of the graph's events before the revisit */
    struct event *events; /* from the read on */
    struct views *views;
    int32_t *places; /* of the events before the read */
    int base;        /* alternatives below it belong to earlier levels */
    int room;        /* of the three arrays */
};

static struct level *levels EXPLORER_STATE = NULL;
static int level_count EXPLORER_STATE = 0;
static int level_room EXPLORER_STATE = 0;
static struct source *sources EXPLORER_STATE = NULL;
static int source_count EXPLORER_STATE = 0;
static int source_room EXPLORER_STATE = 0;

/* Keeps what a revisit of a read changes: the events from it on, and the places of the writes before it. */
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
    if (level->room < graph.n) { /* the next level at this depth reuses its memory */
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
 * Pushes an alternative for each place of the modification order that the graph's last write may take when it revisits a read.
 * Which places are open depends on the events that the revisit keeps.
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
            continue; /* the revisit removes it */
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

/* Makes the graph's last write revisit a read, at the place in the modification order that the alternative names. */
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
 * Adds the write of an RMW whose read was just made to read from a write from which another RMW reads, too: only a revisit
 * makes room for it. The value that it writes is known without a run. (With six threads that add to one counter, an execution
 * takes one run instead of two, and 37,300 instructions instead of 42,200.)
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

/* Applies an alternative to the graph, whose last event is the one that it belongs to. Returns false if no run is to follow:
 * the graph is inconsistent, or other alternatives were pushed instead. */
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
 * Hands a lock, which the graph's last event releases, over to the thread that is blocked on it, in the same run. Otherwise
 * this run would go on to its end with that thread blocked, and a revisit of the thread's read would begin another one.
 *
 * No graph is lost with the blocked run. Only the holder of a lock stores to it, and every event that takes the lock later
 * depends on this write; so no later write revisits the blocked read unless it can do so now. The read becomes the last event,
 * as if it had not been added before: a write that revisits an earlier read, and removes the blocked one, may do so whether the
 * blocked read depends on that write or not. But if the write that took the lock had revisited the blocked read, it is pinned,
 * and no revisit removes it: the blocked read would still read from it, and the graphs in which another thread takes the lock
 * first were explored before. (Compare in-place revisiting in GenMC.)
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
    will_change(t);
    t->state = READY;
    t->blocked = NOT_BLOCKED;
    t->hb = graph.views[read].hb;
    t->porf = graph.views[read].porf;
    run.in_rmw = t->id;
}

/* Makes the next graph for a run to replay and extend. Returns false if there is none. */
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

/* Adds a graph from which the exploration begins; may be called several times before explore(). */
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

/* Explores from the current graph until nothing is left, an error stops it, or the bound is reached. */
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
        /* another worker explores what is below this graph: go on with its siblings */
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
