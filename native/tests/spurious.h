/* spurious.h - weak compare-exchanges that fail three times of four, for library and tests alike (RR_SPURIOUS).
 *
 * C11 lets a weak compare-exchange fail although the object holds what was expected, and a machine with load-linked and
 * store-conditional makes use of that. On x86-64 it is one instruction that never does, so code that cannot stand such a
 * failure, or a weak compare-exchange instead of a strong one, passes every test there. The compiler includes this header
 * before a source (-include); it is no part of the library.
 */
#ifndef RR_TESTS_SPURIOUS_H
#define RR_TESTS_SPURIOUS_H

/* The first header decides what the C library declares, and the sources ask for it only after this one. */
#define _GNU_SOURCE

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static _Thread_local uint32_t spurious_state = 1;

/* Whether the next weak compare-exchange of this thread fails: a linear congruential generator (Knuth, vol. 2, 3.3.4). */
static inline bool fails_for_no_reason(void)
{
    spurious_state = spurious_state * UINT32_C(1664525) + UINT32_C(1013904223);
    return spurious_state >> 30 != 0;
}

#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_weak_explicit
#define atomic_compare_exchange_weak_explicit(object, expected, desired, success, failure)              \
    (fails_for_no_reason()                                                                              \
         ? (*(expected) = atomic_load_explicit((object), (failure)), false)                             \
         : atomic_compare_exchange_strong_explicit((object), (expected), (desired), (success), (failure)))
#define atomic_compare_exchange_weak(object, expected, desired)                                         \
    atomic_compare_exchange_weak_explicit((object), (expected), (desired), memory_order_seq_cst, memory_order_seq_cst)

#endif
