/* ring.h - how a ring lies in memory, its writer and its readers: chapter RING, and [LAYOUT-6]. */
#ifndef RR_RING_H
#define RR_RING_H

#include "copies.h"
#include "event_count.h"

#define BATCH 64u       /* events of a bulk add that are published together, and of a bulk read that are checked together */
#define SPREAD 64u      /* event descriptors of a gated ring, eight cache lines of them, that are spread over one another */
#define NO_LAP 1u       /* the lap of no event, so that a reader with an open peek finds none */
#define LAP 0x80000000u /* the bit of an event descriptor that tells a lap from the next one [ORDER-17] */

/* The first three cache lines of a ring [LAYOUT-6]. */
struct ring_shape {
    uint64_t capacity;
    uint64_t stride;
    uint64_t size;
    uint32_t mode;
    uint32_t max_readers;
    uint64_t unused[4];
};
struct ring_cursors {
    _Atomic uint64_t write_cursor; /* events published [RING-1]; in a gated ring perhaps a few less [ORDER-23] */
    _Atomic uint64_t claim;        /* slots up to claim - capacity may be overwritten: the announcement of an overwriting
                                      ring [ORDER-9], the gating sequence of a gated one [ORDER-10] */
    struct event_count events;     /* readers that wait for events: the writer reads it at every publication */
    uint64_t unused[4];
};
struct ring_membership {
    _Atomic uint64_t writer_state;   /* NO_WRITER, HAS_WRITER or ENDED [RING-4] [RING-39] */
    _Atomic uint64_t low_water_mark; /* all readers that there were have read the events before it [RING-17] */
    _Atomic uint64_t awaited;        /* how many readers have yet to join before anything is overwritten [RING-45] */
    struct event_count room;         /* writers that wait for room: the readers of a gated ring read it whenever they move on, so
                                        it lies in a line that is seldom written */
    uint64_t unused[3];
};
/* The cache line of one reader of a gated ring: state + 4 * (cursor mod 2^40 + 2^40 * tag) (reader_registrations.h). */
struct registration {
    _Atomic uint64_t word;
    uint64_t unused[7];
};
static_assert(sizeof(struct ring_shape) == LINE_BYTES, "one cache line");
static_assert(sizeof(struct ring_cursors) == LINE_BYTES, "one cache line");
static_assert(sizeof(struct ring_membership) == LINE_BYTES, "one cache line");
static_assert(sizeof(struct registration) == LINE_BYTES, "one cache line");

/* Where the parts of a ring lie; never written after creation. Each writer and reader has a copy, so that a call finds all that it
 * needs beside its cursor. */
struct slots {
    struct ring_cursors *cursors;
    uint8_t *payloads; /* of slot 0; the next slot's payload is `stride` bytes further */
    _Atomic uint64_t *event_descriptors;
    uint64_t stride;
    uint32_t size;
    uint32_t capacity;
    uint32_t spread; /* the event descriptors of positions below it are spread */
    bool gated;
    bool wide; /* how payloads are copied */
};

struct rr_ring {
    uint8_t *storage;
    struct slots slots;
    uint64_t bytes;
    uint32_t max_readers;
    bool waits_for_readers; /* `awaited` was set [RING-45] */
    _Atomic uint64_t handles; /* writers and readers not freed */
};

struct rr_writer {
    struct slots slots;
    uint64_t cursor;          /* events published: the writer's own copy */
    uint64_t gating_sequence; /* gated: the writer's own copy of ring_cursors.claim; `cursor` once closed and while a reservation is
                                 open, so that an add leaves the fast path */
    uint32_t position;        /* cursor mod capacity */
    uint32_t lap;             /* of the event at cursor, as in its event descriptor */
    _Atomic uint32_t closed;  /* 0 or 1; written by the writer's own thread, or by a thread that ends its wait */
    uint64_t fast_path_below; /* rr_writer_add takes the fast path for a shorter payload; 0 in a gated ring, and once closed */
    rr_ring *ring;
    struct notifier *notifier; /* NULL until its file descriptor was asked for [RING-49] */
    uint64_t gating_sequence_kept; /* gated: what `gating_sequence` is after the end of the open reservation */
    uint32_t reserved;             /* the slots of the open reservation, 0 if none is open [RING-65] */
};

struct rr_reader {
    struct slots slots;
    uint64_t cursor;
    uint64_t published;      /* events published when it last looked: it does not read the cursors' line while there is enough to
                                read. Means nothing while it is below `cursor`. */
    uint32_t position;       /* cursor mod capacity */
    uint32_t lap;            /* of the event at cursor, as in its event descriptor */
    bool fast_path;          /* the ring is overwriting and the reader has not left: rr_reader_next takes the fast path */
    _Atomic uint32_t left;   /* STAYS, LEAVES or HAS_LEFT */
    _Atomic uint64_t *registration; /* gated: the word of its registration; never written after the join, nor is the next */
    uint64_t registered;            /* gated: that word while the reader is registered, without the cursor */
    _Atomic uint32_t evicted;
    rr_ring *ring;
    uint64_t start;
    uint64_t skipped;
    struct notifier *notifier; /* NULL until its file descriptor was asked for [RING-35] */
    uint32_t peeked;   /* gated: the events of the open peek, 0 if none is open; else `lap` is NO_LAP [RING-74] */
    uint32_t lap_kept; /* gated: what `lap` is after the end of the open peek */
};

/* The values of `left` of a reader. */
enum { STAYS, LEAVES, HAS_LEFT };

/* The values of `writer_state` of a ring; ENDED is the last one that it takes. */
enum { NO_WRITER, HAS_WRITER, ENDED };

static inline struct ring_cursors *cursors_of(const rr_ring *ring)
{
    return ring->slots.cursors;
}

/* The line after the cursors'. */
static inline struct ring_membership *membership_behind(struct ring_cursors *cursors)
{
    return (struct ring_membership *)(void *)(cursors + 1);
}

static inline struct ring_membership *membership_of(const rr_ring *ring)
{
    return membership_behind(cursors_of(ring));
}

/* ------------------------------------------------------------------------------------------------- events in slots */

/*
 * The payload of an event lies in cache lines of its own; its event descriptor, length and event type, is one word of an array
 * after all payloads. So an event of 64 bytes takes one line and an eighth [LAYOUT-6]. Both are written and read as memory that
 * another thread may be writing: a reader that the writer overtakes races with relaxed atomics only [ORDER-9].
 *
 * In a gated ring the event descriptor publishes the event [ORDER-17]. One bit of it tells whether the event's lap is even or odd.
 * No registered reader is more than a lap behind, so it finds in its slot its own event or the one of the lap before. It need not
 * read the cursors' line, which the writer writes at each event: it takes two lines an event, not three. For the same reason the
 * descriptors of successive events lie in different lines in a gated ring: a reader of one does not wait for the writer of the
 * next.
 */
static inline uint64_t event_descriptor_of(uint32_t length, uint32_t event_type)
{
    return length | (uint64_t)event_type << 32;
}

static inline uint32_t length_in(uint64_t descriptor)
{
    return (uint32_t)descriptor & ~LAP;
}

static inline uint32_t lap_in(uint64_t descriptor)
{
    return (uint32_t)descriptor & LAP;
}

/* The lap bit of an event of a gated ring. Even laps have it set, so a slot of zeros holds no event. */
static inline uint32_t lap_of(const struct slots *slots, uint64_t cursor)
{
    return slots->gated && cursor / slots->capacity % 2 == 0 ? LAP : 0;
}

/* The lap bit at position `to`, at most one lap after position `from`. */
static inline uint32_t lap_after(uint32_t lap, uint32_t from, uint32_t to)
{
    return to <= from ? lap ^ LAP : lap;
}

/* Of each 64 descriptors, which are eight lines, every one lies nine words after the one before, and so in another line. */
static inline _Atomic uint64_t *event_descriptor_at(const struct slots *slots, uint32_t position, bool gated)
{
    uint32_t spread = (position & ~(SPREAD - 1)) | (position * 9 & (SPREAD - 1));
    return &slots->event_descriptors[gated && position < slots->spread ? spread : position];
}

/* In a gated ring this publishes the event, if all events before it were published. */
static inline void event_descriptor_store(const struct slots *slots, uint32_t position, uint64_t descriptor, bool gated)
{
    if (gated) {
        /* pairs with event_descriptor_load's acquire [ORDER-17] */
        atomic_store_explicit(event_descriptor_at(slots, position, true), descriptor, memory_order_release);
    } else {
        /* pairs with event_descriptor_load's relaxed load, by the fences around both or by the cursor [ORDER-9] */
        atomic_store_explicit(event_descriptor_at(slots, position, false), descriptor, memory_order_relaxed);
    }
}

/* In a gated ring the caller may read the event after this if the lap bit is right. In an overwriting ring what is loaded, and
 * the payload, may be torn or of another event, until the caller has checked. */
static inline uint64_t event_descriptor_load(const struct slots *slots, uint32_t position, bool gated)
{
    if (gated) {
        /* pairs with event_descriptor_store's release [ORDER-17] */
        return atomic_load_explicit(event_descriptor_at(slots, position, true), memory_order_acquire);
    }
    /* pairs with event_descriptor_store's relaxed store, by the fences around both or by the cursor [ORDER-9] */
    return atomic_load_explicit(event_descriptor_at(slots, position, false), memory_order_relaxed);
}

static inline void payload_store(const struct slots *slots, uint32_t position, const uint8_t *data, size_t length)
{
    copy_in(slots->payloads + position * slots->stride, data, length, slots->wide);
}

static inline void payload_load(const struct slots *slots, uint32_t position, uint8_t *data, size_t length)
{
    copy_out(data, slots->payloads + position * slots->stride, length, slots->wide);
}

/* The position `count` after another one, with no wrap-around in between. */
static inline uint32_t position_after(const struct slots *slots, uint32_t position, uint32_t count)
{
    return position + count == slots->capacity ? 0 : position + count;
}

/* -------------------------------------------------------------------------------------------- ring and its handles */

static inline void hold_ring(rr_ring *ring)
{
    /* pairs with nothing: the caller keeps the ring alive during this call [ORDER-11] */
    atomic_fetch_add_explicit(&ring->handles, 1, memory_order_relaxed);
}

static inline void drop_ring(rr_ring *ring)
{
    /* pairs with rr_ring_destroy's acquire [ORDER-11] */
    atomic_fetch_sub_explicit(&ring->handles, 1, memory_order_release);
}

static inline uint64_t cursor_observe(const struct slots *slots)
{
    /* pairs with publish's release [ORDER-7] */
    return atomic_load_explicit(&slots->cursors->write_cursor, memory_order_acquire);
}

/* The number of events published in a gated ring. */
NOINLINE uint64_t published_in(const struct slots *slots);

/* Whether the stream has ended: then the caller sees all events that will ever be published. */
static inline bool stream_ended(const rr_ring *ring)
{
    /* pairs with end_writer's release: the last event was published before [ORDER-18] */
    return atomic_load_explicit(&membership_of(ring)->writer_state, memory_order_acquire) == ENDED;
}

#endif
