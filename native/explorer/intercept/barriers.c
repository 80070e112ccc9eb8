/*
 * barriers.c - barriers of POSIX.
 *
 * If exactly as many threads use a barrier as its count, all of them take part in each round, and no thread can tell which came
 * first unless it uses the value that the call returned. Then arrivals and departures are events without a location. They are
 * unordered with those of other threads, except that each departure follows all arrivals of its round. Otherwise a
 * read-modify-write counts the arrivals, and their order is explored. A graph has one kind of barrier or the other, so the
 * exploration is restarted for the second kind.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>

#include "intercept.h"

/* The barrier's words: the number of arrivals if they are ordered, the count, and the number of completed rounds. */
struct words {
    uint32_t came;
    uint32_t count;
    uint32_t round;
};

/* How often a thread has arrived at a barrier, which its last arrival has in `expected`. */
static uint32_t arrivals(const struct thread *t, uint64_t address)
{
    for (int at = t->executed - 1; at >= 0; --at) {
        const struct event *e = &graph.events[graph.by_thread[t->id][at]];
        if (e->kind == ARRIVE && e->value == address) {
            return (uint32_t)e->expected;
        }
    }
    return 0;
}

static uint32_t count_of(uint64_t address)
{
    struct words words;
    memcpy(&words, (const void *)(uintptr_t)address, sizeof words);
    return words.count;
}

/* Whether all threads of the round in which the thread waits have arrived. */
static bool may_depart(const struct thread *t)
{
    uint32_t arrived = 0;
    uint32_t round = arrivals(t, t->barrier);
    for (int id = 0; id < run.thread_count; ++id) {
        arrived += arrivals(&run.threads[id], t->barrier) >= round;
    }
    return arrived >= count_of(t->barrier);
}

/* Joins the views of the threads at their arrivals for the thread's round. */
static void meet(uint64_t barrier)
{
    struct thread *t = self();
    uint32_t round = arrivals(t, barrier);
    for (int id = 0; id < run.thread_count; ++id) {
        for (int at = 0; at < run.threads[id].executed; ++at) {
            int arrival = graph.by_thread[id][at];
            const struct event *e = &graph.events[arrival];
            if (e->kind == ARRIVE && e->value == barrier && e->expected == round) {
                view_join(&t->hb, &graph.views[arrival].hb);
                view_join(&t->porf, &graph.views[arrival].porf);
            }
        }
    }
}

#if defined(__x86_64__)
/* Whether the code after a call ignores what the call returned: it writes to the register first, or makes another call. Only
 * instructions that compilers put there are known; at most `most` of them are decoded. */
static bool is_unused_from(const uint8_t *at, int most)
{
    for (; most > 0; --most) {
        if (at[0] == 0xe8 || at[0] == 0xb8 || (at[0] == 0x31 && at[1] == 0xc0)) {
            return true; /* call; mov $n,%eax; xor %eax,%eax */
        }
        bool wide = at[0] == 0x48;
        const uint8_t *op = at + wide;
        if ((op[0] == 0x8b || op[0] == 0x89) && (op[1] & 0xc7) == 0x45 && (op[1] & 0x38) != 0) {
            at += wide + 3; /* mov between another register and n(%rbp) */
            continue;
        }
        if ((op[0] == 0x8b || op[0] == 0x8d) && (op[1] & 0xc7) == 0x05 && (op[1] & 0x38) != 0) {
            at += wide + 6; /* mov or lea of n(%rip) to another register */
            continue;
        }
        if ((op[0] == 0x8b || op[0] == 0x8d) && (op[1] & 0x38) == 0) {
            /* mov or lea to %eax, if not by way of %rax: neither as the base nor, after a 4, as an index */
            return (op[1] & 7) != 0 && (op[1] & 7) != 4;
        }
        if (at[0] > 0xb8 && at[0] <= 0xbf) {
            at += 5; /* mov $n to another register */
        } else if (wide && op[0] > 0xb8 && op[0] <= 0xbf) {
            at += 10;
        } else if (wide && op[0] == 0xc7 && op[1] >= 0xc1 && op[1] <= 0xc7) {
            at += 7;
        } else if (op[0] == 0x83 && (op[1] == 0x45 || op[1] == 0x7d)) {
            at += wide + 4; /* add or compare $n with n(%rbp) */
        } else if (op[0] == 0xc7 && op[1] == 0x45) {
            at += wide + 7; /* mov $n,n(%rbp) */
        } else if (at[0] == 0xeb) {
            at += 2 + (int8_t)at[1]; /* jmp */
        } else if (at[0] == 0xe9) {
            int32_t far = 0;
            memcpy(&far, at + 1, sizeof far);
            at += 5 + far;
        } else if (at[0] >= 0x70 && at[0] <= 0x7f) {
            if (!is_unused_from(at + 2 + (int8_t)at[1], most - 1)) {
                return false; /* jcc */
            }
            at += 2;
        } else if (at[0] == 0x0f && (at[1] & 0xf0) == 0x80) {
            int32_t far = 0;
            memcpy(&far, at + 2, sizeof far);
            if (!is_unused_from(at + 6 + far, most - 1)) {
                return false;
            }
            at += 6;
        } else {
            return false;
        }
    }
    return false;
}

static bool is_result_unused(uint64_t pc)
{
    return is_unused_from((const uint8_t *)(uintptr_t)pc, 12);
}
#else
static bool is_result_unused(uint64_t pc)
{
    (void)pc;
    return false;
}
#endif

int xp_pthread_barrier_init(void *barrier, const void *attributes, unsigned count);
int xp_pthread_barrier_init(void *barrier, const void *attributes, unsigned count)
{
    struct words words = {.count = count};
    (void)attributes;
    plain_access((uint64_t)(uintptr_t)barrier, sizeof words, true, PC);
    memcpy(barrier, &words, sizeof words);
    return 0;
}

static int wait_in_order(uint64_t address, uint32_t count, uint64_t pc)
{
    uint64_t came = atomic_rmw_event(address, 4, ACQ_REL, OP_ADD, 1, pc) + 1;
    uint64_t round = (came - 1) / count;
    if (came % count == 0) {
        atomic_store_event(address + 8, 4, RELEASE, round + 1, pc);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    (void)await_event(address + 8, 4, ACQUIRE, round + 1, true, false, 0, pc);
    return 0;
}

int xp_pthread_barrier_wait(void *barrier);
int xp_pthread_barrier_wait(void *barrier)
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)barrier;
    plain_access(address + 4, 4, false, pc);
    uint32_t count = count_of(address);
    if (count == 0) {
        report("lock-misuse", pc, 0, "thread %d waits at a barrier that was not set up", run.current);
        return 0;
    }
    if (graph.ordered_barriers || !run.concurrent) {
        return wait_in_order(address, count, pc);
    }
    struct thread *t = self();
    uint32_t round = arrivals(t, address) + 1;
    uint32_t threads = round == 1; /* of those that have arrived */
    for (int id = 0; id < run.thread_count; ++id) {
        threads += arrivals(&run.threads[id], address) > 0;
    }
    if (threads > count || !is_result_unused(pc)) {
        refuse_for_room("barriers", "the order of arrivals at a barrier matters");
    }
    barrier_event(ARRIVE, address, pc);
    graph.events[graph.by_thread[t->id][t->executed - 1]].expected = round;
    t->barrier = address;
    wait_at_barrier(may_depart);
    meet(address);
    barrier_event(DEPART, address, pc);
    return 0;
}

int xp_pthread_barrier_destroy(void *barrier);
int xp_pthread_barrier_destroy(void *barrier)
{
    plain_access((uint64_t)(uintptr_t)barrier, sizeof(struct words), true, PC);
    memset(barrier, 0, sizeof(struct words)); /* a count of 0, as of a barrier that was never set up */
    return 0;
}
