/* points.h - points of a run at which later runs begin. */
#ifndef EXPLORER_POINTS_H
#define EXPLORER_POINTS_H

#include "memory.h"

/* A graph is turned back to one of its reads, and will be there again once that was explored. */
void points_enter(int read);
void points_leave(void);

/* The graph is changed from an event on. */
void points_cut(int event);
void points_forget(void);

/* Whether a point is worth to be kept now, on the program's stack; keeps it, on the engine's. */
bool point_is_wanted(void);
void point_keep(int events);

/* Makes the run what it was at the latest point that the graph still leads to. Returns false if there is none. */
bool point_resume(void);

#endif
