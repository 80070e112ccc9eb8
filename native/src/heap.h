/* heap.h - blocks on the heap for events above all fixed classes: the XXL pool [ALLOC-6] [ALLOC-7] [LAYOUT-5]. */
#ifndef RR_HEAP_H
#define RR_HEAP_H

#include "pool.h"

/* Gives an XXL slot that the caller owns a block [ALLOC-6]. */
rr_status heap_acquire(rr_allocator *allocator, struct slot_line *slot, uint64_t length);

/* Frees the block of an XXL slot that the caller owns. */
void heap_release(rr_allocator *allocator, struct slot_line *slot);

/* Moves a shortened XXL event into a block of its own length [LAYOUT-5]; without memory for one it keeps the old block. */
void heap_shorten(rr_allocator *allocator, struct slot_line *slot, uint64_t length);

#endif
