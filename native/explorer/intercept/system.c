/* system.c - system calls: futex, membarrier, descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "library.h"

static bool membarrier_offered EXPLORER_STATE = true;

void explorer_membarrier(bool offered)
{
    membarrier_offered = offered;
}

/*
 * The threads that sleep on a futex are a set of bits, see conditions.c; the set lies apart from the word. The kernel holds a
 * lock of its own while it compares the word and puts a thread to sleep, and while it wakes threads. So these steps of all
 * threads have one order, each knows of those before it, and a thread that is woken knows of the call that woke it. A waiting
 * thread first adds itself to the set, then reads the word. If the word has changed, the thread removes itself again. No other
 * thread may come in between, since the kernel's lock prevents that: executions in which one does are abandoned, as another
 * execution has that thread come first.
 */
#define MOST_FUTEXES 1024
static uint64_t futex_words[MOST_FUTEXES] EXPLORER_STATE = {0}; /* in the order in which they were first used, in any run */
static int futex_count EXPLORER_STATE = 0;
static uint64_t futex_sets[MOST_FUTEXES];

static uint64_t set_of(uint64_t word)
{
    int at = 0;
    while (at < futex_count && futex_words[at] != word) {
        ++at;
    }
    if (at == MOST_FUTEXES) {
        refuse("more than %d futexes are not followed", MOST_FUTEXES);
    }
    if (at == futex_count) {
        futex_words[futex_count++] = word;
    }
    return (uint64_t)(uintptr_t)&futex_sets[at];
}

static long fail(int error)
{
    *xp_errno_location() = error;
    return -1;
}

static long futex_wait(uint64_t word, uint32_t value, bool timed, uint64_t pc)
{
    uint64_t set = set_of(word);
    uint64_t bit = sleeper_bit();
    atomic_rmw_event(set, 8, ACQ_REL, OP_OR, bit, pc);
    if (atomic_load_event(word, 4, RELAXED, pc) != value) {
        atomic_rmw_event(set, 8, RELAXED, OP_AND, ~bit, pc);
        assume_event(!run.concurrent || rmw_follows_own());
        return fail(EAGAIN);
    }
    if (timed) {
        return stop_sleeping(set, ACQUIRE, pc) ? fail(ETIMEDOUT) : 0;
    }
    sleep_on(set, ACQUIRE, pc);
    return 0;
}

static long futex_wake(uint64_t word, uint32_t most, uint64_t pc)
{
    uint64_t set = set_of(word);
    long woken = 0;
    if (most >= 64) {
        return __builtin_popcountll(atomic_rmw_event(set, 8, ACQ_REL, OP_AND, 0, pc));
    }
    while ((uint32_t)woken < most && take_sleeper_event(set, ACQ_REL, pc) != 0) {
        ++woken;
    }
    return woken;
}

static long futex(uint64_t word, int operation, uint32_t value, const void *time, uint32_t bits, uint64_t pc)
{
    int command = operation & FUTEX_CMD_MASK;
    if ((command == FUTEX_WAIT_BITSET || command == FUTEX_WAKE_BITSET) && bits != FUTEX_BITSET_MATCH_ANY) {
        refuse("futexes with sets of bits other than FUTEX_BITSET_MATCH_ANY are not followed");
    }
    switch (command) {
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return futex_wake(word, value, pc);
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        return futex_wait(word, value, time != NULL, pc);
    default:
        refuse("futex operation %d is not followed", command);
    }
}

/* membarrier() is the heavy side of an asymmetric fence; atomic_signal_fence is the light one [MODEL-22]. */
static bool membarrier_registered;

static long membarrier(int command, uint64_t pc)
{
    if (!membarrier_offered) {
        return fail(ENOSYS);
    }
    switch (command) {
    case MEMBARRIER_CMD_QUERY:
        return MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
        membarrier_registered = true;
        return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
        if (!membarrier_registered) {
            return fail(EPERM);
        }
        fence_event(SEQ_CST, HEAVY, pc);
        return 0;
    case MEMBARRIER_CMD_GLOBAL:
        fence_event(SEQ_CST, HEAVY, pc);
        return 0;
    default:
        refuse("membarrier command %d is not followed", command);
    }
}

long xp_syscall(long number, ...);
long xp_syscall(long number, ...)
{
    uint64_t pc = PC;
    va_list arguments;
    va_start(arguments, number);
    long result = 0;
    if (number == SYS_futex) {
        uint64_t word = (uint64_t)(uintptr_t)va_arg(arguments, void *);
        int operation = va_arg(arguments, int);
        uint32_t value = va_arg(arguments, uint32_t);
        const void *time = va_arg(arguments, const void *);
        (void)va_arg(arguments, void *);
        result = futex(word, operation, value, time, va_arg(arguments, uint32_t), pc);
    } else if (number == SYS_membarrier) {
        result = membarrier(va_arg(arguments, int), pc);
    } else {
        refuse("the program makes system call %ld, which is not followed", number);
    }
    va_end(arguments);
    return result;
}

/* An eventfd is a count. Its reads and writes synchronise, in one order, as by the lock that the kernel holds for them. Its
 * number is above those that the system gives. */
#define FIRST_EVENTFD (1 << 20)
#define MOST_EVENTFDS 8
#define CLOSED UINT32_MAX
static uint32_t eventfd_counts[MOST_EVENTFDS];
static uint32_t eventfds;

static uint64_t eventfd_at(int descriptor)
{
    int number = descriptor - FIRST_EVENTFD;
    return number >= 0 && number < MOST_EVENTFDS ? (uint64_t)(uintptr_t)&eventfd_counts[number] : 0;
}

static uint64_t need_eventfd(int descriptor, const char *name, uint64_t pc)
{
    uint64_t address = eventfd_at(descriptor);
    if (address == 0) {
        refuse("the program calls %s() on descriptor %d" AT ", which is no eventfd, and is not followed", name, descriptor, pc);
    }
    return address;
}

/* Reports a use of a closed descriptor, whose number may be another file by now. `count` is what the call found there. */
static void check_open(uint64_t count, const char *what, uint64_t pc)
{
    if (count == CLOSED) {
        report("closed-descriptor", pc, 0, "thread %d %s a descriptor that was closed", run.current, what);
    }
}

ENTRY(int, xp_eventfd, unsigned count, int flags)
{
    uint64_t pc = PC;
    uint64_t number = atomic_rmw_event((uint64_t)(uintptr_t)&eventfds, 4, RELAXED, OP_ADD, 1, pc);
    if (count != 0 || (flags & (EFD_NONBLOCK | EFD_SEMAPHORE)) != EFD_NONBLOCK || number >= MOST_EVENTFDS) {
        refuse("an eventfd that blocks or is a semaphore, or more than %d of them" AT ", are not followed", MOST_EVENTFDS, pc);
    }
    return FIRST_EVENTFD + (int)number;
}

ENTRY(ssize_t, xp_read, int descriptor, void *to, size_t size)
{
    uint64_t pc = PC;
    uint64_t address = need_eventfd(descriptor, "read", pc);
    uint64_t count = 0;
    if (size < sizeof count) {
        *xp_errno_location() = EINVAL;
        return -1;
    }
    count = atomic_rmw_event(address, 4, ACQUIRE, OP_EXCHANGE, 0, pc);
    check_open(count, "reads from", pc);
    if (count == 0) {
        *xp_errno_location() = EAGAIN;
        return -1;
    }
    write_bytes(to, sizeof count, pc);
    memcpy(to, &count, sizeof count);
    return (ssize_t)sizeof count;
}

/* Output to stdout and stderr is dropped. */
ENTRY(ssize_t, xp_write, int descriptor, const void *from, size_t size)
{
    uint64_t pc = PC;
    if (descriptor == 1 || descriptor == 2) {
        read_bytes(from, size, pc);
        return (ssize_t)size;
    }
    uint64_t address = need_eventfd(descriptor, "write", pc);
    uint64_t count = 0;
    if (size < sizeof count) {
        *xp_errno_location() = EINVAL;
        return -1;
    }
    read_bytes(from, sizeof count, pc);
    memcpy(&count, from, sizeof count);
    check_open(atomic_rmw_event(address, 4, RELEASE, OP_ADD, count, pc), "writes to", pc);
    return (ssize_t)sizeof count;
}

ENTRY(int, xp_close, int descriptor)
{
    uint64_t pc = PC;
    uint64_t address = need_eventfd(descriptor, "close", pc);
    check_open(atomic_rmw_event(address, 4, RELAXED, OP_EXCHANGE, CLOSED, pc), "closes", pc);
    return 0;
}

/* Waits without a time limit, for one eventfd. */
ENTRY(int, xp_poll, struct pollfd *asked, nfds_t count, int milliseconds)
{
    uint64_t pc = PC;
    uint64_t address = count == 1 ? eventfd_at(asked->fd) : 0;
    if (address == 0 || milliseconds >= 0) {
        refuse("poll() is followed for one eventfd, and without a time to end" AT, pc);
    }
    await_event(address, 4, ACQUIRE, 0, false, false, 0, pc);
    asked->revents = POLLIN;
    return 1;
}

/* Each thread has a number of its own; the first one has that of the process. */
ENTRY(pid_t, xp_gettid, void)
{
    return getpid() + run.current;
}
