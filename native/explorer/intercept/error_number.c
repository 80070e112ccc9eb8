/* error_number.c - errno. */
#define _GNU_SOURCE
#include "intercept.h"

/* Each thread's own, as the system's, of which all of them would have the same. */
static int error_numbers[MAX_THREADS];

int *xp_errno_location(void)
{
    return &error_numbers[run.current];
}
