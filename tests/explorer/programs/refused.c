/* What cannot be explored, and is said to be so. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
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
#elif defined(LARGE_STACK)
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)64 << 20);
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

#ifdef RUNS
/* The explorer makes each execution's memory as new, save its own; so this stands for whatever differs between runs. */
static int runs __attribute__((section("explorer_state"))) = 0;
#endif

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i) {
        pthread_create(&threads[i], NULL, body, NULL);
    }
#ifdef RUNS
    if (++runs % 2 == 0) {
        atomic_store(&x, 2);
    }
    (void)atomic_load(&x);
#endif
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
