/* control.h - the ways out of a run, and what the whole engine shares. The engine's lowest layer: it includes none of the
 * others. */
#ifndef EXPLORER_CONTROL_H
#define EXPLORER_CONTROL_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../explorer.h"

/* The size of every view. A larger engine is built for a program that needs more. (With 32, an execution of six threads that
 * add to a counter takes 27,200 instructions instead of 25,600.) */
#ifndef EXPLORER_THREADS
#  define EXPLORER_THREADS 16
#endif
#ifndef EXPLORER_CLOCK
#  define EXPLORER_CLOCK int16_t
#  define EXPLORER_CLOCK_MAX INT16_MAX
#else
#  define EXPLORER_CLOCK_MAX INT32_MAX
#endif
#define MAX_THREADS EXPLORER_THREADS

enum mode { EXHAUSTIVE, RANDOM, REPLAY };

struct options {
    enum mode mode;
    bool keep_going;
    bool graphs;
    bool histories;
    bool trace;
    bool dump;     /* print what is left to explore */
    bool sites;    /* print the sites of atomic accesses */
    bool words;    /* print what atomic writes did to the words that the harness names */
    uint64_t most; /* executions; 0: no bound */
    uint64_t seed;
    uint32_t depth; /* of PCT; 0: uniform */
    bool progress;  /* print the progress to stderr */
    bool weak;      /* weak compare-exchanges may fail spuriously */
    bool wakeups;   /* sleepers may wake spuriously */
    bool ordered_barriers; /* the order of arrivals at barriers is explored */
    bool c11;       /* release sequences of C11, not of C++20 */
    bool callers;   /* the calls that led to an access are shown */
    uint32_t unroll; /* iterations of a loop; 0: no bound */
};

/* How a run ended: DEAD if no choice was consistent, CUT at a limit of the engine. */
enum ending { COMPLETE, STOPPED_BLOCKED, DEAD, CUT, FATAL };

struct control {
    struct options options;
    enum ending ending;
    bool on_fiber; /* the program's stack is in use, not the engine's */
    void *engine_sp;
    uint64_t random;
    /* what was found */
    double weight; /* of the current path, as a share of the whole */
    double done;
    uint64_t executions;
    uint64_t blocked;
    uint64_t dead;
    uint64_t cut;     /* runs that ended at a limit of the engine */
    uint64_t bounded; /* executions in which a loop was not followed any further */
    uint64_t runs;
    uint64_t redundant;
    bool whole_program; /* no harness: its main is explored, too */
    void (*on_progress)(void);       /* prints the progress, now and then */
    void (*on_complete)(void);       /* a harness's look at each complete execution */
    const char *(*word_at)(uint64_t address); /* a harness's name for a word, or NULL */
    void (*print_more)(FILE *file);  /* what a harness adds to an answer */
    void (*on_race)(uint64_t address, int thread, bool write, int other, bool other_writes);
    uint64_t about; /* the address that the next report is about, or 0 */
    bool stop;
    bool refused;
    const char *grow; /* what a larger build of the engine would have room for */
    char refusal[256];
};

extern struct control control;
extern sigjmp_buf refusal_landing;

/* Stops the exploration with a message: the engine cannot explore this program. */
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, if an engine built with more room for `what` could explore it. */
_Noreturn void refuse_for_room(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Switches from the program's stack to the engine's, and never returns. */
_Noreturn void end_run(enum ending ending);

/* A number drawn from 0 to `bound` - 1. */
uint64_t random_below(uint64_t bound);

/* A table with room for at least `needed` entries. */
void *enlarged(void *memory, int *room, int needed, size_t each);

static inline void *grown(void *memory, int *room, int needed, size_t each)
{
    return needed <= *room ? memory : enlarged(memory, room, needed, each);
}

/* Memory that the system provides as it is touched, so that tables need not move. */
void *reserve(size_t bytes);

/* Returns the memory; if there is none, the exploration is refused. */
void *must(void *memory);

#endif
