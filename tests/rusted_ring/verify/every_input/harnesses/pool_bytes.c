/* The bytes of a pool of each fixed class with any capacity: exact, or UINT64_MAX if they are more than 64 bits hold [LAYOUT-3]. */
#include "harness.h"
#include "native/src/sizes.c"

#ifndef HEAD
#  define HEAD 64
#endif

static void check(uint32_t size_class)
{
    uint64_t capacity = ANY64();
    uint64_t size = rr_size_limit(size_class);
    unsigned __int128 exact = (unsigned __int128)capacity * rr_slot_bytes(size) + HEAD;
    uint64_t bytes = rr_pool_bytes(size, capacity);
    assert(exact > UINT64_MAX ? bytes == UINT64_MAX : bytes == (uint64_t)exact);
}

int main(void)
{
    check(RR_XS);
    check(RR_S);
    check(RR_M);
    check(RR_L);
    check(RR_XL);
    uint64_t size = ANY64();
    ASSUME(size > UINT32_MAX);
    assert(rr_pool_bytes(size, ANY64()) == UINT64_MAX);
    return 0;
}
