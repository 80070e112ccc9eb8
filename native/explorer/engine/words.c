/*
 * words.c - what the atomic writes of an execution did to the words that the harness names.
 *
 * Of each such word it is the whole sequence: what the first thread wrote before there was another one, then the writes in
 * modification order, then what was written after all threads had ended. Few sequences are different, and each is printed once.
 * What comes before the threads is the same in every execution, and most words are written only then, so those are printed alone.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "findings.h"

struct step {
    uint64_t address;
    uint64_t pc;
    uint64_t old;
    uint64_t new;
    int number; /* in the list of all steps */
};

static struct step *alone EXPLORER_STATE = NULL; /* before the first thread and, from `setup` on, after the last one */
static int alone_count EXPLORER_STATE = 0;
static int alone_room EXPLORER_STATE = 0;
static int setup EXPLORER_STATE = 0; /* these are in the order of their addresses once there are threads */
static struct step *steps EXPLORER_STATE = NULL; /* of the execution, from its threads on */
static int step_count EXPLORER_STATE = 0;
static int step_room EXPLORER_STATE = 0;
static uint64_t *hashes EXPLORER_STATE = NULL;
static uint32_t hash_count EXPLORER_STATE = 0;
static uint32_t hash_room EXPLORER_STATE = 0;
static char *text EXPLORER_STATE = NULL;
static size_t length EXPLORER_STATE = 0;
static FILE *file EXPLORER_STATE = NULL;

/* Steps of one word, one after another. */
struct piece {
    const struct step *from;
    const struct step *to;
};

void word_written_alone(uint64_t address, uint64_t pc, uint64_t old, uint64_t new)
{
    alone = grown(alone, &alone_room, alone_count + 1, sizeof *alone);
    alone[alone_count] = (struct step){.address = address, .pc = pc, .old = old, .new = new, .number = alone_count};
    ++alone_count;
}

static void add(struct step step)
{
    steps = grown(steps, &step_room, step_count + 1, sizeof *steps);
    step.number = step_count;
    steps[step_count++] = step;
}

static int by_address(const void *a, const void *b)
{
    const struct step *first = a;
    const struct step *second = b;
    if (first->address != second->address) {
        return first->address < second->address ? -1 : 1;
    }
    return first->number - second->number;
}

static void sort(struct step *all, int count)
{
    if (count > 0) {
        qsort(all, (size_t)count, sizeof *all, by_address);
    }
}

/* The piece of sorted steps that begins at `from`. */
static struct piece piece_at(const struct step *from, const struct step *end)
{
    const struct step *to = from;
    while (to < end && to->address == from->address) {
        ++to;
    }
    return (struct piece){from, to};
}

/* What was done to a word before the threads. */
static struct piece setup_of(uint64_t address)
{
    int low = 0;
    for (int high = setup; low < high;) {
        int middle = low + (high - low) / 2;
        if (alone[middle].address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < setup && alone[low].address == address;
    return found ? piece_at(alone + low, alone + setup) : (struct piece){NULL, NULL};
}

static uint64_t mixed_with(uint64_t hash, struct piece piece)
{
    for (const struct step *step = piece.from; step < piece.to; ++step) {
        hash = mixed(mixed(mixed(hash, step->pc), step->old), step->new);
    }
    return hash;
}

static void print_piece(struct piece piece, bool first)
{
    for (const struct step *step = piece.from; step < piece.to; ++step) {
        fprintf(file, "%s[%llu, %llu, %llu]", first ? "" : ", ", (unsigned long long)step->pc, (unsigned long long)step->old,
                (unsigned long long)step->new);
        first = false;
    }
}

/* Prints the steps of a word, before the threads and from then on, if no execution had the same. */
static void print_sequence(const char *name, struct piece before, struct piece rest)
{
    uint64_t hash = 31;
    for (const char *at = name; *at != 0; ++at) {
        hash = mixed(hash, (uint64_t)*at);
    }
    hash = mixed_with(mixed_with(hash, before), rest);
    hash = hash == 0 ? 1 : hash;
    if (hash_count * 2 >= hash_room) {
        (void)resize(&hashes, &hash_room, hash_room == 0 ? FIRST_ROOM : hash_room * 2, 0);
    }
    if (entered(hashes, hash_room - 1, hash)) {
        return;
    }
    fprintf(file, "%s{\"word\": \"%s\", \"steps\": [", hash_count++ > 0 ? ", " : "", name);
    print_piece(before, true);
    print_piece(rest, before.from == before.to);
    char *replay = graph_text();
    fprintf(file, "], \"replay\": \"%s\"}", replay);
    free(replay);
}

/* At the beginning of a run: the first run executes what comes before the threads, and later ones do not. */
void words_begin(void)
{
    alone_count = run.have_checkpoint ? setup : 0;
}

/* The first thread is about to create another one. */
void words_checkpoint(void)
{
    if (!control.options.words || control.word_at == NULL) {
        return;
    }
    setup = alone_count;
    sort(alone, setup);
    file = open_memstream(&text, &length);
    if (file == NULL) {
        refuse("no memory left");
    }
    for (const struct step *from = alone; from < alone + setup;) {
        struct piece piece = piece_at(from, alone + setup);
        const char *name = control.word_at(from->address);
        if (name != NULL) {
            print_sequence(name, piece, (struct piece){NULL, NULL});
        }
        from = piece.to;
    }
}

/* An execution has ended. */
void words_end(void)
{
    if (file == NULL) {
        return;
    }
    step_count = 0;
    for (int loc = 0; loc < graph.location_count; ++loc) {
        const struct location *location = &graph.locations[loc];
        uint64_t old = location->initial;
        for (int k = 0; k < location->writes; ++k) {
            const struct event *e = &graph.events[location->mo[k]];
            add((struct step){.address = location->address, .pc = e->pc, .old = old, .new = e->value});
            old = e->value;
        }
    }
    for (int i = setup; i < alone_count; ++i) {
        add(alone[i]);
    }
    sort(steps, step_count);
    for (const struct step *from = steps; from < steps + step_count;) {
        struct piece piece = piece_at(from, steps + step_count);
        const char *name = control.word_at(from->address);
        if (name != NULL) {
            print_sequence(name, setup_of(from->address), piece);
        }
        from = piece.to;
    }
}

void print_words(FILE *out)
{
    if (file != NULL) {
        fflush(file);
    }
    fprintf(out, "[%s]", file != NULL ? text : "");
}

void words_reset(void)
{
    alone_count = 0;
    setup = 0;
    if (file != NULL) {
        fclose(file);
        free(text);
        file = NULL;
        text = NULL;
        length = 0;
    }
    hash_count = 0;
    if (hashes != NULL) {
        memset(hashes, 0, hash_room * sizeof *hashes);
    }
}
