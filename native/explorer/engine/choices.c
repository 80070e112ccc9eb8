/* choices.c - new events and their alternatives: a read's reads-from, a write's place in the modification order, the reads
 * that it revisits. */
#define _GNU_SOURCE
#include <string.h>

#include "explore.h"

struct alternative *alternatives EXPLORER_STATE = NULL;
int alternative_count EXPLORER_STATE = 0;
static int alternative_room EXPLORER_STATE = 0;

static bool may_revisit(int read, const view *porf, int before);

void push_alternative(int kind, int stamp, int what, int after, int choice)
{
    alternatives = grown(alternatives, &alternative_room, alternative_count + 1, sizeof *alternatives);
    alternatives[alternative_count++] =
        (struct alternative){.stamp = stamp, .what = what, .after = after, .kind = (int16_t)kind, .choice = (int16_t)choice};
}

/*
 * The explored share is estimated as by Knuth (Estimating the efficiency of backtrack programs, 1975): the weight of a path is
 * split evenly between it and the alternatives that it leaves, so that the weights of the explored and of the pending paths add
 * up to one.
 */
static void share_weight(int first)
{
    double each = control.weight / (alternative_count - first + 1);
    for (int i = first; i < alternative_count; ++i) {
        alternatives[i].weight = each;
    }
    control.weight = each;
}

int add_event(int kind, int order, int loc, uint64_t pc)
{
    struct thread *t = self();
    if (graph.count[t->id] >= EXPLORER_CLOCK_MAX - 2 && graph.n < MAX_EVENTS / 2) {
        refuse_for_room("events", "a thread has more than %d events", EXPLORER_CLOCK_MAX - 2);
    }
    if (graph.n >= MAX_EVENTS) {
        control.cut += 1;
        end_run(CUT);
    }
    int id = graph.n++;
    struct event *e = &graph.events[id];
    e->rf = INITIAL;
    e->loc = loc;
    e->place = -1;
    e->thread = (int16_t)t->id;
    e->index = graph.count[t->id];
    e->kind = (uint8_t)kind;
    e->order = (uint8_t)order;
    e->failure = RELAXED;
    e->pinned = false;
    e->cas = false;
    e->side = BOTH_SIDES;
    e->chooser = NO_CHOICE;
    e->choice = 0;
    e->value = 0;
    e->expected = 0;
    e->pc = pc;
    graph.by_thread[t->id][graph.count[t->id]++] = id;
    return id;
}

/* Whether an RMW may read from `write` although another RMW reads from it: the other one must then be removed when this
 * one's write is added, by a revisit of its read or of a read before it. */
static bool can_make_way(int other, int write, const view *known)
{
    view porf = *known;
    if (write != INITIAL) {
        view_join(&porf, &graph.views[write].porf);
    }
    for (int read = 0; read <= other; ++read) {
        const struct event *r = &graph.events[read];
        if (r->loc == graph.events[other].loc && is_read(r) && r->index >= porf.of[r->thread] &&
            may_revisit(read, &porf, graph.n - 1)) {
            return graph.events[other].index >= porf.of[graph.events[other].thread];
        }
    }
    return false;
}

/* Whether an event was added maximally, as TruSt calls it: among the events before it and those in the porf-prefix of the
 * revisiting write (`porf`), it is the last write of the modification order, or reads from that one. */
static bool is_maximally_added(int id, const view *porf)
{
    const struct event *e = &graph.events[id];
    if (e->loc < 0) {
        return true;
    }
    if (is_write(e)) {
        if (e->pinned) {
            return false;
        }
        for (int q = 0; q < id; ++q) {
            if (graph.events[q].rf == id && is_read(&graph.events[q])) {
                return false;
            }
        }
    } else if (e->choice != 0 || (e->rf > id && graph.events[e->rf].index >= porf->of[graph.events[e->rf].thread])) {
        return false;
    }
    int place = place_read(e);
    const struct location *location = &graph.locations[e->loc];
    for (int k = location->writes - 1; k > place; --k) {
        int other = location->mo[k];
        if (other < id || (other != id && graph.events[other].index < porf->of[graph.events[other].thread])) {
            return false;
        }
    }
    return true;
}

static bool may_revisit(int read, const view *porf, int before)
{
    for (int id = read; id < before; ++id) {
        const struct event *e = &graph.events[id];
        if (e->index >= porf->of[e->thread] && !is_maximally_added(id, porf)) {
            return false;
        }
    }
    return true;
}

/* How often in a row a thread may read from a stale write at one site before it reads from newer ones: a loop that counts
 * its iterations could read from it for ever. */
#define STALE_TURNS 32

/* The same for the latest write if no other thread can run: nothing will change any more. */
#define ALONE_TURNS 8192

/* Whether the thread's last `most` reads at this site all read from this write: the loop is then taken to wait for another
 * write. */
static bool is_loop(const struct request *q, int write, int most)
{
    const struct thread *t = self();
    int turns = 0;
    for (int at = t->executed - 1; at >= 0; --at) {
        const struct event *e = &graph.events[graph.by_thread[t->id][at]];
        if (is_read(e) && e->pc == q->pc) {
            if (e->rf != write) {
                return false;
            }
            if (++turns == most) {
                return true;
            }
        }
    }
    return false;
}

/* The least place of the modification order from which coherence lets the current thread read. No search is needed in a loop
 * that reads the same location again while the thread's happens-before stays the same. */
static int floor_now(int loc)
{
    const struct thread *t = self();
    if (t->executed > 0) {
        int last = graph.by_thread[t->id][t->executed - 1];
        if (graph.events[last].loc == loc && memcmp(&graph.views[last].hb, &t->hb, sizeof t->hb) == 0) {
            return place_read(&graph.events[last]);
        }
    }
    return floor_of(loc, &t->hb);
}

/* Adds a read. It reads from the latest write first; the other writes are left as alternatives. */
int add_read(const struct request *q, int loc)
{
    struct thread *t = self();
    int floor = floor_now(loc);
    int last = graph.locations[loc].writes - 1;
    if (t->executed >= ALONE_TURNS && q->pc != 0 && is_alone() &&
        is_loop(q, last < 0 ? INITIAL : graph.locations[loc].mo[last], ALONE_TURNS)) {
        ++control.bounded;
        block_current(BY_CUT);
    }
    int id = add_event(q->rmw ? RMW_READ : LOAD, q->order, loc, q->pc);
    struct event *e = &graph.events[id];
    struct location *location = &graph.locations[loc];
    e->cas = q->cas;
    e->chooser = (uint8_t)q->chooser;
    e->failure = (uint8_t)q->failure;
    e->expected = q->expected;
    e->op = (uint8_t)q->op;
    e->operand = q->operand;
    bool chosen = false;
    int chosen_write = INITIAL;
    int chosen_choice = 0;
    int options = 0;
    int first_alternative = alternative_count;
    for (int k = floor; k < location->writes; ++k) {
        int write = k < 0 ? INITIAL : location->mo[k];
        uint64_t value = value_of(location, write);
        bool rmw = q->rmw && (!q->cas || value == q->expected);
        int other = rmw ? rmw_after(location, k) : -1;
        bool taken = other >= 0 && (control.options.mode == RANDOM || !can_make_way(other, write, &t->porf));
        /* A waiting thread that reads from a stale write would block for ever: no revisit wakes it, since the latest write
         * is there already. */
        if (q->await && k + 1 < location->writes && !request_is_met(q, value)) {
            continue;
        }
        if (k + 1 < location->writes && q->pc != 0 && is_loop(q, write, STALE_TURNS)) {
            ++control.bounded;
            continue;
        }
        for (int choice = outcomes_of(q->chooser, value, q->expected) - 1; choice >= 0; --choice) {
            if (taken && !(q->chooser == WEAK && choice != 0)) {
                continue;
            }
            if (control.options.mode == RANDOM) {
                set_read_from(id, write, choice);
                if ((k + 1 == location->writes || sc_consistent(id)) && random_below((uint64_t)++options) == 0) {
                    chosen = true;
                    chosen_write = write;
                    chosen_choice = choice;
                }
                continue;
            }
            if (chosen) {
                push_alternative(READ_FROM, id, chosen_write, 0, chosen_choice);
            }
            chosen = true;
            chosen_write = write;
            chosen_choice = choice;
        }
    }
    if (!chosen) {
        end_run(DEAD);
    }
    set_read_from(id, chosen_write, chosen_choice);
    if (control.options.mode != RANDOM && place_of(chosen_write) + 1 != location->writes) {
        while (!sc_consistent(id)) { /* only if the chosen write is not the latest */
            if (alternative_count == first_alternative) {
                end_run(DEAD);
            }
            --alternative_count;
            set_read_from(id, alternatives[alternative_count].what, alternatives[alternative_count].choice);
        }
    }
    share_weight(first_alternative);
    return take_point(id, alternative_count - first_alternative + location->revisited) ? AGAIN : id;
}

/*
 * The read that takes a lock at once when `write` releases it: the last event of the only thread that is blocked on the lock,
 * if all events added after it are in the write's porf-prefix. Otherwise -1.
 */
int taker_of(int write)
{
    const struct event *w = &graph.events[write];
    const struct location *location = &graph.locations[w->loc];
    const view *porf = &graph.views[write].porf;
    int last = location->writes - 1;
    int taker = -1;
    if (control.options.mode != EXHAUSTIVE || graph.asymmetric || w->kind != STORE || w->order != RELEASE) {
        return -1;
    }
    last -= last >= 0 && location->mo[last] == write;
    if (last < 0 || graph.events[location->mo[last]].thread != w->thread) {
        return -1;
    }
    for (int id = 0; id < run.thread_count; ++id) {
        const struct thread *t = &run.threads[id];
        int read = t->state == BLOCKED && t->blocked == BY_LOCK ? graph.by_thread[id][t->executed - 1] : -1;
        if (read < 0 || graph.events[read].loc != w->loc) {
            continue;
        }
        const struct event *r = &graph.events[read];
        if (taker >= 0 || !r->cas || r->expected != w->value || r->rf != location->mo[last]) {
            return -1;
        }
        taker = read;
    }
    for (int id = taker + 1; taker >= 0 && id < write; ++id) {
        if (graph.events[id].index >= porf->of[graph.events[id].thread]) {
            return -1;
        }
    }
    return taker;
}

void push_revisits(int write)
{
    int taker = taker_of(write);
    const struct event *e = &graph.events[write];
    const view *porf = &graph.views[write].porf;
    for (int read = 0; read < write; ++read) {
        const struct event *r = &graph.events[read];
        if (r->loc == e->loc && is_read(r) && r->index >= porf->of[r->thread] && read != taker &&
            may_revisit(read, porf, write)) {
            push_alternative(REVISIT, write, read, 0, 0);
        }
    }
}

/* Adds a write, at the end of the modification order first; the other places, and the reads that it may revisit, are left as
 * alternatives. */
int add_write(int kind, int order, int loc, uint64_t value, int rmw_read, uint64_t pc)
{
    struct thread *t = self();
    int floor = rmw_read >= 0 ? place_of(graph.events[rmw_read].rf) : floor_of(loc, &t->hb);
    int id = add_event(kind, order, loc, pc);
    struct event *e = &graph.events[id];
    struct location *location = &graph.locations[loc];
    e->value = value;
    struct views *views = &graph.views[id];
    views->hb = t->hb;
    views->porf = t->porf;
    ++views->hb.of[t->id];
    ++views->porf.of[t->id];
    int chosen = -1;
    int places = 0;
    int first_alternative = alternative_count;
    if (order == PLAIN) {
        mo_insert(id, location->writes);
        return id;
    }
    if (control.options.mode == EXHAUSTIVE) {
        push_revisits(id);
    }
    if (rmw_read >= 0) {
        chosen = place_is_open(location, floor + 1) ? floor + 1 : -1;
    } else {
        int options = 0;
        for (int place = floor + 1; place <= location->writes; ++place) {
            if (!place_is_open(location, place)) {
                continue;
            }
            if (control.options.mode == RANDOM) {
                mo_insert(id, place);
                bool consistent = place + 1 == location->writes || sc_consistent(id);
                mo_remove(id);
                if (consistent && random_below((uint64_t)++options) == 0) {
                    chosen = place;
                }
                continue;
            }
            ++places;
            if (chosen >= 0) {
                push_alternative(PLACE_AFTER, id, chosen == 0 ? INITIAL : location->mo[chosen - 1], 0, 0);
            }
            chosen = place;
        }
    }
    share_weight(first_alternative);
    if (chosen < 0) {
        end_run(DEAD); /* only a revisit makes room for it */
    }
    mo_insert(id, chosen);
    if (chosen + 1 != location->writes && !sc_consistent(id)) {
        end_run(DEAD);
    }
    return take_point(id, places - 1) ? AGAIN : id;
}
