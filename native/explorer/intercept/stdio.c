/*
 * stdio.c - the printf family, and output to stdout and stderr. Output is dropped, since each execution would print it; but
 * what a call reads to print it, and what it writes to memory, are accesses. Streams other than stdout and stderr are refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "library.h"

static void need_output(FILE *stream, const char *name, uint64_t pc)
{
    if (stream != stdout && stream != stderr) {
        refuse("the program calls %s() on a stream" AT " that is neither stdout nor stderr, which is not followed", name, pc);
    }
}

/* ----------------------------------------------------------------------------------------------- formatted output */

/* Reads what the call would read; returns how many characters it would print. */
static int count_format(const char *format, va_list arguments, uint64_t pc)
{
    read_format(format, arguments, pc);
    va_list again;
    va_copy(again, arguments);
    errno = *xp_errno_location(); /* for %m */
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        *xp_errno_location() = errno;
    }
    return length;
}

static int print_to_memory(char *to, size_t size, const char *format, va_list arguments, uint64_t pc)
{
    int length = count_format(format, arguments, pc);
    if (length >= 0 && size > 0) {
        write_bytes(to, (size_t)length < size ? (size_t)length + 1 : size, pc);
        errno = *xp_errno_location();
        (void)vsnprintf(to, (size_t)length < size ? (size_t)length + 1 : size, format, arguments);
    }
    return length;
}

static int print_to_block(char **to, const char *format, va_list arguments, uint64_t pc)
{
    int length = count_format(format, arguments, pc);
    char *block = length >= 0 ? heap_allocate((size_t)length + 1, 16, false, pc) : NULL;
    if (block == NULL) {
        return -1;
    }
    write_bytes(block, (size_t)length + 1, pc);
    (void)vsnprintf(block, (size_t)length + 1, format, arguments);
    write_bytes(to, sizeof *to, pc);
    *to = block;
    return length;
}

/* Each function of the family has a variadic form and one with a va_list, and fortified forms of both, with a flag or a
 * size. */
#define VARIADIC(name, result, last, ...)  \
    int name(__VA_ARGS__, ...);            \
    int name(__VA_ARGS__, ...)             \
    {                                      \
        uint64_t pc = PC;                  \
        va_list arguments;                 \
        va_start(arguments, last);         \
        int length = result;               \
        va_end(arguments);                 \
        return length;                     \
    }
#define WITH_LIST(name, result, ...)             \
    int name(__VA_ARGS__, va_list arguments);    \
    int name(__VA_ARGS__, va_list arguments)     \
    {                                            \
        uint64_t pc = PC;                        \
        return result;                           \
    }

#define TO_STDOUT count_format(format, arguments, pc)
VARIADIC(xp_printf, TO_STDOUT, format, const char *format)
VARIADIC(xp___printf_chk, ((void)flag, TO_STDOUT), format, int flag, const char *format)
WITH_LIST(xp_vprintf, TO_STDOUT, const char *format)
WITH_LIST(xp___vprintf_chk, ((void)flag, TO_STDOUT), int flag, const char *format)

#define TO_STREAM (need_output(stream, "fprintf", pc), count_format(format, arguments, pc))
VARIADIC(xp_fprintf, TO_STREAM, format, FILE *stream, const char *format)
VARIADIC(xp___fprintf_chk, ((void)flag, TO_STREAM), format, FILE *stream, int flag, const char *format)
WITH_LIST(xp_vfprintf, TO_STREAM, FILE *stream, const char *format)
WITH_LIST(xp___vfprintf_chk, ((void)flag, TO_STREAM), FILE *stream, int flag, const char *format)

static int print_to_descriptor(int descriptor, const char *format, va_list arguments, uint64_t pc)
{
    if (descriptor != 1 && descriptor != 2) {
        refuse("the program calls dprintf() on descriptor %d" AT ", which is not followed", descriptor, pc);
    }
    return count_format(format, arguments, pc);
}

#define TO_DESCRIPTOR print_to_descriptor(descriptor, format, arguments, pc)
VARIADIC(xp_dprintf, TO_DESCRIPTOR, format, int descriptor, const char *format)
VARIADIC(xp___dprintf_chk, ((void)flag, TO_DESCRIPTOR), format, int descriptor, int flag, const char *format)
WITH_LIST(xp_vdprintf, TO_DESCRIPTOR, int descriptor, const char *format)
WITH_LIST(xp___vdprintf_chk, ((void)flag, TO_DESCRIPTOR), int descriptor, int flag, const char *format)

#define TO_MEMORY(size) print_to_memory(to, size, format, arguments, pc)
VARIADIC(xp_sprintf, TO_MEMORY(SIZE_MAX), format, char *to, const char *format)
VARIADIC(xp___sprintf_chk, ((void)flag, (void)room, TO_MEMORY(SIZE_MAX)), format, char *to, int flag, size_t room,
         const char *format)
WITH_LIST(xp_vsprintf, TO_MEMORY(SIZE_MAX), char *to, const char *format)
WITH_LIST(xp___vsprintf_chk, ((void)flag, (void)room, TO_MEMORY(SIZE_MAX)), char *to, int flag, size_t room,
          const char *format)
VARIADIC(xp_snprintf, TO_MEMORY(size), format, char *to, size_t size, const char *format)
VARIADIC(xp___snprintf_chk, ((void)flag, (void)room, TO_MEMORY(size)), format, char *to, size_t size, int flag, size_t room,
         const char *format)
WITH_LIST(xp_vsnprintf, TO_MEMORY(size), char *to, size_t size, const char *format)
WITH_LIST(xp___vsnprintf_chk, ((void)flag, (void)room, TO_MEMORY(size)), char *to, size_t size, int flag, size_t room,
          const char *format)

#define TO_BLOCK print_to_block(to, format, arguments, pc)
VARIADIC(xp_asprintf, TO_BLOCK, format, char **to, const char *format)
VARIADIC(xp___asprintf_chk, ((void)flag, TO_BLOCK), format, char **to, int flag, const char *format)
WITH_LIST(xp_vasprintf, TO_BLOCK, char **to, const char *format)
WITH_LIST(xp___vasprintf_chk, ((void)flag, TO_BLOCK), char **to, int flag, const char *format)

/* --------------------------------------------------------------------------------------------- unformatted output */

ENTRY(int, xp_puts, const char *text)
{
    return (int)read_string(text, SIZE_MAX, PC) + 1;
}

ENTRY(int, xp_fputs, const char *text, FILE *stream)
{
    need_output(stream, "fputs", PC);
    read_string(text, SIZE_MAX, PC);
    return 1;
}

ENTRY(int, xp_putchar, int character)
{
    return (unsigned char)character;
}

ENTRY(int, xp_fputc, int character, FILE *stream)
{
    need_output(stream, "fputc", PC);
    return (unsigned char)character;
}

ENTRY(size_t, xp_fwrite, const void *from, size_t each, size_t count, FILE *stream)
{
    need_output(stream, "fwrite", PC);
    size_t bytes = 0;
    if (__builtin_mul_overflow(each, count, &bytes)) {
        bytes = SIZE_MAX;
    }
    read_bytes(from, bytes, PC);
    return bytes != 0 ? count : 0;
}

ENTRY(void, xp_perror, const char *text)
{
    if (text != NULL) {
        read_string(text, SIZE_MAX, PC);
    }
}

/* ----------------------------------------------------------------------------------------------------- the streams */

ENTRY(int, xp_fflush, FILE *stream)
{
    if (stream != NULL) {
        need_output(stream, "fflush", PC);
    }
    return 0;
}

ENTRY(int, xp_ferror, FILE *stream)
{
    need_output(stream, "ferror", PC);
    return 0;
}

ENTRY(void, xp_clearerr, FILE *stream)
{
    need_output(stream, "clearerr", PC);
}

ENTRY(int, xp_fileno, FILE *stream)
{
    need_output(stream, "fileno", PC);
    return stream == stdout ? 1 : 2;
}

/* The buffer is not used. */
ENTRY(int, xp_setvbuf, FILE *stream, char *buffer, int mode, size_t size)
{
    (void)buffer;
    (void)mode;
    (void)size;
    need_output(stream, "setvbuf", PC);
    return 0;
}

SAME(xp_putc, xp_fputc);
SAME(xp__IO_putc, xp_fputc);
SAME(xp_feof, xp_ferror);
SAME(xp_setbuf, xp_setvbuf);
SAME(xp_setlinebuf, xp_setvbuf);
