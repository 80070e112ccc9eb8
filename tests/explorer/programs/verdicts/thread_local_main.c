/* Main's thread-local variables are what they were when the first thread began, in each execution. */
#include "verdicts.h"
static _Thread_local int mine = 3, table[4] = {1, 2, 3, 4};
static _Thread_local char *block;
static atomic_int x;
static void *go(void *u) { STORE(x, 1, relaxed); assert(mine == 3); mine = 8; return u; }
int main(void)
{
    FIRST;
    pthread_t t = start(go, 0);
    int v = LOAD(x, relaxed);
    CHECK;
    finish(t);
    free(block);
    return v * 0;
}
