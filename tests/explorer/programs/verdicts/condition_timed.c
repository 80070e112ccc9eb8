/* A timed wait ends by a signal or by the time. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int opened, result;
static void *waits(void *u)
{
    struct timespec until = {.tv_sec = 1};
    pthread_mutex_lock(&m);
    if (!opened)
        result = pthread_cond_timedwait(&c, &m, &until);
    CHECK;
    pthread_mutex_unlock(&m);
    return u;
}
int main(void)
{
    pthread_t a = start(waits, 0);
    pthread_mutex_lock(&m);
    opened = 1;
    SIGNAL;
    pthread_mutex_unlock(&m);
    finish(a);
    return 0;
}
