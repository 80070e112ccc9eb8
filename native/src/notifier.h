/* notifier.h - notifiers: file descriptors that poll() and epoll watch for a reader or a writer: chapter RING [RING-35] [RING-49]
 * [RING-53] [RING-60].
 *
 * A notified thread makes the descriptor of a notifier readable for its owner, a reader or a writer: an eventfd, or a pipe on a
 * system without one. The descriptors are closed when the owner is freed, so that a thread that still watches them gets no events
 * of the next owner; and a notifying thread must not write to a number that may be another file by then. So a notifying thread that
 * finds a notifier armed counts itself in `usage`, in the same step that disarms it, and counts itself out after its write. An
 * owner that ends takes itself out of `usage`. The thread that leaves `usage` at 0 closes the descriptors, which it has copied
 * before; no thread waits for another. The notifier stays in its list for another owner, which opens new descriptors: there are as
 * many notifiers as there ever were owners at one time.
 *
 * A notifier that is not armed is readable, or a thread is about to make it so. An armed one is not readable.
 */
#ifndef RR_NOTIFIER_H
#define RR_NOTIFIER_H

#include "common.h"

struct notifier;

/* A list of notifiers, of owners that ended and of those that did not. */
struct notifiers {
    _Atomic uintptr_t head;
};

/* Frees them, after their owners have ended. */
void notifiers_end(struct notifiers *notifiers);

/* Signals all armed ones. */
void notifiers_signal(struct notifiers *notifiers);

/* The file descriptor of an owner, which takes a notifier for it if it has none; or minus the status. */
int notifier_descriptor_of(struct notifier **notifier, struct notifiers *notifiers);

/* A notifier for a new owner, signalled. NULL: RR_NO_MEMORY, RR_SYSTEM. */
struct notifier *notifier_take(struct notifiers *notifiers, rr_status *status);

/* The owner has ended. */
void notifier_end(struct notifier *notifier);

/* Makes the descriptor unreadable and arms the notifier. Returns false if there is nothing to do: it is armed, or a thread is about
 * to signal it, or another process opened it. */
bool notifier_arm(struct notifier *notifier);

/* Disarms an armed notifier and makes its descriptor readable. */
void notifier_signal(struct notifier *notifier);

#endif
