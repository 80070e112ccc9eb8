/* threads.c - threads of POSIX and of C11. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "library.h"

/* Whether the program has never created a thread: if so, libraries count without atomic instructions. */
char xp___libc_single_threaded = 1;

static int thread_number(uint64_t handle)
{
    if (handle == 0 || handle > (uint64_t)run.thread_count) {
        refuse("a thread handle names no thread");
    }
    return (int)handle - 1;
}

int xp_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument);

int xp_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    (void)attributes;
    uint64_t pc = PC;
    xp___libc_single_threaded = 0;
    uint64_t handle = (uint64_t)thread_create_event(body, argument, pc) + 1;
    if (thread != NULL) {
        plain_access((uint64_t)(uintptr_t)thread, sizeof *thread, true, pc);
        memcpy(thread, &handle, sizeof handle);
    }
    scrub();
    return 0;
}

int xp_pthread_join(pthread_t thread, void **result);

int xp_pthread_join(pthread_t thread, void **result)
{
    uint64_t handle = 0;
    memcpy(&handle, &thread, sizeof handle);
    uint64_t pc = PC;
    void *value = thread_join_event(thread_number(handle), pc);
    if (result != NULL) {
        plain_access((uint64_t)(uintptr_t)result, sizeof *result, true, pc);
        *result = value;
    }
    scrub();
    return 0;
}

_Noreturn void xp_pthread_exit(void *result);

_Noreturn void xp_pthread_exit(void *result)
{
    run.low = __builtin_frame_address(0);
    thread_end(result);
}

pthread_t xp_pthread_self(void);

pthread_t xp_pthread_self(void)
{
    uint64_t handle = (uint64_t)run.current + 1;
    pthread_t self = 0;
    memcpy(&self, &handle, sizeof handle);
    return self;
}

int xp_pthread_detach(pthread_t thread);

int xp_pthread_detach(pthread_t thread)
{
    (void)thread;
    return 0;
}

int xp_nothing(void);

int xp_nothing(void)
{
    return 0;
}

int xp_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size);

int xp_pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
    (void)attributes;
    if (size > STACK_BYTES) {
        refuse("the program asks for a stack of %zu bytes, and the explorer has %zu MiB for each", size, STACK_BYTES >> 20);
    }
    return 0;
}

int xp_pthread_setname_np(pthread_t thread, const char *name);

int xp_pthread_setname_np(pthread_t thread, const char *name)
{
    (void)thread;
    (void)read_string(name, SIZE_MAX, PC);
    return 0;
}

int xp_thrd_create(pthread_t *thread, int (*body)(void *), void *argument);

int xp_thrd_create(pthread_t *thread, int (*body)(void *), void *argument)
{
    uint64_t pc = PC;
    xp___libc_single_threaded = 0;
    void *(*as_pthread)(void *) = NULL; /* its result is returned in the same register */
    memcpy(&as_pthread, &body, sizeof as_pthread);
    uint64_t handle = (uint64_t)thread_create_event(as_pthread, argument, pc) + 1;
    plain_access((uint64_t)(uintptr_t)thread, sizeof *thread, true, pc);
    memcpy(thread, &handle, sizeof handle);
    return 0;
}

int xp_thrd_join(pthread_t thread, int *result);

int xp_thrd_join(pthread_t thread, int *result)
{
    uint64_t handle = 0;
    memcpy(&handle, &thread, sizeof handle);
    uint64_t pc = PC;
    void *value = thread_join_event(thread_number(handle), pc);
    if (result != NULL) {
        plain_access((uint64_t)(uintptr_t)result, sizeof *result, true, pc);
        *result = (int)(intptr_t)value;
    }
    scrub();
    return 0;
}

_Noreturn void xp_thrd_exit(int result);

_Noreturn void xp_thrd_exit(int result)
{
    thread_end((void *)(intptr_t)result);
}

/* pthread_once and call_once: 0 at first, 1 while a thread runs the function, 2 when it has returned; 0 again if an
 * exception leaves it. */
struct once {
    uint64_t address;
    uint64_t pc;
    uint64_t after;
};

static void leave_once(const struct once *once)
{
    atomic_store_event(once->address, 4, RELEASE, once->after, once->pc);
}

int xp_once(void *flag, void (*body)(void));

int xp_once(void *flag, void (*body)(void))
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)flag;
    uint64_t seen = 0;
    while (seen != 2) {
        seen = 0;
        if (atomic_cas_event(address, 4, ACQUIRE, ACQUIRE, false, &seen, 1, pc)) {
            struct once once __attribute__((cleanup(leave_once))) = {.address = address, .pc = pc, .after = 0};
            body();
            once.after = 2;
            return 0;
        }
        if (seen == 1) {
            seen = await_event(address, 4, ACQUIRE, 1, false, false, 0, pc);
        }
    }
    return 0;
}

/* Sleeping takes no time. */
int xp_nanosleep(const struct timespec *time, struct timespec *rest);
int xp_nanosleep(const struct timespec *time, struct timespec *rest)
{
    (void)rest;
    plain_access((uint64_t)(uintptr_t)time, sizeof *time, false, PC);
    return 0;
}

SAME(xp_thrd_sleep, xp_nanosleep);
SAME(xp_pthread_once, xp_once);
SAME(xp_pthread_attr_init, xp_nothing);
SAME(xp_pthread_attr_destroy, xp_nothing);
SAME(xp_pthread_attr_setdetachstate, xp_nothing);
SAME(xp_pthread_attr_setguardsize, xp_nothing);
SAME(xp_pthread_attr_setscope, xp_nothing);
SAME(xp_pthread_condattr_init, xp_nothing);
SAME(xp_pthread_condattr_destroy, xp_nothing);
SAME(xp_pthread_condattr_setclock, xp_nothing);
SAME(xp_pthread_condattr_setpshared, xp_nothing);
SAME(xp_pthread_rwlockattr_init, xp_nothing);
SAME(xp_pthread_rwlockattr_destroy, xp_nothing);
SAME(xp_pthread_rwlockattr_setpshared, xp_nothing);
SAME(xp_pthread_barrierattr_init, xp_nothing);
SAME(xp_pthread_barrierattr_destroy, xp_nothing);
SAME(xp_pthread_barrierattr_setpshared, xp_nothing);
SAME(xp_pthread_setconcurrency, xp_nothing);
SAME(xp_pthread_yield, xp_nothing);
SAME(xp_thrd_current, xp_pthread_self);
SAME(xp_thrd_detach, xp_pthread_detach);
SAME(xp_thrd_yield, xp_nothing);
SAME(xp_call_once, xp_once);
SAME(xp_sched_yield, xp_nothing);
SAME(xp_usleep, xp_nothing);
SAME(xp_sleep, xp_nothing);
