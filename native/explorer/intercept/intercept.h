/* intercept.h - what the interceptors share: functions that replace those of the C library in a program. */
#ifndef EXPLORER_INTERCEPT_H
#define EXPLORER_INTERCEPT_H

#include "../engine/operations.h"

/* Records the return address into the user's code, and the end of the user's part of the stack. To be called first, in the
 * entry point itself. */
static inline uint64_t entered_at(void *frame, void *pc)
{
    run.low = frame;
    run.pc = (uint64_t)(uintptr_t)pc;
    run.entered = true;
    return run.pc;
}
#define PC entered_at(__builtin_frame_address(0), __builtin_return_address(0))

/* The bytes below the frame into which the callee-saved registers were pushed, so that a comparison of the stack from there
 * up covers them. */
#if defined(__x86_64__)
#  define SAVED_REGISTERS 40 /* r15 to r12 and rbx, below the frame pointer */
#else
#  define SAVED_REGISTERS 0
#endif
/*
 * Fills the memory below the frame of an entry point with POISON: what the engine left there would pass for variables of the
 * function that the program calls next. The registers that the entry point saved stay; a thread begins with them as unwritten
 * words, see fiber.c. To be called at the end of an entry point that programs call often.
 */
#if defined(__x86_64__)
#  define SCRUBBED 512
static inline __attribute__((always_inline)) void scrub(void)
{
    typedef uint32_t words __attribute__((vector_size(16)));
    const words poison = {POISON, POISON, POISON, POISON};
    __asm__ volatile("movq %%rsp, %%rdx\n\t"
                     "andq $-16, %%rdx\n\t"
                     ".set explorer_at, -16\n\t"
                     ".rept %c1 / 16\n\t"
                     "movdqa %0, explorer_at(%%rdx)\n\t"
                     ".set explorer_at, explorer_at - 16\n\t"
                     ".endr"
                     :
                     : "x"(poison), "i"(SCRUBBED)
                     : "rdx", "memory");
}
#else
static inline void scrub(void) {}
#endif

#define SPIN_POINT(address)  \
    __builtin_unwind_init(); \
    spin_check((uint64_t)(uintptr_t)(address), (const uint8_t *)__builtin_frame_address(0) - SAVED_REGISTERS)

/* Functions that do the same share a definition; symbols.txt needs a name for each. */
#define SAME(name, as) __asm__(".globl " #name "\n.set " #name ", " #as)

/* Sets of sleepers, of condition variables and of futexes, see conditions.c. */
uint64_t sleeper_bit(void);
bool stop_sleeping(uint64_t set, int order, uint64_t pc);
void sleep_on(uint64_t set, int order, uint64_t pc);

/* The errno of the current thread. */
int *xp_errno_location(void);

/* Copies the environment before the program begins, so that each execution finds it unchanged. */
void environment_prepare(void);

/* Weakened orders, see tsan.c. */
void set_weakening(uint64_t pc, bool failure, int order);
void clear_weakenings(void);

#endif
