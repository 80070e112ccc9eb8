/* waits.c - event counts: waiting without spinning, by threads that sleep, and by bells, whose descriptors poll() and epoll
 * watch. A ring has two: readers wait for events, and the writer of a gated ring waits for room.
 *
 * A thread that waits says so in `waiting`, looks once more whether there is something, and sleeps until `wakes` is another
 * than it was before all that. A thread that stores what may be waited for looks at `waiting` afterwards. Seldom does it find
 * a waiter there; then it clears the word, counts `wakes` up and wakes all waiters, which look and say again that they wait.
 *
 * Each side stores and then looks at what the other stores, and one of the two has to see the other [ORDER-15]. A fence on
 * each side is what that takes, and a writer that publishes, or a reader that moves on, every few nanoseconds would pay for it
 * at every event. So the waiting thread has every running thread of the process execute a fence (membarrier on Linux: an
 * asymmetric fence, as in Goldblatt's P1202), and for the other it is enough that the compiler keeps its store before its
 * load. Where the system has no such thing, FENCED is set in `waiting` for good: every publication, and every move of a
 * reader in a gated ring, then finds the word to be other than 0, and comes here for the fence.
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

/* What `waiting` says. */
#define FENCED 1u   /* never cleared: a thread that stores what is waited for has to execute the fence itself */
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

void waits_init(struct event_count *count)
{
    atomic_init(&count->waiting, register_fences() ? 0 : FENCED);
    atomic_init(&count->wakes, 0);
    atomic_init(&count->bells, 0);
}

/* Says that somebody waits; what the caller does not see afterwards, it will be woken for. Returns false where that cannot
 * be had: the fence of all threads was there when the ring was made, and is refused now. */
static bool announce_wait(struct event_count *count, uint32_t who)
{
    /* Release, so that the caller's look at `wakes` and its bell are before what a waker does to them. */
    /* pairs with the acquire in waits_wake [ORDER-16] */
    uint32_t waiting = atomic_fetch_or_explicit(&count->waiting, who, memory_order_release);
    /* pairs with the fence in waits_anybody, or with the order in which wake_who_waits is compiled [ORDER-15] */
    atomic_thread_fence(memory_order_seq_cst);
    return (waiting & FENCED) != 0 || fence_all_threads();
}

/* ------------------------------------------------------------------------------------------------------------- bells */

/*
 * A bell is what a waker makes readable for its owner, a reader or a writer: an eventfd, or a pipe where there is none. Its
 * descriptors are closed when the owner is freed, so that nothing which watched them hears of the next owner, and a waker must not
 * write to a number that may be another file by then. So a waker that finds a bell armed says in `usage` that it rings it, in the
 * same step in which it disarms it, and takes that back afterwards. The owner that ends takes itself out of `usage`. Whichever of
 * them leaves `usage` at 0 closes the descriptors, which it has read before; nobody waits for another. The bell itself stays in its
 * list for another owner, which opens new descriptors: there are as many bells as there ever were owners with one at a time.
 *
 * A bell that is not armed is readable, or somebody is about to make it so. One that is armed is silent.
 */
struct ends {
    int watched;     /* the descriptor to wait on */
    int rung;        /* the descriptor to write to; the same one for an eventfd */
    int64_t process; /* the one that opened them: after a fork the two processes share the descriptors */
};

struct bell {
    struct bell *next;
    _Atomic uint32_t usage; /* ARMED, OWNED, and RINGS for each waker that rings it */
    struct ends ends;
};

#define ARMED 1u /* to be rung by the next waker */
#define OWNED 2u /* a reader or a writer has it */
#define RINGS 4u

#if defined(_WIN32)

static int64_t process_now(void)
{
    return 0;
}

static bool open_ends(struct ends *ends)
{
    (void)ends;
    errno = ENOSYS;
    return false;
}

static void close_ends(const struct ends *ends)
{
    (void)ends;
}

static void ring_ends(const struct ends *ends)
{
    (void)ends;
}

static bool silence_ends(const struct ends *ends)
{
    (void)ends;
    return false;
}

#else

static int64_t process_now(void)
{
    return (int64_t)getpid();
}

#  if defined(EFD_NONBLOCK)

static bool open_ends(struct ends *ends)
{
    ends->watched = ends->rung = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ends->process = process_now();
    return ends->watched >= 0;
}

#  else

static bool open_ends(struct ends *ends)
{
    int made[2];
    if (pipe(made) != 0) {
        return false;
    }
    for (int i = 0; i < 2; ++i) {
        (void)fcntl(made[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(made[i], F_SETFL, O_NONBLOCK);
    }
    *ends = (struct ends){.watched = made[0], .rung = made[1], .process = process_now()};
    return true;
}

#  endif

static void close_ends(const struct ends *ends)
{
    if (ends->process == process_now()) { /* in another process the numbers may be other files by now */
        (void)close(ends->watched);
        if (ends->rung != ends->watched) {
            (void)close(ends->rung);
        }
    }
}

static void ring_ends(const struct ends *ends)
{
    const uint64_t one = 1;
    if (ends->process == process_now()) {
        while (write(ends->rung, &one, sizeof one) < 0 && errno == EINTR) { /* full is readable too */
        }
    }
}

/* Returns whether it was readable. */
static bool silence_ends(const struct ends *ends)
{
    uint64_t rings = 0;
    ssize_t got = 0;
    bool was_readable = false;
    do {
        got = read(ends->watched, &rings, sizeof rings);
        was_readable = was_readable || got > 0;
    } while ((got < 0 && errno == EINTR) || (got > 0 && ends->watched != ends->rung));
    return was_readable;
}

#endif

static struct bell *first_bell(struct event_count *count)
{
    /* pairs with the release of the thread that put a bell in [ORDER-21] */
    return (struct bell *)atomic_load_explicit(&count->bells, memory_order_acquire);
}

struct bell *bell_take(struct event_count *count, rr_status *status)
{
    struct ends ends;
    if (!open_ends(&ends)) {
        set_status(status, RR_SYSTEM);
        return NULL;
    }
    ring_ends(&ends);
    for (struct bell *bell = first_bell(count); bell != NULL; bell = bell->next) {
        uint32_t nobody = 0;
        /* pairs with the release of the last thread that used its descriptors [ORDER-22] */
        if (atomic_compare_exchange_strong_explicit(&bell->usage, &nobody, OWNED, memory_order_acquire, memory_order_relaxed)) {
            bell->ends = ends;
            return bell;
        }
    }
    struct bell *bell = calloc(1, sizeof *bell);
    if (bell == NULL) {
        close_ends(&ends);
        set_status(status, RR_NO_MEMORY);
        return NULL;
    }
    bell->ends = ends;
    atomic_init(&bell->usage, OWNED);
    /* pairs with nothing: a guess, which the compare-exchange below confirms [ORDER-21] */
    uintptr_t head = atomic_load_explicit(&count->bells, memory_order_relaxed);
    do {
        bell->next = (struct bell *)head;
        /* pairs with the acquire in first_bell [ORDER-21] */
    } while (!atomic_compare_exchange_weak_explicit(&count->bells, &head, (uintptr_t)bell, memory_order_release,
                                                    memory_order_relaxed));
    return bell;
}

void bell_end(struct bell *bell)
{
    const struct ends ends = bell->ends;
    /* pairs with the wakers' last use, whose end this acquires; and with the closing waker or the next owner [ORDER-22] */
    uint32_t state = atomic_fetch_and_explicit(&bell->usage, ~(ARMED | OWNED), memory_order_acq_rel);
    if (state < RINGS) {
        close_ends(&ends);
    }
}

/* Rings a bell if it is armed. */
static void ring_armed(struct bell *bell)
{
    /* pairs with the release in bell_arm, by way of `waiting` [ORDER-21] */
    uint32_t state = atomic_load_explicit(&bell->usage, memory_order_relaxed);
    do {
        if ((state & ARMED) == 0) {
            return;
        }
        /* pairs with the release in bell_arm, after the descriptors of that reader were put in [ORDER-21] */
    } while (!atomic_compare_exchange_weak_explicit(&bell->usage, &state, state - ARMED + RINGS, memory_order_acquire,
                                                    memory_order_relaxed));
    const struct ends ends = bell->ends;
    ring_ends(&ends);
    /* pairs with bell_end, with the next owner's acquire, and with another waker's [ORDER-22] */
    if (atomic_fetch_sub_explicit(&bell->usage, RINGS, memory_order_acq_rel) == RINGS) {
        close_ends(&ends); /* the reader has ended meanwhile */
    }
}

int bell_descriptor(const struct bell *bell)
{
    return bell->ends.process == process_now() ? bell->ends.watched : -1;
}

bool bell_arm(struct event_count *count, struct bell *bell)
{
    /* pairs with nothing: of what an older value leads to, a descriptor that is readable for nothing is the worst [ORDER-21] */
    uint32_t state = atomic_load_explicit(&bell->usage, memory_order_relaxed);
    if ((state & ARMED) != 0 || bell->ends.process != process_now()) {
        return false;
    }
    int saved = errno;
    bool was_readable = silence_ends(&bell->ends);
    errno = saved;
    if (state >= RINGS && !was_readable) {
        return false; /* a waker is about to ring it */
    }
    /* pairs with the acquire in ring_armed [ORDER-21] */
    atomic_fetch_or_explicit(&bell->usage, ARMED, memory_order_release);
    if (!announce_wait(count, BELLS)) {
        bell_ring(bell); /* it cannot be relied on to be rung, so it says what is always right: there may be something */
    }
    errno = saved;
    return true;
}

void bell_ring(struct bell *bell)
{
    int saved = errno;
    /* pairs with nothing: either this or a waker disarms it, and rings it [ORDER-21] */
    if ((atomic_fetch_and_explicit(&bell->usage, ~ARMED, memory_order_relaxed) & ARMED) != 0) {
        ring_ends(&bell->ends);
    }
    errno = saved;
}

void waits_end(struct event_count *count)
{
    struct bell *bell = first_bell(count);
    while (bell != NULL) {
        struct bell *next = bell->next;
        free(bell);
        bell = next;
    }
}

/* ------------------------------------------------------------------------------------------------------------ waking */

bool waits_anybody(struct event_count *count)
{
    /* pairs with the fence in announce_wait: for the caller's store, where there is FENCED [ORDER-15]; and for what the caller
     * asks next [ORDER-20] */
    atomic_thread_fence(memory_order_seq_cst);
    /* pairs with announce_wait, by the fences [ORDER-15] */
    return (atomic_load_explicit(&count->waiting, memory_order_relaxed) & (SLEEPERS | BELLS)) != 0;
}

void waits_wake(struct event_count *count)
{
    int saved = errno;
    /* pairs with the release in announce_wait [ORDER-16] */
    uint32_t waiting = atomic_fetch_and_explicit(&count->waiting, FENCED, memory_order_acquire);
    if ((waiting & SLEEPERS) != 0) {
        /* pairs with the load in wait_begin, by the fences [ORDER-15] */
        atomic_fetch_add_explicit(&count->wakes, 1, memory_order_relaxed);
        wake_all_on(&count->wakes);
    }
    if ((waiting & BELLS) != 0) {
        for (struct bell *bell = first_bell(count); bell != NULL; bell = bell->next) {
            ring_armed(bell);
        }
    }
    errno = saved;
}

/* ---------------------------------------------------------------------------------------------------------- sleeping */

/* A wait of one thread. */
struct wait {
    int64_t until; /* of the monotonic clock, in nanoseconds; below 0: for ever */
    uint32_t seen; /* `wakes` when it began */
    bool is_short; /* nobody can be relied on to wake it */
};

static struct wait wait_start(int64_t nanoseconds)
{
    int64_t now = nanoseconds > 0 ? nanoseconds_now() : 0;
    bool ends = nanoseconds >= 0 && nanoseconds <= INT64_MAX - now;
    return (struct wait){.until = ends ? now + nanoseconds : -1, .seen = 0, .is_short = false};
}

static void wait_begin(struct wait *wait, struct event_count *count)
{
    /* First of all: a later count of `wakes` would be of who was woken, and may be of who took `waiting` back. */
    /* pairs with the count in waits_wake, by the fences [ORDER-15] */
    wait->seen = atomic_load_explicit(&count->wakes, memory_order_relaxed);
    wait->is_short = !announce_wait(count, SLEEPERS);
}

static rr_status wait_sleep(const struct wait *wait, struct event_count *count)
{
    int saved = errno;
    int64_t until = wait->until;
    if (wait->is_short) {
        int64_t soon = nanoseconds_now() + NAP_NANOSECONDS;
        until = until < 0 || soon < until ? soon : until;
    }
    int error = sleep_on(&count->wakes, wait->seen, until);
    errno = saved;
    if (error == EINTR) {
        return RR_INTERRUPTED;
    }
    return error == ETIMEDOUT && until == wait->until ? RR_EMPTY : RR_OK;
}

rr_status waits_until(struct event_count *count, look *look, const void *of, uint64_t number, int64_t nanoseconds)
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
