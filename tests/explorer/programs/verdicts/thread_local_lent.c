/* A thread-local variable is an object of its thread, whose address other threads may use while the thread runs. */
#include "verdicts.h"
static _Thread_local int mine = 3;
static _Thread_local atomic_int own;
static int *lent; static atomic_int *lent_atomic;
static atomic_int given, taken;
static void *lender(void *u)
{
    LEND;
    lent = &mine; lent_atomic = &own;
    STORE(given, 1, release);
    while (!LOAD(taken, acquire)) {
    }
    AFTER;
    return u;
}
int main(void)
{
    pthread_t t = start(lender, 0);
    while (!LOAD(given, acquire)) {
    }
    USE;
    STORE(taken, 1, release);
    finish(t);
    return 0;
}
