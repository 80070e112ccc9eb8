/*
 * points.c - backtracking points: states of a run at which later runs resume.
 *
 * Two paths of the exploration share the events that were added before the choice in which they differ. So if an event has
 * alternatives, the engine keeps the program's state before it: its memory, and all that the engine knows of its threads. The
 * run of an alternative resumes there instead of at the checkpoint. Points lie on a stack, as the alternatives do: a point is
 * valid as long as the events before it stay in the graph unchanged. (An execution of ten stores by three threads takes 7,700
 * instructions instead of 13,800.)
 *
 * A revisit begins a level of its own. There, the points of the levels below are valid up to the revisited read; the others are
 * valid again once the level is explored.
 */
#define _GNU_SOURCE
#include "points.h"

#include <limits.h>
#include <string.h>

#include "fiber.h"
#include "keep.h"
#include "thread_local.h"

#define MOST_OF_A_POINT ((size_t)1 << 16) /* bytes; if a program needs more, its runs begin at the checkpoint */
#define MOST_OF_ALL ((size_t)1 << 27)

/* To keep a point takes about as long as so many steps of the program, which the runs that resume there save. (With the Sieve
 * of Eratosthenes, an execution takes 14,400 instructions instead of 16,000, and 0.85 of the time.) */
#define LEAST_SAVED 6

struct point {
    int events; /* that were executed before it */
    size_t at;  /* where its bytes are kept, but for those of threads */
    size_t end;
};

struct turn_back {
    int read;
    int points; /* of the levels below */
};

static struct point *points EXPLORER_STATE = NULL;
static int point_count EXPLORER_STATE = 0;
static int point_room EXPLORER_STATE = 0;
static struct turn_back *turns EXPLORER_STATE = NULL;
static int turn_count EXPLORER_STATE = 0;
static int turn_room EXPLORER_STATE = 0;
static bool too_large EXPLORER_STATE = false;
static uint64_t steps EXPLORER_STATE = 0; /* of the program when the last point was kept, or the run began */
static uint64_t states EXPLORER_STATE = 0; /* of threads, that were kept */

static int first_of_level(void)
{
    return turn_count > 0 ? turns[turn_count - 1].points : 0;
}

void points_enter(int read)
{
    turns = grown(turns, &turn_room, turn_count + 1, sizeof *turns);
    turns[turn_count++] = (struct turn_back){.read = read, .points = point_count};
}

void points_leave(void)
{
    point_count = turns[--turn_count].points;
}

void points_cut(int event)
{
    while (point_count > first_of_level() && points[point_count - 1].events > event) {
        --point_count;
    }
}

void points_forget(void)
{
    point_count = 0;
    turn_count = 0;
    too_large = false;
}

/* ---------------------------------------------------------------------------------------------------------- threads */

struct kept_run {
    int current;
    int thread_count;
    uint8_t *low;
    uint64_t pc;
    bool entered;
};

static bool has_stack(const struct thread *t)
{
    return t->sp != NULL && t->state != FINISHED;
}

/* Keeps the part of a thread's stack that the program can read, and its thread-local variables. */
static void keep_stack(const struct thread *t)
{
    const uint8_t *from = stack_from(t);
    size_t size = (size_t)(t->stack + STACK_BYTES - from);
    uint64_t local = 0;
    uint64_t end = 0;
    keep(&size, sizeof size);
    keep(from, size);
    if (thread_local_block(t->id, &local, &end)) {
        keep((const void *)(uintptr_t)local, (size_t)(end - local));
    }
}

static void take_back_stack(const struct thread *t)
{
    size_t size = 0;
    uint64_t local = 0;
    uint64_t end = 0;
    take_back(&size, sizeof size);
    take_back(t->stack + STACK_BYTES - size, size);
    if (thread_local_block(t->id, &local, &end)) {
        take_back((void *)(uintptr_t)local, (size_t)(end - local));
    }
}

/* A thread's state in a point: most often that of an earlier point, which lies below it and is kept as long. */
struct kept_thread {
    uint64_t as; /* the number of the state; 0: the thread is unused */
    size_t at;
};

static void keep_thread(const struct thread *t)
{
    keep(t, offsetof(struct thread, may_acquire));
    keep(t->reads, (size_t)t->reading * sizeof *t->reads);
    keep(t->write, (size_t)t->written * sizeof *t->write);
    keep(t->turn, (size_t)t->turns * sizeof *t->turn);
    keep_spins(t);
}

static void take_back_thread(struct thread *t)
{
    uint8_t *stack = t->stack; /* it may have been given one since */
    take_back(t, offsetof(struct thread, may_acquire));
    t->stack = stack;
    take_back(t->reads, (size_t)t->reading * sizeof *t->reads);
    take_back(t->write, (size_t)t->written * sizeof *t->write);
    take_back(t->turn, (size_t)t->turns * sizeof *t->turn);
    take_back_spins(t);
}

/* Keeps the threads that have changed since a point kept them. (With twelve threads, an execution of loads and stores takes
 * 17,100 instructions instead of 18,500.) */
static void keep_changed_threads(void)
{
    for (int id = 0; id < run.thread_count; ++id) {
        struct thread *t = &run.threads[id];
        if (t->state != UNUSED && t->kept_as == 0) {
            t->kept_as = ++states;
            t->kept_at = kept.at;
            keep_thread(t);
        }
    }
}

/* Stacks are kept every time: code without instrumentation may have written to the stack of a thread that did not run. */
static void keep_threads(void)
{
    const struct kept_run now = {run.current, run.thread_count, run.low, run.pc, run.entered};
    keep(&now, sizeof now);
    for (int id = 0; id < run.thread_count; ++id) {
        const struct thread *t = &run.threads[id];
        const struct kept_thread state = {.as = t->state != UNUSED ? t->kept_as : 0, .at = t->kept_at};
        keep(&state, sizeof state);
        if (has_stack(t)) {
            keep_stack(t);
        }
    }
    will_change(self()); /* it goes on */
}

static void take_back_threads(void)
{
    struct kept_run then;
    take_back(&then, sizeof then);
    run.current = then.current;
    run.low = then.low;
    run.pc = then.pc;
    run.entered = then.entered;
    for (int id = 0; id < run.thread_count; ++id) {
        struct thread *t = &run.threads[id];
        struct kept_thread state = {.as = 0};
        if (id < then.thread_count) {
            take_back(&state, sizeof state);
        }
        if (state.as == 0) {
            reset_thread(id);
            continue;
        }
        if (t->kept_as != state.as) {
            size_t next = kept.at;
            kept.at = state.at;
            take_back_thread(t);
            kept.at = next;
            t->kept_as = state.as;
        }
        t->kept_at = state.at;
        if (has_stack(t)) {
            take_back_stack(t);
        }
        if (t->state == PENDING) {
            t->state = READY; /* it may have events to replay */
        }
    }
    will_change(self());
}

/* ----------------------------------------------------------------------------------------------------------- points */

bool point_is_wanted(int uses)
{
    return control.options.mode == EXHAUSTIVE && !control.options.trace && !graph.asymmetric && !graph.unlocated &&
           !too_large && run.left == 0 && uses > 0 && (uint64_t)uses * (run.steps - steps) >= LEAST_SAVED;
}

void point_keep(int events)
{
    size_t at = point_count > 0 ? points[point_count - 1].end : 0;
    if (at > MOST_OF_ALL) {
        return;
    }
    kept.at = at;
    keep_changed_threads();
    size_t begin = kept.at;
    keep_threads();
    keep_locations(run.number);
    keep_memory();
    keep_history();
    if (kept.at - at > MOST_OF_A_POINT) {
        too_large = true; /* no point is kept any more that could refer to this one */
        return;
    }
    steps = run.steps;
    points = grown(points, &point_room, point_count + 1, sizeof *points);
    points[point_count++] = (struct point){.events = events, .at = begin, .end = kept.at};
}

bool point_resume(void)
{
    if (graph.asymmetric) {
        return false; /* since the point was kept: what such fences release is stored by event numbers, and not kept */
    }
    steps = run.steps - LEAST_SAVED; /* a run that begins at the checkpoint takes longer to begin */
    int most = INT_MAX; /* the events that the graph shares with the point's graph */
    int at = point_count - 1;
    for (int level = turn_count; level >= 0; --level) {
        int first = level > 0 ? turns[level - 1].points : 0;
        while (at >= first && points[at].events > most) {
            --at;
        }
        if (at >= first || level == 0) {
            break;
        }
        most = turns[level - 1].read < most ? turns[level - 1].read : most;
    }
    if (at < 0) {
        return false;
    }
    kept.at = points[at].at;
    take_back_threads();
    take_back_locations(run.number);
    take_back_memory();
    take_back_history();
    run.left = graph.n - points[at].events;
    steps = run.steps;
    return true;
}
