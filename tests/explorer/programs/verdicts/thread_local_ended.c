/* The lifetime of a thread-local variable is that of its thread (C11 6.2.4p4): main uses it after the join. */
#include "verdicts.h"
static _Thread_local int mine = 3;
static int *lent;
static void *lender(void *u) { lent = &mine; return u; }
int main(void)
{
    pthread_t t = start(lender, 0);
    finish(t);
    return *lent == 4;
}
