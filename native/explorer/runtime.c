/*
 * runtime.c - what the instrumented program calls: ThreadSanitizer's entry points, threads, locks, the heap, and the few
 * functions of the C library that an exploration must not really carry out. The names xp_* take the place of the C
 * library's in the program's object files (see symbols.txt).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "internal.h"

static struct engine engine EXPLORER_STATE = {.current = 0};
struct engine *const X = &engine;

static int (*program)(void) EXPLORER_STATE = NULL;
static sigjmp_buf landing EXPLORER_STATE;
static volatile sig_atomic_t landed_by EXPLORER_STATE = 0;
static volatile uint64_t landed_at EXPLORER_STATE = 0; /* the instruction of a crash */
static uint64_t progress_seen EXPLORER_STATE = 0;
static int stuck_ticks EXPLORER_STATE = 0;
static uint8_t *tls_block EXPLORER_STATE = NULL;
static size_t tls_bytes EXPLORER_STATE = 0;
static uint8_t *tls_saved[MAX_THREADS + 1] EXPLORER_STATE = {NULL};

#define LEAST_CLEARED 1024 /* bytes of a stack */

#define PC ((uint64_t)(uintptr_t)__builtin_return_address(0))

/* ------------------------------------------------------------------------------------------------- weakened orders */

struct weakening {
    uint64_t pc;
    int order;
    bool failure;
};

static struct weakening weakenings[16] EXPLORER_STATE = {{0}};
static int weakening_count EXPLORER_STATE = 0;

void clear_weakenings(void)
{
    weakening_count = 0;
}

void set_weakening(uint64_t pc, bool failure, int order)
{
    if (weakening_count == (int)(sizeof weakenings / sizeof *weakenings)) {
        refuse("more than %d sites are weakened at once", weakening_count);
    }
    weakenings[weakening_count++] = (struct weakening){.pc = pc, .order = order, .failure = failure};
}

/* The order that a site has: its own, or what it was weakened to. */
static int order_at(uint64_t pc, int order, bool failure)
{
    for (int i = 0; i < weakening_count; ++i) {
        if (weakenings[i].pc == pc && weakenings[i].failure == failure) {
            return weakenings[i].order;
        }
    }
    return order & 0xff;
}

/* ------------------------------------------------------------------------------------------------------- switching */

static void find_tls(void)
{
#if defined(__x86_64__) || defined(__aarch64__)
    extern const char __ehdr_start[]; /* the linker's */
    const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)(const void *)__ehdr_start;
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)(const void *)(__ehdr_start + file->e_phoff);
    for (int i = 0; i < file->e_phnum; ++i) {
        if (header[i].p_type == PT_TLS && header[i].p_memsz > 0) {
            uintptr_t align = header[i].p_align > 0 ? header[i].p_align : 1;
            uintptr_t tp = (uintptr_t)__builtin_thread_pointer();
            tls_bytes = header[i].p_memsz;
#if defined(__x86_64__)
            tls_block = (uint8_t *)(tp - (tls_bytes + align - 1) / align * align);
#else
            tls_block = (uint8_t *)(tp + (16 + align - 1) / align * align);
#endif
        }
    }
    if (tls_bytes > 0) {
        for (int i = 0; i <= MAX_THREADS; ++i) {
            tls_saved[i] = malloc(tls_bytes);
            if (tls_saved[i] == NULL) {
                refuse("no memory left");
            }
            memcpy(tls_saved[i], tls_block, tls_bytes); /* as it is before the program runs */
        }
    }
#endif
}

/* Thread-local variables of all threads lie at the same addresses: they are put in place when a thread is switched to. */
bool is_thread_local(uint64_t address)
{
    return tls_bytes > 0 && address - (uint64_t)(uintptr_t)tls_block < tls_bytes;
}

/* What an earlier run left on a stack must not decide whether a loop is taken to wait. */
static void clear_stack(const struct thread *t, size_t above)
{
    size_t depth = X->depth[t->id] > LEAST_CLEARED ? X->depth[t->id] : LEAST_CLEARED;
    if (depth > above) {
        memset(t->stack + STACK_BYTES - depth, 0, depth - above);
    }
}

static void fiber_body(void)
{
    struct thread *t = &X->threads[X->current];
    thread_exit(t->body(t->argument));
}

void yield_to(int id)
{
    int from = X->current;
    struct thread *to = &X->threads[id];
    if (id == from) {
        return;
    }
    if (to->sp == NULL) {
        clear_stack(to, 0);
        to->sp = fiber_make(to->stack, STACK_BYTES, fiber_body);
        if (tls_bytes > 0) {
            memcpy(tls_saved[id], tls_saved[MAX_THREADS], tls_bytes);
        }
    }
    if (tls_bytes > 0) {
        memcpy(tls_saved[from], tls_block, tls_bytes);
        memcpy(tls_block, tls_saved[id], tls_bytes);
    }
    X->current = id;
    fiber_switch(&X->threads[from].sp, to->sp);
}

/* Back to the engine, which does not come back. */
_Noreturn void end_run(enum ending ending)
{
    X->ending = ending;
    X->on_fiber = false;
    fiber_switch(NULL, X->engine_sp);
    abort();
}

/* Before the first thread is created: everything up to here is done once, and each execution begins here. */
void take_checkpoint(void)
{
    X->want_checkpoint = true;
    fiber_switch(&X->threads[0].sp, X->engine_sp);
}

static void *main_body(void *unused)
{
    (void)unused;
    (void)program();
    return NULL;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)info;
    if (!X->on_fiber) { /* the engine's own fault, not the program's */
        signal(number, SIG_DFL);
        raise(number);
    }
    landed_by = number;
    landed_at = 0;
#if defined(__x86_64__)
    landed_at = (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] + 1; /* as if it had called */
#elif defined(__aarch64__)
    landed_at = ((const ucontext_t *)context)->uc_mcontext.pc + 1;
#else
    (void)context;
#endif
    siglongjmp(landing, 1);
}

/* The clock of processor time: a program that computes for seconds and reaches no event is taken to hang. */
static void on_tick(int number)
{
    (void)number;
    uint64_t now = X->run + (uint64_t)X->n;
    if (!X->on_fiber || now != progress_seen) {
        progress_seen = now;
        stuck_ticks = 0;
    } else if (++stuck_ticks >= 5) {
        stuck_ticks = 0;
        landed_by = SIGVTALRM;
        siglongjmp(landing, 1);
    }
}

static void prepare(void)
{
    if (X->events != NULL) {
        return;
    }
    X->events = malloc(MAX_EVENTS * sizeof *X->events);
    for (int i = 0; i < MAX_THREADS; ++i) {
        X->by_thread[i] = malloc(MAX_EVENTS * sizeof *X->by_thread[i]);
        if (X->events == NULL || X->by_thread[i] == NULL) {
            refuse("no memory left");
        }
        void *wanted = (void *)(uintptr_t)(UINT64_C(0x210000000000) + (uint64_t)i * 2 * STACK_BYTES);
        X->threads[i].stack = mmap(wanted, STACK_BYTES, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (X->threads[i].stack == MAP_FAILED) {
            refuse("no memory left for the threads' stacks");
        }
    }
    find_tls();
    static uint8_t *handler_stack EXPLORER_STATE = NULL;
    handler_stack = malloc(1 << 16);
    stack_t alternative = {.ss_sp = handler_stack, .ss_size = 1 << 16};
    sigaltstack(&alternative, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO};
    const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; ++i) {
        sigaction(crashes[i], &action, NULL);
    }
    action.sa_handler = on_tick;
    action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESTART;
    sigaction(SIGVTALRM, &action, NULL);
    struct itimerval second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    setitimer(ITIMER_VIRTUAL, &second, NULL);
}

/* Makes `body` the program, with nothing explored. */
void program_begin(int (*body)(void))
{
    prepare();
    program = body;
    X->thread_count = 1;
    X->have_checkpoint = false;
    X->concurrent = false;
    memory_reset();
    graph_reset();
}

static void reset_threads(void)
{
    for (int id = 0; id < X->thread_count; ++id) {
        struct thread *t = &X->threads[id];
        uint8_t *stack = t->stack;
        int parent = t->parent;
        int nth = t->nth;
        int priority = (int)(X->random >> 40 & 0xffff) + 1;
        (void)random_below(1);
        memset(t, 0, offsetof(struct thread, spin_state));
        t->stack = stack;
        t->id = id;
        t->parent = id == 0 ? -1 : parent;
        t->nth = nth;
        t->priority = priority;
    }
    X->threads[0].state = READY;
    X->threads[0].body = main_body;
}

/* Whether a thread that waits would read the same values again for ever. (A test-and-set that waits is followed by its own
 * write, so the value counts, and not the place.) */
static bool only_waits_for_the_last(const struct thread *t)
{
    for (int at = t->spin_from; at < t->executed; ++at) {
        const struct event *e = &X->events[X->by_thread[t->id][at]];
        if (e->kind == LOAD || e->kind == RMW_READ) {
            const struct location *location = &X->locations[e->loc];
            uint64_t last = location->writes == 0 ? location->initial : X->events[location->mo[location->writes - 1]].value;
            if (e->value != last) {
                return false;
            }
        }
    }
    return true;
}

/* A run in which threads wait is a deadlock if each of them has seen the last there is to see. */
static void look_for_deadlock(void)
{
    uint64_t pc = 0;
    for (int id = 0; id < X->thread_count; ++id) {
        const struct thread *t = &X->threads[id];
        if (t->state == FINISHED || t->state == UNUSED || t->state == WAITS_FOR_THREAD) {
            continue;
        }
        if (t->state != BLOCKED || (t->blocked != BY_SPIN && t->blocked != BY_LOCK) || !only_waits_for_the_last(t)) {
            return;
        }
        if (t->executed > 0) {
            pc = X->events[X->by_thread[id][t->executed - 1]].pc;
        }
    }
    report("deadlock", pc, 0, "every thread that has not ended waits for what no thread will do");
}

/* Runs the program once, from its checkpoint if there is one, repeating the graph and extending it. */
void run_once(void)
{
    reset_threads();
    ++X->run;
    X->current = 0;
    X->left = X->n;
    X->ending = FATAL;
    if (X->have_checkpoint) {
        memory_restore();
        X->threads[0].sp = X->main_sp;
        clear_stack(&X->threads[0], (size_t)(X->threads[0].stack + STACK_BYTES - (uint8_t *)X->main_sp));
        X->concurrent = true;
        if (tls_bytes > 0) {
            memcpy(tls_block, tls_saved[0], tls_bytes);
        }
    } else {
        clear_stack(&X->threads[0], 0);
        X->threads[0].sp = fiber_make(X->threads[0].stack, STACK_BYTES, fiber_body);
        X->concurrent = false;
        if (tls_bytes > 0) {
            memcpy(tls_block, tls_saved[MAX_THREADS], tls_bytes);
        }
    }
    history_begin();
    if (sigsetjmp(landing, 0) == 0) {
        for (;;) {
            X->on_fiber = true;
            fiber_switch(&X->engine_sp, X->threads[0].sp);
            X->on_fiber = false;
            if (!X->want_checkpoint) {
                break;
            }
            X->want_checkpoint = false;
            X->have_checkpoint = true;
            X->main_sp = X->threads[0].sp;
            X->concurrent = true;
            if (tls_bytes > 0) {
                memcpy(tls_saved[0], tls_block, tls_bytes);
            }
            memory_checkpoint();
        }
    } else {
        X->on_fiber = false;
        if (landed_by == SIGVTALRM) {
            report("no-progress", 0, 0, "thread %d computes for seconds and comes to no atomic access", X->current);
        } else {
            report("crash", landed_at, 0, "signal %d (%s) in thread %d", (int)landed_by, strsignal(landed_by), X->current);
        }
        X->ending = FATAL;
    }
    locate_graph();
    switch (X->ending) {
    case COMPLETE:
        heap_leaks();
        ++X->executions;
        remember_graph();
        history_end();
        if (X->options.sites) {
            remember_sites();
        }
        if (X->on_complete != NULL) {
            X->on_complete();
        }
        break;
    case STOPPED_BLOCKED:
        ++X->blocked;
        look_for_deadlock();
        break;
    case DEAD:
        ++X->dead;
        break;
    case CUT:
    case FATAL:
        break;
    }
}

/* --------------------------------------------------------------------------------------- ThreadSanitizer's functions */

void __tsan_init(void);
void __tsan_init(void) {}
void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
    (void)pc;
}
void __tsan_func_exit(void);
void __tsan_func_exit(void) {}
void __tsan_vptr_update(void **pointer, void *value);
void __tsan_vptr_update(void **pointer, void *value)
{
    (void)value;
    plain_access((uint64_t)(uintptr_t)pointer, sizeof *pointer, true, PC);
}
void __tsan_vptr_read(void **pointer);
void __tsan_vptr_read(void **pointer)
{
    plain_access((uint64_t)(uintptr_t)pointer, sizeof *pointer, false, PC);
}

#define PLAIN_NAMED(name, size, write)                            \
    void name(void *address);                                     \
    void name(void *address)                                      \
    {                                                             \
        plain_access((uint64_t)(uintptr_t)address, size, write, PC); \
    }
#define PLAIN(size)                                                  \
    PLAIN_NAMED(__tsan_read##size, size, false)                      \
    PLAIN_NAMED(__tsan_write##size, size, true)                      \
    PLAIN_NAMED(__tsan_unaligned_read##size, size, false)            \
    PLAIN_NAMED(__tsan_unaligned_write##size, size, true)            \
    PLAIN_NAMED(__tsan_volatile_read##size, size, false)             \
    PLAIN_NAMED(__tsan_volatile_write##size, size, true)             \
    PLAIN_NAMED(__tsan_unaligned_volatile_read##size, size, false)   \
    PLAIN_NAMED(__tsan_unaligned_volatile_write##size, size, true)   \
    void __tsan_read_write##size(void *address);                     \
    void __tsan_read_write##size(void *address)                      \
    {                                                                \
        plain_access((uint64_t)(uintptr_t)address, size, false, PC); \
        plain_access((uint64_t)(uintptr_t)address, size, true, PC);  \
    }                                                                \
    void __tsan_unaligned_read_write##size(void *address);           \
    void __tsan_unaligned_read_write##size(void *address)            \
    {                                                                \
        plain_access((uint64_t)(uintptr_t)address, size, false, PC); \
        plain_access((uint64_t)(uintptr_t)address, size, true, PC);  \
    }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *address, size_t size);
void __tsan_read_range(void *address, size_t size)
{
    plain_access((uint64_t)(uintptr_t)address, size, false, PC);
}
void __tsan_write_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size)
{
    plain_access((uint64_t)(uintptr_t)address, size, true, PC);
}

/* Where the caller's registers were pushed, so that a look at the stack from here up sees them as well. */
#if defined(__x86_64__)
#define SAVED_REGISTERS 40 /* r15 to r12 and rbx, below the frame pointer */
#else
#define SAVED_REGISTERS 0
#endif
#define SPIN_POINT(address)     \
    __builtin_unwind_init();    \
    spin_check((uint64_t)(uintptr_t)(address), (const uint8_t *)__builtin_frame_address(0) - SAVED_REGISTERS)

/* What a compare-exchange expects is read, and written where it fails, by the instruction itself: a plain access that no
 * call tells of. On the thread's own stack nobody else looks at it. */
static uint64_t expected_value(const void *expected, uint32_t size, bool write, uint64_t pc)
{
    uint64_t address = (uint64_t)(uintptr_t)expected;
    uint64_t value = 0;
    if (address - (uint64_t)(uintptr_t)X->threads[X->current].stack >= STACK_BYTES) {
        plain_access(address, size, write, pc);
    }
    memcpy(&value, expected, size);
    return value;
}

#define FETCH(bits, name, op)                                                                                       \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, uint##bits##_t operand, int order); \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, uint##bits##_t operand, int order)  \
    {                                                                                                               \
        uint64_t pc = PC;                                                                                           \
        SPIN_POINT(address);                                                                                        \
        return (uint##bits##_t)atomic_rmw_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, order, false), op, \
                                                operand, pc);                                                       \
    }

#define ATOMICS(bits)                                                                                                \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, int order);                    \
    uint##bits##_t __tsan_atomic##bits##_load(                    \
        const volatile uint##bits##_t *address, int order)                                                           \
    {                                                                                                                \
        uint64_t pc = PC;                                                                                            \
        SPIN_POINT(address);                                                                                         \
        return (uint##bits##_t)atomic_load_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, order, false), \
                                                 pc);                                                                \
    }                                                                                                                \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, int order);             \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, int order)              \
    {                                                                                                                \
        uint64_t pc = PC;                                                                                            \
        atomic_store_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, order, false), value, pc);           \
    }                                                                                                                \
    FETCH(bits, exchange, OP_EXCHANGE)                                                                               \
    FETCH(bits, fetch_add, OP_ADD)                                                                                   \
    FETCH(bits, fetch_sub, OP_SUB)                                                                                   \
    FETCH(bits, fetch_and, OP_AND)                                                                                   \
    FETCH(bits, fetch_or, OP_OR)                                                                                     \
    FETCH(bits, fetch_xor, OP_XOR)                                                                                   \
    FETCH(bits, fetch_nand, OP_NAND)                                                                                 \
    int __tsan_atomic##bits##_compare_exchange_strong(volatile uint##bits##_t *address, uint##bits##_t *expected,    \
                                                      uint##bits##_t desired, int success, int failure);             \
    int __tsan_atomic##bits##_compare_exchange_strong(            \
        volatile uint##bits##_t *address, uint##bits##_t *expected, uint##bits##_t desired, int success, int failure) \
    {                                                                                                                \
        uint64_t pc = PC;                                                                                            \
        uint64_t old = expected_value(expected, bits / 8, false, pc);                                                \
        SPIN_POINT(address);                                                                                         \
        if (atomic_cas_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, success, false),                   \
                             order_at(pc, failure, true), &old, desired, pc)) {                               \
            return 1;                                                                                                \
        }                                                                                                            \
        (void)expected_value(expected, bits / 8, true, pc);                                                          \
        *expected = (uint##bits##_t)old;                                                                             \
        return 0;                                                                                                    \
    }                                                                                                                \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *address,                      \
                                                              uint##bits##_t expected, uint##bits##_t desired,       \
                                                              int success, int failure);                             \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(    \
        volatile uint##bits##_t *address, uint##bits##_t expected, uint##bits##_t desired, int success, int failure) \
    {                                                                                                                \
        uint64_t pc = PC;                                                                                            \
        uint64_t old = expected;                                                                                     \
        SPIN_POINT(address);                                                                                         \
        (void)atomic_cas_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, success, false),                 \
                               order_at(pc, failure, true), &old, desired, pc);                               \
        return (uint##bits##_t)old;                                                                                  \
    }
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    uint64_t pc = PC;
    fence_event(order_at(pc, order, false), pc);
}
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    (void)order; /* one thread and its signals: nothing here interrupts a thread */
}

void *xp_memcpy(void *to, const void *from, size_t size);
void *xp_memcpy(void *to, const void *from, size_t size)
{
    plain_copy((uint64_t)(uintptr_t)to, (uint64_t)(uintptr_t)from, size, PC);
    return to;
}
void *xp_memset(void *to, int value, size_t size);
void *xp_memset(void *to, int value, size_t size)
{
    plain_access((uint64_t)(uintptr_t)to, size, true, PC);
    return memset(to, value, size);
}
int xp_memcmp(const void *a, const void *b, size_t size);
int xp_memcmp(const void *a, const void *b, size_t size)
{
    plain_access((uint64_t)(uintptr_t)a, size, false, PC);
    plain_access((uint64_t)(uintptr_t)b, size, false, PC);
    return memcmp(a, b, size);
}

/* Each thread's own, as the system's, of which all of them would have the same. */
static int error_numbers[MAX_THREADS];

int *xp_errno_location(void);
int *xp_errno_location(void)
{
    return &error_numbers[X->current];
}

/* ------------------------------------------------------------------------------------------------------------- heap */

void *xp_malloc(size_t bytes);
void *xp_malloc(size_t bytes)
{
    return heap_allocate(bytes, 16, false, PC);
}
void *xp_calloc(size_t count, size_t each);
void *xp_calloc(size_t count, size_t each)
{
    if (each != 0 && count > SIZE_MAX / each) {
        return NULL;
    }
    return heap_allocate(count * each, 16, true, PC);
}
void *xp_aligned_alloc(size_t alignment, size_t bytes);
void *xp_aligned_alloc(size_t alignment, size_t bytes)
{
    return heap_allocate(bytes, alignment, false, PC);
}
int xp_posix_memalign(void **pointer, size_t alignment, size_t bytes);
int xp_posix_memalign(void **pointer, size_t alignment, size_t bytes)
{
    *pointer = heap_allocate(bytes, alignment, false, PC);
    return *pointer == NULL ? ENOMEM : 0;
}
void xp_free(void *pointer);
void xp_free(void *pointer)
{
    heap_free(pointer, PC);
}
void *xp_realloc(void *pointer, size_t bytes);
void *xp_realloc(void *pointer, size_t bytes)
{
    uint64_t pc = PC;
    void *larger = heap_allocate(bytes, 16, false, pc);
    if (larger != NULL && pointer != NULL) {
        size_t old = heap_size(pointer);
        plain_copy((uint64_t)(uintptr_t)larger, (uint64_t)(uintptr_t)pointer, old < bytes ? old : bytes, pc);
        heap_free(pointer, pc);
    }
    return larger;
}
char *xp_strdup(const char *text);
char *xp_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    uint64_t pc = PC;
    char *copy = heap_allocate(bytes, 16, false, pc);
    if (copy != NULL) {
        plain_copy((uint64_t)(uintptr_t)copy, (uint64_t)(uintptr_t)text, bytes, pc);
    }
    return copy;
}

/* ---------------------------------------------------------------------------------------------------------- threads */

static int thread_number(uint64_t handle)
{
    if (handle == 0 || handle > (uint64_t)X->thread_count) {
        refuse("a thread handle names no thread");
    }
    return (int)handle - 1;
}

int xp_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument);
int xp_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    (void)attributes;
    uint64_t pc = PC;
    uint64_t handle = (uint64_t)thread_create_event(body, argument, pc) + 1;
    if (thread != NULL) {
        plain_access((uint64_t)(uintptr_t)thread, sizeof *thread, true, pc);
        memcpy(thread, &handle, sizeof handle);
    }
    return 0;
}
int xp_pthread_join(pthread_t thread, void **result);
int xp_pthread_join(pthread_t thread, void **result)
{
    uint64_t handle = 0;
    memcpy(&handle, &thread, sizeof handle);
    void *value = thread_join_event(thread_number(handle), PC);
    if (result != NULL) {
        *result = value;
    }
    return 0;
}
_Noreturn void xp_pthread_exit(void *result);
_Noreturn void xp_pthread_exit(void *result)
{
    thread_exit(result);
}
pthread_t xp_pthread_self(void);
pthread_t xp_pthread_self(void)
{
    uint64_t handle = (uint64_t)X->current + 1;
    pthread_t self = 0;
    memcpy(&self, &handle, sizeof handle);
    return self;
}
int xp_pthread_detach(pthread_t thread);
int xp_pthread_detach(pthread_t thread)
{
    (void)thread;
    return 0;
}
int xp_nothing(void);
int xp_nothing(void)
{
    return 0;
}
int xp_thrd_create(pthread_t *thread, int (*body)(void *), void *argument);
int xp_thrd_create(pthread_t *thread, int (*body)(void *), void *argument)
{
    uint64_t pc = PC;
    void *(*as_pthread)(void *) = NULL; /* the result comes back in the same register */
    memcpy(&as_pthread, &body, sizeof as_pthread);
    uint64_t handle = (uint64_t)thread_create_event(as_pthread, argument, pc) + 1;
    plain_access((uint64_t)(uintptr_t)thread, sizeof *thread, true, pc);
    memcpy(thread, &handle, sizeof handle);
    return 0;
}
int xp_thrd_join(pthread_t thread, int *result);
int xp_thrd_join(pthread_t thread, int *result)
{
    uint64_t handle = 0;
    memcpy(&handle, &thread, sizeof handle);
    void *value = thread_join_event(thread_number(handle), PC);
    if (result != NULL) {
        *result = (int)(intptr_t)value;
    }
    return 0;
}
_Noreturn void xp_thrd_exit(int result);
_Noreturn void xp_thrd_exit(int result)
{
    thread_exit((void *)(intptr_t)result);
}

/* ------------------------------------------------------------------------------------------------------------ locks */

/* A mutex, or a spin lock, is its first four bytes: 0 where it is free. */
static void lock(uint64_t address, uint64_t pc)
{
    await_event(address, 4, ACQUIRE, 0, true, true, 1, pc);
}
int xp_mutex_init(void *mutex, const void *attributes);
int xp_mutex_init(void *mutex, const void *attributes)
{
    (void)attributes;
    plain_access((uint64_t)(uintptr_t)mutex, 4, true, PC);
    memset(mutex, 0, 4);
    return 0;
}
int xp_mutex_lock(void *mutex);
int xp_mutex_lock(void *mutex)
{
    lock((uint64_t)(uintptr_t)mutex, PC);
    return 0;
}
static int trylock(void *mutex, uint64_t pc, int busy)
{
    uint64_t expected = 0;
    return atomic_cas_event((uint64_t)(uintptr_t)mutex, 4, ACQUIRE, RELAXED, &expected, 1, pc) ? 0 : busy;
}
int xp_mutex_trylock(void *mutex);
int xp_mutex_trylock(void *mutex)
{
    SPIN_POINT(mutex);
    return trylock(mutex, PC, EBUSY);
}
int xp_mtx_trylock(void *mutex);
int xp_mtx_trylock(void *mutex)
{
    SPIN_POINT(mutex);
    return trylock(mutex, PC, 1 /* thrd_busy */);
}
int xp_mutex_unlock(void *mutex);
int xp_mutex_unlock(void *mutex)
{
    atomic_store_event((uint64_t)(uintptr_t)mutex, 4, RELEASE, 0, PC);
    return 0;
}
int xp_mtx_init(void *mutex, int type);
int xp_mtx_init(void *mutex, int type)
{
    if ((type & 1 /* mtx_recursive */) != 0) {
        refuse("recursive mutexes are not followed");
    }
    plain_access((uint64_t)(uintptr_t)mutex, 4, true, PC);
    memset(mutex, 0, 4);
    return 0;
}

/* A condition variable counts its signals, and who waits awaits another count. Each signal wakes all, which POSIX and C11
 * allow: waits may end for no reason. */
int xp_cond_init(void *condition, const void *attributes);
int xp_cond_init(void *condition, const void *attributes)
{
    (void)attributes;
    plain_access((uint64_t)(uintptr_t)condition, 4, true, PC);
    memset(condition, 0, 4);
    return 0;
}
int xp_cond_wait(void *condition, void *mutex);
int xp_cond_wait(void *condition, void *mutex)
{
    uint64_t pc = PC;
    uint64_t seen = atomic_load_event((uint64_t)(uintptr_t)condition, 4, RELAXED, pc);
    atomic_store_event((uint64_t)(uintptr_t)mutex, 4, RELEASE, 0, pc);
    await_event((uint64_t)(uintptr_t)condition, 4, RELAXED, seen, false, false, 0, pc);
    lock((uint64_t)(uintptr_t)mutex, pc);
    return 0;
}
int xp_cond_signal(void *condition);
int xp_cond_signal(void *condition)
{
    atomic_rmw_event((uint64_t)(uintptr_t)condition, 4, RELAXED, OP_ADD, 1, PC);
    return 0;
}

/* A lock for readers and writers is a count of readers, or all ones for a writer. */
int xp_rwlock_rdlock(void *rwlock);
int xp_rwlock_rdlock(void *rwlock)
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)rwlock;
    for (;;) {
        uint64_t seen = await_event(address, 4, RELAXED, UINT32_MAX, false, false, 0, pc);
        if (atomic_cas_event(address, 4, ACQUIRE, RELAXED, &seen, seen + 1, pc)) {
            return 0;
        }
    }
}
int xp_rwlock_wrlock(void *rwlock);
int xp_rwlock_wrlock(void *rwlock)
{
    await_event((uint64_t)(uintptr_t)rwlock, 4, ACQUIRE, 0, true, true, UINT32_MAX, PC);
    return 0;
}
int xp_rwlock_unlock(void *rwlock);
int xp_rwlock_unlock(void *rwlock)
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)rwlock;
    uint64_t seen = UINT32_MAX;
    if (!atomic_cas_event(address, 4, RELEASE, RELAXED, &seen, 0, pc)) {
        atomic_rmw_event(address, 4, RELEASE, OP_SUB, 1, pc);
    }
    return 0;
}

/* A wait for so long: whether the time is up is open while the condition is not signalled. */
int xp_cond_timedwait(void *condition, void *mutex, const struct timespec *until);
int xp_cond_timedwait(void *condition, void *mutex, const struct timespec *until)
{
    (void)until;
    uint64_t pc = PC;
    uint64_t seen = atomic_load_event((uint64_t)(uintptr_t)condition, 4, RELAXED, pc);
    atomic_store_event((uint64_t)(uintptr_t)mutex, 4, RELEASE, 0, pc);
    bool up = atomic_load_event((uint64_t)(uintptr_t)condition, 4, RELAXED, pc) == seen;
    lock((uint64_t)(uintptr_t)mutex, pc);
    return up ? ETIMEDOUT : 0;
}
int xp_cnd_timedwait(void *condition, void *mutex, const struct timespec *until);
int xp_cnd_timedwait(void *condition, void *mutex, const struct timespec *until)
{
    return xp_cond_timedwait(condition, mutex, until) == 0 ? 0 : 4 /* thrd_timedout */;
}
int xp_mutex_timedlock(void *mutex, const struct timespec *until);
int xp_mutex_timedlock(void *mutex, const struct timespec *until)
{
    (void)until;
    return trylock(mutex, PC, ETIMEDOUT);
}
int xp_mtx_timedlock(void *mutex, const struct timespec *until);
int xp_mtx_timedlock(void *mutex, const struct timespec *until)
{
    (void)until;
    return trylock(mutex, PC, 4 /* thrd_timedout */);
}

/* Takes one from, or adds one to, a count that is not `none`; as often as others change it in between. */
static bool count_on(uint64_t address, uint64_t none, uint64_t more, uint64_t pc)
{
    uint64_t seen = atomic_load_event(address, 4, RELAXED, pc);
    while (seen != none) {
        if (atomic_cas_event(address, 4, ACQUIRE, RELAXED, &seen, seen + more, pc)) {
            return true;
        }
    }
    return false;
}
int xp_rwlock_tryrdlock(void *rwlock);
int xp_rwlock_tryrdlock(void *rwlock)
{
    SPIN_POINT(rwlock);
    return count_on((uint64_t)(uintptr_t)rwlock, UINT32_MAX, 1, PC) ? 0 : EBUSY;
}
int xp_rwlock_trywrlock(void *rwlock);
int xp_rwlock_trywrlock(void *rwlock)
{
    uint64_t seen = 0;
    SPIN_POINT(rwlock);
    return atomic_cas_event((uint64_t)(uintptr_t)rwlock, 4, ACQUIRE, RELAXED, &seen, UINT32_MAX, PC) ? 0 : EBUSY;
}

/* A semaphore is a count. */
int xp_sem_init(void *semaphore, int shared, unsigned value);
int xp_sem_init(void *semaphore, int shared, unsigned value)
{
    (void)shared;
    uint32_t count = value;
    plain_access((uint64_t)(uintptr_t)semaphore, 4, true, PC);
    memcpy(semaphore, &count, 4);
    return 0;
}
int xp_sem_wait(void *semaphore);
int xp_sem_wait(void *semaphore)
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)semaphore;
    for (;;) {
        uint64_t seen = await_event(address, 4, RELAXED, 0, false, false, 0, pc);
        if (atomic_cas_event(address, 4, ACQUIRE, RELAXED, &seen, seen - 1, pc)) {
            return 0;
        }
    }
}
int xp_sem_trywait(void *semaphore);
int xp_sem_trywait(void *semaphore)
{
    SPIN_POINT(semaphore);
    if (count_on((uint64_t)(uintptr_t)semaphore, 0, UINT32_MAX, PC)) {
        return 0;
    }
    *xp_errno_location() = EAGAIN;
    return -1;
}
int xp_sem_post(void *semaphore);
int xp_sem_post(void *semaphore)
{
    atomic_rmw_event((uint64_t)(uintptr_t)semaphore, 4, RELEASE, OP_ADD, 1, PC);
    return 0;
}

int xp_pthread_mutexattr_settype(void *attributes, int type);
int xp_pthread_mutexattr_settype(void *attributes, int type)
{
    (void)attributes;
    if (type != PTHREAD_MUTEX_NORMAL) {
        refuse("mutexes of other types than PTHREAD_MUTEX_NORMAL are not followed");
    }
    return 0;
}

/* What would have an effect that no execution shows. */
#define REFUSED(name)                                                   \
    _Noreturn void xp_##name(void);                                     \
    _Noreturn void xp_##name(void)                                      \
    {                                                                   \
        refuse("the program calls " #name "(), which is not followed"); \
    }
REFUSED(pthread_cancel)
REFUSED(pthread_kill)
REFUSED(pthread_key_create)
REFUSED(pthread_setspecific)
REFUSED(pthread_rwlock_timedrdlock)
REFUSED(pthread_rwlock_timedwrlock)
REFUSED(tss_create)
REFUSED(tss_set)
REFUSED(sem_open)
REFUSED(sem_timedwait)
REFUSED(fork)

/* pthread_once and call_once: 0 at first, 1 while it is carried out, 2 when it is done. */
int xp_once(void *flag, void (*body)(void));
int xp_once(void *flag, void (*body)(void))
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)flag;
    uint64_t seen = 0;
    if (atomic_cas_event(address, 4, ACQUIRE, ACQUIRE, &seen, 1, pc)) {
        body();
        atomic_store_event(address, 4, RELEASE, 2, pc);
    } else if (seen != 2) {
        await_event(address, 4, ACQUIRE, 2, true, false, 0, pc);
    }
    return 0;
}

/* A barrier: in its first four bytes how many have come, in the next four how many it is for, in the next how often it was
 * passed. */
int xp_barrier_init(void *barrier, const void *attributes, unsigned count);
int xp_barrier_init(void *barrier, const void *attributes, unsigned count)
{
    (void)attributes;
    uint32_t words[3] = {0, count, 0};
    plain_access((uint64_t)(uintptr_t)barrier, sizeof words, true, PC);
    memcpy(barrier, words, sizeof words);
    return 0;
}
int xp_barrier_wait(void *barrier);
int xp_barrier_wait(void *barrier)
{
    uint64_t pc = PC;
    uint64_t address = (uint64_t)(uintptr_t)barrier;
    uint32_t count = 0;
    plain_access(address + 4, 4, false, pc);
    memcpy(&count, (const uint8_t *)barrier + 4, 4);
    uint64_t came = atomic_rmw_event(address, 4, ACQ_REL, OP_ADD, 1, pc) + 1;
    uint64_t round = (came - 1) / count;
    if (came % count == 0) {
        atomic_store_event(address + 8, 4, RELEASE, round + 1, pc);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    (void)await_event(address + 8, 4, ACQUIRE, round + 1, true, false, 0, pc);
    return 0;
}

/* ---------------------------------------------------------------------------------------------- the system's own calls */

static bool membarrier_offered EXPLORER_STATE = true;

void explorer_membarrier(bool offered)
{
    membarrier_offered = offered;
}

/* FUTEX_WAIT sleeps while a word has a value: who waits awaits another value, so that each change of the word wakes all,
 * which Linux allows: a wait may end for no reason. Where there is a time to end, it may be up while the value is still
 * the same. FUTEX_WAKE has nothing to do. */
static long futex(_Atomic uint32_t *word, int operation, uint32_t value, const void *time, uint64_t pc)
{
    uint64_t address = (uint64_t)(uintptr_t)word;
    int command = operation & FUTEX_CMD_MASK;
    if (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET) {
        return 0;
    }
    if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET) {
        refuse("futex operation %d is not followed", command);
    }
    if (time == NULL) {
        await_event(address, 4, RELAXED, value, false, false, 0, pc);
        return 0;
    }
    *xp_errno_location() = atomic_load_event(address, 4, RELAXED, pc) == value ? ETIMEDOUT : EAGAIN;
    return -1;
}

long xp_syscall(long number, ...);
long xp_syscall(long number, ...)
{
    uint64_t pc = PC;
    va_list arguments;
    va_start(arguments, number);
    long result = 0;
    if (number == SYS_futex) {
        _Atomic uint32_t *word = va_arg(arguments, _Atomic uint32_t *);
        int operation = va_arg(arguments, int);
        uint32_t value = va_arg(arguments, uint32_t);
        result = futex(word, operation, value, va_arg(arguments, const void *), pc);
    } else if (number == SYS_membarrier) {
        if (!membarrier_offered) {
            *xp_errno_location() = ENOSYS;
            result = -1;
        } else if (va_arg(arguments, int) == MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
            refuse("the program calls membarrier() for a fence of all threads, which no graph has");
        }
    } else {
        refuse("the program makes system call %ld, which is not followed", number);
    }
    va_end(arguments);
    return result;
}

/* An eventfd is a count, which reads and writes pass on in order, as the lock does that the kernel holds for them. Its
 * number is above those that the system gives; every other file is the system's. */
#define FIRST_EVENTFD (1 << 20)
#define MOST_EVENTFDS 8
static uint32_t eventfd_counts[MOST_EVENTFDS];
static uint32_t eventfds;

static uint64_t eventfd_at(int descriptor)
{
    int number = descriptor - FIRST_EVENTFD;
    return number >= 0 && number < MOST_EVENTFDS ? (uint64_t)(uintptr_t)&eventfd_counts[number] : 0;
}

int xp_eventfd(unsigned count, int flags);
int xp_eventfd(unsigned count, int flags)
{
    uint64_t number = atomic_rmw_event((uint64_t)(uintptr_t)&eventfds, 4, RELAXED, OP_ADD, 1, PC);
    if (count != 0 || (flags & (EFD_NONBLOCK | EFD_SEMAPHORE)) != EFD_NONBLOCK || number >= MOST_EVENTFDS) {
        refuse("an eventfd that blocks or is a semaphore, or more than %d of them, are not followed", MOST_EVENTFDS);
    }
    return FIRST_EVENTFD + (int)number;
}

ssize_t xp_read(int descriptor, void *to, size_t size);
ssize_t xp_read(int descriptor, void *to, size_t size)
{
    uint64_t address = eventfd_at(descriptor);
    if (address == 0) {
        ssize_t got = read(descriptor, to, size);
        *xp_errno_location() = errno;
        return got;
    }
    uint64_t pc = PC;
    uint64_t count = atomic_rmw_event(address, 4, ACQUIRE, OP_EXCHANGE, 0, pc);
    plain_access((uint64_t)(uintptr_t)to, sizeof count, true, pc);
    memcpy(to, &count, sizeof count);
    if (count == 0) {
        *xp_errno_location() = EAGAIN;
        return -1;
    }
    return (ssize_t)sizeof count;
}

ssize_t xp_write(int descriptor, const void *from, size_t size);
ssize_t xp_write(int descriptor, const void *from, size_t size)
{
    uint64_t address = eventfd_at(descriptor);
    if (address == 0) {
        ssize_t put = write(descriptor, from, size);
        *xp_errno_location() = errno;
        return put;
    }
    uint64_t count = 0;
    plain_access((uint64_t)(uintptr_t)from, sizeof count, false, PC);
    memcpy(&count, from, sizeof count);
    atomic_rmw_event(address, 4, RELEASE, OP_ADD, count, PC);
    return (ssize_t)sizeof count;
}

int xp_close(int descriptor);
int xp_close(int descriptor)
{
    int result = eventfd_at(descriptor) != 0 ? 0 : close(descriptor);
    *xp_errno_location() = errno;
    return result;
}

/* Waits for ever, for one eventfd. */
int xp_poll(struct pollfd *asked, nfds_t count, int milliseconds);
int xp_poll(struct pollfd *asked, nfds_t count, int milliseconds)
{
    uint64_t address = count == 1 ? eventfd_at(asked->fd) : 0;
    if (address == 0 || milliseconds >= 0) {
        refuse("poll() is followed for one eventfd, and without a time to end");
    }
    await_event(address, 4, ACQUIRE, 0, false, false, 0, PC);
    asked->revents = POLLIN;
    return 1;
}

/* --------------------------------------------------------------------------------------- the rest of the C library */

void __VERIFIER_assume(int condition);
void __VERIFIER_assume(int condition)
{
    if (condition == 0) {
        if (!X->concurrent) {
            end_run(STOPPED_BLOCKED);
        }
        block_current(BY_ASSUME);
    }
}

/* What the programs of SV-COMP define by way of abort(); theirs are made weak, and this one stands. */
void assume_abort_if_not(int condition);
void assume_abort_if_not(int condition)
{
    __VERIFIER_assume(condition);
}

static _Noreturn void failed(const char *kind, uint64_t pc, const char *message)
{
    report(kind, pc, 0, "%s", message);
    thread_exit(NULL); /* where the exploration keeps going, the other threads run on */
}
_Noreturn void __VERIFIER_error(void);
_Noreturn void __VERIFIER_error(void)
{
    failed("assertion", PC, "__VERIFIER_error() was reached");
}
_Noreturn void xp_assert_fail(const char *expression, const char *file, unsigned line, const char *function);
_Noreturn void xp_assert_fail(const char *expression, const char *file, unsigned line, const char *function)
{
    (void)file;
    (void)line;
    (void)function;
    char message[256];
    snprintf(message, sizeof message, "assert(%s) failed", expression);
    failed("assertion", PC, message);
}
_Noreturn void xp_abort(void);
_Noreturn void xp_abort(void)
{
    failed("abort", PC, "abort() was called");
}
_Noreturn void xp_exit(int status);
_Noreturn void xp_exit(int status)
{
    (void)status;
    thread_exit(NULL); /* as where main returns: the other threads run on */
}
/* What the program prints is printed once an execution, and of no use here. */
int xp_printf(const char *format, ...);
int xp_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

/* Atomics of 16 bytes, and those that a library makes of a lock. */
_Noreturn void xp_wide_atomic(void);
_Noreturn void xp_wide_atomic(void)
{
    refuse("atomic access of more than 8 bytes: the explorer follows 1, 2, 4 and 8");
}

/* Functions that are alike share one; symbols.txt needs a name for each. */
#define SAME(name, as) __asm__(".globl " #name "\n.set " #name ", " #as)
SAME(__tsan_atomic128_load, xp_wide_atomic);
SAME(__tsan_atomic128_store, xp_wide_atomic);
SAME(__tsan_atomic128_exchange, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_add, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_sub, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_and, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_or, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_xor, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_nand, xp_wide_atomic);
SAME(__tsan_atomic128_compare_exchange_strong, xp_wide_atomic);
SAME(__tsan_atomic128_compare_exchange_weak, xp_wide_atomic);
SAME(__tsan_atomic128_compare_exchange_val, xp_wide_atomic);
SAME(xp_wide_load, xp_wide_atomic);
SAME(xp_wide_store, xp_wide_atomic);
SAME(xp_wide_exchange, xp_wide_atomic);
SAME(xp_wide_compare_exchange, xp_wide_atomic);
SAME(xp_memalign, xp_aligned_alloc);
SAME(xp___memcpy_chk, xp_memcpy);
SAME(xp___memmove_chk, xp_memmove);
SAME(xp___memset_chk, xp_memset);
SAME(xp_pthread_mutex_init, xp_mutex_init);
SAME(xp_pthread_mutex_destroy, xp_nothing);
SAME(xp_pthread_mutex_lock, xp_mutex_lock);
SAME(xp_pthread_mutex_trylock, xp_mutex_trylock);
SAME(xp_pthread_mutex_unlock, xp_mutex_unlock);
SAME(xp_pthread_spin_init, xp_mtx_init);
SAME(xp_pthread_spin_destroy, xp_nothing);
SAME(xp_pthread_spin_lock, xp_mutex_lock);
SAME(xp_pthread_spin_trylock, xp_mutex_trylock);
SAME(xp_pthread_spin_unlock, xp_mutex_unlock);
SAME(xp_pthread_cond_init, xp_cond_init);
SAME(xp_pthread_cond_destroy, xp_nothing);
SAME(xp_pthread_cond_wait, xp_cond_wait);
SAME(xp_pthread_cond_signal, xp_cond_signal);
SAME(xp_pthread_cond_broadcast, xp_cond_signal);
SAME(xp_pthread_rwlock_init, xp_mutex_init);
SAME(xp_pthread_rwlock_destroy, xp_nothing);
SAME(xp_pthread_rwlock_rdlock, xp_rwlock_rdlock);
SAME(xp_pthread_rwlock_wrlock, xp_rwlock_wrlock);
SAME(xp_pthread_rwlock_unlock, xp_rwlock_unlock);
SAME(xp_pthread_once, xp_once);
SAME(xp_pthread_barrier_init, xp_barrier_init);
SAME(xp_pthread_barrier_destroy, xp_nothing);
SAME(xp_pthread_barrier_wait, xp_barrier_wait);
SAME(xp_pthread_attr_init, xp_nothing);
SAME(xp_pthread_attr_destroy, xp_nothing);
SAME(xp_pthread_attr_setdetachstate, xp_nothing);
SAME(xp_pthread_mutexattr_init, xp_nothing);
SAME(xp_pthread_mutexattr_destroy, xp_nothing);
SAME(xp_pthread_yield, xp_nothing);
SAME(xp_pthread_mutex_timedlock, xp_mutex_timedlock);
SAME(xp_pthread_cond_timedwait, xp_cond_timedwait);
SAME(xp_pthread_rwlock_tryrdlock, xp_rwlock_tryrdlock);
SAME(xp_pthread_rwlock_trywrlock, xp_rwlock_trywrlock);
SAME(xp_sem_destroy, xp_nothing);
SAME(xp_thrd_current, xp_pthread_self);
SAME(xp_thrd_detach, xp_pthread_detach);
SAME(xp_thrd_yield, xp_nothing);
SAME(xp_thrd_sleep, xp_nothing);
SAME(xp_mtx_destroy, xp_nothing);
SAME(xp_mtx_lock, xp_mutex_lock);
SAME(xp_mtx_unlock, xp_mutex_unlock);
SAME(xp_cnd_init, xp_mtx_init);
SAME(xp_cnd_destroy, xp_nothing);
SAME(xp_cnd_wait, xp_cond_wait);
SAME(xp_cnd_signal, xp_cond_signal);
SAME(xp_cnd_broadcast, xp_cond_signal);
SAME(xp_call_once, xp_once);
SAME(xp_sched_yield, xp_nothing);
SAME(xp_usleep, xp_nothing);
SAME(xp_sleep, xp_nothing);
SAME(xp_nanosleep, xp_nothing);
SAME(xp___assert_fail, xp_assert_fail);
SAME(xp__exit, xp_exit);
SAME(xp__Exit, xp_exit);
SAME(xp_quick_exit, xp_exit);
SAME(xp_puts, xp_printf);
SAME(xp_putchar, xp_printf);
SAME(xp_fprintf, xp_nothing);
SAME(xp_vprintf, xp_nothing);
SAME(xp_vfprintf, xp_nothing);
SAME(xp_fputs, xp_nothing);
SAME(xp_fputc, xp_nothing);
SAME(xp_putc, xp_nothing);
SAME(xp_fwrite, xp_nothing);
SAME(xp_fflush, xp_nothing);
SAME(xp_perror, xp_printf);
SAME(xp___printf_chk, xp_printf);
SAME(xp___fprintf_chk, xp_nothing);
SAME(__tsan_memcpy, xp_memcpy);
SAME(__tsan_memmove, xp_memcpy);
SAME(xp_memmove, xp_memcpy);
SAME(__tsan_memset, xp_memset);

/* A weak compare-exchange fails for a reason only: see the specification's chapter on the explorer. */
SAME(__tsan_atomic8_compare_exchange_weak, __tsan_atomic8_compare_exchange_strong);
SAME(__tsan_atomic16_compare_exchange_weak, __tsan_atomic16_compare_exchange_strong);
SAME(__tsan_atomic32_compare_exchange_weak, __tsan_atomic32_compare_exchange_strong);
SAME(__tsan_atomic64_compare_exchange_weak, __tsan_atomic64_compare_exchange_strong);
