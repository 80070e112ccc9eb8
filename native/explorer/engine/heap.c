/*
 * heap.c - the program's heap.
 *
 * Each thread allocates from an arena of its own, at addresses that depend on the thread's own past alone, and no memory is
 * reused within an execution: so a replay sees the same addresses, and every use of freed memory is detected. A bit for each
 * byte tells whether it was written.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "keep.h"
#include "memory.h"

#define UNWRITTEN 0xA5 /* the content of a block's bytes that were not written */

struct block {
    uint64_t start;
    uint64_t size;
    uint64_t pc;
    uint64_t freed_pc;
    int thread; /* that allocated it, after `clock` events; -1 if none was created yet */
    int clock;
    enum allocator allocator;
    uint64_t alignment; /* that was passed to new, or 0 */
    bool freed;
    bool marked;
};

struct arena {
    uint8_t *base;
    uint8_t *written; /* a bit for each byte */
    uint64_t used;
    struct block *blocks;
    int count;
    int room;
};

static struct arena arenas[MAX_THREADS] EXPLORER_STATE = {{0}};

/* the first thread's arena at the checkpoint */
static uint8_t *saved_heap EXPLORER_STATE = NULL;
static uint8_t *saved_written EXPLORER_STATE = NULL;
static struct block *saved_blocks EXPLORER_STATE = NULL;
static uint64_t saved_used EXPLORER_STATE = 0;
static int saved_count EXPLORER_STATE = 0;

static struct arena *arena_of(uint64_t address)
{
    return is_heap(address) ? &arenas[(address - HEAP_BASE) / ARENA_BYTES] : NULL;
}

static struct block *block_of(uint64_t address)
{
    struct arena *arena = arena_of(address);
    if (arena == NULL || arena->count == 0) {
        return NULL;
    }
    int low = 0;
    int high = arena->count;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (arena->blocks[middle].start <= address) {
            low = middle;
        } else {
            high = middle;
        }
    }
    struct block *block = &arena->blocks[low];
    return block->start <= address && address - block->start < block->size + (block->size == 0) ? block : NULL;
}

/* The bits for up to 8 bytes from byte `at` on, as a mask of 16 bits. */
static uint16_t bits_of(uint64_t at, size_t size)
{
    return (uint16_t)((0xffu >> (8 - size)) << at % 8);
}

static void set_bits(struct arena *arena, uint64_t address, size_t size, bool value)
{
    uint64_t at = address - (uint64_t)(uintptr_t)arena->base;
    if (size > 0 && size <= 8) {
        uint16_t pair = 0;
        memcpy(&pair, arena->written + at / 8, sizeof pair);
        pair = (uint16_t)(value ? pair | bits_of(at, size) : pair & ~bits_of(at, size));
        memcpy(arena->written + at / 8, &pair, sizeof pair);
        return;
    }
    for (; size > 0 && at % 8 != 0; --size, ++at) {
        arena->written[at / 8] = (uint8_t)(value ? arena->written[at / 8] | 1u << at % 8
                                                 : arena->written[at / 8] & ~(1u << at % 8));
    }
    memset(arena->written + at / 8, value ? 0xff : 0, size / 8);
    at += size / 8 * 8;
    for (size %= 8; size > 0; --size, ++at) {
        arena->written[at / 8] = (uint8_t)(value ? arena->written[at / 8] | 1u << at % 8
                                                 : arena->written[at / 8] & ~(1u << at % 8));
    }
}

bool heap_has(uint64_t address)
{
    const struct arena *arena = arena_of(address);
    return arena != NULL && arena->base != NULL;
}

bool heap_is_initialized(uint64_t address, size_t size)
{
    if (!heap_has(address)) {
        return true;
    }
    const struct arena *arena = arena_of(address);
    uint64_t at = address - (uint64_t)(uintptr_t)arena->base;
    if (size > 0 && size <= 8) {
        uint16_t pair = 0;
        memcpy(&pair, arena->written + at / 8, sizeof pair);
        if ((~pair & bits_of(at, size)) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < size; ++i, ++at) {
        /* A precompiled library writes without instrumentation: a byte that it wrote differs from UNWRITTEN. */
        if ((arena->written[at / 8] >> at % 8 & 1) == 0 && arena->base[at] == UNWRITTEN) {
            return false;
        }
    }
    return true;
}

void heap_set_bits(uint64_t address, size_t size, bool value)
{
    if (heap_has(address)) {
        set_bits(arena_of(address), address, size, value);
    }
}

void heap_set_initialized(uint64_t address, size_t size)
{
    heap_set_bits(address, size, true);
}

void *heap_allocate(size_t bytes, size_t alignment, bool zero, uint64_t pc)
{
    struct arena *arena = &arenas[run.current];
    if (arena->base == NULL) {
        void *wanted = (void *)(uintptr_t)(HEAP_BASE + (uint64_t)run.current * ARENA_BYTES);
        arena->base = must(mmap(wanted, ARENA_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (arena->base != wanted) {
            refuse("the heap's place in the address space is taken");
        }
        arena->written = reserve(ARENA_BYTES / 8 + 1);
    }
    if (alignment < 16) {
        alignment = 16;
    }
    ++run.steps;
    uint64_t at = (arena->used + GAP + alignment - 1) / alignment * alignment;
    if (bytes > ARENA_BYTES || at + bytes > ARENA_BYTES) {
        return NULL;
    }
    arena->used = at + bytes;
    arena->blocks = grown(arena->blocks, &arena->room, arena->count + 1, sizeof *arena->blocks);
    uint8_t *pointer = arena->base + at;
    arena->blocks[arena->count++] = (struct block){.start = (uint64_t)(uintptr_t)pointer,
                                                   .size = bytes,
                                                   .pc = pc,
                                                   .thread = run.concurrent ? run.current : -1,
                                                   .clock = self()->executed,
                                                   .allocator = BY_MALLOC};
    memset(pointer, zero ? 0 : UNWRITTEN, bytes);
    set_bits(arena, (uint64_t)(uintptr_t)pointer, bytes, zero);
    had_effect(self());
    trace_plain("alloc", (uint64_t)(uintptr_t)pointer, bytes, pc);
    return pointer;
}

size_t heap_size(const void *pointer)
{
    const struct block *block = block_of((uint64_t)(uintptr_t)pointer);
    return block != NULL ? block->size : 0;
}

/* The bytes from an address to the end of its block or static variable: 0 outside every block of the heap, SIZE_MAX if no
 * end is known. */
size_t heap_room(uint64_t address)
{
    if (arena_of(address) == NULL) {
        return globals_room(address);
    }
    const struct block *block = block_of(address);
    return block != NULL ? (size_t)(block->start + block->size - address) : 0;
}

void check_null(uint64_t address, size_t size, bool write, uint64_t pc)
{
    report("invalid-access", pc, 0, "%s of %zu bytes at %#llx", write ? "write" : "read", size, (unsigned long long)address);
    end_run(FATAL);
}

void check_block(uint64_t address, size_t size, bool write, uint64_t pc)
{
    const char *what = write ? "write" : "read";
    const struct block *block = block_of(address);
    if (block == NULL || address + size > block->start + block->size) {
        report("out-of-bounds", pc, block != NULL ? block->pc : 0, "%s of %zu bytes outside every block of the heap", what,
               size);
        if (block == NULL && arena_of(address)->base == NULL) {
            end_run(FATAL);
        }
    } else if (block->freed) {
        control.about = block->start;
        report("use-after-free", pc, block->freed_pc, "%s of %zu bytes in a block that was freed", what, size);
    } else if (run.concurrent && block->thread >= 0 && !is_before_now(block->thread, block->clock)) {
        report("use-before-allocation", pc, block->pc,
               "%s by thread %d in a block that thread %d allocates, which does not happen before", what, run.current,
               block->thread);
    }
}

/* Records that new or new[] allocated the block, and the alignment that was asked for, if any. */
void heap_allocated_by(void *pointer, enum allocator allocator, uint64_t alignment)
{
    struct block *block = block_of((uint64_t)(uintptr_t)pointer);
    if (block != NULL) {
        block->allocator = allocator;
        block->alignment = alignment;
    }
}

/* Reports a block that this allocator's deallocation function must not free: it has another allocator, another alignment or,
 * if `bytes` is not 0, another size. */
void heap_check_partner(const void *pointer, enum allocator allocator, size_t bytes, uint64_t alignment, uint64_t pc)
{
    static const char *const names[] = {"malloc", "new", "new[]"};
    static const char *const partners[] = {"free", "delete", "delete[]"};
    const struct block *block = block_of((uint64_t)(uintptr_t)pointer);
    if (block == NULL || block->freed || block->start != (uint64_t)(uintptr_t)pointer) {
        return; /* which heap_free() reports */
    }
    if (block->allocator != allocator) {
        report("mismatched-free", pc, block->pc, "%s of a block that %s allocated", partners[allocator],
               names[block->allocator]);
    } else if (bytes != 0 && bytes != block->size) {
        report("mismatched-free", pc, block->pc, "%s of %zu bytes of a block of %llu bytes", partners[allocator], bytes,
               (unsigned long long)block->size);
    } else if (alignment != block->alignment) {
        report("mismatched-free", pc, block->pc, "%s for an alignment of %llu of a block that %s allocated for one of %llu",
               partners[allocator], (unsigned long long)alignment, names[allocator], (unsigned long long)block->alignment);
    }
}

/* free() counts as an access to the whole block: every other access to it must happen before. */
void heap_free(void *pointer, uint64_t pc)
{
    uint64_t address = (uint64_t)(uintptr_t)pointer;
    if (pointer == NULL) {
        return;
    }
    ++run.steps;
    struct block *block = block_of(address);
    if (block == NULL || block->start != address) {
        if (arena_of(address) == NULL) {
            report("invalid-free", pc, 0, "free of what malloc did not return");
        } else {
            report("invalid-free", pc, 0, "free of what is not the beginning of a block");
        }
        return;
    }
    if (block->freed) {
        control.about = address;
        report("double-free", pc, block->freed_pc, "free of a block of %llu bytes that was freed before",
               (unsigned long long)block->size);
        return;
    }
    trace_plain("free", address, block->size, pc);
    struct unordered other;
    if (run.concurrent && unordered_access(block->start, block->start + block->size, &other)) {
        report("use-after-free", pc, other.pc, "free by thread %d and %s by thread %d, neither of which happens before the other",
               run.current, other.atomic ? "atomic access" : other.write ? "write" : "read", other.thread);
    }
    block->freed = true;
    block->freed_pc = pc;
    had_effect(self());
}

/* ----------------------------------------------------------------------------------------------------------- leaks */

static struct block **found EXPLORER_STATE = NULL; /* marked blocks that were not scanned yet */
static int found_count EXPLORER_STATE = 0;
static int found_room EXPLORER_STATE = 0;

/* Marks the blocks to which the memory from `from` up to `to` holds pointers. */
void heap_mark(uint64_t from, uint64_t to)
{
    for (uint64_t at = (from + 7) / 8 * 8; at + 8 <= to; at += 8) {
        uint64_t value = 0;
        memcpy(&value, (const void *)(uintptr_t)at, 8);
        struct block *block = block_of(value);
        if (block != NULL && !block->freed && !block->marked) {
            block->marked = true;
            found = grown(found, &found_room, found_count + 1, sizeof *found);
            found[found_count++] = block;
        }
    }
}

/* Reports a block that was not freed, and that cannot be reached from the roots. */
void heap_leaks(void (*mark_roots)(void))
{
    bool live = false;
    for (int a = 0; a < run.thread_count; ++a) {
        for (int i = 0; i < arenas[a].count; ++i) {
            arenas[a].blocks[i].marked = false;
            live = live || !arenas[a].blocks[i].freed;
        }
    }
    if (!live) {
        return;
    }
    mark_roots();
    while (found_count > 0) {
        const struct block *block = found[--found_count];
        heap_mark(block->start, block->start + block->size);
    }
    for (int a = 0; a < run.thread_count; ++a) {
        for (int i = 0; i < arenas[a].count; ++i) {
            const struct block *block = &arenas[a].blocks[i];
            if (!block->freed && !block->marked) {
                control.about = block->start;
                report("leak", block->pc, 0, "%llu bytes were not freed, and nothing leads to them",
                       (unsigned long long)block->size);
                return;
            }
        }
    }
}

/* ------------------------------------------------------------------------------------------------------ checkpoints */

void heap_checkpoint(void)
{
    const struct arena *arena = &arenas[0];
    saved_used = arena->used;
    saved_count = arena->count;
    if (arena->base != NULL) {
        saved_heap = must(realloc(saved_heap, arena->used + 1));
        memcpy(saved_heap, arena->base, arena->used);
        saved_written = must(realloc(saved_written, arena->used / 8 + 1));
        memcpy(saved_written, arena->written, arena->used / 8 + 1);
        saved_blocks = must(realloc(saved_blocks, ((size_t)arena->count + 1) * sizeof *saved_blocks));
        memcpy(saved_blocks, arena->blocks, (size_t)arena->count * sizeof *saved_blocks);
    }
}

void heap_restore(void)
{
    struct arena *arena = &arenas[0];
    for (int a = 1; a < run.thread_count; ++a) {
        arenas[a].used = 0;
        arenas[a].count = 0;
    }
    arena->used = saved_used;
    arena->count = saved_count;
    if (saved_count > 0) {
        memcpy(arena->base, saved_heap, saved_used);
        memcpy(arena->written, saved_written, saved_used / 8 + 1);
        memcpy(arena->blocks, saved_blocks, (size_t)saved_count * sizeof *saved_blocks);
    }
}

void keep_heap(void)
{
    for (int a = 0; a < run.thread_count; ++a) {
        const struct arena *arena = &arenas[a];
        keep(&arena->used, sizeof arena->used);
        keep(&arena->count, sizeof arena->count);
        if (arena->count > 0) {
            keep(arena->base, arena->used);
            keep(arena->written, arena->used / 8 + 1);
            keep(arena->blocks, (size_t)arena->count * sizeof *arena->blocks);
        }
    }
    const uint64_t end = UINT64_MAX;
    keep(&end, sizeof end);
}

void take_back_heap(void)
{
    uint64_t used = 0;
    int a = 0;
    for (take_back(&used, sizeof used); used != UINT64_MAX; take_back(&used, sizeof used)) {
        struct arena *arena = &arenas[a++];
        arena->used = used;
        take_back(&arena->count, sizeof arena->count);
        if (arena->count > 0) {
            take_back(arena->base, arena->used);
            take_back(arena->written, arena->used / 8 + 1);
            take_back(arena->blocks, (size_t)arena->count * sizeof *arena->blocks);
        }
    }
    for (; a < run.thread_count; ++a) {
        arenas[a].used = 0;
        arenas[a].count = 0;
    }
}

void heap_reset(void)
{
    for (int a = 0; a < MAX_THREADS; ++a) {
        arenas[a].used = 0;
        arenas[a].count = 0;
    }
}
