/* A failure without a reason has the weaker order: `seen` is 1, but the data are not acquired. */
#include "verdicts.h"
static atomic_int flag;
static int data, result;
static void *give(void *u)
{
    data = 5;
    STORE(flag, 1, release);
    return u;
}
int main(void)
{
    pthread_t t = start(give, 0);
    int seen = 1;
    (void)EXCHANGE(&flag, &seen, 2, memory_order_acquire, FAILURE);
    if (seen == 1)
        result = data;
    finish(t);
    return 0;
}
