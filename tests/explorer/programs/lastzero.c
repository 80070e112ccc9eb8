/* lastzero(N) of Abdulla et al., Optimal Dynamic Partial Order Reduction (POPL 2014): (N+3) 2^(N-2) executions. */
#include <pthread.h>
#include <stdatomic.h>

static atomic_int cells[N + 1];
static int numbers[N + 1];

static void *look(void *unused)
{
    for (int i = N; atomic_load(&cells[i]) != 0; --i) {
    }
    return unused;
}

static void *count(void *number)
{
    int i = *(int *)number;
    atomic_store(&cells[i], atomic_load(&cells[i - 1]) + 1);
    return NULL;
}

int main(void)
{
    pthread_t threads[N + 1];
    for (int i = 0; i <= N; ++i) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, i == 0 ? look : count, &numbers[i]);
    }
    for (int i = 0; i <= N; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
