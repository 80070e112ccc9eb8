/* tsan.c - ThreadSanitizer's functions, to which compilers turn the accesses of a program. */
#define _GNU_SOURCE
#include <string.h>

#include "../engine/fast_path.h"
#include "intercept.h"

struct weakening {
    uint64_t pc;
    int order;
    bool failure;
};

static struct weakening weakenings[64] EXPLORER_STATE = {{0}};
static int weakening_count EXPLORER_STATE = 0;

void clear_weakenings(void)
{
    weakening_count = 0;
}

void set_weakening(uint64_t pc, bool failure, int order)
{
    if (weakening_count == (int)(sizeof weakenings / sizeof *weakenings)) {
        refuse("more than %d sites are weakened at once", weakening_count);
    }
    weakenings[weakening_count++] = (struct weakening){.pc = pc, .order = order, .failure = failure};
}

/* The order that a site has: its own, or what it was weakened to. */
static int weakened(uint64_t pc, int order, bool failure)
{
    for (int i = 0; i < weakening_count; ++i) {
        if (weakenings[i].pc == pc && weakenings[i].failure == failure) {
            return weakenings[i].order;
        }
    }
    return order & 0xff;
}

/* The same for a site that must stay atomic. */
static int order_at(uint64_t pc, int order, bool failure)
{
    int found = weakened(pc, order, failure);
    if (found == PLAIN) {
        refuse("weaken=%llu:plain: it is neither a load nor a store", (unsigned long long)pc);
    }
    return found;
}

/* Whether a load or a store was weakened to a plain access; if so, it is checked as one, before memory is accessed. */
static bool is_plain(const volatile void *address, size_t size, bool write, uint64_t pc)
{
    if (weakening_count == 0 || weakened(pc, RELAXED, false) != PLAIN) {
        return false;
    }
    plain_access((uint64_t)(uintptr_t)address, size, write, pc);
    return true;
}

void __tsan_init(void);
void __tsan_init(void) {}
void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
    const uint64_t *frame = __builtin_frame_address(0);
    uint64_t from = (uint64_t)(uintptr_t)frame + 16;
    (void)pc;
    if (was_touched(frame[0])) {
        begin_frame(from, frame[0]);
    }
    scrub();
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
    /* the caller's frame: its saved frame pointer and return address, and what lies below */
    const uint64_t *frame = __builtin_frame_address(0);
    uint64_t pc = (uint64_t)(uintptr_t)__builtin_return_address(0);
    run.low = __builtin_frame_address(0);
    if (was_touched(frame[0])) {
        end_frame((uint64_t)(uintptr_t)frame + 16, frame[0], pc);
    }
    scrub();
}

void __tsan_vptr_update(void **pointer, void *value);
void __tsan_vptr_update(void **pointer, void *value)
{
    (void)value;
    plain_access((uint64_t)(uintptr_t)pointer, sizeof *pointer, true, PC);
}

void __tsan_vptr_read(void **pointer);
void __tsan_vptr_read(void **pointer)
{
    plain_access((uint64_t)(uintptr_t)pointer, sizeof *pointer, false, PC);
}

#define PLAIN_NAMED(name, size, reads, writes)                                            \
    void name(void *address);                                                             \
    void name(void *address)                                                              \
    {                                                                                     \
        uint64_t pc = PC;                                                                 \
        if (reads && !fast_path_access((uint64_t)(uintptr_t)address, size, false, pc)) {  \
            slow_path_access((uint64_t)(uintptr_t)address, size, false, pc);              \
            scrub();                                                                      \
        }                                                                                 \
        if (writes && !fast_path_access((uint64_t)(uintptr_t)address, size, true, pc)) {  \
            slow_path_access((uint64_t)(uintptr_t)address, size, true, pc);               \
            scrub();                                                                      \
        }                                                                                 \
    }

#define PLAIN(size)                                                                   \
    PLAIN_NAMED(__tsan_read##size, size, true, false)                                 \
    PLAIN_NAMED(__tsan_write##size, size, false, true)                                \
    PLAIN_NAMED(__tsan_unaligned_read##size, size, true, false)                       \
    PLAIN_NAMED(__tsan_unaligned_write##size, size, false, true)                      \
    PLAIN_NAMED(__tsan_volatile_read##size, size, true, false)                        \
    PLAIN_NAMED(__tsan_volatile_write##size, size, false, true)                       \
    PLAIN_NAMED(__tsan_unaligned_volatile_read##size, size, true, false)              \
    PLAIN_NAMED(__tsan_unaligned_volatile_write##size, size, false, true)             \
    PLAIN_NAMED(__tsan_read_write##size, size, true, true)                            \
    PLAIN_NAMED(__tsan_unaligned_read_write##size, size, true, true)

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *address, size_t size);
void __tsan_read_range(void *address, size_t size)
{
    /* a structure is copied, which may have bytes that were never written */
    plain_copy(0, (uint64_t)(uintptr_t)address, size, PC);
}

void __tsan_write_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size)
{
    plain_access((uint64_t)(uintptr_t)address, size, true, PC);
}

/* The value that a compare-exchange expects. The compiler's own code reads it and, on failure, writes it: plain accesses
 * that it does not instrument. If it lies on the thread's own stack, no other thread accesses it. */
static uint64_t expected_value(const void *expected, uint32_t size, bool write, uint64_t pc)
{
    uint64_t address = (uint64_t)(uintptr_t)expected;
    uint64_t value = 0;
    if (address - (uint64_t)(uintptr_t)run.threads[run.current].stack >= STACK_BYTES) {
        plain_access(address, size, write, pc);
    }
    memcpy(&value, expected, size);
    return value;
}

static int compare_exchange(uint64_t address, uint32_t size, void *expected, uint64_t desired, int success, int failure,
                            bool weak, uint64_t pc)
{
    uint64_t old = expected_value(expected, size, false, pc);
    if (atomic_cas_event(address, size, order_at(pc, success, false), order_at(pc, failure, true), weak, &old, desired, pc)) {
        return 1;
    }
    (void)expected_value(expected, size, true, pc);
    memcpy(expected, &old, size); /* little-endian */
    return 0;
}

#define FETCH(bits, name, op)                                                                                                 \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, uint##bits##_t operand, int order);         \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, uint##bits##_t operand, int order)          \
    {                                                                                                                         \
        uint64_t pc = PC;                                                                                                     \
        SPIN_POINT(address);                                                                                                  \
        uint64_t old = atomic_rmw_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, order, false), op, operand, pc); \
        scrub();                                                                                                              \
        return (uint##bits##_t)old;                                                                                           \
    }

#define COMPARE_EXCHANGE(bits, name, weak)                                                                                    \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *address, uint##bits##_t *expected,             \
                                                      uint##bits##_t desired, int success, int failure);                      \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *address, uint##bits##_t *expected,             \
                                                      uint##bits##_t desired, int success, int failure)                       \
    {                                                                                                                         \
        uint64_t pc = PC;                                                                                                     \
        if (weak) {                                                                                                           \
            weak_begins();                                                                                                    \
        }                                                                                                                     \
        SPIN_POINT(address);                                                                                                  \
        int done = compare_exchange((uint64_t)(uintptr_t)address, bits / 8, expected, desired, success, failure, weak, pc);   \
        scrub();                                                                                                              \
        return done;                                                                                                          \
    }

#define ATOMICS(bits)                                                                                                         \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, int order);                             \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, int order)                              \
    {                                                                                                                         \
        uint64_t pc = PC;                                                                                                     \
        if (is_plain(address, bits / 8, false, pc)) {                                                                         \
            uint##bits##_t found = *address;                                                                                  \
            scrub();                                                                                                          \
            return found;                                                                                                     \
        }                                                                                                                     \
        SPIN_POINT(address);                                                                                                  \
        uint64_t value = atomic_load_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, order, false), pc);           \
        scrub();                                                                                                              \
        return (uint##bits##_t)value;                                                                                         \
    }                                                                                                                         \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, int order);                      \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, int order)                       \
    {                                                                                                                         \
        uint64_t pc = PC;                                                                                                     \
        if (is_plain(address, bits / 8, true, pc)) {                                                                          \
            *address = value;                                                                                                 \
            scrub();                                                                                                          \
            return;                                                                                                           \
        }                                                                                                                     \
        atomic_store_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, order, false), value, pc);                    \
        scrub();                                                                                                              \
    }                                                                                                                         \
    FETCH(bits, exchange, OP_EXCHANGE)                                                                                        \
    FETCH(bits, fetch_add, OP_ADD)                                                                                            \
    FETCH(bits, fetch_sub, OP_SUB)                                                                                            \
    FETCH(bits, fetch_and, OP_AND)                                                                                            \
    FETCH(bits, fetch_or, OP_OR)                                                                                              \
    FETCH(bits, fetch_xor, OP_XOR)                                                                                            \
    FETCH(bits, fetch_nand, OP_NAND)                                                                                          \
    COMPARE_EXCHANGE(bits, strong, false)                                                                                     \
    COMPARE_EXCHANGE(bits, weak, true)                                                                                        \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *address, uint##bits##_t expected,      \
                                                              uint##bits##_t desired, int success, int failure);              \
    uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *address, uint##bits##_t expected,      \
                                                              uint##bits##_t desired, int success, int failure)               \
    {                                                                                                                         \
        uint64_t pc = PC;                                                                                                     \
        uint64_t old = expected;                                                                                              \
        SPIN_POINT(address);                                                                                                  \
        (void)atomic_cas_event((uint64_t)(uintptr_t)address, bits / 8, order_at(pc, success, false),                          \
                               order_at(pc, failure, true), false, &old, desired, pc);                                        \
        scrub();                                                                                                              \
        return (uint##bits##_t)old;                                                                                           \
    }

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
    uint64_t pc = PC;
    fence_event(order_at(pc, order, false), BOTH_SIDES, pc);
    scrub();
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    uint64_t pc = PC;
    fence_event(order_at(pc, order, false), LIGHT, pc); /* no signal interrupts a thread; the fence pairs with membarrier() */
}

/* Atomic accesses of 16 bytes, and those that a library implements with a lock. */
_Noreturn void xp_wide_atomic(void);

_Noreturn void xp_wide_atomic(void)
{
    refuse("atomic access of more than 8 bytes: the explorer follows 1, 2, 4 and 8");
}

SAME(__tsan_atomic128_load, xp_wide_atomic);
SAME(__tsan_atomic128_store, xp_wide_atomic);
SAME(__tsan_atomic128_exchange, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_add, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_sub, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_and, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_or, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_xor, xp_wide_atomic);
SAME(__tsan_atomic128_fetch_nand, xp_wide_atomic);
SAME(__tsan_atomic128_compare_exchange_strong, xp_wide_atomic);
SAME(__tsan_atomic128_compare_exchange_weak, xp_wide_atomic);
SAME(__tsan_atomic128_compare_exchange_val, xp_wide_atomic);

SAME(xp_wide_load, xp_wide_atomic);
SAME(xp_wide_store, xp_wide_atomic);
SAME(xp_wide_exchange, xp_wide_atomic);
SAME(xp_wide_compare_exchange, xp_wide_atomic);



