/* OTHER in a thread beside MAIN, about C11's mutexes. */
#include "verdicts.h"
static mtx_t m;
static int shared;
static int other(void *u) { OTHER; return u != 0; }
int main(void)
{
    thrd_t t;
    mtx_init(&m, TYPE);
    thrd_create(&t, other, 0);
    MAIN;
    thrd_join(t, 0);
    AFTER;
    return 0;
}
