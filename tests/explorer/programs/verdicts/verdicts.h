/* What the programs of this folder share: the headers, short names for atomic accesses, and threads in a line. */
#ifndef VERDICTS_H
#define VERDICTS_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <alloca.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* What a program leaves open is nothing unless a flag says what. */
#ifndef AFTER
#define AFTER
#endif
#ifndef AGAIN
#define AGAIN
#endif
#ifndef BEFORE
#define BEFORE
#endif
#ifndef BESIDE
#define BESIDE
#endif
#ifndef BODY
#define BODY
#endif
#ifndef CHANGE
#define CHANGE
#endif
#ifndef CHECK
#define CHECK
#endif
#ifndef EARLY
#define EARLY
#endif
#ifndef END
#define END
#endif
#ifndef ENTER
#define ENTER
#endif
#ifndef FIRST
#define FIRST
#endif
#ifndef INSIDE
#define INSIDE
#endif
#ifndef LEAVE
#define LEAVE
#endif
#ifndef LEND
#define LEND
#endif
#ifndef LOCKED
#define LOCKED
#endif
#ifndef MAIN
#define MAIN
#endif
#ifndef ON
#define ON
#endif
#ifndef OPEN
#define OPEN
#endif
#ifndef OTHER
#define OTHER
#endif
#ifndef OUTSIDE
#define OUTSIDE
#endif
#ifndef SIGNAL
#define SIGNAL
#endif
#ifndef SLEEP
#define SLEEP
#endif
#ifndef UNLOCKED
#define UNLOCKED
#endif
#ifndef WAKE
#define WAKE
#endif
#ifndef WITHIN
#define WITHIN
#endif
#ifndef WRITTEN
#define WRITTEN
#endif

#define LOAD(object, order) atomic_load_explicit(&(object), memory_order_##order)
#define STORE(object, value, order) atomic_store_explicit(&(object), value, memory_order_##order)
#define ADD(object, value, order) atomic_fetch_add_explicit(&(object), value, memory_order_##order)

static inline pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    pthread_create(&thread, 0, body, argument);
    return thread;
}
static inline void finish(pthread_t thread)
{
    pthread_join(thread, 0);
}
static inline void both(void *(*first)(void *), void *(*second)(void *))
{
    pthread_t one = start(first, 0), two = start(second, 0);
    finish(one);
    finish(two);
}
static inline long futex_wait(atomic_int *word, int seen)
{
    return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}
static inline long futex_wake(atomic_int *word, int most)
{
    return syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
}
#endif
