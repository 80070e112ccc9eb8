/* graph.h - execution graphs: events, reads-from, and the modification order of each location. */
#ifndef EXPLORER_GRAPH_H
#define EXPLORER_GRAPH_H

#include "control.h"

#define MAX_EVENTS (1 << 20) /* of one execution; a longer one is cut, and the exploration not exhaustive */
#define INITIAL (-1) /* in place of a write: the location's initial value */

/* A view, as a vector clock: the number of events of each thread in a set that is closed under sequenced-before. */
typedef struct {
    EXPLORER_CLOCK of[MAX_THREADS];
} view;

static inline void view_join(view *into, const view *other)
{
    enum { EACH = 16 / sizeof(EXPLORER_CLOCK) };
    typedef EXPLORER_CLOCK lanes __attribute__((vector_size(16), may_alias, aligned(2)));
    for (int i = 0; i < MAX_THREADS; i += EACH) {
        lanes a = *(const lanes *)&into->of[i];
        lanes b = *(const lanes *)&other->of[i];
        lanes m = a > b;
        *(lanes *)&into->of[i] = (a & m) | (b & ~m);
    }
}

/* ARRIVE and DEPART are the two halves of a wait at a barrier. */
enum kind { LOAD, STORE, RMW_READ, RMW_WRITE, FENCE, CREATE, JOIN, ARRIVE, DEPART };

/*
 * Asymmetric fences (P1202): a light fence takes effect with heavy ones alone. A heavy fence is two events, its entry and its
 * exit, each of which is an ordinary fence as well [MODEL-1, MODEL-22].
 */
enum side { BOTH_SIDES, LIGHT, HEAVY, HEAVY_EXIT };

/* A choice that a read has beside its reads-from: whether a weak compare-exchange fails spuriously, or which sleeper of the
 * set that it reads is woken. */
enum chooser { NO_CHOICE, WEAK, SLEEPER };

/* The orders of __ATOMIC_*, and one for plain accesses. */
enum order { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST, PLAIN };

enum rmw_op { OP_EXCHANGE, OP_ADD, OP_SUB, OP_AND, OP_OR, OP_XOR, OP_NAND, OP_TAKE };

struct event {
    int32_t rf;      /* reads: the write read from, or INITIAL */
    int32_t loc;     /* location, or -1 */
    int32_t place;   /* writes: place in the location's modification order; -1: not in it now */
    int32_t index;   /* place in its thread */
    int16_t thread;
    uint8_t kind;
    uint8_t order;
    uint8_t failure; /* of a compare-exchange: the order if it fails */
    uint8_t side;    /* of a fence */
    uint8_t chooser; /* what `choice` is of */
    uint8_t choice;  /* 0 first */
    bool pinned;     /* of a write: no revisit removes it, see hand_over() */
    bool cas;        /* a read that is an RMW only if it reads `expected` */
    uint8_t op;      /* of an RMW's read, enum rmw_op: with it, the value read determines the value written */
    uint64_t operand;
    uint64_t value;  /* what it read or wrote */
    uint64_t expected;
    uint64_t pc;
};

/* The views of an event, in an array of their own: most scans of a graph look at events alone. */
struct views {
    view hb;      /* what happens before it, itself included */
    view porf;    /* its porf-prefix: what it depends on by sequenced-before and reads-from, itself included */
    view message; /* of a write: the view that an acquiring read of it joins to its own */
};

struct location {
    uint64_t address;
    uint32_t size;
    uint64_t run;       /* the run in which it was last accessed */
    bool uninitialized; /* its initial content was never written */
    bool revisited;     /* one of its reads was revisited */
    uint64_t initial;   /* its content before the first atomic access of that run */
    int32_t in_memory;  /* the write whose value lies at the address in that run, or INITIAL */
    int32_t unread;     /* a plain write whose value is not known yet, since the store follows the hook; or -1 */
    int32_t *mo;
    int32_t writes;
    int32_t room;
};

struct graph {
    struct event *events;
    struct views *views; /* of each event */
    int n;
    int *by_thread[MAX_THREADS];
    int count[MAX_THREADS];
    struct location *locations;
    int location_count;
    int location_room;
    /* Of each write, what asymmetric fences release; allocated when the program executes the first such fence. */
    struct asymmetric *messages;
    bool asymmetric;
    bool sc; /* the program has executed a seq_cst event */
    bool ordered_barriers; /* the order of arrivals at barriers is explored */
    bool unlocated; /* the graph came from text, and the locations of its events are not known yet */
};

/* Of a write: what happened before the last light, and the last heavy, release fence of its release sequence. */
struct asymmetric {
    view light;
    view heavy;
};

extern struct graph graph;

static inline bool is_write(const struct event *e)
{
    return e->kind == STORE || e->kind == RMW_WRITE;
}

static inline bool is_read(const struct event *e)
{
    return e->kind == LOAD || e->kind == RMW_READ;
}

static inline bool acquires(int order)
{
    return order == CONSUME || order == ACQUIRE || order == ACQ_REL || order == SEQ_CST;
}

static inline bool releases(int order)
{
    return order == RELEASE || order == ACQ_REL || order == SEQ_CST;
}

/* An event's memory order: of a failed compare-exchange, the order for failure. */
static inline int read_order(const struct event *e)
{
    return e->cas && e->kind == LOAD ? e->failure : e->order;
}

static inline uint64_t masked(uint64_t value, uint32_t size)
{
    return size >= 8 ? value : value & ((UINT64_C(1) << (size * 8)) - 1);
}

static inline int place_of(int write)
{
    return write == INITIAL ? -1 : graph.events[write].place;
}

static inline int place_read(const struct event *e)
{
    return is_write(e) ? e->place : place_of(e->rf);
}

static inline uint64_t value_of(const struct location *location, int write)
{
    return write == INITIAL ? location->initial : graph.events[write].value;
}

/* How many choices a read of this value has. */
int outcomes_of(int chooser, uint64_t value, uint64_t expected);

/* The rank'th of the sleepers in a set, as a bit. */
uint64_t sleeper_of(uint64_t set, int rank);

void graph_prepare(void);
void graph_reset(void);
void truncate_graph(int count);
void turn_back(int read);
int move_to_end(int read);
void index_events(void);
int location_at(uint64_t address);
int new_location(uint64_t address, uint32_t size);
void mo_insert(int id, int place);
void mo_remove(int id);
void views_before(int id, view *hb, view *porf);
void settle_read(struct event *e, uint64_t value);

/* What a run has found out about the locations that it accessed; `run` is its number, or that of the run that takes it back. */
void keep_locations(uint64_t run);
void take_back_locations(uint64_t run);
void set_read_from(int id, int write, int choice);

/* The value that an RMW makes of an old one, before truncation to its size; and the value that the RMW with this read
 * writes. */
uint64_t result_of(enum rmw_op op, uint64_t old, uint64_t operand);
uint64_t rmw_result(const struct event *read);

/* Sets the write's message: what its release sequence releases to an acquiring read. `continues` is the write that an RMW
 * reads from, and `released` what happened before the thread's last release fence [MODEL-7]. */
void set_message(int id, int continues, const view *released);

/* graph_text.c */
char *graph_text(void);
void graph_from_text(const char *text);

#endif
