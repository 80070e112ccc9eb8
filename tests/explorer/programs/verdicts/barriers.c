/* N threads pass a barrier in ROUNDS rounds; each works between. */
#include "verdicts.h"
#ifndef N
#define N 2
#endif
#ifndef COUNT
#define COUNT N
#endif
static pthread_barrier_t line;
static int slots[8], sum[8];
static atomic_int serial, x[8];
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
    pthread_barrier_init(&line, 0, COUNT);
    for (int i = 0; i < N; i++)
        t[i] = start(go, (void *)(intptr_t)i);
    for (int i = 0; i < N; i++)
        finish(t[i]);
    CHECK;
    pthread_barrier_destroy(&line);
    return sum[0] + slots[0] == 77;
}
