/*
 * globals.c - the bounds of static variables, from the program's own symbol table.
 *
 * An access that begins in one variable and ends outside it is out of bounds. An access that lies wholly in the wrong variable
 * cannot be told from a right one.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

struct variable {
    uint64_t start;
    uint64_t end;
    bool of_library;
};

extern char __data_start[];
extern char _end[];

struct inner_ends inner_ends EXPLORER_STATE = {0};
static struct variable *variables EXPLORER_STATE = NULL;
static int variable_count EXPLORER_STATE = 0;
static int variable_room EXPLORER_STATE = 0;

static int by_start(const void *a, const void *b)
{
    const struct variable *one = a;
    const struct variable *other = b;
    return one->start != other->start ? (one->start < other->start ? -1 : 1) : (one->end > other->end) - (one->end < other->end);
}

/* Variables of the C++ standard library that all threads share, such as std::cout, and whose accesses the library
 * synchronises. */
static bool is_of_library(const char *name)
{
    static const char *const beginnings[] = {"_ZSt", "_ZNSt", "_ZN9__gnu_cxx"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; ++i) {
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void take_symbols(const uint8_t *file, size_t bytes)
{
    const ElfW(Ehdr) *header = (const void *)file;
    if (bytes < sizeof *header || header->e_shoff + header->e_shnum * sizeof(ElfW(Shdr)) > bytes) {
        return;
    }
    const ElfW(Shdr) *sections = (const void *)(file + header->e_shoff);
    for (int i = 0; i < header->e_shnum; ++i) {
        const ElfW(Sym) *symbols = (const void *)(file + sections[i].sh_offset);
        const char *names = (const char *)file + sections[sections[i].sh_link].sh_offset;
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_offset + sections[i].sh_size > bytes) {
            continue;
        }
        for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; ++k) {
            uint64_t start = symbols[k].st_value;
            if ((symbols[k].st_info & 0xf) == STT_OBJECT && symbols[k].st_size > 0 &&
                start >= (uint64_t)(uintptr_t)__data_start && start < (uint64_t)(uintptr_t)_end) {
                variables = grown(variables, &variable_room, variable_count + 1, sizeof *variables);
                variables[variable_count++] = (struct variable){
                    .start = start, .end = start + symbols[k].st_size, .of_library = is_of_library(names + symbols[k].st_name)};
            }
        }
    }
}

/* Reads the program's symbol table; without one, no bounds are known. */
void globals_prepare(void)
{
    struct stat about;
    int descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &about) != 0) {
        return;
    }
    size_t bytes = (size_t)about.st_size;
    void *file = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (file != MAP_FAILED) {
        take_symbols(file, bytes);
        munmap(file, bytes);
        qsort(variables, (size_t)variable_count, sizeof *variables, by_start);
    }
    if (variable_count > 0) {
        inner_ends.first = (uint64_t)(uintptr_t)__data_start / 8;
        inner_ends.count = (uint64_t)(uintptr_t)_end / 8 + 1 - inner_ends.first;
        inner_ends.of = reserve(inner_ends.count);
    }
    for (int i = 0; i < variable_count; ++i) {
        uint64_t at = variables[i].end / 8 - inner_ends.first;
        if (variables[i].end % 8 != 0 && at < inner_ends.count) {
            inner_ends.of[at] = 1;
        }
    }
}

/* The static variable in which an address lies, or NULL. */
static const struct variable *variable_at(uint64_t address)
{
    if (address < (uint64_t)(uintptr_t)__data_start || address >= (uint64_t)(uintptr_t)_end || variable_count == 0) {
        return NULL;
    }
    int low = 0;
    int high = variable_count;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (variables[middle].start <= address) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const struct variable *found = &variables[low];
    return found->start <= address && address < found->end ? found : NULL;
}

/* The bytes from an address to the end of the static variable in which it lies; SIZE_MAX if it lies in none. */
size_t globals_room(uint64_t address)
{
    const struct variable *found = variable_at(address);
    return found != NULL ? (size_t)(found->end - address) : SIZE_MAX;
}

/* Whether an address lies in a static variable of the standard library of C++. */
bool is_library_variable(uint64_t address)
{
    const struct variable *found = variable_at(address);
    return found != NULL && found->of_library;
}

void check_variable(uint64_t address, size_t size, bool write, uint64_t pc)
{
    if (size > globals_room(address)) {
        report("out-of-bounds", pc, 0, "%s of %zu bytes that begins in a static variable and ends outside it",
               write ? "write" : "read", size);
    }
}
