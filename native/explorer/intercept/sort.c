/*
 * sort.c - qsort, bsearch and the linear searches. The comparator is the program's own function, makes its own accesses, and
 * gets addresses in the program's array. The sort is that of glibc before 2.37, a stable merge sort, so each execution compares
 * the same elements in the same order.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "library.h"

struct sort {
    char *merged; /* a block of the heap, so that copies of unwritten bytes count as unwritten */
    size_t each;
    int (*compare)(const void *, const void *);
    int (*compare_with)(const void *, const void *, void *);
    void *argument;
    uint64_t pc;
};

static void merge_sort(const struct sort *sort, char *from, size_t count)
{
    if (count < 2) {
        return;
    }
    size_t left = count / 2;
    size_t right = count - left;
    char *a = from;
    char *b = from + left * sort->each;
    merge_sort(sort, a, left);
    merge_sort(sort, b, right);
    char *to = sort->merged;
    while (left > 0 && right > 0) {
        int order = sort->compare != NULL ? sort->compare(a, b) : sort->compare_with(a, b, sort->argument);
        char **next = order <= 0 ? &a : &b;
        --*(order <= 0 ? &left : &right);
        copy_bytes(to, *next, sort->each, sort->pc);
        *next += sort->each;
        to += sort->each;
    }
    if (left > 0) {
        copy_bytes(to, a, left * sort->each, sort->pc);
    }
    copy_bytes(from, sort->merged, (count - right) * sort->each, sort->pc);
}

static void sort_array(void *from, size_t count, struct sort sort)
{
    if (count < 2 || sort.each == 0) {
        return;
    }
    check_pointer(from, sort.pc);
    if (heap_room((uint64_t)(uintptr_t)from) / sort.each < count) {
        read_bytes(from, count * sort.each, sort.pc);
    }
    sort.merged = heap_allocate(count * sort.each, 16, false, sort.pc);
    if (sort.merged == NULL) {
        refuse("qsort() of %zu elements of %zu bytes finds no memory" AT, count, sort.each, sort.pc);
    }
    merge_sort(&sort, from, count);
    heap_free(sort.merged, sort.pc);
}

ENTRY(void, xp_qsort, void *from, size_t count, size_t each, int (*compare)(const void *, const void *))
{
    sort_array(from, count, (struct sort){.each = each, .compare = compare, .pc = PC});
}

ENTRY(void, xp_qsort_r, void *from, size_t count, size_t each, int (*compare)(const void *, const void *, void *),
      void *argument)
{
    sort_array(from, count, (struct sort){.each = each, .compare_with = compare, .argument = argument, .pc = PC});
}

/* The searches themselves do not access the array: the comparator does. */
ENTRY(void *, xp_bsearch, const void *key, const void *from, size_t count, size_t each,
      int (*compare)(const void *, const void *))
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *at = (const char *)from + middle * each;
        int order = compare(key, at);
        if (order == 0) {
            return (void *)(uintptr_t)at;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static void *find_element(const void *key, const void *from, size_t count, size_t each,
                          int (*compare)(const void *, const void *))
{
    for (size_t i = 0; i < count; ++i) {
        const char *at = (const char *)from + i * each;
        if (compare(key, at) == 0) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}

ENTRY(void *, xp_lfind, const void *key, const void *from, size_t *count, size_t each,
      int (*compare)(const void *, const void *))
{
    read_bytes(count, sizeof *count, PC);
    return find_element(key, from, *count, each, compare);
}

ENTRY(void *, xp_lsearch, const void *key, void *from, size_t *count, size_t each, int (*compare)(const void *, const void *))
{
    uint64_t pc = PC;
    read_bytes(count, sizeof *count, pc);
    void *found = find_element(key, from, *count, each, compare);
    if (found == NULL) {
        found = (char *)from + *count * each;
        copy_bytes(found, key, each, pc);
        write_bytes(count, sizeof *count, pc);
        ++*count;
    }
    return found;
}
