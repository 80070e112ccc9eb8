/*
 * locks.c - mutexes, spin locks, readers-writer locks.
 *
 * A lock is its first four bytes: 0 if it is free, otherwise one more than the number of the thread that holds it. The type of
 * a mutex lies where the C library has it, so that static initialisers have their meaning. The bytes between count how often a
 * recursive mutex was locked again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "locks.h"

#define COUNT_AT 4
#define KIND_AT 16
#define DESTROYED UINT32_MAX
#define WRITES UINT32_C(0x80000000) /* of a readers-writer lock: a writer holds it */

static uint32_t word_at(const void *lock, size_t at)
{
    uint32_t word = 0;
    memcpy(&word, (const uint8_t *)lock + at, sizeof word);
    return word;
}

static void set_word(void *lock, size_t at, uint32_t word)
{
    memcpy((uint8_t *)lock + at, &word, sizeof word);
}

static uint32_t me(void)
{
    return (uint32_t)run.current + 1;
}

static uint64_t address_of(const void *lock)
{
    return (uint64_t)(uintptr_t)lock;
}

static void misuse(uint64_t pc, const char *what, const char *lock, uint32_t holder)
{
    if (holder == 0) {
        report("lock-misuse", pc, 0, "thread %d %s a %s that no thread holds", run.current, what, lock);
    } else {
        report("lock-misuse", pc, 0, "thread %d %s a %s that thread %u holds", run.current, what, lock, holder - 1);
    }
}

static void check_alive(const void *mutex, uint64_t pc, const char *what)
{
    if (word_at(mutex, KIND_AT) == DESTROYED) {
        report("lock-misuse", pc, 0, "thread %d %s a lock that was destroyed", run.current, what);
    }
}

/* ---------------------------------------------------------------------------------------------------------- mutexes */

/* Whether a lock was accessed in this execution, and is held. */
static bool is_held(const void *lock)
{
    int loc = location_at(address_of(lock));
    return loc >= 0 && graph.locations[loc].run == run.number && word_at(lock, 0) != 0;
}

static void mutex_set_up(void *mutex, uint32_t kind, uint64_t pc)
{
    if (is_held(mutex)) {
        misuse(pc, "sets up", "mutex", word_at(mutex, 0));
    }
    plain_access(address_of(mutex), KIND_AT + 4, true, pc);
    memset(mutex, 0, KIND_AT);
    set_word(mutex, KIND_AT, kind);
}

/* Whether the current thread holds the mutex: if so, no other thread has written to it since. */
static bool mine(const void *mutex)
{
    return word_at(mutex, 0) == me();
}

int mutex_lock(void *mutex, uint64_t pc)
{
    uint32_t kind = word_at(mutex, KIND_AT);
    check_alive(mutex, pc, "locks");
    if (mine(mutex) && kind == PTHREAD_MUTEX_RECURSIVE_NP) {
        set_word(mutex, COUNT_AT, word_at(mutex, COUNT_AT) + 1);
        had_effect(self());
        return 0;
    }
    if (mine(mutex) && kind == PTHREAD_MUTEX_ERRORCHECK_NP) {
        return EDEADLK;
    }
    await_event(address_of(mutex), 4, ACQUIRE, 0, true, true, me(), pc);
    return 0;
}

int mutex_unlock(void *mutex, uint64_t pc)
{
    uint32_t kind = word_at(mutex, KIND_AT);
    check_alive(mutex, pc, "unlocks");
    if (!mine(mutex)) {
        if (kind == PTHREAD_MUTEX_RECURSIVE_NP || kind == PTHREAD_MUTEX_ERRORCHECK_NP) {
            return EPERM;
        }
        misuse(pc, "unlocks", "mutex", word_at(mutex, 0));
        return EPERM;
    }
    uint32_t count = word_at(mutex, COUNT_AT);
    if (kind == PTHREAD_MUTEX_RECURSIVE_NP && count > 0) {
        set_word(mutex, COUNT_AT, count - 1);
        had_effect(self());
        return 0;
    }
    atomic_store_event(address_of(mutex), 4, RELEASE, 0, pc);
    return 0;
}

bool mutex_leave(void *mutex, uint64_t pc)
{
    check_alive(mutex, pc, "waits with");
    if (!mine(mutex)) {
        misuse(pc, "waits with", "mutex", word_at(mutex, 0));
    }
    uint32_t count = word_at(mutex, COUNT_AT);
    if (count > 0) { /* POSIX: a mutex that was locked again is unlocked once, and stays locked */
        set_word(mutex, COUNT_AT, count - 1);
        return true;
    }
    atomic_store_event(address_of(mutex), 4, RELEASE, 0, pc);
    return false;
}

void mutex_come_back(void *mutex, bool kept, uint64_t pc)
{
    if (kept) {
        set_word(mutex, COUNT_AT, word_at(mutex, COUNT_AT) + 1);
    } else {
        await_event(address_of(mutex), 4, ACQUIRE, 0, true, true, me(), pc);
    }
}

static int mutex_try(void *mutex, uint64_t pc, int busy)
{
    uint64_t expected = 0;
    check_alive(mutex, pc, "locks");
    if (mine(mutex) && word_at(mutex, KIND_AT) == PTHREAD_MUTEX_RECURSIVE_NP) {
        return mutex_lock(mutex, pc);
    }
    return atomic_cas_event(address_of(mutex), 4, ACQUIRE, RELAXED, false, &expected, me(), pc) ? 0 : busy;
}

static void destroy(void *lock, const char *name, uint64_t pc)
{
    if (word_at(lock, 0) != 0) {
        misuse(pc, "destroys", name, word_at(lock, 0) & WRITES ? word_at(lock, 0) - WRITES : word_at(lock, 0));
    }
    plain_access(address_of(lock), 4, true, pc);
}

int xp_pthread_mutex_init(void *mutex, const void *attributes);
int xp_pthread_mutex_init(void *mutex, const void *attributes)
{
    mutex_set_up(mutex, attributes != NULL ? word_at(attributes, 0) & 3 : 0, PC);
    return 0;
}
int xp_mtx_init(void *mutex, int type);
int xp_mtx_init(void *mutex, int type)
{
    mutex_set_up(mutex, (type & 1) != 0 ? PTHREAD_MUTEX_RECURSIVE_NP : PTHREAD_MUTEX_TIMED_NP, PC);
    return 0;
}
int xp_pthread_mutex_destroy(void *mutex);
int xp_pthread_mutex_destroy(void *mutex)
{
    uint64_t pc = PC;
    check_alive(mutex, pc, "destroys");
    destroy(mutex, "mutex", pc);
    set_word(mutex, KIND_AT, DESTROYED);
    return 0;
}
int xp_pthread_mutex_lock(void *mutex);
int xp_pthread_mutex_lock(void *mutex)
{
    return mutex_lock(mutex, PC);
}
int xp_pthread_mutex_trylock(void *mutex);
int xp_pthread_mutex_trylock(void *mutex)
{
    SPIN_POINT(mutex);
    return mutex_try(mutex, PC, EBUSY);
}
int xp_mtx_trylock(void *mutex);
int xp_mtx_trylock(void *mutex)
{
    SPIN_POINT(mutex);
    return mutex_try(mutex, PC, 1 /* thrd_busy */);
}
int xp_pthread_mutex_unlock(void *mutex);
int xp_pthread_mutex_unlock(void *mutex)
{
    return mutex_unlock(mutex, PC);
}

/* A wait with a time limit may time out whenever the lock is not free. */
int xp_pthread_mutex_timedlock(void *mutex, const struct timespec *until);
int xp_pthread_mutex_timedlock(void *mutex, const struct timespec *until)
{
    uint64_t pc = PC;
    plain_access(address_of(until), sizeof *until, false, pc);
    return mutex_try(mutex, pc, ETIMEDOUT);
}
int xp_pthread_mutex_clocklock(void *mutex, int clock, const struct timespec *until);
int xp_pthread_mutex_clocklock(void *mutex, int clock, const struct timespec *until)
{
    (void)clock;
    uint64_t pc = PC;
    plain_access(address_of(until), sizeof *until, false, pc);
    return mutex_try(mutex, pc, ETIMEDOUT);
}
int xp_mtx_timedlock(void *mutex, const struct timespec *until);
int xp_mtx_timedlock(void *mutex, const struct timespec *until)
{
    uint64_t pc = PC;
    plain_access(address_of(until), sizeof *until, false, pc);
    return mutex_try(mutex, pc, 4 /* thrd_timedout */);
}

int xp_pthread_mutexattr_init(void *attributes);
int xp_pthread_mutexattr_init(void *attributes)
{
    plain_access(address_of(attributes), 4, true, PC);
    set_word(attributes, 0, 0);
    return 0;
}
int xp_pthread_mutexattr_settype(void *attributes, int type);
int xp_pthread_mutexattr_settype(void *attributes, int type)
{
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ADAPTIVE_NP) {
        return EINVAL;
    }
    plain_access(address_of(attributes), 4, true, PC);
    set_word(attributes, 0, (uint32_t)type);
    return 0;
}
int xp_pthread_mutexattr_gettype(const void *attributes, int *type);
int xp_pthread_mutexattr_gettype(const void *attributes, int *type)
{
    plain_access(address_of(attributes), 4, false, PC);
    plain_access(address_of(type), 4, true, PC);
    *type = (int)(word_at(attributes, 0) & 3);
    return 0;
}
static int only(int value, int plain, const char *what)
{
    if (value != plain) {
        refuse("%s are not followed", what);
    }
    return 0;
}
int xp_pthread_mutexattr_setprotocol(void *attributes, int protocol);
int xp_pthread_mutexattr_setprotocol(void *attributes, int protocol)
{
    (void)attributes;
    return only(protocol, PTHREAD_PRIO_NONE, "mutexes with priority inheritance or protection");
}
int xp_pthread_mutexattr_setrobust(void *attributes, int robust);
int xp_pthread_mutexattr_setrobust(void *attributes, int robust)
{
    (void)attributes;
    return only(robust, PTHREAD_MUTEX_STALLED, "robust mutexes");
}

/* ------------------------------------------------------------------------------------------------------- spin locks */

static void check_spin(const void *spin, uint64_t pc, const char *what)
{
    if (word_at(spin, 0) == DESTROYED) {
        report("lock-misuse", pc, 0, "thread %d %s a spin lock that was destroyed", run.current, what);
    }
}

int xp_pthread_spin_init(void *spin, int shared);
int xp_pthread_spin_init(void *spin, int shared)
{
    (void)shared;
    plain_access(address_of(spin), 4, true, PC);
    set_word(spin, 0, 0);
    return 0;
}
int xp_pthread_spin_destroy(void *spin);
int xp_pthread_spin_destroy(void *spin)
{
    uint64_t pc = PC;
    check_spin(spin, pc, "destroys");
    destroy(spin, "spin lock", pc);
    set_word(spin, 0, DESTROYED);
    return 0;
}
int xp_pthread_spin_lock(void *spin);
int xp_pthread_spin_lock(void *spin)
{
    uint64_t pc = PC;
    check_spin(spin, pc, "locks");
    await_event(address_of(spin), 4, ACQUIRE, 0, true, true, me(), pc);
    return 0;
}
int xp_pthread_spin_trylock(void *spin);
int xp_pthread_spin_trylock(void *spin)
{
    uint64_t expected = 0;
    uint64_t pc = PC;
    SPIN_POINT(spin);
    check_spin(spin, pc, "locks");
    return atomic_cas_event(address_of(spin), 4, ACQUIRE, RELAXED, false, &expected, me(), pc) ? 0 : EBUSY;
}
int xp_pthread_spin_unlock(void *spin);
int xp_pthread_spin_unlock(void *spin)
{
    uint64_t pc = PC;
    check_spin(spin, pc, "unlocks");
    if (word_at(spin, 0) != me()) {
        misuse(pc, "unlocks", "spin lock", word_at(spin, 0));
    }
    atomic_store_event(address_of(spin), 4, RELEASE, 0, pc);
    return 0;
}

/* -------------------------------------------------------------------------------------- readers-writer locks */

int xp_pthread_rwlock_init(void *rwlock, const void *attributes);
int xp_pthread_rwlock_init(void *rwlock, const void *attributes)
{
    (void)attributes;
    plain_access(address_of(rwlock), KIND_AT + 4, true, PC);
    memset(rwlock, 0, KIND_AT + 4);
    return 0;
}
int xp_pthread_rwlock_destroy(void *rwlock);
int xp_pthread_rwlock_destroy(void *rwlock)
{
    uint64_t pc = PC;
    if (word_at(rwlock, 0) != 0) {
        report("lock-misuse", pc, 0, "thread %d destroys a lock for readers and writers that is held", run.current);
    }
    plain_access(address_of(rwlock), 4, true, pc);
    set_word(rwlock, KIND_AT, DESTROYED);
    return 0;
}

/* How often the current thread holds a lock as a reader. */
static int *times_read(uint64_t address)
{
    struct thread *t = self();
    int room = (int)(sizeof t->reads / sizeof *t->reads);
    int free = t->reading;
    for (int i = 0; i < t->reading; ++i) {
        if (t->reads[i].lock == address) {
            return &t->reads[i].times;
        }
        free = t->reads[i].times == 0 ? i : free;
    }
    if (free == room) {
        refuse("a thread that holds more than %d locks as a reader is not followed", room);
    }
    t->reading += free == t->reading;
    t->reads[free].lock = address;
    t->reads[free].times = 0;
    return &t->reads[free].times;
}

/* Adds a reader unless a writer holds the lock; retries if other readers come in between. */
static bool enter_as_reader(uint64_t address, uint64_t seen, uint64_t pc)
{
    while ((seen & WRITES) == 0) {
        if (atomic_cas_event(address, 4, ACQUIRE, RELAXED, false, &seen, seen + 1, pc)) {
            ++*times_read(address);
            return true;
        }
    }
    return false;
}
int xp_pthread_rwlock_rdlock(void *rwlock);
int xp_pthread_rwlock_rdlock(void *rwlock)
{
    uint64_t pc = PC;
    uint64_t address = address_of(rwlock);
    check_alive(rwlock, pc, "locks");
    while (!enter_as_reader(address, await_bits_event(address, 4, RELAXED, WRITES, pc), pc)) {
    }
    return 0;
}
int xp_pthread_rwlock_wrlock(void *rwlock);
int xp_pthread_rwlock_wrlock(void *rwlock)
{
    uint64_t pc = PC;
    check_alive(rwlock, pc, "locks");
    await_event(address_of(rwlock), 4, ACQUIRE, 0, true, true, WRITES + me(), pc);
    return 0;
}
int xp_pthread_rwlock_unlock(void *rwlock);
int xp_pthread_rwlock_unlock(void *rwlock)
{
    uint64_t pc = PC;
    uint32_t word = word_at(rwlock, 0);
    check_alive(rwlock, pc, "unlocks");
    bool writes = word == WRITES + me();
    if (!writes && ((word & WRITES) != 0 || *times_read(address_of(rwlock)) == 0)) {
        report("lock-misuse", pc, 0, "thread %d unlocks a lock for readers and writers that it does not hold", run.current);
        return EPERM;
    }
    if (writes) {
        atomic_store_event(address_of(rwlock), 4, RELEASE, 0, pc);
    } else {
        --*times_read(address_of(rwlock));
        atomic_rmw_event(address_of(rwlock), 4, RELEASE, OP_SUB, 1, pc);
    }
    return 0;
}
static int try_read(void *rwlock, uint64_t pc, int busy)
{
    uint64_t address = address_of(rwlock);
    check_alive(rwlock, pc, "locks");
    return enter_as_reader(address, atomic_load_event(address, 4, RELAXED, pc), pc) ? 0 : busy;
}
static int try_write(void *rwlock, uint64_t pc, int busy)
{
    uint64_t seen = 0;
    check_alive(rwlock, pc, "locks");
    return atomic_cas_event(address_of(rwlock), 4, ACQUIRE, RELAXED, false, &seen, WRITES + me(), pc) ? 0 : busy;
}
int xp_pthread_rwlock_tryrdlock(void *rwlock);
int xp_pthread_rwlock_tryrdlock(void *rwlock)
{
    SPIN_POINT(rwlock);
    return try_read(rwlock, PC, EBUSY);
}
int xp_pthread_rwlock_trywrlock(void *rwlock);
int xp_pthread_rwlock_trywrlock(void *rwlock)
{
    SPIN_POINT(rwlock);
    return try_write(rwlock, PC, EBUSY);
}
int xp_pthread_rwlock_timedrdlock(void *rwlock, const struct timespec *until);
int xp_pthread_rwlock_timedrdlock(void *rwlock, const struct timespec *until)
{
    uint64_t pc = PC;
    plain_access(address_of(until), sizeof *until, false, pc);
    return try_read(rwlock, pc, ETIMEDOUT);
}
int xp_pthread_rwlock_timedwrlock(void *rwlock, const struct timespec *until);
int xp_pthread_rwlock_timedwrlock(void *rwlock, const struct timespec *until)
{
    uint64_t pc = PC;
    plain_access(address_of(until), sizeof *until, false, pc);
    return try_write(rwlock, pc, ETIMEDOUT);
}

SAME(xp_pthread_mutexattr_destroy, xp_nothing);
SAME(xp_pthread_mutexattr_setpshared, xp_nothing);
SAME(xp_mtx_destroy, xp_pthread_mutex_destroy);
SAME(xp_mtx_lock, xp_pthread_mutex_lock);
SAME(xp_mtx_unlock, xp_pthread_mutex_unlock);

/* An alias needs its target in the same file. */
static int __attribute__((used)) xp_nothing(void)
{
    return 0;
}
