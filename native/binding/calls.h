/*
 * What the binding calls: shims over rusted_ring.h that make every hot operation one C call, in the plain C that cffi reads.
 * The parts between the marks are given to cffi as they stand.
 *
 * Payloads are addresses, for hold.c. An address or a token below RRB_FAILED is a status. Functions that return another
 * pointer return NULL on failure, functions that return int64_t minus the status.
 */
#ifndef RRB_CALLS_H
#define RRB_CALLS_H

#include "rusted_ring.h"

/* begin types */
typedef struct rr_allocator rr_allocator;
typedef struct rr_ring rr_ring;
typedef struct rrb_writer rrb_writer;
typedef struct rrb_reader rrb_reader;
/* end types */

/* The structures of the core, repeated for cffi, which compares them with rusted_ring.h when the module is compiled.
begin structures
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
typedef struct rr_read {
    uint64_t sequence;
    uint64_t skipped;
    uint64_t next_sequence;
    uint64_t bytes;
    uint32_t count;
    uint32_t event_type;
} rr_read;
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
#define RR_EMPTY ...
#define RR_FULL ...
#define RR_BUFFER_TOO_SMALL ...
#define RR_NO_MEMORY ...
#define RR_INTERRUPTED ...
#define RR_SYSTEM ...
rr_profile rr_profile_seed(void);
rr_profile rr_profile_wide(void);
rr_profile rr_profile_tiny(void);
end structures */

/* begin numbers */
#define RRB_BUSY 100
#define RRB_LONG_BYTES 65536
#define RRB_FAILED 256
/* end numbers */

/* begin calls */
int rrb_estimate_size(uint64_t length);

rr_allocator *rrb_allocator_create(const rr_profile *profile, int *status);
void rrb_allocator_free(rr_allocator *allocator);
int64_t rrb_allocate_to_pool(rr_allocator *allocator, const char *data, uint64_t length, uint32_t event_type);
uint64_t rrb_handle_ffi_event(rr_allocator *allocator, const char *data, uint64_t length, uint32_t event_type);
uintptr_t rrb_loan(rr_allocator *allocator, uint64_t length, uint32_t event_type);
uintptr_t rrb_from_token(rr_allocator *allocator, uint64_t token);
uintptr_t rrb_upgrade(rr_allocator *allocator, uint64_t token);
uint64_t rrb_token_encode(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation);
int rrb_token_known(rr_allocator *allocator, uint64_t token);
uintptr_t rrb_get_slot_data(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation);
int64_t rrb_inc_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation);
int64_t rrb_dec_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation);
int64_t rrb_get_generation(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index);
int rrb_slot_metadata(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, rr_slot_metadata *metadata);
int rrb_slot_words(rr_allocator *allocator, uint32_t pool_id, uint64_t *words);
int rrb_pool_stats(rr_allocator *allocator, rr_pool_stats *stats);
uint64_t rrb_memory_usage(rr_allocator *allocator);
uint64_t rrb_heap_usage(rr_allocator *allocator);

uint64_t rrb_ring_bytes(uint64_t size, uint64_t capacity, uint32_t max_readers);
rr_ring *rrb_ring_create(uint64_t size, uint64_t capacity, int gated, uint32_t max_readers, uint64_t max_ring_bytes,
                         int *status);
void rrb_ring_free(rr_ring *ring);
uint32_t rrb_ring_max_readers(rr_ring *ring);
uint32_t rrb_ring_readers(rr_ring *ring);
uint64_t rrb_ring_write_cursor(rr_ring *ring);
uint64_t rrb_ring_retained(rr_ring *ring);
uint64_t rrb_ring_memory_usage(rr_ring *ring);

void rrb_writer_free(rrb_writer *writer);
int rrb_writer_close(rrb_writer *writer);

void rrb_reader_free(rrb_reader *reader);
int rrb_reader_close(rrb_reader *reader);
int rrb_reader_evict(rrb_reader *reader);
int rrb_reader_evicted(rrb_reader *reader);
int rrb_wait(rrb_reader *reader, uint64_t sequence, int64_t nanoseconds);
int rrb_descriptor(rrb_reader *reader);
int64_t rrb_start(rrb_reader *reader);
int64_t rrb_cursor(rrb_reader *reader);
int64_t rrb_delivered(rrb_reader *reader);
int64_t rrb_skipped(rrb_reader *reader);
int64_t rrb_lag(rrb_reader *reader);
int64_t rrb_backlog(rrb_reader *reader);
/* end calls */

#endif
