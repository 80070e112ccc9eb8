/* Programs that are larger than most. */
#include "verdicts.h"
#ifndef N
#define N 1
#endif
static atomic_int count, each[64];
static int sum;
static void *blocks[100000];
static int __attribute__((noinline)) deep(int n) { volatile char room[64]; room[0] = (char)n; return n == 0 ? room[0] : deep(n - 1) + room[0]; }
static int __attribute__((noinline)) endless(int n) { volatile char room[64]; room[0] = (char)n; return endless(n + 1) + room[0]; }
static void *go(void *argument)
{
    int me = (int)(intptr_t)argument;
    (void)me;
    BODY
    return 0;
}
int main(void)
{
    pthread_t t[N];
    FIRST
    for (int i = 0; i < N; i++)
        t[i] = start(go, (void *)(intptr_t)i);
    MAIN
    for (int i = 0; i < N; i++)
        finish(t[i]);
    return sum == 77 || (blocks[0] == &sum && deep(1) && endless(1));
}
