/* callers.h - the calls that led to an access, for what is shown of it. */
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

/* The return addresses on the stack at hand, those into the engine left out; none if they are not asked for. */
void find_callers(struct callers *found);

void print_callers(FILE *file, const struct callers *callers);

#endif
