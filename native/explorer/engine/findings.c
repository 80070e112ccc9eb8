/* findings.c - the errors that were found, as JSON. */
#define _GNU_SOURCE
#include "callers.h"
#include "findings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ERRORS 64

struct error {
    const char *kind;
    char message[256];
    uint64_t pc;
    uint64_t other_pc;
    int thread;
    char *replay;
    uint64_t about;
    struct callers callers;
};

static struct error errors[MOST_ERRORS] EXPLORER_STATE = {{0}};
static int error_count EXPLORER_STATE = 0;

void report(const char *kind, uint64_t pc, uint64_t other_pc, const char *format, ...)
{
    bool known = false;
    for (int i = 0; i < error_count && !known; ++i) {
        known = strcmp(errors[i].kind, kind) == 0 &&
                ((errors[i].pc == pc && errors[i].other_pc == other_pc) ||
                 (errors[i].pc == other_pc && errors[i].other_pc == pc));
    }
    if (!known && error_count < MOST_ERRORS) {
        struct error *error = &errors[error_count++];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
        error->kind = kind;
        error->pc = pc;
        error->other_pc = other_pc;
        error->thread = run.current;
        error->replay = graph_text();
        error->about = control.about;
        find_callers(&error->callers);
    }
    control.about = 0;
    if (control.options.trace && error_count > 0) {
        trace_error(pc, errors[0].message);
    }
    if (!control.options.keep_going) {
        control.stop = true;
        if (control.on_fiber) {
            end_run(FATAL);
        }
    }
}

void explorer_fail(const char *kind, const char *message)
{
    static const char *const kinds[] = {"torn", "lost", "disagreement", "assertion"};
    const char *known = "assertion";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        if (strcmp(kinds[i], kind) == 0) {
            known = kinds[i];
        }
    }
    report(known, (uint64_t)(uintptr_t)__builtin_return_address(0), 0, "%s", message);
}

int report_errors(void)
{
    return error_count;
}

void print_errors(FILE *file)
{
    fputc('[', file);
    for (int i = 0; i < error_count; ++i) {
        const struct error *error = &errors[i];
        fprintf(file, "%s{\"kind\": \"%s\", \"message\": ", i > 0 ? ", " : "", error->kind);
        json_string(file, error->message);
        fprintf(file, ", \"pc\": %llu, \"other_pc\": %llu, \"thread\": %d, \"replay\": \"%s\"",
                (unsigned long long)error->pc, (unsigned long long)error->other_pc, error->thread, error->replay);
        if (error->about != 0) {
            fprintf(file, ", \"about\": %llu", (unsigned long long)error->about);
        }
        print_callers(file, &error->callers);
        fputc('}', file);
    }
    fputc(']', file);
}

void report_reset(void)
{
    while (error_count > 0) {
        free(errors[--error_count].replay);
    }
}
