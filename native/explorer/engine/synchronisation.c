/* synchronisation.c - events without a location: fences, the creation and the join of threads, barriers. */
#define _GNU_SOURCE
#include <string.h>

#include "operations.h"
#include "step.h"

static void one_fence_event(int order, enum side side, uint64_t pc)
{
    struct thread *t = self();
    if (side != BOTH_SIDES && !graph.asymmetric) {
        graph.asymmetric = true;
        graph.messages = reserve(MAX_EVENTS * sizeof *graph.messages);
    }
    int id = next_event();
    if (id < 0) {
        id = add_event(FENCE, order, -1, pc);
    }
    struct event *e = &graph.events[id];
    check_kind(e, e->kind == FENCE);
    e->pc = pc;
    e->order = (uint8_t)order;
    e->side = (uint8_t)side;
    advance(t);
    if (acquires(order)) {
        if (side != LIGHT) {
            view_join(&t->hb, &t->acquired);
        }
        if (side == HEAVY_EXIT) {
            view_join(&t->hb, &t->may_acquire.light);
        } else if (side == LIGHT) {
            view_join(&t->hb, &t->may_acquire.heavy);
        }
    }
    if (releases(order)) {
        if (side != LIGHT) {
            t->released = t->hb;
        }
        if (side == HEAVY) {
            t->has_released.heavy = t->hb;
        } else if (side == LIGHT) {
            t->has_released.light = t->hb;
        }
    }
    executed(t, id);
    trace_event(id, NULL);
}

void fence_event(int order, enum side side, uint64_t pc)
{
    if (!run.concurrent || order == RELAXED) {
        return;
    }
    one_fence_event(order, side, pc);
    if (side == HEAVY) {
        one_fence_event(order, HEAVY_EXIT, pc);
    }
}

int thread_create_event(void *(*body)(void *), void *argument, uint64_t pc)
{
    struct thread *t = self();
    if (!run.concurrent) {
        take_checkpoint();
        t = self();
    }
    const struct event *again = t->executed < graph.count[t->id] ? &graph.events[graph.by_thread[t->id][t->executed]] : NULL;
    int child = child_of(t->id, t->children++, again != NULL && again->kind == CREATE ? (int)again->value : 0);
    int id = next_event();
    if (id < 0) {
        id = add_event(CREATE, RELAXED, -1, pc);
    }
    struct event *e = &graph.events[id];
    check_kind(e, e->kind == CREATE);
    e->value = (uint64_t)child;
    e->pc = pc;
    advance(t);
    had_effect(t);
    executed(t, id);
    struct thread *c = &run.threads[child];
    c->hb = t->hb;
    c->porf = t->porf;
    memset(&c->acquired, 0, sizeof c->acquired);
    memset(&c->released, 0, sizeof c->released);
    memset(&c->may_acquire, 0, sizeof c->may_acquire);
    memset(&c->has_released, 0, sizeof c->has_released);
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
    struct thread *c = &run.threads[child];
    int id = -1;
    if (c->joined) {
        report("thread-misuse", pc, 0, "thread %d joins thread %d, which was joined before", run.current, child);
    }
    will_change(c);
    c->joined = true;
    while (t->executed < graph.count[t->id] ? c->state != FINISHED
                                         : run.left > 0 || c->state != FINISHED ||
                                               (control.options.mode != RANDOM && next_to_add() != t->id)) {
        t->state = c->state == FINISHED ? PENDING : WAITS_FOR_THREAD;
        t->waits_for = child;
        yield();
        t->state = READY;
    }
    if (t->executed < graph.count[t->id]) {
        --run.left;
        id = graph.by_thread[t->id][t->executed];
    } else {
        locate_graph();
        id = add_event(JOIN, RELAXED, -1, pc);
    }
    struct event *e = &graph.events[id];
    check_kind(e, e->kind == JOIN);
    e->value = (uint64_t)child;
    e->pc = pc;
    advance(t);
    had_effect(t);
    view_join(&t->hb, &c->hb);
    view_join(&t->porf, &c->porf);
    t->hb.of[child] = (EXPLORER_CLOCK)(c->executed + 1); /* its end, too: the plain accesses after its last event */
    executed(t, id);
    trace_event(id, "join");
    return c->result;
}

void barrier_event(enum kind kind, uint64_t address, uint64_t pc)
{
    struct thread *t = self();
    int id = -1;
    if (kind == ARRIVE) {
        id = next_event();
    } else if (t->executed < graph.count[t->id]) {
        --run.left;
        id = graph.by_thread[t->id][t->executed];
    } else {
        locate_graph();
    }
    if (id < 0) {
        id = add_event((int)kind, kind == ARRIVE ? RELEASE : ACQUIRE, -1, pc);
    }
    struct event *e = &graph.events[id];
    check_kind(e, e->kind == (uint8_t)kind);
    e->value = address;
    e->pc = pc;
    advance(t);
    had_effect(t);
    executed(t, id);
    trace_event(id, NULL);
}
