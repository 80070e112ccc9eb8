/* Litmus programs as C: message passing, load buffering, IRIW, coherence, write-to-read causality. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define rlx memory_order_relaxed
#define acq memory_order_acquire
#define rel memory_order_release
#define sc memory_order_seq_cst
#ifndef W
#define W rlx
#endif
#ifndef R
#define R rlx
#endif
#define STORE(at, value, order) atomic_store_explicit(&(at), value, order)
#define LOAD(at, order) atomic_load_explicit(&(at), order)

atomic_int x, y;
int r[6];

#if defined(MP)
#define COUNT 2
static void *t0(void *p) { STORE(x, 1, rlx); STORE(y, 1, W); return p; }
static void *t1(void *p) { r[0] = LOAD(y, R); r[1] = LOAD(x, rlx); return p; }
static void *(*const bodies[])(void *) = {t0, t1};
#define GOOD !(r[0] == 1 && r[1] == 0)
#elif defined(MP_FENCES)
#define COUNT 2
static void *t0(void *p) { STORE(x, 1, rlx); atomic_thread_fence(rel); STORE(y, 1, rlx); return p; }
static void *t1(void *p) { r[0] = LOAD(y, rlx); atomic_thread_fence(acq); r[1] = LOAD(x, rlx); return p; }
static void *(*const bodies[])(void *) = {t0, t1};
#define GOOD !(r[0] == 1 && r[1] == 0)
#elif defined(LB)
#define COUNT 2
static void *t0(void *p) { r[0] = LOAD(y, R); STORE(x, 1, W); return p; }
static void *t1(void *p) { r[1] = LOAD(x, R); STORE(y, 1, W); return p; }
static void *(*const bodies[])(void *) = {t0, t1};
#define GOOD !(r[0] == 1 && r[1] == 1)
#elif defined(SB)
#define COUNT 2
static void *t0(void *p) { STORE(x, 1, W); r[0] = LOAD(y, R); return p; }
static void *t1(void *p) { STORE(y, 1, W); r[1] = LOAD(x, R); return p; }
static void *(*const bodies[])(void *) = {t0, t1};
#define GOOD !(r[0] == 0 && r[1] == 0)
#elif defined(SB_FENCES)
#define COUNT 2
static void *t0(void *p) { STORE(x, 1, rlx); atomic_thread_fence(sc); r[0] = LOAD(y, rlx); return p; }
static void *t1(void *p) { STORE(y, 1, rlx); atomic_thread_fence(sc); r[1] = LOAD(x, rlx); return p; }
static void *(*const bodies[])(void *) = {t0, t1};
#define GOOD !(r[0] == 0 && r[1] == 0)
#elif defined(IRIW)
#define COUNT 4
static void *t0(void *p) { STORE(x, 1, W); return p; }
static void *t1(void *p) { STORE(y, 1, W); return p; }
static void *t2(void *p) { r[0] = LOAD(x, R); r[1] = LOAD(y, R); return p; }
static void *t3(void *p) { r[2] = LOAD(y, R); r[3] = LOAD(x, R); return p; }
static void *(*const bodies[])(void *) = {t0, t1, t2, t3};
#define GOOD !(r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0)
#elif defined(CORR)
#define COUNT 2
static void *t0(void *p) { STORE(x, 1, rlx); STORE(x, 2, rlx); return p; }
static void *t1(void *p) { r[0] = LOAD(x, rlx); r[1] = LOAD(x, rlx); return p; }
static void *(*const bodies[])(void *) = {t0, t1};
#define GOOD (r[0] <= r[1])
#elif defined(WRC)
#define COUNT 3
static void *t0(void *p) { STORE(x, 1, rlx); return p; }
static void *t1(void *p) { r[0] = LOAD(x, rlx); STORE(y, 1, W); return p; }
static void *t2(void *p) { r[1] = LOAD(y, R); r[2] = LOAD(x, rlx); return p; }
static void *(*const bodies[])(void *) = {t0, t1, t2};
#define GOOD !(r[0] == 1 && r[1] == 1 && r[2] == 0)
#elif defined(RELEASE_SEQUENCE)
/* the RMW of a third thread continues the release sequence of the store */
#define COUNT 3
static void *t0(void *p) { STORE(x, 1, rlx); STORE(y, 1, rel); return p; }
static void *t1(void *p) { atomic_fetch_add_explicit(&y, 1, rlx); return p; }
static void *t2(void *p) { r[0] = LOAD(y, acq); r[1] = LOAD(x, rlx); return p; }
static void *(*const bodies[])(void *) = {t0, t1, t2};
#define GOOD !(r[0] == 2 && r[1] == 0)
#else
#error "which program?"
#endif

int main(void)
{
    pthread_t threads[COUNT];
    for (int i = 0; i < COUNT; ++i) {
        pthread_create(&threads[i], NULL, bodies[i], NULL);
    }
    for (int i = 0; i < COUNT; ++i) {
        pthread_join(threads[i], NULL);
    }
    assert(GOOD);
    return 0;
}
