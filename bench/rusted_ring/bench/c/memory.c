/*
 * memory.c - bench_memory: what pools and rings take, and that it does not grow.
 *
 *     bench_memory [OPERATIONS]
 *
 * OPERATIONS (10^9) times an event of 64 bytes is allocated and dropped, and as often one is added to a ring and read. Prints
 * one JSON object with, for "pools" and "ring":
 *     "formula"   bytes by the spec's formula, from rr_memory_usage or rr_ring_memory_usage
 *     "resident"  bytes by which the process grew in memory when they were made
 *     "start", "during" (ten), "end"  bytes of the process in memory before the first operation, after each tenth of them,
 *                 and after the last
 *     "operations", "seconds"
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <inttypes.h>
#include <rusted_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POINTS 10
#define PAYLOAD 64u
#define CAPACITY 1024u

/* What is measured. */
struct subject {
    const char *name;
    uint64_t (*make)(void); /* gives its bytes by the formula */
    void (*work)(uint64_t first, uint64_t count);
};

static rr_allocator *allocator;
static rr_writer *writer;
static rr_reader *reader;

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "bench_memory: %s\n", what);
    exit(1);
}

/* Resident bytes of the process, exact and without allocating; without its code, which comes from files page by page. */
static uint64_t resident_bytes(void)
{
    static char text[4096];
    int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (length < 0) {
        fail("/proc/self/smaps_rollup cannot be read");
    }
    close(file);
    text[length] = '\0';
    const char *line = strstr(text, "\nAnonymous:");
    if (line == NULL) {
        fail("/proc/self/smaps_rollup says nothing of anonymous memory");
    }
    return strtoull(line + strlen("\nAnonymous:"), NULL, 10) * 1024;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint64_t make_pools(void)
{
    rr_profile profile = rr_profile_seed();
    allocator = rr_allocator_create(&profile, NULL);
    if (allocator == NULL) {
        fail("no allocator was made");
    }
    return rr_memory_usage(allocator);
}

static void work_pools(uint64_t first, uint64_t count)
{
    uint64_t data[PAYLOAD / 8] = {0};
    for (uint64_t i = first; i < first + count; ++i) {
        data[0] = i;
        const uint8_t *event = rr_allocate(allocator, data, PAYLOAD, 1, 0, NULL);
        if (event == NULL || memcmp(event, &i, sizeof i) != 0) {
            fail("an event was not allocated, or is another");
        }
        rr_release_payload(allocator, event);
    }
}

static uint64_t make_ring(void)
{
    rr_ring *ring = rr_ring_create(PAYLOAD, CAPACITY, RR_OVERWRITE, 0, RR_MAX_RING_BYTES, NULL);
    if (ring == NULL) {
        fail("no ring was made");
    }
    writer = rr_writer_open(ring, NULL);
    reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    if (writer == NULL || reader == NULL) {
        fail("a writer or a reader was not admitted");
    }
    return rr_ring_memory_usage(ring);
}

static void work_ring(uint64_t first, uint64_t count)
{
    uint64_t data[PAYLOAD / 8] = {0};
    uint64_t out[PAYLOAD / 8];
    for (uint64_t i = first; i < first + count; ++i) {
        rr_read found;
        data[0] = i;
        if (rr_writer_add(writer, data, PAYLOAD, 1) != RR_OK || rr_reader_next(reader, out, PAYLOAD, &found) != RR_OK ||
            out[0] != i || found.sequence != i) {
            fail("an event was not added, or is another");
        }
    }
}

static void measure(const struct subject *subject, uint64_t operations, const char *end)
{
    uint64_t before = resident_bytes();
    uint64_t formula = subject->make();
    uint64_t start = resident_bytes();
    printf("  \"%s\": {\"formula\": %" PRIu64 ", \"resident\": %" PRIu64 ", ", subject->name, formula, start - before);
    printf("\"start\": %" PRIu64 ", \"during\": [", start);
    double begun = seconds();
    uint64_t done = 0;
    for (uint64_t point = 1; point <= POINTS; ++point) {
        uint64_t until = operations / POINTS * point + operations % POINTS * point / POINTS;
        subject->work(done, until - done);
        done = until;
        printf("%s%" PRIu64, point > 1 ? ", " : "", resident_bytes());
        fflush(stdout);
    }
    double taken = seconds() - begun;
    printf("], \"end\": %" PRIu64 ", \"operations\": %" PRIu64 ", ", resident_bytes(), done);
    printf("\"seconds\": %.3f}%s\n", taken, end);
}

int main(int argc, char **argv)
{
    static const struct subject subjects[] = {{"pools", make_pools, work_pools}, {"ring", make_ring, work_ring}};
    char *rest = NULL;
    uint64_t operations = argc > 1 ? strtoull(argv[1], &rest, 10) : UINT64_C(1000000000);
    if (argc > 2 || operations == 0 || (rest != NULL && *rest != '\0')) {
        fprintf(stderr, "bench_memory [OPERATIONS]: a number above 0, 1000000000 if none is given\n");
        return 2;
    }
    (void)resident_bytes(); /* its own pages and the output's are touched before anything is counted */
    printf("{\n");
    measure(&subjects[0], operations, ",");
    measure(&subjects[1], operations, "");
    printf("}\n");
    return 0;
}
