/* The word of a slot, for every width of its counter and its generation [SLOT-2] [SLOT-12]. */
#include "harness.h"
#include "native/src/slot.h"

#ifndef MOST_REF_BITS
#  define MOST_REF_BITS 22
#endif

int main(void)
{
    rr_allocator allocator;
    uint32_t ref_bits = ANY32();
    uint32_t generation_bits = ANY32();
    ASSUME(ref_bits >= 1 && ref_bits <= MOST_REF_BITS && generation_bits >= 1 && generation_bits <= 40);
    allocator.profile.ref_bits = ref_bits;
    allocator.profile.generation_bits = generation_bits;
    allocator.count_mask = (UINT64_C(1) << ref_bits) - 1;
    allocator.generation_mask = (UINT64_C(1) << generation_bits) - 1;
    uint64_t count = ANY64();
    uint64_t generation = ANY64();
    uint32_t state = ANY32();
    ASSUME(count <= allocator.count_mask && generation <= allocator.generation_mask && state <= 2);

    uint64_t word = word_of(&allocator, (rr_slot_state)state, count, generation);
    assert(word_count(&allocator, word) == count);
    assert(word_generation(&allocator, word) == generation);
    assert((word & STATE_MASK) == state);
    assert(next_generation(&allocator, word) == (generation == allocator.generation_mask ? 0 : generation + 1));
    assert(is_live_as(&allocator, word, generation) == (count != 0));
    assert(is_live_as(&allocator, word, RR_ANY_GENERATION) == (count != 0));

    /* one reference more or less changes neither state nor generation, as long as the counter holds it */
    if (count < allocator.count_mask) {
        assert(word + ONE_REFERENCE == word_of(&allocator, (rr_slot_state)state, count + 1, generation));
    }
    if (count > 0) {
        assert(word - ONE_REFERENCE == word_of(&allocator, (rr_slot_state)state, count - 1, generation));
    }
    uint64_t canonical = canonical_word(&allocator, word);
    if (state == RR_SLOT_LIVE && count == 0) {
        assert(canonical == word_of(&allocator, RR_SLOT_FREE, 0, next_generation(&allocator, word)));
    } else {
        assert(canonical == word);
    }
    return 0;
}
