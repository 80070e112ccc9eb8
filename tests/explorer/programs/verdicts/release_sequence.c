/* A release store, then another by AGAIN: whether who acquires the second synchronizes with the first. */
#include "verdicts.h"
static atomic_int flag;
static int data, result;
static void *give(void *u)
{
    data = 1;
    RELEASE;
    AGAIN;
    return u;
}
static void *beside(void *u) { BESIDE; return u; }
int main(void)
{
    pthread_t a = start(give, 0), b = start(beside, 0);
    if (LOAD(flag, acquire) WANTED)
        result = data;
    finish(a);
    finish(b);
    return result == 77;
}
