/* memory.h - the program's memory: its heap, what plain accesses have touched, and the checkpoint. */
#ifndef EXPLORER_MEMORY_H
#define EXPLORER_MEMORY_H

#include "findings.h"
#include "shadow.h"
#include "thread_local.h"

#define ARENA_BYTES (UINT64_C(1) << 30)
#define HEAP_BASE UINT64_C(0x200000000000)
#define HEAP_END (HEAP_BASE + MAX_THREADS * ARENA_BYTES)
#define GAP 16 /* bytes between blocks, which belong to no block */

static inline bool is_heap(uint64_t address)
{
    return address - HEAP_BASE < HEAP_END - HEAP_BASE;
}

/* Whether an address lies among the threads' stacks, or between two of them. */
static inline bool is_stack(uint64_t address)
{
    return address - STACKS_BASE < MAX_THREADS * STACKS_APART;
}

/* heap.c */
void *heap_allocate(size_t bytes, size_t alignment, bool zero, uint64_t pc);
void heap_free(void *pointer, uint64_t pc);

/* What allocated a block, and so which function may free it. */
enum allocator { BY_MALLOC, BY_NEW, BY_NEW_ARRAY };
void heap_allocated_by(void *pointer, enum allocator allocator, uint64_t alignment);
void heap_check_partner(const void *pointer, enum allocator allocator, size_t bytes, uint64_t alignment, uint64_t pc);
size_t heap_size(const void *pointer);
size_t heap_room(uint64_t address);
void check_block(uint64_t address, size_t size, bool write, uint64_t pc);
void check_null(uint64_t address, size_t size, bool write, uint64_t pc);
bool heap_is_initialized(uint64_t address, size_t size);
void heap_set_initialized(uint64_t address, size_t size);
void heap_set_bits(uint64_t address, size_t size, bool value);
bool heap_has(uint64_t address);

/* Checks an access to the heap: it must lie in a block whose allocation happens before it, and that was not freed. */
static inline void check_heap(uint64_t address, size_t size, bool write, uint64_t pc)
{
    if (is_heap(address)) {
        check_block(address, size, write, pc);
    } else if (address < 4096) {
        check_null(address, size, write, pc);
    }
}

/* Reports a block that was not freed and that no pointer leads to; `mark_roots` marks the blocks to which variables point. */
void heap_leaks(void (*mark_roots)(void));
void heap_checkpoint(void);
void heap_restore(void);
void heap_reset(void);
void heap_mark(uint64_t from, uint64_t to);

/* An access that happens-before does not order with the current one. */
struct unordered {
    int thread;
    bool write;
    bool atomic;
    uint64_t pc;
};

/* shadow.c */
typedef void (*on_atomics)(uint64_t word, uint64_t address, size_t size, bool write, uint64_t pc);
/* Forgets all accesses, at the beginning of a run. */
void shadow_begin(void);
struct cell *shadow_cell(uint64_t word);

/* Checks a plain access for races with earlier ones, and remembers it. `cell` is that of its first word. */
void shadow_access(struct cell *cell, uint64_t address, size_t size, bool write, uint64_t pc, on_atomics meet_atomics);
void meet_plain(uint64_t address, uint32_t size, bool write, uint64_t pc);

/* Checks an atomic access for races with plain ones, unless its word is known to have none. */
static inline void check_atomic_race(uint64_t address, uint32_t size, bool write, uint64_t pc)
{
    const struct cell *cell = known_cell(address / 8);
    if (cell == NULL || !cell->atomic || cell->first >= 0 || address % 8 + size > 8) {
        meet_plain(address, size, write, pc);
    }
}

bool races_with_atomics(int loc, bool write, struct unordered *other);
void report_race(uint64_t address, bool write, uint64_t pc, const struct unordered *other);
bool unordered_access(uint64_t from, uint64_t to, struct unordered *other);
bool was_written(uint64_t address, size_t size);

/* The variables in the words from `from` up to `to` have ended: forgets the accesses to them, and fills the bytes that were
 * accessed. */
void shadow_end(uint64_t from, uint64_t to, uint32_t fill);

/* Forgets the accesses to the words from `from` up to `to`. */
void shadow_forget(uint64_t from, uint64_t to);

/* Whether a word held a variable of a function that returned, and no access has written to it since. */
bool is_ended(uint64_t address);

/* stacks.c */
void check_frame(uint64_t address, size_t size, bool write, uint64_t pc, bool ended);
void check_thread_local(uint64_t address, bool write, uint64_t pc);
void check_foreign(uint64_t pc);
bool is_unwritten(uint64_t address, size_t size);

static inline bool stack_is_unwritten(uint64_t address, size_t size)
{
    return is_stack(address) && is_unwritten(address, size);
}

/* Checks an access to a local or a thread-local variable: the variable must still exist. */
static inline void check_stack(uint64_t address, size_t size, bool write, uint64_t pc)
{
    if (is_stack(address)) {
        check_frame(address, size, write, pc, run.concurrent && is_ended(address));
    } else if (address - thread_locals.from < thread_locals.bytes) {
        check_thread_local(address, write, pc);
    }
}

/* Whether a function of the thread has returned in whose frame another thread had accessed a variable. */
static inline bool owes_a_look(const struct thread *t)
{
    return t->foreign_to != 0 && t->foreign_from < (uint64_t)(uintptr_t)run.low;
}

static inline void check_returns(uint64_t pc)
{
    if (owes_a_look(self())) {
        check_foreign(pc);
    }
}

/* Extends a range so that it contains the accessed bytes. */
static inline void extend(uint64_t *from, uint64_t *to, uint64_t address, size_t size)
{
    *from = *to == 0 || address < *from ? address : *from;
    *to = address + size > *to ? address + size : *to;
}

/* Whether the current thread accessed bytes of its stack below `to`. */
static inline bool was_touched(uint64_t to)
{
    const struct thread *t = self();
    return t->touched_to != 0 && t->touched_from < to && run.concurrent;
}

void begin_frame(uint64_t from, uint64_t to);
void end_frame(uint64_t from, uint64_t to, uint64_t pc);
_Noreturn void thread_end(void *result);
void mark_variables(void);

/* globals.c */
void globals_prepare(void);
size_t globals_room(uint64_t address);
bool is_library_variable(uint64_t address);
void check_variable(uint64_t address, size_t size, bool write, uint64_t pc);

/* For each word of the static variables, from word number `first` on: whether a variable ends inside it. */
struct inner_ends {
    uint8_t *of;
    uint64_t first;
    uint64_t count; /* 0: the variables are not known */
};

extern struct inner_ends inner_ends;

/* Checks that an access that begins in a static variable ends in it. A word in which no variable ends needs no check. */
static inline void check_globals(uint64_t address, size_t size, bool write, uint64_t pc)
{
    uint64_t at = address / 8 - inner_ends.first;
    if (at < inner_ends.count && (address % 8 + size > 8 || inner_ends.of[at] != 0)) {
        check_variable(address, size, write, pc);
    }
}

/* Keep and take back, at a point of a run: the heap, the accesses to words, and all of the program's memory except its
 * stacks. */
void keep_heap(void);
void take_back_heap(void);
void keep_shadow(void);
void take_back_shadow(void);
void keep_memory(void);
void take_back_memory(void);

/* checkpoint.c */
void memory_reset(void);
void memory_checkpoint(void);
void memory_restore(void);

/* Registers memory outside the program's static variables that is restored, too. No execution has changed it yet. */
void memory_put_back_too(void *at, size_t bytes);

#endif
