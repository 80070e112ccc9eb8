/* keep.c - a buffer of kept bytes, which are taken back in the order in which they were kept. */
#define _GNU_SOURCE
#include "keep.h"

#include <stdlib.h>

#include "control.h"

struct kept kept EXPLORER_STATE = {.bytes = NULL};

void copy_many(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}

/* Makes room for so many bytes. */
void keep_more(size_t size)
{
    kept.room = (kept.at + size) * 2;
    kept.bytes = must(realloc(kept.bytes, kept.room));
}
