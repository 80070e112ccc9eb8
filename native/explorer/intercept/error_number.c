/* error_number.c - errno. */
#define _GNU_SOURCE
#include "intercept.h"

/* One for each thread: to the system, all fibers are one thread and share its errno. */
static int error_numbers[MAX_THREADS];

int *xp_errno_location(void)
{
    return &error_numbers[run.current];
}
