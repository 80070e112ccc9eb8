/* The word of a reader's registration, and the cursor in it, for every cursor and distance [RING-21]. */
#include "harness.h"
#include "native/src/reader_registrations.c"

#ifndef NEAR_BITS
#  define NEAR_BITS 39
#endif

int main(void)
{
    uint64_t near = ANY64();
    uint64_t cursor = ANY64();
    uint64_t tag = ANY64();
    uint64_t state = ANY64();
    ASSUME(cursor - near < UINT64_C(1) << NEAR_BITS || near - cursor < UINT64_C(1) << NEAR_BITS);
    ASSUME(state <= REGISTRATION_ACTIVE);
    uint64_t word = registration_of(state, cursor, tag);
    assert(cursor_in(word, near) == cursor);
    assert((word & REGISTRATION_STATE) == state);
    assert(word >> TAG_SHIFT == (tag & ((UINT64_C(1) << 22) - 1)));

    /* a registration is told from every other state and tag, whatever the cursors */
    uint64_t other_state = ANY64();
    uint64_t other_tag = ANY64();
    ASSUME(other_state <= REGISTRATION_ACTIVE && tag >> 22 == 0 && other_tag >> 22 == 0);
    uint64_t registered = registration_of(REGISTRATION_ACTIVE, 0, other_tag);
    assert(is_registered(word, registered) == (state == REGISTRATION_ACTIVE && tag == other_tag));
    return 0;
}
