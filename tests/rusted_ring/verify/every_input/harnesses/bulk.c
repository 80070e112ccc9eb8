/* A bulk allocation's batch of events, for any lengths: where each event's slot is noted, and what is taken back [ALLOC-14]. */
#define RR_COPY_WORDS 1
#include "harness.h"
#include "native/src/bulk.c"

#ifndef CLASS_OF
#  define CLASS_OF(length) size_class_of(length)
#endif

static uint64_t slots_taken;
static bool refused;

/* Any claim that the interface of take_slots allows: at least one slot and at most those wanted, or an error and none. */
rr_status take_slots(rr_allocator *allocator, uint32_t pool_id, uint64_t length, size_t wanted, struct claim *claim)
{
    (void)allocator;
    assert(pool_id == CLASS_OF(length));
    assert(wanted >= 1);
    if (ANY32() % 2 == 0) {
        refused = true;
        return RR_POOL_EXHAUSTED;
    }
    uint32_t bits = ANY32();
    uint32_t k = ANY32();
    ASSUME(bits != 0 && k < MAX_SLOTS / 32 && bits < 4 && (bits < 3 || wanted >= 2) && (pool_id != RR_XXL || bits == 1));
    *claim = (struct claim){.k = k, .bits = bits, .rest = 0};
    slots_taken += bits < 3 ? 1 : 2;
    return RR_OK;
}

int main(void)
{
    rr_allocator allocator;
    uint32_t lengths[EVENTS];
    uint64_t taken[EVENTS];
    size_t count = ANY64();
    size_t done = 0;
    bool same = ANY32() % 2 != 0;
    uint32_t length = ANY32();
    ASSUME(count <= EVENTS);
    size_t i = ANY64();
    rr_status status = take_batch(&allocator, same ? NULL : lengths, length, count, taken, &done);
    assert((status == RR_OK) != refused);
    assert(status != RR_OK || done == count);
    assert(done == slots_taken); /* each slot that was taken is noted, so that it is written or taken back */
    if (i < done) {
        assert(taken[i] >> 21 == CLASS_OF(same ? length : lengths[i]));
    }
    size_t bad = first_too_large(&allocator, same ? NULL : lengths, length, count);
    assert(bad <= count);
    if (bad < count) {
        assert(is_too_large(&allocator, same ? length : lengths[bad]));
    }
    if (i < bad) {
        assert(!is_too_large(&allocator, same ? length : lengths[i]));
    }
    return 0;
}
