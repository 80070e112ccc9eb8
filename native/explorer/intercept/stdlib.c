/* stdlib.c - numbers from text, the environment and the locale. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "library.h"

/* --------------------------------------------------------------------------------------------- numbers from text */

/* A text from which a number is read. A text without a NUL in its block is copied and terminated; reading up to the added
 * NUL is an error. */
struct number {
    const char *text;
    char *copy;
    const char *parsed; /* one of the two */
    uint64_t pc;
};

static struct number begin_number(const char *text, uint64_t pc)
{
    check_pointer(text, pc);
    struct number number = {.text = text, .parsed = text, .pc = pc};
    size_t room = heap_room((uint64_t)(uintptr_t)text);
    if (room != SIZE_MAX && memchr(text, 0, room) == NULL) {
        number.copy = calloc(1, room + 1);
        if (number.copy == NULL) {
            refuse("no memory left");
        }
        memcpy(number.copy, text, room);
        number.parsed = number.copy;
    }
    errno = 0;
    return number;
}

/* Reads the text including the first character after the number, and writes that position to `*end`. */
static void end_number(struct number *number, const char *stop, char **end)
{
    size_t used = (size_t)(stop - number->parsed);
    size_t seen = used;
    if (used == 0) {
        seen = strspn(number->parsed, " \t\n\v\f\r");
        seen += number->parsed[seen] == '+' || number->parsed[seen] == '-';
    }
    if (errno != 0) {
        *xp_errno_location() = errno;
    }
    free(number->copy);
    read_bytes(number->text, seen + 1, number->pc);
    if (end != NULL) {
        write_bytes(end, sizeof *end, number->pc);
        *end = (char *)(uintptr_t)number->text + used;
    }
}

/* C23 reads binary digits after 0b, earlier standards do not, and in some libraries both functions have the same name. */
static void refuse_binary(const struct number *number, int base)
{
    const char *s = number->parsed + strspn(number->parsed, " \t\n\v\f\r");
    s += *s == '+' || *s == '-';
    if ((base == 0 || base == 2) && s[0] == '0' && (s[1] == 'b' || s[1] == 'B')) {
        refuse("a number in text begins with 0b" AT ", which depends on the standard and is not followed", number->pc);
    }
}

#define REAL(type, function)                                    \
    ENTRY(type, xp_##function, const char *text, char **end)    \
    {                                                           \
        struct number number = begin_number(text, PC);          \
        char *stop = NULL;                                      \
        type value = function(number.parsed, &stop);            \
        end_number(&number, stop, end);                         \
        return value;                                           \
    }
#define INTEGER(type, function)                                        \
    ENTRY(type, xp_##function, const char *text, char **end, int base) \
    {                                                                  \
        struct number number = begin_number(text, PC);                 \
        refuse_binary(&number, base);                                  \
        char *stop = (char *)(uintptr_t)number.parsed;                 \
        type value = function(number.parsed, &stop, base);             \
        end_number(&number, stop, end);                                \
        return value;                                                  \
    }
#define SHORT_FORM(type, name, function, ...)                       \
    ENTRY(type, xp_##name, const char *text)                        \
    {                                                               \
        struct number number = begin_number(text, PC);              \
        char *stop = NULL;                                          \
        type value = (type)function(number.parsed, &stop __VA_ARGS__); \
        end_number(&number, stop, NULL);                            \
        return value;                                               \
    }
REAL(double, strtod)
REAL(float, strtof)
REAL(long double, strtold)
INTEGER(long, strtol)
INTEGER(unsigned long, strtoul)
INTEGER(long long, strtoll)
INTEGER(unsigned long long, strtoull)
SHORT_FORM(int, atoi, strtol, , 10)
SHORT_FORM(long, atol, strtol, , 10)
SHORT_FORM(long long, atoll, strtoll, , 10)
SHORT_FORM(double, atof, strtod, )

SAME(xp_strtoimax, xp_strtol);
SAME(xp_strtoumax, xp_strtoul);
SAME(xp_strtoq, xp_strtoll);
SAME(xp_strtouq, xp_strtoull);
SAME(xp___isoc23_strtol, xp_strtol);
SAME(xp___isoc23_strtoul, xp_strtoul);
SAME(xp___isoc23_strtoll, xp_strtoll);
SAME(xp___isoc23_strtoull, xp_strtoull);
SAME(xp___isoc23_strtoimax, xp_strtol);
SAME(xp___isoc23_strtoumax, xp_strtoul);

/* ------------------------------------------------------------------------------------- the environment, the locale */

/* The environment as the program finds it. Once getenv() has returned a pointer into it, it is restored before each
 * execution, since the program may write there. Functions that change the environment are refused. */
#define ENVIRONMENT_BYTES ((size_t)1 << 16)
static char environment[ENVIRONMENT_BYTES] EXPLORER_STATE = {0}; /* strings, one after another */
static size_t environment_used EXPLORER_STATE = 0;
static bool environment_left_out EXPLORER_STATE = false;

void environment_prepare(void)
{
    for (char **at = environ; at != NULL && *at != NULL; ++at) {
        size_t size = strlen(*at) + 1;
        if (environment_used + size > ENVIRONMENT_BYTES) {
            environment_left_out = true;
            return;
        }
        memcpy(environment + environment_used, *at, size);
        environment_used += size;
    }
}

ENTRY(char *, xp_getenv, const char *name)
{
    read_string(name, SIZE_MAX, PC);
    size_t length = strlen(name);
    for (char *at = environment; at < environment + environment_used; at += strlen(at) + 1) {
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            memory_put_back_too(environment, environment_used);
            return at + length + 1;
        }
    }
    if (environment_left_out) {
        refuse("the environment is larger than %zu bytes", ENVIRONMENT_BYTES);
    }
    return NULL;
}

ENTRY(char *, xp_setlocale, int category, const char *locale)
{
    uint64_t pc = PC;
    (void)category;
    if (locale != NULL) {
        read_string(locale, SIZE_MAX, pc);
        if (strcmp(locale, "") != 0 && strcmp(locale, "C") != 0 && strcmp(locale, "POSIX") != 0) {
            refuse("the program calls setlocale() for the locale %.40s" AT ": there is only C here", locale, pc);
        }
    }
    static char name[] = "C";
    return name;
}

SAME(xp_secure_getenv, xp_getenv);
