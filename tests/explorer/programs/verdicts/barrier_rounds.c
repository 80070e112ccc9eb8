/* Which thread comes first to a barrier cannot be told afterwards. Right: clean, 1 execution. */
#include <pthread.h>
static pthread_barrier_t line;
static void *go(void *u)
{
    pthread_barrier_wait(&line);
    pthread_barrier_wait(&line);
    return u;
}
int main(void)
{
    pthread_t t[5];
    pthread_barrier_init(&line, 0, 5);
    for (int i = 0; i < 5; i++)
        pthread_create(&t[i], 0, go, 0);
    for (int i = 0; i < 5; i++)
        pthread_join(t[i], 0);
    return 0;
}
