/* internal.h - what the explorer's source files share. */
#ifndef EXPLORER_INTERNAL_H
#define EXPLORER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "explorer.h"

#define MAX_THREADS 32
#define MAX_EVENTS 4096 /* of one execution; what is longer is cut, and the exploration not exhaustive */
#define STACK_BYTES ((size_t)1 << 20)
#define INITIAL (-1) /* the initial value of a location, where a write is expected */

/* ------------------------------------------------------------------------------------------------------------ views */

/* How many events of each thread: a set of events that is closed under sequenced-before. */
typedef struct {
    int16_t of[MAX_THREADS];
} view;

static inline void view_join(view *into, const view *other)
{
    typedef int16_t lanes __attribute__((vector_size(16), may_alias, aligned(2)));
    for (int i = 0; i < MAX_THREADS; i += 8) {
        lanes a = *(const lanes *)&into->of[i];
        lanes b = *(const lanes *)&other->of[i];
        lanes m = a > b;
        *(lanes *)&into->of[i] = (a & m) | (b & ~m);
    }
}

/* ------------------------------------------------------------------------------------------------------------- graph */

enum kind { LOAD, STORE, RMW_READ, RMW_WRITE, FENCE, CREATE, JOIN };

/* The orders of __ATOMIC_*, and one for plain accesses. */
enum order { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST, PLAIN };

struct event {
    int32_t rf;       /* reads: the write read from, or INITIAL */
    int32_t loc;      /* location, or -1 */
    int32_t place;    /* writes: place in the location's modification order; -1: not in it now */
    int16_t thread;
    int16_t index;    /* place in its thread */
    uint8_t kind;
    uint8_t order;
    uint8_t failure;  /* of a compare-exchange: the order where it fails */
    bool cas;         /* a read that is an RMW only if it reads `expected` */
    uint64_t value;   /* what it read or wrote */
    uint64_t expected;
    uint64_t pc;
    uint64_t run;     /* the run in which it was last executed */
    view hb;          /* what happens before it, itself included */
    view porf;        /* what it depends on by sequenced-before and reads-from, itself included */
    view message;     /* writes: what a read that acquires learns */
};

struct location {
    uint64_t address;
    uint32_t size;
    uint64_t run;      /* the run in which it was last accessed */
    bool uninitialized; /* that content was never written */
    uint64_t initial;  /* its content before the first atomic access of that run */
    int32_t in_memory; /* the write whose value lies at the address in that run, or INITIAL */
    int32_t unread;    /* a plain write whose value is not known yet, since its store follows the hook; or -1 */
    int32_t *mo;
    int32_t writes;
    int32_t room;
};

enum thread_state { UNUSED, READY, PENDING, WAITS_FOR_WRITE, WAITS_FOR_THREAD, BLOCKED, FINISHED };
enum block_reason { NOT_BLOCKED, BY_ASSUME, BY_SPIN, BY_LOCK, BY_CUT };

#define SPIN_MEMORY 64

struct thread {
    void *sp;
    uint8_t *stack;
    int id;
    enum thread_state state;
    enum block_reason blocked;
    int executed;   /* events of the graph that it has executed in this run */
    int waits_for;  /* a write's id, or a thread */
    bool in_rmw;    /* between the two parts of a read-modify-write */
    int children;
    int parent;
    int nth;        /* child of the parent */
    void *(*body)(void *);
    void *argument;
    void *result;
    view hb;      /* what happens before its next event */
    view porf;
    view acquired; /* what an acquire fence would add */
    view released; /* what happened before its last release fence */
    view start_hb;
    view start_porf;
    int spins;
    int spin_from; /* blocked by a spin: the first event of the iteration */
    int priority;  /* random mode */
    /* last, since what lies beyond `spins` of them means nothing and is not cleared */
    uint64_t spin_state[SPIN_MEMORY]; /* states in which it has read since its last effect */
    int spin_index[SPIN_MEMORY];      /* and how many events it had then */
};

enum mode { EXHAUSTIVE, RANDOM, REPLAY };

struct options {
    enum mode mode;
    bool keep_going;
    bool graphs;
    bool histories;
    bool trace;
    bool dump;          /* print what is left to explore */
    bool sites;         /* print the sites of atomic accesses */
    uint64_t most;      /* executions; 0: no bound */
    uint64_t seed;
    uint32_t depth;     /* of PCT; 0: uniform */
    bool progress;      /* print how far it is to stderr */
};

enum ending { COMPLETE, STOPPED_BLOCKED, DEAD, CUT, FATAL };

struct engine {
    /* the graph */
    struct event *events;
    int n;
    int *by_thread[MAX_THREADS];
    int count[MAX_THREADS];
    struct location *locations;
    int location_count;
    int location_room;
    /* the run */
    struct thread threads[MAX_THREADS];
    int thread_count;
    int current;
    int left;        /* events of the graph not yet executed in this run */
    uint64_t run;
    bool unlocated;  /* the graph came from text, and where its writes lie is not known yet */
    bool concurrent; /* the first thread was created: accesses are events */
    enum ending ending;
    void *engine_sp;
    size_t depth[MAX_THREADS]; /* bytes of each stack that were looked at, in any run: they are cleared before each */
    uint64_t random;
    /* what was found */
    struct options options;
    double weight; /* of the path at hand, as a share of the whole */
    double done;
    uint64_t executions;
    uint64_t blocked;
    uint64_t dead;
    uint64_t cut;
    uint64_t runs;
    uint64_t redundant;
    bool on_fiber; /* the program's stack is in use, not the engine's */
    bool want_checkpoint;
    bool have_checkpoint;
    void *main_sp; /* of thread 0 at the checkpoint */
    void (*on_complete)(void); /* a harness's look at each complete execution */
    void (*print_more)(FILE *file); /* what a harness adds to an answer */
    void (*on_race)(uint64_t address, int thread, bool write, int other, bool other_writes);
    bool stop;
    bool refused;
    char refusal[256];
};

extern struct engine *const X;

/* graph.c */
void graph_reset(void);
uint64_t random_below(uint64_t bound);
void explore(void);
void add_source(const char *text, double weight);
void forget_sources(void);
void locate_graph(void);
void print_progress(void);
bool explored_all(void);
void print_pending(FILE *file);
int location_at(uint64_t address);
void spin_check(uint64_t address, const void *frame);
void had_effect(struct thread *t);
int locate(uint64_t address, uint32_t size);
uint64_t atomic_load_event(uint64_t address, uint32_t size, int order, uint64_t pc);
void atomic_store_event(uint64_t address, uint32_t size, int order, uint64_t value, uint64_t pc);
enum rmw_op { OP_EXCHANGE, OP_ADD, OP_SUB, OP_AND, OP_OR, OP_XOR, OP_NAND };
uint64_t atomic_rmw_event(uint64_t address, uint32_t size, int order, enum rmw_op op, uint64_t operand, uint64_t pc);
bool atomic_cas_event(uint64_t address, uint32_t size, int success, int failure, uint64_t *expected, uint64_t desired,
                      uint64_t pc);
uint64_t await_event(uint64_t address, uint32_t size, int order, uint64_t wanted, bool equal, bool exchange, uint64_t to,
                     uint64_t pc);
void fence_event(int order, uint64_t pc);
void plain_write_to_atomic(int loc, uint64_t pc);
bool races_with_atomics(int loc, bool write, int *with);
int thread_create_event(void *(*body)(void *), void *argument, uint64_t pc);
void *thread_join_event(int thread, uint64_t pc);
void block_current(enum block_reason reason);
bool is_before_now(int thread, int clock);
char *graph_text(void);

/* fiber.c */
void *fiber_make(uint8_t *stack, size_t bytes, void (*body)(void));
void fiber_switch(void **from, void *to); /* from NULL: never to come back */
const uint8_t *fiber_low(const void *fiber); /* below what a fiber uses of its stack */

/* memory.c */
void memory_reset(void);
void memory_checkpoint(void);
void memory_restore(void);
void *heap_allocate(size_t bytes, size_t alignment, bool zero, uint64_t pc);
void heap_free(void *pointer, uint64_t pc);
size_t heap_size(const void *pointer);
void plain_access(uint64_t address, size_t size, bool write, uint64_t pc);
void check_heap(uint64_t address, size_t size, bool write, uint64_t pc);
void check_atomic_race(uint64_t address, uint32_t size, bool write, uint64_t pc);
bool heap_is_initialized(uint64_t address, size_t size);
void heap_set_initialized(uint64_t address, size_t size);
void plain_copy(uint64_t to, uint64_t from, size_t size, uint64_t pc);
void heap_leaks(void);

/* runtime.c */
void run_once(void);
void take_checkpoint(void);
bool is_thread_local(uint64_t address);
void yield_to(int thread);
_Noreturn void end_run(enum ending ending);
_Noreturn void thread_exit(void *result);
void set_weakening(uint64_t pc, bool failure, int order);
void clear_weakenings(void);
void program_begin(int (*body)(void));

/* report.c */
void report(const char *kind, uint64_t pc, uint64_t other_pc, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_reset(void);
int report_errors(void);
void print_errors(FILE *file);
void history_begin(void);
void history_end(void);
void print_histories(FILE *file);
void remember_sites(void);
void print_sites(FILE *file);
void remember_graph(void);
void trace_plain(const char *kind, uint64_t address, size_t size, uint64_t pc);
void trace_event(int id, const char *kind);
void print_trace(FILE *file);
void json_string(FILE *file, const char *text);

#endif
