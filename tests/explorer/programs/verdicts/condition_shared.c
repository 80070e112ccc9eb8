/* Two predicates on one condition variable: a signal may wake the thread whose predicate does not hold. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int first, second;
static void *waits(void *which)
{
    pthread_mutex_lock(&m);
    while (!*(int *)which)
        pthread_cond_wait(&c, &m);
    pthread_mutex_unlock(&m);
    return 0;
}
static void set(int *which)
{
    pthread_mutex_lock(&m);
    *which = 1;
    WAKE(&c);
    pthread_mutex_unlock(&m);
}
int main(void)
{
    pthread_t a = start(waits, &first), b = start(waits, &second);
    set(&first);
    finish(a);
    set(&second);
    finish(b);
    return 0;
}
