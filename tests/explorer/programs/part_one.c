/* A program of two files. */
#include <pthread.h>
#include <stdatomic.h>

extern atomic_int shared_count;
void *add_one(void *unused);

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[i], NULL, add_one, NULL);
    }
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], NULL);
    }
    return atomic_load(&shared_count) != 2;
}
