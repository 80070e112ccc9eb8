/* shadow.h - the plain accesses of a run: a cell for each word of eight bytes, and in it a list of accesses. */
#ifndef EXPLORER_SHADOW_H
#define EXPLORER_SHADOW_H

#include "schedule.h"

struct access {
    int32_t next;
    int16_t thread;
    EXPLORER_CLOCK clock;
    uint8_t mask; /* a bit for each byte */
    bool write;
    uint64_t pc;
};

struct cell {
    uint64_t word; /* address / 8 */
    int32_t first;
    bool atomic;   /* an atomic access touched it, too */
    bool ended;    /* it held a variable of a function that returned */
    uint32_t slot; /* its place in the index */
};

/* Cells are stored in the order in which they were entered, so that a point can copy them as one block. */
struct shadow {
    struct cell *cells;
    struct access *accesses;
    uint32_t *index; /* by the words' hash: the number of a cell, counted from one */
    uint32_t mask;   /* of the index, of which at most half is used */
    uint32_t cell_count;
    int access_count;
    int access_room;
};

extern struct shadow shadow;

/* The slot in the index of a word's cell, or the empty slot for it. */
static inline uint32_t slot_of(uint64_t word)
{
    uint32_t at = (uint32_t)((word * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & shadow.mask;
    while (shadow.index[at] != 0 && shadow.cells[shadow.index[at] - 1].word != word) {
        at = (at + 1) & shadow.mask;
    }
    return at;
}

/* The cell of a word, or NULL. */
static inline struct cell *known_cell(uint64_t word)
{
    uint32_t number = shadow.index[slot_of(word)];
    return number != 0 ? &shadow.cells[number - 1] : NULL;
}

static inline bool has_room_for_cell(void)
{
    return shadow.cell_count * 2 < shadow.mask;
}

static inline struct cell *enter_cell(uint32_t slot, uint64_t word)
{
    struct cell *cell = &shadow.cells[shadow.cell_count++];
    *cell = (struct cell){.word = word, .first = -1, .slot = slot};
    shadow.index[slot] = shadow.cell_count;
    return cell;
}

static inline bool has_room_for_access(void)
{
    return shadow.access_count < shadow.access_room;
}

/* Remembers an access of the thread, in the place of an earlier one if one is given. */
static inline void keep_access(const struct thread *t, struct cell *cell, struct access *earlier, uint8_t mask, bool write,
                               uint64_t pc)
{
    struct access *access = earlier;
    if (access == NULL) {
        access = &shadow.accesses[shadow.access_count];
        access->next = cell->first;
        access->thread = (int16_t)t->id;
        access->write = write;
        cell->first = shadow.access_count++;
    }
    access->clock = (EXPLORER_CLOCK)t->executed;
    access->mask = mask;
    access->pc = pc;
}

#endif
