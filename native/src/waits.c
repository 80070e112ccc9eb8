/* waits.c - waiting for events without spinning: threads that sleep, and bells, whose descriptors poll() and epoll watch.
 *
 * Who waits says so in `waiting`, looks once more whether there is something, and sleeps until `wakes` is another than it
 * was before all that. Who publishes, or ends a reader, looks at `waiting` afterwards; finds somebody there seldom; and
 * then takes the word back to nobody, counts `wakes` up and wakes all, who look and say again that they wait.
 *
 * Each side stores and then looks at what the other stores, and one of the two has to see the other [ORDER-15]. A fence on
 * each side is what that takes, and the writer, who publishes every few nanoseconds, would pay for it at every event. So
 * the one who waits has every running thread of the process execute a fence (membarrier on Linux: an asymmetric fence, as
 * in Goldblatt's P1202), and for the writer it is enough that the compiler keeps its store before its load. Where the
 * system has no such thing, FENCED is set in `waiting` for good: every publication then finds the word to be other than
 * 0, and comes here for the fence.
 */
#if !defined(_GNU_SOURCE)
#  define _GNU_SOURCE /* syscall(), clock_gettime(), pipe() */
#endif

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "private.h"

#if defined(__linux__) && !defined(RR_PORTABLE_WAITS)
#  include <linux/futex.h>
#  include <linux/membarrier.h>
#  include <sys/eventfd.h>
#  include <sys/syscall.h>
#endif
#if defined(_WIN32)
#  include <windows.h>
#else
#  include <fcntl.h>
#  include <unistd.h>
#endif

#define NANOSECONDS INT64_C(1000000000)
#define NAP_NANOSECONDS INT64_C(500000) /* how long a thread sleeps that cannot be woken */

/* What `waiting` of a ring says. */
#define FENCED 1u   /* never cleared: who publishes has to execute the fence itself */
#define SLEEPERS 2u /* threads sleep, or are about to */
#define BELLS 4u    /* a bell is armed */

/* ------------------------------------------------------------------------------------------------------------ system */

#if defined(SYS_futex) && defined(SYS_membarrier)

/* The kernel's timespec, two words of the machine. */
struct kernel_time {
    long seconds;
    long nanoseconds;
};

/* The first time in a process of several threads takes milliseconds, every other one next to nothing. */
static bool register_fences(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Has all running threads of the process execute a fence. A process that was forked may have to register anew. */
static bool fence_all_threads(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 ||
           (register_fences() && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
}

/* Sleeps while the word is `seen`, at the longest until a time of the monotonic clock; below 0: for ever. Returns 0 or the
 * error. */
static int sleep_on(_Atomic uint32_t *word, uint32_t seen, int64_t until)
{
    struct kernel_time time = {.seconds = (long)(until / NANOSECONDS), .nanoseconds = (long)(until % NANOSECONDS)};
    long slept = syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, until < 0 ? NULL : &time, NULL,
                         FUTEX_BITSET_MATCH_ANY);
    return slept == 0 ? 0 : errno;
}

static void wake_all_on(_Atomic uint32_t *word)
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
    /* pairs with nothing: what is there is looked at again after the sleep [ORDER-15] */
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

static void wake_all_on(_Atomic uint32_t *word)
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

/* --------------------------------------------------------------------------------------------------------- the fence */

void waits_init(struct ring_cursors *cursors, struct ring_places *places)
{
    atomic_init(&cursors->waiting, register_fences() ? 0 : FENCED);
    atomic_init(&cursors->wakes, 0);
    atomic_init(&places->bells, 0);
}

/* Says that somebody waits; what the caller does not see afterwards, it will be woken for. Returns false where that cannot
 * be had: the fence of all threads was there when the ring was made, and is refused now. */
static bool announce_wait(struct ring_cursors *cursors, uint32_t who)
{
    /* Release, so that the caller's look at `wakes` and its bell are before what a waker does to them. */
    /* pairs with the acquire in waits_wake [ORDER-16] */
    uint32_t waiting = atomic_fetch_or_explicit(&cursors->waiting, who, memory_order_release);
    /* pairs with the fence in waits_wake, or with the order in which a publication is compiled [ORDER-15] */
    atomic_thread_fence(memory_order_seq_cst);
    return (waiting & FENCED) != 0 || fence_all_threads();
}

/* ------------------------------------------------------------------------------------------------------------- bells */

/* An eventfd, or a pipe where there is none, that a waker makes readable. Bells stay in the ring's list until its end, and
 * go from one reader to the next: a waker never writes to a descriptor that was closed, and nobody waits for a waker. */
struct bell {
    struct bell *next;
    _Atomic uint32_t owned; /* whether a reader has it */
    _Atomic uint32_t armed; /* whether it is to be rung at the next event */
    int watched;            /* the descriptor to wait on */
    int rung;               /* the descriptor to write to; the same one for an eventfd */
    int64_t process;        /* the one that made it: after a fork the two processes share the descriptors */
};

#if defined(_WIN32)

static int64_t process_now(void)
{
    return 0;
}

static bool open_bell(struct bell *bell)
{
    (void)bell;
    errno = ENOSYS;
    return false;
}

static void close_bell(const struct bell *bell)
{
    (void)bell;
}

static void ring_bell(const struct bell *bell)
{
    (void)bell;
}

static void silence_bell(const struct bell *bell)
{
    (void)bell;
}

#else

static int64_t process_now(void)
{
    return (int64_t)getpid();
}

#  if defined(EFD_NONBLOCK)

static bool open_bell(struct bell *bell)
{
    bell->watched = bell->rung = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return bell->watched >= 0;
}

#  else

static bool open_bell(struct bell *bell)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    for (int i = 0; i < 2; ++i) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    bell->watched = ends[0];
    bell->rung = ends[1];
    return true;
}

#  endif

static void close_bell(const struct bell *bell)
{
    if (bell->process == process_now()) { /* in another process the numbers may be other files by now */
        (void)close(bell->watched);
        if (bell->rung != bell->watched) {
            (void)close(bell->rung);
        }
    }
}

static void ring_bell(const struct bell *bell)
{
    const uint64_t one = 1;
    if (bell->process == process_now()) {
        while (write(bell->rung, &one, sizeof one) < 0 && errno == EINTR) { /* full is readable too */
        }
    }
}

static void silence_bell(const struct bell *bell)
{
    uint64_t rings = 0;
    ssize_t got = 0;
    do {
        got = read(bell->watched, &rings, sizeof rings);
    } while ((got < 0 && errno == EINTR) || (got > 0 && bell->watched != bell->rung));
}

#endif

static struct bell *first_bell(struct ring_places *places)
{
    /* pairs with the release of who put a bell in [ORDER-16] */
    return (struct bell *)atomic_load_explicit(&places->bells, memory_order_acquire);
}

struct bell *bell_take(struct ring_places *places, rr_status *status)
{
    int64_t process = process_now();
    for (struct bell *bell = first_bell(places); bell != NULL; bell = bell->next) {
        uint32_t nobody = 0;
        /* pairs with the release of the last owner, whose bell is disarmed before [ORDER-16] */
        if (bell->process == process && atomic_compare_exchange_strong_explicit(
                                            &bell->owned, &nobody, 1, memory_order_acquire, memory_order_relaxed)) {
            ring_bell(bell);
            return bell;
        }
    }
    struct bell *bell = calloc(1, sizeof *bell);
    if (bell == NULL || !open_bell(bell)) {
        set_status(status, bell == NULL ? RR_NO_MEMORY : RR_SYSTEM);
        free(bell);
        return NULL;
    }
    bell->process = process;
    atomic_init(&bell->owned, 1);
    atomic_init(&bell->armed, 0);
    ring_bell(bell);
    /* pairs with nothing: a guess, which the compare-exchange below confirms [ORDER-16] */
    uintptr_t head = atomic_load_explicit(&places->bells, memory_order_relaxed);
    do {
        bell->next = (struct bell *)head;
        /* pairs with the acquire in first_bell [ORDER-16] */
    } while (!atomic_compare_exchange_weak_explicit(&places->bells, &head, (uintptr_t)bell, memory_order_release,
                                                    memory_order_relaxed));
    return bell;
}

void bell_give_back(struct bell *bell)
{
    /* pairs with nothing: a waker that comes too late rings for nobody, which does no harm [ORDER-16] */
    atomic_store_explicit(&bell->armed, 0, memory_order_relaxed);
    /* pairs with the acquire in bell_take [ORDER-16] */
    atomic_store_explicit(&bell->owned, 0, memory_order_release);
}

int bell_descriptor(const struct bell *bell)
{
    return bell->process == process_now() ? bell->watched : -1;
}

bool bell_arm(struct ring_cursors *cursors, struct bell *bell)
{
    /* pairs with nothing: that it was rung is seen at the next look, or on the descriptor [ORDER-16] */
    if (atomic_load_explicit(&bell->armed, memory_order_relaxed) != 0 || bell->process != process_now()) {
        return false;
    }
    int saved = errno;
    silence_bell(bell);
    /* pairs with the exchange in waits_wake, by way of `waiting` [ORDER-16] */
    atomic_store_explicit(&bell->armed, 1, memory_order_relaxed);
    if (!announce_wait(cursors, BELLS)) {
        ring_bell(bell); /* it cannot be relied on to be rung, so it says what is always right: there may be something */
    }
    errno = saved;
    return true;
}

void bell_ring(const struct bell *bell)
{
    int saved = errno;
    ring_bell(bell);
    errno = saved;
}

void waits_end(struct ring_places *places)
{
    struct bell *bell = first_bell(places);
    while (bell != NULL) {
        struct bell *next = bell->next;
        close_bell(bell);
        free(bell);
        bell = next;
    }
}

/* ------------------------------------------------------------------------------------------------------------ waking */

void waits_wake(struct ring_cursors *cursors, struct ring_places *places)
{
    int saved = errno;
    /* pairs with the fence in announce_wait, where there is FENCED [ORDER-15] */
    atomic_thread_fence(memory_order_seq_cst);
    /* pairs with announce_wait, by the fences [ORDER-15] */
    if ((atomic_load_explicit(&cursors->waiting, memory_order_relaxed) & (SLEEPERS | BELLS)) == 0) {
        return;
    }
    /* pairs with the release in announce_wait [ORDER-16] */
    uint32_t waiting = atomic_fetch_and_explicit(&cursors->waiting, FENCED, memory_order_acquire);
    if ((waiting & SLEEPERS) != 0) {
        /* pairs with the load in waits_begin, by the fences [ORDER-15] */
        atomic_fetch_add_explicit(&cursors->wakes, 1, memory_order_relaxed);
        wake_all_on(&cursors->wakes);
    }
    if ((waiting & BELLS) != 0) {
        for (struct bell *bell = first_bell(places); bell != NULL; bell = bell->next) {
            /* pairs with the store in bell_arm, by way of `waiting` [ORDER-16] */
            if (atomic_exchange_explicit(&bell->armed, 0, memory_order_relaxed) != 0) {
                ring_bell(bell);
            }
        }
    }
    errno = saved;
}

/* ---------------------------------------------------------------------------------------------------------- sleeping */

struct wait waits_start(int64_t nanoseconds)
{
    int64_t now = nanoseconds > 0 ? nanoseconds_now() : 0;
    bool ends = nanoseconds >= 0 && nanoseconds <= INT64_MAX - now;
    return (struct wait){.until = ends ? now + nanoseconds : -1, .seen = 0, .is_short = false};
}

void waits_begin(struct wait *wait, struct ring_cursors *cursors)
{
    /* First of all: a later count of `wakes` would be of who was woken, and may be of who took `waiting` back. */
    /* pairs with the count in waits_wake, by the fences [ORDER-15] */
    wait->seen = atomic_load_explicit(&cursors->wakes, memory_order_relaxed);
    wait->is_short = !announce_wait(cursors, SLEEPERS);
}

rr_status waits_sleep(const struct wait *wait, struct ring_cursors *cursors)
{
    int saved = errno;
    int64_t until = wait->until;
    if (wait->is_short) {
        int64_t soon = nanoseconds_now() + NAP_NANOSECONDS;
        until = until < 0 || soon < until ? soon : until;
    }
    int error = sleep_on(&cursors->wakes, wait->seen, until);
    errno = saved;
    if (error == EINTR) {
        return RR_INTERRUPTED;
    }
    return error == ETIMEDOUT && until == wait->until ? RR_EMPTY : RR_OK;
}
