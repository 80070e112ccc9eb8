/* Notifiers: a reader's descriptor is readable if there may be an event, is closed with its reader, and is of one process. */
#define _POSIX_C_SOURCE 200809L /* pipe, fork, clock_gettime */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "rusted_ring.h"
#include "waiting.h"

static void a_descriptor_says_when_to_look(void) /* [RING-60] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    uint64_t number = 0;
    int descriptor = rr_reader_descriptor(reader);
    CHECK(descriptor >= 0);
    CHECK_EQUAL(rr_reader_descriptor(reader), descriptor);
    CHECK(is_readable(descriptor, 0)); /* there may be an event: the reader has not looked yet */
    for (uint64_t turn = 0; turn < 6; ++turn) {
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        CHECK(!is_readable(descriptor, 0));
        add(writer, turn);
        CHECK(is_readable(descriptor, 0));
        add(writer, turn + 100);
        CHECK_EQUAL(take(reader, &number), RR_OK);
        CHECK_EQUAL(number, turn);
        CHECK(is_readable(descriptor, 0)); /* until a call has found no event */
        CHECK_EQUAL(take(reader, &number), RR_OK);
    }
    CHECK_EQUAL(take(reader, &number), RR_EMPTY);
    for (uint64_t turn = 0; turn < 6; ++turn) {
        add(writer, turn);
    }
    CHECK(is_readable(descriptor, 0));
    CHECK_EQUAL(take(reader, &number), RR_LAGGED);
    CHECK(is_readable(descriptor, 0));
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    struct pollfd ended = {.fd = descriptor, .events = POLLIN};
    CHECK_EQUAL(poll(&ended, 1, 0), 1);
    CHECK((ended.revents & POLLNVAL) != 0); /* closed with the reader */
}

/* A reader that takes an event before the writer has signalled its notifier: the signal comes after a call that found nothing, and
 * the next such call clears it. */
static _Atomic unsigned asked;
static _Atomic unsigned answered;

static void *add_when_asked(void *argument)
{
    for (unsigned turn = 1; turn <= TURNS; ++turn) {
        while (atomic_load_explicit(&asked, memory_order_acquire) < turn) {
            (void)sched_yield();
        }
        add(argument, turn);
        atomic_store_explicit(&answered, turn, memory_order_release);
    }
    return NULL;
}

static void a_late_signal_is_cleared(void) /* [RING-60] [ORDER-21] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    int descriptor = rr_reader_descriptor(reader);
    uint64_t number = 0;
    pthread_t thread;
    CHECK_EQUAL(pthread_create(&thread, NULL, add_when_asked, writer), 0);
    for (unsigned turn = 1; turn <= TURNS; ++turn) {
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        atomic_store_explicit(&asked, turn, memory_order_release);
        for (unsigned looks = 1; rr_reader_lag(reader) == 0; ++looks) {
            if (looks % 1000 == 0) { /* another thread may need the processor */
                (void)sched_yield();
            }
        }
        CHECK_EQUAL(take(reader, &number), RR_OK);
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        while (atomic_load_explicit(&answered, memory_order_acquire) < turn) {
            (void)sched_yield();
        }
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        CHECK(!is_readable(descriptor, 0));
    }
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static int watch(int epoll, int descriptor)
{
    struct epoll_event asked = {.events = EPOLLIN};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &asked);
}

static void a_descriptor_is_of_one_reader(void) /* [RING-53] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *stays = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    int epoll = epoll_create1(0);
    int most = rr_reader_descriptor(stays);
    CHECK(epoll >= 0 && most >= 0);
    for (uint64_t turn = 0; turn < 100; ++turn) {
        rr_reader *reader = rr_reader_join(ring, RR_LATEST, 0, NULL);
        struct epoll_event found;
        uint64_t number = 0;
        int descriptor = rr_reader_descriptor(reader);
        CHECK(descriptor >= 0 && descriptor <= most + 2); /* descriptors are closed with their readers */
        CHECK_EQUAL(watch(epoll, descriptor), 0); /* it is not in the set already */
        CHECK_EQUAL(epoll_wait(epoll, &found, 1, 0), 1);
        if (turn % 2 == 0) {
            CHECK_EQUAL(take(reader, &number), RR_EMPTY);
            CHECK_EQUAL(epoll_wait(epoll, &found, 1, 0), 0);
        }
        if (turn % 3 == 0) {
            add(writer, turn);
            CHECK_EQUAL(epoll_wait(epoll, &found, 1, 0), 1);
        }
        if (turn % 5 == 0) {
            rr_reader_leave(reader);
            CHECK_EQUAL(epoll_wait(epoll, &found, 1, 0), 1); /* the end wakes every waiting thread */
        }
        rr_reader_free(reader);
        rr_reader *next = rr_reader_join(ring, RR_LATEST, 0, NULL);
        CHECK(rr_reader_descriptor(next) >= 0);
        CHECK_EQUAL(take(next, &number), RR_EMPTY);
        add(writer, turn);
        CHECK(is_readable(rr_reader_descriptor(next), 0));
        CHECK_EQUAL(epoll_wait(epoll, &found, 1, 0), 0); /* it gets no events of the next reader */
        rr_reader_free(next);
    }
    CHECK_EQUAL(close(epoll), 0);
    rr_reader_free(stays);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

/* Readers that end while a writer signals their notifiers; in between, files of the same numbers are opened and closed. */
#define ENDS 2000u

static atomic_bool all_ended;

static void *write_on(void *argument)
{
    while (!atomic_load_explicit(&all_ended, memory_order_relaxed)) {
        add(argument, 1);
    }
    return NULL;
}

static void no_notifying_thread_writes_to_another_file(void) /* [ORDER-22] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    pthread_t thread;
    CHECK_EQUAL(pthread_create(&thread, NULL, write_on, writer), 0);
    for (unsigned turn = 0; turn < ENDS; ++turn) {
        uint64_t number = 0;
        rr_reader *reader = rr_reader_join(ring, RR_LATEST, 0, NULL);
        CHECK(rr_reader_descriptor(reader) >= 0);
        for (unsigned looks = turn % 4; looks > 0; --looks) {
            (void)take(reader, &number);
        }
        rr_reader_free(reader);
        int ends[2];
        char byte;
        CHECK_EQUAL(pipe(ends), 0);
        CHECK(!is_readable(ends[0], 0));
        CHECK_EQUAL(close(ends[1]), 0);
        CHECK_EQUAL(read(ends[0], &byte, 1), 0);
        CHECK_EQUAL(close(ends[0]), 0);
    }
    atomic_store_explicit(&all_ended, true, memory_order_relaxed);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static void expect_success(pid_t child)
{
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void two_processes_do_not_wake_each_other(void) /* [RING-35] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    uint64_t number = 0;
    int descriptor = rr_reader_descriptor(reader);
    CHECK_EQUAL(take(reader, &number), RR_EMPTY);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        add(writer, 5);
        CHECK(!is_readable(descriptor, 0)); /* the parent's, and the parent did not get this event */
        int own = rr_reader_descriptor(reader);
        CHECK(own >= 0 && own != descriptor);
        CHECK(is_readable(own, 0));
        CHECK_EQUAL(take(reader, &number), RR_OK);
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        CHECK(!is_readable(own, 0));
        CHECK_EQUAL(wait_for_next(reader, MILLISECOND), RR_EMPTY);
        add(writer, 6);
        CHECK(is_readable(own, 0));
        rr_reader_free(reader);
        rr_writer_free(writer);
        CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
        CHECK(!is_readable(descriptor, 0)); /* not closed: it is the parent's */
        _exit(0);
    }
    expect_success(child);
    CHECK(!is_readable(descriptor, 0));
    add(writer, 7);
    CHECK(is_readable(descriptor, 0));
    CHECK_EQUAL(take(reader, &number), RR_OK);
    CHECK_EQUAL(number, 7);
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

/* The child reads with the inherited reader, and asks for no descriptor of its own. */
static void a_child_that_finds_nothing_clears_no_descriptor_of_its_parent(void) /* [RING-60] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    uint64_t number = 0;
    int descriptor = rr_reader_descriptor(reader);
    CHECK_EQUAL(take(reader, &number), RR_EMPTY);
    add(writer, 5);
    CHECK(is_readable(descriptor, 0));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK_EQUAL(take(reader, &number), RR_OK);
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        _exit(0);
    }
    expect_success(child);
    CHECK(is_readable(descriptor, 0)); /* the parent has not read its event yet */
    CHECK_EQUAL(take(reader, &number), RR_OK);
    CHECK_EQUAL(number, 5);
    CHECK_EQUAL(take(reader, &number), RR_EMPTY);
    CHECK(!is_readable(descriptor, 0));
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

int main(void)
{
    int descriptors = open_descriptors();
    RUN(a_descriptor_says_when_to_look);
    RUN(a_late_signal_is_cleared);
    RUN(a_descriptor_is_of_one_reader);
    RUN(no_notifying_thread_writes_to_another_file);
    RUN(two_processes_do_not_wake_each_other);
    RUN(a_child_that_finds_nothing_clears_no_descriptor_of_its_parent);
    CHECK_EQUAL(open_descriptors(), descriptors); /* each is closed with its owner [RING-53] */
    return 0;
}
