/* rust.c - what the standard library of Rust calls: its panic handler, its allocator, and its queries of the system. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "library.h"

/* The panic handler: a formatted message, and the place of the panic. The other threads run on if the exploration keeps
 * going. */
_Noreturn void explorer_panicked(const char *text, size_t size, const char *file, size_t file_size, uint32_t line);
_Noreturn void explorer_panicked(const char *text, size_t size, const char *file, size_t file_size, uint32_t line)
{
    uint64_t pc = PC;
    const char *name = memrchr(file, '/', file_size);
    name = name == NULL ? file : name + 1;
    report("panic", pc, 0, "panicked at %.*s:%u: %.*s", (int)(file + file_size - name), name, line, (int)size, text);
    thread_end(NULL);
}

/* Called in place of a function of the standard library that was compiled without instrumentation. */
_Noreturn void explorer_refuse_std(const char *name, uint64_t pc);
_Noreturn void explorer_refuse_std(const char *name, uint64_t pc)
{
    refuse("the program calls %s(){at 0x%llx} of the standard library, which is not instrumented: --build-std compiles it anew",
           name, (unsigned long long)pc);
}

/* The allocator of programs that are linked without the standard library. As there, alignments are powers of two. */
void *explorer_rust_alloc(size_t size, size_t alignment);
void *explorer_rust_alloc(size_t size, size_t alignment)
{
    return heap_allocate(size, alignment < 16 ? 16 : alignment, false, PC);
}

void *explorer_rust_alloc_zeroed(size_t size, size_t alignment);
void *explorer_rust_alloc_zeroed(size_t size, size_t alignment)
{
    return heap_allocate(size, alignment < 16 ? 16 : alignment, true, PC);
}

void explorer_rust_dealloc(void *block, size_t size, size_t alignment);
void explorer_rust_dealloc(void *block, size_t size, size_t alignment)
{
    (void)size;
    (void)alignment;
    heap_free(block, PC);
}

void *explorer_rust_realloc(void *block, size_t size, size_t alignment, size_t wanted);
void *explorer_rust_realloc(void *block, size_t size, size_t alignment, size_t wanted)
{
    uint64_t pc = PC;
    void *moved = heap_allocate(wanted, alignment < 16 ? 16 : alignment, false, pc);
    if (moved != NULL) {
        plain_copy((uint64_t)(uintptr_t)moved, (uint64_t)(uintptr_t)block, size < wanted ? size : wanted, pc);
        heap_free(block, pc);
    }
    return moved;
}

/* std::process::abort and std::thread::yield_now. */
_Noreturn void explorer_rust_abort(void);
_Noreturn void explorer_rust_abort(void)
{
    report("abort", PC, 0, "std::process::abort() was called");
    thread_end(NULL);
}

void explorer_rust_yield(void);
void explorer_rust_yield(void) {}

/* The standard library looks up functions that older systems lack: none is found. */
void *explorer_rust_dlsym(void *library, const char *name);
void *explorer_rust_dlsym(void *library, const char *name)
{
    (void)library;
    (void)name;
    return NULL;
}

/* The unwinder calls it to learn what a frame has to clean up; here no stack is unwound. */
_Noreturn void explorer_rust_personality(void);
_Noreturn void explorer_rust_personality(void)
{
    refuse("the program unwinds its stack, and panics end the thread here");
}

/* std::thread::available_parallelism() counts the processors that the process may use: two. */
int xp_sched_getaffinity(pid_t process, size_t size, cpu_set_t *set);
int xp_sched_getaffinity(pid_t process, size_t size, cpu_set_t *set)
{
    (void)process;
    if (size < sizeof *set) {
        *xp_errno_location() = EINVAL;
        return -1;
    }
    write_bytes(set, sizeof *set, PC);
    memset(set, 0, sizeof *set);
    CPU_SET(0, set);
    CPU_SET(1, set);
    return 0;
}
