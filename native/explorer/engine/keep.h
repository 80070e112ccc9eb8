/* keep.h - a buffer of kept bytes, which are taken back in the order in which they were kept. */
#ifndef EXPLORER_KEEP_H
#define EXPLORER_KEEP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct kept {
    uint8_t *bytes;
    size_t room;
    size_t at; /* where the next ones go to, or come from */
};

extern struct kept kept;

void keep_more(size_t size);

/* A copy by the C library. (For a large copy of a known size, compilers emit an instruction that is slow to start.) */
void copy_many(void *to, const void *from, size_t size);

static inline void keep(const void *bytes, size_t size)
{
    if (kept.at + size > kept.room) {
        keep_more(size);
    }
    if (size > 0) {
        if (__builtin_constant_p(size) && size <= 64) {
            memcpy(kept.bytes + kept.at, bytes, size);
        } else {
            copy_many(kept.bytes + kept.at, bytes, size);
        }
        kept.at += size;
    }
}

/* Takes back bytes in place; they are valid until others are kept. */
static inline const uint8_t *taken_back(size_t size)
{
    const uint8_t *at = kept.bytes + kept.at;
    kept.at += size;
    return at;
}

static inline void take_back(void *bytes, size_t size)
{
    const uint8_t *at = taken_back(size);
    if (__builtin_constant_p(size) && size <= 64) {
        memcpy(bytes, at, size);
    } else if (size > 0) {
        copy_many(bytes, at, size);
    }
}

#endif
