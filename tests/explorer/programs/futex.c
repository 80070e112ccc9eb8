/* A thread that sleeps until another one has come, by what Linux has for it: a futex, or an eventfd. Who is to wake it does
 * so where it finds that somebody waits; FENCE is what stands between a store and a look on both sides. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef FENCE
#define FENCE memory_order_seq_cst
#endif

static atomic_uint message;
static atomic_uint waiting;
static _Atomic uint32_t wakes;
#ifdef EVENTFD
static int descriptor;
#endif

static void *send(void *unused)
{
    atomic_store_explicit(&message, 1, memory_order_relaxed);
    atomic_thread_fence(FENCE);
    if (atomic_load_explicit(&waiting, memory_order_relaxed) != 0) {
#ifdef EVENTFD
        const uint64_t one = 1;
        ssize_t put = write(descriptor, &one, sizeof one);
        assert(put == sizeof one);
#else
        atomic_fetch_add_explicit(&wakes, 1, memory_order_relaxed);
        syscall(SYS_futex, &wakes, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#endif
    }
    return unused;
}

int main(void)
{
    pthread_t sender;
    uint32_t seen = atomic_load_explicit(&wakes, memory_order_relaxed);
#ifdef EVENTFD
    uint64_t rings = 0;
    descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert(read(descriptor, &rings, sizeof rings) == -1 && errno == EAGAIN);
#endif
    pthread_create(&sender, NULL, send, NULL);
    atomic_store_explicit(&waiting, 1, memory_order_relaxed);
    atomic_thread_fence(FENCE);
    if (atomic_load_explicit(&message, memory_order_relaxed) == 0) {
#if defined(EVENTFD)
        struct pollfd asked = {.fd = descriptor, .events = POLLIN};
        assert(poll(&asked, 1, -1) == 1 && asked.revents == POLLIN);
        assert(read(descriptor, &rings, sizeof rings) == sizeof rings && rings == 1);
#elif defined(TIMED)
        const long soon[2] = {0, 1};
        long slept = syscall(SYS_futex, &wakes, FUTEX_WAIT_PRIVATE, seen, soon, NULL, 0);
        assert(slept == 0 || (slept == -1 && (errno == ETIMEDOUT || errno == EAGAIN)));
#else
        syscall(SYS_futex, &wakes, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        assert(atomic_load_explicit(&wakes, memory_order_relaxed) != seen);
#endif
    }
    pthread_join(sender, NULL);
#ifdef EVENTFD
    close(descriptor);
#endif
    return 0;
}
