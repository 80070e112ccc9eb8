/* Prints a hash of the numbers that the C library draws, or, as EXPECTED, compares it in each execution. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_int x;
static uint64_t hash = 1;

static void add(uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
}

static void draw(void)
{
    unsigned mine = 7;
    unsigned short own[3] = {1, 2, 3};
    for (int i = 0; i < 40; ++i) {
        add((uint64_t)rand());
        add((uint64_t)random());
        add((uint64_t)rand_r(&mine));
        add((uint64_t)lrand48());
        add((uint64_t)mrand48());
        add((uint64_t)(drand48() * 1e9));
        add((uint64_t)nrand48(own));
        add((uint64_t)jrand48(own));
    }
}

static void *body(void *unused)
{
    atomic_store(&x, 1);
    return unused;
}

int main(void)
{
    static const unsigned seeds[] = {0, 1, 42, 123456789, 2147483647, 2147483648U, 4294967295U};
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    draw();
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; ++i) {
        srand(seeds[i]);
        srand48((long)seeds[i]);
        draw();
    }
    (void)atomic_load(&x);
    pthread_join(thread, NULL);
#ifdef EXPECTED
    assert(hash == EXPECTED);
#else
    printf("%llu\n", (unsigned long long)hash);
#endif
    return 0;
}
