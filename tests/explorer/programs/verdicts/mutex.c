/* OTHER in a thread beside MAIN, about a mutex. */
#include "verdicts.h"
#ifndef INIT
#define INIT PTHREAD_MUTEX_INITIALIZER
#endif
#define LOCK(m) pthread_mutex_lock(&m)
#define UNLOCK(m) pthread_mutex_unlock(&m)
static pthread_mutex_t m = INIT, n = PTHREAD_MUTEX_INITIALIZER;
static int shared;
static atomic_int flag;
static inline void typed(int type)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_init(&m, &attributes);
    pthread_mutexattr_destroy(&attributes);
}
static void *other(void *u) { OTHER; return u; }
int main(void)
{
#ifdef TYPE
    typed(TYPE);
#endif
    pthread_t t = start(other, 0);
    MAIN;
    finish(t);
    AFTER;
    return 0;
}
