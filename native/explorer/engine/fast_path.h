/* fast_path.h - the fast path of plain accesses, inlined: it looks at the accessed word alone, and leaves nothing on the stack. */
#ifndef EXPLORER_FAST_PATH_H
#define EXPLORER_FAST_PATH_H

#include "memory.h"

/* The bytes of its word that an access has, a bit for each. */
static inline uint8_t mask_in_word(uint64_t address, size_t size)
{
    return (uint8_t)(0xffu >> (8 - size) << address % 8);
}

/* Whether an access is allowed without further checks: to a local variable of a function that has not returned, or to a static
 * variable. For all other memory, and for every access that has to be reported, the slow path decides. */
static inline bool is_fast_path_memory(struct thread *t, uint64_t address, size_t size, bool write)
{
    uint64_t low = (uint64_t)(uintptr_t)run.low;
    if (address - low < (uint64_t)(uintptr_t)t->stack + STACK_BYTES - low) {
        uint32_t value = 0;
        memcpy(&value, (const void *)(uintptr_t)(address / 4 * 4), sizeof value);
        if (!write && value == POISON) {
            return false;
        }
        extend(&t->touched_from, &t->touched_to, address, size);
        return true;
    }
    uint64_t at = address / 8 - inner_ends.first;
    return at < inner_ends.count && inner_ends.of[at] == 0 && !(write && t->spins > 0);
}

/*
 * Executes the access, as plain_access() would, if it lies in one word and there is nothing to report; otherwise returns false.
 * Without the fast path, a run of a program that computes takes twice the instructions, and one that mostly synchronises a tenth
 * more.
 */
static inline __attribute__((always_inline)) bool fast_path_access(uint64_t address, size_t size, bool write, uint64_t pc)
{
    struct thread *t = self();
    if (!run.concurrent || control.options.trace || address % 8 + size > 8 || owes_a_look(t) ||
        !is_fast_path_memory(t, address, size, write)) {
        return false;
    }
    uint32_t slot = slot_of(address / 8);
    uint32_t number = shadow.index[slot];
    if (number == 0 && !has_room_for_cell()) {
        return false;
    }
    struct cell *cell = number == 0 ? enter_cell(slot, address / 8) : &shadow.cells[number - 1];
    if (cell->atomic || (cell->ended && !write)) {
        return false;
    }
    uint8_t mask = mask_in_word(address, size);
    struct access *mine = NULL;
    for (int32_t i = cell->first; i >= 0; i = shadow.accesses[i].next) {
        struct access *other = &shadow.accesses[i];
        if (other->thread == t->id) {
            mine = mine == NULL && other->write == write && (other->mask & ~mask) == 0 ? other : mine;
        } else if ((write || other->write) && !is_before_now(other->thread, other->clock)) {
            return false;
        }
    }
    if (mine == NULL && !has_room_for_access()) {
        return false;
    }
    keep_access(t, cell, mine, mask, write, pc);
    ++run.steps;
    cell->ended = false;
    return true;
}

#endif
