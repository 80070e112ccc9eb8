/* allocation.c - malloc, free and their kin. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "library.h"

#define PAGE_BYTES 4096

static void *allocate(size_t count, size_t each, size_t alignment, bool zero, uint64_t pc)
{
    size_t bytes = 0;
    void *block = __builtin_mul_overflow(count, each, &bytes) ? NULL : heap_allocate(bytes, alignment, zero, pc);
    if (block == NULL) {
        *xp_errno_location() = ENOMEM;
    }
    return block;
}

/* As in glibc, a size of 0 frees the old block and returns NULL. */
static void *reallocate(void *old, size_t count, size_t each, uint64_t pc)
{
    heap_check_partner(old, BY_MALLOC, 0, 0, pc);
    if (old != NULL && (count == 0 || each == 0)) {
        heap_free(old, pc);
        return NULL;
    }
    void *block = allocate(count, each, 16, false, pc);
    if (block != NULL && old != NULL) {
        size_t before = heap_size(old);
        plain_copy((uint64_t)(uintptr_t)block, (uint64_t)(uintptr_t)old, before < count * each ? before : count * each, pc);
        heap_free(old, pc);
    }
    return block;
}

ENTRY(void *, xp_malloc, size_t bytes)
{
    return allocate(1, bytes, 16, false, PC);
}

ENTRY(void *, xp_calloc, size_t count, size_t each)
{
    return allocate(count, each, 16, true, PC);
}

ENTRY(void *, xp_aligned_alloc, size_t alignment, size_t bytes)
{
    return allocate(1, bytes, alignment, false, PC);
}

ENTRY(int, xp_posix_memalign, void **to, size_t alignment, size_t bytes)
{
    uint64_t pc = PC;
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    void *block = heap_allocate(bytes, alignment, false, pc);
    if (block == NULL) {
        return ENOMEM;
    }
    write_bytes(to, sizeof *to, pc);
    *to = block;
    return 0;
}

ENTRY(void *, xp_valloc, size_t bytes)
{
    return allocate(1, bytes, PAGE_BYTES, false, PC);
}

ENTRY(void *, xp_pvalloc, size_t bytes)
{
    return allocate((bytes + PAGE_BYTES - 1) / PAGE_BYTES, PAGE_BYTES, PAGE_BYTES, false, PC);
}

ENTRY(void *, xp_realloc, void *old, size_t bytes)
{
    return reallocate(old, 1, bytes, PC);
}

ENTRY(void *, xp_reallocarray, void *old, size_t count, size_t each)
{
    return reallocate(old, count, each, PC);
}

ENTRY(void, xp_free, void *block)
{
    uint64_t pc = PC;
    heap_check_partner(block, BY_MALLOC, 0, 0, pc);
    heap_free(block, pc);
}

/* The size that was asked for: in the explorer the program may use no more. */
ENTRY(size_t, xp_malloc_usable_size, void *block)
{
    return heap_size(block);
}

SAME(xp_memalign, xp_aligned_alloc);
