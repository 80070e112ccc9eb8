/* step.h - what each event does when its thread executes it. */
#ifndef EXPLORER_STEP_H
#define EXPLORER_STEP_H

#include "schedule.h"

static inline void check_kind(const struct event *e, bool right)
{
    if (!right) {
        refuse("the program did not repeat itself: thread %d did another thing at its event %d than in an earlier run",
               e->thread, e->index);
    }
}

static inline void executed(struct thread *t, int id)
{
    graph.sc = graph.sc || read_order(&graph.events[id]) == SEQ_CST;
    graph.views[id].hb = t->hb;
    graph.views[id].porf = t->porf;
    ++t->executed;
}

static inline void advance(struct thread *t)
{
    ++t->hb.of[t->id];
    ++t->porf.of[t->id];
}

#endif
