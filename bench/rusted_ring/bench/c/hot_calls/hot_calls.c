/*
 * hot_calls.c - the calls that programs make most, each repeated in a function of its own.
 *
 * A counter of instructions (callgrind) is told to count inside the functions count_* alone. The program prints, as JSON, how
 * many calls (of bulk calls: events) each of them makes, so that a count for one call can be formed. One thread, no chance and
 * no clock: each run executes the same instructions.
 */
#include <rusted_ring.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { payload = 64, capacity = 1024, batch = 64, calls = 1000, slots = 2000 };

static _Alignas(64) unsigned char data[payload * batch];
static _Alignas(64) unsigned char out[payload * batch];
static uint32_t lengths[batch];
static uint32_t event_types[batch];
static const uint8_t *held[slots];

static rr_allocator *allocator;
static rr_writer *writer;
static rr_reader *reader;

static void require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "hot_calls: %s\n", what);
        exit(1);
    }
}

/* -------------------------------------------------------------------------------------------------------- what is counted */

#if defined(__clang__)
#define COUNTED __attribute__((noinline))
#else
#define COUNTED __attribute__((noinline, noclone))
#endif

/* Declares and defines a function that the compiler may neither inline nor leave out nor merge with one that is the same. */
#define COUNT(name) \
    void count_##name(void); \
    COUNTED void count_##name(void)

static void add_all(void)
{
    for (int i = 0; i < calls; ++i) {
        require(rr_writer_add(writer, data, payload, 1) == RR_OK, "add");
    }
}

static void next_all(void)
{
    for (int i = 0; i < calls; ++i) {
        rr_read read;
        require(rr_reader_next(reader, out, payload, &read) == RR_OK, "next");
    }
}

static void add_many_all(void)
{
    for (int i = 0; i < calls / batch; ++i) {
        size_t added = 0;
        require(rr_writer_add_many(writer, data, NULL, payload, NULL, 1, batch, &added, NULL) == RR_OK, "add_many");
        require(added == batch, "add_many added fewer");
    }
}

static void next_many_all(void)
{
    for (int i = 0; i < calls / batch; ++i) {
        rr_read read;
        require(rr_reader_next_many(reader, batch, out, sizeof out, lengths, event_types, &read) == RR_OK, "next_many");
        require(read.count == batch, "next_many read fewer");
    }
}

/* One pair of functions for each mode, since the two have paths of their own. */
COUNT(add_gated) { add_all(); }
COUNT(next_gated) { next_all(); }
COUNT(add_overwrite) { add_all(); }
COUNT(next_overwrite) { next_all(); }
COUNT(add_many_gated) { add_many_all(); }
COUNT(next_many_gated) { next_many_all(); }
COUNT(add_many_overwrite) { add_many_all(); }
COUNT(next_many_overwrite) { next_many_all(); }

COUNT(next_empty)
{
    for (int i = 0; i < calls; ++i) {
        rr_read read;
        require(rr_reader_next(reader, out, payload, &read) == RR_EMPTY, "an empty ring was not empty");
    }
}

COUNT(add_full)
{
    for (int i = 0; i < calls; ++i) {
        require(rr_writer_add(writer, data, payload, 1) == RR_FULL, "a full ring was not full");
    }
}

COUNT(reserve_commit)
{
    for (int i = 0; i < calls; ++i) {
        size_t reserved = 0;
        require(rr_writer_reserve(writer, 1, &reserved, NULL) != NULL, "reserve");
        require(rr_writer_commit(writer, NULL, payload, NULL, 1, 1, NULL) == RR_OK, "commit");
    }
}

COUNT(peek_release)
{
    for (int i = 0; i < calls; ++i) {
        const uint8_t *payloads = NULL;
        rr_read read;
        require(rr_reader_peek(reader, 1, &payloads, &read) == RR_OK, "peek");
        require(rr_reader_release(reader, 1) == RR_OK, "release");
    }
}

COUNT(allocate_drop)
{
    for (int i = 0; i < calls; ++i) {
        const uint8_t *event = rr_allocate(allocator, data, payload, 1, 0, NULL);
        require(event != NULL, "allocate");
        rr_release_payload(allocator, event);
    }
}

COUNT(allocate_drop_half_full)
{
    for (int i = 0; i < calls; ++i) {
        const uint8_t *event = rr_allocate(allocator, data, payload, 1, 0, NULL);
        require(event != NULL, "allocate");
        rr_release_payload(allocator, event);
    }
}

COUNT(clone_drop)
{
    for (int i = 0; i < calls; ++i) {
        require(rr_clone_payload(allocator, held[0]) == RR_OK, "clone");
        rr_release_payload(allocator, held[0]);
    }
}

COUNT(upgrade_drop)
{
    uint64_t token = rr_payload_token(allocator, held[0]);
    for (int i = 0; i < calls; ++i) {
        const uint8_t *event = rr_upgrade(allocator, token, NULL);
        require(event != NULL, "upgrade");
        rr_release_payload(allocator, event);
    }
}

COUNT(token_round_trip)
{
    for (int i = 0; i < calls; ++i) {
        held[0] = rr_from_token(allocator, rr_into_token(allocator, held[0]), NULL);
        require(held[0] != NULL, "from_token");
    }
}

/* ------------------------------------------------------------------------------------------------------------------- runs */

static void with_ring(rr_ring_mode mode, void (*use)(void))
{
    rr_ring *ring = rr_ring_create(payload, capacity, mode, 1, RR_MAX_RING_BYTES, NULL);
    require(ring != NULL, "no ring");
    writer = rr_writer_open(ring, NULL);
    reader = rr_reader_join(ring, RR_OLDEST, 0, NULL);
    require(writer != NULL && reader != NULL, "no writer or no reader");
    use();
    rr_writer_free(writer);
    rr_reader_free(reader);
    require(rr_ring_destroy(ring) == RR_OK, "the ring is still in use");
}

static void use_gated(void)
{
    count_add_gated();
    count_next_gated();
    count_add_many_gated();
    count_next_many_gated();
    count_reserve_commit();
    count_peek_release();
    count_next_empty();
    for (int i = 0; i < capacity; ++i) {
        require(rr_writer_add(writer, data, payload, 1) == RR_OK, "add");
    }
    count_add_full();
}

static void use_overwrite(void)
{
    count_add_overwrite();
    count_next_overwrite();
    count_add_many_overwrite();
    count_next_many_overwrite();
}

static void use_pool(void)
{
    rr_profile profile = rr_profile_seed();
    allocator = rr_allocator_create(&profile, NULL);
    require(allocator != NULL, "no allocator");
    require(rr_pool_capacity(allocator, RR_XS) == slots, "the pool has another number of slots");
    count_allocate_drop();
    for (int i = 0; i < slots; ++i) {
        held[i] = rr_allocate(allocator, data, payload, 1, 0, NULL);
        require(held[i] != NULL, "allocate");
    }
    for (int i = 1; i < slots; i += 2) {
        rr_release_payload(allocator, held[i]);
    }
    count_allocate_drop_half_full();
    count_clone_drop();
    count_upgrade_drop();
    count_token_round_trip();
    for (int i = 0; i < slots; i += 2) {
        rr_release_payload(allocator, held[i]);
    }
    require(rr_allocator_destroy(allocator) == RR_OK, "an event was left");
}

int main(void)
{
    memset(data, 7, sizeof data);
    with_ring(RR_GATED, use_gated);
    with_ring(RR_OVERWRITE, use_overwrite);
    use_pool();
    static const char *const single[] = {
        "add_gated",     "next_gated",    "add_overwrite",           "next_overwrite", "next_empty",
        "add_full",      "allocate_drop", "allocate_drop_half_full", "clone_drop",     "upgrade_drop",
        "token_round_trip", "reserve_commit", "peek_release",
    };
    static const char *const many[] = {"add_many_gated", "next_many_gated", "add_many_overwrite", "next_many_overwrite"};
    printf("{");
    for (size_t i = 0; i < sizeof single / sizeof *single; ++i) {
        printf("\"%s\": %d, ", single[i], calls);
    }
    for (size_t i = 0; i < sizeof many / sizeof *many; ++i) {
        printf("%s\"%s\": %d", i == 0 ? "" : ", ", many[i], calls / batch * batch);
    }
    printf("}\n");
    return 0;
}
