/* thread_local.h - the thread-local variables of the program's threads: each thread has its own block of them. */
#ifndef EXPLORER_THREAD_LOCAL_H
#define EXPLORER_THREAD_LOCAL_H

#include "control.h"

void thread_local_prepare(void);

/* Initialises the variables of a thread that begins. */
void thread_local_begin(int thread);

/* Makes the thread's variables the current ones. */
void thread_local_enter(int thread);
void thread_local_checkpoint(void);
void thread_local_restore(void);

/* The range that holds the variables of all threads but the first; 0 bytes if there are none. */
struct thread_locals {
    uint64_t from;
    uint64_t bytes;
};

extern struct thread_locals thread_locals;

/* Where a thread's variables lie; false if the program has none or the thread never began. */
bool thread_local_block(int thread, uint64_t *from, uint64_t *to);

#endif
