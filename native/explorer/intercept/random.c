/*
 * random.c - the pseudo-random numbers of the C library: the same sequences as in glibc. A generator's state, in one word, is
 * its seed and the count of the numbers drawn: a thread that draws adds one to it, and computes the number from the old state.
 * So each execution begins with the same numbers, and which thread gets which is explored.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "library.h"

/* ------------------------------------------------------------------------------------------------ rand and random */

#define LAG 31
#define SKIPPED 310 /* numbers that glibc throws away after seeding */

static uint64_t rand_state = UINT64_C(1) << 32;

/* How far the sequence was computed, so that the next number does not take it from the beginning. */
static struct {
    uint64_t seed;
    uint64_t drawn;
    uint32_t last[LAG]; /* a ring: x(n) at (n + 3) % LAG */
    bool begun;
} followed EXPLORER_STATE = {.begun = false};

/* x(n) = x(n - 3) + x(n - 31), glibc's TYPE_3, the default. */
static uint32_t step(uint64_t n)
{
    uint32_t *x = &followed.last[(n + 3) % LAG];
    *x += followed.last[n % LAG];
    return *x >> 1;
}

static void seed_sequence(uint32_t seed)
{
    int32_t word = seed == 0 ? 1 : (int32_t)seed;
    followed.last[0] = (uint32_t)word;
    for (int i = 1; i < LAG; ++i) {
        word = 16807 * (word % 127773) - 2836 * (word / 127773);
        word += word < 0 ? INT32_MAX : 0;
        followed.last[i] = (uint32_t)word;
    }
    followed.seed = seed;
    followed.drawn = 0;
    followed.begun = true;
    for (uint64_t n = 0; n < SKIPPED; ++n) {
        (void)step(n);
    }
}

static long draw(uint64_t pc)
{
    uint64_t state = atomic_rmw_event((uint64_t)(uintptr_t)&rand_state, 8, RELAXED, OP_ADD, 1, pc);
    uint32_t seed = (uint32_t)(state >> 32);
    uint64_t wanted = state & UINT32_MAX;
    if (!followed.begun || followed.seed != seed || followed.drawn > wanted) {
        seed_sequence(seed);
    }
    uint32_t number = 0;
    while (followed.drawn <= wanted) {
        number = step(SKIPPED + followed.drawn++);
    }
    return (long)number;
}

ENTRY(long, xp_random, void)
{
    return draw(PC);
}

ENTRY(int, xp_rand, void)
{
    return (int)draw(PC);
}

ENTRY(void, xp_srandom, unsigned seed)
{
    atomic_store_event((uint64_t)(uintptr_t)&rand_state, 8, RELAXED, (uint64_t)seed << 32, PC);
}

ENTRY(int, xp_rand_r, unsigned *seed)
{
    uint64_t pc = PC;
    read_bytes(seed, sizeof *seed, pc);
    write_bytes(seed, sizeof *seed, pc);
    return rand_r(seed);
}

SAME(xp_srand, xp_srandom);

/* ---------------------------------------------------------------------------------------------------------- drand48 */

#define MULTIPLIER UINT64_C(0x5deece66d)
#define INCREMENT 11
#define MASK_48 ((UINT64_C(1) << 48) - 1)
#define SEEDED (UINT64_C(1) << 31) /* without a seed the sequence begins with 0 */

static uint64_t drand48_state = 0;

static uint64_t draw_48(uint64_t pc)
{
    uint64_t state = atomic_rmw_event((uint64_t)(uintptr_t)&drand48_state, 8, RELAXED, OP_ADD, 1, pc);
    uint64_t x = (state & SEEDED) != 0 ? state >> 32 << 16 | 0x330e : 0;
    uint64_t multiplier = MULTIPLIER;
    uint64_t increment = INCREMENT;
    for (uint64_t left = (state & (SEEDED - 1)) + 1; left > 0; left /= 2) { /* so many steps, by doubling */
        if (left % 2 != 0) {
            x = (x * multiplier + increment) & MASK_48;
        }
        increment = (increment * (multiplier + 1)) & MASK_48;
        multiplier = (multiplier * multiplier) & MASK_48;
    }
    return x;
}

ENTRY(double, xp_drand48, void)
{
    return (double)draw_48(PC) / (double)(UINT64_C(1) << 48);
}

ENTRY(long, xp_lrand48, void)
{
    return (long)(draw_48(PC) >> 17);
}

ENTRY(long, xp_mrand48, void)
{
    return (int32_t)(draw_48(PC) >> 16);
}

ENTRY(void, xp_srand48, long seed)
{
    uint64_t state = (uint64_t)(uint32_t)seed << 32 | SEEDED;
    atomic_store_event((uint64_t)(uintptr_t)&drand48_state, 8, RELAXED, state, PC);
}

/* With the state in the caller's memory, of 48 bits. */
#define CALLERS(type, name)                                 \
    ENTRY(type, xp_##name, unsigned short state[3])         \
    {                                                       \
        uint64_t pc = PC;                                   \
        read_bytes(state, 3 * sizeof *state, pc);           \
        write_bytes(state, 3 * sizeof *state, pc);          \
        return name(state);                                 \
    }
CALLERS(double, erand48)
CALLERS(long, nrand48)
CALLERS(long, jrand48)
