/* Waiting: a thread that waits for an event or for room sleeps until there is one, or until its reader or writer has ended, and no
 * wake-up is lost. */
#define _POSIX_C_SOURCE 200809L /* sigaction, clock_gettime */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
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

static void evict(rr_reader *reader)
{
    CHECK_EQUAL(rr_reader_evict(reader), RR_OK);
}

static void the_end_of_a_reader_wakes_waiting_threads(void) /* [RING-32] */
{
    end_while_two_wait(RR_OVERWRITE, rr_reader_leave);
    end_while_two_wait(RR_GATED, rr_reader_leave);
    end_while_two_wait(RR_GATED, evict);
}

/* The writer of a ring of one slot waits for room, and the reader for an event: each event takes two wake-ups. */
struct stream {
    rr_ring *ring;
    rr_writer *writer;
    uint64_t count;
    bool polls;
    bool in_bulk;
};

static void *write_stream(void *argument)
{
    const struct stream *stream = argument;
    int descriptor = stream->polls ? rr_writer_descriptor(stream->writer) : -1;
    CHECK(!stream->polls || descriptor >= 0);
    for (uint64_t next = 0; next < stream->count;) {
        const uint64_t numbers[3] = {next, next + 1, next + 2};
        size_t added = 0;
        if (stream->in_bulk) {
            size_t wanted = stream->count - next < 3 ? (size_t)(stream->count - next) : 3;
            CHECK_EQUAL(rr_writer_add_many(stream->writer, numbers, NULL, 8, NULL, 7, wanted, &added, NULL), RR_OK);
        } else {
            rr_status status = rr_writer_add(stream->writer, numbers, 8, 7);
            CHECK(status == RR_OK || status == RR_FULL);
            added = status == RR_OK;
        }
        next += added;
        if (added == 0 && stream->polls) {
            CHECK(is_readable(descriptor, (int)(TOO_LONG / MILLISECOND)));
        } else if (added == 0) {
            CHECK_EQUAL(rr_writer_wait(stream->writer, TOO_LONG), RR_OK);
        }
    }
    return NULL;
}

static void *read_stream(void *argument)
{
    const struct stream *stream = argument;
    rr_reader *reader = rr_reader_join(stream->ring, RR_OLDEST, 0, NULL);
    for (uint64_t next = 0; next < stream->count; ++next) {
        uint64_t number = 0;
        rr_status status = take(reader, &number);
        while (status == RR_EMPTY) {
            CHECK_EQUAL(wait_for_next(reader, TOO_LONG), RR_OK);
            status = take(reader, &number);
        }
        CHECK_EQUAL(status, RR_OK);
        CHECK_EQUAL(number, next);
    }
    rr_reader_free(reader);
    return NULL;
}

static void stream(uint64_t capacity, int readers, bool polls, bool in_bulk)
{
    struct stream of = {.ring = rr_ring_create(8, capacity, RR_GATED, 4, RR_MAX_RING_BYTES, NULL), .count = TURNS / 6};
    pthread_t threads[4];
    of.polls = polls;
    of.in_bulk = in_bulk;
    rr_reader *first = rr_reader_join(of.ring, RR_OLDEST, 0, NULL); /* keeps all events for the readers in the threads */
    of.writer = rr_writer_open(of.ring, NULL);
    for (int i = 0; i < readers; ++i) {
        CHECK_EQUAL(pthread_create(&threads[i], NULL, read_stream, &of), 0);
    }
    while (rr_ring_readers(of.ring) < (uint32_t)readers + 1) {
        (void)poll(NULL, 0, 1);
    }
    CHECK_EQUAL(pthread_create(&threads[readers], NULL, write_stream, &of), 0);
    rr_reader_free(first);
    for (int i = 0; i <= readers; ++i) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    }
    rr_writer_free(of.writer);
    CHECK_EQUAL(rr_ring_destroy(of.ring), RR_OK);
}

static void no_wake_up_of_a_writer_is_lost(void) /* [RING-46] [RING-48] [ORDER-15] [ORDER-20] */
{
    stream(1, 1, false, false);
    stream(2, 3, false, false);
    stream(2, 2, false, true);
    stream(1, 2, true, false); /* [RING-49] */
    stream(2, 1, true, true);
}

static void no_room_comes_in_time(void) /* [RING-46] [RING-48] */
{
    rr_ring *ring = make(RR_GATED);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    rr_reader *ahead = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    uint64_t number = 9;
    CHECK_EQUAL(rr_writer_wait(writer, FOREVER), RR_OK);
    for (uint64_t i = 0; i < 4; ++i) {
        add(writer, i);
    }
    int64_t begun = now();
    CHECK_EQUAL(rr_writer_wait(writer, 0), RR_FULL);
    CHECK_EQUAL(rr_writer_wait(writer, 1), RR_FULL);
    CHECK_EQUAL(rr_writer_wait(writer, 20 * MILLISECOND), RR_FULL);
    CHECK(now() - begun >= 20 * MILLISECOND);
    CHECK_EQUAL(take(ahead, &number), RR_OK);
    CHECK_EQUAL(rr_writer_wait(writer, 0), RR_FULL); /* the other reader holds it back */
    CHECK_EQUAL(take(reader, &number), RR_OK);
    CHECK_EQUAL(rr_writer_wait(writer, 0), RR_OK);
    CHECK_EQUAL(rr_writer_wait(writer, INT64_MAX), RR_OK);
    CHECK_EQUAL(rr_ring_write_cursor(ring), 4); /* waiting adds nothing */
    CHECK_EQUAL(rr_writer_closed(writer), 0);
    rr_writer_close(writer);
    CHECK_EQUAL(rr_writer_closed(writer), 1);
    CHECK_EQUAL(rr_writer_wait(writer, FOREVER), RR_RING_CLOSED);
    CHECK_EQUAL(rr_writer_wait(writer, 0), RR_RING_CLOSED);
    CHECK_EQUAL(rr_writer_descriptor(writer), -RR_RING_CLOSED);
    rr_writer_free(writer);
    rr_reader_free(reader);
    rr_reader_free(ahead);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
    ring = make(RR_OVERWRITE);
    writer = rr_writer_open(ring, NULL);
    for (uint64_t i = 0; i < 9; ++i) {
        add(writer, i);
    }
    CHECK_EQUAL(rr_writer_wait(writer, FOREVER), RR_OK);
    CHECK(is_readable(rr_writer_descriptor(writer), 0));
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

/* A thread that waits on a writer, and the status that it should get. */
struct wait {
    rr_writer *writer;
    rr_status expected;
};

static void *wait_for_room(void *argument)
{
    const struct wait *wait = argument;
    CHECK_EQUAL(rr_writer_wait(wait->writer, TOO_LONG), wait->expected);
    return NULL;
}

static void end_while_a_writer_waits(rr_status expected, void (*end)(rr_reader *))
{
    rr_ring *ring = make(RR_GATED);
    struct wait wait = {.writer = rr_writer_open(ring, NULL), .expected = expected};
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    int descriptor = rr_writer_descriptor(wait.writer);
    pthread_t threads[2];
    const uint64_t number = 1;
    for (uint64_t i = 0; i < 4; ++i) {
        add(wait.writer, i);
    }
    CHECK(is_readable(descriptor, 0)); /* there may be room: no add has failed yet */
    CHECK_EQUAL(rr_writer_add(wait.writer, &number, sizeof number, 7), RR_FULL);
    CHECK(!is_readable(descriptor, 0));
    for (int i = 0; i < 2; ++i) {
        CHECK_EQUAL(pthread_create(&threads[i], NULL, wait_for_room, &wait), 0);
    }
    (void)poll(NULL, 0, 20);
    if (end == NULL) {
        rr_writer_close(wait.writer);
    } else {
        end(reader);
    }
    for (int i = 0; i < 2; ++i) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    }
    CHECK(is_readable(descriptor, 0));
    CHECK_EQUAL(rr_writer_add(wait.writer, &number, sizeof number, 7), expected);
    rr_reader_free(reader);
    rr_writer_free(wait.writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
}

static void an_end_wakes_a_waiting_writer(void) /* [RING-48] */
{
    end_while_a_writer_waits(RR_OK, rr_reader_leave);
    end_while_a_writer_waits(RR_OK, evict);
    end_while_a_writer_waits(RR_RING_CLOSED, NULL);
}

static void a_descriptor_says_when_there_may_be_room(void) /* [RING-49] */
{
    rr_ring *ring = make(RR_GATED);
    rr_writer *writer = rr_writer_open(ring, NULL);
    rr_reader *reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    rr_reader *other = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    uint64_t numbers[5] = {0, 1, 2, 3, 4};
    size_t added = 0;
    int descriptor = rr_writer_descriptor(writer);
    int events = rr_reader_descriptor(reader);
    CHECK(descriptor >= 0 && descriptor != events);
    CHECK_EQUAL(rr_writer_descriptor(writer), descriptor);
    CHECK_EQUAL(take(reader, &numbers[4]), RR_EMPTY);
    CHECK_EQUAL(rr_writer_add_many(writer, numbers, NULL, 8, NULL, 7, 5, &added, NULL), RR_OK);
    CHECK_EQUAL(added, 4);
    CHECK(!is_readable(descriptor, 0)); /* not all were accepted */
    CHECK(is_readable(events, 0));
    CHECK_EQUAL(take(reader, &numbers[0]), RR_OK); /* it was one of the slowest, and cannot know that there is another */
    CHECK_EQUAL(rr_writer_add(writer, numbers, 8, 7), RR_FULL);
    for (uint64_t turn = 4; turn < 10; ++turn) {
        CHECK_EQUAL(take(reader, &numbers[0]), RR_OK);
        CHECK(!is_readable(descriptor, 0)); /* it did not hold the writer back */
        CHECK_EQUAL(take(other, &numbers[0]), RR_OK);
        CHECK(is_readable(descriptor, 0));
        add(writer, turn);
        CHECK(is_readable(descriptor, 0)); /* until an add has found no room */
        CHECK_EQUAL(rr_writer_add(writer, numbers, 8, 7), RR_FULL);
        CHECK(!is_readable(descriptor, 0));
    }
    rr_reader_free(other); /* one that leaves may have held the writer back or not */
    rr_reader_free(reader);
    CHECK(is_readable(descriptor, 0));
    rr_writer_free(writer);
    writer = rr_writer_open(ring, NULL);
    CHECK_EQUAL(rr_writer_descriptor(writer), descriptor); /* the next writer has it */
    rr_writer_free(writer);
    CHECK_EQUAL(rr_ring_destroy(ring), RR_OK);
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

static int open_descriptors(void)
{
    int found = 0;
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
        found += fcntl(descriptor, F_GETFD) >= 0;
    }
    return found;
}

int main(void)
{
    int descriptors = open_descriptors();
    RUN(nothing_comes_in_time);
    RUN(a_wait_near_the_end_of_the_clock_sleeps);
    RUN(no_wake_up_is_lost);
    RUN(no_signal_of_a_notifier_is_lost);
    RUN(the_end_of_a_reader_wakes_waiting_threads);
    RUN(no_room_comes_in_time);
    RUN(no_wake_up_of_a_writer_is_lost);
    RUN(an_end_wakes_a_waiting_writer);
    RUN(a_descriptor_says_when_there_may_be_room);
    RUN(the_end_of_the_stream_wakes_waiting_threads);
    RUN(a_signal_interrupts);
    RUN(a_descriptor_says_when_to_look);
    RUN(a_late_signal_is_cleared);
    RUN(a_descriptor_is_of_one_reader);
    RUN(no_notifying_thread_writes_to_another_file);
    RUN(two_processes_do_not_wake_each_other);
    RUN(a_child_that_finds_nothing_clears_no_descriptor_of_its_parent);
    CHECK_EQUAL(open_descriptors(), descriptors); /* each is closed with its owner [RING-53] */
    return 0;
}
