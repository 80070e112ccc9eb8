/* schedule.h - the program's threads, and which of them runs next. */
#ifndef EXPLORER_SCHEDULE_H
#define EXPLORER_SCHEDULE_H

#include "graph.h"

#define STACK_BYTES ((size_t)8 << 20)
#define STACKS_BASE UINT64_C(0x210000000000)
#define STACKS_APART (2 * (uint64_t)STACK_BYTES) /* between them lies memory that no thread may access */

enum thread_state { UNUSED, READY, PENDING, WAITS_FOR_WRITE, WAITS_FOR_THREAD, WAITS_AT_BARRIER, BLOCKED, FINISHED };
enum block_reason { NOT_BLOCKED, BY_ASSUME, BY_SPIN, BY_LOCK, BY_CUT };

#define SPIN_MEMORY 64

/* The state of a thread at a read: its stack and registers, see waiting.c. */
struct spin_state {
    uint64_t address; /* of the access */
    uint64_t hash;    /* of a stack that is too large to be kept */
    int executed;     /* events that the thread had executed */
    size_t words;     /* of the stack */
    size_t room;
    uint32_t *stack;
};

/* The content of stack memory that was not written yet: a word of 32 bits. */
#define POISON UINT32_C(0xb7d9ebf3)

struct thread {
    void *sp;
    uint8_t *stack;
    int id;
    enum thread_state state;
    enum block_reason blocked;
    int executed;  /* events of the graph that it has executed in this run */
    int waits_for; /* a write's id, or a thread */
    uint64_t woke_at; /* the site at which it last woke spuriously */
    uint64_t barrier; /* at which it waited last */
    bool (*may_depart)(const struct thread *t); /* WAITS_AT_BARRIER: whether all have arrived */
    uint64_t lock; /* that its next event takes, or 0 */
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
    int spins;
    int spin_from; /* blocked by a spin: the first event of the iteration */
    int priority;  /* random mode */
    uint8_t *low;  /* where it called the engine: below lie no variables of functions that have not returned */
    uint64_t touched_from; /* bytes of its stack that were accessed as memory; none: touched_to is 0 */
    uint64_t touched_to;
    uint64_t foreign_from; /* bytes of its stack that other threads accessed; none: foreign_to is 0 */
    uint64_t foreign_to;
    bool joined;
    int reading;   /* of entries in `reads` */
    int written;   /* of entries in `write` */
    int turns;     /* of entries in `turn` */
    /* empty, and not kept by points, until the program executes an asymmetric fence */
    struct asymmetric may_acquire; /* what a fence of the other side would add */
    struct asymmetric has_released;
    uint64_t kept_as; /* the number of its state, if a point keeps that state and it has not changed since; or 0 */
    size_t kept_at;   /* where points keep it */
    /* last, since entries beyond the counts mean nothing and are not cleared */
    struct {
        uint64_t lock;
        int times;
    } reads[16]; /* locks that it holds as a reader, or held */
    struct {
        uint64_t address;
        size_t size;
        uint8_t before[8]; /* the bytes that it overwrites */
    } write[8];            /* plain writes that may turn out to change nothing */
    struct turn {
        uint64_t place; /* of an access: its instruction and the calls that lead there */
        uint32_t count;
    } turn[64];
    struct spin_state spin[SPIN_MEMORY]; /* its states at reads since its last effect */
};

struct run {
    struct thread threads[MAX_THREADS];
    int thread_count;
    void (*body)(void); /* of every fiber */
    void (*leave)(void); /* what a thread does before it ends, or NULL */
    int current;
    int left;        /* events of the graph not yet executed in this run */
    int in_rmw;      /* the thread that is between the parts of a read-modify-write, or -1 */
    uint64_t number; /* of the run */
    uint8_t *low;    /* of the current thread, see struct thread */
    uint64_t pc;     /* where it called the engine last */
    bool entered;    /* by a call that is not counted as a step of a loop yet */
    uint64_t steps;  /* of the program in all runs: accesses, calls */
    bool concurrent; /* the first thread was created: accesses are events */
    bool want_checkpoint;
    bool want_point; /* before the event `point` */
    int point;
    bool resumed; /* this run began at a point */
    bool have_checkpoint;
    void *main_sp;             /* of thread 0 at the checkpoint */
    size_t depth[MAX_THREADS]; /* bytes of each stack that any run has compared: they are cleared before each run */
};

extern struct run run;

static inline struct thread *self(void)
{
    return &run.threads[run.current];
}

/* Called before a thread that does not run is changed: points must keep it again. */
static inline void will_change(struct thread *t)
{
    t->kept_as = 0;
}

/* Whether a thread's event number `clock`, and all that it did before, happens before the current thread's next event. */
static inline bool is_before_now(int thread, int clock)
{
    return thread == run.current || self()->hb.of[thread] > clock;
}

/* Whether the event was executed in this run. */
static inline bool is_executed(const struct event *e)
{
    return e->thread < run.thread_count && e->index < run.threads[e->thread].executed;
}

/* schedule.c */
int next_to_add(void);
int next_event(void);
void yield(void);
void yield_to(int thread);
void block_current(enum block_reason reason);
void wait_for_lock(void);
_Noreturn void thread_exit(void *result);
void locate_graph(void);
bool is_alone(void);
void had_effect(struct thread *t);
int child_of(int parent, int nth, int named);
void wait_at_barrier(bool (*may_depart)(const struct thread *t));
void reset_thread(int id);
void reset_threads(void *(*main_body)(void *));
void give_stack(struct thread *t);
void clear_stack(const struct thread *t, size_t above);

/* The lowest address of a thread's stack that its program wrote, or could read. */
const uint8_t *stack_from(const struct thread *t);

/* waiting.c */
void spin_check(uint64_t address, const void *frame);
void note_write(uint64_t address, size_t size);
void loop_check(void);
bool only_waits_for_the_last(const struct thread *t);
void keep_spins(const struct thread *t);
void take_back_spins(struct thread *t);

#endif
