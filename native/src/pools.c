/* pools.c - the free list, slots, loose references, loans, the heap fallback and the bulk calls. */
#include <stdlib.h>
#include <string.h>

#include "copies.h"
#include "private.h"

/* ---------------------------------------------------------------------------------------------------- slot words */

#define STATE_MASK UINT64_C(3)
#define ONE_REFERENCE UINT64_C(4)
#define LOOKED_AHEAD 16u /* words of the free list in which free slots are looked for in advance */

static uint64_t word_generation(const rr_allocator *allocator, uint64_t word)
{
    return word >> (2 + allocator->profile.ref_bits);
}

static uint64_t word_count(const rr_allocator *allocator, uint64_t word)
{
    return (word >> 2) & allocator->count_mask;
}

/* [SLOT-2] */
static uint64_t word_of(const rr_allocator *allocator, rr_slot_state state, uint64_t count, uint64_t generation)
{
    return (uint64_t)state + ONE_REFERENCE * (count + (generation << allocator->profile.ref_bits));
}

/* [PTR-10] */
static uint64_t token_of(uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    return ((((uint64_t)pool_id + 1) << 21) + slot_index) * (UINT64_C(1) << 40) + generation;
}

static uint64_t next_generation(const rr_allocator *allocator, uint64_t word)
{
    return (word_generation(allocator, word) + 1) & allocator->generation_mask;
}

/* A word as it counts: the last drop of an event leaves LIVE with a count of 0 for a moment, and that is FREE already
 * [SLOT-12]. */
static uint64_t settled(const rr_allocator *allocator, uint64_t word)
{
    bool dropped = (word & STATE_MASK) == RR_SLOT_LIVE && word_count(allocator, word) == 0;
    return dropped ? word_of(allocator, RR_SLOT_FREE, 0, next_generation(allocator, word)) : word;
}

/* A slot is LIVE exactly while references to it are counted [SLOT-2]. */
static bool is_live_as(const rr_allocator *allocator, uint64_t word, uint64_t generation)
{
    return word_count(allocator, word) != 0 &&
           (generation == RR_ANY_GENERATION || word_generation(allocator, word) == generation);
}

/* --------------------------------------------------------------------------------------------------- where it lies */

static struct pool_header *pool_header(const struct pool *pool)
{
    return (struct pool_header *)(void *)pool->storage;
}

/* `offset`: how far from slot 0. */
INLINE struct slot_line *line_at(const struct pool *pool, uint64_t offset)
{
    return (struct slot_line *)(void *)(pool->slots + offset);
}

static struct slot_line *slot_at(const struct pool *pool, uint32_t index)
{
    return line_at(pool, index * pool->stride);
}

/* The line just before a payload: the slot's own, or the head of a block on the heap. */
static const struct slot_line *line_before(const uint8_t *payload)
{
    return (const struct slot_line *)(const void *)(payload - LINE_BYTES);
}

static struct slot_line *slot_of(const rr_allocator *allocator, const uint8_t *payload)
{
    const struct slot_line *before = line_before(payload);
    if (before->pool_id == RR_XXL) {
        return slot_at(&allocator->pools[RR_XXL], before->slot_index);
    }
    return (struct slot_line *)(void *)(uintptr_t)before;
}

/* Needs a reference, or the slot's loan: the block of an XXL slot belongs to its event. */
static uint8_t *payload_of(struct slot_line *slot)
{
    return slot->block != NULL ? slot->block + LINE_BYTES : (uint8_t *)slot + LINE_BYTES;
}

/* Writes a payload that nobody else can see yet. */
static inline void fill(uint8_t *payload, const void *data, uint32_t length, bool wide)
{
#ifdef RR_COPY_WORDS
    (void)wide;
    if (length != 0) {
        memcpy(payload, data, length);
    }
#else
    copy_bytes(payload, data, length, wide);
#endif
}

/* len, and event type behind it [LAYOUT-1]. */
static inline void event_write_trailer(uint8_t *payload, uint64_t size, uint32_t length, uint32_t event_type)
{
    uint32_t trailer[] = {length, event_type};
    memcpy(payload + size, trailer, sizeof trailer);
}

/* ------------------------------------------------------------------------------------------------------- free list */

static uint32_t lowest_bit(uint32_t bits)
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

static uint32_t count_bits(uint32_t bits)
{
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        ++count;
    }
    return count;
}

static uint32_t lowest_bits(uint32_t bits, size_t wanted)
{
    uint32_t rest = bits;
    for (; wanted > 0 && rest != 0; --wanted) {
        rest &= rest - 1;
    }
    return bits & ~rest;
}

/* Slots of word `k` of the free list: `bits` were taken, none if 0; `rest` were free as well. */
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

/* Tries to take up to `wanted` of the bits of word `k` that are set in `allowed`. Where none of them is set, *version is the
 * version that the word had at that moment. */
static struct claim claim_in_word(const struct pool *pool, uint32_t k, uint32_t allowed, size_t wanted,
                                  uint32_t *version)
{
    _Atomic uint64_t *word = &slot_at(pool, k)->free_bits;
    struct claim claim = {.k = k};
    /* pairs with the claim below in other threads: whoever sees a slot taken sees what was freed before [ORDER-2] */
    uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
    while (((uint32_t)seen & allowed) != 0) {
        uint32_t chosen = lowest_bits((uint32_t)seen & allowed, wanted);
        /* pairs with give_back's release, and where it fails as the load above [ORDER-2] */
        if (atomic_compare_exchange_weak_explicit(word, &seen, seen - chosen, memory_order_acq_rel,
                                                  memory_order_acquire)) {
            claim.bits = chosen;
            claim.rest = ((uint32_t)seen & allowed) - chosen;
            return claim;
        }
    }
    *version = (uint32_t)(seen >> 32);
    return claim;
}

/*
 * Goes round the words of the free list, from the one after `k` on, until there are slots to take or at some moment of the
 * call no slot was free [ALLOC-3].
 *
 * That moment: each pass finds every word empty and adds up the versions. Versions only grow, by one a slot given back;
 * so where two passes give the same sum, nothing was given back to a word between its two visits, it was empty all that
 * time, and all of them were empty at the end of the first of the two passes. Sums are compared modulo 2^T: with T = 32
 * a wrong verdict needs 2^32 slots given back during one call.
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

static_assert(MAX_SLOTS / 32 * UINT64_C(16512) <= UINT32_MAX, "a hint holds how far the last word is, in slots of XL");
static_assert(MAX_SLOTS * UINT64_C(16512) / LINE_BYTES <= INT32_MAX, "a slot holds how many lines it is from its word");

/*
 * Lanes. Threads that go round one pool side by side wait for each other's cache lines at every slot, so threads that meet
 * there go in lanes: each lane has a hint of its own, and goes round a share of the free list's words. At the end of its share
 * a lane takes a new one, beside the lanes that moved since it did so last: all words where none did. A share is not a right:
 * who finds nothing in it takes any slot that is free.
 */

/* Where in a pool the lane lies that this thread goes in, in bytes from the first; threads begin in the first one. */
static _Thread_local uint32_t own_lane THREAD_LOCAL_MODEL;

INLINE struct lane *lane_of(struct pool *pool)
{
    return (struct lane *)(void *)((uint8_t *)pool->lanes + own_lane);
}

/* `rest`: free slots of the word of the free list at `offset`, of those that the lane has not come by. */
static inline void set_hint(struct lane *lane, uint64_t offset, uint32_t rest)
{
    /* pairs with nothing: a lost update costs a longer search [ORDER-13] */
    atomic_store_explicit(&lane->hint, offset << 32 | rest, memory_order_relaxed);
}

/* Words of the free list as offsets from slot 0: the first; and the one after the last. */
struct share {
    uint64_t first;
    uint64_t end;
};
static_assert(MAX_SLOTS / 32 * LANES <= UINT32_MAX, "a product of words and lanes does not wrap");

/* As a lane holds it: two numbers of words. */
static struct share share_of(const struct pool *pool, uint64_t words)
{
    return (struct share){.first = (uint32_t)words * pool->stride, .end = (words >> 32) * pool->stride};
}

static bool is_in(struct share share, uint64_t offset)
{
    return offset >= share.first && offset < share.end;
}

/* Gives a lane a new share. */
static struct share share_anew(const struct pool *pool, struct lane *lane)
{
    /* pairs with nothing: any share is a good one [ORDER-13] */
    uint32_t used = atomic_load_explicit(&pool->lanes_used, memory_order_relaxed);
    uint32_t lanes = 1;
    uint32_t before = 0;
    for (uint32_t i = 0; i < used; ++i) {
        const struct lane *other = &pool->lanes[i];
        /* pairs with nothing: as above [ORDER-13] */
        uint32_t looks = atomic_load_explicit(&other->looks, memory_order_relaxed);
        /* pairs with nothing: as above [ORDER-13] */
        if (other != lane && looks != atomic_load_explicit(&lane->seen[i], memory_order_relaxed)) {
            /* pairs with nothing: as above [ORDER-13] */
            atomic_store_explicit(&lane->seen[i], looks, memory_order_relaxed);
            ++lanes;
            before += other < lane;
        }
    }
    uint32_t first = pool->words * before / lanes;
    uint64_t end = pool->words * (before + 1) / lanes; /* where there are more lanes than words, perhaps the first */
    uint64_t words = first | end << 32;
    /* pairs with nothing: as above [ORDER-13] */
    atomic_store_explicit(&lane->share, words, memory_order_relaxed);
    return share_of(pool, words);
}

/* How many words are looked at in advance: at the most all others. */
static inline uint32_t words_ahead(const struct pool *pool)
{
    return pool->words - 1 < LOOKED_AHEAD ? pool->words - 1 : LOOKED_AHEAD;
}

/* Moves the hint of the only lane on to the next word after the one at `offset` where something is free. */
INLINE void look_ahead(const struct pool *pool, struct lane *lane, uint64_t offset)
{
    uint64_t stride = pool->stride;
    uint64_t last = (pool->words - 1) * stride;
    uint32_t rest = 0;
    for (uint32_t left = words_ahead(pool); rest == 0 && left != 0; --left) {
        offset = offset != last ? offset + stride : 0;
        /* pairs with nothing: any hint is a good one [ORDER-13] */
        rest = (uint32_t)atomic_load_explicit(&line_at(pool, offset)->free_bits, memory_order_relaxed);
    }
    set_hint(lane, offset, rest);
}

/* The same for one of several. */
CALLED static void look_ahead_in_share(struct pool *pool, struct lane *lane, uint64_t offset)
{
    uint32_t number = (uint32_t)(lane - pool->lanes);
    /* pairs with nothing: a lane that is not known of is one that nobody makes room for [ORDER-13] */
    if (atomic_load_explicit(&pool->lanes_used, memory_order_relaxed) <= number) {
        /* pairs with nothing: as above [ORDER-13] */
        atomic_store_explicit(&pool->lanes_used, number + 1, memory_order_relaxed);
    }
    /* pairs with nothing: as above [ORDER-13] */
    uint32_t looks = atomic_load_explicit(&lane->looks, memory_order_relaxed);
    /* pairs with nothing: as above [ORDER-13] */
    atomic_store_explicit(&lane->looks, looks + 1, memory_order_relaxed);
    /* pairs with nothing: as above [ORDER-13] */
    struct share share = share_of(pool, atomic_load_explicit(&lane->share, memory_order_relaxed));
    uint64_t forward = offset + pool->stride;
    bool is_new = false;
    uint32_t rest = 0;
    for (uint32_t left = words_ahead(pool); rest == 0 && left != 0; --left) {
        uint64_t next = offset + pool->stride;
        if (!is_in(share, next)) {
            if (is_new) {
                break;
            }
            is_new = true;
            share = share_anew(pool, lane);
            next = is_in(share, next) ? next : share.first;
        }
        offset = next;
        /* pairs with nothing: any hint is a good one [ORDER-13] */
        rest = (uint32_t)atomic_load_explicit(&line_at(pool, offset)->free_bits, memory_order_relaxed);
    }
    if (rest != 0) {
        set_hint(lane, offset, rest);
    } else { /* a share with nothing free keeps nobody in it */
        set_hint(lane, forward < pool->words * pool->stride ? forward : 0, 0);
    }
}

/* Moves a lane's hint on behind a claim of the last free slot of the word at `offset`. */
INLINE void move_hint(struct pool *pool, struct lane *lane, uint64_t offset)
{
    /* pairs with nothing: any share is a good one [ORDER-13] */
    if (lane != pool->lanes || atomic_load_explicit(&pool->lanes_used, memory_order_relaxed) > 1) {
        look_ahead_in_share(pool, lane, offset);
    } else {
        look_ahead(pool, lane, offset);
    }
}

/* Where somebody else moved the hint meanwhile, this thread shares its lane, and goes on in the next one. */
static void leave_crowd(const struct lane *lane, uint64_t hint)
{
    /* pairs with nothing: any lane is a good one [ORDER-13] */
    if (atomic_load_explicit(&lane->hint, memory_order_relaxed) != hint) {
        own_lane = (own_lane + LINE_BYTES) % (LANES * LINE_BYTES);
    }
}

/* Takes up to `wanted` free slots of one word of the free list, next after the last ones that the lane took [ALLOC-10]; none if
 * at some moment of the call no slot was free [ALLOC-3]. */
static struct claim claim_slots(struct pool *pool, size_t wanted, uint32_t tag_bits)
{
    struct lane *lane = lane_of(pool);
    /* pairs with nothing: any hint is a good one [ORDER-13] */
    uint64_t hint = atomic_load_explicit(&lane->hint, memory_order_relaxed);
    uint32_t named = (uint32_t)hint;
    uint32_t allowed = named != 0 ? UINT32_MAX << lowest_bit(named) : UINT32_MAX;
    uint32_t version = 0;
    struct claim claim = claim_in_word(pool, (uint32_t)((hint >> 32) / pool->stride), allowed, wanted, &version);
    if (claim.bits == 0) {
        if (named != 0) {
            leave_crowd(lane, hint);
            lane = lane_of(pool);
        }
        claim = claim_anywhere(pool, wanted, tag_bits, claim.k);
    }
    if (claim.rest != 0) {
        set_hint(lane, claim.k * pool->stride, claim.rest);
    } else if (claim.bits != 0) {
        move_hint(pool, lane, claim.k * pool->stride);
    }
    return claim;
}

/* Returns `count` slots to the word of the free list in line `home`: their bits, known to be 0, and for each one more for the
 * version. */
static inline void give_back(struct slot_line *home, uint32_t bits, uint32_t count)
{
    uint64_t step = ((uint64_t)count << 32) + bits;
    /* pairs with claim_in_word's acquire [ORDER-2] */
    atomic_fetch_add_explicit(&home->free_bits, step, memory_order_release);
}

/* The line with the word of the free list that has this slot's bit. */
static inline struct slot_line *home_of(struct slot_line *slot)
{
    return slot + slot->home;
}

static inline void give_back_one(struct slot_line *slot)
{
    give_back(home_of(slot), 1u << (slot->slot_index % 32), 1);
}

static void count_failure(const struct pool *pool)
{
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_fetch_add_explicit(&pool_header(pool)->failures, 1, memory_order_relaxed);
}

/* The generation has come round. The slot's owner alone writes this counter, so a load and a store do. */
SELDOM static void count_round(struct slot_line *slot)
{
    /* pairs with nothing: owners follow one another through the free list [ORDER-13] */
    uint64_t rounds = atomic_load_explicit(&slot->rounds, memory_order_relaxed);
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_store_explicit(&slot->rounds, rounds + 1, memory_order_relaxed);
}

/* The word that a slot gets when its event or its loan ends [SLOT-12]. */
INLINE uint64_t ended(const rr_allocator *allocator, struct slot_line *slot, uint64_t word)
{
    uint64_t freed = word_of(allocator, RR_SLOT_FREE, 0, next_generation(allocator, word));
    if (freed == 0) {
        count_round(slot);
    }
    return freed;
}

/* How often a slot was taken: once a generation [ALLOC-9]. */
static uint64_t allocations_of(const rr_allocator *allocator, struct slot_line *slot)
{
    /* pairs with nothing: a statistic [ORDER-13] */
    uint64_t word = settled(allocator, atomic_load_explicit(&slot->word, memory_order_relaxed));
    /* pairs with nothing: a statistic [ORDER-13] */
    uint64_t rounds = atomic_load_explicit(&slot->rounds, memory_order_relaxed);
    return (rounds << allocator->profile.generation_bits) + word_generation(allocator, word) +
           ((word & STATE_MASK) != RR_SLOT_FREE);
}

/* ------------------------------------------------------------------------------------------------------------ heap */

static uint8_t *block_create(uint32_t slot_index, uint64_t size)
{
    uint64_t bytes = slot_bytes(size);
    if (bytes > SIZE_MAX) {
        return NULL;
    }
    uint8_t *block = aligned_alloc(LINE_BYTES, (size_t)bytes);
    if (block != NULL) {
        memset(block, 0, LINE_BYTES);
        struct slot_line *line = (struct slot_line *)(void *)block;
        line->pool_id = RR_XXL;
        line->slot_index = slot_index;
        line->size = (uint32_t)size;
    }
    return block;
}

static bool heap_reserve(rr_allocator *allocator, uint64_t length)
{
    /* pairs with nothing: a bound; the count itself is exact in every order [ORDER-13] */
    uint64_t bytes = atomic_load_explicit(&allocator->heap_payload_bytes, memory_order_relaxed);
    do {
        if (length > allocator->profile.heap_bytes - bytes) {
            return false;
        }
        /* pairs with nothing: blocks are handed over by the free list [ORDER-13] */
    } while (!atomic_compare_exchange_weak_explicit(&allocator->heap_payload_bytes, &bytes, bytes + length,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void heap_unreserve(rr_allocator *allocator, uint64_t length)
{
    /* pairs with nothing: a bound [ORDER-13] */
    atomic_fetch_sub_explicit(&allocator->heap_payload_bytes, length, memory_order_relaxed);
}

/* Frees the block of an XXL slot whose owner is the caller. */
static void heap_release(rr_allocator *allocator, struct slot_line *slot)
{
    free(slot->block);
    slot->block = NULL;
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_fetch_sub_explicit(&allocator->heap_block_bytes, slot_bytes(slot->size), memory_order_relaxed);
    heap_unreserve(allocator, slot->size);
}

/* Gives an XXL slot that the caller owns a block [ALLOC-6]. */
static rr_status heap_acquire(rr_allocator *allocator, struct slot_line *slot, uint64_t length)
{
    if (!heap_reserve(allocator, length)) {
        return RR_POOL_EXHAUSTED;
    }
    slot->block = block_create(slot->slot_index, length);
    if (slot->block == NULL) {
        heap_unreserve(allocator, length);
        return RR_NO_MEMORY;
    }
    slot->size = (uint32_t)length;
    /* pairs with nothing: a statistic [ORDER-13] */
    atomic_fetch_add_explicit(&allocator->heap_block_bytes, slot_bytes(length), memory_order_relaxed);
    return RR_OK;
}

/* -------------------------------------------------------------------------------------------------- life of a slot */

/* Takes an XXL slot and a block for it [ALLOC-6]. */
CALLED static rr_status take_heap_slot(rr_allocator *allocator, uint64_t length, struct claim *claim)
{
    struct pool *pool = &allocator->pools[RR_XXL];
    rr_status status = RR_POOL_EXHAUSTED;
    *claim = claim_slots(pool, 1, allocator->profile.tag_bits);
    if (claim->bits != 0) {
        struct slot_line *slot = slot_at(pool, first_of(*claim));
        status = heap_acquire(allocator, slot, length);
        if (status != RR_OK) {
            give_back_one(slot);
        }
    }
    if (status == RR_POOL_EXHAUSTED) {
        count_failure(pool);
    }
    return status;
}

/* Takes up to `wanted` slots, one if XXL, for events of `length` bytes. The slots are the caller's, their words still FREE. */
static rr_status take_slots(rr_allocator *allocator, uint32_t pool_id, uint64_t length, size_t wanted,
                            struct claim *claim)
{
    struct pool *pool = &allocator->pools[pool_id];
    if (pool_id == RR_XXL) {
        return take_heap_slot(allocator, length, claim);
    }
    *claim = claim_slots(pool, wanted, allocator->profile.tag_bits);
    if (claim->bits == 0) {
        count_failure(pool);
        return RR_POOL_EXHAUSTED;
    }
    return RR_OK;
}

/* Whether no pool takes a payload [SIZE-3] [ALLOC-8]. */
static bool is_too_large(const rr_allocator *allocator, uint64_t length)
{
    return size_class_of(length) == RR_XXL && (length > UINT32_MAX || length > allocator->profile.heap_bytes);
}

/* Takes one slot of the class of `length`, or with RR_SPILL of the next larger one that has room [ALLOC-4]. */
CALLED static struct slot_line *take_slot(rr_allocator *allocator, uint64_t length, uint32_t flags, rr_status *status)
{
    uint32_t pool_id = size_class_of(length);
    struct claim claim = {0};
    rr_status result = RR_BAD_ARGUMENT;
    if ((flags & ~RR_SPILL) == 0) {
        result = is_too_large(allocator, length) ? RR_PAYLOAD_TOO_LARGE
                                                 : take_slots(allocator, pool_id, length, 1, &claim);
        while (result == RR_POOL_EXHAUSTED && (flags & RR_SPILL) != 0 && pool_id != RR_XXL) {
            ++pool_id;
            result = take_slots(allocator, pool_id, length, 1, &claim);
        }
    }
    set_status(status, result);
    return result == RR_OK ? slot_at(&allocator->pools[pool_id], first_of(claim)) : NULL;
}

/*
 * Writes an event into a slot that the caller owns and makes it LIVE with one reference [SLOT-5]. Returns its token.
 *
 * A reference that is to be loose is written down before the slot is LIVE, since nobody ends a loose reference of a slot
 * that is not: so the event, its count and its loose reference come into being in one step [PTR-11].
 */
INLINE uint64_t slot_publish(const rr_allocator *allocator, struct slot_line *slot, uint8_t *payload, uint64_t size,
                             const void *data, uint32_t length, uint32_t event_type, bool loose)
{
    fill(payload, data, length, allocator->wide);
    event_write_trailer(payload, size, length, event_type);
    /* pairs with nothing: the free list handed over the slot, whose word nobody else changes while it is FREE [ORDER-2] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    uint64_t generation = word_generation(allocator, word);
    word += RR_SLOT_LIVE + ONE_REFERENCE;
    slot->first = word;
    if (loose) {
        /* pairs with take_loose's exchange: whoever takes it sees the event, that the slot was FREE, or what it became since,
         * and no LIVE of a generation that came round [ORDER-12] */
        atomic_store_explicit(&slot->loose, 1 + (generation << allocator->profile.ref_bits), memory_order_release);
    }
    /* pairs with the acquire in slot_upgrade and take_loose [ORDER-3] */
    atomic_store_explicit(&slot->word, word, memory_order_release);
    return token_of(slot->pool_id, slot->slot_index, generation);
}

/* `value`. Where it is what was guessed, what follows from it need not wait for it, since the processor goes on with the guess
 * in the branch that it predicts: value speculation. */
INLINE uint64_t foreseen(uint64_t value, uint64_t guess)
{
#if defined(__GNUC__)
    uint64_t same = guess;
    __asm__ volatile("" : "+r"(same)); /* hides from the compiler that it is the same */
    if (value == guess) {
        value = same;
        __asm__ volatile("" : "+r"(value)); /* has it branch, and not select */
    }
#else
    (void)guess;
#endif
    return value;
}

/* Adds a reference for a caller who has one, who is most often the only one: that is what is guessed [SLOT-9]. */
static rr_status slot_clone(const rr_allocator *allocator, struct slot_line *slot)
{
    /* pairs with nothing: the caller's reference keeps the slot as it is [ORDER-4] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    word = foreseen(word, slot->first);
    do {
        if (word_count(allocator, word) == allocator->count_mask) {
            return RR_REF_COUNT_OVERFLOW;
        }
        /* pairs with nothing: as above [ORDER-4] */
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, word + ONE_REFERENCE, memory_order_relaxed,
                                                    memory_order_relaxed));
    return RR_OK;
}

/* Adds a reference if the slot is LIVE with the generation, deciding and counting in one step [WEAK-2]. */
static rr_status slot_upgrade(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation,
                              uint64_t *new_word)
{
    /* pairs with nothing: a guess, which the compare-exchange below confirms [ORDER-6] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    do {
        if (!is_live_as(allocator, word, generation)) {
            return RR_STALE_HANDLE;
        }
        if (word_count(allocator, word) == allocator->count_mask) {
            return RR_REF_COUNT_OVERFLOW;
        }
        /* pairs with the release store that made the slot LIVE, in slot_publish or rr_commit [ORDER-6] */
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, word + ONE_REFERENCE, memory_order_acquire,
                                                    memory_order_relaxed));
    *new_word = word + ONE_REFERENCE;
    return RR_OK;
}

CALLED static void heap_slot_free(rr_allocator *allocator, struct slot_line *slot)
{
    heap_release(allocator, slot);
    give_back_one(slot);
}

/* Gives back a slot that the caller owns; its word is FREE already. */
INLINE void slot_free(rr_allocator *allocator, struct slot_line *slot)
{
    if (slot->pool_id == RR_XXL) {
        heap_slot_free(allocator, slot);
    } else {
        give_back_one(slot);
    }
}

/* Ends one reference and returns the count that is left; if that is 0, the caller frees the slot [SLOT-11] [SLOT-12]. */
INLINE uint64_t slot_unref(const rr_allocator *allocator, struct slot_line *slot)
{
    uint64_t count_mask = allocator->count_mask; /* read first: what the caller held may be all that kept the allocator alive */
    /* pairs with itself: the last drop acquires what every earlier one released [ORDER-5] */
    uint64_t word = atomic_fetch_sub_explicit(&slot->word, ONE_REFERENCE, memory_order_acq_rel);
    uint64_t left = ((word >> 2) & count_mask) - 1;
    if (left == 0) {
        /* pairs with nothing: nobody else changes a word that counts no reference, and give_back hands it over [ORDER-2] */
        atomic_store_explicit(&slot->word, ended(allocator, slot, word), memory_order_relaxed);
    }
    return left;
}

/* Gives one reference back and returns the count that is left. */
INLINE uint64_t slot_drop(rr_allocator *allocator, struct slot_line *slot)
{
    uint64_t left = slot_unref(allocator, slot);
    if (left == 0) {
        slot_free(allocator, slot);
    }
    return left;
}

/* ------------------------------------------------------------------------------------------------ loose references */

/*
 * The loose references of a slot are counted beside the generation that they belong to, in a word of their own. Two facts
 * make taking one safe: while the slot is LIVE with generation g, each loose reference of g is one of those that its count
 * counts, so a slot with loose references of its own generation stays LIVE; and a slot that is not LIVE has none, but for
 * the one that its allocation is about to publish.
 */

/* Makes a reference of the caller's loose [PTR-11]. */
static void add_loose(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation)
{
    uint32_t shift = allocator->profile.ref_bits;
    uint64_t changed = 0;
    /* pairs with nothing: a guess, which the compare-exchange below confirms [ORDER-12] */
    uint64_t loose = atomic_load_explicit(&slot->loose, memory_order_relaxed);
    do {
        changed = loose >> shift == generation ? loose + 1 : 1 + (generation << shift);
        /* pairs with take_loose's acquire [ORDER-12] */
    } while (!atomic_compare_exchange_weak_explicit(&slot->loose, &loose, changed, memory_order_release,
                                                    memory_order_relaxed));
}

/* Makes a loose reference of exactly this generation the caller's: RR_STALE_HANDLE where the slot is not LIVE with it,
 * RR_REF_COUNT_UNDERFLOW where it has no loose reference left [PTR-13] [PTR-14] [PTR-15]. */
static rr_status take_loose(const rr_allocator *allocator, struct slot_line *slot, uint64_t generation)
{
    uint32_t shift = allocator->profile.ref_bits;
    for (;;) {
        /* pairs with nothing: a guess, which the exchange or the second load below confirms [ORDER-12] */
        uint64_t loose = atomic_load_explicit(&slot->loose, memory_order_relaxed);
        /* pairs with the release store that made the slot LIVE [ORDER-3] */
        uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);
        if (!is_live_as(allocator, word, generation)) {
            return RR_STALE_HANDLE;
        }
        if (loose >> shift == generation && (loose & allocator->count_mask) != 0) {
            /* pairs with the release of add_loose and of slot_publish [ORDER-12] */
            if (atomic_compare_exchange_weak_explicit(&slot->loose, &loose, loose - 1, memory_order_acquire,
                                                      memory_order_relaxed)) {
                /* If the generation came round between the two loads above and the exchange, then what was taken is the
                 * reference of an allocation that is not finished, and it goes back. */
                /* pairs with nothing: what the exchange acquired came after the event was written, in each round [ORDER-12] */
                word = atomic_load_explicit(&slot->word, memory_order_relaxed);
                if (is_live_as(allocator, word, generation)) {
                    return RR_OK;
                }
                add_loose(allocator, slot, generation);
                return RR_STALE_HANDLE;
            }
            /* pairs with nothing: unchanged, it had no loose reference while the slot was LIVE [ORDER-12] */
        } else if (atomic_load_explicit(&slot->loose, memory_order_relaxed) == loose) {
            return RR_REF_COUNT_UNDERFLOW;
        }
    }
}

/* The slot of a triple, or NULL where the allocator has none such [ALLOC-20] [PTR-16]. */
static struct slot_line *find_slot(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                                   uint64_t generation)
{
    if (pool_id >= RR_POOL_COUNT || slot_index >= allocator->pools[pool_id].capacity ||
        (generation != RR_ANY_GENERATION && generation > allocator->generation_mask)) {
        return NULL;
    }
    return slot_at(&allocator->pools[pool_id], slot_index);
}

static struct slot_line *find_token(const rr_allocator *allocator, uint64_t token, rr_handle *handle)
{
    uint64_t pool = token >> 61;
    handle->pool_id = (uint32_t)pool - 1; /* no pool if 0: find_slot refuses UINT32_MAX */
    handle->slot_index = (uint32_t)(token >> 40) & (MAX_SLOTS - 1);
    handle->generation = token & ((UINT64_C(1) << 40) - 1);
    return find_slot(allocator, handle->pool_id, handle->slot_index, handle->generation);
}

/* ----------------------------------------------------------------------------------------------- making and ending */

static bool pool_create(struct pool *pool, uint32_t id, const rr_profile *profile)
{
    bool heap = id == RR_XXL;
    uint64_t size = heap ? 0 : size_of_class(id);
    uint64_t stride = heap ? LINE_BYTES : slot_bytes(size);
    uint32_t capacity = heap ? profile->heap_slots : profile->capacities[id];
    uint64_t bytes = LINE_BYTES + capacity * stride;
    *pool = (struct pool){.stride = stride, .size = size, .capacity = capacity, .words = (capacity + 31) / 32, .id = id};
    atomic_init(&pool->lanes_used, 1);
    for (uint32_t i = 0; i < LANES; ++i) {
        atomic_init(&pool->lanes[i].hint, 0);
        atomic_init(&pool->lanes[i].share, (uint64_t)pool->words << 32);
        atomic_init(&pool->lanes[i].looks, 0);
        for (uint32_t other = 0; other < LANES; ++other) {
            atomic_init(&pool->lanes[i].seen[other], 0);
        }
    }
    pool->storage = bytes > SIZE_MAX ? NULL : aligned_alloc(LINE_BYTES, (size_t)bytes);
    if (pool->storage == NULL) {
        return false;
    }
    pool->slots = pool->storage + LINE_BYTES;
    memset(pool->storage, 0, (size_t)bytes);
    struct pool_header *header = pool_header(pool);
    header->capacity = capacity;
    header->stride = stride;
    header->size = size;
    header->pool_id = id;
    header->ref_bits = profile->ref_bits;
    header->generation_bits = profile->generation_bits;
    header->tag_bits = profile->tag_bits;
    atomic_init(&header->failures, 0);
    for (uint32_t index = 0; index < capacity; ++index) {
        struct slot_line *slot = slot_at(pool, index);
        slot->pool_id = id;
        slot->slot_index = index;
        slot->size = (uint32_t)size;
        slot->home = -(int32_t)((index - index / 32) * (stride / LINE_BYTES));
        slot->block = NULL;
        atomic_init(&slot->word, 0); /* FREE, generation 0 [SLOT-4] */
        atomic_init(&slot->loose, 0);
        atomic_init(&slot->rounds, 0);
        uint32_t rest = index < pool->words ? capacity - index * 32 : 0;
        atomic_init(&slot->free_bits, rest >= 32 ? UINT32_MAX : (UINT64_C(1) << rest) - 1);
    }
    return true;
}

rr_allocator *rr_allocator_create(const rr_profile *profile, rr_status *status)
{
    rr_status valid = rr_profile_check(profile);
    if (valid != RR_OK) {
        set_status(status, valid);
        return NULL;
    }
    rr_allocator *allocator = aligned_alloc(LINE_BYTES, sizeof *allocator);
    if (allocator == NULL) {
        set_status(status, RR_NO_MEMORY);
        return NULL;
    }
    memset(allocator, 0, sizeof *allocator);
    allocator->profile = *profile;
    allocator->wide = copies_are_wide();
    allocator->count_mask = (UINT64_C(1) << profile->ref_bits) - 1;
    allocator->generation_mask = (UINT64_C(1) << profile->generation_bits) - 1;
    atomic_init(&allocator->heap_payload_bytes, 0);
    atomic_init(&allocator->heap_block_bytes, 0);
    for (uint32_t id = RR_XS; id < RR_POOL_COUNT; ++id) {
        if (!pool_create(&allocator->pools[id], id, profile)) {
            while (id-- > 0) {
                free(allocator->pools[id].storage);
            }
            free(allocator);
            set_status(status, RR_NO_MEMORY);
            return NULL;
        }
    }
    set_status(status, RR_OK);
    return allocator;
}

static uint64_t free_slots(const struct pool *pool)
{
    uint64_t free_count = 0;
    for (uint32_t k = 0; k < pool->words; ++k) {
        /* pairs with give_back's release, so that a pool found free can be destroyed [ORDER-2] */
        uint64_t word = atomic_load_explicit(&slot_at(pool, k)->free_bits, memory_order_acquire);
        free_count += count_bits((uint32_t)word);
    }
    return free_count;
}

rr_status rr_allocator_destroy(rr_allocator *allocator)
{
    for (uint32_t id = RR_XS; id < RR_POOL_COUNT; ++id) {
        if (free_slots(&allocator->pools[id]) != allocator->pools[id].capacity) {
            return RR_BUSY;
        }
    }
    rr_allocator_abandon(allocator);
    return RR_OK;
}

void rr_allocator_abandon(rr_allocator *allocator)
{
    const struct pool *heap = &allocator->pools[RR_XXL];
    for (uint32_t index = 0; index < heap->capacity; ++index) {
        free(slot_at(heap, index)->block);
    }
    for (uint32_t id = RR_XS; id < RR_POOL_COUNT; ++id) {
        free(allocator->pools[id].storage);
    }
    free(allocator);
}

rr_profile rr_allocator_profile(const rr_allocator *allocator)
{
    return allocator->profile;
}

/* ------------------------------------------------------------------------------------------ allocating and dropping */

CALLED static const uint8_t *allocate_searching(rr_allocator *allocator, const void *data, uint64_t length,
                                                uint32_t event_type, uint32_t flags, rr_status *status)
{
    struct slot_line *slot = take_slot(allocator, length, flags, status);
    if (slot == NULL) {
        return NULL;
    }
    uint8_t *payload = payload_of(slot);
    (void)slot_publish(allocator, slot, payload, slot->size, data, (uint32_t)length, event_type, false);
    return payload;
}

/* The same for an allocation that came too late for the slot that a hint named.
 * `type_and_flags`: the event type; above it the flags. */
CALLED static const uint8_t *allocate_elsewhere(rr_allocator *allocator, const void *data, uint64_t length,
                                                uint64_t type_and_flags, rr_status *status, uint64_t hint)
{
    leave_crowd(lane_of(&allocator->pools[size_class_of(length)]), hint);
    return allocate_searching(allocator, data, length, (uint32_t)type_and_flags, (uint32_t)(type_and_flags >> 32), status);
}

/* The end of an allocation that took the last slot that the hint named. Returns `payload`: so it is where rr_allocate ends, and
 * not a call for whose sake that would have to save registers. */
CALLED static const uint8_t *and_look_ahead(struct pool *pool, struct lane *lane, uint64_t offset, const uint8_t *payload)
{
    move_hint(pool, lane, offset);
    return payload;
}

/*
 * The common case: the slot that the hint names first.
 *
 * The hint names bits that were free when somebody looked, and the slot is the one whose bit was asked for, not the one whose
 * bit came back: so neither a load nor a slot's address has to wait for the end of a read-modify-write, this one or the one
 * before. That halves the time of an allocation. `pool_id` is a constant, and type and flags are one word, so that few
 * registers have to be saved: what is stored before a read-modify-write is waited for by it.
 */
INLINE const uint8_t *allocate_hinted(rr_allocator *allocator, uint32_t pool_id, const void *data, uint64_t length,
                                      uint64_t type_and_flags, rr_status *status)
{
    struct pool *pool = &allocator->pools[pool_id];
    uint64_t size = size_of_class(pool_id);
    struct lane *lane = lane_of(pool);
    /* pairs with nothing: any hint is a good one [ORDER-13] */
    uint64_t hint = atomic_load_explicit(&lane->hint, memory_order_relaxed);
    if ((uint32_t)hint == 0) {
        return allocate_searching(allocator, data, length, (uint32_t)type_and_flags, (uint32_t)(type_and_flags >> 32),
                                  status);
    }
    uint64_t index = lowest_bit((uint32_t)hint);
    uint64_t bit = UINT64_C(1) << index;
    struct slot_line *home = line_at(pool, hint >> 32);
    /* pairs with give_back's release, and with the look of claim_in_word in other threads [ORDER-2] */
    if ((atomic_fetch_and_explicit(&home->free_bits, ~bit, memory_order_acq_rel) & bit) == 0) {
        return allocate_elsewhere(allocator, data, length, type_and_flags, status, hint);
    }
    uint64_t rest = hint & (hint - 1);
    if ((uint32_t)rest != 0) {
        /* pairs with nothing: a lost update costs a longer search [ORDER-13] */
        atomic_store_explicit(&lane->hint, rest, memory_order_relaxed);
    }
    /* the 32 slots of a word are as far from one another as 32 words are */
    struct slot_line *slot = line_at(pool, (hint >> 32) * 32 + index * slot_bytes(size));
    uint8_t *payload = (uint8_t *)slot + LINE_BYTES;
    (void)slot_publish(allocator, slot, payload, size, data, (uint32_t)length, (uint32_t)type_and_flags, false);
    set_status(status, RR_OK);
    return (uint32_t)rest != 0 ? payload : and_look_ahead(pool, lane, hint >> 32, payload);
}

/* A call of its own, so that the smallest events save no registers for the larger ones' copies. */
CALLED static const uint8_t *allocate_larger(rr_allocator *allocator, const void *data, uint64_t length,
                                             uint64_t type_and_flags, rr_status *status)
{
    if (length <= size_of_class(RR_S)) {
        return allocate_hinted(allocator, RR_S, data, length, type_and_flags, status);
    }
    if (length <= size_of_class(RR_M)) {
        return allocate_hinted(allocator, RR_M, data, length, type_and_flags, status);
    }
    if (length <= size_of_class(RR_L)) {
        return allocate_hinted(allocator, RR_L, data, length, type_and_flags, status);
    }
    return allocate_hinted(allocator, RR_XL, data, length, type_and_flags, status);
}

const uint8_t *rr_allocate(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type,
                           uint32_t flags, rr_status *status)
{
    uint64_t type_and_flags = event_type | (uint64_t)flags << 32;
    if (flags > RR_SPILL || length > size_of_class(RR_XL)) {
        return allocate_searching(allocator, data, length, event_type, flags, status);
    }
    if (length > size_of_class(RR_XS)) {
        return allocate_larger(allocator, data, length, type_and_flags, status);
    }
    return allocate_hinted(allocator, RR_XS, data, length, type_and_flags, status);
}

/* Allocates, leaving one loose reference; NULL as rr_allocate. */
static struct slot_line *allocate_loose(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type,
                                        uint64_t *token, rr_status *status)
{
    struct slot_line *slot = take_slot(allocator, length, 0, status);
    if (slot != NULL) {
        *token = slot_publish(allocator, slot, payload_of(slot), slot->size, data, (uint32_t)length, event_type, true);
    }
    return slot;
}

rr_status rr_handle_ffi_event(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type,
                              uint64_t *token)
{
    rr_status status = RR_OK;
    (void)allocate_loose(allocator, data, length, event_type, token, &status);
    return status;
}

int64_t rr_allocate_to_pool(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type)
{
    uint64_t token = 0;
    rr_status status = RR_OK;
    const struct slot_line *slot = allocate_loose(allocator, data, length, event_type, &token, &status);
    return slot != NULL ? (int64_t)slot->slot_index : -(int64_t)status;
}

rr_status rr_clone_payload(rr_allocator *allocator, const uint8_t *payload)
{
    return slot_clone(allocator, slot_of(allocator, payload));
}

void rr_release_payload(rr_allocator *allocator, const uint8_t *payload)
{
    (void)slot_drop(allocator, slot_of(allocator, payload));
}

/* ----------------------------------------------------------------------------------------------------------- loans */

uint8_t *rr_loan(rr_allocator *allocator, uint64_t length, uint32_t event_type, rr_status *status)
{
    struct slot_line *slot = take_slot(allocator, length, 0, status);
    if (slot == NULL) {
        return NULL;
    }
    uint8_t *payload = payload_of(slot);
    memset(payload, 0, (size_t)length);
    event_write_trailer(payload, slot->size, (uint32_t)length, event_type);
    /* pairs with nothing: the free list handed over the slot [ORDER-2] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    word = word_of(allocator, RR_SLOT_LOANED, 0, word_generation(allocator, word));
    /* pairs with nothing: nobody reads a loaned event on the strength of it [ORDER-3] */
    atomic_store_explicit(&slot->word, word, memory_order_relaxed);
    return payload;
}

/* Puts a shortened XXL event into a block of its own length [LAYOUT-5]; without memory for one it keeps the old one. */
static void heap_shorten(rr_allocator *allocator, struct slot_line *slot, uint64_t length)
{
    uint8_t *block = block_create(slot->slot_index, length);
    if (block != NULL) {
        memcpy(block + LINE_BYTES, slot->block + LINE_BYTES, (size_t)length);
        free(slot->block);
        slot->block = block;
        /* pairs with nothing: a statistic [ORDER-13] */
        atomic_fetch_sub_explicit(&allocator->heap_block_bytes, slot_bytes(slot->size) - slot_bytes(length),
                                  memory_order_relaxed);
        heap_unreserve(allocator, slot->size - length);
        slot->size = (uint32_t)length;
    }
}

const uint8_t *rr_commit(rr_allocator *allocator, uint8_t *loan, uint64_t length, rr_status *status)
{
    struct slot_line *slot = slot_of(allocator, loan);
    if (length > rr_payload_length(loan)) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    uint32_t event_type = rr_payload_event_type(loan);
    if (slot->pool_id == RR_XXL && length < slot->size) {
        heap_shorten(allocator, slot, length);
    }
    uint8_t *payload = payload_of(slot);
    event_write_trailer(payload, slot->size, (uint32_t)length, event_type);
    /* pairs with nothing: the loan is the caller's alone [ORDER-3] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    word = word_of(allocator, RR_SLOT_LIVE, 1, word_generation(allocator, word));
    slot->first = word;
    /* pairs with the acquire in slot_upgrade and take_loose [ORDER-3] */
    atomic_store_explicit(&slot->word, word, memory_order_release);
    set_status(status, RR_OK);
    return payload;
}

void rr_abort(rr_allocator *allocator, uint8_t *loan)
{
    struct slot_line *slot = slot_of(allocator, loan);
    /* pairs with nothing: the loan is the caller's alone [ORDER-3] */
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    /* pairs with nothing: give_back hands the slot over [ORDER-2] */
    atomic_store_explicit(&slot->word, ended(allocator, slot, word), memory_order_relaxed);
    slot_free(allocator, slot);
}

/* ---------------------------------------------------------------------------------------------- what a pointer shows */

uint32_t rr_payload_length(const uint8_t *payload)
{
    uint32_t length = 0;
    memcpy(&length, payload + line_before(payload)->size, sizeof length);
    return length;
}

uint32_t rr_payload_event_type(const uint8_t *payload)
{
    uint32_t event_type = 0;
    memcpy(&event_type, payload + line_before(payload)->size + 4, sizeof event_type);
    return event_type;
}

uint32_t rr_payload_pool_id(const uint8_t *payload)
{
    return line_before(payload)->pool_id;
}

uint32_t rr_payload_slot_index(const uint8_t *payload)
{
    return line_before(payload)->slot_index;
}

static uint64_t held_word(const rr_allocator *allocator, const uint8_t *payload)
{
    /* pairs with nothing: the generation of a slot that the caller holds does not change [ORDER-4] */
    return atomic_load_explicit(&slot_of(allocator, payload)->word, memory_order_relaxed);
}

uint64_t rr_payload_generation(const rr_allocator *allocator, const uint8_t *payload)
{
    return word_generation(allocator, held_word(allocator, payload));
}

uint32_t rr_payload_ref_count(const rr_allocator *allocator, const uint8_t *payload)
{
    return (uint32_t)word_count(allocator, held_word(allocator, payload));
}

uint64_t rr_token_encode(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    if (generation == RR_ANY_GENERATION || find_slot(allocator, pool_id, slot_index, generation) == NULL) {
        return 0;
    }
    return token_of(pool_id, slot_index, generation);
}

rr_status rr_token_decode(const rr_allocator *allocator, uint64_t token, rr_handle *handle)
{
    rr_handle found;
    if (find_token(allocator, token, &found) == NULL) {
        return RR_BAD_ARGUMENT;
    }
    *handle = found;
    return RR_OK;
}

uint64_t rr_payload_token(const rr_allocator *allocator, const uint8_t *payload)
{
    const struct slot_line *before = line_before(payload);
    return token_of(before->pool_id, before->slot_index, rr_payload_generation(allocator, payload));
}

void rr_payload_describe(const rr_allocator *allocator, const uint8_t *payload, rr_payload_info *info)
{
    uint64_t word = held_word(allocator, payload);
    info->generation = word_generation(allocator, word);
    info->pool_id = rr_payload_pool_id(payload);
    info->slot_index = rr_payload_slot_index(payload);
    info->length = rr_payload_length(payload);
    info->event_type = rr_payload_event_type(payload);
    info->ref_count = (uint32_t)word_count(allocator, word);
    info->state = (uint32_t)(word & STATE_MASK);
}

/* ------------------------------------------------------------------------------------------------ tokens and triples */

uint64_t rr_into_token(rr_allocator *allocator, const uint8_t *payload)
{
    uint64_t token = rr_payload_token(allocator, payload);
    add_loose(allocator, slot_of(allocator, payload), rr_payload_generation(allocator, payload));
    return token;
}

static const uint8_t *from_slot(rr_allocator *allocator, struct slot_line *slot, uint64_t generation, rr_status *status)
{
    rr_status result = slot == NULL ? RR_BAD_ARGUMENT : take_loose(allocator, slot, generation);
    set_status(status, result);
    return result == RR_OK ? payload_of(slot) : NULL;
}

const uint8_t *rr_from_token(rr_allocator *allocator, uint64_t token, rr_status *status)
{
    rr_handle handle;
    struct slot_line *slot = find_token(allocator, token, &handle);
    return from_slot(allocator, slot, handle.generation, status);
}

const uint8_t *rr_from_triple(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation,
                              rr_status *status)
{
    if (generation == RR_ANY_GENERATION) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    return from_slot(allocator, find_slot(allocator, pool_id, slot_index, generation), generation, status);
}

static const uint8_t *upgraded(rr_allocator *allocator, struct slot_line *slot, uint64_t generation, rr_status *status)
{
    uint64_t word = 0;
    rr_status result = slot == NULL ? RR_BAD_ARGUMENT : slot_upgrade(allocator, slot, generation, &word);
    set_status(status, result);
    return result == RR_OK ? payload_of(slot) : NULL;
}

const uint8_t *rr_upgrade(rr_allocator *allocator, uint64_t token, rr_status *status)
{
    rr_handle handle;
    struct slot_line *slot = find_token(allocator, token, &handle);
    return upgraded(allocator, slot, handle.generation, status);
}

const uint8_t *rr_upgrade_triple(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation,
                                 rr_status *status)
{
    if (generation == RR_ANY_GENERATION) {
        set_status(status, RR_BAD_ARGUMENT);
        return NULL;
    }
    return upgraded(allocator, find_slot(allocator, pool_id, slot_index, generation), generation, status);
}

const uint8_t *rr_get_slot_data(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation,
                                rr_status *status)
{
    return upgraded(allocator, find_slot(allocator, pool_id, slot_index, generation), generation, status);
}

int64_t rr_inc_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    struct slot_line *slot = find_slot(allocator, pool_id, slot_index, generation);
    uint64_t word = 0;
    rr_status status = slot == NULL ? RR_BAD_ARGUMENT : slot_upgrade(allocator, slot, generation, &word);
    if (status != RR_OK) {
        return -(int64_t)status;
    }
    add_loose(allocator, slot, word_generation(allocator, word));
    return (int64_t)word_count(allocator, word);
}

int64_t rr_dec_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation)
{
    struct slot_line *slot = find_slot(allocator, pool_id, slot_index, generation);
    if (slot == NULL) {
        return -(int64_t)RR_BAD_ARGUMENT;
    }
    rr_status status = RR_STALE_HANDLE;
    if (generation != RR_ANY_GENERATION) {
        status = take_loose(allocator, slot, generation);
    } else {
        while (status == RR_STALE_HANDLE) {
            /* pairs with nothing: which generation to ask take_loose for [ORDER-12] */
            uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
            status = is_live_as(allocator, word, RR_ANY_GENERATION)
                         ? take_loose(allocator, slot, word_generation(allocator, word))
                         : RR_REF_COUNT_UNDERFLOW;
        }
    }
    return status == RR_OK ? (int64_t)slot_drop(allocator, slot) : -(int64_t)status;
}

/* ------------------------------------------------------------------------------------------------------------ bulk */

/* The index of the first event that fits no pool, or `count` [ALLOC-8]. */
static size_t first_too_large(const rr_allocator *allocator, const uint32_t *lengths, uint32_t length, size_t count)
{
    size_t i = 0;
    for (; i < count; ++i) {
        uint32_t event_length = lengths != NULL ? lengths[i] : length;
        if (is_too_large(allocator, event_length)) {
            break;
        }
        if (lengths == NULL) {
            return count;
        }
    }
    return i;
}

/* Between claiming and writing, a batch keeps its slots where its tokens will be: pool * 2^21 + slot. */
static rr_status take_batch(rr_allocator *allocator, const uint32_t *lengths, uint32_t length, size_t count,
                            uint64_t *taken, size_t *done)
{
    size_t i = 0;
    while (i < count) {
        uint64_t event_length = lengths != NULL ? lengths[i] : length;
        uint32_t pool_id = size_class_of(event_length);
        size_t run = lengths != NULL ? 1 : count - i;                /* events of one class in a row */
        while (i + run < count && size_class_of(lengths[i + run]) == pool_id) {
            ++run;
        }
        while (run > 0) {
            struct claim claim = {0};
            event_length = lengths != NULL ? lengths[i] : length;
            *done = i;
            rr_status status = take_slots(allocator, pool_id, event_length, run, &claim);
            if (status != RR_OK) {
                return status;
            }
            for (; claim.bits != 0; claim.bits &= claim.bits - 1, --run, ++i) {
                taken[i] = ((uint64_t)pool_id << 21) + first_of(claim);
            }
        }
    }
    *done = count;
    return RR_OK;
}

rr_status rr_allocate_many(rr_allocator *allocator, const void *data, const uint32_t *lengths, uint32_t length,
                           const uint32_t *event_types, uint32_t event_type, size_t count, uint64_t *tokens,
                           size_t *failed)
{
    const uint8_t *next = data;
    size_t done = first_too_large(allocator, lengths, length, count);
    if (done < count) {
        if (failed != NULL) {
            *failed = done;
        }
        return RR_PAYLOAD_TOO_LARGE;
    }
    rr_status status = take_batch(allocator, lengths, length, count, tokens, &done);
    if (status != RR_OK) {
        if (failed != NULL) {
            *failed = done;
        }
        while (done-- > 0) {
            /* as if it had not been taken: neither its generation nor its allocations go up */
            slot_free(allocator, slot_at(&allocator->pools[tokens[done] >> 21], (uint32_t)tokens[done] & (MAX_SLOTS - 1)));
        }
        return status;
    }
    for (size_t i = 0; i < count; ++i) {
        const struct pool *pool = &allocator->pools[tokens[i] >> 21];
        struct slot_line *slot = slot_at(pool, (uint32_t)tokens[i] & (MAX_SLOTS - 1));
        uint32_t event_length = lengths != NULL ? lengths[i] : length;
        uint32_t kind = event_types != NULL ? event_types[i] : event_type;
        tokens[i] = slot_publish(allocator, slot, payload_of(slot), slot->size, next, event_length, kind, true);
        if (event_length != 0) {
            next += event_length;
        }
    }
    return RR_OK;
}

rr_status rr_drop_many(rr_allocator *allocator, const uint64_t *tokens, size_t count, size_t *failed)
{
    rr_handle handle;
    for (size_t i = 0; i < count; ++i) {
        struct slot_line *slot = find_token(allocator, tokens[i], &handle);
        rr_status status = slot == NULL ? RR_BAD_ARGUMENT : take_loose(allocator, slot, handle.generation);
        if (status != RR_OK) {
            if (failed != NULL) {
                *failed = i;
            }
            while (i-- > 0) {
                slot = find_token(allocator, tokens[i], &handle);
                add_loose(allocator, slot, handle.generation);
            }
            return status;
        }
    }
    struct slot_line *home = NULL;
    uint32_t bits = 0; /* slots whose bits are in the word at `home`, free and not yet given back: one step gives back many */
    for (size_t i = 0; i < count; ++i) {
        struct slot_line *slot = find_token(allocator, tokens[i], &handle);
        if (slot_unref(allocator, slot) != 0) {
            continue;
        }
        if (bits != 0 && home_of(slot) != home) {
            give_back(home, bits, count_bits(bits));
            bits = 0;
        }
        if (handle.pool_id == RR_XXL) {
            slot_free(allocator, slot);
        } else {
            home = home_of(slot);
            bits |= 1u << (handle.slot_index % 32);
        }
    }
    if (bits != 0) {
        give_back(home, bits, count_bits(bits));
    }
    return RR_OK;
}

/* --------------------------------------------------------------------------------------------------------- queries */

int64_t rr_get_generation(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index)
{
    rr_slot_metadata metadata;
    rr_status status = rr_slot_metadata_get(allocator, pool_id, slot_index, &metadata);
    return status == RR_OK ? (int64_t)metadata.generation : -(int64_t)status;
}

rr_status rr_slot_metadata_get(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                               rr_slot_metadata *metadata)
{
    struct slot_line *slot = find_slot(allocator, pool_id, slot_index, RR_ANY_GENERATION);
    if (slot == NULL) {
        return RR_BAD_ARGUMENT;
    }
    /* pairs with nothing: a picture of one moment [ORDER-13] */
    uint64_t word = settled(allocator, atomic_load_explicit(&slot->word, memory_order_relaxed));
    metadata->generation = word_generation(allocator, word);
    metadata->ref_count = (uint32_t)word_count(allocator, word);
    metadata->state = (uint32_t)(word & STATE_MASK);
    return RR_OK;
}

uint32_t rr_pool_capacity(const rr_allocator *allocator, uint32_t pool_id)
{
    return pool_id < RR_POOL_COUNT ? allocator->pools[pool_id].capacity : 0;
}

rr_status rr_slot_words(const rr_allocator *allocator, uint32_t pool_id, uint64_t *words)
{
    uint32_t capacity = rr_pool_capacity(allocator, pool_id);
    for (uint32_t index = 0; index < capacity; ++index) {
        /* pairs with nothing: a picture of one moment for each slot [ORDER-13] */
        uint64_t word = atomic_load_explicit(&slot_at(&allocator->pools[pool_id], index)->word, memory_order_relaxed);
        words[index] = settled(allocator, word);
    }
    return capacity == 0 ? RR_BAD_ARGUMENT : RR_OK;
}

rr_status rr_pool_stats_get(const rr_allocator *allocator, uint32_t pool_id, rr_pool_stats *stats)
{
    if (pool_id >= RR_POOL_COUNT) {
        return RR_BAD_ARGUMENT;
    }
    const struct pool *pool = &allocator->pools[pool_id];
    stats->capacity = pool->capacity;
    stats->free = free_slots(pool);
    stats->live = stats->capacity - stats->free;
    stats->allocations = 0;
    for (uint32_t index = 0; index < pool->capacity; ++index) {
        stats->allocations += allocations_of(allocator, slot_at(pool, index));
    }
    /* pairs with nothing: a statistic [ORDER-13] */
    stats->failures = atomic_load_explicit(&pool_header(pool)->failures, memory_order_relaxed);
    return RR_OK;
}

uint64_t rr_memory_usage(const rr_allocator *allocator)
{
    uint64_t bytes = 0;
    for (uint32_t id = RR_XS; id < RR_FIXED_POOL_COUNT; ++id) {
        bytes += rr_pool_bytes(allocator->pools[id].size, allocator->pools[id].capacity);
    }
    return bytes;
}

uint64_t rr_heap_usage(const rr_allocator *allocator)
{
    uint64_t table = LINE_BYTES + (uint64_t)LINE_BYTES * allocator->pools[RR_XXL].capacity;
    /* pairs with nothing: a statistic [ORDER-13] */
    return table + atomic_load_explicit(&allocator->heap_block_bytes, memory_order_relaxed);
}
