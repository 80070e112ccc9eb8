/* sizes.h - size classes and layout arithmetic: chapters SIZE and LAYOUT [SIZE-1] [LAYOUT-1] [LAYOUT-2]. */
#ifndef RR_SIZES_H
#define RR_SIZES_H

#include "common.h"

#define EVENT_DESCRIPTOR_BYTES 8u /* length and type of an event, after its payload [LAYOUT-1] */
#define MAX_SLOTS 2097152u        /* of a pool: a token has 21 bits for a slot [PTR-10] */

/* The smallest class whose events hold `length` bytes [SIZE-1]; 5 for a length above all fixed classes. */
static inline uint32_t size_class_of(uint64_t length)
{
    return length <= 64 ? 0
                        : 1 + (uint32_t)(length > 256) + (uint32_t)(length > 1024) + (uint32_t)(length > 4096) +
                              (uint32_t)(length > 16384);
}

/* Payload bytes of an event of a fixed class [SIZE-1]. */
static inline uint64_t size_of_class(uint32_t size_class)
{
    return UINT64_C(64) << 2 * size_class;
}

static inline uint64_t round64(uint64_t n)
{
    return (n + (LINE_BYTES - 1)) & ~(uint64_t)(LINE_BYTES - 1);
}

/* [LAYOUT-1] */
static inline uint64_t event_bytes(uint64_t size)
{
    return round64(size + EVENT_DESCRIPTOR_BYTES);
}

/* [LAYOUT-2] */
static inline uint64_t slot_bytes(uint64_t size)
{
    return LINE_BYTES + event_bytes(size);
}

#endif
