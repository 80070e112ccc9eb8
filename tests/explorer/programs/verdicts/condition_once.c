/* One thread waits once, by an `if`: only a wake-up without a signal lets it go on too early. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int opened;
static void *waits(void *u)
{
    pthread_mutex_lock(&m);
    UNTIL (!opened)
        pthread_cond_wait(&c, &m);
    assert(opened);
    pthread_mutex_unlock(&m);
    return u;
}
int main(void)
{
    pthread_t a = start(waits, 0);
    pthread_mutex_lock(&m);
    opened = 1;
    pthread_cond_signal(&c);
    pthread_mutex_unlock(&m);
    finish(a);
    return 0;
}
