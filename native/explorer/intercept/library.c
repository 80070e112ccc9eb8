/*
 * library.c - the accesses of library functions: each range is checked as a plain access before the library's own code accesses
 * it.
 */
#define _GNU_SOURCE
#include <string.h>
#include <wchar.h>

#include "library.h"

static uint64_t address_of(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

static void access_bytes(const void *at, size_t size, bool write, uint64_t pc)
{
    plain_access(address_of(at), size, write, pc);
    if (heap_room(address_of(at)) < size) {
        end_run(FATAL);
    }
}

void read_bytes(const void *from, size_t size, uint64_t pc)
{
    access_bytes(from, size, false, pc);
}

void write_bytes(const void *to, size_t size, uint64_t pc)
{
    access_bytes(to, size, true, pc);
}

void copy_bytes(void *to, const void *from, size_t size, uint64_t pc)
{
    if (heap_room(address_of(to)) < size || heap_room(address_of(from)) < size) {
        plain_access(address_of(from), size, false, pc);
        plain_access(address_of(to), size, true, pc);
        end_run(FATAL);
    }
    plain_copy(address_of(to), address_of(from), size, pc);
}

/* Reports a string that goes on beyond the end of its block, `room` bytes from its beginning, and ends the execution. */
void leave_block(const void *from, size_t room, uint64_t pc)
{
    plain_access(address_of(from), room, false, pc);
    plain_access(address_of(from), room + 1, false, pc);
    end_run(FATAL);
}

/* Reports a pointer that is NULL, or nearly, and ends the execution. */
void check_pointer(const void *pointer, uint64_t pc)
{
    if (address_of(pointer) < 4096) {
        plain_access(address_of(pointer), 1, false, pc);
        end_run(FATAL);
    }
}

/* The length of a string, but at most `most`; the string must end within its block. */
size_t string_length(const char *text, size_t most, uint64_t pc)
{
    if (most == 0) {
        return 0;
    }
    check_pointer(text, pc);
    size_t room = heap_room(address_of(text));
    size_t limit = room < most ? room : most;
    size_t length = limit == SIZE_MAX ? strlen(text) : strnlen(text, limit);
    if (length == limit && limit < most) {
        leave_block(text, room, pc);
    }
    return length;
}

/* Reads a string with its NUL, but at most `most` bytes. Returns its length. */
size_t read_string(const char *text, size_t most, uint64_t pc)
{
    size_t length = string_length(text, most, pc);
    read_bytes(text, length < most ? length + 1 : length, pc);
    return length;
}

/* The same for wide characters, which `most` and the result count. */
size_t read_wide_string(const void *text, size_t most, uint64_t pc)
{
    const wchar_t *wide = text;
    if (most == 0) {
        return 0;
    }
    check_pointer(text, pc);
    size_t room = heap_room(address_of(text)) / sizeof *wide;
    size_t limit = room < most ? room : most;
    size_t length = 0;
    while (length < limit && wide[length] != 0) {
        ++length;
    }
    if (length == limit && limit < most) {
        leave_block(text, room * sizeof *wide, pc);
    }
    read_bytes(text, (length < most ? length + 1 : length) * sizeof *wide, pc);
    return length;
}
