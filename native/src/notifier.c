/* notifier.c - notifiers: file descriptors to poll() for a reader or a writer: chapter RING [RING-35] [RING-49]. */
#if !defined(_GNU_SOURCE)
#  define _GNU_SOURCE /* pipe(), eventfd() */
#endif

#include "notifier.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__linux__) && !defined(RR_PORTABLE_WAITS)
#  include <sys/eventfd.h>
#endif
#if !defined(_WIN32)
#  include <fcntl.h>
#  include <unistd.h>
#endif

struct descriptors {
    int watched; /* the descriptor that becomes readable */
    int written; /* the descriptor to write to; the same one for an eventfd */
    int64_t process; /* the process that opened them: after a fork two processes share the descriptors */
};

struct notifier {
    struct notifier *next;
    _Atomic uint32_t usage; /* ARMED, OWNED, and SIGNALLING for each thread that signals it */
    struct descriptors descriptors;
};

#define ARMED 1u /* the next notifying thread signals it */
#define OWNED 2u /* a reader or a writer has it */
#define SIGNALLING 4u

#if defined(_WIN32)

static int64_t process_now(void)
{
    return 0;
}

static bool open_descriptors(struct descriptors *descriptors)
{
    (void)descriptors;
    errno = ENOSYS;
    return false;
}

static void close_descriptors(const struct descriptors *descriptors)
{
    (void)descriptors;
}

static void signal_descriptors(const struct descriptors *descriptors)
{
    (void)descriptors;
}

static bool clear_descriptors(const struct descriptors *descriptors)
{
    (void)descriptors;
    return false;
}

#else

static int64_t process_now(void)
{
    return (int64_t)getpid();
}

#  if defined(EFD_NONBLOCK)

static bool open_descriptors(struct descriptors *descriptors)
{
    descriptors->watched = descriptors->written = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    descriptors->process = process_now();
    return descriptors->watched >= 0;
}

#  else

static bool open_descriptors(struct descriptors *descriptors)
{
    int made[2];
    if (pipe(made) != 0) {
        return false;
    }
    for (int i = 0; i < 2; ++i) {
        (void)fcntl(made[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(made[i], F_SETFL, O_NONBLOCK);
    }
    *descriptors = (struct descriptors){.watched = made[0], .written = made[1], .process = process_now()};
    return true;
}

#  endif

static void close_descriptors(const struct descriptors *descriptors)
{
    if (descriptors->process == process_now()) { /* in another process the numbers may be other files by now */
        (void)close(descriptors->watched);
        if (descriptors->written != descriptors->watched) {
            (void)close(descriptors->written);
        }
    }
}

static void signal_descriptors(const struct descriptors *descriptors)
{
    const uint64_t one = 1;
    if (descriptors->process == process_now()) {
        while (write(descriptors->written, &one, sizeof one) < 0 && errno == EINTR) { /* a full pipe is readable too */
        }
    }
}

/* Returns whether it was readable. */
static bool clear_descriptors(const struct descriptors *descriptors)
{
    uint64_t signals = 0;
    ssize_t got = 0;
    bool was_readable = false;
    do {
        got = read(descriptors->watched, &signals, sizeof signals);
        was_readable = was_readable || got > 0;
    } while ((got < 0 && errno == EINTR) || (got > 0 && descriptors->watched != descriptors->written));
    return was_readable;
}

#endif

static struct notifier *first_notifier(struct notifiers *notifiers)
{
    /* pairs with the release of the thread that added a notifier [ORDER-21] */
    return (struct notifier *)atomic_load_explicit(&notifiers->head, memory_order_acquire);
}

struct notifier *notifier_take(struct notifiers *notifiers, rr_status *status)
{
    struct descriptors descriptors;
    if (!open_descriptors(&descriptors)) {
        set_status(status, RR_SYSTEM);
        return NULL;
    }
    signal_descriptors(&descriptors);
    for (struct notifier *notifier = first_notifier(notifiers); notifier != NULL; notifier = notifier->next) {
        uint32_t nobody = 0;
        /* pairs with the release of the last thread that used its descriptors [ORDER-22] */
        if (atomic_compare_exchange_strong_explicit(&notifier->usage, &nobody, OWNED, memory_order_acquire, memory_order_relaxed)) {
            notifier->descriptors = descriptors;
            return notifier;
        }
    }
    struct notifier *notifier = calloc(1, sizeof *notifier);
    if (notifier == NULL) {
        close_descriptors(&descriptors);
        set_status(status, RR_NO_MEMORY);
        return NULL;
    }
    notifier->descriptors = descriptors;
    atomic_init(&notifier->usage, OWNED);
    /* pairs with nothing: a prediction, which the compare-exchange below confirms [ORDER-21] */
    uintptr_t head = atomic_load_explicit(&notifiers->head, memory_order_relaxed);
    do {
        notifier->next = (struct notifier *)head;
        /* pairs with the acquire in first_notifier [ORDER-21] */
    } while (!atomic_compare_exchange_weak_explicit(&notifiers->head, &head, (uintptr_t)notifier, memory_order_release,
                                                    memory_order_relaxed));
    return notifier;
}

void notifier_end(struct notifier *notifier)
{
    const struct descriptors descriptors = notifier->descriptors;
    /* pairs with the end of each notifying thread's use; and with the one that closes, or the next owner [ORDER-22] */
    uint32_t state = atomic_fetch_and_explicit(&notifier->usage, ~(ARMED | OWNED), memory_order_acq_rel);
    if (state < SIGNALLING) {
        close_descriptors(&descriptors);
    }
}

static void signal_if_armed(struct notifier *notifier)
{
    /* pairs with the release in notifier_arm, by way of `waiters` [ORDER-21] */
    uint32_t state = atomic_load_explicit(&notifier->usage, memory_order_relaxed);
    do {
        if ((state & ARMED) == 0) {
            return;
        }
        /* pairs with the release in notifier_arm, after the owner had put its descriptors in [ORDER-21] */
    } while (!atomic_compare_exchange_weak_explicit(&notifier->usage, &state, state - ARMED + SIGNALLING, memory_order_acquire,
                                                    memory_order_relaxed));
    const struct descriptors descriptors = notifier->descriptors;
    signal_descriptors(&descriptors);
    /* pairs with notifier_end, with the next owner's acquire, and with another notifying thread [ORDER-22] */
    if (atomic_fetch_sub_explicit(&notifier->usage, SIGNALLING, memory_order_acq_rel) == SIGNALLING) {
        close_descriptors(&descriptors); /* the owner has ended meanwhile */
    }
}

void notifiers_signal(struct notifiers *notifiers)
{
    for (struct notifier *notifier = first_notifier(notifiers); notifier != NULL; notifier = notifier->next) {
        signal_if_armed(notifier);
    }
}

/* The file descriptor; below 0 in a process that did not open it. */
static int notifier_descriptor(const struct notifier *notifier)
{
    return notifier->descriptors.process == process_now() ? notifier->descriptors.watched : -1;
}

int notifier_descriptor_of(struct notifier **notifier, struct notifiers *notifiers)
{
    rr_status status = RR_OK;
    if (*notifier == NULL || notifier_descriptor(*notifier) < 0) {
        struct notifier *taken = notifier_take(notifiers, &status);
        if (taken == NULL) {
            return -(int)status;
        }
        *notifier = taken; /* a notifier from before a fork stays with the process that made it */
    }
    return notifier_descriptor(*notifier);
}

bool notifier_arm(struct notifier *notifier)
{
    /* pairs with nothing: the worst effect of an older value is a spurious wake-up [ORDER-21] */
    uint32_t state = atomic_load_explicit(&notifier->usage, memory_order_relaxed);
    if ((state & ARMED) != 0 || notifier->descriptors.process != process_now()) {
        return false;
    }
    int saved = errno;
    bool was_readable = clear_descriptors(&notifier->descriptors);
    errno = saved;
    if (state >= SIGNALLING && !was_readable) {
        return false; /* a thread is about to signal it */
    }
    /* pairs with the acquire in signal_if_armed [ORDER-21] */
    atomic_fetch_or_explicit(&notifier->usage, ARMED, memory_order_release);
    return true;
}

void notifier_signal(struct notifier *notifier)
{
    int saved = errno;
    /* pairs with nothing: either this thread or a notifying one disarms it, and signals it [ORDER-21] */
    if ((atomic_fetch_and_explicit(&notifier->usage, ~ARMED, memory_order_relaxed) & ARMED) != 0) {
        signal_descriptors(&notifier->descriptors);
    }
    errno = saved;
}

void notifiers_end(struct notifiers *notifiers)
{
    struct notifier *notifier = first_notifier(notifiers);
    while (notifier != NULL) {
        struct notifier *next = notifier->next;
        free(notifier);
        notifier = next;
    }
}
