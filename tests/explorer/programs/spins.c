/* Loops that wait, in many shapes: each is taken for what it is and not unrolled. And loops that end by themselves, which
 * must not be taken for them. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sched.h>

atomic_int x;
atomic_int y;
atomic_flag held = ATOMIC_FLAG_INIT;
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
int plain;

static int get(void)
{
    return atomic_load_explicit(&x, memory_order_acquire);
}

static bool ready(int wanted)
{
    return get() == wanted;
}

static void *waiter(void *unused)
{
#if defined(WHILE)
    while (!atomic_load_explicit(&x, memory_order_acquire)) {
    }
#elif defined(DO_TWO)
    int a, b;
    do {
        a = atomic_load_explicit(&x, memory_order_acquire);
        b = atomic_load_explicit(&y, memory_order_acquire);
    } while (a == 0 || b == 0);
#elif defined(FOR_BREAK)
    for (;;) {
        if (atomic_load_explicit(&x, memory_order_acquire) == 1) {
            break;
        }
        sched_yield();
    }
#elif defined(FENCE_AFTER)
    while (atomic_load_explicit(&x, memory_order_relaxed) == 0) {
    }
    atomic_thread_fence(memory_order_acquire);
#elif defined(CAS)
    int expected;
    do {
        expected = 1;
    } while (!atomic_compare_exchange_weak_explicit(&x, &expected, 2, memory_order_acquire, memory_order_relaxed));
#elif defined(FAILED_FOR_NO_REASON) /* and once more, with nothing to wait for */
    static atomic_int mine;
    int expected = 0;
    do {
        (void)atomic_load_explicit(&y, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&mine, &expected, 1, memory_order_relaxed, memory_order_relaxed));
    return unused;
#elif defined(CALLS)
    while (!ready(1)) {
    }
#elif defined(TRYLOCK)
    while (pthread_mutex_trylock(&mutex) != 0) {
    }
    pthread_mutex_unlock(&mutex);
#elif defined(COUNTED)
    int tries = 0;
    while (tries < 3 && atomic_load_explicit(&x, memory_order_acquire) == 0) {
        ++tries;
    }
    if (tries == 3) {
        return unused;
    }
#elif defined(BACKOFF)
    for (int pause = 1; atomic_load_explicit(&x, memory_order_acquire) == 0; pause *= 2) {
        if (pause == 4) {
            return unused;
        }
    }
#elif defined(COUNTED_IN_MEMORY)
    static int tries;
    while (atomic_load_explicit(&x, memory_order_acquire) == 0) {
        if (++tries == 3) {
            return unused;
        }
    }
#else
#error "which?"
#endif
    plain = 2;
    return unused;
}

static void *doer(void *unused)
{
#ifndef TRYLOCK
    plain = 1;
#endif
    atomic_store_explicit(&y, 1, memory_order_release);
    atomic_store_explicit(&x, 1, memory_order_release);
    return unused;
}

int main(void)
{
    pthread_t threads[2];
#ifdef TRYLOCK
    pthread_mutex_lock(&mutex);
#endif
    pthread_create(&threads[0], NULL, waiter, NULL);
#ifndef ALONE
    pthread_create(&threads[1], NULL, doer, NULL);
    pthread_join(threads[1], NULL);
#endif
#ifdef TRYLOCK
    plain = 1;
    pthread_mutex_unlock(&mutex);
#endif
    pthread_join(threads[0], NULL);
    return 0;
}
