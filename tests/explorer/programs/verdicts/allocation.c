/* A thread allocates a block and gives it away by a store; USE happens after it only if the store is acquired. */
#include "verdicts.h"
static _Atomic(int *) given;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int result;
static void *give(void *u)
{
    int *block = MAKE;
    pthread_mutex_lock(&m);
    atomic_store_explicit(&given, block, GIVE);
    pthread_mutex_unlock(&m);
    WITHIN;
    return u;
}
static void *use(void *u)
{
    LOCKED;
    int *block = atomic_load_explicit(&given, TAKE);
    UNLOCKED;
    if (block) {
        USE;
    }
    return u;
}
int main(void)
{
    both(give, use);
    END;
    return result == 77;
}
