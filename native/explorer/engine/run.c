/* run.c - one run of the program: from its checkpoint or a point, it replays the graph and extends it. */
#define _GNU_SOURCE
#include "run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include "callers.h"
#include "fiber.h"
#include "points.h"
#include "thread_local.h"

static int (*program)(void) EXPLORER_STATE = NULL;
static sigjmp_buf landing EXPLORER_STATE;
static volatile sig_atomic_t landed_by EXPLORER_STATE = 0;
static volatile uint64_t landed_at EXPLORER_STATE = 0; /* the instruction of a crash */
static volatile sig_atomic_t overflowed EXPLORER_STATE = 0;
static uint64_t progress_seen EXPLORER_STATE = 0;
static int stuck_ticks EXPLORER_STATE = 0;

/* Called before the first thread is created: the program is executed up to here once, and each execution begins here. */
void take_checkpoint(void)
{
    run.want_checkpoint = true;
    fiber_switch(&run.threads[0].sp, control.engine_sp);
}

bool take_point(int event, int uses)
{
    if (!point_is_wanted(uses)) {
        return false;
    }
    run.want_point = true;
    run.point = event;
    fiber_switch(&self()->sp, control.engine_sp);
    return run.resumed;
}

static void *main_body(void *unused)
{
    (void)unused;
    (void)program();
    return NULL;
}

static void fiber_body(void)
{
    struct thread *t = self();
    thread_end(t->body(t->argument));
}

static bool is_in_guard(const void *address)
{
    const uint8_t *stack = run.threads[run.current].stack;
    return (const uint8_t *)address < stack && (const uint8_t *)address >= stack - STACK_BYTES;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    if (!control.on_fiber) { /* the engine's own fault, not the program's */
        signal(number, SIG_DFL);
        raise(number);
    }
    landed_by = number;
    landed_at = 0;
    overflowed = number == SIGSEGV && is_in_guard(info->si_addr);
#if defined(__x86_64__)
    landed_at = (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] + 1; /* as if it were a return address */
#elif defined(__aarch64__)
    landed_at = ((const ucontext_t *)context)->uc_mcontext.pc + 1;
#else
    (void)context;
#endif
    siglongjmp(landing, 1);
}

/* A tick of the processor-time clock: a program that computes for seconds and executes no event is taken to hang. */
static void on_tick(int number)
{
    (void)number;
    uint64_t now = run.number + (uint64_t)graph.n + run.steps;
    if (!control.on_fiber || now != progress_seen) {
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
    if (graph.events != NULL) {
        return;
    }
    graph_prepare();
    run.body = fiber_body;
    give_stack(&run.threads[0]);
    thread_local_prepare();
    globals_prepare();
    static uint8_t *handler_stack EXPLORER_STATE = NULL;
    handler_stack = malloc(1 << 16);
    stack_t alternative = {.ss_sp = handler_stack, .ss_size = 1 << 16};
    sigaltstack(&alternative, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO};
    const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; ++i) {
        sigaction(crashes[i], &action, NULL);
    }
    action.sa_handler = on_tick;
    action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESTART;
    sigaction(SIGVTALRM, &action, NULL);
    struct itimerval second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    setitimer(ITIMER_VIRTUAL, &second, NULL);
}

/* Makes `body` the program; nothing of it is explored yet. */
void program_begin(int (*body)(void))
{
    prepare();
    program = body;
    run.thread_count = 1;
    run.have_checkpoint = false;
    run.concurrent = false;
    memory_reset();
    graph_reset();
    points_forget();
}

/* Reports a deadlock, after a run with blocked threads, if each of them has read the latest values there are. */
static void look_for_deadlock(void)
{
    uint64_t pc = 0;
    for (int id = 0; id < run.thread_count; ++id) {
        const struct thread *t = &run.threads[id];
        if (t->state == FINISHED || t->state == UNUSED) {
            continue;
        }
        if (t->executed > 0) {
            pc = graph.events[graph.by_thread[id][t->executed - 1]].pc;
        }
        if (t->state == WAITS_FOR_THREAD || t->state == WAITS_AT_BARRIER) {
            continue;
        }
        if (t->state != BLOCKED || (t->blocked != BY_SPIN && t->blocked != BY_LOCK) || !only_waits_for_the_last(t)) {
            return;
        }
    }
    report("deadlock", pc, 0, "every thread that has not ended waits for what no thread will do");
}

static void begin_run(void)
{
    ++run.number;
    control.ending = FATAL;
    run.in_rmw = -1;
    words_begin();
    run.concurrent = run.have_checkpoint;
    run.resumed = run.have_checkpoint && point_resume();
    if (run.resumed) {
        return;
    }
    shadow_begin();
    reset_threads(main_body);
    run.current = 0;
    run.left = graph.n;
    run.low = NULL;
    struct thread *first = &run.threads[0];
    if (run.have_checkpoint) {
        memory_restore();
        first->sp = run.main_sp;
        clear_stack(first, (size_t)(first->stack + STACK_BYTES - (uint8_t *)run.main_sp));
    } else {
        clear_stack(first, 0);
        first->sp = fiber_make(first->stack, STACK_BYTES, fiber_body);
        thread_local_begin(0);
    }
    history_begin();
    trace_begin();
}

/* The program's last instruction or, after a crash in the engine, its call of the engine. */
static uint64_t crashed_at(void)
{
    return is_engine(landed_at) ? run.pc : landed_at;
}

static void land(void)
{
    control.on_fiber = false;
    if (landed_by == SIGTRAP) {
        refuse("a library makes an atomic access{at 0x%llx}, which the explorer does not follow", (unsigned long long)landed_at - 1);
    } else if (landed_by == SIGVTALRM) {
        report("no-progress", 0, 0, "thread %d computes for seconds and comes to no access", run.current);
    } else if (overflowed) {
        report("stack-overflow", crashed_at(), 0, "thread %d needs more than %zu MiB of stack", run.current,
               STACK_BYTES >> 20);
    } else {
        report("crash", crashed_at(), 0, "signal %d (%s) in thread %d", (int)landed_by, strsignal(landed_by), run.current);
    }
    control.ending = FATAL;
}

static void end_of_run(void)
{
    if (control.options.words && control.ending != CUT && control.ending != DEAD) {
        words_end();
    }
    switch (control.ending) {
    case COMPLETE:
        heap_leaks(mark_variables);
        ++control.executions;
        remember_graph();
        history_end();
        if (control.options.sites) {
            remember_sites();
        }
        if (control.on_complete != NULL) {
            control.on_complete();
        }
        break;
    case STOPPED_BLOCKED:
        ++control.blocked;
        look_for_deadlock();
        break;
    case DEAD:
        ++control.dead;
        break;
    case CUT:
    case FATAL:
        break;
    }
}

/* Runs the program once, from a point or its checkpoint if there is one: replays the graph and extends it. */
void run_once(void)
{
    begin_run();
    if (sigsetjmp(landing, 0) == 0) {
        for (;;) {
            thread_local_enter(run.current);
            control.on_fiber = true;
            fiber_switch(&control.engine_sp, self()->sp);
            control.on_fiber = false;
            thread_local_enter(0);
            if (run.want_point) {
                run.want_point = false;
                run.resumed = false;
                point_keep(run.point);
                continue;
            }
            if (!run.want_checkpoint) {
                break;
            }
            run.want_checkpoint = false;
            run.have_checkpoint = true;
            run.main_sp = run.threads[0].sp;
            run.concurrent = true;
            memory_checkpoint();
            words_checkpoint();
        }
    } else {
        thread_local_enter(0);
        land();
    }
    locate_graph();
    end_of_run();
}
