/* What POSIX offers, each round a plain counter: mutex, spin lock, lock for readers and writers, condition variable,
 * barrier, once, trylock. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#ifndef N
#define N 2
#endif

static int counter;
static int ready;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int numbers[N];

static void initialise(void)
{
    ++counter;
}

static void *body(void *number)
{
    int me = *(int *)number;
    (void)me;
#if defined(MUTEX)
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
#elif defined(TRYLOCK)
    if (pthread_mutex_trylock(&mutex) == 0) {
        ++counter;
        pthread_mutex_unlock(&mutex);
    }
#elif defined(SPIN)
    pthread_spin_lock(&spin);
    ++counter;
    pthread_spin_unlock(&spin);
#elif defined(RWLOCK)
    if (me == 0) {
        pthread_rwlock_wrlock(&rwlock);
        ++counter;
    } else {
        pthread_rwlock_rdlock(&rwlock);
        (void)*(volatile int *)&counter;
    }
    pthread_rwlock_unlock(&rwlock);
#elif defined(CONDITION)
    pthread_mutex_lock(&mutex);
    if (me == 0) {
        ready = 1;
        counter = N;
#if N > 2 && !defined(SIGNAL_ONE)
        pthread_cond_broadcast(&condition);
#else
        pthread_cond_signal(&condition);
#endif
    } else {
        while (!ready) {
            pthread_cond_wait(&condition, &mutex);
        }
        assert(counter == N);
    }
    pthread_mutex_unlock(&mutex);
#elif defined(BARRIER)
    if (me == 0) {
        counter = N;
    }
    pthread_barrier_wait(&barrier);
    assert(counter == N);
#elif defined(SEMAPHORE)
    sem_wait(&semaphore);
    ++counter;
    sem_post(&semaphore);
#elif defined(TRY_SEMAPHORE)
    if (sem_trywait(&semaphore) == 0) {
        ++counter;
        sem_post(&semaphore);
    }
#elif defined(TRY_RWLOCK)
    if (me == 0) {
        if (pthread_rwlock_trywrlock(&rwlock) == 0) {
            ++counter;
            pthread_rwlock_unlock(&rwlock);
        }
    } else if (pthread_rwlock_tryrdlock(&rwlock) == 0) {
        (void)*(volatile int *)&counter;
        pthread_rwlock_unlock(&rwlock);
    }
#elif defined(TIMED)
    /* the time may be up or not; who waits has the mutex again in either case */
    struct timespec soon = {0, 0};
    pthread_mutex_lock(&mutex);
    if (me == 0) {
        ready = 1;
        pthread_cond_signal(&condition);
    } else if (!ready) {
        int up = pthread_cond_timedwait(&condition, &mutex, &soon);
        assert(up == ETIMEDOUT || ready == 1);
    }
    pthread_mutex_unlock(&mutex);
#elif defined(ONCE)
    pthread_once(&once, initialise);
    assert(counter == 1);
#else
#error "which?"
#endif
    return NULL;
}

int main(void)
{
    pthread_t threads[N];
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    sem_init(&semaphore, 0, 1);
    pthread_barrier_init(&barrier, NULL, N);
    for (int i = 0; i < N; ++i) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, body, &numbers[i]);
    }
    for (int i = 0; i < N; ++i) {
        pthread_join(threads[i], NULL);
    }
#if defined(MUTEX) || defined(SPIN)
    assert(counter == N);
#endif
    return 0;
}
