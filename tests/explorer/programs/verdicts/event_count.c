/* A waiter announces itself and looks again; the notifier wakes only if it sees the announcement. */
#include "verdicts.h"
static atomic_int ready, waiting, word;
static inline void heavy(void) { syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); }
static inline void light(void) { atomic_signal_fence(memory_order_seq_cst); }
static inline void full(void) { atomic_thread_fence(memory_order_seq_cst); }
static inline void none(void) {}
static void *waits(void *u)
{
    for (;;) {
        int seen = LOAD(word, acquire);
        STORE(waiting, 1, relaxed);
        WAITER();
        if (LOAD(ready, acquire))
            return u;
        futex_wait(&word, seen);
    }
}
int main(void)
{
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    pthread_t t = start(waits, 0);
    STORE(ready, 1, release);
    NOTIFIER();
    if (LOAD(waiting, relaxed)) {
        CHANGE;
        WAKE;
    }
    finish(t);
    return 0;
}
