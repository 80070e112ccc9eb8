/* Peterson's and Dekker's algorithms: correct where everything is seq_cst, wrong where the accesses are only release and
 * acquire. What is guarded is a plain variable, and no race is found where they are correct. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#ifndef W
#define W memory_order_seq_cst
#endif
#ifndef R
#define R memory_order_seq_cst
#endif

/* not static: clang 14 takes a static one that one function uses for that function's own */
atomic_bool wants[2];
atomic_int turn;
static int guarded;
static const int numbers[2] = {0, 1};

static void *body(void *number)
{
    int me = *(const int *)number;
    int other = 1 - me;
#ifdef DEKKER
    atomic_store_explicit(&wants[me], true, W);
    while (atomic_load_explicit(&wants[other], R)) {
        if (atomic_load_explicit(&turn, R) != me) {
            atomic_store_explicit(&wants[me], false, W);
            while (atomic_load_explicit(&turn, R) != me) {
            }
            atomic_store_explicit(&wants[me], true, W);
        }
    }
    ++guarded;
    atomic_store_explicit(&turn, other, W);
    atomic_store_explicit(&wants[me], false, W);
#else
    atomic_store_explicit(&wants[me], true, W);
    atomic_store_explicit(&turn, other, W);
    while (atomic_load_explicit(&wants[other], R) && atomic_load_explicit(&turn, R) == other) {
    }
    ++guarded;
    atomic_store_explicit(&wants[me], false, W);
#endif
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[i], NULL, body, (void *)(long)&numbers[i]);
    }
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], NULL);
    }
    return guarded != 2;
}
