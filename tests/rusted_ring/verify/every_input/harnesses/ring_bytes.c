/* The bytes of a ring with any capacity: exact, or UINT64_MAX if 64 bits do not hold them [LAYOUT-6]. */
#include "harness.h"
#include "native/src/sizes.c"

#ifndef HEAD_LINES
#  define HEAD_LINES 3
#endif

static void check(uint64_t size, uint32_t max_readers)
{
    uint64_t capacity = ANY64();
    unsigned __int128 each = (size + 63) / 64 * 64 + 8;
    unsigned __int128 exact = 64 * ((unsigned __int128)HEAD_LINES + max_readers) + each * capacity;
    unsigned __int128 lines = (exact + 63) / 64 * 64;
    assert(rr_ring_bytes(size, capacity, max_readers) == (lines > UINT64_MAX ? UINT64_MAX : (uint64_t)lines));
}

int main(void)
{
    check(0, 0);
    check(1, 0);
    check(64, 1);
    check(64, 3);
    check(65, 1024);
    check(4096, UINT32_MAX);
    check(UINT32_MAX, 1024);
    uint64_t size = ANY64();
    ASSUME(size > UINT32_MAX);
    assert(rr_ring_bytes(size, ANY64(), ANY32()) == UINT64_MAX);
    return 0;
}
