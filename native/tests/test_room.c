/* Waiting for room: a writer that waits sleeps until there is room or the writer is closed, and no wake-up is lost. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

#include "check.h"
#include "rusted_ring.h"
#include "waiting.h"

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

int main(void)
{
    int descriptors = open_descriptors();
    RUN(no_room_comes_in_time);
    RUN(no_wake_up_of_a_writer_is_lost);
    RUN(an_end_wakes_a_waiting_writer);
    RUN(a_descriptor_says_when_there_may_be_room);
    CHECK_EQUAL(open_descriptors(), descriptors); /* each is closed with its owner [RING-53] */
    return 0;
}
