/*
 * N threads of one kind each, the families of the tables in the papers on GenMC: ainc(N) = N!, casrot, casw, readers(N) =
 * 2^N, store buffering and 2+2W round a ring of N locations, and
 *   big      pairs: one thread stores twice and loads what the other stores after its load: 6 executions a pair
 *   wcas     one more thread stores N times, and the compare-exchange of each other thread fails: (N + 1)^N
 *   wrw      each thread stores to one location, loads it, stores again
 *   coa      two threads store to one location and load it after a load of what the others store
 *   lockinc  each thread locks, adds and unlocks ROUNDS times: (N ROUNDS)! / (ROUNDS!)^N
 */
#include <pthread.h>
#include <stdatomic.h>

#ifndef ORDER
#define ORDER memory_order_relaxed
#endif

/* not static: what nobody reads, a compiler takes out of a program that is all there */
atomic_int x;
atomic_int ring[N + 1];
#ifdef LOCKINC
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int sum;
#endif
static int numbers[N + 1];

static void *step(void *number)
{
#if !defined(AINC) && !defined(LOCKINC)
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
#elif defined(BIG)
    if (me % 2 == 0) {
        atomic_store_explicit(&ring[me], 1, ORDER);
        atomic_store_explicit(&ring[me], 2, ORDER);
        (void)atomic_load_explicit(&ring[me + 1], ORDER);
    } else {
        (void)atomic_load_explicit(&ring[me - 1], ORDER);
        atomic_store_explicit(&ring[me], 1, ORDER);
    }
#elif defined(WCAS)
    if (me == 0) {
        for (int i = 1; i <= N; ++i) {
            atomic_store_explicit(&x, i, ORDER);
        }
    } else {
        int expected = -1;
        atomic_compare_exchange_strong_explicit(&x, &expected, 0, ORDER, memory_order_relaxed);
    }
#elif defined(WRW)
    atomic_store_explicit(&x, 2 * me + 1, memory_order_release);
    (void)atomic_load_explicit(&x, memory_order_acquire);
    atomic_store_explicit(&x, 2 * me + 2, memory_order_release);
#elif defined(COA)
    if (me < 2) {
        atomic_store_explicit(&x, me + 1, memory_order_release);
        (void)atomic_load_explicit(&ring[me], memory_order_acquire);
        (void)atomic_load_explicit(&x, memory_order_acquire);
    } else {
        atomic_store_explicit(&ring[0], me, memory_order_release);
        atomic_store_explicit(&ring[1], me, memory_order_release);
    }
#elif defined(LOCKINC)
    (void)number;
    for (int i = 0; i < ROUNDS; ++i) {
        pthread_mutex_lock(&mutex);
        ++sum;
        pthread_mutex_unlock(&mutex);
    }
#else
#error "which family?"
#endif
    return NULL;
}

#if defined(READERS) || defined(WCAS)
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
