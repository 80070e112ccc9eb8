/* locks.h - mutexes, as what waits with one needs them. */
#ifndef EXPLORER_LOCKS_H
#define EXPLORER_LOCKS_H

#include "intercept.h"

int mutex_lock(void *mutex, uint64_t pc);
int mutex_unlock(void *mutex, uint64_t pc);

/* Unlocks a mutex once, to wait; returns whether the thread holds it still, since it had locked it again. */
bool mutex_leave(void *mutex, uint64_t pc);
void mutex_come_back(void *mutex, bool kept, uint64_t pc);

#endif
