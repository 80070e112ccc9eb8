/* ends.c - assertions, assumptions and abort. */
#define _GNU_SOURCE
#include <stdio.h>

#include "intercept.h"

void __VERIFIER_assume(int condition);

void __VERIFIER_assume(int condition)
{
    run.low = __builtin_frame_address(0);
    assume_event(condition != 0);
}

/* Programs of SV-COMP define it by abort(); their definitions are made weak, and this one replaces them. */
void assume_abort_if_not(int condition);

void assume_abort_if_not(int condition)
{
    __VERIFIER_assume(condition);
}

static _Noreturn void failed(const char *kind, uint64_t pc, const char *message)
{
    report(kind, pc, 0, "%s", message);
    thread_end(NULL); /* if the exploration keeps going, the other threads run on */
}

_Noreturn void __VERIFIER_error(void);

_Noreturn void __VERIFIER_error(void)
{
    failed("assertion", PC, "__VERIFIER_error() was reached");
}

_Noreturn void xp_assert_fail(const char *expression, const char *file, unsigned line, const char *function);

_Noreturn void xp_assert_fail(const char *expression, const char *file, unsigned line, const char *function)
{
    (void)file;
    (void)line;
    (void)function;
    char message[256];
    snprintf(message, sizeof message, "assert(%s) failed", expression);
    failed("assertion", PC, message);
}

_Noreturn void xp_abort(void);

_Noreturn void xp_abort(void)
{
    failed("abort", PC, "abort() was called");
}

/* Called in place of a function that the explorer does not know; the command replaces the pc by a line. */
_Noreturn void explorer_refuse_call(const char *name, uint64_t pc);
_Noreturn void explorer_refuse_call(const char *name, uint64_t pc)
{
    refuse("the program calls %s(){at 0x%llx}, which the explorer does not follow", name, (unsigned long long)pc);
}

SAME(xp___assert_fail, xp_assert_fail);
