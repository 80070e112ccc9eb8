/* Two threads wait for `opened`, and main calls WAKE when it has set it. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int opened;
static void *waits(void *u)
{
    pthread_mutex_lock(&m);
    while (!opened)
        pthread_cond_wait(&c, &m);
    ON;
    pthread_mutex_unlock(&m);
    return u;
}
int main(void)
{
    pthread_t a = start(waits, 0), b = start(waits, 0);
    pthread_mutex_lock(&m);
    opened = 1;
    WAKE;
    pthread_mutex_unlock(&m);
    finish(a);
    finish(b);
    return 0;
}
