/* The copies of payloads, in both forms and every length: what they write, and that they write nothing else. */
#include <string.h>

#include "../src/copies.h"
#include "check.h"

#define MOST 1100u
#define BLOCK 4096u /* more than the least for which there is an instruction of its own */
#define GUARD 64u

static uint8_t source[GUARD + BLOCK + GUARD];
static uint8_t target[GUARD + BLOCK + GUARD] __attribute__((aligned(64)));

static void fill(uint8_t *bytes, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24 | 1); /* never the 0 that a last word is filled up with */
    }
}

static int all_are(const uint8_t *bytes, size_t count, uint8_t value)
{
    for (size_t i = 0; i < count; ++i) {
        if (bytes[i] != value) {
            return 0;
        }
    }
    return 1;
}

typedef void copy_to_ring(uint8_t *target, const uint8_t *source, size_t length, bool wide);

/* A payload begins on a line; the caller's bytes begin anywhere. */
static void is_whole(copy_to_ring *copy, uint32_t length, bool wide)
{
    const uint8_t *from = source + length % 17;
    size_t written = ((size_t)length + 7) / 8 * 8; /* the loop of words fills its last one */
    fill(source, sizeof source, length + 1);
    memset(target, 0xEE, sizeof target);
    copy(target + GUARD, from, length, wide);
    CHECK(memcmp(target + GUARD, from, length) == 0);
    CHECK(all_are(target, GUARD, 0xEE));
    CHECK(all_are(target + GUARD + written, sizeof target - GUARD - written, 0xEE));
}

static void copies_in_are_whole(bool wide) /* [RING-9] [RING-13] */
{
    for (uint32_t length = 0; length <= MOST; ++length) {
        is_whole(copy_in, length, wide);
    }
}

static void blocks_are_whole(bool wide) /* [RING-25] */
{
    for (uint32_t length = 0; length <= BLOCK; length += length % 1024 < 960 ? 64 : 1) {
        is_whole(copy_block_in, length, wide);
    }
}

static void copies_out_are_whole(bool wide) /* [RING-9] [RING-13] [RING-28] */
{
    for (uint32_t length = 0; length <= MOST; ++length) {
        uint8_t *to = source + GUARD + length % 17;
        fill(target, sizeof target, length + 1);
        memset(source, 0xEE, sizeof source);
        copy_out(to, target + GUARD, length < MOST ? length : MOST - 17, wide);
        uint32_t copied = length < MOST ? length : MOST - 17;
        CHECK(memcmp(to, target + GUARD, copied) == 0);
        CHECK(all_are(source, (size_t)(to - source), 0xEE));
        CHECK(all_are(to + copied, (size_t)(source + sizeof source - to) - copied, 0xEE));
    }
}

static void copies_in_narrow_moves(void)
{
    copies_in_are_whole(false);
    blocks_are_whole(false);
    copies_out_are_whole(false);
}

static void copies_in_wide_moves_where_the_machine_has_them(void)
{
    copies_in_are_whole(copies_are_wide());
    blocks_are_whole(copies_are_wide());
    copies_out_are_whole(copies_are_wide());
}

int main(void)
{
    RUN(copies_in_narrow_moves);
    RUN(copies_in_wide_moves_where_the_machine_has_them);
    return 0;
}
