/* An access that begins in a static object and ends outside it. */
#include "verdicts.h"
static char text[6] = "abc";
static int numbers[4];
static struct { char name[8]; int after; } record;
static char big[64] = "abcdefghijklmnopqrstuvwxyz";
static volatile long result;
static void *go(void *u)
{
    result = (long)(CALL);
    return u;
}
int main(void)
{
    pthread_t t = start(go, 0);
    finish(t);
    return text[0] + numbers[0] + record.after + big[0] == 1;
}
