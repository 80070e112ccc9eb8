/* consistency.h - what the memory model allows: the bounds of coherence, and the order of the seq_cst events. */
#ifndef EXPLORER_CONSISTENCY_H
#define EXPLORER_CONSISTENCY_H

#include "graph.h"

int floor_of(int loc, const view *hb);
int rmw_after(const struct location *location, int place);
bool place_is_open(const struct location *location, int place);
bool sc_consistent(int changed);

/* Whether psc has no cycle in the graph as it is [MODEL-14]. */
bool sc_acyclic(void);

#endif
