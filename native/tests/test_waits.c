/* Waiting: who waits is woken by an event and by a reader's end, sleeps until then, and no wake-up is lost. */
#define _POSIX_C_SOURCE 200809L /* sigaction, clock_gettime */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "rusted_ring.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND (1000 * MILLISECOND)
#define FOREVER (-1)
#define TOO_LONG (5 * SECOND) /* for a wake-up that is not lost */
#define TURNS 3000u

static rr_ring *make(rr_ring_mode mode)
{
    rr_ring *ring = rr_ring_create(8, 4, mode, 4, RR_MAX_RING_BYTES, NULL);
    CHECK(ring != NULL);
    return ring;
}

static int64_t now(void)
{
    struct timespec time;
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

static void add(rr_writer *writer, uint64_t number)
{
    CHECK_EQUAL(rr_writer_add(writer, &number, sizeof number, 7), RR_OK);
}

static rr_status take(rr_reader *reader, uint64_t *number)
{
    rr_read read;
    return rr_reader_next(reader, number, sizeof *number, &read);
}

static rr_status wait_for_next(rr_reader *reader, int64_t nanoseconds)
{
    return rr_reader_wait(reader, rr_reader_cursor(reader), nanoseconds);
}

/* Whether the descriptor is readable, or becomes so within some milliseconds. */
static bool is_readable(int descriptor, int milliseconds)
{
    struct pollfd asked = {.fd = descriptor, .events = POLLIN};
    int found = poll(&asked, 1, milliseconds);
    CHECK(found >= 0);
    return found == 1 && (asked.revents & POLLIN) != 0;
}

static void nothing_comes_in_time(void) /* [RING-31] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    int64_t begun = now();
    CHECK_EQUAL(wait_for_next(reader, 0), RR_EMPTY);
    CHECK_EQUAL(wait_for_next(reader, 1), RR_EMPTY);
    CHECK_EQUAL(wait_for_next(reader, 20 * MILLISECOND), RR_EMPTY);
    CHECK(now() - begun >= 20 * MILLISECOND);
    add(writer, 1);
    CHECK_EQUAL(wait_for_next(reader, 0), RR_OK);
    CHECK_EQUAL(wait_for_next(reader, FOREVER), RR_OK);
    CHECK_EQUAL(wait_for_next(reader, INT64_MAX), RR_OK);
    CHECK_EQUAL(rr_reader_wait(reader, 1, 0), RR_EMPTY);
    CHECK_EQUAL(rr_reader_cursor(reader), 0); /* waiting takes nothing */
    rr_reader_leave(reader);
    CHECK_EQUAL(wait_for_next(reader, FOREVER), RR_RING_CLOSED);
    CHECK_EQUAL(wait_for_next(reader, 0), RR_RING_CLOSED);
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

/* Two threads, each of which answers what the other one sends: a wake-up that is lost ends the test by its time. */
struct side {
    rr_writer *writer;
    rr_reader *reader;
    bool begins;
    bool polls;
};

static void *play(void *argument)
{
    const struct side *side = argument;
    int descriptor = side->polls ? rr_reader_descriptor(side->reader) : -1;
    CHECK(!side->polls || descriptor >= 0);
    for (uint64_t turn = 0; turn < TURNS; ++turn) {
        uint64_t number = 0;
        if (side->begins) {
            add(side->writer, turn);
        }
        rr_status status = take(side->reader, &number);
        while (status == RR_EMPTY) {
            if (side->polls) {
                CHECK(is_readable(descriptor, (int)(TOO_LONG / MILLISECOND)));
            } else {
                CHECK_EQUAL(wait_for_next(side->reader, TOO_LONG), RR_OK);
            }
            status = take(side->reader, &number);
        }
        CHECK_EQUAL(status, RR_OK);
        CHECK_EQUAL(number, turn);
        if (!side->begins) {
            add(side->writer, turn);
        }
    }
    return NULL;
}

static void play_together(bool one_polls, bool other_polls)
{
    rr_ring *rings[2] = {make(RR_OVERWRITE), make(RR_GATED)};
    struct side sides[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
        sides[i].writer = rr_writer_open(rings[i], NULL);
        sides[1 - i].reader = rr_reader_join(rings[i], RR_OLDEST, 0, NULL);
        sides[i].begins = i == 0;
        sides[i].polls = i == 0 ? one_polls : other_polls;
    }
    for (int i = 0; i < 2; ++i) {
        CHECK_EQUAL(pthread_create(&threads[i], NULL, play, &sides[i]), 0);
    }
    for (int i = 0; i < 2; ++i) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < 2; ++i) {
        rr_writer_free(sides[i].writer);
        rr_reader_free(sides[i].reader);
    }
    for (int i = 0; i < 2; ++i) {
        CHECK_EQUAL(rr_ring_destroy(rings[i]), RR_OK);
    }
}

static void no_wake_up_is_lost(void) /* [RING-31] [ORDER-15] */
{
    play_together(false, false);
}

static void no_ring_of_a_bell_is_lost(void) /* [RING-35] [ORDER-16] */
{
    play_together(true, true);
    play_together(true, false);
}

/* A thread that waits on a reader that another one ends. */
static void *wait_for_the_end(void *argument)
{
    CHECK_EQUAL(rr_reader_wait(argument, 0, TOO_LONG), RR_RING_CLOSED);
    return NULL;
}

static void end_while_two_wait(rr_ring_mode mode, void (*end)(rr_reader *))
{
    rr_ring *ring = make(mode);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    int descriptor = rr_reader_descriptor(reader);
    uint64_t number = 0;
    pthread_t threads[2];
    CHECK_EQUAL(take(reader, &number), RR_EMPTY);
    CHECK(!is_readable(descriptor, 0));
    for (int i = 0; i < 2; ++i) {
        CHECK_EQUAL(pthread_create(&threads[i], NULL, wait_for_the_end, reader), 0);
    }
    (void)poll(NULL, 0, 20);
    end(reader);
    for (int i = 0; i < 2; ++i) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    }
    CHECK(is_readable(descriptor, 0));
    CHECK_EQUAL(take(reader, &number), RR_RING_CLOSED);
    CHECK_EQUAL(rr_reader_descriptor(reader), -RR_RING_CLOSED);
    rr_reader_free(reader);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static void evict(rr_reader *reader)
{
    CHECK_EQUAL(rr_reader_evict(reader), RR_OK);
}

static void who_waits_is_told_of_the_end(void) /* [RING-32] */
{
    end_while_two_wait(RR_OVERWRITE, rr_reader_leave);
    end_while_two_wait(RR_GATED, rr_reader_leave);
    end_while_two_wait(RR_GATED, evict);
}

static atomic_int handled;

static void handle(int number)
{
    (void)number;
    atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed);
}

static void *wait_until_interrupted(void *argument)
{
    CHECK_EQUAL(wait_for_next(argument, FOREVER), RR_INTERRUPTED);
    atomic_fetch_add_explicit(&handled, 1000, memory_order_relaxed);
    return NULL;
}

static void a_signal_interrupts(void) /* [RING-33] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    struct sigaction action;
    pthread_t thread;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQUAL(pthread_create(&thread, NULL, wait_until_interrupted, reader), 0);
    while (atomic_load_explicit(&handled, memory_order_relaxed) < 1000) { /* it may not be asleep at the first one */
        CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
        (void)poll(NULL, 0, 5);
    }
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    rr_reader_free(reader);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static void a_descriptor_says_when_to_look(void) /* [RING-35] */
{
    rr_ring *ring = make(RR_OVERWRITE);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    uint64_t number = 0;
    int descriptor = rr_reader_descriptor(reader);
    CHECK(descriptor >= 0);
    CHECK_EQUAL(rr_reader_descriptor(reader), descriptor);
    CHECK(is_readable(descriptor, 0)); /* there may be something: nobody has looked */
    for (uint64_t turn = 0; turn < 6; ++turn) {
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        CHECK(!is_readable(descriptor, 0));
        add(writer, turn);
        CHECK(is_readable(descriptor, 0));
        add(writer, turn + 100);
        CHECK_EQUAL(take(reader, &number), RR_OK);
        CHECK_EQUAL(number, turn);
        CHECK(is_readable(descriptor, 0)); /* until it was said that there is nothing */
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
    /* the next reader has it, whatever the last one left it at */
    rr_reader *next = rr_reader_join(ring, RR_LATEST, 0, NULL);
    rr_reader *other = rr_reader_join(ring, RR_LATEST, 0, NULL);
    CHECK_EQUAL(rr_reader_descriptor(next), descriptor);
    CHECK(rr_reader_descriptor(other) != descriptor);
    CHECK_EQUAL(take(next, &number), RR_EMPTY);
    CHECK_EQUAL(take(other, &number), RR_EMPTY);
    CHECK(!is_readable(descriptor, 0));
    add(writer, 1);
    CHECK(is_readable(descriptor, 0));
    CHECK(is_readable(rr_reader_descriptor(other), 0));
    rr_reader_free(next);
    rr_reader_free(other);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    struct pollfd ended = {.fd = descriptor, .events = POLLIN};
    CHECK_EQUAL(poll(&ended, 1, 0), 1);
    CHECK((ended.revents & POLLNVAL) != 0); /* closed with the ring */
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
        CHECK(!is_readable(descriptor, 0)); /* the parent's, which knows nothing of this event */
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
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(!is_readable(descriptor, 0));
    add(writer, 7);
    CHECK(is_readable(descriptor, 0));
    CHECK_EQUAL(take(reader, &number), RR_OK);
    CHECK_EQUAL(number, 7);
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

/* The child reads with what it has inherited, and asks for no descriptor of its own. */
static void a_child_that_finds_nothing_silences_nobody(void) /* [RING-35] */
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
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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
    RUN(nothing_comes_in_time);
    RUN(no_wake_up_is_lost);
    RUN(no_ring_of_a_bell_is_lost);
    RUN(who_waits_is_told_of_the_end);
    RUN(a_signal_interrupts);
    RUN(a_descriptor_says_when_to_look);
    RUN(two_processes_do_not_wake_each_other);
    RUN(a_child_that_finds_nothing_silences_nobody);
    return 0;
}
