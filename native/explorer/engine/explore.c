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
 * The program is run from its checkpoint for each path: the graph so far is repeated, then extended by first choices, and
 * the choices left are kept on a stack. A revisited graph is a level of its own: when it is exhausted, the graph that it
 * came from goes on.
 */
#define _GNU_SOURCE
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

/* A graph to begin with, as text. */
struct source {
    char *text;
    double weight;
};

struct level {
    struct event *saved; /* the graph that was turned back, to be continued after */
    int saved_count;
    int base; /* alternatives below it belong to earlier levels */
};

static struct level *levels EXPLORER_STATE = NULL;
static int level_count EXPLORER_STATE = 0;
static int level_room EXPLORER_STATE = 0;
static struct source *sources EXPLORER_STATE = NULL;
static int source_count EXPLORER_STATE = 0;
static int source_room EXPLORER_STATE = 0;

static void save_level(void)
{
    levels = grown(levels, &level_room, level_count + 1, sizeof *levels);
    struct level *level = &levels[level_count++];
    level->saved = malloc((size_t)graph.n * sizeof *level->saved + 1);
    if (level->saved == NULL) {
        refuse("no memory left");
    }
    memcpy(level->saved, graph.events, (size_t)graph.n * sizeof *level->saved);
    level->saved_count = graph.n;
    level->base = alternative_count;
}

static void restore_level(void)
{
    struct level *level = &levels[--level_count];
    memcpy(graph.events, level->saved, (size_t)level->saved_count * sizeof *level->saved);
    graph.n = level->saved_count;
    free(level->saved);
    index_events();
}

/*
 * Leaves a choice for each place at which the graph's last write may stand once `read` is turned back to it: which places are
 * open depends on what is kept.
 */
static void push_places(const struct alternative *a)
{
    /* the writes to stand after, by thread and index, since a revisit gives new ids */
    static int32_t *thread EXPLORER_STATE = NULL;
    static int32_t *index EXPLORER_STATE = NULL;
    if (thread == NULL) {
        thread = reserve(MAX_EVENTS * sizeof *thread);
        index = reserve(MAX_EVENTS * sizeof *index);
    }
    int count = 0;
    save_level();
    turn_back(a->what);
    const struct event *w = &graph.events[graph.n - 1];
    const struct location *location = &graph.locations[w->loc];
    view hb;
    view porf;
    views_before(a->what, &hb, &porf);
    view before = w->hb;
    --before.of[w->thread];
    int read_floor = floor_of(w->loc, &hb);
    int first = floor_of(w->loc, &before) + 1;
    int last = location->writes;
    if (w->kind == RMW_WRITE) {
        first = place_of(graph.events[graph.by_thread[w->thread][w->index - 1]].rf) + 1;
        last = first;
    }
    for (int place = first; place <= last; ++place) {
        if (place_is_open(location, place) && place > read_floor) {
            const struct event *after = place == 0 ? NULL : &graph.events[location->mo[place - 1]];
            thread[count] = after == NULL ? INITIAL : after->thread;
            index[count++] = after == NULL ? 0 : after->index;
        }
    }
    const struct event *r = &graph.events[a->what];
    int choices = outcomes_of(r->chooser, w->value, r->expected);
    restore_level();
    for (int i = 0; i < count; ++i) {
        for (int choice = choices - 1; choice >= 0; --choice) {
            push_alternative(REVISIT_PLACED, a->stamp, a->what,
                             thread[i] == INITIAL ? INITIAL : graph.by_thread[thread[i]][index[i]], choice);
            alternatives[alternative_count - 1].weight = a->weight / (count * choices);
        }
    }
    control.done -= count > 0 ? a->weight : 0; /* the caller counts it as done */
}

/* Turns the graph back to a read that reads the last write, which stands where the choice says. */
static bool revisit(const struct alternative *a)
{
    save_level();
    int thread = a->after == INITIAL ? INITIAL : graph.events[a->after].thread;
    int index = a->after == INITIAL ? 0 : graph.events[a->after].index;
    turn_back(a->what);
    int write = graph.n - 1;
    mo_insert(write, thread == INITIAL ? 0 : graph.events[graph.by_thread[thread][index]].place + 1);
    set_read_from(a->what, write, a->choice);
    if (!sc_consistent(write) || !sc_consistent(a->what)) {
        restore_level();
        return false;
    }
    return true;
}

/* Applies a choice to the graph, which ends with the event that it is a choice of. Returns false where it is none. */
static bool apply(const struct alternative *a)
{
    if (a->kind == READ_FROM) {
        set_read_from(a->stamp, a->what, a->choice);
        return sc_consistent(a->stamp);
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

/* Makes the next graph to begin with. Returns false where there is none. */
static bool next_graph(void)
{
    for (;;) {
        int base = level_count > 0 ? levels[level_count - 1].base : 0;
        if (alternative_count > base) {
            struct alternative a = alternatives[--alternative_count];
            truncate_graph(a.stamp + 1);
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
        if (control.options.mode == REPLAY || bound_reached()) {
            break;
        }
        more = control.options.mode == RANDOM || next_graph();
    }
}

void explore_reset(void)
{
    while (level_count > 0) {
        free(levels[--level_count].saved);
    }
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
