/* One thread sleeps on a futex until another wakes it. */
#include "verdicts.h"
static atomic_int ready, another;
static inline long wait_bits(unsigned bits)
{
    return syscall(SYS_futex, &ready, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, bits);
}
static inline long wake_bits(unsigned bits)
{
    return syscall(SYS_futex, &ready, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, bits);
}
static inline long wait_time(void)
{
    struct timespec time = {.tv_nsec = 1000};
    return syscall(SYS_futex, &ready, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
}
static void *sleeps(void *u) { SLEEP; return u; }
int main(void)
{
    pthread_t a = start(sleeps, 0);
    WAKE;
    finish(a);
    return LOAD(another, relaxed);
}
