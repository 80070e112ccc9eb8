/* A compare-exchange beside which nobody writes. The weak one may fail all the same (C11 7.17.7.4p4). */
#include "verdicts.h"
static atomic_int a;
static void *nothing(void *u) { return u; }
int main(void)
{
    pthread_t t = start(nothing, 0);
    int expected = 0;
    TRY;
    finish(t);
    return 0;
}
