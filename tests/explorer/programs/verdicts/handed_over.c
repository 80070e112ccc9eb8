/* FIRST, SECOND and THIRD, each in a thread: a lock that one thread releases and another takes. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static atomic_int x;
static inline void locked(void)
{
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
}
static inline void looked(void)
{
    pthread_mutex_lock(&m);
    (void)atomic_load_explicit(&x, memory_order_relaxed);
    pthread_mutex_unlock(&m);
}
static inline void tried(void)
{
    if (pthread_mutex_trylock(&m) == 0) {
        pthread_mutex_unlock(&m);
    }
}
static void *first(void *u) { FIRST; return u; }
static void *second(void *u) { SECOND; return u; }
static void *third(void *u) { THIRD; return u; }
int main(void)
{
    pthread_t a = start(first, 0), b = start(second, 0), c = start(third, 0);
    finish(a);
    finish(b);
    finish(c);
    return 0;
}
