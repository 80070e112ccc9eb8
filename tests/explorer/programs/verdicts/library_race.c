/* A thread carries out OTHER (by default it writes the second byte of a string) while main carries out CALL. */
#ifndef OTHER
#define OTHER shared[1] = 'x'
#endif
#include "verdicts.h"
static char shared[32] = "5,", other[32] = "7;", *text, *end;
static int number; static double real; static unsigned seed; static time_t now; static struct tm moment;
static volatile long result;
static int compare(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }
static void *go(void *u)
{
    OTHER;
    return u;
}
int main(void)
{
    pthread_t t = start(go, 0);
#ifdef JOINED
    finish(t);
#endif
    result = (long)(CALL);
#ifndef JOINED
    finish(t);
#endif
    free(text);
    return compare(other, other);
}
