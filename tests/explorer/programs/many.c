/* N threads of one kind each, the families of the tables in the papers on GenMC: ainc(N) = N!, casrot, casw, readers(N) =
 * 2^N, store buffering and 2+2W round a ring of N locations. */
#include <pthread.h>
#include <stdatomic.h>

#ifndef ORDER
#define ORDER memory_order_relaxed
#endif

/* not static: what nobody reads, a compiler takes out of a program that is all there */
atomic_int x;
atomic_int ring[N + 1];
static int numbers[N + 1];

static void *step(void *number)
{
#if !defined(AINC)
    int me = *(int *)number;
#endif
#if defined(AINC)
    (void)number;
    atomic_fetch_add_explicit(&x, 1, ORDER);
#elif defined(CASROT)
    int expected = me;
    atomic_compare_exchange_strong_explicit(&x, &expected, me + 1, ORDER, memory_order_relaxed);
#elif defined(CASW)
    int expected = 0;
    atomic_compare_exchange_strong_explicit(&x, &expected, 1, memory_order_relaxed, memory_order_relaxed);
    atomic_store_explicit(&x, me + 3, memory_order_release);
#elif defined(READERS)
    if (me == 0) {
        atomic_store_explicit(&x, 1, ORDER);
    } else {
        (void)atomic_load_explicit(&x, ORDER);
    }
#elif defined(SB)
    atomic_store_explicit(&ring[me], 1, ORDER);
    (void)atomic_load_explicit(&ring[(me + 1) % N], ORDER);
#elif defined(W22)
    atomic_store_explicit(&ring[me], 1, ORDER);
    atomic_store_explicit(&ring[(me + 1) % N], 2, ORDER);
#else
#error "which family?"
#endif
    return NULL;
}

#ifdef READERS
#define THREADS (N + 1)
#else
#define THREADS N
#endif

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, step, &numbers[i]);
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
