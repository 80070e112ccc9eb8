/* The signal may come before the wait; without a predicate under the mutex it is lost. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static atomic_int opened;
static void *waits(void *u)
{
    pthread_mutex_lock(&m);
    WAIT;
    pthread_mutex_unlock(&m);
    return u;
}
int main(void)
{
    pthread_t a = start(waits, 0);
    OPEN;
    pthread_cond_signal(&c);
    finish(a);
    return 0;
}
