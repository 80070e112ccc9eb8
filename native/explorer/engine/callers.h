/* callers.h - the calls that led to an access, for reports and traces. */
#ifndef EXPLORER_CALLERS_H
#define EXPLORER_CALLERS_H

#include "control.h"

#define MOST_CALLERS 32

struct callers {
    int count;
    uint64_t pcs[MOST_CALLERS]; /* return addresses, innermost first */
};

/* Whether a return address leads into the engine. */
bool is_engine(uint64_t pc);

/* The return addresses on the current stack, without those into the engine; none unless the options ask for them. */
void find_callers(struct callers *found);

void print_callers(FILE *file, const struct callers *callers);

#endif
