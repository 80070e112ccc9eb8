/* A local variable whose address a function of the same thread is given. */
#include "verdicts.h"
static int result;
static void __attribute__((noinline)) reads(const int *there) { result += *there; }
static void __attribute__((noinline)) writes(int *there) { *there = 4; }
static void *go(void *u)
{
    int mine, table[4];
    BODY;
    (void)mine; (void)table;
    return u;
}
int main(void)
{
    pthread_t t = start(go, 0);
    finish(t);
    return result == 77;
}
