/* Locks written by hand, round a plain counter: ticket lock, test-and-set, test-and-test-and-set, and what comes of weaker
 * orders (-DUNLOCK=memory_order_relaxed). */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef UNLOCK
#define UNLOCK memory_order_release
#endif
#ifndef N
#define N 2
#endif

static int counter;

#if defined(TICKET)
static atomic_uint next_ticket, now_serving;
static void lock(void)
{
    unsigned mine = atomic_fetch_add_explicit(&next_ticket, 1, memory_order_relaxed);
    while (atomic_load_explicit(&now_serving, memory_order_acquire) != mine) {
    }
}
static void unlock(void)
{
    unsigned mine = atomic_load_explicit(&now_serving, memory_order_relaxed);
    atomic_store_explicit(&now_serving, mine + 1, UNLOCK);
}
#elif defined(FLAG)
static atomic_flag taken = ATOMIC_FLAG_INIT;
static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&taken, memory_order_acquire)) {
    }
}
static void unlock(void)
{
    atomic_flag_clear_explicit(&taken, UNLOCK);
}
#else
static atomic_int taken;
static void lock(void)
{
    for (;;) {
        int free_now = 0;
        while (atomic_load_explicit(&taken, memory_order_relaxed) != 0) {
        }
        if (atomic_compare_exchange_weak_explicit(&taken, &free_now, 1, memory_order_acquire, memory_order_relaxed)) {
            return;
        }
    }
}
static void unlock(void)
{
    atomic_store_explicit(&taken, 0, UNLOCK);
}
#endif

static void *body(void *unused)
{
    lock();
    ++counter;
    unlock();
    return unused;
}

int main(void)
{
    pthread_t threads[N];
    for (int i = 0; i < N; ++i) {
        pthread_create(&threads[i], NULL, body, NULL);
    }
    for (int i = 0; i < N; ++i) {
        pthread_join(threads[i], NULL);
    }
    assert(counter == N);
    return 0;
}
