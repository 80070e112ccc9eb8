/* A thread waits with a recursive mutex that it locked TIMES times: the wait unlocks it once. */
#include "verdicts.h"
static pthread_mutex_t m = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static int opened;
static void *waits(void *u)
{
    for (int i = 0; i < TIMES; i++)
        pthread_mutex_lock(&m);
    while (!opened)
        pthread_cond_wait(&c, &m);
    for (int i = 0; i < TIMES; i++)
        pthread_mutex_unlock(&m);
    return u;
}
int main(void)
{
    pthread_t t = start(waits, 0);
    pthread_mutex_lock(&m);
    opened = 1;
    pthread_cond_signal(&c);
    pthread_mutex_unlock(&m);
    finish(t);
    return 0;
}
