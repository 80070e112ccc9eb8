/*
 * rusted_ring.h - lock-free event pools and single-writer rings, in C11.
 *
 * The one header of the library, for C11 and for C++. The clauses in square brackets are those of spec/.
 *
 * Words
 *   payload      the bytes of an event; `len` of them, at most the payload size S of its slot.
 *   slot         room of a pool for one event. It is FREE, LIVE (with a count of references) or LOANED, and has a generation.
 *   handle       {pool, slot, generation}: names an event without holding it. A token is a handle in one integer.
 *   reference    keeps a slot LIVE. Each `const uint8_t *payload` that a function below returns is one counted reference;
 *                release it once, with rr_release_payload.
 *   detached reference  a counted reference that no payload pointer stands for; a token stands for it.
 *
 * Failure
 *   A function that fails changes nothing but a pool's `failures` count [ERR-1]. Functions that return a pointer return
 *   NULL and write *status (which may be NULL); functions that return int64_t return minus the status.
 *   Pointers to objects (allocator, ring, writer, reader, payload) must be valid: they are not checked.
 *
 * Threads
 *   Any thread may use an allocator at any time [ALLOC-13]. A writer and a reader belong to one thread at a time. Any
 *   thread may call rr_reader_evict, rr_reader_wait, rr_writer_wait and the queries of a ring.
 */
#ifndef RUSTED_RING_H
#define RUSTED_RING_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(RR_SHARED)
#  ifdef RR_BUILDING
#    define RR_API __declspec(dllexport)
#  else
#    define RR_API __declspec(dllimport)
#  endif
#elif defined(__GNUC__)
#  define RR_API __attribute__((visibility("default")))
#else
#  define RR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define RR_VERSION_MAJOR 0
#define RR_VERSION_MINOR 1
#define RR_VERSION_PATCH 0

/* Most bytes of one pool or ring unless the caller asks for more by name [LAYOUT-7]. */
#define RR_MAX_RING_BYTES 1048576u

/* ------------------------------------------------------------------------------------------------------ statuses */

/* The result of a call. RR_OK is 0, every other status is above 0 [ERR-1]. */
typedef enum rr_status {
    RR_OK = 0,
    RR_BAD_ARGUMENT = 1,         /* a pool, slot, cursor or token that does not exist [ALLOC-20] [PTR-16] [RING-18] */
    RR_PAYLOAD_TOO_LARGE = 2,    /* a payload does not fit its class, ring or heap [SIZE-3] [ALLOC-8] [RING-9] */
    RR_POOL_EXHAUSTED = 3,       /* no slot is free, or the heap's bytes are used up [ALLOC-3] [ALLOC-7] */
    RR_LAYOUT = 4,               /* widths, capacities or storage out of bounds [PARAM-2] [LAYOUT-7] [RING-29] */
    RR_STALE_HANDLE = 5,         /* a handle whose event is gone [WEAK-3] [PTR-15] */
    RR_REF_COUNT_OVERFLOW = 6,   /* one reference more than the counter holds [SLOT-10] */
    RR_REF_COUNT_UNDERFLOW = 7,  /* no detached reference to take or end [PTR-14] [ALLOC-17] */
    RR_WRITER_TAKEN = 8,         /* a second writer [RING-4] */
    RR_READERS_FULL = 9,         /* the gated ring has max_readers readers [RING-21] */
    RR_RING_CLOSED = 10,         /* a writer or reader used after its end [RING-56] [RING-20] [RING-27] */
    RR_LAGGED = 11,              /* events were overwritten before they were read [RING-11] */
    RR_EMPTY = 12,               /* nothing to read now [RING-7] */
    RR_FULL = 13,                /* a gated ring's slowest reader is `capacity` events behind [RING-14] */
    RR_BUFFER_TOO_SMALL = 14,    /* the caller's buffer does not hold the next event; nothing was read */
    RR_BUSY = 15,                /* destroyed while slots, writers or readers are alive, and nothing was destroyed; or used while a
                                    reservation or peek is open [RING-65] [RING-74] */
    RR_NO_MEMORY = 16,           /* the system gave no memory */
    RR_INTERRUPTED = 17,         /* a signal came while the call waited [RING-33] */
    RR_SYSTEM = 18,              /* the system gave no descriptor; errno says why [RING-35] */
    RR_END_OF_STREAM = 19        /* the writer has ended the stream, and its last event was read [RING-39] */
} rr_status;

/* A sentence in English for a status, never NULL [ERR-3]. */
RR_API const char *rr_status_text(rr_status status);

/* ---------------------------------------------------------------------------------------------------- size classes */

/* Pools and size classes have the same numbers [SIZE-4]. */
typedef enum rr_pool_id { RR_XS = 0, RR_S = 1, RR_M = 2, RR_L = 3, RR_XL = 4, RR_XXL = 5 } rr_pool_id;

#define RR_POOL_COUNT 6u       /* pools of an allocator, the heap's table included */
#define RR_FIXED_POOL_COUNT 5u /* pools XS to XL, whose slots have a fixed payload size */

/* Largest payload of a class in bytes; 0 if there is no such class [SIZE-1]. */
RR_API uint64_t rr_size_limit(uint32_t size_class);

/* The smallest class that holds `length` bytes (0 to 5), or -RR_PAYLOAD_TOO_LARGE [SIZE-2] [SIZE-3]. */
RR_API int rr_estimate_size(uint64_t length);

/* The pool of a class (the same number), or -RR_BAD_ARGUMENT [SIZE-4]. */
RR_API int rr_pool_from_size(uint32_t size_class);

/* ---------------------------------------------------------------------------------------------------------- layout */

/* Least multiple of 64 that is at least n; 0 if that is above 2^64 - 1 [LAYOUT-1]. */
RR_API uint64_t rr_round64(uint64_t n);

/* Bytes of an event with room for `size` payload bytes [LAYOUT-1]. */
RR_API uint64_t rr_event_bytes(uint64_t size);

/* Bytes of a pool's slot with room for `size` payload bytes [LAYOUT-2]. */
RR_API uint64_t rr_slot_bytes(uint64_t size);

/* Bytes of a pool; UINT64_MAX if the figure is above that [LAYOUT-3]. */
RR_API uint64_t rr_pool_bytes(uint64_t size, uint64_t capacity);

/* Bytes of a ring; max_readers is 0 in an overwriting ring; UINT64_MAX if the figure is above that [LAYOUT-6]. */
RR_API uint64_t rr_ring_bytes(uint64_t size, uint64_t capacity, uint32_t max_readers);

/* -------------------------------------------------------------------------------------------------------- profiles */

/* Widths and capacities, chosen when pools are made [PARAM-1]. */
typedef struct rr_profile {
    uint32_t ref_bits;                        /* R, 1 to 22 [PARAM-2] */
    uint32_t generation_bits;                 /* G, 1 to 40 [PARAM-2] */
    uint32_t tag_bits;                        /* T, 0 to 32 [PARAM-2] */
    uint32_t capacities[RR_FIXED_POOL_COUNT]; /* slots of XS to XL, 1 to 2,097,152 each [PARAM-3] */
    uint32_t heap_slots;                      /* XXL slots, 1 to 2,097,152 [PARAM-3] */
    uint64_t heap_bytes;                      /* XXL payload bytes live at once, 1 to 2^48 [PARAM-3] */
    uint64_t max_ring_bytes;                  /* most bytes of one pool [LAYOUT-7] */
} rr_profile;

/* The default profile, with the seed's widths and capacities [PARAM-1]. */
RR_API rr_profile rr_profile_seed(void);

/* The seed's capacities with wide counts and generations [PARAM-1]. */
RR_API rr_profile rr_profile_wide(void);

/* Two-bit widths and a few slots, for tests [PARAM-1]. */
RR_API rr_profile rr_profile_tiny(void);

/* RR_OK, or RR_LAYOUT if a value is out of its bounds [PARAM-2] [PARAM-3] [LAYOUT-7]. */
RR_API rr_status rr_profile_check(const rr_profile *profile);

/* ------------------------------------------------------------------------------------------------------- allocator */

typedef struct rr_allocator rr_allocator;

/* A triple that names an event and holds nothing [WEAK-1]. */
typedef struct rr_handle {
    uint32_t pool_id;
    uint32_t slot_index;
    uint64_t generation;
} rr_handle;

typedef enum rr_slot_state { RR_SLOT_FREE = 0, RR_SLOT_LIVE = 1, RR_SLOT_LOANED = 2 } rr_slot_state;

/* A slot word, taken apart [SLOT-14]. */
typedef struct rr_slot_metadata {
    uint64_t generation;
    uint32_t ref_count;
    uint32_t state; /* an rr_slot_state */
} rr_slot_metadata;

/* Counters of one pool [ALLOC-9]. */
typedef struct rr_pool_stats {
    uint64_t capacity;
    uint64_t live;        /* LIVE or LOANED */
    uint64_t free;        /* live + free = capacity */
    uint64_t allocations; /* slots taken since the start, loans included */
    uint64_t failures;    /* calls that found the pool full */
} rr_pool_stats;

/* All that a payload pointer shows [PTR-7]. */
typedef struct rr_payload_info {
    uint64_t generation;
    uint32_t pool_id;
    uint32_t slot_index;
    uint32_t length;
    uint32_t event_type;
    uint32_t ref_count;
    uint32_t state; /* RR_SLOT_LIVE, or RR_SLOT_LOANED for a loan */
} rr_payload_info;

#define RR_ANY_GENERATION UINT64_MAX /* if a function takes a generation: any */
#define RR_SPILL 1u                  /* flag of rr_allocate: try the next larger classes in turn, XXL last [ALLOC-4] */

/* Makes pools of a profile; every slot is FREE with generation 0 [SLOT-4] [PARAM-4]. NULL: RR_LAYOUT, RR_NO_MEMORY. */
RR_API rr_allocator *rr_allocator_create(const rr_profile *profile, rr_status *status);

/* Frees the pools. RR_BUSY, and nothing is freed, while a slot is not FREE [ERR-1]. */
RR_API rr_status rr_allocator_destroy(rr_allocator *allocator);

/* Frees the pools whatever lives in them, heap blocks and detached references included [PTR-8]: for a program that knows
 * that no payload pointer is left. */
RR_API void rr_allocator_abandon(rr_allocator *allocator);

/* The profile an allocator was made with [PARAM-4]. */
RR_API rr_profile rr_allocator_profile(const rr_allocator *allocator);

/* Copies an event into a free slot of its class and returns its payload, one reference [ALLOC-1] [SLOT-5].
 * Args: data of `length` bytes (NULL if 0); flags 0 or RR_SPILL [ALLOC-4].
 * NULL: RR_PAYLOAD_TOO_LARGE [ALLOC-8], RR_POOL_EXHAUSTED [ALLOC-3] [ALLOC-7], RR_NO_MEMORY, RR_BAD_ARGUMENT (flags). */
RR_API const uint8_t *rr_allocate(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type,
                                  uint32_t flags, rr_status *status);

/* Allocates and returns the slot index, leaving one detached reference, or minus the status [ALLOC-21]. */
RR_API int64_t rr_allocate_to_pool(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type);

/* Allocates and writes the token, leaving one detached reference [ALLOC-22]. */
RR_API rr_status rr_handle_ffi_event(rr_allocator *allocator, const void *data, uint64_t length, uint32_t event_type,
                                     uint64_t *token);

/* Allocates `count` events, all or none, and writes a token each; one detached reference each [ALLOC-14].
 * Args: data, the payloads back to back; lengths, `count` of them, or NULL: all are `length`; event_types, `count` of
 * them, or NULL: all are `event_type`; tokens, room for `count`, of no meaning after a failure; failed, NULL, or
 * receives the index of the event that failed. */
RR_API rr_status rr_allocate_many(rr_allocator *allocator, const void *data, const uint32_t *lengths, uint32_t length,
                                  const uint32_t *event_types, uint32_t event_type, size_t count, uint64_t *tokens,
                                  size_t *failed);

/* Ends the detached reference of each of `count` tokens, all or none [ALLOC-15]. A token may occur as often as it has
 * detached references. failed: NULL, or receives the index of the token that failed.
 * RR_BAD_ARGUMENT [PTR-16], RR_STALE_HANDLE [PTR-15], RR_REF_COUNT_UNDERFLOW [PTR-14]. */
RR_API rr_status rr_drop_many(rr_allocator *allocator, const uint64_t *tokens, size_t count, size_t *failed);

/* Takes a slot of the smallest class that fits, zeroed; the caller alone may write to it [LOAN-1] [LOAN-2] [SLOT-6].
 * The pointer is no reference: it ends with rr_commit or rr_abort. NULL as rr_allocate. */
RR_API uint8_t *rr_loan(rr_allocator *allocator, uint64_t length, uint32_t event_type, rr_status *status);

/* Makes a loan's first `length` bytes a LIVE event and returns its payload, one reference [LOAN-3] [SLOT-7].
 * The address is the loan's unless an XXL loan is shortened. NULL: RR_BAD_ARGUMENT, the loan goes on [LOAN-4]. */
RR_API const uint8_t *rr_commit(rr_allocator *allocator, uint8_t *loan, uint64_t length, rr_status *status);

/* Releases a loan's slot [LOAN-5] [SLOT-8]. */
RR_API void rr_abort(rr_allocator *allocator, uint8_t *loan);

/* Adds a reference to a payload that the caller has a reference to [PTR-2] [SLOT-9]; RR_REF_COUNT_OVERFLOW [SLOT-10]. */
RR_API rr_status rr_clone_payload(rr_allocator *allocator, const uint8_t *payload);

/* Ends the caller's reference [PTR-3] [SLOT-11] [SLOT-12]. */
RR_API void rr_release_payload(rr_allocator *allocator, const uint8_t *payload);

/* Payload length in bytes [PTR-7]. */
RR_API uint32_t rr_payload_length(const uint8_t *payload);

/* Event type [PTR-7] [ALLOC-23]. */
RR_API uint32_t rr_payload_event_type(const uint8_t *payload);

/* Pool number of a payload or loan [PTR-7]. */
RR_API uint32_t rr_payload_pool_id(const uint8_t *payload);

/* Slot index of a payload or loan [PTR-7]. */
RR_API uint32_t rr_payload_slot_index(const uint8_t *payload);

/* Generation of a payload's or loan's slot [PTR-7]. */
RR_API uint64_t rr_payload_generation(const rr_allocator *allocator, const uint8_t *payload);

/* References to a payload's slot now [SLOT-1]. */
RR_API uint32_t rr_payload_ref_count(const rr_allocator *allocator, const uint8_t *payload);

/* Token of a payload's or loan's handle; changes no count [PTR-10] [WEAK-1]. */
RR_API uint64_t rr_payload_token(const rr_allocator *allocator, const uint8_t *payload);

/* Everything above at once [PTR-7]. */
RR_API void rr_payload_describe(const rr_allocator *allocator, const uint8_t *payload, rr_payload_info *info);

/* Turns the caller's reference into a detached one and returns its token [PTR-12]. The payload pointer ends. */
RR_API uint64_t rr_into_token(rr_allocator *allocator, const uint8_t *payload);

/* Turns a detached reference into the caller's and returns the payload [PTR-13].
 * NULL: RR_BAD_ARGUMENT [PTR-16], RR_STALE_HANDLE [PTR-15], RR_REF_COUNT_UNDERFLOW [PTR-14]. */
RR_API const uint8_t *rr_from_token(rr_allocator *allocator, uint64_t token, rr_status *status);

/* As rr_from_token, with the triple [PTR-11]; a generation that cannot exist is RR_BAD_ARGUMENT. */
RR_API const uint8_t *rr_from_triple(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                                     uint64_t generation, rr_status *status);

/* Adds a reference for the caller if the slot is LIVE with the token's generation [WEAK-2].
 * NULL: RR_BAD_ARGUMENT [PTR-16], RR_STALE_HANDLE [WEAK-3], RR_REF_COUNT_OVERFLOW [SLOT-10]. */
RR_API const uint8_t *rr_upgrade(rr_allocator *allocator, uint64_t token, rr_status *status);

/* As rr_upgrade, with the triple [WEAK-2]. */
RR_API const uint8_t *rr_upgrade_triple(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                                        uint64_t generation, rr_status *status);

/* The token of a handle, or 0 if the allocator has no such pool, slot or generation [PTR-10] [PTR-16]. */
RR_API uint64_t rr_token_encode(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                                uint64_t generation);

/* The handle of a token; RR_BAD_ARGUMENT if the allocator has no such pool, slot or generation [PTR-16]. */
RR_API rr_status rr_token_decode(const rr_allocator *allocator, uint64_t token, rr_handle *handle);

/* A reference for the caller to the event in a LIVE slot [ALLOC-19] [VIEW-6]; a generation or RR_ANY_GENERATION.
 * NULL: RR_BAD_ARGUMENT [ALLOC-20], RR_STALE_HANDLE, RR_REF_COUNT_OVERFLOW. */
RR_API const uint8_t *rr_get_slot_data(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                                       uint64_t generation, rr_status *status);

/* Adds one detached reference to a LIVE slot and returns the new count, or minus the status [ALLOC-16]. */
RR_API int64_t rr_inc_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation);

/* Ends one detached reference and returns the new count, or minus the status [ALLOC-17]. */
RR_API int64_t rr_dec_ref_count(rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index, uint64_t generation);

/* Generation of a slot in any state, or minus the status [ALLOC-18]. */
RR_API int64_t rr_get_generation(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index);

/* Count, generation and state of one moment [SLOT-14]. */
RR_API rr_status rr_slot_metadata_get(const rr_allocator *allocator, uint32_t pool_id, uint32_t slot_index,
                                      rr_slot_metadata *metadata);

/* Slots of a pool, 0 if there is no such pool [PARAM-4]. */
RR_API uint32_t rr_pool_capacity(const rr_allocator *allocator, uint32_t pool_id);

/* Copies the slot words of a pool into `words`, room for its capacity [SLOT-15]. */
RR_API rr_status rr_slot_words(const rr_allocator *allocator, uint32_t pool_id, uint64_t *words);

/* Counters of a pool [ALLOC-9]. */
RR_API rr_status rr_pool_stats_get(const rr_allocator *allocator, uint32_t pool_id, rr_pool_stats *stats);

/* Bytes of the pools XS to XL [LAYOUT-4]. */
RR_API uint64_t rr_memory_usage(const rr_allocator *allocator);

/* Bytes of the XXL table and of the blocks on the heap now [LAYOUT-5]. */
RR_API uint64_t rr_heap_usage(const rr_allocator *allocator);

/* ----------------------------------------------------------------------------------------------------------- rings */

typedef struct rr_ring rr_ring;
typedef struct rr_writer rr_writer;
typedef struct rr_reader rr_reader;

typedef enum rr_ring_mode {
    RR_OVERWRITE = 0, /* add always accepts; slow readers lag [RING-10] */
    RR_GATED = 1      /* add waits for the slowest registered reader [RING-14] */
} rr_ring_mode;

typedef enum rr_join_at {
    RR_OLDEST = 0, /* the oldest event retained [RING-16] */
    RR_LATEST = 1, /* the next event to be published [RING-16] */
    RR_CURSOR = 2  /* a cursor from 0 to write_cursor, in an overwriting ring [RING-18] */
} rr_join_at;

/* Makes an empty ring [RING-3] [RING-29]. max_readers: 1 to 1,024 in a gated ring, ignored in an overwriting one.
 * max_ring_bytes: RR_MAX_RING_BYTES, or more if the caller wants [LAYOUT-7].
 * NULL: RR_BAD_ARGUMENT (mode), RR_LAYOUT, RR_NO_MEMORY. */
RR_API rr_ring *rr_ring_create(uint64_t size, uint64_t capacity, rr_ring_mode mode, uint32_t max_readers,
                               uint64_t max_ring_bytes, rr_status *status);

/* Makes a new gated ring keep all events until so many readers have joined in total, 0 to max_readers [RING-45]. Call it
 * before the ring is used. RR_BAD_ARGUMENT, and nothing is done: an overwriting ring, or too many. */
RR_API rr_status rr_ring_wait_for_readers(rr_ring *ring, uint32_t readers);

/* Readers that have yet to join before an event is overwritten [RING-45]. */
RR_API uint32_t rr_ring_readers_awaited(const rr_ring *ring);

/* Frees a ring. RR_BUSY, and nothing is freed, while a writer or reader of it has not been freed [ERR-1]. */
RR_API rr_status rr_ring_destroy(rr_ring *ring);

/* Payload limit of a ring's events in bytes [RING-9]. */
RR_API uint32_t rr_ring_size(const rr_ring *ring);

/* Slots of a ring [RING-2]. */
RR_API uint32_t rr_ring_capacity(const rr_ring *ring);

/* Mode of a ring [RING-29]. */
RR_API rr_ring_mode rr_ring_get_mode(const rr_ring *ring);

/* Most readers that can be registered, 0 in an overwriting ring [RING-21]. */
RR_API uint32_t rr_ring_max_readers(const rr_ring *ring);

/* Readers registered now, 0 in an overwriting ring [RING-21]. */
RR_API uint32_t rr_ring_readers(const rr_ring *ring);

/* Events published [RING-1]. */
RR_API uint64_t rr_ring_write_cursor(const rr_ring *ring);

/* Events that a reader joining at RR_OLDEST would find [RING-30]. */
RR_API uint64_t rr_ring_retained(const rr_ring *ring);

/* 1 if the ring has a writer now, else 0 [RING-4]. */
RR_API int rr_ring_has_writer(const rr_ring *ring);

/* 1 if a writer has ended the ring's stream, else 0: no event will be published after that [RING-39]. */
RR_API int rr_ring_ended(const rr_ring *ring);

/* Bytes of a ring's storage [LAYOUT-6]. */
RR_API uint64_t rr_ring_memory_usage(const rr_ring *ring);

/* Opens the only writer of a ring [RING-4]. NULL: RR_WRITER_TAKEN, RR_END_OF_STREAM [RING-40], RR_NO_MEMORY. */
RR_API rr_writer *rr_writer_open(rr_ring *ring, rr_status *status);

/* Closes a writer, so that another can be opened; published events stay readable. Adds are refused after it. Closed again: no
 * effect [RING-27]. */
RR_API void rr_writer_close(rr_writer *writer);

/* Closes a writer and ends the ring's stream: no event will follow, all waits end, and no writer can open again [RING-39]
 * [RING-40]. Again: RR_OK. RR_RING_CLOSED, and nothing is done: the writer was closed and the stream has not ended. */
RR_API rr_status rr_writer_end(rr_writer *writer);

/* Closes a writer if it is open, and frees it; NULL: no effect [RING-27]. */
RR_API void rr_writer_free(rr_writer *writer);

/* Publishes one event [RING-1] [RING-5].
 * RR_FULL [RING-14], RR_PAYLOAD_TOO_LARGE [RING-9], RR_RING_CLOSED [RING-27], RR_BUSY [RING-65]. */
RR_API rr_status rr_writer_add(rr_writer *writer, const void *data, uint64_t length, uint32_t event_type);

/* Publishes a batch, or in a gated ring its longest prefix that fits, and writes how many [RING-25].
 * Arguments as rr_allocate_many. RR_OK also if fewer than `count` fit. RR_PAYLOAD_TOO_LARGE: nothing was added, and
 * *failed is the index of the first event that is too long. RR_RING_CLOSED [RING-27], RR_BUSY [RING-65]. */
RR_API rr_status rr_writer_add_many(rr_writer *writer, const void *data, const uint32_t *lengths, uint32_t length,
                                    const uint32_t *event_types, uint32_t event_type, size_t count, size_t *added,
                                    size_t *failed);

/* Reserves the slots of the next events of a gated ring and returns the payload of the first, for the caller to write
 * [RING-61] [RING-62]. The payload of slot i begins i * rr_round64(rr_ring_size(ring)) bytes further, and has room for
 * rr_ring_size bytes. Writes to *reserved how many slots there are: 1 to `count`, as many as there is room for, none beyond
 * the ring's last slot. The memory is the caller's until rr_writer_commit, rr_writer_cancel, or the writer's close.
 * A reader that is evicted while it reads may be copying from it meanwhile, and discards the copy [RING-20].
 * NULL: RR_FULL [RING-14], RR_BUSY (a reservation is open) [RING-65], RR_BAD_ARGUMENT (an overwriting ring [RING-69], or a
 * count of 0), RR_RING_CLOSED [RING-27]. */
RR_API uint8_t *rr_writer_reserve(rr_writer *writer, size_t count, size_t *reserved, rr_status *status);

/* Publishes the first `count` slots of the open reservation as events, and ends the reservation [RING-63]. lengths and
 * event_types: one for each event or, if the array is NULL, `length` and `event_type` for all.
 * RR_BAD_ARGUMENT: fewer slots are reserved; RR_PAYLOAD_TOO_LARGE [RING-9]: *failed is the index of the first such event.
 * Then the reservation stays open. RR_RING_CLOSED [RING-64]. */
RR_API rr_status rr_writer_commit(rr_writer *writer, const uint32_t *lengths, uint32_t length,
                                  const uint32_t *event_types, uint32_t event_type, size_t count, size_t *failed);

/* Ends the open reservation, if there is one, and publishes nothing [RING-64]. */
RR_API void rr_writer_cancel(rr_writer *writer);

/* Waits, asleep, until there may be room for an event or the writer is closed [RING-46] [RING-48]. An overwriting ring
 * always has room. Any thread may wait. nanoseconds: the most; 0: only look; below 0: for ever.
 * RR_OK: add, and if that returns RR_FULL, wait again; RR_FULL (not in time), RR_RING_CLOSED, RR_INTERRUPTED: a signal
 * was handled. */
RR_API rr_status rr_writer_wait(rr_writer *writer, int64_t nanoseconds);

/* A file descriptor for poll(), epoll and the like, or minus the status: RR_RING_CLOSED, RR_NO_MEMORY, RR_SYSTEM [RING-49].
 * It is readable if there may be room or the writer is closed, until an add returns RR_FULL. Only wait on it.
 * rr_writer_free closes it, as rr_reader_free does rr_reader_descriptor. */
RR_API int rr_writer_descriptor(rr_writer *writer);

/* 1 if the writer was closed, else 0; any thread may call it [RING-27]. */
RR_API int rr_writer_closed(const rr_writer *writer);

/* Begins to read [RING-16]; `cursor` is used with RR_CURSOR only [RING-18].
 * NULL: RR_READERS_FULL [RING-21], RR_BAD_ARGUMENT [RING-18], RR_NO_MEMORY. */
RR_API rr_reader *rr_reader_join(rr_ring *ring, rr_join_at at, uint64_t cursor, rr_status *status);

/* Ends reading; the reader no longer holds the writer back, and its use is refused. Called again: no effect [RING-19]. */
RR_API void rr_reader_leave(rr_reader *reader);

/* Leaves if the reader has not left, and frees it; NULL: no effect [RING-19]. No other thread may use it any more. */
RR_API void rr_reader_free(rr_reader *reader);

/* Evicts a reader from a gated ring; any thread may call it. A reader that has ended: RR_OK, no effect [RING-20].
 * RR_BAD_ARGUMENT for a reader of an overwriting ring. */
RR_API rr_status rr_reader_evict(rr_reader *reader);

/* What a call of rr_reader_next, rr_reader_next_many or rr_reader_look read. */
typedef struct rr_read {
    uint64_t sequence;      /* sequence number of the (first) event delivered [RING-1] */
    uint64_t skipped;       /* with RR_LAGGED: events missed [RING-11] */
    uint64_t next_sequence; /* the reader's cursor after the call [RING-11] */
    uint64_t bytes;         /* payload bytes delivered; with RR_BUFFER_TOO_SMALL: of the next event */
    uint32_t count;         /* events delivered */
    uint32_t event_type;    /* of the (first) event delivered */
} rr_read;

/* Copies the next event's payload into `data` and moves on by one [RING-7] [RING-28].
 * Args: data_bytes, room at `data` (rr_ring_size bytes are always enough); read, always written.
 * RR_EMPTY [RING-7], RR_END_OF_STREAM [RING-39], RR_LAGGED [RING-11], RR_BUFFER_TOO_SMALL, RR_RING_CLOSED [RING-56]
 * [RING-20], RR_BUSY [RING-74]. */
RR_API rr_status rr_reader_next(rr_reader *reader, void *data, size_t data_bytes, rr_read *read);

/* Copies up to `limit` events: payloads back to back into `data`, lengths and event types into arrays of `limit`
 * [RING-26]. Stops early if the next payload does not fit into `data_bytes`.
 * RR_OK with read->count of at least 1 (or limit 0), RR_EMPTY, RR_END_OF_STREAM, RR_LAGGED if the first event is lost,
 * RR_BUFFER_TOO_SMALL if the first does not fit, RR_RING_CLOSED, RR_BUSY [RING-74]. */
RR_API rr_status rr_reader_next_many(rr_reader *reader, size_t limit, void *data, size_t data_bytes, uint32_t *lengths,
                                     uint32_t *event_types, rr_read *read);

/* Moves on past all published events except for the newest `keep`, never back, and writes how many were skipped, with those
 * that were overwritten [RING-43]. In a gated ring that makes room [RING-44]. RR_RING_CLOSED, RR_BUSY [RING-74]. */
RR_API rr_status rr_reader_skip(rr_reader *reader, uint64_t keep, uint64_t *skipped);

/* As rr_reader_next_many, but the reader does not move on: the events that were copied are still its next ones, until
 * rr_reader_pass [RING-26]. So a caller that fails to pass the events on after it loses none [ERR-1]. */
RR_API rr_status rr_reader_look(rr_reader *reader, size_t limit, void *data, size_t data_bytes, uint32_t *lengths,
                                uint32_t *event_types, rr_read *read);

/* Moves on by `count` of the events that the last rr_reader_look copied [RING-26].
 * RR_RING_CLOSED: the reader has ended since; do not use the copies [RING-20]. */
RR_API rr_status rr_reader_pass(rr_reader *reader, uint32_t count);

/* Finds the next events of a gated ring where they lie, without a copy [RING-71] [RING-72]: *payloads is the payload of the first,
 * that of event i begins i * rr_round64(rr_ring_size(ring)) bytes further. read->count: 1 to `limit` events, as many as there are,
 * none beyond the ring's last slot; read->bytes and read->event_type are those of the first. The reader does not move, and
 * the writer cannot overwrite the events, until rr_reader_release; an eviction ends that [RING-78].
 * RR_EMPTY, RR_END_OF_STREAM [RING-39], RR_BUSY (a peek is open) [RING-74], RR_BAD_ARGUMENT (an overwriting ring [RING-79], or a
 * limit of 0), RR_RING_CLOSED. */
RR_API rr_status rr_reader_peek(rr_reader *reader, size_t limit, const uint8_t **payloads, rr_read *read);

/* The length and the event type of an event of the open peek; index is below its count [RING-72]. */
RR_API void rr_reader_peeked(const rr_reader *reader, uint32_t index, uint32_t *length, uint32_t *event_type);

/* Ends the open peek and moves on by `count` of its events [RING-73]. Without an open peek `count` is 0, and nothing is done.
 * RR_BAD_ARGUMENT, and the peek stays open: it has fewer events. RR_RING_CLOSED: the reader has ended since, and the events may
 * have been overwritten while they were read; discard what came of them [RING-78]. */
RR_API rr_status rr_reader_release(rr_reader *reader, uint32_t count);

/* How many of the next `limit` events there are, and in *bytes their payload bytes in total [RING-52]. In an overwriting
 * ring this is an estimate: an event that is overwritten meanwhile counts with the length of a later one. The events that
 * rr_reader_look can still copy, of as many, fit into as many bytes. */
RR_API size_t rr_reader_measure(rr_reader *reader, size_t limit, uint64_t *bytes);

/* Waits, asleep, until the event `sequence` is published or the reader or the stream has ended [RING-31] [RING-32].
 * Any thread may wait. Args: sequence, of the event to wait for, in the reader's own thread rr_reader_cursor; nanoseconds,
 * the most; 0: only look; below 0: for ever.
 * RR_OK, RR_EMPTY (not in time), RR_RING_CLOSED (also if the reader ends meanwhile), RR_END_OF_STREAM (there will be no such
 * event), RR_INTERRUPTED: a signal was handled. */
RR_API rr_status rr_reader_wait(rr_reader *reader, uint64_t sequence, int64_t nanoseconds);

/* A file descriptor for poll(), epoll and the like, or minus the status: RR_RING_CLOSED, RR_NO_MEMORY, RR_SYSTEM [RING-35].
 * It is readable if there may be an event or the reader has ended, until rr_reader_next returns RR_EMPTY. Only wait on it: do
 * not read, write or close it. rr_reader_free closes it, and no other reader has that file [RING-53]. It belongs to the
 * process that called this: after a fork call it again. */
RR_API int rr_reader_descriptor(rr_reader *reader);

/* The cursor that a reader began with [RING-12]. */
RR_API uint64_t rr_reader_start(const rr_reader *reader);

/* Sequence number of the reader's next event [RING-7]. */
RR_API uint64_t rr_reader_cursor(const rr_reader *reader);

/* Events delivered [RING-12]. */
RR_API uint64_t rr_reader_delivered(const rr_reader *reader);

/* Events missed [RING-12]. */
RR_API uint64_t rr_reader_skipped(const rr_reader *reader);

/* Events published and not yet read or skipped [RING-22]. */
RR_API uint64_t rr_reader_lag(const rr_reader *reader);

/* Events retained and not yet read, min(lag, capacity) [RING-23]. */
RR_API uint64_t rr_reader_backlog(const rr_reader *reader);

/* 1 if the stream has ended and the reader has read or skipped all of it, else 0 [RING-39]. */
RR_API int rr_reader_at_eof(const rr_reader *reader);

/* 1 if the reader has left, else 0 [RING-19]. */
RR_API int rr_reader_left(const rr_reader *reader);

/* 1 if the reader was evicted, else 0; any thread may call it [RING-20]. */
RR_API int rr_reader_evicted(const rr_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
