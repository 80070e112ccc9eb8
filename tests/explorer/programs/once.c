/* Double-checked locking. BROKEN: the pointer is published relaxed. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifdef BROKEN
#define PUBLISH memory_order_relaxed
#else
#define PUBLISH memory_order_release
#endif

static int instance;
static _Atomic(int *) pointer;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *use(void *unused)
{
    int *seen = atomic_load_explicit(&pointer, memory_order_acquire);
    if (seen == NULL) {
        pthread_mutex_lock(&mutex);
        seen = atomic_load_explicit(&pointer, memory_order_relaxed);
        if (seen == NULL) {
            instance = 42;
            seen = &instance;
            atomic_store_explicit(&pointer, seen, PUBLISH);
        }
        pthread_mutex_unlock(&mutex);
    }
    assert(*seen == 42);
    return unused;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[i], NULL, use, NULL);
    }
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
