/* Main waits in a loop for a flag, in a way of its own (SPIN), and reads the data that come with it. */
#include "verdicts.h"
static atomic_int ready;
static int data;
static unsigned long turns;
static inline void pause_for(int count) { for (volatile int i = 0; i < count; i++) {} }
static void *give(void *u)
{
    data = 1;
    atomic_store_explicit(&ready, 1, GIVE);
    return u;
}
int main(void)
{
    pthread_t t = start(give, 0);
    SPIN
    finish(t);
    return turns == 77777;
}
