/* Waiting: a thread that waits for an event sleeps until there is one, or until its reader or the stream has ended; a signal
 * interrupts it, and no wake-up is lost. */
#define _POSIX_C_SOURCE 200809L /* sigaction, clock_gettime */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "rusted_ring.h"
#include "waiting.h"

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
    CHECK_EQUAL(rr_reader_cursor(reader), 0); /* waiting does not move the reader */
    rr_reader_leave(reader);
    CHECK_EQUAL(wait_for_next(reader, FOREVER), RR_RING_CLOSED);
    CHECK_EQUAL(wait_for_next(reader, 0), RR_RING_CLOSED);
    rr_reader_free(reader);
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

struct wait_of_a_time {
    rr_reader *reader;
    int64_t nanoseconds;
};

static void *wait_for_an_event(void *argument)
{
    const struct wait_of_a_time *wait = argument;
    CHECK_EQUAL(wait_for_next(wait->reader, wait->nanoseconds), RR_OK);
    return NULL;
}

/* A wait that ends before the clock's last moment, at it, or after it sleeps until there is an event. */
static void a_wait_near_the_end_of_the_clock_sleeps(void) /* [RING-31] */
{
    for (int64_t more = -SECOND; more <= SECOND; more += SECOND) {
        rr_ring *ring = make(RR_OVERWRITE);
        rr_writer *writer = rr_writer_open(ring, NULL);
        struct wait_of_a_time wait = {.reader = rr_reader_join(ring, RR_OLDEST, 0, NULL)};
        pthread_t thread;
        wait.nanoseconds = INT64_MAX - now() + more;
        CHECK_EQUAL(pthread_create(&thread, NULL, wait_for_an_event, &wait), 0);
        (void)poll(NULL, 0, 5);
        add(writer, 1);
        CHECK_EQUAL(pthread_join(thread, NULL), 0);
        rr_reader_free(wait.reader);
        rr_writer_free(writer);
        CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    }
}

/* Two threads that answer each other: if a wake-up is lost, a wait times out and the test fails. */
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

static void no_signal_of_a_notifier_is_lost(void) /* [RING-60] [ORDER-21] */
{
    play_together(true, true);
    play_together(true, false);
}

/* A thread that waits on a reader that another thread ends. */
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

static void *wait_for_the_end_of_the_stream(void *argument)
{
    CHECK_EQUAL(rr_reader_wait(argument, 0, TOO_LONG), RR_END_OF_STREAM);
    return NULL;
}

static void the_end_of_the_stream_wakes_waiting_threads(void) /* [RING-32] [RING-60] [RING-39] */
{
    for (int mode = RR_OVERWRITE; mode <= RR_GATED; ++mode) {
        rr_ring *ring = make((rr_ring_mode)mode);
        rr_writer *writer = rr_writer_open(ring, NULL);
        rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
        int descriptor = rr_reader_descriptor(reader);
        uint64_t number = 0;
        pthread_t threads[2];
        CHECK_EQUAL(take(reader, &number), RR_EMPTY);
        CHECK(!is_readable(descriptor, 0));
        for (int i = 0; i < 2; ++i) {
            CHECK_EQUAL(pthread_create(&threads[i], NULL, wait_for_the_end_of_the_stream, reader), 0);
        }
        (void)poll(NULL, 0, 20);
        CHECK_EQUAL(rr_writer_end(writer), RR_OK);
        for (int i = 0; i < 2; ++i) {
            CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
            CHECK_EQUAL(take(reader, &number), RR_END_OF_STREAM);
            CHECK(is_readable(descriptor, 0));
        }
        rr_reader_free(reader);
        rr_writer_free(writer);
        CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    }
}

static void the_end_of_a_reader_wakes_waiting_threads(void) /* [RING-32] */
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

static void *wait_for_room_until_interrupted(void *argument)
{
    CHECK_EQUAL(rr_writer_wait(argument, FOREVER), RR_INTERRUPTED);
    atomic_fetch_add_explicit(&handled, 1000, memory_order_relaxed);
    return NULL;
}

static void interrupt(void *(*body)(void *), void *argument)
{
    struct sigaction action;
    pthread_t thread;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    atomic_store_explicit(&handled, 0, memory_order_relaxed);
    CHECK_EQUAL(pthread_create(&thread, NULL, body, argument), 0);
    while (atomic_load_explicit(&handled, memory_order_relaxed) < 1000) { /* it may not be asleep at the first one */
        CHECK_EQUAL(pthread_kill(thread, SIGUSR1), 0);
        (void)poll(NULL, 0, 5);
    }
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
}

static void a_signal_interrupts(void) /* [RING-33] */
{
    rr_ring *ring = make(RR_GATED);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    interrupt(wait_until_interrupted, reader);
    for (uint64_t i = 0; i < 4; ++i) {
        add(writer, i);
    }
    interrupt(wait_for_room_until_interrupted, writer);
    rr_writer_free(writer);
    rr_reader_free(reader);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

int main(void)
{
    int descriptors = open_descriptors();
    RUN(nothing_comes_in_time);
    RUN(a_wait_near_the_end_of_the_clock_sleeps);
    RUN(no_wake_up_is_lost);
    RUN(no_signal_of_a_notifier_is_lost);
    RUN(the_end_of_a_reader_wakes_waiting_threads);
    RUN(the_end_of_the_stream_wakes_waiting_threads);
    RUN(a_signal_interrupts);
    CHECK_EQUAL(open_descriptors(), descriptors); /* each is closed with its owner [RING-53] */
    return 0;
}
