/* C11's condition variables: cnd_signal unblocks one of the threads that wait (7.26.3.5). */
#include "verdicts.h"
static mtx_t m;
static cnd_t c;
static int opened;
static int waits(void *u)
{
    mtx_lock(&m);
    while (!opened)
        cnd_wait(&c, &m);
    mtx_unlock(&m);
    return u != 0;
}
int main(void)
{
    thrd_t a, b;
    mtx_init(&m, mtx_plain);
    cnd_init(&c);
    thrd_create(&a, waits, 0);
    thrd_create(&b, waits, 0);
    mtx_lock(&m);
    opened = 1;
    WAKE(&c);
    mtx_unlock(&m);
    thrd_join(a, 0);
    thrd_join(b, 0);
    return 0;
}
