/* cxx_allocation.c - operator new and operator delete, in all their forms. */
#define _GNU_SOURCE
#include "library.h"

/* The standard library's: throws std::bad_alloc. */
_Noreturn void _ZSt17__throw_bad_allocv(void);

/* An alignment of 0: the call has none. */
static void *make(size_t bytes, uint64_t alignment, enum allocator allocator, bool throws, uint64_t pc)
{
    void *block = heap_allocate(bytes, alignment, false, pc);
    if (block == NULL && throws) {
        _ZSt17__throw_bad_allocv();
    }
    heap_allocated_by(block, allocator, alignment);
    return block;
}

static void discard(void *block, enum allocator allocator, size_t bytes, uint64_t alignment, uint64_t pc)
{
    heap_check_partner(block, allocator, bytes, alignment, pc);
    heap_free(block, pc);
}

/* n stands for new and d for delete of one object, na and da for those of an array. */
#define FORMS(n, d, allocator)                                                                                          \
    ENTRY(void *, xp__Z##n##m, size_t bytes)                                                                            \
    {                                                                                                                   \
        return make(bytes, 0, allocator, true, PC);                                                                     \
    }                                                                                                                   \
    ENTRY(void *, xp__Z##n##mRKSt9nothrow_t, size_t bytes)                                                              \
    {                                                                                                                   \
        return make(bytes, 0, allocator, false, PC);                                                                    \
    }                                                                                                                   \
    ENTRY(void *, xp__Z##n##mSt11align_val_t, size_t bytes, size_t alignment)                                           \
    {                                                                                                                   \
        return make(bytes, alignment, allocator, true, PC);                                                             \
    }                                                                                                                   \
    ENTRY(void *, xp__Z##n##mSt11align_val_tRKSt9nothrow_t, size_t bytes, size_t alignment)                             \
    {                                                                                                                   \
        return make(bytes, alignment, allocator, false, PC);                                                            \
    }                                                                                                                   \
    ENTRY(void, xp__Z##d##Pv, void *block)                                                                              \
    {                                                                                                                   \
        discard(block, allocator, 0, 0, PC);                                                                            \
    }                                                                                                                   \
    ENTRY(void, xp__Z##d##Pvm, void *block, size_t bytes)                                                               \
    {                                                                                                                   \
        discard(block, allocator, bytes, 0, PC);                                                                        \
    }                                                                                                                   \
    ENTRY(void, xp__Z##d##PvSt11align_val_t, void *block, size_t alignment)                                             \
    {                                                                                                                   \
        discard(block, allocator, 0, alignment, PC);                                                                    \
    }                                                                                                                   \
    ENTRY(void, xp__Z##d##PvmSt11align_val_t, void *block, size_t bytes, size_t alignment)                              \
    {                                                                                                                   \
        discard(block, allocator, bytes, alignment, PC);                                                                \
    }                                                                                                                   \
    SAME(xp__Z##d##PvRKSt9nothrow_t, xp__Z##d##Pv);                                                                     \
    SAME(xp__Z##d##PvSt11align_val_tRKSt9nothrow_t, xp__Z##d##PvSt11align_val_t);

FORMS(nw, dl, BY_NEW)
FORMS(na, da, BY_NEW_ARRAY)
