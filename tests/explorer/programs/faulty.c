/* One fault each, chosen by a macro. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* not static: what nobody reads or writes, a compiler takes out */
int plain;
atomic_int flag;
int *shared;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

int descriptor;
static const uint64_t count = 1;

static void *one(void *argument)
{
    (void)argument;
#if defined(RACE_WRITES) || defined(RACE_READ)
    plain = 1;
#elif defined(RACE_ATOMIC)
    *(int *)(void *)&flag = 1;
#elif defined(RACE_BEFORE_FIRST_EVENT)
    plain = 1;
    atomic_store_explicit(&flag, 1, memory_order_release);
#elif defined(RACE_AFTER_LAST_EVENT)
    atomic_store_explicit(&flag, 1, memory_order_release);
    plain = 1;
#elif defined(RACE_MEMSET)
    memset(&plain, 0, sizeof plain);
#elif defined(RACE_BYTES)
    ((char *)&plain)[1] = 1;
#elif defined(CLOSED_DESCRIPTOR)
    assert(write(descriptor, &count, sizeof count) == sizeof count);
#elif defined(CLOSED_AFTER_USE)
    assert(write(descriptor, &count, sizeof count) == sizeof count);
    atomic_store_explicit(&flag, 1, memory_order_release);
#elif defined(USE_AFTER_FREE)
    free(shared);
#elif defined(DOUBLE_FREE)
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1) {
        free(shared);
    }
#elif defined(FREE_WHILE_ATOMIC)
    free(shared);
#elif defined(USED_BEFORE_FREE)
    free(shared);
#elif defined(AB_BA)
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&b);
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&a);
#elif defined(MISSING_UNLOCK)
    pthread_mutex_lock(&a);
#elif defined(LOST_WAKEUP)
    pthread_mutex_lock(&a);
    pthread_cond_wait(&condition, &a);
    pthread_mutex_unlock(&a);
#elif defined(ENDLESS_SPIN)
    while (atomic_load_explicit(&flag, memory_order_acquire) == 0) {
    }
#elif defined(NULL_POINTER)
    if (atomic_load(&flag) == 1) {
        *shared = 1;
    }
#elif defined(ABORT)
    if (atomic_load(&flag) == 1) {
        abort();
    }
#elif defined(ASSERTION)
    assert(atomic_load(&flag) == 0);
#elif defined(DIVISION)
    plain = 100 / atomic_load(&flag);
#elif defined(STACK_OF_ENDED)
    volatile int local = 1;
    shared = (int *)&local;
    atomic_store_explicit(&flag, 1, memory_order_release);
    local = 2;
#elif defined(HANG)
    if (atomic_load(&flag) == 1) {
        for (volatile int i = 0; i >= 0; i = 1) {
        }
    }
#endif
    return NULL;
}

static void *two(void *argument)
{
    (void)argument;
#if defined(RACE_WRITES)
    plain = 2;
#elif defined(RACE_READ) || defined(RACE_MEMSET)
    return (void *)(intptr_t)plain;
#elif defined(RACE_BYTES)
    ((char *)&plain)[1] = 2;
#elif defined(RACE_ATOMIC)
    (void)atomic_load(&flag);
#elif defined(RACE_BEFORE_FIRST_EVENT)
    plain = 2;
    (void)atomic_load_explicit(&flag, memory_order_acquire);
#elif defined(RACE_AFTER_LAST_EVENT)
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1) {
        plain = 2;
    }
#elif defined(CLOSED_DESCRIPTOR)
    assert(close(descriptor) == 0);
#elif defined(CLOSED_AFTER_USE)
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1) {
        assert(close(descriptor) == 0);
    }
#elif defined(USE_AFTER_FREE) || defined(USED_BEFORE_FREE)
    *shared = 2;
#elif defined(FREE_WHILE_ATOMIC)
    atomic_store((atomic_int *)(void *)shared, 2);
#elif defined(DOUBLE_FREE)
    free(shared);
    atomic_store_explicit(&flag, 1, memory_order_release);
#elif defined(AB_BA)
    pthread_mutex_lock(&b);
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&b);
#elif defined(MISSING_UNLOCK)
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&a);
#elif defined(LOST_WAKEUP)
    pthread_mutex_lock(&a);
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&a);
#elif defined(NULL_POINTER) || defined(ABORT) || defined(ASSERTION) || defined(DIVISION) || defined(HANG)
    atomic_store(&flag, 1);
#elif defined(STACK_OF_ENDED)
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1) {
        return (void *)(intptr_t)*shared;
    }
#endif
    return NULL;
}

int main(void)
{
#if defined(CLOSED_DESCRIPTOR) || defined(CLOSED_AFTER_USE)
    descriptor = eventfd(0, EFD_NONBLOCK);
#endif
#if defined(USE_AFTER_FREE) || defined(DOUBLE_FREE) || defined(FREE_WHILE_ATOMIC) || defined(USED_BEFORE_FREE)
    shared = malloc(sizeof *shared);
    *shared = 1;
#endif
    pthread_t first, second;
#ifdef USED_BEFORE_FREE
    pthread_create(&first, NULL, two, NULL);
    pthread_create(&second, NULL, one, NULL);
#else
    pthread_create(&first, NULL, one, NULL);
    pthread_create(&second, NULL, two, NULL);
#endif
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    return 0;
}
