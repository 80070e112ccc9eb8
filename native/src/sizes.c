/* sizes.c - statuses, size classes, layout arithmetic and profiles: the parts without state. */
#include "sizes.h"

#define HEAP_BYTES_LIMIT (UINT64_C(1) << 48)

const char *rr_status_text(rr_status status)
{
    switch (status) {
    case RR_OK:
        return "ok";
    case RR_BAD_ARGUMENT:
        return "an argument names nothing that exists; check pool, slot, generation, cursor and mode";
    case RR_PAYLOAD_TOO_LARGE:
        return "the payload does not fit; shorten it or use a larger class, ring or heap";
    case RR_POOL_EXHAUSTED:
        return "no slot of the pool is free; drop pointers or make the pool larger";
    case RR_LAYOUT:
        return "a width, a capacity or the storage is out of bounds; see PARAM and LAYOUT in the specification";
    case RR_STALE_HANDLE:
        return "the event of the handle is gone; allocate it again";
    case RR_REF_COUNT_OVERFLOW:
        return "the slot has as many references as its counter holds; drop one or use more ref_bits";
    case RR_REF_COUNT_UNDERFLOW:
        return "there is no detached reference to end; end each once";
    case RR_WRITER_TAKEN:
        return "the ring has a writer; close it first";
    case RR_READERS_FULL:
        return "the ring has as many readers as it can register; close or evict one";
    case RR_RING_CLOSED:
        return "the writer or reader was closed or evicted; open another";
    case RR_LAGGED:
        return "events were overwritten before they were read; go on at next_sequence";
    case RR_EMPTY:
        return "there is no event to read now; ask again later";
    case RR_FULL:
        return "the slowest reader of the ring is a whole ring behind; let it read or evict it";
    case RR_BUFFER_TOO_SMALL:
        return "the next event does not fit into the buffer; give a larger one";
    case RR_BUSY:
        return "slots, writers or readers are still alive; release them first";
    case RR_NO_MEMORY:
        return "the system has no memory left; free some";
    case RR_INTERRUPTED:
        return "a signal came while the call waited; wait again";
    case RR_SYSTEM:
        return "the system gave no descriptor; see errno, and close some";
    case RR_END_OF_STREAM:
        return "the stream has ended, and all of it was read; make another ring";
    }
    return "unknown status; use a value of rr_status";
}

uint64_t rr_size_limit(uint32_t size_class)
{
    return size_class < RR_XXL ? size_of_class(size_class) : size_class == RR_XXL ? UINT32_MAX : 0;
}

int rr_estimate_size(uint64_t length)
{
    return length > rr_size_limit(RR_XXL) ? -(int)RR_PAYLOAD_TOO_LARGE : (int)size_class_of(length);
}

int rr_pool_from_size(uint32_t size_class)
{
    return size_class < RR_POOL_COUNT ? (int)size_class : -(int)RR_BAD_ARGUMENT;
}

uint64_t rr_round64(uint64_t n)
{
    return round64(n);
}

uint64_t rr_event_bytes(uint64_t size)
{
    return event_bytes(size);
}

uint64_t rr_slot_bytes(uint64_t size)
{
    return slot_bytes(size);
}

/* head + count * each, or UINT64_MAX if that is above 2^64 - 1. */
static uint64_t total_bytes(uint64_t head, uint64_t count, uint64_t each)
{
    return each != 0 && count > (UINT64_MAX - head) / each ? UINT64_MAX : head + count * each;
}

uint64_t rr_pool_bytes(uint64_t size, uint64_t capacity)
{
    return size > UINT32_MAX ? UINT64_MAX : total_bytes(LINE_BYTES, capacity, slot_bytes(size));
}

uint64_t rr_ring_bytes(uint64_t size, uint64_t capacity, uint32_t max_readers)
{
    uint64_t head = (uint64_t)LINE_BYTES * (3 + (uint64_t)max_readers);
    /* one sum per slot, rounded up to a line as a whole: all parts except the event descriptors are whole lines */
    uint64_t bytes = size > UINT32_MAX ? UINT64_MAX : total_bytes(head, capacity, round64(size) + EVENT_DESCRIPTOR_BYTES);
    return bytes > UINT64_MAX - (LINE_BYTES - 1) ? UINT64_MAX : round64(bytes);
}

rr_profile rr_profile_seed(void)
{
    rr_profile seed = {.ref_bits = 8,
                       .generation_bits = 16,
                       .tag_bits = 32,
                       .capacities = {2000, 1000, 300, 60, 15},
                       .heap_slots = 64,
                       .heap_bytes = 67108864,
                       .max_ring_bytes = RR_MAX_RING_BYTES};
    return seed;
}

rr_profile rr_profile_wide(void)
{
    rr_profile wide = rr_profile_seed();
    wide.ref_bits = 22;
    wide.generation_bits = 40;
    return wide;
}

rr_profile rr_profile_tiny(void)
{
    rr_profile tiny = {.ref_bits = 2,
                       .generation_bits = 2,
                       .tag_bits = 2,
                       .capacities = {3, 2, 2, 1, 1},
                       .heap_slots = 2,
                       .heap_bytes = 65536,
                       .max_ring_bytes = RR_MAX_RING_BYTES};
    return tiny;
}

rr_status rr_profile_check(const rr_profile *profile)
{
    if (profile->ref_bits < 1 || profile->ref_bits > 22 || profile->generation_bits < 1 || profile->generation_bits > 40 ||
        profile->tag_bits > 32) {
        return RR_LAYOUT;
    }
    for (uint32_t pool = RR_XS; pool < RR_FIXED_POOL_COUNT; ++pool) {
        uint32_t capacity = profile->capacities[pool];
        if (capacity < 1 || capacity > MAX_SLOTS || rr_pool_bytes(rr_size_limit(pool), capacity) > profile->max_ring_bytes) {
            return RR_LAYOUT;
        }
    }
    if (profile->heap_slots < 1 || profile->heap_slots > MAX_SLOTS || profile->heap_bytes < 1 ||
        profile->heap_bytes > HEAP_BYTES_LIMIT) {
        return RR_LAYOUT;
    }
    return RR_OK;
}
