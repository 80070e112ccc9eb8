/* free_list.h - the free list of a pool: claiming free slots and releasing them: chapter ALLOC [ALLOC-2] [ALLOC-3] [ALLOC-10]. */
#ifndef RR_FREE_LIST_H
#define RR_FREE_LIST_H

#include "pool.h"

static inline uint32_t lowest_bit(uint32_t bits)
{
#if defined(__GNUC__)
    return (uint32_t)__builtin_ctz(bits);
#else
    uint32_t index = 0;
    while ((bits >> index & 1u) == 0) {
        ++index;
    }
    return index;
#endif
}

static inline uint32_t count_bits(uint32_t bits)
{
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        ++count;
    }
    return count;
}

/* Slots of word `k` of the free list: those in `bits` were claimed, none if it is 0; those in `rest` were free as well. */
struct claim {
    uint32_t k;
    uint32_t bits;
    uint32_t rest;
};

/* The first slot of a claim. */
static inline uint32_t first_of(struct claim claim)
{
    return claim.k * 32 + lowest_bit(claim.bits);
}

/* Which shard of a pool this thread uses: its distance from the first one in bytes. Threads begin in the first. */
extern _Thread_local uint32_t own_shard THREAD_LOCAL_MODEL;

INLINE struct shard *shard_of(struct pool *pool)
{
    return (struct shard *)(void *)((uint8_t *)pool->shards + own_shard);
}

/* Claims up to `wanted` free slots of one word of the free list, next after the last ones that the shard claimed [ALLOC-10]; none
 * if no slot was free at some moment of the call [ALLOC-3]. */
struct claim free_list_claim(struct pool *pool, size_t wanted, uint32_t tag_bits);

/* The number of free slots. */
uint64_t free_list_count(const struct pool *pool);

/* Moves this thread to the next shard if another thread has moved the cursor of this one, which was `next_fit`. */
void migrate_on_contention(const struct shard *shard, uint64_t next_fit);

/* Moves a shard's next-fit cursor on, after a claim of the last slot that it named in the word at `offset`. Returns `payload`: so
 * an allocation ends with a jump to here, and saves no registers for a call. */
NOINLINE const uint8_t *free_list_advance(struct pool *pool, struct shard *shard, uint64_t offset, const uint8_t *payload);

/* The line that holds the free list's word with this slot's bit. */
static inline struct slot_line *home_of(struct slot_line *slot)
{
    return slot + slot->home;
}

/* Releases `count` slots to the free list's word in line `home`: sets their bits, which are 0, and adds `count` to the version. */
static inline void free_list_release(struct slot_line *home, uint32_t bits, uint32_t count)
{
    uint64_t step = ((uint64_t)count << 32) + bits;
    /* pairs with claim_in_word's acquire [ORDER-2] */
    atomic_fetch_add_explicit(&home->free_bits, step, memory_order_release);
}

static inline void free_list_release_slot(struct slot_line *slot)
{
    free_list_release(home_of(slot), 1u << (slot->slot_index % 32), 1);
}

#endif
