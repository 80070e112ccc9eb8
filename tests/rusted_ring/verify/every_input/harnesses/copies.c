/* The loop of words: each length up to 24, any bytes, no access outside, and what is written [RING-9]. */
#define RR_COPY_WORDS 1
#include "harness.h"
#include "native/src/copies.h"

#ifndef WORDS_FOR
#  define WORDS_FOR(length) (((length) + 7) / 8)
#endif

/* Exactly as much memory as a ring has for so long a payload, and as the caller gives. */
#define CHECK(length)                                                                                                  \
    {                                                                                                                  \
        uint64_t ring[WORDS_FOR(length)];                                                                              \
        uint8_t given[length];                                                                                         \
        uint8_t got[length];                                                                                           \
        copy_in((uint8_t *)ring, given, length, false);                                                                \
        copy_out(got, (uint8_t *)ring, length, false);                                                                 \
        for (size_t i = 0; i < (length); ++i) {                                                                        \
            assert(((uint8_t *)ring)[i] == given[i]);                                                                  \
            assert(got[i] == given[i]);                                                                                \
        }                                                                                                              \
        for (size_t i = (length); i < ((length) + 7) / 8 * 8; ++i) {                                                   \
            assert(((uint8_t *)ring)[i] == 0);                                                                         \
        }                                                                                                              \
    }

int main(void)
{
    CHECK(1) CHECK(2) CHECK(3) CHECK(4) CHECK(5) CHECK(6) CHECK(7) CHECK(8) CHECK(9) CHECK(10) CHECK(11) CHECK(12)
    CHECK(13) CHECK(14) CHECK(15) CHECK(16) CHECK(17) CHECK(18) CHECK(19) CHECK(20) CHECK(21) CHECK(22) CHECK(23) CHECK(24)
    return 0;
}
