/* Store buffering and message passing by membarrier() and atomic_signal_fence() (P1202: asymmetric fences). */
#include "verdicts.h"
static atomic_int x, y;
static int left, right, data;
static inline void heavy(void) { syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); }
static inline void light(void) { atomic_signal_fence(memory_order_seq_cst); }
static inline void full(void) { atomic_thread_fence(memory_order_seq_cst); }
static inline void none(void) {}
#ifdef MESSAGE
static void *one(void *u) { data = 1; A(); STORE(x, 1, relaxed); return u; }
static void *two(void *u) { if (LOAD(x, relaxed)) { B(); right = data; } return u; }
#define EXPECTED 1
#elif defined EXCLUSION
static void *one(void *u) { STORE(x, 1, relaxed); A(); if (!LOAD(y, relaxed)) data = 1; return u; }
static void *two(void *u) { STORE(y, 1, relaxed); B(); if (!LOAD(x, relaxed)) data = 2; return u; }
#define EXPECTED 1
#else
static void *one(void *u) { STORE(x, 1, relaxed); A(); left = LOAD(y, relaxed); return u; }
static void *two(void *u) { STORE(y, 1, relaxed); B(); right = LOAD(x, relaxed); return u; }
#define EXPECTED left || right
#endif
int main(void)
{
#ifndef UNREGISTERED
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
#endif
    both(one, two);
    assert(EXPECTED);
    return 0;
}
