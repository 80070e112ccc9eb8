/* operations.c - the atomic operations of the program: each is an event that is replayed, or added to the graph. */
#define _GNU_SOURCE
#include "operations.h"

#include <string.h>

#include "explore.h"
#include "findings.h"
#include "step.h"

static uint64_t memory_at(uint64_t address, uint32_t size)
{
    uint64_t value = 0;
    memcpy(&value, (const void *)(uintptr_t)address, size);
    return value;
}

/* The location of an atomic access. The first access of a run takes the initial value from memory. */
static int locate(uint64_t address, uint32_t size)
{
    int loc = location_at(address);
    if (loc < 0) {
        for (uint64_t other = address - 15; other < address + size; ++other) {
            int found = other == address ? -1 : location_at(other);
            if (found >= 0 && graph.locations[found].run == run.number && other + graph.locations[found].size > address) {
                refuse("mixed-size atomic accesses: %u bytes at %#llx and %u bytes at %#llx overlap", size,
                       (unsigned long long)address, graph.locations[found].size, (unsigned long long)other);
            }
        }
        loc = new_location(address, size);
    }
    struct location *location = &graph.locations[loc];
    if (location->size != size) {
        if (location->writes != 0 || location->run == run.number) {
            refuse("mixed-size atomic accesses: %u and %u bytes at %#llx", location->size, size,
                   (unsigned long long)address);
        }
        location->size = size;
    }
    if (location->run != run.number) {
        location->run = run.number;
        location->uninitialized = !heap_is_initialized(address, size) || stack_is_unwritten(address, size);
        location->initial = memory_at(address, size);
        location->in_memory = INITIAL;
        location->unread = -1;
    } else if (location->unread >= 0) {
        graph.events[location->unread].value = memory_at(address, size);
        location->unread = -1;
    }
    return loc;
}

/* Checks that an atomic operation may access this memory. */
static void check_memory(uint64_t address, uint32_t size, bool write, uint64_t pc)
{
    ++run.steps;
    check_heap(address, size, write, pc);
    check_stack(address, size, true, pc);
    check_returns(pc);
}

/* Stores a write's value to memory if it is the latest write that this run has executed: plain reads, and code without
 * instrumentation, read it there. */
static void to_memory(struct location *location, int id)
{
    if (graph.events[id].place > place_of(location->in_memory)) {
        location->in_memory = id;
        uint64_t value = graph.events[id].value;
        memcpy((void *)(uintptr_t)location->address, &value, location->size);
        heap_set_initialized(location->address, location->size);
    }
}

/* Executes a read, new or replayed. Returns its id. */
static int read_event(const struct request *q)
{
    struct thread *t = self();
    int id = 0;
    int loc = 0;
    loop_check();
    t->lock = q->await && q->cas ? q->address : 0;
    do {
        id = next_event();
        check_memory(q->address, q->size, false, q->pc);
        loc = locate(q->address, q->size);
        if (id >= 0) {
            struct event *e = &graph.events[id];
            check_kind(e, is_read(e) && (e->loc == loc || e->loc < 0));
            e->loc = loc;
            while (e->rf != INITIAL && !is_executed(&graph.events[e->rf])) {
                ++run.left; /* it is not executed yet */
                t->state = WAITS_FOR_WRITE;
                t->waits_for = e->rf;
                yield();
                t->state = READY;
                --run.left;
            }
            locate(q->address, q->size);
            check_kind(e, e->rf == INITIAL || graph.events[e->rf].loc == loc);
            e->pc = q->pc;
            e->order = (uint8_t)q->order;
            e->failure = (uint8_t)q->failure;
            e->cas = q->cas;
            e->expected = q->expected;
            e->op = (uint8_t)q->op;
            e->operand = q->operand;
            e->chooser = (uint8_t)q->chooser;
            if (!q->cas) {
                check_kind(e, (e->kind == RMW_READ) == q->rmw);
            }
            settle_read(e, value_of(&graph.locations[loc], e->rf));
        } else {
            id = add_read(q, loc);
        }
    } while (id == AGAIN);
    t->lock = 0;
    struct event *e = &graph.events[id];
    advance(t);
    if (e->rf != INITIAL) {
        const struct views *write = &graph.views[e->rf];
        view_join(&t->porf, &write->porf);
        view_join(acquires(read_order(e)) ? &t->hb : &t->acquired, &write->message);
        if (graph.asymmetric) {
            view_join(&t->may_acquire.light, &graph.messages[e->rf].light);
            view_join(&t->may_acquire.heavy, &graph.messages[e->rf].heavy);
        }
    }
    executed(t, id);
    trace_event(id, NULL);
    check_atomic_race(q->address, q->size, false, q->pc);
    if (e->rf == INITIAL && graph.locations[loc].uninitialized) {
        report("uninitialized-read", q->pc, 0, "atomic read of %u bytes that were never written", q->size);
    }
    return id;
}

static void set_asymmetric(int id, int continues)
{
    if (graph.asymmetric) {
        graph.messages[id] = self()->has_released;
        if (continues != INITIAL) {
            view_join(&graph.messages[id].light, &graph.messages[continues].light);
            view_join(&graph.messages[id].heavy, &graph.messages[continues].heavy);
        }
    }
}

static void write_event(int kind, int order, int loc, uint64_t value, int rmw_read, uint64_t pc)
{
    struct thread *t = self();
    int id = 0;
    bool is_new = false;
    struct location *location = NULL;
    do {
        id = next_event();
        check_memory(graph.locations[loc].address, graph.locations[loc].size, true, pc);
        locate(graph.locations[loc].address, graph.locations[loc].size);
        if (order != PLAIN) {
            check_atomic_race(graph.locations[loc].address, graph.locations[loc].size, true, pc);
        }
        if (id >= 0) {
            struct event *e = &graph.events[id];
            check_kind(e, e->kind == kind && (e->loc == loc || e->loc < 0));
            if (e->loc < 0) {
                e->loc = loc;
            }
            e->value = value;
            e->pc = pc;
            e->order = (uint8_t)order;
        } else {
            id = add_write(kind, order, loc, value, rmw_read, pc);
            is_new = true;
        }
    } while (id == AGAIN);
    location = &graph.locations[loc];
    advance(t);
    if (rmw_read < 0 || value != graph.events[rmw_read].value) {
        had_effect(t); /* for a thread that waits, a test-and-set that changes nothing is only a read */
    }
    executed(t, id);
    set_message(id, rmw_read >= 0 ? graph.events[rmw_read].rf : INITIAL, &t->released);
    set_asymmetric(id, rmw_read >= 0 ? graph.events[rmw_read].rf : INITIAL);
    if (order == PLAIN) {
        location->in_memory = id;
        location->unread = id;
    } else {
        to_memory(location, id);
    }
    trace_event(id, NULL);
    if (is_new) {
        hand_over(id);
    }
}

/* An atomic access before the first thread is created: it reads from memory, and is no event. */
static uint64_t alone(uint64_t address, uint32_t size, bool write, uint64_t pc)
{
    check_memory(address, size, write, pc);
    if (!heap_is_initialized(address, size) || stack_is_unwritten(address, size)) {
        report("uninitialized-read", pc, 0, "atomic read of %u bytes that were never written", size);
    }
    return memory_at(address, size);
}

/* The same for a write. */
static void write_alone(uint64_t address, uint32_t size, uint64_t value, uint64_t pc)
{
    if (control.options.words) {
        word_written_alone(address, pc, memory_at(address, size), value);
    }
    memcpy((void *)(uintptr_t)address, &value, size);
}

uint64_t atomic_load_event(uint64_t address, uint32_t size, int order, uint64_t pc)
{
    if (!run.concurrent) {
        return alone(address, size, false, pc);
    }
    struct request q = {.address = address, .size = size, .order = order, .pc = pc};
    return graph.events[read_event(&q)].value;
}

void atomic_store_event(uint64_t address, uint32_t size, int order, uint64_t value, uint64_t pc)
{
    value = masked(value, size);
    if (!run.concurrent) {
        check_memory(address, size, true, pc);
        write_alone(address, size, value, pc);
        heap_set_initialized(address, size);
        return;
    }
    check_memory(address, size, true, pc);
    loop_check();
    int loc = locate(address, size);
    write_event(STORE, order, loc, value, -1, pc);
}

/* The second half of a read-modify-write. */
static void write_half(const struct request *q, int read)
{
    int before = run.in_rmw; /* whose RMW gets its write once all threads, this one too, have replayed their events */
    run.in_rmw = run.current;
    write_event(RMW_WRITE, q->order, graph.events[read].loc, rmw_result(&graph.events[read]), read, q->pc);
    run.in_rmw = before;
}

static uint64_t rmw(const struct request *q)
{
    int read = read_event(q);
    write_half(q, read);
    return graph.events[read].value;
}

uint64_t atomic_rmw_event(uint64_t address, uint32_t size, int order, enum rmw_op op, uint64_t operand, uint64_t pc)
{
    if (!run.concurrent) {
        uint64_t old = alone(address, size, true, pc);
        write_alone(address, size, masked(result_of(op, old, operand), size), pc);
        return old;
    }
    struct request q = {
        .address = address, .size = size, .order = order, .rmw = true, .op = op, .operand = operand, .pc = pc};
    return rmw(&q);
}

bool rmw_follows_own(void)
{
    const struct thread *t = self();
    int from = graph.events[graph.by_thread[t->id][t->executed - 2]].rf;
    return from != INITIAL && graph.events[from].thread == t->id;
}

uint64_t take_sleeper_event(uint64_t address, int order, uint64_t pc)
{
    if (!run.concurrent) {
        return 0;
    }
    struct request q = {
        .address = address, .size = 8, .order = order, .rmw = true, .op = OP_TAKE, .chooser = SLEEPER, .pc = pc};
    return rmw(&q);
}

void weak_begins(void)
{
    if (!run.concurrent && control.options.weak && control.whole_program) {
        take_checkpoint();
    }
}

/* How often in a row a weak compare-exchange may fail spuriously at one site: a loop with side effects would retry for ever. */
#define WEAK_FAILURES 3

/* Whether a weak compare-exchange at this site may fail spuriously now. */
static bool may_fail(uint64_t pc)
{
    const struct thread *t = self();
    int failures = 0;
    for (int at = t->executed - 1; at >= 0 && failures < WEAK_FAILURES; --at) {
        const struct event *e = &graph.events[graph.by_thread[t->id][at]];
        if (is_read(e) && e->pc == pc && e->cas) {
            if (e->choice == 0) {
                return true;
            }
            ++failures;
        }
    }
    if (failures == WEAK_FAILURES && t->executed >= graph.count[t->id]) {
        ++control.bounded;
    }
    return failures < WEAK_FAILURES;
}

bool atomic_cas_event(uint64_t address, uint32_t size, int success, int failure, bool weak, uint64_t *expected,
                      uint64_t desired, uint64_t pc)
{
    *expected = masked(*expected, size);
    if (!run.concurrent) {
        uint64_t old = alone(address, size, true, pc);
        if (old == *expected) {
            write_alone(address, size, masked(desired, size), pc);
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
                        .operand = desired,
                        .chooser = weak && control.options.weak && may_fail(pc) ? WEAK : NO_CHOICE,
                        .pc = pc};
    int read = read_event(&q);
    uint64_t old = graph.events[read].value;
    if (graph.events[read].kind == LOAD) {
        *expected = old;
        return false;
    }
    write_half(&q, read);
    return true;
}

static uint64_t await(const struct request *q)
{
    if (!run.concurrent) {
        uint64_t old = memory_at(q->address, q->size);
        if (!request_is_met(q, old)) {
            report("deadlock", q->pc, 0, "the only thread waits for what no thread will do");
            end_run(FATAL);
        }
        if (q->rmw) {
            memcpy((void *)(uintptr_t)q->address, &q->operand, q->size);
        }
        return old;
    }
    int from = self()->executed;
    int read = read_event(q);
    uint64_t old = graph.events[read].value;
    if (!request_is_met(q, old)) {
        self()->spin_from = from;
        wait_for_lock();
        run.in_rmw = -1;
        read = graph.by_thread[run.current][self()->executed - 1];
        old = graph.events[read].value;
    }
    if (q->rmw) {
        write_half(q, read);
    }
    return old;
}

uint64_t await_event(uint64_t address, uint32_t size, int order, uint64_t wanted, bool equal, bool exchange, uint64_t to,
                     uint64_t pc)
{
    struct request q = {.address = address,
                        .size = size,
                        .order = order,
                        .failure = order,
                        .rmw = exchange,
                        .cas = exchange,
                        .expected = wanted,
                        .await = true,
                        .equal = equal,
                        .mask = UINT64_MAX,
                        .wanted = wanted,
                        .operand = to,
                        .pc = pc};
    return await(&q);
}

uint64_t await_bits_event(uint64_t address, uint32_t size, int order, uint64_t bits, uint64_t pc)
{
    struct request q = {
        .address = address, .size = size, .order = order, .await = true, .equal = true, .mask = bits, .pc = pc};
    return await(&q);
}

void assume_event(bool holds)
{
    if (!holds) {
        if (!run.concurrent) {
            end_run(STOPPED_BLOCKED);
        }
        block_current(BY_ASSUME);
    }
}

/* A plain write to a location that was accessed atomically in this run: if it has no race, it is the last in modification
 * order. */
void plain_write_to_atomic(int loc, uint64_t pc)
{
    write_event(STORE, PLAIN, loc, 0, -1, pc);
}

