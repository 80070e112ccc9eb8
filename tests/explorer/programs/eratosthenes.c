/* Two threads sieve the same numbers up to N (Eratosthenes): each looks whether a number is crossed out, and crosses out its
 * multiples otherwise. */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

atomic_int crossed[N + 1];

static void *sieve(void *unused)
{
    for (int prime = 2; prime <= N; ++prime) {
        if (atomic_load_explicit(&crossed[prime], memory_order_acquire) == 0) {
            for (int multiple = 2 * prime; multiple <= N; multiple += prime) {
                atomic_store_explicit(&crossed[multiple], 1, memory_order_release);
            }
        }
    }
    return unused;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[i], NULL, sieve, NULL);
    }
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
