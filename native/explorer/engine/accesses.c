/* accesses.c - the plain accesses of the program. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "operations.h"
#include "fast_path.h"

/* A plain access to a word that atomic accesses have touched in this run. */
static void meet_atomics(uint64_t word, uint64_t address, size_t size, bool write, uint64_t pc)
{
    for (uint64_t at = word * 8; at < word * 8 + 8; ++at) {
        int loc = location_at(at);
        if (loc < 0 || graph.locations[loc].run != run.number || at >= address + size ||
            at + graph.locations[loc].size <= address) {
            continue;
        }
        struct unordered other;
        if (races_with_atomics(loc, write, &other)) {
            report_race(address, write, pc, &other);
        }
        if (write) {
            plain_write_to_atomic(loc, pc);
        }
    }
}

void plain_access(uint64_t address, size_t size, bool write, uint64_t pc)
{
    if (size > 0 && !fast_path_access(address, size, write, pc)) {
        slow_path_access(address, size, write, pc);
    }
}

void slow_path_access(uint64_t address, size_t size, bool write, uint64_t pc)
{
    ++run.steps;
    trace_plain(write ? "write" : "read", address, size, pc);
    struct thread *t = self();
    struct cell *cell = run.concurrent ? shadow_cell(address / 8) : NULL;
    if (is_stack(address)) {
        check_frame(address, size, write, pc, cell != NULL && cell->ended);
    } else if (is_heap(address)) {
        check_block(address, size, write, pc);
        if (write) {
            heap_set_initialized(address, size);
        } else if (!heap_is_initialized(address, size)) {
            report("uninitialized-read", pc, 0, "read of %zu bytes that were not all written before", size);
        }
    } else {
        check_heap(address, size, write, pc); /* the null pointer */
        check_globals(address, size, write, pc);
        check_stack(address, size, write, pc); /* thread-local variables */
    }
    if (cell == NULL) {
        return;
    }
    check_returns(pc);
    if (write && t->spins > 0 && address - (uint64_t)(uintptr_t)t->stack >= STACK_BYTES) {
        note_write(address, size);
    }
    shadow_access(cell, address, size, write, pc, meet_atomics);
}

/* memcpy and memmove: bytes that were never written may be copied, and their copies count as never written. */
void plain_copy(uint64_t to, uint64_t from, size_t size, uint64_t pc)
{
    uint8_t stack_bits[512];
    uint8_t *bits = NULL;
    bool partly = heap_has(from) && !heap_is_initialized(from, size);
    if (partly) {
        bits = size <= sizeof stack_bits ? stack_bits : must(malloc(size));
        for (size_t i = 0; i < size; ++i) {
            bits[i] = heap_is_initialized(from + i, 1);
        }
        heap_set_bits(from, size, true); /* so that the read below reports nothing */
    }
    plain_access(from, size, false, pc);
    if (to != 0) {
        plain_access(to, size, true, pc);
        memmove((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size);
    }
    if (partly) {
        for (size_t i = 0; i < size; ++i) {
            if (bits[i] == 0) {
                heap_set_bits(from + i, 1, false);
                heap_set_bits(to + i, 1, false); /* without effect if there is no target */
            }
        }
        if (bits != stack_bits) {
            free(bits);
        }
    }
}
