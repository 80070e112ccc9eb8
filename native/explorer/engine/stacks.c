/*
 * stacks.c - the threads' stacks as memory: variables of functions that have returned, and variables that were not written.
 *
 * A thread is suspended only in a call of the engine, so memory below that call's frame belongs to functions that have
 * returned. An access to another thread's stack must happen before the function in whose frame it lies returns, or that thread
 * ends. The engine checks this both at the access and at the return, since either may come first in a run.
 */
#define _GNU_SOURCE
#include <string.h>

#include "memory.h"

/* The thread in whose stack an address among the stacks lies, or -1. */
static int owner_of(uint64_t address)
{
    uint64_t at = address - STACKS_BASE;
    return at % STACKS_APART < STACK_BYTES ? (int)(at / STACKS_APART) : -1;
}

/* Whether all bytes are as before the first write to them. Of a single byte, its whole word has to be. */
static bool is_poison(uint64_t address, size_t size)
{
    for (uint64_t word = address / 4; word * 4 < address + size; ++word) {
        uint32_t value = 0;
        memcpy(&value, (const void *)(uintptr_t)(word * 4), sizeof value);
        if (value != POISON) {
            return false;
        }
    }
    return true;
}

/* The same for the bytes alone, in a word that is known to have been filled. */
static bool is_filled(uint64_t address, size_t size)
{
    const uint32_t pair[] = {POISON, POISON};
    for (uint64_t at = address; at < address + size; ++at) {
        if (*(const uint8_t *)(uintptr_t)at != ((const uint8_t *)pair)[at % 8]) {
            return false;
        }
    }
    return true;
}

bool is_unwritten(uint64_t address, size_t size)
{
    return owner_of(address) >= 0 && is_poison(address, size) && !was_written(address, size);
}

static void report_return(bool write, int owner, uint64_t pc, const char *how)
{
    report("use-after-return", pc, 0, "%s by thread %d of a variable of thread %d, %s", write ? "write" : "read", run.current,
           owner, how);
}

/* Reports an access to a thread-local variable of a thread that has ended. */
void check_thread_local(uint64_t address, bool write, uint64_t pc)
{
    uint64_t from = 0;
    uint64_t to = 0;
    for (int id = 1; id < run.thread_count && thread_local_block(id, &from, &to); ++id) {
        if (address >= from && address < to && run.threads[id].state == FINISHED) {
            report_return(write, id, pc, "which has ended");
        }
    }
}

/* Checks an access to a stack. `ended`: its word is known to have held a variable of a function that has returned. */
void check_frame(uint64_t address, size_t size, bool write, uint64_t pc, bool ended)
{
    int owner = owner_of(address);
    if (owner < 0) {
        return;
    }
    struct thread *t = &run.threads[owner];
    uint64_t low = (uint64_t)(uintptr_t)(owner == run.current ? run.low : t->low);
    if (owner != 0 && (t->state == FINISHED || t->state == UNUSED)) {
        report_return(write, owner, pc, "which has ended");
        end_run(FATAL); /* the stack has no owner */
    }
    if (address < low || (ended && is_filled(address, size) && !(write && owner == run.current))) {
        report_return(write, owner, pc, "whose function has returned");
        return;
    }
    will_change(t);
    extend(&t->touched_from, &t->touched_to, address, size);
    if (owner != run.current) {
        extend(&t->foreign_from, &t->foreign_to, address, size);
    }
    if (!write && size <= 16 && is_unwritten(address, size)) {
        report("uninitialized-read", pc, 0, "read of %zu bytes of a variable of thread %d that was never written", size,
               owner);
    }
}

static void check_frames(uint64_t to, uint64_t pc, const char *ending)
{
    struct thread *t = self();
    struct unordered other;
    if (unordered_access(t->foreign_from, to, &other)) {
        report("use-after-return", other.pc, pc, "%s by thread %d of a variable of thread %d, %s before that is known to happen",
               other.write ? "write" : "read", other.thread, t->id, ending);
    }
}

/* Checks the functions that have returned, and in whose frames other threads had accessed variables. */
void check_foreign(uint64_t pc)
{
    struct thread *t = self();
    uint64_t low = (uint64_t)(uintptr_t)run.low;
    check_frames(low < t->foreign_to ? low : t->foreign_to, pc, "whose function may return");
    t->foreign_from = low;
    if (t->foreign_to <= low) {
        t->foreign_to = 0;
    }
}

/* A function is entered with the frame from `from` up to `to`. Bytes of it were accessed by functions that returned without
 * the engine's knowledge: forgets these accesses. */
void begin_frame(uint64_t from, uint64_t to)
{
    struct thread *t = self();
    shadow_forget(t->touched_from > from ? t->touched_from : from, t->touched_to < to ? t->touched_to : to);
    if (t->touched_to <= to) {
        t->touched_to = 0;
    } else {
        t->touched_from = to;
    }
}

/* Defined if the whole program is compiled without optimisation: then a function needs none of its variables after its call
 * of __tsan_func_exit(). Otherwise it may still load its result from one. */
extern const char explorer_unoptimized __attribute__((weak));

/* A function with the frame from `from` up to `to` returns: its variables end. */
void end_frame(uint64_t from, uint64_t to, uint64_t pc)
{
    struct thread *t = self();
    if (t->touched_to <= from) {
        return;
    }
    if (t->foreign_to != 0 && t->foreign_from < to) {
        check_frames(to < t->foreign_to ? to : t->foreign_to, pc, "whose function may return");
        t->foreign_from = to;
        t->foreign_to = t->foreign_to <= to ? 0 : t->foreign_to;
    }
    if (&explorer_unoptimized == NULL) {
        return;
    }
    shadow_end(t->touched_from > from ? t->touched_from : from, t->touched_to < to ? t->touched_to : to, POISON);
    if (t->touched_to <= to) {
        t->touched_to = 0;
    } else {
        t->touched_from = to;
    }
}

/* The same for all frames of a thread, and for its thread-local variables. */
static void check_end_of_thread(void)
{
    struct thread *t = self();
    uint64_t from = 0;
    uint64_t to = 0;
    if (t->id == 0) {
        return;
    }
    if (t->foreign_to != 0) {
        check_frames(t->foreign_to, 0, "which may end");
    }
    if (thread_local_block(t->id, &from, &to)) {
        t->foreign_from = from;
        check_frames(to, 0, "which may end");
    }
}

/* Ends the current thread. */
_Noreturn void thread_end(void *result)
{
    if (run.leave != NULL) {
        run.leave();
    }
    check_end_of_thread();
    thread_exit(result);
}
