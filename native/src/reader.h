/* reader.h - whether a reader has ended: chapter RING [RING-19] [RING-20] [RING-56]. */
#ifndef RR_READER_H
#define RR_READER_H

#include "reader_registrations.h"

/* Kept in the reader itself, since the tag of its registration wraps around after 2^22 more readers. */
static inline bool was_evicted(const rr_reader *reader)
{
    /* pairs with the release in rr_reader_evict: a thread that learns of the eviction sees the registration ended [ORDER-8] */
    return atomic_load_explicit(&reader->evicted, memory_order_acquire) != 0;
}

/* Whether the reader is known to have ended, without a look at its registration. */
static inline bool has_ended(const rr_reader *reader, bool gated)
{
    /* pairs with nothing in the reader's own thread; in a waiting thread, by the fences, with rr_reader_leave [ORDER-15] */
    return atomic_load_explicit(&reader->left, memory_order_relaxed) != 0 || (gated && was_evicted(reader));
}

static inline bool is_closed(const rr_reader *reader, bool gated)
{
    return has_ended(reader, gated) || (gated && !has_registration(reader));
}

/* For a thread that waits for the event `sequence`: RR_OK if there is an event, RR_RING_CLOSED or RR_END_OF_STREAM; RR_EMPTY if it
 * has to wait [RING-32]. */
rr_status look_for(const void *of, uint64_t sequence);

#endif
