/* library.h - what the interceptors of the C library share. */
#ifndef EXPLORER_LIBRARY_H
#define EXPLORER_LIBRARY_H

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>

#include "intercept.h"

/* In a refusal: a pc, which the command replaces by its line. */
#define AT "{at 0x%" PRIx64 "}"

/* An entry point, with its prototype, since no header has one. */
#define ENTRY(result, name, ...) \
    result name(__VA_ARGS__);    \
    result name(__VA_ARGS__)

/* library.c: accesses of a library function. One that leaves its block of the heap is reported and ends the execution: the
 * memory behind the block belongs to other blocks. */
void read_bytes(const void *from, size_t size, uint64_t pc);
void write_bytes(const void *to, size_t size, uint64_t pc);
void copy_bytes(void *to, const void *from, size_t size, uint64_t pc); /* copies of unwritten bytes count as unwritten */
void leave_block(const void *from, size_t room, uint64_t pc) __attribute__((noreturn));
void check_pointer(const void *pointer, uint64_t pc);
size_t string_length(const char *text, size_t most, uint64_t pc); /* no access yet: the caller may read only a part */
size_t read_string(const char *text, size_t most, uint64_t pc);
size_t read_wide_string(const void *text, size_t most, uint64_t pc); /* of wchar_t */

/* format.c */
void read_format(const char *format, va_list arguments, uint64_t pc);

#endif
