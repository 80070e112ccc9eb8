/*
 * weak.h - weak compare-exchanges of C and C++ programs that clang compiles. Included before the source.
 *
 * clang makes the same call of ThreadSanitizer's runtime of a weak compare-exchange and of a strong one, and compares the
 * value itself, so that a failure for no reason could not be told from success. Here a weak one calls the runtime's function
 * for weak ones, as gcc has it do. Each argument is evaluated once. The builtins are redefined, since the macros of
 * <stdatomic.h> come down to them.
 */
#ifndef EXPLORER_WEAK_H
#define EXPLORER_WEAK_H
#ifdef __clang__

#ifdef __cplusplus
extern "C" {
#  define explorer_auto auto
#  define explorer_bool bool
#else
#  define explorer_auto __auto_type
#  define explorer_bool _Bool
#endif
int __tsan_atomic8_compare_exchange_weak(volatile void *, void *, unsigned char, int, int);
int __tsan_atomic16_compare_exchange_weak(volatile void *, void *, unsigned short, int, int);
int __tsan_atomic32_compare_exchange_weak(volatile void *, void *, unsigned, int, int);
int __tsan_atomic64_compare_exchange_weak(volatile void *, void *, unsigned long long, int, int);
int __tsan_atomic128_compare_exchange_weak(volatile void *, void *, unsigned long long, int, int);
#ifdef __cplusplus
}
#endif

/* `desired` is an object of the type of what is exchanged. */
#define explorer_weak(object, expected, desired, success, failure)                                                       \
    (sizeof(desired) == 1                                                                                                \
         ? __tsan_atomic8_compare_exchange_weak(object, expected, *(unsigned char *)(void *)&desired, success, failure)   \
     : sizeof(desired) == 2                                                                                              \
         ? __tsan_atomic16_compare_exchange_weak(object, expected, *(unsigned short *)(void *)&desired, success, failure) \
     : sizeof(desired) == 4                                                                                              \
         ? __tsan_atomic32_compare_exchange_weak(object, expected, *(unsigned *)(void *)&desired, success, failure)       \
     : sizeof(desired) == 8                                                                                              \
         ? __tsan_atomic64_compare_exchange_weak(object, expected, *(unsigned long long *)(void *)&desired, success, failure) \
         : __tsan_atomic128_compare_exchange_weak(object, expected, 0, success, failure))

#define __c11_atomic_compare_exchange_weak(object, expected, desired, success, failure)                        \
    __extension__({                                                                                            \
        explorer_auto explorer_object = (object);                                                                \
        explorer_auto explorer_expected = (expected);                                                            \
        __typeof__(__c11_atomic_load(explorer_object, 0)) explorer_desired = (desired);                        \
        (explorer_bool) explorer_weak((volatile void *)explorer_object, (void *)explorer_expected, explorer_desired, success, failure); \
    })

#define __atomic_compare_exchange_n(object, expected, desired, weak, success, failure)                         \
    __extension__({                                                                                            \
        explorer_auto explorer_object = (object);                                                                \
        explorer_auto explorer_expected = (expected);                                                            \
        __typeof__(__atomic_load_n(explorer_object, 0)) explorer_desired = (desired);                          \
        (weak) ? (explorer_bool)explorer_weak((volatile void *)explorer_object, (void *)explorer_expected, explorer_desired, success, failure) \
               : __atomic_compare_exchange_n(explorer_object, explorer_expected, explorer_desired, 0, success, failure); \
    })

#define __atomic_compare_exchange(object, expected, desired, weak, success, failure)                           \
    __extension__({                                                                                            \
        explorer_auto explorer_object = (object);                                                                \
        explorer_auto explorer_expected = (expected);                                                            \
        explorer_auto explorer_desired = (desired);                                                              \
        (weak) ? (explorer_bool)explorer_weak((volatile void *)explorer_object, (void *)explorer_expected, *explorer_desired, success, failure) \
               : __atomic_compare_exchange(explorer_object, explorer_expected, explorer_desired, 0, success, failure); \
    })

#endif
#endif
