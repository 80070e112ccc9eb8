/* checkpoint.c - the program's memory as it was before its first thread was created: each execution begins with it. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "fiber.h"
#include "keep.h"
#include "memory.h"
#include "thread_local.h"

/* what the checkpoint keeps */
static uint8_t *first_globals EXPLORER_STATE = NULL; /* before any program */

static uint8_t *saved_globals EXPLORER_STATE = NULL;
static uint8_t *saved_stack EXPLORER_STATE = NULL;
static size_t saved_stack_bytes EXPLORER_STATE = 0;
static uint8_t *saved_low EXPLORER_STATE = NULL;

/* memory outside the static variables that is restored, too */
static struct {
    void *at;
    size_t bytes;
    uint8_t *first;
    uint8_t *saved;
} other EXPLORER_STATE = {.bytes = 0};

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

void memory_put_back_too(void *at, size_t bytes)
{
    if (other.bytes == 0) {
        other.at = at;
        other.bytes = bytes;
        other.first = memcpy(must(malloc(bytes)), at, bytes);
        other.saved = memcpy(must(malloc(bytes)), at, bytes);
    }
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
    if (other.bytes > 0) {
        memcpy(other.saved, other.at, other.bytes);
    }
    thread_local_checkpoint();
    heap_checkpoint();
}

void memory_restore(void)
{
    put_globals(saved_globals);
    memcpy(run.threads[0].stack + STACK_BYTES - saved_stack_bytes, saved_stack, saved_stack_bytes);
    run.low = saved_low;
    if (other.bytes > 0) {
        memcpy(other.at, other.saved, other.bytes);
    }
    thread_local_restore();
    heap_restore();
}

void keep_memory(void)
{
    keep(__data_start, globals_before());
    keep(__stop_explorer_state, globals_after());
    keep(&other.bytes, sizeof other.bytes);
    keep(other.at, other.bytes);
    keep_heap();
    keep_shadow();
}

void take_back_memory(void)
{
    take_back(__data_start, globals_before());
    take_back(__stop_explorer_state, globals_after());
    size_t bytes = 0;
    take_back(&bytes, sizeof bytes);
    take_back(other.at, bytes);
    if (bytes == 0 && other.bytes > 0) {
        memcpy(other.at, other.first, other.bytes); /* it was registered after the point */
    }
    take_back_heap();
    take_back_shadow();
}

/* Resets static variables to their values before the first program, and forgets the heap. */
void memory_reset(void)
{
    if (first_globals == NULL) {
        first_globals = must(malloc(globals_before() + globals_after() + 1));
        save_globals(first_globals);
    } else {
        put_globals(first_globals);
    }
    if (other.bytes > 0) {
        memcpy(other.at, other.first, other.bytes);
    }
    heap_reset();
}

/* Marks the heap blocks that static variables and the first thread's thread-local variables point to. */
void mark_variables(void)
{
    uint64_t from = 0;
    uint64_t to = 0;
    heap_mark((uint64_t)(uintptr_t)__data_start, (uint64_t)(uintptr_t)__start_explorer_state);
    heap_mark((uint64_t)(uintptr_t)__stop_explorer_state, (uint64_t)(uintptr_t)_end);
    if (thread_local_block(0, &from, &to)) {
        heap_mark(from, to);
    }
    heap_mark((uint64_t)(uintptr_t)other.at, (uint64_t)(uintptr_t)other.at + other.bytes);
}
