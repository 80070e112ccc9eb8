/* The queue of Herlihy and Wing (Linearizability, TOPLAS 1990) with release and acquire: N threads put a number into it, and
 * two take one each, if they find one in one look through it. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_int back;
static atomic_int items[N];
static int numbers[N];
static int taken[2];

static void *put(void *number)
{
    int at = atomic_fetch_add_explicit(&back, 1, memory_order_acq_rel);
    atomic_store_explicit(&items[at], *(int *)number, memory_order_release);
    return NULL;
}

static void *take(void *into)
{
    int end = atomic_load_explicit(&back, memory_order_acquire);
    for (int at = 0; at < end; ++at) {
        int found = atomic_exchange_explicit(&items[at], 0, memory_order_acq_rel);
        if (found != 0) {
            *(int *)into = found;
            break;
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[N + 2];
    for (int i = 0; i < N; ++i) {
        numbers[i] = i + 1;
        pthread_create(&threads[i], NULL, put, &numbers[i]);
    }
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[N + i], NULL, take, &taken[i]);
    }
    for (int i = 0; i < N + 2; ++i) {
        pthread_join(threads[i], NULL);
    }
    assert(taken[0] == 0 || taken[0] != taken[1]);
    return 0;
}
