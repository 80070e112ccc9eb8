/* event_count.h - event counts: waiting without spinning: chapter RING [RING-31] to [RING-35] [RING-46] to [RING-48]. Concurrency
 * Kit's ck_ec.h explains the technique; here the waiting thread pays for the fence.
 *
 * A ring has two event counts: readers wait for events, and the writer of a gated ring waits for room.
 *
 * A waiting thread announces itself in `waiters` (prepare wait), rechecks its condition, and sleeps until `epoch` has another value
 * than before all that. A thread that makes a condition true loads `waiters` afterwards. If it finds waiting threads there, which
 * is rare, it notifies them: it clears the word, increments `epoch` and wakes all of them, and each one that finds its condition
 * false announces itself again.
 *
 * Each side stores and then loads what the other side stores, and at least one of the two has to see the other [ORDER-15]. That
 * takes a fence on each side. A writer that publishes, or a reader that moves on, every few nanoseconds would pay for it at every
 * event. So the waiting thread makes every running thread of the process execute a fence (membarrier on Linux: an asymmetric fence,
 * as in Goldblatt's P1202), and on the other side the compiler has to keep the store before the load, no more. If the system has no
 * such fence, FENCED is set in `waiters` for good: then every publication, and every move of a reader in a gated ring, finds the
 * word other than 0 and executes the fence in event_count_has_waiters.
 */
#ifndef RR_EVENT_COUNT_H
#define RR_EVENT_COUNT_H

#include "common.h"
#include "notifier.h"

struct event_count {
    _Atomic uint32_t waiters; /* kinds of waiters, 0 for none; a thread that makes their condition true loads it [ORDER-15] */
    _Atomic uint32_t epoch;   /* how often waiting threads were notified */
    struct notifiers notifiers;
};

void event_count_init(struct event_count *count);
void event_count_end(struct event_count *count);

/* Returns RR_OK if a waiting thread may proceed, or why it need not wait any more; RR_EMPTY if it has to wait. What it depends on
 * changes only by stores that are followed by event_count_notify or the like. */
typedef rr_status look(const void *of, uint64_t number);

/* Waits until look(of, number) is other than RR_EMPTY, and returns its value then; RR_EMPTY if the time is up, RR_INTERRUPTED
 * after a signal. nanoseconds: 0 only looks; below 0 waits for ever. */
rr_status event_count_wait(struct event_count *count, look *look, const void *of, uint64_t number, int64_t nanoseconds);

/* Arms a notifier that was signalled, and returns whether it did. The caller then rechecks its condition; if that is true, it
 * signals the notifier, which disarms it. */
bool event_count_arm(struct event_count *count, struct notifier *notifier);

/* Whether any thread waits. The caller has made a condition true, and then found `waiters` other than 0. A waiting thread has
 * seen, or will see, the caller's store; otherwise the caller sees from now on what that thread did before it announced itself. */
bool event_count_has_waiters(struct event_count *count);

/* Notifies all waiting threads. */
void event_count_notify_all(struct event_count *count);

COLD rr_status event_count_notify_slow_path(struct event_count *count);

/* Whether any thread may wait; comes after the store that makes their condition true. */
static inline bool may_have_waiters(struct event_count *count)
{
    /* pairs with the fence of all threads in prepare_wait: the compiler must not swap the store and the load [ORDER-15] */
    atomic_signal_fence(memory_order_seq_cst);
    /* pairs with prepare_wait, by the fences, or if FENCED is set by the one in event_count_has_waiters [ORDER-15] */
    return atomic_load_explicit(&count->waiters, memory_order_relaxed) != 0;
}

/* Comes after the store that makes a condition true: an event was published, a reader or writer ended [RING-32] [RING-48]. */
static inline rr_status event_count_notify(struct event_count *count)
{
    return may_have_waiters(count) ? event_count_notify_slow_path(count) : RR_OK;
}

#endif
