/* Of two threads one must win; if both use a weak compare-exchange, both may lose. */
#include "verdicts.h"
static atomic_int winner, wins;
static void *tries(void *me)
{
    int nobody = 0;
    if (EXCHANGE(&winner, &nobody, *(int *)me))
        ADD(wins, 1, relaxed);
    return 0;
}
int main(void)
{
    static int one = 1, two = 2;
    pthread_t a = start(tries, &one), b = start(tries, &two);
    finish(a);
    finish(b);
    assert(LOAD(wins, relaxed) == 1);
    return 0;
}
