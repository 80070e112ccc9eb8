/*
 * shadow.c - the plain accesses of a run, and their races.
 *
 * For each word of 8 bytes, its plain accesses are remembered with the number of events that their thread had executed. An
 * access happens before another if the other's thread knows of a later event of the first one's thread (the epochs of
 * FastTrack, Flanagan and Freund, PLDI 2009, kept for all threads, since the exploration's clocks are complete).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "keep.h"
#include "memory.h"

struct shadow shadow EXPLORER_STATE = {0};

static void grow_cells(void)
{
    shadow.mask = shadow.cells == NULL ? 1023 : shadow.mask * 2 + 1;
    shadow.cells = must(realloc(shadow.cells, (shadow.mask / 2 + 1) * sizeof *shadow.cells));
    free(shadow.index);
    shadow.index = must(calloc(shadow.mask + 1, sizeof *shadow.index));
    for (uint32_t i = 0; i < shadow.cell_count; ++i) {
        shadow.cells[i].slot = slot_of(shadow.cells[i].word);
        shadow.index[shadow.cells[i].slot] = i + 1;
    }
}

/* Forgets the cells from a number on: the last one first, so that no word's search ends too early. */
static void drop_cells(uint32_t count)
{
    while (shadow.cell_count > count) {
        shadow.index[shadow.cells[--shadow.cell_count].slot] = 0;
    }
}

void shadow_begin(void)
{
    drop_cells(0);
    shadow.access_count = 0;
    if (shadow.cells == NULL) {
        grow_cells();
    }
}

struct cell *shadow_cell(uint64_t word)
{
    struct cell *cell = known_cell(word);
    if (cell == NULL) {
        if (!has_room_for_cell()) {
            grow_cells();
        }
        cell = enter_cell(slot_of(word), word);
    }
    return cell;
}

static uint8_t mask_of(uint64_t word, uint64_t address, size_t size)
{
    uint64_t from = address > word * 8 ? address - word * 8 : 0;
    uint64_t to = address + size < word * 8 + 8 ? address + size - word * 8 : 8;
    return (uint8_t)((0xffu >> (8 - (to - from))) << from);
}

void report_race(uint64_t address, bool write, uint64_t pc, const struct unordered *other)
{
    if (is_library_variable(address)) {
        return;
    }
    if (control.on_race != NULL) {
        control.on_race(address, run.current, write, other->thread, other->write);
        return;
    }
    control.about = address;
    report("data-race", pc, other->pc, "%s by thread %d and %s by thread %d, neither of which happens before the other",
           write ? "write" : "read", run.current, other->write ? "write" : "read", other->thread);
}

/* Reports races with the accesses of a cell. Returns an access of the current thread that this one can replace, or NULL. */
static struct access *look_for_races(const struct cell *cell, uint64_t address, uint8_t mask, bool write, uint64_t pc)
{
    const struct thread *t = self();
    struct access *mine = NULL;
    for (int32_t i = cell->first; i >= 0; i = shadow.accesses[i].next) {
        struct access *other = &shadow.accesses[i];
        if (other->thread == t->id) {
            mine = mine == NULL && other->write == write && (other->mask & ~mask) == 0 ? other : mine;
        } else if ((other->mask & mask) != 0 && (write || other->write) &&
                   !is_before_now(other->thread, other->clock)) {
            struct unordered found = {.thread = other->thread, .write = other->write, .pc = other->pc};
            report_race(address, write, pc, &found);
        }
    }
    return mine;
}

static void remember(struct cell *cell, struct access *mine, uint8_t mask, bool write, uint64_t pc)
{
    if (mine == NULL && !has_room_for_access()) {
        shadow.accesses = grown(shadow.accesses, &shadow.access_room, shadow.access_count + 1, sizeof *shadow.accesses);
    }
    keep_access(self(), cell, mine, mask, write, pc);
}

/* Hands the words that atomic accesses have touched on to `meet_atomics`. */
void shadow_access(struct cell *cell, uint64_t address, size_t size, bool write, uint64_t pc, on_atomics meet_atomics)
{
    for (uint64_t word = address / 8;; cell = shadow_cell(word)) {
        uint8_t mask = mask_of(word, address, size);
        if (cell->atomic) {
            meet_atomics(word, address, size, write, pc);
            cell = shadow_cell(word);
        }
        cell->ended = cell->ended && !write;
        remember(cell, look_for_races(cell, address, mask, write, pc), mask, write, pc);
        if (++word * 8 >= address + size) {
            return;
        }
    }
}

void meet_plain(uint64_t address, uint32_t size, bool write, uint64_t pc)
{
    for (uint64_t word = address / 8; word * 8 < address + size; ++word) {
        struct cell *cell = shadow_cell(word);
        cell->atomic = true;
        if (cell->first >= 0) {
            (void)look_for_races(cell, address, mask_of(word, address, size), write, pc);
        }
    }
}

/* Whether the current access races with an atomic one of the location. */
bool races_with_atomics(int loc, bool write, struct unordered *other)
{
    if (graph.locations[loc].run != run.number) {
        return false;
    }
    for (int id = 0; id < graph.n; ++id) {
        const struct event *e = &graph.events[id];
        if (e->loc == loc && is_executed(e) && e->order != PLAIN && (write || is_write(e)) &&
            !is_before_now(e->thread, e->index)) {
            *other = (struct unordered){.thread = e->thread, .write = is_write(e), .atomic = true, .pc = e->pc};
            return true;
        }
    }
    return false;
}

static bool unordered_in(const struct cell *cell, uint64_t from, uint64_t to, struct unordered *other)
{
    for (int32_t i = cell->first; i >= 0; i = shadow.accesses[i].next) {
        const struct access *a = &shadow.accesses[i];
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
    if ((to - from) / 8 < shadow.cell_count) {
        for (uint64_t word = from / 8; word * 8 < to; ++word) {
            const struct cell *cell = known_cell(word);
            if (cell != NULL && unordered_in(cell, from, to, other)) {
                return true;
            }
        }
        return false;
    }
    for (uint32_t i = 0; i < shadow.cell_count; ++i) {
        const struct cell *cell = &shadow.cells[i];
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
        const struct cell *cell = known_cell(word);
        if (cell == NULL) {
            continue;
        }
        for (int32_t i = cell->first; i >= 0; i = shadow.accesses[i].next) {
            if (shadow.accesses[i].write && (shadow.accesses[i].mask & mask_of(word, address, size)) != 0) {
                return true;
            }
        }
        if (cell->atomic) {
            return true;
        }
    }
    return false;
}

/* Expands a mask of bits to one of bytes. */
static uint64_t bytes_of(uint8_t mask)
{
    uint64_t bits = mask * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
    return ((bits + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101)) * 0xff;
}

void shadow_end(uint64_t from, uint64_t to, uint32_t fill)
{
    for (uint64_t word = from / 8; word * 8 < to; ++word) {
        struct cell *cell = known_cell(word);
        if (cell != NULL && !cell->ended) {
            uint8_t mask = 0; /* other bytes of the word may be what the function returns */
            for (int32_t i = cell->first; i >= 0; i = shadow.accesses[i].next) {
                mask |= shadow.accesses[i].mask;
            }
            uint64_t bytes = bytes_of(mask);
            uint64_t *value = (uint64_t *)(uintptr_t)(word * 8);
            *value = (*value & ~bytes) | (((uint64_t)fill << 32 | fill) & bytes);
            cell->first = -1;
            cell->ended = !cell->atomic; /* a location of the graph cannot be forgotten */
        }
    }
}

void shadow_forget(uint64_t from, uint64_t to)
{
    for (uint64_t word = from / 8; word * 8 < to; ++word) {
        struct cell *cell = known_cell(word);
        if (cell != NULL) {
            cell->first = -1;
        }
    }
}

void keep_shadow(void)
{
    keep(&shadow.cell_count, sizeof shadow.cell_count);
    keep(shadow.cells, shadow.cell_count * sizeof *shadow.cells);
    keep(&shadow.access_count, sizeof shadow.access_count);
    keep(shadow.accesses, (size_t)shadow.access_count * sizeof *shadow.accesses);
}

/* Most often the cells of the last run begin with those of the point: those are updated in place, and only the others are
 * dropped. */
void take_back_shadow(void)
{
    uint32_t count = 0;
    take_back(&count, sizeof count);
    const uint8_t *bytes = taken_back(count * sizeof(struct cell));
    uint32_t at = 0;
    for (; at < count && at < shadow.cell_count; ++at) {
        struct cell *cell = &shadow.cells[at];
        if (memcmp(bytes + at * sizeof *cell, &cell->word, sizeof cell->word) != 0) {
            break;
        }
        memcpy(cell, bytes + at * sizeof *cell, offsetof(struct cell, slot)); /* not `slot`: the index may have grown */
    }
    drop_cells(at);
    for (; at < count; ++at) {
        uint64_t word = 0;
        memcpy(&word, bytes + at * sizeof(struct cell), sizeof word);
        memcpy(shadow_cell(word), bytes + at * sizeof(struct cell), offsetof(struct cell, slot));
    }
    take_back(&shadow.access_count, sizeof shadow.access_count);
    shadow.accesses = grown(shadow.accesses, &shadow.access_room, shadow.access_count, sizeof *shadow.accesses);
    take_back(shadow.accesses, (size_t)shadow.access_count * sizeof *shadow.accesses);
}

bool is_ended(uint64_t address)
{
    const struct cell *cell = known_cell(address / 8);
    return cell != NULL && cell->ended;
}
