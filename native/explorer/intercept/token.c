/* token.c - strtok and its kin. The position that strtok keeps between calls is one variable of the program, with plain
 * accesses: calls by two threads race. */
#define _GNU_SOURCE
#include <string.h>

#include "library.h"

static char *strtok_position;

/* Returns the next token from `text` on, and writes a NUL at its end. Sets `after` to the position after it. */
static char *next_token(char *text, const char *delimiters, char **after, uint64_t pc)
{
    string_length(text, SIZE_MAX, pc);
    read_string(delimiters, SIZE_MAX, pc);
    char *token = text + strspn(text, delimiters);
    char *end = token + strcspn(token, delimiters);
    read_bytes(text, (size_t)(end - text) + 1, pc);
    *after = end;
    if (token == end) {
        return NULL;
    }
    if (*end != 0) {
        write_bytes(end, 1, pc);
        *end = 0;
        *after = end + 1;
    }
    return token;
}

static char *tokenize(char *text, const char *delimiters, char **saved, uint64_t pc)
{
    if (text == NULL) {
        read_bytes(saved, sizeof *saved, pc);
        text = *saved;
    }
    char *after = NULL;
    char *token = next_token(text, delimiters, &after, pc);
    write_bytes(saved, sizeof *saved, pc);
    *saved = after;
    return token;
}

ENTRY(char *, xp_strtok, char *text, const char *delimiters)
{
    return tokenize(text, delimiters, &strtok_position, PC);
}

ENTRY(char *, xp_strtok_r, char *text, const char *delimiters, char **saved)
{
    return tokenize(text, delimiters, saved, PC);
}

/* Empty tokens count; after the last token, the position is NULL. */
ENTRY(char *, xp_strsep, char **position, const char *delimiters)
{
    uint64_t pc = PC;
    read_bytes(position, sizeof *position, pc);
    char *text = *position;
    if (text == NULL) {
        return NULL;
    }
    string_length(text, SIZE_MAX, pc);
    read_string(delimiters, SIZE_MAX, pc);
    char *end = text + strcspn(text, delimiters);
    read_bytes(text, (size_t)(end - text) + 1, pc);
    char *after = NULL;
    if (*end != 0) {
        write_bytes(end, 1, pc);
        *end = 0;
        after = end + 1;
    }
    write_bytes(position, sizeof *position, pc);
    *position = after;
    return text;
}

SAME(xp___strtok_r, xp_strtok_r);
