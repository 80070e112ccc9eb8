/* Loops and recursion that end: each execution is gone through to its end. */
#include "verdicts.h"
static atomic_int x, y;
static int turns;
static int __attribute__((noinline)) down(int n) { return n == 0 ? 0 : LOAD(x, relaxed) + down(n - 1); }
static void *go(void *u) { OTHER return u; }
int main(void)
{
    pthread_t t = start(go, 0);
    MAIN
    finish(t);
    return turns == 77 || (LOAD(y, relaxed) && down(1) == 7);
}
