/*
 * copies.h - copies to and from memory that another thread may be reading or writing meanwhile. Not for users.
 *
 * Such a copy can be torn at any byte; its caller detects that afterwards, by a check after a fence [ORDER-9]. In C it is a loop
 * of relaxed atomic words: a plain access, memcpy included, would be a data race even if the result is discarded. The explorer and
 * the sanitizers get that loop. Compilers keep it a loop of words, though, a quarter of what the machine can move. So on x86-64
 * the same copy consists of vector moves in assembler, to which C's rules on data races do not apply. The machine reorders neither
 * loads with loads nor stores with stores, which is more than the relaxed loop needs. C++ has no such copy either: it is proposed
 * as atomic_load_per_byte_memcpy (P1478).
 */
#ifndef RR_COPIES_H
#define RR_COPIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__has_feature)
#  if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#    define RR_COPY_WORDS 1
#  endif
#endif
#if !defined(__GNUC__) || !defined(__x86_64__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#  undef RR_COPY_WORDS
#  define RR_COPY_WORDS 1
#endif

#ifdef RR_COPY_WORDS

static inline bool copies_are_wide(void)
{
    return false;
}

/* Writes `length` bytes; the bytes after them, up to the end of the last word, become 0. */
static inline void copy_in(uint8_t *target, const uint8_t *source, size_t length, bool wide)
{
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)target;
    size_t whole = length / 8;
    size_t rest = length % 8;
    uint64_t word = 0;
    (void)wide;
    for (size_t i = 0; i < whole; ++i) {
        memcpy(&word, source + i * 8, 8);
        /* pairs with copy_out's relaxed loads, by the fences around them, the cursor or the event descriptor [ORDER-9] */
        atomic_store_explicit(&words[i], word, memory_order_relaxed);
    }
    if (rest != 0) {
        word = 0;
        memcpy(&word, source + whole * 8, rest);
        /* pairs with copy_out's relaxed loads [ORDER-9] */
        atomic_store_explicit(&words[whole], word, memory_order_relaxed);
    }
}

static inline void copy_block_in(uint8_t *target, const uint8_t *source, size_t length, bool wide)
{
    copy_in(target, source, length, wide);
}

static inline void copy_out(uint8_t *target, uint8_t *source, size_t length, bool wide)
{
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)source;
    size_t whole = length / 8;
    size_t rest = length % 8;
    uint64_t word = 0;
    (void)wide;
    for (size_t i = 0; i < whole; ++i) {
        /* pairs with copy_in's relaxed stores, by the fences around them, the cursor or the event descriptor [ORDER-9] */
        word = atomic_load_explicit(&words[i], memory_order_relaxed);
        memcpy(target + i * 8, &word, 8);
    }
    if (rest != 0) {
        /* pairs with copy_in's relaxed stores [ORDER-9] */
        word = atomic_load_explicit(&words[whole], memory_order_relaxed);
        memcpy(target + whole * 8, &word, rest);
    }
}

#else

/* Whether the machine has the moves of 32 bytes. */
static inline bool copies_are_wide(void)
{
    return __builtin_cpu_supports("avx") != 0;
}

/* 32 to 64 bytes: two moves of 16 from the beginning, two up to the end. */
static inline void copy_half_line(uint8_t *target, const uint8_t *source, size_t length)
{
    __asm__ volatile("movups (%1), %%xmm0\n\t"
                     "movups 16(%1), %%xmm1\n\t"
                     "movups -32(%1,%2), %%xmm2\n\t"
                     "movups -16(%1,%2), %%xmm3\n\t"
                     "movups %%xmm0, (%0)\n\t"
                     "movups %%xmm1, 16(%0)\n\t"
                     "movups %%xmm2, -32(%0,%2)\n\t"
                     "movups %%xmm3, -16(%0,%2)"
                     :
                     : "r"(target), "r"(source), "r"(length)
                     : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
}

/* Fewer than 32 bytes: in vector registers, which a hot call need not save; fewer than four in one general register. */
static inline void copy_few(uint8_t *target, const uint8_t *source, size_t length)
{
    if (length >= 16) {
        __asm__ volatile("movups (%1), %%xmm0\n\t"
                         "movups -16(%1,%2), %%xmm1\n\t"
                         "movups %%xmm0, (%0)\n\t"
                         "movups %%xmm1, -16(%0,%2)"
                         :
                         : "r"(target), "r"(source), "r"(length)
                         : "memory", "xmm0", "xmm1");
    } else if (length >= 8) {
        __asm__ volatile("movq (%1), %%xmm0\n\t"
                         "movq -8(%1,%2), %%xmm1\n\t"
                         "movq %%xmm0, (%0)\n\t"
                         "movq %%xmm1, -8(%0,%2)"
                         :
                         : "r"(target), "r"(source), "r"(length)
                         : "memory", "xmm0", "xmm1");
    } else if (length >= 4) {
        __asm__ volatile("movd (%1), %%xmm0\n\t"
                         "movd -4(%1,%2), %%xmm1\n\t"
                         "movd %%xmm0, (%0)\n\t"
                         "movd %%xmm1, -4(%0,%2)"
                         :
                         : "r"(target), "r"(source), "r"(length)
                         : "memory", "xmm0", "xmm1");
    } else if (length >= 2) { /* the first two and the last, which may be the second */
        uint32_t some;
        __asm__ volatile("movzwl (%2), %k0\n\t"
                         "movw %w0, (%1)\n\t"
                         "movzbl -1(%2,%3), %k0\n\t"
                         "movb %b0, -1(%1,%3)"
                         : "=&q"(some)
                         : "r"(target), "r"(source), "r"(length)
                         : "memory");
    } else if (length != 0) {
        uint32_t byte;
        __asm__ volatile("movzbl (%2), %k0\n\t"
                         "movb %b0, (%1)"
                         : "=&q"(byte)
                         : "r"(target), "r"(source)
                         : "memory");
    }
}

/* 64 bytes or more: whole lines, and one up to the end, which may overlap the one before. */
static inline void copy_lines(uint8_t *target, const uint8_t *source, size_t length)
{
    size_t at = 0;
    __asm__ volatile("subq $64, %1\n"
                     "1:\n\t"
                     "movups (%3,%0), %%xmm0\n\t"
                     "movups 16(%3,%0), %%xmm1\n\t"
                     "movups 32(%3,%0), %%xmm2\n\t"
                     "movups 48(%3,%0), %%xmm3\n\t"
                     "movups %%xmm0, (%2,%0)\n\t"
                     "movups %%xmm1, 16(%2,%0)\n\t"
                     "movups %%xmm2, 32(%2,%0)\n\t"
                     "movups %%xmm3, 48(%2,%0)\n\t"
                     "addq $64, %0\n\t"
                     "cmpq %1, %0\n\t"
                     "jb 1b\n\t"
                     "movups (%3,%1), %%xmm0\n\t"
                     "movups 16(%3,%1), %%xmm1\n\t"
                     "movups 32(%3,%1), %%xmm2\n\t"
                     "movups 48(%3,%1), %%xmm3\n\t"
                     "movups %%xmm0, (%2,%1)\n\t"
                     "movups %%xmm1, 16(%2,%1)\n\t"
                     "movups %%xmm2, 32(%2,%1)\n\t"
                     "movups %%xmm3, 48(%2,%1)"
                     : "+&r"(at), "+&r"(length)
                     : "r"(target), "r"(source)
                     : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3");
}

/* vzeroupper clears the upper halves of the registers; these tell the compiler. */
#define WIDE_CLOBBERS                                                                                                  \
    "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",        \
        "xmm12", "xmm13", "xmm14", "xmm15"

/* 32 to 64 bytes. */
static inline void copy_wide_half_line(uint8_t *target, const uint8_t *source, size_t length)
{
    __asm__ volatile("vmovups (%1), %%ymm0\n\t"
                     "vmovups -32(%1,%2), %%ymm1\n\t"
                     "vmovups %%ymm0, (%0)\n\t"
                     "vmovups %%ymm1, -32(%0,%2)\n\t"
                     "vzeroupper"
                     :
                     : "r"(target), "r"(source), "r"(length)
                     : WIDE_CLOBBERS);
}

/* 64 to 128 bytes. */
static inline void copy_wide_line(uint8_t *target, const uint8_t *source, size_t length)
{
    __asm__ volatile("vmovups (%1), %%ymm0\n\t"
                     "vmovups 32(%1), %%ymm1\n\t"
                     "vmovups -64(%1,%2), %%ymm2\n\t"
                     "vmovups -32(%1,%2), %%ymm3\n\t"
                     "vmovups %%ymm0, (%0)\n\t"
                     "vmovups %%ymm1, 32(%0)\n\t"
                     "vmovups %%ymm2, -64(%0,%2)\n\t"
                     "vmovups %%ymm3, -32(%0,%2)\n\t"
                     "vzeroupper"
                     :
                     : "r"(target), "r"(source), "r"(length)
                     : WIDE_CLOBBERS);
}

/* 128 bytes or more: 128 at a time, and 128 up to the end, which may overlap those before. */
static inline void copy_wide(uint8_t *target, const uint8_t *source, size_t length)
{
    size_t at = 0;
    __asm__ volatile("subq $128, %1\n"
                     "1:\n\t"
                     "vmovups (%3,%0), %%ymm0\n\t"
                     "vmovups 32(%3,%0), %%ymm1\n\t"
                     "vmovups 64(%3,%0), %%ymm2\n\t"
                     "vmovups 96(%3,%0), %%ymm3\n\t"
                     "vmovups %%ymm0, (%2,%0)\n\t"
                     "vmovups %%ymm1, 32(%2,%0)\n\t"
                     "vmovups %%ymm2, 64(%2,%0)\n\t"
                     "vmovups %%ymm3, 96(%2,%0)\n\t"
                     "addq $128, %0\n\t"
                     "cmpq %1, %0\n\t"
                     "jb 1b\n\t"
                     "vmovups (%3,%1), %%ymm0\n\t"
                     "vmovups 32(%3,%1), %%ymm1\n\t"
                     "vmovups 64(%3,%1), %%ymm2\n\t"
                     "vmovups 96(%3,%1), %%ymm3\n\t"
                     "vmovups %%ymm0, (%2,%1)\n\t"
                     "vmovups %%ymm1, 32(%2,%1)\n\t"
                     "vmovups %%ymm2, 64(%2,%1)\n\t"
                     "vmovups %%ymm3, 96(%2,%1)\n\t"
                     "vzeroupper"
                     : "+&r"(at), "+&r"(length)
                     : "r"(target), "r"(source)
                     : "cc", WIDE_CLOBBERS);
}

static inline void copy_bytes(uint8_t *target, const uint8_t *source, size_t length, bool wide)
{
    if (__builtin_expect(length < 32, 0)) {
        copy_few(target, source, length);
    } else if (__builtin_expect(!wide, 0)) {
        if (length <= 64) {
            copy_half_line(target, source, length);
        } else {
            copy_lines(target, source, length);
        }
    } else if (__builtin_expect(length <= 64, 1)) {
        copy_wide_half_line(target, source, length);
    } else if (length <= 128) {
        copy_wide_line(target, source, length);
    } else {
        copy_wide(target, source, length);
    }
}

/* Writes `length` bytes. */
static inline void copy_in(uint8_t *target, const uint8_t *source, size_t length, bool wide)
{
    copy_bytes(target, source, length, wide);
}

/*
 * Writes many events at once. The string instruction need not fetch lines that it overwrites as a whole from a processor that has
 * read them, but it takes long to begin. Its stores are in order with those before and after it, not among themselves (Intel's
 * manual, volume 3, on out-of-order stores for string operations): so a concurrent read can be torn, as with every other copy here.
 */
static inline void copy_block_in(uint8_t *target, const uint8_t *source, size_t length, bool wide)
{
    if (wide && length >= 2048) {
        __asm__ volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(length) : : "memory");
    } else {
        copy_bytes(target, source, length, wide);
    }
}

static inline void copy_out(uint8_t *target, uint8_t *source, size_t length, bool wide)
{
    copy_bytes(target, source, length, wide);
}

#endif

#endif
