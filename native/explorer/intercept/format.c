/* format.c - what the printf family reads and writes: the format, the strings among its arguments, and %n. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "library.h"

enum length { INT, CHAR, SHORT, LONG, LONG_LONG, INTMAX, SIZE, PTRDIFF, LONG_DOUBLE };

static const size_t length_bytes[] = {
    [INT] = sizeof(int),         [CHAR] = sizeof(char),   [SHORT] = sizeof(short),       [LONG] = sizeof(long),
    [LONG_LONG] = sizeof(long long), [INTMAX] = sizeof(intmax_t), [SIZE] = sizeof(size_t), [PTRDIFF] = sizeof(ptrdiff_t),
    [LONG_DOUBLE] = sizeof(long long),
};

/* Takes the length modifier that `at` points at, if any. */
static enum length take_length(const char **at)
{
    const char *s = *at;
    *at += s[0] == s[1] && (s[0] == 'h' || s[0] == 'l') ? 2 : *s != 0 && strchr("hlqjzZtL", *s) != NULL ? 1 : 0;
    switch (*s) {
    case 'h':
        return s[1] == 'h' ? CHAR : SHORT;
    case 'l':
        return s[1] == 'l' ? LONG_LONG : LONG;
    case 'q':
        return LONG_LONG;
    case 'j':
        return INTMAX;
    case 'z':
    case 'Z':
        return SIZE;
    case 't':
        return PTRDIFF;
    case 'L':
        return LONG_DOUBLE;
    default:
        return INT;
    }
}

/* Takes a number, or `*` and the argument that it stands for; -1 if there is neither. */
static int take_number(const char **at, va_list *arguments)
{
    if (**at == '*') {
        ++*at;
        return va_arg(*arguments, int);
    }
    int number = -1;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        number = (number < 0 ? 0 : number) * 10 + (**at - '0');
        if (number > 1 << 24) {
            break;
        }
    }
    return number;
}

static void read_integer(enum length length, va_list *arguments)
{
    switch (length) {
    case LONG:
    case SIZE:
    case PTRDIFF:
        (void)va_arg(*arguments, long);
        break;
    case LONG_LONG:
    case INTMAX:
    case LONG_DOUBLE:
        (void)va_arg(*arguments, long long);
        break;
    case INT:
    case CHAR:
    case SHORT:
        (void)va_arg(*arguments, int);
        break;
    }
}

static void read_argument(char conversion, enum length length, int precision, va_list *arguments, uint64_t pc)
{
    size_t most = precision >= 0 ? (size_t)precision : SIZE_MAX;
    const void *pointer = NULL;
    switch (conversion) {
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        read_integer(length, arguments);
        break;
    case 'e':
    case 'f':
    case 'g':
    case 'a':
    case 'E':
    case 'F':
    case 'G':
    case 'A':
        if (length == LONG_DOUBLE) {
            (void)va_arg(*arguments, long double);
        } else {
            (void)va_arg(*arguments, double);
        }
        break;
    case 'c':
    case 'C':
        (void)va_arg(*arguments, int); /* wint_t is as wide */
        break;
    case 's':
    case 'S':
        pointer = va_arg(*arguments, const void *);
        if (pointer == NULL) {
            break; /* glibc prints (null) */
        }
        if (length == LONG || conversion == 'S') {
            read_wide_string(pointer, most, pc);
        } else {
            read_string(pointer, most, pc);
        }
        break;
    case 'p':
        (void)va_arg(*arguments, void *);
        break;
    case 'n':
        write_bytes(va_arg(*arguments, void *), length_bytes[length], pc);
        break;
    case 'm':
    case '%':
        break;
    default:
        refuse("a format has the conversion %%%c" AT ", which is not followed", conversion, pc);
    }
}

/* Reads the format, and what its conversions read of the arguments. */
void read_format(const char *format, va_list arguments, uint64_t pc)
{
    read_string(format, SIZE_MAX, pc);
    va_list rest;
    va_copy(rest, arguments);
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        ++at;
        at += strspn(at, "-+ #0'I");
        (void)take_number(&at, &rest);
        if (*at == '$') {
            refuse("a format numbers its arguments (%%1$d)" AT ", which is not followed", pc);
        }
        int precision = -1;
        if (*at == '.') {
            ++at;
            const char *before = at;
            precision = take_number(&at, &rest);
            precision = at == before ? 0 : precision;
        }
        enum length length = take_length(&at);
        if (*at == 0) {
            break;
        }
        read_argument(*at++, length, precision, &rest, pc);
    }
    va_end(rest);
}
