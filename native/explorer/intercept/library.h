/* library.h - what the interceptors of the C library share. */
#ifndef EXPLORER_LIBRARY_H
#define EXPLORER_LIBRARY_H

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>

#include "intercept.h"

/* In a refusal: the line of this pc, which the command puts in. */
#define AT "{at 0x%" PRIx64 "}"

/* An entry point, with the prototype that no header has. */
#define ENTRY(result, name, ...) \
    result name(__VA_ARGS__);    \
    result name(__VA_ARGS__)

/* library.c: accesses of a library function. One that leaves its block of the heap ends the execution, once it is reported:
 * what lies behind belongs to others. */
void read_bytes(const void *from, size_t size, uint64_t pc);
void write_bytes(const void *to, size_t size, uint64_t pc);
void copy_bytes(void *to, const void *from, size_t size, uint64_t pc); /* unwritten bytes stay so */
void leave_block(const void *from, size_t room, uint64_t pc) __attribute__((noreturn));
void check_pointer(const void *pointer, uint64_t pc);
size_t string_length(const char *text, size_t most, uint64_t pc); /* no access yet: the string may be read in part */
size_t read_string(const char *text, size_t most, uint64_t pc);
size_t read_wide_string(const void *text, size_t most, uint64_t pc); /* of wchar_t */

/* format.c */
void read_format(const char *format, va_list arguments, uint64_t pc);

#endif
