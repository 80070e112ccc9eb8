/* memory.h - the program's memory: its heap, what plain accesses have touched, and the checkpoint. */
#ifndef EXPLORER_MEMORY_H
#define EXPLORER_MEMORY_H

#include "findings.h"

#define ARENA_BYTES (UINT64_C(1) << 30)
#define HEAP_BASE UINT64_C(0x200000000000)
#define HEAP_END (HEAP_BASE + MAX_THREADS * ARENA_BYTES)
#define GAP 16 /* bytes between blocks, that belong to nobody */

/* heap.c */
void *heap_allocate(size_t bytes, size_t alignment, bool zero, uint64_t pc);
void heap_free(void *pointer, uint64_t pc);
size_t heap_size(const void *pointer);
size_t heap_room(uint64_t address);
void check_heap(uint64_t address, size_t size, bool write, uint64_t pc);
bool heap_is_initialized(uint64_t address, size_t size);
void heap_set_initialized(uint64_t address, size_t size);
void heap_set_bits(uint64_t address, size_t size, bool value);
bool heap_has(uint64_t address);

/* Reports blocks that were not freed and that nothing leads to; `mark_roots` marks those to which variables lead. */
void heap_leaks(void (*mark_roots)(void));
void heap_checkpoint(void);
void heap_restore(void);
void heap_reset(void);
void heap_mark(uint64_t from, uint64_t to);

/* An access that does not happen before now, nor now before it. */
struct unordered {
    int thread;
    bool write;
    bool atomic;
    uint64_t pc;
};

/* shadow.c */
typedef void (*on_atomics)(uint64_t word, uint64_t address, size_t size, bool write, uint64_t pc);
void shadow_access(uint64_t address, size_t size, bool write, uint64_t pc, on_atomics meet_atomics);
void check_atomic_race(uint64_t address, uint32_t size, bool write, uint64_t pc);
bool races_with_atomics(int loc, bool write, struct unordered *other);
void report_race(uint64_t address, bool write, uint64_t pc, const struct unordered *other);
bool unordered_access(uint64_t from, uint64_t to, struct unordered *other);
bool was_written(uint64_t address, size_t size);

/* Forgets what accessed the words from `from` up to `to`, which hold variables no longer, and fills what was accessed. */
void shadow_end(uint64_t from, uint64_t to, uint32_t fill);

/* Forgets what accessed the words from `from` up to `to`. */
void shadow_forget(uint64_t from, uint64_t to);

/* Whether a word held a variable of a function that returned, and no access has written to it since. */
bool is_ended(uint64_t address);

/* stacks.c */
uint8_t *stack_of(int thread);
bool stack_is_unwritten(uint64_t address, size_t size);
void check_stack(uint64_t address, size_t size, bool write, uint64_t pc);
void check_returns(uint64_t pc);
void begin_frame(uint64_t from, uint64_t to);
void end_frame(uint64_t from, uint64_t to, uint64_t pc);
_Noreturn void thread_end(void *result);
void mark_variables(void);

/* globals.c */
void globals_prepare(void);
size_t globals_room(uint64_t address);
void check_globals(uint64_t address, size_t size, bool write, uint64_t pc);

/* checkpoint.c */
void memory_reset(void);
void memory_checkpoint(void);
void memory_restore(void);

#endif
