/* Which bits of a word of the free list a claim takes, for every word and every number wanted [ALLOC-2] [ALLOC-14]. */
#include "harness.h"
#include "native/src/free_list.c"

#ifndef TAKEN
#  define TAKEN(wanted) (wanted)
#endif

int main(void)
{
    uint32_t bits = ANY32();
    ASSUME(bits <= BITS);
    uint64_t wanted = ANY64();
    uint32_t chosen = lowest_bits(bits, wanted);
    uint32_t rest = bits - chosen;
    assert((chosen & ~bits) == 0);
    assert((chosen & rest) == 0 && (chosen | rest) == bits);
    uint32_t free_slots = count_bits(bits);
    assert(count_bits(chosen) == (TAKEN(wanted) < free_slots ? TAKEN(wanted) : free_slots));
    assert(rest == 0 || chosen < (rest & -rest)); /* the lowest ones */
    if (bits != 0) {
        uint32_t k = ANY32();
        ASSUME(k < MAX_SLOTS / 32);
        struct claim claim = {.k = k, .bits = bits};
        uint32_t first = first_of(claim);
        assert(first / 32 == k && (bits >> first % 32 & 1) == 1 && (bits & ((UINT32_C(1) << first % 32) - 1)) == 0);
    }
    return 0;
}
