/*
 * scan.c - sscanf and vsscanf. The C library's own scan fills private buffers; what it assigned is then written to the targets,
 * each as a plain access of the size of its conversion.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

#define MOST_TARGETS 16
#define NOT_REACHED 0xff /* in each byte of a %n: no count is -1, so it was not reached */

struct target {
    void *to;
    char *buffer;
    size_t size; /* of what is assigned; for a string, of the room for it */
    enum { NUMBER, CHARACTERS, TEXT, COUNT } kind; /* COUNT: %n, which the result does not count */
};

struct scan {
    struct target targets[MOST_TARGETS];
    int count;
    uint64_t pc;
};

static size_t integer_bytes(const char **at)
{
    const char *s = *at;
    size_t bytes = sizeof(int);
    if (s[0] == s[1] && (s[0] == 'h' || s[0] == 'l')) {
        bytes = s[0] == 'h' ? sizeof(char) : sizeof(long long);
        ++*at;
    } else if (*s == 'h') {
        bytes = sizeof(short);
    } else if (*s == 'l' || *s == 'j' || *s == 'z' || *s == 't') {
        bytes = sizeof(long);
    } else if (*s == 'q' || *s == 'L') {
        bytes = sizeof(long long);
    } else {
        return bytes;
    }
    ++*at;
    return bytes;
}

static size_t real_bytes(char length)
{
    return length == 'L' ? sizeof(long double) : length == 'l' ? sizeof(double) : sizeof(float);
}

/* Skips a set in brackets, whose first character may be a closing bracket. */
static const char *skip_set(const char *at)
{
    at += *at == '^';
    at += *at == ']';
    while (*at != 0 && *at != ']') {
        ++at;
    }
    return at;
}

/* Parses one conversion after its `%`, and takes the argument that it assigns to. Returns what follows the conversion. */
static const char *take_conversion(struct scan *scan, const char *at, size_t longest, va_list *arguments)
{
    bool assigned = *at != '*';
    at += *at == '*';
    size_t width = 0;
    for (; *at >= '0' && *at <= '9'; ++at) {
        width = width < longest ? width * 10 + (size_t)(*at - '0') : width;
    }
    const char *length = at;
    size_t bytes = integer_bytes(&at);
    bool plain = length == at;
    struct target target = {.size = bytes};
    switch (*at) {
    case '%':
        return at + 1;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        break;
    case 'n':
        target.kind = COUNT;
        break;
    case 'p':
        target.size = sizeof(void *);
        break;
    case 'a':
    case 'e':
    case 'f':
    case 'g':
    case 'A':
    case 'E':
    case 'F':
    case 'G':
        target.size = real_bytes(*length);
        break;
    case 'c':
        target.kind = CHARACTERS;
        target.size = (width < longest ? width : longest) + (width == 0);
        break;
    case 's':
    case '[':
        target.kind = TEXT;
        target.size = (width > 0 && width < longest ? width : longest) + 1;
        break;
    default:
        plain = false;
        target.kind = TEXT;
        break;
    }
    if ((target.kind == TEXT || target.kind == CHARACTERS) && !plain) {
        refuse("a format for scanning has %%%.*s" AT ", which is not followed", (int)(at - length) + (*at != 0), length,
               scan->pc);
    }
    if (*at == '[') {
        at = skip_set(at + 1);
    }
    if (assigned) {
        if (scan->count == MOST_TARGETS) {
            refuse("a format for scanning assigns to more than %d targets" AT, MOST_TARGETS, scan->pc);
        }
        target.to = va_arg(*arguments, void *);
        scan->targets[scan->count++] = target;
    }
    return at + (*at != 0);
}

static char *room_for(const struct target *target)
{
    char *room = malloc(target->size < 16 ? 16 : target->size);
    if (room == NULL) {
        refuse("no memory left");
    }
    memset(room, target->kind == COUNT ? NOT_REACHED : 0, target->size);
    return room;
}

static bool was_reached(const struct target *target)
{
    for (size_t i = 0; i < target->size; ++i) {
        if ((unsigned char)target->buffer[i] != NOT_REACHED) {
            return true;
        }
    }
    return false;
}

static int scan_string(const char *text, const char *format, va_list arguments, uint64_t pc)
{
    size_t longest = read_string(text, SIZE_MAX, pc);
    read_string(format, SIZE_MAX, pc);
    struct scan scan = {.count = 0, .pc = pc};
    va_list rest;
    va_copy(rest, arguments);
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        at = take_conversion(&scan, at + 1, longest, &rest);
    }
    va_end(rest);
    char *b[MOST_TARGETS] = {NULL};
    for (int i = 0; i < scan.count; ++i) {
        b[i] = scan.targets[i].buffer = room_for(&scan.targets[i]);
    }
    errno = 0;
    int assigned = sscanf(text, format, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                          b[14], b[15]);
    if (errno != 0) {
        *xp_errno_location() = errno;
    }
    int left = assigned;
    for (int i = 0; i < scan.count; ++i) {
        const struct target *target = &scan.targets[i];
        if (target->kind == COUNT ? was_reached(target) : left-- > 0) {
            size_t size = target->size;
            if (target->kind == TEXT) {
                size = strlen(target->buffer) + 1;
            } else if (target->kind == CHARACTERS) {
                size = strnlen(target->buffer, size); /* if the text ends before, fewer are assigned */
            }
            write_bytes(target->to, size, pc);
            memcpy(target->to, target->buffer, size);
        }
    }
    for (int i = 0; i < scan.count; ++i) {
        free(b[i]);
    }
    return assigned;
}

int xp_sscanf(const char *text, const char *format, ...);
int xp_sscanf(const char *text, const char *format, ...)
{
    uint64_t pc = PC;
    va_list arguments;
    va_start(arguments, format);
    int assigned = scan_string(text, format, arguments, pc);
    va_end(arguments);
    return assigned;
}

int xp_vsscanf(const char *text, const char *format, va_list arguments);
int xp_vsscanf(const char *text, const char *format, va_list arguments)
{
    return scan_string(text, format, arguments, PC);
}

SAME(xp___isoc99_sscanf, xp_sscanf);
SAME(xp___isoc99_vsscanf, xp_vsscanf);
SAME(xp___isoc23_sscanf, xp_sscanf);
SAME(xp___isoc23_vsscanf, xp_vsscanf);
