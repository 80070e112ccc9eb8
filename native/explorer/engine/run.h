/* run.h - one run of the program. */
#ifndef EXPLORER_RUN_H
#define EXPLORER_RUN_H

#include "memory.h"

void run_once(void);
void take_checkpoint(void);

/* Keeps the run as it is before the event `event`, which the current thread is adding. Returns true when a later run begins
 * here: the graph has the event, and it is to be repeated. */
bool take_point(int event);

/* Makes `body` the program, with nothing explored. */
void program_begin(int (*body)(void));

#endif
