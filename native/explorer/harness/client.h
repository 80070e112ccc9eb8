/*
 * client.h - shared by the parts of the harness of clients: the parsed client, the variables of its threads, and the tables
 * of operations. See client.c.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client_payload.h"
#include "explorer.h"
#include "rusted_ring.h"

/* clients/operations.py, language.py and statuses.py have these too; tests/linearizability/test_tables.py compares them. */
#define SKIPPED 99u
#define GROUPS 4u    /* the setup's thread and three more */
#define MOST_OPS 96u /* operations of a group, the finish included */
#define MOST_ARGS 3u
#define MOST_RESULTS 8u
#define MOST_SLOTS 192u
#define WORD_SLOTS 64u /* the slots of one result, a bit for each */
#define POOL_LENGTH 8u
#define HEAP_LENGTH 16385u
#define HEAP_BYTES 65536u
#define HELD_EVENT 15u
#define RING_ROOM 64u
#define EVENTS 16u
#define TOKEN_SLOT_BITS 21u /* [PTR-10] */
#define TOKEN_GENERATION_BITS 40u
#define POOL_CUT 4u
#define HEAP_CUT 16384u

/* ----------------------------------------------------------------------------------------------- a client as it was read */

struct operation;
struct results {
    uint32_t count;
    uint64_t values[MOST_RESULTS];
};
typedef void (*perform)(const struct operation *operation, struct results *results);

/* An argument: a variable's thread, letter and number, or a number alone. */
struct argument {
    char letter; /* p l t s w q, or n for a number */
    uint32_t thread;
    uint32_t number;
};

struct operation {
    perform perform;
    struct argument arguments[MOST_ARGS];
};

struct shape {
    bool pool;
    bool ring;
    bool fenced; /* as on a system without membarrier(), where each publication executes a fence [ORDER-15] */
    rr_profile profile;
    rr_ring_mode mode;
    uint32_t capacity;
    uint32_t size;
    uint32_t length; /* of every event of the ring */
    uint32_t readers;
    uint32_t awaited; /* readers that have to join before an event is overwritten [RING-45] */
    uint32_t threads;
    uint32_t setup; /* operations of group 0 before the finish */
    uint32_t count[GROUPS];
    struct operation operations[GROUPS][MOST_OPS];
};

extern struct shape client_program;

/* Reads a client into client_program; 0, or -1 with a complaint. */
int client_load(const char *text, char *complaint, size_t room);

/* An operation by its name; a table of them ends with a name that is NULL. clients/operations.py has the same names and
 * arguments; tests/linearizability/test_tables.py compares them. */
struct client_operation {
    const char *name;
    const char *arguments; /* p l w q: a variable; t: a token; n: a number; a: where to join */
    perform perform;
};

extern const struct client_operation client_pool_operations[];
extern const struct client_operation client_account_operations[];
extern const struct client_operation client_ring_operations[];
extern const struct client_operation client_wait_operations[];
extern const struct client_operation client_room_operations[];

/* ------------------------------------------------------------------------------------------------ what its threads hold */

struct holdings {
    const uint8_t *pointers[8];
    uint64_t pointer_tokens[8]; /* of the pointers: another call of the library would load the slot's word once more */
    uint8_t *loans[4];
    uint64_t loan_tokens[4];
    uint64_t tokens[8]; /* 0: none */
    rr_writer *writers[2];
    rr_reader *readers[4];
    int descriptors[4]; /* of the readers; 0: not requested */
    int writer_descriptors[2];
};

/* The state of an execution: nothing of the previous one is left. */
struct client {
    rr_allocator *allocator; /* or NULL */
    rr_ring *ring;           /* or NULL */
    struct holdings holdings[GROUPS];
    uint64_t shared_tokens[8]; /* only the setup sets them */
    uint64_t held_slots[MOST_SLOTS / WORD_SLOTS]; /* slots that `hold` took; the finish releases them */
    bool finishing;                               /* whether the threads have ended */
};

extern struct client client;

/* client_words.c */

/* The pools and the ring have been made. */
void client_words_made(void);

/* The name of the word at an address: a word of the pools or of the ring, or "object" for one of a writer, a reader or a notifier,
 * and for all that belongs to none of them; NULL for payloads. */
const char *client_word(uint64_t address);

/* The `count` payloads of events from `event` on, back to back. */
const uint8_t *client_events(uint32_t event, uint32_t count, uint32_t length);

static inline void answer(struct results *results, uint64_t value)
{
    results->values[results->count++] = value;
}

static inline void skip(struct results *results)
{
    results->count = 0;
    answer(results, SKIPPED);
}

static inline const uint8_t **pointer_at(const struct argument *argument)
{
    return &client.holdings[argument->thread].pointers[argument->number];
}

static inline uint64_t *pointer_token_at(const struct argument *argument)
{
    return &client.holdings[argument->thread].pointer_tokens[argument->number];
}

static inline uint8_t **loan_at(const struct argument *argument)
{
    return &client.holdings[argument->thread].loans[argument->number];
}

static inline uint64_t *token_at(const struct argument *argument)
{
    return argument->letter == 's' ? &client.shared_tokens[argument->number]
                                   : &client.holdings[argument->thread].tokens[argument->number];
}

static inline rr_writer **writer_at(const struct argument *argument)
{
    return &client.holdings[argument->thread].writers[argument->number];
}

static inline rr_reader **reader_at(const struct argument *argument)
{
    return &client.holdings[argument->thread].readers[argument->number];
}

/* The writer of a call; NULL if the variable is empty and the call was skipped. */
static inline rr_writer *writer_of(const struct operation *operation, struct results *results)
{
    rr_writer *writer = *writer_at(&operation->arguments[0]);
    if (writer == NULL) {
        skip(results);
    }
    return writer;
}

/* The reader of a call; NULL if the variable is empty and the call was skipped. */
static inline rr_reader *reader_of(const struct operation *operation, struct results *results)
{
    rr_reader *reader = *reader_at(&operation->arguments[0]);
    if (reader == NULL) {
        skip(results);
    }
    return reader;
}

static inline int *descriptor_at(const struct argument *argument)
{
    struct holdings *holdings = &client.holdings[argument->thread];
    return argument->letter == 'w' ? &holdings->writer_descriptors[argument->number]
                                   : &holdings->descriptors[argument->number];
}

#endif
