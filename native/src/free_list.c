/* free_list.c - the free list of a pool, and the shards that search it: chapter ALLOC [ALLOC-2] [ALLOC-3] [ALLOC-10]. */
#include "free_list.h"

#define LOOKED_AHEAD 16u /* words of the free list in which free slots are looked for in advance */

static uint32_t lowest_bits(uint32_t bits, size_t wanted)
{
    uint32_t rest = bits;
    for (; wanted > 0 && rest != 0; --wanted) {
        rest &= rest - 1;
    }
    return bits & ~rest;
}

/* Tries to claim up to `wanted` of the bits of word `k` that are set in `allowed`. If none of them is set, *version is the version
 * that the word had at that moment. */
static struct claim claim_in_word(const struct pool *pool, uint32_t k, uint32_t allowed, size_t wanted, uint32_t *version)
{
    _Atomic uint64_t *word = &slot_at(pool, k)->free_bits;
    struct claim claim = {.k = k};
    /* pairs with the claim below in other threads: a thread that sees a slot claimed sees what was released before [ORDER-2] */
    uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
    while (((uint32_t)seen & allowed) != 0) {
        uint32_t chosen = lowest_bits((uint32_t)seen & allowed, wanted);
        /* pairs with free_list_release's release; if it fails, as the load above [ORDER-2] */
        if (atomic_compare_exchange_weak_explicit(word, &seen, seen - chosen, memory_order_acq_rel, memory_order_acquire)) {
            claim.bits = chosen;
            claim.rest = ((uint32_t)seen & allowed) - chosen;
            return claim;
        }
    }
    *version = (uint32_t)(seen >> 32);
    return claim;
}

/*
 * Visits the words of the free list in a circle, beginning after `k`, until it claims slots, or until it knows that no slot was
 * free at some moment of the call [ALLOC-3].
 *
 * Proof that there was such a moment: each pass finds every word empty and adds up the versions. A version only grows, by one for
 * each slot released. If two passes in a row give the same sum, then no slot was released to a word between its two visits, so the
 * word was empty all that time; and all words were empty at the end of the first of the two passes. Sums are compared modulo 2^T:
 * with T = 32 a wrong verdict needs 2^32 releases during one call.
 */
static struct claim claim_anywhere(const struct pool *pool, size_t wanted, uint32_t tag_bits, uint32_t k)
{
    uint32_t tag_mask = (uint32_t)((UINT64_C(1) << tag_bits) - 1);
    uint32_t sum = 0;
    uint32_t sum_before = 0;
    struct claim claim = {.k = k};
    for (uint32_t pass = 0; claim.bits == 0; ++pass) {
        sum_before = sum;
        sum = 0;
        for (uint32_t visited = 0; claim.bits == 0 && visited < pool->words; ++visited) {
            uint32_t version = 0;
            k = k + 1 == pool->words ? 0 : k + 1;
            claim = claim_in_word(pool, k, UINT32_MAX, wanted, &version);
            sum += version;
        }
        if (claim.bits == 0 && pass > 0 && ((sum ^ sum_before) & tag_mask) == 0) {
            break;
        }
    }
    return claim;
}

static_assert(MAX_SLOTS / 32 * UINT64_C(16512) <= UINT32_MAX,
              "a next-fit cursor holds the distance of the last word, in slots of XL");
static_assert(MAX_SLOTS * UINT64_C(16512) / LINE_BYTES <= INT32_MAX, "a slot holds how many lines it is from its word");

/*
 * Shards. Threads that allocate from the same words of a pool wait for each other's cache lines at every slot. So a thread that
 * finds another one at its search position migrates to another shard. Each shard has a next-fit cursor of its own, and searches a
 * range of the free list's words. At the end of its range a shard takes a new one: the words are divided among it and the shards
 * that moved since it last did so, and if no other shard moved it takes all of them. A range gives no exclusive right: a thread
 * that finds no free slot in its range claims one of any other range.
 */

_Thread_local uint32_t own_shard THREAD_LOCAL_MODEL;

/* `rest`: the free slots of the free list's word at `offset` that the shard has not passed yet. */
static inline void set_next_fit(struct shard *shard, uint64_t offset, uint32_t rest)
{
    /* pairs with nothing: a lost update costs a longer search [ORDER-13] */
    atomic_store_explicit(&shard->next_fit, offset << 32 | rest, memory_order_relaxed);
}

/* A range of words of the free list, as distances from slot 0 in bytes: the first word, and the one after the last. */
struct word_range {
    uint64_t first;
    uint64_t end;
};
static_assert(MAX_SLOTS / 32 * SHARDS <= UINT32_MAX, "a product of words and shards does not wrap");

/* From the two numbers of words that a shard holds. */
static struct word_range range_of(const struct pool *pool, uint64_t words)
{
    return (struct word_range){.first = (uint32_t)words * pool->stride, .end = (words >> 32) * pool->stride};
}

static bool is_in(struct word_range range, uint64_t offset)
{
    return offset >= range.first && offset < range.end;
}

/* Gives a shard a new range. */
static struct word_range new_range(const struct pool *pool, struct shard *shard)
{
    /* pairs with nothing: every range is right [ORDER-13] */
    uint32_t used = atomic_load_explicit(&pool->shards_used, memory_order_relaxed);
    uint32_t shards = 1;
    uint32_t before = 0;
    for (uint32_t i = 0; i < used; ++i) {
        const struct shard *other = &pool->shards[i];
        /* pairs with nothing: as above [ORDER-13] */
        uint32_t looks = atomic_load_explicit(&other->looks, memory_order_relaxed);
        /* pairs with nothing: as above [ORDER-13] */
        if (other != shard && looks != atomic_load_explicit(&shard->seen[i], memory_order_relaxed)) {
            /* pairs with nothing: as above [ORDER-13] */
            atomic_store_explicit(&shard->seen[i], looks, memory_order_relaxed);
            ++shards;
            before += other < shard;
        }
    }
    uint32_t first = pool->words * before / shards;
    uint64_t end = pool->words * (before + 1) / shards; /* may be equal to `first` if there are more shards than words */
    uint64_t words = first | end << 32;
    /* pairs with nothing: as above [ORDER-13] */
    atomic_store_explicit(&shard->range, words, memory_order_relaxed);
    return range_of(pool, words);
}

/* How many words are looked at in advance: at most all others. */
static inline uint32_t words_ahead(const struct pool *pool)
{
    return pool->words - 1 < LOOKED_AHEAD ? pool->words - 1 : LOOKED_AHEAD;
}

/* For the only shard in use: moves its cursor to the next word after the one at `offset` that has free slots. */
INLINE void look_ahead(const struct pool *pool, struct shard *shard, uint64_t offset)
{
    uint64_t stride = pool->stride;
    uint64_t last = (pool->words - 1) * stride;
    uint32_t rest = 0;
    for (uint32_t left = words_ahead(pool); rest == 0 && left != 0; --left) {
        offset = offset != last ? offset + stride : 0;
        /* pairs with nothing: every cursor is right, since the claim decides [ORDER-13] */
        rest = (uint32_t)atomic_load_explicit(&line_at(pool, offset)->free_bits, memory_order_relaxed);
    }
    set_next_fit(shard, offset, rest);
}

/* The same for one of several shards. */
NOINLINE static void look_ahead_in_range(struct pool *pool, struct shard *shard, uint64_t offset)
{
    uint32_t number = (uint32_t)(shard - pool->shards);
    /* pairs with nothing: no shard makes room for one that it does not know of yet [ORDER-13] */
    if (atomic_load_explicit(&pool->shards_used, memory_order_relaxed) <= number) {
        /* pairs with nothing: as above [ORDER-13] */
        atomic_store_explicit(&pool->shards_used, number + 1, memory_order_relaxed);
    }
    /* pairs with nothing: as above [ORDER-13] */
    uint32_t looks = atomic_load_explicit(&shard->looks, memory_order_relaxed);
    /* pairs with nothing: as above [ORDER-13] */
    atomic_store_explicit(&shard->looks, looks + 1, memory_order_relaxed);
    /* pairs with nothing: as above [ORDER-13] */
    struct word_range range = range_of(pool, atomic_load_explicit(&shard->range, memory_order_relaxed));
    uint64_t forward = offset + pool->stride;
    bool is_new = false;
    uint32_t rest = 0;
    for (uint32_t left = words_ahead(pool); rest == 0 && left != 0; --left) {
        uint64_t next = offset + pool->stride;
        if (!is_in(range, next)) {
            if (is_new) {
                break;
            }
            is_new = true;
            range = new_range(pool, shard);
            next = is_in(range, next) ? next : range.first;
        }
        offset = next;
        /* pairs with nothing: every cursor is right, since the claim decides [ORDER-13] */
        rest = (uint32_t)atomic_load_explicit(&line_at(pool, offset)->free_bits, memory_order_relaxed);
    }
    if (rest != 0) {
        set_next_fit(shard, offset, rest);
    } else { /* no thread stays in a range without free slots */
        set_next_fit(shard, forward < pool->words * pool->stride ? forward : 0, 0);
    }
}

/* Moves a shard's cursor on after a claim of the last free slot of the word at `offset`. */
INLINE void advance_next_fit(struct pool *pool, struct shard *shard, uint64_t offset)
{
    /* pairs with nothing: every range is right [ORDER-13] */
    if (shard != pool->shards || atomic_load_explicit(&pool->shards_used, memory_order_relaxed) > 1) {
        look_ahead_in_range(pool, shard, offset);
    } else {
        look_ahead(pool, shard, offset);
    }
}

NOINLINE const uint8_t *free_list_advance(struct pool *pool, struct shard *shard, uint64_t offset, const uint8_t *payload)
{
    advance_next_fit(pool, shard, offset);
    return payload;
}

void migrate_on_contention(const struct shard *shard, uint64_t next_fit)
{
    /* pairs with nothing: every shard is right [ORDER-13] */
    if (atomic_load_explicit(&shard->next_fit, memory_order_relaxed) != next_fit) {
        own_shard = (own_shard + LINE_BYTES) % (SHARDS * LINE_BYTES);
    }
}

struct claim free_list_claim(struct pool *pool, size_t wanted, uint32_t tag_bits)
{
    struct shard *shard = shard_of(pool);
    /* pairs with nothing: every cursor is right, since the claim decides [ORDER-13] */
    uint64_t next_fit = atomic_load_explicit(&shard->next_fit, memory_order_relaxed);
    uint32_t named = (uint32_t)next_fit;
    uint32_t allowed = named != 0 ? UINT32_MAX << lowest_bit(named) : UINT32_MAX;
    uint32_t version = 0;
    struct claim claim = claim_in_word(pool, (uint32_t)((next_fit >> 32) / pool->stride), allowed, wanted, &version);
    if (claim.bits == 0) {
        if (named != 0) {
            migrate_on_contention(shard, next_fit);
            shard = shard_of(pool);
        }
        claim = claim_anywhere(pool, wanted, tag_bits, claim.k);
    }
    if (claim.rest != 0) {
        set_next_fit(shard, claim.k * pool->stride, claim.rest);
    } else if (claim.bits != 0) {
        advance_next_fit(pool, shard, claim.k * pool->stride);
    }
    return claim;
}

uint64_t free_list_count(const struct pool *pool)
{
    uint64_t free_count = 0;
    for (uint32_t k = 0; k < pool->words; ++k) {
        /* pairs with free_list_release's release, so that a pool found free can be destroyed [ORDER-2] */
        uint64_t word = atomic_load_explicit(&slot_at(pool, k)->free_bits, memory_order_acquire);
        free_count += count_bits((uint32_t)word);
    }
    return free_count;
}
