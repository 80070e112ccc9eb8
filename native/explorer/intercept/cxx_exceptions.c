/*
 * cxx_exceptions.c - exceptions that several threads hold, and uncaught ones.
 *
 * The precompiled library counts the references to an exception object. Each change of the count is an event here; since the
 * library then changes the same memory, the count is adjusted before or after.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unwind.h>

#include "../engine/callers.h"
#include "library.h"

/* The layout of the Itanium C++ ABI and libstdc++ on 64-bit machines. */
#define COUNT_BEFORE 128    /* bytes from the count to the exception object */
#define DEPENDENT_BEFORE 112 /* from a dependent exception, whose first word is the primary object, to its end */
#define DEPENDENT_CLASS 1

/* The library's own functions. */
void _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv(void **pointer);
void _ZSt17current_exceptionv(void **result);
_Noreturn void _ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(void **pointer);
void *__dynamic_cast(const void *from, const void *source, const void *target, ptrdiff_t hint);
size_t _ZSt11_Hash_bytesPKvmm(const void *from, size_t size, size_t seed);

static int32_t *count_of(void *object)
{
    return (int32_t *)(void *)((uint8_t *)object - COUNT_BEFORE);
}

static int32_t change_count(void *object, enum rmw_op op, uint64_t pc)
{
    return (int32_t)atomic_rmw_event((uint64_t)(uintptr_t)count_of(object), 4, ACQ_REL, op, 1, pc);
}

static void *object_in(void *const *pointer, uint64_t pc)
{
    read_bytes(pointer, sizeof *pointer, pc);
    return *pointer;
}

ENTRY(void, xp__ZNSt15__exception_ptr13exception_ptr9_M_addrefEv, void **pointer)
{
    uint64_t pc = PC;
    void *object = object_in(pointer, pc);
    if (object != NULL) {
        change_count(object, OP_ADD, pc);
    }
}

ENTRY(void, xp__ZNSt15__exception_ptr13exception_ptrC1EPv, void **pointer, void *object)
{
    uint64_t pc = PC;
    write_bytes(pointer, sizeof *pointer, pc);
    *pointer = object;
    if (object != NULL) {
        change_count(object, OP_ADD, pc);
    }
}

ENTRY(void, xp__ZNSt15__exception_ptr13exception_ptr10_M_releaseEv, void **pointer)
{
    uint64_t pc = PC;
    void *object = object_in(pointer, pc);
    if (object != NULL && change_count(object, OP_SUB, pc) == 1) {
        *count_of(object) = 1; /* the library decrements it to 0, and destroys the object */
        _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv(pointer);
    }
}

ENTRY(void **, xp__ZSt17current_exceptionv, void **result)
{
    uint64_t pc = PC;
    write_bytes(result, sizeof *result, pc);
    _ZSt17current_exceptionv(result);
    if (*result != NULL) {
        --*count_of(*result); /* the library has counted it already */
        change_count(*result, OP_ADD, pc);
    }
    return result;
}

_Noreturn void xp__ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(void **pointer);
_Noreturn void xp__ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(void **pointer)
{
    uint64_t pc = PC;
    void *object = object_in(pointer, pc);
    if (object != NULL) {
        change_count(object, OP_ADD, pc);
        --*count_of(object); /* the library will count it */
    }
    _ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE(pointer);
}

/* The library releases an exception that was caught: it decrements the count after this. */
void xp__Unwind_DeleteException(struct _Unwind_Exception *exception);
void xp__Unwind_DeleteException(struct _Unwind_Exception *exception)
{
    uint8_t *object = (uint8_t *)(exception + 1);
    void *primary = object;
    if ((exception->exception_class & 0xff) == DEPENDENT_CLASS) {
        memcpy(&primary, object - DEPENDENT_BEFORE, sizeof primary);
    }
    *count_of(primary) = change_count(primary, OP_SUB, PC);
    _Unwind_DeleteException(exception);
}

/* ---------------------------------------------------------------------------------------------- uncaught exceptions */

void __cxa_throw(void *object, void *type, void (*destructor)(void *));
void __cxa_rethrow(void);
void _ZSt9terminatev(void);

/* The call that ended the program: the caller of the library's outermost frame on the stack. */
static uint64_t ended_by(const struct callers *callers)
{
    uint64_t pc = run.pc;
    for (int i = 0; i + 1 < callers->count && i < 12; ++i) {
        const void *function = _Unwind_FindEnclosingFunction((void *)(uintptr_t)callers->pcs[i]);
        if (function == (const void *)(uintptr_t)__cxa_throw || function == (const void *)(uintptr_t)__cxa_rethrow ||
            function == (const void *)(uintptr_t)_ZSt9terminatev ||
            function == (const void *)(uintptr_t)_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE) {
            pc = callers->pcs[i + 1];
        }
    }
    return pc;
}

/* std::terminate() was called: if `type` is not NULL, for an exception of this type, whose what() is `what`. See
 * cxx/errors.cpp. */
_Noreturn void explorer_terminate(const char *type, const char *what);
_Noreturn void explorer_terminate(const char *type, const char *what)
{
    struct callers callers;
    find_callers(&callers);
    uint64_t pc = ended_by(&callers);
    if (type == NULL) {
        report("terminate", pc, 0, "std::terminate() was called");
    } else if (what == NULL) {
        report("uncaught-exception", pc, 0, "nobody catches an exception of type %s", type);
    } else {
        report("uncaught-exception", pc, 0, "nobody catches an exception of type %s, what(): %s", type, what);
    }
    thread_end(NULL);
}

/* An assertion of the library's headers, such as that an index is in its range. */
_Noreturn void xp__ZSt21__glibcxx_assert_failPKciS0_S0_(const char *file, int line, const char *function,
                                                       const char *condition);
_Noreturn void xp__ZSt21__glibcxx_assert_failPKciS0_S0_(const char *file, int line, const char *function,
                                                       const char *condition)
{
    (void)file;
    (void)line;
    (void)function;
    report("assertion", PC, 0, "the library asserts %s", condition != NULL ? condition : "that this is not reached");
    thread_end(NULL);
}

/* ---------------------------------------------------------------------------------- functions that read an object */

ENTRY(void *, xp___dynamic_cast, const void *from, const void *source, const void *target, ptrdiff_t hint)
{
    read_bytes(from, sizeof(void *), PC);
    return __dynamic_cast(from, source, target, hint);
}

ENTRY(size_t, xp__ZSt11_Hash_bytesPKvmm, const void *from, size_t size, size_t seed)
{
    read_bytes(from, size, PC);
    return _ZSt11_Hash_bytesPKvmm(from, size, seed);
}

SAME(xp__ZNSt15__exception_ptr13exception_ptrC2EPv, xp__ZNSt15__exception_ptr13exception_ptrC1EPv);
