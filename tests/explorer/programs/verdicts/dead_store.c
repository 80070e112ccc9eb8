/* The last store to a local variable, which another thread reads: nobody can see it afterwards, but it races. */
#include "verdicts.h"
static _Atomic(int *) shown;
static atomic_int done;
static int seen;
static void *show(void *u)
{
    int mine = 1;
    STORE(shown, &mine, release);
    while (!atomic_load_explicit(&done, WAIT)) {
    }
    mine = 2;
    return u;
}
int main(void)
{
    pthread_t t = start(show, 0);
    int *there = LOAD(shown, acquire);
    if (there)
        seen = *there;
    atomic_store_explicit(&done, 1, SIGNAL);
    finish(t);
    return 0;
}
