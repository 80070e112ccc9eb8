/*
 * memory.c - the program's heap, and what plain accesses have touched.
 *
 * Each thread allocates from an arena of its own, at addresses that depend on nothing but its own past, and no memory is
 * used twice in an execution: so addresses repeat, and who uses freed memory is always found out. A bit a byte tells what
 * was written. Plain accesses are remembered by words of 8 bytes with the number of events that their thread had executed:
 * one happens before another if the other's thread knows of an event after the first (the epochs of FastTrack, Flanagan and
 * Freund, PLDI 2009, kept for all threads, since the exploration's clocks are complete).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

#define ARENA_BYTES (UINT64_C(1) << 30)
#define HEAP_BASE UINT64_C(0x200000000000)
#define HEAP_END (HEAP_BASE + MAX_THREADS * ARENA_BYTES)
#define GAP 16 /* bytes between blocks, that belong to nobody */

struct block {
    uint64_t start;
    uint64_t size;
    uint64_t pc;
    uint64_t freed_pc;
    bool freed;
    bool marked;
};

struct arena {
    uint8_t *base;
    uint8_t *written; /* a bit a byte */
    uint64_t used;
    struct block *blocks;
    int count;
    int room;
};

struct access {
    int32_t next;
    int16_t thread;
    int16_t clock;
    uint8_t mask;
    bool write;
    uint64_t pc;
};

struct cell {
    uint64_t word; /* address / 8 */
    uint64_t run;
    int32_t first;
    bool atomic;
};

static struct arena arenas[MAX_THREADS] EXPLORER_STATE = {{0}};
static struct cell *cells EXPLORER_STATE = NULL;
static uint32_t cell_mask EXPLORER_STATE = 0;
static uint32_t *used_cells EXPLORER_STATE = NULL;
static uint32_t used_cell_count EXPLORER_STATE = 0;
static struct access *accesses EXPLORER_STATE = NULL;
static int access_count EXPLORER_STATE = 0;
static int access_room EXPLORER_STATE = 0;
static uint64_t cells_run EXPLORER_STATE = 0;

/* what the checkpoint keeps */
static uint8_t *first_globals EXPLORER_STATE = NULL; /* before any program */
static uint8_t *saved_globals EXPLORER_STATE = NULL;
static uint8_t *saved_stack EXPLORER_STATE = NULL;
static size_t saved_stack_bytes EXPLORER_STATE = 0;
static uint8_t *saved_heap EXPLORER_STATE = NULL;
static uint8_t *saved_written EXPLORER_STATE = NULL;
static struct block *saved_blocks EXPLORER_STATE = NULL;
static uint64_t saved_used EXPLORER_STATE = 0;
static int saved_count EXPLORER_STATE = 0;

extern char __data_start[];
extern char _end[];
extern char __start_explorer_state[];
extern char __stop_explorer_state[];

static void *must(void *memory)
{
    if (memory == NULL || memory == MAP_FAILED) {
        refuse("no memory left");
    }
    return memory;
}

/* ------------------------------------------------------------------------------------------------------------- heap */

static struct arena *arena_of(uint64_t address)
{
    return address >= HEAP_BASE && address < HEAP_END ? &arenas[(address - HEAP_BASE) / ARENA_BYTES] : NULL;
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

static void set_bits(struct arena *arena, uint64_t address, size_t size, bool value)
{
    uint64_t at = address - (uint64_t)(uintptr_t)arena->base;
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

static bool bit_of(const struct arena *arena, uint64_t address)
{
    uint64_t at = address - (uint64_t)(uintptr_t)arena->base;
    return (arena->written[at / 8] >> at % 8 & 1) != 0;
}

bool heap_is_initialized(uint64_t address, size_t size)
{
    struct arena *arena = arena_of(address);
    if (arena == NULL || arena->base == NULL) {
        return true;
    }
    for (size_t i = 0; i < size; ++i) {
        if (!bit_of(arena, address + i)) {
            return false;
        }
    }
    return true;
}

void heap_set_initialized(uint64_t address, size_t size)
{
    struct arena *arena = arena_of(address);
    if (arena != NULL && arena->base != NULL) {
        set_bits(arena, address, size, true);
    }
}

void *heap_allocate(size_t bytes, size_t alignment, bool zero, uint64_t pc)
{
    struct arena *arena = &arenas[X->current];
    if (arena->base == NULL) {
        void *wanted = (void *)(uintptr_t)(HEAP_BASE + (uint64_t)X->current * ARENA_BYTES);
        arena->base = must(mmap(wanted, ARENA_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (arena->base != wanted) {
            refuse("the heap's place in the address space is taken");
        }
        arena->written = must(mmap(NULL, ARENA_BYTES / 8, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    }
    if (alignment < 16) {
        alignment = 16;
    }
    uint64_t at = (arena->used + GAP + alignment - 1) / alignment * alignment;
    if (bytes > ARENA_BYTES || at + bytes > ARENA_BYTES) {
        return NULL;
    }
    arena->used = at + bytes;
    if (arena->count == arena->room) {
        arena->room = arena->room == 0 ? 64 : arena->room * 2;
        arena->blocks = must(realloc(arena->blocks, (size_t)arena->room * sizeof *arena->blocks));
    }
    uint8_t *pointer = arena->base + at;
    arena->blocks[arena->count++] =
        (struct block){.start = (uint64_t)(uintptr_t)pointer, .size = bytes, .pc = pc};
    memset(pointer, zero ? 0 : 0xA5, bytes);
    set_bits(arena, (uint64_t)(uintptr_t)pointer, bytes, zero);
    had_effect(&X->threads[X->current]);
    trace_plain("alloc", (uint64_t)(uintptr_t)pointer, bytes, pc);
    return pointer;
}

size_t heap_size(const void *pointer)
{
    const struct block *block = block_of((uint64_t)(uintptr_t)pointer);
    return block != NULL ? block->size : 0;
}

/* Whether memory may be accessed: inside a block that was not freed. */
void check_heap(uint64_t address, size_t size, bool write, uint64_t pc)
{
    const char *what = write ? "write" : "read";
    if (address < 4096) {
        report("invalid-access", pc, 0, "%s of %zu bytes at %#llx", what, size, (unsigned long long)address);
        end_run(FATAL);
    }
    if (arena_of(address) == NULL) {
        return;
    }
    const struct block *block = block_of(address);
    if (block == NULL || address + size > block->start + block->size) {
        report("out-of-bounds", pc, block != NULL ? block->pc : 0, "%s of %zu bytes outside every block of the heap", what,
               size);
        if (block == NULL && arena_of(address)->base == NULL) {
            end_run(FATAL);
        }
    } else if (block->freed) {
        report("use-after-free", pc, block->freed_pc, "%s of %zu bytes in a block that was freed", what, size);
    }
}

/* ----------------------------------------------------------------------------------------------------------- shadow */

static void grow_cells(void)
{
    struct cell *old = cells;
    uint32_t old_size = cells == NULL ? 0 : cell_mask + 1;
    cell_mask = cells == NULL ? 1023 : cell_mask * 2 + 1;
    cells = must(calloc(cell_mask + 1, sizeof *cells));
    used_cells = must(realloc(used_cells, (cell_mask + 1) * sizeof *used_cells));
    used_cell_count = 0;
    for (uint32_t i = 0; i < old_size; ++i) {
        if (old[i].run == X->run) {
            uint32_t at = (uint32_t)((old[i].word * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & cell_mask;
            while (cells[at].run == X->run) {
                at = (at + 1) & cell_mask;
            }
            cells[at] = old[i];
            used_cells[used_cell_count++] = at;
        }
    }
    free(old);
}

static struct cell *cell_of(uint64_t word, bool create)
{
    if (cells_run != X->run) {
        cells_run = X->run;
        used_cell_count = 0;
        access_count = 0;
    }
    if (cells == NULL || used_cell_count * 2 > cell_mask) {
        grow_cells();
    }
    uint32_t at = (uint32_t)((word * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & cell_mask;
    while (cells[at].run == X->run) {
        if (cells[at].word == word) {
            return &cells[at];
        }
        at = (at + 1) & cell_mask;
    }
    if (!create) {
        return NULL;
    }
    cells[at] = (struct cell){.word = word, .run = X->run, .first = -1};
    used_cells[used_cell_count++] = at;
    return &cells[at];
}

static uint8_t mask_of(uint64_t word, uint64_t address, size_t size)
{
    uint64_t from = address > word * 8 ? address - word * 8 : 0;
    uint64_t to = address + size < word * 8 + 8 ? address + size - word * 8 : 8;
    return (uint8_t)((0xffu >> (8 - (to - from))) << from);
}

static void race(uint64_t address, bool write, uint64_t pc, const struct access *other)
{
    if (X->on_race != NULL) {
        X->on_race(address, X->current, write, other->thread, other->write);
        return;
    }
    report("data-race", pc, other->pc, "%s by thread %d and %s by thread %d, neither of which happens before the other",
           write ? "write" : "read", X->current, other->write ? "write" : "read", other->thread);
}

static void look_for_races(const struct cell *cell, uint64_t address, uint8_t mask, bool write, uint64_t pc)
{
    for (int32_t i = cell->first; i >= 0; i = accesses[i].next) {
        const struct access *other = &accesses[i];
        if (other->thread != X->current && (other->mask & mask) != 0 && (write || other->write) &&
            !is_before_now(other->thread, other->clock)) {
            race(address, write, pc, other);
        }
    }
}

static void remember(struct cell *cell, uint8_t mask, bool write, uint64_t pc)
{
    int16_t clock = (int16_t)X->threads[X->current].executed;
    for (int32_t i = cell->first; i >= 0; i = accesses[i].next) {
        struct access *other = &accesses[i];
        if (other->thread == X->current && other->write == write && (other->mask & ~mask) == 0) {
            other->mask = mask;
            other->clock = clock;
            other->pc = pc;
            return;
        }
    }
    if (access_count == access_room) {
        access_room = access_room == 0 ? 1024 : access_room * 2;
        accesses = must(realloc(accesses, (size_t)access_room * sizeof *accesses));
    }
    accesses[access_count] = (struct access){.next = cell->first,
                                             .thread = (int16_t)X->current,
                                             .clock = clock,
                                             .mask = mask,
                                             .write = write,
                                             .pc = pc};
    cell->first = access_count++;
}

/* A plain access to words that atomic accesses have touched in this run. */
static void meet_atomics(uint64_t word, uint64_t address, size_t size, bool write, uint64_t pc)
{
    for (uint64_t at = word * 8; at < word * 8 + 8; ++at) {
        int loc = location_at(at);
        if (loc < 0 || X->locations[loc].run != X->run || at >= address + size || at + X->locations[loc].size <= address) {
            continue;
        }
        int with = -1;
        if (races_with_atomics(loc, write, &with)) {
            const struct event *e = &X->events[with];
            struct access other = {.thread = e->thread, .write = e->kind == STORE || e->kind == RMW_WRITE, .pc = e->pc};
            race(address, write, pc, &other);
        }
        if (write) {
            plain_write_to_atomic(loc, pc);
        }
    }
}

void plain_access(uint64_t address, size_t size, bool write, uint64_t pc)
{
    if (size == 0) {
        return;
    }
    trace_plain(write ? "write" : "read", address, size, pc);
    check_heap(address, size, write, pc);
    if (write) {
        heap_set_initialized(address, size);
    } else if (!heap_is_initialized(address, size)) {
        report("uninitialized-read", pc, 0, "read of %zu bytes that were not all written before", size);
    }
    if (!X->concurrent) {
        return;
    }
    struct thread *t = &X->threads[X->current];
    uint64_t stack = (uint64_t)(uintptr_t)t->stack;
    if (write && (address < stack || address >= stack + STACK_BYTES)) {
        had_effect(t);
    }
    if (is_thread_local(address)) {
        return;
    }
    for (uint64_t word = address / 8; word * 8 < address + size; ++word) {
        uint8_t mask = mask_of(word, address, size);
        struct cell *cell = cell_of(word, true);
        if (cell->atomic) {
            meet_atomics(word, address, size, write, pc);
            cell = cell_of(word, true);
        }
        look_for_races(cell, address, mask, write, pc);
        remember(cell, mask, write, pc);
    }
}

void check_atomic_race(uint64_t address, uint32_t size, bool write, uint64_t pc)
{
    for (uint64_t word = address / 8; word * 8 < address + size; ++word) {
        struct cell *cell = cell_of(word, true);
        cell->atomic = true;
        if (cell->first >= 0) {
            look_for_races(cell, address, mask_of(word, address, size), write, pc);
        }
    }
}

/* memcpy and memmove: what was never written may be copied, and stays unwritten. */
void plain_copy(uint64_t to, uint64_t from, size_t size, uint64_t pc)
{
    struct arena *source = arena_of(from);
    struct arena *target = arena_of(to);
    uint8_t stack_bits[512];
    uint8_t *bits = NULL;
    bool partly = source != NULL && source->base != NULL && !heap_is_initialized(from, size);
    if (partly) {
        bits = size <= sizeof stack_bits ? stack_bits : must(malloc(size));
        for (size_t i = 0; i < size; ++i) {
            bits[i] = bit_of(source, from + i);
        }
        set_bits(source, from, size, true); /* so that the read below does not complain */
    }
    plain_access(from, size, false, pc);
    plain_access(to, size, true, pc);
    memmove((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size);
    if (partly) {
        for (size_t i = 0; i < size; ++i) {
            if (bits[i] == 0) {
                set_bits(source, from + i, 1, false);
                if (target != NULL) {
                    set_bits(target, to + i, 1, false);
                }
            }
        }
        if (bits != stack_bits) {
            free(bits);
        }
    }
}

/* free() accesses the whole block: whoever used it must have done so before. */
void heap_free(void *pointer, uint64_t pc)
{
    uint64_t address = (uint64_t)(uintptr_t)pointer;
    if (pointer == NULL) {
        return;
    }
    struct block *block = block_of(address);
    if (block == NULL || block->start != address) {
        if (arena_of(address) != NULL) {
            report("invalid-free", pc, 0, "free of what is not the beginning of a block");
        } else {
            free(pointer); /* from the C library itself, strdup for one */
        }
        return;
    }
    if (block->freed) {
        report("double-free", pc, block->freed_pc, "free of a block of %llu bytes that was freed before",
               (unsigned long long)block->size);
        return;
    }
    trace_plain("free", address, block->size, pc);
    if (X->concurrent) {
        uint64_t end = block->start + block->size;
        bool found = false;
        for (uint32_t i = 0; cells_run == X->run && i < used_cell_count && !found; ++i) {
            const struct cell *cell = &cells[used_cells[i]];
            if (cell->word * 8 + 8 <= block->start || cell->word * 8 >= end) {
                continue;
            }
            for (int32_t k = cell->first; k >= 0 && !found; k = accesses[k].next) {
                const struct access *other = &accesses[k];
                if (other->thread != X->current && !is_before_now(other->thread, other->clock)) {
                    report("use-after-free", pc, other->pc, "free by thread %d and %s by thread %d, neither of which happens before the other",
                           X->current, other->write ? "write" : "read", other->thread);
                    found = true;
                }
            }
        }
        for (int loc = 0; loc < X->location_count && !found; ++loc) {
            int with = -1;
            if (X->locations[loc].address >= block->start && X->locations[loc].address < end &&
                races_with_atomics(loc, true, &with)) {
                report("use-after-free", pc, X->events[with].pc,
                       "free by thread %d and atomic access by thread %d, neither of which happens before the other",
                       X->current, X->events[with].thread);
                found = true;
            }
        }
    }
    block->freed = true;
    block->freed_pc = pc;
    had_effect(&X->threads[X->current]);
}

/* ----------------------------------------------------------------------------------------------------------- leaks */

static bool mark_from(uint64_t from, uint64_t to)
{
    bool more = false;
    for (uint64_t at = (from + 7) / 8 * 8; at + 8 <= to; at += 8) {
        uint64_t value = 0;
        memcpy(&value, (const void *)(uintptr_t)at, 8);
        struct block *block = block_of(value);
        if (block != NULL && !block->freed && !block->marked) {
            block->marked = true;
            more = true;
        }
    }
    return more;
}

/* Blocks that were not freed, and that no static variable leads to. */
void heap_leaks(void)
{
    bool live = false;
    for (int a = 0; a < X->thread_count; ++a) {
        for (int i = 0; i < arenas[a].count; ++i) {
            arenas[a].blocks[i].marked = false;
            live = live || !arenas[a].blocks[i].freed;
        }
    }
    if (!live) {
        return;
    }
    uint64_t state_from = (uint64_t)(uintptr_t)__start_explorer_state;
    uint64_t state_to = (uint64_t)(uintptr_t)__stop_explorer_state;
    mark_from((uint64_t)(uintptr_t)__data_start, state_from);
    mark_from(state_to, (uint64_t)(uintptr_t)_end);
    for (bool more = true; more;) {
        more = false;
        for (int a = 0; a < X->thread_count; ++a) {
            for (int i = 0; i < arenas[a].count; ++i) {
                const struct block *block = &arenas[a].blocks[i];
                if (block->marked) {
                    more = mark_from(block->start, block->start + block->size) || more;
                }
            }
        }
    }
    for (int a = 0; a < X->thread_count; ++a) {
        for (int i = 0; i < arenas[a].count; ++i) {
            const struct block *block = &arenas[a].blocks[i];
            if (!block->freed && !block->marked) {
                report("leak", block->pc, 0, "%llu bytes were not freed, and nothing leads to them",
                       (unsigned long long)block->size);
                return;
            }
        }
    }
}

/* ------------------------------------------------------------------------------------------------------ checkpoints */

static size_t globals_before(void)
{
    return (size_t)(__start_explorer_state - __data_start);
}

static size_t globals_after(void)
{
    return (size_t)(_end - __stop_explorer_state);
}

static void save_globals(uint8_t *to)
{
    memcpy(to, __data_start, globals_before());
    memcpy(to + globals_before(), __stop_explorer_state, globals_after());
}

static void put_globals(const uint8_t *from)
{
    memcpy(__data_start, from, globals_before());
    memcpy(__stop_explorer_state, from + globals_before(), globals_after());
}

/* Keeps the program's static variables, its heap and the first thread's stack as they are. */
void memory_checkpoint(void)
{
    struct arena *arena = &arenas[0];
    const uint8_t *sp = fiber_low(X->threads[0].sp);
    saved_globals = must(realloc(saved_globals, globals_before() + globals_after() + 1));
    save_globals(saved_globals);
    saved_stack_bytes = (size_t)(X->threads[0].stack + STACK_BYTES - sp);
    saved_stack = must(realloc(saved_stack, saved_stack_bytes));
    memcpy(saved_stack, sp, saved_stack_bytes);
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

void memory_restore(void)
{
    struct arena *arena = &arenas[0];
    put_globals(saved_globals);
    memcpy(X->threads[0].stack + STACK_BYTES - saved_stack_bytes, saved_stack, saved_stack_bytes);
    for (int a = 1; a < X->thread_count; ++a) {
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

/* Makes static variables what they were before the first program, and forgets the heap. */
void memory_reset(void)
{
    if (first_globals == NULL) {
        first_globals = must(malloc(globals_before() + globals_after() + 1));
        save_globals(first_globals);
    } else {
        put_globals(first_globals);
    }
    for (int a = 0; a < MAX_THREADS; ++a) {
        arenas[a].used = 0;
        arenas[a].count = 0;
    }
}
