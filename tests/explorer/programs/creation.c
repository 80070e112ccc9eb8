/* Threads that two threads create, some only where they read a certain value: which number a thread has is no more than
 * where in the whole it was created. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

atomic_int x;
atomic_int y;

static void *leaf(void *at)
{
    atomic_fetch_add((atomic_int *)at, 2);
    return NULL;
}

static void *one(void *unused)
{
    pthread_t child;
    if (atomic_load(&y) WHEN) {
        pthread_create(&child, NULL, leaf, &x);
        pthread_join(child, NULL);
    }
#ifdef FAULT
    assert(atomic_load(&y) != 3 || atomic_load(&x) != 2);
#endif
    return unused;
}

static void *two(void *unused)
{
    pthread_t child;
    pthread_create(&child, NULL, leaf, &y);
    atomic_fetch_add(&y, 1);
    pthread_join(child, NULL);
    return unused;
}

int main(void)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, one, NULL);
    pthread_create(&threads[1], NULL, two, NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    return 0;
}
