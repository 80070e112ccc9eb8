/*
 * The copies of payloads, which on x86-64 are assembler: what they write, and that they access nothing else. The explorer, ESBMC
 * and the sanitizers are given the loop of words instead. This test runs with both, in two builds, and holds both against one loop of
 * bytes.
 */
#ifndef _DEFAULT_SOURCE
#  define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif

#include <sys/mman.h>
#include <unistd.h>

#include "../src/copies.h"
#include "check.h"

#define MOST 640u        /* lengths up to here, one by one: five turns of the widest loop and each rest */
#define FEW 160u         /* lengths up to here with every two alignments: each form, and its change to the next one */
#define BLOCK 2048u      /* the least length for which copy_block_in uses the string instruction, if the machine has wide moves */
#define LINE 64u

typedef void copying(uint8_t *target, uint8_t *source, size_t length, bool wide);

static void in(uint8_t *target, uint8_t *source, size_t length, bool wide)
{
    copy_in(target, source, length, wide);
}

static void block_in(uint8_t *target, uint8_t *source, size_t length, bool wide)
{
    copy_block_in(target, source, length, wide);
}

static void out(uint8_t *target, uint8_t *source, size_t length, bool wide)
{
    copy_out(target, source, length, wide);
}

/* Memory between two pages that no thread may access. */
struct guarded {
    uint8_t *bytes;
    size_t length;
};

static struct guarded guarded(size_t pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *all = mmap(NULL, (pages + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(all != MAP_FAILED);
    CHECK(mprotect(all + page, pages * page, PROT_READ | PROT_WRITE) == 0);
    return (struct guarded){all + page, pages * page};
}

static struct guarded source;
static struct guarded target;

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

/* A loop of bytes, against which the assembler and, in a build of its own, the loop of words are held. */
static int is_copy(const uint8_t *to, const uint8_t *from, size_t length)
{
    for (size_t i = 0; i < length; ++i) {
        if (to[i] != from[i]) {
            return 0;
        }
    }
    return 1;
}

/* Copies, and looks at the two lines before and after the target. `slack`: how many bytes after it may become 0. */
static void check(copying *copy, uint8_t *to, uint8_t *from, size_t length, bool wide, size_t slack)
{
    size_t before = (size_t)(to - target.bytes) < 2 * LINE ? (size_t)(to - target.bytes) : 2 * LINE;
    size_t room = target.length - (size_t)(to - target.bytes) - length;
    size_t after = room < 2 * LINE ? room : 2 * LINE;
    memset(to - before, 0xEE, before + length + after);
    fill(from, length, (uint32_t)length + 1);
    copy(to, from, length, wide);
    CHECK(is_copy(to, from, length));
    CHECK(all_are(to - before, before, 0xEE));
    CHECK(all_are(to + length, slack, 0));
    CHECK(all_are(to + length + slack, after - slack, 0xEE));
}

/* Where the loop of words is compiled in, the ring's side of a copy is made of whole words, as it is in a ring. */
#ifdef RR_COPY_WORDS
#  define WORD 8u
#else
#  define WORD 1u
#endif

static size_t whole(size_t length)
{
    return (length + WORD - 1) / WORD * WORD;
}

/* Begins, and then ends, at the guard page on either side of the source and of the target. */
static void at_guard_pages(copying *copy, size_t length, bool wide, bool into_ring)
{
    size_t slack = into_ring ? whole(length) - length : 0;
    size_t to_room = into_ring ? whole(length) : length;
    size_t from_room = into_ring ? length : whole(length);
    for (unsigned ends = 0; ends < 4; ++ends) {
        uint8_t *to = ends & 1 ? target.bytes + target.length - to_room : target.bytes;
        uint8_t *from = ends & 2 ? source.bytes + source.length - from_room : source.bytes;
        check(copy, to, from, length, wide, slack);
    }
}

static void at_every_alignment(copying *copy, size_t length, bool wide, bool into_ring)
{
    size_t slack = into_ring ? whole(length) - length : 0;
    for (size_t a = 0; a < LINE; a += into_ring ? WORD : 1) {
        for (size_t b = 0; b < LINE; b += into_ring ? 1 : WORD) {
            check(copy, target.bytes + 2 * LINE + a, source.bytes + b, length, wide, slack);
        }
    }
}

/* The alignment of one side alone, for longer copies. */
static void at_some_alignments(copying *copy, size_t length, bool wide, bool into_ring)
{
    size_t slack = into_ring ? whole(length) - length : 0;
    for (size_t a = 0; a < LINE; ++a) {
        size_t to = into_ring ? a / WORD * WORD : a;
        size_t from = into_ring ? a * 7 % LINE : a * 7 % LINE / WORD * WORD;
        check(copy, target.bytes + 2 * LINE + to, source.bytes + from, length, wide, slack);
    }
}

static void every_length(copying *copy, bool wide, bool into_ring)
{
    for (size_t length = 0; length <= MOST; ++length) {
        at_guard_pages(copy, length, wide, into_ring);
        if (length <= FEW) {
            at_every_alignment(copy, length, wide, into_ring);
        } else {
            at_some_alignments(copy, length, wide, into_ring);
        }
    }
}

/* Around the least length of the string instruction, and lengths of several pages. */
static void long_lengths(copying *copy, bool wide, bool into_ring)
{
    static const size_t beginnings[] = {1008, BLOCK - 80, 4064, 8160, 16352};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; ++i) {
        for (size_t length = beginnings[i]; length < beginnings[i] + 160; ++length) {
            at_guard_pages(copy, length, wide, into_ring);
            if (length % 8 < 2) {
                at_some_alignments(copy, length, wide, into_ring);
            }
        }
    }
}

static void copies_are_whole(bool wide) /* [RING-9] [RING-13] [RING-25] [RING-28] */
{
    every_length(in, wide, true);
    every_length(block_in, wide, true);
    every_length(out, wide, false);
    long_lengths(in, wide, true);
    long_lengths(block_in, wide, true); /* `rep movsb` from BLOCK bytes on, if wide */
    long_lengths(out, wide, false);
}

static void narrow_moves(void)
{
    copies_are_whole(false);
}

static void wide_moves_and_the_string_instruction(void)
{
    copies_are_whole(true);
}

#ifdef RR_COPY_WORDS
static void the_loop_is_what_is_compiled(void)
{
    CHECK(!copies_are_wide());
}
#endif

int main(void)
{
    source = guarded(8);
    target = guarded(8);
#ifdef RR_COPY_WORDS
    RUN(the_loop_is_what_is_compiled);
#endif
    RUN(narrow_moves);
    if (copies_are_wide()) {
        RUN(wide_moves_and_the_string_instruction);
    } else {
        printf("not tested: wide moves and the string instruction, which this machine or this build has not\n");
    }
    return 0;
}
