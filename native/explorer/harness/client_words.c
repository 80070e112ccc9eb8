/* client_words.c - which word of the core lies at an address: for the explorer's answer about words. The one part of the harness
 * that knows how the core lays out its memory. */
#include <stdio.h>
#include <string.h>

#include "pool.h"
#include "ring.h"

#include "client.h"

#define NAMED(base, type, field, name)                           \
    if ((base) == offsetof(type, field)) {                       \
        return name;                                             \
    }

/* Where the pools and the ring lie, and copies that outlast them. */
static uint64_t pools_at EXPLORER_STATE = 0;
static rr_allocator pools EXPLORER_STATE = {0};
static uint64_t ring_at EXPLORER_STATE = 0;
static rr_ring ring EXPLORER_STATE = {0};

/* A word of a slot's metadata; NULL for its payload. */
static const char *word_of_slot(const struct pool *pool, uint64_t offset)
{
    static char name[48] EXPLORER_STATE = "";
    uint64_t at = offset % pool->stride;
    NAMED(at, struct slot_line, word, "slot")
    NAMED(at, struct slot_line, detached, "detached")
    NAMED(at, struct slot_line, rounds, "rounds")
    if (at == offsetof(struct slot_line, free_bits)) {
        (void)snprintf(name, sizeof name, "free_list/%u/%u", pool->id, (uint32_t)(offset / pool->stride));
        return name;
    }
    return NULL;
}

static const char *word_of_shard(uint64_t at)
{
    NAMED(at, struct shard, next_fit, "next_fit")
    NAMED(at, struct shard, range, "range")
    NAMED(at, struct shard, looks, "looks")
    return at >= offsetof(struct shard, seen) ? "seen" : NULL;
}

static const char *word_of_allocator(uint64_t address)
{
    uint64_t at = address - pools_at;
    NAMED(at, rr_allocator, heap_payload_bytes, "heap_payload_bytes")
    NAMED(at, rr_allocator, heap_block_bytes, "heap_block_bytes")
    for (uint32_t id = 0; id < RR_POOL_COUNT; ++id) {
        const struct pool *pool = &pools.pools[id];
        uint64_t offset = address - (uint64_t)(uintptr_t)pool->slots;
        if (offset < pool->capacity * pool->stride) {
            return word_of_slot(pool, offset);
        }
        NAMED(address - (uint64_t)(uintptr_t)pool->storage, struct pool_header, failures, "failures")
        uint64_t in_pool = at - offsetof(rr_allocator, pools) - id * sizeof *pool;
        NAMED(in_pool, struct pool, shards_used, "shards_used")
        in_pool -= offsetof(struct pool, shards);
        if (in_pool < sizeof pool->shards) {
            return word_of_shard(in_pool % sizeof(struct shard));
        }
    }
    return "object";
}

static const char *word_of_ring(uint64_t address)
{
    NAMED(address - ring_at, rr_ring, handles, "handles")
    uint64_t at = address - (uint64_t)(uintptr_t)cursors_of(&ring);
    NAMED(at, struct ring_cursors, write_cursor, "write_cursor")
    NAMED(at, struct ring_cursors, claim, "claim")
    NAMED(at, struct ring_cursors, events.waiters, "waiters")
    NAMED(at, struct ring_cursors, events.epoch, "epoch")
    NAMED(at, struct ring_cursors, events.notifiers, "notifiers")
    at = address - (uint64_t)(uintptr_t)membership_of(&ring);
    NAMED(at, struct ring_membership, writer_state, "writer_state")
    NAMED(at, struct ring_membership, low_water_mark, "low_water_mark")
    NAMED(at, struct ring_membership, awaited, "awaited")
    NAMED(at, struct ring_membership, room.waiters, "waiters")
    NAMED(at, struct ring_membership, room.epoch, "epoch")
    NAMED(at, struct ring_membership, room.notifiers, "notifiers")
    at = address - (uint64_t)(uintptr_t)ring.storage - (uint64_t)3 * LINE_BYTES;
    if (at < ring.max_readers * sizeof(struct registration)) {
        return at % sizeof(struct registration) == offsetof(struct registration, word) ? "registration" : NULL;
    }
    at = address - (uint64_t)(uintptr_t)ring.slots.event_descriptors;
    if (at < ring.slots.capacity * sizeof *ring.slots.event_descriptors) {
        return "event_descriptor";
    }
    at = address - (uint64_t)(uintptr_t)ring.slots.payloads;
    return at < ring.slots.capacity * ring.slots.stride ? NULL : "object";
}

const char *client_word(uint64_t address)
{
    const char *name = "object";
    if (pools_at != 0) {
        name = word_of_allocator(address);
    }
    if (ring_at != 0 && name != NULL && strcmp(name, "object") == 0) {
        name = word_of_ring(address);
    }
    return name;
}

void client_words_made(void)
{
    pools_at = (uint64_t)(uintptr_t)client.allocator;
    if (client.allocator != NULL) {
        memcpy(&pools, client.allocator, sizeof pools);
    }
    ring_at = (uint64_t)(uintptr_t)client.ring;
    if (client.ring != NULL) {
        memcpy(&ring, client.ring, sizeof ring);
    }
}
