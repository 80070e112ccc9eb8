/* Main hands the address of its thread-local variable to a thread. */
#include "verdicts.h"
static _Thread_local int mine;
static void *go(void *given) { BODY; return given; }
int main(void)
{
    mine = 7;
    pthread_t t = start(go, &mine);
    BESIDE;
    finish(t);
    AFTER;
    return 0;
}
