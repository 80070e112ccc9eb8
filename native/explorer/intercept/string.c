/* string.c - string.h and strings.h: memory and whole strings. Each function accesses what the standard and
 * ThreadSanitizer's interceptors say that it does, and no more. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "library.h"

/* ----------------------------------------------------------------------------------------------------------- memory */

ENTRY(void *, xp_memcpy, void *to, const void *from, size_t size)
{
    copy_bytes(to, from, size, PC);
    return to;
}

ENTRY(void *, xp_mempcpy, void *to, const void *from, size_t size)
{
    copy_bytes(to, from, size, PC);
    return (char *)to + size;
}

ENTRY(void, xp_bcopy, const void *from, void *to, size_t size)
{
    copy_bytes(to, from, size, PC);
}

ENTRY(void *, xp_memset, void *to, int value, size_t size)
{
    write_bytes(to, size, PC);
    return memset(to, value, size);
}

ENTRY(void, xp_bzero, void *to, size_t size)
{
    write_bytes(to, size, PC);
    memset(to, 0, size);
}

ENTRY(int, xp_memcmp, const void *a, const void *b, size_t size)
{
    read_bytes(a, size, PC);
    read_bytes(b, size, PC);
    return memcmp(a, b, size);
}

/* Finds a byte among the first `most`, and reads up to it. A search beyond the end of the block is reported. */
static const char *find_byte(const char *from, int byte, size_t most, uint64_t pc)
{
    if (most == 0) {
        return NULL;
    }
    check_pointer(from, pc);
    size_t room = heap_room((uint64_t)(uintptr_t)from);
    for (size_t i = 0; i < most; ++i) {
        if (i == room) {
            leave_block(from, room, pc);
        }
        if (from[i] == (char)byte) {
            read_bytes(from, i + 1, pc);
            return from + i;
        }
    }
    read_bytes(from, most, pc);
    return NULL;
}

ENTRY(void *, xp_memchr, const void *from, int byte, size_t size)
{
    return (void *)(uintptr_t)find_byte(from, byte, size, PC);
}

ENTRY(void *, xp_rawmemchr, const void *from, int byte)
{
    return (void *)(uintptr_t)find_byte(from, byte, SIZE_MAX, PC);
}

ENTRY(void *, xp_memrchr, const void *from, int byte, size_t size)
{
    read_bytes(from, size, PC);
    return memrchr(from, byte, size);
}

ENTRY(void *, xp_memmem, const void *in, size_t size, const void *what, size_t length)
{
    read_bytes(in, size, PC);
    read_bytes(what, length, PC);
    return memmem(in, size, what, length);
}

ENTRY(void *, xp_memccpy, void *to, const void *from, int byte, size_t size)
{
    uint64_t pc = PC;
    const char *end = find_byte(from, byte, size, pc);
    size_t copied = end != NULL ? (size_t)(end - (const char *)from) + 1 : size;
    write_bytes(to, copied, pc);
    memmove(to, from, copied);
    return end != NULL ? (char *)to + copied : NULL;
}

/* --------------------------------------------------------------------------------------------------------- copying */

/* Copies `length` bytes of a string that was read already, and appends a NUL. */
static char *put_string(char *to, const char *from, size_t length, uint64_t pc)
{
    write_bytes(to, length + 1, pc);
    memmove(to, from, length);
    to[length] = 0;
    return to + length;
}

ENTRY(char *, xp_strcpy, char *to, const char *from)
{
    uint64_t pc = PC;
    put_string(to, from, read_string(from, SIZE_MAX, pc), pc);
    return to;
}

ENTRY(char *, xp_stpcpy, char *to, const char *from)
{
    uint64_t pc = PC;
    return put_string(to, from, read_string(from, SIZE_MAX, pc), pc);
}

ENTRY(char *, xp_stpncpy, char *to, const char *from, size_t size)
{
    uint64_t pc = PC;
    size_t length = read_string(from, size, pc);
    write_bytes(to, size, pc);
    memmove(to, from, length);
    memset(to + length, 0, size - length);
    return to + length;
}

ENTRY(char *, xp_strncpy, char *to, const char *from, size_t size)
{
    uint64_t pc = PC;
    size_t length = read_string(from, size, pc);
    write_bytes(to, size, pc);
    memmove(to, from, length);
    memset(to + length, 0, size - length);
    return to;
}

ENTRY(char *, xp_strcat, char *to, const char *from)
{
    uint64_t pc = PC;
    size_t length = read_string(from, SIZE_MAX, pc);
    put_string(to + read_string(to, SIZE_MAX, pc), from, length, pc);
    return to;
}

ENTRY(char *, xp_strncat, char *to, const char *from, size_t most)
{
    uint64_t pc = PC;
    size_t length = read_string(from, most, pc);
    put_string(to + read_string(to, SIZE_MAX, pc), from, length, pc);
    return to;
}

ENTRY(size_t, xp_strlcpy, char *to, const char *from, size_t size)
{
    uint64_t pc = PC;
    size_t length = read_string(from, SIZE_MAX, pc);
    if (size > 0) {
        put_string(to, from, length < size ? length : size - 1, pc);
    }
    return length;
}

ENTRY(size_t, xp_strlcat, char *to, const char *from, size_t size)
{
    uint64_t pc = PC;
    size_t length = read_string(from, SIZE_MAX, pc);
    size_t before = read_string(to, size, pc);
    size_t left = size - before;
    if (left > 0) {
        put_string(to + before, from, length < left ? length : left - 1, pc);
    }
    return before + length;
}

/* In the C locale, the only one here, each string is its own sort key. */
ENTRY(size_t, xp_strxfrm, char *to, const char *from, size_t size)
{
    uint64_t pc = PC;
    size_t length = read_string(from, SIZE_MAX, pc);
    if (size > 0) {
        size_t written = length < size ? length + 1 : size;
        write_bytes(to, written, pc);
        memmove(to, from, written);
    }
    return length;
}

static char *duplicate(const char *from, size_t most, uint64_t pc)
{
    size_t length = read_string(from, most, pc);
    char *copy = heap_allocate(length + 1, 16, false, pc);
    if (copy != NULL) {
        put_string(copy, from, length, pc);
    } else {
        *xp_errno_location() = ENOMEM;
    }
    return copy;
}

ENTRY(char *, xp_strdup, const char *from)
{
    return duplicate(from, SIZE_MAX, PC);
}

ENTRY(char *, xp_strndup, const char *from, size_t most)
{
    return duplicate(from, most, PC);
}

/* -------------------------------------------------------------------------------------------------------- comparing */

static int same(int character)
{
    return character;
}

/* Compares two strings, and reads both up to the first difference or the NUL. */
static int compare(const char *a, const char *b, size_t most, int (*fold)(int), uint64_t pc)
{
    if (most == 0) {
        return 0;
    }
    check_pointer(a, pc);
    check_pointer(b, pc);
    size_t room_a = heap_room((uint64_t)(uintptr_t)a);
    size_t room_b = heap_room((uint64_t)(uintptr_t)b);
    int difference = 0;
    size_t i = 0;
    for (bool more = true; more && i < most; ++i) {
        if (i == room_a || i == room_b) {
            read_bytes(i == room_a ? b : a, i, pc);
            leave_block(i == room_a ? a : b, i, pc);
        }
        difference = fold((unsigned char)a[i]) - fold((unsigned char)b[i]);
        more = difference == 0 && a[i] != 0;
    }
    read_bytes(a, i, pc);
    read_bytes(b, i, pc);
    return difference;
}

ENTRY(int, xp_strcmp, const char *a, const char *b)
{
    return compare(a, b, SIZE_MAX, same, PC);
}

ENTRY(int, xp_strncmp, const char *a, const char *b, size_t most)
{
    return compare(a, b, most, same, PC);
}

ENTRY(int, xp_strcasecmp, const char *a, const char *b)
{
    return compare(a, b, SIZE_MAX, tolower, PC);
}

ENTRY(int, xp_strncasecmp, const char *a, const char *b, size_t most)
{
    return compare(a, b, most, tolower, PC);
}

ENTRY(int, xp_strverscmp, const char *a, const char *b)
{
    uint64_t pc = PC;
    read_string(a, SIZE_MAX, pc);
    read_string(b, SIZE_MAX, pc);
    return strverscmp(a, b);
}

/* -------------------------------------------------------------------------------------------------------- searching */

ENTRY(size_t, xp_strlen, const char *text)
{
    return read_string(text, SIZE_MAX, PC);
}

ENTRY(size_t, xp_strnlen, const char *text, size_t most)
{
    return read_string(text, most, PC);
}

/* Finds a character or the NUL in a string, and reads the string up to there. */
static char *find_in_string(const char *text, int character, uint64_t pc)
{
    size_t length = string_length(text, SIZE_MAX, pc);
    const char *found = memchr(text, character, length);
    found = found != NULL ? found : text + length;
    read_bytes(text, (size_t)(found - text) + 1, pc);
    return (char *)(uintptr_t)found;
}

ENTRY(char *, xp_strchr, const char *text, int character)
{
    char *found = find_in_string(text, character, PC);
    return *found == (char)character ? found : NULL;
}

ENTRY(char *, xp_strchrnul, const char *text, int character)
{
    return find_in_string(text, character, PC);
}

ENTRY(char *, xp_strrchr, const char *text, int character)
{
    read_string(text, SIZE_MAX, PC);
    return strrchr(text, character);
}

static char *find_string(const char *in, const char *what, char *(*find)(const char *, const char *), uint64_t pc)
{
    size_t size = string_length(in, SIZE_MAX, pc);
    size_t length = read_string(what, SIZE_MAX, pc);
    char *found = find(in, what);
    read_bytes(in, found != NULL ? (size_t)(found - in) + length : size + 1, pc);
    return found;
}

ENTRY(char *, xp_strstr, const char *in, const char *what)
{
    return find_string(in, what, strstr, PC);
}

ENTRY(char *, xp_strcasestr, const char *in, const char *what)
{
    return find_string(in, what, strcasestr, PC);
}

/* The length of the longest prefix whose characters are all in the set, or all not in it. Reads the character after the
 * prefix, too. */
static size_t span(const char *text, const char *set, size_t (*length_of)(const char *, const char *), uint64_t pc)
{
    string_length(text, SIZE_MAX, pc);
    read_string(set, SIZE_MAX, pc);
    size_t length = length_of(text, set);
    read_bytes(text, length + 1, pc);
    return length;
}

ENTRY(size_t, xp_strspn, const char *text, const char *set)
{
    return span(text, set, strspn, PC);
}

ENTRY(size_t, xp_strcspn, const char *text, const char *set)
{
    return span(text, set, strcspn, PC);
}

ENTRY(char *, xp_strpbrk, const char *text, const char *set)
{
    const char *found = text + span(text, set, strcspn, PC);
    return *found != 0 ? (char *)(uintptr_t)found : NULL;
}

/* ------------------------------------------------------------------------------------------------------ descriptions */

static const char *description(int number, uint64_t pc)
{
    const char *text = strerrordesc_np(number);
    if (text == NULL) {
        refuse("the program asks for the description of error %d" AT ", which has none", number, pc);
    }
    return text;
}

ENTRY(char *, xp_strerror, int number)
{
    return (char *)(uintptr_t)description(number, PC);
}

/* The GNU function, which does not use the caller's buffer; that of POSIX below writes to it. */
ENTRY(char *, xp_strerror_r, int number, char *to, size_t size)
{
    (void)to;
    (void)size;
    return (char *)(uintptr_t)description(number, PC);
}

ENTRY(int, xp___xpg_strerror_r, int number, char *to, size_t size)
{
    uint64_t pc = PC;
    const char *text = description(number, pc);
    size_t length = strlen(text);
    if (size > 0) {
        put_string(to, text, length < size ? length : size - 1, pc);
    }
    return length < size ? 0 : ERANGE;
}

ENTRY(char *, xp_strsignal, int number)
{
    const char *text = sigdescr_np(number);
    if (text == NULL) {
        refuse("the program asks for the description of signal %d" AT ", which has none", number, PC);
    }
    return (char *)(uintptr_t)text;
}

SAME(__tsan_memcpy, xp_memcpy);
SAME(__tsan_memmove, xp_memcpy);
SAME(__tsan_memset, xp_memset);
SAME(xp_memmove, xp_memcpy);
SAME(xp_bcmp, xp_memcmp);
SAME(xp_explicit_bzero, xp_bzero);
SAME(xp_index, xp_strchr);
SAME(xp_rindex, xp_strrchr);
SAME(xp_strcoll, xp_strcmp);
SAME(xp___strdup, xp_strdup);
SAME(xp___strndup, xp_strndup);
SAME(xp___stpcpy, xp_stpcpy);
SAME(xp___mempcpy, xp_mempcpy);
SAME(xp___rawmemchr, xp_rawmemchr);

/* Fortified forms: their last argument, the size of the target, is not needed, since the bounds of blocks are known. */
SAME(xp___memcpy_chk, xp_memcpy);
SAME(xp___memmove_chk, xp_memcpy);
SAME(xp___mempcpy_chk, xp_mempcpy);
SAME(xp___memset_chk, xp_memset);
SAME(xp___explicit_bzero_chk, xp_bzero);
SAME(xp___strcpy_chk, xp_strcpy);
SAME(xp___stpcpy_chk, xp_stpcpy);
SAME(xp___strncpy_chk, xp_strncpy);
SAME(xp___stpncpy_chk, xp_stpncpy);
SAME(xp___strcat_chk, xp_strcat);
SAME(xp___strncat_chk, xp_strncat);
