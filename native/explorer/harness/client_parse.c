/* client_parse.c - reads a client, one line of text. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

struct shape client_program EXPLORER_STATE = {0};

static bool read_number(const char *word, uint32_t *number)
{
    char *end = NULL;
    unsigned long value = strtoul(word, &end, 10);
    *number = (uint32_t)value;
    return *word >= '0' && *word <= '9' && *end == 0 && value <= 1000000;
}

static bool read_argument(const char *word, char kind, uint32_t group, struct argument *argument)
{
    static const char letters[] = "pltswq";
    static const uint32_t most[] = {8, 4, 8, 8, 2, 4};
    *argument = (struct argument){.letter = kind, .thread = group};
    if (kind == 'a' && (strcmp(word, "old") == 0 || strcmp(word, "new") == 0)) {
        argument->letter = word[0] == 'o' ? 'o' : 'a';
        return true;
    }
    if (kind == 'n' || kind == 'a') {
        argument->letter = 'n';
        return read_number(word, &argument->number);
    }
    if (word[0] >= '0' && word[0] < (char)('0' + (int)GROUPS)) {
        argument->thread = (uint32_t)(word[0] - '0');
        ++word;
    }
    const char *letter = word[0] != 0 ? strchr(letters, word[0]) : NULL;
    if (letter == NULL || !(word[0] == kind || (kind == 't' && word[0] == 's')) ||
        !read_number(word + 1, &argument->number)) {
        return false;
    }
    argument->letter = word[0];
    return argument->number < most[letter - letters];
}

static int complain(char *complaint, size_t room, const char *what, const char *word)
{
    snprintf(complaint, room, "%s: '%.60s'", what, word);
    return -1;
}

static const struct client_operation *find_operation(const char *name)
{
    static const struct client_operation *const tables[] = {client_pool_operations, client_account_operations,
                                                            client_ring_operations, client_wait_operations,
                                                            client_room_operations};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; ++i) {
        for (const struct client_operation *at = tables[i]; at->name != NULL; ++at) {
            if (strcmp(at->name, name) == 0) {
                return at;
            }
        }
    }
    return NULL;
}

/* Reads the operations of one group, which begin at `count` of those of its thread. */
static int read_group(char *text, uint32_t group, char *complaint, size_t room)
{
    char *next = NULL;
    for (char *part = strtok_r(text, ";", &next); part != NULL; part = strtok_r(NULL, ";", &next)) {
        char *rest = NULL;
        const char *name = strtok_r(part, " \t\r\n", &rest);
        if (name == NULL) {
            continue;
        }
        if (client_program.count[group] == MOST_OPS) {
            return complain(complaint, room, "too many operations, from this one on", name);
        }
        struct operation *operation = &client_program.operations[group][client_program.count[group]];
        const struct client_operation *known = find_operation(name);
        if (known == NULL) {
            return complain(complaint, room, "no such operation", name);
        }
        const char *kinds = known->arguments;
        operation->perform = known->perform;
        for (uint32_t i = 0; kinds[i] != 0; ++i) {
            const char *word = strtok_r(NULL, " \t\r\n", &rest);
            if (word == NULL) {
                return complain(complaint, room, "an argument is lacking", name);
            }
            if (!read_argument(word, kinds[i], group, &operation->arguments[i])) {
                return complain(complaint, room, "no such argument", word);
            }
        }
        const char *more = strtok_r(NULL, " \t\r\n", &rest);
        if (more != NULL) {
            return complain(complaint, room, "an argument too many", more);
        }
        ++client_program.count[group];
    }
    return 0;
}

static int read_header(char *text, char *complaint, size_t room)
{
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\r\n", &rest); word != NULL; word = strtok_r(NULL, " \t\r\n", &rest)) {
        char *value = strchr(word, '=');
        uint32_t number = 0;
        if (value == NULL || !read_number(value + 1, &number)) {
            return complain(complaint, room, "no key=number", word);
        }
        *value = 0;
        client_program.pool = client_program.pool || strchr("rgt", word[0]) != NULL || word[0] == 'x' || word[0] == 'h';
        if (strcmp(word, "r") == 0) {
            client_program.profile.ref_bits = number;
        } else if (strcmp(word, "g") == 0) {
            client_program.profile.generation_bits = number;
        } else if (strcmp(word, "t") == 0) {
            client_program.profile.tag_bits = number;
        } else if (strcmp(word, "xs") == 0 && number >= 1 && number <= MOST_SLOTS) {
            client_program.profile.capacities[RR_XS] = number;
        } else if (strcmp(word, "heap") == 0) {
            client_program.profile.heap_slots = number;
            client_program.profile.heap_bytes = (uint64_t)HEAP_BYTES * number;
        } else if (strcmp(word, "over") == 0 || strcmp(word, "gated") == 0) {
            client_program.ring = true;
            client_program.mode = word[0] == 'o' ? RR_OVERWRITE : RR_GATED;
            client_program.capacity = number;
        } else if (strcmp(word, "size") == 0 && number >= 1 && number <= RING_ROOM) {
            client_program.size = number;
        } else if (strcmp(word, "len") == 0 && number <= RING_ROOM) {
            client_program.length = number;
        } else if (strcmp(word, "readers") == 0) {
            client_program.readers = number;
        } else if (strcmp(word, "await") == 0) {
            client_program.awaited = number;
        } else if (strcmp(word, "fenced") == 0) {
            client_program.fenced = number != 0;
        } else {
            return complain(complaint, room, "no such key, or its number is too large", word);
        }
    }
    return 0;
}

int client_load(const char *text, char *complaint, size_t room)
{
    client_program = (struct shape){.size = 8, .readers = 1};
    client_program.profile = (rr_profile){.ref_bits = 2,
                                          .generation_bits = 2,
                                          .tag_bits = 2,
                                          .capacities = {1, 1, 1, 1, 1},
                                          .heap_slots = 1,
                                          .heap_bytes = HEAP_BYTES,
                                          .max_ring_bytes = RR_MAX_RING_BYTES};
    static char copy[8192] EXPLORER_STATE = {0};
    if (strlen(text) >= sizeof copy) {
        return complain(complaint, room, "the line is too long", text);
    }
    strcpy(copy, text);
    char *finish = strstr(copy, "=>");
    if (finish != NULL) {
        *finish = 0;
        finish += 2;
    }
    uint32_t group = 0;
    for (char *part = copy; part != NULL; ++group) {
        char *end = strchr(part, '|');
        if (end != NULL) {
            *end = 0;
        }
        if (group > GROUPS) {
            return complain(complaint, room, "more than three threads", text);
        }
        if (group == 0 ? read_header(part, complaint, room) != 0
                       : read_group(part, group - 1, complaint, room) != 0) {
            return -1;
        }
        part = end != NULL ? end + 1 : NULL;
    }
    if (group < 3) {
        return complain(complaint, room, "a header, a setup and threads are wanted, with | between", text);
    }
    client_program.length = client_program.length == 0 ? client_program.size : client_program.length;
    if (client_program.length > client_program.size) {
        return complain(complaint, room, "len is more than size", text);
    }
    client_program.threads = group - 2;
    client_program.setup = client_program.count[0];
    return finish != NULL ? read_group(finish, 0, complaint, room) : 0;
}
