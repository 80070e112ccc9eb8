/* What was never written of a local variable: main reads PART of what a thread shows, which wrote WRITTEN. */
#include "verdicts.h"
struct three { int a, b; char c; };
union either { struct three three; int words[3]; };
static _Atomic(void *) shown;
static atomic_int done;
static int result;
static void __attribute__((noinline)) fill(int *there) { *there = 4; }
static void *show(void *u)
{
    DECLARE;
    WRITTEN;
    STORE(shown, (void *)&mine, release);
    while (!LOAD(done, acquire)) {
    }
    return u;
}
int main(void)
{
    pthread_t t = start(show, 0);
    void *there = LOAD(shown, acquire);
    if (there) {
        PART;
    }
    STORE(done, 1, release);
    finish(t);
    return result == 77;
}
