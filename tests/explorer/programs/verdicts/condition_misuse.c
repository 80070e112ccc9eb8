/* A condition variable and its mutex: what POSIX leaves undefined, and what is near it. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, n = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int opened;
static void *waits(void *u)
{
    ENTER;
    while (!opened)
        pthread_cond_wait(&c, &m);
    LEAVE;
    return u;
}
int main(void)
{
    pthread_t t = start(waits, 0);
    pthread_mutex_lock(&m);
    opened = 1;
    pthread_mutex_unlock(&m);
    SIGNAL;
    finish(t);
    AFTER;
    return 0;
}
