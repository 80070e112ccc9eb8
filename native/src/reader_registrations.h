/* reader_registrations.h - the readers of a gated ring, as its writer sees them: chapter RING [RING-14] to [RING-21] [RING-45]. */
#ifndef RR_READER_REGISTRATIONS_H
#define RR_READER_REGISTRATIONS_H

#include "ring.h"

/*
 * The join protocol. The registration of a reader at cursor c goes FREE -> JOINING(c) -> ACTIVE(c) -> ... -> FREE. The tag of the
 * word is incremented each time the reader leaves, so that the last reader of a registration cannot take itself for the next one.
 *
 * The danger is a reader that joins at c while the writer, which has not seen it, overwrites c. The writer publishes a gating
 * sequence, up to which it writes without a scan: it stores the sequence, executes a seq_cst fence, and scans all registrations
 * again. The joining reader stores JOINING(c), executes a seq_cst fence, and loads the gating sequence [ORDER-10]. One of the two
 * fences is first. If it is the reader's, the writer's scan sees c, and the writer lowers its gating sequence to c + capacity
 * before it writes. If it is the writer's, the reader sees that gating sequence or a later one; if it is above c + capacity, the reader
 * moves c up to the gating sequence - capacity and tries again.
 *
 * Both may see each other. Then the registration decides: the writer makes it ACTIVE(c) itself before it counts c, and a joining
 * reader that finds its registration ACTIVE has been admitted at c, whatever gating sequence it saw. So no add is refused because
 * of a cursor that its reader then gives up. A writer that finds JOINING(c) with c + capacity below its own cursor leaves it alone:
 * it passed c + capacity under a greater gating sequence, and its scan after that sequence's fence did not see c. So the reader's
 * fence is the later one, and the reader sees a gating sequence above c + capacity and moves.
 */
#define REGISTRATION_FREE UINT64_C(0)
#define REGISTRATION_JOINING UINT64_C(1)
#define REGISTRATION_ACTIVE UINT64_C(2)
#define REGISTRATION_STATE UINT64_C(3)
#define CURSOR_BITS 40u
#define CURSOR_MASK ((UINT64_C(1) << CURSOR_BITS) - 1)
#define TAG_SHIFT (2u + CURSOR_BITS)

static inline _Atomic uint64_t *registration_at(const rr_ring *ring, uint32_t index)
{
    return &((struct registration *)(void *)(ring->storage + (size_t)3 * LINE_BYTES))[index].word;
}

static inline uint64_t registration_of(uint64_t state, uint64_t cursor, uint64_t tag)
{
    return state | (cursor & CURSOR_MASK) << 2 | tag << TAG_SHIFT;
}

/* Whether a word is that of a registered reader, whose word without the cursor is `registered`. */
static inline bool is_registered(uint64_t word, uint64_t registered)
{
    return ((word ^ registered) & ~(CURSOR_MASK << 2)) == 0;
}

/* Whether a gated reader is still registered, as far as this thread knows. */
static inline bool has_registration(const rr_reader *reader)
{
    /* pairs with deregister's release, so that this thread sees `left` if the reader left [ORDER-8] */
    return is_registered(atomic_load_explicit(reader->registration, memory_order_acquire), reader->registered);
}

/* The writer's scan of the registrations, which admits the readers that join. Returns whether there is a reader, and the least
 * cursor. */
bool slowest_reader(const rr_ring *ring, uint64_t cursor, uint64_t *slowest);

/* A scan of the registered readers by any thread. Returns whether there is one, and the least cursor. */
bool least_cursor(const rr_ring *ring, uint64_t *least);

/* The oldest event retained [RING-10] [RING-17]. */
uint64_t oldest_event(const rr_ring *ring);

/* Registers a reader at its cursor, or above it if the ring has moved on meanwhile [ORDER-10]. */
rr_status register_reader(rr_reader *reader, rr_join_at at);

/* Counts a reader that has just been registered. */
void count_joined(const rr_ring *ring);

/* Ends the registration of a reader. Returns false if it has none any more [RING-19] [RING-20]. */
bool deregister(const rr_reader *reader);

#endif
