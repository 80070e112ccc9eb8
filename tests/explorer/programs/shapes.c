/* What programs are made of, each without a fault. */
#define _GNU_SOURCE
#include <assert.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

atomic_int x;
atomic_int y;
void __VERIFIER_assume(int);

#if defined(ASSUME)
static void *one(void *p) { __VERIFIER_assume(atomic_load(&x) == 1); return p; }
static void *two(void *p) { atomic_store(&x, 1); return p; }
#elif defined(MAIN_RETURNS)
static void *one(void *p) { atomic_store(&x, 1); return p; }
static void *two(void *p) { (void)atomic_load(&x); return p; }
#elif defined(MAIN_EXITS)
static void *one(void *p) { atomic_store(&x, 1); return p; }
static void *two(void *p) { (void)atomic_load(&x); return p; }
#elif defined(THREAD_EXITS)
static void *one(void *p) { (void)p; atomic_store(&x, 1); pthread_exit((void *)7); }
static void *two(void *p) { (void)atomic_load(&x); return p; }
#elif defined(THREAD_LOCAL)
static _Thread_local int mine = 3;
static _Thread_local int zero;
static void *one(void *p) { ++mine; ++zero; atomic_store(&x, mine); mine += zero; assert(mine == 5); return p; }
static void *two(void *p) { --mine; --zero; (void)atomic_load(&x); mine += zero; assert(mine == 1); return p; }
#elif defined(NESTED)
static void *leaf(void *p) { atomic_fetch_add(&x, (int)(intptr_t)p); return p; }
static void *one(void *p)
{
    pthread_t child;
    pthread_create(&child, NULL, leaf, (void *)1);
    void *result = NULL;
    pthread_join(child, &result);
    assert(result == (void *)1);
    return p;
}
#define two one
#elif defined(RECURSION)
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int (*const pointer)(int) = fib;
static void *one(void *p) { atomic_store(&x, pointer(8)); return p; }
static void *two(void *p) { int seen = atomic_load(&x); assert(seen == 0 || seen == 21); return p; }
#elif defined(STRUCTS)
struct big { int content[40]; };
static struct big value;
static void *one(void *p)
{
    struct big mine;
    memset(&mine, 0, sizeof mine);
    mine.content[39] = 7;
    value = mine;
    atomic_store_explicit(&x, 1, memory_order_release);
    return p;
}
static void *two(void *p)
{
    if (atomic_load_explicit(&x, memory_order_acquire) == 1) {
        struct big seen = value, other;
        memcpy(&other, &seen, sizeof other);
        assert(other.content[39] == 7 && memcmp(&other, &seen, sizeof seen) == 0);
    }
    return p;
}
#elif defined(INITIALISERS)
static int table[3] = {1, 2, 3};
static int *at = &table[1];
static const char *words[] = {"one", "two"};
static void *one(void *p) { atomic_store(&x, *at); return p; }
static void *two(void *p) { assert(strcmp(words[1], "two") == 0 && (atomic_load(&x) == 0 || table[2] == 3)); return p; }
#elif defined(VOLATILE)
static volatile int v;
static void *one(void *p) { v = 1; atomic_store_explicit(&x, 1, memory_order_release); return p; }
static void *two(void *p) { assert(atomic_load_explicit(&x, memory_order_acquire) == 0 || v == 1); return p; }
#elif defined(WIDTHS)
static _Atomic uint8_t w8 = 250;
static _Atomic uint16_t w16 = 65530;
static _Atomic uint32_t w32 = 0xfffffffau;
static _Atomic uint64_t w64 = UINT64_MAX - 5;
static _Atomic int8_t s8 = -1;
static atomic_bool flag;
static void *one(void *p)
{
    assert(atomic_fetch_add(&w8, 10) == 250 && atomic_load(&w8) == 4);
    assert(atomic_fetch_add(&w16, 10) == 65530 && atomic_load(&w16) == 4);
    assert(atomic_fetch_add(&w32, 10) == 0xfffffffau && atomic_load(&w32) == 4);
    assert(atomic_fetch_add(&w64, 10) == UINT64_MAX - 5 && atomic_load(&w64) == 4);
    assert(atomic_fetch_sub(&s8, 127) == -1 && atomic_load(&s8) == -128);
    assert(atomic_fetch_xor(&w8, 0xff) == 4 && atomic_fetch_and(&w8, 0x0f) == 251 && atomic_fetch_or(&w8, 0x10) == 11);
    assert(atomic_exchange(&w8, 9) == 27 && w8 == 9);
    uint16_t expected = 3;
    assert(!atomic_compare_exchange_strong(&w16, &expected, 8) && expected == 4);
    assert(atomic_compare_exchange_strong(&w16, &expected, 8) && w16 == 8);
    atomic_store(&flag, true);
    ++w64;
    w64 *= 3;
    return p;
}
static void *two(void *p) { (void)atomic_load(&flag); return p; }
#elif defined(POINTERS)
static int cells[2] = {1, 2};
static _Atomic(int *) pointer = &cells[0];
static void *one(void *p) { atomic_store(&pointer, &cells[1]); return p; }
static void *two(void *p) { int seen = *atomic_load(&pointer); assert(seen == 1 || seen == 2); return p; }
#elif defined(WEAK_CAS)
static void *one(void *p)
{
    int seen = atomic_load_explicit(&x, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&x, &seen, seen + 1)) {
    }
    return p;
}
#define two one
#elif defined(FENCES)
static void *one(void *p) { atomic_store_explicit(&x, 1, memory_order_relaxed); atomic_thread_fence(memory_order_seq_cst); (void)atomic_load_explicit(&y, memory_order_relaxed); return p; }
static void *two(void *p) { atomic_store_explicit(&y, 1, memory_order_relaxed); atomic_signal_fence(memory_order_seq_cst); atomic_thread_fence(memory_order_seq_cst); (void)atomic_load_explicit(&x, memory_order_relaxed); return p; }
#elif defined(ON_STACK)
static void *one(void *p) { atomic_store((atomic_int *)p, 1); return p; }
static void *two(void *p) { (void)atomic_load((atomic_int *)p); return p; }
#elif defined(PRINTS)
static void *one(void *p) { printf("{\"executions\": 7}\n"); puts("}{"); atomic_store(&x, 1); fprintf(stderr, "e\n"); return p; }
static void *two(void *p) { if (atomic_load(&x) == 1) { fflush(stdout); exit(3); } return p; }
#elif defined(ASYMMETRIC)
static void *one(void *p) { if (atomic_load(&y) == 0) { atomic_store(&x, 1); } return p; }
static void *two(void *p) { atomic_store(&y, 1); (void)atomic_load(&x); return p; }
#elif defined(INIT_LATER)
/* a plain initialisation that happens after an atomic access and before the next */
static void *one(void *p)
{
    if (atomic_exchange(&y, 1) == 0) {
        atomic_init(&x, 5);
        atomic_store_explicit(&y, 2, memory_order_release);
    }
    return p;
}
static void *two(void *p)
{
    if (atomic_load_explicit(&y, memory_order_acquire) == 2) {
        assert(atomic_load(&x) == 5);
    }
    return p;
}
#elif defined(DETACHED)
static void *one(void *p) { pthread_detach(pthread_self()); atomic_store(&x, 1); return p; }
static void *two(void *p) { assert(pthread_equal(pthread_self(), pthread_self())); (void)atomic_load(&x); return p; }
#elif defined(MUTEX_RECURSIVE)
static pthread_mutex_t mutex;
static int plain;
#define BEGIN
static void begin(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
}
static void *one(void *p)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    ++plain;
    pthread_mutex_unlock(&mutex);
    return p;
}
#define two one
#elif defined(ATOMIC_THREAD_LOCAL)
static _Thread_local atomic_int mine;
static void *one(void *p) { assert(atomic_fetch_add(&mine, 1) == 0 && mine == 1); atomic_store(&x, 1); return p; }
static void *two(void *p) { assert(atomic_fetch_add(&mine, 2) == 0 && mine == 2); (void)atomic_load(&x); return p; }
#elif defined(FENCE_OF_ALL)
/* store buffering: the fence of all threads on one side, that of the compiler on the other */
static int seen_x, seen_y;
#define BEGIN
static void begin(void) { assert(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0); }
static void *one(void *p)
{
    atomic_store_explicit(&x, 1, memory_order_relaxed);
    assert(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
    seen_y = atomic_load_explicit(&y, memory_order_relaxed);
    return p;
}
static void *two(void *p)
{
    atomic_store_explicit(&y, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    seen_x = atomic_load_explicit(&x, memory_order_relaxed);
    return p;
}
#elif defined(ATTRIBUTES)
static pthread_cond_t condition;
static pthread_rwlock_t rwlock;
static pthread_barrier_t barrier;
#define BEGIN
static void begin(void)
{
    pthread_attr_t thread;
    pthread_attr_init(&thread);
    pthread_attr_setstacksize(&thread, 1 << 20);
    pthread_attr_setguardsize(&thread, 0);
    pthread_attr_setscope(&thread, PTHREAD_SCOPE_SYSTEM);
    pthread_attr_destroy(&thread);
    pthread_condattr_t of_condition;
    pthread_condattr_init(&of_condition);
    pthread_condattr_setclock(&of_condition, CLOCK_MONOTONIC);
    pthread_condattr_setpshared(&of_condition, PTHREAD_PROCESS_PRIVATE);
    pthread_cond_init(&condition, &of_condition);
    pthread_condattr_destroy(&of_condition);
    pthread_rwlockattr_t of_lock;
    pthread_rwlockattr_init(&of_lock);
    pthread_rwlockattr_setpshared(&of_lock, PTHREAD_PROCESS_PRIVATE);
    pthread_rwlock_init(&rwlock, &of_lock);
    pthread_rwlockattr_destroy(&of_lock);
    pthread_barrierattr_t of_barrier;
    pthread_barrierattr_init(&of_barrier);
    pthread_barrierattr_setpshared(&of_barrier, PTHREAD_PROCESS_PRIVATE);
    pthread_barrier_init(&barrier, &of_barrier, 2);
    pthread_barrierattr_destroy(&of_barrier);
    pthread_setconcurrency(2);
    pthread_setname_np(pthread_self(), "main");
}
static void *one(void *p) { atomic_store(&x, 1); return p; }
static void *two(void *p) { (void)atomic_load(&x); return p; }
#else
#error "which?"
#endif

int main(void)
{
    pthread_t first, second;
    void *argument = NULL;
#ifdef ON_STACK
    atomic_int local;
    atomic_init(&local, 0);
    argument = &local;
#endif
#ifdef BEGIN
    begin();
#endif
    pthread_create(&first, NULL, one, argument);
    pthread_create(&second, NULL, two, argument);
#if defined(MAIN_EXITS)
    pthread_exit(NULL);
#elif !defined(MAIN_RETURNS) && !defined(DETACHED)
    void *result = NULL;
    pthread_join(first, &result);
    pthread_join(second, NULL);
#ifdef THREAD_EXITS
    assert(result == (void *)7 && atomic_load(&x) == 1);
#endif
#ifdef NESTED
    assert(atomic_load(&x) == 2);
#endif
#ifdef WEAK_CAS
    assert(atomic_load(&x) == 2);
#endif
#ifdef FENCE_OF_ALL
    assert(seen_x == 1 || seen_y == 1);
#endif
#ifdef WIDTHS
    assert(w64 == 15);
#endif
#endif
    return 0;
}
