/* locks.h - mutexes, for condition variables. */
#ifndef EXPLORER_LOCKS_H
#define EXPLORER_LOCKS_H

#include "intercept.h"

int mutex_lock(void *mutex, uint64_t pc);
int mutex_unlock(void *mutex, uint64_t pc);

/* Unlocks a mutex once, before a wait; returns whether the thread still holds it, because it had locked it again. */
bool mutex_leave(void *mutex, uint64_t pc);
void mutex_come_back(void *mutex, bool kept, uint64_t pc);

#endif
