/* OTHER in a thread beside MAIN, about a read-write lock and a spin lock. */
#include "verdicts.h"
static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER, k = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t s;
static int shared, seen;
#define READ pthread_rwlock_rdlock(&l)
#define WRITE pthread_rwlock_wrlock(&l)
#define UNLOCK pthread_rwlock_unlock(&l)
static void *other(void *u) { OTHER; return u; }
int main(void)
{
    pthread_spin_init(&s, PTHREAD_PROCESS_PRIVATE);
    pthread_t t = start(other, 0);
    MAIN;
    finish(t);
    AFTER;
    return 0;
}
