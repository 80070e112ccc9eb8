/* run.h - one run of the program. */
#ifndef EXPLORER_RUN_H
#define EXPLORER_RUN_H

#include "memory.h"

void run_once(void);
void take_checkpoint(void);

/* Makes `body` the program, with nothing explored. */
void program_begin(int (*body)(void));

#endif
