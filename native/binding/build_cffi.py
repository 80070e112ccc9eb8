"""Declare rare calls for cffi's generator, which CMake runs: pools' figures, and calls that need no object."""

import cffi

_DECLARATIONS = """
typedef struct rr_allocator rr_allocator;
typedef struct rr_profile {
    uint32_t ref_bits;
    uint32_t generation_bits;
    uint32_t tag_bits;
    uint32_t capacities[5];
    uint32_t heap_slots;
    uint64_t heap_bytes;
    uint64_t max_ring_bytes;
} rr_profile;
typedef struct rr_slot_metadata {
    uint64_t generation;
    uint32_t ref_count;
    uint32_t state;
} rr_slot_metadata;
typedef struct rr_pool_stats {
    uint64_t capacity;
    uint64_t live;
    uint64_t free;
    uint64_t allocations;
    uint64_t failures;
} rr_pool_stats;
#define RR_BAD_ARGUMENT ...
#define RR_PAYLOAD_TOO_LARGE ...
#define RR_POOL_EXHAUSTED ...
#define RR_LAYOUT ...
#define RR_STALE_HANDLE ...
#define RR_REF_COUNT_OVERFLOW ...
#define RR_REF_COUNT_UNDERFLOW ...
#define RR_WRITER_TAKEN ...
#define RR_READERS_FULL ...
#define RR_RING_CLOSED ...
#define RR_LAGGED ...
#define RR_BUSY ...
#define RR_NO_MEMORY ...
#define RR_SYSTEM ...
#define RR_END_OF_STREAM ...

rr_profile rr_profile_seed(void);
rr_profile rr_profile_wide(void);
rr_profile rr_profile_tiny(void);
int rr_estimate_size(uint64_t length);
uint64_t rr_ring_bytes(uint64_t size, uint64_t capacity, uint32_t max_readers);
uint64_t rr_token_encode(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation);
int64_t rr_get_generation(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index);
int rr_slot_metadata_get(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                         rr_slot_metadata *metadata);
uint32_t rr_pool_capacity(const rr_allocator *allocator, uint32_t pool_id);
int rr_slot_words(const rr_allocator *allocator, uint32_t pool_id, uint64_t *words);
int rr_pool_stats_get(const rr_allocator *allocator, uint32_t pool_id, rr_pool_stats *stats);
uint64_t rr_memory_usage(const rr_allocator *allocator);
uint64_t rr_heap_usage(const rr_allocator *allocator);
"""

_cffi = cffi.FFI()
_cffi.cdef(_DECLARATIONS)
# The functions are short, so they keep the GIL: to release it would cost more than the call or, beside a busy thread,
# milliseconds.
_cffi.set_source(
    "rusted_ring.native._cffi",
    """
#undef Py_BEGIN_ALLOW_THREADS
#undef Py_END_ALLOW_THREADS
#define Py_BEGIN_ALLOW_THREADS {
#define Py_END_ALLOW_THREADS }
#include "rusted_ring.h"
""",
)
