/* What cannot be explored, and is said to be so. */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

atomic_int x;
_Atomic uint64_t wide;
struct sixteen {
    uint64_t content[2];
};
_Atomic struct sixteen widest;
struct larger {
    uint64_t content[3];
};
_Atomic struct larger largest;

static void *body(void *unused)
{
#if defined(MIXED)
    atomic_store((atomic_uint *)(void *)&wide, 1);
#elif defined(MIXED_INSIDE)
    atomic_store((atomic_uint *)((char *)&wide + 4), 1);
#elif defined(WIDE_128)
    struct sixteen value = atomic_load(&widest);
    return value.content[0] != 0 ? unused : NULL;
#elif defined(WIDE_192)
    struct larger value = atomic_load(&largest);
    return value.content[0] != 0 ? unused : NULL;
#elif defined(CLOCK)
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_nsec & 1024) {
        (void)atomic_load(&x);
    } else {
        atomic_store(&x, 1);
        (void)atomic_load(&x);
    }
#elif defined(KEYS)
    pthread_key_t key;
    pthread_key_create(&key, NULL);
#elif defined(RECURSIVE)
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
#elif defined(ATOMIC_THREAD_LOCAL)
    static _Thread_local atomic_int mine;
    (void)atomic_fetch_add(&mine, 1);
#elif defined(FENCE_OF_ALL)
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
#elif defined(SYSTEM_CALL)
    syscall(SYS_getpid);
#elif defined(BLOCKING_EVENTFD)
    (void)eventfd(0, 0);
#elif defined(POLL_IN_TIME)
    struct pollfd asked = {.fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN};
    (void)poll(&asked, 1, 5);
#elif defined(SYNTAX)
    this is no C;
#endif
    (void)atomic_load(&wide);
    atomic_store(&x, 1);
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i) {
        pthread_create(&threads[i], NULL, body, NULL);
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
