/* common.h - what every source file of the core needs: cache lines, and what a function call costs. Not for users. */
#ifndef RR_COMMON_H
#define RR_COMMON_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "rusted_ring.h"

#define LINE_BYTES 64u

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics must be lock-free");
static_assert(sizeof(_Atomic uint64_t) == 8, "atomic words must be 8 bytes");

/* The cost of a hot call is counted in instructions. INLINE: the function is part of each hot call. NOINLINE: the function
 * stays a call, so that the hot call around it saves no registers for it. COLD: the same, and its code lies elsewhere. */
#if defined(__GNUC__)
#  define COLD __attribute__((noinline, cold))
#  define NOINLINE __attribute__((noinline))
#  define INLINE static inline __attribute__((always_inline))
#else
#  define COLD
#  define NOINLINE
#  define INLINE static inline
#endif

/* Thread-local storage that a library loaded at run time accesses without a call, if the C library reserves room for it. */
#if defined(__GLIBC__) && defined(__GNUC__)
#  define THREAD_LOCAL_MODEL __attribute__((tls_model("initial-exec")))
#else
#  define THREAD_LOCAL_MODEL
#endif

static inline void set_status(rr_status *status, rr_status value)
{
    if (status != NULL) {
        *status = value;
    }
}

#endif
