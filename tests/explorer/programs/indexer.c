/* indexer(N) of Flanagan and Godefroid, Dynamic Partial-Order Reduction (POPL 2005): 1 execution up to 11 threads, then
 * 8, 64, 512. Tried as often as there are cells, and no loop that waits. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define CELLS 128
#define MOST 4

static atomic_int table[CELLS];
static int numbers[N];

static void *index_words(void *number)
{
    int me = *(int *)number;
    for (int i = 0; i < MOST; ++i) {
        int word = i * 11 + me + 1;
        int hash = word * 7 % CELLS;
        for (int tried = 0;; ++tried) {
            int empty = 0;
            assert(tried < CELLS);
            if (atomic_compare_exchange_strong(&table[hash], &empty, word)) {
                break;
            }
            hash = (hash + 1) % CELLS;
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[N];
    for (int i = 0; i < N; ++i) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, index_words, &numbers[i]);
    }
    for (int i = 0; i < N; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
