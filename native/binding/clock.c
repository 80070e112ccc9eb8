/* The monotonic clock, and the time slice of a task in an event loop: how long it runs, if it never has to wait, before it yields. */
#include "binding.h"

#if defined(_WIN32)
#  include <windows.h>
#else
#  include <time.h>
#endif

#define TIME_SLICE INT64_C(1000000) /* nanoseconds */
#define MOST_ATTEMPTS 16

int64_t clock_now(void)
{
#if defined(_WIN32)
    return (int64_t)GetTickCount64() * 1000000;
#else
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

/* The time slice of this thread's event loop: a thread runs one loop at a time. */
static _Thread_local struct {
    int64_t begun;
    uint32_t attempts; /* how many the next reading of the clock allows */
} time_slice;

static int is_over(void)
{
    return clock_now() - time_slice.begun >= TIME_SLICE;
}

int slice_check(uint32_t *attempts)
{
    if (is_over())
        return 0;
    *attempts = time_slice.attempts - 1;
    time_slice.attempts = time_slice.attempts < MOST_ATTEMPTS ? 2 * time_slice.attempts : MOST_ATTEMPTS;
    return 1;
}

PyObject *time_slice_over(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyBool_FromLong(is_over());
}

PyObject *time_slice_begins(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    time_slice.begun = clock_now();
    time_slice.attempts = 1;
    Py_RETURN_NONE;
}
