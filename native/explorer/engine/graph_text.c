/* graph_text.c - graphs as text: replay strings, and the graphs from which workers begin. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

static char *source_text EXPLORER_STATE = NULL; /* of the graph that was read last */

/*
 * A graph as text: its events in the order in which they were added, `;` between them. An event is its thread and a letter (L a
 * load, R and W the parts of an RMW, S a store, F a fence, C a creation, J a join, A and D the arrival at a barrier and the
 * departure), then for a read `<` and the number of the write, `i` for the initial value, and `?` with its choice unless that
 * is 0; for a write `@` and the number of the write that it stands after, `!` if it is pinned, and for a creation the new
 * thread's number. A graph in which arrivals at barriers are ordered begins with `B;`.
 */
char *graph_text(void)
{
    if (graph.unlocated) {
        return strdup(source_text); /* it is being replayed */
    }
    static const char letters[] = "LSRWFCJAD";
    size_t room = (size_t)graph.n * 32 + 3;
    char *text = malloc(room);
    size_t length = 0;
    if (text == NULL) {
        refuse("no memory left");
    }
    strcpy(text, graph.ordered_barriers ? "B;" : "");
    length = strlen(text);
    for (int id = 0; id < graph.n; ++id) {
        const struct event *e = &graph.events[id];
        length += (size_t)snprintf(text + length, room - length, "%s%d%c", id > 0 ? ";" : "", e->thread, letters[e->kind]);
        if (e->kind == CREATE) {
            length += (size_t)snprintf(text + length, room - length, "%d", (int)e->value);
        } else if (is_read(e) || (is_write(e) && e->place >= 0)) {
            int other = is_read(e) ? e->rf : e->place == 0 ? INITIAL : graph.locations[e->loc].mo[e->place - 1];
            char sign = is_read(e) ? '<' : '@';
            if (other == INITIAL) {
                length += (size_t)snprintf(text + length, room - length, "%ci", sign);
            } else {
                length += (size_t)snprintf(text + length, room - length, "%c%d", sign, other);
            }
            if (is_read(e) && e->choice != 0) {
                length += (size_t)snprintf(text + length, room - length, "?%d", e->choice);
            } else if (e->pinned) {
                text[length++] = '!';
                text[length] = 0;
            }
        }
    }
    return text;
}

/* Reads a graph from text. The locations of its events become known as the events are executed. */
void graph_from_text(const char *text)
{
    static const char letters[] = "LSRWFCJAD";
    static int *after EXPLORER_STATE = NULL;
    if (after == NULL) {
        after = reserve(MAX_EVENTS * sizeof *after);
    }
    free(source_text);
    source_text = strdup(text);
    graph.n = 0;
    graph.ordered_barriers = strncmp(text, "B;", 2) == 0;
    text += graph.ordered_barriers ? 2 : 0;
    memset(graph.count, 0, sizeof graph.count);
    while (*text != 0) {
        char *end = NULL;
        long thread = strtol(text, &end, 10);
        const char *letter = *end != 0 ? strchr(letters, *end) : NULL;
        if (end == text || letter == NULL || thread < 0 || thread >= MAX_THREADS || graph.n >= MAX_EVENTS) {
            refuse("the replay string is not one: '%.20s' is no event", text);
        }
        struct event *e = &graph.events[graph.n];
        *e = (struct event){.rf = INITIAL, .loc = -1, .place = -1, .thread = (int16_t)thread};
        e->kind = (uint8_t)(letter - letters);
        e->index = graph.count[thread];
        after[graph.n] = INITIAL;
        text = end + 1;
        if (e->kind == CREATE) {
            long child = strtol(text, &end, 10);
            if (child < 0 || child >= MAX_THREADS) {
                refuse("the replay string is not one: '%.20s' names no thread", text);
            }
            e->value = (uint64_t)child;
            text = end;
        }
        if (*text == '<' || *text == '@') {
            bool reads = *text == '<';
            long other = INITIAL;
            ++text;
            if (*text == 'i') {
                ++text;
            } else {
                other = strtol(text, &end, 10);
                if (end == text || other < 0 || other >= MAX_EVENTS) {
                    refuse("the replay string is not one: '%.20s' is no event", text);
                }
                text = end;
            }
            if (reads) {
                e->rf = (int32_t)other;
                if (*text == '?') {
                    e->choice = (uint8_t)strtol(text + 1, &end, 10);
                    text = end;
                }
            } else {
                after[graph.n] = (int)other;
                e->place = 0;
                e->pinned = *text == '!';
                text += e->pinned;
            }
        }
        graph.by_thread[thread][graph.count[thread]++] = graph.n++;
        if (*text == ';') {
            ++text;
        } else if (*text != 0) {
            refuse("the replay string is not one: '%.20s' follows an event", text);
        }
    }
    for (int id = 0; id < graph.n; ++id) {
        struct event *e = &graph.events[id];
        int steps = 0;
        if ((e->rf != INITIAL && (e->rf >= graph.n || !is_write(&graph.events[e->rf]))) || after[id] >= graph.n) {
            refuse("the replay string is not one: it names events that it does not have");
        }
        for (int at = id; is_write(e) && e->place >= 0 && after[at] != INITIAL; at = after[at]) {
            if (++steps > graph.n) {
                refuse("the replay string is not one: a modification order goes round");
            }
        }
        if (is_write(e) && e->place >= 0) {
            e->place = steps;
        }
    }
}
