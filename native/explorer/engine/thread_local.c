/*
 * thread_local.c - the thread-local variables of the program's threads.
 *
 * For each thread of the program, the engine creates a thread of the system that sleeps for ever. The program's thread uses
 * that thread's block of thread-local variables, which the C library has set up: the engine switches the thread pointer
 * together with the thread. So each thread's variables have addresses of their own, and a pointer to one can be passed to other
 * threads.
 */
#define _GNU_SOURCE
#include "thread_local.h"

#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#  include <asm/prctl.h>
#endif

static const uint8_t *image EXPLORER_STATE = NULL; /* the initial values of the variables */
static size_t image_bytes EXPLORER_STATE = 0;
static size_t block_bytes EXPLORER_STATE = 0; /* 0: the program has no such variables */
static size_t block_align EXPLORER_STATE = 1;
static uintptr_t pointers[MAX_THREADS] EXPLORER_STATE = {0};
static int entered EXPLORER_STATE = 0;
static uint8_t *saved EXPLORER_STATE = NULL; /* the first thread's variables at the checkpoint */

struct thread_locals thread_locals EXPLORER_STATE = {0};

static uint8_t *block_at(uintptr_t pointer)
{
#if defined(__x86_64__)
    return (uint8_t *)(pointer - (block_bytes + block_align - 1) / block_align * block_align);
#else
    return (uint8_t *)(pointer + (16 + block_align - 1) / block_align * block_align);
#endif
}

static void set_pointer(uintptr_t pointer)
{
#if defined(__x86_64__)
    static int by_instruction EXPLORER_STATE = -1;
    if (by_instruction < 0) {
        by_instruction = (getauxval(AT_HWCAP2) & 2) != 0; /* HWCAP2_FSGSBASE */
    }
    if (by_instruction != 0) {
        __asm__ volatile("wrfsbase %0" : : "r"(pointer) : "memory");
    } else {
        long result = 0;
        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "0"((long)SYS_arch_prctl), "D"((long)ARCH_SET_FS), "S"(pointer)
                         : "rcx", "r11", "memory");
    }
#elif defined(__aarch64__)
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(pointer) : "memory");
#else
    (void)pointer;
    refuse("thread-local variables are not followed on this machine");
#endif
}

void thread_local_prepare(void)
{
    extern const char __ehdr_start[]; /* defined by the linker */
    const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)(const void *)__ehdr_start;
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)(const void *)(__ehdr_start + file->e_phoff);
    for (int i = 0; i < file->e_phnum; ++i) {
        if (header[i].p_type == PT_TLS && header[i].p_memsz > 0) {
            image = (const uint8_t *)header[i].p_vaddr; /* the program is linked at fixed addresses */
            image_bytes = header[i].p_filesz;
            block_bytes = header[i].p_memsz;
            block_align = header[i].p_align > 0 ? header[i].p_align : 1;
        }
    }
    pointers[0] = (uintptr_t)__builtin_thread_pointer();
    if (block_bytes > 0) {
        saved = must(malloc(block_bytes));
    }
}

static _Atomic(uintptr_t) lent EXPLORER_STATE = 0;

static void *lend_pointer(void *unused)
{
    atomic_store(&lent, (uintptr_t)__builtin_thread_pointer());
    for (;;) {
        pause();
    }
    return unused;
}

static void borrow_pointer(int thread)
{
    sigset_t all;
    sigset_t before;
    pthread_attr_t attributes;
    pthread_t lender;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 16);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the engine's signals must reach the one thread that runs */
    atomic_store(&lent, 0);
    if (pthread_create(&lender, &attributes, lend_pointer, NULL) != 0) {
        refuse("the system gives no thread for the thread-local variables of thread %d", thread);
    }
    while (atomic_load(&lent) == 0) {
        sched_yield();
    }
    pointers[thread] = atomic_load(&lent);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    uint64_t from = (uint64_t)(uintptr_t)block_at(pointers[thread]);
    uint64_t to = from + block_bytes;
    if (thread_locals.bytes > 0) {
        uint64_t end = thread_locals.from + thread_locals.bytes;
        to = to > end ? to : end;
        from = from < thread_locals.from ? from : thread_locals.from;
    }
    thread_locals = (struct thread_locals){.from = from, .bytes = to - from};
}

static void enter(int thread)
{
    if (entered != thread) {
        entered = thread;
        set_pointer(pointers[thread]);
    }
}

void thread_local_enter(int thread)
{
    if (block_bytes > 0) {
        enter(thread);
    }
}

void thread_local_begin(int thread)
{
    if (block_bytes == 0) {
        return;
    }
    if (pointers[thread] == 0) {
        int back = entered;
        enter(0);
        borrow_pointer(thread);
        enter(back);
    }
    uint8_t *block = block_at(pointers[thread]);
    memcpy(block, image, image_bytes);
    memset(block + image_bytes, 0, block_bytes - image_bytes);
}

void thread_local_checkpoint(void)
{
    if (block_bytes > 0) {
        memcpy(saved, block_at(pointers[0]), block_bytes);
    }
}

void thread_local_restore(void)
{
    if (block_bytes > 0) {
        memcpy(block_at(pointers[0]), saved, block_bytes);
    }
}

bool thread_local_block(int thread, uint64_t *from, uint64_t *to)
{
    if (block_bytes == 0 || pointers[thread] == 0) {
        return false;
    }
    *from = (uint64_t)(uintptr_t)block_at(pointers[thread]);
    *to = *from + block_bytes;
    return true;
}
