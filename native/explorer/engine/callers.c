/*
 * callers.c - the calls that led to an access.
 *
 * An access in a library's header is shown at the user's line that led to it. The stack is walked by its unwind information,
 * since functions of precompiled libraries keep no frame pointers.
 */
#define _GNU_SOURCE
#include "callers.h"

#include <unwind.h>

extern const uint8_t __start_explorer_text[] __attribute__((weak));
extern const uint8_t __stop_explorer_text[] __attribute__((weak));

bool is_engine(uint64_t pc)
{
    return pc > (uint64_t)(uintptr_t)__start_explorer_text && pc <= (uint64_t)(uintptr_t)__stop_explorer_text;
}

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *argument)
{
    struct callers *found = argument;
    uint64_t pc = _Unwind_GetIP(context);
    if (pc != 0 && !is_engine(pc)) {
        found->pcs[found->count++] = pc;
    }
    return found->count < MOST_CALLERS ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

void find_callers(struct callers *found)
{
    found->count = 0;
    if (control.options.callers && control.on_fiber) {
        _Unwind_Backtrace(take_frame, found);
    }
}

void print_callers(FILE *file, const struct callers *callers)
{
    if (callers->count > 0) {
        fputs(", \"callers\": [", file);
        for (int i = 0; i < callers->count; ++i) {
            fprintf(file, "%s%llu", i > 0 ? ", " : "", (unsigned long long)callers->pcs[i]);
        }
        fputc(']', file);
    }
}
