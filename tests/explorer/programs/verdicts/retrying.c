/* Threads that write in each turn of a loop. */
#include "verdicts.h"
static atomic_int stop, stamp, count;
static int data;
static void *one(void *u) { ONE return u; }
static void *two(void *u) { TWO return u; }
int main(void)
{
    both(one, two);
    return data == 77;
}
