/*
 * waiting.c - spin loops, and the bound on the iterations of loops.
 *
 * An iteration of a spin loop reads, has no effect, and returns to an earlier state. If the stack (with the callee-saved
 * registers, which the entry points save there) is the same as at an earlier read, and the thread has written nothing since,
 * then what it did since has no effect: the thread is blocked. In another execution the reads of the loop read what they wait
 * for. Compare the spin-assume transformation of GenMC.
 *
 * A word of the stack that was not written yet in the earlier state counts as equal to any value: the program cannot depend on
 * it. Without optimisation, a loop keeps its temporary values on the stack, and would otherwise take one more iteration.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "keep.h"
#include "schedule.h"

#define MOST_KEPT ((size_t)1 << 14) /* words of a stack; of a deeper one, only a hash is kept */

static void make_room(struct spin_state *state)
{
    if (state->words > state->room) {
        free(state->stack);
        state->room = state->words * 2;
        state->stack = must(malloc(state->room * sizeof *state->stack));
    }
}

static void take_state(struct spin_state *state, uint64_t address, const void *frame)
{
    const struct thread *t = self();
    state->address = address;
    state->executed = t->executed;
    state->hash = 0;
    state->words = (size_t)(t->stack + STACK_BYTES - (const uint8_t *)frame) / sizeof *state->stack;
    if (state->words > MOST_KEPT) {
        const uint64_t *from = (const uint64_t *)frame;
        const uint64_t *to = (const uint64_t *)(const void *)(t->stack + STACK_BYTES);
        for (; from < to; ++from) {
            state->hash = ((state->hash << 7 | state->hash >> 57) ^ *from) * UINT64_C(0xD6E8FEB86659FD93);
        }
        return;
    }
    make_room(state);
    memcpy(state->stack, frame, state->words * sizeof *state->stack);
}

static bool is_same(const struct spin_state *earlier, const struct spin_state *now)
{
    if (earlier->address != now->address || earlier->words != now->words || earlier->hash != now->hash) {
        return false;
    }
    for (size_t i = 0; now->words <= MOST_KEPT && i < now->words; ++i) {
        if (earlier->stack[i] != now->stack[i] && earlier->stack[i] != POISON) {
            return false;
        }
    }
    return true;
}

/* Notes a plain write before it is executed. A write of the value that is there already has no effect, as in a loop that
 * resets a pointer before each attempt to exchange another. Whether it is one shows at the thread's next check. */
void note_write(uint64_t address, size_t size)
{
    struct thread *t = self();
    int room = (int)(sizeof t->write / sizeof *t->write);
    if (t->spins == 0) {
        return; /* no state is kept that the write could invalidate */
    }
    if (size > sizeof t->write[0].before || t->written == room) {
        had_effect(t);
        return;
    }
    t->write[t->written].address = address;
    t->write[t->written].size = size;
    memcpy(t->write[t->written++].before, (const void *)(uintptr_t)address, size);
}

static void look_at_writes(void)
{
    struct thread *t = self();
    for (int i = 0; i < t->written; ++i) {
        if (memcmp((const void *)(uintptr_t)t->write[i].address, t->write[i].before, t->write[i].size) != 0) {
            had_effect(t);
            return;
        }
    }
    t->written = 0;
}

void spin_check(uint64_t address, const void *frame)
{
    struct thread *t = self();
    size_t depth = (size_t)(t->stack + STACK_BYTES - (const uint8_t *)frame);
    if (!run.concurrent || depth >= STACK_BYTES) {
        return;
    }
    if (depth > run.depth[t->id]) {
        run.depth[t->id] = depth;
    }
    look_at_writes();
    if (t->spins == SPIN_MEMORY) {
        struct spin_state oldest = t->spin[0];
        memmove(&t->spin[0], &t->spin[1], (SPIN_MEMORY - 1) * sizeof t->spin[0]);
        t->spin[SPIN_MEMORY - 1] = oldest;
        --t->spins;
    }
    struct spin_state *now = &t->spin[t->spins];
    take_state(now, address, frame);
    bool repeats = t->executed < graph.count[t->id]; /* the run that built the graph went on from here */
    for (int i = 0; i < t->spins && !repeats; ++i) {
        if (is_same(&t->spin[i], now)) {
            t->spin_from = t->spin[i].executed;
            block_current(BY_SPIN);
        }
    }
    ++t->spins;
}

void keep_spins(const struct thread *t)
{
    for (int i = 0; i < t->spins; ++i) {
        keep(&t->spin[i], offsetof(struct spin_state, room));
        keep(t->spin[i].stack, t->spin[i].words > MOST_KEPT ? 0 : t->spin[i].words * sizeof *t->spin[i].stack);
    }
}

void take_back_spins(struct thread *t)
{
    for (int i = 0; i < t->spins; ++i) {
        struct spin_state *state = &t->spin[i];
        take_back(state, offsetof(struct spin_state, room));
        if (state->words <= MOST_KEPT) {
            make_room(state);
            take_back(state->stack, state->words * sizeof *state->stack);
        }
    }
}

/* Names an access by its instruction and the calls that led to it. */
static uint64_t place_of_access(uint64_t pc, const void *frame)
{
    const struct thread *t = self();
    uint64_t hash = pc * UINT64_C(0x9E3779B97F4A7C15);
    const uintptr_t *at = frame;
    const uintptr_t *end = (const uintptr_t *)(const void *)(t->stack + STACK_BYTES);
    while (at > (const uintptr_t *)frame - 1 && at + 2 <= end && (uintptr_t)at % sizeof *at == 0) {
        hash = (hash << 7 | hash >> 57) ^ (at[1] * UINT64_C(0xD6E8FEB86659FD93));
        const uintptr_t *next = (const uintptr_t *)at[0];
        if (next <= at) {
            break;
        }
        at = next;
    }
    return hash;
}

/*
 * Counts the iterations of loops, if they are bounded. An access that is executed again begins an iteration, and forgets the
 * accesses that were first executed after it, which belong to inner loops. Each loop has an access that is counted in every
 * iteration, or that is forgotten by one that is, so an endless loop reaches the bound.
 */
void loop_check(void)
{
    struct thread *t = self();
    if (control.options.unroll == 0 || !run.entered) {
        return;
    }
    run.entered = false; /* a call of the engine is one step of a loop, however many events it is */
    uint64_t place = place_of_access(run.pc, run.low);
    for (int i = 0; i < t->turns; ++i) {
        if (t->turn[i].place == place) {
            t->turns = i + 1;
            if (++t->turn[i].count > control.options.unroll && t->executed >= graph.count[t->id]) {
                ++control.bounded;
                block_current(BY_CUT);
            }
            return;
        }
    }
    int room = (int)(sizeof t->turn / sizeof *t->turn);
    if (t->turns == room) {
        memmove(&t->turn[0], &t->turn[1], (size_t)(room - 1) * sizeof t->turn[0]);
        --t->turns;
    }
    t->turn[t->turns++] = (struct turn){.place = place, .count = 1};
}

/* Whether a blocked thread would read the same values for ever. (A test-and-set in a spin loop is followed by its own write,
 * so the value counts, and not the write.) A thread whose weak compare-exchange failed spuriously would not. */
bool only_waits_for_the_last(const struct thread *t)
{
    for (int at = t->spin_from; at < t->executed; ++at) {
        const struct event *e = &graph.events[graph.by_thread[t->id][at]];
        if (is_read(e)) {
            const struct location *location = &graph.locations[e->loc];
            uint64_t last = value_of(location, location->writes == 0 ? INITIAL : location->mo[location->writes - 1]);
            if (e->value != last || (e->chooser == WEAK && e->choice != 0)) {
                return false;
            }
        }
    }
    return true;
}
