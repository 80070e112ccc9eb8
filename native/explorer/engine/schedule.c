/* schedule.c - the scheduler: which thread runs next, while a graph is replayed and while it is extended. */
#define _GNU_SOURCE
#include "schedule.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fiber.h"
#include "thread_local.h"

#define LEAST_CLEARED 1024 /* bytes of a stack */
#define FIRST_CLEARED ((size_t)1 << 14) /* the same when it is new */

/* Events after which another thread has its turn, so that an endless loop does not starve the others. */
#define QUANTUM 256

struct run run EXPLORER_STATE = {.current = 0};

static int thread_order[MAX_THREADS] EXPLORER_STATE = {0};

static inline bool can_go_on(const struct thread *t)
{
    if (t->state == FINISHED) {
        return false; /* the most frequent case */
    }
    switch (t->state) {
    case READY:
    case PENDING:
        return true;
    case WAITS_FOR_THREAD:
        return run.threads[t->waits_for].state == FINISHED;
    case WAITS_AT_BARRIER:
        return t->may_depart(t);
    default:
        return false;
    }
}

/* Whether no other thread can run. */
bool is_alone(void)
{
    for (int id = 0; id < run.thread_count; ++id) {
        if (id != run.current && can_go_on(&run.threads[id])) {
            return false;
        }
    }
    return true;
}

/* Whether the lock that the thread takes next is held. */
static bool finds_lock_held(const struct thread *t)
{
    int loc = t->lock != 0 ? location_at(t->lock) : -1;
    const struct location *location = loc >= 0 ? &graph.locations[loc] : NULL;
    return loc >= 0 && location->writes > 0 && graph.events[location->mo[location->writes - 1]].value != 0;
}

/*
 * The thread that adds the next event. No other thread runs between the parts of an RMW; otherwise the first thread in order is
 * chosen, and threads that would find a lock held come last. (TruSt leaves the choice free as long as the graph determines it.)
 */
int next_to_add(void)
{
    int chosen = -1;
    int candidates[MAX_THREADS];
    int count = 0;
    int last = -1;
    if (run.in_rmw >= 0) {
        return run.in_rmw;
    }
    for (int at = 0; at < run.thread_count; ++at) {
        int id = thread_order[at];
        if (!can_go_on(&run.threads[id])) {
            continue;
        }
        if (finds_lock_held(&run.threads[id])) {
            last = last < 0 ? id : last;
        } else {
            candidates[count++] = id;
            if (control.options.mode != RANDOM && graph.count[candidates[0]] < QUANTUM) {
                break;
            }
        }
    }
    if (count > 0) {
        chosen = candidates[0];
        for (int i = 1; i < count && graph.count[chosen] >= QUANTUM; ++i) {
            if (graph.count[candidates[i]] / QUANTUM < graph.count[chosen] / QUANTUM) {
                chosen = candidates[i];
            }
        }
        if (control.options.mode == RANDOM) {
            if (control.options.depth == 0) {
                chosen = candidates[random_below((uint64_t)count)];
            } else {
                for (int i = 1; i < count; ++i) {
                    if (run.threads[candidates[i]].priority > run.threads[chosen].priority) {
                        chosen = candidates[i];
                    }
                }
            }
        }
    }
    return chosen < 0 ? last : chosen;
}

/* Switches to a thread that can run, or ends the run if there is none. */
void yield(void)
{
    if (run.left > 0) {
        for (int id = 0; id < run.thread_count; ++id) {
            const struct thread *t = &run.threads[id];
            bool ready = t->state == READY || (t->state == WAITS_FOR_WRITE && is_executed(&graph.events[t->waits_for])) ||
                         ((t->state == WAITS_FOR_THREAD || t->state == WAITS_AT_BARRIER) &&
                          t->executed < graph.count[id] && can_go_on(t));
            if (ready) {
                yield_to(id);
                return;
            }
        }
        refuse("the program did not repeat itself: its threads must depend on nothing but what they read");
    }
    int next = next_to_add();
    if (next < 0) {
        for (int id = 0; id < run.thread_count; ++id) {
            if (run.threads[id].state != FINISHED && run.threads[id].state != UNUSED) {
                end_run(STOPPED_BLOCKED);
            }
        }
        end_run(COMPLETE);
    }
    yield_to(next);
}

/* Blocks the thread until all threads of its round have arrived. */
void wait_at_barrier(bool (*may_depart)(const struct thread *t))
{
    struct thread *t = self();
    t->may_depart = may_depart;
    while (t->executed < graph.count[t->id] ? !may_depart(t)
                                            : run.left > 0 || !may_depart(t) ||
                                                  (control.options.mode != RANDOM && next_to_add() != t->id)) {
        t->state = may_depart(t) ? PENDING : WAITS_AT_BARRIER;
        yield();
        t->state = READY;
    }
}

static void block(enum block_reason reason)
{
    struct thread *t = self();
    t->state = BLOCKED;
    t->blocked = reason;
    yield();
}

void block_current(enum block_reason reason)
{
    block(reason);
    abort(); /* a blocked thread is never resumed */
}

/* Blocks the thread until the lock is handed over to it, see hand_over(). */
void wait_for_lock(void)
{
    block(BY_LOCK);
}

_Noreturn void thread_exit(void *result)
{
    struct thread *t = self();
    t->result = result;
    t->state = FINISHED;
    had_effect(t);
    t->turns = 0;
    yield();
    abort();
}

/* Once a graph from text was replayed, the locations of its writes are known: builds the modification orders. */
void locate_graph(void)
{
    if (!graph.unlocated || run.left > 0) {
        return;
    }
    graph.unlocated = false;
    for (int id = 0; id < graph.n; ++id) {
        int earlier = graph.events[id].place;
        for (int other = 0; other < graph.n; ++other) {
            const struct event *e = &graph.events[other];
            earlier -= is_write(e) && e->loc == graph.events[id].loc && e->place < graph.events[id].place && e->place >= 0;
        }
        if (is_write(&graph.events[id]) && earlier != 0 && graph.events[id].place >= 0) {
            refuse("the replay string is not this program's: a modification order in it has writes to two locations");
        }
    }
    index_events();
}

/* The thread's next event: its id if the graph has it, or -1 if it is to be added now. */
int next_event(void)
{
    struct thread *t = self();
    if (t->executed >= graph.count[t->id] && control.options.mode == RANDOM && control.options.depth > 0) {
        if (random_below(8 * (uint64_t)control.options.depth) == 0) {
            t->priority = -(int)(graph.n + 1);
        }
    }
    for (;;) {
        if (t->executed < graph.count[t->id]) { /* after the wait below, too: a run may resume in it, see points.c */
            --run.left;
            return graph.by_thread[t->id][t->executed];
        }
        if (run.left == 0 && next_to_add() == t->id) {
            break;
        }
        t->state = PENDING;
        yield();
        t->state = READY;
        if (run.left == 0 && control.options.mode == RANDOM) {
            break; /* it was chosen: to choose again would draw another number */
        }
    }
    locate_graph();
    return -1;
}

void had_effect(struct thread *t)
{
    t->spins = 0;
    t->written = 0;
}

/* Whether a thread precedes another in the tree of thread creations: after its creator, before what the creator created
 * later. */
static bool precedes(int a, int b)
{
    int path[2][MAX_THREADS];
    int depth[2] = {0, 0};
    const int from[2] = {a, b};
    for (int which = 0; which < 2; ++which) {
        for (int id = from[which]; id > 0 && depth[which] < MAX_THREADS; id = run.threads[id].parent) {
            path[which][depth[which]++] = run.threads[id].nth;
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
 * The number of a thread's nth child. A thread gets its number when it is first created, or from a graph that came as text.
 * Numbers thus depend on what was explored before, and in which process; so the order of the threads, in which they add events,
 * does not depend on them.
 */
int child_of(int parent, int nth, int named)
{
    for (int id = 1; id < run.thread_count; ++id) {
        if (run.threads[id].parent == parent && run.threads[id].nth == nth) {
            return id;
        }
    }
    int child = named > 0 ? named : run.thread_count;
    if (child >= MAX_THREADS) {
        refuse_for_room("threads", "more than %d threads besides main", MAX_THREADS - 1);
    }
    while (run.thread_count <= child) {
        struct thread *t = &run.threads[run.thread_count];
        uint8_t *stack = t->stack;
        memset(t, 0, offsetof(struct thread, reads));
        t->stack = stack;
        t->id = run.thread_count;
        t->parent = -1;
        t->nth = -1;
        ++run.thread_count;
    }
    if (run.threads[child].parent >= 0) {
        refuse("the replay string is not this program's: thread %d in it has two creators", child);
    }
    run.threads[child].parent = parent;
    run.threads[child].nth = nth;
    for (int at = 1; at < run.thread_count; ++at) {
        int to = at;
        for (; to > 0 && precedes(at, thread_order[to - 1]); --to) {
            thread_order[to] = thread_order[to - 1];
        }
        thread_order[to] = at;
    }
    return child;
}

/* Fills a stack with POISON: what an earlier run left there must not decide whether a loop is taken to wait, nor pass for
 * written memory. */
void clear_stack(const struct thread *t, size_t above)
{
    size_t depth = run.depth[t->id] > LEAST_CLEARED ? run.depth[t->id] : LEAST_CLEARED;
    depth = (depth + 15) / 16 * 16;
    if (depth > above) {
        typedef uint32_t words __attribute__((vector_size(16)));
        const words poison = {POISON, POISON, POISON, POISON};
        uint8_t *at = t->stack + STACK_BYTES - depth;
        const uint8_t *end = t->stack + STACK_BYTES - above;
        for (; at + sizeof poison <= end; at += sizeof poison) {
            *(words *)(void *)at = poison;
        }
        memcpy(at, &poison, (size_t)(end - at));
    }
}

/* Called when the thread begins for the first time, and not before: some processes run a few executions only. */
void give_stack(struct thread *t)
{
    void *wanted = (void *)(uintptr_t)(STACKS_BASE + (uint64_t)t->id * STACKS_APART);
    t->stack = must(mmap(wanted, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (t->stack != wanted) {
        refuse("the place of the threads' stacks in the address space is taken");
    }
    run.depth[t->id] = FIRST_CLEARED;
    clear_stack(t, 0);
    run.depth[t->id] = 0;
}

const uint8_t *stack_from(const struct thread *t)
{
    size_t depth = run.depth[t->id] > LEAST_CLEARED ? run.depth[t->id] : LEAST_CLEARED;
    const uint8_t *cleared = t->stack + STACK_BYTES - (depth + 15) / 16 * 16;
    const uint8_t *low = fiber_low(t->sp);
    return low < cleared ? low : cleared;
}

void yield_to(int id)
{
    int from = run.current;
    struct thread *to = &run.threads[id];
    if (id == from) {
        return;
    }
    if (to->stack == NULL) {
        give_stack(to);
    }
    if (to->sp == NULL) {
        clear_stack(to, 0);
        to->sp = fiber_make(to->stack, STACK_BYTES, run.body);
        thread_local_begin(id);
    }
    will_change(to);
    thread_local_enter(id);
    run.threads[from].low = run.low;
    run.low = to->low;
    run.current = id;
    fiber_switch(&run.threads[from].sp, to->sp);
}

/* Resets a thread, except for what is kept for ever: its stack, and its place in the tree of thread creations. */
void reset_thread(int id)
{
    struct thread *t = &run.threads[id];
    uint8_t *stack = t->stack;
    int parent = t->parent;
    int nth = t->nth;
    memset(t, 0, offsetof(struct thread, reads));
    t->stack = stack;
    t->id = id;
    t->parent = id == 0 ? -1 : parent;
    t->nth = nth;
}

void reset_threads(void *(*main_body)(void *))
{
    for (int id = 0; id < run.thread_count; ++id) {
        int priority = (int)(control.random >> 40 & 0xffff) + 1;
        (void)random_below(1);
        reset_thread(id);
        run.threads[id].priority = priority;
    }
    run.threads[0].state = READY;
    run.threads[0].body = main_body;
}
