/* operations.h - what the program does: atomic operations, fences, threads, plain accesses. */
#ifndef EXPLORER_OPERATIONS_H
#define EXPLORER_OPERATIONS_H

#include "explore.h"

/* operations.c */
uint64_t atomic_load_event(uint64_t address, uint32_t size, int order, uint64_t pc);
void atomic_store_event(uint64_t address, uint32_t size, int order, uint64_t value, uint64_t pc);
uint64_t atomic_rmw_event(uint64_t address, uint32_t size, int order, enum rmw_op op, uint64_t operand, uint64_t pc);
bool atomic_cas_event(uint64_t address, uint32_t size, int success, int failure, bool weak, uint64_t *expected,
                      uint64_t desired, uint64_t pc);

/* Before a weak compare-exchange, and before the look at its loop: it may fail, so from here on there are several executions. */
void weak_begins(void);

/* Whether the read-modify-write that the thread did last read what the thread itself had written. */
bool rmw_follows_own(void);

/* Takes one of the sleepers, each in another execution, out of a set of 8 bytes; returns the set before. */
uint64_t take_sleeper_event(uint64_t address, int order, uint64_t pc);

/* Waits until the location's value is `wanted` (or, if not `equal`, is another), and with `exchange` replaces it. */
uint64_t await_event(uint64_t address, uint32_t size, int order, uint64_t wanted, bool equal, bool exchange, uint64_t to,
                     uint64_t pc);

/* Waits until these bits are 0, and returns the value. */
uint64_t await_bits_event(uint64_t address, uint32_t size, int order, uint64_t bits, uint64_t pc);

/* Gives up the execution at hand unless the condition holds: another one is the same, or is not of interest. */
void assume_event(bool holds);
void plain_write_to_atomic(int loc, uint64_t pc);

/* synchronisation.c */
void fence_event(int order, enum side side, uint64_t pc);

/* Arrives at a barrier, or departs from it, which the thread may do: an event of no location. */
void barrier_event(enum kind kind, uint64_t address, uint64_t pc);
int thread_create_event(void *(*body)(void *), void *argument, uint64_t pc);
void *thread_join_event(int thread, uint64_t pc);

/* accesses.c */
void plain_access(uint64_t address, size_t size, bool write, uint64_t pc);

/* The same for one byte or more, after fast_path_access() returned false. */
void slow_path_access(uint64_t address, size_t size, bool write, uint64_t pc);

/* memcpy and memmove: what was never written may be copied, and stays unwritten. Without a target (0) it is read alone. */
void plain_copy(uint64_t to, uint64_t from, size_t size, uint64_t pc);

#endif
