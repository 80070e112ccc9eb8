/* What POSIX leaves undefined of threads, locks and barriers, and what the library reads and keeps: OTHER beside MAIN. */
#include "verdicts.h"
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t s;
static pthread_barrier_t line;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static struct timespec soon;
static atomic_int x;
static int stop;
static void *go(void *u)
{
    OTHER;
    return u;
}
int main(void)
{
    pthread_t t;
    pthread_spin_init(&s, 0);
    pthread_barrier_init(&line, 0, 1);
    BEFORE;
    t = start(go, 0);
    MAIN;
    finish(t);
    AFTER;
    return stop == 77;
}
