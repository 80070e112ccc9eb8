/* A variable that was never written, in the frame of a function that another one calls: AT says at which place. */
#include "verdicts.h"
static volatile int result;
static void __attribute__((noinline)) look(const int *there) { result += *there; }
static void __attribute__((noinline)) inner(void)
{
    int mine[12];
    mine[AT == 0] = 1;
    look(&mine[AT]);
}
static void __attribute__((noinline)) outer(void) { inner(); }
static void *go(void *u)
{
    FIRST;
    outer();
    return u;
}
int main(void)
{
    pthread_t t = start(go, 0);
    finish(t);
    return result == 77;
}
