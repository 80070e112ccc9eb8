/* explore.h - the exploration: new events, the alternatives that they leave, and the search over them. */
#ifndef EXPLORER_EXPLORE_H
#define EXPLORER_EXPLORE_H

#include "consistency.h"
#include "run.h"

enum alternative_kind { READ_FROM, PLACE_AFTER, REVISIT, REVISIT_PLACED };

struct alternative {
    int32_t stamp; /* the event that it belongs to */
    int32_t what;  /* the write to read from, the write to stand after, or the read to revisit */
    int32_t after; /* REVISIT_PLACED: the write to stand after */
    int16_t kind;
    int16_t choice; /* of a read, see enum chooser */
    double weight; /* the estimated share of the whole exploration */
};

/* What an operation asks of a read. */
struct request {
    uint64_t address;
    uint32_t size;
    int order;
    int failure;
    bool rmw;
    bool cas;
    uint64_t expected;
    enum rmw_op op;
    uint64_t operand;
    int chooser; /* enum chooser */
    bool await;  /* blocks unless ((the value & mask) == wanted) == equal */
    bool equal;
    uint64_t mask;
    uint64_t wanted;
    uint64_t pc;
};

static inline bool request_is_met(const struct request *q, uint64_t value)
{
    return ((value & q->mask) == q->wanted) == q->equal;
}

/* choices.c */
extern struct alternative *alternatives;
extern int alternative_count;
void push_alternative(int kind, int stamp, int what, int after, int choice);
int add_event(int kind, int order, int loc, uint64_t pc);

/* Return the event's number, or AGAIN if a later run resumed here, and must replay the event. */
#define AGAIN (-2)
int add_read(const struct request *q, int loc);
/* Pushes an alternative for each read that the graph's last event, a write, may revisit. */
void push_revisits(int write);
/* The blocked read that takes the lock which the graph's last event, a write, releases; or -1. */
int taker_of(int write);
int add_write(int kind, int order, int loc, uint64_t value, int rmw_read, uint64_t pc);

/* explore.c */
void hand_over(int write);
void explore(void);
void explore_reset(void);
bool explored_all(void);
void print_pending(FILE *file);

/* Adds a graph from which the exploration begins; may be called several times before explore(). */
void add_source(const char *text, double weight);
void forget_sources(void);

#endif
