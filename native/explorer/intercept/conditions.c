/*
 * conditions.c - condition variables and semaphores.
 *
 * A condition variable is a set in its first eight bytes: a bit for each thread that sleeps on it. A waiting thread adds itself
 * before it unlocks the mutex, and sleeps until its bit is cleared. A signal removes one of the sleepers, each of them in an
 * execution of its own, and a broadcast removes all; if no thread sleeps, they have no effect. Sleepers wake spuriously only if
 * the options ask for it: then a sleeper may remove itself at any time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "locks.h"

#define DESTROYED (UINT64_C(1) << 63) /* a set that has no thread */

uint64_t sleeper_bit(void)
{
    if (run.current >= 63) {
        refuse("threads beyond the 63rd that sleep on a condition variable or a futex are not followed");
    }
    return UINT64_C(1) << run.current;
}

bool stop_sleeping(uint64_t set, int order, uint64_t pc)
{
    uint64_t bit = sleeper_bit();
    return (atomic_rmw_event(set, 8, order, OP_AND, ~bit, pc) & bit) != 0;
}

void sleep_on(uint64_t set, int order, uint64_t pc)
{
    struct thread *t = self();
    /* A loop that sleeps again after a spurious wake-up could go on for ever: the next time another thread has to wake it. */
    if (control.options.wakeups && t->woke_at != pc) {
        t->woke_at = stop_sleeping(set, order, pc) ? pc : 0;
    } else {
        await_bits_event(set, 8, order, sleeper_bit(), pc);
        t->woke_at = 0;
    }
}

static uint64_t address_of(const void *condition)
{
    return (uint64_t)(uintptr_t)condition;
}

/* Reports a call that found the set of a condition variable that was destroyed. */
static void check_alive(uint64_t found, uint64_t pc, const char *what)
{
    if (found == DESTROYED) {
        report("lock-misuse", pc, 0, "thread %d %s a condition variable that was destroyed", run.current, what);
    }
}

static void set_up(void *condition, uint64_t pc)
{
    plain_access(address_of(condition), 8, true, pc);
    memset(condition, 0, 8);
}
int xp_pthread_cond_init(void *condition, const void *attributes);
int xp_pthread_cond_init(void *condition, const void *attributes)
{
    (void)attributes;
    set_up(condition, PC);
    return 0;
}
int xp_cnd_init(void *condition);
int xp_cnd_init(void *condition)
{
    set_up(condition, PC);
    return 0;
}
int xp_pthread_cond_destroy(void *condition);
int xp_pthread_cond_destroy(void *condition)
{
    uint64_t pc = PC;
    uint64_t sleepers = atomic_rmw_event(address_of(condition), 8, RELAXED, OP_EXCHANGE, DESTROYED, pc);
    check_alive(sleepers, pc, "destroys");
    if (sleepers != 0) {
        report("lock-misuse", pc, 0, "thread %d destroys a condition variable on which threads sleep", run.current);
    }
    return 0;
}

static bool wait(void *condition, void *mutex, bool timed, uint64_t pc)
{
    uint64_t set = address_of(condition);
    bool up = false;
    check_alive(atomic_rmw_event(set, 8, RELAXED, OP_OR, sleeper_bit(), pc), pc, "waits for");
    bool kept = mutex_leave(mutex, pc);
    if (timed) {
        up = stop_sleeping(set, RELAXED, pc); /* the time may be up at any moment before it is woken */
    } else {
        sleep_on(set, RELAXED, pc);
    }
    mutex_come_back(mutex, kept, pc);
    return up;
}
int xp_pthread_cond_wait(void *condition, void *mutex);
int xp_pthread_cond_wait(void *condition, void *mutex)
{
    (void)wait(condition, mutex, false, PC);
    return 0;
}
int xp_pthread_cond_timedwait(void *condition, void *mutex, const struct timespec *until);
int xp_pthread_cond_timedwait(void *condition, void *mutex, const struct timespec *until)
{
    uint64_t pc = PC;
    plain_access((uint64_t)(uintptr_t)until, sizeof *until, false, pc);
    return wait(condition, mutex, true, pc) ? ETIMEDOUT : 0;
}
int xp_pthread_cond_clockwait(void *condition, void *mutex, int clock, const struct timespec *until);
int xp_pthread_cond_clockwait(void *condition, void *mutex, int clock, const struct timespec *until)
{
    uint64_t pc = PC;
    (void)clock;
    plain_access((uint64_t)(uintptr_t)until, sizeof *until, false, pc);
    return wait(condition, mutex, true, pc) ? ETIMEDOUT : 0;
}
int xp_cnd_timedwait(void *condition, void *mutex, const struct timespec *until);
int xp_cnd_timedwait(void *condition, void *mutex, const struct timespec *until)
{
    uint64_t pc = PC;
    plain_access((uint64_t)(uintptr_t)until, sizeof *until, false, pc);
    return wait(condition, mutex, true, pc) ? 4 /* thrd_timedout */ : 0;
}
int xp_pthread_cond_signal(void *condition);
int xp_pthread_cond_signal(void *condition)
{
    uint64_t pc = PC;
    check_alive(take_sleeper_event(address_of(condition), RELAXED, pc), pc, "signals");
    return 0;
}
int xp_pthread_cond_broadcast(void *condition);
int xp_pthread_cond_broadcast(void *condition)
{
    uint64_t pc = PC;
    check_alive(atomic_rmw_event(address_of(condition), 8, RELAXED, OP_AND, 0, pc), pc, "signals");
    return 0;
}

/* ------------------------------------------------------------------------------------------------------ semaphores */

/* A semaphore is a count. */
int xp_sem_init(void *semaphore, int shared, unsigned value);
int xp_sem_init(void *semaphore, int shared, unsigned value)
{
    (void)shared;
    uint32_t count = value;
    plain_access((uint64_t)(uintptr_t)semaphore, 4, true, PC);
    memcpy(semaphore, &count, 4);
    return 0;
}

/* Decrements the count unless it is 0; retries if other threads change it in between. */
static bool take(uint64_t address, uint64_t seen, uint64_t pc)
{
    while (seen != 0) {
        if (atomic_cas_event(address, 4, ACQUIRE, RELAXED, false, &seen, seen - 1, pc)) {
            return true;
        }
    }
    return false;
}
int xp_sem_wait(void *semaphore);
int xp_sem_wait(void *semaphore)
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)semaphore;
    while (!take(address, await_event(address, 4, RELAXED, 0, false, false, 0, pc), pc)) {
    }
    return 0;
}
static int try_to_take(void *semaphore, int error, uint64_t pc)
{
    uint64_t address = (uint64_t)(uintptr_t)semaphore;
    if (take(address, atomic_load_event(address, 4, RELAXED, pc), pc)) {
        return 0;
    }
    *xp_errno_location() = error;
    return -1;
}
int xp_sem_trywait(void *semaphore);
int xp_sem_trywait(void *semaphore)
{
    SPIN_POINT(semaphore);
    return try_to_take(semaphore, EAGAIN, PC);
}
int xp_sem_timedwait(void *semaphore, const struct timespec *until);
int xp_sem_timedwait(void *semaphore, const struct timespec *until)
{
    uint64_t pc = PC;
    plain_access((uint64_t)(uintptr_t)until, sizeof *until, false, pc);
    return try_to_take(semaphore, ETIMEDOUT, pc);
}
int xp_sem_post(void *semaphore);
int xp_sem_post(void *semaphore)
{
    atomic_rmw_event((uint64_t)(uintptr_t)semaphore, 4, RELEASE, OP_ADD, 1, PC);
    return 0;
}
int xp_sem_getvalue(void *semaphore, int *value);
int xp_sem_getvalue(void *semaphore, int *value)
{
    uint64_t pc = PC;
    plain_access((uint64_t)(uintptr_t)value, sizeof *value, true, pc);
    *value = (int)atomic_load_event((uint64_t)(uintptr_t)semaphore, 4, RELAXED, pc);
    return 0;
}
int xp_sem_destroy(void *semaphore);
int xp_sem_destroy(void *semaphore)
{
    plain_access((uint64_t)(uintptr_t)semaphore, 4, true, PC);
    return 0;
}

SAME(xp_cnd_destroy, xp_pthread_cond_destroy);
SAME(xp_cnd_wait, xp_pthread_cond_wait);
SAME(xp_cnd_signal, xp_pthread_cond_signal);
SAME(xp_cnd_broadcast, xp_pthread_cond_broadcast);
