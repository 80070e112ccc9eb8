/* FIRST, before there are threads, then CHECK in each execution: what the C library keeps is what FIRST left. */
#include "verdicts.h"
static atomic_int count;
static volatile long result;
static void *go(void *u) { ADD(count, 1, relaxed); return u; }
static inline void handler(int number) { (void)number; }
static inline void at_end(void) { assert(LOAD(count, relaxed) == 7); }
int main(void)
{
    char text[] = "a,b,c,d";
    FILE *file = NULL;
    int descriptor = -1;
    FIRST;
    pthread_t t = start(go, text);
    CHECK;
    (void)LOAD(count, relaxed);
    finish(t);
    (void)file; (void)descriptor;
    return 0;
}
