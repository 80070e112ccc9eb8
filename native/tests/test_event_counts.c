/* Event counts from inside: notifiers get other owners; and if the system refuses the fence of all threads, which it granted when
 * the rings were made, a waiting thread relies on no other thread to wake it [ORDER-15]. */
#define _GNU_SOURCE /* the names of system calls */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>

#include "../src/event_count.h"
#include "check.h"
#include "waiting.h"

#if defined(__linux__)
#  include <linux/filter.h>
#  include <linux/seccomp.h>
#  include <sys/prctl.h>
#  include <sys/syscall.h>
#endif

static struct event_count count;
static rr_ring *ring;
static rr_writer *writer;
static rr_reader *reader;

/* From now on the system refuses this process the fence. Returns false if it has no filters of system calls. */
static bool refuse_fences(void)
{
#if defined(SYS_membarrier)
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof instructions / sizeof *instructions, .filter = instructions};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
#else
    return false;
#endif
}

/* The condition of a waiting thread: another thread makes it true after some time and notifies no thread, as if it had not seen the
 * waiting one. It wakes a wait that does not end by itself much later, so that the test fails and does not hang. */
#define TOO_LATE 3000

static atomic_bool there;
static atomic_bool returned;
static atomic_bool woken;

static rr_status look_whether_there(const void *of, uint64_t number)
{
    (void)of;
    (void)number;
    return atomic_load_explicit(&there, memory_order_relaxed) ? RR_OK : RR_EMPTY;
}

/* Until the wait has returned, for some milliseconds at most. */
static void stay(int milliseconds)
{
    for (; milliseconds > 0 && !atomic_load_explicit(&returned, memory_order_relaxed); --milliseconds) {
        (void)poll(NULL, 0, 1);
    }
}

static void *put_there(void *argument)
{
    stay(*(const int *)argument);
    atomic_store_explicit(&there, true, memory_order_relaxed);
    stay(TOO_LATE);
    if (!atomic_load_explicit(&returned, memory_order_relaxed)) {
        atomic_store_explicit(&woken, true, memory_order_relaxed);
        event_count_notify_all(&count);
    }
    return NULL;
}

/* Waits, at most a time in nanoseconds, for the condition, which becomes true after some milliseconds. */
static rr_status wait_for_what_comes(int milliseconds, int64_t time)
{
    pthread_t thread;
    atomic_store_explicit(&there, false, memory_order_relaxed);
    atomic_store_explicit(&returned, false, memory_order_relaxed);
    CHECK_EQUAL(pthread_create(&thread, NULL, put_there, &milliseconds), 0);
    rr_status status = event_count_wait(&count, look_whether_there, NULL, 0, time);
    atomic_store_explicit(&returned, true, memory_order_relaxed);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    CHECK(!atomic_load_explicit(&woken, memory_order_relaxed));
    return status;
}

static void a_wait_finds_by_itself_what_it_was_not_notified_of(void) /* [RING-32] */
{
    CHECK_EQUAL(wait_for_what_comes(20, FOREVER), RR_OK);
    CHECK_EQUAL(wait_for_what_comes(20, 100 * SECOND), RR_OK);
    CHECK_EQUAL(wait_for_what_comes(20, INT64_MAX), RR_OK);
}

static void a_timed_wait_lasts_its_time(void) /* [RING-31] */
{
    for (int64_t time = 0; time <= 16 * MILLISECOND; time = 4 * time + 100000) {
        int64_t begun = now();
        CHECK_EQUAL(wait_for_what_comes(TOO_LATE, time), RR_EMPTY);
        CHECK(now() - begun >= time);
    }
}

static void a_descriptor_that_may_not_be_signalled_stays_readable(void) /* [RING-35] [RING-49] */
{
    uint64_t number = 0;
    rr_read read;
    int events = rr_reader_descriptor(reader);
    int room = rr_writer_descriptor(writer);
    for (int looks = 0; looks < 2; ++looks) {
        CHECK_EQUAL(rr_reader_next(reader, &number, sizeof number, &read), RR_EMPTY);
        CHECK(is_readable(events, 0));
    }
    CHECK_EQUAL(rr_writer_add(writer, &number, sizeof number, 7), RR_OK);
    for (int looks = 0; looks < 2; ++looks) {
        CHECK_EQUAL(rr_writer_add(writer, &number, sizeof number, 7), RR_FULL);
        CHECK(is_readable(room, 0));
    }
    CHECK_EQUAL(rr_reader_next(reader, &number, sizeof number, &read), RR_OK);
}

static void *add_later(void *ignored)
{
    const uint64_t number = 5;
    (void)poll(NULL, 0, 20);
    CHECK_EQUAL(rr_writer_add(writer, &number, sizeof number, 7), RR_OK);
    return ignored;
}

static void a_reader_waits_for_an_event_and_a_writer_for_room(void) /* [RING-31] [RING-46] */
{
    uint64_t number = 0;
    rr_read read;
    pthread_t thread;
    CHECK_EQUAL(rr_reader_wait(reader, rr_reader_cursor(reader), 2 * MILLISECOND), RR_EMPTY);
    CHECK_EQUAL(pthread_create(&thread, NULL, add_later, NULL), 0);
    CHECK_EQUAL(rr_reader_wait(reader, rr_reader_cursor(reader), FOREVER), RR_OK);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    CHECK_EQUAL(rr_writer_wait(writer, 2 * MILLISECOND), RR_FULL);
    CHECK_EQUAL(rr_reader_next(reader, &number, sizeof number, &read), RR_OK);
    CHECK_EQUAL(number, 5);
    CHECK_EQUAL(rr_writer_wait(writer, FOREVER), RR_OK);
}

/* Otherwise the list would grow with each owner. */
static void an_owner_gets_the_notifier_of_one_that_ended(void) /* [ORDER-16] */
{
    struct event_count others;
    rr_status status = RR_OK;
    event_count_init(&others);
    struct notifier *notifier = notifier_take(&others.notifiers, &status);
    struct notifier *second = notifier_take(&others.notifiers, &status);
    CHECK(notifier != NULL && second != NULL && notifier != second);
    for (int owners = 0; owners < 20; ++owners) {
        notifier_end(notifier);
        CHECK(notifier_take(&others.notifiers, &status) == notifier);
    }
    notifier_end(second);
    CHECK(notifier_take(&others.notifiers, &status) == second);
    notifier_end(second);
    notifier_end(notifier);
    event_count_end(&others);
}

int main(void)
{
    RUN(an_owner_gets_the_notifier_of_one_that_ended);
    event_count_init(&count);
    if (atomic_load_explicit(&count.waiters, memory_order_relaxed) != 0) {
        printf("this system has no fence of all threads to refuse: left out\n");
        return 0;
    }
    ring = rr_ring_create(8, 1, RR_GATED, 1, RR_MAX_RING_BYTES, NULL);
    CHECK(ring != NULL);
    writer = rr_writer_open(ring, NULL);
    reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    if (!refuse_fences()) {
        printf("this system does not let a process refuse itself a system call: left out\n");
    } else {
        RUN(a_wait_finds_by_itself_what_it_was_not_notified_of);
        RUN(a_timed_wait_lasts_its_time);
        RUN(a_descriptor_that_may_not_be_signalled_stays_readable);
        RUN(a_reader_waits_for_an_event_and_a_writer_for_room);
    }
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    event_count_end(&count);
    return 0;
}
