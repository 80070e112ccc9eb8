/*
 * words.c - what the atomic writes of complete executions did to the words that the harness names.
 *
 * Of each such word it is the whole sequence: what the first thread wrote before there was another one, then the writes in
 * modification order, then what was written after all threads had ended. Few sequences are different, and each is printed once.
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
static int setup EXPLORER_STATE = 0;
static struct step *steps EXPLORER_STATE = NULL; /* of the execution */
static int step_count EXPLORER_STATE = 0;
static int step_room EXPLORER_STATE = 0;
static uint64_t *hashes EXPLORER_STATE = NULL;
static uint32_t hash_count EXPLORER_STATE = 0;
static uint32_t hash_room EXPLORER_STATE = 0;
static char *text EXPLORER_STATE = NULL;
static size_t length EXPLORER_STATE = 0;
static FILE *file EXPLORER_STATE = NULL;

/* At the beginning of a run: the first run executes what comes before the threads, and later ones do not. */
void words_begin(void)
{
    alone_count = run.have_checkpoint ? setup : 0;
}

/* The first thread is about to create another one. */
void words_checkpoint(void)
{
    setup = alone_count;
}

void word_written_alone(uint64_t address, uint64_t pc, uint64_t old, uint64_t new)
{
    alone = grown(alone, &alone_room, alone_count + 1, sizeof *alone);
    alone[alone_count++] = (struct step){.address = address, .pc = pc, .old = old, .new = new};
}

static void add(struct step step)
{
    steps = grown(steps, &step_room, step_count + 1, sizeof *steps);
    step.number = step_count;
    steps[step_count++] = step;
}

static void gather(void)
{
    step_count = 0;
    for (int i = 0; i < setup; ++i) {
        add(alone[i]);
    }
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

static void print_sequence(const char *name, const struct step *from, const struct step *to)
{
    uint64_t hash = 31;
    for (const char *at = name; *at != 0; ++at) {
        hash = mixed(hash, (uint64_t)*at);
    }
    for (const struct step *step = from; step < to; ++step) {
        hash = mixed(mixed(mixed(hash, step->pc), step->old), step->new);
    }
    hash = hash == 0 ? 1 : hash;
    if (hash_count * 2 >= hash_room) {
        (void)resize(&hashes, &hash_room, hash_room == 0 ? FIRST_ROOM : hash_room * 2, 0);
    }
    if (entered(hashes, hash_room - 1, hash)) {
        return;
    }
    if (file == NULL) {
        file = open_memstream(&text, &length);
        if (file == NULL) {
            refuse("no memory left");
        }
    }
    fprintf(file, "%s{\"word\": \"%s\", \"steps\": [", hash_count++ > 0 ? ", " : "", name);
    for (const struct step *step = from; step < to; ++step) {
        fprintf(file, "%s[%llu, %llu, %llu]", step > from ? ", " : "", (unsigned long long)step->pc,
                (unsigned long long)step->old, (unsigned long long)step->new);
    }
    char *replay = graph_text();
    fprintf(file, "], \"replay\": \"%s\"}", replay);
    free(replay);
}

/* A complete execution has ended. */
void words_end(void)
{
    gather();
    qsort(steps, (size_t)step_count, sizeof *steps, by_address);
    const struct step *end = steps + step_count;
    for (const struct step *from = steps; from < end;) {
        const struct step *to = from;
        while (to < end && to->address == from->address) {
            ++to;
        }
        const char *name = control.word_at != NULL ? control.word_at(from->address) : NULL;
        if (name != NULL) {
            print_sequence(name, from, to);
        }
        from = to;
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
