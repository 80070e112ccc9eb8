/* pool.h - how an allocator lies in memory: a slot's metadata, a pool, its shards: chapter LAYOUT [LAYOUT-2] to [LAYOUT-5]. */
#ifndef RR_POOL_H
#define RR_POOL_H

#include "sizes.h"

#define SHARDS 8u

/* A slot's metadata, the cache line before its event [LAYOUT-2]. A block on the heap begins with such a line too, which uses
 * pool_id, slot_index and size only; all else about an XXL slot is in its line of the table. */
struct slot_line {
    _Atomic uint64_t word;      /* state + 4 * (count + 2^R * generation) [SLOT-2] */
    uint64_t predicted_word;    /* `word` as it was when its event became LIVE: a prediction of what it is [SLOT-9] */
    _Atomic uint64_t detached;  /* detached references + 2^R * the generation that they belong to [PTR-11] */
    _Atomic uint64_t rounds;    /* how often the generation wrapped around; the slot's owner alone writes it [ALLOC-9] */
    _Atomic uint64_t free_bits; /* slot k holds word k of the pool's free list: 32 free bits, 32 bits of version */
    uint32_t pool_id;
    uint32_t slot_index;
    uint32_t size;  /* payload bytes that the event has room for */
    int32_t home;   /* lines from this one to the one with the free list's word that has this slot's bit */
    uint8_t *block; /* XXL only: the block on the heap; NULL in other pools [LAYOUT-8] */
};
static_assert(sizeof(struct slot_line) == LINE_BYTES, "a slot's metadata fills one cache line");

/* The first cache line of a pool [LAYOUT-3]. */
struct pool_header {
    uint64_t capacity;
    uint64_t stride;
    uint64_t size;
    _Atomic uint64_t failures; /* [ALLOC-9] */
    uint32_t pool_id;
    uint32_t ref_bits;
    uint32_t generation_bits;
    uint32_t tag_bits;
    uint64_t unused[2];
};
static_assert(sizeof(struct pool_header) == LINE_BYTES, "a pool's header fills one cache line");

/* A search position of a pool's free list, for some of the threads (free_list.c). Each has a cache line of its own. */
struct shard {
    alignas(64) _Atomic uint64_t next_fit; /* the next-fit cursor: 32 free bits of a word of the free list; in the upper half,
                                              that word's distance from slot 0 in bytes */
    _Atomic uint64_t range;        /* the words that it searches: the first; in the upper half, the one after the last */
    _Atomic uint32_t looks;        /* how often it looked ahead: the shard is in use while this changes */
    _Atomic uint32_t seen[SHARDS]; /* `looks` of each shard when this one last took a range */
};
static_assert(sizeof(struct shard) == LINE_BYTES, "a shard fills one cache line");

/* Where a pool lies, which is never written after its creation, and its shards. */
struct pool {
    uint8_t *storage;
    uint8_t *slots;  /* slot 0, in `storage` */
    uint64_t stride; /* bytes from slot to slot */
    uint64_t size;   /* payload bytes of a slot; 0 in the XXL table */
    uint32_t capacity;
    uint32_t words; /* words of the free list */
    uint32_t id;
    _Atomic uint32_t shards_used; /* no shard from this number on has looked ahead recently; at least 1 */
    struct shard shards[SHARDS];
};

struct rr_allocator {
    rr_profile profile;
    uint64_t count_mask;      /* 2^R - 1 */
    uint64_t generation_mask; /* 2^G - 1 */
    bool wide;                /* how payloads are copied */
    struct pool pools[RR_POOL_COUNT];
    alignas(64) _Atomic uint64_t heap_payload_bytes; /* of XXL slots taken [ALLOC-7] */
    _Atomic uint64_t heap_block_bytes;               /* of the blocks that they have [LAYOUT-5] */
};

static inline struct pool_header *pool_header(const struct pool *pool)
{
    return (struct pool_header *)(void *)pool->storage;
}

/* `offset`: the distance from slot 0 in bytes. */
INLINE struct slot_line *line_at(const struct pool *pool, uint64_t offset)
{
    return (struct slot_line *)(void *)(pool->slots + offset);
}

static inline struct slot_line *slot_at(const struct pool *pool, uint32_t index)
{
    return line_at(pool, index * pool->stride);
}

static inline void count_failure(const struct pool *pool)
{
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_fetch_add_explicit(&pool_header(pool)->failures, 1, memory_order_relaxed);
}

#endif
