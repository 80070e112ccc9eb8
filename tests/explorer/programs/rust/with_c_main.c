#include <assert.h>
#include <pthread.h>
#include <stdint.h>

uint32_t count_up(void);

static void *count(void *unused)
{
    count_up();
    return unused;
}

int main(void)
{
    pthread_t other;
    pthread_create(&other, 0, count, 0);
    count_up();
    pthread_join(other, 0);
    assert(count_up() == 3);
}
