/*
 * graph.c - execution graphs and their exploration.
 *
 * The algorithm is TruSt (Kokologiannakis, Marmanis, Gladstein, Vafeiadis: Truly Stateless, Optimal Dynamic Partial Order
 * Reduction, POPL 2022). An execution is a graph: events, each thread's in its order, where each read reads from, and the
 * modification order of each location. Events are added one at a time, by the thread of the lowest number that can go on.
 * A read may read from any write that coherence allows; a write may stand at any place of the modification order that
 * coherence allows, and may be read by a read that is there already, in which case what was added after that read, and does
 * not lead to the write, goes. It goes only if it was added in the one way that is called maximal, and so each graph is
 * reached along one path alone.
 *
 * The program is run from its checkpoint for each path: the graph so far is replayed, then extended by first choices, and
 * the choices left are kept on a stack. A graph that is turned back (a revisit) is a level of its own: when it is exhausted,
 * the graph that it came from goes on.
 *
 * The memory model is RC11 (Lahav et al., PLDI 2017) with the release sequences of C++20, kept incrementally: an event is
 * added where nothing depends on it yet, so coherence is a bound on where it may read from or stand. For fences and accesses
 * that are seq_cst, the relation psc is built and checked whenever a choice is not the latest one.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum alternative_kind { READ_FROM, PLACE_AFTER, REVISIT, REVISIT_PLACED };

struct alternative {
    int32_t stamp; /* the event that it is a choice of */
    int32_t what;  /* the write to read from, the write to stand after, or the read to revisit */
    int32_t after; /* REVISIT_PLACED: the write to stand after */
    int32_t kind;
    double weight; /* the share of the whole exploration that it is guessed to be */
};

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

static struct alternative *alternatives EXPLORER_STATE = NULL;
static int alternative_count EXPLORER_STATE = 0;
static int alternative_room EXPLORER_STATE = 0;
static struct level *levels EXPLORER_STATE = NULL;
static int level_count EXPLORER_STATE = 0;
static int level_room EXPLORER_STATE = 0;
static struct source *sources EXPLORER_STATE = NULL;
static int source_count EXPLORER_STATE = 0;
static int source_room EXPLORER_STATE = 0;
static int thread_order[MAX_THREADS] EXPLORER_STATE = {0};
static char *source_text EXPLORER_STATE = NULL; /* that of the graph begun with last */
static int32_t *location_index EXPLORER_STATE = NULL; /* hash of addresses */
static uint32_t location_mask EXPLORER_STATE = 0;

static void *grown(void *memory, int *room, int needed, size_t each)
{
    if (needed > *room) {
        int wanted = *room == 0 ? 64 : *room * 2;
        while (wanted < needed) {
            wanted *= 2;
        }
        void *larger = realloc(memory, (size_t)wanted * each);
        if (larger == NULL) {
            refuse("no memory left");
        }
        *room = wanted;
        return larger;
    }
    return memory;
}

static struct thread *self(void)
{
    return &X->threads[X->current];
}

static bool is_write(const struct event *e)
{
    return e->kind == STORE || e->kind == RMW_WRITE;
}

static bool is_read(const struct event *e)
{
    return e->kind == LOAD || e->kind == RMW_READ;
}

static bool acquires(int order)
{
    return order == CONSUME || order == ACQUIRE || order == ACQ_REL || order == SEQ_CST;
}

static bool releases(int order)
{
    return order == RELEASE || order == ACQ_REL || order == SEQ_CST;
}

/* An event's order, which is another where a compare-exchange fails. */
static int read_order(const struct event *e)
{
    return e->cas && e->kind == LOAD ? e->failure : e->order;
}

static uint64_t masked(uint64_t value, uint32_t size)
{
    return size >= 8 ? value : value & ((UINT64_C(1) << (size * 8)) - 1);
}

/* ------------------------------------------------------------------------------------------------------- locations */

static uint32_t address_hash(uint64_t address)
{
    return (uint32_t)((address * UINT64_C(0x9E3779B97F4A7C15)) >> 40);
}

static uint64_t memory_at(uint64_t address, uint32_t size)
{
    uint64_t value = 0;
    memcpy(&value, (const void *)(uintptr_t)address, size);
    return value;
}

static void enter_location(int loc)
{
    uint32_t at = address_hash(X->locations[loc].address) & location_mask;
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
    for (int loc = 0; loc < X->location_count; ++loc) {
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
        if (loc < 0 || X->locations[loc].address == address) {
            return loc;
        }
    }
}

static int new_location(uint64_t address, uint32_t size)
{
    if (location_index == NULL || (uint32_t)X->location_count * 2 >= location_mask) {
        location_mask = location_mask == 0 ? 255 : location_mask * 2 + 1;
        index_locations();
    }
    X->locations = grown(X->locations, &X->location_room, X->location_count + 1, sizeof *X->locations);
    int loc = X->location_count++;
    X->locations[loc] = (struct location){.address = address, .size = size, .in_memory = INITIAL, .unread = -1};
    enter_location(loc);
    return loc;
}

/* The location of an atomic access, entered with what lies in memory where it is the first of this run. */
int locate(uint64_t address, uint32_t size)
{
    int loc = location_at(address);
    if (loc < 0) {
        if (is_thread_local(address)) {
            refuse("atomic access to a thread-local variable: it has one address for all threads here; make it static");
        }
        for (uint64_t other = address - 15; other < address + size; ++other) {
            int found = other == address ? -1 : location_at(other);
            if (found >= 0 && X->locations[found].run == X->run && other + X->locations[found].size > address) {
                refuse("mixed-size atomic accesses: %u bytes at %#llx and %u bytes at %#llx overlap", size,
                       (unsigned long long)address, X->locations[found].size, (unsigned long long)other);
            }
        }
        loc = new_location(address, size);
    }
    struct location *location = &X->locations[loc];
    if (location->size != size) {
        if (location->writes != 0 || location->run == X->run) {
            refuse("mixed-size atomic accesses: %u and %u bytes at %#llx", location->size, size,
                   (unsigned long long)address);
        }
        location->size = size;
    }
    if (location->run != X->run) {
        location->run = X->run;
        location->uninitialized = !heap_is_initialized(address, size);
        location->initial = memory_at(address, size);
        location->in_memory = INITIAL;
        location->unread = -1;
    } else if (location->unread >= 0) {
        X->events[location->unread].value = memory_at(address, size);
        location->unread = -1;
    }
    return loc;
}

static void mo_insert(int id, int place)
{
    struct location *location = &X->locations[X->events[id].loc];
    location->mo = grown(location->mo, &location->room, location->writes + 1, sizeof *location->mo);
    for (int k = location->writes; k > place; --k) {
        location->mo[k] = location->mo[k - 1];
        X->events[location->mo[k]].place = k;
    }
    location->mo[place] = id;
    X->events[id].place = place;
    ++location->writes;
}

static void mo_remove(int id)
{
    struct event *e = &X->events[id];
    if (e->place < 0) {
        return;
    }
    struct location *location = &X->locations[e->loc];
    --location->writes;
    for (int k = e->place; k < location->writes; ++k) {
        location->mo[k] = location->mo[k + 1];
        X->events[location->mo[k]].place = k;
    }
    e->place = -1;
}

static int place_of(int write)
{
    return write == INITIAL ? -1 : X->events[write].place;
}

static int place_read(const struct event *e)
{
    return is_write(e) ? e->place : place_of(e->rf);
}

static uint64_t value_of(const struct location *location, int write)
{
    return write == INITIAL ? location->initial : X->events[write].value;
}

/* Stores a write's value where it is the latest so far in this run, for plain reads and what is not instrumented. */
static void to_memory(struct location *location, int id)
{
    if (X->events[id].place > place_of(location->in_memory)) {
        location->in_memory = id;
        uint64_t value = X->events[id].value;
        memcpy((void *)(uintptr_t)location->address, &value, location->size);
        heap_set_initialized(location->address, location->size);
    }
}

/* Whether all that thread had done by its event number `clock`, that one included, happens before now. */
bool is_before_now(int thread, int clock)
{
    return thread == X->current || self()->hb.of[thread] > clock;
}

/* Whether an access at hand races with an atomic one of the location; the other's id in *with. */
bool races_with_atomics(int loc, bool write, int *with)
{
    if (X->locations[loc].run != X->run) {
        return false;
    }
    for (int id = 0; id < X->n; ++id) {
        const struct event *e = &X->events[id];
        if (e->loc == loc && e->run == X->run && e->order != PLAIN && (write || is_write(e)) &&
            !is_before_now(e->thread, e->index)) {
            *with = id;
            return true;
        }
    }
    return false;
}

/* The least place of the modification order that a thread that knows `hb` may read from. */
static int floor_of(int loc, const view *hb)
{
    const struct location *location = &X->locations[loc];
    int floor = -1;
    for (int k = location->writes - 1; k >= 0 && floor < 0; --k) {
        const struct event *e = &X->events[location->mo[k]];
        if (e->index < hb->of[e->thread]) {
            floor = k;
        }
    }
    for (int id = 0; id < X->n; ++id) {
        const struct event *e = &X->events[id];
        if (e->loc == loc && is_read(e) && e->index < hb->of[e->thread]) {
            int place = place_of(e->rf);
            floor = place > floor ? place : floor;
        }
    }
    return floor;
}

/* The RMW whose write follows a place of the modification order at once, by the id of its read; or -1. */
static int rmw_after(const struct location *location, int place)
{
    if (place + 1 >= location->writes) {
        return -1;
    }
    const struct event *next = &X->events[location->mo[place + 1]];
    return next->kind == RMW_WRITE ? X->by_thread[next->thread][next->index - 1] : -1;
}

/* ------------------------------------------------------------------------------------------- sequential consistency */

static bool happens_before(int a, int b)
{
    const struct event *first = &X->events[a];
    const struct event *second = &X->events[b];
    return a != b && first->index < second->hb.of[first->thread] &&
           (first->thread != second->thread || first->index < second->index);
}

/* An event of the same thread as `id` next to it in a direction, at another location (a fence is at none). */
static int elsewhere(int id, int step)
{
    const struct event *e = &X->events[id];
    for (int at = e->index + step; at >= 0 && at < X->count[e->thread]; at += step) {
        int other = X->by_thread[e->thread][at];
        if (e->loc < 0 || X->events[other].loc != e->loc) {
            return other;
        }
    }
    return -1;
}

/* scb of RC11: sb, sb to elsewhere; hb; sb from elsewhere, hb at one location, mo, rb. */
static bool scb(int a, int b)
{
    const struct event *first = &X->events[a];
    const struct event *second = &X->events[b];
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
    int after = elsewhere(a, 1);
    int before = elsewhere(b, -1);
    return after >= 0 && before >= 0 && happens_before(after, before);
}

static bool in_left(int s, int a)
{
    return a == s || (X->events[s].kind == FENCE && happens_before(s, a));
}

static bool in_right(int t, int b)
{
    return b == t || (X->events[t].kind == FENCE && happens_before(b, t));
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
    for (int from = 0; from < X->location_count; from += 64) {
        int here = X->location_count - from < 64 ? X->location_count - from : 64;
        for (int i = 0; i < here; ++i) {
            least[i] = (struct reach){FAR, FAR};
            most[i] = (struct reach){-FAR, -FAR};
        }
        for (int id = 0; id < X->n; ++id) {
            const struct event *e = &X->events[id];
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

static bool psc(int s, int t)
{
    bool from_fence = X->events[s].kind == FENCE;
    bool to_fence = X->events[t].kind == FENCE;
    if (from_fence && to_fence) {
        return fence_reaches(s, t);
    }
    for (int a = 0; a < X->n; ++a) {
        if (!in_left(s, a) || (is_write(&X->events[a]) && X->events[a].place < 0)) {
            continue;
        }
        if (!to_fence) {
            if (scb(a, t)) {
                return true;
            }
            continue;
        }
        for (int b = 0; b < X->n; ++b) {
            if (in_right(t, b) && !(is_write(&X->events[b]) && X->events[b].place < 0) && scb(a, b)) {
                return true;
            }
        }
    }
    return false;
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

/*
 * Whether psc = psc_base | psc_F is acyclic, given that it was before event `changed`, on which nothing depends, was added
 * or took its place. What is new in psc then begins at that event or, by what a fence has after it, at a fence that happens
 * before it.
 */
static bool sc_consistent(int changed)
{
    int ids[MAX_EVENTS];
    uint8_t visited[MAX_EVENTS];
    int count = 0;
    bool several = false;
    for (int id = 0; id < X->n; ++id) {
        if (read_order(&X->events[id]) == SEQ_CST) {
            several = several || (count > 0 && X->events[id].thread != X->events[ids[0]].thread);
            ids[count++] = id;
        }
    }
    if (!several) {
        return true;
    }
    for (int at = 0; at < count; ++at) {
        if (ids[at] == changed || (X->events[ids[at]].kind == FENCE && happens_before(ids[at], changed))) {
            memset(visited, 0, (size_t)count);
            if (psc_leads_home(ids, count, at, at, visited)) {
                return false;
            }
        }
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------ building a graph */

/* What the event's thread knew before it. */
static void views_before(int id, view *hb, view *porf)
{
    const struct event *e = &X->events[id];
    if (e->index == 0) {
        *hb = X->threads[e->thread].start_hb;
        *porf = X->threads[e->thread].start_porf;
    } else {
        const struct event *previous = &X->events[X->by_thread[e->thread][e->index - 1]];
        *hb = previous->hb;
        *porf = previous->porf;
    }
}

/* The read's kind and order, which depend on the value where it is a compare-exchange. */
static void settle_read(struct event *e, uint64_t value)
{
    e->value = value;
    if (e->cas) {
        e->kind = value == e->expected ? RMW_READ : LOAD;
    }
}

/* Recomputes what happens before a read whose source was changed. */
static void refresh_read(int id)
{
    struct event *e = &X->events[id];
    views_before(id, &e->hb, &e->porf);
    e->hb.of[e->thread] = (int16_t)(e->index + 1);
    e->porf.of[e->thread] = (int16_t)(e->index + 1);
    if (e->rf != INITIAL) {
        view_join(&e->porf, &X->events[e->rf].porf);
        if (acquires(read_order(e))) {
            view_join(&e->hb, &X->events[e->rf].message);
        }
    }
}

static void set_read_from(int id, int write)
{
    struct event *e = &X->events[id];
    e->rf = write;
    settle_read(e, value_of(&X->locations[e->loc], write));
    refresh_read(id);
}

static int add_event(int kind, int order, int loc, uint64_t pc)
{
    struct thread *t = self();
    if (X->n >= MAX_EVENTS || X->count[t->id] >= INT16_MAX - 1) {
        X->cut += 1;
        end_run(CUT);
    }
    int id = X->n++;
    struct event *e = &X->events[id];
    e->rf = INITIAL;
    e->loc = loc;
    e->place = -1;
    e->thread = (int16_t)t->id;
    e->index = (int16_t)X->count[t->id];
    e->kind = (uint8_t)kind;
    e->order = (uint8_t)order;
    e->failure = RELAXED;
    e->cas = false;
    e->value = 0;
    e->expected = 0;
    e->pc = pc;
    e->run = X->run;
    X->by_thread[t->id][X->count[t->id]++] = id;
    return id;
}

static void push_alternative(int kind, int stamp, int what, int after)
{
    alternatives = grown(alternatives, &alternative_room, alternative_count + 1, sizeof *alternatives);
    alternatives[alternative_count++] = (struct alternative){.stamp = stamp, .what = what, .after = after, .kind = kind};
}

/*
 * The exploration's share that is done is guessed as Knuth does (Estimating the efficiency of backtrack programs, 1975): a
 * path's weight is split evenly between it and the choices that it leaves, so that the weights of what is done and of what
 * is left add up to one.
 */
static void share_weight(int first)
{
    double each = X->weight / (alternative_count - first + 1);
    for (int i = first; i < alternative_count; ++i) {
        alternatives[i].weight = each;
    }
    X->weight = each;
}

/* Takes the events from number `count` on out of the graph. */
static void truncate_graph(int count)
{
    while (X->n > count) {
        --X->n;
        struct event *e = &X->events[X->n];
        if (is_write(e)) {
            mo_remove(X->n);
        }
        --X->count[e->thread];
    }
}

/* ------------------------------------------------------------------------------------------------------ scheduling */

static bool can_go_on(const struct thread *t)
{
    switch (t->state) {
    case READY:
    case PENDING:
        return true;
    case WAITS_FOR_THREAD:
        return X->threads[t->waits_for].state == FINISHED;
    default:
        return false;
    }
}

/* A number drawn from 0 to `bound` - 1. */
uint64_t random_below(uint64_t bound)
{
    X->random = X->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (X->random >> 33) % bound;
}

/* The thread that adds the next event: between the parts of an RMW nobody comes, otherwise the first in order goes first. */
static int next_to_add(void)
{
    int chosen = -1;
    int candidates[MAX_THREADS];
    int count = 0;
    for (int at = 0; at < X->thread_count; ++at) {
        int id = thread_order[at];
        const struct thread *t = &X->threads[id];
        if (can_go_on(t)) {
            if (t->in_rmw) {
                return id;
            }
            candidates[count++] = id;
        }
    }
    if (count > 0) {
        chosen = candidates[0];
        if (X->options.mode == RANDOM) {
            if (X->options.depth == 0) {
                chosen = candidates[random_below((uint64_t)count)];
            } else {
                for (int i = 1; i < count; ++i) {
                    if (X->threads[candidates[i]].priority > X->threads[chosen].priority) {
                        chosen = candidates[i];
                    }
                }
            }
        }
    }
    return chosen;
}

/* Gives the processor to a thread that can use it, or ends the run where there is none. */
static void yield(void)
{
    if (X->left > 0) {
        for (int id = 0; id < X->thread_count; ++id) {
            const struct thread *t = &X->threads[id];
            bool ready = t->state == READY || (t->state == WAITS_FOR_WRITE && X->events[t->waits_for].run == X->run) ||
                         (t->state == WAITS_FOR_THREAD && t->executed < X->count[id] &&
                          X->threads[t->waits_for].state == FINISHED);
            if (ready) {
                yield_to(id);
                return;
            }
        }
        refuse("the program did not repeat itself: its threads must depend on nothing but what they read");
    }
    int next = next_to_add();
    if (next < 0) {
        for (int id = 0; id < X->thread_count; ++id) {
            if (X->threads[id].state != FINISHED && X->threads[id].state != UNUSED) {
                end_run(STOPPED_BLOCKED);
            }
        }
        end_run(COMPLETE);
    }
    yield_to(next);
}

void block_current(enum block_reason reason)
{
    struct thread *t = self();
    t->state = BLOCKED;
    t->blocked = reason;
    yield();
    abort(); /* nobody goes on with a thread that is blocked */
}

_Noreturn void thread_exit(void *result)
{
    struct thread *t = self();
    t->result = result;
    t->state = FINISHED;
    yield();
    abort();
}

static void index_events(void);

/* Where the writes of a graph from text lie is known once it was repeated: the modification orders can be made. */
void locate_graph(void)
{
    if (!X->unlocated || X->left > 0) {
        return;
    }
    X->unlocated = false;
    for (int id = 0; id < X->n; ++id) {
        int earlier = X->events[id].place;
        for (int other = 0; other < X->n; ++other) {
            const struct event *e = &X->events[other];
            earlier -= is_write(e) && e->loc == X->events[id].loc && e->place < X->events[id].place && e->place >= 0;
        }
        if (is_write(&X->events[id]) && earlier != 0 && X->events[id].place >= 0) {
            refuse("the replay string is not this program's: a modification order in it has writes to two locations");
        }
    }
    index_events();
}

/* The thread's next event: its id where the graph has it, or -1 where it is to be added now. */
static int next_event(void)
{
    struct thread *t = self();
    if (t->executed < X->count[t->id]) {
        --X->left;
        return X->by_thread[t->id][t->executed];
    }
    if (X->options.mode == RANDOM && X->options.depth > 0) {
        if (random_below(8 * (uint64_t)X->options.depth) == 0) {
            t->priority = -(int)(X->n + 1);
        }
    }
    while (X->left > 0 || (!t->in_rmw && next_to_add() != t->id)) {
        t->state = PENDING;
        yield();
        t->state = READY;
        if (X->left == 0 && X->options.mode == RANDOM) {
            break; /* chosen: to choose again would be another choice */
        }
    }
    locate_graph();
    return -1;
}

static void check_kind(const struct event *e, bool right)
{
    if (!right) {
        refuse("the program did not repeat itself: thread %d did another thing at its event %d than in an earlier run",
               e->thread, e->index);
    }
}

static void executed(struct thread *t, struct event *e)
{
    e->run = X->run;
    e->hb = t->hb;
    e->porf = t->porf;
    ++t->executed;
}

static void advance(struct thread *t)
{
    ++t->hb.of[t->id];
    ++t->porf.of[t->id];
}

void had_effect(struct thread *t)
{
    t->spins = 0;
}

/* --------------------------------------------------------------------------------------------------------- reading */

struct request {
    uint64_t address;
    uint32_t size;
    int order;
    int failure;
    bool rmw;
    bool cas;
    uint64_t expected;
    bool await; /* blocks unless (the value == wanted) == equal */
    bool equal;
    uint64_t wanted;
    uint64_t pc;
};

static bool may_revisit(int read, const view *porf, int before);

/* Whether an RMW may read from `write`, from which another RMW reads: the other has to go when this one's write is added,
 * by being turned back itself or with a read before it. */
static bool can_make_way(int other, int write, const view *known)
{
    view porf = *known;
    if (write != INITIAL) {
        view_join(&porf, &X->events[write].porf);
    }
    for (int read = 0; read <= other; ++read) {
        const struct event *r = &X->events[read];
        if (r->loc == X->events[other].loc && is_read(r) && r->index >= porf.of[r->thread] &&
            may_revisit(read, &porf, X->n - 1)) {
            return X->events[other].index >= porf.of[X->events[other].thread];
        }
    }
    return false;
}

/* Adds a read. It reads from the latest write first; the others are left for later. */
static int add_read(const struct request *q, int loc)
{
    struct thread *t = self();
    int floor = floor_of(loc, &t->hb);
    int id = add_event(q->rmw ? RMW_READ : LOAD, q->order, loc, q->pc);
    struct event *e = &X->events[id];
    struct location *location = &X->locations[loc];
    e->cas = q->cas;
    e->failure = (uint8_t)q->failure;
    e->expected = q->expected;
    int chosen = INT32_MIN;
    int options = 0;
    int first_alternative = alternative_count;
    for (int k = floor; k < location->writes; ++k) {
        int write = k < 0 ? INITIAL : location->mo[k];
        bool rmw = q->rmw && (!q->cas || value_of(location, write) == q->expected);
        int other = rmw ? rmw_after(location, k) : -1;
        if (other >= 0 && (X->options.mode == RANDOM || !can_make_way(other, write, &t->porf))) {
            continue;
        }
        /* Who waits and reads an older write waits for ever, and nothing turns it back: the latest was there before it. */
        if (q->await && k + 1 < location->writes && (value_of(location, write) == q->wanted) != q->equal) {
            continue;
        }
        if (X->options.mode == RANDOM) {
            set_read_from(id, write);
            if ((k + 1 == location->writes || sc_consistent(id)) && random_below((uint64_t)++options) == 0) {
                chosen = write;
            }
            continue;
        }
        if (chosen != INT32_MIN) {
            push_alternative(READ_FROM, id, chosen, 0);
        }
        chosen = write;
    }
    if (chosen == INT32_MIN) {
        end_run(DEAD);
    }
    set_read_from(id, chosen);
    if (X->options.mode != RANDOM && place_of(chosen) + 1 != location->writes) {
        while (!sc_consistent(id)) { /* only where the latest write was passed over */
            if (alternative_count == first_alternative) {
                end_run(DEAD);
            }
            set_read_from(id, alternatives[--alternative_count].what);
        }
    }
    share_weight(first_alternative);
    return id;
}

/* A read's execution, new or repeated. Returns its id. */
static int read_event(const struct request *q)
{
    struct thread *t = self();
    int id = next_event();
    check_heap(q->address, q->size, false, q->pc);
    int loc = locate(q->address, q->size);
    if (id >= 0) {
        struct event *e = &X->events[id];
        check_kind(e, is_read(e) && (e->loc == loc || e->loc < 0));
        e->loc = loc;
        while (e->rf != INITIAL && X->events[e->rf].run != X->run) {
            ++X->left; /* not yet */
            t->state = WAITS_FOR_WRITE;
            t->waits_for = e->rf;
            yield();
            t->state = READY;
            --X->left;
        }
        locate(q->address, q->size);
        check_kind(e, e->rf == INITIAL || X->events[e->rf].loc == loc);
        e->pc = q->pc;
        e->order = (uint8_t)q->order;
        e->failure = (uint8_t)q->failure;
        e->cas = q->cas;
        e->expected = q->expected;
        if (!q->cas) {
            check_kind(e, (e->kind == RMW_READ) == q->rmw);
        }
        settle_read(e, value_of(&X->locations[loc], e->rf));
    } else {
        id = add_read(q, loc);
    }
    struct event *e = &X->events[id];
    advance(t);
    if (e->rf != INITIAL) {
        const struct event *write = &X->events[e->rf];
        view_join(&t->porf, &write->porf);
        view_join(acquires(read_order(e)) ? &t->hb : &t->acquired, &write->message);
    }
    executed(t, e);
    trace_event(id, NULL);
    check_atomic_race(q->address, q->size, false, q->pc);
    if (e->rf == INITIAL && X->locations[loc].uninitialized) {
        report("uninitialized-read", q->pc, 0, "atomic read of %u bytes that were never written", q->size);
    }
    return id;
}

/* --------------------------------------------------------------------------------------------------------- writing */

/* Whether a write may stand at a place: not between an RMW's read-from and its write. */
static bool place_is_open(const struct location *location, int place)
{
    return place >= location->writes || X->events[location->mo[place]].kind != RMW_WRITE;
}

/* Whether event e stands where it would if it had been added last of those before it and those that lead to the write at
 * hand, whose thread knows `porf`. */
static bool is_maximally_added(int id, const view *porf)
{
    const struct event *e = &X->events[id];
    if (e->loc < 0) {
        return true;
    }
    if (is_write(e)) {
        for (int q = 0; q < id; ++q) {
            if (X->events[q].rf == id && is_read(&X->events[q])) {
                return false;
            }
        }
    } else if (e->rf > id && X->events[e->rf].index >= porf->of[X->events[e->rf].thread]) {
        return false;
    }
    int place = place_read(e);
    const struct location *location = &X->locations[e->loc];
    for (int k = location->writes - 1; k > place; --k) {
        int other = location->mo[k];
        if (other < id || (other != id && X->events[other].index < porf->of[X->events[other].thread])) {
            return false;
        }
    }
    return true;
}

static bool may_revisit(int read, const view *porf, int before)
{
    for (int id = read; id < before; ++id) {
        const struct event *e = &X->events[id];
        if (e->index >= porf->of[e->thread] && !is_maximally_added(id, porf)) {
            return false;
        }
    }
    return true;
}

/* Adds a write: at the end of the modification order first, the other places and the reads that it may turn back later. */
static int add_write(int kind, int order, int loc, uint64_t value, int rmw_read, uint64_t pc)
{
    struct thread *t = self();
    view porf = t->porf;
    int floor = rmw_read >= 0 ? place_of(X->events[rmw_read].rf) : floor_of(loc, &t->hb);
    int before = X->n;
    int id = add_event(kind, order, loc, pc);
    struct event *e = &X->events[id];
    struct location *location = &X->locations[loc];
    e->value = value;
    e->hb = t->hb;
    e->porf = porf;
    ++e->hb.of[t->id];
    ++e->porf.of[t->id];
    int chosen = -1;
    int first_alternative = alternative_count;
    if (order == PLAIN) {
        mo_insert(id, location->writes);
        return id;
    }
    if (X->options.mode == EXHAUSTIVE) {
        for (int read = 0; read < before; ++read) {
            const struct event *r = &X->events[read];
            if (r->loc == loc && is_read(r) && r->index >= porf.of[r->thread] && may_revisit(read, &porf, before)) {
                push_alternative(REVISIT, id, read, 0);
            }
        }
    }
    if (rmw_read >= 0) {
        chosen = place_is_open(location, floor + 1) ? floor + 1 : -1;
    } else {
        int options = 0;
        for (int place = floor + 1; place <= location->writes; ++place) {
            if (!place_is_open(location, place)) {
                continue;
            }
            if (X->options.mode == RANDOM) {
                mo_insert(id, place);
                bool consistent = place + 1 == location->writes || sc_consistent(id);
                mo_remove(id);
                if (consistent && random_below((uint64_t)++options) == 0) {
                    chosen = place;
                }
                continue;
            }
            if (chosen >= 0) {
                push_alternative(PLACE_AFTER, id, chosen == 0 ? INITIAL : location->mo[chosen - 1], 0);
            }
            chosen = place;
        }
    }
    share_weight(first_alternative);
    if (chosen < 0) {
        end_run(DEAD); /* only a read turned back makes room for it */
    }
    mo_insert(id, chosen);
    if (chosen + 1 != location->writes && !sc_consistent(id)) {
        end_run(DEAD);
    }
    return id;
}

static void write_event(int kind, int order, int loc, uint64_t value, int rmw_read, uint64_t pc)
{
    struct thread *t = self();
    int id = next_event();
    struct location *location = NULL;
    check_heap(X->locations[loc].address, X->locations[loc].size, true, pc);
    locate(X->locations[loc].address, X->locations[loc].size);
    if (order != PLAIN) {
        check_atomic_race(X->locations[loc].address, X->locations[loc].size, true, pc);
    }
    if (id >= 0) {
        struct event *e = &X->events[id];
        check_kind(e, e->kind == kind && (e->loc == loc || e->loc < 0));
        if (e->loc < 0) {
            e->loc = loc;
        }
        e->value = value;
        e->pc = pc;
        e->order = (uint8_t)order;
    } else {
        id = add_write(kind, order, loc, value, rmw_read, pc);
    }
    struct event *e = &X->events[id];
    location = &X->locations[loc];
    advance(t);
    if (rmw_read < 0 || value != X->events[rmw_read].value) {
        had_effect(t); /* a test-and-set that finds it set is no more than a read, for who waits */
    }
    e->message = releases(order) ? t->hb : t->released;
    if (rmw_read >= 0 && X->events[rmw_read].rf != INITIAL) {
        view_join(&e->message, &X->events[X->events[rmw_read].rf].message);
    }
    executed(t, e);
    if (order == PLAIN) {
        location->in_memory = id;
        location->unread = id;
    } else {
        to_memory(location, id);
    }
    trace_event(id, NULL);
}

/* -------------------------------------------------------------------------------------------------- spinning loops */

/*
 * A loop that waits reads, changes nothing, and comes back to where it was. If the stack (with the registers that belong to
 * the caller, which the entry points save there) is the same as at an earlier read, and the thread wrote nothing since,
 * then what it did since is as good as not done; so the thread stops here. Another execution is the one in which the reads
 * of the loop read what they wait for. Compare the spin-assume transformation of GenMC.
 */
static void look_for_spin(uint64_t state)
{
    struct thread *t = self();
    bool repeats = t->executed < X->count[t->id]; /* it went on from here in the run that made the graph */
    for (int i = 0; i < t->spins && !repeats; ++i) {
        if (t->spin_state[i] == state) {
            t->spin_from = t->spin_index[i];
            block_current(BY_SPIN);
        }
    }
    if (t->spins == SPIN_MEMORY) {
        for (int i = 1; i < SPIN_MEMORY; ++i) {
            t->spin_state[i - 1] = t->spin_state[i];
            t->spin_index[i - 1] = t->spin_index[i];
        }
        --t->spins;
    }
    t->spin_state[t->spins] = state;
    t->spin_index[t->spins++] = t->executed;
}

static uint64_t stack_state(uint64_t salt, const void *frame)
{
    const struct thread *t = self();
    const uint64_t *from = (const uint64_t *)frame;
    const uint64_t *to = (const uint64_t *)(const void *)(t->stack + STACK_BYTES);
    uint64_t hash = salt * UINT64_C(0x9E3779B97F4A7C15);
    for (; from < to; ++from) {
        hash = ((hash << 7 | hash >> 57) ^ *from) * UINT64_C(0xD6E8FEB86659FD93);
    }
    return hash;
}

void spin_check(uint64_t address, const void *frame)
{
    if (X->concurrent) {
        const struct thread *t = self();
        size_t depth = (size_t)(t->stack + STACK_BYTES - (const uint8_t *)frame);
        if (depth < STACK_BYTES && depth > X->depth[t->id]) {
            X->depth[t->id] = depth;
        }
        look_for_spin(stack_state(address, frame));
    }
}

/* --------------------------------------------------------------------------------------- what the program asks for */

/* An access of a program that has one thread so far: what lies in memory. */
static uint64_t alone(uint64_t address, uint32_t size, bool write, uint64_t pc)
{
    check_heap(address, size, write, pc);
    if (!heap_is_initialized(address, size)) {
        report("uninitialized-read", pc, 0, "atomic read of %u bytes that were never written", size);
    }
    return memory_at(address, size);
}

uint64_t atomic_load_event(uint64_t address, uint32_t size, int order, uint64_t pc)
{
    if (!X->concurrent) {
        return alone(address, size, false, pc);
    }
    struct request q = {.address = address, .size = size, .order = order, .pc = pc};
    return X->events[read_event(&q)].value;
}

void atomic_store_event(uint64_t address, uint32_t size, int order, uint64_t value, uint64_t pc)
{
    value = masked(value, size);
    if (!X->concurrent) {
        check_heap(address, size, true, pc);
        memcpy((void *)(uintptr_t)address, &value, size);
        heap_set_initialized(address, size);
        return;
    }
    check_heap(address, size, true, pc);
    int loc = locate(address, size);
    write_event(STORE, order, loc, value, -1, pc);
}

static uint64_t combine(enum rmw_op op, uint64_t old, uint64_t operand)
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
    }
    return old;
}

uint64_t atomic_rmw_event(uint64_t address, uint32_t size, int order, enum rmw_op op, uint64_t operand, uint64_t pc)
{
    if (!X->concurrent) {
        uint64_t old = alone(address, size, true, pc);
        uint64_t value = masked(combine(op, old, operand), size);
        memcpy((void *)(uintptr_t)address, &value, size);
        return old;
    }
    struct request q = {.address = address, .size = size, .order = order, .rmw = true, .pc = pc};
    int read = read_event(&q);
    uint64_t old = X->events[read].value;
    self()->in_rmw = true;
    write_event(RMW_WRITE, order, X->events[read].loc, masked(combine(op, old, operand), size), read, pc);
    self()->in_rmw = false;
    return old;
}

bool atomic_cas_event(uint64_t address, uint32_t size, int success, int failure, uint64_t *expected, uint64_t desired,
                      uint64_t pc)
{
    *expected = masked(*expected, size);
    if (!X->concurrent) {
        uint64_t old = alone(address, size, true, pc);
        uint64_t value = masked(desired, size);
        if (old == *expected) {
            memcpy((void *)(uintptr_t)address, &value, size);
            return true;
        }
        *expected = old;
        return false;
    }
    struct request q = {.address = address,
                        .size = size,
                        .order = success,
                        .failure = failure,
                        .rmw = true,
                        .cas = true,
                        .expected = *expected,
                        .pc = pc};
    int read = read_event(&q);
    uint64_t old = X->events[read].value;
    if (X->events[read].kind == LOAD) {
        *expected = old;
        return false;
    }
    self()->in_rmw = true;
    write_event(RMW_WRITE, success, X->events[read].loc, masked(desired, size), read, pc);
    self()->in_rmw = false;
    return true;
}

/* Waits until the location's value is `wanted` (or, if not `equal`, is another), and with `exchange` replaces it. */
uint64_t await_event(uint64_t address, uint32_t size, int order, uint64_t wanted, bool equal, bool exchange, uint64_t to,
                     uint64_t pc)
{
    if (!X->concurrent) {
        uint64_t old = memory_at(address, size);
        if ((old == wanted) != equal) {
            report("deadlock", pc, 0, "the only thread waits for what nobody will do");
            end_run(FATAL);
        }
        if (exchange) {
            memcpy((void *)(uintptr_t)address, &to, size);
        }
        return old;
    }
    struct request q = {.address = address,
                        .size = size,
                        .order = order,
                        .failure = order,
                        .rmw = exchange,
                        .cas = exchange,
                        .expected = wanted,
                        .await = true,
                        .equal = equal,
                        .wanted = wanted,
                        .pc = pc};
    int from = self()->executed;
    int read = read_event(&q);
    uint64_t old = X->events[read].value;
    if ((old == wanted) != equal) {
        self()->spin_from = from;
        block_current(BY_LOCK);
    }
    if (exchange) {
        self()->in_rmw = true;
        write_event(RMW_WRITE, order, X->events[read].loc, masked(to, size), read, pc);
        self()->in_rmw = false;
    }
    return old;
}

void fence_event(int order, uint64_t pc)
{
    if (!X->concurrent || order == RELAXED) {
        return;
    }
    struct thread *t = self();
    int id = next_event();
    if (id < 0) {
        id = add_event(FENCE, order, -1, pc);
    }
    struct event *e = &X->events[id];
    check_kind(e, e->kind == FENCE);
    e->pc = pc;
    e->order = (uint8_t)order;
    advance(t);
    if (acquires(order)) {
        view_join(&t->hb, &t->acquired);
    }
    if (releases(order)) {
        t->released = t->hb;
    }
    executed(t, e);
    trace_event(id, NULL);
}

/* A plain write to a location that was accessed atomically in this run: if it races with nothing, it is the latest. */
void plain_write_to_atomic(int loc, uint64_t pc)
{
    write_event(STORE, PLAIN, loc, 0, -1, pc);
}

/* Whether a thread stands before another in the tree of who created whom: after its creator, before what was created later. */
static bool precedes(int a, int b)
{
    int path[2][MAX_THREADS];
    int depth[2] = {0, 0};
    const int from[2] = {a, b};
    for (int which = 0; which < 2; ++which) {
        for (int id = from[which]; id > 0 && depth[which] < MAX_THREADS; id = X->threads[id].parent) {
            path[which][depth[which]++] = X->threads[id].nth;
        }
    }
    while (depth[0] > 0 && depth[1] > 0) {
        int first = path[0][--depth[0]];
        int second = path[1][--depth[1]];
        if (first != second) {
            return first < second;
        }
    }
    return depth[0] == 0 && depth[1] > 0;
}

/*
 * The number of a thread's nth child. A number is given when a thread is met first, or by a graph from text. Numbers thus
 * depend on what was explored before, and in which process; so the threads' order, by which events are added, does not
 * depend on them.
 */
static int child_of(int parent, int nth, int named)
{
    for (int id = 1; id < X->thread_count; ++id) {
        if (X->threads[id].parent == parent && X->threads[id].nth == nth) {
            return id;
        }
    }
    int child = named > 0 ? named : X->thread_count;
    if (child >= MAX_THREADS) {
        refuse("more than %d threads besides main", MAX_THREADS - 1);
    }
    while (X->thread_count <= child) {
        struct thread *t = &X->threads[X->thread_count];
        *t = (struct thread){.stack = t->stack, .id = X->thread_count, .parent = -1, .nth = -1};
        ++X->thread_count;
    }
    if (X->threads[child].parent >= 0) {
        refuse("the replay string is not this program's: thread %d in it has two creators", child);
    }
    X->threads[child].parent = parent;
    X->threads[child].nth = nth;
    for (int at = 1; at < X->thread_count; ++at) {
        int to = at;
        for (; to > 0 && precedes(at, thread_order[to - 1]); --to) {
            thread_order[to] = thread_order[to - 1];
        }
        thread_order[to] = at;
    }
    return child;
}

int thread_create_event(void *(*body)(void *), void *argument, uint64_t pc)
{
    struct thread *t = self();
    if (!X->concurrent) {
        take_checkpoint();
        t = self();
    }
    const struct event *again = t->executed < X->count[t->id] ? &X->events[X->by_thread[t->id][t->executed]] : NULL;
    int child = child_of(t->id, t->children++, again != NULL && again->kind == CREATE ? (int)again->value : 0);
    int id = next_event();
    if (id < 0) {
        id = add_event(CREATE, RELAXED, -1, pc);
    }
    struct event *e = &X->events[id];
    check_kind(e, e->kind == CREATE);
    e->value = (uint64_t)child;
    e->pc = pc;
    advance(t);
    had_effect(t);
    executed(t, e);
    struct thread *c = &X->threads[child];
    c->start_hb = t->hb;
    c->start_porf = t->porf;
    c->hb = t->hb;
    c->porf = t->porf;
    memset(&c->acquired, 0, sizeof c->acquired);
    memset(&c->released, 0, sizeof c->released);
    c->body = body;
    c->argument = argument;
    c->sp = NULL;
    c->state = READY;
    trace_event(id, "create");
    return child;
}

void *thread_join_event(int child, uint64_t pc)
{
    struct thread *t = self();
    struct thread *c = &X->threads[child];
    int id = -1;
    while (t->executed < X->count[t->id] ? c->state != FINISHED
                                         : X->left > 0 || c->state != FINISHED ||
                                               (X->options.mode != RANDOM && next_to_add() != t->id)) {
        t->state = c->state == FINISHED ? PENDING : WAITS_FOR_THREAD;
        t->waits_for = child;
        yield();
        t->state = READY;
    }
    if (t->executed < X->count[t->id]) {
        --X->left;
        id = X->by_thread[t->id][t->executed];
    } else {
        locate_graph();
        id = add_event(JOIN, RELAXED, -1, pc);
    }
    struct event *e = &X->events[id];
    check_kind(e, e->kind == JOIN);
    e->value = (uint64_t)child;
    e->pc = pc;
    advance(t);
    had_effect(t);
    view_join(&t->hb, &c->hb);
    view_join(&t->porf, &c->porf);
    t->hb.of[child] = (int16_t)(c->executed + 1); /* its end too, with the plain accesses after its last event */
    executed(t, e);
    trace_event(id, "join");
    return c->result;
}

/* -------------------------------------------------------------------------------------------------- the exploration */

static void save_level(void)
{
    levels = grown(levels, &level_room, level_count + 1, sizeof *levels);
    struct level *level = &levels[level_count++];
    level->saved = malloc((size_t)X->n * sizeof *level->saved + 1);
    if (level->saved == NULL) {
        refuse("no memory left");
    }
    memcpy(level->saved, X->events, (size_t)X->n * sizeof *level->saved);
    level->saved_count = X->n;
    level->base = alternative_count;
}

/* Makes the threads' lists and the modification orders from the events. */
static void index_events(void)
{
    memset(X->count, 0, sizeof X->count);
    for (int loc = 0; loc < X->location_count; ++loc) {
        X->locations[loc].writes = 0;
    }
    for (int id = 0; id < X->n; ++id) {
        struct event *e = &X->events[id];
        X->by_thread[e->thread][X->count[e->thread]++] = id;
        if (is_write(e) && e->place >= 0 && e->loc >= 0) {
            struct location *location = &X->locations[e->loc];
            location->mo = grown(location->mo, &location->room, e->place + 1, sizeof *location->mo);
            location->mo[e->place] = id;
            location->writes = e->place + 1 > location->writes ? e->place + 1 : location->writes;
        }
    }
}

static void restore_level(void)
{
    struct level *level = &levels[--level_count];
    memcpy(X->events, level->saved, (size_t)level->saved_count * sizeof *level->saved);
    X->n = level->saved_count;
    free(level->saved);
    index_events();
}

/* Keeps the events up to `read`, those that lead to the write (the last event), and the write. */
static void turn_back(int read)
{
    int32_t new_id[MAX_EVENTS];
    int write = X->n - 1;
    const view porf = X->events[write].porf;
    int kept = 0;
    for (int id = 0; id <= write; ++id) {
        const struct event *e = &X->events[id];
        new_id[id] = id <= read || id == write || e->index < porf.of[e->thread] ? kept++ : -1;
    }
    for (int loc = 0; loc < X->location_count; ++loc) {
        struct location *location = &X->locations[loc];
        int place = 0;
        for (int k = 0; k < location->writes; ++k) {
            if (new_id[location->mo[k]] >= 0) {
                X->events[location->mo[k]].place = place++;
            }
        }
    }
    for (int id = 0; id <= write; ++id) {
        if (new_id[id] >= 0) {
            struct event *e = &X->events[new_id[id]];
            if (new_id[id] != id) {
                *e = X->events[id];
            }
            if (is_read(e) && e->rf != INITIAL && id != read) {
                e->rf = new_id[e->rf];
            }
        }
    }
    X->n = kept;
    index_events();
    X->events[read].rf = kept - 1;
}

/*
 * Leaves a choice for each place at which the graph's last write may stand once `read` is turned back to it: which places are
 * open depends on what is kept.
 */
static void push_places(const struct alternative *a)
{
    int16_t thread[MAX_EVENTS]; /* the writes to stand after, by thread and index, since turning back gives new ids */
    int16_t index[MAX_EVENTS];
    int count = 0;
    save_level();
    turn_back(a->what);
    const struct event *w = &X->events[X->n - 1];
    const struct location *location = &X->locations[w->loc];
    view hb;
    view porf;
    views_before(a->what, &hb, &porf);
    view before = w->hb;
    --before.of[w->thread];
    int read_floor = floor_of(w->loc, &hb);
    int first = floor_of(w->loc, &before) + 1;
    int last = location->writes;
    if (w->kind == RMW_WRITE) {
        first = place_of(X->events[X->by_thread[w->thread][w->index - 1]].rf) + 1;
        last = first;
    }
    for (int place = first; place <= last; ++place) {
        if (place_is_open(location, place) && place > read_floor) {
            const struct event *after = place == 0 ? NULL : &X->events[location->mo[place - 1]];
            thread[count] = after == NULL ? INITIAL : after->thread;
            index[count++] = after == NULL ? 0 : after->index;
        }
    }
    restore_level();
    for (int i = 0; i < count; ++i) {
        push_alternative(REVISIT_PLACED, a->stamp, a->what,
                         thread[i] == INITIAL ? INITIAL : X->by_thread[thread[i]][index[i]]);
        alternatives[alternative_count - 1].weight = a->weight / count;
    }
    X->done -= count > 0 ? a->weight : 0; /* the caller counts it as done */
}

/* Turns the graph back to a read that reads the last write, which stands where the choice says. */
static bool revisit(const struct alternative *a)
{
    save_level();
    int thread = a->after == INITIAL ? INITIAL : X->events[a->after].thread;
    int index = a->after == INITIAL ? 0 : X->events[a->after].index;
    turn_back(a->what);
    int write = X->n - 1;
    mo_insert(write, thread == INITIAL ? 0 : X->events[X->by_thread[thread][index]].place + 1);
    set_read_from(a->what, write);
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
        set_read_from(a->stamp, a->what);
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
                X->weight = a.weight;
                return true;
            }
            X->done += a.weight;
        } else if (level_count > 0) {
            restore_level();
        } else {
            return false;
        }
    }
}

/* ---------------------------------------------------------------------------------------------------- graphs as text */

/*
 * A graph as text: its events in the order in which they were added, `;` between them. An event is its thread and a letter
 * (L a load, R and W the parts of an RMW, S a store, F a fence, C a creation, J a join), then for a read `<` and the number
 * of the write, `i` for the initial value, for a write `@` and the number of the write that it stands after, and for a
 * creation the new thread's number.
 */
char *graph_text(void)
{
    if (X->unlocated) {
        return strdup(source_text); /* it is being repeated */
    }
    static const char letters[] = "LSRWFCJ";
    size_t room = (size_t)X->n * 24 + 1;
    char *text = malloc(room);
    size_t length = 0;
    if (text == NULL) {
        refuse("no memory left");
    }
    text[0] = 0;
    for (int id = 0; id < X->n; ++id) {
        const struct event *e = &X->events[id];
        length += (size_t)snprintf(text + length, room - length, "%s%d%c", id > 0 ? ";" : "", e->thread, letters[e->kind]);
        if (e->kind == CREATE) {
            length += (size_t)snprintf(text + length, room - length, "%d", (int)e->value);
        } else if (is_read(e) || (is_write(e) && e->place >= 0)) {
            int other = is_read(e) ? e->rf : e->place == 0 ? INITIAL : X->locations[e->loc].mo[e->place - 1];
            char sign = is_read(e) ? '<' : '@';
            if (other == INITIAL) {
                length += (size_t)snprintf(text + length, room - length, "%ci", sign);
            } else {
                length += (size_t)snprintf(text + length, room - length, "%c%d", sign, other);
            }
        }
    }
    return text;
}

/* Takes a graph from text. Where the events lie is found out as they are executed. */
static void graph_from_text(const char *text)
{
    static const char letters[] = "LSRWFCJ";
    int after[MAX_EVENTS];
    X->n = 0;
    X->thread_count = 1; /* the text numbers them */
    memset(X->count, 0, sizeof X->count);
    while (*text != 0) {
        char *end = NULL;
        long thread = strtol(text, &end, 10);
        const char *letter = *end != 0 ? strchr(letters, *end) : NULL;
        if (end == text || letter == NULL || thread < 0 || thread >= MAX_THREADS || X->n >= MAX_EVENTS) {
            refuse("the replay string is not one: '%.20s' is no event", text);
        }
        struct event *e = &X->events[X->n];
        *e = (struct event){.rf = INITIAL, .loc = -1, .place = -1, .thread = (int16_t)thread};
        e->kind = (uint8_t)(letter - letters);
        e->index = (int16_t)X->count[thread];
        after[X->n] = INITIAL;
        text = end + 1;
        if (e->kind == CREATE) {
            long child = strtol(text, &end, 10);
            if (child < 0 || child >= MAX_THREADS) {
                refuse("the replay string is not one: '%.20s' names no thread", text);
            }
            e->value = (uint64_t)child;
            text = end;
        }
        if (*text == '<' || *text == '@') {
            bool reads = *text == '<';
            long other = INITIAL;
            ++text;
            if (*text == 'i') {
                ++text;
            } else {
                other = strtol(text, &end, 10);
                if (end == text || other < 0 || other >= MAX_EVENTS) {
                    refuse("the replay string is not one: '%.20s' is no event", text);
                }
                text = end;
            }
            if (reads) {
                e->rf = (int32_t)other;
            } else {
                after[X->n] = (int)other;
                e->place = 0;
            }
        }
        X->by_thread[thread][X->count[thread]++] = X->n++;
        if (*text == ';') {
            ++text;
        } else if (*text != 0) {
            refuse("the replay string is not one: '%.20s' follows an event", text);
        }
    }
    for (int id = 0; id < X->n; ++id) {
        struct event *e = &X->events[id];
        int steps = 0;
        if ((e->rf != INITIAL && (e->rf >= X->n || !is_write(&X->events[e->rf]))) || after[id] >= X->n) {
            refuse("the replay string is not one: it names events that it does not have");
        }
        for (int at = id; is_write(e) && e->place >= 0 && after[at] != INITIAL; at = after[at]) {
            if (++steps > X->n) {
                refuse("the replay string is not one: a modification order goes round");
            }
        }
        if (is_write(e) && e->place >= 0) {
            e->place = steps;
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
    return X->options.most != 0 && X->executions + X->blocked >= X->options.most;
}

/* Explores from the graph at hand until nothing is left, an error stops it, or the bound is reached. */
static void explore_from_here(void)
{
    for (bool more = true; more && !X->stop;) {
        if (X->options.mode == RANDOM) {
            truncate_graph(0);
        }
        run_once();
        ++X->runs;
        X->done += X->weight;
        X->weight = 0;
        locate_graph();
        if (X->options.progress && X->runs % 1024 == 0) {
            print_progress();
        }
        if (X->options.mode == REPLAY || bound_reached()) {
            break;
        }
        more = X->options.mode == RANDOM || next_graph();
    }
}

void explore(void)
{
    X->weight = 1;
    X->done = 0;
    if (source_count == 0) {
        explore_from_here();
        return;
    }
    while (source_count > 0 && !X->stop && !bound_reached()) {
        struct source source = sources[--source_count];
        free(source_text);
        source_text = source.text;
        graph_from_text(source.text);
        X->unlocated = true;
        X->weight = source.weight;
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
        fprintf(file, "%s[%.6g, \"%s\"]", first ? "" : ", ", X->weight, text);
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

void graph_reset(void)
{
    while (level_count > 0) {
        free(levels[--level_count].saved);
    }
    alternative_count = 0;
    X->n = 0;
    X->unlocated = false;
    memset(X->count, 0, sizeof X->count);
    for (int loc = 0; loc < X->location_count; ++loc) {
        free(X->locations[loc].mo);
    }
    X->location_count = 0;
    if (location_index != NULL) {
        index_locations();
    }
}
