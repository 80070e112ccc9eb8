/* replay.h - the check of an execution that was named by a string. */
#ifndef EXPLORER_REPLAY_H
#define EXPLORER_REPLAY_H

/* Refuses what the last run repeated if the model does not allow it [EXPLORE-6]. */
void check_replay(void);

#endif
