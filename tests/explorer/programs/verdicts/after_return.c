/* A local variable's lifetime ends with its block's execution (C11 6.2.4p6): USE comes after it, or before it. */
#include "verdicts.h"
static int *shown;
static int result;
static void __attribute__((noinline)) look(void) { result += *shown; }
static void __attribute__((noinline)) poke(int *there) { *there = 5; }
static void __attribute__((noinline)) returns(void)
{
    int mine = 3;
    shown = &mine;
    WITHIN;
}
static void __attribute__((noinline)) takes(int value)
{
    shown = &value;
    look();
}
static void *go(void *u) { USE; return u; }
int main(void)
{
    BEFORE;
    pthread_t t = start(go, 0);
    finish(t);
    AFTER;
    return result == 77;
}
