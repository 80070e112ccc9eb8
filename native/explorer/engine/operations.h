/* operations.h - the program's events: atomic operations, fences, creation and join of threads, barriers; and its plain
 * accesses. */
#ifndef EXPLORER_OPERATIONS_H
#define EXPLORER_OPERATIONS_H

#include "explore.h"

/* operations.c */
uint64_t atomic_load_event(uint64_t address, uint32_t size, int order, uint64_t pc);
void atomic_store_event(uint64_t address, uint32_t size, int order, uint64_t value, uint64_t pc);
uint64_t atomic_rmw_event(uint64_t address, uint32_t size, int order, enum rmw_op op, uint64_t operand, uint64_t pc);
bool atomic_cas_event(uint64_t address, uint32_t size, int success, int failure, bool weak, uint64_t *expected,
                      uint64_t desired, uint64_t pc);

/* Called before a weak compare-exchange, and before its loop is checked: since it may fail spuriously, executions branch
 * from here on. */
void weak_begins(void);

/* Whether the thread's last read-modify-write read from a write of the same thread. */
bool rmw_follows_own(void);

/* Removes one sleeper from a set of 8 bytes, each sleeper in an execution of its own; returns the set before. */
uint64_t take_sleeper_event(uint64_t address, int order, uint64_t pc);

/* Blocks the thread until the location's value is `wanted` or, unless `equal`, differs from it; with `exchange` it then
 * writes `to`. */
uint64_t await_event(uint64_t address, uint32_t size, int order, uint64_t wanted, bool equal, bool exchange, uint64_t to,
                     uint64_t pc);

/* Blocks the thread until these bits are 0, and returns the value. */
uint64_t await_bits_event(uint64_t address, uint32_t size, int order, uint64_t bits, uint64_t pc);

/* Abandons this execution unless the condition holds: it is equivalent to another one, or of no interest. */
void assume_event(bool holds);
void plain_write_to_atomic(int loc, uint64_t pc);

/* synchronisation.c */
void fence_event(int order, enum side side, uint64_t pc);

/* The thread arrives at a barrier, or departs from it once it may: an event without a location. */
void barrier_event(enum kind kind, uint64_t address, uint64_t pc);
int thread_create_event(void *(*body)(void *), void *argument, uint64_t pc);
void *thread_join_event(int thread, uint64_t pc);

/* accesses.c */
void plain_access(uint64_t address, size_t size, bool write, uint64_t pc);

/* The same for one byte or more, after fast_path_access() returned false. */
void slow_path_access(uint64_t address, size_t size, bool write, uint64_t pc);

/* memcpy and memmove: bytes that were never written may be copied, and their copies count as never written. If `to` is 0,
 * the bytes are only read. */
void plain_copy(uint64_t to, uint64_t from, size_t size, uint64_t pc);

#endif
