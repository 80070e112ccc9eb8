/* Two threads take from a semaphore or an eventfd, to which main gives. */
#include "verdicts.h"
static sem_t count;
static int descriptor, data;
static inline void add(uint64_t more) { assert(write(descriptor, &more, sizeof more) == 8); }
static inline uint64_t take(void) { uint64_t got; assert(read(descriptor, &got, sizeof got) == 8); return got; }
static void *takes(void *u) { TAKE; return u; }
int main(void)
{
    sem_init(&count, 0, 0);
    FIRST;
    pthread_t a = start(takes, 0), b = start(takes, 0);
    GIVE;
    finish(a);
    finish(b);
    return 0;
}
