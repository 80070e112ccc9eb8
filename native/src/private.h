/* private.h - what the library's source files share: storage layouts and the codec of slot words. Not for users. */
#ifndef RR_PRIVATE_H
#define RR_PRIVATE_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "rusted_ring.h"

#define LINE_BYTES 64u
#define TRAILER_BYTES 8u /* len and event type */
#define MAX_SLOTS 2097152u
#define LANES 8u

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics must be lock-free");
static_assert(sizeof(_Atomic uint64_t) == 8, "atomic words must be 8 bytes");

/* A slot's metadata, the cache line before its event [LAYOUT-2]. A block on the heap begins with such a line too, of
 * which only pool_id, slot_index and size are used; the rest of an XXL slot is its line in the table. */
struct slot_line {
    _Atomic uint64_t word;        /* state + 4 * (count + 2^R * generation) [SLOT-2] */
    uint64_t first;               /* what `word` was when its event became LIVE: a guess of what it is [SLOT-9] */
    _Atomic uint64_t loose;       /* loose references + 2^R * the generation that they belong to [PTR-11] */
    _Atomic uint64_t rounds;      /* how often the generation came round, written by the slot's owner alone [ALLOC-9] */
    _Atomic uint64_t free_bits;   /* word k of the pool's free list is in slot k: 32 free bits, 32 bits of version */
    uint32_t pool_id;
    uint32_t slot_index;
    uint32_t size;  /* payload bytes that the event has room for */
    int32_t home;   /* lines from this one to the one with the word of the free list that has this slot's bit */
    uint8_t *block; /* XXL only: the block on the heap, NULL in other pools [LAYOUT-8] */
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

/* Where the next search of a pool's free list begins, for some of the threads; in a line of its own. */
struct lane {
    alignas(64) _Atomic uint64_t hint; /* 32 bits of a word of the free list; above them, how far from slot 0 it lies */
    _Atomic uint64_t share;            /* the words that it goes round: the first; 32 bits above, the one after the last */
    _Atomic uint32_t looks;       /* how often it looked ahead: it is in use while this changes */
    _Atomic uint32_t seen[LANES]; /* what that was of each lane when this one last began its share */
};
static_assert(sizeof(struct lane) == LINE_BYTES, "a lane fills one cache line");

/* Where a pool lies, never written after creation; and its lanes. */
struct pool {
    uint8_t *storage;
    uint8_t *slots;  /* slot 0, in `storage` */
    uint64_t stride; /* bytes from slot to slot */
    uint64_t size;   /* payload bytes of a slot; 0 in the XXL table */
    uint32_t capacity;
    uint32_t words; /* words of the free list */
    uint32_t id;
    _Atomic uint32_t lanes_used; /* no lane from this number on looked ahead lately; at least 1 */
    struct lane lanes[LANES];
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

/* The first three cache lines of a ring [LAYOUT-6]. */
struct ring_shape {
    uint64_t capacity;
    uint64_t stride;
    uint64_t size;
    uint32_t mode;
    uint32_t max_readers;
    uint64_t unused[4];
};
/* An event count: whether threads wait for one kind of event, and how often they were woken (waits.c). */
struct event_count {
    _Atomic uint32_t waiting; /* kinds of waiters, 0 for none: a thread that stores what they wait for reads it [ORDER-15] */
    _Atomic uint32_t wakes;   /* how often the waiting threads were woken */
    _Atomic uintptr_t bells;  /* the list of their descriptors [RING-35] */
};
struct ring_cursors {
    _Atomic uint64_t write_cursor; /* events published [RING-1]; in a gated ring perhaps some fewer [ORDER-17] */
    _Atomic uint64_t claim;        /* slots up to claim - capacity may be overwritten: the announcement of an overwriting
                                      ring [ORDER-9], the gate of a gated one [ORDER-10] */
    struct event_count events;     /* readers that wait for events: read by the writer at every publication */
    uint64_t unused[4];
};
struct ring_places {
    _Atomic uint64_t writer_state; /* NO_WRITER, HAS_WRITER or ENDED [RING-4] [RING-39] */
    _Atomic uint64_t floor;        /* events before it were read by all readers there were [RING-17] */
    _Atomic uint64_t awaited;      /* how many readers have yet to join before anything is overwritten [RING-45] */
    struct event_count room;       /* writers that wait for room: read by the readers of a gated ring whenever they move on, so
                                      that it lies in a line that is seldom written */
    uint64_t unused[3];
};
/* A reader's cache line in a gated ring: state + 4 * (cursor mod 2^40 + 2^40 * stamp). The stamp goes up each time the
 * place is left, so that the last reader of a place cannot take itself for the next one. */
struct reader_line {
    _Atomic uint64_t word;
    uint64_t unused[7];
};
static_assert(sizeof(struct ring_shape) == LINE_BYTES, "one cache line");
static_assert(sizeof(struct ring_cursors) == LINE_BYTES, "one cache line");
static_assert(sizeof(struct ring_places) == LINE_BYTES, "one cache line");
static_assert(sizeof(struct reader_line) == LINE_BYTES, "one cache line");

/* What a call costs is counted in instructions here. INLINE: a part of each hot call. CALLED: stays a call, so that a hot call
 * needs no registers for it; SELDOM: and lies elsewhere. */
#if defined(__GNUC__)
#  define SELDOM __attribute__((noinline, cold))
#  define CALLED __attribute__((noinline))
#  define INLINE static inline __attribute__((always_inline))
#else
#  define SELDOM
#  define CALLED
#  define INLINE static inline
#endif

/* Storage of a thread's own that a library loaded later finds without a call, where the C library keeps room for it. */
#if defined(__GLIBC__) && defined(__GNUC__)
#  define THREAD_LOCAL_MODEL __attribute__((tls_model("initial-exec")))
#else
#  define THREAD_LOCAL_MODEL
#endif

/* [SIZE-1]; 5 for what is above all fixed classes. */
static inline uint32_t size_class_of(uint64_t length)
{
    return length <= 64 ? 0
                        : 1 + (uint32_t)(length > 256) + (uint32_t)(length > 1024) + (uint32_t)(length > 4096) +
                              (uint32_t)(length > 16384);
}

/* Payload bytes of an event of a class above which there is another one [SIZE-1]. */
static inline uint64_t size_of_class(uint32_t size_class)
{
    return UINT64_C(64) << 2 * size_class;
}

static inline uint64_t round64(uint64_t n)
{
    return (n + (LINE_BYTES - 1)) & ~(uint64_t)(LINE_BYTES - 1);
}

/* [LAYOUT-1] */
static inline uint64_t event_bytes(uint64_t size)
{
    return round64(size + TRAILER_BYTES);
}

/* [LAYOUT-2] */
static inline uint64_t slot_bytes(uint64_t size)
{
    return LINE_BYTES + event_bytes(size);
}

/* ------------------------------------------------------------------------------------------------- waiting (waits.c) */

struct bell;

/* For a new event count, and for one that ends. */
void waits_init(struct event_count *count);
void waits_end(struct event_count *count);

/* Whether any thread waits. The caller has stored what may be waited for, and then found `waiting` to be other than 0. A waiting
 * thread has seen, or will see, what the caller has stored; or else the caller sees from now on what that thread did before it
 * said that it waits. */
bool waits_anybody(struct event_count *count);

/* Wakes all waiting threads. */
void waits_wake(struct event_count *count);

/* What there is for a thread that waits: RR_EMPTY for nothing, else why it need not wait. It must change only by what is followed
 * by a look at `waiting`. */
typedef rr_status look(const void *of, uint64_t number);

/* Waits until look(of, number) is other than RR_EMPTY, and returns what it is then; RR_EMPTY if the time is up, RR_INTERRUPTED
 * after a signal. nanoseconds: 0, only look; below 0, for ever. */
rr_status waits_until(struct event_count *count, look *look, const void *of, uint64_t number, int64_t nanoseconds);

/* A bell, rung when it is taken. NULL: RR_NO_MEMORY, RR_SYSTEM. */
struct bell *bell_take(struct event_count *count, rr_status *status);
void bell_end(struct bell *bell);

/* The descriptor; below 0 in a process that did not make it. */
int bell_descriptor(const struct bell *bell);

/* Silences and arms a bell that was rung, and returns whether it did: the caller then looks whether there is something,
 * and if there is, rings it, which disarms it. */
bool bell_arm(struct event_count *count, struct bell *bell);
void bell_ring(struct bell *bell);

static inline void set_status(rr_status *status, rr_status value)
{
    if (status != NULL) {
        *status = value;
    }
}

#endif
