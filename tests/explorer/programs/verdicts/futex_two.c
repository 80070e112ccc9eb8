/* Two threads sleep on a futex; FUTEX_WAKE wakes as many as it is told to. */
#include "verdicts.h"
static atomic_int ready, another;
static void *sleeps(void *u)
{
    while (!LOAD(ready, acquire))
        futex_wait(&ready, 0);
    return u;
}
int main(void)
{
    pthread_t a = start(sleeps, 0), b = start(sleeps, 0);
    WAKE;
    finish(a);
    finish(b);
    return LOAD(another, relaxed);
}
