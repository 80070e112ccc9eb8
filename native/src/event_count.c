/* event_count.c - event counts: waiting without spinning: chapter RING [RING-31] to [RING-35] [RING-46] to [RING-48]. */
#if !defined(_GNU_SOURCE)
#  define _GNU_SOURCE /* syscall(), clock_gettime() */
#endif

#include "event_count.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#if defined(__linux__) && !defined(RR_PORTABLE_WAITS)
#  include <linux/futex.h>
#  include <linux/membarrier.h>
#  include <sys/syscall.h>
#  include <unistd.h>
#endif
#if defined(_WIN32)
#  include <windows.h>
#endif

#define NANOSECONDS INT64_C(1000000000)
#define NAP_NANOSECONDS INT64_C(500000) /* how long a thread sleeps that cannot be woken */

/* The values of `waiters`. */
#define FENCED 1u    /* never cleared: a thread that makes a condition true has to execute the fence itself */
#define SLEEPERS 2u  /* threads sleep, or are about to */
#define NOTIFIERS 4u /* a notifier is armed */

/* ------------------------------------------------------------------------------------------------------------ system */

#if defined(SYS_futex) && defined(SYS_membarrier)

/* The kernel's timespec, two words of the machine. */
struct kernel_time {
    long seconds;
    long nanoseconds;
};

/* The first call in a process of several threads takes milliseconds, every later one next to nothing. */
static bool register_fences(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Makes all running threads of the process execute a fence. A process that was forked may have to register again. */
static bool fence_all_threads(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 ||
           (register_fences() && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
}

/* Sleeps while the word is `seen`, at most until a time of the monotonic clock; below 0: for ever. Returns 0 or the error. */
static int sleep_on(_Atomic uint32_t *word, uint32_t seen, int64_t until)
{
    struct kernel_time time = {.seconds = (long)(until / NANOSECONDS), .nanoseconds = (long)(until % NANOSECONDS)};
    long slept = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, until < 0 ? NULL : &time, NULL, FUTEX_BITSET_MATCH_ANY);
    return slept == 0 ? 0 : errno;
}

static void futex_wake_all(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#else

static bool register_fences(void)
{
    return false;
}

static bool fence_all_threads(void)
{
    return false;
}

static int64_t nanoseconds_now(void);

static int sleep_on(_Atomic uint32_t *word, uint32_t seen, int64_t until)
{
    int64_t now = nanoseconds_now();
    int64_t nap = until < 0 || until - now > NAP_NANOSECONDS ? NAP_NANOSECONDS : until - now;
    /* pairs with nothing: the caller rechecks its condition after the sleep [ORDER-15] */
    if (nap <= 0 || atomic_load_explicit(word, memory_order_relaxed) != seen) {
        return nap <= 0 ? ETIMEDOUT : 0;
    }
#  if defined(_WIN32)
    Sleep(1);
    return 0;
#  else
    struct timespec time = {.tv_sec = 0, .tv_nsec = (long)nap};
    return nanosleep(&time, NULL) == 0 ? 0 : errno;
#  endif
}

static void futex_wake_all(_Atomic uint32_t *word)
{
    (void)word;
}

#endif

static int64_t nanoseconds_now(void)
{
#if defined(_WIN32)
    return (int64_t)GetTickCount64() * 1000000;
#else
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
#endif
}

/* --------------------------------------------------------------------------------------------------- prepare to wait */

void event_count_init(struct event_count *count)
{
    atomic_init(&count->waiters, register_fences() ? 0 : FENCED);
    atomic_init(&count->epoch, 0);
    atomic_init(&count->notifiers.head, 0);
}

void event_count_end(struct event_count *count)
{
    notifiers_end(&count->notifiers);
}

/* Announces a waiting thread of a kind. It will be notified of every condition that it does not see true afterwards. Returns false
 * if that cannot be relied on: the system had a fence of all threads when the ring was made, and refuses it now. */
static bool prepare_wait(struct event_count *count, uint32_t kind)
{
    /* Release: the caller's load of `epoch` and its notifier come before what a notifying thread does to them. */
    /* pairs with the acquire in event_count_notify_all [ORDER-16] */
    uint32_t waiters = atomic_fetch_or_explicit(&count->waiters, kind, memory_order_release);
    /* pairs with the fence in event_count_has_waiters, or with the order in which event_count_notify is compiled [ORDER-15] */
    atomic_thread_fence(memory_order_seq_cst);
    return (waiters & FENCED) != 0 || fence_all_threads();
}

bool event_count_arm(struct event_count *count, struct notifier *notifier)
{
    if (!notifier_arm(notifier)) {
        return false;
    }
    int saved = errno;
    if (!prepare_wait(count, NOTIFIERS)) {
        notifier_signal(notifier); /* no thread can be relied on to do it; a readable descriptor is never wrong */
    }
    errno = saved;
    return true;
}

/* ------------------------------------------------------------------------------------------------------------ notify */

bool event_count_has_waiters(struct event_count *count)
{
    /* pairs with the fence in prepare_wait: for the caller's store, if FENCED is set [ORDER-15]; and for what the caller
     * loads next [ORDER-20] */
    atomic_thread_fence(memory_order_seq_cst);
    /* pairs with prepare_wait, by the fences [ORDER-15] */
    return (atomic_load_explicit(&count->waiters, memory_order_relaxed) & (SLEEPERS | NOTIFIERS)) != 0;
}

void event_count_notify_all(struct event_count *count)
{
    int saved = errno;
    /* pairs with the release in prepare_wait [ORDER-16] */
    uint32_t waiters = atomic_fetch_and_explicit(&count->waiters, FENCED, memory_order_acquire);
    if ((waiters & SLEEPERS) != 0) {
        /* pairs with the load in wait_begin, by the fences [ORDER-15] */
        atomic_fetch_add_explicit(&count->epoch, 1, memory_order_relaxed);
        futex_wake_all(&count->epoch);
    }
    if ((waiters & NOTIFIERS) != 0) {
        notifiers_signal(&count->notifiers);
    }
    errno = saved;
}

COLD rr_status event_count_notify_slow_path(struct event_count *count)
{
    if (event_count_has_waiters(count)) {
        event_count_notify_all(count);
    }
    return RR_OK;
}

/* -------------------------------------------------------------------------------------------------------------- wait */

/* A wait of one thread. */
struct wait {
    int64_t until; /* of the monotonic clock, in nanoseconds; below 0: for ever */
    uint32_t seen; /* `epoch` when it began */
    bool is_short; /* no thread can be relied on to notify it */
};

static struct wait wait_start(int64_t nanoseconds)
{
    int64_t now = nanoseconds > 0 ? nanoseconds_now() : 0;
    bool ends = nanoseconds >= 0 && nanoseconds <= INT64_MAX - now;
    return (struct wait){.until = ends ? now + nanoseconds : -1, .seen = 0, .is_short = false};
}

static void wait_begin(struct wait *wait, struct event_count *count)
{
    /* First: a later value of `epoch` may be that of the notification that withdrew this announcement [ORDER-16]. */
    /* pairs with the increment in event_count_notify_all, by the fences [ORDER-15] */
    wait->seen = atomic_load_explicit(&count->epoch, memory_order_relaxed);
    wait->is_short = !prepare_wait(count, SLEEPERS);
}

static rr_status wait_sleep(const struct wait *wait, struct event_count *count)
{
    int saved = errno;
    int64_t until = wait->until;
    if (wait->is_short) {
        int64_t soon = nanoseconds_now() + NAP_NANOSECONDS;
        until = until < 0 || soon < until ? soon : until;
    }
    int error = sleep_on(&count->epoch, wait->seen, until);
    errno = saved;
    if (error == EINTR) {
        return RR_INTERRUPTED;
    }
    return error == ETIMEDOUT && until == wait->until ? RR_EMPTY : RR_OK;
}

rr_status event_count_wait(struct event_count *count, look *look, const void *of, uint64_t number, int64_t nanoseconds)
{
    struct wait wait = wait_start(nanoseconds);
    rr_status status = nanoseconds == 0 ? RR_EMPTY : RR_OK;
    for (;;) {
        rr_status found = look(of, number);
        if (found != RR_EMPTY || status != RR_OK) {
            return found != RR_EMPTY ? found : status;
        }
        wait_begin(&wait, count);
        if (look(of, number) == RR_EMPTY) {
            status = wait_sleep(&wait, count);
        }
    }
}
