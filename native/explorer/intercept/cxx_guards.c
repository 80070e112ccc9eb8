/*
 * cxx_guards.c - variables that are set up when a function first comes to them. Byte 0 of their guard is what the compiler's
 * own code looks at: whether all is done. Byte 1 is 0 if nobody has begun, 1 while a thread is at it, 2 when it is done.
 */
#define _GNU_SOURCE
#include "library.h"

#define BEGUN 1
#define DONE 2

static uint64_t state_of(const uint8_t *guard)
{
    return (uint64_t)(uintptr_t)guard + 1;
}

/* Whether the caller has to set up the variable. */
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
