/* schedule.h - the program's threads, and which of them goes next. */
#ifndef EXPLORER_SCHEDULE_H
#define EXPLORER_SCHEDULE_H

#include "graph.h"

#define STACK_BYTES ((size_t)8 << 20)

enum thread_state { UNUSED, READY, PENDING, WAITS_FOR_WRITE, WAITS_FOR_THREAD, WAITS_AT_BARRIER, BLOCKED, FINISHED };
enum block_reason { NOT_BLOCKED, BY_ASSUME, BY_SPIN, BY_LOCK, BY_CUT };

#define SPIN_MEMORY 64

/* A state in which a thread has read: its stack and registers, see waiting.c. */
struct spin_state {
    uint64_t address; /* of the access */
    uint64_t hash;    /* of a stack that is too large to be kept */
    int executed;     /* events that the thread had executed */
    size_t words;     /* of the stack */
    size_t room;
    uint32_t *stack;
};

/* What memory of a stack holds that was not written yet: a word of 32 bits. */
#define POISON UINT32_C(0xb7d9ebf3)

struct thread {
    void *sp;
    uint8_t *stack;
    int id;
    enum thread_state state;
    enum block_reason blocked;
    int executed;  /* events of the graph that it has executed in this run */
    int waits_for; /* a write's id, or a thread */
    uint64_t woke_at; /* where it slept when it last woke for no reason */
    uint64_t barrier; /* at which it waits last */
    bool (*may_depart)(const struct thread *t); /* WAITS_AT_BARRIER: whether all have arrived */
    bool in_rmw;   /* between the two parts of a read-modify-write */
    int children;
    int parent;
    int nth; /* child of the parent */
    void *(*body)(void *);
    void *argument;
    void *result;
    view hb; /* what happens before its next event */
    view porf;
    view acquired; /* what an acquire fence would add */
    view released; /* what happened before its last release fence */
    struct asymmetric may_acquire; /* what a fence of the other side would add */
    struct asymmetric has_released;
    int spins;
    int spin_from; /* blocked by a spin: the first event of the iteration */
    int priority;  /* random mode */
    uint8_t *low;  /* where it called the engine: below are no variables of functions that go on */
    uint64_t touched_from; /* bytes of its stack that were accessed as memory; none: touched_to is 0 */
    uint64_t touched_to;
    uint64_t foreign_from; /* bytes of its stack that other threads accessed; none: foreign_to is 0 */
    uint64_t foreign_to;
    bool joined;
    struct {
        uint64_t lock;
        int times;
    } reads[16];   /* locks that it holds as a reader */
    int written;   /* of entries in `write` */
    int turns;     /* of entries in `turn` */
    /* last, since what lies beyond the counts means nothing and is not cleared */
    struct {
        uint64_t address;
        size_t size;
        uint8_t before[8]; /* what lay there */
    } write[8];            /* plain writes that may turn out to change nothing */
    struct turn {
        uint64_t place; /* of an access: its instruction and the calls that lead there */
        uint32_t count;
    } turn[64];
    struct spin_state spin[SPIN_MEMORY]; /* states in which it has read since its last effect */
};

struct run {
    struct thread threads[MAX_THREADS];
    int thread_count;
    void (*body)(void); /* of every fiber */
    int current;
    int left;        /* events of the graph not yet executed in this run */
    uint64_t number; /* of the run */
    uint8_t *low;    /* of the current thread, see struct thread */
    uint64_t pc;     /* where it called the engine last */
    bool entered;    /* by a call that is not counted as a step of a loop yet */
    uint64_t steps;  /* of the program in all runs: accesses, calls */
    bool concurrent; /* the first thread was created: accesses are events */
    bool want_checkpoint;
    bool have_checkpoint;
    void *main_sp;             /* of thread 0 at the checkpoint */
    size_t depth[MAX_THREADS]; /* bytes of each stack that were looked at, in any run: they are cleared before each */
};

extern struct run run;

static inline struct thread *self(void)
{
    return &run.threads[run.current];
}

/* schedule.c */
int next_to_add(void);
int next_event(void);
void yield(void);
void yield_to(int thread);
void block_current(enum block_reason reason);
_Noreturn void thread_exit(void *result);
void locate_graph(void);
bool is_alone(void);
bool is_before_now(int thread, int clock);
void had_effect(struct thread *t);
int child_of(int parent, int nth, int named);
void wait_at_barrier(bool (*may_depart)(const struct thread *t));
void reset_threads(void *(*main_body)(void *));
void clear_stack(const struct thread *t, size_t above);

/* waiting.c */
void spin_check(uint64_t address, const void *frame);
void note_write(uint64_t address, size_t size);
void loop_check(void);
bool only_waits_for_the_last(const struct thread *t);

#endif
