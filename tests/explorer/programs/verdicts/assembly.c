/* What no compiler instruments: assembly and the machine's own instructions, in both threads. */
#include "verdicts.h"
#if defined __x86_64__
#include <emmintrin.h>
#define LOCKED_ADD "lock; addl $1, %0"
#define PLAIN_ADD "addl $1, %0"
#define FENCE "mfence"
#define RELAX "pause"
static inline void stream(int *to, int value) { _mm_stream_si32(to, value); }
static inline void relax(void) { _mm_pause(); }
#else
#define LOCKED_ADD "1: ldaxr w9, %0\n add w9, w9, #1\n stlxr w10, w9, %0\n cbnz w10, 1b"
#define PLAIN_ADD "ldr w9, %0\n add w9, w9, #1\n str w9, %0"
#define FENCE "dmb ish"
#define RELAX "yield"
static inline void stream(int *to, int value) { __asm__ volatile("stnp %w1, %w1, %0" : "=Q"(*(int (*)[2])to) : "r"(value)); }
static inline void relax(void) { __asm__ volatile("yield"); }
#endif
#if defined __x86_64__
#define CHANGED(object) "+m"(object) : : "cc", "memory"
#else
#define CHANGED(object) "+Q"(object) : : "cc", "memory", "w9", "w10"
#endif
static int shared[2];
static atomic_int x, y;
static int seen[2];
static void *go(void *which) { int me = (int)(intptr_t)which; (void)me; BODY; return 0; }
int main(void)
{
    pthread_t a = start(go, 0), b = start(go, (void *)1);
    finish(a);
    finish(b);
    CHECK;
    return shared[0] + seen[0] == 77;
}
