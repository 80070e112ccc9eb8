/* How long a task that need not wait goes on before the event loop has its turn. */
#include "binding.h"

#define LONGEST INT64_C(1000000) /* nanoseconds */
#define MOST_ATTEMPTS 16

/* An event loop runs in one thread at a time. */
static _Thread_local struct {
    int64_t begun;
    uint32_t attempts; /* after the next look at the clock */
} turn;

static int is_over(void)
{
    return clock_now() - turn.begun >= LONGEST;
}

int turn_look(uint32_t *attempts)
{
    if (is_over())
        return 0;
    *attempts = turn.attempts - 1;
    turn.attempts = turn.attempts < MOST_ATTEMPTS ? 2 * turn.attempts : MOST_ATTEMPTS;
    return 1;
}

PyObject *tell_turn_over(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    return PyBool_FromLong(is_over());
}

PyObject *tell_turn_begins(PyObject *module, PyObject *none)
{
    (void)module, (void)none;
    turn.begun = clock_now();
    turn.attempts = 1;
    Py_RETURN_NONE;
}
