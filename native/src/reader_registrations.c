/* reader_registrations.c - the readers of a gated ring, as its writer sees them: chapter RING [RING-14] to [RING-21] [RING-45]. */
#include "reader_registrations.h"

/* The cursor in a registration's word, which is less than 2^39 away from `near`, since a ring has fewer slots than that. */
static uint64_t cursor_in(uint64_t word, uint64_t near)
{
    uint64_t ahead = ((word >> 2) - near) & CURSOR_MASK;
    return ahead >> (CURSOR_BITS - 1) != 0 ? near - (CURSOR_MASK + 1 - ahead) : near + ahead;
}

rr_status rr_ring_wait_for_readers(rr_ring *ring, uint32_t readers)
{
    if (!ring->slots.gated || readers > ring->max_readers) {
        return RR_BAD_ARGUMENT;
    }
    atomic_init(&membership_of(ring)->awaited, readers);
    ring->waits_for_readers = readers != 0;
    return RR_OK;
}

uint32_t rr_ring_readers_awaited(const rr_ring *ring)
{
    /* pairs with nothing: a snapshot of one moment [ORDER-13] */
    return (uint32_t)atomic_load_explicit(&membership_of(ring)->awaited, memory_order_relaxed);
}

/* Whether the ring keeps all events for readers that have yet to join. If not, the caller sees the readers that have joined. */
static bool awaits_readers(const rr_ring *ring)
{
    /* pairs with count_joined's release: this thread sees the registrations of the readers that have joined [ORDER-19] */
    return ring->waits_for_readers && atomic_load_explicit(&membership_of(ring)->awaited, memory_order_acquire) != 0;
}

void count_joined(const rr_ring *ring)
{
    _Atomic uint64_t *awaited = &membership_of(ring)->awaited;
    /* pairs with nothing: a prediction, which the compare-exchange below confirms [ORDER-19] */
    uint64_t left = atomic_load_explicit(awaited, memory_order_relaxed);
    /* pairs with awaits_readers' acquire: a thread that finds no reader awaited sees this one's registration [ORDER-19] */
    while (left != 0 && !atomic_compare_exchange_weak_explicit(awaited, &left, left - 1, memory_order_release,
                                                               memory_order_relaxed)) {
    }
}

bool slowest_reader(const rr_ring *ring, uint64_t cursor, uint64_t *slowest)
{
    bool any = false;
    if (awaits_readers(ring)) {
        *slowest = 0;
        return true;
    }
    for (uint32_t index = 0; index < ring->max_readers; ++index) {
        _Atomic uint64_t *at = registration_at(ring, index);
        /* pairs with the release of a reader that moves on, leaves or is evicted [ORDER-8] */
        uint64_t word = atomic_load_explicit(at, memory_order_acquire);
        bool counts = false;
        uint64_t reads = 0;
        for (;;) {
            reads = cursor_in(word, cursor);
            if ((word & REGISTRATION_STATE) == REGISTRATION_JOINING && cursor <= reads + ring->slots.capacity) {
                uint64_t admitted = word - REGISTRATION_JOINING + REGISTRATION_ACTIVE;
                /* pairs with the joining reader's compare-exchange: one of the two decides [ORDER-10]; and with least_cursor: a
                 * reader that begins at this reader's cursor sees what was published before it [ORDER-17] */
                if (!atomic_compare_exchange_strong_explicit(at, &word, admitted, memory_order_acq_rel, memory_order_acquire)) {
                    continue;
                }
                word = admitted;
            }
            counts = (word & REGISTRATION_STATE) == REGISTRATION_ACTIVE;
            break;
        }
        if (counts && (!any || reads < *slowest)) {
            any = true;
            *slowest = reads;
        }
    }
    return any;
}

bool least_cursor(const rr_ring *ring, uint64_t *least)
{
    bool any = false;
    if (awaits_readers(ring)) {
        *least = 0;
        return true;
    }
    /* pairs with nothing: only a point near the cursors below [ORDER-13] */
    uint64_t near = atomic_load_explicit(&cursors_of(ring)->write_cursor, memory_order_relaxed);
    for (uint32_t index = 0; index < ring->max_readers; ++index) {
        /* pairs with the release of a reader that leaves, which raised the low-water mark first [ORDER-8] */
        uint64_t word = atomic_load_explicit(registration_at(ring, index), memory_order_acquire);
        uint64_t reads = cursor_in(word, near);
        if ((word & REGISTRATION_STATE) == REGISTRATION_ACTIVE && (!any || reads < *least)) {
            any = true;
            *least = reads;
        }
    }
    return any;
}

uint32_t rr_ring_readers(const rr_ring *ring)
{
    uint32_t readers = 0;
    for (uint32_t index = 0; index < ring->max_readers; ++index) {
        /* pairs with nothing: a statistic [ORDER-13] */
        uint64_t word = atomic_load_explicit(registration_at(ring, index), memory_order_relaxed);
        readers += (word & REGISTRATION_STATE) == REGISTRATION_ACTIVE;
    }
    return readers;
}

uint64_t oldest_event(const rr_ring *ring)
{
    uint64_t oldest = 0;
    if (ring->slots.gated) {
        if (least_cursor(ring, &oldest)) {
            return oldest;
        }
        /* pairs with the raise by the reader that was the last to leave, by the fence in register_reader [ORDER-8] [ORDER-17] */
        oldest = atomic_load_explicit(&membership_of(ring)->low_water_mark, memory_order_relaxed);
    }
    /* pairs with raise_gating_sequence's release, by the fence in register_reader [ORDER-17], and with an overwriting writer's
     * announcement; the join protocol or the lap check detects a stale one [ORDER-10] [ORDER-9] */
    uint64_t claim = atomic_load_explicit(&cursors_of(ring)->claim, memory_order_relaxed);
    return claim > oldest + ring->slots.capacity ? claim - ring->slots.capacity : oldest;
}

uint64_t rr_ring_retained(const rr_ring *ring)
{
    uint64_t oldest = oldest_event(ring);
    uint64_t published = rr_ring_write_cursor(ring);
    uint64_t retained = published > oldest ? published - oldest : 0;
    return retained < ring->slots.capacity ? retained : ring->slots.capacity;
}

rr_status register_reader(rr_reader *reader, rr_join_at at)
{
    rr_ring *ring = reader->ring;
    _Atomic uint64_t *mine = NULL;
    uint64_t tags_before = UINT64_MAX;
    uint64_t tag = 0;
    uint64_t word = 0;
    uint64_t cursor = reader->cursor;
    for (bool taken = false; !taken;) {
        uint64_t tags = 0;
        for (uint32_t index = 0; index < ring->max_readers && !taken; ++index) {
            /* pairs with deregister's release: the low-water mark that it raised, and tags of registrations before [ORDER-8] */
            word = atomic_load_explicit(registration_at(ring, index), memory_order_acquire);
            while ((word & REGISTRATION_STATE) == REGISTRATION_FREE && !taken) {
                uint64_t joining = registration_of(REGISTRATION_JOINING, cursor, word >> TAG_SHIFT);
                /* Release: a thread that finds this registration taken sees which ones this reader saw free [RING-21]. */
                /* pairs with the writer's second scan, by the fences, and with the load above in other readers [ORDER-10] */
                taken = atomic_compare_exchange_weak_explicit(registration_at(ring, index), &word, joining, memory_order_release,
                                                              memory_order_relaxed);
                if (taken) {
                    mine = registration_at(ring, index);
                    tag = word >> TAG_SHIFT;
                    word = joining;
                }
            }
            tags += word >> TAG_SHIFT;
        }
        /* all were taken, and no reader left between two passes, so at a moment between the passes all were taken at once */
        if (!taken && tags == tags_before) {
            return RR_READERS_FULL;
        }
        tags_before = tags;
    }
    for (;;) {
        /* pairs with the fence in raise_gating_sequence [ORDER-10]; and the release of what the cursor was taken from [ORDER-17] */
        atomic_thread_fence(memory_order_seq_cst);
        /* pairs with raise_gating_sequence's store by the fences [ORDER-10], its release by the next turn's fence [ORDER-17] */
        uint64_t gating_sequence = atomic_load_explicit(&cursors_of(ring)->claim, memory_order_relaxed);
        bool late = gating_sequence > cursor + ring->slots.capacity;
        uint64_t moved = late ? gating_sequence - ring->slots.capacity : cursor;
        if (late && at == RR_LATEST) {
            uint64_t published = rr_ring_write_cursor(ring);
            moved = published > moved ? published : moved;
        }
        uint64_t changed = registration_of(late ? REGISTRATION_JOINING : REGISTRATION_ACTIVE, moved, tag);
        /* pairs with the writer's own compare-exchange: one of the two decides [ORDER-10] */
        if (!atomic_compare_exchange_strong_explicit(mine, &word, changed, memory_order_relaxed, memory_order_relaxed)) {
            break; /* the writer admitted it at `cursor` */
        }
        word = changed;
        cursor = moved;
        if (!late) {
            break;
        }
    }
    reader->cursor = cursor;
    reader->registration = mine;
    reader->registered = registration_of(REGISTRATION_ACTIVE, 0, tag);
    return RR_OK;
}

bool deregister(const rr_reader *reader)
{
    const rr_ring *ring = reader->ring;
    _Atomic uint64_t *at = reader->registration;
    _Atomic uint64_t *low_water_mark = &membership_of(ring)->low_water_mark;
    /* pairs with nothing: a prediction, which the compare-exchange below confirms; as a read-modify-write that continues the
     * release sequence of the reader's last advance [ORDER-8] */
    uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
    uint64_t freed = registration_of(REGISTRATION_FREE, 0, (reader->registered >> TAG_SHIFT) + 1);
    do {
        if (!is_registered(word, reader->registered)) {
            return false;
        }
        /* the ring no longer retains what all its readers, this one among them, have read [RING-17] */
        /* pairs with the same fence of another leaving reader: one of the two sees how far the other has read [ORDER-14] */
        atomic_thread_fence(memory_order_seq_cst);
        uint64_t least = 0;
        if (least_cursor(ring, &least)) {
            /* pairs with nothing: a prediction, which the compare-exchange below confirms [ORDER-8] */
            uint64_t old = atomic_load_explicit(low_water_mark, memory_order_relaxed);
            /* pairs with oldest_event's load: a reader that begins there sees what was published before [ORDER-17] */
            while (old < least && !atomic_compare_exchange_weak_explicit(low_water_mark, &old, least, memory_order_release,
                                                                         memory_order_relaxed)) {
            }
        }
        /* pairs with the acquire in slowest_reader, least_cursor and register_reader [ORDER-8] */
    } while (!atomic_compare_exchange_weak_explicit(at, &word, freed, memory_order_release, memory_order_relaxed));
    return true;
}
