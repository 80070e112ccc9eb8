/* Where the event descriptors of a ring lie, for every capacity: a bijection, in other lines; and what is in them [LAYOUT-6]. */
#include "harness.h"
#include "native/src/ring.h"

#ifndef LINES_APART
#  define LINES_APART 1
#endif

static uint64_t index_of(const struct slots *slots, uint32_t position, bool gated)
{
    return (uint64_t)(event_descriptor_at(slots, position, gated) - slots->event_descriptors);
}

static _Atomic uint64_t words[8];

int main(void)
{
    struct slots slots;
    uint32_t capacity = ANY32();
    bool gated = ANY32() % 2 != 0;
    ASSUME(capacity >= 1);
    slots.event_descriptors = words;
    slots.capacity = capacity;
    slots.spread = gated ? capacity & ~(SPREAD - 1) : 0; /* as rr_ring_create does */
    uint32_t a = ANY32();
    uint32_t b = ANY32();
    ASSUME(a < capacity && b < capacity && a != b);
    /* one to one, and onto the positions below the capacity: a bijection */
    assert(index_of(&slots, a, gated) < capacity);
    assert(index_of(&slots, a, gated) != index_of(&slots, b, gated));
    if (gated && a % SPREAD != SPREAD - 1 && a + 1 < slots.spread) {
        uint64_t line = index_of(&slots, a, gated) / 8;
        uint64_t next = index_of(&slots, a + 1, gated) / 8;
        assert((line > next ? line - next : next - line) >= LINES_APART);
    }
    uint32_t length = ANY32();
    uint32_t event_type = ANY32();
    uint32_t lap = ANY32() % 2 != 0 ? LAP : 0;
    ASSUME(length < LAP);
    uint64_t descriptor = event_descriptor_of(length | lap, event_type);
    assert(length_in(descriptor) == length);
    assert(lap_in(descriptor) == lap);
    assert(descriptor >> 32 == event_type);
    return 0;
}
