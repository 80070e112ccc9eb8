/* fib_bench of SV-COMP (pthread): two threads add to each other's number. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef ORDER
#define ORDER memory_order_seq_cst
#endif

static atomic_int i = 1;
static atomic_int j = 1;

static void *left(void *unused)
{
    for (int k = 0; k < N; ++k) {
        int a = atomic_load_explicit(&i, ORDER);
        int b = atomic_load_explicit(&j, ORDER);
        atomic_store_explicit(&i, a + b, ORDER);
    }
    return unused;
}

static void *right(void *unused)
{
    for (int k = 0; k < N; ++k) {
        int a = atomic_load_explicit(&j, ORDER);
        int b = atomic_load_explicit(&i, ORDER);
        atomic_store_explicit(&j, a + b, ORDER);
    }
    return unused;
}

static void *check(void *unused)
{
    int most = 1;
    int before = 0;
    for (int k = 1; k < 2 * N + 2; ++k) {
        int next = most + before;
        before = most;
        most = next;
    }
    int a = atomic_load_explicit(&i, ORDER);
    int b = atomic_load_explicit(&j, ORDER);
    assert(a <= most LESS && b <= most LESS);
    return unused;
}

int main(void)
{
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, left, NULL);
    pthread_create(&threads[1], NULL, right, NULL);
    pthread_create(&threads[2], NULL, check, NULL);
    for (int k = 0; k < 3; ++k) {
        pthread_join(threads[k], NULL);
    }
    return 0;
}
