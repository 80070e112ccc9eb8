/* points.h - backtracking points: states of a run at which later runs resume. */
#ifndef EXPLORER_POINTS_H
#define EXPLORER_POINTS_H

#include "memory.h"

/* A revisit of one of the graph's reads begins; it is explored, and the graph is as it was before the revisit. */
void points_enter(int read);
void points_leave(void);

/* The graph was changed from this event on. */
void points_cut(int event);
void points_forget(void);

/* Whether a point is to be kept now, at which so many runs are expected to resume. Called on the program's stack; the other
 * keeps it, called on the engine's. */
bool point_is_wanted(int uses);
void point_keep(int events);

/* Takes the run back to the latest point that is valid for the graph. Returns false if there is none. */
bool point_resume(void);

#endif
