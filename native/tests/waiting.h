/* waiting.h - what the tests of waiting share: rings of four slots whose events are numbers, times, and descriptors. */
#ifndef RR_WAITING_H
#define RR_WAITING_H

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>

#include "check.h"
#include "rusted_ring.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND (1000 * MILLISECOND)
#define FOREVER (-1)
#define TOO_LONG (5 * SECOND) /* for a wake-up that is not lost */
#define TURNS 3000u

static inline rr_ring *make(rr_ring_mode mode)
{
    rr_ring *ring = rr_ring_create(8, 4, mode, 4, RR_MAX_RING_BYTES, NULL);
    CHECK(ring != NULL);
    return ring;
}

static inline int64_t now(void)
{
    struct timespec time;
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

static inline void add(rr_writer *writer, uint64_t number)
{
    CHECK_EQUAL(rr_writer_add(writer, &number, sizeof number, 7), RR_OK);
}

static inline rr_status take(rr_reader *reader, uint64_t *number)
{
    rr_read read;
    return rr_reader_next(reader, number, sizeof *number, &read);
}

static inline rr_status wait_for_next(rr_reader *reader, int64_t nanoseconds)
{
    return rr_reader_wait(reader, rr_reader_cursor(reader), nanoseconds);
}

/* Whether the descriptor is readable, or becomes so within some milliseconds. */
static inline bool is_readable(int descriptor, int milliseconds)
{
    struct pollfd asked = {.fd = descriptor, .events = POLLIN};
    int found = poll(&asked, 1, milliseconds);
    CHECK(found >= 0);
    return found == 1 && (asked.revents & POLLIN) != 0;
}

static inline void evict(rr_reader *reader)
{
    CHECK_EQUAL(rr_reader_evict(reader), RR_OK);
}

static inline int open_descriptors(void)
{
    int found = 0;
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
        found += fcntl(descriptor, F_GETFD) >= 0;
    }
    return found;
}

#endif
