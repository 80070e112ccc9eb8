/* control.c - the ways out of a run, and what the whole engine shares: options, counts, random numbers. */
#define _GNU_SOURCE
#include "control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "fiber.h"

struct control control EXPLORER_STATE = {.weight = 0};

sigjmp_buf refusal_landing EXPLORER_STATE;

void *enlarged(void *memory, int *room, int needed, size_t each)
{
    int wanted = *room == 0 ? 64 : *room * 2;
    while (wanted < needed) {
        wanted *= 2;
    }
    void *larger = must(realloc(memory, (size_t)wanted * each));
    *room = wanted;
    return larger;
}

void *must(void *memory)
{
    if (memory == NULL || memory == MAP_FAILED) {
        refuse("no memory left");
    }
    return memory;
}

/* Switches to the engine's stack, and never returns. */
_Noreturn void end_run(enum ending ending)
{
    control.ending = ending;
    control.on_fiber = false;
    fiber_switch(NULL, control.engine_sp);
    abort();
}

static void write_refusal(const char *format, va_list arguments)
{
    if (!control.refused) {
        vsnprintf(control.refusal, sizeof control.refusal, format, arguments);
    }
    control.refused = true;
    control.stop = true;
}

static _Noreturn void leave_refused(void)
{
    if (control.on_fiber) {
        end_run(FATAL);
    }
    siglongjmp(refusal_landing, 1);
}

_Noreturn void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_refusal(format, arguments);
    va_end(arguments);
    leave_refused();
}

_Noreturn void refuse_for_room(const char *what, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_refusal(format, arguments);
    va_end(arguments);
    control.grow = what;
    leave_refused();
}

void *reserve(size_t bytes)
{
    return must(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/* A number drawn from 0 to `bound` - 1. */
uint64_t random_below(uint64_t bound)
{
    control.random = control.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (control.random >> 33) % bound;
}
