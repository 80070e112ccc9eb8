/* exits.c - what runs when a thread ends and when the program does: destructors of thread-local and of static variables. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "library.h"

struct handler {
    void (*function)(void *);
    void *argument;
    struct handler *next;
};

/* The handler that was registered last runs first. */
static struct handler *at_exit;
static struct handler *at_end[MAX_THREADS];

static void *allocate(size_t bytes, uint64_t pc)
{
    return must(heap_allocate(bytes, 16, true, pc));
}

static void add(struct handler **list, void (*function)(void *), void *argument, uint64_t pc)
{
    struct handler *added = allocate(sizeof *added, pc);
    *added = (struct handler){.function = function, .argument = argument, .next = *list};
    *list = added;
}

static void run_all(struct handler **list)
{
    while (*list != NULL) {
        struct handler first = **list;
        heap_free(*list, run.pc);
        *list = first.next;
        first.function(first.argument);
    }
}

/* Thread-specific data of POSIX. The threads create keys in one order, which each execution chooses. */
#define MOST_KEYS 32
#define ROUNDS 4 /* PTHREAD_DESTRUCTOR_ITERATIONS */

typedef void destructor(void *);

static destructor *destructors[MOST_KEYS];
static bool deleted[MOST_KEYS];
static void **values[MAX_THREADS]; /* by key, in a block that is allocated for a thread's first value */
static uint32_t created;

static void run_key_destructors(void)
{
    bool again = values[run.current] != NULL;
    for (int round = 0; round < ROUNDS && again; ++round) {
        again = false;
        for (int key = 0; key < MOST_KEYS; ++key) {
            void *value = values[run.current][key];
            values[run.current][key] = NULL;
            if (value != NULL && destructors[key] != NULL && !deleted[key]) {
                destructors[key](value);
                again = true;
            }
        }
    }
    heap_free(values[run.current], run.pc);
    values[run.current] = NULL;
}

static void leave_thread(void)
{
    run_all(&at_end[run.current]);
    run_key_destructors();
}

ENTRY(int, xp___cxa_thread_atexit, void (*function)(void *), void *argument, void *library)
{
    (void)library;
    add(&at_end[run.current], function, argument, PC);
    run.leave = leave_thread;
    return 0;
}

ENTRY(int, xp___cxa_atexit, void (*function)(void *), void *argument, void *library)
{
    (void)library;
    add(&at_exit, function, argument, PC);
    return 0;
}

/* The argument is passed in a register, and a function without parameters ignores it. */
ENTRY(int, xp_atexit, void (*function)(void))
{
    add(&at_exit, (void (*)(void *))(uintptr_t)function, NULL, PC);
    return 0;
}

/* Ends the thread; the others run on: see the list of limits. */
_Noreturn void xp__exit(int status);
_Noreturn void xp__exit(int status)
{
    (void)status;
    thread_end(NULL);
}

_Noreturn void xp_exit(int status);
_Noreturn void xp_exit(int status)
{
    (void)status;
    leave_thread();
    run_all(&at_exit);
    thread_end(NULL);
}

ENTRY(int, xp_pthread_key_create, pthread_key_t *key, void (*function)(void *))
{
    uint64_t pc = PC;
    uint64_t number = atomic_rmw_event((uint64_t)(uintptr_t)&created, sizeof created, RELAXED, OP_ADD, 1, pc);
    if (number >= MOST_KEYS) {
        refuse("more than %d keys of thread-specific data" AT " are not followed", MOST_KEYS, pc);
    }
    destructors[number] = function;
    write_bytes(key, sizeof *key, pc);
    *key = (pthread_key_t)number;
    run.leave = leave_thread;
    return 0;
}

ENTRY(int, xp_pthread_key_delete, pthread_key_t key)
{
    if (key >= MOST_KEYS || deleted[key]) {
        return EINVAL;
    }
    deleted[key] = true;
    return 0;
}

ENTRY(void *, xp_pthread_getspecific, pthread_key_t key)
{
    return key < MOST_KEYS && values[run.current] != NULL ? values[run.current][key] : NULL;
}

ENTRY(int, xp_pthread_setspecific, pthread_key_t key, const void *value)
{
    if (key >= MOST_KEYS || deleted[key]) {
        return EINVAL;
    }
    if (values[run.current] == NULL) {
        values[run.current] = allocate(MOST_KEYS * sizeof(void *), PC);
    }
    values[run.current][key] = (void *)(uintptr_t)value;
    return 0;
}

SAME(xp___cxa_thread_atexit_impl, xp___cxa_thread_atexit);
SAME(xp__Exit, xp__exit);
SAME(xp_quick_exit, xp__exit);
