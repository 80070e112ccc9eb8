/*
 * main.c - a program under the explorer: its constructors, its own main and its destructors are called from here, on its first
 * thread. The command takes the constructors from the system, which would run them before the engine is ready.
 */
#define _GNU_SOURCE
#include <link.h>

#include "engine/schedule.h"

typedef void constructor(int argc, char **argv, char **environment);

extern constructor *__init_array_start[] __attribute__((weak)); /* the linker's */
extern constructor *__init_array_end[] __attribute__((weak));
extern char **environ;

int explorer_program_main(int argc, char **argv);
_Noreturn void xp_exit(int status);

/* Whether the system has run the constructors: it finds how many there are in a table of the file. */
static bool are_run(void)
{
    for (const ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; ++entry) {
        if (entry->d_tag == DT_INIT_ARRAYSZ && entry->d_un.d_val == 0) {
            return false;
        }
    }
    return true;
}

/* Makes the stack below the caller as new: what constructors left there must not pass for variables that were written, nor
 * for another state of a loop. */
static inline __attribute__((always_inline)) void forget_stack(void)
{
#if defined(__x86_64__)
    __asm__ volatile("leaq -65536(%%rsp), %%rdi\n\t"
                     "movl $16384, %%ecx\n\t"
                     "movl %0, %%eax\n\t"
                     "rep stosl"
                     :
                     : "i"(POISON)
                     : "rdi", "rcx", "rax", "memory");
#endif
}

static char name[] = "program";
static char *arguments[] = {name, NULL};

/* A function of its own, so that the registers that a caller saves are as they were, too. */
static __attribute__((noinline)) void run_constructors(void)
{
    for (constructor **at = are_run() ? __init_array_end : __init_array_start; at != __init_array_end; ++at) {
        (*at)(1, arguments, environ);
    }
}

static int body(void)
{
    run_constructors();
    forget_stack();
    xp_exit(explorer_program_main(1, arguments));
}

int main(int argc, char **argv)
{
    return explorer_run(argc, argv, body);
}
