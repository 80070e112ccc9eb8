/* Size classes and the rounding to lines, for every 64-bit number [SIZE-1] [LAYOUT-1] [LAYOUT-2]. */
#include "harness.h"
#include "native/src/sizes.c"

#ifndef MOST_ROUNDED
#  define MOST_ROUNDED (UINT64_MAX - 63)
#endif
#ifndef LINES_OF_A_SLOT
#  define LINES_OF_A_SLOT 2
#endif

int main(void)
{
    uint64_t n = ANY64();
    ASSUME(n <= MOST_ROUNDED);
    uint64_t rounded = rr_round64(n);
    assert(rounded >= n);
    assert(rounded - n < 64);
    assert(rounded % 64 == 0);

    uint64_t size = ANY64();
    ASSUME(size <= UINT32_MAX);
    assert(rr_event_bytes(size) >= size + 8);
    assert(rr_event_bytes(size) - (size + 8) < 64);
    assert(rr_slot_bytes(size) == 64 + rr_event_bytes(size));
    assert(rr_slot_bytes(size) >= 64 * LINES_OF_A_SLOT);

    uint64_t length = ANY64();
    int size_class = rr_estimate_size(length);
    if (length > UINT32_MAX) {
        assert(size_class == -(int)RR_PAYLOAD_TOO_LARGE);
    } else {
        assert(size_class >= RR_XS && size_class <= RR_XXL);
        assert(length <= rr_size_limit((uint32_t)size_class));
        assert(size_class == RR_XS || length > rr_size_limit((uint32_t)size_class - 1));
    }
    return 0;
}
