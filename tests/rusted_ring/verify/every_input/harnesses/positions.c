/* Positions and laps from one event to a later one of the same or the next lap [RING-1] [ORDER-17]. */
#include "harness.h"
#include "native/src/ring.h"

#ifndef MOST_FORWARD
#  define MOST_FORWARD (capacity - position)
#endif

/* The lap bit of a cursor: it is that of the lap before, negated. */
static void check(uint32_t capacity, uint64_t laps)
{
    struct slots slots = {.capacity = capacity, .gated = true};
    uint64_t lap = ANY64();
    uint32_t position = ANY32();
    ASSUME(lap < laps && position < capacity);
    assert(lap_of(&slots, lap * capacity + position) == (lap % 2 == 0 ? LAP : 0));
}

int main(void)
{
    uint32_t capacity = ANY32();
    uint32_t position = ANY32();
    uint32_t forward = ANY32();
    uint32_t lap = ANY32() % 2 != 0 ? LAP : 0;
    ASSUME(capacity >= 1 && position < capacity && forward >= 1 && forward <= MOST_FORWARD);
    struct slots slots = {.capacity = capacity, .gated = true};
    bool next_lap = (uint64_t)position + forward >= capacity;
    uint32_t after = position_after(&slots, position, forward);
    assert(after < capacity);
    assert(after == (uint64_t)position + forward - (next_lap ? capacity : 0));
    assert(lap_after(lap, position, after) == (next_lap ? lap ^ LAP : lap));

    check(1, UINT64_C(1) << 63);
    check(2, UINT64_C(1) << 62);
    check(64, UINT64_C(1) << 57);
    check(UINT32_C(1) << 31, UINT64_C(1) << 32);
    check(3, 256);
    check(100, 256);
    check(UINT32_MAX, 2);
    return 0;
}
