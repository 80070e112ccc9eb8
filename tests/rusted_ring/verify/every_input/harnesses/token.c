/* Tokens, for every pool, slot and generation, and for every number [PTR-10]. */
#include "harness.h"
#include "native/src/slot.h"

#ifndef GENERATIONS
#  define GENERATIONS (UINT64_C(1) << 40)
#endif

rr_allocator allocator;

int main(void)
{
    uint32_t pool_id = ANY32();
    uint32_t slot_index = ANY32();
    uint64_t generation = ANY64();
    ASSUME(pool_id < RR_POOL_COUNT && slot_index < MAX_SLOTS && generation < GENERATIONS);
    uint64_t token = token_of(pool_id, slot_index, generation);
    assert(token != 0);
    rr_handle handle;
    /* all pools of `allocator` have a capacity of 0: no slot is found, and the parts of the token are told */
    assert(find_token(&allocator, token, &handle) == NULL);
    assert(handle.pool_id == pool_id);
    assert(handle.slot_index == slot_index);
    assert(handle.generation == generation);

    /* any number as a token: its parts give it again, if it names a pool */
    uint64_t any = ANY64();
    assert(find_token(&allocator, any, &handle) == NULL);
    if (any >> 61 != 0) {
        assert(token_of(handle.pool_id, handle.slot_index, handle.generation) == any);
    } else {
        assert(handle.pool_id >= RR_POOL_COUNT);
    }
    return 0;
}
