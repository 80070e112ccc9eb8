/* The other file of the program of part_one.c. */
#include <stdatomic.h>

atomic_int shared_count;
void *add_one(void *unused);

void *add_one(void *unused)
{
    atomic_fetch_add(&shared_count, 1);
    return unused;
}
