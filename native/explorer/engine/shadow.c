/*
 * shadow.c - what plain accesses have touched.
 *
 * Plain accesses are remembered by words of 8 bytes with the number of events that their thread had executed: one happens
 * before another if the other's thread knows of an event after the first (the epochs of FastTrack, Flanagan and Freund,
 * PLDI 2009, kept for all threads, since the exploration's clocks are complete).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct access {
    int32_t next;
    int16_t thread;
    EXPLORER_CLOCK clock;
    uint8_t mask;
    bool write;
    uint64_t pc;
};

struct cell {
    uint64_t word; /* address / 8 */
    uint64_t run;
    int32_t first;
    bool atomic;
    bool ended; /* it held a variable of a function that returned */
};

static struct cell *cells EXPLORER_STATE = NULL;
static uint32_t cell_mask EXPLORER_STATE = 0;
static uint32_t *used_cells EXPLORER_STATE = NULL;
static uint32_t used_cell_count EXPLORER_STATE = 0;
static struct access *accesses EXPLORER_STATE = NULL;
static int access_count EXPLORER_STATE = 0;
static int access_room EXPLORER_STATE = 0;
static uint64_t cells_run EXPLORER_STATE = 0;

static void grow_cells(void)
{
    struct cell *old = cells;
    uint32_t old_size = cells == NULL ? 0 : cell_mask + 1;
    cell_mask = cells == NULL ? 1023 : cell_mask * 2 + 1;
    cells = must(calloc(cell_mask + 1, sizeof *cells));
    used_cells = must(realloc(used_cells, (cell_mask + 1) * sizeof *used_cells));
    used_cell_count = 0;
    for (uint32_t i = 0; i < old_size; ++i) {
        if (old[i].run == run.number) {
            uint32_t at = (uint32_t)((old[i].word * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & cell_mask;
            while (cells[at].run == run.number) {
                at = (at + 1) & cell_mask;
            }
            cells[at] = old[i];
            used_cells[used_cell_count++] = at;
        }
    }
    free(old);
}

static struct cell *cell_of(uint64_t word, bool create)
{
    if (cells_run != run.number) {
        cells_run = run.number;
        used_cell_count = 0;
        access_count = 0;
    }
    if (cells == NULL || used_cell_count * 2 > cell_mask) {
        grow_cells();
    }
    uint32_t at = (uint32_t)((word * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & cell_mask;
    while (cells[at].run == run.number) {
        if (cells[at].word == word) {
            return &cells[at];
        }
        at = (at + 1) & cell_mask;
    }
    if (!create) {
        return NULL;
    }
    cells[at] = (struct cell){.word = word, .run = run.number, .first = -1};
    used_cells[used_cell_count++] = at;
    return &cells[at];
}

static uint8_t mask_of(uint64_t word, uint64_t address, size_t size)
{
    uint64_t from = address > word * 8 ? address - word * 8 : 0;
    uint64_t to = address + size < word * 8 + 8 ? address + size - word * 8 : 8;
    return (uint8_t)((0xffu >> (8 - (to - from))) << from);
}

void report_race(uint64_t address, bool write, uint64_t pc, const struct unordered *other)
{
    if (control.on_race != NULL) {
        control.on_race(address, run.current, write, other->thread, other->write);
        return;
    }
    report("data-race", pc, other->pc, "%s by thread %d and %s by thread %d, neither of which happens before the other",
           write ? "write" : "read", run.current, other->write ? "write" : "read", other->thread);
}

static void look_for_races(const struct cell *cell, uint64_t address, uint8_t mask, bool write, uint64_t pc)
{
    for (int32_t i = cell->first; i >= 0; i = accesses[i].next) {
        const struct access *other = &accesses[i];
        if (other->thread != run.current && (other->mask & mask) != 0 && (write || other->write) &&
            !is_before_now(other->thread, other->clock)) {
            struct unordered found = {.thread = other->thread, .write = other->write, .pc = other->pc};
            report_race(address, write, pc, &found);
        }
    }
}

static void remember(struct cell *cell, uint8_t mask, bool write, uint64_t pc)
{
    EXPLORER_CLOCK clock = (EXPLORER_CLOCK)self()->executed;
    for (int32_t i = cell->first; i >= 0; i = accesses[i].next) {
        struct access *other = &accesses[i];
        if (other->thread == run.current && other->write == write && (other->mask & ~mask) == 0) {
            other->mask = mask;
            other->clock = clock;
            other->pc = pc;
            return;
        }
    }
    accesses = grown(accesses, &access_room, access_count + 1, sizeof *accesses);
    accesses[access_count] = (struct access){.next = cell->first,
                                             .thread = (int16_t)run.current,
                                             .clock = clock,
                                             .mask = mask,
                                             .write = write,
                                             .pc = pc};
    cell->first = access_count++;
}

/* A plain access: looks for races with earlier ones and is remembered. Words that atomic accesses touched are handed on. */
void shadow_access(uint64_t address, size_t size, bool write, uint64_t pc, on_atomics meet_atomics)
{
    for (uint64_t word = address / 8; word * 8 < address + size; ++word) {
        uint8_t mask = mask_of(word, address, size);
        struct cell *cell = cell_of(word, true);
        if (cell->atomic) {
            meet_atomics(word, address, size, write, pc);
            cell = cell_of(word, true);
        }
        cell->ended = cell->ended && !write;
        look_for_races(cell, address, mask, write, pc);
        remember(cell, mask, write, pc);
    }
}

void check_atomic_race(uint64_t address, uint32_t size, bool write, uint64_t pc)
{
    for (uint64_t word = address / 8; word * 8 < address + size; ++word) {
        struct cell *cell = cell_of(word, true);
        cell->atomic = true;
        if (cell->first >= 0) {
            look_for_races(cell, address, mask_of(word, address, size), write, pc);
        }
    }
}

/* Whether an access at hand races with an atomic one of the location. */
bool races_with_atomics(int loc, bool write, struct unordered *other)
{
    if (graph.locations[loc].run != run.number) {
        return false;
    }
    for (int id = 0; id < graph.n; ++id) {
        const struct event *e = &graph.events[id];
        if (e->loc == loc && e->run == run.number && e->order != PLAIN && (write || is_write(e)) &&
            !is_before_now(e->thread, e->index)) {
            *other = (struct unordered){.thread = e->thread, .write = is_write(e), .atomic = true, .pc = e->pc};
            return true;
        }
    }
    return false;
}

static bool unordered_in(const struct cell *cell, uint64_t from, uint64_t to, struct unordered *other)
{
    for (int32_t i = cell->first; i >= 0; i = accesses[i].next) {
        const struct access *a = &accesses[i];
        if (a->thread != run.current && !is_before_now(a->thread, a->clock)) {
            *other = (struct unordered){.thread = a->thread, .write = a->write, .pc = a->pc};
            return true;
        }
    }
    for (uint64_t at = cell->word * 8; cell->atomic && at < cell->word * 8 + 8; ++at) {
        int loc = at >= from && at < to ? location_at(at) : -1;
        if (loc >= 0 && races_with_atomics(loc, true, other)) {
            return true;
        }
    }
    return false;
}

/* Whether another thread accesses the bytes from `from` up to `to` in an access that does not happen before now. */
bool unordered_access(uint64_t from, uint64_t to, struct unordered *other)
{
    if (cells_run != run.number || used_cell_count == 0) {
        return false;
    }
    if ((to - from) / 8 < used_cell_count) {
        for (uint64_t word = from / 8; word * 8 < to; ++word) {
            const struct cell *cell = cell_of(word, false);
            if (cell != NULL && unordered_in(cell, from, to, other)) {
                return true;
            }
        }
        return false;
    }
    for (uint32_t i = 0; i < used_cell_count; ++i) {
        const struct cell *cell = &cells[used_cells[i]];
        if (cell->word * 8 + 8 > from && cell->word * 8 < to && unordered_in(cell, from, to, other)) {
            return true;
        }
    }
    return false;
}

/* Whether some plain or atomic access wrote to one of the bytes in this run. */
bool was_written(uint64_t address, size_t size)
{
    for (uint64_t word = address / 8; word * 8 < address + size; ++word) {
        const struct cell *cell = cell_of(word, false);
        if (cell == NULL) {
            continue;
        }
        for (int32_t i = cell->first; i >= 0; i = accesses[i].next) {
            if (accesses[i].write && (accesses[i].mask & mask_of(word, address, size)) != 0) {
                return true;
            }
        }
        if (cell->atomic) {
            return true;
        }
    }
    return false;
}

void shadow_end(uint64_t from, uint64_t to, uint32_t fill)
{
    for (uint64_t word = from / 8; word * 8 < to; ++word) {
        struct cell *cell = cell_of(word, false);
        if (cell != NULL && !cell->ended) {
            const uint32_t pair[] = {fill, fill};
            for (int32_t i = cell->first; i >= 0; i = accesses[i].next) {
                for (size_t byte = 0; byte < 8; ++byte) { /* its neighbours may be what the function returns */
                    if ((accesses[i].mask >> byte & 1) != 0) {
                        ((uint8_t *)(uintptr_t)(word * 8))[byte] = ((const uint8_t *)pair)[byte];
                    }
                }
            }
            cell->first = -1;
            cell->ended = !cell->atomic; /* a location of the graph cannot be forgotten */
        }
    }
}

void shadow_forget(uint64_t from, uint64_t to)
{
    for (uint64_t word = from / 8; word * 8 < to; ++word) {
        struct cell *cell = cell_of(word, false);
        if (cell != NULL) {
            cell->first = -1;
        }
    }
}

bool is_ended(uint64_t address)
{
    const struct cell *cell = cell_of(address / 8, false);
    return cell != NULL && cell->ended;
}
