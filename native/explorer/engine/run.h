/* run.h - one run of the program. */
#ifndef EXPLORER_RUN_H
#define EXPLORER_RUN_H

#include "memory.h"

void run_once(void);
void take_checkpoint(void);

/* Keeps a point before the event that the current thread is adding, if it pays for so many runs to resume here. Returns true if a
 * later run resumes here: the graph has the event, and the thread must replay it. */
bool take_point(int event, int uses);

/* Makes `body` the program; nothing of it is explored yet. */
void program_begin(int (*body)(void));

#endif
