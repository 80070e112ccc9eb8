/*
 * cxx_guards.c - guards of static variables that a function initialises on its first call. The compiler's own code reads byte 0
 * of a guard: whether the variable is initialised. Byte 1 is 0 at first, 1 while a thread initialises the variable, and 2 when
 * it is done.
 */
#define _GNU_SOURCE
#include "library.h"

#define BEGUN 1
#define DONE 2

static uint64_t state_of(const uint8_t *guard)
{
    return (uint64_t)(uintptr_t)guard + 1;
}

/* Returns 1 if the caller must initialise the variable, 0 if it is initialised. */
ENTRY(int, xp___cxa_guard_acquire, uint8_t *guard)
{
    uint64_t pc = PC;
    for (;;) {
        uint64_t seen = 0;
        if (atomic_cas_event(state_of(guard), 1, ACQUIRE, ACQUIRE, false, &seen, BEGUN, pc)) {
            return 1;
        }
        if (seen == BEGUN) {
            seen = await_event(state_of(guard), 1, ACQUIRE, BEGUN, false, false, 0, pc);
        }
        if (seen == DONE) {
            return 0;
        }
    }
}

ENTRY(void, xp___cxa_guard_release, uint8_t *guard)
{
    uint64_t pc = PC;
    atomic_store_event((uint64_t)(uintptr_t)guard, 1, RELEASE, 1, pc);
    atomic_store_event(state_of(guard), 1, RELEASE, DONE, pc);
}

/* An exception left the constructor. */
ENTRY(void, xp___cxa_guard_abort, uint8_t *guard)
{
    atomic_store_event(state_of(guard), 1, RELEASE, 0, PC);
}
