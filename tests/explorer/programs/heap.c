/* The heap, with one fault each, or none. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    atomic_int count;
    int value;
};

int *kept;

static void *body(void *argument)
{
#if defined(LEAK)
    int *lost = malloc(sizeof *lost);
    *lost = 1;
#elif defined(LEAK_SETUP)
    (void)kept;
#elif defined(UNINITIALIZED)
    int *p = malloc(2 * sizeof *p);
    p[0] = 1;
    int seen = *(volatile int *)&p[1];
    free(p);
    return seen == 5 ? argument : NULL;
#elif defined(UNINITIALIZED_ATOMIC)
    struct pair *p = malloc(sizeof *p);
    int seen = atomic_fetch_add(&p->count, 1);
    free(p);
    return seen == 5 ? argument : NULL;
#elif defined(OUT_OF_BOUNDS)
    volatile char *p = malloc(3);
    p[3] = 1;
    free((void *)p);
#elif defined(BEFORE_BLOCK)
    volatile char *p = malloc(3);
    p[-1] = 1;
    free((void *)p);
#elif defined(INVALID_FREE)
    char *p = malloc(3);
    free(p + 1);
    free(p);
#elif defined(FREE_TWICE)
    char *p = malloc(3);
    free(p);
    free(p);
#elif defined(MEMCPY_TOO_LONG)
    char from[16] = {0};
    char *p = malloc(8);
    volatile size_t n = 12;
    memcpy(p, from, n);
    free(p);
#elif defined(CALLOC)
    int *p = calloc(4, sizeof *p);
    assert(p[3] == 0);
    p = realloc(p, 8 * sizeof *p);
    assert(p[3] == 0);
    p[7] = 1;
    free(p);
    assert(calloc((size_t)1 << 60, 64) == NULL);
    free(NULL);
#elif defined(REALLOC_OLD)
    int *p = malloc(sizeof *p);
    *p = 1;
    int *q = realloc(p, 64);
    int seen = *(volatile int *)p;
    free(q);
    return seen == 5 ? argument : NULL;
#elif defined(COPIED_UNINITIALIZED)
    /* padding and what nobody looks at may be copied */
    struct pair *p = malloc(sizeof *p), *q = malloc(sizeof *q);
    atomic_init(&p->count, 3);
    memcpy(q, p, sizeof *p);
    assert(atomic_load(&q->count) == 3);
    free(p);
    free(q);
#elif defined(ATOMICS)
    struct pair *p = argument;
    p = p != NULL ? p : malloc(sizeof *p);
    atomic_init(&p->count, 0);
    atomic_fetch_add(&p->count, 2);
    assert(atomic_load(&p->count) == 2);
    free(p);
#endif
    return argument;
}

int main(void)
{
    pthread_t threads[2];
#ifdef LEAK_SETUP
    malloc(3);
#endif
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[i], NULL, body, NULL);
    }
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
