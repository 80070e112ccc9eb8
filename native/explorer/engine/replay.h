/* replay.h - the check of a replayed execution. */
#ifndef EXPLORER_REPLAY_H
#define EXPLORER_REPLAY_H

/* Refuses the execution that the last run replayed if the memory model does not allow it [EXPLORE-6]. */
void check_replay(void);

#endif
