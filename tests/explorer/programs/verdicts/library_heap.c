/* A block of eight bytes; BEFORE, CALL and AFTER say what is done to it. */
#include "verdicts.h"
static char out[64] = "abc"; static int number;
static volatile long result;
static int compare(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }
static void *nothing(void *u) { return u; }
int main(void)
{
    pthread_t t = start(nothing, 0);
    char *p = malloc(8), *q = NULL;
    BEFORE;
#ifdef FREED
    free(p);
#endif
    result = (long)(CALL);
    AFTER;
#ifndef FREED
    free(p);
#endif
    finish(t);
    return compare(out, out) + (q == p) + number * 0;
}
