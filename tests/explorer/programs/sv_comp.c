/* As programs of SV-COMP are written: an assumption by way of abort(), an error by way of reach_error(). */
extern void abort(void);
void assume_abort_if_not(int condition)
{
    if (!condition) {
        abort();
    }
}
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
void reach_error(void)
{
    assert(0);
}
atomic_int x;
void *thread(void *argument)
{
    atomic_store(&x, 1);
    return argument;
}
int main(void)
{
    pthread_t id;
    pthread_create(&id, 0, thread, 0);
    int value = atomic_load(&x);
    assume_abort_if_not(value == 1);
    if (value != WANTED) {
        reach_error();
    }
    pthread_join(id, 0);
    return 0;
}
