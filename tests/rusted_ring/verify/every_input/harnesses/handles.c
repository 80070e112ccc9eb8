/* Which handles name a slot, for every width of the generation, every capacity and every number [ALLOC-20] [PTR-16]. */
#include "harness.h"
#include "native/src/slot.h"

#ifndef MOST_CAPACITY
#  define MOST_CAPACITY MAX_SLOTS
#endif
#ifndef LAST_GENERATION
#  define LAST_GENERATION allocator.generation_mask
#endif

static rr_allocator allocator;
static uint8_t slots[LINE_BYTES];

static void check(uint32_t pool_id)
{
    uint32_t capacity = ANY32();
    uint32_t index = ANY32();
    uint64_t generation = ANY64();
    ASSUME(capacity <= MOST_CAPACITY);
    allocator.pools[pool_id].capacity = capacity;
    allocator.pools[pool_id].slots = slots;
    allocator.pools[pool_id].stride = 0; /* only whether there is an address is of interest here */
    bool exists = index < capacity && (generation == RR_ANY_GENERATION || generation <= LAST_GENERATION);
    assert((find_slot(&allocator, pool_id, index, generation) != NULL) == exists);
}

int main(void)
{
    uint32_t generation_bits = ANY32();
    ASSUME(generation_bits >= 1 && generation_bits <= 40);
    allocator.generation_mask = (UINT64_C(1) << generation_bits) - 1;
    check(RR_XS);
    check(RR_S);
    check(RR_M);
    check(RR_L);
    check(RR_XL);
    check(RR_XXL);
    uint32_t pool_id = ANY32();
    ASSUME(pool_id >= RR_POOL_COUNT);
    assert(find_slot(&allocator, pool_id, ANY32(), ANY64()) == NULL);
    return 0;
}
