/* checkpoint.c - the program's memory as it was before its first thread was created: each execution begins with it. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "fiber.h"
#include "memory.h"
#include "thread_local.h"

/* what the checkpoint keeps */
static uint8_t *first_globals EXPLORER_STATE = NULL; /* before any program */

static uint8_t *saved_globals EXPLORER_STATE = NULL;
static uint8_t *saved_stack EXPLORER_STATE = NULL;
static size_t saved_stack_bytes EXPLORER_STATE = 0;
static uint8_t *saved_low EXPLORER_STATE = NULL;

extern char __data_start[];
extern char _end[];
extern char __start_explorer_state[];
extern char __stop_explorer_state[];

static size_t globals_before(void)
{
    return (size_t)(__start_explorer_state - __data_start);
}

static size_t globals_after(void)
{
    return (size_t)(_end - __stop_explorer_state);
}

static void save_globals(uint8_t *to)
{
    memcpy(to, __data_start, globals_before());
    memcpy(to + globals_before(), __stop_explorer_state, globals_after());
}

static void put_globals(const uint8_t *from)
{
    memcpy(__data_start, from, globals_before());
    memcpy(__stop_explorer_state, from + globals_before(), globals_after());
}

/* Keeps the program's static and thread-local variables, its heap and the first thread's stack as they are. */
void memory_checkpoint(void)
{
    const uint8_t *sp = fiber_low(run.threads[0].sp);
    saved_globals = must(realloc(saved_globals, globals_before() + globals_after() + 1));
    save_globals(saved_globals);
    saved_stack_bytes = (size_t)(run.threads[0].stack + STACK_BYTES - sp);
    saved_stack = must(realloc(saved_stack, saved_stack_bytes));
    memcpy(saved_stack, sp, saved_stack_bytes);
    saved_low = run.low;
    thread_local_checkpoint();
    heap_checkpoint();
}

void memory_restore(void)
{
    put_globals(saved_globals);
    memcpy(run.threads[0].stack + STACK_BYTES - saved_stack_bytes, saved_stack, saved_stack_bytes);
    run.low = saved_low;
    thread_local_restore();
    heap_restore();
}

/* Makes static variables what they were before the first program, and forgets the heap. */
void memory_reset(void)
{
    if (first_globals == NULL) {
        first_globals = must(malloc(globals_before() + globals_after() + 1));
        save_globals(first_globals);
    } else {
        put_globals(first_globals);
    }
    heap_reset();
}

/* Marks the blocks to which static variables lead, and the first thread's thread-local ones. */
void mark_variables(void)
{
    uint64_t from = 0;
    uint64_t to = 0;
    heap_mark((uint64_t)(uintptr_t)__data_start, (uint64_t)(uintptr_t)__start_explorer_state);
    heap_mark((uint64_t)(uintptr_t)__stop_explorer_state, (uint64_t)(uintptr_t)_end);
    if (thread_local_block(0, &from, &to)) {
        heap_mark(from, to);
    }
}
