/* A thread shows a local variable, and returns from the function or goes on (INSIDE, OUTSIDE); main uses it. */
#include "verdicts.h"
static _Atomic(int *) shown;
static atomic_int done, other;
static sem_t used;
static int result;
static void wait(void)
{
    while (!LOAD(done, acquire)) {
    }
}
static void __attribute__((noinline)) show(void)
{
    int mine = 3;
    STORE(shown, &mine, release);
    INSIDE;
}
static void *go(void *u) { show(); OUTSIDE; return u; }
int main(void)
{
    sem_init(&used, 0, 0);
    pthread_t t = start(go, 0);
    EARLY;
    int *there = LOAD(shown, acquire);
    if (there)
        USE;
    STORE(done, 1, release);
    LATE;
    return result == 77 || LOAD(other, relaxed) == 77;
}
